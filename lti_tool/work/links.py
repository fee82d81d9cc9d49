"""The link a launch came by: what it is to show, and its own gradebook column."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from lti_tool.lti13.claims import RESOURCE_LINK_REQUEST, Claims
from lti_tool.lti13.history import LINK_HISTORY, parse_history
from lti_tool.storage import addresses, ancestors, curriculum, resource_links
from lti_tool.storage.database import Session
from lti_tool.storage.resource_links import CHECK, CLASS, VIEWS, LaunchedLink
from lti_tool.work.our_columns import lms_column_id

# Our keys in a link's `custom`. Lower case: Moodle repeats others in lower case.
VIEW: Final = "view"
COMPETENCY: Final = "competency"


def remember(
    session: Session,
    claims: Claims,
    *,
    deployment_id: int,
    placement_id: int,
    course_id: int | None,
    now: datetime,
) -> int | None:
    """Write down the link a launch came by; our id of it, None if it came by none.

    A view that we do not have is the class view; the competency of a check that we
    do not know is none, and its page says so.
    """
    if claims.resource_link is None or claims.message_type != RESOURCE_LINK_REQUEST:
        return None
    view = _view(claims)
    case_id = claims.custom.get(COMPETENCY) if view == CHECK else None
    link = LaunchedLink(
        deployment_id=deployment_id,
        link_id=claims.resource_link.id,
        placement_id=placement_id,
        title=claims.resource_link.title,
        view=view,
        competency_id=resource_links.find_competency(session, case_id, course_id)
        if case_id
        else None,
        ags_line_item_url=_column(claims),
    )
    if course_id is not None and case_id:
        _adopt_column(session, link, course_id, case_id, now)
    saved = resource_links.save_link(session, link, now=now)
    if saved.is_new and view is None:
        _follow(session, saved.id, claims, deployment_id)
    return saved.id


def _column(claims: Claims) -> str | None:
    """The link's own column; named by the launch when it has exactly one.

    Only beside the other columns of the course: no launch sends us elsewhere.
    """
    column, others = claims.ags.lineitem, claims.ags.lineitems
    if column is None or others is None:
        return None
    return column if urlsplit(column)[:2] == urlsplit(others)[:2] else None


def _adopt_column(
    session: Session, link: LaunchedLink, course_id: int, case_id: str, now: datetime
) -> None:
    """Let the column of a competency check be the competency's, if it has none yet.

    Its outcomes land there then, and no second column is made for them.
    """
    if link.competency_id is None or link.ags_line_item_url is None:
        return
    key = {
        "destination": "ags",
        "course_id": course_id,
        "competency_id": link.competency_id,
        "placement_id": link.placement_id,
        "source_id": None,
    }
    addresses.adopt(
        session,
        key,
        address=link.ags_line_item_url,
        resource_id=lms_column_id(course_id, case_id),
        maximum=curriculum.load_scale(session, course_id).maximum,
        now=now,
    )


def _follow(session: Session, link_id: int, claims: Claims, deployment_id: int) -> None:
    """Let a new link that says nothing show what the one it was copied from shows.

    What a link says of itself (in `custom`, which copies keep) counts before that.
    """
    link_ids = parse_history(claims.said(LINK_HISTORY))
    if not link_ids:
        return
    origin = ancestors.find_link_origin(session, deployment_id, link_ids, but=link_id)
    if origin is not None:
        ancestors.save_link_origin(session, link_id, origin)


def _view(claims: Claims) -> str | None:
    said = claims.custom.get(VIEW)
    return said if said is None or said in VIEWS else CLASS
