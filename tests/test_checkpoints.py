"""Checkpoints: one folder for each run and settings, one trainer at a time, gone when scored."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline import checkpoints, paths
from pipeline.checkpoints import (
    KEEP_SECONDS,
    checkpoints_root,
    fingerprint_of,
    forget_finished,
    mark_finished,
    others_of,
    own_checkpoint,
)

A, B = "a" * 16, "b" * 16


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "MINBERT_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)


def names() -> set[str]:
    return {path.name for path in checkpoints_root().iterdir() if path.is_dir()}


def test_root_is_the_variable_then_the_repository_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkpoints_root() == Path(".checkpoints")
    monkeypatch.setenv("DVC_ROOT", "/repository")
    assert checkpoints_root() == Path("/repository/.checkpoints")
    monkeypatch.setenv("MINBERT_CHECKPOINTS", str(tmp_path / "scratch"))
    assert checkpoints_root() == tmp_path / "scratch"


def test_fingerprint_tells_settings_apart_and_not_their_order() -> None:
    assert fingerprint_of({"a": 1, "b": 2.0}) == fingerprint_of({"b": 2.0, "a": 1})
    assert fingerprint_of({"a": 1}) != fingerprint_of({"a": 2})
    assert len(fingerprint_of({})) == 16


def test_other_settings_of_a_run_are_told_apart_from_other_runs() -> None:
    for run, fingerprint in (("sst", A), ("sst", B), ("sst-long", A), ("sts", A)):
        with own_checkpoint(run, fingerprint):
            pass
    assert others_of("sst", checkpoints_root() / f"sst-{A}") == [checkpoints_root() / f"sst-{B}"]


def test_checkpoint_goes_with_the_weights_that_came_of_it_and_no_others(tmp_path: Path) -> None:
    weights = {name: tmp_path / name for name in (A, B)}
    for name, path in weights.items():
        path.write_text(name)
        with own_checkpoint("sst", name) as folder:
            mark_finished(folder, path)
    with own_checkpoint("sst", "c" * 16):
        pass  # not finished
    forget_finished("sst", weights[A])
    assert names() == {f"sst-{B}", f"sst-{'c' * 16}"}


def test_checkpoint_of_a_living_trainer_is_not_removed(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_text("w")
    with own_checkpoint("sst", A) as folder:
        mark_finished(folder, weights)
        forget_finished("sst", weights)
        assert names() == {f"sst-{A}"}


def test_a_finished_run_that_dvc_has_taken_in_is_trained_anew(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_text("abc")
    with own_checkpoint("sst", A) as folder:
        (folder / "training.safetensors").touch()
        mark_finished(folder, weights)
    Path("dvc.lock").write_text("md5: 0000")
    with own_checkpoint("sst", A) as folder:
        assert (folder / "training.safetensors").exists()  # killed before DVC came to it
    Path("dvc.lock").write_text("md5: 900150983cd24fb0d6963f7d28e17f72")
    with own_checkpoint("sst", A) as folder:
        assert {path.name for path in folder.iterdir()} == {"lock"}


def test_nothing_is_there_to_forget(tmp_path: Path) -> None:
    forget_finished("sst", tmp_path / "weights")


def test_checkpoints_of_any_run_go_after_a_week() -> None:
    for run, fingerprint in (("sst", A), ("sst", B), ("sts", A)):
        with own_checkpoint(run, fingerprint):
            pass
    old = time.time() - KEEP_SECONDS - 60
    for name in (f"sst-{A}", f"sts-{A}"):
        os.utime(checkpoints_root() / name, (old, old))
    with own_checkpoint("sst", "c" * 16):
        assert names() == {f"sst-{B}", f"sst-{'c' * 16}"}


@pytest.mark.parametrize(("fingerprint", "elsewhere"), [(A, False), (B, False), (A, True)], ids=str)
def test_two_trainers_of_one_run_take_turns(
    fingerprint: str,
    elsewhere: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of one repository whatever their settings; of two with one store if they do the same."""
    monkeypatch.setenv("MINBERT_CHECKPOINTS", str(tmp_path / "store"))
    caplog.set_level("INFO")
    program = f"""
import sys
from pipeline.checkpoints import own_checkpoint
with own_checkpoint("sst", {fingerprint!r}):
    print("mine", flush=True)
    sys.stdin.readline()
"""
    folder = tmp_path / "other" if elsewhere else tmp_path
    folder.mkdir(exist_ok=True)
    root = Path(checkpoints.__file__).parents[1]
    first = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "mine\n"
    order: list[str] = []

    def second() -> None:
        with own_checkpoint("sst", A):
            order.append("second")

    waiting = threading.Thread(target=second)
    waiting.start()
    while "waiting for it" not in caplog.text and waiting.is_alive():
        time.sleep(0.01)
    order.append("first is done")
    first.kill()  # as dead as can be: its lock is free
    first.communicate()
    waiting.join()
    assert order == ["first is done", "second"]
    assert "sst is being trained by another process; waiting for it" in caplog.text


def test_different_settings_in_two_repositories_do_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINBERT_CHECKPOINTS", str(tmp_path / "store"))
    with own_checkpoint("sst", A):
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        with own_checkpoint("sst", B):
            assert names() == {f"sst-{A}", f"sst-{B}"}
    assert Path(".checkpoints") == paths.CHECKPOINTS
