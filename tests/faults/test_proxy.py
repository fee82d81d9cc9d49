"""The fault proxy does to requests what it says: each kind seen from both sides."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults.proxy import EVERY, PASS, Fault, Kind, by_chance, by_number, proxying

BODY = b"0123456789" * 30


class Service(ThreadingHTTPServer):
    """Answers every request alike and keeps in which order it heard of them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, told))
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_some: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def post(url: str, path: str = "/a", told: bytes = b"1") -> tuple[int, bytes]:
    """What a client sees: status and body; raises if the connection breaks."""
    link = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        link.request("POST", path, told)
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


def broken(url: str) -> bool:
    try:
        post(url)
    except (OSError, http.client.HTTPException):
        return True
    return False


def waited(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize(("kind", "heard"), [("reset", 0), ("drop", 1), ("cut", 1)])
def test_a_connection_breaks_before_or_after_the_server_heard(
    service: Service, kind: Kind, heard: int
) -> None:
    with proxying(service.url, by_number({1: Fault(kind, octets=150)})) as proxy:
        assert broken(proxy.url)
        assert len(service.heard) == heard
        assert post(proxy.url) == (200, BODY)


def test_of_an_answer_that_is_cut_so_many_bytes_arrive(service: Service) -> None:
    with proxying(service.url, lambda *_: Fault("cut", octets=60)) as proxy:
        come = [received(proxy.url) for _ in range(20)]
    # A reset may overtake what was sent before it.
    assert {len(one) for one in come} - {0} == {60}
    assert max(come).startswith(b"HTTP/1.0 200 OK\r\n")


def received(url: str) -> bytes:
    """The bytes of an answer that arrive before the connection ends."""
    host, port = url.removeprefix("http://").split(":")
    come = b""
    with socket.create_connection((host, int(port)), timeout=10) as link:
        link.sendall(b"POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\n1")
        with suppress(ConnectionResetError):
            while piece := link.recv(1000):
                come += piece
    return come


def test_a_duplicate_is_heard_twice_and_answered_once(service: Service) -> None:
    with proxying(service.url, by_number({1: Fault("duplicate")})) as proxy:
        assert post(proxy.url, told=b"7") == (200, BODY)
    assert service.heard == [("/a", b"7"), ("/a", b"7")]


def test_a_delay_holds_the_answer_back(service: Service) -> None:
    with proxying(service.url, by_number({1: Fault("delay", seconds=0.3)})) as proxy:
        begun = time.monotonic()
        assert post(proxy.url) == (200, BODY)
        assert time.monotonic() - begun >= 0.3


def test_a_later_request_overtakes_one_that_is_reordered(service: Service) -> None:
    with proxying(service.url, by_number({1: Fault("reorder", seconds=9)})) as proxy:
        first = threading.Thread(target=post, args=(proxy.url, "/first"))
        first.start()
        assert waited(lambda: len(proxy.seen) == 1)
        assert post(proxy.url, "/second") == (200, BODY)
        first.join(timeout=10)
    assert [path for path, _told in service.heard] == ["/second", "/first"]


def test_one_that_comes_late_is_given_up_and_heard_after_the_next(
    service: Service,
) -> None:
    with proxying(service.url, by_number({1: Fault("late", seconds=9)})) as proxy:
        assert broken(proxy.url)
        assert post(proxy.url, "/second") == (200, BODY)
        assert waited(lambda: len(service.heard) == 2)
    assert [path for path, _told in service.heard] == ["/second", "/a"]


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (Fault("status", status=429), (429, b"<h1>no</h1>")),
        (Fault("status", status=503), (503, b"<h1>no</h1>")),
        (Fault("throttle"), (403, b"403 Forbidden (Rate Limit Exceeded)")),
        (Fault("page"), (200, b"<p>Sign in</p>")),
    ],
    ids=["429", "503", "throttle", "page"],
)
def test_the_proxy_answers_itself_and_the_server_hears_nothing(
    service: Service, fault: Fault, answer: tuple[int, bytes]
) -> None:
    with proxying(service.url, by_number({1: fault})) as proxy:
        assert post(proxy.url) == answer
        assert service.heard == []


def test_chance_plays_every_kind_and_the_same_again_from_a_seed() -> None:
    def played(seed: int) -> list[Fault]:
        decide = by_chance(seed, 0.2, EVERY)
        return [decide(number, "GET", "/") for number in range(1000)]

    first = played(3)
    assert {one.kind for one in first} == {"pass", *EVERY}
    assert 150 < sum(one != PASS for one in first) < 250
    assert first == played(3)
    assert first != played(4)
