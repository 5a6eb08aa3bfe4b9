"""Predicts what `dvc repro` would do with each stage, and why.

DVC's own `--dry` stops at the first stage that is out of date. This module visits all stages in
DVC's order, asks DVC about each one, and tracks the outs that upstream stages will produce. An out
that DVC would restore from its cache is known in advance. The outs of a stage that must run are
not, so the outcome of downstream stages depends on them, unless those were changed themselves.

Parts of DVC's API that this module uses are private. They are imported and called only within
`plan_stages`; if a new version of DVC has changed them, there is no plan and a message says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import dvc
from dvc.exceptions import DvcException
from dvc.repo import Repo

from pipeline.errors import PlanError

CHANGES = {"deleted": "missing", "modified": "changed", "not in cache": "not in DVC's cache"}


class Outcome(StrEnum):
    """What `dvc repro` would do with a stage."""

    UP_TO_DATE = "up to date"
    RUN_CACHE = "run cache"  # not run: its outs are restored from DVC's cache
    RUN = "would run"
    DEPENDS = "depends"  # on the outs of upstream stages: one of the three above


@dataclass(frozen=True)
class Reason:
    """Why a stage is out of date, or may be."""

    kind: str  # stage, command, param, dep or out
    name: str
    change: str  # in a word or two
    old: Any = None  # value of a changed param
    new: Any = None


@dataclass(frozen=True)
class PlannedStage:
    """A stage of the graph and its predicted outcome."""

    name: str
    outcome: Outcome
    reasons: list[Reason]
    after: frozenset[str] = frozenset()  # the stages whose outs it reads


class Content(NamedTuple):
    """The content that a dep will have when its stage is reached."""

    hash_info: Any = None  # None: missing or not yet known
    meta: Any = None
    maker: str | None = None  # the upstream stage that must run before the content is known


def plan_stages() -> list[PlannedStage]:
    """Predict what `dvc repro` would do now in this folder; return the stages in its order.

    This changes nothing, except that DVC stores file hashes in its index.

    Raises:
        PlanError: DVC cannot read the graph or one of its files, or its private API has changed.
    """
    try:
        from dvc.repo.reproduce import get_active_graph, plan_repro

        with Repo(".") as repo:
            planner, graph = _Planner(repo), get_active_graph(repo.index.graph)
            return [planner.planned(s, graph.successors(s)) for s in plan_repro(graph)]
    except DvcException as error:
        raise PlanError(f"DVC cannot say what would run: {error}") from error
    except (ImportError, AttributeError, TypeError) as error:
        raise PlanError(
            f"there is no plan: DVC {dvc.__version__} is not as `make plan` knows it ({error}); "
            "`make repro` needs none"
        ) from error


class _Planner:
    """Plans stages one by one and remembers what upstream stages will have produced."""

    def __init__(self, repo: Any) -> None:
        self.repo = repo
        self._made: dict[str, tuple[str, Any]] = {}  # by path: the stage, and the out if known
        self._found: dict[str, Content] = {}  # by path, in the workspace as it is now

    def planned(self, stage: Any, after: Iterable[Any]) -> PlannedStage:
        """Plan the next stage; `after` are the stages whose outs it reads."""
        from dvc.dependency import ParamsDependency

        is_params = {dep: isinstance(dep, ParamsDependency) for dep in stage.deps}
        params = {dep: dep.read_params() for dep in stage.deps if is_params[dep]}
        contents = {dep: self._content(dep) for dep in stage.deps if not is_params[dep]}
        makers = dict.fromkeys(content.maker for content in contents.values() if content.maker)
        changes = list(_changes(stage, params, contents))
        reasons = list(changes)
        if any(out.hash_info for out in stage.outs):  # it has run: find outs that changed since
            outs = (each for out in stage.outs for each in out.status().items())
            reasons += [Reason("out", name, CHANGES.get(how, how)) for name, how in outs]
        else:
            reasons = [Reason("stage", stage.addressing, "never run")]
        reasons += [Reason("stage", maker, "runs before") for maker in makers]
        outcome, restored = Outcome.UP_TO_DATE, None
        if makers:
            lacks_outs = len(reasons) > len(makers) and not self._locked_in_cache(stage)
            outcome = Outcome.RUN if changes or lacks_outs else Outcome.DEPENDS
        elif reasons:
            restored = self._restored(stage, contents, not changes)
            outcome = Outcome.RUN_CACHE if restored else Outcome.RUN
        if outcome != Outcome.UP_TO_DATE:  # downstream stages will see other outs
            known = {out.def_path: out for out in restored.outs} if restored else {}
            for out in stage.outs:
                self._made[out.fs_path] = (stage.addressing, known.get(out.def_path))
        names = frozenset(other.addressing for other in after)
        return PlannedStage(stage.addressing, outcome, reasons, names)

    def _content(self, dep: Any) -> Content:
        """Predict the content that a file or folder will have when its stage is reached."""
        from dvc_data.hashfile.meta import Meta

        for path in (dep.fs_path, *map(str, Path(dep.fs_path).parents)):
            if path in self._made:
                maker, out = self._made[path]
                if out is None:
                    return Content(maker=maker)
                if path == dep.fs_path:
                    return Content(out.hash_info, out.meta)
                found = out.get_obj(filter_info=dep.fs_path)  # a file in the out
                return Content(found.hash_info, Meta()) if found else Content()
        if dep.fs_path not in self._found:
            meta, hash_info = dep._get_hash_meta() if dep.exists else (None, None)
            self._found[dep.fs_path] = Content(hash_info, meta)
        return self._found[dep.fs_path]

    def _restored(self, stage: Any, contents: Mapping[Any, Content], is_same: bool) -> Any | None:
        """Return the stage with outs that DVC would restore from its cache; None if it must run.

        This mirrors `dvc.stage.cache.StageCache.restore` of DVC 3.67.1. Its `dry` does not help
        here, because it looks up the deps as they were in the last run.

        Args:
            stage: a stage whose deps are all known.
            contents: the contents of all deps except params.
            is_same: whether the command, deps and params are the same as in dvc.lock.
        """
        from dvc.stage.cache import _get_cache_hash
        from dvc.stage.serialize import to_single_stage_lockfile

        if any(content.hash_info is None for content in contents.values()):
            return None  # a file is missing
        if is_same and all(out.hash_info for out in stage.outs):
            return self._locked_in_cache(stage)
        for dep in stage.deps:
            if dep in contents:
                dep.hash_info, dep.meta = contents[dep].hash_info, contents[dep].meta
            else:
                dep.save()  # params: records their values
        cache = self.repo.stage_cache
        key = _get_cache_hash(to_single_stage_lockfile(stage), key=True)
        records = [path for path in Path(cache._get_cache_dir(key)).glob("*") if path.is_file()]
        latest = max(records, key=lambda path: path.stat().st_mtime, default=None)
        record = cache._load_cache(latest.parent.name, latest.name) if latest else None
        return self._if_cached(stage, record)

    def _locked_in_cache(self, stage: Any) -> Any | None:
        """Return the stage as in dvc.lock, if all its outs are listed there and are cached."""
        from dvc.stage.serialize import to_single_stage_lockfile

        has_outs = all(out.hash_info for out in stage.outs)
        return self._if_cached(stage, to_single_stage_lockfile(stage)) if has_outs else None

    def _if_cached(self, stage: Any, record: Mapping[str, Any] | None) -> Any | None:
        if not record:
            return None
        cached = self.repo.stage_cache._create_stage(record, wdir=stage.wdir)
        return cached if cached.outs_cached() else None


def _changes(
    stage: Any, params: Mapping[Any, dict[str, Any]], contents: Mapping[Any, Content]
) -> Iterator[Reason]:
    """Yield a reason for each command, param or dep that is known to differ from dvc.lock."""
    if stage.cmd_changed:
        yield Reason("command", stage.cmd, "changed")
    for dep, values in params.items():
        locked = dep.hash_info.value or {}
        for key in dep.params:
            yield from _param_changes(key, locked.get(key), values.get(key))
    for dep, content in contents.items():
        if content.maker or content.hash_info == dep.hash_info:
            continue
        change = "changed" if dep.hash_info else "new"
        yield Reason("dep", str(dep), change if content.hash_info else "missing")


def _param_changes(key: str, old: Any, new: Any) -> Iterator[Reason]:
    """Yield a reason for each value under a key that changed."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            yield from _param_changes(f"{key}.{name}", old.get(name), new.get(name))
    elif old != new:
        change = "new" if old is None else "missing" if new is None else "changed"
        yield Reason("param", key, change, old, new)
