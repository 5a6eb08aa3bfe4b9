"""The trials of the readings of the paper that are not the runs' own (`make readings`)."""

from pipeline.errors import ParamsError
from pipeline.launch.sweep import READINGS, swept_runs, trials_of
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Trial, load_trials


def readings_of(params: Params) -> dict[str, Trial]:
    """Return a trial for each reading that a run with a row of Table 3 does not have.

    A run on pairs gets the other `pair_encoding`, a multi-task run the other `idle_heads`. Each
    trial changes one of the two, under the seed of params.yaml.
    """
    return {
        name: trial
        for run in swept_runs(params, None)
        for setting, values in READINGS.items()
        if getattr(params.run(run), setting) is not None
        for name, trial in trials_of(params, [run], 1, {setting: values}).items()
    }


def kept_readings(params: Params) -> dict[str, Trial]:
    """Return the readings' trials that trials.yaml lists; none if that file is not valid."""
    try:
        listed = load_trials(params)
    except ParamsError:
        return {}
    return {name: trial for name, trial in readings_of(params).items() if name in listed}
