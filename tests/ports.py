"""Ports for servers whose address is told before they listen."""

from __future__ import annotations

import itertools
import os

from lti_tool.demo.servers import is_taken

# Below those the system gives to whoever asks for any: a port that is free now stays
# so, for each process of the suite takes from a stretch of its own.
_FIRST, _STRETCH, _STRETCHES = 20_000, 250, 48
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_from = _FIRST + (os.getppid() + _worker) % _STRETCHES * _STRETCH
_ports = itertools.cycle(range(_from, _from + _STRETCH))


def free_port() -> int:
    return next(port for port in _ports if not is_taken("127.0.0.1", port))
