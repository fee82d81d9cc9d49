"""Which sites may show us in a frame or be gone back to, for a registration."""

from __future__ import annotations

from collections.abc import Mapping
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
    """The origins of a registration (issuer, auth_url, vendor), without repeats.

    Empty for a visit that no registration stands behind.
    """
    if not registration["issuer"]:
        return ()
    found = [origin(registration["issuer"]), origin(registration["auth_url"])]
    found += profile(registration["vendor"]).frame_origins
    return tuple(dict.fromkeys(entry for entry in found if entry))


def is_origin_of(url: str, registration: Mapping[str, Any]) -> bool:
    """Tell whether url lies on one of the registration's origins."""
    own = origin(url)
    return bool(own) and any(
        own == entry or (entry.startswith("https://*.") and _is_below(own, entry))
        for entry in frame_origins(registration)
    )


def _is_below(own: str, wildcard: str) -> bool:
    return own.startswith("https://") and own.endswith(
        wildcard.removeprefix("https://*")
    )
