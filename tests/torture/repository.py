"""A small copy of this repository, to be run and mistreated: every stage for real, in a minute."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.core.yaml12 import as_yaml, read_yaml
from pipeline.launch.lists import written
from pipeline.plumbing.params import load_params
from tests.torture.forked import forked, make_all
from tests.working_copy import WorkingCopy

ROOT = Path(__file__).parents[2]
HOLD = Path(__file__).parent / "hold"
FOLDERS = ("pipeline", "stages", ".dvc/plots")
FILES = (
    ".dvc/config",
    ".dvcignore",
    ".gitignore",
    "dvc.yaml",
    "params.yaml",
    "trials.yaml",
    "requirements-compute.lock",
    "requirements.lock",
)
COPIED = (*FOLDERS, *FILES, str(paths.DEAD_HEADS))
TRAIN_SIZES = {"sst": 64, "cfimdb": 16, "quora": 48, "sts": 32}
EPOCHS = {"pretrain": 1, "finetune": 1}


class Repository(WorkingCopy):
    """A small copy of this repository, and what DVC says in it."""

    @contextmanager
    def holding(self, run: str) -> Iterator[Callable[[], bool]]:
        """Let the next training of a run that starts in the block stop in its middle.

        It goes on when it gets a signal. Lends a function that says whether it has come there.
        """
        held = self.folder / ".held" / run
        held.parent.mkdir(exist_ok=True)
        held.unlink(missing_ok=True)
        path = os.pathsep.join(filter(None, [str(HOLD), os.environ.get("PYTHONPATH")]))
        before = self.environment
        self.environment = before | {"PYTHONPATH": path, "MINBERT_HELD": str(held)}
        try:
            yield held.exists
        finally:
            self.environment = before

    def repro(self, *arguments: str) -> tuple[set[str], str]:
        """Reproduce; return the stages that ran, and everything said."""
        said = self.done("dvc", "--wait-for-lock", "repro", *arguments)
        return set(re.findall(r"Running stage '([^']+)'", said)), said

    def params(self) -> dict[str, Any]:
        """Return params.yaml."""
        return dict(read_yaml(self.folder / "params.yaml"))

    def set(self, **values: object) -> None:
        """Change values of params.yaml by their dotted keys, `__` for a dot, `_dash_` for "-"."""
        params = self.params()
        for dotted, value in values.items():
            *parents, last = dotted.replace("_dash_", "-").split("__")
            section = params
            for key in parents:
                section = section[key]
            section[last] = value
        (self.folder / "params.yaml").write_text(as_yaml(params), encoding="utf-8")

    def keep(self, *runs: str) -> None:
        """Leave these runs and their rows of Table 3 in params.yaml and in dvc.yaml's lists."""
        params = self.params()
        self.set(
            runs={name: params["runs"][name] for name in runs},
            configurations={
                name: row for name, row in params["configurations"].items() if row["run"] in runs
            },
        )
        graph = self.folder / "dvc.yaml"
        kept = load_params(self.folder / "params.yaml").runs
        graph.write_text(written(graph.read_text(), kept, trials=[]))

    def make(self) -> None:
        """Do what `dvc repro` would in one process, which loads its libraries once; DVC takes it.

        For tests that ask for something else than a first `dvc repro`.
        """
        assert forked(make_all, self.folder) == 0
        self.done("dvc", "commit", "--force")

    def forget(self) -> None:
        """Make it as if nothing had ever been reproduced."""
        self.done("git", "clean", "-dffxq")

    def forget_run(self, run: str) -> None:
        """Make it as if a run had never been trained, and nothing else."""
        self.forget_stages(f"train@{run}", f"evaluate@{run}")
        shutil.rmtree(self.folder / "data/runs" / run)
        shutil.rmtree(self.folder / ".checkpoints", ignore_errors=True)
        shutil.rmtree(self.folder / ".dvc/cache/runs", ignore_errors=True)

    def forget_stages(self, *names: str) -> None:
        """Take stages out of dvc.lock; DVC's cache keeps what they made."""
        lock = self.folder / "dvc.lock"
        locked = read_yaml(lock)
        for name in names:
            locked["stages"].pop(name, None)
        lock.write_text(as_yaml(locked), encoding="utf-8")

    def hashes(self, *names: str) -> dict[str, str]:
        """Return the sha256 of some files and of every file in some folders, by its path."""
        found = [
            p for name in names for p in (self.folder / name, *self.folder.glob(f"{name}/**/*"))
        ]
        return {str(p.relative_to(self.folder)): sha256_of(p) for p in found if p.is_file()}

    def outcome(self) -> tuple[object, dict[str, str]]:
        """Return what must come out the same: what dvc.lock says in any order, and every file."""
        return read_yaml(self.folder / "dvc.lock"), self.hashes("data", "reports")


def small_repository(
    folder: Path, backbone: Path, epochs: Mapping[str, int] = EPOCHS
) -> Repository:
    """Copy the repository with small generated corpora and the backbone in another folder."""
    for name in COPIED:
        source, copy = ROOT / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    small = Repository(folder)
    sizes = {name: {"train": count, "dev": 24, "test": 8} for name, count in TRAIN_SIZES.items()}
    profile = {
        "corpora": {"source": "synthetic", "sizes": sizes},
        "backbone": f"local:{backbone}",
        "epochs": dict(epochs),
        "learning_rate_scale": {"pretrain": 1.0, "finetune": 1.0},
    }
    small.set(profiles__demo=profile, evaluation__bootstrap_resamples=100)
    for command in (("init", "-q"), ("add", "--all")):
        small.done("git", *command)
    return small
