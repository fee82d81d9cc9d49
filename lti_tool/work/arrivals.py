"""What is checked of a login or launch before its token: transport, target, rate."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, urlsplit

from lti_tool.errors import LaunchError
from lti_tool.settings import Settings

# Field values are echoed into an address or kept; longer ones are nobody's.
MAX_FIELD: Final = 8 * 1024
# A whole school may stand behind one address when the bell rings.
BURST, BURST_SECONDS = 300, 10.0
STEADY, STEADY_SECONDS = 6_000, 600.0
MAX_ADDRESSES: Final = 20_000
_FREE_FIELDS: Final = frozenset({"id_token"})  # has a limit of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request as it came: its fields, who holds the browser, how it travelled.

    Attributes:
        fields: what the form or the address carried.
        browser: the secret the browser holds as a cookie.
        spare: further ones it holds, of logins begun at the same moment.
        proof: the login's secret as the LMS's page kept it; sent by our own page.
        is_embedded: whether the answer will stand in a frame of another site.
    """

    fields: Mapping[str, str] = field(repr=False)
    browser: str = field(default="", repr=False)
    spare: tuple[str, ...] = field(default=(), repr=False)
    proof: str = field(default="", repr=False)
    is_embedded: bool = False
    remote_address: str = ""
    is_secure: bool = True


def check_transport(arrival: Arrival, settings: Settings) -> None:
    """Check that the request came over https, unless we live on a local host.

    Raises:
        LaunchError: E_HTTPS.
    """
    public = urlsplit(settings.public_url)
    host, near = public.hostname or "", settings.local_hosts
    if host in near or f"{host}:{public.port}" in near:
        return
    if public.scheme == "http" and _is_loopback(host):
        return
    if public.scheme != "https" or not arrival.is_secure:
        raise LaunchError("E_HTTPS", "the request did not come over https")


def check_fields(arrival: Arrival) -> None:
    """Check that no field is overlong or holds a NUL.

    Raises:
        LaunchError: E_REQ.
    """
    for name, value in arrival.fields.items():
        if name not in _FREE_FIELDS and (len(value) > MAX_FIELD or "\x00" in value):
            raise LaunchError("E_REQ", "a field of the request is not acceptable")


def check_target(url: str, public_url: str) -> None:
    """Check that url is an address under /lti/ of ours.

    Raises:
        LaunchError: E_TARGET.
    """
    refused = LaunchError("E_TARGET", "the target is not an address of this tool")
    if not url.isascii() or not url.isprintable() or set("\\ %") & set(url):
        raise refused
    try:
        place, folder = _own(public_url)
        target = urlsplit(url)
        same = (target.scheme, target.hostname, _port(target)) == place
    except ValueError as error:
        raise refused from error
    if not same or "@" in target.netloc or not target.path.startswith(folder):
        raise refused
    if ".." in target.path:
        raise refused


@lru_cache(maxsize=16)
def _own(public_url: str) -> tuple[tuple[str, str | None, int], str]:
    """Our scheme, host and port, and the folder that launches end in."""
    own = urlsplit(public_url)
    place = (own.scheme, own.hostname, _port(own))
    return place, f"{own.path.rstrip('/')}/lti/"


def _port(parts: SplitResult) -> int:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class RateLimit:
    """How often one address may begin a login: a burst, and a steady rate.

    Kept in this process alone; it caps the states one address can make us keep.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Count a login of address.

        Raises:
            LaunchError: E_RATE, it had too many of late; this one is not counted.
        """
        now = self._now()
        with self._lock:
            times = self._seen.setdefault(address, deque())
            self._seen.move_to_end(address)
            while len(self._seen) > MAX_ADDRESSES:
                self._seen.popitem(last=False)
            while times and times[0] <= now - STEADY_SECONDS:
                times.popleft()
            is_burst = len(times) >= BURST and times[-BURST] > now - BURST_SECONDS
            if is_burst or len(times) >= STEADY:
                raise LaunchError("E_RATE", "too many logins from one address")
            times.append(now)
