"""The pages say what follows from the numbers of one run, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import agreement, dead_heads, encodings, page, scaling, threads
from benchmarks.measure import TEXTBOOK
from benchmarks.ours import ALL, PLAIN
from benchmarks.page import FROZEN, WHOLE, aims, multitask_share, peak_fraction, ratio, wholes
from pipeline.core import paths
from pipeline.core.files import read_json
from pipeline.core.tasks import CORPORA
from pipeline.plumbing.params import load_params
from pipeline.reporting.dead_heads import read_dead_heads

ROOT = Path(__file__).parents[2]
BOTH = ", by the median; the range holds both"


def stored(name: str) -> Any:
    return read_json(ROOT / name)


def scaling_page() -> str:
    parts = {name: stored(f"reports/scaling/{name}.json") for name in ("jobs", "stages", "graph")}
    return scaling.filled((ROOT / scaling.PAGE).read_text(encoding="utf-8"), parts)


RENDERED: dict[str, Callable[[], str]] = {
    "reports/benchmarks.md": lambda: page.page(stored("benchmarks/results/cpu.json")),
    "reports/benchmarks.svg": lambda: page.figure(stored("benchmarks/results/cpu.json")),
    "reports/agreement.md": lambda: agreement.page(stored("benchmarks/results/agreement-cpu.json")),
    "reports/determinism.md": lambda: threads.page(stored("benchmarks/results/threads-cpu.json")),
    "reports/dead-heads.md": lambda: dead_heads.page(ROOT / paths.DEAD_HEADS),
    "reports/dead-heads.svg": lambda: dead_heads.figure(read_dead_heads(ROOT / paths.DEAD_HEADS)),
    "docs/scaling.md": scaling_page,
}


@pytest.mark.parametrize("name", RENDERED)
def test_a_committed_page_is_that_of_the_committed_numbers(name: str) -> None:
    lines = [(ROOT / name).read_text(encoding="utf-8").splitlines(), RENDERED[name]().splitlines()]
    assert lines[0] == lines[1]
    assert name != "docs/scaling.md" or len(scaling.MARKED.findall("\n".join(lines[0]))) == 3


def set_ours(results: dict[str, Any], *seconds: float) -> None:
    """Set our seconds per finetune epoch of SST."""
    taken = results["corpora"]["sst"]["finetune"][ALL]
    for turn, each in zip(taken, seconds, strict=True):
        turn["seconds_per_epoch"] = each


def test_a_ratio_is_taken_inside_a_round(results: dict[str, Any]) -> None:
    set_ours(results, 10.0, 20.0, 5.0)
    got = ratio(results, "sst", "finetune", TEXTBOOK, ALL)
    assert got == (6.0, 4.0, 10.0)
    assert str(got) == "6.00 (4.00 to 10.00)"


def test_wholes_count_features_once_and_epochs_ten_times(results: dict[str, Any]) -> None:
    # SST has 10 batches, so a round has 1 of SST, 3 of Quora's 35 and 2 of STS's 20
    assert [multitask_share(results, c) for c in ("sst", "quora", "sts")] == [1.0, 30 / 35, 1.0]
    shares = 4 + 1.0 + 30 / 35 + 1.0  # four single runs, three parts of the multi-task one
    theirs, ours = wholes(results, TEXTBOOK), wholes(results, ALL)
    assert theirs[FROZEN] == pytest.approx([10 * 20.0 * shares] * 3)
    assert ours[FROZEN] == pytest.approx([4 * 4.0 + 10 * 0.1 * shares] * 3)
    assert ours[WHOLE] == pytest.approx([4 * 4.0 + 10 * (0.1 + 10.0) * shares] * 3)
    assert theirs[WHOLE][0] == pytest.approx(10 * (20.0 + 60.0) * shares)


def test_the_share_of_the_peak_counts_real_tokens_and_attention(results: dict[str, Any]) -> None:
    layer = 4 * 10**2 + 2 * 10 * 40
    whole = 6 * 2 * layer * 1000 + 12 * 10 * 2 * 20_000
    assert peak_fraction(results, "quora") == pytest.approx(whole / 0.03e9)
    # of the last layer keys and values alone, where the head reads [CLS]
    pooled = 6 * (layer + 2 * 10**2) * 1000 + 12 * 10 * 1 * 20_000
    assert peak_fraction(results, "sst") == pytest.approx(pooled / 0.03e9)


@pytest.mark.parametrize(
    ("seconds", "is_reached"),
    [
        ((10.0, 10.0, 10.0), "yes"),  # 6, 8 and 5 times as fast
        ((12.01, 16.01, 10.01), "no"),  # just missed
        ((10.0, 10.0, 12.0), "yes" + BOTH),  # 6, 8 and 4.2 times as fast
    ],
)
def test_an_aim_is_reached_by_its_number(
    seconds: tuple[float, ...], is_reached: str, results: dict[str, Any]
) -> None:
    set_ours(results, *seconds)
    results["dev_seconds"]["quora"] = 1.1  # an epoch takes 10 seconds
    reached = {what: (aim, is_reached) for what, aim, _, is_reached in aims(results)}
    assert reached.pop("sst finetune against the textbook") == ("≥ 5x", is_reached)
    assert reached.pop("cfimdb finetune against the textbook") == ("≥ 7x", "no" + BOTH)
    assert {what for what, (_, is_reached) in reached.items() if is_reached == "no"} == {
        *(f"{c} finetune, share of matrix-product peak" for c in ("sst", "cfimdb", "sts")),
        "quora dev evaluation, share of a finetune epoch",
        "start-up of a stage, the slowest (validate)",
    }
    assert reached["quora finetune, share of matrix-product peak"] == ("≥ 40 %", "yes")
    assert len(reached) == 4 * len(CORPORA) + 1


def test_of_some_corpora_the_page_claims_no_aim_and_without_a_profiler_no_breakdown(
    results: dict[str, Any],
) -> None:
    del results["corpora"]["cfimdb"]
    results["breakdown"] = {corpus: {} for corpus in results["breakdown"]}
    text = page.page(results)
    assert "## Aims" not in text
    assert "Where our time goes" not in text
    assert "6.00 (5.00 to 8.00)" in text
    assert "commit unknown" in text
    assert "4.50x for 4x" in text
    assert "| quora  |        3.0 s |               |               |              |" in text


@pytest.mark.parametrize(
    ("ours", "plain", "difference", "within_noise"),
    [
        ([0.40, 0.42, 0.44], [0.41, 0.43, 0.42], "+0.000 (-0.", "yes"),
        ([0.30, 0.31, 0.32], [0.41, 0.43, 0.42], "-0.110 (-0.", "no"),
        ([0.40, None], [0.41, 0.43], "undefined for a seed", "no"),
    ],
)
def test_only_scores_further_apart_than_seeds_are_are_not_within_noise(
    ours: list[float | None], plain: list[float | None], difference: str, within_noise: str
) -> None:
    row = agreement.row_of("sts", {ALL: ours, PLAIN: plain})
    assert row[:2] == ["sts", "pearson"]
    assert row[4].startswith(difference)
    assert row[-1] == within_noise


def test_same_bytes_and_distances_between_numbers_of_threads_are_told() -> None:
    def way(weights: str, score: float | None) -> dict[str, Any]:
        return {"weights": weights, "scores": {"sts": score}}

    ways = {"1": way("a", 0.4), "2": way("b", 0.41), "4": way("b", 0.395), "again": way("b", 0.41)}
    (row,) = threads.rows_of("x", ways)
    assert row == ["x", "sts", "yes", "no", "0.4000", "0.4100", "0.3950", "0.0150"]
    ways = dict.fromkeys(["1", "2", "4"], way("a", None)) | {"again": way("b", None)}
    (row,) = threads.rows_of("x", ways)
    assert row == ["x", "sts", "no", "yes", *["undefined"] * 4]


def test_the_ratio_of_encodings_compares_turns_that_stand_side_by_side() -> None:
    slowing_down: encodings.Turns = {"joint": [1.2, 3.0, 5.5], "separate": [1.0, 4.0, 5.0]}
    text = encodings.page(load_params(ROOT / "params.yaml"), {"sts": slowing_down}, steps=7)
    assert "| sts    |     3.00 |        4.00 |             1.10 |" in text
