"""Numbers of measurements that never were."""

from typing import Any

import pytest

MACHINE = {"processor": "A", "cores": 2, "memory_gb": 8.0, "python": "3.11.0", "commit": None}


def cost(seconds: float) -> dict[str, float]:
    return {"wall_seconds": seconds, "cpu_seconds": seconds, "peak_memory_mb": 10 * seconds}


def size(runs: int, **seconds: float | None) -> dict[str, Any]:
    """Make what is told of a graph; commands by their names, blanks as underscores."""
    told = {
        name.replace("_", " ").strip(): None if taken is None else cost(taken)
        for name, taken in seconds.items()
    }
    return {
        "runs": runs,
        "stages": 2 * runs + 13,
        "outs": 6 * runs,
        "lock_lines": 400 * runs,
        "lock_bytes": 10_000 * runs,
        "params_bytes": 100 * runs,
        "params_seconds": runs / 1000,
        "costs": told,
    }


@pytest.fixture
def graph() -> dict[str, Any]:
    """Return a graph's growth: at 1,000 runs almost everything was given up."""
    small = {"read": 0.5, "status": 1.0, "repro": 2.0, "plan": 1.0, "stage": 1.5}
    large = {"read": 50.0, "status": None, "repro": None, "plan": 80.0, "stage": 60.0}
    return {
        "patience_seconds": 150.0,
        "has_c_yaml": True,
        "machine": MACHINE,
        "sizes": [
            size(10, **small, _2_stages=2.5, _4_stages=4.0, _8_stages=8.0),
            size(1000, **large, _2_stages=None, _4_stages=None, _8_stages=None),
        ],
    }


@pytest.fixture
def jobs() -> dict[str, Any]:
    """Return a serial run, and one with two stages at once that is 1.6 times as fast."""
    stages = [{"name": "tokens@sst", "start": 0.0, "seconds": 10.0}]
    stages += [{"name": "train@sst-finetune", "start": 10.0, "seconds": 30.0}]
    way = {"jobs": 1, "threads": 2, "cost": cost(40.0), "lock_sha256": 64 * "a", "stages": stages}
    two = way | {"jobs": 2, "threads": 1, "cost": cost(25.0), "lock_sha256": 64 * "b"}
    ways = {"serial": way, "JOBS=2": two}
    return {"profile": "demo", "machine": MACHINE, "ways": ways}
