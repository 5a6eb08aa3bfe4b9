"""A disk that fills up in the middle of a training."""

import sys
from collections.abc import Sequence

from torture.kills import Tally, clear, outs_of
from torture.repository import Repository

# soft and hard limit of the size of a file this process may write: a write beyond it fails
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
import stages.train
from stages.entry import run_stage
sys.argv = ["stages.train", sys.argv[2]]
run_stage(stages.train.main)
"""


PARTS = (0.9, 0.5, 0.1, 0.01)  # of the largest out: so much can be written


def starve(repository: Repository, run: str, parts: Sequence[float] = PARTS) -> Tally:
    """Train a run where no file may have more than a part of its largest out, then where it may."""
    tally = Tally("disk full: no file above a size", f"train@{run}")
    clear(repository, run)
    assert repository.run(sys.executable, "-m", "stages.train", run).returncode == 0
    expected = outs_of(repository, run)
    outs = (repository.folder / "data/runs" / run).iterdir()
    largest = max(path.stat().st_size for path in outs)
    for size in (int(part * largest) for part in parts):
        clear(repository, run)
        tally.injected += 1
        starved = repository.run(sys.executable, "-c", PROGRAM, str(size), run)
        left = outs_of(repository, run)
        fed = repository.run(sys.executable, "-m", "stages.train", run)
        if starved.returncode != 1 or "Traceback" in starved.stderr:
            tally.wrong.append(
                f"{size} bytes: status {starved.returncode}, {starved.stderr[-300:]}"
            )
        elif not set(left.items()) <= set(expected.items()):
            tally.wrong.append(f"{size} bytes: left something half-written: {sorted(left)}")
        elif fed.returncode or outs_of(repository, run) != expected:
            tally.wrong.append(f"{size} bytes: other bytes afterwards, {fed.stderr[-300:]}")
        else:
            tally.survived += 1
    return tally
