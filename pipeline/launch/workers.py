"""Who runs stages: processes of this machine (local.py), or a cluster (cluster.py)."""

from collections.abc import Mapping
from typing import Protocol


class Workers(Protocol):
    """Runs stages, each once, as many at once as there is room for."""

    def begin(self, stage: str) -> str | None:
        """Begin to run a stage; say where, or None if there is no room for it now."""

    def ended(self) -> Mapping[str, int]:
        """Return the exit statuses of stages that ended since this was last asked."""

    def says(self, stage: str) -> str:
        """Return the last line that a stage told."""

    def stop(self) -> None:
        """Ask every stage that runs to stop at a place from which it can go on; again: end it."""

    def close(self) -> None:
        """Leave nothing behind; nothing runs any more."""
