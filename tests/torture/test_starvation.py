"""A disk that fills up in the middle of a training."""

from pathlib import Path

import pytest

from torture.repository import small_repository
from torture.starvation import PARTS, starve

pytestmark = pytest.mark.slow


def test_a_starved_training_leaves_nothing_and_is_made_up_for(
    tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    small = small_repository(tmp_path, tiny_backbone_dir)
    small.set(checkpoints__every_steps=2)
    small.repro("inputs")
    tally = starve(small, "sst-pretrain")
    assert tally.wrong == []
    assert tally.survived == tally.injected == len(PARTS)
