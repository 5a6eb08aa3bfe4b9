"""plan_stages predicts what a real `dvc repro` does in a small repository.

The stages are shell commands that record that they ran. They have what dvc.yaml has: a folder as an
out, a dep inside it, a param as a dep, a group, and an out that is not cached.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.errors import PlanError
from pipeline.launch.plan import Outcome, PlannedStage, Reason, plan_stages

pytestmark = pytest.mark.dvc

Change = Callable[[], object]
DVC_YAML = """
stages:
  corpus:
    cmd: mkdir corpus; tr a-z A-Z <words.txt >corpus/train.csv; echo corpus >>ran
    deps: [words.txt, corpus.py]
    outs: [corpus]
  tokens:
    cmd: rev corpus/train.csv >tokens; echo tokens >>ran
    deps: [corpus/train.csv]
    outs: [tokens]
  train:
    foreach: ${runs}
    do:
      cmd: cat tokens >model-${key}; grep ${key} params.yaml >>model-${key}; echo train@${key} >>ran
      deps: [tokens, train.py]
      params: ['runs.${key}']
      outs: ['model-${key}']
  report:
    cmd: cat model-sst model-sts >report; echo report >>ran
    deps: [model-sst, model-sts]
    outs: [report: {cache: false}]
"""
PARAMS = "runs:\n  sst: {rate: 1.0e-3, mode: finetune}\n  sts: {rate: 1.0e-3, mode: finetune}\n"

REORDERED = "runs:\n  sts: {mode: finetune, rate: 1.0e-3}\n  sst: {mode: finetune, rate: 1.0e-3}\n"


def write(name: str, text: str) -> None:
    """Write a new file, because the old one may be a link into DVC's cache."""
    Path(name).unlink(missing_ok=True)
    Path(name).write_text(text)


def set_rate(run: str, rate: str) -> None:
    text = Path("params.yaml").read_text()
    write("params.yaml", re.sub(rf"({run}: .*rate: )1\.0e-3", rf"\g<1>{rate}", text))


def reproduce() -> tuple[set[str], set[str]]:
    """Reproduce; return the stages that ran and those that came from the cache."""
    Path("ran").unlink(missing_ok=True)
    with Repo(".") as repo:
        done = {stage.addressing for stage in repo.reproduce()}
    ran = set(Path("ran").read_text().split()) if Path("ran").exists() else set()
    return ran, done - ran


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a reproduced folder with an earlier result for less text and a different rate."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("index")))
        Repo.init(no_scm=True).close()
        write("dvc.yaml", DVC_YAML)
        for name in ("corpus.py", "train.py"):
            write(name, "\n")
        for words, rate in (("good", "1.0e-3"), ("good bad", "2.0"), ("good bad", "1.0e-3")):
            write("words.txt", words)
            write("params.yaml", PARAMS)
            set_rate("sst", rate)
            reproduce()
        yield folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "repository"
    shutil.copytree(kept, copy)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "index"))
    return copy


def outcomes(stages: list[PlannedStage]) -> dict[str, Outcome]:
    """Return what happens to the stages that are not up to date."""
    return {s.name: s.outcome for s in stages if s.outcome != Outcome.UP_TO_DATE}


def forget_model() -> None:
    """Delete an out and its copy in DVC's cache."""
    text = Path("model-sst").read_text()
    Path("model-sst").unlink()
    for path in Path(".dvc/cache/files").rglob("*"):
        if path.is_file() and path.read_text() == text:
            path.unlink()


def text(name: str, content: str) -> Change:
    return lambda: write(name, content)


def rate(value: str) -> Change:
    return lambda: set_rate("sst", value)


def lost(*names: str) -> Change:
    return lambda: [shutil.rmtree(n) if Path(n).is_dir() else Path(n).unlink() for n in names]


def all_of(*changes: Change) -> Change:
    return lambda: [change() for change in changes]


RUN, CACHE, DEPENDS = Outcome.RUN, Outcome.RUN_CACHE, Outcome.DEPENDS
TRAIN = ("train@sst", "train@sts")
REPORT = {"report": DEPENDS}
NEW_RATE = {"train@sst": RUN} | REPORT
OLD_RATE = {"train@sst": CACHE, "report": RUN}
ALL_CACHED = dict.fromkeys(("corpus", "tokens", *TRAIN), CACHE) | {"report": RUN}
NEW_CORPUS = {"corpus": RUN} | dict.fromkeys(("tokens", *TRAIN, "report"), DEPENDS)
CORPUS_CODE = text("corpus.py", "# a comment\n")
OTHER_ORDERS = text("params.yaml", REORDERED)
CASES: dict[str, tuple[Change, dict[str, Outcome]]] = {
    "a comment in params.yaml": (text("params.yaml", f"# a comment\n{PARAMS}"), {}),
    "a new param": (rate("5.0e-3"), NEW_RATE),
    "an old param": (rate("2.0"), OLD_RATE),
    "an old param in another spelling": (rate("2.00"), OLD_RATE),
    "an old param that only equals it": (rate("2"), NEW_RATE),
    "code": (text("train.py", "# a comment\n"), dict.fromkeys(TRAIN, RUN) | REPORT),
    "data": (text("words.txt", "new"), NEW_CORPUS),
    "old data": (text("words.txt", "good"), ALL_CACHED),
    "code before a new param": (all_of(CORPUS_CODE, rate("5.0e-3")), NEW_CORPUS | NEW_RATE),
    "code before a param that only equals it": (
        all_of(CORPUS_CODE, rate("2")),
        NEW_CORPUS | NEW_RATE,
    ),
    "other orders": (OTHER_ORDERS, {}),
    "other orders and an old param": (all_of(OTHER_ORDERS, rate("2.0")), OLD_RATE),
    "a command": (
        text("dvc.yaml", DVC_YAML.replace("rev corpus", "cat corpus")),
        {"tokens": RUN} | dict.fromkeys((*TRAIN, "report"), DEPENDS),
    ),
    "a missing out": (lost("model-sst"), {"train@sst": CACHE}),
    "a missing out that only dvc.lock describes": (
        lost("model-sst", ".dvc/cache/runs"),
        {"train@sst": CACHE},
    ),
    "an out that exists nowhere": (forget_model, NEW_RATE),
    "a missing report": (lost("report"), {"report": RUN}),
    "no dvc.lock": (lost("dvc.lock"), ALL_CACHED),
}


@pytest.mark.parametrize("case", CASES)
def test_dvc_does_what_was_planned(case: str, folder: Path) -> None:
    change, expected = CASES[case]
    change()
    planned = outcomes(plan_stages())
    assert planned == expected
    ran, restored = reproduce()
    unsure = {name for name, outcome in planned.items() if outcome == DEPENDS}
    assert ran - unsure == {name for name, outcome in planned.items() if outcome == RUN}
    assert restored - unsure == {name for name, outcome in planned.items() if outcome == CACHE}
    assert outcomes(plan_stages()) == {}


COMMAND = "cat corpus/train.csv >tokens; echo tokens >>ran"


@pytest.mark.parametrize(
    ("change", "stage", "outcome", "reason"),
    [
        (rate("5.0e-3"), "train@sst", RUN, Reason("param", "runs.sst.rate", "changed", 1e-3, 5e-3)),
        (rate("5.0e-3"), "report", DEPENDS, Reason("stage", "train@sst", "runs before")),
        (CASES["code"][0], "train@sts", RUN, Reason("dep", "train.py", "changed")),
        (CASES["old data"][0], "tokens", CACHE, Reason("dep", "corpus/train.csv", "changed")),
        (lost("model-sst"), "train@sst", CACHE, Reason("out", "model-sst", "missing")),
        (lost("dvc.lock"), "corpus", CACHE, Reason("stage", "corpus", "never run")),
        (CASES["a command"][0], "tokens", RUN, Reason("command", COMMAND, "changed")),
        # a file without which the run would stop
        (lost("train.py"), "train@sst", RUN, Reason("dep", "train.py", "missing")),
    ],
)
def test_reasons_name_what_changed(
    change: Change, stage: str, outcome: Outcome, reason: Reason, folder: Path
) -> None:
    change()
    stages = {planned.name: planned for planned in plan_stages()}
    assert list(stages) == ["corpus", "tokens", *TRAIN, "report"]  # as they run
    planned = stages[stage]
    assert (planned.outcome, planned.reasons) == (outcome, [reason])


@pytest.mark.parametrize(
    "name",
    ["stage.cache._get_cache_hash", "repo.reproduce.plan_repro", "output.Output._get_hash_meta"],
)
def test_changed_internals_of_dvc_are_reported_in_one_sentence(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    CASES["a new param"][0]()
    monkeypatch.delattr(f"dvc.{name}")
    with pytest.raises(
        PlanError, match=r"there is no plan: DVC 3\.\S+ is not as `make plan` knows"
    ):
        plan_stages()


@pytest.mark.parametrize(
    ("name", "text"),
    [("dvc.yaml", "stages: ["), ("params.yaml", "runs: {sst: 1"), ("dvc.lock", "a: [")],
)
def test_a_file_that_dvc_cannot_read_is_reported_in_its_words(
    name: str, text: str, folder: Path
) -> None:
    write(name, text)
    with pytest.raises(PlanError, match=f"DVC cannot say what would run.*{name}"):
        plan_stages()
