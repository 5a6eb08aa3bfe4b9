"""Results for the tests of reports, and the files that contain them.

Scores are made up; everything else comes from the committed demo.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

from pipeline.core import paths
from pipeline.core.paper import Scheme
from pipeline.core.records import (
    Analysis,
    Bin,
    CorpusReport,
    CorpusScores,
    Example,
    Finding,
    Mistake,
    RunInputs,
    RunScores,
    RunSummary,
)
from pipeline.core.tasks import CORPORA, CorpusName, Mode
from pipeline.evaluation.course_format import write_predictions
from pipeline.plumbing.params import Params, load_params
from pipeline.plumbing.stage_times import StageTime
from pipeline.plumbing.trials import Trial
from pipeline.reporting.gathering import gather
from pipeline.reporting.pages import data_page, run_page, write_report
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.records import records_of
from pipeline.reporting.results import Outcome, Result
from pipeline.site.site import write_site

M = TypeVar("M", bound=BaseModel)
ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")
RECORDS = ROOT / paths.report_dir("demo") / paths.RECORDS


@pytest.fixture
def params(here: Path) -> Params:
    """Write what ten runs would have left into a folder of its own, and go there."""
    return left_by_runs()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a report in `reports/demo`; do not change it."""
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_report(left_by_runs(), {}, paths.report_dir("demo"), paths.SUMMARY)
    return folder


@pytest.fixture(scope="session")
def outcome(written: Path) -> Outcome:
    """Return the content of that report: every row scores 0.5."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(written)
        return read_outcome(PARAMS, {}, records_of("demo"))


@pytest.fixture(scope="session")
def site(written: Path, outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site with every kind of page, some hostile or wide; do not change it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(written / "reports", folder / "reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        texts = {name: {"wrong": HOSTILE} for name in CORPORA} | {"sts": {"wrong": UNBROKEN}}
        outcome = replace(outcome, texts=texts)
        report = paths.report_dir("demo")
        for run in ("sst-pretrain", "sts-pretrain", "multitask-finetune"):
            write(report / f"runs/{run}.md", run_page(PARAMS, outcome, run))
        findings = [
            replace(FINDING, examples=[Example("wrong", text, "")]) for text in (HOSTILE, UNBROKEN)
        ]
        validation = VALIDATION.model_copy(update={"findings": findings})
        write(report / "data.md", data_page({"sst": validation}, "head"))
        write(paths.COMPARISON, "# `HEAD` against `main`\n\n[Ours](demo/table3.md)\n")
        StageTime(stage="train@sst-pretrain", seconds=61.7, threads=2).write(
            paths.stage_time("demo", "train@sst-pretrain")
        )
        write_site("demo", Path("site"))
    return folder / "site"


def result_of(
    corpus: CorpusName, scheme: Scheme, mode: Mode, score: float | None, **changes: Any
) -> Result:
    """Return a row of Table 3 with a score and an interval of ± 0.02."""
    values: dict[str, Any] = SCORE | {
        "configuration": f"{corpus}-{scheme}-{mode}",
        "run": f"{corpus}-{mode}" if scheme == "single-task" else f"multitask-{mode}",
        "task": "SST",
        "corpus": corpus,
        "scheme": scheme,
        "mode": mode,
        "learning_rate": 1e-5,
        "batch_size": 64,
        "score": score,
        "ci_low": None if score is None else score - 0.02,
        "ci_high": None if score is None else score + 0.02,
        "paper_score": 0.5,
        "reason": "undefined: constant predictions" if score is None else None,
        "stopped": False,
        "analysis": ANALYSIS[CORPORA[corpus].has_classes],
    }
    return Result(**(values | changes))


def cells_of(rows: Iterable[str]) -> list[list[str]]:
    """Return the cells of rows of a table in Markdown."""
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def changed(record: M, **values: Any) -> M:
    """Return a record with other values."""
    return record.model_copy(update=values)


def outcome_of(params: Params, trials: Mapping[str, Trial] | None = None) -> Outcome:
    """Gather the results in this folder as records, and read them."""
    with TemporaryDirectory() as folder:
        return read_outcome(params, trials or {}, gather(params, trials or {}, Path(folder)))


def left_by_runs() -> Params:
    """Write the results of ten runs into this folder."""
    for name, run in PARAMS.runs.items():
        folder = paths.run_dir(name)
        rows = [
            f"{e},{corpus},3,24,0.5,1.5,accuracy,0.5," for e in (1, 2) for corpus in run.corpora
        ]
        header = "epoch,corpus,steps,examples,train_loss,gradient_norm,dev_metric,dev_score,note"
        scores = {corpus: corpus_scores(corpus) for corpus in run.corpora}
        RunScores(run=name, corpora=scores, weights_sha256="0" * 64).write(paths.scores_json(name))
        for corpus in run.corpora:
            for split in ("dev", "test"):
                path = paths.predictions_csv(name, corpus, split)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_predictions(path, ["wrong"], [0.0], CORPORA[corpus])
        inputs = RunInputs.read(RECORDS / f"inputs/{name}.json")
        files = {"files": {"data/x": "1" * 64}}
        inputs.model_copy(update=files).write(paths.inputs_json(name))
        summary = RunSummary.read(RECORDS / f"runs/{name}/run.json")
        trained = {"epochs": 2, "best_epoch": 1, "device": "cpu", "precision": "fp32"}
        summary.model_copy(update=trained).write(folder / paths.RUN_SUMMARY)
        write(folder / paths.HISTORY, "\n".join([header, *rows]) + "\n")
    for corpus in CORPORA:
        VALIDATION.model_copy(update={"corpus": corpus}).write(paths.validation_json(corpus))
        second = "A second one." if CORPORA[corpus].is_pair else ""
        text = f"id,first,second,label\nwrong,A *first* sentence.,{second},1\n"
        write(paths.split_csv(paths.corpus_dir(corpus), "dev"), text)
    write(paths.DEAD_HEADS, {"runs": []})
    return PARAMS


def corpus_scores(corpus: CorpusName) -> CorpusScores:
    analysis = ANALYSIS[CORPORA[corpus].has_classes]
    return CorpusScores(**SCORE | {"metric": CORPORA[corpus].task.metric}, analysis=analysis)


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


# of classes, and of similarities
ANALYSIS = {
    True: Analysis(
        confusion=[[2, 1], [0, 1]],
        points=[],
        bins=[Bin(0.0, 0.5, 0, None, None), Bin(0.5, 1.0, 4, 0.8, 0.75)],
        calibration_error=0.05,
        mistakes=[Mistake("wrong", 0.0, 1.0, 0.9)],
        num_zero=None,
    ),
    False: Analysis(
        confusion=[],
        points=[(0.0, 1.0), (5.0, 0.0)],
        bins=[Bin(0.0, 2.5, 2, 0.5, 2.5), Bin(2.5, 5.0, 0, None, None)],
        calibration_error=2.0,
        mistakes=[Mistake("wrong", 5.0, 0.0, None)],
        num_zero=1,
    ),
}
SCORE: dict[str, Any] = {
    "num_examples": 4,
    "secondary": {"macro_f1": 0.5},
    "metric": "accuracy",
    "score": 0.5,
    "ci_low": 0.4,
    "ci_high": 0.6,
    "reason": None,
    "majority_class": None,
    "left_out": {"dev": 0, "test": 0},
    "best_epoch": 1,
}
VALIDATION = CorpusReport.read(RECORDS / "validation/sst.json").model_copy(update={"findings": []})
FINDING = Finding("first_length", "dev", "warning", False, "What is expected.", "1 of 2")
HOSTILE = (
    "<script>document.title = 'taken'</script><img src=https://example.org/x onerror=alert(1)> "
    "[a](javascript:alert(1)) ![b](https://example.org/b) https://example.org"
)
UNBROKEN = "unbroken" * 50
