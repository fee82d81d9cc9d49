"""Links for an LMS that asks for some: where the answer may go, and giving it once.

The LMS promises nothing: a link exists when it is first launched, so none is written
down here.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from lti_tool.errors import LaunchError
from lti_tool.lti13.claims import Claims
from lti_tool.lti13.deep_linking import (
    MAX_WORDS,
    Asked,
    Choice,
    LineItem,
    Link,
    Parties,
    asked_by,
    bounded,
    response_claims,
    sign_response,
)
from lti_tool.platforms.ags import TAG
from lti_tool.platforms.profiles import profile
from lti_tool.storage import addresses, curriculum, keys, registrations, visits
from lti_tool.storage.database import Session
from lti_tool.storage.registrations import Registration
from lti_tool.work.entry import shown_by
from lti_tool.work.links import COMPETENCY, VIEW
from lti_tool.work.origins import is_origin_of
from lti_tool.work.our_columns import lms_column_id

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One thing a person picked: a view, in our words; a check has a competency."""

    view: str
    title: str
    text: str
    case_id: str | None = None
    has_column: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Whose visit is answered and for which course; launch_url is our own."""

    visit_id: int
    registration_id: int
    course_id: int | None
    launch_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What a person picked, or nothing; words for her, and a fault for both."""

    picks: tuple[Pick, ...] = ()
    said: str | None = None
    fault: str | None = None
    fault_log: str | None = None


@dataclass(frozen=True, slots=True)
class Gradebook:
    """What a check needs to know of the LMS's gradebook of a course."""

    columned: frozenset[int]  # competencies with a column there
    is_told: bool  # whether levels are sent there


def load_gradebook(
    session: Session, course_id: int | None, placement_id: int | None
) -> Gradebook:
    """Return which competencies have a column, and whether levels are sent to them."""
    if course_id is None:
        return Gradebook(frozenset(), is_told=False)
    found = addresses.load_columned(session, placement_id) if placement_id else set()
    return Gradebook(
        frozenset(found),
        is_told="ags" in curriculum.load_destinations(session, course_id),
    )


def answer(
    session: Session,
    answering: Answering,
    picked: Picked,
    *,
    secret_key: bytes,
    now: datetime,
) -> Reply | None:
    """Sign what was picked for the LMS that asked; None when it is answered already."""
    asked = find_asked(session, answering.visit_id)
    if asked is None or not visits.close_deep_linking(session, answering.visit_id):
        return None
    registration = registrations.load_registration(session, answering.registration_id)
    keys.ensure(session, secret_key, now=now)
    key = keys.load_current(session, secret_key)
    follows = profile(registration.vendor).links_follow_tool_url
    links = tuple(
        Link(
            title=pick.title,
            text=pick.text,
            custom=_custom(pick),
            url=None if follows else answering.launch_url,
            line_item=_line_item(session, pick, answering.course_id),
        )
        for pick in picked.picks
    )
    claims = response_claims(
        asked,
        Choice(links, picked.said, picked.fault, _log(links), picked.fault_log),
        Parties(registration.issuer, registration.client_id),
        nonce=secrets.token_urlsafe(24),
        now=now,
    )
    return Reply(asked.return_url, sign_response(claims, key.kid, key.private_key))


def _custom(pick: Pick) -> dict[str, str]:
    custom = {VIEW: pick.view}
    return custom if pick.case_id is None else custom | {COMPETENCY: pick.case_id}


def _line_item(session: Session, pick: Pick, course_id: int | None) -> LineItem | None:
    """The column that outcomes of the picked competency will look for, if wanted."""
    if pick.case_id is None or not pick.has_column or course_id is None:
        return None
    resource_id = lms_column_id(course_id, pick.case_id)
    if len(resource_id) > MAX_WORDS:
        return None
    return LineItem(
        label=bounded(pick.title),
        score_maximum=curriculum.load_scale(session, course_id).maximum,
        resource_id=resource_id,
        tag=TAG,
    )


def _log(links: Sequence[Link]) -> str | None:
    if not links:
        return None
    with_column = sum(link.line_item is not None for link in links)
    return f"MasteryBridge: {len(links)} links, {with_column} with a line item"
