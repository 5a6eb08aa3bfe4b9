"""Starts a stage and reports its errors.

Stages import this module first (`force-to-top` in pyproject.toml), so that `PARENT` is the process
that started the stage.
"""

import argparse
import errno
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any, NoReturn

from pipeline.errors import PipelineError, StopError
from pipeline.plumbing.progress import PACE, ProgressHandler, record_time

log = logging.getLogger("pipeline")

PARENT = os.getppid()
STARTED = time.monotonic()
if os.environ.get("OMP_NUM_THREADS"):  # this variable alone sets the number of threads
    for name in ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # dask sets both; they override it
        os.environ.pop(name, None)
WATCH_SECONDS = 0.5

# what the user can do about each operating system error
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "make the file system writable",
    errno.EACCES: "correct the permissions",
    errno.EPERM: "correct the permissions",
    errno.EIO: "check the disk",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "free some memory",
}


def run_stage(
    main: Callable[..., Mapping[str, Any] | None], name: str = "", choices: Iterable[str] = ()
) -> None:
    """Run a stage; report an error that the user can fix in one line, with exit status 1.

    `name` and `choices` describe the stage's command-line argument, if it has one. The values that
    `main` returns are recorded along with the duration of the stage.

    The status is 130 after Ctrl-C and 143 after SIGTERM. The stage also stops if its DVC process
    ends, because the next `dvc repro` would run it a second time. A bug prints a traceback.
    """
    parser = argparse.ArgumentParser(description=sys.modules[main.__module__].__doc__)
    if name:
        parser.add_argument(name, choices=list(choices) or None)
    arguments = vars(parser.parse_args()).values()
    handler = ProgressHandler(sys.stderr)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])  # libraries only warn
    log.setLevel(logging.INFO)
    logging.getLogger(PACE).setLevel(logging.DEBUG if handler.is_terminal else logging.INFO)
    before = signal.signal(signal.SIGTERM, _stop)  # raises, so that temporary files are removed
    if "DVC_STAGE" in os.environ:
        threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        handler.announce()
        record_time(main(*arguments) or {}, STARTED)
    except PipelineError as error:
        _end(str(error), error.exit_status)
    except KeyboardInterrupt:
        _end("interrupted; run `make repro` to continue", 128 + signal.SIGINT)
    except MemoryError:
        _end(f"this machine's memory is full; {REMEDIES[errno.ENOMEM]} and run again")
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        place = error.filename2 or error.filename  # filename2 is the target of a copy
        where = f"{place}: " if place else ""
        _end(f"{where}{error.strerror}; {REMEDIES[error.errno]} and run again")
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(words: str, status: int = 1) -> NoReturn:
    log.error("%s", words)
    sys.exit(status)


def _stop(number: int, _: FrameType | None) -> None:
    raise StopError("stopped; run `make repro` to continue", number)


def _watch_parent() -> None:
    """Stop this process once its parent has ended."""
    while os.getppid() == PARENT:
        time.sleep(WATCH_SECONDS)
    log.warning("the DVC process that started this stage has ended, so the stage stops too")
    os.kill(os.getpid(), signal.SIGTERM)
