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
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from pipeline.errors import PipelineError, StopError
from pipeline.plumbing.progress import PACE, Teller, write_down

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
    teller = Teller(sys.stderr)
    logging.basicConfig(level=logging.WARNING, handlers=[teller])  # of libraries, warnings alone
    log.setLevel(logging.INFO)
    if teller.is_terminal:
        logging.getLogger(PACE).setLevel(logging.DEBUG)
    before = signal.signal(signal.SIGTERM, _stop)  # raises, so that what was begun is cleaned up
    if "DVC_STAGE" in os.environ:
        threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        teller.announce()
        main(sys.argv[1:])
        write_down(teller.facts, STARTED)
    except PipelineError as error:
        _end(str(error), error.exit_status)
    except KeyboardInterrupt:
        _end("interrupted; run `make repro` to go on", 128 + signal.SIGINT)
    except MemoryError:
        _end(f"this machine's memory is full; {REMEDIES[errno.ENOMEM]} and run again")
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        place = error.filename2 or error.filename  # of a copy, the second is the one written
        where = f"{place}: " if place else ""
        _end(f"{where}{error.strerror}; {REMEDIES[error.errno]} and run again")
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(words: str, status: int = 1) -> NoReturn:
    log.error("%s", words)
    sys.exit(status)


def _stop(number: int, _: FrameType | None) -> None:
    raise StopError("stopped; run `make repro` to go on", number)


def _watch_parent() -> None:
    """Ask this process to stop once the one that started it is gone."""
    while os.getppid() == PARENT:
        time.sleep(WATCH_SECONDS)
    log.warning("the DVC that started this stage has ended: it stops too")
    os.kill(os.getpid(), signal.SIGTERM)
