"""One guarded way out: no private address, no redirect, no endless body.

A host's name is resolved once, every address it has must be a public one, and the
connection goes to the address that was checked, under the name that was asked for.
Hosts of the LOCAL_NETWORK setting may be private and plain http.

A question has one deadline for all of it: connecting, the head, the body. A server
that drips a byte a second meets it whichever part it drips.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as LateError
from urllib3.util.connection import create_connection

from lti_tool.errors import PlatformError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0
TOTAL_SECONDS: Final = 60.0
BODY_LIMIT: Final = 16 * 1024 * 1024
KEYS_LIMIT: Final = 256 * 1024
# Source: facts/security.md section 1.2.
KEYS_TIMES: Final = (3.0, 5.0, 8.0)
USER_AGENT: Final = "MasteryBridge"
# When the question this thread asks must be answered, by time.monotonic().
_DEADLINE: Final[ContextVar[float | None]] = ContextVar("deadline", default=None)

# Public by their bits, yet they lead to an IPv4 address of somebody's choice.
_TUNNELS = tuple(
    ipaddress.IPv6Network(block)
    for block in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::ffff:0:0:0/96",
        "::/96",
    )
)


class AddressError(PlatformError):
    """An address we do not connect to."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "address")


@dataclass(frozen=True, slots=True)
class Answer:
    """What another system answered, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: its body, and how long and how large the answer may be.

    redirects lets an answer be one that sends elsewhere; nobody goes there.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    limit: int = BODY_LIMIT
    times: tuple[float, float, float] = (CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS)
    redirects: bool = False


class GuardedSession(requests.Session):
    """A requests.Session that keeps the rules above, whoever uses it."""

    def __init__(self, local_hosts: frozenset[str]) -> None:
        """Let local_hosts ('host' or 'host:port') be private and plain http."""
        super().__init__()
        self.local_hosts = local_hosts
        self.trust_env = False
        self.headers["User-Agent"] = USER_AGENT
        adapter = _GuardedAdapter(local_hosts)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def send(
        self,
        request: requests.PreparedRequest,
        **kwargs: Any,  # noqa: ANN401 -- requests' own
    ) -> requests.Response:
        """Send, if the address has a form we go to; always with a timeout."""
        check_url(request.url or "", local_hosts=self.local_hosts)
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        return super().send(request, **kwargs)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: another address would need another check and another trust."""
        del resp


def ask(session: requests.Session, question: Ask) -> Answer:
    """Send one request and read its answer whole, within its limits.

    Raises:
        PlatformError: address, connect, timeout, redirect, too_large or broken;
            the text names the host and no more of the address.
    """
    host = urlsplit(question.url).hostname or "?"
    connect, read, total = question.times
    try:
        with (
            _until(time.monotonic() + total),
            session.request(
                question.method,
                question.url,
                headers={"Accept-Encoding": "identity", **question.headers},
                data=question.body,
                timeout=(connect, read),
                stream=True,
                allow_redirects=False,
            ) as response,
        ):
            if response.is_redirect and not question.redirects:
                raise PlatformError(f"{host} redirects; it must answer", "redirect")
            body = _read(response, question.limit, host)
    except requests.Timeout as error:
        raise PlatformError(f"{host} did not answer in time", "timeout") from error
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        is_late = isinstance(error, TimeoutError | LateError)
        kind = "timeout" if is_late else "connect"
        raise PlatformError(f"{host} cannot be reached", kind) from error
    return Answer(
        response.status_code,
        response.headers,
        body,
        question.url,
        response.reason or "",
    )


def _read(response: requests.Response, limit: int, host: str) -> bytes:
    """Read the body as it arrives; what counts is its size once decompressed."""
    found = bytearray()
    while chunk := response.raw.read1(64 * 1024, decode_content=True):
        found += chunk
        if len(found) > limit:
            raise PlatformError(f"{host} answers more than {limit} bytes", "too_large")
    return bytes(found)


@contextmanager
def _until(deadline: float) -> Iterator[None]:
    """Let everything this thread connects to and reads from end by deadline."""
    mark = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(mark)


def _time_left(wanted: float | None) -> float | None:
    """How long one step may take: as wanted, but not beyond the deadline.

    Raises:
        TimeoutError: the deadline is past.
    """
    deadline = _DEADLINE.get()
    if deadline is None:
        return wanted
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline is past")
    return left if wanted is None else min(wanted, left)


def is_local(host: str, port: int, local_hosts: frozenset[str]) -> bool:
    """Tell whether the LOCAL_NETWORK setting names host, with or without its port."""
    return host in local_hosts or f"{host}:{port}" in local_hosts


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, whatever its form."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if any(parsed in block for block in _TUNNELS):
            return False
    return parsed.is_global and not parsed.is_multicast


def resolve(host: str, port: int, *, local_hosts: frozenset[str]) -> list[str]:
    """The addresses to connect to for host, checked, the preferred one first.

    Raises:
        AddressError: one of its addresses is not public, and host is not local.
        OSError: it has no address.
    """
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in entries]
    if not is_local(host, port, local_hosts) and not all(map(is_public, addresses)):
        raise AddressError(
            f"{host} has an address inside a private network; if that is meant, name "
            f"{host}:{port} in MASTERYBRIDGE_LOCAL_NETWORK"
        )
    return addresses


def check_url(url: str, *, local_hosts: frozenset[str]) -> None:
    """Check the form of an address before anything is sent there.

    Raises:
        AddressError: not http(s), with a user in it, or plain http to a host that
            is not local.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError as error:
        raise AddressError("this is not an address") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressError("an address must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise AddressError(f"the address of {parts.hostname} carries a user name")
    if parts.scheme == "http" and not is_local(parts.hostname, port, local_hosts):
        raise AddressError(
            f"{parts.hostname} is asked for over plain http; use https, or name "
            f"{parts.hostname}:{port} in MASTERYBRIDGE_LOCAL_NETWORK"
        )


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, local_hosts: frozenset[str]) -> None:
        super().__init__(pool_maxsize=16)
        self.poolmanager: PoolManager
        # Its connections check where they go.
        self.poolmanager.pool_classes_by_scheme = _pools(local_hosts)

    def proxy_manager_for(self, *_args: object, **_kwargs: object) -> NoReturn:
        """None: a proxy would resolve names unchecked."""
        raise AddressError("proxies are not used")


class _TimelyFile(io.RawIOBase):
    """What is read from a connection, each piece within the time that is left.

    http.client waits for each piece anew, as long as the socket's time-out says; a
    head of many pieces would outlast any total.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._patience = sock.gettimeout()

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read what has come, or wait for it as long as there is time."""
        self._sock.settimeout(_time_left(self._patience))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the connection's own file too."""
        self._raw.close()
        super().close()


class _TimelyResponse(HTTPResponse):
    """An answer whose head must come before the deadline too."""

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp: io.BufferedReader = io.BufferedReader(
            _TimelyFile(self.fp.detach(), sock)
        )


def _connect_to_any(addresses: list[str], connection: HTTPConnection) -> socket.socket:
    failure = OSError("no address")
    for address in addresses:
        wanted = connection.timeout
        try:
            return create_connection(
                (address, connection.port),
                _time_left(wanted if isinstance(wanted, float | int) else None),
                socket_options=connection.socket_options,
            )
        except OSError as error:
            failure = error
    raise failure


def _pools(local_hosts: frozenset[str]) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools whose connections go to the address that was checked."""

    def connect(connection: HTTPConnection) -> socket.socket:
        # TLS goes on checking the name as asked for, not the address.
        try:
            return _connect_to_any(
                resolve(connection.host, connection.port, local_hosts=local_hosts),
                connection,
            )
        except OSError as error:
            raise NewConnectionError(connection, type(error).__name__) from error

    class Plain(HTTPConnection):
        response_class = _TimelyResponse

        def _new_conn(self) -> socket.socket:
            return connect(self)

    class Secure(HTTPSConnection):
        response_class = _TimelyResponse

        def _new_conn(self) -> socket.socket:
            return connect(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
