"""The threads and GPUs of a machine, and the share of a GPU that a stage takes."""

import os
from pathlib import Path

import pytest

from pipeline.launch.machine import gpu_share, gpus_for, threads_of
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import Changes, Trial, with_trials


def test_jobs_share_the_threads_unless_the_user_sets_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert [threads_of(jobs) for jobs in (1, 3, 4, 9)] == ["8", "2", "2", "1"]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_of(4) == "3"


def test_only_finetuning_takes_a_whole_gpu() -> None:
    trial = Trial(run="sst-finetune", mode="finetune", seed=1, changes=Changes())
    params = with_trials(load_params(Path(__file__).parents[2] / "params.yaml"), {"one": trial})
    shares = {"train@sst-finetune": 1.0, "trials@one": 1.0, "report": 0.0, "tokens@sst": 0.0}
    shares |= dict.fromkeys(("train@sst-pretrain", "evaluate@sst-finetune", "features@sst"), 0.25)
    assert {stage: gpu_share(stage, params) for stage in shares} == shares


@pytest.mark.parametrize(
    ("allowed", "gpus"),
    [(None, ("0", "1")), ("3", ("3",)), ("0, 1", ("0", "1")), ("", ()), ("-1", ())],
)
def test_only_gpus_that_the_user_allows_are_used(
    allowed: str | None, gpus: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'GPU 0: H100 (UUID: GPU-1)'\necho 'GPU 1: H100 (UUID: GPU-2)'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if allowed is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert gpus_for("auto") == gpus
    assert gpus_for("cpu") == ()
    program.write_text("#!/bin/sh\nexit 9\n")  # the driver does not respond
    assert gpus_for("auto") == (gpus if allowed is not None else ())
