"""Placeholder outs of a run that is left out because a corpus is missing: DVC requires outs."""

import logging
from pathlib import Path

from pipeline.core.files import replacing_folder, write_json, write_text
from pipeline.plumbing.params import Params

log = logging.getLogger(__name__)


def write_left_out(params: Params, run: str, *outs: Path) -> bool:
    """Return whether a run is left out; if so, write the reason into its outs.

    Args:
        params: the params that contain the run.
        run: the name of the run.
        outs: its files and folders; an out without a suffix is a folder.
    """
    reason = params.left_out.get(run)
    if reason is None:
        return False
    log.info("%s is left out: %s", run, reason)
    for out in outs:
        if out.suffix == ".json":
            write_json(out, {"left_out": reason})
        elif out.suffix:
            write_text(out, f"left out: {reason}\n")
        else:
            with replacing_folder(out) as folder:
                write_text(folder / "left-out.txt", f"left out: {reason}\n")
    return True
