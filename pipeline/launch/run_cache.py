"""Whether outs of a stage would come back from DVC's cache instead of a run.

DVC looks by what the stage's command, deps and params are when it gets there. As in
`dvc.stage.cache.StageCache.restore`, of DVC 3.67.1; its `dry` is of no use here, since it looks by
what deps were in the last run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Content(NamedTuple):
    """What a dep will be when its stage's turn comes."""

    hash_info: Any = None  # None: missing, or not known yet
    meta: Any = None
    maker: str | None = None  # the stage before it that must run until it is known


class RunCache:
    """DVC's memory of past runs."""

    def __init__(self, repo: Any) -> None:
        self.cache = repo.stage_cache
        self._texts: dict[Path, str] = {}  # of all records, read when first needed

    def restored(self, stage: Any, contents: Mapping[Any, Content], is_same: bool) -> Any | None:
        """Return the stage with the outs that would come back; None if it must run.

        Args:
            stage: one all of whose deps are known.
            contents: of the deps that are files.
            is_same: whether command, deps and params are those of dvc.lock.
        """
        from dvc.stage.cache import _get_cache_hash
        from dvc.stage.serialize import to_single_stage_lockfile

        if any(content.hash_info is None for content in contents.values()):
            return None  # a file is missing
        if is_same and (locked := self._locked(stage)):
            return locked if locked.outs_cached() else None
        for dep in stage.deps:
            if dep in contents:
                dep.hash_info, dep.meta = contents[dep].hash_info, contents[dep].meta
            else:
                dep.save()  # params: takes their values down
        key = _get_cache_hash(to_single_stage_lockfile(stage), key=True)
        records = [
            path for path in Path(self.cache._get_cache_dir(key)).glob("*") if path.is_file()
        ]
        latest = max(records, key=lambda path: path.stat().st_mtime, default=None)
        return self._if_cached(stage, self._record(latest)) if latest else None

    def could_restore(
        self, stage: Any, contents: Mapping[Any, Content], params: Mapping[Any, Any], is_same: bool
    ) -> bool:
        """Say whether outs might come back, whatever the deps that are not known come out as.

        Args:
            stage: one some of whose deps are not known.
            contents: of the deps that are files.
            params: values of those that are params, by key.
            is_same: whether command, params and known deps are those of dvc.lock.
        """
        if any(not content.maker and content.hash_info is None for content in contents.values()):
            return False
        if is_same and (locked := self._locked(stage)) and locked.outs_cached():
            return True
        known = {dep.def_path: c.hash_info.value for dep, c in contents.items() if not c.maker}
        made_of = _made_of(
            stage.cmd,
            {dep.def_path: dict(values) for dep, values in params.items() if values},
            [dep.def_path for dep in contents],
            [out.def_path for out in stage.outs],
        )
        return any(
            _fits(record, made_of, known) and self._if_cached(stage, record)
            for path, text in self._all_texts().items()
            if all(word in text for word in [*known.values(), *made_of["outs"]])
            and (record := self._record(path))
        )

    def _all_texts(self) -> dict[Path, str]:
        if not self._texts:
            paths = [path for path in Path(self.cache.cache_dir).glob("*/*/*") if path.is_file()]
            self._texts = {path: path.read_text("utf-8", errors="replace") for path in paths}
        return self._texts

    def _record(self, path: Path) -> dict[str, Any]:
        return self.cache._load_cache(path.parent.name, path.name) or {}

    def _locked(self, stage: Any) -> Any | None:
        """Return the stage as dvc.lock has it, if it has all its outs."""
        from dvc.stage.serialize import to_single_stage_lockfile

        if not all(out.hash_info for out in stage.outs):
            return None
        return self.cache._create_stage(to_single_stage_lockfile(stage), wdir=stage.wdir)

    def _if_cached(self, stage: Any, record: dict[str, Any]) -> Any | None:
        """Return the stage that a record is of, if all its outs are in the cache."""
        if not record:
            return None
        cached = self.cache._create_stage(record, wdir=stage.wdir)
        return cached if cached.outs_cached() else None


def _made_of(cmd: Any, params: Any, deps: list[str], outs: list[str]) -> dict[str, Any]:
    """Return what identifies a run, apart from the hashes of its deps.

    Params are compared as DVC's keys are: 10 is not 10.0 there, and the order of names is nothing.
    """
    from dvc.utils import dict_sha256

    return {"cmd": cmd, "params": dict_sha256(params), "deps": set(deps), "outs": set(outs)}


def _fits(record: Mapping[str, Any], made_of: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    """Say whether a record is of a command, its params and its known deps."""
    deps = {dep["path"]: dep.get("md5") for dep in record.get("deps", [])}
    outs = [out["path"] for out in record.get("outs", [])]
    found = _made_of(record.get("cmd"), record.get("params", {}), list(deps), outs)
    return found == made_of and all(deps[path] == value for path, value in known.items())
