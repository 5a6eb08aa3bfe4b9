"""`python -m pipeline sweep`: what it says, what it refuses, and what it hands on."""

import json
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core import paths
from pipeline.core.schemas import TIME
from pipeline.launch.repro import How
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import load_trials

ROOT = Path(__file__).parents[2]


def test_it_writes_the_trials_and_goes_on_as_repro(
    handed_on: list[How], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sweep", "--seeds", "3", "--runs", "sst-pretrain,sts-pretrain", "--verbose"])
    assert handed_on == [How(verbose=True)]
    assert len(load_trials(load_params())) == 4
    assert capsys.readouterr().out == "4 trials of 2 runs, seeds 11711 to 11713\n"
    main(["sweep", "--seeds", "1"])
    assert capsys.readouterr().out == "no trials: every run is trained once\n"
    assert paths.TRIALS.read_bytes() == (ROOT / paths.TRIALS).read_bytes()


def test_dry_names_the_trials_and_their_time_and_changes_nothing(
    handed_on: list[How], capsys: pytest.CaptureFixture[str]
) -> None:
    time = paths.stage_time("demo", "train@sst-pretrain")
    time.parent.mkdir(parents=True)
    time.write_text(json.dumps({"schema": str(TIME), "seconds": 61.7}))
    before = paths.DVC_YAML.read_bytes()
    main(["sweep", "--grid", "dropout=0.1,0.3", "--runs", "sst-pretrain", "--seeds", "2", "--dry"])
    assert capsys.readouterr().out.splitlines() == [
        "sst-pretrain-dropout0p1-seed11711",
        "sst-pretrain-dropout0p1-seed11712",
        "sst-pretrain-seed11712",
        "3 trials of 1 run, seeds 11711 to 11712; about 3 min 05 s if none of them is known yet",
    ]
    assert handed_on == []
    assert load_trials(load_params()) == {}
    assert paths.DVC_YAML.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say how many --seeds, or give a --grid"),
        (["--runs", "sst-pretrain"], "say how many --seeds"),
        (["--grid", "dropout=0.1"], "say of which --runs the grid is"),
        (["--seeds", "0"], "--seeds counts from 1"),
        (["--seeds", "3", "--sedes", "2"], "unrecognized arguments: --sedes 2"),
        (["--seeds", "many"], "invalid int value: 'many'"),
    ],
)
def test_half_a_question_is_a_usage_error(
    handed_on: list[How],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sweep", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert handed_on == []
    assert paths.TRIALS.read_bytes() == (ROOT / paths.TRIALS).read_bytes()
