"""What binds a login to one browser: a cookie, or a secret the LMS's page keeps.

Source: facts/lti.md section 4; 1EdTech lti-cs-oidc and lti-pm-s.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lti_tool.storage.logins import LoginState
from lti_tool.storage.visits import secret_hash
from lti_tool.work.arrivals import Arrival

MAX_TARGET: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformStorage:
    """Where an LMS's page keeps a login's secret for us. Source: lti-pm-s."""

    target: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where a login sends the browser, and the secrets that find it again.

    Attributes:
        url: the LMS's authentication request.
        browser: the secret the browser keeps as a cookie.
        state: names this login in the LMS's storage.
        origin: the only origin that may answer for the LMS.
        storage: the LMS's storage, if it has one and the cookie is in doubt.
        is_settled: whether the cookie is known to come back.
        name: what the LMS is called here.
    """

    url: str
    browser: str = field(repr=False)
    state: str = field(default="", repr=False)
    origin: str = ""
    storage: PlatformStorage | None = None
    is_settled: bool = True
    name: str = ""


def offered_storage(fields: Mapping[str, str]) -> PlatformStorage | None:
    """The storage a login offers, with a new secret to put there; None offers none."""
    target = fields.get("lti_storage_target", "")
    if not target or len(target) > MAX_TARGET:
        return None
    return PlatformStorage(target=target, secret=secrets.token_urlsafe(32))


def held_secret(arrival: Arrival, login: LoginState) -> str | None:
    """The secret of this browser that the login was bound to, or None."""
    found = None
    for secret in (arrival.browser, *arrival.spare):
        if hmac.compare_digest(secret_hash(secret), login.binding_hash):
            found = secret
    return found


def is_proven(arrival: Arrival, login: LoginState) -> bool:
    """Tell whether the LMS's storage gave back what this login put there."""
    return hmac.compare_digest(secret_hash(arrival.proof), login.storage_hash or "")
