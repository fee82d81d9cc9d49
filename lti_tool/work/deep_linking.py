"""Links for an LMS that asks for some: where the answer may go, and giving it once.

The LMS promises nothing: a link exists when it is first launched, so none is written
down here.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from lti_tool.errors import LaunchError
from lti_tool.lti13.claims import Claims
from lti_tool.lti13.deep_linking import (
    Asked,
    Choice,
    Parties,
    asked_by,
    response_claims,
    sign_response,
)
from lti_tool.storage import keys, registrations, visits
from lti_tool.storage.database import Session
from lti_tool.storage.registrations import Registration
from lti_tool.work.entry import shown_by
from lti_tool.work.origins import is_origin_of

_AMBIGUOUS: Final = frozenset("\\ ")


@dataclass(frozen=True, slots=True)
class Reply:
    """A signed answer and where the browser posts it."""

    return_url: str
    signed: str = field(repr=False)


def check_return(
    claims: Claims, registration: Registration, local_hosts: Collection[str]
) -> None:
    """Check that links are asked for by an address of the LMS itself, over https.

    A local host may do without https. Launches that ask for none are not checked.

    Raises:
        LaunchError: E_CLAIM.
    """
    asked = asked_by(claims)
    if asked is None:
        return
    url, refused = (
        asked.return_url,
        LaunchError(
            "E_CLAIM",
            "deep_link_return_url is not an https address of the LMS as registered",
        ),
    )
    if not url.isascii() or not url.isprintable() or _AMBIGUOUS & set(url):
        raise refused
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_near = bool({host, f"{host}:{parts.port}"} & set(local_hosts))
        is_theirs = is_origin_of(url, shown_by(registration))
    except ValueError as error:
        raise refused from error
    if not is_theirs or not (parts.scheme == "https" or is_near):
        raise refused


def find_asked(session: Session, visit_id: int) -> Asked | None:
    """What a visit is asked to bring; None when nothing is, or it is answered."""
    kept = visits.find_deep_linking(session, visit_id)
    return Asked.model_validate(kept) if kept else None


def answer(
    session: Session,
    visit_id: int,
    registration_id: int,
    choice: Choice,
    *,
    secret_key: bytes,
    now: datetime,
) -> Reply | None:
    """Sign a choice for the LMS that asked; None when it is answered already."""
    asked = find_asked(session, visit_id)
    if asked is None or not visits.close_deep_linking(session, visit_id):
        return None
    registration = registrations.load_registration(session, registration_id)
    keys.ensure(session, secret_key, now=now)
    key = keys.load_current(session, secret_key)
    claims = response_claims(
        asked,
        choice,
        Parties(registration.issuer, registration.client_id),
        nonce=secrets.token_urlsafe(24),
        now=now,
    )
    return Reply(asked.return_url, sign_response(claims, key.kid, key.private_key))
