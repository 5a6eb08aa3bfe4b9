"""Pace: its log lines for a run with a fake clock."""

import logging

import pytest

from pipeline.core.tasks import CorpusName
from pipeline.training import pace as module
from pipeline.training.history import EpochRow
from pipeline.training.pace import Pace


class Clock:
    """Replaces the time module."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Clock:
    caplog.set_level(logging.DEBUG, module.log.name)  # a stage in this process may have set it
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def row(corpus: CorpusName = "sst", dev: float | None = 0.5) -> EpochRow:
    return EpochRow(1, corpus, 10, 80, 0.25, 1.0, "accuracy", dev, "")


def test_live_records_come_at_most_a_few_times_a_second(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    pace = Pace("sst-finetune", epochs=9, steps_per_epoch=100, done=100)
    for _ in range(100):
        clock.now += 1 / 128
        pace.step(8)
    assert len(caplog.records) == 3  # in 100 / 128 seconds
    assert all(record.levelno == logging.DEBUG for record in caplog.records)
    assert caplog.messages[0] == "sst-finetune  epoch 2/9  step 32/100  128.0 steps/s  6 s left"


def test_an_epoch_logs_one_line_and_live_records_repeat_its_dev_scores(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    pace = Pace("both", epochs=4, steps_per_epoch=10, done=0)
    for _ in range(10):
        clock.now += 0.25
        pace.step(8)
    clock.now += 2.5  # for scoring the dev sets
    pace.epoch([row(), row("sts", None)])
    pace.step(8)
    assert caplog.messages[-2:] == [
        "both  epoch 1/4  sst loss 0.250 dev 0.500  sts loss 0.250 dev undefined"
        "  2.0 steps/s  15 s left",
        "both  epoch 2/4  step 1/10  sst dev 0.500 sts dev undefined  2.2 steps/s  13 s left",
    ]
    assert caplog.records[-2].levelno == logging.INFO
    assert vars(caplog.records[-2])["left_seconds"] == 15.0


@pytest.mark.parametrize(
    ("done", "steps", "seconds", "rate"),
    [
        (0, 20, 10.0, 16.0),
        (12, 8, 130.0, 0.5),
        (10, 0, 5.0, None),  # there is no rate without a step or without time
        (0, 1, 0.0, None),
    ],
)
def test_the_work_of_this_process_is_returned_for_the_record(
    done: int,
    steps: int,
    seconds: float,
    rate: float | None,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pace = Pace("sst-finetune", epochs=2, steps_per_epoch=10, done=done)
    for _ in range(steps):
        pace.step(8)
    clock.now += seconds
    if rate is None:
        pace.epoch([row()])
        assert caplog.messages == ["sst-finetune  epoch 1/2  sst loss 0.250 dev 0.500"]
    assert pace.finish() == {
        "steps": steps,
        "all_steps": 20,
        "examples_per_second": rate,
        "resumed": done > 0,
    }
    minutes = "2 min 10 s" if seconds == 130 else f"{seconds:.0f} s"
    assert f"sst-finetune  {steps} steps in {minutes}" in caplog.text
