"""A profile's report: its pages, its figure, and the summary for `dvc exp show`."""

import logging
from collections.abc import Iterator
from pathlib import Path

from pipeline import paths
from pipeline.files import replacing_folder, write_json, write_text
from pipeline.params import Params
from pipeline.reporting.curves import curves_csv
from pipeline.reporting.data_page import data_page
from pipeline.reporting.figures import learning_curves
from pipeline.reporting.markdown import table
from pipeline.reporting.results import Outcome, RunSummary, read_outcome
from pipeline.reporting.tables import (
    corpora_name,
    page_head,
    shown_rate,
    summary,
    table3_json,
    table3_page,
)

log = logging.getLogger(__name__)


def write_report(params: Params, out: Path, summary_path: Path) -> None:
    """Write the report of the profile in force, whole or not at all.

    Raises:
        ReportError: something it is made of is missing or damaged.
    """
    outcome = read_outcome(params)
    head = page_head(params, outcome)
    with replacing_folder(out) as folder:
        write_text(folder / "README.md", index_page(params, outcome))
        write_text(folder / "table3.md", table3_page(params, outcome))
        write_json(folder / "table3.json", table3_json(outcome.results))
        write_text(folder / "data.md", data_page(outcome.validations, head))
        write_text(folder / "curves.svg", learning_curves(params, outcome, head.replace("**", "")))
    write_json(summary_path, summary(outcome.results))
    write_text(summary_path.with_name(paths.CURVES.name), curves_csv(outcome.histories))
    log.info("wrote %s", out / "table3.md")


def index_page(params: Params, outcome: Outcome) -> str:
    """Render the report's README.md: what ran, on what, and how to run it again."""
    synthetic = "These scores are on generated corpora and are not comparable with the paper's."
    sections = [
        f"# Report: profile {params.profile}",
        page_head(params, outcome),
        *([synthetic] if corpora_name(params).startswith("synthetic") else []),
        "- [Table 3: the paper's scores beside ours](table3.md), also [as JSON](table3.json)\n"
        "- [The data, beside Table 1](data.md)",
        f"To run it again: `make repro PROFILE={params.profile}`, with the settings above in "
        f"`profiles.{params.profile}` of `params.yaml`. Nothing on these pages is edited by hand.",
        "## Runs",
        table(
            ("Run", "Rate", "Batch", "Epochs", "Best", "Steps", "A round", "Left out", "Device"),
            list(_runs(params, outcome)),
            right=("Rate", "Epochs", "Best", "Steps"),
        ),
        "Rate: the learning rate as used. Best: the epoch with the best dev score (multi-task: the "
        "best mean over tasks). Steps: of all epochs. A round: batches of each corpus in a round "
        "of Equation 1. Left out: training examples that its floor keeps out of an epoch.",
        "## Learning curves",
        "![Dev score of every run after each epoch](curves.svg)",
    ]
    return "\n\n".join(sections) + "\n"


def _runs(params: Params, outcome: Outcome) -> Iterator[list[str]]:
    for name, told in outcome.summaries.items():
        run = params.run(name)
        yield [
            name,
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
