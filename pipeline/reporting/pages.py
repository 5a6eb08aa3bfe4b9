"""Writes a profile's report: pages, figures, and the summary for `dvc exp show`."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.core import paths
from pipeline.core.files import replacing_folder, write_json, write_text
from pipeline.core.records import CorpusReport
from pipeline.core.tasks import CORPORA, SPLITS, CorpusName
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Trial
from pipeline.reporting.claims import finetune_claim, multitask_claim, pairs_by_scheme
from pipeline.reporting.dead_heads import (
    HeadsRun,
    read_dead_heads,
    sentiment_sentences,
    similarity_sentences,
)
from pipeline.reporting.figures import (
    data_histograms,
    learning_curves,
    run_figure,
    scores_beside_paper,
    scores_of_seeds,
)
from pipeline.reporting.gathering import gather
from pipeline.reporting.markdown import page
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.readings_page import readings_page
from pipeline.reporting.records import Records, read_params, read_trials, records_of
from pipeline.reporting.results import EpochScore, Outcome
from pipeline.reporting.sweep_page import sweep_page, swept
from pipeline.reporting.tables import (
    PAPER_BACKBONE,
    page_head,
    report_page,
    summary,
    table3_json,
    table3_page,
)

log = logging.getLogger(__name__)

DEAD_HEAD = "the head is dead"  # the note from training/health.py starts with this
SEVERITIES = ("critical", "warning", "info")  # of validation findings


def write_report(
    params: Params, trials: Mapping[str, Trial], out: Path, summary_path: Path
) -> None:
    """Write the records and pages of the active profile's report; if one fails, write none.

    Args:
        params: the params of the report.
        trials: the trials of a sweep and of the readings; without a sweep, there is no sweep page.
        out: the folder of the report.
        summary_path: the file for the numbers that `dvc exp show` displays.

    Raises:
        ReportError: a file that the report needs is missing or damaged.
        SchemaError: another version wrote such a file.
    """
    with replacing_folder(out) as folder:
        outcome = _write_pages(gather(params, trials, folder / paths.RECORDS), folder)
    write_json(summary_path, summary(outcome.results))
    write_text(summary_path.with_name(paths.CURVES.name), curves_csv(outcome.histories))
    log.info("wrote %s", out / "table3.md")


def render_report(profile: str) -> None:
    """Render all pages of a profile's report from its records; if one fails, write none.

    Raises:
        ReportError: a record is missing or damaged.
        SchemaError: another version wrote a record.
    """
    records, out = records_of(profile), paths.report_dir(profile)
    with replacing_folder(out) as folder:
        _write_pages(records, folder)
        shutil.copytree(records.folder, folder / paths.RECORDS)


def _write_pages(records: Records, folder: Path) -> Outcome:
    """Write every page of a report and return the content of its records."""
    params = read_params(records)
    outcome = read_outcome(params, read_trials(records, params), records)
    head = page_head(params, outcome)
    plain_head = head.replace("**", "")
    pages = {
        "README.md": index_page(params, outcome),
        "table3.md": table3_page(params, outcome),
        "analysis.md": analysis_page(params, outcome, read_dead_heads()),
        "readings.md": readings_page(params, outcome),
        "data.md": data_page(outcome.validations, head),
        "curves.svg": learning_curves(params, outcome, plain_head),
        "scores.svg": scores_beside_paper(outcome, plain_head),
        "data.svg": data_histograms(outcome.validations, plain_head),
    }
    if swept(params.seed, outcome.tried):
        pages["sweep.md"] = sweep_page(params, outcome)
    if any(result.seeds for result in outcome.results):
        pages["seeds.svg"] = scores_of_seeds(params.seed, outcome, plain_head)
    for run in dict.fromkeys(result.run for result in outcome.results):
        pages[f"runs/{run}.md"] = run_page(params, outcome, run)
        pages[f"runs/{run}.svg"] = run_figure(outcome, run, f"{run} · {plain_head}")
    for name, text in pages.items():
        write_text(folder / name, text)
    write_json(folder / "table3.json", table3_json(outcome.results))
    return outcome


def index_page(params: Params, outcome: Outcome) -> str:
    """Render README.md: the runs, the machine, and how to reproduce the report.

    A run without a row in Table 3 has no page.
    """
    return report_page(
        "index",
        params,
        outcome,
        is_swept=bool(swept(params.seed, outcome.tried)),
        shown={result.run for result in outcome.results},
    )


def curves_csv(histories: Mapping[str, Sequence[EpochScore]]) -> str:
    """Return learning curves for `dvc plots`, with one line per run, corpus and epoch."""
    lines = ["run,corpus,epoch,dev_score"]
    for run, history in histories.items():
        for row in history:
            score = "" if row.dev_score is None else f"{row.dev_score:.6f}"
            lines.append(f"{run},{row.corpus},{row.epoch},{score}")
    return "\n".join(lines) + "\n"


def analysis_page(params: Params, outcome: Outcome, heads_runs: Sequence[HeadsRun]) -> str:
    """Render analysis.md: compare section 6 of the paper with our evidence, point by point."""
    rows = outcome.results
    frozen = pairs_by_scheme(rows, "pretrain")
    similar = [
        (row, sum(DEAD_HEAD in epoch.note for epoch in outcome.history(row)))
        for row in rows
        if row.metric == "pearson"
    ]
    return report_page(
        "analysis",
        params,
        outcome,
        finetune=finetune_claim(rows),
        multitask={mode: multitask_claim(rows, mode) for mode in ("finetune", "pretrain")},
        frozen=frozen,
        steps=any(params.run(multi.run).idle_heads == "step" for _, multi in frozen),
        similar=similar,
        dead=[row.run for row, dead_epochs in similar if dead_epochs],
        paper_backbone=PAPER_BACKBONE,
        sentiment=sentiment_sentences(heads_runs),
        similarity=similarity_sentences(heads_runs),
    )


def run_page(params: Params, outcome: Outcome, name: str) -> str:
    """Render runs/<run>.md: settings, training, mistakes, and how to reproduce the run."""
    summary = outcome.summaries[name]
    return report_page(
        "run",
        params,
        outcome,
        name=name,
        run=params.run(name),
        summary=summary,
        results=[result for result in outcome.results if result.run == name],
        pairs_cut=[
            f"{count:,} of {corpus} {split}"
            for corpus, splits in summary.pairs_cut.items()
            for split, count in splits.items()
            if count
        ],
        weights=paths.run_dir(name) / paths.WEIGHTS,
    )


def data_page(validations: Mapping[CorpusName, CorpusReport], head: str) -> str:
    """Render data.md: the corpora next to the paper's Table 1, and the validation findings.

    The page quotes a few short texts from generated corpora. Real corpora are licensed, so it
    refers to their examples by id.
    """
    every = [
        (corpus, finding) for corpus, found in validations.items() for finding in found.findings
    ]
    unmet = [(corpus, finding) for corpus, finding in every if not finding.success]
    unmet.sort(key=lambda item: SEVERITIES.index(item[1].severity))
    return page(
        "data",
        head=head,
        is_synthetic=any(found.source == "synthetic" for found in validations.values()),
        splits=[(name, split, found) for name, found in validations.items() for split in SPLITS],
        notes=list(dict.fromkeys(note for found in validations.values() for note in found.notes)),
        dropped=[(name, row) for name, found in validations.items() for row in found.dropped],
        labels=[str(n) for n in range(max(corpus.max_label for corpus in CORPORA.values()) + 1)],
        num_findings=len(every),
        unmet=unmet,
        has_examples=any(finding.examples for _, finding in unmet),
    )
