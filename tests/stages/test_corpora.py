"""Stage corpora: the profile's four corpora arrive where the other stages look for them."""

from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import read_json
from pipeline.core.tasks import CORPORA, SPLITS
from pipeline.core.yaml12 import as_yaml, read_yaml
from stages.corpora import main
from tests.stages.conftest import ROOT, run_command

SMALL = {"train": 12, "dev": 8, "test": 5}


def write_small_params(folder: Path) -> None:
    """Write the project's params.yaml with generated corpora that are small."""
    params = read_yaml(ROOT / paths.PARAMS)
    params["profiles"]["demo"]["corpora"]["sizes"] = {name: dict(SMALL) for name in CORPORA}
    (folder / paths.PARAMS).write_text(as_yaml(params), encoding="utf-8")


def test_the_command_writes_four_corpora_and_a_line_on_each(tmp_path: Path) -> None:
    write_small_params(tmp_path)
    done = run_command("corpora", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in CORPORA:
        folder = tmp_path / paths.corpus_dir(name)
        files = [paths.split_csv(folder, split) for split in SPLITS]
        assert [len(file.read_bytes().splitlines()) for file in files] == [13, 9, 6]
        assert read_json(paths.corpus_origin(folder))["source"] == "synthetic"
        assert len(list(folder.iterdir())) == len(SPLITS) + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "params.yaml"]
    said = done.stderr.splitlines()
    assert len(said) == len(CORPORA)
    for line, name in zip(said, CORPORA, strict=True):
        assert f"{name}: {SMALL} examples, 0 rows dropped" in line


@pytest.mark.parametrize(
    ("dep", "is_watched"), [('      - "pairs"', True), ("      - mypairs", False)]
)
def test_files_of_ones_own_that_dvc_does_not_watch_are_named(
    dep: str,
    is_watched: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = (ROOT / "params.yaml").read_text()
    before, _, after = text.partition("      source: synthetic")
    rest = after[after.index("    backbone:") :]
    (tmp_path / "params.yaml").write_text(f"{before}      source: local:pairs\n{rest}")
    (tmp_path / "dvc.yaml").write_text(dep)
    (tmp_path / "pairs").mkdir()
    for split in ("train", "dev"):
        (tmp_path / f"pairs/sts-{split}.csv").write_text("id,first,second,label\na,b,c,1\n")
    monkeypatch.chdir(tmp_path)
    main([])
    assert ("DVC does not watch pairs: run `make graph` once" in caplog.text) != is_watched
