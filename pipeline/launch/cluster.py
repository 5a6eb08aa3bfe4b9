"""The dask workers of a launch: on this machine, or those of a scheduler."""

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

GPU = "GPU"  # the resource that workers announce
ANSWER_SECONDS = 5.0  # in which a scheduler must answer


@dataclass(frozen=True)
class Workers:
    """The workers that run the stages of a launch."""

    client: Any
    place: Place
    gpu: float  # the most that a worker announces; 0: stages request none
    address: str = ""  # of the scheduler
    dashboard: str = ""  # its address, if requested

    def asked(self, share: float) -> dict[str, float]:
        """Return the dask resources of a stage that needs a share of a GPU."""
        return {GPU: min(share, self.gpu)} if self.gpu and share else {}


class _Portless:
    """Opens an HTTP port only if an address is given; dask's own classes always open one."""

    def start_http_server(self, routes: Any, dashboard_address: Any, **given: Any) -> None:
        """Start the HTTP server, if there is an address."""
        if dashboard_address:
            super().start_http_server(routes, dashboard_address, **given)  # type: ignore[misc]


class _Scheduler(_Portless, Scheduler):  # type: ignore[misc]
    """A scheduler within this process."""


class _Worker(_Portless, Worker):  # type: ignore[misc]
    """A worker in threads of this process."""


@contextmanager
def local_workers(
    jobs: int, threads: str, gpus: tuple[str, ...], per_gpu: int, has_dashboard: bool
) -> Iterator[Workers]:
    """Yield one worker in this process, with one thread per job, without port or nanny.

    Args:
        jobs: stages in parallel.
        threads: of each stage.
        gpus: the GPUs to share.
        per_gpu: finetune runs that may share one of them.
        has_dashboard: open a port for dask's dashboard, on 127.0.0.1 only.
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

    If a worker is lost, its stage starts again on another one.

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
    """Connect to a scheduler and leave again.

    A `Client` that cannot connect leaves a thread behind. If Python collects that client while the
    next one starts, dask waits for itself.

    Raises:
        OSError, ValueError: nobody answers there, or it is not an address.
    """
    comm = await connect(address, timeout=ANSWER_SECONDS)  # type: ignore[no-untyped-call]
    await comm.close()


def _new_name() -> str:
    """Name a launch, because dask runs each key once; make dask pickle on_worker.py by value."""
    cloudpickle.register_pickle_by_value(on_worker)
    return f"minbert-{uuid.uuid4().hex[:8]}"
