"""What a verified launch leaves behind: the person, the place, the course, a visit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lti_tool.errors import LaunchError
from lti_tool.lti13.claims import Claims
from lti_tool.lti13.deep_linking import asked_by
from lti_tool.lti13.roles import Role, is_test_user, role_in_course
from lti_tool.platforms.profiles import profile
from lti_tool.storage import curriculum, identities, placements, registrations, visits
from lti_tool.storage.database import Session
from lti_tool.storage.identities import LmsUser, Place
from lti_tool.storage.registrations import Registration
from lti_tool.storage.visits import Visit
from lti_tool.work import people
from lti_tool.work.origins import is_origin_of

# Custom parameters an administrator may add where the LMS sends no `lis` claim.
SIS_PERSON: Final = "sis_person"
SIS_CLASS: Final = "sis_class"
_LOCALE: Final = re.compile(r"(?=.{2,35}\Z)[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}")


@dataclass(frozen=True, slots=True)
class Verified:
    """A launch whose token was verified, and by how much the clocks differ."""

    claims: Claims
    registration: Registration
    skew_seconds: float | None


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


def enter(
    session: Session, verified: Verified, *, browser_hash: str, now: datetime
) -> Launch | LaunchError:
    """Remember who came from where, and open her visit.

    A refusal is returned, not raised: what was written with it (a deployment that
    waits for approval) is to be kept.
    """
    claims, registration = verified.claims, verified.registration
    deployment = _deployment(session, registration, claims.deployment_id, now)
    if isinstance(deployment, LaunchError):
        return deployment
    mentees = tuple(claims.role_scope_mentor)
    asked = asked_by(claims)
    role = role_in_course(claims.roles, mentees=mentees)
    is_preview = is_test_user(claims.roles)
    placement_id, course_id = _place(session, deployment, claims, now)
    known = people.remember(
        session,
        registration.id,
        _user(claims),
        course_id=None if is_preview else course_id,
        role=role,
        now=now,
    )
    if course_id is not None and role in people.SEATED and not is_preview:
        identities.save_seat(session, known.person_id, course_id, role)
    visit = Visit(
        person_id=known.person_id,
        role=role,
        course_id=course_id,
        registration_id=registration.id,
        placement_id=placement_id,
        lms_user_id=known.lms_user_id,
        mentees=mentees,
        locale=_locale(claims),
        return_url=_return_url(claims, registration),
        deep_linking=asked.model_dump() if asked else None,
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
    )


def shown_by(registration: Registration) -> dict[str, Any]:
    """A registration as work.origins reads it."""
    return {
        "issuer": registration.issuer,
        "auth_url": registration.auth_url,
        "vendor": registration.vendor,
    }


def _deployment(
    session: Session, registration: Registration, deployment_id: str, now: datetime
) -> int | LaunchError:
    found = registrations.find_deployment(session, registration.id, deployment_id)
    if found is None:
        registrations.hold_deployment(session, registration.id, deployment_id, now=now)
    elif found[1] == "active":
        return found[0]
    words = "switched off" if found and found[1] == "disabled" else "not approved yet"
    return LaunchError(
        "E_DEPLOYMENT", f"this deployment is {words}; an administrator can approve it"
    )


def _place(
    session: Session, deployment: int, claims: Claims, now: datetime
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
        ),
        now=now,
    )
    if context is None:
        return placement_id, None
    joined = _sis_course(session, claims, now)
    is_settled = course_id is not None and (
        joined is None or placements.is_of_sis(session, course_id)
    )
    if is_settled:
        return placement_id, course_id
    course_id = joined or curriculum.insert_course(session, title or context.id, now)
    placements.place_in_course(session, placement_id, course_id)
    return placement_id, course_id


def _sis_course(session: Session, claims: Claims, now: datetime) -> int | None:
    for sourced_id in (
        claims.lis.course_section_sourcedid,
        claims.custom.get(SIS_CLASS),
        claims.lis.course_offering_sourcedid,
    ):
        found = placements.find_sis_class(session, sourced_id) if sourced_id else None
        if found:
            return placements.course_of_class(
                session, found["id"], found["title"], now=now
            )
    return None


def _user(claims: Claims) -> LmsUser:
    return LmsUser(
        subject=claims.sub,
        given_name=claims.given_name,
        family_name=claims.family_name,
        full_name=claims.name,
        email=claims.email,
        lis_person_sourcedid=(
            claims.lis.person_sourcedid or claims.custom.get(SIS_PERSON)
        ),
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
