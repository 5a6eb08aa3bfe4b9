"""The CPU cores and GPUs of this machine, which stages share."""

import os
import shutil
import subprocess

from pipeline.plumbing.params import Params

GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
THREADS_VARIABLE = "OMP_NUM_THREADS"
TRAINING = ("train", "trials")  # the stages that train a run
SMALL = 0.25  # share of a GPU for stages that leave most of it idle


def threads_of(jobs: int) -> str:
    """Return the number of threads per parallel stage; the user's OMP_NUM_THREADS has precedence.

    Otherwise it depends only on `jobs`, because it may affect the last digits (decision 0012).
    """
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    return os.environ.get(THREADS_VARIABLE) or str(max(1, len(allowed) // jobs))


def gpu_share(stage: str, params: Params) -> float:
    """Return the share of a GPU that a stage needs: a whole GPU only if it trains the backbone.

    Pretrain runs train only the heads; `features` and `evaluate` run only forward passes.
    `params.runs` must include the trials of a sweep.
    """
    group, _, name = stage.partition("@")
    if group in TRAINING and name in params.runs:
        return 1.0 if params.runs[name].mode == "finetune" else SMALL
    return SMALL if group in ("features", "evaluate") else 0.0


def gpus_for(device: str) -> tuple[str, ...]:
    """Return the GPUs for stages on `device`, named as in CUDA_VISIBLE_DEVICES.

    There are none if the GPU driver does not respond.
    """
    allowed = os.environ.get(GPU_VARIABLE)
    if device not in ("auto", "cuda"):
        return ()
    if allowed is not None:
        return tuple(name for name in allowed.replace(" ", "").split(",") if name not in ("", "-1"))
    program = shutil.which("nvidia-smi") or "nvidia-smi"
    try:
        said = subprocess.check_output([program, "--list-gpus"], text=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = [line for line in said.splitlines() if line.startswith("GPU ")]
    return tuple(str(number) for number in range(len(lines)))
