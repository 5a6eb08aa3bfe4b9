"""Whether outs of a stage would come back from DVC's cache instead of a run.

DVC looks by what the stage's command, deps and params are when it gets there. As in
`dvc.stage.cache.StageCache.restore`, of DVC 3.67.1; its `dry` is of no use here, since it looks by
what deps were in the last run.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dvc.stage.cache import _get_cache_hash
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils import dict_sha256


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
        if any(content.hash_info is None for content in contents.values()):
            return None  # a file is missing
        if is_same and _is_locked(stage):
            return self._if_cached(stage, to_single_stage_lockfile(stage))
        for dep in stage.deps:
            if dep in contents:
                dep.hash_info, dep.meta = contents[dep].hash_info, contents[dep].meta
            else:
                dep.save()  # params: takes their values down
        key = _get_cache_hash(to_single_stage_lockfile(stage), key=True)
        records = sorted(_files(Path(self.cache._get_cache_dir(key))), key=_time, reverse=True)
        return self._if_cached(stage, self._record(records[0])) if records else None

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
        if is_same and _is_locked(stage):
            locked = to_single_stage_lockfile(stage)
            if self._if_cached(stage, locked):
                return True
        known = {d.def_path: c.hash_info.value for d, c in contents.items() if not c.maker}
        wanted = {
            "cmd": stage.cmd,
            "params": dict_sha256({d.def_path: dict(v) for d, v in params.items() if v}),
            "deps": {dep.def_path for dep in contents},
            "outs": {out.def_path for out in stage.outs},
        }
        return any(
            self._if_cached(stage, record)
            for record in self._records_with(*known.values(), *wanted["outs"])
            if _fits(record, wanted, known)
        )

    def _records_with(self, *words: str) -> Iterator[dict[str, Any]]:
        """Yield the records of past runs that hold all these hashes and paths."""
        if not self._texts:
            paths = _files(Path(self.cache.cache_dir), "*/*/*")
            self._texts = {path: path.read_text("utf-8", errors="replace") for path in paths}
        for path, text in self._texts.items():
            if all(word in text for word in words):
                yield self._record(path)

    def _record(self, path: Path) -> dict[str, Any]:
        return self.cache._load_cache(path.parent.name, path.name) or {}

    def _if_cached(self, stage: Any, record: dict[str, Any]) -> Any | None:
        """Return the stage that a record tells of, if all its outs are in the cache."""
        if not record:
            return None
        cached = self.cache._create_stage(record, wdir=stage.wdir)
        return cached if cached.outs_cached() else None


def _is_locked(stage: Any) -> bool:
    return all(out.hash_info for out in stage.outs)


def _fits(record: Mapping[str, Any], wanted: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    """Say whether a record is of a command, its params and its known deps.

    Params are compared as DVC's keys are: 10 is not 10.0 there, and the order of names is nothing.
    """
    deps = {dep["path"]: dep.get("md5") for dep in record.get("deps", [])}
    found = {
        "cmd": record.get("cmd"),
        "params": dict_sha256(record.get("params", {})),
        "deps": set(deps),
        "outs": {out["path"] for out in record.get("outs", [])},
    }
    return found == wanted and all(deps[path] == value for path, value in known.items())


def _files(folder: Path, pattern: str = "*") -> list[Path]:
    return [path for path in folder.glob(pattern) if path.is_file()]


def _time(path: Path) -> float:
    return path.stat().st_mtime
