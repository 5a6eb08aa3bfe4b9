"""The dask workers of a launch: one in this process, or those of a remote scheduler."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Client, Scheduler, SpecCluster, Worker
from distributed.comm.core import connect

from pipeline.errors import LaunchError
from pipeline.launch import on_worker
from pipeline.launch.machine import THREADS_VARIABLE
from pipeline.launch.on_worker import Place

GPU = "GPU"  # name of the dask resource that workers declare
ANSWER_SECONDS = 5.0  # timeout for connecting to a scheduler


@dataclass(frozen=True)
class Workers:
    """The workers that run the stages of a launch."""

    client: Any
    place: Place
    gpu: float  # the most that any worker declares; 0: stages request none
    address: str = ""  # of the remote scheduler
    dashboard: str = ""  # URL of dask's dashboard, if requested

    def asked(self, share: float) -> dict[str, float]:
        """Return the dask resources to request for a stage that needs this share of a GPU."""
        return {GPU: min(share, self.gpu)} if self.gpu and share else {}


class _Portless:
    """Opens an HTTP port only if an address is given; dask's own classes always open one."""

    def start_http_server(self, routes: Any, dashboard_address: Any, **given: Any) -> None:
        """Start the HTTP server if there is an address."""
        if dashboard_address:
            super().start_http_server(routes, dashboard_address, **given)  # type: ignore[misc]


class _Scheduler(_Portless, Scheduler):  # type: ignore[misc]
    """A scheduler that runs in this process."""


class _Worker(_Portless, Worker):  # type: ignore[misc]
    """A worker that runs in threads of this process."""


@contextmanager
def local_workers(
    jobs: int, threads: str, gpus: tuple[str, ...], per_gpu: int, has_dashboard: bool
) -> Iterator[Workers]:
    """Yield one worker in this process, with one thread per job and without a port or nanny.

    Args:
        jobs: number of stages that may run in parallel.
        threads: number of threads of each stage.
        gpus: names of the GPUs that the stages share.
        per_gpu: number of finetune runs that may share a GPU.
        has_dashboard: whether to open a port for dask's dashboard, on 127.0.0.1 only.
    """
    name, inside = _new_name(), {"protocol": "inproc://"}
    room = float(per_gpu * len(gpus))
    place = Place(
        launch=name,
        folder=str(Path.cwd()),
        where=f"{threads} thread{'s' if threads != '1' else ''}",
        environment={THREADS_VARIABLE: threads},
        gpus=gpus,
        per_gpu=per_gpu,
    )
    served = {"dashboard": True, "dashboard_address": "127.0.0.1:0"} if has_dashboard else {}
    worker = {"nthreads": jobs, "memory_limit": 0, "resources": {GPU: room}}
    with (
        SpecCluster(  # type: ignore[no-untyped-call]
            scheduler={"cls": _Scheduler, "options": {**inside, **served}},
            workers={0: {"cls": _Worker, "options": {**inside, **worker}}},
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        port = cluster.scheduler.http_server.port if has_dashboard else None
        link = f"http://127.0.0.1:{port}/status" if port else ""
        yield Workers(client, place, room, dashboard=link)


@contextmanager
def remote_workers(address: str) -> Iterator[Workers]:
    """Yield the workers of a scheduler; each of their threads runs one stage at a time.

    If a worker is lost, dask reruns its stage on another one.

    Raises:
        LaunchError: no scheduler answers, or it has no workers.
    """
    name = _new_name()
    try:
        asyncio.run(_reach(address))
        client = Client(address, timeout=ANSWER_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise LaunchError(
            f"no scheduler answers at {address} ({error}); start one with `dask scheduler`"
        ) from None
    with client:
        found = client.scheduler_info(n_workers=-1)["workers"].values()
        if not found:
            raise LaunchError(
                f"the scheduler at {address} has no workers; start some with "
                f"`dask worker {address} --nthreads 1`"
            )
        most = max(float(worker["resources"].get(GPU, 0.0)) for worker in found)
        yield Workers(client, Place(name, str(Path.cwd())), most, address)


async def _reach(address: str) -> None:
    """Check that a scheduler accepts connections.

    A `Client` that cannot connect leaks a thread. If Python garbage-collects that client while the
    next one starts, dask deadlocks.

    Raises:
        OSError, ValueError: nothing answers at the address, or the address is not valid.
    """
    comm = await connect(address, timeout=ANSWER_SECONDS)  # type: ignore[no-untyped-call]
    await comm.close()


def _new_name() -> str:
    """Name a launch uniquely, as dask runs each key once; have on_worker.py pickled by value."""
    cloudpickle.register_pickle_by_value(on_worker)
    return f"minbert-{uuid.uuid4().hex[:8]}"
