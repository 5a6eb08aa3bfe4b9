"""`python -m pipeline readings`: its trials stand beside those of a sweep."""

from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core import paths
from pipeline.launch.repro import How
from pipeline.launch.sweep import readings_of
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import load_trials

ROOT = Path(__file__).parents[2]
READINGS = set(readings_of(load_params(ROOT / "params.yaml")))
SWEPT = {"sst-pretrain-seed11712"}


def test_it_writes_the_trials_and_goes_on_as_repro(
    handed_on: list[How], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["readings", "--dry"])
    *names, told = capsys.readouterr().out.splitlines()
    assert (set(names), told) == (READINGS, "8 trials of 6 runs, seed 11711")
    assert (handed_on, load_trials(load_params())) == ([], {})
    main(["readings", "--jobs", "2"])
    assert handed_on == [How(jobs=2)]
    assert set(load_trials(load_params())) == READINGS
    assert all(f"data/trials/{name}/" in paths.DVC_YAML.read_text() for name in READINGS)
    assert capsys.readouterr().out == "8 trials of 6 runs, seed 11711\n"


def test_readings_and_a_sweep_keep_each_other_until_the_sweep_is_ended(
    handed_on: list[How],
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
