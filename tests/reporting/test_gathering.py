"""gather: records are complete, readable and without sentences of real corpora.

tests/cli/test_render.py reads params back.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.core.records import Example
from pipeline.core.tasks import CORPORA
from pipeline.errors import ReportError
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Changes, Trial
from pipeline.reporting.gathering import gather
from pipeline.reporting.pages import write_report
from pipeline.reporting.records import read_trials
from tests.reporting.conftest import FINDING, VALIDATION, write

RECORDS = Path("records")
WORD = "xyzzyplugh"


def write_real_corpora(word: str) -> None:
    """Put a word into every sentence of every corpus, and into what validation found in them."""
    findings = [
        replace(FINDING, examples=[Example("wrong", f"{word} {word}", "words: 2")]),
        replace(FINDING, success=True, examples=[Example("a", word, "")]),
    ]
    found = VALIDATION.model_copy(update={"source": "cs224n", "findings": findings})
    for corpus in CORPORA:
        second = f"{word} again" if CORPORA[corpus].is_pair else ""
        for split in ("train", "dev", "test"):
            text = f"id,first,second,label\nwrong,A {word},{second},1\n"
            write(paths.split_csv(paths.corpus_dir(corpus), split), text)
        found.model_copy(update={"corpus": corpus}).write(paths.validation_json(corpus))


def test_no_sentence_of_a_real_corpus_reaches_a_page_or_a_record(params: Params) -> None:
    write_real_corpora(WORD)
    laptop = params.model_copy(update={"profile": "laptop"})
    write_report(laptop, {}, paths.report_dir("laptop"), paths.SUMMARY)
    files = Path("reports").rglob("*.*")
    assert [file for file in files if WORD in file.read_text().lower()] == []
    report = paths.report_dir("laptop")
    page = (report / "runs/quora-finetune.md").read_text()
    assert "| `wrong` |     0 |         1 |       0.900 |\n" in page
    assert "Text" not in page
    assert "- `wrong` (words: 2)\n" in (report / "data.md").read_text()


@pytest.mark.parametrize("line", [f"a {WORD} b , 1 ", f"wrong , a , {WORD} , 1 ", "wrong , a "])
def test_predictions_with_more_than_ids_and_numbers_are_rejected(params: Params, line: str) -> None:
    path = paths.predictions_csv("sst-pretrain", "sst", "test")
    path.write_text(f"id \t Predicted_Sentiment \n{line}\n")
    with pytest.raises(ReportError, match=f"^{path} is damaged; delete it and run `dvc repro`$"):
        gather(params, {}, RECORDS)


def test_results_are_recorded_byte_for_byte_with_the_layout_of_data(params: Params) -> None:
    gather(params, {}, RECORDS)
    found = {path.relative_to(RECORDS) for path in RECORDS.rglob("*") if path.is_file()}
    own = {Path(f"{name}.json") for name in ("params", "trials", "texts", "differences")}
    left = {p.relative_to("data") for p in Path("data").rglob("*") if p.is_file()}
    assert found == own | {path for path in left if path.parts[0] != "corpora"}
    in_force = json.loads((RECORDS / "params.json").read_text())["params"]
    assert list(in_force["profiles"]) == ["demo"]
    for path in found - own:
        assert (RECORDS / path).read_bytes() == ("data" / path).read_bytes()


def test_trials_are_read_back(params: Params) -> None:
    changes: tuple[dict[str, Any], ...] = ({"dropout": 0.1}, {"batch_size": {"sst": 8}}, {})
    names = ["sst-pretrain-dropout0p1-seed2", "sst-pretrain-sst8-seed2", "sst-pretrain-seed2"]
    trials = {
        name: Trial(run="sst-pretrain", mode="pretrain", seed=2, changes=Changes(**change))
        for name, change in zip(names, changes, strict=True)
    }
    for name in trials:
        write(paths.trial_dir(name) / paths.TRIAL_SCORES, "[1]")
    found = read_trials(gather(params, trials, RECORDS), params)
    assert (found, list(found)) == (trials, names)
    assert json.loads((RECORDS / f"trials/{names[0]}/scores.json").read_text())


def test_a_scored_example_that_the_corpus_does_not_have_is_named(params: Params) -> None:
    Path("data/corpora/sst/dev.csv").write_text("id,first,second,label\nother,A text,,1\n")
    with pytest.raises(ReportError, match=r"sst/dev\.csv has no example wrong, which was scored"):
        gather(params, {}, RECORDS)
