"""`python -m pipeline sweep` and `readings`: what they print and run."""

import pytest

from pipeline.cli import main
from pipeline.core import paths
from pipeline.launch.repro import How
from pipeline.launch.sweep import readings_of
from pipeline.plumbing.params import load_params
from pipeline.plumbing.stage_times import StageTime
from pipeline.plumbing.trials import load_trials
from tests.params import PARAMS, ROOT

READINGS = set(readings_of(PARAMS))
SWEPT = {"sst-pretrain-seed11712"}


def test_sweep_writes_the_trials_and_continues_as_repro(
    graph_calls: list[How], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sweep", "--seeds", "3", "--runs", "sst-pretrain,sts-pretrain", "--verbose"])
    assert graph_calls == [How(verbose=True)]
    assert len(load_trials(load_params())) == 4
    assert capsys.readouterr().out == "4 trials of 2 runs, seeds 11711 to 11713\n"
    main(["sweep", "--seeds", "1"])
    assert capsys.readouterr().out == "no trials: every run is trained once\n"
    assert paths.TRIALS.read_bytes() == (ROOT / paths.TRIALS).read_bytes()


def test_dry_lists_the_trials_with_their_time_and_changes_nothing(
    graph_calls: list[How], capsys: pytest.CaptureFixture[str]
) -> None:
    time = StageTime(stage="train@sst-pretrain", seconds=61.7)
    time.write(paths.stage_time("demo", time.stage))
    before = paths.DVC_YAML.read_bytes()
    main(["sweep", "--grid", "dropout=0.1,0.3", "--runs", "sst-pretrain", "--seeds", "2", "--dry"])
    assert capsys.readouterr().out.splitlines() == [
        "sst-pretrain-dropout0p1-seed11711",
        "sst-pretrain-dropout0p1-seed11712",
        "sst-pretrain-seed11712",
        "3 trials of 1 run, seeds 11711 to 11712; about 3 min 05 s if none of them is known yet",
    ]
    assert graph_calls == []
    assert load_trials(load_params()) == {}
    assert paths.DVC_YAML.read_bytes() == before


def test_readings_writes_its_trials_and_continues_as_repro(
    graph_calls: list[How], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["readings", "--dry"])
    *names, last = capsys.readouterr().out.splitlines()
    assert (set(names), last) == (READINGS, "8 trials of 6 runs, seed 11711")
    assert (graph_calls, load_trials(load_params())) == ([], {})
    main(["readings", "--jobs", "2"])
    assert graph_calls == [How(jobs=2)]
    assert set(load_trials(load_params())) == READINGS
    assert all(f"data/trials/{name}/" in paths.DVC_YAML.read_text() for name in READINGS)
    assert capsys.readouterr().out == "8 trials of 6 runs, seed 11711\n"


def test_readings_and_sweep_keep_each_others_trials_until_the_sweep_ends(
    graph_calls: list[How],
) -> None:
    main(["sweep", "--seeds", "2", "--runs", "sst-pretrain"])
    assert set(load_trials(load_params())) == SWEPT
    main(["readings"])
    assert set(load_trials(load_params())) == SWEPT | READINGS
    main(["sweep", "--seeds", "2", "--runs", "sst-finetune"])
    assert set(load_trials(load_params())) == {"sst-finetune-seed11712"} | READINGS
    main(["sweep", "--seeds", "1"])
    for path in (paths.TRIALS, paths.DVC_YAML):
        assert path.read_bytes() == (ROOT / path).read_bytes()
