"""pinned: routes in order, hashes without mercy, downloads from a server on this machine."""

import hashlib
import ipaddress
import logging
import os
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.core.files import git_blob_sha1_of
from pipeline.data.pinned import MIRROR_VARIABLE, MOST_BYTES, Download, Pin, chunks_of, fetch
from pipeline.errors import FetchError

CONTENT = b"hidden states\n" * 50_000
PIN = Pin("weights.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
Answer = Callable[[BaseHTTPRequestHandler], None]


def body(content: bytes, promised: int | None = None) -> Answer:
    """Answer with content, after promising maybe more than there is."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(promised or len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def status(code: int) -> Answer:
    return lambda request: request.send_error(code)


def moved(url: str) -> Answer:
    """Answer that the file is elsewhere."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", url)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def rest(request: BaseHTTPRequestHandler) -> None:
    """Answer a request for a range, as asked; without one, with an error."""
    asked = request.headers.get("Range")
    if asked is None:
        return request.send_error(400)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    request.send_response(206)
    request.send_header("Content-Length", str(len(CONTENT) - start))
    request.end_headers()
    request.wfile.write(CONTENT[start:])
    return None


def whole(request: BaseHTTPRequestHandler) -> None:
    """Answer a request for the whole file; one for a range, with an error."""
    answer = body(CONTENT) if request.headers.get("Range") is None else status(400)
    answer(request)


class Site:
    """A web server that gives the answers it was told, in order, and notes what was asked."""

    def __init__(self, server: ThreadingHTTPServer, scheme: str) -> None:
        self.port = server.server_port
        self.url = f"{scheme}://127.0.0.1:{self.port}/folder"
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        self.closing = threading.Event()

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        self.closing.wait()

    def stream(self, request: BaseHTTPRequestHandler) -> None:
        """Send without end, until the other side has had enough."""
        request.send_response(200)
        request.send_header("Content-Length", str(1 << 40))
        request.end_headers()
        request.connection.settimeout(5.0)
        try:
            while True:
                request.wfile.write(CONTENT)
        except OSError:
            self.closing.set()

    def route(self, retries: int = 0, timeout_seconds: float = 5.0) -> Download:
        return Download(self.url, timeout_seconds, retries, log_seconds=0.0)


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run a site until the block ends, over https if there is a context with its certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.answers.pop(0)(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of a client that hung up: this is what tests look for."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        site = Site(server, "https" if tls else "http")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the certificate and key of 127.0.0.1, signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test of minbert-pipeline")])
    now = datetime.now(UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(host, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        made.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def secure_site(certificate: Path) -> Iterator[Site]:
    """Serve over https, with a certificate that only `trusted` makes good."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as site:
        yield site


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the secure site's certificate to those that this machine trusts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no mirror and no proxy stand between a test and its site."""
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setattr("urllib3.Retry.DEFAULT_BACKOFF_MAX", 0)


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


def too_much(request: BaseHTTPRequestHandler) -> None:
    """Answer a request for a range with more than the rest."""
    request.send_response(206)
    request.send_header("Content-Length", "500000")
    request.end_headers()
    request.wfile.write(CONTENT[:500_000])


HALF = body(CONTENT[:300_000], promised=len(CONTENT))
WHOLE = body(CONTENT)


def test_a_pin_without_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'weights\.bin' is pinned by no hash"):
        Pin("weights.bin", 12)


@pytest.mark.parametrize(
    ("answers", "retries"),
    [
        ([WHOLE], 0),
        ([status(429), status(500), status(503), WHOLE], 3),
        ([HALF, rest], 1),
        ([HALF, WHOLE], 1),  # the server knows no ranges
        ([body(b"x" * 9, promised=10), status(416), whole], 2),
    ],
    ids=["at once", "busy server", "resumed", "sent again", "range refused"],
)
def test_a_downloaded_file_arrives_byte_for_byte(
    site: Site, out: Path, answers: list[Answer], retries: int
) -> None:
    site.answers = list(answers)
    fetch(PIN, [site.route(retries)], out)
    assert out.read_bytes() == CONTENT
    assert site.asked == ["/folder/weights.bin"] * len(answers)
    assert [path.name for path in out.parent.iterdir()] == ["weights.bin"]


@pytest.mark.parametrize(
    ("answers", "retries", "said"),
    [
        ([status(404)], 1, "404 Client Error: Not Found"),
        ([status(503)] * 3, 2, "too many 503 error responses"),
        ([HALF], 0, "broke off: IncompleteRead.300000 bytes read, 400000 more expected"),
        ([HALF, too_much], 1, "it is longer than 700000 bytes"),
    ],
    ids=["missing", "stays busy", "half a file", "resumed too far"],
)
def test_what_a_server_does_not_send_is_said_and_nothing_is_placed(
    site: Site, out: Path, answers: list[Answer], retries: int, said: str
) -> None:
    site.answers = list(answers)
    with pytest.raises(FetchError, match=said):
        fetch(PIN, [site.route(retries)], out)
    assert len(site.asked) == len(answers)
    assert_nothing_in(out.parent)


@pytest.mark.parametrize("pins", ["sha256", "git_sha1", "both"])
def test_another_file_is_an_error_that_shows_both_hashes(
    site: Site, out: Path, tmp_path: Path, pins: str
) -> None:
    (tmp_path / "original").write_bytes(CONTENT)
    git_sha1 = git_blob_sha1_of(tmp_path / "original")
    pin, expected = {
        "sha256": (PIN, str(PIN.sha256)),
        "git_sha1": (Pin(PIN.name, git_sha1=git_sha1), git_sha1),
        "both": (Pin(PIN.name, None, hashlib.sha256(b"login").hexdigest(), git_sha1), git_sha1),
    }[pins]
    out.parent.mkdir()
    out.write_bytes(b"what was there")
    site.answers = [body(b"login"), WHOLE]
    with pytest.raises(FetchError) as refused:
        fetch(pin, [site.route(retries=3), site.route()], out)
    for part in ("weights.bin", site.url, expected, "5 bytes"):
        assert part in str(refused.value)
    assert len(site.asked) == 1, "neither a retry nor another route may follow"
    assert out.read_bytes() == b"what was there"


def test_the_next_route_is_asked_when_one_has_no_file(site: Site, out: Path) -> None:
    site.answers = [status(404), WHOLE]
    fetch(PIN, [site.route(), site.route()], out)
    assert out.read_bytes() == CONTENT


def test_a_silent_server_is_not_waited_for(site: Site, out: Path) -> None:
    site.answers = [site.hang]
    with pytest.raises(FetchError, match="Read timed out"):
        fetch(PIN, [site.route(timeout_seconds=0.1)], out)


def test_a_server_that_is_not_there_is_named(out: Path) -> None:
    with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:1: .*Connection refused"):
        fetch(PIN, [Download("http://127.0.0.1:1", retries=0)], out)


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example/folder",
        "HTTP://hub.example/folder",
        "http://127.0.0.1.hub.example/folder",
        "http://localhost@hub.example/folder",
        "http://127.0.0.1:80@hub.example/folder",
        "hub.example/folder",
        "ftp://127.0.0.1/folder",
        "file:///etc",
        "data:",
    ],
)
def test_an_address_without_encryption_is_refused(out: Path, url: str) -> None:
    with pytest.raises(FetchError) as refused:
        fetch(PIN, [Download(url)], out)
    said = f"({url}: {url}/weights.bin is not encrypted; files are fetched from https"
    assert said in str(refused.value)
    assert_nothing_in(out.parent)


def test_https_is_spoken_to_servers_with_a_trusted_certificate_of_theirs(
    secure_site: Site, out: Path, request: pytest.FixtureRequest
) -> None:
    secure_site.answers = [WHOLE]
    with pytest.raises(FetchError, match="certificate verify failed: self-signed certificate"):
        fetch(PIN, [secure_site.route(retries=1)], out)
    request.getfixturevalue("trusted")
    with pytest.raises(FetchError, match=r"Hostname mismatch, .*'localhost'"):
        fetch(PIN, [Download(f"https://localhost:{secure_site.port}", retries=0)], out)
    assert secure_site.asked == []
    assert_nothing_in(out.parent)
    fetch(PIN, [secure_site.route()], out)
    assert out.read_bytes() == CONTENT


@pytest.mark.usefixtures("trusted")
def test_a_redirection_never_leaves_https(secure_site: Site, site: Site, out: Path) -> None:
    secure_site.answers = [moved(f"{site.url}/weights.bin")]
    site.answers = [WHOLE]
    with pytest.raises(FetchError, match=f"{site.url}/weights.bin is not encrypted"):
        fetch(PIN, [secure_site.route(retries=1)], out)
    assert (len(secure_site.asked), site.asked) == (1, [])
    assert_nothing_in(out.parent)


@pytest.mark.parametrize("place", ["http://hub.example", "ftp://hub.example", "file://"])
def test_a_redirection_never_leads_to_an_address_without_encryption(
    site: Site, out: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "weights.bin").write_bytes(CONTENT)
    url = f"{place}{tmp_path.as_posix()}/weights.bin"
    site.answers = [moved(url)]
    with pytest.raises(FetchError, match=re.escape(f"{url} is not encrypted; files are fetched")):
        fetch(PIN, [site.route(retries=1)], out)
    assert len(site.asked) == 1
    assert_nothing_in(out.parent)


@pytest.mark.usefixtures("trusted")
def test_other_redirections_are_followed(site: Site, secure_site: Site, out: Path) -> None:
    site.answers = [moved(f"{site.url}/second"), moved(f"{secure_site.url}/third")]
    secure_site.answers = [moved("/fourth"), WHOLE]
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT
    asked = ["/folder/weights.bin", "/folder/second", "/folder/third", "/fourth"]
    assert site.asked + secure_site.asked == asked


def test_a_server_that_sends_without_end_is_cut_off(site: Site, out: Path) -> None:
    site.answers = [site.stream, WHOLE]
    with pytest.raises(FetchError, match="it is longer than 700000 bytes; nothing was used"):
        fetch(PIN, [site.route(retries=1), site.route()], out)
    assert site.closing.wait(5.0), "the server must be hung up on"
    assert len(site.asked) == 1, "neither a retry nor another route may follow"
    assert_nothing_in(out.parent)


@pytest.mark.parametrize(
    ("num_bytes", "start", "read"),
    [(700_000, 0, 700_001), (5, 3, 3), (5, 6, 0), (None, MOST_BYTES - 9, 10)],
)
def test_of_an_endless_stream_one_byte_too_many_is_read(
    num_bytes: int | None, start: int, read: int
) -> None:
    with Path("/dev/zero").open("rb") as endless:
        chunks = chunks_of(endless, Pin("x", num_bytes, "0" * 64), start)
        assert sum(len(chunk) for chunk in chunks) == read


def test_what_a_killed_run_left_is_not_built_upon(site: Site, out: Path) -> None:
    out.parent.mkdir()
    (out.parent / f".weights.bin.{os.getpid()}.part").write_bytes(b"remains")
    site.answers = [whole]
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize(("seconds", "progress"), [(0.0, [0.3, 0.5, 0.7]), (60.0, [])])
def test_progress_is_logged_no_more_often_than_asked(
    site: Site, out: Path, caplog: pytest.LogCaptureFixture, seconds: float, progress: list[float]
) -> None:
    caplog.set_level(logging.INFO, "pipeline")
    site.answers = [WHOLE]
    fetch(PIN, [Download(site.url, log_seconds=seconds)], out)
    lines = [f"weights.bin: {mb} of 0.7 MB" for mb in progress]
    assert caplog.messages == [*lines, f"weights.bin: 700000 bytes from {site.url}"]


@pytest.mark.parametrize("folder", [".", "small-bert"])
def test_the_mirror_is_asked_first_at_its_top_or_in_a_folder(
    mirror: Path, site: Site, out: Path, folder: str
) -> None:
    (mirror / folder).mkdir(exist_ok=True)
    (mirror / "weights.bin").write_bytes(b"of another backbone")
    (mirror / folder / "weights.bin").write_bytes(CONTENT)
    fetch(Pin("weights.bin", None, PIN.sha256, mirror_folder="small-bert"), [site.route()], out)
    assert out.read_bytes() == CONTENT
    assert site.asked == []


def test_a_mirror_without_the_file_sends_on_to_the_next_route(
    mirror: Path, site: Site, out: Path
) -> None:
    (mirror / "weights.bin").mkdir()
    site.answers = [WHOLE]
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT


def test_a_wrong_file_in_the_mirror_is_an_error_and_no_fallback(
    mirror: Path, site: Site, out: Path
) -> None:
    (mirror / "weights.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(FetchError) as refused:
        fetch(PIN, [site.route()], out)
    for part in (f"weights.bin from mirror {mirror}", "sha256", str(PIN.sha256), "699999 bytes"):
        assert part in str(refused.value)
    assert site.asked == []
    assert_nothing_in(out.parent)


def test_the_variable_names_a_directory_or_is_empty(
    out: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "/no/such/place")
    with pytest.raises(FetchError, match="MINBERT_MIRROR names '/no/such/place', which is not a"):
        fetch(PIN, [site.route()], out)
    assert site.asked == []
    monkeypatch.setenv(MIRROR_VARIABLE, "")
    site.answers = [WHOLE]
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT


def test_when_no_route_has_the_file_one_sentence_says_all(
    mirror: Path, site: Site, out: Path
) -> None:
    site.answers = [status(404)]
    with pytest.raises(FetchError) as refused:
        fetch(PIN, [site.route()], out)
    assert str(refused.value) == (
        f"weights.bin could not be fetched (mirror {mirror}: does not have the file; "
        f"{site.url}: 404 Client Error: Not Found for url: {site.url}/weights.bin); put the file "
        "into a directory and name that directory in the environment variable MINBERT_MIRROR"
    )


def test_a_full_disk_is_raised_at_once_and_no_other_route_is_tried(site: Site) -> None:
    site.answers = [WHOLE]
    with pytest.raises(OSError, match="No space left on device"):
        site.route(retries=2).bring(PIN, Path("/dev/full"))
    assert len(site.asked) == 1
