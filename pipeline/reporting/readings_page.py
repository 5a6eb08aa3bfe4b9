"""Renders readings.md: what the paper leaves open, our choice, the evidence, and what remains."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Any, NamedTuple, get_args

from pipeline.core.paper import TABLE_1, TABLE_2_MISPRINT, TABLE_3, Scheme
from pipeline.core.tasks import CORPORA, IDLE_HEADS, PAIR_ENCODINGS
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Changes
from pipeline.reporting.results import Outcome, Result
from pipeline.reporting.tables import report_page
from pipeline.validation.counts import COUNTED_WITH_HEADER


class Row(NamedTuple):
    """A row of Table 3 and its result under each reading; None if no trial used that reading."""

    own: Result
    under: Mapping[str, Result | None]

    def scored(self) -> dict[str, Result]:
        """Return the results that exist, by reading."""
        return {reading: result for reading, result in self.under.items() if result}

    def is_like(self, scheme: Scheme) -> bool:
        """Return whether this is the frozen STS row of a scheme."""
        return (self.own.corpus, self.own.scheme, self.own.mode) == ("sts", scheme, "pretrain")


def readings_page(params: Params, outcome: Outcome) -> str:
    """Render readings.md."""
    pairs = _rows(params, outcome, "pair_encoding", PAIR_ENCODINGS)
    pairs = [row for row in pairs if CORPORA[row.own.corpus].is_pair]
    idle = _rows(params, outcome, "idle_heads", IDLE_HEADS)
    return report_page(
        "readings",
        params,
        outcome,
        num_missing=sum(found is None for row in [*pairs, *idle] for found in row.under.values()),
        pairs=pairs,
        pair_encodings=_own_readings(params, pairs, "pair_encoding"),
        pair_groups={  # multi-task scores also depend on idle heads
            "Single-task": _match(pairs, lambda row: row.own.scheme == "single-task"),
            "Multi-task": _match(
                pairs, lambda row: row.own.scheme == "multi-task" and not row.is_like("multi-task")
            ),
        },
        has_dead=any(row.is_like("multi-task") for row in pairs),
        sts_score={scheme: TABLE_3["sts", scheme, "pretrain"] for scheme in get_args(Scheme)},
        frozen_sts=_of_sts(params, pairs, "single-task"),
        idle=idle,
        idle_heads=_own_readings(params, idle, "idle_heads"),
        turns=outcome.summaries[idle[0].own.run].turns if idle else {},
        papers_frozen=[
            (corpus, TABLE_3[corpus, "single-task", "pretrain"], multi)
            for (corpus, scheme, mode), multi in TABLE_3.items()
            if (scheme, mode) == ("multi-task", "pretrain")
        ],
        idle_groups={
            "Pretrain mode": _match(idle, lambda row: row.own.mode == "pretrain"),
            "Finetune mode": _match(idle, lambda row: row.own.mode == "finetune"),
        },
        dead_sts=_of_sts(params, idle, "multi-task"),
        gains=_gains_of_own_epochs(params, outcome),
        misprint=TABLE_2_MISPRINT,
        cfimdb_score=TABLE_3["cfimdb", "single-task", "finetune"],
        counts=" and ".join(
            f"{corpus} {', '.join(f'{count:,}' for count in TABLE_1[corpus].values())}"
            for corpus in COUNTED_WITH_HEADER
        ),
        cfimdb_count=TABLE_1["cfimdb"]["train"],
    )


def _rows(params: Params, outcome: Outcome, setting: str, readings: Sequence[str]) -> list[Row]:
    """Return the rows whose runs have a setting, with the result for each of its values.

    The run itself uses one value. Results for the others come from trials that have the run's seed
    and change no other setting.
    """
    rows = []
    for row in outcome.results:
        own = getattr(params.run(row.run), setting)
        if own is not None:
            under: dict[str, Result | None] = dict.fromkeys(readings)
            for tried in outcome.tried:
                same = (tried.result.configuration, tried.seed) == (row.configuration, params.seed)
                for reading in readings:
                    if same and tried.changes == Changes.model_validate({setting: reading}):
                        under[reading] = tried.result
            rows.append(Row(row, {**under, own: row}))
    return rows


def _own_readings(params: Params, rows: Sequence[Row], setting: str) -> list[str]:
    """Return the values that the runs use for a setting."""
    return list(dict.fromkeys(getattr(params.run(row.own.run), setting) for row in rows))


def _match(rows: Sequence[Row], belongs: Callable[[Row], bool]) -> dict[str, Any]:
    """Compare how far a group of rows is from the paper's scores under two readings.

    Only rows with a score under both readings count.
    """
    rows = [row for row in rows if belongs(row)]
    distances: list[dict[str, float]] = []
    for row in rows:
        found = {
            reading: abs(result.score - row.own.paper_score)
            for reading, result in row.scored().items()
            if result.score is not None and row.own.paper_score is not None
        }
        distances += [found] if len(found) == len(row.under) else []
    readings = list(distances[0]) if distances else []
    means = {reading: mean(each[reading] for each in distances) for reading in readings}
    best, other = sorted(means, key=lambda reading: means[reading]) or ("", "")
    return {
        "means": means,
        "best": best,
        "is_tie": bool(means) and f"{means[best]:.3f}" == f"{means[other]:.3f}",  # after rounding
        "count": len(distances),
        "closer": sum(each[best] < each[other] for each in distances),
        "undefined": [
            f"{row.own.corpus} {row.own.mode} under {reading}"
            for row in rows
            for reading, result in row.scored().items()
            if result.score is None
        ],
    }


def _of_sts(params: Params, rows: Sequence[Row], scheme: Scheme) -> dict[str, Result]:
    """Return the results of a scheme's frozen STS row, by reading."""
    found = (row.scored() for row in rows if row.is_like(scheme))
    return next(found, {}) if params.active.is_papers else {}


def _gains_of_own_epochs(params: Params, outcome: Outcome) -> dict[str, float]:
    """Return how much higher each task's score is in its own best epoch than in the kept epoch."""
    gains = {}
    for row in outcome.results:
        if params.run(row.run).scheme == "multi-task" and row.best_epoch:
            known = {n: score for n, score in outcome.scores(row).items() if score is not None}
            if row.best_epoch in known:
                name = f"{row.corpus} {row.mode}"
                gains[name] = max(known.values()) - known[row.best_epoch]
    return gains
