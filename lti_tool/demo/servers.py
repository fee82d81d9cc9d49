"""WSGI applications on real sockets of this machine, for as long as a demo lives."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from lti_tool.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# How often a server looks whether it is to stop.
POLL_SECONDS = 0.05


class QuietHandler(WSGIRequestHandler):
    """Answers requests and writes no line for each."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing: the wire panel shows what came."""


class Servers:
    """Servers that end together."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._running: list[tuple[BaseWSGIServer, threading.Thread]] = []

    def serve(self, app: WSGIApplication, port: int) -> None:
        """Serve app on port in threads of its own.

        Raises:
            ConfigError: somebody listens there already.
        """
        if is_taken(self._host, port):
            raise ConfigError(f"port {port} is taken; name another one: --port")
        server = make_server(
            self._host, port, app, threaded=True, request_handler=QuietHandler
        )
        thread = threading.Thread(
            target=server.serve_forever, args=(POLL_SECONDS,), daemon=True
        )
        thread.start()
        self._running.append((server, thread))

    def stop(self) -> None:
        """End every server."""
        for server, thread in self._running:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)
        self._running.clear()


def is_taken(host: str, port: int) -> bool:
    """Tell whether somebody listens on port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def free_ports(host: str, count: int) -> list[int]:
    """Return ports nobody listens on at this moment, each once."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((host, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
