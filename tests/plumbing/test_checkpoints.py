"""Checkpoints: a folder for each run and settings, for one process, until DVC has the result."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import md5_of
from pipeline.core.yaml12 import as_yaml
from pipeline.plumbing.checkpoints import (
    KEEP_SECONDS,
    checkpoints_root,
    fingerprint_of,
    mark_finished,
    own_checkpoint,
    remove_finished,
)

pytestmark = pytest.mark.usefixtures("here")

A, B, C = "a" * 16, "b" * 16, "c" * 16


def names() -> set[str]:
    return {path.name for path in checkpoints_root().iterdir() if path.is_dir()}


def begin(run: str, fingerprint: str) -> Path:
    with own_checkpoint(run, fingerprint) as folder:
        (folder / "training.safetensors").touch()
    return folder


def finished(run: str, fingerprint: str) -> Path:
    """Finish a run; return its out."""
    out = Path(fingerprint)
    out.write_text(fingerprint)
    mark_finished(begin(run, fingerprint), out)
    return out


def test_the_root_is_the_variable_the_repository_or_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkpoints_root() == Path(".checkpoints")
    monkeypatch.setenv("DVC_ROOT", "/repository")
    assert checkpoints_root() == Path("/repository/.checkpoints")
    monkeypatch.setenv("MINBERT_CHECKPOINTS", str(tmp_path / "scratch"))
    assert checkpoints_root() == tmp_path / "scratch"


def test_the_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint_of({"a": 1, "b": 2.0}) == fingerprint_of({"b": 2.0, "a": 1})
    assert fingerprint_of({"a": 1}) != fingerprint_of({"a": 2})


def test_a_run_whose_checkpoints_have_other_settings_says_that_it_starts_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    for run, fingerprint in (("sst", A), ("sst", A), ("sst-long", A), ("sts", A)):
        begin(run, fingerprint)
    assert "starts again" not in caplog.text
    begin("sst", B)
    assert (
        "sst  starts again: the checkpoints in .checkpoints come from different settings"
        in caplog.text
    )


def lock(md5: str) -> None:
    """Write a dvc.lock with one out."""
    out = {"path": "data/runs/sst/model.safetensors", "md5": md5}
    paths.DVC_LOCK.write_text(as_yaml({"stages": {"train@sst": {"outs": [out]}}}))


def test_a_checkpoint_is_removed_once_dvc_has_its_result() -> None:
    taken, _ = finished("sst", A), finished("sst", B)
    begin("sst", C)  # not finished
    remove_finished()
    lock("0000")
    remove_finished()
    assert names() == {f"sst-{A}", f"sst-{B}", f"sst-{C}"}
    lock(md5_of(taken))
    with own_checkpoint("sst", A) as folder:  # trained all the same, from the start
        assert {path.name for path in folder.iterdir()} == {"lock"}
    with own_checkpoint("sst", B) as folder:  # killed before DVC saved the outs
        assert (folder / "training.safetensors").exists()


def test_the_checkpoint_of_a_running_process_is_not_removed() -> None:
    lock(md5_of(finished("sst", B)))
    with own_checkpoint("sst", C) as folder:
        mark_finished(folder, Path(B))
        remove_finished()
        assert names() == {f"sst-{C}"}


def test_other_runs_checkpoints_are_removed_after_a_week() -> None:
    for run, fingerprint in (("sst", A), ("sst", B), ("sst", C), ("sts", A)):
        begin(run, fingerprint)
    old = time.time() - KEEP_SECONDS - 60
    for name in (f"sst-{A}", f"sst-{C}", f"sts-{A}"):
        os.utime(checkpoints_root() / name, (old, old))
    with own_checkpoint("sst", C):
        assert names() == {f"sst-{B}", f"sst-{C}"}


@pytest.mark.parametrize(
    ("fingerprint", "elsewhere", "waits"),
    [(A, False, True), (B, False, True), (A, True, True), (B, True, False)],
)
def test_only_one_process_at_a_time_trains_a_run(
    fingerprint: str,
    elsewhere: bool,
    waits: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("MINBERT_CHECKPOINTS", str(tmp_path / "store"))
    caplog.set_level("INFO")
    program = f"""
import sys
from pipeline.plumbing.checkpoints import own_checkpoint
with own_checkpoint("sst", {fingerprint!r}):
    print("mine", flush=True)
    sys.stdin.readline()
"""
    (tmp_path / "other").mkdir()
    first = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path / ("other" if elsewhere else "."),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
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
    first.kill()  # killed, so its lock is free
    first.communicate()
    waiting.join()
    assert order == (["first is done", "second"] if waits else ["second", "first is done"])
    message = "sst is being trained by another process; waiting for it"
    assert (message in caplog.text) == waits
