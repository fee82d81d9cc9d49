"""WSGI applications on real sockets of this machine, for as long as a demo lives."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from waitress.server import create_server

from lti_tool.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 8


class Servers:
    """Servers that end together."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._running: list[tuple[object, threading.Thread]] = []

    def serve(self, app: WSGIApplication, port: int) -> None:
        """Serve app on port in a thread of its own.

        Raises:
            ConfigError: somebody listens there already.
        """
        try:
            server = create_server(app, host=self._host, port=port, threads=THREADS)
        except OSError as error:
            raise ConfigError(
                f"port {port} is taken ({error.strerror}); name another one: --port"
            ) from error
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        self._running.append((server, thread))

    def stop(self) -> None:
        """End every server."""
        for server, thread in self._running:
            server.close()  # type: ignore[attr-defined] # waitress types it as object
            thread.join(timeout=5)
        self._running.clear()


def free_ports(host: str, count: int) -> list[int]:
    """Return ports nobody listens on at this moment, each once."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((host, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            with closing(probe):
                pass
