"""The lists of dvc.yaml agree with params.yaml and trials.yaml (its code deps: test_rooms.py)."""

import re
from typing import Any

import pytest

from pipeline.core.tasks import CORPORA, FEATURE_SETS
from pipeline.core.yaml12 import read_yaml
from pipeline.launch.graph import PICTURE, picture, rooms_picture
from pipeline.launch.lists import watching, written
from pipeline.plumbing.params import LocalCorpora
from pipeline.plumbing.trials import load_trials
from tests.params import PARAMS, ROOT

DVC_YAML: dict[str, Any] = read_yaml(ROOT / "dvc.yaml")
STAGES: dict[str, Any] = DVC_YAML["stages"]
TRIALS = load_trials(PARAMS, ROOT / "trials.yaml")


def body_of(name: str) -> dict[str, Any]:
    stage: dict[str, Any] = STAGES[name].get("do", STAGES[name])
    return stage


def test_the_lists_are_what_make_graph_writes() -> None:
    text = (ROOT / "dvc.yaml").read_text()
    assert written(text, PARAMS.runs, TRIALS) == text, "run `make graph`"


def test_an_added_corpus_enters_every_list_of_corpora() -> None:
    text = (ROOT / "dvc.yaml").read_text()
    last = list(CORPORA)[-1]
    sets = [name for name, (corpus, _) in FEATURE_SETS.items() if corpus == last]
    gone = tuple(f"/{name}" for name in (last, *sets))
    fewer = "\n".join(
        re.sub(rf", {last}(-\w+: {last}, {last}-\w+: {last})?(?=[\]}}])", "", line)
        for line in text.split("\n")
        if not line.endswith(gone)
    )
    assert len(text.splitlines()) - len(fewer.splitlines()) == 1 + len(sets)
    assert fewer.count(f" {last}") == 0
    assert written(fewer, PARAMS.runs, TRIALS) == text


def test_the_diagram_in_the_docs_matches_the_graph() -> None:
    (shown,) = PICTURE.findall((ROOT / "docs/stages.md").read_text())
    drawn = picture((ROOT / "dvc.yaml").read_text(), PARAMS.runs)
    assert shown == drawn, "run `make graph`"
    assert "    train --> evaluate\n" in drawn
    assert "evaluate --> train" not in drawn


def test_the_diagram_of_the_rooms_matches_the_imports() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    (shown,) = PICTURE.findall(page)
    assert shown == rooms_picture(), "run `make graph`"
    for room in set(re.findall(r"\w+", shown)) - {"flowchart", "TB"}:
        assert f"\n| `{room}` |" in page


def test_adding_or_removing_a_run_changes_only_the_lists() -> None:
    text = (ROOT / "dvc.yaml").read_text()
    runs = {**PARAMS.runs, "one-more": PARAMS.runs["sst-finetune"]}
    more = written(text, runs, TRIALS)
    added = [line.strip() for line in more.splitlines() if "one-more" in line]
    assert added == [
        "- runs.one-more.mode",
        "- runs.one-more.batch_size",
        "- data/scores/one-more.json",
        "- data/predictions/one-more",
        "- data/runs/one-more/history.csv",
        "- data/runs/one-more/run.json",
    ]
    assert written(more, PARAMS.runs, TRIALS) == text


def test_own_data_is_a_dependency_while_it_is_used() -> None:
    text = (ROOT / "dvc.yaml").read_text()
    own = LocalCorpora(source="local:requirements")
    watched = watching(text, own)
    assert watched.count("      - requirements\n") == 1
    assert watching(watched, own) == watched
    assert watching(watched, PARAMS.active.corpora) == text


def test_the_lock_contains_no_stage_that_was_removed_from_the_graph() -> None:
    named = set(STAGES)
    for name, stage in STAGES.items():
        if "foreach" in stage:
            named.remove(name)
            over = {"${runs}": PARAMS.runs, "${trials}": ()}  # a sweep may have left trials
            keys = stage["foreach"]
            named |= {f"{name}@{key}" for key in (over[keys] if isinstance(keys, str) else keys)}
    locked = read_yaml(ROOT / "dvc.lock")["stages"]
    assert {name for name in locked if not name.startswith("trials@")} == named


@pytest.mark.parametrize("name", STAGES)
def test_commands_replace_their_shell_and_outs_can_be_cached(name: str) -> None:
    body = body_of(name)
    assert body["cmd"].startswith(f"exec python -m stages.{name}")
    outs = (out for key in ("outs", "metrics", "plots") for out in body.get(key, []))
    assert name == "report" or all(isinstance(out, str) for out in outs)


def test_inputs_and_report_depend_on_everything_they_read() -> None:
    inputs, report = body_of("inputs"), body_of("report")
    folders = {f"data/tokens/{name}" for name in CORPORA}
    assert folders | {f"data/features/{name}" for name in FEATURE_SETS} <= set(inputs["deps"])
    keys = {f"runs.{name}.{key}" for name in PARAMS.runs for key in ("mode", "batch_size")}
    pairs = {f"runs.{n}.pair_encoding" for n, run in PARAMS.runs.items() if run.pair_encoding}
    assert set(inputs["params"]) == keys | pairs  # only keys that decide a run's files
    files = ("scores/{}.json", "predictions/{}", "runs/{}/history.csv", "runs/{}/run.json")
    results = {f"data/{file.format(run)}" for file in files for run in PARAMS.runs}
    assert results | {"data/corpora", "data/inputs", "data/validation"} <= set(report["deps"])
