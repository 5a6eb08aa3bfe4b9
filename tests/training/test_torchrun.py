"""One run in two real processes: what one process does, written by one of them, killed or not."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig

from pipeline import paths
from pipeline.errors import ParamsError
from pipeline.files import read_json, sha256_of
from pipeline.inputs import write_inputs
from pipeline.params import load_params
from pipeline.training import torchrun
from pipeline.training.torchrun import num_processes, run_in_processes
from torture.repository import ROOT, Repository

PARAMS = load_params(ROOT / "params.yaml")
RUN = "sts-finetune"
EPOCHS = 20  # of three steps
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


@dataclass(frozen=True)
class Ended:
    """A training that did not come to its end."""

    status: int  # negative: of a signal
    said: str
    processes: list[psutil.Process]


@pytest.mark.parametrize(("value", "count"), [(None, 1), ("1", 1), ("3", 3), ("auto", 4)])
def test_the_machine_says_how_many_processes(
    value: str | None, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MINBERT_PROCESSES", raising=False)
    monkeypatch.setattr(torchrun, "choose_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    if value:
        monkeypatch.setenv("MINBERT_PROCESSES", value)
    assert num_processes(PARAMS, RUN) == count
    assert num_processes(PARAMS, "sts-pretrain") == 1
    monkeypatch.setattr(torchrun, "choose_device", lambda _: torch.device("cpu"))
    assert num_processes(PARAMS, RUN) == (1 if value == "auto" else count)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "started by torchrun")
    assert num_processes(PARAMS, RUN) == 1


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "", "²"])
def test_a_number_of_processes_that_makes_no_sense_is_refused(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINBERT_PROCESSES", value)
    with pytest.raises(ParamsError, match=f"MINBERT_PROCESSES is '{value}'; a number from 1"):
        num_processes(PARAMS, RUN)


def failed(rank: int, status: int) -> ChildFailedError:
    failure = ProcessFailure(rank, pid=1, exitcode=status, error_file="")
    return ChildFailedError("stages.train", {rank: failure})


@pytest.mark.parametrize(
    ("ends", "status", "said"),
    [
        (None, 0, []),
        (SignalException("", signal.SIGINT), 130, []),
        (failed(1, 1), 1, []),
        (failed(1, -9), 137, ["process 2 of 4 was ended by SIGKILL"]),
    ],
)
def test_the_end_of_its_processes_becomes_an_exit_status(
    ends: Exception | None,
    status: int,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    started: list[object] = []

    class Launch:
        def __init__(self, config: LaunchConfig, program: str) -> None:
            started.append(config.nproc_per_node)

        def __call__(self, *command: str) -> None:
            started.extend([*command, os.environ["OMP_NUM_THREADS"]])
            if ends:
                raise ends

    for name in ("OMP_NUM_THREADS", "GLOO_SOCKET_IFNAME"):
        monkeypatch.setenv(name, "to be set back")
        monkeypatch.delenv(name)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 9)
    monkeypatch.setattr(torchrun, "elastic_launch", Launch)
    assert run_in_processes(4, "stages.train", [RUN]) == status
    assert started == [4, "-m", "stages.train", RUN, "2"]
    assert caplog.messages == said


def environment(repository: Repository) -> dict[str, str]:
    theirs = repository.environment
    path = os.pathsep.join(filter(None, [theirs.get("PYTHONPATH"), str(ROOT)]))
    return theirs | {"PYTHONPATH": path, "MINBERT_PROCESSES": "2"}


@pytest.fixture(scope="module")
def folder(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a run can be trained."""
    from stages import backbone, corpora, tokens

    folder = tmp_path_factory.mktemp("ranks")
    shutil.copy(ROOT / paths.PARAMS, folder)
    shutil.copytree(tiny_backbone_dir, folder / "backbone")
    shutil.copytree(tiny_backbone_dir, folder / "no-dropout")
    config = folder / "no-dropout" / "config.json"
    config.write_text(re.sub(r'(dropout_prob": )0.1', r"\g<1>0.0", config.read_text()))
    few = {"train": 8, "dev": 8, "test": 4}
    sizes = {corpus: few for corpus in ("sst", "cfimdb", "quora")}
    Repository(folder).set(
        device="cpu",
        profiles__demo__corpora__sizes=sizes | {"sts": {"train": 48, "dev": 8, "test": 4}},
        profiles__demo__backbone="local:backbone",
        profiles__demo__epochs={"pretrain": 1, "finetune": EPOCHS},
        checkpoints__every_steps=5,
    )
    with chdir(folder):
        corpora.main([])
        backbone.main([])
        tokens.main(["sts"])
        write_inputs(RUN, load_params().run(RUN), paths.inputs_json(RUN))
    return folder


class Training:
    """`python -m stages.train` in two processes, to be disturbed."""

    def __init__(self, folder: Path) -> None:
        repository = Repository(folder)
        with repository.holding(RUN) as self.is_held:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stages.train", RUN],
                cwd=folder,
                env=environment(repository),
                stderr=subprocess.PIPE,
                text=True,
            )

    def wait_for_its_middle(self) -> None:
        """Wait until it has kept what it did, and goes no further."""
        while not self.is_held():
            assert self.process.poll() is None, "it is over"
            time.sleep(0.02)

    def all_processes(self) -> list[psutil.Process]:
        mine = psutil.Process(self.process.pid)
        return [mine, *mine.children(recursive=True)]

    def end(self) -> tuple[int, str]:
        """Return its exit status, and what it said."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def stopped(folder: Path) -> Ended:
    """Begin the run, and stop it by Ctrl-C."""
    training = Training(folder)
    training.wait_for_its_middle()
    processes = training.all_processes()
    training.process.send_signal(signal.SIGINT)
    return Ended(*training.end(), processes)


@pytest.fixture(scope="module")
def killed(folder: Path, stopped: Ended) -> Ended:
    """Go on with the run, and kill everything at once."""
    training = Training(folder)
    training.wait_for_its_middle()
    processes = training.all_processes()
    for process in processes:
        process.kill()
    return Ended(*training.end(), processes)


@pytest.fixture(scope="module")
def together(folder: Path, killed: Ended) -> Path:
    """Let two processes train by ranks_program.py, the run to its end among others."""
    program = Path(__file__).with_name("ranks_program.py")
    done = subprocess.run(
        [*TORCHRUN, program, RUN],
        cwd=folder,
        env=environment(Repository(folder)),
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"{RUN}  goes on after epoch") == 1, done.stderr
    assert done.stderr.count(f"{RUN}  epoch {EPOCHS}/{EPOCHS}") == 2, done.stderr
    return folder


@pytest.mark.slow
def test_ctrl_c_stops_both_at_a_step_and_is_told_in_a_line(stopped: Ended) -> None:
    assert stopped.status == 128 + signal.SIGINT, stopped.said
    assert stopped.said.count(f"{RUN} stopped by SIGINT") == 1
    assert "Traceback" not in stopped.said
    assert len(stopped.processes) == 3
    assert not any(process.is_running() for process in stopped.processes)


@pytest.mark.slow
def test_killed_it_ends_in_the_same_bytes(killed: Ended, together: Path) -> None:
    assert killed.status == -signal.SIGKILL
    assert killed.said.count(f"{RUN}  goes on after epoch") == 1
    assert f"epoch {EPOCHS}/{EPOCHS}" not in killed.said
    left_alone, out = together / "whole", together / paths.run_dir(RUN)
    expected = {path.name: sha256_of(path) for path in left_alone.iterdir()}
    assert {path.name: sha256_of(path) for path in out.iterdir()} == expected
    assert len(expected) == 3
    assert read_json(paths.run_summary(out))["device"] == "2 x cpu"


def history(folder: Path, case: str, rank: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / f"{case}-{rank}.json").read_text())
    return rows


def weights(folder: Path, case: str, rank: int) -> dict[str, torch.Tensor]:
    return load_file(folder / f"{case}-{rank}.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["single", "multi"])
def test_two_processes_learn_what_one_does(together: Path, case: str) -> None:
    alone, both = history(together, f"{case}-alone", 0), history(together, f"{case}-together", 0)
    assert len(both) == len(alone) > 1
    for one, two in zip(alone, both, strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], abs=1e-5)
        assert (two["steps"], two["examples"]) == (one["steps"], one["examples"])
    expected = weights(together, f"{case}-alone", 0)
    for name, tensor in weights(together, f"{case}-together", 0).items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["single-together", "multi-together", "dropout"])
def test_both_hold_the_same_bits(together: Path, case: str) -> None:
    first, second = (weights(together, case, rank) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert history(together, case, 0) == history(together, case, 1)
