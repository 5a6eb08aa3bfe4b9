"""compare: two runs, two commits with real DVC, and names that cannot be compared."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.cli import main
from pipeline.core.files import write_text
from pipeline.core.records import RunSummary
from pipeline.core.yaml12 import as_yaml
from pipeline.errors import ReportError
from pipeline.launch.revisions import page_of
from pipeline.reporting.comparison import asked_of, read_side
from pipeline.reporting.comparison_page import comparison_page
from tests.working_copy import WorkingCopy

ROOT = Path(__file__).parents[2]
SUMMARY = RunSummary.read(ROOT / "reports/demo/records/runs/sst-finetune/run.json")
SIZE = 60
LABELS = [i % 5 for i in range(SIZE)]
SHIFTED = [(label + 1) % 5 for label in LABELS]
BETTER = [*LABELS[:50], *SHIFTED[50:]]  # 50 of 60
WORSE = [*LABELS[:20], *SHIFTED[20:]]  # 20 of 60


def write_project(folder: Path, predictions: Mapping[str, Sequence[float]], rate: float) -> None:
    """Write the files of a pipeline with runs on SST."""
    lines = [f"{i},text {i},,{label}" for i, label in enumerate(LABELS)]
    write_text(folder / "data/corpora/sst/dev.csv", "\n".join(["id,first,second,label", *lines]))
    stages: dict[str, object] = {}
    for run, values in predictions.items():
        scores = folder / f"data/scores/{run}.json"
        write_text(scores, str(values))
        lines = [f"{i} , {value} " for i, value in enumerate(values)]
        text = "\n".join(["id \t Predicted_Sentiment ", *lines]) + "\n"
        write_text(folder / f"data/predictions/{run}/sst-dev.csv", text)
        SUMMARY.write(folder / f"data/runs/{run}/run.json")
        md5 = hashlib.md5(scores.read_bytes(), usedforsecurity=False).hexdigest()
        stages[f"evaluate@{run}"] = {
            "deps": [
                {"path": "pipeline/core", "md5": f"{rate}.dir"},
                {"path": "stages/evaluate.py", "md5": "0"},
            ],
            "outs": [{"path": f"data/scores/{run}.json", "md5": md5}],
        }
    params = {
        "profile": "demo",
        "seed": 1,
        "profiles.demo": {"backbone": "tiny", "corpora": {"source": "synthetic"}},
        "runs": {run: {"learning_rate": rate} for run in predictions} | {"rowless": {"dropout": 0}},
        "configurations": {f"of-{run}": {"run": run, "corpus": "sst"} for run in predictions},
    }
    stages["report"] = {"deps": [], "params": {"params.yaml": params}}
    (folder / "dvc.lock").write_text(as_yaml({"stages": stages}))


@pytest.fixture(scope="module", autouse=True)
def _own_dvc_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("site")))
        yield


def compared(folder: Path, *names: str) -> tuple[int, str, str]:
    """Return the exit status of `python -m pipeline compare` and both of its streams."""
    out, err = StringIO(), StringIO()
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        status = main(["compare", *names])
    return status, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with a tag `before` and newer predictions of one run."""
    folder = tmp_path_factory.mktemp("project")
    copy = WorkingCopy(folder)
    copy.done("git", "init", "-q")
    with chdir(folder):
        Repo.init().close()
        Path(".dvc/config").write_text("[cache]\ntype = hardlink\n")  # as in this repository
        for name, of_one, rate in (("before", WORSE, 0.1), ("after", BETTER, 0.2)):
            write_project(folder, {"one": of_one, "two": BETTER}, rate)
            with Repo() as repo:
                repo.add("data")
            copy.done("git", "add", "-A")
            copy.done("git", "commit", "-qm", name)
            copy.done("git", "tag", name)
    return folder


def test_comparing_two_commits_shows_which_is_better_and_what_changed(project: Path) -> None:
    assert compared(project, "before", "HEAD") == (0, "wrote reports/compare.md\n", "")
    page = (project / "reports/compare.md").read_text()
    assert "- **B is better**, and that is real: 1 of 2 (of-one)." in page
    assert "- The same predictions, example by example: 1 of 2." in page
    assert "| of-one        | accuracy |  60 | 0.333 | 0.833 | +0.500 [" in page
    assert "| runs.one.learning_rate | 0.1 | 0.2 |" in page
    assert "Code: pipeline/core.\n" in page
    compared(project, "before", "HEAD")
    assert (project / "reports/compare.md").read_text() == page


def test_two_runs_are_compared_by_corpus(project: Path) -> None:
    assert compared(project, "one", "of-two")[0] == 0
    page = (project / "reports/compare.md").read_text()
    assert "- The same predictions, example by example: 1 of 1." in page


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("before", "nosuch"), "'nosuch' is no experiment, branch or commit"),
        (("one", "before"), "'one' names a run of workspace, 'before' does not; name two runs"),
        (("nosuch", " of-one"), "'of-one' names a run of workspace, 'nosuch' does not"),
        (("one", "rowless"), "run rowless has no row of Table 3"),
        (("one, two", "two"), "both one and two are of sst"),
    ],
)
def test_names_that_cannot_be_compared_give_one_line(
    project: Path, names: tuple[str, str], message: str
) -> None:
    status, out, err = compared(project, *names)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert message in err


def test_commits_can_be_compared_while_the_workspace_is_unfinished(project: Path) -> None:
    lock = project / "dvc.lock"
    whole = lock.read_text()
    lock.write_text("stages: {}\n")
    try:
        revisions, runs = compared(project, "before", "HEAD"), compared(project, "one", "two")
    finally:
        lock.write_text(whole)
    assert revisions[0] == 0, revisions
    assert "dvc.lock of workspace describes no finished report" in runs[2]


def test_two_undefined_scores_are_not_called_the_same(here: Path) -> None:
    write_project(here, dict.fromkeys(("one", "two"), [math.nan] * SIZE), rate=0.1)
    page = page_of("one", "two")
    assert "- Not comparable: a score is undefined: 1 of 1 (sst)." in page
    assert "same predictions" not in page


def test_results_that_do_not_match_dvc_lock_are_rejected(tmp_path: Path) -> None:
    write_project(tmp_path, {"one": WORSE, "two": BETTER}, rate=0.1)
    (tmp_path / "data/scores/one.json").write_text("{}")
    assert "one.json is not the one in dvc.lock" in compared(tmp_path, "one", "two")[2]
    assert not (tmp_path / "reports/compare.md").exists()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("data/runs/one/run.json", '{"schema": "train/1"}'),
        ("data/corpora/sst/dev.csv", "id,sentence,label\n"),
        ("data/predictions/one/sst-dev.csv", "id,prediction\n"),
    ],
)
def test_a_file_from_a_different_version_is_named_with_its_revision(
    tmp_path: Path, path: str, text: str
) -> None:
    write_project(tmp_path, {"one": WORSE}, rate=0.1)
    write_text(tmp_path / path, text)
    side = read_side("before", lambda path: tmp_path / path)
    asked = asked_of(side.configurations, side.configurations, ("a", "b"))
    with pytest.raises(ReportError, match=f"^{path} of before is damaged, or another version"):
        comparison_page(side, side, asked, ("a", "b"))
