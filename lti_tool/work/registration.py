"""A platform registers itself: by invitation, checked, and waiting for approval.

The invitation is claimed before the platform is spoken to and settled when the
registration is written down; no network call happens inside a transaction.

Source: LTI Dynamic Registration 1.0; facts/lti.md 12; facts/security.md D14, D15, D27.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from lti_tool.errors import RegistrationError
from lti_tool.logs import log
from lti_tool.lti13.tool_description import (
    TITLE,
    TOOL_CONFIGURATION,
    Offer,
    Tool,
    canvas_document,
    registration_body,
)
from lti_tool.platforms.configuration import Configuration
from lti_tool.platforms.enrolment import (
    Granted,
    Opening,
    fetch_configuration,
    fetch_current,
    is_update,
    post_registration,
)
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.profiles import profile
from lti_tool.settings import Settings
from lti_tool.storage import enrolments, invitations, keys, registrations, secrets
from lti_tool.storage.database import Database, Session
from lti_tool.storage.enrolments import Agreement, Waiting, load_waiting
from lti_tool.storage.invitations import Invitation, Terms, load_invitations
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work.agreements import Line, agreed, differences

__all__ = [
    "Enrolment",
    "Invitation",
    "Invited",
    "Line",
    "Terms",
    "Waiting",
    "agreed",
    "canvas_configuration",
    "differences",
    "enrol",
    "invitation_of",
    "load_invitations",
    "load_waiting",
    "make_invitation",
    "tool_values",
]

REGISTER_PATH: Final = "/lti/register"


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation just made; the address is shown once."""

    id: int
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What came of a registration, for the page that tells it.

    before are the lines of the registration an update replaced.
    """

    registration_id: int
    name: str
    vendor: str
    issuer: str
    client_id: str
    deployment_id: str | None
    is_update: bool
    waits: bool
    lines: tuple[Line, ...]
    before: tuple[Line, ...] = ()


def make_invitation(
    session: Session, terms: Terms, *, public_url: str, now: datetime
) -> Invited:
    """Make an invitation of a platform; its address is good once.

    Raises:
        ConfigError: terms name a vendor we do not know.
    """
    if terms.vendor is not None:
        profile(terms.vendor)
    invitation_id, token = invitations.make_invitation(session, terms, now=now)
    query = urlencode({"invitation": token})
    url = f"{public_url.rstrip('/')}{REGISTER_PATH}?{query}"
    return Invited(invitation_id, url, now + terms.life)


def invitation_of(session: Session, token: str) -> Invitation | None:
    """The invitation of a token, in whatever state; None if there never was one."""
    return invitations.find_invitation(session, token) if token else None


def canvas_configuration(public_url: str) -> dict[str, Any]:
    """The description an administrator of Canvas gives its address of."""
    custom = profile("canvas").custom_variables
    return canvas_document(Tool(public_url), custom)


def tool_values(public_url: str, vendor: str) -> dict[str, Any]:
    """What an administrator copies into an LMS of this vendor by hand.

    Addresses by name, the custom parameters as they are filled in, the scopes.

    Raises:
        ConfigError: no such vendor.
    """
    tool = Tool(public_url)
    body = registration_body(tool, Offer(custom=profile(vendor).custom_variables))
    configuration = body[TOOL_CONFIGURATION]
    return {
        "title": body["client_name"],
        "description": configuration["description"],
        "login_url": tool.login_url,
        "launch_url": tool.launch_url,
        "deep_linking_url": tool.deep_linking_url,
        "redirect_urls": body["redirect_uris"],
        "jwks_url": tool.jwks_url,
        "icon_url": tool.icon_url,
        "domain": tool.domain,
        "canvas_url": tool.canvas_url,
        "custom": dict(configuration["custom_parameters"]),
        "scopes": body["scope"].split(),
    }


def enrol(
    database: Database,
    settings: Settings,
    token: str,
    opening: tuple[str, str],
    *,
    clock: Callable[[], datetime],
) -> Enrolment:
    """Register with the platform that opened us, on an invitation's token.

    opening is the address of its configuration and its registration token. The
    invitation is used up only when a registration was written down.

    Raises:
        RegistrationError: its code says what was wrong; nothing was kept.
    """
    invitation = _claim(database, token, clock())
    try:
        return _enrol(database, settings, invitation, opening, clock=clock)
    except BaseException:
        with database.write() as session:
            invitations.release_invitation(session, invitation.id)
        raise


def _enrol(
    database: Database,
    settings: Settings,
    invitation: Invitation,
    opening: tuple[str, str],
    *,
    clock: Callable[[], datetime],
) -> Enrolment:
    way = GuardedSession(settings.local_hosts)
    door = Opening(*opening, local_hosts=settings.local_hosts)
    found = fetch_configuration(way, door, vendor=invitation.vendor)
    _check_locked(invitation, door.url, found.issuer)
    known = _known(database, way, found, door)
    body = registration_body(Tool(settings.public_url), _offer(found))
    with database.write() as session:
        # The platform may read our key set before it answers.
        keys.ensure(session, settings.load_secret_key(), now=clock())
    granted = post_registration(way, found, door, body)
    return _keep(
        database, settings, invitation, _Outcome(found, body, granted, known), clock()
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A registration as it went; known is our id of the one it replaced."""

    configuration: Configuration
    asked: dict[str, Any]
    granted: Granted
    known: int | None


def _claim(database: Database, token: str, now: datetime) -> Invitation:
    with database.write() as session:
        invitation = invitations.find_invitation(session, token)
        if invitation is None:
            raise RegistrationError("there is no such invitation", "unknown")
        if invitations.claim_invitation(session, invitation.id, now=now):
            return invitation
    # Read again: another may have taken it since it was found.
    with database.read() as session:
        invitation = invitations.find_invitation(session, token) or invitation
    state = invitation.state(now)
    code = "busy" if state == "open" else state
    raise RegistrationError(f"this invitation is {code}", code)


def _check_locked(invitation: Invitation, url: str, issuer: str) -> None:
    """Check that a locked invitation is used by its host, as issuer or as itself."""
    locked = (invitation.issuer_host or "").lower()
    places = [urlsplit(one) for one in (url, issuer)]
    hosts = {name for one in places for name in (one.netloc.lower(), one.hostname)}
    if locked and locked not in hosts:
        host = places[0].netloc
        raise RegistrationError(
            f"this invitation is for {locked}, not for {host}",
            "locked",
            host=host,
            locked=locked,
        )


def _known(
    database: Database, way: GuardedSession, found: Configuration, door: Opening
) -> int | None:
    """Our id of the registration that the platform wants to be renewed, if any."""
    if not is_update(door.token):
        return None
    current = fetch_current(way, found, door)
    with database.read() as session:
        held = registrations.find_registration(session, found.issuer, current.client_id)
    return held.id if held else None


def _offer(found: Configuration) -> Offer:
    return Offer(
        scopes=found.scopes,
        claims=found.claims,
        placements=found.placements,
        extension=found.profile.registration_keys,
        custom=found.profile.custom_variables,
    )


def _keep(
    database: Database,
    settings: Settings,
    invitation: Invitation,
    outcome: _Outcome,
    now: datetime,
) -> Enrolment:
    """Write a registration down and use the invitation up, both or neither."""
    granted = outcome.granted
    agreement = _agreement(outcome, settings.load_secret_key)
    placed = [granted.deployment_id] if granted.deployment_id else []
    before: tuple[Line, ...] = ()
    with database.write() as session:
        if outcome.known is None:
            new = _new(invitation, outcome)
            registration_id = enrolments.add_enrolment(
                session, new, agreement, deployment_ids=placed, now=now
            )
        else:
            registration_id = outcome.known
            held = enrolments.find_agreement(session, registration_id)
            before = agreed(held.asked, held.granted) if held else ()
            enrolments.renew_enrolment(
                session, registration_id, agreement, deployment_ids=placed, now=now
            )
        invitations.settle_invitation(session, invitation.id, registration_id, now=now)
        kept = registrations.load_registration(session, registration_id)
    log().info("platform registered", registration_id=kept.id, vendor=kept.vendor)
    return Enrolment(
        registration_id=kept.id,
        name=kept.name,
        vendor=kept.vendor,
        issuer=kept.issuer,
        client_id=kept.client_id,
        deployment_id=granted.deployment_id,
        is_update=outcome.known is not None,
        waits=kept.status == "pending",
        lines=agreed(agreement.asked, agreement.granted),
        before=before,
    )


def _agreement(outcome: _Outcome, load_key: Callable[[], bytes]) -> Agreement:
    granted = outcome.granted
    token = granted.registration_token
    return Agreement(
        asked=outcome.asked,
        granted=granted.answer,
        product=outcome.configuration.product,
        registration_url=granted.registration_url,
        registration_token=secrets.encrypt(token, load_key()) if token else None,
    )


def _new(invitation: Invitation, outcome: _Outcome) -> NewRegistration:
    found = outcome.configuration
    host = urlsplit(found.issuer).netloc
    return NewRegistration(
        name=(invitation.name or found.product.get("name") or host or TITLE)[:255],
        issuer=found.issuer,
        client_id=outcome.granted.client_id,
        auth_url=found.auth_url,
        token_url=found.token_url,
        jwks_url=found.jwks_url,
        vendor=found.vendor,
        token_audience=found.token_audience,
    )
