"""A small copy of this repository for stress tests, in which every stage runs within a minute."""

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
        """Make the next training of a run that starts inside the block wait midway.

        It continues when it gets a signal. Yields a function that returns whether it waits.
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
        """Change values of params.yaml; in keys, `__` means a dot and `_dash_` means "-"."""
        params = self.params()
        for dotted, value in values.items():
            *parents, last = dotted.replace("_dash_", "-").split("__")
            section = params
            for key in parents:
                section = section[key]
            section[last] = value
        (self.folder / "params.yaml").write_text(as_yaml(params), encoding="utf-8")

    def keep(self, *runs: str) -> None:
        """Keep only these runs and their rows of Table 3 in params.yaml and dvc.yaml's lists."""
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
        """Do the work of `dvc repro` in one process, which loads libraries once; DVC commits it.

        For tests that are not about a first `dvc repro`.
        """
        assert forked(make_all, self.folder) == 0
        self.done("dvc", "commit", "--force")

    def forget(self) -> None:
        """Make it as if nothing had ever been reproduced."""
        self.done("git", "clean", "-dffxq")

    def forget_run(self, run: str) -> None:
        """Remove every trace of a run's training."""
        self.forget_stages(f"train@{run}", f"evaluate@{run}")
        shutil.rmtree(self.folder / "data/runs" / run)
        shutil.rmtree(self.folder / ".checkpoints", ignore_errors=True)
        shutil.rmtree(self.folder / ".dvc/cache/runs", ignore_errors=True)

    def forget_stages(self, *names: str) -> None:
        """Remove stages from dvc.lock; DVC's cache keeps their outs."""
        lock = self.folder / "dvc.lock"
        locked = read_yaml(lock)
        for name in names:
            locked["stages"].pop(name, None)
        lock.write_text(as_yaml(locked), encoding="utf-8")

    def hashes(self, *names: str) -> dict[str, str]:
        """Return the sha256 of some files and of all files in some folders, by path."""
        found = [
            p for name in names for p in (self.folder / name, *self.folder.glob(f"{name}/**/*"))
        ]
        return {str(p.relative_to(self.folder)): sha256_of(p) for p in found if p.is_file()}

    def outcome(self) -> tuple[object, dict[str, str]]:
        """Return what must be identical: the content of dvc.lock in any order, and all files."""
        return read_yaml(self.folder / "dvc.lock"), self.hashes("data", "reports")


def small_repository(
    folder: Path, backbone: Path, epochs: Mapping[str, int] = EPOCHS
) -> Repository:
    """Copy the repository with small generated corpora and a backbone from a folder."""
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
