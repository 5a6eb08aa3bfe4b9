"""A profile's report: its pages, its figures, and the summary for `dvc exp show`."""

import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline import paths
from pipeline.files import replacing_folder, write_json, write_text
from pipeline.params import Params
from pipeline.reporting.analysis_page import analysis_page
from pipeline.reporting.curves import curves_csv
from pipeline.reporting.data_page import data_page
from pipeline.reporting.dead_heads import read_dead_heads
from pipeline.reporting.figures import (
    data_histograms,
    learning_curves,
    scores_beside_paper,
    scores_of_seeds,
)
from pipeline.reporting.gathering import gather
from pipeline.reporting.markdown import table
from pipeline.reporting.readings_page import readings_page
from pipeline.reporting.records import Records, read_params, read_trials, records_of
from pipeline.reporting.results import Outcome, RunSummary, read_outcome
from pipeline.reporting.run_figure import run_figure
from pipeline.reporting.run_page import run_page
from pipeline.reporting.sweep_page import sweep_page, swept
from pipeline.reporting.tables import (
    corpora_warning,
    page_head,
    shown_rate,
    summary,
    table3_json,
    table3_page,
)
from pipeline.trials import Trial

log = logging.getLogger(__name__)

SWEEP_LINE = "- [The sweep: other seeds, other settings](sweep.md)\n"


def write_report(
    params: Params, trials: Mapping[str, Trial], out: Path, summary_path: Path
) -> None:
    """Write the report of the profile in force, records and pages, whole or not at all.

    Args:
        params: in force.
        trials: of a sweep, without which there is no page of it, and of the readings.
        out: the report's folder.
        summary_path: the numbers for `dvc exp show`.

    Raises:
        ReportError: something it is made of is missing or damaged.
        SchemaError: something was written by another version.
    """
    with replacing_folder(out) as folder:
        outcome = _write_pages(gather(params, trials, paths.records_dir(folder)), folder)
    write_json(summary_path, summary(outcome.results))
    write_text(summary_path.with_name(paths.CURVES.name), curves_csv(outcome.histories))
    log.info("wrote %s", out / "table3.md")


def render_report(profile: str) -> None:
    """Write the pages of a profile's report anew from its records, whole or not at all.

    Raises:
        ReportError: a record is missing or damaged.
        SchemaError: one was written by another version.
    """
    records, out = records_of(profile), paths.report_dir(profile)
    with replacing_folder(out) as folder:
        _write_pages(records, folder)
        shutil.copytree(records.folder, paths.records_dir(folder))


def _write_pages(records: Records, folder: Path) -> Outcome:
    """Render every page of a report from its records, and return what they say."""
    params = read_params(records)
    outcome = read_outcome(params, read_trials(records, params), records)
    head = page_head(params, outcome)
    plain_head = head.replace("**", "")
    heads = [head, *corpora_warning(params)]
    pages = {
        "README.md": index_page(params, outcome),
        "table3.md": table3_page(params, outcome),
        "analysis.md": analysis_page(params, outcome, heads, read_dead_heads()),
        "readings.md": readings_page(params, outcome, heads),
        "data.md": data_page(outcome.validations, head),
        "curves.svg": learning_curves(params, outcome, plain_head),
        "scores.svg": scores_beside_paper(outcome, plain_head),
        "data.svg": data_histograms(outcome.validations, plain_head),
    }
    if swept(params.seed, outcome.tried):
        pages["sweep.md"] = sweep_page(params, outcome, heads)
    if any(result.seeds for result in outcome.results):
        pages["seeds.svg"] = scores_of_seeds(params.seed, outcome, plain_head)
    for run in dict.fromkeys(result.run for result in outcome.results):
        pages[f"runs/{run}.md"] = run_page(params, outcome, run, heads)
        pages[f"runs/{run}.svg"] = run_figure(outcome, run, f"{run} · {plain_head}")
    for name, text in pages.items():
        write_text(folder / name, text)
    write_json(folder / "table3.json", table3_json(outcome.results))
    return outcome


def index_page(params: Params, outcome: Outcome) -> str:
    """Render the report's README.md: what ran, on what, and how to run it again."""
    sections = [
        f"# Report: profile {params.profile}",
        page_head(params, outcome),
        *corpora_warning(params),
        "- [Table 3: the paper's scores beside ours](table3.md), also [as JSON](table3.json)\n"
        "- [Section 6 of the paper, point by point](analysis.md)\n"
        "- [What the paper leaves open](readings.md): the readings chosen here, and the others\n"
        f"{SWEEP_LINE if swept(params.seed, outcome.tried) else ''}"
        "- [The data, beside Table 1](data.md)\n"
        "- A page for each run: settings, epochs, mistakes, calibration, provenance; linked below",
        f"To run it again: `make repro PROFILE={params.profile}`, with the settings above in "
        f"`profiles.{params.profile}` of `params.yaml`. Nothing on these pages is edited by hand: "
        "they are rendered from what the run left, in `records/`. "
        f"`python -m pipeline render --profile {params.profile}` renders them again, `python -m "
        f"pipeline rescore --profile {params.profile}` finds the scores of Table 3 again.",
        "## Runs",
        table(
            ("Run", "Rate", "Batch", "Epochs", "Best", "Steps", "A round", "Left out", "Device"),
            list(_runs(params, outcome)),
            right=("Rate", "Epochs", "Best", "Steps"),
        ),
        "Rate: the learning rate as used. Best: the epoch with the best dev score (multi-task: the "
        "best mean over tasks). Steps: of all epochs. A round: batches of each corpus in a round "
        "of Equation 1. Left out: training examples that its floor keeps out of an epoch.",
        "## Scores beside the paper's",
        "![Every row of Table 3, ours with intervals, and the paper's](scores.svg)",
        "## Learning curves",
        "![Dev score of every run after each epoch](curves.svg)",
    ]
    return "\n\n".join(sections) + "\n"


def _runs(params: Params, outcome: Outcome) -> Iterator[list[str]]:
    """Yield a row for each run; one that serves no row of Table 3 has no page."""
    shown = {result.run for result in outcome.results}
    for name, told in outcome.summaries.items():
        run = params.run(name)
        yield [
            f"[{name}](runs/{name}.md)" if name in shown else name,
            shown_rate(told.learning_rate),
            ", ".join(f"{corpus} {size}" for corpus, size in run.batch_size.items()),
            _epochs(told, len(outcome.histories[name]) // len(run.corpora)),
            str(told.best_epoch),
            f"{sum(row.steps for row in outcome.histories[name]):,}",
            " + ".join(f"{turns} {corpus}" for corpus, turns in told.turns.items()),
            ", ".join(f"{count:,} {corpus}" for corpus, count in told.left_out.items() if count)
            or "none",
            told.device,
        ]


def _epochs(told: RunSummary, begun: int) -> str:
    """Show how many epochs a run had, and of how many it stopped in which."""
    return str(told.epochs) if told.stopped is None else f"stopped in {begun} of {told.epochs}"
