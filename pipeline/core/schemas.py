"""The layout of every kind of file that is stored, by number.

A number is raised when an older reader would misunderstand a newer file, or a newer reader an
older one; files of another number are refused (`files.read_record`). The course's formats of
predictions and the files from outside, which are pinned by hash, carry none.
"""

from typing import NamedTuple


class Schema(NamedTuple):
    """A kind of stored file, named after the stage that makes it, and the number of its layout."""

    kind: str
    version: int

    @property
    def remedy(self) -> str:
        """Say what brings a file of this schema."""
        if self.kind in ("checkpoint", "finished", "time"):
            return "it is of no use here"
        return f"run `dvc repro`, and `dvc repro -f {self.kind}` if nothing runs then"

    def __str__(self) -> str:
        """Return what a file calls itself."""
        return f"{self.kind}/{self.version}"


CORPORA = Schema("corpora", 1)  # {train,dev,test}.csv and origin.json
VALIDATE = Schema("validate", 2)
TOKENS = Schema("tokens", 2)
FEATURES = Schema("features", 1)
INPUTS = Schema("inputs", 2)
TRAIN = Schema("train", 3)  # model.safetensors, history.csv and run.json
EVALUATE = Schema("evaluate", 2)
TRIALS = Schema("trials", 2)  # scores.json; history.csv as of `train`
REPORT = Schema("report", 1)  # what its records have beside copies of data/
CHECKPOINT = Schema("checkpoint", 1)
FINISHED = Schema("finished", 1)  # what came of a checkpoint
TIME = Schema("time", 1)  # what a stage took
