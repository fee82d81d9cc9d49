"""refresh(course): attainments from evidence, and outcomes into the outbox."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from lti_tool.storage import judging, sendings, standing
from lti_tool.storage import teacher_levels as stored_levels
from lti_tool.storage.database import Session, batches
from lti_tool.storage.judging import Judging
from lti_tool.storage.standing import CellKey, Key, StoredAttainment
from lti_tool.storage.teacher_levels import StoredTeacherLevel
from lti_tool.work import (
    carrying,
    cells,
    class_resources,
    grounds,
    pieces,
    scores,
    student_records,
    summaries,
)
from lti_tool.work.cells import Cells, Ground, Hearing, Judges
from lti_tool.work.grounds import Grounds
from lti_tool.work.pieces import Scope
from lti_tool.work.quiet import undisturbed
from lti_tool.work.telling import (
    LEVEL_KEEPERS,
    Before,
    news,
    put_changed,
    set_sending,
    switch,
    tell_all,
)
from lti_tool.work.whys import Why, why

# So many competencies are named in a question; beyond that all are read.
SOME: Final = 200
_T = TypeVar("_T")

__all__ = [
    "LEVEL_KEEPERS",
    "Refresh",
    "Why",
    "news",
    "refresh",
    "refresh_cells",
    "refresh_courses",
    "refresh_moved",
    "set_sending",
    "switch",
    "tell_all",
    "why",
    "with_framework",
]


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh did: cells looked at, cells changed, outcomes told."""

    cells: int
    changed: int
    outcomes: int

    def __add__(self, other: Refresh) -> Refresh:
        """Return what both did together."""
        return Refresh(
            self.cells + other.cells,
            self.changed + other.changed,
            self.outcomes + other.outcomes,
        )


def refresh(
    session: Session,
    course_id: int,
    *,
    now: datetime,
    persons: Collection[int] | None = None,
) -> Refresh:
    """Compute the attainments of a course anew and tell what changed.

    Work is first aligned as the SIS says. With persons, only their cells. It runs in
    the caller's transaction, so evidence, attainment, record and outbox change
    together; running it twice changes nothing more.
    """
    return refresh_courses(session, [course_id], now=now, scope=Scope(persons))


def refresh_cells(
    session: Session,
    course_id: int,
    persons: Collection[int],
    competencies: Collection[int],
    *,
    now: datetime,
) -> Refresh:
    """Compute these cells of a course alone, in the transaction that moved them.

    What comes before a competency is among them, where a success at what builds on it
    speaks for it.
    """
    scope = Scope(persons, competencies)
    return refresh_courses(session, [course_id], now=now, scope=scope)


def refresh_courses(
    session: Session,
    courses: Collection[int],
    *,
    now: datetime,
    scope: Scope = pieces.ALL,
    is_nightly: bool = False,
) -> Refresh:
    """Compute the attainments of courses in one go, and the records they feed.

    Some students at a time: what speaks for them is read once, for their cells and for
    their records. is_nightly: only time has passed; cells in which nobody sees a
    change are left as they are.
    """
    courses = sorted(courses)
    standing.hold_courses(session, courses)
    standing.hold_people(session, courses, scope.persons)
    if scope == pieces.ALL and not is_nightly:
        for course_id in scores.with_objectives(session, courses):
            scores.follow_objectives(session, course_id, now=now)
        class_resources.follow(session, courses, now=now)
    terms = judging.load(session, courses, only=scope.competencies)
    work = _Work(session, terms, _reach(terms, scope), Judges(now), now, is_nightly)
    persons = scope.persons
    if persons is None:
        persons = standing.load_concerned(session, courses)
    done = Refresh(0, 0, 0)
    for some in batches(sorted(persons)):
        with undisturbed():
            done += work.refresh(some)
    if scope == pieces.ALL:
        standing.mark_refreshed(session, courses, now)
    return done


def refresh_moved(
    session: Session, moved: Collection[CellKey], *, now: datetime
) -> Refresh:
    """Compute these cells alone, and the records they feed.

    In the transaction that moved them; what comes before their competencies is among
    them, where a success at what builds on it speaks for it.
    """
    courses = sorted({key[0] for key in moved})
    standing.hold_courses(session, courses)
    standing.hold_people(session, (), sorted({key[1] for key in moved}))
    terms = judging.load(session, courses, only=sorted({key[2] for key in moved}))
    by_person: dict[int, set[CellKey]] = {}
    for key in moved:
        course_id, person_id, competency_id = key
        mine = by_person.setdefault(person_id, set())
        mine.add(key)
        for one in terms[course_id].worth_before(competency_id):
            mine.add((course_id, person_id, one))
    judges, done = Judges(now), Refresh(0, 0, 0)
    for some in batches(sorted(by_person)):
        cells_of = frozenset().union(*(by_person[one] for one in some))
        here = {one: terms[one] for one in sorted({key[0] for key in cells_of})}
        reach = {key[2] for key in cells_of}
        work = _Work(
            session,
            here,
            reach if len(reach) <= SOME else None,
            judges,
            now,
            is_nightly=False,
            moved=cells_of,
        )
        with undisturbed():
            done += work.refresh(some)
    return done


def _reach(terms: Mapping[int, Judging], scope: Scope) -> Collection[int] | None:
    """Which competencies are worked out: those asked for, and those before them."""
    if scope.competencies is None:
        return None
    wanted = set(scope.competencies)
    for one in terms.values():
        for competency_id in scope.competencies:
            wanted |= one.worth_before(competency_id).keys()
    return frozenset(wanted)


@dataclass(frozen=True, slots=True)
class _Work:
    """One refresh of courses on its way, in the caller's transaction.

    reach: the competencies that are worked out; None is all. moved: the cells that are
    worked out; None is all of these competencies.
    """

    session: Session
    terms: Mapping[int, Judging]
    reach: Collection[int] | None
    judges: Judges
    now: datetime
    is_nightly: bool
    moved: Collection[CellKey] | None = None

    def refresh(self, persons: Sequence[int]) -> Refresh:
        """Work out the cells of these people in all courses, then their records."""
        said = grounds.load(
            self.session, persons, competencies=self._read(), with_due=True
        )
        reach = None if self.reach is None else sorted(self.reach)
        old = standing.load_cells(self.session, list(self.terms), persons, reach)
        old = self._of_moved(old)
        found = self._worked_out(persons, said, old)
        stored_levels.end_teacher_levels(
            self.session,
            found.ended,
            by="evidence",
            why=stored_levels.BY_EVIDENCE,
            now=self.now,
        )
        new = found.attainments
        changed = [one for key, one in new.items() if self._differs(old.get(key), one)]
        gone = [one for key, one in old.items() if key not in new]
        standing.save(self.session, changed, gone, self.now)
        taken_back = [one._replace(value=None, level_name=None) for one in gone]
        moving = [*changed, *taken_back]
        how = sendings.load_sendings(self.session, list(self.terms))
        told = put_changed(self.session, self.terms, moving, Before(old, how), self.now)
        told += summaries.put_all_changed(
            self.session, self.terms, how, self._graded(moving, persons), self.now
        )
        self._refresh_records(said, new.keys() | old.keys())
        return Refresh(len(new), len(changed) + len(gone), told)

    def _graded(
        self, moving: Iterable[StoredAttainment], persons: Sequence[int]
    ) -> Mapping[int, Collection[int]]:
        """By course whose one grade over all competencies may be another now.

        Of a whole course everybody's: it may have more or fewer competencies.
        """
        if self.reach is None and self.moved is None:
            return dict.fromkeys(self.terms, persons)
        found: dict[int, set[int]] = {}
        for one in moving:
            found.setdefault(one.course_id, set()).add(one.person_id)
        return found

    def _of_moved(self, found: dict[CellKey, _T]) -> dict[CellKey, _T]:
        """Those of cells that are to be worked out."""
        if self.moved is None:
            return found
        return {key: one for key, one in found.items() if key in self.moved}

    def _differs(self, old: StoredAttainment | None, new: StoredAttainment) -> bool:
        """Tell whether a cell is to be written; at night, whether anybody sees it."""
        if old == new:
            return False
        return not self.is_nightly or old is None or old.shown != new.shown

    def _read(self) -> Collection[int] | None:
        """What is read: all of a student's, where pieces speak for each other."""
        if self.reach is None or any(one.before for one in self.terms.values()):
            return None
        return sorted(self.reach)

    def _worked_out(
        self,
        persons: Sequence[int],
        said: Grounds,
        old: Mapping[CellKey, StoredAttainment],
    ) -> Cells:
        placeless = {
            person_id
            for (person_id, _one), some in said.items()
            if any(not course_id for course_id, _piece in some)
        }
        seated = (
            standing.load_seated(self.session, self.terms, placeless)
            if placeless
            else ()
        )
        places = cells.spread(self.terms, said, seated)
        reach = self.reach
        if reach is not None:
            places = {key: one for key, one in places.items() if key[2] in reach}
        places = self._of_moved(places)
        taught = self._of_moved(self._taught(persons, seated))
        return cells.work_out(self.terms, places, taught, old, self.judges)

    def _taught(
        self, persons: Sequence[int], seated: Collection[tuple[int, int]]
    ) -> dict[CellKey, tuple[StoredTeacherLevel, Ground]]:
        """The levels of teachers that stand, with what may end them, read in full."""
        held = stored_levels.load_standing(
            self.session,
            self.terms,
            persons=persons,
            competencies=None if self.reach is None else sorted(self.reach),
        )
        if not held:
            return {}
        people = {key[1] for key in held}
        read = pieces.load(
            self.session,
            sorted({key[0] for key in held}),
            Scope(sorted(people), sorted({key[2] for key in held})),
        )
        seats = standing.load_seated(self.session, self.terms, people) | set(seated)
        places = cells.grounds(self.terms, read, seats)
        return {key: (one, places.get(key, Ground())) for key, one in held.items()}

    def _refresh_records(self, said: Grounds, keys: Iterable[CellKey]) -> None:
        """Let the records of students follow what their courses say."""
        wanted: dict[int, set[Key]] = {}
        for course_id, person_id, competency_id in keys:
            framework_id = self.terms[course_id].framework_id
            if framework_id is not None:
                wanted.setdefault(framework_id, set()).add((person_id, competency_id))
        for framework_id, some in wanted.items():
            self._refresh_record(framework_id, some, said)
        for framework_id, some in wanted.items():
            onward = carrying.followers(self.session, framework_id, some)
            for to_id, followed in onward.items():
                speaking = said
                if self._read() is not None:
                    speaking = grounds.load(
                        self.session,
                        sorted({key[0] for key in followed}),
                        competencies=sorted({key[1] for key in followed}),
                    )
                self._refresh_record(to_id, followed, speaking)

    def _refresh_record(
        self, framework_id: int, some: Collection[Key], said: Grounds
    ) -> None:
        only = sorted({competency_id for _person_id, competency_id in some})
        student_records.refresh(
            self.session,
            student_records.judging_of(self.session, framework_id, only=only),
            some,
            Hearing(said, self.judges),
            now=self.now,
            is_nightly=self.is_nightly,
        )


def with_framework(session: Session, courses: Collection[int]) -> list[int]:
    """Return those of courses that have a framework: the others have no levels."""
    return standing.with_framework(session, courses)
