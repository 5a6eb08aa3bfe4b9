"""The schema number of each kind of stored file.

The number goes up when an old reader would misunderstand a new file, or a new reader an old file.
Files with another number are rejected (`record.Record`). Prediction files (the course's
formats) and downloaded files (pinned by hash) have no schema.
"""

from typing import NamedTuple


class Schema(NamedTuple):
    """A kind of stored file, named after the stage that writes it, with its version."""

    kind: str
    version: int

    @property
    def remedy(self) -> str:
        """Return how to get a file of this schema."""
        if self.kind in ("checkpoint", "finished", "time"):
            return "it is of no use here"
        return f"run `dvc repro`, and `dvc repro -f {self.kind}` if nothing runs then"

    def __str__(self) -> str:
        """Return the schema as it is written into the file."""
        return f"{self.kind}/{self.version}"


CORPORA = Schema("corpora", 1)  # {train,dev,test}.csv and origin.json
VALIDATE = Schema("validate", 2)
TOKENS = Schema("tokens", 2)
FEATURES = Schema("features", 1)
INPUTS = Schema("inputs", 2)
TRAIN = Schema("train", 3)  # model.safetensors, history.csv and run.json
EVALUATE = Schema("evaluate", 2)
TRIALS = Schema("trials", 2)  # scores.json; history.csv as of `train`
REPORT = Schema("report", 1)  # the records that are not copies of data/
CHECKPOINT = Schema("checkpoint", 1)
FINISHED = Schema("finished", 1)  # the out that a checkpoint led to
TIME = Schema("time", 1)  # time and memory of a stage
