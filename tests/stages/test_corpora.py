"""Stage corpora: the profile's four corpora arrive where the other stages look for them."""

from pathlib import Path

import pytest

from pipeline import paths
from pipeline.corpora.reading import read_split
from pipeline.errors import FetchError
from pipeline.files import read_json
from pipeline.params import SyntheticCorpora, load_params
from pipeline.tasks import CORPORA, SPLITS
from stages.corpora import main

ROOT = Path(__file__).parents[2]


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    """Stand in a folder with the project's own params.yaml under another profile."""
    monkeypatch.chdir(folder)
    text = (ROOT / paths.PARAMS).read_text(encoding="utf-8")
    in_force = load_params(ROOT / paths.PARAMS).profile
    old, new = f"\nprofile: {in_force} ", f"\nprofile: {profile} "
    assert text.count(old) == 1
    paths.PARAMS.write_text(text.replace(old, new), encoding="utf-8")


def test_the_demo_profile_writes_the_sizes_it_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "demo")
    main([])
    asked = load_params().active.corpora
    assert isinstance(asked, SyntheticCorpora)
    for name, corpus in CORPORA.items():
        folder = paths.corpus_dir(name)
        for split in SPLITS:
            frame = read_split(paths.split_csv(folder, split), corpus)
            assert len(frame) == getattr(asked.sizes[name], split)
        assert read_json(paths.corpus_origin(folder))["source"] == "synthetic"
        assert len(list(folder.iterdir())) == len(SPLITS) + 1


def test_the_laptop_profile_takes_pinned_files_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "laptop")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "ids-sst-train.csv").write_text("another file", encoding="utf-8")
    monkeypatch.setenv("MINBERT_MIRROR", str(mirror))
    with pytest.raises(FetchError, match=r"ids-sst-train\.csv from mirror .* expected 03b2b625c"):
        main([])
    assert not paths.CORPORA.exists()


def test_an_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sst"])
    assert "unrecognized arguments: sst" in capsys.readouterr().err
