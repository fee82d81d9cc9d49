"""An account moves to another person, with what is hers; and back, as it was.

What moves is one account of a SIS or an LMS. If nothing is left of the person it
leaves, all of hers goes along; else the account's own share: the scores it earned and
the seats it is enrolled in. What was there before is written down in the link, so
that taking it back restores exactly that. Nothing of a student's evidence is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from lti_tool.storage import belongings, copies, entered, lms_scores
from lti_tool.storage.belongings import LevelKey, Place, SeatFacts, SeatKey
from lti_tool.storage.database import Session
from lti_tool.work import student_records

SIS: Final = "sis"
LMS: Final = "lms"
# Of two seats of the same place the better one is kept.
_BETTER: Final = {"active": 2, "leaving": 1, "ended": 0}


@dataclass(frozen=True, slots=True)
class Move:
    """An account (kind and our id of it) that goes from one person to another."""

    kind: str
    account_id: int
    old: int
    new: int


@dataclass
class Moved:
    """What a move changed, as JSON for the link; and the courses to refresh."""

    facts: dict[str, Any]
    courses: set[int] = field(default_factory=set)


def move(session: Session, moves: Sequence[Move], *, now: datetime) -> list[Moved]:
    """Move accounts, in order, in the caller's transaction; the courses become stale.

    Each account stands in moves once. The records of all these people are worked out
    anew.
    """
    if not moves:
        return []
    ledger = _Ledger(session, {one.old for one in moves} | {one.new for one in moves})
    done = [ledger.move(one) for one in moves]
    ledger.write()
    courses = set().union(*(one.courses for one in done))
    _work_out(session, courses, moves, now)
    return done


def take_back(
    session: Session, made: Move, facts: Mapping[str, Any] | None, *, now: datetime
) -> set[int]:
    """Let an account be again who it was; returns the courses to refresh.

    facts: what Moved.facts said when it moved. What has come since goes by where the
    account is enrolled today. The records of both are worked out anew.
    """
    back = Move(made.kind, made.account_id, made.new, made.old)
    ledger = _Ledger(session, {made.old, made.new})
    moved = ledger.move(back, along=list((facts or {}).get("lms", ())))
    moved.courses |= ledger.restore(made, facts or {})
    ledger.write()
    _work_out(session, moved.courses, [made], now)
    return moved.courses


def _work_out(
    session: Session, courses: set[int], moves: Sequence[Move], now: datetime
) -> None:
    """Let levels be worked out again where they moved; and records now.

    The courses are held first, then the people, as a refresh does it.
    """
    copies.mark_stale(session, sorted(courses))
    pairs = [(one.old, one.new) for one in moves]
    student_records.refresh_pairs(session, pairs, now=now)


class _Ledger:
    """Who has what among some people: read at once, moved, written at once."""

    def __init__(self, session: Session, people: set[int]) -> None:
        self._session = session
        self._sis = dict(belongings.load_sis_accounts(session, people))
        found = belongings.load_lms_accounts(session, people)
        self._lms = {one["id"]: one for one in found}
        self._places = belongings.load_places(session, self._sis)
        self._before = belongings.load_seats(session, people)
        self._seats = dict(self._before)
        self._levels = belongings.load_levels(session, people)
        self._levels_of: dict[int, set[LevelKey]] = {}
        for key in self._levels:
            self._levels_of.setdefault(key.person_id, set()).add(key)
        self._seats_of: dict[int, set[SeatKey]] = {}
        for seat in self._seats:
            self._seats_of.setdefault(seat.person_id, set()).add(seat)
        self._told = belongings.told_of(session, people)
        self._entered = entered.entered_of(session, people)
        self._accounts_of: dict[int, set[int]] = {}
        for user, person in self._sis.items():
            self._accounts_of.setdefault(person, set()).add(user)
        self._moved_levels: dict[int, int] = {}
        self._dropped_levels: set[int] = set()
        self._moved_sis: dict[int, int] = {}
        self._moved_lms: dict[int, int] = {}

    def move(self, one: Move, *, along: list[int] | None = None) -> Moved:
        """Move one account; along: the LMS users that go with it and nobody else.

        None: if it was the person's last account, all that is left of her goes along.
        """
        if one.kind == SIS:
            return self._move_sis(one, along)
        return self._move_lms(one)

    def _move_sis(self, one: Move, along: list[int] | None) -> Moved:
        self._sis[one.account_id] = one.new
        self._accounts_of.get(one.old, set()).discard(one.account_id)
        self._accounts_of.setdefault(one.new, set()).add(one.account_id)
        self._moved_sis[one.account_id] = one.new
        places = set(self._places.get(one.account_id, {}))
        if along is None:
            along = []
            if not self._accounts_of.get(one.old):
                along = self._lms_users_of(one.old)
                places |= {_place(seat) for seat in self._seats_of.get(one.old, ())}
        for user in along:
            self._give_lms(user, one.new)
        facts = self._move_seats(one, places)
        courses = {place.course_id for place in places}
        courses |= belongings.load_work_courses(self._session, [one.account_id])
        courses |= lms_scores.load_work_courses(self._session, along)
        self._move_levels(one, courses)
        facts |= self._move_deliveries(one, courses)
        facts |= self._move_entered(one, courses)
        return Moved({**facts, "lms": along}, courses)

    def _lms_users_of(self, person: int) -> list[int]:
        found = self._lms.items()
        return [user for user, facts in found if facts["person_id"] == person]

    def _move_lms(self, one: Move) -> Moved:
        self._give_lms(one.account_id, one.new)
        places = set()
        if not self._is_in_lms(one.old):
            places = {
                _place(seat)
                for seat in self._seats_of.get(one.old, ())
                if self._seats[seat].origin == "lms"
            }
        facts = self._move_seats(one, places)
        courses = {place.course_id for place in places}
        courses |= lms_scores.load_work_courses(self._session, [one.account_id])
        return Moved({**facts, "lms": []}, courses)

    def _give_lms(self, user: int, person: int) -> None:
        if user in self._lms:
            self._lms[user] = {**self._lms[user], "person_id": person}
        self._moved_lms[user] = person

    def _move_seats(self, one: Move, places: Iterable[Place]) -> dict[str, Any]:
        kept = self._held_by_others(one.old)
        before: list[list[Any]] = []
        for place in sorted(places):
            left, taken = SeatKey(one.old, *place), SeatKey(one.new, *place)
            facts = self._seats.get(left)
            if facts is None:
                continue
            before += [self._snapshot(left), self._snapshot(taken)]
            self._put(taken, _better(self._seats.get(taken), facts))
            is_lms_seat = facts.origin == "lms" and self._is_in_lms(one.old)
            if not (place in kept or is_lms_seat):
                self._put(left, None)
        return {"seats": before}

    def _is_in_lms(self, person: int) -> bool:
        return bool(self._lms_users_of(person))

    def _held_by_others(self, person: int) -> set[Place]:
        """Where the accounts a person keeps are enrolled."""
        return {
            place
            for user in self._accounts_of.get(person, ())
            for place in self._places.get(user, ())
        }

    def _put(self, key: SeatKey, facts: SeatFacts | None) -> None:
        mine = self._seats_of.setdefault(key.person_id, set())
        if facts is None:
            self._seats.pop(key, None)
            mine.discard(key)
        else:
            self._seats[key] = facts
            mine.add(key)

    def _snapshot(self, key: SeatKey) -> list[Any]:
        facts = self._seats.get(key)
        if facts is None:
            return [*key, None]
        closes_on = facts.closes_on and facts.closes_on.isoformat()
        return [*key, [facts.status, facts.origin, closes_on]]

    def _move_levels(self, one: Move, courses: set[int]) -> None:
        """Let levels be the new person's; her own stay until the refresh."""
        kept = {place.course_id for place in self._held_by_others(one.old)}
        for key in sorted(self._levels_of.get(one.old, ())):
            if key.course_id not in courses - kept:
                continue
            row = self._levels.pop(key)
            self._levels_of[one.old].discard(key)
            taken = key._replace(person_id=one.new)
            if taken in self._levels:
                self._dropped_levels.add(row)
                continue
            self._levels[taken] = row
            self._levels_of.setdefault(one.new, set()).add(taken)
            self._moved_levels[row] = one.new

    def _move_deliveries(self, one: Move, courses: set[int]) -> dict[str, Any]:
        if one.old not in self._told:
            return {}
        kept = {place.course_id for place in self._held_by_others(one.old)}
        told = courses - kept
        found = belongings.load_deliveries(self._session, one.old, told)
        if found:
            belongings.move_deliveries(self._session, one.old, one.new, told)
            self._told.add(one.new)
        waiting = [row for row, state in found if state == "pending"]
        return {"told": [row for row, _state in found], "waiting": waiting}

    def _move_entered(self, one: Move, courses: set[int]) -> dict[str, Any]:
        """Let what people entered of her be the new person's, where she is."""
        if one.old not in self._entered:
            return {}
        self._entered.add(one.new)
        left = courses - {place.course_id for place in self._held_by_others(one.old)}
        is_all = not self._accounts_of.get(one.old)
        moved = entered.move_entered(
            self._session, one.old, one.new, left, is_all=is_all
        )
        return {"entered": moved} if any(moved.values()) else {}

    def restore(self, made: Move, facts: Mapping[str, Any]) -> set[int]:
        """Put back what was written down; returns the courses it touched.

        A seat of the SIS stays or comes back only where an account the person has now
        is enrolled: others may have come and gone since.
        """
        held = {one: self._held_by_others(one) for one in (made.old, made.new)}
        courses: set[int] = set()
        for person_id, course_id, role, said in facts.get("seats", ()):
            key = SeatKey(person_id, course_id, role)
            courses.add(course_id)
            is_enrolled = _place(key) in held[person_id]
            if said is not None and (is_enrolled or said[1] == "lms"):
                status, origin, closes_on = said
                day = date.fromisoformat(closes_on) if closes_on else None
                self._put(key, SeatFacts(status, origin, day))
            elif not is_enrolled:
                self._put(key, None)
        told = list(facts.get("told", ()))
        belongings.give_back_deliveries(self._session, told, made.old)
        entered.give_back_entered(self._session, facts.get("entered", {}), made.old)
        waiting = list(facts.get("waiting", ()))
        belongings.revive_deliveries(self._session, waiting)
        return courses

    def write(self) -> None:
        """Write what moved."""
        belongings.give_sis_users(self._session, sorted(self._moved_sis.items()))
        belongings.give_lms_users(self._session, sorted(self._moved_lms.items()))
        lms_scores.give_scores(self._session, self._moved_lms)
        belongings.save_seats(self._session, self._before, self._seats)
        gone = self._dropped_levels
        belongings.drop_levels(self._session, gone)
        moves = [pair for pair in self._moved_levels.items() if pair[0] not in gone]
        belongings.move_levels(self._session, sorted(moves))


def _place(seat: SeatKey) -> Place:
    return Place(seat.course_id, seat.role)


def _better(held: SeatFacts | None, other: SeatFacts) -> SeatFacts:
    """The seat of two that lasts longer; what the SIS says before what the LMS says."""
    if held is None:
        return other
    return max(held, other, key=lambda one: (_BETTER[one.status], one.origin == "sis"))
