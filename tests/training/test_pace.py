"""Pace: what it says of a training whose clock is set by hand."""

import logging
from collections.abc import Iterator

import pytest

from pipeline.training import pace as module
from pipeline.training.history import EpochRow
from pipeline.training.pace import Pace


class Clock:
    """Stands in for the time module."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def row(epoch: int, corpus: str = "sst", dev: float | None = 0.5) -> EpochRow:
    return EpochRow(epoch, corpus, 10, 80, 0.25, 1.0, "accuracy", dev, "")  # type: ignore[arg-type]


def test_an_epoch_is_one_line_with_rate_and_rest(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pipeline")
    pace = Pace("sst-finetune", epochs=4, steps_per_epoch=10, done=0)
    for _ in range(10):
        clock.now += 2.0
        pace.step(8)
    clock.now += 5.0  # to score the dev set
    pace.epoch([row(1)])
    assert caplog.messages == [
        "sst-finetune  epoch 1/4  sst loss 0.250 dev 0.500  0.4 steps/s  1 min 15 s left"
    ]
    assert vars(caplog.records[0])["left_seconds"] == 75.0


def test_live_records_come_a_few_times_a_second_at_most(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pipeline")
    pace = Pace("sst-finetune", epochs=2, steps_per_epoch=100, done=0)
    for _ in range(100):
        clock.now += 1 / 128
        pace.step(8)
    assert len(caplog.records) == 3  # in 100 / 128 seconds
    assert all(record.levelno == logging.DEBUG for record in caplog.records)
    assert caplog.messages[0] == "sst-finetune  epoch 1/2  step 32/100  128.0 steps/s  1 s left"


def test_a_live_record_has_what_the_dev_sets_said_last(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    pace = Pace("both", epochs=3, steps_per_epoch=10, done=10)
    pace.epoch([row(1, "sst", 0.5), row(1, "sts", None)])
    caplog.clear()
    caplog.set_level(logging.DEBUG, "pipeline")
    clock.now += 1.0
    pace.step(8)
    assert caplog.messages == [
        "both  epoch 2/3  step 1/10  sst dev 0.500 sts dev undefined  1.0 steps/s  19 s left"
    ]


@pytest.mark.parametrize(("done", "steps", "seconds"), [(10, 0, 5.0), (0, 1, 0.0)])
def test_without_a_step_and_without_time_no_rate_is_made_up(
    done: int, steps: int, seconds: float, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pipeline")
    pace = Pace("sst-finetune", epochs=2, steps_per_epoch=10, done=done)
    for _ in range(steps):
        pace.step(8)
    clock.now += seconds
    pace.epoch([row(1)])
    pace.finish({})
    assert caplog.messages == [
        "sst-finetune  epoch 1/2  sst loss 0.250 dev 0.500",
        f"sst-finetune  {steps} steps in {seconds:.0f} s",
    ]
    assert vars(caplog.records[1])["facts"]["examples_per_second"] is None


@pytest.mark.parametrize(
    ("done", "steps", "rate", "resumed"), [(0, 20, 16.0, False), (12, 8, 6.4, True)]
)
def test_the_end_carries_facts_for_the_record(
    done: int,
    steps: int,
    rate: float,
    resumed: bool,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "pipeline")
    pace = Pace("sst-finetune", epochs=2, steps_per_epoch=10, done=done)
    for _ in range(steps):
        pace.step(8)
    clock.now += 10.0
    pace.finish({"device": "cpu"})
    assert vars(caplog.records[0])["facts"] == {
        "steps": steps,
        "all_steps": 20,
        "examples_per_second": rate,
        "resumed": resumed,
        "device": "cpu",
    }
    assert f"{steps} steps in 10 s" in caplog.text
