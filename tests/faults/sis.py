"""A OneRoster service on a real socket that goes wrong where it is told to.

It serves plain JSON rows, good and bad alike, in the manner a test gives it, and notes
down every request. What goes wrong is a list of plays: each waits for its path, lets
some requests by, and then answers a number of them in place of the service.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]
Rows = dict[str, list[Row]]

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
FOREVER = 10**9
SINGLES = {"classes": "class", "categories": "category"}
NEWER = re.compile(r"dateLastModified(>=?)'([^']*)'")
# Each scope covers whole rooms here; who may read what is the provider's affair.
LIFETIME = 3600


@dataclass(frozen=True)
class Reply:
    """An answer; ``cut`` sends so many bytes of the body and resets the connection."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A request as it came; ``name`` is the last step of its path."""

    name: str
    path: str
    query: Mapping[str, str]
    token: str
    at: float


Answering = Callable[[Asked, Reply], Reply]


@dataclass
class Play:
    """What goes wrong with requests for ``name``: after ``skip``, ``times`` times."""

    name: str
    answering: Answering
    skip: int = 0
    times: int = FOREVER

    def takes(self, asked: Asked) -> bool:
        if asked.name != self.name or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Manner:
    """What the service does of what it should; all of it unless told otherwise.

    moves: it forgets to skip the rows of ``offset`` when False.
    """

    total: bool = True
    links: bool = False
    cap: int = FOREVER
    moves: bool = True
    filters: bool = True


@dataclass
class Sis:
    """The service: its rows, its manner, what goes wrong, and who asked what."""

    rows: Rows
    manner: Manner = field(default_factory=Manner)
    plays: list[Play] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    tokens: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def play(
        self, name: str, answering: Answering | Reply, *, skip: int = 0, times: int = -1
    ) -> None:
        """Let requests for a collection, or for "token", be answered otherwise."""
        answer = (
            (lambda _asked, _usual: answering)
            if isinstance(answering, Reply)
            else answering
        )
        self.plays.append(Play(name, answer, skip, FOREVER if times < 0 else times))

    def counts(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(one.name for one in self.asked)

    def find(self, collection: str, sourced_id: str) -> Row:
        return next(r for r in self.rows[collection] if r["sourcedId"] == sourced_id)

    def drop(self, collection: str, *sourced_ids: str) -> None:
        kept = [r for r in self.rows[collection] if r["sourcedId"] not in sourced_ids]
        self.rows[collection] = kept

    def answer(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            usual = self._token() if asked.name == "token" else self._read(asked)
            play = next((one for one in self.plays if one.takes(asked)), None)
        return usual if play is None else play.answering(asked, usual)

    def _token(self) -> Reply:
        self.tokens += 1
        token = {
            "access_token": f"token-{self.tokens}",
            "token_type": "Bearer",
            "expires_in": LIFETIME,
        }
        return Reply(200, json.dumps(token).encode(), JSON)

    def _read(self, asked: Asked) -> Reply:
        if asked.name in self.rows:
            return self._page(asked)
        *_, collection, key = asked.path.split("/")
        for row in self.rows.get(collection, []):
            if row.get("sourcedId") == key:
                single = SINGLES.get(collection, collection.removesuffix("s"))
                return Reply(200, json.dumps({single: row}).encode(), JSON)
        return Reply(404, b"{}", JSON)

    def _page(self, asked: Asked) -> Reply:
        rows = self.rows[asked.name]
        wanted = NEWER.fullmatch(asked.query.get("filter", ""))
        if wanted and self.manner.filters:
            rows = [r for r in rows if r.get("dateLastModified", "") >= wanted[2]]
        limit = min(int(asked.query.get("limit", 100)), self.manner.cap)
        offset = int(asked.query.get("offset", 0)) if self.manner.moves else 0
        headers = dict(JSON)
        if self.manner.total:
            headers["X-Total-Count"] = str(len(rows))
        if self.manner.links:
            first = f"{self.url}{asked.path}?limit={limit}"
            links = [f'<{first}>; rel="first"']
            if offset + limit < len(rows):
                links.append(f'<{first}&offset={offset + limit}>; rel="next"')
            headers["Link"] = ", ".join(links)
        page = {asked.name: rows[offset : offset + limit]}
        return Reply(200, json.dumps(page).encode(), headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sis: Sis

    def do_GET(self) -> None:
        self._give()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._give()

    def log_message(self, *_args: object) -> None:
        """Write nothing."""

    def _give(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        name = parts.path.rsplit("/", 1)[-1]
        reply = self.sis.answer(Asked(name, parts.path, query, token, time.monotonic()))
        time.sleep(reply.seconds)
        self.send_response(reply.status)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        if reply.cut is None:
            self.wfile.write(reply.body)
            return
        self.wfile.write(reply.body[: reply.cut])
        self.wfile.flush()
        # A reset, not a tidy end.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_args: object) -> None:
        """A client that hung up is what some tests are about."""


@contextmanager
def serving(sis: Sis, *, tls: SSLContext | None = None) -> Iterator[Sis]:
    """Serve on a free port of this machine for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {"sis": sis})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if tls is None else "https"
    sis.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield sis
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=30)


def edited(change: Callable[[Row], object]) -> Answering:
    """Answer as usual, but with a page's JSON changed in place."""

    def answer(_asked: Asked, usual: Reply) -> Reply:
        page = json.loads(usual.body)
        change(page)
        return replace(usual, body=json.dumps(page).encode())

    return answer


def says_total(*totals: int) -> Answering:
    """Answer as usual but for the total: one number a request, the last for good."""
    left = list(totals)

    def answer(_asked: Asked, usual: Reply) -> Reply:
        total = left.pop(0) if len(left) > 1 else left[0]
        return replace(usual, headers={**usual.headers, "X-Total-Count": str(total)})

    return answer


def ref(kind: str, key: str) -> Row:
    return {"href": f"{kind}/{key}", "sourcedId": key, "type": kind}


def stamped(key: str, **fields: object) -> Row:
    moment = "2026-11-01T00:00:00.000Z"
    return {
        "sourcedId": key,
        "status": "active",
        "dateLastModified": moment,
        **fields,
    }


def org(key: str, **fields: object) -> Row:
    facts = {"name": f"Org {key}", "type": "school", "identifier": key}
    return stamped(key, **facts | fields)


def course(key: str, **fields: object) -> Row:
    facts = {"title": f"Course {key}", "courseCode": key, "org": ref("org", "school")}
    return stamped(key, **facts | fields)


def sis_class(key: str, **fields: object) -> Row:
    facts = {
        "title": f"Class {key}",
        "classCode": key,
        "classType": "scheduled",
        "course": ref("course", "math"),
        "school": ref("org", "school"),
        "terms": [ref("academicSession", "fall")],
    }
    return stamped(key, **facts | fields)


def user(key: str, role: str = "student", **fields: object) -> Row:
    seat = {"roleType": "primary", "role": role, "org": ref("org", "school")}
    facts = {
        "username": key,
        "enabledUser": "true",
        "givenName": f"Given {key}",
        "familyName": f"Family {key}",
        "identifier": f"id-{key}",
        "roles": [seat],
        "primaryOrg": ref("org", "school"),
    }
    return stamped(key, **facts | fields)


def enrollment(key: str, group: str, role: str = "student", **fields: object) -> Row:
    facts = {
        "user": ref("user", key),
        "class": ref("class", group),
        "school": ref("org", "school"),
        "role": role,
        "primary": "false",
    }
    return stamped(f"{key}@{group}", **facts | fields)


def line_item(key: str, group: str, **fields: object) -> Row:
    facts = {
        "title": f"Work {key}",
        "assignDate": "2026-09-01T00:00:00.000Z",
        "dueDate": "2026-09-30T00:00:00.000Z",
        "class": ref("class", group),
        "school": ref("org", "school"),
        "category": ref("category", "quiz"),
        "academicSession": ref("academicSession", "fall"),
        "resultValueMin": 0.0,
        "resultValueMax": 10.0,
    }
    return stamped(key, **facts | fields)


def result(key: str, work: str, student: str, score: float, **fields: object) -> Row:
    facts = {
        "lineItem": ref("lineItem", work),
        "student": ref("user", student),
        "score": score,
        "scoreDate": "2026-10-01",
        "scoreStatus": "fully graded",
    }
    return stamped(key, **facts | fields)


def make_rows(students: int = 60) -> Rows:
    """One school: two classes, a teacher, so many students, each seated and scored."""
    keys = [f"s{number:03}" for number in range(students)]
    return {
        "orgs": [org("school")],
        "academicSessions": [
            stamped(
                "fall",
                title="Fall",
                type="term",
                startDate="2026-08-20",
                endDate="2026-12-20",
                schoolYear="2027",
            )
        ],
        "courses": [course("math")],
        "classes": [sis_class("a"), sis_class("b")],
        "users": [*map(user, keys), user("t", "teacher")],
        "demographics": [stamped(key, birthDate="2012-05-05") for key in keys],
        "enrollments": [
            *(enrollment(key, "a" if at % 2 else "b") for at, key in enumerate(keys)),
            enrollment("t", "a", "teacher"),
            enrollment("t", "b", "teacher"),
        ],
        "resources": [],
        "categories": [stamped("quiz", title="Quiz")],
        "scoreScales": [],
        "lineItems": [line_item("w1", "a"), line_item("w2", "b")],
        "results": [
            result(f"r-{key}", "w1" if at % 2 else "w2", key, 5.0)
            for at, key in enumerate(keys)
        ],
        "assessmentLineItems": [],
        "assessmentResults": [],
    }
