"""Stage corpora: the profile's four corpora go where the other stages look for them."""

from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import read_json
from pipeline.core.tasks import CORPORA, SPLITS
from pipeline.core.yaml12 import as_yaml
from stages.corpora import main
from tests.params import with_value

SMALL = {"train": 12, "dev": 8, "test": 5}


@pytest.fixture(autouse=True)
def _here(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "pipeline")


def test_it_writes_four_corpora_and_logs_each(caplog: pytest.LogCaptureFixture) -> None:
    sizes = {name: dict(SMALL) for name in CORPORA}
    paths.PARAMS.write_text(as_yaml(with_value("profiles.demo.corpora.sizes", sizes)))
    main()
    for name in CORPORA:
        folder = paths.corpus_dir(name)
        files = [paths.split_csv(folder, split) for split in SPLITS]
        assert [len(file.read_bytes().splitlines()) for file in files] == [13, 9, 6]
        assert read_json(folder / paths.ORIGIN)["source"] == "synthetic"
        assert len(list(folder.iterdir())) == len(SPLITS) + 1
    assert sorted(path.name for path in Path().iterdir()) == ["data", "params.yaml"]
    for line, name in zip(caplog.messages, CORPORA, strict=True):
        assert line.startswith(f"{name}: {SMALL} examples, 0 rows dropped")


@pytest.mark.parametrize(
    ("dep", "is_watched"), [('      - "pairs"', True), ("      - mypairs", False)]
)
def test_own_files_that_are_not_dependencies_are_named(
    dep: str, is_watched: bool, caplog: pytest.LogCaptureFixture
) -> None:
    own = with_value("profiles.demo.corpora", {"source": "local:pairs"})
    paths.PARAMS.write_text(as_yaml(own))
    paths.DVC_YAML.write_text(dep)
    Path("pairs").mkdir()
    for split in ("train", "dev"):
        Path(f"pairs/sts-{split}.csv").write_text("id,first,second,label\na,b,c,1\n")
    main()
    assert ("DVC does not watch pairs: run `make graph` once" in caplog.text) != is_watched
