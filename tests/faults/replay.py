"""What Ed-Fi's OneRoster server once answered, over a real socket, in several manners.

As recorded: pages of at most 500 rows, no Link, no X-Total-Count, an empty page after
the last. Beyond that the server may cap its pages lower, count requests by the minute
as Ed-Fi does, and drop connections. Who waits does so by the clock that is handed in,
so that a test need not.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from oneroster.dialects import COLLECTIONS

CAP = 500
MINUTE = 60.0
ROOT = "/ims/oneroster/rostering/v1p2"


@dataclass
class Recording:
    """The recorded pages by collection and offset, their rows, and their counts."""

    pages: dict[tuple[str, int], bytes]
    rows: dict[str, list[dict[str, object]]]

    @classmethod
    def load(cls, folder: Path) -> Recording:
        found = cls({}, {})
        for entry in json.loads((folder / "index.json").read_text()):
            parts = urlsplit(entry["path"])
            name = parts.path.rsplit("/", 1)[-1]
            offset = int(parse_qs(parts.query)["offset"][0])
            body = gzip.decompress((folder / entry["file"]).read_bytes())
            found.pages[name, offset] = body
            sent = json.loads(body)[COLLECTIONS[name].key]
            found.rows.setdefault(name, []).extend(sent)
        return found

    def page(self, name: str, offset: int, limit: int) -> bytes:
        if limit == CAP and (name, offset) in self.pages:
            return self.pages[name, offset]
        rest = self.rows[name][offset : offset + limit]
        return json.dumps({COLLECTIONS[name].key: rest}).encode()


@dataclass
class Replay:
    """How the recording is served, and what was asked.

    per_minute: so many requests in any 60 seconds of ``clock``, then 429 with the
        seconds that are left, as text/html.
    drops: the requests, counted from 1, whose connection is reset in mid-answer.
    """

    recording: Recording
    cap: int = CAP
    per_minute: int | None = None
    drops: frozenset[int] = frozenset()
    clock: Callable[[], float] = time.monotonic
    url: str = ""
    asked: list[str] = field(default_factory=list)
    answered: Counter[int] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    _recent: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, target: str) -> tuple[int, dict[str, str], bytes, bool]:
        """Give status, headers, body, and whether the answer is broken off."""
        with self._lock:
            self.asked.append(target)
            number = len(self.asked)
            wait = self._wait()
        if wait is not None:
            self.answered[429] += 1
            headers = {"Content-Type": "text/html", "Retry-After": str(wait)}
            return 429, headers, b"Too many requests", False
        status, body = self._body(target)
        self.answered[status] += 1
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return status, headers, body, number in self.drops

    def _wait(self) -> int | None:
        """Count a request; the seconds by which it is too early, None if in time."""
        if self.per_minute is None:
            return None
        now = self.clock()
        while self._recent and self._recent[0] <= now - MINUTE:
            self._recent.popleft()
        if len(self._recent) >= self.per_minute:
            return int(self._recent[0] + MINUTE - now) + 1
        self._recent.append(now)
        return None

    def _body(self, target: str) -> tuple[int, bytes]:
        parts = urlsplit(target)
        name = parts.path.rsplit("/", 1)[-1]
        if not parts.path.startswith(ROOT) or name not in self.recording.rows:
            return 404, b'{"imsx_codeMajor": "failure"}'
        query = parse_qs(parts.query)
        offset = int(query.get("offset", ["0"])[0])
        limit = min(int(query.get("limit", ["100"])[0]), self.cap)
        self.pages[name] += 1
        return 200, self.recording.page(name, offset, limit)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    replay: Replay

    def do_GET(self) -> None:
        status, headers, body, is_broken = self.replay.answer(self.path)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if not is_broken:
            self.wfile.write(body)
            return
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def log_message(self, *_args: object) -> None:
        """Write nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_args: object) -> None:
        """A client that hung up is no fault of the server."""


@contextmanager
def replaying(replay: Replay) -> Iterator[Replay]:
    """Serve on a free port of this machine for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {"replay": replay})
    server = _Server(("127.0.0.1", 0), handler)
    replay.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=30)
