"""Sentences, weights and results made up for the benchmark's tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.measure import FEATURES, HUGGING_FACE, TEXTBOOK
from benchmarks.ours import ALL
from pipeline.core.files import read_json
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.tokens.token_cache import TokenizedSplit

MakeSplit = Callable[[CorpusName, int], TokenizedSplit]


@pytest.fixture
def make_split() -> MakeSplit:
    """Return a maker of a split: of a corpus, with so many examples."""

    def make(corpus: CorpusName, count: int) -> TokenizedSplit:
        generator = np.random.default_rng(0)
        lengths = generator.integers(3, 10, count * CORPORA[corpus].task.num_sentences)
        return TokenizedSplit(
            CORPORA[corpus],
            generator.integers(1, 60, lengths.sum(), dtype=np.int32),
            np.cumsum([0, *lengths]),
            (np.arange(count) % 2).astype(np.float32),
            np.array([f"id-{i}" for i in range(count)]),
            pad_id=0,
        )

    return make


STEPS = {"sst": 10, "cfimdb": 20, "quora": 35, "sts": 20}


def turns(steps: int, *seconds: float) -> list[dict[str, Any]]:
    """Make a turn of each number of seconds per epoch."""
    return [
        {
            "seconds_per_epoch": each,
            "steps_per_epoch": steps,
            "tokens_per_second": 1000.0,
            "attention_per_second": 20_000.0,
            "peak_memory_mb": 700.0,
        }
        for each in seconds
    ]


def corpus_of(name: str) -> dict[str, Any]:
    steps = STEPS[name]
    return {
        "examples": 100,
        "pooled": CORPORA[name].task.pooling == "pooled",  # type: ignore[index]
        "finetune": {
            TEXTBOOK: turns(steps, 60.0, 80.0, 50.0),
            HUGGING_FACE: turns(steps, 40.0, 40.0, 40.0),
            ALL: turns(steps, 10.0, 10.0, 10.0),
        },
        "frozen": {
            TEXTBOOK: turns(steps, 20.0, 20.0, 20.0),
            HUGGING_FACE: turns(steps, 15.0, 15.0, 15.0),
            ALL: turns(steps, 0.1, 0.1, 0.1),
            FEATURES: turns(2, 4.0, 4.0, 4.0),
        },
    }


@pytest.fixture
def results() -> dict[str, Any]:
    """Return the numbers of a run that never was: finetune 6 times, frozen 40 times as fast."""
    committed = read_json(Path(__file__).parents[2] / "benchmarks/results/cpu.json")
    return {
        **committed,
        "machine": {**committed["machine"], "commit": None},
        "backbone": {"hidden_size": 10, "intermediate_size": 40, "num_hidden_layers": 2},
        "matmul_peak_gflops": {"float32": 0.01, "bfloat16": 0.03},
        "corpora": {name: corpus_of(name) for name in STEPS},
        "dev_seconds": dict.fromkeys(STEPS, 0.9),
        "startup_seconds": {"train": 1.6, "validate": 4.2},
        "growth": {"sst": {"512": 2.0, "1024": 4.0, "2048": 9.0}, "quora": {"512": 3.0}, "sts": {}},
    }
