"""Serves the pages of a made-up district on loopback, each after the same delay.

Bodies are made beforehand, so that what is measured is the reader.
``python -m benchmarks.served FOLDER --latency 0.02`` prints the port it listens on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

PAGE: Final = 1000
TOKEN: Final = json.dumps(
    {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
).encode()


class Shelf:
    """The pages of a folder, cut to the size that is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._totals: dict[str, int] = json.loads((folder / "totals.json").read_text())

    def page(self, name: str, offset: int, limit: int) -> tuple[bytes, int] | None:
        """Return a page and the total of its collection; None if there is none."""
        total = self._totals.get(name)
        if total is None:
            return None
        if limit == PAGE and offset % PAGE == 0 and offset < total:
            return (self._folder / f"{name}.{offset}.json").read_bytes(), total
        rows = [
            row
            for start in range(offset // PAGE * PAGE, min(offset + limit, total), PAGE)
            for row in self._rows(name, start)
        ]
        first = offset % PAGE
        body = json.dumps({name: rows[first : first + limit]}, separators=(",", ":"))
        return body.encode(), total

    @lru_cache(maxsize=4)  # noqa: B019 -- as long as the process
    def _rows(self, name: str, start: int) -> list[object]:
        found: dict[str, list[object]] = json.loads(
            (self._folder / f"{name}.{start}.json").read_bytes()
        )
        return found[name]


class Server:
    """A OneRoster service that knows nothing but limit and offset."""

    def __init__(self, shelf: Shelf, latency: float) -> None:
        self._shelf = shelf
        self._latency = latency

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                length = next(
                    (
                        int(line.split(":")[1])
                        for line in lines
                        if line.lower().startswith("content-length:")
                    ),
                    0,
                )
                await reader.readexactly(length)
                await asyncio.sleep(self._latency)
                writer.write(self._answer(lines[0].split(" ")[1]))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, target: str) -> bytes:
        parts = urlsplit(target)
        name = parts.path.rpartition("/")[2]
        if name == "token":
            return _reply(200, TOKEN, [])
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 100))
        found = self._shelf.page(name, offset, min(limit, PAGE))
        if found is None:
            return _reply(404, b"{}", [])
        body, total = found
        return _reply(200, body, [f"X-Total-Count: {total}"])


def _reply(status: int, body: bytes, headers: list[str]) -> bytes:
    lines = [
        f"HTTP/1.1 {status} X",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _run(folder: Path, latency: float) -> None:
    server = await asyncio.start_server(
        Server(Shelf(folder), latency).serve, "127.0.0.1", 0, limit=1 << 20
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main(arguments: Sequence[str]) -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.served")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    said = parser.parse_args(arguments)
    asyncio.run(_run(said.folder, said.latency))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
