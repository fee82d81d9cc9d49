"""How a school wants its levels in the outcomes of a platform, and what was found.

Kept as JSON with the registration: manner, and of the last look whether what another
manner takes is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select, update

from lti_tool.storage.schema import deployment, line_item, placement, registration
from lti_tool.storage.session import Session

RUBRIC: Final = "rubric"
LIVE: Final = "live"
MANNERS: Final = (RUBRIC, LIVE)
# What a look at live assessments finds.
ANSWERS, ABSENT, REFUSED = "answers", "absent", "refused"


@dataclass(frozen=True, slots=True)
class OutcomesSettings:
    """What a school chose, and what a look at the platform found.

    Attributes:
        manner: one of MANNERS.
        live: what the last look at live assessments found, one of ANSWERS, ABSENT and
            REFUSED; None if none was made.
        live_at: when that was.
        refused_at: since when our token is refused there, None if it is not.
    """

    manner: str = RUBRIC
    live: str | None = None
    live_at: datetime | None = None
    refused_at: datetime | None = None


def load_settings(session: Session, registration_id: int) -> OutcomesSettings:
    """Return the settings of a platform, the usual ones where none were chosen."""
    held = _held(session, registration_id)
    return OutcomesSettings(
        manner=held.get("manner", RUBRIC),
        live=held.get("live"),
        live_at=_moment(held.get("live_at")),
        refused_at=_moment(held.get("refused_at")),
    )


def save_manner(
    session: Session, registration_id: int, manner: str, *, destination: str
) -> bool:
    """Keep how levels go from now on; tells whether it was otherwise.

    Where they went before is forgotten: it is looked for anew, in the other manner.
    """
    held = _held(session, registration_id)
    if held.get("manner", RUBRIC) == manner:
        return False
    _save(session, registration_id, held | {"manner": manner})
    courses = (
        select(placement.c.course_id)
        .join(deployment, deployment.c.id == placement.c.deployment_id)
        .where(deployment.c.registration_id == registration_id)
    )
    session.execute(
        delete(line_item).where(
            line_item.c.destination == destination, line_item.c.course_id.in_(courses)
        )
    )
    return True


def save_live(
    session: Session, registration_id: int, found: str, now: datetime
) -> None:
    """Keep what a look at live assessments found."""
    held = _held(session, registration_id)
    told = {"live": found, "live_at": now.isoformat()}
    _save(session, registration_id, held | told)


def note_refused(session: Session, registration_id: int, now: datetime) -> None:
    """Write down that our token is refused there, if it was not so already."""
    held = _held(session, registration_id)
    if "refused_at" not in held:
        _save(session, registration_id, held | {"refused_at": now.isoformat()})


def note_taken(session: Session, registration_id: int) -> None:
    """Forget that our token was refused: it is taken, or is another."""
    held = _held(session, registration_id)
    if held.pop("refused_at", None) is not None:
        _save(session, registration_id, held)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _held(session: Session, registration_id: int) -> dict[str, Any]:
    found = session.scalar(
        select(registration.c.outcomes_settings).where(
            registration.c.id == registration_id
        )
    )
    return dict(found or {})


def _save(session: Session, registration_id: int, held: dict[str, Any]) -> None:
    session.execute(
        update(registration)
        .where(registration.c.id == registration_id)
        .values(outcomes_settings=held)
    )
