"""One grade over all competencies of a course, told where grades are kept.

Worked out in the transaction that moved a level it is made of, and put into the outbox
where it is another than was told last. What it was made of goes into its receipt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from lti_tool.storage import outbox, sendings, standing
from lti_tool.storage import summaries as stored
from lti_tool.storage.database import Session
from lti_tool.storage.judging import Judging
from lti_tool.storage.outbox import Delivery
from lti_tool.storage.sendings import Sending
from lti_tool.storage.standing import StoredAttainment
from lti_tool.storage.told import Key
from mappings.errors import SummaryError
from mappings.refusals import Refusal
from mappings.scales import Level, Scale
from mappings.summary import (
    Grade,
    Judged,
    Summary,
    format_summary,
    grade,
    judged,
    parse_summary,
    worths,
)

# They keep columns of grades; the others keep competencies and nothing else.
GRADE_KEEPERS: Final = frozenset({"ags", "oneroster"})


def tells(how: Sending, destination: str, *, is_summary: bool) -> bool:
    """Tell whether a destination is told of competencies one by one, or of one grade.

    Which columns there are is a choice only where columns of grades are kept.
    """
    if destination not in GRADE_KEEPERS:
        return not is_summary
    return how.summary is not None if is_summary else how.is_each


def check(how: Sending, scale: Scale) -> None:
    """Refuse a choice of columns that tells a gradebook nothing, or cannot be.

    Raises:
        SummaryError: there would be no column, or the formula gives points to other
            levels than the scale has.
    """
    if how.summary is not None:
        worths(how.summary, scale)
    elif not how.is_each:
        raise SummaryError(Refusal.GRADE_NONE, field="columns")


def fits(summary: Summary, scale: Scale) -> bool:
    """Tell whether a formula can be used with a scale."""
    try:
        worths(summary, scale)
    except SummaryError:
        return False
    return True


def fault(how: Sending, scale: Scale) -> SummaryError | None:
    """Return why a formula fits the levels of its course no more; None: it does.

    Nothing is told by it then, and what stands there stays.
    """
    try:
        check(how, scale)
    except SummaryError as error:
        return error
    return None


class Made(NamedTuple):
    """A grade of one student, with what it was made of."""

    levels: tuple[Judged, ...]
    grade: Grade


def made(
    session: Session,
    course_id: int,
    scale: Scale,
    summary: Summary,
    persons: Collection[int],
) -> dict[int, Made]:
    """Return the grade of each of these people, from their levels as they are stored.

    Of the competencies that work of the course is aligned to, and those the student
    has a level in besides.

    Raises:
        SummaryError: the formula does not fit the scale.
    """
    held: dict[int, dict[int, StoredAttainment]] = {one: {} for one in persons}
    for one in standing.load_cells(session, [course_id], sorted(persons)).values():
        held[one.person_id][one.competency_id] = one
    aligned = stored.load_aligned(session, course_id)
    known = {one.id for one in aligned}
    beside = {one for levels in held.values() for one in levels} - known
    more = stored.load_named(session, sorted(beside)) if beside else []
    found: dict[int, Made] = {}
    for person_id, levels in held.items():
        named = [*aligned, *(one for one in more if one.id in levels)]
        told = [(one.name, _level(levels.get(one.id), scale)) for one in named]
        of_her = judged(summary, scale, told)
        found[person_id] = Made(of_her, grade(summary, of_her))
    return found


def _level(one: StoredAttainment | None, scale: Scale) -> Level | None:
    if one is None or one.level is None or one.level >= len(scale.levels):
        return None
    return scale.levels[one.level]


class Setting(NamedTuple):
    """What grades of a course are made by and told with."""

    course_id: int
    scale: Scale
    summary: Summary
    waits_for: str | None
    now: datetime


def setting_of(
    course_id: int, scale: Scale, how: Sending, now: datetime
) -> Setting | None:
    """Return what grades of a course are made by.

    None where there is no formula, or it fits the levels of the course no more.
    """
    if how.summary is None or not fits(how.summary, scale):
        return None
    return Setting(course_id, scale, how.summary, how.waits_for, now)


def news(
    session: Session,
    setting: Setting,
    destination: str,
    told: Mapping[Key, Delivery],
    persons: Collection[int],
) -> list[Mapping[str, Any]]:
    """Return the grades that a destination does not hold yet, as rows of the outbox.

    told: what it was told before, by person and competency.
    """
    held = {
        (destination, one.person_id): stored.Told(one.value, one.maximum)
        for one in told.values()
        if one.competency_id is None
    }
    return _rows(session, setting, [destination], held, persons)


def put_changed(
    session: Session,
    setting: Setting,
    destinations: Iterable[str],
    persons: Collection[int],
) -> int:
    """Put the grades of people into the outbox that are others than were told last.

    Returns how many.
    """
    keepers = sorted(GRADE_KEEPERS.intersection(destinations))
    if not keepers or not persons:
        return 0
    held = stored.load_last(session, setting.course_id, keepers, sorted(persons))
    rows = _rows(session, setting, keepers, held, persons)
    return outbox.put(session, rows, setting.now)


def put_all_changed(
    session: Session,
    terms: Mapping[int, Judging],
    how: Mapping[int, Sending],
    moved: Mapping[int, Collection[int]],
    now: datetime,
) -> int:
    """Put the changed grades of several courses into the outbox; returns how many.

    moved: by course the people whose levels may have moved.
    """
    settings = {
        course_id: setting_of(course_id, terms[course_id].scale, how[course_id], now)
        for course_id, people in moved.items()
        if people
    }
    telling = {one: setting for one, setting in settings.items() if setting is not None}
    on = standing.load_destinations(session, telling) if telling else {}
    count = 0
    for course_id, destinations in on.items():
        whom = sendings.load_whom(session, course_id, how[course_id])
        people = whom.intersection(moved[course_id])
        count += put_changed(session, telling[course_id], destinations, people)
    return count


def _rows(
    session: Session,
    setting: Setting,
    destinations: Iterable[str],
    held: Mapping[tuple[str, int], stored.Told],
    persons: Collection[int],
) -> list[Mapping[str, Any]]:
    found = made(session, setting.course_id, setting.scale, setting.summary, persons)
    return [
        _row(setting, destination, person_id, one)
        for destination in destinations
        for person_id, one in sorted(found.items())
        if _differs(held.get((destination, person_id)), one, setting.summary)
    ]


def _differs(told: stored.Told | None, new: Made, summary: Summary) -> bool:
    """Tell whether a grade is news: another value, or the same of another maximum."""
    before = None if told is None or told.value is None else told
    if before is None or new.grade.value is None:
        return (before is None) != (new.grade.value is None)
    return (before.value, before.maximum) != (new.grade.value, summary.maximum)


def _row(
    setting: Setting, destination: str, person_id: int, one: Made
) -> Mapping[str, Any]:
    return {
        "destination": destination,
        "course_id": setting.course_id,
        "person_id": person_id,
        "competency_id": None,
        "value": one.grade.value,
        "maximum": setting.summary.maximum,
        "level_name": None,
        "basis": {
            "summary": format_summary(setting.summary),
            "levels": [list(each) for each in one.levels],
            "computed_at": setting.now.isoformat(),
        },
        "waits_for": setting.waits_for,
    }


def made_of(basis: Mapping[str, Any] | None) -> tuple[Summary, Grade] | None:
    """Return formula and arithmetic of a grade as it was told; None: it is none.

    basis: what its row of the outbox keeps.
    """
    told = basis or {}
    if "summary" not in told:
        return None
    summary = parse_summary(told["summary"])
    levels = [Judged(*one) for one in told["levels"]]
    return summary, grade(summary, levels)


def document(basis: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return why a grade was told, as JSON takes it; None of what is none."""
    found = made_of(basis)
    if found is None or basis is None:
        return None
    summary, told = found
    return {
        "formula": format_summary(summary),
        "value": told.value,
        "levels": [
            {"competency": name, "level": level, "worth": worth}
            for name, level, worth in basis["levels"]
        ],
        "arithmetic": [str(line) for line in told.steps],
        "computed_at": basis["computed_at"],
    }
