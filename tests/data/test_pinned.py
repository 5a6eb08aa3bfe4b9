"""pinned: the order of routes, hashes, and downloads from a server on this machine.

tests/end_to_end/test_bad_input.py has a mirror with a wrong file and servers that are absent, hang
or send the wrong content.
"""

import hashlib
import logging
import os
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from werkzeug.serving import make_ssl_devcert

from pipeline.data import pinned
from pipeline.data.pinned import MAX_BYTES, MIRROR_VARIABLE, Download, Pin, chunks_of, fetch
from pipeline.errors import FetchError
from tests.data.serving import Answer, Site, answer, serving

CONTENT = b"hidden states\n" * 50_000
GIT_SHA1 = hashlib.sha1(b"blob 700000\0" + CONTENT, usedforsecurity=False).hexdigest()
PIN = Pin("weights.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
WHOLE = answer(200, CONTENT)
HALF = answer(200, CONTENT[:300_000], promised=len(CONTENT))
TOO_MUCH = answer(206, CONTENT[:500_000])


def rest(request: BaseHTTPRequestHandler) -> None:
    """Respond to a request for a range with that range."""
    start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    answer(206, CONTENT[start:])(request)


def anew(request: BaseHTTPRequestHandler) -> None:
    """Respond to a request for the whole file; reject one for a range."""
    answer(400 if "Range" in request.headers else 200, CONTENT)(request)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return files with a self-signed certificate for localhost and its key."""
    return make_ssl_devcert(str(tmp_path_factory.mktemp("certificate") / "site"), cn="localhost")


@pytest.fixture
def secure_site(certificate: tuple[str, str]) -> Iterator[Site]:
    """Serve over https, with a certificate that is valid only with `trusted`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with serving(context) as site:
        yield site


@pytest.fixture
def trusted(certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this machine trust the secure site's certificate."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate[0])


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "mirror"
    directory.mkdir()
    monkeypatch.setenv(MIRROR_VARIABLE, str(directory))
    return directory


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "weights.bin"


def assert_nothing_in(folder: Path) -> None:
    assert list(folder.iterdir()) == []


def test_a_pin_without_a_hash_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"the pin of 'weights\.bin' has no hash"):
        Pin("weights.bin", 12)


@pytest.mark.parametrize(
    "answers",
    [
        [WHOLE],
        [answer(429), answer(500), answer(503), WHOLE],
        [HALF, rest],
        [HALF, WHOLE],
    ],
    ids=["at once", "busy server", "resumed", "a server without ranges"],
)
def test_a_downloaded_file_arrives_byte_for_byte(
    site: Site, out: Path, answers: list[Answer]
) -> None:
    site.answers = [*answers]
    fetch(PIN, [Download(site.url, retries=len(answers) - 1)], out)
    assert out.read_bytes() == CONTENT
    assert site.asked == ["/folder/weights.bin"] * len(answers)
    assert [path.name for path in out.parent.iterdir()] == ["weights.bin"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([answer(503)] * 3, "too many 503 error responses"),
        ([HALF], "broke off: IncompleteRead.300000 bytes read, 400000 more expected"),
        ([HALF, TOO_MUCH], "it is longer than 700000 bytes"),
    ],
    ids=["stays busy", "half a file", "resumed too far"],
)
def test_a_failed_download_is_explained_and_leaves_no_file(
    site: Site, out: Path, answers: list[Answer], message: str
) -> None:
    site.answers = [*answers]
    with pytest.raises(FetchError, match=message):
        fetch(PIN, [Download(site.url, retries=len(answers) - 1)], out)
    assert len(site.asked) == len(answers)
    assert_nothing_in(out.parent)


@pytest.mark.parametrize(
    ("pin", "expected"),
    [
        (PIN, PIN.sha256),
        (Pin(PIN.name, git_sha1=GIT_SHA1), GIT_SHA1),
        (Pin(PIN.name, sha256=hashlib.sha256(b"login").hexdigest(), git_sha1=GIT_SHA1), GIT_SHA1),
    ],
    ids=["sha256", "git_sha1", "both"],
)
def test_a_different_file_is_an_error_that_shows_both_hashes(
    site: Site, out: Path, pin: Pin, expected: str
) -> None:
    out.parent.mkdir()
    out.write_bytes(b"what was there")
    site.answers = [answer(200, b"login"), WHOLE]
    with pytest.raises(FetchError) as refused:
        fetch(pin, [Download(site.url, retries=3), Download(site.url)], out)
    for part in ("weights.bin", site.url, expected, "5 bytes"):
        assert part in str(refused.value)
    assert len(site.asked) == 1, "neither a retry nor another route may follow"
    assert out.read_bytes() == b"what was there"


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example/folder",
        "http://127.0.0.1.hub.example/folder",
        "http://localhost@hub.example/folder",
        "http://127.0.0.1:80@hub.example/folder",
        "ftp://127.0.0.1/folder",
        "file:///etc",
        "hub.example/folder",
        "data:",
    ],
)
def test_unencrypted_addresses_are_rejected_even_after_a_redirection(
    site: Site, out: Path, url: str
) -> None:
    site.answers = [answer(302, location=f"{url}/weights.bin")]
    for route in [Download(url), *[Download(site.url)] * ("://" in url)]:
        with pytest.raises(FetchError) as refused:
            fetch(PIN, [route], out)
        message = f"({route}: {url}/weights.bin is not encrypted; files are fetched from https"
        assert message in str(refused.value)
    assert len(site.asked) == ("://" in url)
    assert_nothing_in(out.parent)


def test_https_works_only_with_a_trusted_certificate_for_the_server(
    secure_site: Site, out: Path, request: pytest.FixtureRequest
) -> None:
    secure_site.answers = [WHOLE]
    with pytest.raises(FetchError, match="certificate verify failed: self-signed certificate"):
        fetch(PIN, [Download(secure_site.url, retries=1)], out)
    request.getfixturevalue("trusted")
    with pytest.raises(FetchError, match=r"IP address mismatch, .*'127\.0\.0\.1'"):
        fetch(PIN, [Download(secure_site.url.replace("localhost", "127.0.0.1"), retries=0)], out)
    assert secure_site.asked == []
    assert_nothing_in(out.parent)
    fetch(PIN, [Download(secure_site.url)], out)
    assert out.read_bytes() == CONTENT


@pytest.mark.usefixtures("trusted")
def test_a_redirection_never_leaves_https(secure_site: Site, site: Site, out: Path) -> None:
    secure_site.answers = [answer(302, location=f"{site.url}/weights.bin")]
    with pytest.raises(FetchError, match=f"{site.url}/weights.bin is not encrypted"):
        fetch(PIN, [Download(secure_site.url, retries=1)], out)
    assert (len(secure_site.asked), site.asked) == (1, [])


@pytest.mark.usefixtures("trusted")
def test_other_redirections_are_followed(site: Site, secure_site: Site, out: Path) -> None:
    places = [f"{site.url}/second", f"{secure_site.url}/third"]
    site.answers = [answer(302, location=place) for place in places]
    secure_site.answers = [answer(302, location="/fourth"), WHOLE]
    fetch(PIN, [Download(site.url)], out)
    assert out.read_bytes() == CONTENT
    asked = ["/folder/weights.bin", "/folder/second", "/folder/third", "/fourth"]
    assert site.asked + secure_site.asked == asked


def test_an_endless_response_is_cut_off(site: Site, out: Path) -> None:
    hung_up = threading.Event()

    def endless(request: BaseHTTPRequestHandler) -> None:
        answer(200, promised=1 << 40)(request)
        try:
            while True:
                request.wfile.write(CONTENT)
        except ConnectionError:
            hung_up.set()

    site.answers = [endless, WHOLE]
    with pytest.raises(FetchError, match="it is longer than 700000 bytes; it was not used"):
        fetch(PIN, [Download(site.url, retries=1), Download(site.url)], out)
    assert hung_up.wait(5.0)
    assert len(site.asked) == 1, "neither a retry nor another route may follow"
    assert_nothing_in(out.parent)


@pytest.mark.parametrize(
    ("num_bytes", "start", "read"),
    [(700_000, 0, 700_001), (5, 3, 3), (5, 6, 0), (None, MAX_BYTES - 9, 10)],
)
def test_an_endless_stream_is_read_one_byte_beyond_the_limit(
    num_bytes: int | None, start: int, read: int
) -> None:
    with Path("/dev/zero").open("rb") as endless:
        chunks = chunks_of(endless, Pin("x", num_bytes, "0" * 64), start)
        assert sum(len(chunk) for chunk in chunks) == read


def test_leftovers_of_a_killed_process_are_not_resumed(site: Site, out: Path) -> None:
    out.parent.mkdir()
    (out.parent / f".weights.bin.{os.getpid()}.part").write_bytes(b"remains")
    site.answers = [anew]
    fetch(PIN, [Download(site.url)], out)
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize(("seconds", "progress"), [(0.0, [0.3, 0.5, 0.7]), (60.0, [])])
def test_progress_is_logged_at_the_given_interval(
    site: Site,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    seconds: float,
    progress: list[float],
) -> None:
    monkeypatch.setattr(pinned, "LOG_SECONDS", seconds)
    caplog.set_level(logging.INFO, "pipeline")
    site.answers = [WHOLE]
    fetch(PIN, [Download(site.url)], out)
    lines = [f"weights.bin: {mb} of 0.7 MB" for mb in progress]
    assert caplog.messages == [*lines, f"weights.bin: 700000 bytes from {site.url}"]


@pytest.mark.parametrize("folder", [".", "small-bert"])
def test_the_mirror_is_tried_first_with_and_without_a_folder(
    mirror: Path, site: Site, out: Path, folder: str
) -> None:
    (mirror / folder).mkdir(exist_ok=True)
    (mirror / "weights.bin").write_bytes(b"of another backbone")
    (mirror / folder / "weights.bin").write_bytes(CONTENT)
    pin = Pin("weights.bin", None, PIN.sha256, mirror_folder="small-bert")
    fetch(pin, [Download(site.url)], out)
    assert out.read_bytes() == CONTENT
    assert site.asked == []


def test_routes_are_tried_in_order_and_the_error_names_all(
    mirror: Path, site: Site, out: Path
) -> None:
    (mirror / "weights.bin").mkdir()
    site.answers = [answer(404), WHOLE, answer(404)]
    fetch(PIN, [Download(site.url), Download(site.url)], out)
    assert out.read_bytes() == CONTENT
    with pytest.raises(FetchError) as refused:
        fetch(PIN, [Download(site.url)], out)
    assert str(refused.value) == (
        f"weights.bin could not be fetched (mirror {mirror}: does not have the file; "
        f"{site.url}: 404 Client Error: Not Found for url: {site.url}/weights.bin); put the file "
        "into a directory and name that directory in the environment variable MINBERT_MIRROR"
    )
    assert len(site.asked) == 3


def test_a_full_disk_is_reported_without_trying_another_route(site: Site) -> None:
    site.answers = [WHOLE]
    with pytest.raises(OSError, match="No space left on device"):
        Download(site.url, retries=2).fetch(PIN, Path("/dev/full"))
    assert len(site.asked) == 1
