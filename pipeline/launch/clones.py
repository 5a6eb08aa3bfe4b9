"""A cluster whose workers share no file system: each has a clone of its own.

Trainings, which take the time, are sent to the workers together with their scores; everything else
runs here. Code, params and dvc.lock go there through git, files through DVC's default remote, and
results come back the same way (docs/parallel.md).
"""

import subprocess
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryDirectory

from pipeline import paths
from pipeline.errors import LaunchError
from pipeline.launch import on_worker
from pipeline.launch.cluster import ClusterWorkers
from pipeline.launch.environment import with_own_python
from pipeline.launch.job import DVC
from pipeline.launch.local import LocalWorkers
from pipeline.launch.machine import TRAINING
from pipeline.launch.plan import Outcome, plan_stages

SCORED = "evaluate"  # the group that a worker runs after `train`, since the weights are there
PULL = "--pull"
STOPPED = 130  # an exit status, of Ctrl-C
UPSTREAM = "inputs"  # the stage whose files, with those of all before it, trainings read

AUTHOR = {  # of what is sent: no name of the user's is needed for it
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "minbert-pipeline"), ("EMAIL", "launch@localhost"))
}


class CloneWorkers:
    """Sends trainings to a cluster, and takes back what they made."""

    def __init__(self, cluster: ClusterWorkers, local: LocalWorkers) -> None:
        """Make sure that workers can be sent what is here.

        Raises:
            LaunchError: git has no `origin`, or DVC no default remote.
        """
        self.cluster = cluster
        self.local = local
        self.ref = f"refs/minbert/{uuid.uuid4().hex[:12]}"
        self.is_pushed = self.is_offered = False
        self.to_run: frozenset[str] = frozenset()  # of the whole graph, once that is known
        self.sent: set[str] = set()
        self.to_take: list[str] = []  # stages whose files are not here yet
        self.dropped: list[str] = []  # of these, what was not taken since somebody asked to stop
        _said(("git", "remote", "get-url", "origin"), "workers clone from git's `origin`")
        if not _said((*DVC, "remote", "default"), "DVC cannot name its remotes").strip():
            raise LaunchError("workers without a shared file system need a default remote of DVC")

    def begin(self, stage: str) -> str | None:
        """Begin to run a stage, here or on a worker; None if there is no room for it now."""
        group, _, name = stage.partition("@")
        if group in TRAINING and not self.is_offered:
            if self.local.running:
                return None  # nobody writes dvc.lock while it is read
            self._offer()
        if stage not in self.to_run or group not in TRAINING:
            is_made = group == SCORED and f"train@{name}" in self.sent
            return self.local.begin(stage, *[PULL] * is_made)
        following = [f"{SCORED}@{name}"] if group == "train" else []
        where = self.cluster.submit(stage, on_worker.run_in_clone, following, self.ref)
        if where is not None:
            self.sent.add(stage)
        return where

    def ended(self) -> Mapping[str, int]:
        """Return the exit statuses of stages whose files are here, or that failed."""
        ended = {**self.local.ended(), **dict.fromkeys(self.dropped, STOPPED)}
        self.dropped = []
        for stage, status in self.cluster.ended().items():
            if status:
                ended[stage] = status
            else:
                self.to_take.append(stage)
        self.to_take = [stage for stage in self.to_take if not self.local.begin(stage, PULL)]
        return ended

    def says(self, stage: str) -> str:
        """Return the last line that a stage told, or what there is to say of it."""
        return self.cluster.says(stage)

    def stop(self) -> None:
        """Ask every stage that runs to stop; again: end it."""
        self.dropped, self.to_take = self.to_take, []
        self.local.stop()
        self.cluster.stop()

    def close(self) -> None:
        """Take back what was offered."""
        if self.is_pushed:
            with suppress(LaunchError):  # it does no harm there
                _said(("git", "push", "--quiet", "--delete", "origin", self.ref), "it stays")
        self.cluster.close()

    def _offer(self) -> None:
        """Push what workers need: this once, when all that trainings read is made."""
        must_run = (Outcome.RUN, Outcome.DEPENDS)
        self.to_run = frozenset(s.name for s in plan_stages() if s.outcome in must_run)
        offer = f"{_workspace_as_commit()}:{self.ref}"
        _said(("git", "push", "--quiet", "origin", offer), "git's `origin` takes nothing")
        self.is_pushed = True
        push = (*DVC, "push", "--with-deps", UPSTREAM)  # nobody here can be told of a wait
        _said(push, "DVC's remote takes nothing")
        self.is_offered = True


def _workspace_as_commit() -> str:
    """Return a commit of all that git knows, and dvc.lock; branch and index are not touched."""
    with TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": f"{folder}/index", **AUTHOR}
        for command in ("read-tree HEAD", "add --update", f"add {paths.DVC_LOCK}"):
            _said(("git", *command.split()), "git cannot take the workspace down", index)
        tree = _said(("git", "write-tree"), "git cannot take the workspace down", index).strip()
        commit = ("git", "commit-tree", tree, "-p", "HEAD", "-m", "What workers are sent")
        return _said(commit, "git cannot take the workspace down", index).strip()


def _said(
    command: Sequence[str], complaint: str, environment: Mapping[str, str] | None = None
) -> str:
    """Run a command; return what it said.

    Args:
        command: without a shell.
        complaint: what is wrong if it fails.
        environment: more variables for it.

    Raises:
        LaunchError: it failed.
    """
    done = subprocess.run(  # noqa: S603  (no shell; written above)
        command,
        env={**with_own_python(), **(environment or {})},
        start_new_session=True,  # Ctrl-C asks the launch to stop, after this
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise LaunchError(f"{complaint}: {last}")
    return done.stdout
