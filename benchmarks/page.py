"""Renders reports/benchmarks.md and its figure from the results of a benchmark run."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.breakdown import KINDS, REST
from benchmarks.measure import FEATURES, HUGGING_FACE, TEXTBOOK
from benchmarks.ours import ALL, ALONE, PIECES, PLAIN
from benchmarks.results import filled
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.reporting.drawing import Sheet, drawn
from pipeline.training.round_robin import turns_per_round

EPOCHS = 10
MULTITASK: tuple[CorpusName, ...] = ("sst", "quora", "sts")
FROZEN, WHOLE = "all frozen cells, 10 epochs", "the whole of Table 3"
AIMS: Mapping[str, Mapping[str, float]] = {  # target speedups
    TEXTBOOK: {"sst": 5.0, "cfimdb": 7.0, "quora": 5.0, "sts": 5.0},
    HUGGING_FACE: dict.fromkeys(CORPORA, 3.0),
}
WHOLE_AIMS = {FROZEN: 25.0, WHOLE: 6.0}
# only the committed results include the Trainer
BASES = (TEXTBOOK, HUGGING_FACE, "Hugging Face Trainer", PLAIN)
ORDER = (*BASES, *(ALONE + piece for piece in PIECES), FEATURES, ALL)
Results = Mapping[str, Any]
Seconds = NDArray[np.float64]  # per epoch, with one value per round


class Ratio(NamedTuple):
    """A speedup, summarized over rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the median, followed by the smallest and largest in parentheses."""
        return f"{_shown(self.median)} ({_shown(self.low)} to {_shown(self.high)})"


def _shown(value: float) -> str:
    """Format a number with only its meaningful digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def corpora_of(results: Results) -> list[CorpusName]:
    """Return the corpora that were measured, in the project's order."""
    return [corpus for corpus in CORPORA if corpus in results["corpora"]]


def turn_values(results: Results, corpus: str, mode: str, name: str, what: str) -> Seconds:
    """Return one kind of measurement of a contender, with one value per turn."""
    return np.array([turn[what] for turn in results["corpora"][corpus][mode][name]])


def seconds(results: Results, corpus: str, mode: str, name: str) -> Seconds:
    """Return a contender's seconds per epoch, with one value per round."""
    return turn_values(results, corpus, mode, name, "seconds_per_epoch")


def ratio_of(slow: Seconds, fast: Seconds) -> Ratio:
    """Return the speedup of one contender over another, compared round by round."""
    ratios = slow / fast
    return Ratio(float(np.median(ratios)), ratios.min(), ratios.max())


def ratio(results: Results, corpus: str, mode: str, slow: str, fast: str) -> Ratio:
    """Return the speedup of the contender `fast` over `slow`."""
    return ratio_of(seconds(results, corpus, mode, slow), seconds(results, corpus, mode, fast))


def multitask_share(results: Results, corpus: CorpusName) -> float:
    """Return the share of a corpus's batches that a multi-task epoch uses (Equation 1)."""
    measured = results["corpora"]
    steps = {c: measured[c]["finetune"][ALL][0]["steps_per_epoch"] for c in MULTITASK}
    return float(turns_per_round(steps)[corpus] * min(steps.values()) / steps[corpus])


def totals(results: Results, name: str) -> dict[str, Seconds]:
    """Return a contender's seconds per round for all frozen cells and for the whole of Table 3.

    The frozen cells are four single-task runs and a multi-task run. The whole table adds five
    finetuned runs. Each run has ten epochs, without dev evaluation. Ours computes features once.
    """
    frozen = finetuned = np.zeros(1)
    for corpus in CORPORA:
        epochs = EPOCHS * (1.0 + (multitask_share(results, corpus) if corpus in MULTITASK else 0.0))
        frozen = frozen + epochs * seconds(results, corpus, "frozen", name)
        if name == ALL:
            frozen = frozen + seconds(results, corpus, "frozen", FEATURES)
        finetuned = finetuned + epochs * seconds(results, corpus, "finetune", name)
    return {FROZEN: frozen, WHOLE: frozen + finetuned}


def total_speedups(results: Results, peer: str) -> dict[str, Ratio]:
    """Return our speedup over a peer for each total."""
    theirs, ours = totals(results, peer), totals(results, ALL)
    return {what: ratio_of(theirs[what], ours[what]) for what in WHOLE_AIMS}


def peak_fraction(results: Results, corpus: str) -> float:
    """Return the share of the machine's peak matmul rate that our finetune step reaches.

    This counts the matrix products that a step needs: 2 operations per weight and token, the two
    products of attention, and twice as many again for gradients. Padding does not count.
    """
    config, pooled = results["backbone"], results["corpora"][corpus]["pooled"]
    width, wide = config["hidden_size"], config["intermediate_size"]
    layers = config["num_hidden_layers"]
    layer = 4 * width**2 + 2 * width * wide
    # if only [CLS] is used, the last layer needs only keys and values for the other tokens
    weights = (layers - 1) * layer + (2 * width**2 if pooled else layer)
    tokens, squares = (
        np.median(turn_values(results, corpus, "finetune", ALL, f"{what}_per_second"))
        for what in ("tokens", "attention")
    )
    attention_layers = layers - 1 if pooled else layers
    operations = 6 * weights * tokens + 12 * width * attention_layers * squares
    return float(operations / 1e9 / max(results["matmul_peak_gflops"].values()))


def aims(results: Results) -> Iterator[list[str]]:
    """Yield a row per target: its name, the target, the measurement, and whether it was met."""
    ratios = [
        (f"{c} finetune against {words}", aim, ratio(results, c, "finetune", peer, ALL))
        for peer, words in ((TEXTBOOK, "the textbook"), (HUGGING_FACE, "a Hugging Face loop"))
        for c, aim in AIMS[peer].items()
    ]
    for what, got in total_speedups(results, TEXTBOOK).items():
        ratios.append((f"{what}, against the textbook", WHOLE_AIMS[what], got))
    for what, aim, got in ratios:
        both = ", by the median; the range holds both" if got.low < aim <= got.high else ""
        yield [what, f"≥ {aim:g}x", str(got), _yes(got.median >= aim) + both]
    for corpus in CORPORA:
        share = peak_fraction(results, corpus)
        what = f"{corpus} finetune, share of matrix-product peak"
        yield [what, "≥ 40 %", f"{share:.0%}", _yes(share >= 0.4)]
    for corpus in CORPORA:
        epoch = float(np.median(seconds(results, corpus, "finetune", ALL)))
        share = results["dev_seconds"][corpus] / epoch
        what = f"{corpus} dev evaluation, share of a finetune epoch"
        yield [what, "≤ 10 %", f"{share:.1%}", _yes(share <= 0.1)]
    stage, taken = max(results["startup_seconds"].items(), key=lambda each: each[1])
    what = f"start-up of a stage, the slowest ({stage})"
    yield [what, "< 3 s", f"{taken:.1f} s", _yes(taken < 3)]


def _yes(is_reached: bool) -> str:
    return "yes" if is_reached else "no"


def contenders(results: Results, corpus: str, mode: str) -> list[str]:
    """Return the contenders that were measured, in the order used on the page."""
    return [name for name in ORDER if name in results["corpora"][corpus][mode]]


def rows_of(results: Results, corpus: str, mode: str) -> Iterator[list[str]]:
    """Yield a row for each contender: its name, speed, time, ratio and memory."""
    for name in contenders(results, corpus, mode):
        epoch = float(np.median(seconds(results, corpus, mode, name)))
        rate = turn_values(results, corpus, mode, name, "steps_per_epoch")[0] / epoch
        times = ratio(results, corpus, mode, TEXTBOOK, name)
        memory = turn_values(results, corpus, mode, name, "peak_memory_mb").max()
        yield [name, _shown(rate), _shown(epoch), str(times), f"{memory:,.0f}"]


def page(results: Results) -> str:
    """Render the page."""
    is_whole = set(results["corpora"]) == set(CORPORA)
    sizes = {size for seconds in results["growth"].values() for size in seconds}
    return filled(
        "benchmarks",
        **{name: value for name, value in results.items() if name != "corpora"},
        measured={corpus: CORPORA[corpus].title for corpus in corpora_of(results)},
        aims=list(aims(results)) if is_whole else [],
        hugging_face=total_speedups(results, HUGGING_FACE) if is_whole else {},
        rows_of=lambda corpus, mode: rows_of(results, corpus, mode),
        kinds=[*KINDS, REST],
        sizes=sorted(sizes, key=int),
    )


def figure(results: Results) -> str:
    """Draw every contender's speedup over the textbook, with one panel per corpus."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(2, 2).ravel()
        for axes, corpus in zip(panels, corpora_of(results), strict=False):
            names = contenders(results, corpus, "finetune")
            ratios = [ratio(results, corpus, "finetune", TEXTBOOK, name) for name in names]
            colors = ["#0072B2" if name == ALL else "#999999" for name in names]
            axes.barh(names, [r.median for r in ratios], color=colors)
            for place, r in enumerate(ratios):
                axes.plot([r.low, r.high], [place, place], color="black", linewidth=1)
                axes.text(r.high + 0.1, place, f"{r.median:.1f}", va="center")
            axes.invert_yaxis()
            axes.set_title(f"{CORPORA[corpus].title}: finetune")
            axes.margins(x=0.12)
        for axes in panels[len(corpora_of(results)) :]:
            axes.remove()

    head = "times as fast as the textbook (seconds per epoch of the same examples)"
    sheet = Sheet(10, 7, left=2.2, top=0.6, bottom=0.4, between_columns=2.3, between_rows=0.5)
    return drawn(sheet, head, draw)
