"""A disk that fills up in the middle of a training."""

from typing import Any

import pytest

from torture.starvation import starve

pytestmark = pytest.mark.slow


def test_a_starved_training_leaves_nothing_and_is_made_up_for(new_repository: Any) -> None:
    small = new_repository({"pretrain": 1, "finetune": 1})
    small.set(checkpoints__every_steps=2)
    tally = starve(small, "sst-pretrain", parts=(0.5,))
    assert tally.wrong == []
    assert tally.survived == tally.injected == 1
