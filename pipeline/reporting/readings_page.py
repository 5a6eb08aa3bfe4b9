"""What the paper leaves open: its words, what is done here, the evidence, what is unexplained."""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from statistics import mean
from typing import NamedTuple

from pipeline.corpora.counts import COUNTED_WITH_HEADER
from pipeline.paper import TABLE_1, TABLE_2_MISPRINT, TABLE_3, Scheme
from pipeline.params import Params
from pipeline.reporting.markdown import table
from pipeline.reporting.results import Outcome, Result
from pipeline.tasks import CORPORA, IDLE_HEADS, PAIR_ENCODINGS, CorpusName, Mode
from pipeline.trials import Changes

MISSING = "–"  # no trial has it
CFIMDB_ROWS = 1707  # of the published training file


DEAD: tuple[CorpusName, Scheme, Mode] = (
    "sts",
    "multi-task",
    "pretrain",
)  # the paper's row of predictions that are all 0


class Row(NamedTuple):
    """A row of Table 3, and the same row under each reading; None where no trial has it."""

    own: Result
    under: Mapping[str, Result | None]


def readings_page(params: Params, outcome: Outcome, head: Sequence[str]) -> str:
    """Render readings.md.

    Args:
        params: in force.
        outcome: of runs and trials.
        head: sections of every page: what the report stands on, and a warning if need be.
    """
    encodings = [
        row
        for row in _rows(params, outcome, "pair_encoding", PAIR_ENCODINGS)
        if CORPORA[row.own.corpus].is_pair
    ]
    idle_heads = _rows(params, outcome, "idle_heads", IDLE_HEADS)
    sections = [
        "# What the paper leaves open",
        *head,
        "The paper leaves seven points open. For each, this page says what the paper says, what is "
        "done here, what speaks for that, and what stays unexplained. Nobody here has the paper's "
        "code: the most that can be said of a reading is that it best matches the paper's numbers.",
        *_how_to_get_the_rest([*encodings, *idle_heads]),
        *_pairs(params, encodings),
        *_segments(),
        *_idle_heads(params, outcome, idle_heads),
        *_kept_epoch(params, outcome),
        *_frozen_dropout(),
        *_misprint(),
        *_counts(),
    ]
    return "\n\n".join(sections) + "\n"


def _rows(params: Params, outcome: Outcome, setting: str, readings: Sequence[str]) -> list[Row]:
    """Return the rows whose runs have a setting, under each value of it.

    The run has one value itself; a trial that changes nothing else has another, under the run's
    own seed.
    """
    return [
        Row(
            row,
            {
                reading: row
                if reading == own
                else _tried(params, outcome, row, Changes.model_validate({setting: reading}))
                for reading in readings
            },
        )
        for row in outcome.results
        if (own := getattr(params.run(row.run), setting)) is not None
    ]


def _tried(params: Params, outcome: Outcome, row: Result, changes: Changes) -> Result | None:
    """Return a row as the trial scored it that makes these changes alone."""
    return next(
        (
            tried.result
            for tried in outcome.tried
            if (tried.result.configuration, tried.seed) == (row.configuration, params.seed)
            and tried.changes == changes
        ),
        None,
    )


def _how_to_get_the_rest(rows: Sequence[Row]) -> Iterator[str]:
    missing = sum(result is None for row in rows for result in row.under.values())
    if missing:
        yield (
            f"**{missing} scores of other readings are missing ({MISSING} in the tables): `make "
            "readings` trains them.**"
        )


def _table(rows: Sequence[Row], readings: Sequence[str]) -> str:
    """Render rows under each reading; the run's own is bold."""
    rendered = [
        [
            own.corpus,
            own.scheme if own.is_papers else f"{own.scheme}: {own.run}",
            own.mode,
            own.metric,
            *(_cell(under[reading], is_own=under[reading] is own) for reading in readings),
            MISSING if own.paper_score is None else f"{own.paper_score:.3f}",
        ]
        for own, under in rows
    ]
    header = ("Corpus", "Scheme", "Mode", "Metric", *readings, "Paper")
    return table(header, rendered, right=("Paper",)) + (
        "\n\nScores are on the dev sets, with intervals as in [Table 3](table3.md). Bold: the "
        "run's own reading."
    )


def _cell(result: Result | None, *, is_own: bool) -> str:
    if result is None:
        return MISSING
    if result.score is None:
        return str(result.reason)
    interval = "" if result.ci_low is None else f" [{result.ci_low:.3f}, {result.ci_high:.3f}]"
    shown = _shown(result)
    return (f"**{shown}**" if is_own else shown) + interval + (" †" if result.stopped else "")


def _which_matches(
    params: Params, groups: Mapping[str, Sequence[Row]], readings: Sequence[str]
) -> Iterator[str]:
    """Say for each group of rows which of two readings is closer to the paper's scores."""
    if not params.active.is_papers:
        yield "Only scores on the paper's corpora can say which reading matches its numbers."
        return
    for name, rows in groups.items():
        both = [
            (one, other)
            for row in rows
            if (one := _distance(row, readings[0])) is not None
            and (other := _distance(row, readings[1])) is not None
        ]
        told = [_closer(both, readings), *_undefined(rows)]
        yield f"{name}: {' '.join(told)}"


def _closer(distances: Sequence[tuple[float, float]], readings: Sequence[str]) -> str:
    """Say which reading has the smaller mean distance.

    Args:
        distances: of each row, under both readings.
        readings: their names.
    """
    if not distances:
        return "no row has a score under both readings, so nothing says which one matches better."
    means = {reading: mean(each[i] for each in distances) for i, reading in enumerate(readings)}
    told = ", ".join(f"{reading} {value:.3f}" for reading, value in means.items())
    told = f"Mean distance from the paper's scores: {told}."
    best = min(means, key=lambda reading: means[reading])
    if all(value == means[best] for value in means.values()):
        return f"neither reading matches the paper's numbers better. {told}"
    closer = sum((one < other) == (best == readings[0]) for one, other in distances if one != other)
    return (
        f"**`{best}` is the reading that best matches the paper's numbers here.** Of rows with a "
        f"score under both readings, it is closer in {closer} of {len(distances)}. {told}"
    )


def _distance(row: Row, reading: str) -> float | None:
    """Return how far a row is from the paper's score; None where one of the two is not there."""
    result, paper_score = row.under[reading], row.own.paper_score
    if result is None or result.score is None or paper_score is None:
        return None
    return abs(result.score - paper_score)


def _row_of(result: Result) -> tuple[CorpusName, Scheme, Mode]:
    """Return which row of the paper's Table 3 a result is like."""
    return result.corpus, result.scheme, result.mode


def _undefined(rows: Sequence[Row]) -> Iterator[str]:
    """Name the scores that are undefined: no mean takes them in."""
    named = [
        f"{row.own.corpus} {row.own.mode} under {reading}"
        for row in rows
        for reading, result in row.under.items()
        if result is not None and result.score is None
    ]
    if named:
        yield f"Undefined: {', '.join(named)}."


def _own_readings(params: Params, rows: Sequence[Row], setting: str) -> str:
    """Say where a reading is chosen, and which the runs have."""
    words = dict.fromkeys(getattr(params.run(row.own.run), setting) for row in rows)
    chosen = " and ".join(f"`{word}`" for word in words)
    return (
        f"**Here.** `{setting}` of a run in `params.yaml`; the runs of this report have {chosen}."
    )


def _of_sts(rows: Sequence[Row], scheme: Scheme) -> dict[str, Result]:
    """Return the frozen STS row of a scheme under the readings that were trained."""
    for row in rows:
        if (row.own.corpus, row.own.scheme, row.own.mode) == ("sts", scheme, "pretrain"):
            return {reading: result for reading, result in row.under.items() if result}
    return {}


def _holds(result: Result, score: float) -> bool:
    """Say whether a result's interval holds a score."""
    if result.ci_low is None or result.ci_high is None:
        return False
    return result.ci_low <= score <= result.ci_high


def _told(results: Mapping[str, Result]) -> str:
    return ", ".join(f"{reading} {_shown(result)}" for reading, result in results.items())


def _shown(result: Result) -> str:
    return "undefined" if result.score is None else f"{result.score:.3f}"


def _pairs(params: Params, rows: Sequence[Row]) -> Iterator[str]:
    yield "## 1. Do the two sentences of a pair see each other?"
    yield (
        "**The paper.** “a pair of sentences are passed to minBERT as input”; for paraphrases “the "
        "mean of contextual embeddings is first taken separately for each sentence” (section 4.3), "
        "for similarities “the contextual embeddings of CLS from each sentence are concatenated” "
        "(section 4.4). Two readings fit:"
    )
    yield (
        "- `joint`: both sentences go through minBERT as one sequence, `[CLS] a [SEP] [CLS] b "
        "[SEP]`; means and `[CLS]` are taken from each sentence's own tokens.\n"
        "- `separate`: each sentence goes through minBERT by itself."
    )
    if not rows:
        yield "**Here.** No row of this report is on pairs."
        return
    yield _own_readings(params, rows, "pair_encoding")
    yield (
        "**Evidence.** A linear layer over two concatenated vectors is a sum, f(a) + g(b). Read "
        "separately it cannot know whether a and b are alike, whatever the backbone. Other groups "
        "with the same task, with bert-base: JF631/dnlp_the_AttentionHeads reports Quora .771 with "
        "separate sentences and .888 with joint ones, and STS .304 with separate `[CLS]` vectors; "
        "JosselinSomervilleRoberts/BERT-Multitask-learning reads pairs jointly and reports STS "
        ".871, Quora .883; Xilyfe's blog has frozen STS at .237 separately and .774 jointly. "
        "Separate sentences reach .87 to .89 on STS with a cosine (token-tricksters, "
        "FrederikHennecke), which the paper does not name."
    )
    yield _table(rows, PAIR_ENCODINGS)
    groups = {  # multi-task scores depend on idle heads, too
        "Single-task": [row for row in rows if row.own.scheme == "single-task"],
        "Multi-task": [
            row for row in rows if _row_of(row.own) != DEAD and row.own.scheme == "multi-task"
        ],
    }
    yield from _which_matches(params, groups, PAIR_ENCODINGS)
    if any(_row_of(row.own) == DEAD for row in rows) and params.active.is_papers:
        yield (
            f"Multi-task leaves out STS in pretrain mode: the paper's {TABLE_3[DEAD]:.3f} is of a "
            "head that predicts nothing but 0, which no encoding of pairs explains (point 3)."
        )
    yield f"**Unexplained.** {_frozen_sts(params, rows)}"


def _frozen_sts(params: Params, rows: Sequence[Row]) -> str:
    """Say whether a reading explains the paper's STS score with a frozen backbone."""
    paper_score = TABLE_3["sts", "single-task", "pretrain"]
    scored = f"paper's STS score with a frozen backbone, {paper_score:.3f},"
    results = _of_sts(rows, "single-task") if params.active.is_papers else {}
    if fitting := [r for r, result in results.items() if _holds(result, paper_score)]:
        return f"Nothing: the {scored} lies inside our interval under {' and '.join(fitting)}."
    return (
        f"The {scored} stays unexplained{f' (here: {_told(results)})' if results else ''}. A "
        "conjecture, not shown here: bert-base's pooler was pretrained on pairs, by next-sentence "
        "prediction, and all-MiniLM-L6-v2's was tuned on single sentences; the .774 of Xilyfe's "
        "blog points the same way."
    )


def _segments() -> Iterator[str]:
    yield "## 2. Does the second sentence have a segment of its own?"
    yield (
        "**The paper.** “The token embedding and the position embedding of each input token are "
        "summed” (section 4.1); it names no segments. BERT itself adds an embedding of the first "
        "or second sentence."
    )
    yield "**Here.** The token types are 0 throughout, in the second sentence of a joint pair too."
    yield (
        "**Evidence.** Section 4.1, and the course's template, which sets all token types to 0 and "
        "calls their embedding a placeholder."
    )
    yield "**Unexplained.** How far types 0 and 1 would move a score; no run here tries it."


def _idle_heads(params: Params, outcome: Outcome, rows: Sequence[Row]) -> Iterator[str]:
    yield "## 3. What happens to a head that has no turn?"
    yield (
        "**The paper.** Batches of the tasks take turns (section 4.5, Equation 1). What the "
        "optimizer does to the heads of the other tasks meanwhile is left open. With a frozen "
        "backbone multi-task STS scores 0.001 or NaN, “the predicted values from the model were "
        "all zeros” (section 6). Two readings fit:"
    )
    yield (
        "- `step`: a head without a turn has a gradient of 0, and AdamW goes on moving it by the "
        "moments that it has stored.\n"
        "- `skip`: a head without a turn has no gradient and stays as it is."
    )
    if not rows:
        yield "**Here.** No run of this report is multi-task."
        return
    yield _own_readings(params, rows, "idle_heads")
    yield (
        "**Evidence.** The course's template of 2023 pins torch 1.8.0. There `zero_grad()` fills "
        "gradients with zeros, so AdamW steps; since torch 2.0 it removes them, so AdamW skips. "
        "PyTorch's issue 22035 calls the case dangerous: several heads, one optimizer, zeros in "
        f"place of None. {_reach(outcome, rows)} `reports/dead-heads.md` tries both readings on "
        "many heads, at the paper's turns and on vectors of bert-base's kind."
    )
    yield (
        f"The paper's own scores with a frozen backbone, single-task and multi-task: "
        f"{_papers_frozen_scores()}. Quora, which has the most turns, keeps its score; that fits "
        "`step`. It does not fit the paper's explanation, that training the heads alone is not "
        "good for multi-task (section 6): with a frozen backbone the tasks share nothing that "
        "learns."
    )
    yield _table(rows, IDLE_HEADS)
    groups = {
        "Pretrain mode": [row for row in rows if row.own.mode == "pretrain"],
        "Finetune mode": [row for row in rows if row.own.mode == "finetune"],
    }
    yield from _which_matches(params, groups, IDLE_HEADS)
    yield f"**Unexplained.** Which torch the paper used. {_dead_sts(params, rows)}"


def _reach(outcome: Outcome, rows: Sequence[Row]) -> str:
    """Say how far one gradient moves a head whose turns are rare.

    Under `step` AdamW's first moment adds up to the whole gradient, and its second is the mean
    square over all turns, which rare gradients keep small.
    """
    run = rows[0].own.run
    turns = outcome.summaries[run].turns
    total = sum(turns.values())
    reach = ", ".join(f"{corpus} {sqrt(total / count):.1f}" for corpus, count in turns.items())
    return (
        f"A round of {run} has {total} turns. Under `skip`, one gradient moves a head by about one "
        "learning rate; under `step`, by about the square root of the turns that pass for each of "
        f"its own: {reach}."
    )


def _papers_frozen_scores() -> str:
    return ", ".join(
        f"{corpus} {score:.3f} and {TABLE_3[corpus, 'multi-task', mode]:.3f}"
        for (corpus, scheme, mode), score in TABLE_3.items()
        if (scheme, mode) == ("single-task", "pretrain") and (corpus, "multi-task", mode) in TABLE_3
    )


def _dead_sts(params: Params, rows: Sequence[Row]) -> str:
    """Say under which reading our own frozen multi-task STS fails as the paper's does."""
    paper_score = TABLE_3["sts", "multi-task", "pretrain"]
    results = _of_sts(rows, "multi-task")
    if not (params.active.is_papers and results):
        return "Whether frozen STS fails as in the paper is a question for the paper's corpora."
    failed = [r for r, each in results.items() if each.score is None or _holds(each, paper_score)]
    fails = f"fails as in the paper under {' and '.join(failed)}"
    return (
        f"With {params.active.backbone} frozen STS "
        f"{fails if failed else 'does not fail as in the paper'}: {_told(results)}, the paper's "
        f"{paper_score:.3f}."
    )


def _kept_epoch(params: Params, outcome: Outcome) -> Iterator[str]:
    yield "## 4. Which epoch is kept?"
    yield (
        "**The paper.** “The best similarity score we had obtained was 0.001 out of 10 epochs” "
        "(section 6): the best of ten, on the dev set that is reported. It does not say whether a "
        "multi-task run has one best epoch or one for each task."
    )
    yield (
        "**Here.** The epoch with the best dev score, the earlier of two that are alike; of a "
        "multi-task run the one with the best mean over its tasks, since it keeps one model. It is "
        "chosen on the dev set that it is reported on, which flatters every score a little."
    )
    yield " ".join(["**Evidence.**", *_gain_of_own_epochs(params, outcome)])
    yield (
        "**Unexplained.** Whether the paper's three multi-task scores of a mode are of one model."
    )


def _gain_of_own_epochs(params: Params, outcome: Outcome) -> Iterator[str]:
    """Say by how much each task's own best epoch is above the kept one."""
    gains = {}
    for row in outcome.results:
        if params.run(row.run).scheme == "multi-task" and row.best_epoch:
            history = [e for e in outcome.histories[row.run] if e.corpus == row.corpus]
            known = {e.epoch: e.dev_score for e in history if e.dev_score is not None}
            if row.best_epoch in known:
                name = f"{row.corpus} {row.mode}"
                gains[name] = max(known.values()) - known[row.best_epoch]
    if not gains:
        yield "No multi-task row has a score to compare."
        return
    told = ", ".join(f"{name} {gain:+.3f}" for name, gain in gains.items())
    yield (
        f"What a multi-task row would gain if its own best epoch were kept: {told}. [Table 3]"
        "(table3.md) has the epochs."
    )


def _frozen_dropout() -> Iterator[str]:
    yield "## 5. Does the frozen backbone drop out?"
    yield (
        "**The paper.** It names dropout before each head (sections 4.2 to 4.4), and says nothing "
        "of the backbone's own while only heads are trained."
    )
    yield (
        "**Here.** The frozen backbone is in evaluation mode: it drops out nothing, and each "
        "sentence or pair has its vectors computed once, by the `features` stage."
    )
    yield (
        "**Evidence.** None in numbers. The course's template leaves the backbone in training mode "
        "while heads learn, so its heads see other vectors in every epoch."
    )
    yield "**Unexplained.** How much of a frozen score this is; no run here tries it."


def _misprint() -> Iterator[str]:
    yield "## 6. Which mode is the fifth row of Table 2?"
    yield f"**The paper.** {TABLE_2_MISPRINT}"
    yield "**Here.** `cfimdb-finetune` finetunes at 1e-5."
    yield (
        "**Evidence.** Read as printed, CFIMDB has two pretrain rows and no finetune row, though "
        f"Table 3 has its finetune score, {TABLE_3['cfimdb', 'single-task', 'finetune']:.3f}; all "
        "other rows at 1e-5 are finetune rows."
    )
    yield "**Unexplained.** Nothing."


def _counts() -> Iterator[str]:
    yield "## 7. How many examples are there?"
    told = " and ".join(
        f"{corpus} {', '.join(f'{count:,}' for count in TABLE_1[corpus].values())}"
        for corpus in COUNTED_WITH_HEADER
    )
    yield (
        f"**The paper.** Table 1 has, for train, dev and test, {told}: each one more than the rows "
        f"of the published file. For CFIMDB's train it has {TABLE_1['cfimdb']['train']:,}, where "
        f"the file has {CFIMDB_ROWS:,} rows."
    )
    yield "**Here.** The rows of the files: [the data, beside Table 1](data.md)."
    yield "**Evidence.** A count that takes the header line in is one too high, in each of the six."
    yield "**Unexplained.** The six rows of CFIMDB."
