"""What destinations are told of levels: what changed, what is chosen, what is new.

Rows enter the outbox in the caller's transaction. Of a competency or of one grade over
all of them, as the course has columns: see summaries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from lti_tool.storage import curriculum, judging, outbox, sendings, standing
from lti_tool.storage import told as told_storage
from lti_tool.storage.database import Session
from lti_tool.storage.judging import Judging
from lti_tool.storage.outbox import Delivery
from lti_tool.storage.sendings import Sending
from lti_tool.storage.standing import CellKey, StoredAttainment
from lti_tool.storage.told import Key
from lti_tool.work import reasons, summaries

# They keep levels and no numbers.
LEVEL_KEEPERS: Final = frozenset({"moodle"})


def tell_all(session: Session, course_id: int, destination: str, now: datetime) -> int:
    """Put every attainment of a course into the outbox: a destination just went on.

    What it was told before and nothing speaks for any more is withdrawn.
    """
    standing.hold_courses(session, [course_id])
    return outbox.put(session, news(session, course_id, destination, now), now)


def news(
    session: Session,
    course_id: int,
    destination: str,
    now: datetime,
    how: Sending | None = None,
) -> list[Mapping[str, object]]:
    """Return what a destination of a course would be told: all it does not hold yet.

    Competency by competency, and one grade over all, as the course has columns. how:
    as if the course sent so.
    """
    terms = judging.load(session, [course_id])[course_id]
    sending = how or sendings.load_sending(session, course_id)
    place = _Place(course_id, destination, terms, sending, now)
    known = told_storage.load_told(session, destination, course_id)
    here = sendings.load_whom(session, course_id, sending)
    found: list[Mapping[str, object]] = []
    if summaries.tells(sending, destination, is_summary=False):
        found += _news_of_levels(session, place, known, here)
    setting = summaries.setting_of(course_id, terms.scale, sending, now)
    if setting is not None and summaries.tells(sending, destination, is_summary=True):
        found += summaries.news(session, setting, destination, known, here)
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """A destination of a course, and how it is told now."""

    course_id: int
    destination: str
    terms: Judging
    sending: Sending
    now: datetime

    def outcome(self, one: StoredAttainment, at: datetime) -> Mapping[str, object]:
        return _outcome(one, self.destination, self.terms, at, self.sending)


def _news_of_levels(
    session: Session,
    place: _Place,
    known: Mapping[Key, Delivery],
    here: Collection[int],
) -> list[Mapping[str, object]]:
    told_at = standing.load_computed(session, place.course_id)
    held = {
        key: _sent_of(one, place.sending)
        for key, one in standing.load(session, place.course_id).items()
        if one.person_id in here
    }
    levels = [
        (key, place.outcome(one, told_at.get(key, place.now)))
        for key, one in sorted(
            held.items(), key=lambda one: _order(place.destination, one[1])
        )
    ]
    found = [one for key, one in levels if _is_news(known.get(key), one["value"])]
    found += [
        {**_withdrawal(told), "waits_for": place.sending.waits_for}
        for key, told in known.items()
        if told.competency_id is not None and key not in held
        if told.person_id in here and told.value is not None
    ]
    return found


def set_sending(
    session: Session, course_id: int, new: Sending, *, who: str, now: datetime
) -> int:
    """Choose what of a course is told, when and of whom; returns how many outcomes.

    What a destination holds and would not be told any more is withdrawn, of those of
    whom levels are told; of others it stays, and so does what stands in a column that
    is not kept up any more.

    Raises:
        SummaryError: no column would be left, or the formula does not fit the levels.
    """
    old = sendings.load_sending(session, course_id)
    scale = curriculum.load_scale(session, course_id)
    if (old.is_each, old.summary) != (new.is_each, new.summary):
        summaries.check(new, scale)
    sendings.save_sending(session, course_id, new, who=who, now=now)
    if _content(old) == _content(new):
        return 0
    standing.hold_courses(session, [course_id])
    terms = judging.load(session, [course_id])[course_id]
    return sum(
        _retell(session, _Place(course_id, destination, terms, new, now), old)
        for destination in curriculum.load_destinations(session, course_id)
    )


def _content(one: Sending) -> tuple[object, ...]:
    return one.is_secure_only, one.group_id, one.is_each, one.summary


def _retell(session: Session, place: _Place, old: Sending) -> int:
    """Tell a destination what is new by another choice; returns how many outcomes.

    What waits was made by the old choice, and is closed.
    """
    new, count = place.sending, 0
    is_told, was_told = (
        summaries.tells(how, place.destination, is_summary=False) for how in (new, old)
    )
    here = sendings.load_whom(session, place.course_id, new)
    where = (place.course_id, place.destination, place.now)
    if (is_told, new.is_secure_only, new.group_id) != (
        was_told,
        old.is_secure_only,
        old.group_id,
    ):
        outbox.drop_waiting(session, *where, is_summary=False)
        if is_told:
            known = told_storage.load_told(session, place.destination, place.course_id)
            rows = _news_of_levels(session, place, known, here)
            count += outbox.put(session, rows, place.now)
    if (new.summary, new.group_id) != (old.summary, old.group_id):
        outbox.drop_waiting(session, *where, is_summary=True)
        setting = summaries.setting_of(
            place.course_id, place.terms.scale, new, place.now
        )
        if setting is not None:
            count += summaries.put_changed(session, setting, [place.destination], here)
    return count


def _sent_of(one: StoredAttainment, sending: Sending) -> StoredAttainment:
    """Return an attainment as others are told of it."""
    if sending.is_secure_only and not one.is_mastered:
        return one._replace(value=None, level_name=None)
    return one


def _is_news(told: Delivery | None, value: object) -> bool:
    return value != (None if told is None else told.value)


def _withdrawal(told: Delivery) -> dict[str, object]:
    return {
        "destination": told.destination,
        "course_id": told.course_id,
        "person_id": told.person_id,
        "competency_id": told.competency_id,
        "value": None,
        "maximum": told.maximum,
        "level_name": None,
        "basis": {},
    }


def switch(
    session: Session,
    course_id: int,
    destination: str,
    *,
    is_on: bool,
    who: str,
    now: datetime,
) -> int:
    """Switch a destination; going on tells it all. Returns how many outcomes.

    Going off lets nothing more go out: what waits is closed, what stands there stays.
    """
    was_on = destination in curriculum.load_destinations(session, course_id)
    if is_on != was_on:
        curriculum.save_destination(
            session, course_id, destination, is_on=is_on, who=who, now=now
        )
    if is_on:
        return tell_all(session, course_id, destination, now)
    outbox.drop_waiting(session, course_id, destination, now)
    return 0


def _outcome(
    one: StoredAttainment,
    destination: str,
    terms: Judging,
    at: datetime,
    sending: Sending,
) -> Mapping[str, object]:
    """Return what the outbox tells of a level; at is when it was worked out.

    A destination that keeps levels is told which one it is, the lowest as 1.
    """
    basis = reasons.basis(one, terms.terms(one.competency_id), at)
    maximum = terms.scale.maximum
    if destination in LEVEL_KEEPERS:
        has_level = one.value is not None and one.level is not None
        one = one._replace(value=float((one.level or 0) + 1) if has_level else None)
        maximum = float(len(terms.scale.levels))
    row = standing.outcome_row(one, destination, maximum, basis)
    return {**row, "waits_for": sending.waits_for}


@dataclass(frozen=True, slots=True)
class Before:
    """How cells stood before, and how their courses send."""

    cells: Mapping[CellKey, StoredAttainment]
    how: Mapping[int, Sending]


def _telling(
    changed: Sequence[StoredAttainment], then: Before
) -> list[StoredAttainment]:
    """Return the changed attainments whose value or level others would see."""
    nothing = (None, None)
    telling = []
    for one in changed:
        before, sending = then.cells.get(one.key), then.how[one.course_id]
        told = _sent_of(one, sending)
        was = None if before is None else _sent_of(before, sending)
        seen = nothing if was is None else (was.value, was.level_name)
        shown = nothing if told.value is None else (told.value, told.level_name)
        if seen != shown:
            telling.append(told)
    return telling


def _order(destination: str, one: StoredAttainment) -> tuple[int, int]:
    """Where an outcome stands among those of its course: they go out by the hundred.

    A destination that keeps levels is read student by student, so hers go together;
    any other one is read column by column.
    """
    if destination in LEVEL_KEEPERS:
        return one.person_id, one.competency_id
    return one.competency_id, one.person_id


def _concerns(
    destination: str, one: StoredAttainment, before: StoredAttainment | None
) -> bool:
    """Tell whether a change is one that a destination would keep."""
    if destination not in LEVEL_KEEPERS or before is None:
        return True
    return (before.value is None, before.level) != (one.value is None, one.level)


def put_changed(
    session: Session,
    terms: Mapping[int, Judging],
    moving: Sequence[StoredAttainment],
    before: Before,
    now: datetime,
) -> int:
    """Put what others would see changed into the outbox; returns how many outcomes.

    Of those who sit in the course: who left has no place there any more.
    """
    by_course: dict[int, list[StoredAttainment]] = {}
    for one in _telling(moving, before):
        by_course.setdefault(one.course_id, []).append(one)
    on = standing.load_destinations(session, by_course) if by_course else {}
    rows = []
    for course_id, destinations in on.items():
        sending = before.how[course_id]
        whom = sendings.load_whom(session, course_id, sending)
        rows += [
            _outcome(one, destination, terms[course_id], now, sending)
            for destination in destinations
            if summaries.tells(sending, destination, is_summary=False)
            for one in sorted(by_course[course_id], key=partial(_order, destination))
            if one.person_id in whom
            and _concerns(destination, one, before.cells.get(one.key))
        ]
    return outbox.put(session, rows, now)
