"""The whole graph under real DVC: what runs, what runs again, what comes back from the cache.

A copy of the repository with small corpora, a backbone of 1 M random weights and one epoch: every
stage for real, in a minute or two.
"""

import json
import re
import shutil
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from safetensors import safe_open

from pipeline import paths, schemas
from pipeline.launch.sweep import read_grid, trials_of, write_trials
from pipeline.params import load_params
from pipeline.tasks import CORPORA, FEATURE_SETS
from pipeline.yaml12 import parse_yaml
from tests.torture.disturbances import FAULTS, disturb
from tests.torture.repository import ROOT, Repository, small_repository

PARAMS = load_params(ROOT / "params.yaml")
RUNS = list(PARAMS.runs)

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Repository:
    small = small_repository(tmp_path_factory.mktemp("repository"), tiny_backbone_dir)
    profile = small.params()["profiles"]["demo"]
    small.set(profiles__twin=profile | {"epochs": {"pretrain": 2, "finetune": 1}})
    return small


@pytest.fixture(scope="module")
def first(repository: Repository) -> set[str]:
    return repository.repro()[0]


def test_first_run_goes_through_every_stage(first: set[str]) -> None:
    assert first == (
        {"corpora", "backbone", "validate", "inputs", "report"}
        | {f"tokens@{corpus}" for corpus in CORPORA}
        | {f"features@{name}" for name in FEATURE_SETS}
        | {f"{stage}@{run}" for stage in ("train", "evaluate") for run in RUNS}
    )


def test_report_has_every_row_in_the_promised_form(repository: Repository, first: set[str]) -> None:
    rows = json.loads((repository.folder / "reports/demo/table3.json").read_text())
    assert [row["configuration"] for row in rows] == list(PARAMS.configurations)
    keys = {
        "configuration",
        "run",
        "task",
        "corpus",
        "scheme",
        "mode",
        "learning_rate",
        "batch_size",
        "metric",
        "score",
        "ci_low",
        "ci_high",
        "paper_score",
        "best_epoch",
    }
    for row in rows:
        assert set(row) == keys | ({"reason"} if row["score"] is None else set())
    page = (repository.folder / "reports/demo/table3.md").read_text()
    assert "generated corpora" in page
    assert {p.name for p in (repository.folder / "reports/demo").iterdir()} == {
        "README.md",
        "analysis.md",
        "readings.md",
        "table3.md",
        "table3.json",
        "data.md",
        "curves.svg",
        "data.svg",
        "scores.svg",
        "records",
        "runs",
    }
    assert {p.stem for p in (repository.folder / "reports/demo/runs").iterdir()} == set(RUNS)


EXEMPT = {
    "data/backbone": "pinned by hash",
    "data/predictions": "the course's formats",
    "data/corpora": "origin.json speaks for the tables beside it",
    "data/runs": "run.json and the weights speak for history.csv beside them",
    "data/tokens": "cache.json speaks for the arrays beside it",
    "data/features": "features.json speaks for the arrays beside it",
}


def test_every_stored_file_says_what_it_is(repository: Repository, first: set[str]) -> None:
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


def test_predictions_are_in_the_courses_format(repository: Repository, first: set[str]) -> None:
    folder = repository.folder / "data/predictions/multitask-finetune"
    lines = (folder / "sst-test.csv").read_text().splitlines()
    assert lines[0] == "id \t Predicted_Sentiment "
    assert all(re.fullmatch(r"[0-9a-f]{25} , [0-4] ", line) for line in lines[1:])
    assert len(lines) == 1 + 8


def test_second_run_has_nothing_to_do(repository: Repository, first: set[str]) -> None:
    done = repository.run(sys.executable, "-m", "pipeline", "repro")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{len(first)} stages, all up to date\n"


def test_every_stage_writes_down_what_it_took(repository: Repository, first: set[str]) -> None:
    told = repository.run(sys.executable, "-m", "pipeline", "times", "--json").stdout
    times = {time["stage"]: time for time in json.loads(told)}
    assert set(times) == first
    assert all(time["seconds"] > 0 for time in times.values())
    assert {name for name, time in times.items() if time["steps"]} == {f"train@{r}" for r in RUNS}


def test_one_runs_rate_reruns_that_run_alone(repository: Repository, first: set[str]) -> None:
    repository.set(runs__sst_dash_finetune__learning_rate=2e-05)
    told = repository.run(sys.executable, "-m", "pipeline", "plan", "--json").stdout
    planned = {s["name"] for s in json.loads(told)["stages"] if s["outcome"] == "would run"}
    ran, _ = repository.repro()
    assert planned == ran == {"train@sst-finetune", "evaluate@sst-finetune", "report"}


def test_one_encoding_changed_reruns_its_run_alone_and_back_restores(
    repository: Repository, first: set[str]
) -> None:
    repository.repro()
    repository.set(runs__sts_dash_pretrain__pair_encoding="separate")
    ran, _ = repository.repro()
    assert ran == {"inputs", "train@sts-pretrain", "evaluate@sts-pretrain", "report"}
    repository.set(runs__sts_dash_pretrain__pair_encoding="joint")
    again, said = repository.repro()
    # the report is not cached: its pages are in git
    assert again <= {"report"}
    assert all(f"Stage '{name}' is cached - skipping run" in said for name in ran - {"report"})


def test_inactive_profile_reruns_nothing(repository: Repository, first: set[str]) -> None:
    repository.set(
        profiles__paper__epochs__finetune=3, profiles__laptop__backbone="local:elsewhere"
    )
    assert repository.repro()[0] == set()


def test_switching_the_profile_and_back_restores_from_the_cache(
    repository: Repository, first: set[str]
) -> None:
    before = (repository.folder / "reports/demo/table3.json").read_bytes()
    assert repository.run(sys.executable, "-m", "stages.preflight", "twin").returncode == 0
    ran, _ = repository.repro("evaluate@sst-pretrain", "evaluate@sts-finetune")
    trained = {name for name in ran if name.startswith("train@")}
    assert trained == {"train@sst-pretrain", "train@sts-finetune"}
    assert repository.run(sys.executable, "-m", "stages.preflight", "demo").returncode == 0
    ran, said = repository.repro()
    assert not {name for name in ran if name.startswith(("train@", "evaluate@", "features@"))}
    assert "Stage 'train@sst-pretrain' is cached" in said
    assert (repository.folder / "reports/demo/table3.json").read_bytes() == before


def test_a_run_that_is_forced_is_trained_each_time_and_gives_the_same_lock_file(
    repository: Repository, first: set[str]
) -> None:
    lock = (repository.folder / "dvc.lock").read_bytes()
    for _ in range(2):
        done = repository.run("dvc", "repro", "-f", "-s", "train@sts-pretrain")
        assert done.returncode == 0, done.stderr
        assert "sts-pretrain  epoch 1/1" in done.stderr
        assert (repository.folder / "dvc.lock").read_bytes() == lock


def test_a_run_whose_numbers_go_wrong_is_named_and_stops_nothing_else(
    repository: Repository, first: set[str]
) -> None:
    rate = repository.params()["runs"]["sst-finetune"]["learning_rate"]
    repository.set(runs__sst_dash_finetune__learning_rate=1e38)
    try:
        ran, _ = repository.repro()
    finally:
        repository.set(runs__sst_dash_finetune__learning_rate=rate)
    assert ran == {"train@sst-finetune", "evaluate@sst-finetune", "report"}
    rows = json.loads((repository.folder / "reports/demo/table3.json").read_text())
    (row,) = (row for row in rows if row["configuration"] == "sst-single-finetune")
    assert row["score"] is None
    assert row["reason"].startswith("undefined: training stopped, ")
    page = (repository.folder / "reports/demo/table3.md").read_text()
    assert "- **sst-finetune** stopped early (†): " in page
    history = (repository.folder / "data/runs/sst-finetune/history.csv").read_text()
    assert "not finite" in history or "the loss is" in history
    predictions = repository.folder / "data/predictions/sst-finetune/sst-test.csv"
    assert len(predictions.read_text().splitlines()) == 1
    repository.repro()


SWEPT = ["multitask-pretrain"]
GRID = "batch_size.sst=32 batch_size.quora=8 batch_size.sts=8"


def trial_files(repository: Repository) -> set[str]:
    tried = repository.folder / "data/trials"
    return {str(path.relative_to(tried)) for path in tried.rglob("*") if not path.is_dir()}


def test_a_killed_sweep_goes_on_where_it_was(repository: Repository, first: set[str]) -> None:
    repository.set(checkpoints__every_steps=1)
    trials = trials_of(PARAMS, SWEPT, 2, read_grid(GRID))
    with chdir(repository.folder):
        write_trials(PARAMS, trials)
    early, late = trials
    repository.repro(f"trials@{early}")  # DVC runs siblings in any order
    with repository.holding(late) as is_held:
        killed = disturb(repository, FAULTS["kill -9 of all"], lambda _: is_held(), ("trials",))
    assert killed
    sweep = ("sweep", "--runs", *SWEPT, "--seeds", "2", "--grid", GRID)
    done = repository.run(sys.executable, "-m", "pipeline", *sweep)
    assert done.returncode == 0, done.stderr
    assert f"{late}  goes on after epoch 0, step " in done.stderr
    assert early not in done.stderr  # which had come to its end
    assert trial_files(repository) == {
        f"{trial}/{name}" for trial in (early, late) for name in ("scores.json", "history.csv")
    }
    assert not list((repository.folder / ".checkpoints").glob(f"{early}-*"))  # taken in before
    page = (repository.folder / "reports/demo/sweep.md").read_text()
    assert "## Settings of multitask-pretrain" in page


def test_trials_that_are_asked_for_again_come_from_the_run_cache(
    repository: Repository, first: set[str]
) -> None:
    results, trials = repository.hashes("data/trials"), trials_of(PARAMS, SWEPT, 2, read_grid(GRID))
    with chdir(repository.folder):
        write_trials(PARAMS, {})
        assert paths.DVC_YAML.read_bytes() == (ROOT / paths.DVC_YAML).read_bytes()
        assert paths.TRIALS.read_bytes() == (ROOT / paths.TRIALS).read_bytes()
        shutil.rmtree(paths.TRIED)
        write_trials(PARAMS, trials)
    repository.forget_stages(*(f"trials@{name}" for name in trials))
    ran, said = repository.repro("trials")
    assert ran == set()
    assert said.count("is cached - skipping run") == 2
    assert repository.hashes("data/trials") == results


def test_a_trial_with_the_seed_and_settings_of_its_run_ends_in_its_numbers(
    repository: Repository, first: set[str]
) -> None:
    own = {"run": "sst-pretrain", "mode": "pretrain", "seed": PARAMS.seed, "changes": {}}
    name = f"sst-pretrain-seed{PARAMS.seed}"
    with chdir(repository.folder):
        paths.TRIALS.write_text(json.dumps({"trials": {name: own}}))
        done = repository.run(sys.executable, "-m", "stages.trials", name)
        write_trials(PARAMS, {})
        assert done.returncode == 0, done.stderr
        trial, run = paths.trial_dir(name), paths.run_dir("sst-pretrain")
        assert paths.run_history(trial).read_bytes() == paths.run_history(run).read_bytes()
        of_trial = json.loads(paths.trial_scores(trial).read_text())["corpora"]["sst"]
        of_run = json.loads(paths.scores_json("sst-pretrain").read_text())["corpora"]["sst"]
        assert of_trial == {key: of_run[key] for key in of_trial}


def test_changed_code_reruns_only_the_stages_that_import_it(
    repository: Repository, first: set[str]
) -> None:
    path = repository.folder / "pipeline/reporting/claims.py"
    path.write_text(path.read_text() + "\n# a comment\n")
    assert repository.repro()[0] == {"report"}


def test_leaked_dev_set_stops_the_pipeline_by_name(repository: Repository, first: set[str]) -> None:
    train = repository.folder / "data/corpora/sst/train.csv"
    dev = repository.folder / "data/corpora/sst/dev.csv"
    lines = train.read_text().splitlines(keepends=True)
    kept = dev.read_text().splitlines(keepends=True)
    train.unlink()  # the workspace file may be a link into DVC's cache
    train.write_text("".join([*lines, *kept[1:]]))
    done = repository.run(sys.executable, "-m", "stages.validate")
    assert done.returncode == 1
    assert "sst" in done.stderr
    assert "dev" in done.stderr
    assert repository.run("dvc", "checkout", "--force").returncode == 0


def test_runs_are_added_as_the_docs_say(repository: Repository, first: set[str]) -> None:
    section = (ROOT / "docs/adding.md").read_text().split("\n## A run\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        for key, entries in parse_yaml(block).items():
            repository.set(**{key: repository.params()[key] | entries})
    assert repository.run(sys.executable, "-m", "checks.graph").returncode == 0
    ran, _ = repository.repro()
    new = {f"{stage}@{run}" for stage in ("train", "evaluate") for run in ("sst-plain", "sst-sts")}
    assert ran == {"inputs", "report"} | new
    rows = json.loads((repository.folder / "reports/demo/table3.json").read_text())
    (row,) = (row for row in rows if row["configuration"] == "sst-single-plain")
    assert row["paper_score"] is None
    assert row["score"] is not None
    assert (repository.folder / "reports/demo/runs/sst-plain.md").is_file()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("learning_rate:", "lerning_rate:", "lerning_rate: unknown key"),
        ("profile: demo", "profile: dmeo", "unknown profile 'dmeo'; allowed: demo, laptop, paper"),
    ],
)
def test_bad_params_stop_before_anything_runs(
    repository: Repository, first: set[str], old: str, new: str, said: str
) -> None:
    path = repository.folder / "params.yaml"
    text = path.read_text()
    try:
        path.write_text(re.sub(re.escape(old), new, text, count=1))
        done = repository.run(sys.executable, "-m", "stages.preflight")
    finally:
        path.write_text(text)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
