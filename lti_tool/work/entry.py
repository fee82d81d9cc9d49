"""What a verified launch leaves behind: the person, the place, the course, a visit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lti_tool.errors import LaunchError
from lti_tool.lti13 import tool_description
from lti_tool.lti13.claims import BRIEF, Claims
from lti_tool.lti13.deep_linking import asked_by
from lti_tool.lti13.history import CONTEXT_HISTORY, parse_history
from lti_tool.lti13.roles import Role, is_administrator, is_test_user, role_in_course
from lti_tool.platforms.profiles import profile
from lti_tool.storage import (
    curriculum,
    erasures,
    identities,
    notices,
    placements,
    registrations,
    visits,
)
from lti_tool.storage.database import Session
from lti_tool.storage.identities import LmsUser, Place
from lti_tool.storage.registrations import Registration
from lti_tool.storage.visits import Visit
from lti_tool.work import copies, families, links, people, reviews, rolls
from lti_tool.work.copies import NewPlace
from lti_tool.work.origins import is_origin_of
from lti_tool.work.people import Known
from lti_tool.work.reviews import Review

# Custom parameters an administrator may add where the LMS sends no `lis` claim.
SIS_PERSON: Final = people.SIS_PERSON
SIS_CLASS: Final = tool_description.SIS_CLASS
SIS_SECTIONS: Final = tool_description.SIS_SECTIONS
_SIS_IDS: Final = frozenset({SIS_PERSON, SIS_CLASS, SIS_SECTIONS})
_LOCALE: Final = re.compile(r"(?=.{2,35}\Z)[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}")


@dataclass(frozen=True, slots=True)
class Verified:
    """A launch whose token was verified, and by how much the clocks differ.

    has_other_target: its target is not its login's, which its registration allows.
    """

    claims: Claims
    registration: Registration
    skew_seconds: float | None
    has_other_target: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A verified launch, remembered; sid stands in the addresses of its pages."""

    sid: str
    registration_id: int
    placement_id: int
    lms_user_id: int
    person_id: int
    course_id: int | None
    role: Role
    is_test_user: bool
    is_deep_linking: bool
    review: Review | None = None
    # The secret the visit is bound to, and whether the page itself must hold it.
    browser: str = field(default="", repr=False)
    is_keyed: bool = False


def enter(
    session: Session, verified: Verified, *, browser_hash: str, now: datetime
) -> Launch | LaunchError:
    """Remember who came from where, and open her visit.

    A refusal is returned, not raised: what was written with it (a deployment that
    waits for approval) is to be kept.
    """
    registration = verified.registration
    claims = _believed(verified.claims, registration)
    deployment = _deployment(session, registration, claims, now)
    if isinstance(deployment, LaunchError):
        return deployment
    if verified.has_other_target:
        registrations.note_other_target(session, deployment, now=now)
    _note_notices(session, deployment, claims)
    mentees = families.mentees_of(session, registration.id, claims)
    asked = asked_by(claims)
    is_preview = is_test_user(claims.roles)
    outside = _is_outside(registration, claims)
    placement_id, course_id = _place(
        session, deployment, claims, now, is_course=not outside
    )
    role = _role(claims, mentees, is_outside=outside)
    known = _person(session, registration, claims, course_id, role, now=now)
    link_id = links.remember(
        session,
        claims,
        deployment_id=deployment,
        placement_id=placement_id,
        course_id=course_id,
        now=now,
    )
    review = reviews.review_of(session, registration.id, claims, course_id)
    visit = Visit(
        person_id=known.person_id,
        role=role,
        course_id=course_id,
        registration_id=registration.id,
        placement_id=placement_id,
        lms_user_id=known.lms_user_id,
        resource_link_id=link_id,
        mentees=mentees,
        locale=_locale(claims),
        return_url=_return_url(claims, registration),
        deep_linking=asked.model_dump() if asked else None,
        review_person_id=review.person_id if review else None,
        is_test_user=is_preview,
    )
    return Launch(
        sid=visits.open_visit(session, visit, browser_hash=browser_hash, now=now),
        registration_id=registration.id,
        placement_id=placement_id,
        lms_user_id=known.lms_user_id,
        person_id=known.person_id,
        course_id=course_id,
        role=role,
        is_test_user=is_preview,
        is_deep_linking=asked is not None,
        review=review,
    )


def shown_by(registration: Registration) -> dict[str, Any]:
    """A registration as work.origins reads it."""
    return {
        "issuer": registration.issuer,
        "auth_url": registration.auth_url,
        "vendor": registration.vendor,
        "extra_origins": registration.extra_origins,
    }


def _deployment(
    session: Session, registration: Registration, claims: Claims, now: datetime
) -> int | LaunchError:
    deployment_id = claims.deployment_id
    found = registrations.find_deployment(session, registration.id, deployment_id)
    row_id = (
        found[0]
        if found
        else registrations.hold_deployment(
            session, registration.id, deployment_id, now=now
        )
    )
    is_written = False
    if row_id is not None:
        is_written = registrations.note_seen(session, row_id, _seen(claims), now=now)
    if found and found[1] == "active":
        if is_written and claims.tool_platform.product_family_code:
            registrations.note_product(session, registration.id, _product(claims))
        return found[0]
    return refused_deployment(found[1] if found else None)


def refused_deployment(status: str | None) -> LaunchError:
    """The refusal of a deployment that is not active; status None: it is unknown."""
    words = "switched off" if status == "disabled" else "not approved yet"
    return LaunchError(
        "E_DEPLOYMENT", f"this deployment is {words}; an administrator can approve it"
    )


def _seen(claims: Claims) -> dict[str, str | None]:
    """What tells an administrator whose deployment this is; nobody's name."""
    context, platform = claims.context, claims.tool_platform
    title = (context.title or context.label) if context else None
    return {
        "context": title[:BRIEF] if title else None,
        "platform": platform.name,
        "product": platform.product_family_code,
    }


def _product(claims: Claims) -> dict[str, str | None]:
    platform = claims.tool_platform
    return {
        "family": platform.product_family_code,
        "version": platform.version,
        "guid": platform.guid,
        "name": platform.name,
    }


def _believed(claims: Claims, registration: Registration) -> Claims:
    """The claims without SIS ids that a teacher could have written into a link.

    They would let her into another class, or be somebody else; `lis` is the LMS's own.
    """
    if not profile(registration.vendor).links_set_custom or not (
        _SIS_IDS & claims.custom.keys()
    ):
        return claims
    kept = {name: claims.custom[name] for name in claims.custom.keys() - _SIS_IDS}
    return claims.model_copy(update={"custom": kept})


def _is_outside(registration: Registration, claims: Claims) -> bool:
    """Tell whether a launch is from outside any course, as from an account's menu."""
    if claims.context is None:
        return True
    types = set(claims.context.type)
    return bool(types) and types <= profile(registration.vendor).outside_types


def _role(claims: Claims, mentees: tuple[str, ...], *, is_outside: bool) -> Role:
    role = role_in_course(claims.roles, mentees=mentees)
    # Outside a course no role in one counts, but that of whoever runs the LMS does.
    if is_outside and role == "none" and is_administrator(claims.roles):
        return "administrator"
    return role


def _place(
    session: Session, deployment: int, claims: Claims, now: datetime, *, is_course: bool
) -> tuple[int, int | None]:
    """Write the place of a launch down and find its course, joined to the SIS's."""
    context = claims.context
    title = (context.title or context.label) if context else None
    placement_id, course_id = placements.save_placement(
        session,
        Place(
            deployment_id=deployment,
            context_id=context.id if context else "",
            title=title,
            ags_line_items_url=claims.ags.lineitems,
            ags_scopes=tuple(claims.ags.scope),
            nrps_url=claims.nrps.context_memberships_url,
            groups_url=claims.groups.context_groups_url,
            group_sets_url=claims.groups.context_group_sets_url,
        ),
        now=now,
    )
    if context is None or not is_course:
        return placement_id, None
    joined = _sis_course(session, claims, now)
    is_settled = course_id is not None and (
        joined is None or placements.is_of_sis(session, course_id)
    )
    if is_settled:
        return placement_id, course_id
    course_id = joined or curriculum.insert_course(session, title or context.id, now)
    placements.place_in_course(session, placement_id, course_id)
    copies.arrive(
        session,
        NewPlace(placement_id, deployment, course_id),
        _ancestors(session, deployment, claims),
        now=now,
    )
    return placement_id, course_id


def _ancestors(session: Session, deployment: int, claims: Claims) -> list[str]:
    """What the context of a launch was copied from, by its history and by notices."""
    told = parse_history(claims.said(CONTEXT_HISTORY))
    here = claims.context.id if claims.context else ""
    return [*told, *notices.origins_of(session, deployment, here)]


def _note_notices(session: Session, deployment: int, claims: Claims) -> None:
    """Write down where the platform is told who listens to its notices."""
    service = claims.platformnotificationservice
    if service.platform_notification_service_url:
        notices.note_service(
            session,
            deployment,
            service.platform_notification_service_url,
            service.notice_types_supported,
        )


def _sis_course(session: Session, claims: Claims, now: datetime) -> int | None:
    for sourced_id in (
        claims.lis.course_section_sourcedid,
        claims.custom.get(SIS_CLASS),
        claims.lis.course_offering_sourcedid,
        _only(claims.custom.get(SIS_SECTIONS)),
    ):
        found = placements.find_sis_class(session, sourced_id) if sourced_id else None
        if found:
            return placements.course_of_class(
                session, found["id"], found["title"], now=now
            )
    return None


def _only(listed: str | None) -> str | None:
    """The one id of a comma list; of several nobody could say which is the course."""
    ids = {part.strip() for part in (listed or "").split(",")} - {""}
    return ids.pop() if len(ids) == 1 else None


def _person(
    session: Session,
    registration: Registration,
    claims: Claims,
    course_id: int | None,
    role: Role,
    *,
    now: datetime,
) -> Known:
    """Say who came, and seat her; a student preview is nobody and sits nowhere."""
    if is_test_user(claims.roles):
        return people.remember_preview(session, registration.id, claims.sub, now=now)
    if claims.sub in erasures.load_forgotten(session, erasures.LMS, registration.id):
        raise LaunchError(
            "E_DISABLED",
            "who launches was erased here; masterybridge erase lift lets her come back",
        )
    known = people.remember(
        session,
        registration.id,
        _user(claims),
        course_id=course_id,
        role=role,
        now=now,
    )
    if course_id is not None and role in rolls.SEATED:
        identities.save_seat(session, known.person_id, course_id, role)
    return known


def _user(claims: Claims) -> LmsUser:
    return LmsUser(
        subject=claims.sub,
        given_name=claims.given_name,
        family_name=claims.family_name,
        full_name=claims.name,
        email=claims.email,
        lis_person_sourcedid=(
            claims.lis.person_sourcedid or claims.custom.get(SIS_PERSON) or None
        ),
        platform_user_id=claims.custom.get(people.PLATFORM_USER) or None,
        locale=_locale(claims),
    )


def _locale(claims: Claims) -> str | None:
    said = claims.launch_presentation.locale or claims.locale or ""
    return said if _LOCALE.fullmatch(said) else None


def _return_url(claims: Claims, registration: Registration) -> str | None:
    """Where the person may go back to, without what the platform keeps secret in it."""
    url = claims.launch_presentation.return_url
    if not url or not is_origin_of(url, shown_by(registration)):
        return None
    secret = profile(registration.vendor).secret_query_fields
    parts = urlsplit(url)
    if not secret:
        return url
    kept = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if pair[0] not in secret
    ]
    return urlunsplit(parts._replace(query=urlencode(kept)))
