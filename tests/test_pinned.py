"""pinned: routes in order, hashes without mercy, downloads from a server on this machine."""

import errno
import hashlib
import ipaddress
import logging
import os
import re
import shutil
import ssl
import threading
import time
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

from pipeline.errors import FetchError
from pipeline.files import git_blob_sha1_of
from pipeline.pinned import MIRROR_VARIABLE, MOST_BYTES, Download, Pin, RouteError, chunks_of, fetch

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
        return Download(self.url, timeout_seconds, (0.0,) * retries, log_seconds=0.0)


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
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no mirror and no proxy stand between a test and its site."""
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


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


def test_a_pin_without_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'weights\.bin' is pinned by no hash"):
        Pin("weights.bin", 12)


def test_a_downloaded_file_arrives_byte_for_byte(site: Site, out: Path) -> None:
    site.answers = [body(CONTENT)]
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT
    assert site.asked == ["/folder/weights.bin"]
    assert [path.name for path in out.parent.iterdir()] == ["weights.bin"]


def test_a_download_of_another_file_is_an_error_that_shows_both_hashes(
    site: Site, out: Path
) -> None:
    site.answers = [body(b"<html>please log in</html>"), body(CONTENT)]
    actual = hashlib.sha256(b"<html>please log in</html>").hexdigest()
    with pytest.raises(FetchError) as refused:
        fetch(PIN, [site.route(retries=3), site.route()], out)
    for part in ("weights.bin", site.url, actual, str(PIN.sha256), "26 bytes", "700000"):
        assert part in str(refused.value)
    assert len(site.asked) == 1, "neither a retry nor another route may follow"
    assert_nothing_in(out.parent)


def test_git_blob_sha1_alone_pins_a_file(site: Site, out: Path, tmp_path: Path) -> None:
    (tmp_path / "original").write_bytes(CONTENT)
    pin = Pin("weights.bin", git_sha1=git_blob_sha1_of(tmp_path / "original"))
    site.answers = [body(CONTENT), body(CONTENT + b"!")]
    fetch(pin, [site.route()], out)
    with pytest.raises(FetchError, match=f"its git blob sha1 is .*, expected {pin.git_sha1}"):
        fetch(pin, [site.route()], out)
    assert out.read_bytes() == CONTENT, "what was there before must stay"


def test_every_hash_of_a_pin_must_match(site: Site, out: Path) -> None:
    site.answers = [body(CONTENT)]
    with pytest.raises(FetchError, match="its git blob sha1 is"):
        fetch(Pin("weights.bin", None, PIN.sha256, "0" * 40), [site.route()], out)


def test_a_missing_file_is_not_asked_for_twice(site: Site, out: Path) -> None:
    site.answers = [status(404)] * 2
    with pytest.raises(FetchError, match="HTTP status 404"):
        fetch(PIN, [site.route(retries=1)], out)
    assert len(site.asked) == 1
    assert_nothing_in(out.parent)


def test_the_next_route_is_asked_when_one_has_no_file(site: Site, out: Path) -> None:
    site.answers = [status(404), body(CONTENT)]
    fetch(PIN, [site.route(), site.route()], out)
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again(site: Site, out: Path, code: int) -> None:
    site.answers = [status(code), status(code), body(CONTENT)]
    fetch(PIN, [site.route(retries=2)], out)
    assert out.read_bytes() == CONTENT


def test_a_server_that_stays_busy_is_given_up(site: Site, out: Path) -> None:
    site.answers = [status(503)] * 4
    with pytest.raises(FetchError, match="HTTP status 503, after 3 attempts"):
        fetch(PIN, [site.route(retries=2)], out)
    assert len(site.asked) == 3


def test_half_a_file_is_never_placed(site: Site, out: Path) -> None:
    site.answers = [body(CONTENT[:300_000], promised=len(CONTENT))]
    with pytest.raises(FetchError, match="broke off after 300000 of 700000 bytes"):
        fetch(PIN, [site.route()], out)
    assert_nothing_in(out.parent)


def test_a_broken_transfer_is_taken_up_where_it_stopped(site: Site, out: Path) -> None:
    site.answers = [body(CONTENT[:300_000], promised=len(CONTENT)), rest]
    fetch(PIN, [site.route(retries=1)], out)
    assert out.read_bytes() == CONTENT


def test_a_server_that_knows_no_ranges_sends_the_whole_file_again(site: Site, out: Path) -> None:
    site.answers = [body(CONTENT[:300_000], promised=len(CONTENT)), body(CONTENT)]
    fetch(PIN, [site.route(retries=1)], out)
    assert out.read_bytes() == CONTENT


def test_a_refused_range_starts_the_file_afresh(site: Site, out: Path) -> None:
    site.answers = [body(b"x" * 9, promised=10), status(416), whole]
    fetch(PIN, [site.route(retries=2)], out)
    assert out.read_bytes() == CONTENT


def test_a_silent_server_is_not_waited_for(site: Site, out: Path) -> None:
    site.answers = [site.hang, body(CONTENT)]
    with pytest.raises(FetchError, match="no answer in time, after 1 attempts"):
        fetch(PIN, [site.route(timeout_seconds=0.1)], out)
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT


def test_a_server_that_is_not_there_is_named(out: Path) -> None:
    with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:1: Connection refused"):
        fetch(PIN, [Download("http://127.0.0.1:1", pauses_seconds=())], out)


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example/folder",
        "HTTP://hub.example/folder",
        "http://127.0.0.1.hub.example/folder",
        "http://localhost@hub.example/folder",
        "hub.example/folder",
        "ftp://127.0.0.1/folder",
        "data:",
    ],
)
def test_an_address_without_encryption_is_refused_at_once(
    out: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(FetchError) as refused:
        fetch(PIN, [Download(url)], out)
    assert f"({url}: {url}/weights.bin is not encrypted; files are fetched from" in str(
        refused.value
    )
    assert pauses == [], "there is nothing to try again"
    assert_nothing_in(out.parent)


def test_a_file_of_this_machine_is_no_download(out: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(CONTENT)
    with pytest.raises(FetchError, match=r"weights\.bin is not encrypted"):
        fetch(PIN, [Download(tmp_path.as_uri())], out)


@pytest.mark.usefixtures("trusted")
def test_https_is_spoken_to_a_server_with_a_trusted_certificate(
    secure_site: Site, out: Path
) -> None:
    secure_site.answers = [body(CONTENT)]
    fetch(PIN, [secure_site.route()], out)
    assert out.read_bytes() == CONTENT


def test_a_certificate_that_nobody_vouches_for_is_refused(secure_site: Site, out: Path) -> None:
    secure_site.answers = [body(CONTENT)] * 2
    with pytest.raises(FetchError, match=r"certificate is not trusted \(self-signed certificate\)"):
        fetch(PIN, [secure_site.route(retries=1)], out)
    assert secure_site.asked == []
    assert_nothing_in(out.parent)


@pytest.mark.usefixtures("trusted")
def test_a_trusted_certificate_of_another_host_is_refused(secure_site: Site, out: Path) -> None:
    secure_site.answers = [body(CONTENT)]
    with pytest.raises(FetchError, match=r"is not trusted \(Hostname mismatch, .*'localhost'"):
        fetch(PIN, [Download(f"https://localhost:{secure_site.port}", pauses_seconds=())], out)
    assert secure_site.asked == []


@pytest.mark.usefixtures("trusted")
def test_a_redirection_never_leaves_https(secure_site: Site, site: Site, out: Path) -> None:
    secure_site.answers = [moved(f"{site.url}/weights.bin")]
    site.answers = [body(CONTENT)]
    with pytest.raises(FetchError, match=f"{site.url}/weights.bin is not encrypted"):
        fetch(PIN, [secure_site.route(retries=1)], out)
    assert (len(secure_site.asked), site.asked) == (1, [])
    assert_nothing_in(out.parent)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("http://hub.example", "{url} is not encrypted; files are fetched from https"),
        ("ftp://hub.example", "{url} is not encrypted; files are fetched from https"),
        ("file://", "HTTP status 302 Found - Redirection to url '{url}' is not allowed"),
    ],
)
def test_a_redirection_never_leads_to_an_address_without_encryption(
    site: Site, out: Path, tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "weights.bin").write_bytes(CONTENT)
    url = f"{place}{tmp_path.as_posix()}/weights.bin"
    site.answers = [moved(url)]
    with pytest.raises(FetchError, match=re.escape(said.format(url=url))):
        fetch(PIN, [site.route(retries=1)], out)
    assert len(site.asked) == 1
    assert_nothing_in(out.parent)


@pytest.mark.usefixtures("trusted")
def test_other_redirections_are_followed(site: Site, secure_site: Site, out: Path) -> None:
    site.answers = [moved(f"{site.url}/second"), moved(f"{secure_site.url}/third")]
    secure_site.answers = [moved("/fourth"), body(CONTENT)]
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT
    assert site.asked + secure_site.asked == [
        "/folder/weights.bin",
        "/folder/second",
        "/folder/third",
        "/fourth",
    ]


def test_a_server_that_sends_without_end_is_cut_off(site: Site, out: Path) -> None:
    site.answers = [site.stream, body(CONTENT)]
    with pytest.raises(FetchError) as refused:
        fetch(PIN, [site.route(retries=1), site.route()], out)
    assert "is not the pinned file: it is longer than 700000 bytes; nothing" in str(refused.value)
    assert site.closing.wait(5.0), "the server must be hung up on"
    assert len(site.asked) == 1, "neither a retry nor another route may follow"
    assert_nothing_in(out.parent)


def test_a_transfer_taken_up_again_has_the_same_end(site: Site, out: Path) -> None:
    def too_much(request: BaseHTTPRequestHandler) -> None:
        request.send_response(206)
        request.send_header("Content-Length", "500000")
        request.end_headers()
        request.wfile.write(CONTENT[:500_000])

    site.answers = [body(CONTENT[:300_000], promised=len(CONTENT)), too_much]
    with pytest.raises(FetchError, match="longer than 700000 bytes"):
        fetch(PIN, [site.route(retries=1)], out)


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
    class Careless:
        def bring(self, pin: Pin, to: Path) -> None:
            assert not to.exists()
            raise RouteError("none")

    out.parent.mkdir()
    (out.parent / f".weights.bin.{os.getpid()}.part").write_bytes(b"remains")
    with pytest.raises(FetchError):
        fetch(PIN, [Careless()], out)


def test_progress_is_told_in_lines(site: Site, out: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    site.answers = [body(CONTENT)]
    fetch(PIN, [site.route()], out)
    *progress, last = caplog.messages
    assert progress == [f"weights.bin: {mb} of 0.7 MB" for mb in (0.3, 0.5, 0.7)]
    assert last == f"weights.bin: 700000 bytes from {site.url}"


def test_progress_is_not_told_more_often_than_asked(
    site: Site, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site.answers = [body(CONTENT)]
    fetch(PIN, [Download(site.url, log_seconds=60.0)], out)
    assert len(caplog.messages) == 1


def test_the_mirror_is_asked_first(mirror: Path, site: Site, out: Path) -> None:
    (mirror / "weights.bin").write_bytes(CONTENT)
    fetch(PIN, [site.route()], out)
    assert out.read_bytes() == CONTENT
    assert site.asked == []


def test_the_mirror_may_keep_a_file_in_its_own_folder(mirror: Path, out: Path) -> None:
    (mirror / "small-bert").mkdir()
    (mirror / "small-bert" / "weights.bin").write_bytes(CONTENT)
    (mirror / "weights.bin").write_bytes(b"of another backbone")
    fetch(Pin("weights.bin", None, PIN.sha256, mirror_folder="small-bert"), [], out)
    assert out.read_bytes() == CONTENT


def test_a_mirror_without_the_file_sends_on_to_the_next_route(
    mirror: Path, site: Site, out: Path
) -> None:
    (mirror / "weights.bin").mkdir()
    site.answers = [body(CONTENT)]
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


def test_a_mirror_that_is_no_directory_is_refused(
    out: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "/no/such/place")
    with pytest.raises(FetchError, match="MINBERT_MIRROR names '/no/such/place', which is not a"):
        fetch(PIN, [site.route()], out)
    assert site.asked == []


def test_an_empty_variable_is_no_mirror(
    out: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "")
    site.answers = [body(CONTENT)]
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
        f"{site.url}: HTTP status 404); put the file into a directory and name that directory "
        "in the environment variable MINBERT_MIRROR"
    )


@pytest.mark.parametrize("route", ["mirror", "download"])
def test_a_full_disk_is_told_at_once_and_no_other_route_is_tried(
    route: str,
    site: Site,
    out: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if route == "mirror":
        (request.getfixturevalue("mirror") / PIN.name).write_bytes(CONTENT)
        monkeypatch.setattr(shutil, "copyfile", full)
    else:
        site.answers = [body(CONTENT)]
        monkeypatch.setattr(Download, "_copy", full)
    with pytest.raises(OSError, match="No space left on device"):
        fetch(PIN, [site.route(retries=2)], out)
    assert not out.exists()
