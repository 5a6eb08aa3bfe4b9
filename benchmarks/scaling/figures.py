"""The figures of docs/scaling.md, from the numbers alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from benchmarks.scaling.cases import SEEDS, WORKERS
from benchmarks.scaling.results import Results, wall
from benchmarks.scaling.tables import case_name
from pipeline.reporting.drawing import INK, Sheet, drawn

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito's
MARKERS = "osD^"
COMMANDS = {
    "status": "dvc status",
    "repro": "dvc repro, nothing to do",
    "plan": "make plan",
    "stage": "one stage",
}
KINDS = {"train": COLOURS[0], "evaluate": COLOURS[1], "features": COLOURS[2]}
OTHER = "#999999"
BAR: dict[str, Any] = {"height": 0.8, "edgecolor": "white", "linewidth": 0.4}


def workers_figure(simulate: Results) -> str:
    """Draw how long the cases take, and how many times as fast they become, against workers."""

    def draw(figure: Figure) -> None:
        times, speed_ups = figure.subplots(1, 2)
        speed_ups.plot(WORKERS, WORKERS, color=INK, linestyle=":", label="as many times as workers")
        for case in simulate["cases"]:
            taken = [case["makespans"][str(n)] for n in WORKERS]
            look = _look(case)
            times.plot(WORKERS, [t / 60 for t in taken], label=case_name(case), **look)
            speed_ups.plot(WORKERS, [taken[0] / t for t in taken], **look)
        times.set_ylabel("minutes")
        speed_ups.set_ylabel("times as fast as one worker")
        for axes in (times, speed_ups):
            axes.set_xlabel("workers")
            _log(axes, WORKERS)
        speed_ups.set_yscale("log", base=2)
        _plain_numbers(speed_ups.yaxis)
        figure.legend(loc="lower center", ncols=5)

    head = "Simulated: the launcher's rules on measured stage times, DVC's lock included"
    return drawn(Sheet(9, 4.0, left=0.85, top=0.4, bottom=1.1), head, draw)


def _look(case: Results) -> dict[str, Any]:
    """Tell sweeps apart by colour and marker, profiles by line: a demo's is broken and hollow."""
    place, is_demo = SEEDS.index(case["seeds"]), case["profile"] == "demo"
    look: dict[str, Any] = {"color": COLOURS[place], "marker": MARKERS[place], "markersize": 4}
    return look | ({"linestyle": "--", "markerfacecolor": "white"} if is_demo else {})


def _log(axes: Any, workers: Sequence[int]) -> None:
    """Scale both axes by ratios: of workers in powers of two."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(workers, [str(n) for n in workers])
    axes.set_yscale("log")
    _plain_numbers(axes.yaxis)
    axes.grid(alpha=0.25)


def _plain_numbers(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_minor_formatter(NullFormatter())


def growth_figure(graph: Results) -> str:
    """Draw seconds of commands, and the size of dvc.lock, against the number of runs."""
    sizes = graph["sizes"]
    runs = [size["runs"] for size in sizes]

    def draw(figure: Figure) -> None:
        seconds, megabytes = figure.subplots(1, 2)
        for (what, label), colour, marker in zip(COMMANDS.items(), COLOURS, MARKERS, strict=False):
            taken = [(size["runs"], wall(size, what)) for size in sizes]
            known = [(count, each) for count, each in taken if each is not None]
            if known:
                seconds.plot(*zip(*known, strict=True), color=colour, marker=marker, label=label)
        seconds.axhline(graph["patience_seconds"], color=INK, linestyle=":", label="given up")
        megabytes.plot(runs, [size["lock_bytes"] / 1e6 for size in sizes], "o-", color=COLOURS[0])
        seconds.set_ylabel("seconds")
        megabytes.set_ylabel("dvc.lock, MB")
        for axes in (seconds, megabytes):
            axes.set_xscale("log")
            axes.set_xticks(runs, [f"{count:,}" for count in runs])
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_yscale("log")
            _plain_numbers(axes.yaxis)
            axes.set_xlabel("runs")
            axes.grid(alpha=0.25)
        figure.legend(loc="lower center", ncols=5)

    head = "Measured: DVC on this graph with more runs, all up to date"
    return drawn(Sheet(9, 3.7, left=0.85, top=0.4), head, draw)


def jobs_figure(jobs: Results) -> str:
    """Draw when each stage ran, a panel for each way."""
    ways = jobs["ways"]
    longest = max(way["cost"]["wall_seconds"] for way in ways.values())

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(ways), 1, squeeze=False)[:, 0]
        for axes, (name, way) in zip(panels, ways.items(), strict=True):
            for stage, row in _rows(way["stages"]):
                colour = KINDS.get(stage["name"].partition("@")[0], OTHER)
                axes.barh(row, stage["seconds"], left=stage["start"], color=colour, **BAR)
            axes.set_xlim(0, longest)
            axes.set_yticks([])
            axes.invert_yaxis()
            axes.set_title(f"{name}: {way['cost']['wall_seconds']:.0f} s", loc="left")
        panels[-1].set_xlabel("seconds")
        kinds = KINDS | {"all others": OTHER}
        handles = [Patch(color=colour, label=kind) for kind, colour in kinds.items()]
        figure.legend(handles=handles, loc="lower center", ncols=4)

    head = f"Measured: the pipeline from nothing, profile {jobs['profile']}"
    return drawn(Sheet(9, 1.6 + 1.1 * len(ways), left=0.3, between_rows=0.45), head, draw)


def _rows(stages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield each stage with the first row that is free when it begins."""
    ends: list[float] = []
    for stage in stages:
        free = [row for row, end in enumerate(ends) if end <= stage["start"] + 0.05]
        row = free[0] if free else len(ends)
        ends[row : row + 1] = [stage["start"] + stage["seconds"]]
        yield stage, row
