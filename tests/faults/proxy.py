"""A proxy between us and a server that does to requests what bad networks do.

Plain HTTP over TCP on this machine. Each request is one connection to the server; what
goes wrong with it is decided by number, so that a test may repeat what happened.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "pass",
    "delay",
    "reset",
    "cut",
    "drop",
    "duplicate",
    "status",
    "reorder",
    "late",
    "throttle",
    "page",
]

# Those that any client may meet, and with them those of a client that writes.
KINDS: tuple[Kind, ...] = ("delay", "reset", "cut", "drop", "duplicate", "status")
EVERY: tuple[Kind, ...] = (*KINDS, "reorder", "late", "throttle", "page")
MOST_SECONDS = 60.0
REASONS = {
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}
OURS: dict[str, tuple[int, bytes]] = {
    "throttle": (403, b"403 Forbidden (Rate Limit Exceeded)"),
    "page": (200, b"<p>Sign in</p>"),
}


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    delay: the answer comes ``seconds`` late.
    reset: the connection is reset before the server hears of it.
    cut: ``octets`` of the answer arrive, then the connection is reset.
    drop: the server does as it was asked, the answer is lost.
    duplicate: the server hears it twice, the second answer arrives.
    status: the proxy itself answers with ``status`` and ``headers``.
    reorder: a later request overtakes it, or ``seconds`` pass; then it goes through.
    late: the connection is reset, and the server hears of it after a later one.
    throttle: the proxy says 403 in the words by which Canvas throttles.
    page: the proxy says 200 and shows a page to sign in on, as a hotel's does.
    """

    kind: Kind = "pass"
    seconds: float = 0.0
    octets: int = 0
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """One request as the proxy saw it, and what became of it."""

    number: int
    method: str
    target: str
    kind: Kind


Decide = Callable[[int, str, str], Fault]
PASS = Fault()


def by_number(faults: Mapping[int, Fault]) -> Decide:
    """Decide by the number of the request, counted from 1; the others pass."""
    return lambda number, _method, _target: faults.get(number, PASS)


def by_chance(seed: int, ratio: float, kinds: Sequence[Kind] = KINDS) -> Decide:
    """Let so many of the requests go wrong, always the same from a seed."""
    chance = random.Random(seed)  # noqa: S311 -- a test repeats what happened

    def decide(_number: int, _method: str, _target: str) -> Fault:
        if chance.random() >= ratio:
            return PASS
        return Fault(
            chance.choice(kinds),
            seconds=0.02,
            octets=chance.randrange(600),
            status=chance.choice([429, 500, 502, 503, 504]),
        )

    return decide


class Proxy:
    """One proxy before one server; ``decide`` may be changed at any moment."""

    def __init__(self, port: int, decide: Decide) -> None:
        self.decide = decide
        self.seen: list[Seen] = []
        self.url = ""
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._ready = threading.Event()
        self._passed = 0  # the highest number that the server has answered
        self._overtaken = asyncio.Condition()
        self._later = set[asyncio.Task[bytes]]()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._over.wait()
        server.close()
        others = [
            one for one in asyncio.all_tasks() if one is not asyncio.current_task()
        ]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(MOST_SECONDS):
                request = await _read_request(reader)
                await self._pass_on(request, writer)
        writer.close()

    async def _pass_on(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        method, target, _ = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        number = len(self.seen) + 1
        fault = self.decide(number, method, target)
        self.seen.append(Seen(number, method, target, fault.kind))
        if await self._stops(fault, request, writer):
            return
        if fault.kind == "duplicate":
            await self._ask(request)
        if fault.kind == "reorder":
            answer = await self._ask_later(request, number, fault.seconds)
        else:
            answer = await self._ask(request)
            await asyncio.sleep(fault.seconds)
        async with self._overtaken:
            self._passed = max(self._passed, number)
            self._overtaken.notify_all()
        if fault.kind == "drop":
            _reset(writer)
            return
        if fault.kind == "cut":
            await _write(writer, answer[: fault.octets])
            _reset(writer)
            return
        await _write(writer, answer)

    async def _stops(
        self, fault: Fault, request: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        """Tell whether a request goes no further now; its client has been told."""
        if fault.kind in {"status", *OURS}:
            await _write(writer, _refusal(fault))
            return True
        if fault.kind == "late":
            number = len(self.seen)
            task = asyncio.create_task(self._ask_later(request, number, fault.seconds))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        if fault.kind in {"reset", "late"}:
            _reset(writer)
            return True
        return False

    async def _ask_later(self, request: bytes, number: int, seconds: float) -> bytes:
        """Ask once a later request has been answered, or so many seconds are over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._overtaken:
                await self._overtaken.wait_for(lambda: self._passed > number)
        return await self._ask(request)

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        await _write(writer, request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        answer = await reader.read(-1)
        writer.close()
        return answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@contextmanager
def proxying(url: str, decide: Decide) -> Iterator[Proxy]:
    """Stand before the server of a URL for as long as the block lasts."""
    proxy = Proxy(int(url.rsplit(":", 1)[1]), decide)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [
        line
        for line in head[:-4].split(b"\r\n")
        if not line.lower().startswith(b"connection:")
    ]
    length = next(
        (
            int(line.split(b":", 1)[1])
            for line in lines
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + await reader.readexactly(length)


async def _write(writer: asyncio.StreamWriter, octets: bytes) -> None:
    writer.write(octets)
    await writer.drain()


def _refusal(fault: Fault) -> bytes:
    status, body = OURS.get(fault.kind, (fault.status, b"<h1>no</h1>"))
    reason = REASONS.get(status, "No")
    headers = {
        "Content-Type": "text/html",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **fault.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode() + body


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection at once, unsent bytes and all: the other side sees a reset."""
    plug: socket.socket | None = writer.get_extra_info("socket")
    if plug is not None:
        linger = struct.pack("ii", 1, 0)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
