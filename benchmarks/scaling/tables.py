"""The tables of docs/scaling.md, from the numbers alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import mean

from benchmarks.scaling.cases import WORKERS
from benchmarks.scaling.jobs import SERIAL
from benchmarks.scaling.results import Results, lock_seconds, wall
from pipeline.launch.times import duration
from pipeline.reporting.markdown import table

Parts = Mapping[str, Results]
NOT_YET = "Not measured yet: `python -m benchmarks.scaling {}` fills this in."


def machine_told(results: Results) -> str:
    """Name what was measured on."""
    machine = results["machine"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, Python "
        f"{machine['python']}, at commit {machine['commit'] or 'unknown'}"
    )


def jobs_table(parts: Parts) -> str:
    """Render the whole pipeline from nothing, with stages at once."""
    ways = parts["jobs"]["ways"]
    serial = ways[SERIAL]["cost"]["wall_seconds"]
    header = ["way", "threads a stage", "time", "simulated", "as fast as serial"]
    header += ["processor time", "dvc.lock"]
    rows = [
        [
            name,
            str(way["threads"]),
            duration(way["cost"]["wall_seconds"]),
            _simulated(parts, way),
            f"{serial / way['cost']['wall_seconds']:.2f}x",
            duration(way["cost"]["cpu_seconds"]),
            f"`{way['lock_sha256'][:8]}`",
        ]
        for name, way in ways.items()
    ]
    shown = table(header, rows, right=header[1:-1])
    told = f"{machine_told(parts['jobs'])}; profile **{parts['jobs']['profile']}**."
    return f"{told}\n\n{shown}\n\n![When each stage ran](../reports/scaling/jobs.svg)"


def _simulated(parts: Parts, way: Results) -> str:
    """Say how long stages at once should have taken, if none slowed down another."""
    case: Results | None = parts.get("simulate", {}).get("one_thread")
    if case is None or way["jobs"] == 1 or way["threads"] > 1:
        return ""
    seconds = case["makespans"].get(str(way["jobs"]))
    return "" if seconds is None else duration(seconds)


def growth_table(parts: Parts) -> str:
    """Render what DVC takes as runs become more."""
    graph = parts["graph"]

    def told(size: Results, what: str) -> str:
        seconds = wall(size, what)
        return "too long" if seconds is None else duration(seconds)

    header = ["runs", "stages", "lines of dvc.lock", "its size", "`dvc status`"]
    header += ["`dvc repro`, nothing to do", "`make plan`", "one stage", "memory"]
    rows = [
        [
            f"{size['runs']:,}",
            f"{size['stages']:,}",
            f"{size['lock_lines']:,}",
            f"{size['lock_bytes'] / 1e6:.2f} MB",
            *(told(size, what) for what in ("status", "repro", "plan", "stage")),
            _memory(size),
        ]
        for size in graph["sizes"]
    ]
    parser = "C" if graph["has_c_yaml"] else "Python"
    return (
        f"{machine_told(graph)}; YAML read in {parser}. *Too long*: more than "
        f"{duration(graph['patience_seconds'])}.\n\n{table(header, rows, right=header)}"
    )


def _memory(size: Results) -> str:
    """Say the most memory of any of the commands."""
    return f"{max(cost['peak_memory_mb'] for cost in size['costs'].values() if cost):,.0f} MB"


def shares_table(parts: Parts) -> str:
    """Render where `dvc status` spends its time: params.yaml, once a stage, and dvc.lock."""
    rows = []
    for size in parts["graph"]["sizes"]:
        params = size["params_seconds"] * size["stages"]
        status, read = wall(size, "status"), wall(size, "read")
        rows.append(
            [
                f"{size['runs']:,}",
                f"{1000 * size['params_seconds']:,.0f} ms",
                duration(params),
                "too long" if read is None else duration(read),
                "too long" if status is None else duration(status),
            ]
        )
    header = ["runs", "params.yaml, once", "times stages", "dvc.lock, once", "`dvc status`"]
    return table(header, rows, right=header)


def ceiling_table(parts: Parts) -> str:
    """Render how many workers DVC's lock lets work, on the stages of each profile."""
    processors = parts["graph"]["machine"]["cores"]
    stages = {profile: mean(taken.values()) for profile, taken in _seconds(parts).items()}
    rows = []
    for size in parts["graph"]["sizes"]:
        counts = [f"{size['runs']:,}", f"{size['stages']:,}"]
        lock = lock_seconds(size, processors)
        if lock is None:
            rows.append([*counts, "not measured", *["–"] * (1 + len(stages))])
            continue
        kept = [f"{1 + seconds / lock:,.0f}" for seconds in stages.values()]
        rows.append([*counts, duration(lock), f"{3600 / lock:,.0f}", *kept])
    header = ["runs", "stages", "lock, a stage, about", "stages an hour, about"]
    header += [
        f"workers kept busy: {profile}, {duration(seconds)} a stage"
        for profile, seconds in stages.items()
    ]
    return table(header, rows, right=header)


def _seconds(parts: Parts) -> Mapping[str, Mapping[str, float]]:
    seconds: Mapping[str, Mapping[str, float]] = parts["simulate"]["seconds"]
    return seconds


def simulation_table(parts: Parts, profile: str) -> str:
    """Render how long the table and sweeps would take on more and more workers."""
    cases = [case for case in parts["simulate"]["cases"] if case["profile"] == profile]
    header = ["workers", *(case_name(case) for case in cases)]
    rows = [["stages", *(f"{case['stages']:,}" for case in cases)]]
    rows += [[str(n), *(_makespan(case, n) for case in cases)] for n in WORKERS]
    for what, bound in (("the longest path", "path"), ("DVC's lock", "lock")):
        rows.append([what, *(duration(case["bounds"][bound]) for case in cases)])
    source = parts["simulate"]["sources"].get(profile)
    told = f"Measured: {source}.\n\n" if source else ""
    return told + table(header, rows, right=header[1:])


def case_name(case: Results) -> str:
    """Say what was simulated."""
    if case["seeds"] == 1:
        return f"{case['profile']}, the table"
    return f"{case['profile']}, {case['seeds']} seeds"


def _makespan(case: Results, workers: int) -> str:
    """Say how long, how many times as fast as one worker, and how much of them that uses."""
    one, taken = case["makespans"]["1"], case["makespans"][str(workers)]
    times = one / taken
    return f"{duration(taken)} ({times:.1f}x, {times / workers:.0%})"


TABLES: Mapping[str, tuple[Sequence[str], Callable[[Parts], str]]] = {
    "jobs": (["jobs"], jobs_table),
    "growth": (["graph"], growth_table),
    "shares": (["graph"], shares_table),
    "ceiling": (["graph", "simulate"], ceiling_table),
    "laptop": (["simulate"], partial(simulation_table, profile="laptop")),
    "demo": (["simulate"], partial(simulation_table, profile="demo")),
}


def tables(parts: Parts) -> Iterator[tuple[str, str]]:
    """Yield every table by its name, or how to get one whose numbers are not here."""
    for name, (needed, render) in TABLES.items():
        missing = [part for part in needed if part not in parts]
        yield name, NOT_YET.format(missing[0]) if missing else render(parts)
