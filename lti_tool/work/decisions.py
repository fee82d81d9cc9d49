"""What a person decides about one delivery: send it again, take theirs, undo it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from lti_tool.errors import OutboxError
from lti_tool.storage import curriculum, differences, receipts, requeue
from lti_tool.storage import teacher_levels as stored_levels
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.outbox import THEIRS
from lti_tool.work import standing, teacher_levels
from lti_tool.work.teacher_levels import NewLevel
from mappings.errors import MappingError

NAMES: Final = {
    "ags": "the LMS gradebook",
    "oneroster": "the school system",
    "moodle": "the Moodle competencies",
    "canvas": "the Canvas outcomes",
}
# Why something cannot be done: the codes of OutboxError.
OFF, NOT_OTHER, NOT_SET = "off", "not_other", "not_set"
NOT_DELIVERED, NOT_CHANGED = "not_delivered", "not_changed"
IN_FLIGHT, NOT_NEWEST = "in_flight", "not_newest"
ON_ITS_WAY: Final = ("sending", "unknown")


def send_again(session: Session, delivery_id: int, *, who: str, now: datetime) -> int:
    """Send a value once more; returns the id of the delivery that does.

    What a person set there, and this one saw, is written over: no other value is. A
    column that was taken away there is made anew, for all that waited for it.

    Raises:
        OutboxError: it is on its way, a newer value is, or its destination is off.
        NotFoundError: there is no such delivery.
    """
    row = _newest(session, delivery_id)
    if row["destination"] not in curriculum.load_destinations(
        session, row["course_id"]
    ):
        raise OutboxError("this course sends nothing there any more; switch it on", OFF)
    if row["state"] == "pending":
        requeue.hurry(session, delivery_id, now)
        return delivery_id
    if row["code"] in requeue.GONE:
        requeue.release_column(session, row, now)
    over, theirs = _theirs(session, row)
    made = requeue.put_one(
        session,
        {
            **_key(row),
            "value": row["value"],
            "maximum": row["maximum"],
            "level_name": row["level"],
            "basis": row["basis"],
            "asked_by": who,
            "over_value": theirs,
            "over_at": now if over else None,
        },
        now,
    )
    differences.decide(session, delivery_id, "sent", who=who, now=now)
    _note(session, row, "outcome sent again", made, who, now)
    return made


def take_theirs(session: Session, delivery_id: int, *, who: str, now: datetime) -> int:
    """Let what stands there stand, here too: as a level set by hand.

    It stays theirs: a later value of ours asks before it is written over it. Where
    they show nothing, and of a grade over all competencies, nothing is set here.
    Returns the id of the row that says so.

    Raises:
        OutboxError: they show nothing else, or the level cannot be set here.
        NotFoundError: there is no such delivery.
    """
    row = _newest(session, delivery_id)
    is_other, theirs = _theirs(session, row)
    if not is_other:
        raise OutboxError(
            "what stands there is what we sent; there is none to take", NOT_OTHER
        )
    if theirs is not None and row["competency_id"] is not None:
        _set_level(session, row, theirs, who, now)
    made = requeue.put_kept(
        session, {**_key(row), "maximum": row["maximum"]}, theirs, who=who, now=now
    )
    differences.decide(session, delivery_id, "taken", who=who, now=now)
    _note(session, row, "their value taken", made, who, now)
    return made


def undo(session: Session, delivery_id: int, *, who: str, now: datetime) -> int:
    """Let the value stand again that stood before a delivery; returns a delivery's id.

    Our level stays: it is told again when it changes. What a person set there since
    is kept.

    Raises:
        OutboxError: nothing was written by it, or it is not the newest of its level.
        NotFoundError: there is no such delivery.
    """
    row = _newest(session, delivery_id)
    if row["state"] != "delivered" or row["code"] == THEIRS:
        raise OutboxError("only what was delivered can be undone", NOT_DELIVERED)
    if row["before_at"] is None:
        raise OutboxError(
            "nothing was changed there by it: the value stood there", NOT_CHANGED
        )
    made = requeue.put_one(
        session,
        {
            **_key(row),
            "value": row["before_value"],
            "maximum": row["maximum"],
            "level_name": None,
            "basis": {},
            "asked_by": who,
            "undoes_id": delivery_id,
        },
        now,
    )
    differences.decide(session, delivery_id, "sent", who=who, now=now)
    _note(session, row, "delivery undone", made, who, now)
    return made


def _newest(session: Session, delivery_id: int) -> dict[str, Any]:
    row = receipts.load_receipt(session, delivery_id)
    if row["state"] in ON_ITS_WAY:
        raise OutboxError(
            "it is on its way right now; look again in a moment", IN_FLIGHT
        )
    if not receipts.is_newest(session, delivery_id):
        raise OutboxError(
            "a newer value of this level was told since; look at that", NOT_NEWEST
        )
    return row


def _theirs(session: Session, row: dict[str, Any]) -> tuple[bool, float | None]:
    """Whether somebody else's value is known to stand there, and which."""
    if row["state"] == "conflict":
        return True, row["read_back"]
    found = differences.load_of_delivery(session, row["id"])
    return (False, None) if found is None else (True, found["theirs"])


def _set_level(
    session: Session, row: dict[str, Any], theirs: float, who: str, now: datetime
) -> None:
    scale = curriculum.load_plan(session, row["course_id"]).scale
    ratio = min(max(theirs / row["maximum"], 0.0), 1.0)
    if row["destination"] in standing.LEVEL_KEEPERS:
        # It keeps the number of a level, the lowest as 1.
        place = min(max(round(theirs) - 1, 0), len(scale.levels) - 1)
        level = scale.levels[place]
    else:
        level = scale.level(ratio)
    new = NewLevel(
        row["course_id"],
        row["student"],
        row["competency_id"],
        scale.levels.index(level),
        f"{theirs:g} of {row['maximum']:g} was set in {NAMES[row['destination']]}.",
        stored_levels.UNTIL_EVIDENCE,
    )
    try:
        teacher_levels.set_level(session, new, who=who, now=now)
    except MappingError as error:
        raise OutboxError(str(error), NOT_SET) from error


def _key(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "destination": row["destination"],
        "course_id": row["course_id"],
        "person_id": row["student"],
        "competency_id": row["competency_id"],
    }


def _note(
    session: Session,
    row: dict[str, Any],
    what: str,
    made: int,
    who: str,
    now: datetime,
) -> None:
    put_change(
        session,
        at=now,
        who=who,
        what=what,
        subject=("delivery", row["id"]),
        after={"delivery_id": made},
    )
