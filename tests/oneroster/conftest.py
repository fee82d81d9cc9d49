"""A service that answers over a real socket just what a test tells it to."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        query = urlsplit(self.target).query
        return {name: values[-1] for name, values in parse_qs(query).items()}

    @staticmethod
    def reply(
        body: bytes = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> "Reply":
        return Reply(body, status, headers or {}, cut)


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Peer:
    url: str
    asked: list[Asked] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    peer: Peer
    answer: Callable[[Asked], Reply]

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            self.command, self.path, dict(self.headers), self.rfile.read(size)
        )
        self.peer.asked.append(asked)
        reply = type(self).answer(asked)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        length = len(reply.body) + (10 if reply.cut else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = self.close_connection or reply.cut

    do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, *_args: object) -> None:
        """Stay silent."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_args: object) -> None:
        """Stay silent when a client hangs up, as one out of patience does."""


Serve = Callable[[Callable[[Asked], Reply]], Peer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(answer: Callable[[Asked], Reply]) -> Peer:
        peer = Peer("")
        handler = type(
            "Handler", (_Handler,), {"peer": peer, "answer": staticmethod(answer)}
        )
        server = _Server(("127.0.0.1", 0), handler)
        peer.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return peer

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()
