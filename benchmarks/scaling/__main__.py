"""How everything grows: with stages at once, with workers, with the number of runs.

Each part writes reports/scaling/<part>.json, then from all that is there the figures beside it and
the tables of docs/scaling.md.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scaling import graph, jobs
from benchmarks.scaling.cases import simulated
from benchmarks.scaling.page import write_page
from benchmarks.scaling.results import part_json, read_parts
from benchmarks.scaling.stage_seconds import measured_seconds, reckoned_seconds, seconds_of
from pipeline.errors import PipelineError
from pipeline.files import read_json, write_json
from pipeline.launch.environment import use_own_index
from pipeline.launch.plan import plan_stages
from pipeline.params import load_params

log = logging.getLogger("benchmarks")

REAL_CORPORA = Path("benchmarks/results/cpu.json")  # of `make bench`


def main(argv: Sequence[str]) -> None:
    """Measure or simulate a part, and write what follows from all of them."""
    asked = _parser().parse_args(argv)
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    use_own_index()
    if asked.part == "graph":
        _write("graph", graph.measure(asked.runs, asked.patience))
    elif asked.part == "jobs":
        processors = len(os.sched_getaffinity(0))
        _write("jobs", jobs.measure(jobs.ways_of(asked.jobs, processors)))
    elif asked.part == "simulate":
        _write("simulate", _simulated())
    write_page(read_parts())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    graphs = parts.add_parser(
        "graph", help="what DVC takes as runs become more; a quarter of an hour"
    )
    graphs.add_argument("--runs", type=_counts, default=graph.RUNS, metavar="N,N,...")
    graphs.add_argument("--patience", type=float, default=graph.PATIENCE, metavar="SECONDS")
    parts.add_parser("simulate", help="the table and sweeps on 1 to 64 workers")
    several = parts.add_parser("jobs", help="everything from nothing, with stages at once")
    several.add_argument("--jobs", type=_counts, default=(1, 2, 4), metavar="N,N,...")
    parts.add_parser("page", help="only write figures and tables anew")
    return parser


def _counts(text: str) -> tuple[int, ...]:
    counts = text.split(",")
    if not all(count.isdecimal() and int(count) > 0 for count in counts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 1,2,4")
    return tuple(dict.fromkeys(map(int, counts)))


def _simulated() -> dict[str, Any]:
    """Simulate on what was measured.

    Raises:
        PipelineError: that was nothing.
    """
    parts = read_parts()
    if "graph" not in parts:
        raise PipelineError(f"{part_json('graph')} is not here; measure the part `graph` first")
    params = load_params()
    demo, source = measured_seconds("demo", parts.get("jobs"))
    seconds = {
        "demo": demo,
        "laptop": reckoned_seconds(read_json(REAL_CORPORA), params),
    }
    one_thread = seconds_of(parts["jobs"], jobs.ONE_THREAD) if "jobs" in parts else {}
    found = simulated(plan_stages(), seconds, one_thread, parts["graph"])
    return found | {"sources": {"demo": source}}


def _write(part: str, results: dict[str, Any]) -> None:
    from benchmarks.machine import machine  # torch, whose memory what is measured would inherit

    write_json(part_json(part), results | {"machine": machine(load_params(), ())})
    log.info("wrote %s", part_json(part))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"python -m benchmarks.scaling: {error}")
