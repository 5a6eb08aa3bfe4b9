"""LocalWorkers and Machine: threads and GPUs are shared, and no more of them than there are."""

import time
from pathlib import Path

import pytest

from pipeline.launch import local
from pipeline.launch.local import LocalWorkers
from pipeline.launch.machine import Machine, gpu_share, this_machine
from pipeline.params import load_params
from pipeline.trials import Changes, Trial, with_trials

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let jobs note what they are given, and wait for the end of the test."""
    program = tmp_path / "python"
    program.write_text(
        '#!/bin/sh\necho "$CUDA_VISIBLE_DEVICES,$OMP_NUM_THREADS" >"notes/$4"\nexec sleep 60\n'
    )
    program.chmod(0o755)
    (tmp_path / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local.sys, "executable", str(program))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path / "notes"


def told(notes: Path, stage: str) -> str:
    while not (notes / stage).exists() or not (notes / stage).read_text():
        time.sleep(0.01)
    return (notes / stage).read_text().strip()


def end(workers: LocalWorkers) -> None:
    """End all jobs, and see that they are told of."""
    names = set(workers.running)
    workers.stop()
    ended: dict[str, int] = {}
    while ended.keys() != names:
        ended |= workers.ended()
    assert set(ended.values()) <= {-15}


def test_threads_are_shared_among_jobs(notes: Path) -> None:
    workers = LocalWorkers(4, 1, Machine(processors=8, gpus=()), PARAMS)
    stages = [f"evaluate@{name}" for name in list(PARAMS.runs)[:5]]
    assert [workers.begin(stage) for stage in stages] == ["2 threads"] * 4 + [None]
    assert told(notes, stages[0]) == ",2"
    end(workers)
    assert workers.begin(stages[4]) == "2 threads"
    end(workers)


def test_threads_that_the_user_named_stay(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    workers = LocalWorkers(2, 1, Machine(processors=8, gpus=()), PARAMS)
    assert workers.begin("report") == "3 threads"
    assert told(notes, "report") == ",3"
    end(workers)


def test_a_gpu_has_one_finetune_run_or_several_small_stages(notes: Path) -> None:
    workers = LocalWorkers(9, 1, Machine(processors=9, gpus=("2", "5")), PARAMS)
    assert workers.begin("train@sst-finetune") == "GPU 2"
    assert workers.begin("train@sts-pretrain") == "GPU 5"
    assert workers.begin("train@sts-finetune") is None  # a quarter of GPU 5 is taken
    assert workers.begin("evaluate@cfimdb-finetune") == "GPU 5"
    assert workers.begin("features@sst") == "GPU 5"
    assert workers.begin("features@sts-joint") == "GPU 5"
    assert workers.begin("features@quora-joint") is None
    assert workers.begin("tokens@quora") == "1 thread"  # needs no GPU
    assert told(notes, "features@sts-joint") == "5,1"
    end(workers)


def test_several_finetune_runs_on_a_gpu_where_asked_for(notes: Path) -> None:
    workers = LocalWorkers(9, 2, Machine(processors=9, gpus=("0",)), PARAMS)
    asked = ["train@sst-finetune", "train@sts-finetune", "train@quora-finetune"]
    assert [workers.begin(stage) for stage in asked] == ["GPU 0", "GPU 0", None]
    end(workers)


def test_only_training_a_backbone_takes_a_whole_gpu() -> None:
    shares = {"train@sst-finetune": 1.0, "train@sst-pretrain": 0.25, "evaluate@sst-finetune": 0.25}
    assert {stage: gpu_share(stage, PARAMS) for stage in shares} == shares
    assert gpu_share("tokens@sst", PARAMS) == gpu_share("report", PARAMS) == 0.0
    trial = Trial(run="sst-finetune", mode="finetune", seed=1, changes=Changes())
    assert gpu_share("trials@one", with_trials(PARAMS, {"one": trial})) == 1.0


@pytest.mark.parametrize(
    ("allowed", "gpus"),
    [(None, ("0", "1")), ("3", ("3",)), ("0, 1", ("0", "1")), ("", ()), ("-1", ())],
)
def test_gpus_are_those_that_the_user_allows(
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
    assert this_machine("auto").gpus == gpus
    assert this_machine("cpu").gpus == ()


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "")
    assert this_machine("auto").gpus == ()
    assert this_machine("auto").processors >= 1
