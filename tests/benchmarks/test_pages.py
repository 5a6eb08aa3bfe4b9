"""The pages follow from the committed numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import agreement, dead_heads, encodings, page, scaling, threads
from benchmarks.ours import ALL, PLAIN
from pipeline.core import paths
from pipeline.core.files import read_json
from pipeline.reporting.dead_heads import read_dead_heads
from tests.params import PARAMS, ROOT

NUMBERS = "benchmarks/results/cpu.json"


def stored(name: str) -> Any:
    return read_json(ROOT / name)


def scaling_page() -> str:
    parts = {name: stored(f"reports/scaling/{name}.json") for name in ("jobs", "stages", "graph")}
    return scaling.filled((ROOT / scaling.PAGE).read_text(encoding="utf-8"), parts)


RENDERED: dict[str, Callable[[], str]] = {
    "reports/benchmarks.md": lambda: page.page(stored(NUMBERS)),
    "reports/benchmarks.svg": lambda: page.figure(stored(NUMBERS)),
    "reports/agreement.md": lambda: agreement.page(stored("benchmarks/results/agreement-cpu.json")),
    "reports/determinism.md": lambda: threads.page(stored("benchmarks/results/threads-cpu.json")),
    "reports/dead-heads.md": lambda: dead_heads.page(ROOT / paths.DEAD_HEADS),
    "reports/dead-heads.svg": lambda: dead_heads.figure(read_dead_heads(ROOT / paths.DEAD_HEADS)),
    "docs/scaling.md": scaling_page,
}


@pytest.mark.parametrize("name", RENDERED)
def test_a_committed_page_matches_the_committed_numbers(name: str) -> None:
    lines = [(ROOT / name).read_text(encoding="utf-8").splitlines(), RENDERED[name]().splitlines()]
    assert lines[0] == lines[1]
    assert name != "docs/scaling.md" or len(scaling.MARKED.findall("\n".join(lines[0]))) == 3


def test_a_missed_aim_is_marked_and_so_is_a_range_that_includes_both_outcomes() -> None:
    results = stored(NUMBERS)
    for corpus, times in (("sst", 1.15), ("cfimdb", 1.1)):
        for turn in results["corpora"][corpus]["finetune"][ALL]:
            turn["seconds_per_epoch"] *= times
    results["dev_seconds"]["quora"] *= 2
    results["startup_seconds"]["validate"] = 4.2
    results["matmul_peak_gflops"]["bfloat16"] *= 1.2
    missed = {what: text for what, _, _, text in page.aims(results) if not text.startswith("yes")}
    assert missed == {
        "sst finetune against the textbook": "no",
        "cfimdb finetune against the textbook": "no, by the median; the range holds both",
        "sts finetune, share of matrix-product peak": "no",
        "quora dev evaluation, share of a finetune epoch": "no",
        "start-up of a stage, the slowest (validate)": "no",
    }


def test_the_page_has_no_aims_without_all_corpora_and_no_breakdown_without_a_profiler() -> None:
    results = stored(NUMBERS)
    del results["corpora"]["cfimdb"]
    results["breakdown"] = {corpus: {} for corpus in results["breakdown"]}
    results["machine"]["commit"] = None
    results["growth"]["quora"] = {"512": 3.0}
    text = page.page(results)
    assert "## Aims" not in text
    assert "Where our time goes" not in text
    assert "commit unknown" in text
    assert "| quora  |        3.0 s |               |               |              |" in text


@pytest.mark.parametrize(
    ("ours", "plain", "difference", "within_noise"),
    [
        ([0.40, 0.42, 0.44], [0.41, 0.43, 0.42], "+0.000 (-0.", "yes"),
        ([0.30, 0.31, 0.32], [0.41, 0.43, 0.42], "-0.110 (-0.", "no"),
        ([0.40, None], [0.41, 0.43], "undefined for a seed", "no"),
    ],
)
def test_scores_are_within_noise_if_seeds_differ_as_much(
    ours: list[float | None], plain: list[float | None], difference: str, within_noise: str
) -> None:
    row = agreement.row_of("sts", {ALL: ours, PLAIN: plain})
    assert row[:2] == ["sts", "pearson"]
    assert row[4].startswith(difference)
    assert row[-1] == within_noise


def test_the_table_on_threads_shows_equal_bytes_and_the_largest_difference() -> None:
    def way(weights: str, score: float | None) -> dict[str, Any]:
        return {"weights": weights, "scores": {"sts": score}}

    ways = {"1": way("a", 0.4), "2": way("b", 0.41), "4": way("b", 0.395), "again": way("b", 0.41)}
    (row,) = threads.rows_of("x", ways)
    assert row == ["x", "sts", "yes", "no", "0.4000", "0.4100", "0.3950", "0.0150"]
    ways = dict.fromkeys(["1", "2", "4"], way("a", None)) | {"again": way("b", None)}
    (row,) = threads.rows_of("x", ways)
    assert row == ["x", "sts", "no", "yes", *["undefined"] * 4]


def test_the_ratio_of_encodings_compares_neighboring_turns() -> None:
    slowing_down: encodings.Turns = {"joint": [1.2, 3.0, 5.5], "separate": [1.0, 4.0, 5.0]}
    text = encodings.page(PARAMS, {"sts": slowing_down}, steps=7)
    assert "| sts    |     3.00 |        4.00 |             1.10 |" in text
