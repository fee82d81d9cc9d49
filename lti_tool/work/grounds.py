"""What cells stand on: all that may count of some students, in brief.

Read once for a student, over all her courses: the cells of each course and her one
record rest on the same pieces. What is plain comes straight from the database; a word,
a part of a work, what a SIS says of a single competency and what people entered are
read in full, as pages read them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time

from lti_tool.storage import evidence, observations, plain_scores
from lti_tool.storage.database import Session
from lti_tool.storage.plain_scores import GUEST, PLAIN, PlainScore
from lti_tool.storage.standing import Key
from lti_tool.work import pieces
from lti_tool.work.scores import NOT_COUNTED, Piece
from mappings.briefs import Brief, brief

Said = tuple[int, Brief]
"""A piece with the course in which it speaks; 0 for what speaks in every one."""

Grounds = Mapping[Key, list[Said]]


def load(
    session: Session,
    persons: Collection[int],
    *,
    competencies: Collection[int] | None = None,
    with_due: bool = True,
) -> dict[Key, list[Said]]:
    """Return what may count of these people, by person and competency.

    competencies: only these; None is all. with_due: the day work was due is read too.
    """
    rows = plain_scores.load(
        session,
        persons,
        competencies=competencies,
        not_counted=NOT_COUNTED,
        with_due=with_due,
    )
    own = evidence.load_objective_scores(
        session, (), persons=persons, is_elsewhere=True
    )
    # A score that is odd in one of its alignments is read in full in all of them.
    odd = {row[3] for row in rows if not row[-1] & PLAIN}
    odd.update(one.score.score_id for one in own)
    rows = _once_of_twins(rows, odd)
    found = _plain(rows, odd)
    if odd:
        put(found, pieces.load_scores(session, sorted(odd), own, competencies))
    entered = observations.load_elsewhere(
        session, (), persons=persons, competencies=competencies
    )
    put(found, map(pieces.read_observation, entered))
    return found


def _once_of_twins(rows: list[PlainScore], odd: set[int]) -> list[PlainScore]:
    """Leave out what an LMS says as the SIS does; what differs becomes odd.

    As ``twins.one_of_each`` does for what is read in full.
    """
    places = {(row[0], row[5]) for row in rows if row[-1] & GUEST}
    if not places:
        return rows
    met: dict[tuple[int, int], list[PlainScore]] = {}
    for row in rows:
        if (row[0], row[5]) in places:
            met.setdefault((row[0], row[5]), []).append(row)
    same: set[int] = set()
    for some in met.values():
        ids = {row[3] for row in some}
        guests = {row[3] for row in some if row[-1] & GUEST}
        if len(ids) == 1:
            continue
        is_plain = len(guests) == 1 and not ids & odd
        said = {row[7:9] for row in some if row[3] in guests}
        theirs = {row[7:9] for row in some if row[3] not in guests}
        if is_plain and said <= theirs:
            same |= guests
        else:
            odd |= ids
    return [row for row in rows if row[3] not in same]


def put(found: dict[Key, list[Said]], read: Iterable[Piece]) -> None:
    """Add what was read in full, as far as it is evidence."""
    for piece in read:
        if piece.evidence is not None:
            score = piece.score
            said = (score.course_id, brief(piece.evidence, (0, *piece.place)))
            found.setdefault((score.person_id, score.competency_id), []).append(said)


def once(said: Iterable[Said]) -> list[Brief]:
    """The pieces of a record: what speaks in several courses speaks once."""
    courses = {course_id for course_id, _piece in said}
    if len(courses) == 1 and 0 not in courses:
        return [piece for _course_id, piece in said]
    found: dict[object, Brief] = {}
    for _course_id, piece in sorted(said, key=lambda one: one[1].place):
        _brought, _day, row_id, kind, part, _course = piece.place
        found.setdefault((row_id, kind, part), piece)
    return list(found.values())


def _plain(rows: Iterable[PlainScore], odd: Collection[int]) -> dict[Key, list[Said]]:
    """Make briefs of plain scores as ``scores.read`` does, each day read once."""
    found: dict[Key, list[Said]] = {}
    days: dict[date, datetime] = {}
    tasks: dict[int, str] = {}
    for row in rows:
        person, competency, course, row_id, kind, work, weight = row[:7]
        given, maximum, day, at, due_at, _kind = row[7:]
        if row_id in odd:
            continue
        if at is None:
            at = days.get(day)
            if at is None:
                at = days[day] = datetime.combine(day, time.min, UTC)
        if work not in tasks:
            tasks[work] = str(work)
        place = (0, day, row_id, kind, "", course)
        ratio = 1.0 if given >= maximum else given / maximum
        piece = Brief(place, tasks[work], "", due_at, None, at, ratio, weight)
        key = (person, competency)
        if key in found:
            found[key].append((course, piece))
        else:
            found[key] = [(course, piece)]
    return found
