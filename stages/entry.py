"""How every stage starts and how it fails."""

import errno
import logging
import signal
import sys
from collections.abc import Callable

from pipeline.errors import PipelineError

log = logging.getLogger("pipeline")

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

    Status 130 after Ctrl-C, 143 after SIGTERM. A bug keeps its traceback.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s  %(message)s")
    log.setLevel(logging.INFO)
    try:
        main(sys.argv[1:])
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
