"""A requests adapter onto a WSGI app in this process."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPResponse
from itertools import chain
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_to_bytes, urlsplit

import urllib3
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class Loopback(BaseAdapter):
    """Answers every request from one WSGI app, without a socket.

    Mount it: ``session.mount("https://sis.example/", Loopback(app))``. The body
    is taken from the app as the caller reads it, headers and cookies arrive as
    from a server, and what the app raises reaches the caller. Timeouts,
    certificates and proxies do not apply.
    """

    def __init__(self, wsgi_app: "WSGIApplication") -> None:
        """Keep the app that answers."""
        super().__init__()
        self._app = wsgi_app

    def send(
        self, request: PreparedRequest, *_arguments: object, **_options: object
    ) -> Response:
        """Return the app's answer to the request."""
        wire = _Wire(_answer(self._app, _environ(request)))
        heard = HTTPResponse(cast("socket.socket", wire), method=request.method)
        heard.begin()
        raw = urllib3.HTTPResponse(
            body=heard,
            headers=urllib3.HTTPHeaderDict(heard.getheaders()),
            status=heard.status,
            reason=heard.reason,
            preload_content=False,
            original_response=heard,
            request_method=request.method,
            request_url=request.url,
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Hold nothing open, so close nothing."""


class _Chunks(io.RawIOBase):
    """A file read from an iterator of bytes, one piece at a time."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        room = memoryview(buffer)
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken, self._rest = self._rest[: len(room)], self._rest[len(room) :]
        room[: len(taken)] = taken
        return len(taken)


class _Wire:
    """What http.client takes for a socket: the reply as a server would send it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._file = io.BufferedReader(_Chunks(pieces))

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        return self._file


def _environ(request: PreparedRequest) -> "WSGIEnvironment":
    """Give the WSGI environment a server would make of the request."""
    parts = urlsplit(request.url or "")
    body = _body(request)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
        "QUERY_STRING": parts.query,
        "REQUEST_URI": target,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc.rpartition("@")[2],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = _text(value)
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            environ[f"HTTP_{key}"] = _text(value)
    return environ


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(request: PreparedRequest) -> bytes:
    """Read the whole body of the request, whichever way requests holds it."""
    body: object = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    if hasattr(body, "read"):
        return bytes(body.read())
    return b"".join(cast("Iterable[bytes]", body))


def _answer(app: "WSGIApplication", environ: "WSGIEnvironment") -> Iterator[bytes]:
    """Yield the reply's head, then its body as the app gives it."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        begun[:] = [(status, headers)]
        return written.append

    result = app(environ, start_response)
    try:
        pieces = iter(result)
        first = next(pieces, b"")
        status, headers = begun[-1]
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        lines.append("Connection: close")
        yield ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        yield from chain(written, (first,), pieces)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
