"""How a turn is timed and reckoned."""

from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import measure
from benchmarks.measure import FEATURES, TEXTBOOK, alternate, epoch_of, take_turn, work_of
from benchmarks.ours import ALL, ALONE, Frozen, packs
from pipeline.core.tasks import CorpusName
from pipeline.encoder.batches import Indices
from pipeline.encoder.kernels import PLAIN, Kernels
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import TokenizedSplit

ROOT = Path(__file__).parents[2]
MakeSplit = Callable[[CorpusName, int], TokenizedSplit]


@dataclass
class TimesItself:
    """A contender that takes a second for ten padded or real tokens."""

    split: TokenizedSplit
    packs: bool = False
    seen: list[Indices] = field(default_factory=list)

    def turn(self, batches: list[Indices]) -> list[float]:
        """Return how long the batches would take."""
        self.seen += batches
        return list(work_of(self, self.split, batches) / 10)


@pytest.mark.parametrize("packed", [False, True])
def test_a_turn_gives_the_whole_epoch_of_the_same_examples(
    packed: bool, make_split: MakeSplit
) -> None:
    split = make_split("sts", 22)
    contender = TimesItself(split, packed)
    batches = epoch_of(TEXTBOOK, contender, split, load_params(ROOT / "params.yaml"))
    work = work_of(contender, split, batches)
    turn = take_turn(contender, split, batches[:1], work)
    assert turn.seconds_per_epoch == pytest.approx(work.sum() / 10)
    assert turn.steps_per_epoch == 2
    tokens = split.offsets[-1]
    assert not packed or turn.tokens_per_second == pytest.approx(10)
    assert packed == (work.sum() == tokens)


def test_every_contender_sees_every_example_once_in_an_epoch(make_split: MakeSplit) -> None:
    split = make_split("sst", 200)
    for name in (TEXTBOOK, FEATURES):
        seen = np.concatenate(epoch_of(name, object(), split, load_params(ROOT / "params.yaml")))
        assert sorted(seen.tolist()) == list(range(200))


def test_a_head_on_stored_vectors_works_alike_on_every_batch(make_split: MakeSplit) -> None:
    frozen = Frozen.__new__(Frozen)
    split = make_split("sst", 10)
    assert work_of(frozen, split, [np.arange(9), np.arange(1)]).tolist() == [1.0, 1.0]


def test_padding_costs_nothing_where_fused_layers_leave_it_out() -> None:
    fields = PLAIN.__dict__
    assert not packs(PLAIN)
    assert not packs(Kernels(**(fields | {"pack_tokens": True})))
    assert packs(Kernels(**(fields | {"pack_tokens": True, "layers": "fused"})))


def test_contenders_take_turns_at_other_places_each(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[tuple[str, float, int]] = []
    monkeypatch.setattr(
        measure, "apart", lambda _, name, how: order.append((name, how.shift, how.steps))
    )
    piece = ALONE + "bf16"
    alternate(["a", piece], "finetune", "sst", rounds=2, steps=3)
    assert order == [("a", 0.25, 3), (piece, 0.25, 1), ("a", 0.75, 3), (piece, 0.75, 1)]


@pytest.mark.parametrize(
    ("mode", "names"), [("finetune", [TEXTBOOK, ALL]), ("frozen", [FEATURES, ALL])]
)
def test_real_contenders_take_their_turns(mode: str, names: list[str], served_dir: Path) -> None:
    with chdir(served_dir):
        found = alternate(names, mode, "sst", rounds=1, steps=1, examples=20)
    assert list(found) == names
    assert all(turn.seconds_per_epoch > 0 for (turn,) in found.values())


def test_the_peak_is_a_rate() -> None:
    assert measure.matmul_peak("float32", 64, 16, torch.device("cpu")) > 0
