"""Results made by hand for the report's tests, and the files that they are read from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import paths
from pipeline.params import Params, load_params
from pipeline.reporting.results import Result
from pipeline.schemas import EVALUATE, TRAIN, VALIDATE
from pipeline.tasks import CORPORA, CorpusName, Mode

ROOT = Path(__file__).parents[2]
MakeResult = Callable[..., Result]


@pytest.fixture
def result() -> MakeResult:
    """Return a maker of results: corpus, scheme, mode, score; the rest by default."""

    def make(
        corpus: CorpusName, scheme: Any, mode: Mode, score: float | None, **changes: Any
    ) -> Result:
        values: dict[str, Any] = {
            "configuration": f"{corpus}-{scheme}-{mode}",
            "run": f"{corpus}-{mode}" if scheme == "single-task" else f"multitask-{mode}",
            "task": "SST",
            "corpus": corpus,
            "scheme": scheme,
            "mode": mode,
            "learning_rate": 1e-5,
            "batch_size": 64,
            "metric": "accuracy",
            "score": score,
            "ci_low": None if score is None else score - 0.02,
            "ci_high": None if score is None else score + 0.02,
            "paper_score": 0.5,
            "best_epoch": 1,
            "reason": "undefined: constant predictions" if score is None else None,
            "majority_class": 0.26,
            "left_out": {"dev": 0, "test": 0},
            "stopped": False,
        }
        return Result(**(values | changes))

    return make


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Write what ten runs would have left into a folder of its own, and go there."""
    monkeypatch.chdir(tmp_path)
    params = load_params(ROOT / "params.yaml")
    for name, run in params.runs.items():
        folder = paths.run_dir(name)
        rows = [
            f"{e},{corpus},3,24,0.5,1.5,accuracy,0.5," for e in (1, 2) for corpus in run.corpora
        ]
        header = "epoch,corpus,steps,examples,train_loss,gradient_norm,dev_metric,dev_score,note"
        write(
            paths.scores_json(name),
            {"schema": str(EVALUATE), "corpora": dict.fromkeys(run.corpora, SCORE)},
        )
        write(paths.run_summary(folder), summary_of(run.corpora))
        write(paths.run_history(folder), "\n".join([header, *rows]) + "\n")
    for corpus in CORPORA:
        write(paths.validation_json(corpus), VALIDATION | {"corpus": corpus})
    return params


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def summary_of(corpora: tuple[str, ...]) -> dict[str, Any]:
    return {
        "schema": str(TRAIN),
        "best_epoch": 1,
        "stopped": None,
        "device": "cpu",
        "precision": "fp32",
        "epochs": 2,
        "learning_rate": 1e-3,
        "turns": dict.fromkeys(corpora, 1),
        "discarded": {c: {"batches": 0, "examples": 0} for c in corpora},
    }


SCORE = {
    "metric": "accuracy",
    "score": 0.5,
    "ci_low": 0.4,
    "ci_high": 0.6,
    "reason": None,
    "majority_class": None,
    "left_out": {"dev": 0, "test": 0},
    "best_epoch": 1,
}
VALIDATION = {
    "schema": str(VALIDATE),
    "source": "synthetic",
    "counts": {"train": 3, "dev": 2, "test": 1},
    "paper_counts": {"train": 3, "dev": 2, "test": 1},
    "count_notes": {"train": "", "dev": "", "test": ""},
    "dropped": [],
    "notes": [],
    "label_balance": {"train": {"0": 3}, "dev": {"0": 2}, "test": {}},
    "lengths": {
        s: {"min": 1, "median": 1.0, "p95": 1.0, "max": 1} for s in ("train", "dev", "test")
    },
    "findings": [],
}
