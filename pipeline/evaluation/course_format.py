r"""Writes and reads predictions in the submission format of the CS224N default project.

The first line is `id \t Predicted_... `, followed by a line `<id> , <value> ` for each example.
The trailing spaces and the misspelled similarity column are part of the course's format.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.core.files import write_text
from pipeline.core.tasks import Corpus, TaskName
from pipeline.errors import CorpusError

FIRST_LINES: Mapping[TaskName, str] = {
    "sentiment": "id \t Predicted_Sentiment ",
    "paraphrase": "id \t Predicted_Is_Paraphrase ",
    "similarity": "id \t Predicted_Similiary ",
}
SEPARATOR = " , "
NUM_DECIMALS = 6  # of a similarity


def write_predictions(
    path: Path, ids: Sequence[str], values: Sequence[float], corpus: Corpus
) -> None:
    """Write one prediction, a class or a similarity, per example, in the given order."""
    lines = [FIRST_LINES[corpus.task.name]]
    for id_, value in zip(ids, values, strict=True):
        lines.append(f"{id_}{SEPARATOR}{_shown(value, corpus)} ")
    write_text(path, "\n".join(lines) + "\n")


def read_predictions(path: Path, corpus: Corpus) -> tuple[list[str], list[float]]:
    """Read ids and predictions back.

    Raises:
        CorpusError: the file is missing, is for another task, or has a malformed line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise CorpusError(f"{path} is missing; evaluate the run first") from None
    wanted = FIRST_LINES[corpus.task.name]
    if lines[0] != wanted:
        raise CorpusError(f"{path} line 1 must be {wanted!r}, not {lines[0]!r}")
    if lines.pop():
        raise CorpusError(f"{path} breaks off in line {len(lines) + 1}; evaluate the run again")
    pairs = [_parsed(line, number, path) for number, line in enumerate(lines[1:], start=2)]
    return [id_ for id_, _ in pairs], [value for _, value in pairs]


def _shown(value: float, corpus: Corpus) -> str:
    """Format a prediction: an integer for a class, otherwise a decimal."""
    if not corpus.has_classes:
        return repr(round(float(value), NUM_DECIMALS))
    if value != int(value):
        raise ValueError(f"a prediction for {corpus.name} must be a whole number, not {value!r}")
    return str(int(value))


def _parsed(line: str, number: int, path: Path) -> tuple[str, float]:
    """Parse the id and the value from one line."""
    id_, separator, value = line.rpartition(SEPARATOR)
    try:
        if not id_ or not separator or not value.endswith(" "):
            raise ValueError
        return id_, float(value)
    except ValueError:
        raise CorpusError(
            f"{path} line {number} must be '<id> , <number> ' with a blank at its end, not {line!r}"
        ) from None
