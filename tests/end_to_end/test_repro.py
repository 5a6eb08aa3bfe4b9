"""Small graphs with real DVC: what runs, what runs again, and what comes from the cache.

The copy of the repository has small corpora, a backbone of 1 M random weights and one epoch.
tests/docs/test_commands.py runs the whole graph of ten runs.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from safetensors import safe_open

import stages.trials
from pipeline.cli import main
from pipeline.core import paths, schemas
from pipeline.core.tasks import CORPORA, FEATURE_SETS
from pipeline.core.yaml12 import parse_yaml
from pipeline.launch.plan import Outcome, plan_stages
from pipeline.launch.sweep import read_grid, trials_of, write_trials
from pipeline.launch.times import load_times
from pipeline.plumbing.params import load_params, switch_profile
from pipeline.plumbing.trials import Trial
from tests.torture.disturbances import FAULTS, disturb
from tests.torture.repository import ROOT, Repository, small_repository

RUNS = ("sts-pretrain", "multitask-pretrain")

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def both_stages(*runs: str) -> set[str]:
    return {f"{stage}@{run}" for stage in ("train", "evaluate") for run in runs}


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path
) -> Iterator[Repository]:
    """Go to a small repository in which nothing has run yet."""
    small = small_repository(tmp_path_factory.mktemp("repository"), tiny_backbone_dir)
    small.keep(*RUNS)
    profile = small.params()["profiles"]["demo"]
    small.set(profiles__twin=profile | {"epochs": {"pretrain": 2, "finetune": 1}})
    with chdir(small.folder):
        yield small


@pytest.fixture(scope="module", autouse=True)
def first(repository: Repository) -> set[str]:
    """Return the stages that the first `dvc repro` ran."""
    return repository.repro()[0]


def test_a_first_run_executes_every_stage_and_records_its_time(
    repository: Repository, first: set[str]
) -> None:
    assert first == (
        {"corpora", "backbone", "validate", "inputs", "report"}
        | {f"tokens@{corpus}" for corpus in CORPORA}
        | {f"features@{name}" for name in FEATURE_SETS}
        | both_stages(*RUNS)
    )
    times = load_times("demo")
    assert set(times) == first
    assert all(time.seconds > 0 for time in times.values())
    assert {name for name, time in times.items() if time.steps} == {f"train@{r}" for r in RUNS}


EXEMPT = {
    "data/backbone": "pinned by hash",
    "data/predictions": "the course's formats",
    "data/corpora": "origin.json speaks for the tables beside it",
    "data/runs": "run.json and the weights speak for history.csv beside them",
    "data/tokens": "cache.json speaks for the arrays beside it",
    "data/features": "features.json speaks for the arrays beside it",
}


def test_every_stored_file_contains_its_kind_and_version(repository: Repository) -> None:
    kinds = set()
    for path in (p for p in (repository.folder / "data").rglob("*") if p.is_file()):
        name = path.relative_to(repository.folder)
        if path.suffix == ".json" and "backbone" not in name.parts:
            kinds.add(json.loads(path.read_text())["schema"])
        elif path.name == "model.safetensors" and "runs" in name.parts:
            with safe_open(path, framework="np") as file:
                kinds.add(file.metadata()["schema"])
        else:
            assert any(name.is_relative_to(folder) for folder in EXEMPT), name
    assert kinds == {str(s) for s in vars(schemas).values() if isinstance(s, schemas.Schema)} - {
        "checkpoint/1",
        "finished/1",
        "report/1",
        "time/1",
        "trials/2",
    }


def test_runs_can_be_added_as_documented(repository: Repository) -> None:
    section = (ROOT / "docs/adding.md").read_text().split("\n## A run\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        for key, entries in parse_yaml(block).items():
            repository.set(**{key: repository.params()[key] | entries})
    assert main(["graph"]) == 0
    repository.done("git", "add", "--all")
    ran, _ = repository.repro()
    assert ran == {"inputs", "report"} | both_stages("sst-fast", "sst-sts")
    rows = json.loads((repository.folder / "reports/demo/table3.json").read_text())
    (row,) = (row for row in rows if row["configuration"] == "sst-single-fast")
    assert row["score"] is not None
    assert (repository.folder / "reports/demo/runs/sst-fast.md").is_file()


def test_only_changed_stages_rerun_and_old_results_come_from_the_cache(
    repository: Repository,
) -> None:
    """A rate that makes training fail, an encoding and a profile are changed and changed back."""
    before, report = repository.params(), repository.hashes("reports")
    repository.set(
        profiles__paper__epochs__finetune=3,  # neither is active
        profiles__laptop__backbone="local:elsewhere",
        runs__sst_dash_fast__learning_rate=1e38,
    )
    planned = {s.name for s in plan_stages() if s.outcome == Outcome.RUN}
    assert planned == both_stages("sst-fast") | {"report"}
    repository.set(runs__sts_dash_pretrain__pair_encoding="separate")
    ran, _ = repository.repro()
    assert ran == planned | both_stages("sts-pretrain") | {"inputs"}
    assert_sst_fast_is_undefined(repository.folder)

    switch_profile("twin", paths.PARAMS)
    ran_twin, _ = repository.repro("train@sts-pretrain")
    assert ran_twin == {"corpora", "backbone", "validate", "train@sts-pretrain"}
    switch_profile("demo", paths.PARAMS)
    repository.set(runs=before["runs"])
    again, output = repository.repro()
    assert again <= {"report"}  # not cached, because its pages are in git
    assert all(f"Stage '{name}' is cached - skipping run" in output for name in ran - {"report"})
    assert repository.hashes("reports") == report


def assert_sst_fast_is_undefined(folder: Path) -> None:
    rows = json.loads((folder / "reports/demo/table3.json").read_text())
    (row,) = (row for row in rows if row["configuration"] == "sst-single-fast")
    assert row["score"] is None
    assert row["reason"].startswith("undefined: training stopped, ")
    page = (folder / "reports/demo/table3.md").read_text()
    assert "- **sst-fast** stopped early (†): " in page
    history = (folder / "data/runs/sst-fast/history.csv").read_text()
    assert "not finite" in history or "the loss is" in history
    predictions = folder / "data/predictions/sst-fast/sst-test.csv"
    assert len(predictions.read_text().splitlines()) == 1


SWEPT = ["multitask-pretrain"]
GRID = "batch_size.sst=32 batch_size.quora=8 batch_size.sts=8"


def ask_for_trials(seeds: int) -> dict[str, Trial]:
    """Write the trials of a sweep over some seeds (none for one seed), and return them."""
    params = load_params()
    trials = trials_of(params, SWEPT, seeds, read_grid(GRID)) if seeds > 1 else {}
    write_trials(params, trials)
    return trials


def test_a_killed_sweep_continues(repository: Repository) -> None:
    repository.set(checkpoints__every_steps=1)
    early, late = ask_for_trials(2)
    repository.repro(f"trials@{early}")  # because DVC runs siblings in any order
    with repository.holding(late) as is_held:
        assert disturb(repository, FAULTS["kill -9 of all"], lambda _: is_held(), ("trials",))
    done = repository.pipeline("sweep", "--runs", *SWEPT, "--seeds", "2", "--grid", GRID)
    assert done.returncode == 0, done.stderr
    assert f"{late}  resumes after epoch 0, step " in done.stderr
    assert early not in done.stderr  # which had finished
    assert repository.hashes("data/trials").keys() == {
        f"data/trials/{trial}/{name}"
        for trial in (early, late)
        for name in ("scores.json", "history.csv")
    }
    assert not list((repository.folder / ".checkpoints").glob(f"{early}-*"))  # DVC has the result
    page = (repository.folder / "reports/demo/sweep.md").read_text()
    assert "## Settings of multitask-pretrain" in page


def test_repeated_trials_come_from_the_run_cache(repository: Repository) -> None:
    results = repository.hashes("data/trials")
    ask_for_trials(1)
    assert repository.done("git", "diff", "--", "dvc.yaml", "trials.yaml") == ""
    shutil.rmtree(repository.folder / paths.TRIED)
    trials = ask_for_trials(2)
    repository.forget_stages(*(f"trials@{name}" for name in trials))
    ran, output = repository.repro("trials")
    assert ran == set()
    assert output.count("is cached - skipping run") == 2
    assert repository.hashes("data/trials") == results


def test_a_trial_that_equals_its_run_gives_the_same_numbers(repository: Repository) -> None:
    seed = repository.params()["seed"]
    own = {"run": "sts-pretrain", "mode": "pretrain", "seed": seed, "changes": {}}
    name = f"sts-pretrain-seed{seed}"
    paths.TRIALS.write_text(json.dumps({"trials": {name: own}}))
    stages.trials.main(name)
    ask_for_trials(1)
    trial, run = paths.trial_dir(name), paths.run_dir("sts-pretrain")
    assert (trial / paths.HISTORY).read_bytes() == (run / paths.HISTORY).read_bytes()
    of_trial = json.loads((trial / paths.TRIAL_SCORES).read_text())["corpora"]["sts"]
    of_run = json.loads(paths.scores_json("sts-pretrain").read_text())["corpora"]["sts"]
    assert of_trial == {key: of_run[key] for key in of_trial}
