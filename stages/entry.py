"""How every stage starts and how it fails.

Imported before anything else (`force-to-top` in pyproject.toml), so that the process it was started
by is known from the first moment.
"""

import errno
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.errors import PipelineError, StopError
from stages.progress import PACE, Teller, write_down

log = logging.getLogger("pipeline")

PARENT = os.getppid()
STARTED = time.monotonic()
if os.environ.get("OMP_NUM_THREADS"):  # alone says how many threads a stage has
    for name in ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # would come before it; dask sets both
        os.environ.pop(name, None)
WATCH_SECONDS = 0.5

# what the machine may refuse through no fault of the code, and what to do about it
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "make the place writable",
    errno.EACCES: "give yourself the permission",
    errno.EPERM: "give yourself the permission",
    errno.EIO: "look after the disk",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "free some memory",
}


def run_stage(main: Callable[[list[str]], None]) -> None:
    """Run `main` on the command line; turn what a user can mend into one line and exit status 1.

    Status 130 after Ctrl-C, 143 after SIGTERM or when the DVC that started it has ended: the next
    `dvc repro` would start the stage a second time beside it. A bug keeps its traceback.
    """
    teller = _listen()
    try:
        with _stoppable():
            teller.announce()
            main(sys.argv[1:])
            write_down(teller.facts, STARTED)
    except PipelineError as error:
        log.error("%s", error)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        log.error("interrupted; run `make repro` to go on")
        sys.exit(128 + signal.SIGINT)
    except MemoryError:
        log.error("this machine's memory is full; %s and run again", REMEDIES[errno.ENOMEM])
        sys.exit(1)
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        place = error.filename2 or error.filename  # of a copy, the second is the one written
        where = f"{place}: " if place else ""
        log.error("%s%s; %s and run again", where, error.strerror, REMEDIES[error.errno])
        sys.exit(1)


def _listen() -> Teller:
    """Show what the pipeline logs, and of libraries only warnings."""
    teller = Teller(sys.stderr)
    logging.basicConfig(level=logging.WARNING, handlers=[teller])
    log.setLevel(logging.INFO)
    if teller.is_terminal:
        logging.getLogger(PACE).setLevel(logging.DEBUG)
    return teller


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM, and the end of DVC, raise in the block, so that what it began is cleaned up."""
    before = signal.signal(signal.SIGTERM, _stop)
    if "DVC_STAGE" in os.environ:
        threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, _: FrameType | None) -> None:
    raise StopError("stopped; run `make repro` to go on", number)


def _watch_parent() -> None:
    """Ask this process to stop once the one that started it is gone."""
    while os.getppid() == PARENT:
        time.sleep(WATCH_SECONDS)
    log.warning("the DVC that started this stage has ended: it stops too")
    os.kill(os.getpid(), signal.SIGTERM)
