"""Groups of students across a teacher's classes, each from a rule said in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from lti_tool.storage.teaching import Learner, Stand, Taught, TaughtCourse
from lti_tool.web import marks
from lti_tool.web.texts import gettext, ngettext
from mappings import pathways
from mappings.errors import FrameworkError

SUPPORT, CHECK, MORE = "support", "check", "more"
TABS = (SUPPORT, CHECK, MORE)
MOST_CODES = 4


@dataclass(frozen=True, slots=True)
class Member:
    """A student of a group, and the classes she sits in."""

    person_id: int
    name: str
    classes: tuple[str, ...]
    course_id: int  # whose page of hers is opened


@dataclass(frozen=True, slots=True)
class Group:
    """Students for whom one sentence holds."""

    competency_id: int
    code: str
    name: str
    language: str | None
    rule: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """All that groups are made from: one framework, a teacher's courses on it."""

    courses: Sequence[TaughtCourse]
    learners: Sequence[Learner]
    stands: Sequence[Stand]
    taught: Sequence[Taught]
    aligned: Iterable[tuple[int, int]]
    precedes: Iterable[tuple[int, int]]
    elsewhere: Iterable[tuple[int, int]] = ()


@dataclass(slots=True)
class _Student:
    """What is known of one student over all her classes."""

    mastered: set[str] = field(default_factory=set)
    secure: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)


class Grouping:
    """The pathway among what is taught, and where each student stands on it.

    What a student has shown in any of the classes, or by her record, counts in all.
    """

    def __init__(self, room: Room, level: str) -> None:
        self._level = level
        self._room = room
        self._taught = {str(one.id): one for one in room.taught}
        self._path = _path(self._taught, room.precedes)
        self._members = _members(room)
        self._students = _students(room, self._taught)

    def groups(self, tab: str) -> list[Group]:
        """Return the groups of a tab that somebody is in."""
        make = {SUPPORT: self._support, CHECK: self._check, MORE: self._more}
        return list(make[tab]())

    def _support(self) -> Iterable[Group]:
        """Shared gaps first, then what was begun and is not there yet."""
        wanted = {who: one.wanted for who, one in self._students.items()}
        mastered = {who: one.mastered for who, one in self._students.items()}
        gaps = pathways.shared_gaps(self._path, wanted, mastered)
        for one in gaps:
            yield self._group(one.competency, self._gap_words(one), one.students)
        grouped = {one.competency: frozenset(one.students) for one in gaps}
        begun = {
            case_id: self._begun(case_id, grouped.get(case_id, frozenset()))
            for case_id in self._taught
        }
        for case_id in sorted(begun, key=lambda one: -len(begun[one])):
            words = self._begun_words(case_id)
            yield from self._unless_empty(case_id, words, begun[case_id])

    def _check(self) -> Iterable[Group]:
        """Everything before it is shown, and nobody has looked at it yet."""
        for case_id in self._taught:
            before = self._path.before[case_id]
            if before:
                words = ngettext(
                    "%(codes)s is shown; there is no evidence for %(code)s yet.",
                    "%(codes)s are shown; there is no evidence for %(code)s yet.",
                    len(before),
                    codes=self._codes(before),
                    code=self._code(case_id),
                )
                yield from self._unless_empty(case_id, words, self._ready(case_id))

    def _more(self) -> Iterable[Group]:
        """Secure here, and all that builds on it is open."""
        for case_id in self._taught:
            after = self._path.after[case_id]
            words = gettext(
                "Secure on %(code)s, and nothing here builds on it: go beyond.",
                code=self._code(case_id),
            )
            if after:
                words = ngettext(
                    "Secure on %(code)s, and %(codes)s, which builds on it, is open.",
                    "Secure on %(code)s, and %(codes)s, which build on it, are open.",
                    len(after),
                    codes=self._codes(after),
                    code=self._code(case_id),
                )
            yield from self._unless_empty(case_id, words, self._beyond(case_id))

    def _begun(self, case_id: str, grouped: Collection[str]) -> list[str]:
        some = self._who(
            lambda one: case_id in one.begun and self._is_open(one, case_id)
        )
        return [who for who in some if who not in grouped]

    def _ready(self, case_id: str) -> list[str]:
        return self._who(
            lambda one: (
                case_id in one.wanted - one.begun and self._is_open(one, case_id)
            )
        )

    def _beyond(self, case_id: str) -> list[str]:
        return self._who(
            lambda one: pathways.is_enriched(
                self._path, case_id, secure=one.secure, mastered=one.mastered
            )
        )

    def _gap_words(self, one: pathways.SharedGap) -> str:
        return ngettext(
            "Not yet at %(level)s on %(code)s, which %(codes)s builds on.",
            "Not yet at %(level)s on %(code)s, which %(codes)s build on.",
            len(one.closes),
            level=self._level,
            code=self._code(one.competency),
            codes=self._codes(one.closes),
        )

    def _begun_words(self, case_id: str) -> str:
        before = self._path.before[case_id]
        values = {"level": self._level, "code": self._code(case_id)}
        if not before:
            return gettext("Begun %(code)s, not yet at %(level)s.", **values)
        return ngettext(
            "Not yet at %(level)s on %(code)s, though %(codes)s is shown.",
            "Not yet at %(level)s on %(code)s, though %(codes)s are shown.",
            len(before),
            codes=self._codes(before),
            **values,
        )

    def _is_open(self, one: _Student, case_id: str) -> bool:
        return case_id not in one.mastered and self._path.before[case_id] <= (
            one.mastered
        )

    def _who(self, holds: Callable[[_Student], bool]) -> list[str]:
        return [who for who, one in self._students.items() if holds(one)]

    def _unless_empty(
        self, case_id: str, words: str, some: Collection[str]
    ) -> Iterable[Group]:
        if some:
            yield self._group(case_id, words, some)

    def _group(self, case_id: str, words: str, some: Iterable[str]) -> Group:
        one = self._taught[case_id]
        wanted = set(some)
        return Group(
            competency_id=one.id,
            code=self._code(case_id),
            name=marks.plain(one.statement),
            language=one.language,
            rule=words,
            members=tuple(
                member for who, member in self._members.items() if who in wanted
            ),
        )

    def _code(self, case_id: str) -> str:
        return code_of(self._taught[case_id])

    def _codes(self, some: Iterable[str]) -> str:
        """The codes of some, in the pathway's order; of many the first few."""
        codes = [self._code(one) for one in self._path.sorted(some)]
        if len(codes) > MOST_CODES:
            more = len(codes) - MOST_CODES
            codes = [*codes[:MOST_CODES], gettext("%(count)d more", count=more)]
        return ", ".join(codes)


def code_of(one: Taught) -> str:
    """Return what stands for a competency where there is little room."""
    return one.human_code or one.abbreviated or marks.plain(one.statement)[:24]


def _path(
    taught: Collection[str], precedes: Iterable[tuple[int, int]]
) -> pathways.Pathway:
    """The pathway among what is taught; edges that close a ring say nothing."""
    edges = [
        (str(earlier), str(later))
        for earlier, later in precedes
        if str(earlier) in taught and str(later) in taught
    ]
    try:
        return pathways.pathway(taught, edges)
    except FrameworkError:
        return pathways.pathway(taught, ())


def _members(room: Room) -> dict[str, Member]:
    titles = {one.id: one.title for one in room.courses}
    found: dict[str, Member] = {}
    for one in room.learners:
        who = str(one.person_id)
        held = found.get(who)
        classes = (*(held.classes if held else ()), titles[one.course_id])
        course_id = held.course_id if held else one.course_id
        found[who] = Member(one.person_id, one.display_name, classes, course_id)
    return found


def _students(room: Room, taught: Collection[str]) -> dict[str, _Student]:
    found = {str(one.person_id): _Student() for one in room.learners}
    highest = {one.id: one.highest for one in room.courses}
    for one in room.stands:
        who, case_id = found.get(str(one.person_id)), str(one.competency_id)
        if who is not None and case_id in taught:
            _note(who, case_id, one, highest[one.course_id])
    for person_id, competency_id in room.elsewhere:
        if str(person_id) in found and str(competency_id) in taught:
            found[str(person_id)].mastered.add(str(competency_id))
    works: dict[int, set[str]] = {}
    for course_id, competency_id in room.aligned:
        works.setdefault(course_id, set()).add(str(competency_id))
    for seated in room.learners:
        mine = works.get(seated.course_id, set())
        found[str(seated.person_id)].wanted |= mine & set(taught)
    return found


def _note(who: _Student, case_id: str, one: Stand, highest: int) -> None:
    if one.is_mastered:
        who.mastered.add(case_id)
        if one.level == highest:
            who.secure.add(case_id)
    if one.evidence_count:
        who.begun.add(case_id)
