"""Renders sweep.md: how scores vary between seeds, and how they change with other settings."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pipeline.core.tasks import CorpusName
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Changes, changed
from pipeline.reporting.claims import Pair, holds_up, is_better, pairs_by_mode, pairs_by_scheme
from pipeline.reporting.results import Outcome, Result, Spread, Tried, spread_of
from pipeline.reporting.tables import report_page


def sweep_page(params: Params, outcome: Outcome) -> str:
    """Render sweep.md."""
    of_sweep = swept(params.seed, outcome.tried)
    # include readings only for runs whose settings the sweep changed
    runs = {each.result.run for each in of_sweep if each.has_changes}
    tried = [t for t in outcome.tried if t in of_sweep or t.result.run in runs]
    runs = {each.result.run for each in tried}
    own = [row for row in outcome.results if row.run in runs]
    trainings = [(f"{row.run} of Table 3", row) for row in own]
    trainings += [(each.trial, each.result) for each in tried]
    devices = {outcome.summaries[row.run].trained_on for row in own} | {
        each.device for each in tried
    }
    # the rows of Table 3 by seed; seeds other than params.seed may have fewer rows
    seeds = {params.seed: list(outcome.results)}
    for each in tried:
        if not each.has_changes and each.seed != params.seed:
            seeds.setdefault(each.seed, []).append(each.result)
    answers = [(question, list(_answer(pairs, holds, seeds))) for question, pairs, holds in CLAIMS]
    return report_page(
        "sweep",
        params,
        outcome,
        num_trials=len({each.trial for each in tried}),
        devices=sorted(devices),
        seeded=[row for row in outcome.results if row.seeds],
        answers=[(question, rows) for question, rows in answers if rows],
        tried_settings=[found for run in params.runs for found in _of_run(params, own, tried, run)],
        troubled=[(name, row) for name, row in trainings if row.score is None or row.stopped],
    )


def swept(own_seed: int, tried: Sequence[Tried]) -> list[Tried]:
    """Return the trials of a sweep, not those that `make readings` trains for readings.md."""
    return [t for t in tried if t.seed != own_seed or not t.changes.is_reading]


# the paper's claims: a question, how to pair rows, and how to check whether a pair agrees
CLAIMS: Sequence[
    tuple[str, Callable[[Sequence[Result]], list[Pair]], Callable[[Result, Result], bool]]
] = (
    ("Does finetune beat pretrain?", pairs_by_mode, lambda one, other: is_better(other, one)),
    *(
        (
            f"Does multi-task hold up against single-task in {mode} mode?",
            partial(pairs_by_scheme, mode=mode),
            holds_up,
        )
        for mode in ("finetune", "pretrain")
    ),
)


def _answer(
    pairs_of: Callable[[Sequence[Result]], list[Pair]],
    holds: Callable[[Result, Result], bool],
    seeds: Mapping[int, Sequence[Result]],
) -> Iterator[tuple[str, bool, str, str]]:
    """For each pair of rows, yield whether a claim always holds, how often, and the difference.

    A pair is left out unless at least two seeds have both of its rows.
    """
    pairs_by_row = defaultdict(list)
    for rows in seeds.values():
        for one, other in pairs_of(rows):
            pairs_by_row[f"{other.corpus} {other.scheme}"].append((one, other))
    for row, pairs in pairs_by_row.items():
        if len(pairs) > 1:
            count = sum(holds(*pair) for pair in pairs)
            differences = spread_of(
                None if one.score is None or other.score is None else other.score - one.score
                for one, other in pairs
            )
            yield row, count == len(pairs), f"{count} of {len(pairs)}", differences.shown


class Settings(NamedTuple):
    """The values in use for the settings of a run that a grid may change."""

    rate: float
    dropout: float
    batch: str
    readings: str  # pair encoding and idle heads; "" if the run has neither


def _of_run(
    params: Params, own: Sequence[Result], tried: Sequence[Tried], run: str
) -> Iterator[tuple[str, Sequence[Result], bool, list[tuple[Settings, bool, list[str]]]]]:
    """If a grid changed a run's settings, yield the run, its rows and all settings tried."""
    tried = [each for each in tried if each.result.run == run]
    if not any(each.has_changes for each in tried):
        return
    rows = [row for row in own if row.run == run]
    scores: dict[Settings, dict[tuple[int, CorpusName], float | None]] = defaultdict(dict)
    for each in [*(Tried("", params.seed, Changes(), row) for row in rows), *tried]:
        # count a trial with the same settings and seed as the run only once
        key = each.seed, each.result.corpus
        scores[_settings(params, rows, each.changes)].setdefault(key, each.result.score)
    spreads = {
        settings: [
            spread_of(score for (_, corpus), score in found.items() if corpus == row.corpus)
            for row in rows
        ]
        for settings, found in sorted(scores.items())
    }
    used = _settings(params, rows, Changes())
    cells = zip(*map(_best_bold, zip(*spreads.values(), strict=True)), strict=True)
    shown = [
        (settings, settings == used, list(c)) for settings, c in zip(spreads, cells, strict=True)
    ]
    yield run, rows, bool(used.readings), shown


def _best_bold(spreads: Sequence[Spread]) -> list[str]:
    """Format the spreads of a row; the best spread that has no undefined scores is bold."""
    means = [s.mean for s in spreads if s.mean is not None and not s.undefined]
    best = max(means, default=None)
    return [
        f"**{spread.shown}**"
        if spread.mean is not None and spread.mean == best and not spread.undefined
        else spread.shown
        for spread in spreads
    ]


def _settings(params: Params, rows: Sequence[Result], changes: Changes) -> Settings:
    """Return the settings that a trial uses for the run of these rows."""
    run = changed(params.run(rows[0].run), changes)
    sizes = ", ".join(f"{row.corpus} {run.batch_size[row.corpus]}" for row in rows)
    readings = ", ".join(word for word in (run.pair_encoding, run.idle_heads) if word)
    return Settings(params.learning_rate(run), run.dropout, sizes, readings)
