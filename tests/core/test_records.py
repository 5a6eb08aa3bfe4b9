"""Records: every committed one is read, and written again as the same bytes."""

from pathlib import Path

import pytest

from pipeline.core import records
from pipeline.core.record import Record

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.mark.parametrize("profile", ["demo", "laptop"])
@pytest.mark.parametrize(
    ("kind", "files"),
    [
        (records.RunInputs, "inputs/*.json"),
        (records.RunSummary, "runs/*/run.json"),
        (records.RunScores, "scores/*.json"),
        (records.TrialScores, "trials/*/scores.json"),
        (records.CorpusReport, "validation/*.json"),
        (records.Differences, "differences.json"),
        (records.Texts, "texts.json"),
    ],
)
def test_a_record_comes_back_as_the_same_bytes(
    tmp_path: Path, profile: str, kind: type[Record], files: str
) -> None:
    found = sorted((REPORTS / profile / "records").glob(files))
    assert found or (profile, kind) == ("demo", records.TrialScores)
    for path in found:
        kind.read(path).write(tmp_path / "again.json")
        assert (tmp_path / "again.json").read_bytes() == path.read_bytes(), path
