"""Stage report: write the active profile's pages from all scores and histories."""

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import load_trials
from pipeline.reporting.pages import write_report


def main() -> None:
    params = load_params()
    trials = load_trials(params)
    write_report(params, trials, paths.report_dir(params.profile), paths.SUMMARY)


if __name__ == "__main__":
    run_stage(main)
