"""paths: relative to the repository root, no two things in one place, reports apart from data."""

from pathlib import Path

from pipeline.core import paths


def test_every_path_is_relative() -> None:
    constants = [value for value in vars(paths).values() if isinstance(value, Path)]
    assert len(constants) > 5
    assert not [path for path in constants if path.is_absolute()]


def test_no_two_things_share_a_place() -> None:
    places = [
        paths.corpus_dir("sst"),
        paths.validation_json("sst"),
        paths.tokens_dir("sst"),
        paths.features_dir("sst"),
        paths.inputs_json("sst"),
        paths.run_dir("sst"),
        paths.scores_json("sst"),
        paths.predictions_dir("sst"),
        paths.BACKBONE,
    ]
    assert len(set(places)) == len(places)
    assert {path.parts[0] for path in places} == {"data"}


def test_split_file_stands_in_its_corpus_folder() -> None:
    assert paths.split_csv(paths.corpus_dir("sts"), "dev") == Path("data/corpora/sts/dev.csv")


def test_each_profile_has_a_report_of_its_own() -> None:
    assert paths.report_dir("demo") == Path("reports/demo")
    assert paths.SUMMARY.parent == paths.REPORTS
