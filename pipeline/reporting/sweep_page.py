"""What a sweep shows: how far seeds alone move a score, and what other settings do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pipeline.params import Params
from pipeline.reporting.claims import Pair, holds_up, is_better, pairs_by_mode, pairs_by_scheme
from pipeline.reporting.markdown import table
from pipeline.reporting.results import Outcome, Result, Tried
from pipeline.reporting.spread import spread_of
from pipeline.reporting.tables import shown_rate
from pipeline.trials import Changes, changed


def sweep_page(params: Params, outcome: Outcome, head: Sequence[str]) -> str:
    """Render sweep.md.

    Args:
        params: in force.
        outcome: of runs and trials.
        head: sections of every page: what the report stands on, and a warning if need be.
    """
    outcome = replace(outcome, tried=_listed(params.seed, outcome.tried))
    seeds = rows_by_seed(params.seed, outcome)
    sections = [
        "# The sweep: other seeds, other settings",
        *head,
        _what_it_is(params, outcome),
        *_seeds_section(outcome),
        *_claims_section(seeds),
        *(section for run in params.runs for section in _settings_section(params, outcome, run)),
        *_troubles_section(outcome),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def swept(own_seed: int, tried: Sequence[Tried]) -> list[Tried]:
    """Return what a sweep alone has tried: not what `make readings` trains, for readings.md."""
    return [t for t in tried if t.seed != own_seed or not t.changes.is_reading]


def _listed(own_seed: int, tried: Sequence[Tried]) -> list[Tried]:
    """Return what the page lists: readings only of a run of which the sweep tried settings."""
    of_sweep = swept(own_seed, tried)
    runs = {t.result.run for t in of_sweep if t.has_changes}
    return [t for t in tried if t in of_sweep or t.result.run in runs]


def _what_it_is(params: Params, outcome: Outcome) -> str:
    own = {outcome.summaries[row.run].device for row in _own_rows(outcome)}
    devices = sorted(own | {tried.device for tried in outcome.tried})
    count = len({tried.trial for tried in outcome.tried})
    several = "A spread may be of devices too, then, and not of seeds alone. "
    return (
        f"{count} {'training' if count == 1 else 'trainings'} beside those of Table 3. All that "
        f"count here, Table 3's own too, were trained on {', '.join(devices)}. "
        f"{several if len(devices) > 1 else ''}A seed decides how a run's heads begin, what "
        "dropout leaves out and the order of examples; corpora that are generated, and splits "
        f"that are carved, are those of seed {params.seed} throughout. Scores are on the dev sets; "
        "no trial has looked at a test set."
    )


def _own_rows(outcome: Outcome) -> list[Result]:
    """Return the rows of Table 3 whose runs were tried."""
    runs = {tried.result.run for tried in outcome.tried}
    return [row for row in outcome.results if row.run in runs]


def rows_by_seed(own_seed: int, outcome: Outcome) -> dict[int, list[Result]]:
    """Return the rows of Table 3 as each seed scored them; of other seeds there may be fewer."""
    rows = {own_seed: list(outcome.results)}
    for tried in outcome.tried:
        if not tried.has_changes and tried.seed != own_seed:
            rows.setdefault(tried.seed, []).append(tried.result)
    return rows


def _seeds_section(outcome: Outcome) -> Iterator[str]:
    rows = [
        [
            row.corpus,
            row.scheme if row.is_papers else f"{row.scheme}: {row.run}",
            row.mode,
            row.metric,
            row.seeds.shown,
            _shown(row.seeds.worst),
            _shown(row.seeds.best),
            _shown(row.score),
            _shown(row.paper_score),
        ]
        for row in outcome.results
        if row.seeds
    ]
    if not rows:
        return
    header = (
        "Corpus",
        "Scheme",
        "Mode",
        "Metric",
        "Seeds",
        "Lowest",
        "Highest",
        "Table 3",
        "Paper",
    )
    yield "## Seeds"
    yield table(header, rows, right=("Lowest", "Highest", "Table 3", "Paper"))
    yield (
        "Seeds: the mean ± the standard deviation of the sample, and the number of seeds. It says "
        "how far another training of the same run may end; the interval in Table 3 says how far "
        "the same model may end on another dev set."
    )
    yield "![A dot for each seed, their mean, and the paper's score](seeds.svg)"


class Claim(NamedTuple):
    """One of the paper's claims, about pairs of rows."""

    question: str
    pairs_of: Callable[[Sequence[Result]], list[Pair]]
    holds: Callable[[Result, Result], bool]


CLAIMS = (
    Claim("Does finetune beat pretrain?", pairs_by_mode, lambda one, other: is_better(other, one)),
    Claim(
        "Does multi-task hold up against single-task in finetune mode?",
        lambda rows: pairs_by_scheme(rows, "finetune"),
        holds_up,
    ),
    Claim(
        "Does multi-task hold up against single-task in pretrain mode?",
        lambda rows: pairs_by_scheme(rows, "pretrain"),
        holds_up,
    ),
)


def _claims_section(seeds: Mapping[int, Sequence[Result]]) -> Iterator[str]:
    """Ask the paper's claims of every seed."""
    answers = [answer for claim in CLAIMS for answer in _answer(claim, seeds)]
    if answers:
        yield "## Do the paper's claims hold in every seed?"
        yield from answers
        yield (
            "Difference: of the two scores of one seed, finetune less pretrain or multi-task less "
            "single-task; its mean ± standard deviation over seeds. To hold up is to be as good or "
            "better, or to have an interval that overlaps with the other's; an undefined score "
            "does neither, and is below any that is defined."
        )


def _answer(claim: Claim, seeds: Mapping[int, Sequence[Result]]) -> Iterator[str]:
    """Answer a claim for each pair of rows, in the seeds that have both."""
    pairs_by_row: dict[str, list[Pair]] = {}
    for rows in seeds.values():
        for pair in claim.pairs_of(rows):
            pairs_by_row.setdefault(f"{pair[1].corpus} {pair[1].scheme}", []).append(pair)
    held = {
        row: (sum(claim.holds(*pair) for pair in pairs), len(pairs))
        for row, pairs in pairs_by_row.items()
        if len(pairs) > 1
    }
    if not held:
        return
    always = sum(count == all_of_them for count, all_of_them in held.values())
    yield f"**{claim.question} In every seed in {always} of {len(held)} rows.**"
    yield table(
        ("Row", "In seeds", "Difference"),
        [
            [row, f"{count} of {all_of_them}", _difference(pairs_by_row[row])]
            for row, (count, all_of_them) in held.items()
        ],
    )


def _difference(pairs: Sequence[Pair]) -> str:
    """Sum up by how much the second of a pair is above the first."""
    differences = [
        None if one.score is None or other.score is None else other.score - one.score
        for one, other in pairs
    ]
    return spread_of(differences).shown


class Settings(NamedTuple):
    """What a grid may change of a run, as used."""

    rate: float
    dropout: float
    batch: str
    readings: str  # pair encoding and idle heads; "" where the run has neither


def _settings_section(params: Params, outcome: Outcome, run: str) -> Iterator[str]:
    """Set the settings that a grid tried of a run beside its own."""
    tried = [t for t in outcome.tried if t.result.run == run]
    if not any(t.has_changes for t in tried):
        return
    rows = [row for row in outcome.results if row.run == run]
    dropout = params.run(run).dropout
    own = [Tried("", params.seed, Changes(), result=row, dropout=dropout) for row in rows]
    trainings = {t.trial: [u for u in [*own, *tried] if u.trial == t.trial] for t in [*own, *tried]}
    scores: dict[Settings, dict[tuple[int, str], float | None]] = {}
    for training in trainings.values():
        of_settings = scores.setdefault(_settings(params, training), {})
        for each in training:  # a trial that is the run itself does not count twice
            of_settings.setdefault((each.seed, each.result.corpus), each.result.score)
    yield f"## Settings of {run}"
    yield _settings_table(rows, scores, _settings(params, own))
    yield (
        f"Bold: the best of {len(scores)} settings, leaving out those of which a score is "
        "undefined. It is chosen by the dev set that it is scored on, which flatters it, the more "
        "so the more are tried; a lead smaller than the standard deviation over seeds may be "
        "chance, and that of a single seed always may."
    )


def _settings(params: Params, training: Sequence[Tried]) -> Settings:
    sizes = [f"{tried.result.corpus} {tried.result.batch_size}" for tried in training]
    first = training[0]
    run = changed(params.run(first.result.run), first.changes)
    readings = ", ".join(word for word in (run.pair_encoding, run.idle_heads) if word)
    return Settings(first.result.learning_rate, first.dropout, ", ".join(sizes), readings)


def _settings_table(
    rows: Sequence[Result],
    scores: Mapping[Settings, Mapping[tuple[int, str], float | None]],
    own: Settings,
) -> str:
    """Render a row for each settings, with the scores of each corpus over seeds."""
    spreads = {
        settings: [
            spread_of(score for (_, corpus), score in found.items() if corpus == row.corpus)
            for row in rows
        ]
        for settings, found in sorted(scores.items())
    }
    means = [
        [of[i].mean for of in spreads.values() if not of[i].undefined] for i in range(len(rows))
    ]
    best = [max((m for m in of if m is not None), default=None) for of in means]
    rendered = [
        [
            "params.yaml" if settings == own else "tried",
            shown_rate(settings.rate),
            f"{settings.dropout:g}",
            settings.batch,
            *([settings.readings] if own.readings else []),
            *(
                f"**{spread.shown}**"
                if spread.mean is not None and spread.mean == top and not spread.undefined
                else spread.shown
                for spread, top in zip(of, best, strict=True)
            ),
        ]
        for settings, of in spreads.items()
    ]
    header = (
        *("Settings", "Rate", "Dropout", "Batch"),
        *(["Readings"] if own.readings else []),
        *(f"{row.corpus} {row.metric}" for row in rows),
    )
    return table(header, rendered, right=("Rate", "Dropout"))


def _troubles_section(outcome: Outcome) -> Iterator[str]:
    """Name the trainings that a mean leaves out, or that ended before their time."""
    rows = [(f"{row.run} of Table 3", row) for row in _own_rows(outcome)]
    rows += [(tried.trial, tried.result) for tried in outcome.tried]
    told = [
        f"- {name}, {row.corpus}: {row.reason or 'stopped early'}"
        for name, row in rows
        if row.score is None or row.stopped
    ]
    if told:
        yield "## Trainings that went wrong, or say little"
        yield "\n".join(told)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
