"""Fetches files that are pinned by their hash, from the first route that has them.

A route fetches a file or reports why it cannot; in the latter case, the next route is tried. A
wrong hash is an error, after which no other route is tried. Downloads are encrypted, and they stop
when they exceed the size in the pin.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pipeline.core.files import git_blob_sha1_of, replacing, sha256_of
from pipeline.errors import FetchError

log = logging.getLogger(__name__)

MIRROR_VARIABLE = "MINBERT_MIRROR"
CHUNK_BYTES = 1 << 18
LOG_SECONDS = 5.0  # between two progress messages
MAX_BYTES = 1 << 30  # size limit for a file whose pin has no size
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})  # the server may be overloaded
PARTIAL_CONTENT = 206


@dataclass(frozen=True)
class Pin:
    """A file to fetch, with its size and at least one hash."""

    name: str
    num_bytes: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None  # Git's blob hash of the content
    mirror_folder: str | None = None  # folder of a mirror that may contain the file

    def __post_init__(self) -> None:
        """Reject a pin without a hash."""
        if self.sha256 is None and self.git_sha1 is None:
            raise ValueError(f"the pin of {self.name!r} has no hash")

    @property
    def max_bytes(self) -> int:
        """Return the largest size that the file may have."""
        return MAX_BYTES if self.num_bytes is None else self.num_bytes


class RouteError(Exception):
    """A route cannot fetch a file, but the next route might."""


class Route(Protocol):
    """A source of files; `str()` returns its name for messages."""

    def fetch(self, pin: Pin, to: Path) -> None:
        """Write the file to `to`, or raise a RouteError with the reason."""


def fetch(pin: Pin, routes: Sequence[Route], out: Path) -> None:
    """Write a pinned file to `out`, from the user's mirror or the first route that has it.

    Raises:
        FetchError: no route has the file, or one fetched a file with a different hash.
    """
    failures, mirror = [], os.environ.get(MIRROR_VARIABLE)
    for route in (*([Mirror(mirror)] if mirror else []), *routes):
        try:
            with replacing(out) as temporary:
                temporary.unlink(missing_ok=True)  # do not resume a killed process's file
                route.fetch(pin, temporary)
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
    """Reject a file that does not match its pin."""
    size = path.stat().st_size
    problems = [f"it is longer than {pin.max_bytes} bytes"] if size > pin.max_bytes else []
    for kind, expected, hash_of in (
        ("sha256", pin.sha256, sha256_of),
        ("git blob sha1", pin.git_sha1, git_blob_sha1_of),
    ):
        if expected and (actual := hash_of(path)) != expected:
            of = "" if pin.num_bytes is None else f", expected {pin.num_bytes}"
            problems.append(f"its {kind} is {actual}, expected {expected} ({size} bytes{of})")
    if problems:
        raise FetchError(
            f"{pin.name} from {route} is not the pinned file: {problems[0]}; it was not used: "
            f"replace or remove that file, or set {MIRROR_VARIABLE} to a directory with the right "
            "one"
        )


def chunks_of(source: IO[bytes], pin: Pin, start: int = 0) -> Iterator[bytes]:
    """Yield chunks of a stream; stop one byte above the pin's limit, which suffices to reject it.

    Args:
        source: the stream; it may lie about its length, or never end.
        pin: the pin of the expected file.
        start: number of bytes that were already fetched.
    """
    left = pin.max_bytes + 1 - start
    while left > 0 and (chunk := source.read(min(CHUNK_BYTES, left))):
        left -= len(chunk)
        yield chunk


class Mirror:
    """A directory in which the user keeps copies of pinned files."""

    def __init__(self, name: str) -> None:
        """Use the directory that the environment variable names."""
        self._directory = Path(name).expanduser()
        if not self._directory.is_dir():
            raise FetchError(
                f"the environment variable {MIRROR_VARIABLE} names {name!r}, which is not a "
                "directory; name an existing one, or unset the variable"
            )

    def __str__(self) -> str:
        """Return the name of this route, for messages."""
        return f"mirror {self._directory}"

    def fetch(self, pin: Pin, to: Path) -> None:
        """Copy the file from the mirror."""
        for folder in filter(None, (pin.mirror_folder, ".")):
            path = self._directory / folder / pin.name
            if path.is_file():
                shutil.copyfile(path, to)
                return
        raise RouteError("does not have the file")


@dataclass(frozen=True)
class Download:
    """A folder on a web server, read over HTTPS; retries after transient failures."""

    folder_url: str
    timeout_seconds: float = 30.0  # without receiving data; the whole transfer may take longer
    retries: int = 4  # with pauses of 0, 2, 4 and 8 seconds

    def __str__(self) -> str:
        """Return the name of this route, for messages."""
        return self.folder_url

    def fetch(self, pin: Pin, to: Path) -> None:
        """Download the file; resume a broken transfer where it stopped."""
        url = f"{self.folder_url}/{pin.name}"
        reason = ""
        with _Session(url, self.retries) as session:
            for _ in range(1 + self.retries):
                try:
                    self._transfer(session, url, pin, to)
                    return
                except requests.RequestException as error:  # no response after all retries
                    raise RouteError(_cause(error)) from None
                except urllib3.exceptions.HTTPError as error:
                    reason = f"the transfer broke off: {_cause(error)}"
                    log.info("%s: %s; resuming", pin.name, reason)
        raise RouteError(reason)

    def _transfer(self, session: requests.Session, url: str, pin: Pin, to: Path) -> None:
        """Try once; requests raises the errors before the body, urllib3 those while reading it."""
        start = to.stat().st_size if to.exists() else 0
        headers = {"Accept-Encoding": "identity"}  # the pin has the hash of the uncompressed file
        if start:
            headers["Range"] = f"bytes={start}-"
        timeout = self.timeout_seconds
        with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
            response.raise_for_status()
            # a server may ignore the range and send the whole file
            mode = "ab" if response.status_code == PARTIAL_CONTENT else "wb"
            whole = "" if pin.num_bytes is None else f" of {pin.num_bytes / 1e6:.1f}"
            last_line = time.monotonic()
            with to.open(mode) as file:
                for chunk in chunks_of(response.raw, pin, start=file.tell()):
                    file.write(chunk)
                    if time.monotonic() - last_line >= LOG_SECONDS:
                        last_line = time.monotonic()
                        log.info("%s: %.1f%s MB", pin.name, file.tell() / 1e6, whole)


class _Session(requests.Session):
    """A session that sends only encrypted requests, even after a redirect."""

    def __init__(self, url: str, retries: int) -> None:
        """Allow plain HTTP only if this URL uses it, and then only to this machine."""
        super().__init__()
        self._may_use_http = urlsplit(url).scheme == "http"
        retry = urllib3.Retry(
            retries,
            backoff_factor=1.0,
            status_forcelist=TRANSIENT_STATUSES,
            respect_retry_after_header=False,  # a server may ask to wait for hours
        )
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(max_retries=retry))
        self.get_adapter(url)

    def get_adapter(self, url: str) -> Any:
        """Reject a URL without encryption; requests also calls this for each redirect."""
        parts = urlsplit(url)
        is_local = self._may_use_http and parts.scheme == "http" and parts.hostname in LOOPBACK
        if parts.scheme != "https" and not is_local:
            raise RouteError(f"{url} is not encrypted; files are fetched from https addresses only")
        return super().get_adapter(url)


def _cause(error: BaseException) -> str:
    """Return the message of the innermost exception in a chain of wrapped ones."""
    wrapped = (getattr(error, "reason", None), getattr(error, "original_error", None), *error.args)
    inner = next((each for each in wrapped if isinstance(each, Exception)), None)
    return _cause(inner) if inner else str(error)
