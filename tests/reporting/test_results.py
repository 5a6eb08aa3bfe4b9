"""What the report reads: one clear sentence for a missing or damaged file."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.core.schemas import TRAIN, VALIDATE
from pipeline.errors import ReportError, SchemaError
from pipeline.plumbing.params import Params
from pipeline.reporting.gathering import gather
from pipeline.reporting.pages import index_page
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.tables import summary, table3, table3_json
from tests.reporting.conftest import outcome_of

SCORES = Path("data/scores/sst-pretrain.json")
SUMMARY = Path("data/runs/sst-pretrain/run.json")
HISTORY = Path("data/runs/sst-pretrain/history.csv")
VALIDATION = Path("data/validation/sts.json")
TEXTS = Path("data/texts.json")  # texts of the mistakes
MISSING, DAMAGED = "is missing; run `dvc repro`", "is damaged; delete it and run `dvc repro`"
Spoil = Callable[[Path], Any]


def change(*keys: str, to: Any) -> Spoil:
    """Return a function that changes a value in a JSON file."""

    def apply(path: Path) -> None:
        content = inner = json.loads(path.read_text())
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        path.write_text(json.dumps(content))

    return apply


def content(text: str | dict[str, Any]) -> Spoil:
    """Return a function that replaces the content of a file."""
    return lambda path: path.write_text(text if isinstance(text, str) else json.dumps(text))


def history(rows: str) -> Spoil:
    """Return a function that writes rows of epoch, corpus, steps and dev score into a history."""
    header = "epoch,corpus,steps,dev_score,train_loss,note\n"
    return content(header + rows.replace("\n", ",0.1,\n"))


# what is wrong with any record is in test_records.py; here, that each of them is looked at
SPOILED: list[tuple[Path, Spoil, str]] = [
    *((path, Path.unlink, MISSING) for path in (SCORES, SUMMARY, VALIDATION, HISTORY)),
    *((path, content("[]"), DAMAGED) for path in (SCORES, SUMMARY, VALIDATION)),
    (SCORES, change("corpora", to={}), "says nothing of 'sst'; delete it"),
    (SUMMARY, content({"schema": str(TRAIN)}), "is damaged (run: Field required); delete it"),
    (VALIDATION, content({"schema": str(VALIDATE)}), "is damaged (corpus: Field required)"),
    *(
        (SCORES, change("corpora", "sst", key, to=value), f"is damaged (corpora.sst{said}")
        for key, value, said in (
            ("ci_low", True, ".ci_low: Input should be a valid number)"),
            ("majority_class", [0.5], ".majority_class: Input should be a valid number)"),
            ("score", float("nan"), ".score: Input should be a finite number)"),
            ("score", None, ": Value error, an undefined score has a reason)"),
        )
    ),
    *(
        (HISTORY, history(rows), DAMAGED)
        for rows in (
            "",  # no epoch
            "2,sst,3,0.5\n",  # the first is missing
            "1,sst,3,0.5\n1,sst,3,0.5\n",
            "1,quora,3,0.5\n",  # another run's corpus
            "1,sst,3,nan\n",
            "1,sst,,0.5\n",
            "1,sst,3,0.5\n",  # the second of two is missing
            "1\n",
        )
    ),
    (HISTORY, content("epoch,corpus,steps\n1,sst,3\n"), "says nothing of 'dev_score'"),
    (TEXTS, content({"schema": "report/1", "texts": {"sst": {}}}), "says nothing of 'wrong'"),
]


def test_a_bad_file_is_reported_with_its_name(params: Params) -> None:
    records = gather(params, {}, Path("records"))
    for path, spoil, message in SPOILED:
        recorded = records.folder / paths.recorded(path)
        whole = recorded.read_bytes()
        spoil(recorded)
        with pytest.raises((ReportError, SchemaError), match=f"^{path} {re.escape(message)}"):
            read_outcome(params, {}, records)
        recorded.write_bytes(whole)


def test_the_history_of_a_stopped_run_may_end_early_and_pages_say_so(params: Params) -> None:
    history("1,sst,3,\n")(HISTORY)
    change("stopped", to="the loss is nan in step 3, epoch 1 (sst)")(SUMMARY)
    outcome = outcome_of(params)
    (row,) = (row for row in outcome.results if row.configuration == "sst-single-pretrain")
    assert row.stopped
    assert [epoch.dev_score for epoch in outcome.history(row)] == [None]
    assert "stopped in epoch 1 of 2" in index_page(params, outcome)
    assert table3(params, [row]).count("†") == 1
    assert table3_json([row])[0]["stopped"] is True


def test_only_one_row_gets_the_papers_score_and_claims_ignore_added_rows(params: Params) -> None:
    before = outcome_of(params).results
    rows = {**params.configurations, "again": params.configurations["sst-single-finetune"]}
    more = params.model_copy(update={"configurations": rows})
    after = outcome_of(more).results
    assert after[-1].paper_score is None
    assert after[:-1] == before
    assert summary(after) == summary(before)
    assert "single-task: sst-finetune" in table3(more, after)
