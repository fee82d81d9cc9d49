"""One guarded way out: where it does not go, and what it does not read."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from lti_tool.errors import PlatformError
from lti_tool.platforms.http import (
    AddressError,
    Ask,
    GuardedSession,
    ask,
    check_url,
    is_public,
    resolve,
)

LOCAL = frozenset({"127.0.0.1", "localhost"})


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 -- the address is the case
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("::ffff:0:127.0.0.1", False),
        ("::127.0.0.1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(
    address: str, *, public: bool
) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "localhost", "::ffff:127.0.0.1"],
)
def test_a_name_that_leads_inside_is_not_followed(host: str) -> None:
    with pytest.raises(AddressError) as refusal:
        resolve(host, 443, local_hosts=frozenset())
    assert str(refusal.value) == (
        f"{host} has an address inside a private network; if that is meant, name "
        f"{host}:443 in MASTERYBRIDGE_LOCAL_NETWORK"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example/",
        "http://127.0.0.1:1/",
        "ftp://lms.example/",
        "file:///etc/passwd",
        "https:///path",
        "https://user:word@lms.example/",
        "https://lms.example:port/",
    ],
)
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        check_url(url, local_hosts=frozenset())


def test_a_local_host_may_be_named_with_its_port() -> None:
    check_url("http://127.0.0.1:81/", local_hosts=frozenset({"127.0.0.1:81"}))
    with pytest.raises(AddressError):
        check_url("http://127.0.0.1:82/", local_hosts=frozenset({"127.0.0.1:81"}))


Script = Callable[[socket.socket], None]


@pytest.fixture
def answering() -> Iterator[Callable[[Script], str]]:
    """A server on a socket that does to each connection what the script says."""
    listeners = []

    def start(script: Script) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with closing(connection), suppress(OSError):
                    connection.recv(65536)
                    script(connection)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/keys?secret=1"

    yield start
    for listener in listeners:
        listener.close()


def says(text: str) -> Script:
    return lambda connection: connection.sendall(text.encode())


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(40):
        connection.sendall(b" ")
        time.sleep(0.05)


def drip_a_line(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(40):
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_heads(connection: socket.socket) -> None:
    for _ in range(40):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


def bomb(connection: socket.socket) -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}"
    connection.sendall(head.encode() + b"\r\n\r\n" + packed)


def hang(_connection: socket.socket) -> None:
    time.sleep(2)


CASES = [
    (says("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"), "redirect"),
    (says("HTTP/1.1 200 OK\r\n\r\n" + "x" * 200), "too_large"),
    (says("nonsense\r\n\r\n"), "connect"),
    (says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), "connect"),
    (says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip"), "connect"),
    (says(""), "connect"),
    (bomb, "too_large"),
    (drip, "timeout"),
    (drip_a_line, "timeout"),
    (drip_heads, "timeout"),
    (hang, "timeout"),
]


@pytest.mark.parametrize(
    ("script", "code"), CASES, ids=[str(number) for number in range(len(CASES))]
)
def test_an_answer_out_of_bounds_is_an_error_without_the_address(
    answering: Callable[[Script], str], script: Script, code: str
) -> None:
    url = answering(script)
    began = time.monotonic()
    with GuardedSession(LOCAL) as session, pytest.raises(PlatformError) as error:
        ask(session, Ask("GET", url, limit=100, times=(0.5, 0.5, 0.6)))
    assert error.value.code == code
    assert time.monotonic() - began < 1.5
    assert "secret" not in str(error.value)
    assert str(error.value).startswith("127.0.0.1 ")


def test_a_host_that_is_not_there_is_an_error() -> None:
    with GuardedSession(LOCAL) as session, pytest.raises(PlatformError) as error:
        ask(session, Ask("GET", "http://127.0.0.1:1/"))
    assert str(error.value) == "127.0.0.1 cannot be reached"


def test_a_redirect_is_not_followed_by_the_session_either(
    answering: Callable[[Script], str],
) -> None:
    url = answering(says("HTTP/1.1 302 Found\r\nLocation: http://x.test/\r\n\r\n"))
    with GuardedSession(LOCAL) as session, session.get(url) as answer:
        assert answer.status_code == 302


def test_the_environments_proxies_are_not_used(
    answering: Callable[[Script], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    url = answering(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    with GuardedSession(LOCAL) as session:
        assert ask(session, Ask("GET", url)).body == b"ok"
