"""The profile of a run: what dvc.lock says of these very weights, or nothing."""

from pathlib import Path

import pytest

from pipeline import paths
from pipeline.serving.provenance import profile_of

ROOT = Path(__file__).parents[2]


def test_the_profile_is_that_of_the_training(
    served_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(served_dir)
    assert profile_of("sst-finetune") == "demo"
    assert profile_of("sts-finetune") is None


def test_other_weights_than_the_locked_ones_have_none(
    served_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert profile_of("sst-finetune") is None
    paths.DVC_LOCK.write_bytes((served_dir / paths.DVC_LOCK).read_bytes())
    weights = paths.run_weights(paths.run_dir("sst-finetune"))
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"others")
    assert profile_of("sst-finetune") is None


@pytest.mark.parametrize("content", ["", "a: [", "stages: {train@sst-finetune: 3}"])
def test_a_lock_that_says_nothing_tells_no_profile(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths.DVC_LOCK.write_text(content)
    assert profile_of("sst-finetune") is None
