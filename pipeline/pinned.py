"""Files from outside, each pinned by its hash, fetched over the first route that has it.

A route brings a file or says why it cannot; only then is the next route asked. What a route
brings must match the pin: a wrong hash is an error, never a reason to try elsewhere.
"""

import http.client
import logging
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import FetchError
from pipeline.files import git_blob_sha1_of, replacing, sha256_of

log = logging.getLogger(__name__)

MIRROR_VARIABLE = "MINBERT_MIRROR"
CHUNK_BYTES = 1 << 18
# what a busy server says, and 416: what we have of the file is of no use, begin again
TRANSIENT_STATUSES = frozenset({408, 416, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Pin:
    """One file from outside and what it must be; at least one hash."""

    name: str
    num_bytes: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None  # git's name for the content: sha1 of a blob
    mirror_folder: str | None = None  # where a mirror may keep it, if not at its top

    def __post_init__(self) -> None:
        """Refuse a pin that pins nothing."""
        if self.sha256 is None and self.git_sha1 is None:
            raise ValueError(f"{self.name!r} is pinned by no hash")


class RouteError(Exception):
    """A route cannot bring a file; the next one may."""


class Route(Protocol):
    """One way to a file; `str` of it names the place."""

    def bring(self, pin: Pin, to: Path) -> None:
        """Write the file to `to`, or raise RouteError saying why not."""


def fetch(pin: Pin, routes: Sequence[Route], out: Path) -> None:
    """Place a pinned file at `out`: from the user's mirror, else from the first route with it.

    Raises:
        FetchError: no route has the file, or one brought a file with another hash.
    """
    failures = []
    for route in (*_mirror(), *routes):
        try:
            with replacing(out) as temporary:
                temporary.unlink(missing_ok=True)  # of a killed run: it would be taken up again
                route.bring(pin, temporary)
                _check(pin, temporary, route)
        except RouteError as failure:
            failures.append(f"{route}: {failure}")
        else:
            log.info("%s: %d bytes from %s", pin.name, out.stat().st_size, route)
            return
    raise FetchError(
        f"{pin.name} could not be fetched ({'; '.join(failures)}); put the file into a directory "
        f"and name that directory in the environment variable {MIRROR_VARIABLE}"
    )


def _check(pin: Pin, path: Path, route: Route) -> None:
    """Refuse a file that is not the pinned one."""
    for kind, expected, hash_of in (
        ("sha256", pin.sha256, sha256_of),
        ("git blob sha1", pin.git_sha1, git_blob_sha1_of),
    ):
        if expected is None or (actual := hash_of(path)) == expected:
            continue
        size = f"{path.stat().st_size} bytes"
        if pin.num_bytes is not None:
            size += f", expected {pin.num_bytes}"
        raise FetchError(
            f"{pin.name} from {route} is not the pinned file: its {kind} is {actual}, expected "
            f"{expected} ({size}); nothing was used: replace the file there or remove it, or let "
            f"{MIRROR_VARIABLE} name a directory with the right one"
        )


@dataclass(frozen=True)
class Mirror:
    """A directory of the user's with copies of pinned files."""

    directory: Path

    def __str__(self) -> str:
        """Name the place."""
        return f"mirror {self.directory}"

    def bring(self, pin: Pin, to: Path) -> None:
        """Copy the file out of the mirror."""
        for folder in filter(None, (pin.mirror_folder, ".")):
            path = self.directory / folder / pin.name
            if path.is_file():
                try:
                    shutil.copyfile(path, to)
                except OSError as error:
                    raise RouteError(f"cannot copy {path.name}: {error.strerror}") from None
                return
        raise RouteError("does not have the file")


def _mirror() -> Iterator[Mirror]:
    """Yield the user's mirror, if one is set."""
    value = os.environ.get(MIRROR_VARIABLE)
    if not value:
        return
    directory = Path(value).expanduser()
    if not directory.is_dir():
        raise FetchError(
            f"the environment variable {MIRROR_VARIABLE} names {value!r}, which is not a "
            "directory; name an existing one, or unset the variable"
        )
    yield Mirror(directory)


@dataclass(frozen=True)
class Download:
    """A folder on a web server. What goes wrong for the moment is tried again."""

    folder_url: str
    timeout_seconds: float = 30.0  # of silence, not of the whole transfer
    pauses_seconds: tuple[float, ...] = (1.0, 4.0, 15.0)  # one before each further attempt
    log_seconds: float = 5.0  # between two lines on progress

    def __str__(self) -> str:
        """Name the place."""
        return self.folder_url

    def bring(self, pin: Pin, to: Path) -> None:
        """Download the file; a broken transfer is taken up where it stopped."""
        for pause in (*self.pauses_seconds, None):
            try:
                self._transfer(pin, to)
                return
            except urllib.error.HTTPError as error:
                error.close()
                reason = f"HTTP status {error.code}"
                if error.code not in TRANSIENT_STATUSES:
                    raise RouteError(reason) from None
                if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                    to.unlink(missing_ok=True)
            except (OSError, http.client.HTTPException) as error:
                reason = _reason(error)
            if pause is None:
                raise RouteError(f"{reason}, after {len(self.pauses_seconds) + 1} attempts")
            log.info("%s: %s; trying again in %g s", pin.name, reason, pause)
            time.sleep(pause)

    def _transfer(self, pin: Pin, to: Path) -> None:
        """Make one attempt; raise an OSError or HTTPException when it fails."""
        start = to.stat().st_size if to.exists() else 0
        headers = {"User-Agent": "minbert-pipeline"}
        if start:
            headers["Range"] = f"bytes={start}-"
        request = urllib.request.Request(f"{self.folder_url}/{pin.name}", headers=headers)
        with urllib.request.urlopen(request, timeout=self.timeout_seconds) as response:
            # a server may ignore the range and send the whole file
            with to.open("ab" if response.status == http.client.PARTIAL_CONTENT else "wb") as file:
                received = self._copy(pin, response, file)
            promised = int(response.headers.get("Content-Length", received))
        if received < promised:
            raise ConnectionError(f"the transfer broke off after {received} of {promised} bytes")

    def _copy(self, pin: Pin, response: Any, file: Any) -> int:
        """Copy a response's body, saying now and then how far it is; return the bytes received."""
        received = 0
        last_line = time.monotonic()
        while chunk := response.read(CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            if time.monotonic() - last_line >= self.log_seconds:
                last_line = time.monotonic()
                whole = "" if pin.num_bytes is None else f" of {pin.num_bytes / 1e6:.1f}"
                log.info("%s: %.1f%s MB", pin.name, file.tell() / 1e6, whole)
        return received


def _reason(error: Exception) -> str:
    """Say in a few words what broke a transfer."""
    cause = getattr(error, "reason", error)  # URLError wraps what happened
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
