"""A web server for tests: it gives its responses in order and records the requests."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def answer(
    status: int, content: bytes = b"", promised: int | None = None, location: str = ""
) -> Answer:
    """Return a response with content, perhaps with a wrong length, or a redirection."""

    def give(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content) if promised is None else promised))
        if location:
            request.send_header("Location", location)
        request.end_headers()
        request.wfile.write(content)

    return give


class Site(ThreadingHTTPServer):
    """Serves over https if it gets a context with a certificate for localhost."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/folder"
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        if tls:
            self.url = f"https://localhost:{self.server_port}/folder"
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_: object) -> None:
        """Ignore clients that close the connection, as tests intend."""


class Handler(BaseHTTPRequestHandler):
    """Sends the next response of its site."""

    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.requestline.split()[1])  # `path` lacks a doubled slash
        self.server.answers.pop(0)(self)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run a site for the duration of the block."""
    with Site(tls) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.shutdown()
        thread.join()
