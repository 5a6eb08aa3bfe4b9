"""reports/benchmarks.md and its figure, from the numbers of one run alone."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from benchmarks.breakdown import KINDS, REST
from benchmarks.measure import FEATURES, HUGGING_FACE, HUGGING_FACE_TRAINER, TEXTBOOK
from benchmarks.ours import ALL, ALONE, PIECES, PLAIN
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.reporting.drawing import Sheet, drawn
from pipeline.reporting.markdown import table
from pipeline.training.round_robin import turns_per_round

EPOCHS = 10
MULTITASK = ("sst", "quora", "sts")
FINETUNE_AIMS = {"sst": 5.0, "cfimdb": 7.0, "quora": 5.0, "sts": 5.0}
FROZEN, WHOLE = "all frozen cells, 10 epochs", "the whole of Table 3"
WHOLE_AIMS = {FROZEN: 25.0, WHOLE: 6.0}
Results = Mapping[str, Any]
ORDER = (
    TEXTBOOK,
    HUGGING_FACE,
    HUGGING_FACE_TRAINER,
    PLAIN,
    *(ALONE + piece for piece in PIECES),
    FEATURES,
    ALL,
)


class Ratio(NamedTuple):
    """How many times as fast, over rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the median and, in brackets, the smallest and largest."""
        return f"{_shown(self.median)} ({_shown(self.low)} to {_shown(self.high)})"


def _shown(value: float) -> str:
    """Write a number with the digits that a measurement deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def corpora_of(results: Results) -> list[CorpusName]:
    """Return the corpora that were measured, in the project's order."""
    return [corpus for corpus in CORPORA if corpus in results["corpora"]]


def contenders(results: Results, corpus: str, mode: str) -> list[str]:
    """Return who was measured, in the order of the page."""
    measured = results["corpora"][corpus][mode]
    return [name for name in ORDER if name in measured]


def seconds(results: Results, corpus: str, mode: str, name: str) -> list[float]:
    """Return a contender's seconds per epoch, one for each round."""
    return [turn["seconds_per_epoch"] for turn in results["corpora"][corpus][mode][name]]


def ratio_of(slow: Sequence[float], fast: Sequence[float]) -> Ratio:
    """Compare two contenders round by round."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))


def ratio(results: Results, corpus: str, mode: str, slow: str, fast: str) -> Ratio:
    """Say how many times as fast one contender is as another."""
    return ratio_of(seconds(results, corpus, mode, slow), seconds(results, corpus, mode, fast))


def multitask_share(results: Results, corpus: str) -> float:
    """Return the fraction of a corpus's batches that a multi-task epoch of Equation 1 takes."""
    steps: dict[Any, int] = {
        name: results["corpora"][name]["finetune"][ALL][0]["steps_per_epoch"] for name in MULTITASK
    }
    return turns_per_round(steps)[corpus] * min(steps.values()) / steps[corpus]  # type: ignore[index]


def wholes(results: Results, name: str) -> dict[str, list[float]]:
    """Return a contender's seconds, by round, of all frozen cells and of the whole of Table 3.

    Frozen are four single-task runs and a multi-task one; the whole has five finetuned as well. All
    have ten epochs, without dev evaluation; ours computes its features once.
    """
    frozen = whole = [0.0] * len(seconds(results, "sst", "frozen", name))
    for corpus in CORPORA:
        epochs = EPOCHS * (1.0 + (multitask_share(results, corpus) if corpus in MULTITASK else 0.0))
        once = seconds(results, corpus, "frozen", FEATURES) if name == ALL else [0.0] * len(frozen)
        heads = seconds(results, corpus, "frozen", name)
        rest = seconds(results, corpus, "finetune", name)
        frozen = [f + o + epochs * h for f, o, h in zip(frozen, once, heads, strict=True)]
        whole = [w + epochs * r for w, r in zip(whole, rest, strict=True)]
    return {FROZEN: frozen, WHOLE: [f + w for f, w in zip(frozen, whole, strict=True)]}


def against(results: Results, peer: str) -> dict[str, Ratio]:
    """Say how many times as fast as a peer ours is over the wholes."""
    theirs, ours = wholes(results, peer), wholes(results, ALL)
    return {what: ratio_of(theirs[what], ours[what]) for what in WHOLE_AIMS}


def peak_fraction(results: Results, corpus: str) -> float:
    """Return the share of the machine's matrix-product peak that our finetune step reaches.

    Counted are the products that a step needs: 2 operations for each weight a token meets,
    attention's two products, and twice as many again for the gradient. Padding counts nothing.
    """
    config, pooled = results["backbone"], results["corpora"][corpus]["pooled"]
    width, wide = config["hidden_size"], config["intermediate_size"]
    layers = config["num_hidden_layers"]
    layer = 4 * width**2 + 2 * width * wide
    # where only [CLS] is read, the last layer needs no more than keys and values of the rest
    weights = (layers - 1) * layer + (2 * width**2 if pooled else layer)
    turns = results["corpora"][corpus]["finetune"][ALL]
    tokens = median(turn["tokens_per_second"] for turn in turns)
    squares = median(turn["attention_per_second"] for turn in turns)
    attention_layers = layers - 1 if pooled else layers
    operations = 6 * weights * tokens + 12 * width * attention_layers * squares
    return float(operations / 1e9 / max(results["matmul_peak_gflops"].values()))


def aims(results: Results) -> Iterator[list[str]]:
    """Yield all that was aimed at: what, the aim, what was measured, and whether it is reached."""
    peers = (
        (TEXTBOOK, "the textbook", FINETUNE_AIMS),
        (HUGGING_FACE, "a Hugging Face loop", dict.fromkeys(CORPORA, 3.0)),
    )
    ratios = [
        (f"{c} finetune against {words}", aim, ratio(results, c, "finetune", peer, ALL))
        for peer, words, each in peers
        for c, aim in each.items()
    ]
    for what, got in against(results, TEXTBOOK).items():
        ratios.append((f"{what}, against the textbook", WHOLE_AIMS[what], got))
    for what, aim, got in ratios:
        both = ", by the median; the range holds both" if got.low < aim <= got.high else ""
        yield [what, f"≥ {aim:g}x", str(got), _yes(got.median >= aim) + both]
    for corpus in CORPORA:
        share = peak_fraction(results, corpus)
        what = f"{corpus} finetune, share of matrix-product peak"
        yield [what, "≥ 40 %", f"{share:.0%}", _yes(share >= 0.4)]
    for corpus in CORPORA:
        epoch = median(seconds(results, corpus, "finetune", ALL))
        share = results["dev_seconds"][corpus] / epoch
        what = f"{corpus} dev evaluation, share of a finetune epoch"
        yield [what, "≤ 10 %", f"{share:.1%}", _yes(share <= 0.1)]
    stage, taken = max(results["startup_seconds"].items(), key=lambda each: each[1])
    what = f"start-up of a stage, the slowest ({stage})"
    yield [what, "< 3 s", f"{taken:.1f} s", _yes(taken < 3)]


def _yes(is_reached: bool) -> str:
    return "yes" if is_reached else "no"


def corpus_table(results: Results, corpus: str, mode: str) -> str:
    """Render every contender on a corpus."""
    rows = []
    for name in contenders(results, corpus, mode):
        turns = results["corpora"][corpus][mode][name]
        epoch = median(turn["seconds_per_epoch"] for turn in turns)
        rate = turns[0]["steps_per_epoch"] / epoch
        times = ratio(results, corpus, mode, TEXTBOOK, name)
        memory = max(turn["peak_memory_mb"] for turn in turns)
        rows.append([name, _shown(rate), _shown(epoch), str(times), f"{memory:,.0f}"])
    header = ["contender", "steps/s", "s/epoch", "times as fast as the textbook", "peak memory, MB"]
    return table(header, rows, right=header[1:])


def growth_table(results: Results) -> str:
    """Render how an epoch's time grows with the corpus."""
    growth: Mapping[str, Mapping[str, float]] = results["growth"]
    sizes = sorted({size for times in growth.values() for size in times}, key=int)
    rows = []
    for corpus in (corpus for corpus in corpora_of(results) if corpus in growth):
        times = growth[corpus]
        known = [size for size in sizes if size in times]
        ratio = ""
        if len(known) > 1:
            first, last = known[0], known[-1]
            ratio = f"{times[last] / times[first]:.2f}x for {int(last) / int(first):.0f}x"
        rows.append([corpus, *(f"{times[s]:.1f} s" if s in times else "" for s in sizes), ratio])
    header = ["corpus", *(f"{size} examples" for size in sizes), "last / first"]
    return table(header, rows, right=header[1:])


def breakdown_parts(results: Results) -> list[str]:
    """Render where the time of our steps goes, where that was measured."""
    shares: Mapping[str, Mapping[str, float]] = results["breakdown"]
    corpora = corpora_of(results)
    if not all(shares[corpus] for corpus in corpora):
        return []
    rows = [
        [kind, *(f"{shares[corpus][kind]:.0%}" for corpus in corpora)] for kind in (*KINDS, REST)
    ]
    header = ["kind of operation", *corpora]
    return [
        "## Where our time goes",
        "Shares of our finetune steps, by torch.profiler:",
        table(header, rows, right=header[1:]),
    ]


FULL_QUORA = """\
The full Quora corpus, 141,506 pairs under a backbone 768 wide: its vectors take {disk_mb:,.0f} MB
on disk, in float16. A head trains on them, memory-mapped, at {steps_per_second:,.0f} steps/s
({seconds_per_epoch:.1f} s an epoch) with a peak memory of {peak_memory_mb:,.0f} MB, the mapped
vectors included."""

METHOD = """\
Contenders take turns, each turn in a process of its own, warmed up. In a turn each trains on
{steps} batches of its own epoch (a piece alone on one), evenly spaced from its smallest to its
largest, and what they took is scaled by their share of the epoch's tokens (with padding, where it
is computed); {rounds} turns, at other places each. A ratio is taken within a round; the table gives
the median and the range. The range is not noise alone: a turn on short batches makes an epoch too
long, for a step's fixed cost, and one on long batches too short. A piece alone is read off fewer
batches than *plain*, so differences of less than 15 % between them are not established. All train
on the same tokenized examples ({profile} profile, {corpora} corpora), from the same weights
({backbone}), with the paper's batch sizes and dropout. Dev evaluation is left out for all. The
textbook and Hugging Face compute in float32, as they come; ours in {precision}. Frozen, both run
their encoder at every step with dropout on, as they come; memory is the host's."""


def page(results: Results) -> str:
    """Render the page."""
    machine, method = results["machine"], results["method"]
    versions = ", ".join(
        f"{name} {version}" for name, version in sorted(machine["versions"].items())
    )
    peaks = sorted(results["matmul_peak_gflops"].items())
    starts = [[stage, f"{taken:.1f} s"] for stage, taken in results["startup_seconds"].items()]
    parts = [
        "# Speed, side by side",
        "Written by `make bench` from one run; ratios hold for this machine, times for this day.",
        f"{machine['device']} ({machine['processor']}), {machine['cores']} cores, "
        f"{machine['threads']} threads, {machine['memory_gb']} GB, Python {machine['python']}, "
        f"{versions}; ours at commit {machine['commit'] or 'unknown'}. Matrix products "
        f"reach {', '.join(f'{name} {value:,.0f}' for name, value in peaks)} GFLOP/s.",
        "![Times as fast as the textbook](benchmarks.svg)",
    ]
    if set(results["corpora"]) == set(CORPORA):
        header = ["what", "aim", "measured", "reached"]
        theirs = "; ".join(f"{what}: {got}" for what, got in against(results, HUGGING_FACE).items())
        parts += ["## Aims", table(header, list(aims(results)), right=["aim"])]
        parts += [f"Times as fast as a Hugging Face loop: {theirs}."]
    for corpus in corpora_of(results):
        parts += [
            f"## {CORPORA[corpus].title}: finetune",
            corpus_table(results, corpus, "finetune"),
        ]
        parts += ["Frozen:", corpus_table(results, corpus, "frozen")]
    parts += [
        "*Ours, features* is the frozen backbone's pass, once for a whole training; *ours* under "
        "Frozen is the head's.",
        *breakdown_parts(results),
        "## Growth",
        "Seconds of one whole epoch of ours, as run:",
        growth_table(results),
        "## The frozen path at the paper's size",
        FULL_QUORA.format(**results["full_quora"]),
        "## Start-up",
        "Python, imports and the command line of each stage, the fastest of three starts:",
        table(["stage", "start-up"], starts, right=["start-up"]),
        "## How it was measured",
        METHOD.format(**method),
    ]
    return "\n\n".join(parts) + "\n"


def figure(results: Results) -> str:
    """Draw how many times as fast as the textbook every contender is, a panel for each corpus."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(2, 2).ravel()
        for axes, corpus in zip(panels, corpora_of(results), strict=False):
            names = contenders(results, corpus, "finetune")
            ratios = [ratio(results, corpus, "finetune", TEXTBOOK, name) for name in names]
            colours = ["#0072B2" if name == ALL else "#999999" for name in names]
            axes.barh(names, [r.median for r in ratios], color=colours)
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


def pages(results: Results) -> dict[str, str]:
    """Render the page and its figure, by their names in reports/."""
    return {"benchmarks.md": page(results), "benchmarks.svg": figure(results)}
