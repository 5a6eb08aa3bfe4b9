"""Our contenders have the settings that their names say."""

from contextlib import chdir
from pathlib import Path

import numpy as np

from benchmarks.ours import ALL, ALONE, OFF, PIECES, PLAIN, part_of, setting_of, train
from pipeline.core import paths
from pipeline.core.files import read_json, sha256_of
from pipeline.plumbing.params import load_params
from tests.params import PARAMS
from tests.splits import random_split


def flat(name: str) -> dict[str, object]:
    speed = setting_of(name, PARAMS)
    return speed.forward.model_dump() | speed.training.model_dump()


def test_a_name_determines_which_settings_are_on() -> None:
    assert setting_of(ALL, PARAMS) == PARAMS.speed
    assert flat(PLAIN) == dict(OFF)
    for piece, own in PIECES.items():
        alone = flat(ALONE + piece)
        assert {key for key in OFF if alone[key] != OFF[key]} == set(own)
    assert {key for piece in PIECES.values() for key in piece} == set(OFF) == set(flat(ALL))


def test_a_part_of_a_split_contains_the_chosen_examples() -> None:
    split = random_split("sts", 6)
    part = part_of(split, np.array([4, 1]))
    assert part.example_ids.tolist() == ["id-4", "id-1"]
    assert part.labels.tolist() == [split.labels[4], split.labels[1]]
    for mine, theirs in zip(part.sentences(0), split.sentences(4), strict=True):
        assert mine.tolist() == theirs.tolist()


def test_training_gives_the_same_result_as_the_stage(served_dir: Path) -> None:
    with chdir(served_dir):
        trained = train(load_params(), "sst-pretrain")
        out = paths.run_dir("sst-pretrain")
        assert trained.weights == sha256_of(out / paths.WEIGHTS)
        assert trained.best_epoch == read_json(out / paths.RUN_SUMMARY)["best_epoch"]
        history = (out / paths.HISTORY).read_text()
    assert len(trained.epochs) == 2
    assert all(str(epoch["sst"]) in history for epoch in trained.epochs)
