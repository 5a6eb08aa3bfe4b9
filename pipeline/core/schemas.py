"""The schema number of each kind of stored file.

The number is increased when old code would misread a new file, or new code an old file. Files
with a different number are rejected (`record.Record`). Prediction files, which have the course's
format, and downloaded files, which are pinned by hash, have no schema.
"""

from typing import NamedTuple


class Schema(NamedTuple):
    """A kind of stored file, named after the stage that writes it, and its version."""

    kind: str
    version: int

    @property
    def remedy(self) -> str:
        """Return instructions for getting a file with this schema."""
        if self.kind in ("checkpoint", "finished", "time"):
            return "it is of no use here"
        return f"run `dvc repro`, and `dvc repro -f {self.kind}` if nothing runs then"

    def __str__(self) -> str:
        """Return the schema as files store it."""
        return f"{self.kind}/{self.version}"


CORPORA = Schema("corpora", 1)  # {train,dev,test}.csv and origin.json
VALIDATE = Schema("validate", 2)
TOKENS = Schema("tokens", 2)
FEATURES = Schema("features", 1)
INPUTS = Schema("inputs", 2)
TRAIN = Schema("train", 3)  # model.safetensors, history.csv and run.json
EVALUATE = Schema("evaluate", 2)
TRIALS = Schema("trials", 2)  # scores.json; history.csv has the schema `train`
REPORT = Schema("report", 1)  # the records that are not copied from data/
CHECKPOINT = Schema("checkpoint", 1)
FINISHED = Schema("finished", 1)  # the out that training with a checkpoint produced
TIME = Schema("time", 1)  # the time and memory that a stage needed
