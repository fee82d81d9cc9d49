"""Launches over sockets: how many a second, and how long the slowest hundredth takes.

The tool as `serve` runs it (waitress in one process, gunicorn in two) beside the plain
pylti1p3 Flask example under waitress, in turn, at 1, 4 and 16 clients. A launch is its
login, the platform's token, and the post that must be let in; timed is the post. The
clients share the machine's cores with the servers.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

from benchmarks.bench import Bench, Finding, check, now
from benchmarks.cases.launch import ISSUER, launch_claims
from lti_tool.storage import registrations
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration

CLIENTS = (1, 4, 16)
LAUNCHES = {"S": 96, "M": 480}
COMMAND = [sys.executable, "-c", "from lti_tool.cli import main; main()"]
PROCESSES = 2
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# An address may begin 300 logins in 10 s; a client takes another one in time.
LOGINS_AN_ADDRESS = 100


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is served: its name, its port, and the status of a launch let in."""

    name: str
    port: int
    let_in: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def measure(bench: Bench) -> list[Finding]:
    """Time launches of each tool in turn, at each number of clients."""
    key = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
    with ExitStack() as stack, bench.database() as database:
        keys_url, fetched = stack.enter_context(_key_set(key))
        stock = stack.enter_context(_stock(bench, keys_url))
        ours = [
            stack.enter_context(_ours(bench, database, keys_url, processes))
            for processes in (1, PROCESSES)
        ]
        for tool in (stock, *ours):
            _run(tool, key, 4, 8)  # warms up: keys are fetched, the place is known
        before = len(fetched)
        findings = [
            finding
            for tool in ours
            for clients in CLIENTS
            for finding in _beside(bench, tool, stock, key, clients)
        ]
        check(len(fetched) == before, "a launch fetched the platform's keys")
    return findings


def _beside(
    bench: Bench, tool: Tool, stock: Tool, key: RSAKey, clients: int
) -> list[Finding]:
    count = LAUNCHES[bench.size]
    rates, slow, shown = [], [], []
    for _ in range(bench.repeat):
        ours, theirs = (_run(one, key, clients, count) for one in (tool, stock))
        rates.append((ours.rate, theirs.rate))
        slow.append((ours.p99, theirs.p99))
        shown.append(ours.p99 / ours.p50)
    told = [statistics.median(side) for side in zip(*rates, strict=True)]
    late = [statistics.median(side) for side in zip(*slow, strict=True)]
    print(
        f"    {tool.name}, {clients} clients: {told[0]:.0f} launches/s, p99 "
        f"{late[0] * 1000:.0f} ms; pylti1p3: {told[1]:.0f}/s, p99 "
        f"{late[1] * 1000:.0f} ms"
    )
    name = f"{tool.name}, {clients} clients"
    return [
        Finding(f"{name}: launches a second / pylti1p3's", "wall", tuple(rates)),
        Finding(f"{name}: p99 / pylti1p3's", "wall", tuple(slow)),
        Finding(
            f"{name}: p99 / p50",
            "wall",
            tuple((one, 1.0) for one in shown),
            "<= 5 (L5, at half the saturation rate)",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Times:
    """What a round of launches showed."""

    rate: float
    p50: float
    p99: float


def _run(tool: Tool, key: RSAKey, clients: int, count: int) -> Times:
    """Launch count times by so many clients at once."""
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        each = [
            pool.submit(_launches, tool, key, math.ceil(count / clients))
            for _ in range(clients)
        ]
        taken = sorted(second for one in each for second in one.result())
    whole = time.perf_counter() - started
    last = math.ceil(len(taken) * 0.99) - 1
    return Times(len(taken) / whole, statistics.median(taken), taken[last])


_place = threading.Lock()
_used = [0]


def _address() -> str:
    """Give a loopback address nobody has used lately."""
    with _place:
        _used[0] += 1
        number = _used[0]
    return f"127.{1 + number // 60_000}.{number // 250 % 240}.{1 + number % 250}"


def _launches(tool: Tool, key: RSAKey, count: int) -> list[float]:
    """One client's launches over a connection it keeps; gives the seconds of each."""
    taken: list[float] = []
    for first in range(0, count, LOGINS_AN_ADDRESS):
        line = http.client.HTTPConnection(
            "127.0.0.1", tool.port, timeout=60, source_address=(_address(), 0)
        )
        with closing(line):
            turns = range(first, min(first + LOGINS_AN_ADDRESS, count))
            taken += [_launch(tool, line, key) for _ in turns]
    return taken


def _launch(tool: Tool, line: http.client.HTTPConnection, key: RSAKey) -> float:
    login = {
        "iss": ISSUER,
        "client_id": "bench",
        "login_hint": "u1",
        "target_link_uri": f"{tool.url}/lti/launch",
    }
    answer = _post(line, "/lti/login", login, {})
    cookies = [
        text.partition(";")[0] for text in answer.headers.get_all("Set-Cookie") or []
    ]
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    claims = launch_claims(asked["nonce"][0], f"{tool.url}/lti/launch")
    header = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    token = jws.serialize_compact(header, json.dumps(claims).encode(), key)
    fields = {"state": asked["state"][0], "id_token": token}
    started = time.perf_counter()
    answer = _post(line, "/lti/launch", fields, {"Cookie": "; ".join(cookies)})
    seconds = time.perf_counter() - started
    check(answer.status == tool.let_in, f"{tool.name} answers {answer.status}")
    return seconds


def _post(
    line: http.client.HTTPConnection,
    path: str,
    fields: dict[str, str],
    headers: dict[str, str],
) -> http.client.HTTPResponse:
    line.request("POST", path, urlencode(fields), FORM | headers)
    answer = line.getresponse()
    answer.read()
    return answer


@contextmanager
def _key_set(key: RSAKey) -> Iterator[tuple[str, list[str]]]:
    """Serve the platform's keys; gives their address, and who asked for them."""
    body = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
    fetched: list[str] = []

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the key set."""
            fetched.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks", fetched
        server.shutdown()
        thread.join()


@contextmanager
def _process(words: list[str], port: int, env: dict[str, str]) -> Iterator[None]:
    """Run a server until it answers, and end it afterwards."""
    child = subprocess.Popen(  # noqa: S603 -- our own words
        words,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with closing(socket.socket()) as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            check(child.poll() is None, "a server did not start")
            time.sleep(0.1)
        yield
    finally:
        child.terminate()
        child.wait(30)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _ours(
    bench: Bench, database: Database, keys_url: str, processes: int
) -> Iterator[Tool]:
    server = "waitress" if processes == 1 else f"gunicorn x{processes}"
    tool = Tool(server, _free_port(), 303)
    with database.write() as session:
        if registrations.find_registration(session, ISSUER, "bench") is None:
            new = NewRegistration(
                name="bench",
                issuer=ISSUER,
                client_id="bench",
                auth_url=f"{ISSUER}/auth",
                token_url=f"{ISSUER}/token",
                jwks_url=keys_url,
            )
            registrations.add_registration(
                session, new, deployment_ids=["1"], now=now()
            )
    secret = bench.folder / "secret.key"
    secret.write_bytes(b"k" * 32)
    url = database.engine.url.render_as_string(hide_password=False)
    env = {
        "MASTERYBRIDGE_DATABASE_URL": url.replace("postgresql+psycopg", "postgresql"),
        "MASTERYBRIDGE_DATA_DIR": str(bench.folder),
        "MASTERYBRIDGE_SECRET_KEY_FILE": str(secret),
        "MASTERYBRIDGE_PUBLIC_URL": tool.url,
        "MASTERYBRIDGE_LOCAL_NETWORK": "127.0.0.1",
    }
    words = ["serve", "--port", str(tool.port), "--workers", str(processes)]
    with _process([*COMMAND, *words, "--no-worker"], tool.port, env):
        yield tool


@contextmanager
def _stock(bench: Bench, keys_url: str) -> Iterator[Tool]:
    tool = Tool("pylti1p3", _free_port(), 200)
    path = bench.folder / "stock.json"
    path.write_text(json.dumps(stock_settings(tool.url, keys_url)))
    words = [sys.executable, "-m", "benchmarks.stock", str(tool.port), str(path)]
    root = str(Path(__file__).resolve().parents[2])
    with _process(words, tool.port, {"PYTHONPATH": root}):
        yield tool


def stock_settings(url: str, keys_url: str) -> dict[str, Any]:
    """Return what the example's configuration file holds."""
    return {
        "iss": ISSUER,
        "launch_url": f"{url}/lti/launch",
        "client": {
            "client_id": "bench",
            "auth_login_url": f"{ISSUER}/auth",
            "auth_token_url": f"{ISSUER}/token",
            "key_set_url": keys_url,
            "key_set": None,
            "deployment_ids": ["1"],
        },
    }
