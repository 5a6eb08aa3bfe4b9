"""How every stage starts and how it fails."""

import logging
import sys
from collections.abc import Callable

from pipeline.errors import PipelineError

log = logging.getLogger("pipeline")


def run_stage(main: Callable[[list[str]], None]) -> None:
    """Run `main` on the command line; turn a user's error into one line and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s  %(message)s")
    log.setLevel(logging.INFO)
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        log.error("%s", error)
        sys.exit(1)
