"""Starting a run in several processes of this machine, as torchrun does.

How many is the machine's concern and no parameter: MINBERT_PROCESSES says it.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence

import torch
from torch import distributed
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from pipeline.device import choose_device
from pipeline.errors import ParamsError
from pipeline.params import Params

log = logging.getLogger(__name__)

VARIABLE = "MINBERT_PROCESSES"
LOOPBACK = {"linux": "lo", "darwin": "lo0"}  # by platform
STOP_SECONDS = 120  # for the first process to end its step and keep the training


def num_processes(params: Params, run: str) -> int:
    """Say in how many processes a run is to be started from here.

    One if torchrun has started this one, and for a frozen run: its steps are too short to share.

    Raises:
        ParamsError: MINBERT_PROCESSES makes no sense.
    """
    wanted = os.environ.get(VARIABLE, "1")
    if distributed.is_torchelastic_launched() or params.run(run).mode == "pretrain":
        return 1
    if wanted == "auto":
        on_gpus = choose_device(params.device).type == "cuda"
        return torch.cuda.device_count() if on_gpus else 1
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ParamsError(f"{VARIABLE} is {wanted!r}; a number from 1, or auto, one for each GPU")
    return int(wanted)


def run_in_processes(count: int, module: str, arguments: Sequence[str]) -> int:
    """Run a module in so many processes to their end; return an exit status for them.

    Asked to stop, it asks them.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, torch.get_num_threads() // count)))
    if sys.platform in LOOPBACK:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK[sys.platform])
    for name in ("agent.server.api", "multiprocessing.api"):  # the processes tell themselves
        logging.getLogger(f"torch.distributed.elastic.{name}").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=module,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        signals_to_handle="SIGTERM,SIGINT",
        shutdown_timeout=STOP_SECONDS,
        logs_specs=DefaultLogsSpecs(os.devnull),
    )
    try:
        elastic_launch(config, sys.executable)("-m", module, *arguments)
    except SignalException as stop:
        return 128 + stop.sigval
    except ChildFailedError as failed:
        rank, failure = failed.get_first_failure()
        if failure.exitcode < 0:
            name = signal.Signals(-failure.exitcode).name
            log.error("process %d of %d was ended by %s", rank + 1, count, name)
            return 128 - failure.exitcode
        return failure.exitcode
    return 0
