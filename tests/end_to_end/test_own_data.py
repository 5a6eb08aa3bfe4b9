"""A user's own sentence pairs, as in docs/adding.md: one line of params.yaml, with real DVC."""

import json
import re
from contextlib import chdir
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core.tasks import CORPORA
from pipeline.data.reading import write_split
from pipeline.data.synthetic import generate
from pipeline.errors import CorpusError
from pipeline.launch.sweep import prepare_graph
from pipeline.plumbing.params import SplitSizes, load_params
from stages import corpora, train
from tests.torture.repository import Repository, small_repository

pytestmark = pytest.mark.dvc
SIZES = SplitSizes(train=48, dev=24, test=8)
RUNS = ("sst-pretrain", "multitask-pretrain")


def write_own_pairs(folder: Path) -> None:
    """Write STS in the course's format, with tabs, and Quora in our schema."""
    folder.mkdir()
    for split, frame in generate("sts", SIZES, seed=1).items():
        named = frame.rename(
            columns={"first": "sentence1", "second": "sentence2", "label": "similarity"}
        )
        named.to_csv(folder / f"sts-{split}.tsv", sep="\t", index=False)
    for split, frame in generate("quora", SIZES, seed=1).items():
        write_split(folder / f"quora-{split}.csv", frame, CORPORA["quora"])


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Repository:
    """Return a repository that was reproduced with two of the user's own corpora."""
    folder = tmp_path_factory.mktemp("own")
    small = small_repository(folder / "project", tiny_backbone_dir)
    small.keep(*RUNS)
    write_own_pairs(folder / "my data")
    small.set(profiles__demo__corpora={"source": "local:../my data"})
    with chdir(small.folder):
        prepare_graph(load_params(), {})  # as `make repro` does first
    small.make()
    return small


def test_a_corpus_without_files_is_removed_from_its_runs_with_a_message(
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(repository.folder)
    caplog.set_level("INFO")
    train.main("sst-pretrain")
    assert caplog.messages == [
        "sst-pretrain is left out: ../my data has no files of sst",
    ]
    rows = json.loads((repository.folder / "reports/demo/table3.json").read_text())
    assert [(row["run"], row["corpus"]) for row in rows] == [
        ("multitask-pretrain", "quora"),
        ("multitask-pretrain", "sts"),
    ]
    pages = repository.folder / "reports/demo"
    assert "**These scores are on your own data.**" in (pages / "table3.md").read_text()
    assert "../my data has no files of sst: left out" in (pages / "data.md").read_text()
    assert main(["predict", "--run", "sst-pretrain", "Fine."]) == 1
    output = capsys.readouterr().err
    assert "run 'sst-pretrain' is left out: ../my data has no files of sst" in output


def test_a_changed_file_reruns_what_depends_on_it(repository: Repository) -> None:
    path = repository.folder.parent / "my data/sts-train.tsv"
    lines = path.read_text().splitlines(keepends=True)
    before = repository.hashes("data", "reports")
    path.write_text("".join(lines[:-1]))
    done = repository.pipeline("repro", "--verbose")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    ran = set(re.findall(r"Running stage '([^']+)'", done.stdout))
    assert {"corpora", "validate", "tokens@sts", "train@multitask-pretrain"} < ran
    assert not ran & {"tokens@quora", "features@quora-joint", "train@sst-pretrain"}
    path.write_text("".join(lines))
    ran, output = repository.repro()
    assert ran <= {"report"}
    assert "Stage 'train@multitask-pretrain' is cached - skipping run" in output
    assert repository.hashes("data", "reports") == before


def test_an_unreadable_file_is_named_and_nothing_is_lost(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.folder)
    path = Path("../my data/quora-dev.csv")
    before = repository.hashes("data/corpora")
    path.write_text(path.read_text().replace(",1\n", ",2\n"))
    problem = "label 2 of quora must be a whole number from 0 to 1"
    with pytest.raises(CorpusError, match=f"{path}.*{problem}"):
        corpora.main()
    assert repository.hashes("data/corpora") == before
