"""What an administrator does with a platform, from the pages or the command line.

Fields are checked in work.platform_fields; each change is made in the caller's
transaction and written into the audit with what was before and after.
Source: facts/ux.md 4.4, A2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import invitations, outcomes_settings, platforms, registrations
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.registrations import NewRegistration

# What an administrator may change of a platform later.
EDITABLE: Final = (
    "name",
    "issuer",
    "client_id",
    "auth_url",
    "token_url",
    "jwks_url",
    "token_audience",
    "vendor",
    "outcomes_url",
)


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, as the audit names her, and when."""

    who: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Removal:
    """What came of removing a platform; what is kept where it was used."""

    was_deleted: bool
    courses: int = 0
    people: int = 0


def add(
    session: Session,
    new: NewRegistration,
    *,
    deployment_ids: Iterable[str],
    by: Author,
) -> int:
    """Add a platform, the named deployments active; returns its id.

    Raises:
        ConfigError: this issuer and client id are registered already.
    """
    ids = list(deployment_ids)
    added = registrations.add_registration(session, new, deployment_ids=ids, now=by.now)
    after = {name: getattr(new, name) for name in EDITABLE}
    _note(session, added, "platform added", by, after={**after, "active": ids})
    return added


def edit(
    session: Session,
    registration_id: int,
    values: Mapping[str, Any],
    *,
    by: Author,
) -> dict[str, Any]:
    """Change what differs; returns that, with what it was in the audit alone.

    Its visits end when another platform is meant from now on: issuer or client id.

    Raises:
        NotFoundError: there is no such platform.
        ConfigError: another platform has this issuer and client id.
    """
    held = platforms.load_platform(session, registration_id)
    changed = {
        name: value
        for name, value in values.items()
        if name == "outcomes_token" or (held[name] or None) != (value or None)
    }
    if not changed:
        return {}
    platforms.save_platform(session, registration_id, **{**_pair(held), **changed})
    if changed.keys() & {"issuer", "client_id"}:
        platforms.end_visits(session, registration_id)
    secret = {"outcomes_token": "changed"} if "outcomes_token" in changed else {}
    if secret:
        outcomes_settings.note_taken(session, registration_id)
    shown = {name: one for name, one in changed.items() if name not in secret}
    before = {name: held[name] for name in shown}
    _note(
        session,
        registration_id,
        "platform edited",
        by,
        before=before,
        after={**shown, **secret},
    )
    return shown | secret


def switch(session: Session, registration_id: int, *, is_on: bool, by: Author) -> None:
    """Let the launches of a platform in, or no more; switched off, its visits end.

    Raises:
        NotFoundError: there is no such platform.
        ConfigError: it waits for approval, which is another step.
    """
    held = platforms.load_platform(session, registration_id)
    if held["status"] == "pending" and is_on:
        raise ConfigError(
            f"platform {registration_id} waits for approval; approve or refuse it"
        )
    status = "active" if is_on else "disabled"
    if held["status"] == status:
        return
    if is_on:
        platforms.save_platform(session, registration_id, status=status)
    else:
        registrations.disable_registration(session, registration_id)
    _note_status(session, registration_id, held["status"], status, by)


def decide(
    session: Session, registration_id: int, *, approves: bool, by: Author
) -> None:
    """Approve or refuse a platform that registered itself.

    The deployments it named are approved with it.

    Raises:
        NotFoundError: no such platform waits.
    """
    held = platforms.load_platform(session, registration_id)
    if held["status"] != "pending":
        raise NotFoundError(
            f"no platform with the id {registration_id} waits for approval; "
            "see `platform waiting`"
        )
    status = "active" if approves else "disabled"
    platforms.save_platform(session, registration_id, status=status)
    if approves:
        for one in platforms.load_deployments(session, registration_id):
            if one["status"] == "pending":
                platforms.switch_deployment(session, one["id"], "active")
    _note_status(session, registration_id, "pending", status, by)


def switch_deployment(
    session: Session,
    registration_id: int,
    row_id: int,
    status: str,
    *,
    by: Author,
) -> dict[str, Any]:
    """Approve a deployment, or switch it off (refuse it); returns what it was.

    Raises:
        NotFoundError: the platform has no such deployment.
    """
    held = platforms.load_deployment(session, registration_id, row_id)
    if held["status"] != status:
        platforms.switch_deployment(session, row_id, status)
        put_change(
            session,
            at=by.now,
            who=by.who,
            what="deployment switched",
            subject=("deployment", row_id),
            before={"status": held["status"]},
            after={"status": status},
        )
    return held


def switch_named(
    session: Session,
    registration_id: int,
    deployment_id: str,
    status: str,
    *,
    by: Author,
) -> None:
    """Approve a deployment by its own id, known or not, or switch a known one off.

    Raises:
        NotFoundError: there is no such platform, or it has no such deployment.
    """
    platforms.load_platform(session, registration_id)
    found = registrations.find_deployment(session, registration_id, deployment_id)
    if found is not None:
        switch_deployment(session, registration_id, found[0], status, by=by)
        return
    if status != "active":
        raise NotFoundError(
            f"platform {registration_id} has no deployment {deployment_id}; "
            f"see `platform show {registration_id}`"
        )
    row_id = registrations.activate_deployment(
        session, registration_id, deployment_id, now=by.now
    )
    put_change(
        session,
        at=by.now,
        who=by.who,
        what="deployment switched",
        subject=("deployment", row_id),
        after={"status": status},
    )


def remove(session: Session, registration_id: int, *, by: Author) -> Removal:
    """Delete a platform nobody ever came by; switch any other off and keep the rest.

    Raises:
        NotFoundError: there is no such platform.
    """
    held = platforms.load_platform(session, registration_id)
    if platforms.was_used(session, registration_id):
        registrations.disable_registration(session, registration_id)
        _note_status(session, registration_id, held["status"], "disabled", by)
        return Removal(
            was_deleted=False, courses=held["courses"], people=held["people"]
        )
    platforms.delete_platform(session, registration_id)
    before = {name: held[name] for name in EDITABLE}
    _note(session, registration_id, "platform deleted", by, before=before)
    return Removal(was_deleted=True)


def note_invitation(session: Session, invitation_id: int, *, by: Author) -> None:
    """Write down who invited a platform to register itself."""
    _note_invitation(session, invitation_id, "platform invited", by)


def withdraw_invitation(session: Session, invitation_id: int, *, by: Author) -> None:
    """Let nobody use an invitation any more. May be run again.

    Raises:
        NotFoundError: there is no such invitation, or a registration came of it.
    """
    invitations.revoke_invitation(session, invitation_id, now=by.now)
    _note_invitation(session, invitation_id, "platform invitation withdrawn", by)


def _note_invitation(
    session: Session, invitation_id: int, what: str, by: Author
) -> None:
    put_change(
        session,
        at=by.now,
        who=by.who,
        what=what,
        subject=("invitation", invitation_id),
    )


def _pair(held: Mapping[str, Any]) -> dict[str, Any]:
    """Issuer and client id, so that a clash can name both."""
    return {"issuer": held["issuer"], "client_id": held["client_id"]}


def _note(
    session: Session,
    registration_id: int,
    what: str,
    by: Author,
    *,
    before: object = None,
    after: object = None,
) -> None:
    put_change(
        session,
        at=by.now,
        who=by.who,
        what=what,
        subject=("registration", registration_id),
        before=before,
        after=after,
    )


def _note_status(
    session: Session,
    registration_id: int,
    before: str,
    after: str,
    by: Author,
) -> None:
    _note(
        session,
        registration_id,
        "platform switched",
        by,
        before={"status": before},
        after={"status": after},
    )
