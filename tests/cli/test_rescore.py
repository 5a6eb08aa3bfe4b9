"""`python -m pipeline rescore`: a table, a sentence, and status 1 where a score is another one."""

import json
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.data.reading import read_split
from pipeline.data.sources import write_corpora
from pipeline.evaluation.course_format import write_predictions
from pipeline.reporting.gathering import gather
from tests.reporting.conftest import ROOT, left_by_runs, write

PREDICTIONS = Path("reports/demo/records/predictions")


@pytest.fixture(autouse=True)
def _perfect_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to the report of runs that are always right on small generated corpora."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / paths.PARAMS).write_text((ROOT / paths.PARAMS).read_text())
    params = left_by_runs()
    sizes = {corpus: {"train": 8, "dev": 12, "test": 4} for corpus in CORPORA}
    told = params.model_dump()
    told["profiles"]["demo"]["corpora"]["sizes"] = sizes
    params = type(params).model_validate(told)
    write_corpora(params.active.corpora, params.seed, paths.CORPORA)
    for name, run in params.runs.items():
        scores = json.loads(paths.scores_json(name).read_text())
        for corpus in run.corpora:
            scores["corpora"][corpus]["score"] = 1.0
            scores["corpora"][corpus]["analysis"]["mistakes"] = []
            frame = read_split(paths.split_csv(paths.corpus_dir(corpus), "dev"), CORPORA[corpus])
            path = paths.predictions_csv(name, corpus, "dev")
            write_predictions(path, list(frame["id"]), list(frame["label"]), CORPORA[corpus])
        write(paths.scores_json(name), scores)
    gather(params, {}, paths.records_dir(paths.report_dir("demo")))


def spoil(path: Path) -> None:
    """Make the first prediction another class."""
    first, line, *rest = path.read_text().split("\n")
    id_, _, label = line.partition(" , ")
    path.write_text("\n".join([first, f"{id_} , {(int(label) + 1) % 2} ", *rest]))


def test_scores_that_are_found_again_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["rescore"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 14 + 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["row", "metric", "recorded", "found again", "difference"]
    assert cells[2] == ["cfimdb-single-pretrain", "accuracy", "1.000000", "1.000000", "0"]
    assert lines[-1] == "all 14 scores are found again"


def test_scores_that_are_not_are_named_after_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    spoil(PREDICTIONS / "cfimdb-pretrain/cfimdb-dev.csv")
    spoil(PREDICTIONS / "multitask-finetune/quora-dev.csv")
    before = set(Path().rglob("*"))
    assert main(["rescore", "--profile", "demo"]) == 1
    assert set(Path().rglob("*")) == before
    said = capsys.readouterr()
    names = "cfimdb-single-pretrain, quora-multitask-finetune"
    assert said.err == f"2 of 14 scores are not found again: {names}\n"
    row = next(line for line in said.out.splitlines() if "cfimdb-single-p" in line)
    assert "|   -8.3e-02 |" in row  # 1 of 12
