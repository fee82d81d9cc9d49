"""The guide of each vendor with our own values filled in, for pages to show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lti_tool.platforms.guides import GUIDES, Edition, Guide, Step, Way
from lti_tool.work.registration import canvas_configuration, tool_values

__all__ = [
    "Edition",
    "Guide",
    "Step",
    "Way",
    "endpoints",
    "guide",
    "issuer_of",
    "our_values",
    "products",
    "texts",
]


def guide(vendor: str) -> Guide:
    """How a vendor's platform is connected; of one we do not know, the general one."""
    return GUIDES.get(vendor, GUIDES["other"])


def products() -> dict[str, str]:
    """What each vendor's platform is called, in the order they are offered."""
    return {vendor: one.product for vendor, one in GUIDES.items()}


def texts() -> Iterator[str]:
    """Yield every sentence of the guides, for the catalogue."""
    for one in GUIDES.values():
        yield from one.texts()


def our_values(public_url: str, vendor: str) -> dict[str, str]:
    """What is copied into a platform, by the names that guides use."""
    told = tool_values(public_url, vendor)
    plain = {name: value for name, value in told.items() if isinstance(value, str)}
    return {
        **plain,
        "public_url": public_url,
        "redirects": "\n".join(told["redirect_urls"]),
        "custom": "\n".join(f"{key}={value}" for key, value in told["custom"].items()),
        "scopes": "\n".join(told["scopes"]),
        "canvas_json": json.dumps(canvas_configuration(public_url), indent=2),
    }


def endpoints(edition: Edition, site: str, client_id: str = "") -> dict[str, str]:
    """The addresses of a kind of installation, as far as site and client id tell."""
    known: Mapping[str, Any] = {"site": site.rstrip("/"), "client_id": client_id}
    found = {}
    for name in ("issuer", "auth_url", "token_url", "jwks_url", "token_audience"):
        pattern: str = getattr(edition, name)
        is_known = all(
            value or f"{{{key}}}" not in pattern for key, value in known.items()
        )
        found[name] = pattern.format(**known) if is_known else ""
    return found


def issuer_of(vendor: str, issuer: str) -> str:
    """The issuer as its vendor writes it, if it is a site's own address; else ''."""
    is_site = any(one.issuer == "{site}" for one in guide(vendor).editions)
    return issuer.rstrip("/") if is_site else ""
