"""What the stages take: as measured here, or as reckoned from the benchmark of the real corpora."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.scaling.jobs import ONE_THREAD, SERIAL
from pipeline.launch.times import last_seconds, load_times
from pipeline.params import Params
from pipeline.tasks import CORPORA, FEATURE_SETS

ALONE = "each stage alone, in the serial run of the first table"
LAST = "the last run of each stage in one clone, whatever ran beside it"


def measured_seconds(profile: str, jobs: Mapping[str, Any] | None) -> tuple[dict[str, float], str]:
    """Return what each stage of a profile took, by name, and in words where that was measured.

    Args:
        profile: whose stages.
        jobs: what reports/scaling/jobs.json holds. Without it the last times of this clone are
            taken, which do not tell what ran beside a stage.
    """
    if jobs is not None and jobs["profile"] == profile and (alone := seconds_of(jobs, SERIAL)):
        # a clone has reports: where all that they read comes out the same, they are not written
        return seconds_of(jobs, ONE_THREAD) | alone, ALONE
    return last_seconds(load_times(profile)), LAST


def seconds_of(jobs: Mapping[str, Any], way: str) -> dict[str, float]:
    """Return what each stage took in one of the ways measured; nothing if that was not."""
    stages = jobs["ways"].get(way, {}).get("stages", [])
    return {stage["name"]: stage["seconds"] for stage in stages}


def reckoned_seconds(results: Mapping[str, Any], params: Params) -> dict[str, float]:
    """Return what the stages of the profile `laptop` would take, from `make bench`.

    That measured epochs of the very corpora and backbone, and dev evaluation. Test sets are taken
    to be as long as dev sets; stages that take seconds, as long as they take to begin.

    Args:
        results: what benchmarks/results/cpu.json holds.
        params: say what each run trains on.
    """
    from benchmarks.measure import FEATURES  # both import torch
    from benchmarks.ours import ALL
    from benchmarks.page import multitask_share, seconds

    start, dev = results["startup_seconds"], results["dev_seconds"]
    epochs = params.profiles["laptop"].epochs
    found = {name: start[name] for name in ("corpora", "backbone", "validate", "inputs", "report")}
    found |= {f"tokens@{corpus}": start["tokens"] for corpus in CORPORA}
    for name, (corpus, _) in FEATURE_SETS.items():
        features = median(seconds(results, corpus, "frozen", FEATURES))
        found[f"features@{name}"] = start["features"] + features + 2 * dev[corpus]
    for name, run in params.runs.items():
        kind = "frozen" if run.mode == "pretrain" else "finetune"
        train, score = 0.0, 0.0
        for corpus in run.corpora:
            share = multitask_share(results, corpus) if len(run.corpora) > 1 else 1.0
            train += share * median(seconds(results, corpus, kind, ALL))
            score += dev[corpus] if run.mode == "finetune" else 0.0
        found[f"train@{name}"] = start["train"] + getattr(epochs, run.mode) * (train + score)
        found[f"evaluate@{name}"] = start["evaluate"] + 2 * score
    return found
