"""dask workers: those on this machine, without a port, and those of a scheduler.

tests/end_to_end/test_launch.py kills a worker in the middle of a run.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from distributed import LocalCluster

from pipeline.errors import LaunchError
from pipeline.launch import on_worker
from pipeline.launch.cluster import Workers, local_workers, remote_workers
from pipeline.launch.machine import gpu_share
from pipeline.plumbing.params import load_params
from tests.launch.conftest import ROOT, ShellRepository, cluster

pytestmark = pytest.mark.slow


def listening() -> set[str]:
    """Return the addresses on which this process listens."""
    found = psutil.Process().net_connections(kind="inet")
    return {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN}


def test_a_local_cluster_listens_only_for_a_requested_dashboard() -> None:
    assert listening() == set()
    with local_workers(2, "1", (), 1, has_dashboard=False) as workers:
        assert workers.client.scheduler_info()["address"].startswith("inproc://")
        assert listening() == set()
        assert workers.dashboard == ""
    with local_workers(2, "1", (), 1, has_dashboard=True) as workers:
        assert listening() == {"127.0.0.1"}
        assert urlopen(workers.dashboard).status == 200  # noqa: S310  (ours)


@pytest.fixture
def _holding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make jobs record their resources and wait until they are stopped."""
    program = tmp_path / "python"
    program.write_text(
        '#!/bin/sh\necho "$4 $OMP_NUM_THREADS $CUDA_VISIBLE_DEVICES" >begun\nread _ <never\n'
    )
    program.chmod(0o755)
    (tmp_path / "dvc.yaml").touch()
    os.mkfifo(tmp_path / "begun")
    os.mkfifo(tmp_path / "never")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(program))


def begun(workers: Workers, stages: Sequence[str], waiting: str) -> set[str]:
    """Start stages one after another, except the waiting one; return what each one got."""
    params = load_params(ROOT / "params.yaml")
    futures, found = [], []
    with os.fdopen(os.open("begun", os.O_RDWR)) as lines:
        for stage in stages:
            share = gpu_share(stage, params)
            job = (on_worker.run_stage, workers.place, stage, share)
            given = {"key": stage, "resources": workers.asked(share)}
            futures.append(workers.client.submit(*job, **given))
            if stage != waiting:
                found.append(lines.readline().strip())
    (running,) = workers.client.run(on_worker.stop_jobs, workers.place.launch).values()
    assert {line.split()[0] for line in found} == set(running)
    assert all(future.exception() for future in futures)
    return set(found)


@pytest.mark.usefixtures("_holding")
def test_a_gpu_gets_one_finetune_run_or_several_small_stages() -> None:
    small = ("train@sts-pretrain", "evaluate@cfimdb-finetune", "features@sst", "features@sts-joint")
    waiting = "train@sts-finetune"  # stages without a GPU overtake it
    stages = ("train@sst-finetune", *small, waiting, "tokens@quora")
    with local_workers(9, "1", ("2", "5"), 1, has_dashboard=False) as workers:
        found = begun(workers, stages, waiting)
    assert found == {
        "train@sst-finetune 1 2",
        *(f"{stage} 1 5" for stage in small),
        "tokens@quora 1",
    }


@pytest.mark.usefixtures("_holding")
def test_a_gpu_gets_several_finetune_runs_on_request() -> None:
    runs = ("train@sst-finetune", "train@sts-finetune", "train@quora-finetune")
    with local_workers(4, "2", ("0",), 2, has_dashboard=False) as workers:
        found = begun(workers, (*runs, "report"), runs[2])
    assert found == {f"{runs[0]} 2 0", f"{runs[1]} 2 0", "report 2"}


@pytest.mark.parametrize(
    ("announced", "asked"), [({}, {}), ({"GPU": 1}, {"GPU": 1.0}), ({"GPU": 0.5}, {"GPU": 0.5})]
)
def test_a_stage_never_requires_more_than_the_workers_offer(
    announced: dict[str, float], asked: dict[str, float]
) -> None:
    given = {"host": "127.0.0.1", "protocol": "tcp://", "dashboard_address": "127.0.0.1:0"}
    with (
        LocalCluster(n_workers=1, processes=False, resources=announced, **given) as there,
        remote_workers(there.scheduler_address) as workers,
    ):
        assert workers.asked(1.0) == asked
        assert workers.asked(0.0) == {}
    with (
        LocalCluster(n_workers=0, processes=False, **given) as nobody,
        pytest.raises(LaunchError, match="has no workers; start some with `dask worker tcp://"),
        remote_workers(nobody.scheduler_address),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense"])
def test_an_unreachable_scheduler_gives_a_message_and_leaves_no_thread(address: str) -> None:
    before = threading.active_count()
    with (
        pytest.raises(LaunchError, match=f"no scheduler answers at {address}"),
        remote_workers(address),
    ):
        pass
    assert threading.active_count() == before


GRAPH = """
stages:
  words:
    cmd: python stage.py
    deps: [stage.py]
    outs: [words]
  train:
    foreach: [a, b, c]
    do:
      cmd: >-
        echo ${item} >>ran;
        test ! -e break-${item} || { echo it broke >&2; exit 3; };
        while test ! -e quick; do sleep 0.1 || exit; done;
        cat words >model-${item}
      deps: [words]
      outs: ['model-${item}']
"""
STAGE = """\
from pathlib import Path
from pipeline.plumbing.entry import run_stage
import torch

def main() -> None:
    Path("words").write_text(str(torch.get_num_threads()))

run_stage(main)
"""


@pytest.mark.dvc
def test_remote_workers_handle_failures_threads_ctrl_c_and_a_lost_scheduler(tmp_path: Path) -> None:
    repository = ShellRepository(tmp_path, GRAPH)
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / "break-b").touch()
    repository.environment["OMP_NUM_THREADS"] = "3"  # dask's nanny would set 1 (for MKL)
    repository.environment["MKL_DYNAMIC"] = "FALSE"  # otherwise limited to the number of cores
    ran = tmp_path / "ran"
    with cluster(repository.start, tmp_path, "--nthreads", "2") as (address, processes):
        launch = repository.start("pipeline", "repro", "--scheduler", address)
        repository.wait_for(lambda: ran.exists() and len(repository.ran()) == 3)
        launch.send_signal(signal.SIGINT)
        output, _ = launch.communicate()
        assert launch.returncode == 130, output
        assert "Traceback" not in output
        assert (tmp_path / "words").read_text() == "3"
        assert "  words, 3 threads\n" in (tmp_path / ".logs/words.log").read_text()

        (tmp_path / "quick").touch()
        again = repository.pipeline("repro", "--scheduler", address)
        assert again.returncode == 1
        assert "train@b failed: it broke (.logs/train@b.log has more)" in again.stderr
        assert "Traceback" not in again.stderr
        assert (tmp_path / "model-a").exists()

        (tmp_path / "break-b").unlink()
        (tmp_path / "quick").unlink()
        ran.unlink()
        lost = repository.start("pipeline", "repro", "--scheduler", address)
        repository.wait_for(ran.exists)
        processes[0].kill()
        output, _ = lost.communicate()
        assert lost.returncode == 1
        assert f"the scheduler at {address} is lost" in output
        assert "Traceback" not in output
