"""What of this machine stages can share: processors and GPUs."""

import os
import shutil
import subprocess
from dataclasses import dataclass

from pipeline.params import Params

GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
TRAINING = ("train", "trials")  # groups of stages that train a run
SMALL = 0.25  # of a GPU, for what leaves most of it idle


@dataclass(frozen=True)
class Machine:
    """What there is to share."""

    processors: int
    gpus: tuple[str, ...]  # as CUDA_VISIBLE_DEVICES names them


def this_machine(device: str) -> Machine:
    """Say what there is here for stages that compute on `device`, of params.yaml."""
    return Machine(_processors(), _gpus() if device in ("auto", "cuda") else ())


def gpu_share(stage: str, params: Params) -> float:
    """Say how much of a GPU a stage takes: all of it only where it trains a backbone.

    Frozen runs train heads alone; features and scores are forward passes.

    Args:
        stage: its name.
        params: whose runs hold the trials of a sweep, too.
    """
    group, _, name = stage.partition("@")
    if group in TRAINING and name in params.runs:
        return 1.0 if params.runs[name].mode == "finetune" else SMALL
    return SMALL if group in ("features", "evaluate") else 0.0


def _processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gpus() -> tuple[str, ...]:
    """Name the GPUs that this process may use; none where their driver does not answer."""
    allowed = os.environ.get(GPU_VARIABLE)
    if allowed is not None:
        return tuple(name for name in allowed.replace(" ", "").split(",") if name not in ("", "-1"))
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        told = subprocess.run(  # noqa: S603  (a program of the system, and nothing a user typed)
            [program, "--list-gpus"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = [line for line in told.stdout.splitlines() if line.startswith("GPU ")]
    return tuple(str(number) for number in range(len(lines)))
