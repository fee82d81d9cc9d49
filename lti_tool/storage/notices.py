"""Notices of platforms: who was told where we listen, and what was told to us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update

from lti_tool.storage.database import rows, upsert
from lti_tool.storage.schema import deployment, notice, placement, registration
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True)
class Listening:
    """A deployment whose platform has notices.

    told: the address it was given for each type of notice.
    """

    deployment_id: int
    registration_id: int
    lti_deployment_id: str
    url: str
    offered: tuple[str, ...]
    told: Mapping[str, str]


def note_service(
    session: Session, deployment_id: int, url: str, offered: Sequence[str]
) -> None:
    """Write down where a platform is told who listens; what is as it was is not.

    At a new address nothing has been told yet.
    """
    held = session.execute(
        select(deployment.c.notices_url, deployment.c.notice_types).where(
            deployment.c.id == deployment_id
        )
    ).one()
    types = held.notice_types or {}
    if held.notices_url == url and types.get("offered") == list(offered):
        return
    told = types.get("told", {}) if held.notices_url == url else {}
    session.execute(
        update(deployment)
        .where(deployment.c.id == deployment_id)
        .values(
            notices_url=url,
            notice_types={"offered": list(offered), "told": told},
            notices_at=None,
        )
    )


def load_listening(session: Session, *, tried_before: datetime) -> list[Listening]:
    """The active deployments with notices that nothing was tried with since."""
    found = session.execute(
        select(deployment)
        .join(registration, registration.c.id == deployment.c.registration_id)
        .where(
            deployment.c.notices_url.is_not(None),
            deployment.c.status == "active",
            registration.c.status == "active",
            or_(
                deployment.c.notices_at.is_(None),
                deployment.c.notices_at < tried_before,
            ),
        )
        .order_by(deployment.c.id)
    )
    return [
        Listening(
            deployment_id=row.id,
            registration_id=row.registration_id,
            lti_deployment_id=row.deployment_id,
            url=row.notices_url,
            offered=tuple((row.notice_types or {}).get("offered", ())),
            told=(row.notice_types or {}).get("told", {}),
        )
        for row in found
    ]


def save_told(
    session: Session, listening: Listening, told: Mapping[str, str], *, now: datetime
) -> None:
    """Keep what a platform has been told, and that it was tried."""
    types = {"offered": list(listening.offered), "told": dict(told)}
    session.execute(
        update(deployment)
        .where(
            deployment.c.id == listening.deployment_id,
            deployment.c.notices_url == listening.url,
        )
        .values(notice_types=types, notices_at=now)
    )


def put_notice(
    session: Session,
    registration_id: int,
    notice_id: str,
    *,
    kind: str,
    body: Mapping[str, Any] | None,
    now: datetime,
) -> bool:
    """Keep a notice; False if this registration told it before."""
    made = session.execute(
        upsert(session, notice)
        .values(
            registration_id=registration_id,
            notice_id=notice_id,
            kind=kind,
            body=dict(body) if body else None,
            received_at=now,
        )
        .on_conflict_do_nothing(index_elements=["registration_id", "notice_id"])
        .returning(notice.c.id)
    )
    return made.first() is not None


def origins_of(session: Session, deployment_id: int, context_id: str) -> list[str]:
    """The contexts that notices say a context was copied from, newest notice first."""
    found = session.scalars(
        select(notice.c.body)
        .join(deployment, deployment.c.registration_id == notice.c.registration_id)
        .where(
            deployment.c.id == deployment_id,
            notice.c.body["deployment_id"].as_integer() == deployment_id,
            notice.c.body["context_id"].as_string() == context_id,
        )
        .order_by(notice.c.id.desc())
    )
    named = (one for body in found for one in body["origins"])
    return list(dict.fromkeys(named))


def find_uncopied(
    session: Session, deployment_id: int, context_id: str
) -> dict[str, Any] | None:
    """A context launched already of which nobody knows yet that it is a copy."""
    found = rows(
        session,
        select(placement.c.id, placement.c.course_id).where(
            placement.c.deployment_id == deployment_id,
            placement.c.context_id == context_id,
            placement.c.course_id.is_not(None),
            placement.c.copied_from_id.is_(None),
        ),
    )
    return found[0] if found else None


def sweep_notices(session: Session, *, before: datetime) -> int:
    """Forget notices that came before a time; returns how many."""
    gone = session.execute(
        delete(notice).where(notice.c.received_at < before).returning(notice.c.id)
    )
    return len(gone.all())
