"""Results made by hand for the report's tests."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.reporting.results import Result
from pipeline.tasks import CorpusName, Mode

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
        }
        return Result(**(values | changes))

    return make
