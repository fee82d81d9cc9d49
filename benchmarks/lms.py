"""A gradebook on loopback that does the least AGS asks, each answer after a delay.

One asyncio process, so that server and client share no interpreter. It counts every
score by column and user and keeps the one of the newest timestamp; a score that is not
newer than what it holds is refused with 409. ``GET /effects`` tells all of it at once.
``python -m benchmarks.lms --latency 0.02`` prints the port it listens on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

TOKEN: Final = json.dumps(
    {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
).encode()
Key = tuple[str, str]


class Gradebook:
    """Columns and scores of any number of courses."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, Any]] = {}
        self.held: dict[Key, dict[str, Any]] = {}
        self.taken: Counter[Key] = Counter()
        self.stale = 0
        self.asked = 0
        self._results: dict[str, dict[str, bytes]] = {}

    def answer(self, method: str, target: str, body: bytes, base: str) -> bytes:
        """Do what a request asks."""
        self.asked += 1
        path, _, query = target.partition("?")
        if path == "/token":
            return _reply(200, TOKEN)
        if path == "/effects":
            return _reply(200, json.dumps(self._effects()).encode())
        column, _, what = path.rpartition("/")
        if what == "scores":
            return self._score(column, json.loads(body))
        if what == "results":
            rows = self._results.get(column, {}).values()
            return _reply(200, b"[" + b",".join(rows) + b"]")
        if method == "POST":
            return _reply(201, self._make(base + path, json.loads(body)))
        return _reply(200, self._find(path, query))

    def _make(self, url: str, column: dict[str, Any]) -> bytes:
        number = len(self.columns) + 1
        self.columns[str(number)] = {**column, "id": f"{url}/{number}"}
        return json.dumps(self.columns[str(number)]).encode()

    def _find(self, path: str, query: str) -> bytes:
        wanted = {
            {"resource_id": "resourceId"}.get(name, name): values[0]
            for name, values in parse_qs(query).items()
        }
        found = [
            one
            for one in self.columns.values()
            if urlsplit(one["id"]).path.startswith(f"{path}/")
            and all(one.get(name) == value for name, value in wanted.items())
        ]
        return json.dumps(found).encode()

    def _score(self, column: str, score: dict[str, Any]) -> bytes:
        key = column, score["userId"]
        before = self.held.get(key)
        if before is not None and score["timestamp"] <= before["timestamp"]:
            self.stale += 1
            return _reply(409, b'{"message": "not newer"}')
        self.held[key] = score
        self.taken[key] += 1
        told = {"id": f"{column}/results/{key[1]}", "userId": key[1]}
        told |= {"resultScore": score["scoreGiven"]}
        told |= {"resultMaximum": score["scoreMaximum"]}
        self._results.setdefault(column, {})[key[1]] = json.dumps(told).encode()
        return _reply(200, b"")

    def _effects(self) -> dict[str, Any]:
        return {
            "columns": len(self.columns),
            "held": [
                [column, user, score["scoreGiven"], self.taken[column, user]]
                for (column, user), score in self.held.items()
            ],
            "stale": self.stale,
            "asked": self.asked,
        }


class _Talk(asyncio.Protocol):
    """One connection: requests one after the other, answers after the latency."""

    def __init__(self, book: Gradebook, latency: float) -> None:
        self._book, self._latency = book, latency
        self._come = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- of a TCP server
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer a request once all of it is here."""
        self._come += data
        head, end, rest = self._come.partition(b"\r\n\r\n")
        if not end:
            return
        length = _number(head.lower(), b"\r\ncontent-length:")
        if len(rest) < length:
            return
        self._come = rest[length:]
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        host = next(
            line[5:].strip().decode()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"host:")
        )
        loop = asyncio.get_running_loop()
        wait = self._latency if target != "/effects" else 0.0
        body = rest[:length]
        loop.call_later(wait, self._tell, method, target, body, f"http://{host}")

    def _tell(self, method: str, target: str, body: bytes, base: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._book.answer(method, target, body, base))


def _number(head: bytes, name: bytes) -> int:
    _, found, rest = head.partition(name)
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def _reply(status: int, body: bytes) -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _run(latency: float) -> None:
    book = Gradebook()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Talk(book, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """Serve a gradebook in a process of its own; yields its address."""
    command = [sys.executable, "-m", "benchmarks.lms", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 -- ours
        assert process.stdout is not None  # noqa: S101 -- it is a pipe
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def effects(url: str) -> dict[str, Any]:
    """What became of all that a gradebook was told."""
    with urlopen(f"{url}/effects") as answer:  # noqa: S310 -- our own server
        found: dict[str, Any] = json.load(answer)
    return found


def main(arguments: Sequence[str]) -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lms")
    parser.add_argument("--latency", type=float, default=0.0)
    asyncio.run(_run(parser.parse_args(arguments).latency))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
