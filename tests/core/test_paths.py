"""paths: relative to the repository root, no two things in one place, reports apart from data."""

from pathlib import Path

from pipeline.core import paths


def test_paths_are_relative_and_no_two_things_share_a_place() -> None:
    constants = [value for value in vars(paths).values() if isinstance(value, Path)]
    assert len(constants) > 5
    assert not [path for path in constants if path.is_absolute()]
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
    assert paths.report_dir("demo").parent == paths.SUMMARY.parent == paths.REPORTS
