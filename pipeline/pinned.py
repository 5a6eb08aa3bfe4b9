"""Files from outside, each pinned by its hash, fetched over the first route that has it.

A route brings a file or says why it cannot; only then is the next route asked. What a route
brings must match the pin: a wrong hash is an error, never a reason to try elsewhere. Nothing is
read without encryption, and nothing beyond the size that a pin names.
"""

import errno
import http.client
import logging
import os
import shutil
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from pipeline.errors import FetchError
from pipeline.files import git_blob_sha1_of, replacing, sha256_of

log = logging.getLogger(__name__)

MIRROR_VARIABLE = "MINBERT_MIRROR"
CHUNK_BYTES = 1 << 18
MOST_BYTES = 1 << 30  # of a file whose size no pin tells
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})  # for what is brought
# what a busy server says, and 416: what we have of the file is of no use, begin again
TRANSIENT_STATUSES = frozenset({408, 416, 425, 429, 500, 502, 503, 504})
REDIRECTIONS = range(300, 400)


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

    @property
    def most_bytes(self) -> int:
        """Return the size beyond which a file cannot be the pinned one."""
        return MOST_BYTES if self.num_bytes is None else self.num_bytes

    def is_exceeded_by(self, path: Path) -> bool:
        """Say whether a file is longer than the pinned one."""
        return path.stat().st_size > self.most_bytes


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
    if pin.is_exceeded_by(path):  # a route may have cut it: its hash would tell nothing
        raise _other_file(pin, route, f"it is longer than {pin.most_bytes} bytes")
    for kind, expected, hash_of in (
        ("sha256", pin.sha256, sha256_of),
        ("git blob sha1", pin.git_sha1, git_blob_sha1_of),
    ):
        if expected is None or (actual := hash_of(path)) == expected:
            continue
        size = f"{path.stat().st_size} bytes"
        if pin.num_bytes is not None:
            size += f", expected {pin.num_bytes}"
        raise _other_file(pin, route, f"its {kind} is {actual}, expected {expected} ({size})")


def _other_file(pin: Pin, route: Route, reason: str) -> FetchError:
    """Return the refusal of a file that a route took for the pinned one."""
    return FetchError(
        f"{pin.name} from {route} is not the pinned file: {reason}; nothing was used: replace the "
        f"file there or remove it, or let {MIRROR_VARIABLE} name a directory with the right one"
    )


def chunks_of(source: IO[bytes], pin: Pin, start: int = 0) -> Iterator[bytes]:
    """Yield what a stream gives, up to one byte more than the pin allows: enough to refuse it.

    Args:
        source: the stream; it may lie about its length, or never end.
        pin: the file it should be.
        start: bytes of the file that are there already.
    """
    left = pin.most_bytes + 1 - start
    while left > 0 and (chunk := source.read(min(CHUNK_BYTES, left))):
        left -= len(chunk)
        yield chunk


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
                    if error.errno in NO_ROOM:
                        raise
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
    """A folder on a web server, over https. What goes wrong for the moment is tried again."""

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
                reason = _refusal(error)
                if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                    to.unlink(missing_ok=True)
            except (OSError, http.client.HTTPException) as error:
                reason = _reason(error)
                if getattr(error, "errno", None) in NO_ROOM:
                    raise  # the fault is here, and no other route would help
            if pause is None:
                raise RouteError(f"{reason}, after {len(self.pauses_seconds) + 1} attempts")
            log.info("%s: %s; trying again in %g s", pin.name, reason, pause)
            time.sleep(pause)

    def _transfer(self, pin: Pin, to: Path) -> None:
        """Make one attempt; raise an OSError or HTTPException when it fails.

        Raises:
            RouteError: it would fail again: not encrypted, or an untrusted certificate.
        """
        start = to.stat().st_size if to.exists() else 0
        headers = {"User-Agent": "minbert-pipeline"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with _open(f"{self.folder_url}/{pin.name}", headers, self.timeout_seconds) as response:
            # a server may ignore the range and send the whole file
            with to.open("ab" if response.status == http.client.PARTIAL_CONTENT else "wb") as file:
                received = self._copy(pin, response, file)
            promised = int(response.headers.get("Content-Length", received))
        if received < promised and not pin.is_exceeded_by(to):
            raise ConnectionError(f"the transfer broke off after {received} of {promised} bytes")

    def _copy(self, pin: Pin, response: Any, file: Any) -> int:
        """Copy a response's body, saying now and then how far it is; return the bytes received."""
        received = 0
        last_line = time.monotonic()
        for chunk in chunks_of(response, pin, start=file.tell()):
            file.write(chunk)
            received += len(chunk)
            if time.monotonic() - last_line >= self.log_seconds:
                last_line = time.monotonic()
                whole = "" if pin.num_bytes is None else f" of {pin.num_bytes / 1e6:.1f}"
                log.info("%s: %.1f%s MB", pin.name, file.tell() / 1e6, whole)
        return received


class _EncryptedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirection only to where a download may begin, and never out of https."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request to follow with, as urllib asks for it."""
        try:
            _require_encryption(newurl, or_loopback=req.type == "http")
        except RouteError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_encryption(url: str, *, or_loopback: bool) -> None:
    """Refuse an address on whose way others could read along or answer in its place.

    Raises:
        RouteError: it is not https, nor (`or_loopback`) http on this machine itself.
    """
    parts = urllib.parse.urlsplit(url)
    on_this_machine = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if parts.scheme != "https" and not (or_loopback and on_this_machine):
        raise RouteError(f"{url} is not encrypted; files are fetched from https:// addresses only")


def _open(url: str, headers: Mapping[str, str], timeout_seconds: float) -> Any:
    """Ask for an address, encrypted and of a server with a trusted certificate; give the response.

    Raises:
        RouteError: it is not encrypted, leads to one that is not, or the certificate is not
            trusted.
        OSError, HTTPException: another failure, as of urllib.
    """
    _require_encryption(url, or_loopback=True)
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=ssl.create_default_context()), _EncryptedRedirects
    )
    # ruff cannot see that `file:` and its like were refused just now
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310
    try:
        return opener.open(request, timeout=timeout_seconds)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            told = error.reason.verify_message
            raise RouteError(f"the server's certificate is not trusted ({told})") from None
        raise


def _refusal(error: urllib.error.HTTPError) -> str:
    """Say how a server refused, if it may do otherwise in a moment.

    Raises:
        RouteError: it will not.
    """
    error.close()
    reason = f"HTTP status {error.code}"
    if error.code in REDIRECTIONS:  # urllib's word on why it does not follow
        reason += f" {' '.join(error.reason.split())}"
    if error.code not in TRANSIENT_STATUSES:
        raise RouteError(reason) from None
    return reason


def _reason(error: Exception) -> str:
    """Say in a few words what broke a transfer."""
    cause = getattr(error, "reason", error)  # URLError wraps what happened
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
