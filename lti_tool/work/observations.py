"""What people enter as evidence: added, replaced, withdrawn, accepted or declined.

Nothing is edited: a later entry stands in the place of an earlier one, which stays.
Each act writes its line of the audit and works the levels out it moves, in the
caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.errors import NotFoundError
from lti_tool.storage import judging
from lti_tool.storage import observations as stored
from lti_tool.storage import standing as stored_standing
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.observations import (
    ACCEPTED,
    DECLINED,
    PROPOSED,
    StoredObservation,
)
from lti_tool.work import standing, student_records
from mappings.errors import EvidenceError
from mappings.evidence import ratio_of
from mappings.scales import Scale

# What staff may enter, and what a student may of herself.
STAFF_KINDS: Final = ("observation", "conference", "rubric", "outside")
STUDENT_KINDS: Final = ("self", "outside")
LONGEST_TITLE: Final = 255
LONGEST_TEXT: Final = 4000
# Clocks differ, and so do days: what happened may be dated a day ahead.
AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewObservation:
    """What is to be entered.

    Attributes:
        course_id: where it speaks; None: in every course the student learns in.
        kind: observation, conference, rubric, outside or self.
        given, maximum: how well it went; ``at_level`` turns a level into both.
        task: the work it was about, where that was something said twice would be
            said of once: a name of the caller's, or ``assignment:7``. None: its own.
    """

    person_id: int
    competency_id: int
    course_id: int | None
    kind: str
    title: str
    given: float
    maximum: float
    happened_at: datetime
    note: str | None = None
    proof_url: str | None = None
    task: str | None = None


def at_level(scale: Scale, level: int) -> tuple[float, float]:
    """Return the points, and of how many, that stand for a level of a scale.

    Its own points where they lead to it, else its cut.
    """
    one, maximum = scale.levels[level], scale.maximum
    if one.points >= 0 and scale.level(one.points / maximum) == one:
        return one.points, maximum
    return one.cut * maximum, maximum


def add(
    session: Session, new: NewObservation, *, who: str, is_staff: bool, now: datetime
) -> int:
    """Enter a piece of evidence; returns its id.

    What staff enter counts at once; what a student says she learned elsewhere waits
    for staff, and her own view of herself never counts by itself.

    Raises:
        EvidenceError: it says nothing, or is not theirs to say; names what to mend.
        NotFoundError: no such competency, or the student does not learn there.
    """
    values = _checked(session, new, is_staff=is_staff, now=now)
    observation_id = stored.put_observation(
        session, values | _verdict(new, who, now, is_staff=is_staff)
    )
    _note(session, ("evidence entered", observation_id), who, now, _told(new))
    _refresh(session, new, now)
    return observation_id


def _verdict(
    new: NewObservation, who: str, now: datetime, *, is_staff: bool
) -> dict[str, Any]:
    """Return who made an entry, and whether it waits for staff."""
    made = {"made_by": who, "made_at": now}
    if new.kind == "outside" and not is_staff:
        return {**made, "status": PROPOSED}
    return {**made, "status": ACCEPTED, "decided_by": who, "decided_at": now}


def supersede(
    session: Session,
    observation_id: int,
    new: NewObservation,
    *,
    who: str,
    is_staff: bool,
    now: datetime,
) -> int:
    """Put a later entry in the place of an earlier one, which stays; returns its id.

    Raises:
        EvidenceError: as ``add``; or the earlier one is another student's, withdrawn
            or replaced already.
        NotFoundError: as ``add``; or there is no such entry.
    """
    old = _standing(session, observation_id)
    if old.person_id != new.person_id:
        raise EvidenceError(
            f"entry {observation_id} is another student's; enter a new one instead"
        )
    values = _checked(session, new, is_staff=is_staff, now=now)
    values |= _verdict(new, who, now, is_staff=is_staff)
    new_id = stored.put_observation(session, {**values, "supersedes_id": old.id})
    after = {**_told(new), "supersedes": old.id}
    _note(session, ("evidence replaced", new_id), who, now, after)
    _refresh(session, old, now)
    _refresh(session, new, now)
    return new_id


def withdraw(session: Session, observation_id: int, *, who: str, now: datetime) -> None:
    """Take an entry back; it is shown as withdrawn and counts no more.

    What it had replaced does not come back.

    Raises:
        EvidenceError: it was withdrawn or replaced already.
        NotFoundError: there is no such entry.
    """
    old = _standing(session, observation_id)
    stored.change_observation(
        session, observation_id, {"withdrawn_at": now, "withdrawn_by": who}
    )
    _note(session, ("evidence withdrawn", observation_id), who, now)
    _refresh(session, old, now)


def accept(
    session: Session, observation_id: int, *, who: str, now: datetime, reason: str = ""
) -> None:
    """Let what a student showed count: staff have looked at it.

    Raises:
        EvidenceError: it does not wait: decided, withdrawn or replaced already.
        NotFoundError: there is no such entry.
    """
    told = {"status": ACCEPTED, "decision": reason.strip() or None}
    _decide(session, observation_id, told, who, now)


def decline(
    session: Session, observation_id: int, reason: str, *, who: str, now: datetime
) -> None:
    """Do not let it count, and say why; the student reads the reason.

    Raises:
        EvidenceError: no reason; or it does not wait any more.
        NotFoundError: there is no such entry.
    """
    if not reason.strip():
        raise EvidenceError("declining needs a reason; the student will read it")
    told = {"status": DECLINED, "decision": reason.strip()}
    _decide(session, observation_id, told, who, now)


def _decide(
    session: Session, observation_id: int, told: dict[str, Any], who: str, now: datetime
) -> None:
    old = _standing(session, observation_id)
    if old.status != PROPOSED:
        raise EvidenceError(
            f"entry {observation_id} was {old.status} already; nothing was changed"
        )
    decided = {**told, "decided_by": who, "decided_at": now}
    stored.change_observation(session, observation_id, decided)
    _note(session, (f"evidence {told['status']}", observation_id), who, now, told)
    _refresh(session, old, now)


def _standing(session: Session, observation_id: int) -> StoredObservation:
    """Return an entry that stands, held.

    Raises:
        EvidenceError: it was withdrawn or replaced.
        NotFoundError: there is none.
    """
    found = stored.load_observation(session, observation_id)
    if found is None:
        raise NotFoundError(f"no entry {observation_id} of evidence")
    if found.withdrawn_at is not None or found.is_superseded:
        what = "withdrawn" if found.withdrawn_at is not None else "replaced"
        raise EvidenceError(
            f"entry {observation_id} was {what} already; nothing was changed"
        )
    return found


def _checked(
    session: Session, new: NewObservation, *, is_staff: bool, now: datetime
) -> dict[str, Any]:
    """Return the columns of an entry, or refuse it as a whole."""
    kinds = STAFF_KINDS if is_staff else STUDENT_KINDS
    if new.kind not in kinds:
        raise EvidenceError(
            f"{new.kind!r} is no kind of evidence to enter here; "
            f"give one of {', '.join(kinds)}"
        )
    title = new.title.strip()
    if not title or len(title) > LONGEST_TITLE:
        raise EvidenceError(
            f"a title has 1 to {LONGEST_TITLE} letters, this one {len(title)}"
        )
    if len(new.note or "") > LONGEST_TEXT:
        raise EvidenceError(f"a note has at most {LONGEST_TEXT} letters; shorten it")
    _refuse_address(new.proof_url)
    ratio_of(new.given, new.maximum)
    _refuse_time(new.happened_at, now)
    _refuse_place(session, new)
    return {
        "person_id": new.person_id,
        "competency_id": new.competency_id,
        "course_id": new.course_id,
        "kind": new.kind,
        "task": _task(new, title),
        "title": title,
        "given": float(new.given),
        "maximum": float(new.maximum),
        "note": (new.note or "").strip() or None,
        "proof_url": new.proof_url or None,
        "happened_at": new.happened_at,
    }


def _refuse_address(url: str | None) -> None:
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EvidenceError(
            "the address of the proof must begin with http:// or https://; correct it"
        )


def _refuse_time(happened_at: datetime, now: datetime) -> None:
    if happened_at.utcoffset() is None:
        raise EvidenceError(f"{happened_at} has no time zone; give an aware datetime")
    if happened_at > now + AHEAD:
        raise EvidenceError(
            f"{happened_at.date()} is yet to come; give the day it happened"
        )


def _refuse_place(session: Session, new: NewObservation) -> None:
    places = stored.load_places(
        session, new.person_id, new.competency_id, new.course_id
    )
    framework_id = judging.framework_of(session, new.competency_id)
    if framework_id is None:
        raise NotFoundError(f"no competency {new.competency_id}")
    if new.course_id is not None and not places:
        raise NotFoundError(
            f"course {new.course_id} has no competency {new.competency_id}, "
            f"or student {new.person_id} does not learn there"
        )


def _task(new: NewObservation, title: str) -> str:
    """Name the task: the same title on the same day is the same thing seen again."""
    if new.task:
        return new.task[:LONGEST_TITLE]
    return f"{new.kind} {new.happened_at.date()} {title}"[:LONGEST_TITLE]


def _told(new: NewObservation) -> dict[str, Any]:
    """What the audit keeps: no note and no title, which are about a person."""
    return {
        "person_id": new.person_id,
        "competency_id": new.competency_id,
        "course_id": new.course_id,
        "kind": new.kind,
    }


def _note(
    session: Session,
    event: tuple[str, int],
    who: str,
    now: datetime,
    after: dict[str, Any] | None = None,
) -> None:
    what, observation_id = event
    put_change(
        session,
        at=now,
        who=who,
        what=what,
        subject=("observation", observation_id),
        after=after,
    )


def _refresh(
    session: Session, one: NewObservation | StoredObservation, now: datetime
) -> None:
    """Work out the cells that an entry moves, in each course; and the record."""
    places = stored.load_places(
        session, one.person_id, one.competency_id, one.course_id
    )
    if places:
        stored_standing.hold_courses(session, places)
    for course_id in places:
        standing.refresh_cells(
            session, course_id, [one.person_id], [one.competency_id], now=now
        )
    framework_id = judging.framework_of(session, one.competency_id)
    if not places and framework_id is not None:
        student_records.refresh_people(
            session, framework_id, [one.person_id], [one.competency_id], now=now
        )
