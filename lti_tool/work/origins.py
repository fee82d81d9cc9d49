"""Which sites may show us in a frame or be gone back to, for a registration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from lti_tool.platforms.profiles import profile


def origin(url: str) -> str:
    """The origin of an http(s) url, '' for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    # To a browser a backslash ends the host; to urlsplit it is a part of it.
    if "\\" in url:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    standard = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in {None, standard} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def frame_origins(registration: Mapping[str, Any]) -> tuple[str, ...]:
    """The origins of a registration, without repeats.

    They come from its issuer, auth_url and vendor, and from the extra_origins that an
    administrator listed (a school's own host name, where all share one issuer).
    Empty for a visit that no registration stands behind.
    """
    if not registration["issuer"]:
        return ()
    return _origins(
        registration["issuer"],
        registration["auth_url"],
        registration["vendor"],
        tuple(registration.get("extra_origins") or ()),
    )


@lru_cache(maxsize=256)
def _origins(
    issuer: str, auth_url: str, vendor: str, extra: tuple[str, ...]
) -> tuple[str, ...]:
    """Worked out once a registration: every page and launch asks for them."""
    found = [origin(issuer), origin(auth_url), *profile(vendor).frame_origins, *extra]
    return tuple(dict.fromkeys(entry for entry in found if entry))


def is_origin_of(url: str, registration: Mapping[str, Any]) -> bool:
    """Tell whether url lies on one of the registration's origins."""
    return lies_on(url, frame_origins(registration))


def lies_on(url: str, entries: Iterable[str]) -> bool:
    """Tell whether url lies on one of some origins, or below a "https://*." one."""
    own = origin(url)
    return bool(own) and any(
        own == entry or (entry.startswith("https://*.") and _is_below(own, entry))
        for entry in entries
    )


def _is_below(own: str, wildcard: str) -> bool:
    return own.startswith("https://") and own.endswith(
        wildcard.removeprefix("https://*")
    )
