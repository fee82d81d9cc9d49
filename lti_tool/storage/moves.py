"""What a merge of staged rows would do, as statements: adds, changes and ends.

Longer than our usual room: each question is a few lines over the
same joins, which nobody else knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
    true,
)

from lti_tool.storage.entities import BY_NAME, Entity, count_active, sent_columns
from lti_tool.storage.movements import Movement
from lti_tool.storage.scopes import OUT, ROSTER, list_items
from lti_tool.storage.work_of_course import names_objectives, worded

# Who may see or change what others did. Source: OneRoster 1.2, the role vocabularies.
STAFF: Final = frozenset(
    {
        "administrator",
        "aide",
        "counselor",
        "districtAdministrator",
        "principal",
        "proctor",
        "siteAdministrator",
        "systemAdministrator",
        "teacher",
    }
)
# What a school can lose a large part of. Source: facts/security.md, promise P3.
BY_SCHOOL: Final = ("courses", "classes", "users", "enrollments")
# By what a person is found again whose sourcedId has changed.
STABLE: Final = ("identifier", "user_master_identifier", "username")
# What tells one sending of a record from another, and no field of it.
_MARKS: Final = frozenset({"sourced_id", "status", "modified_at", "fingerprint"})


# What seats are made of, and how many moves of it make a look at all of them cheaper.
ROLLS: Final = ("classes", "users", "enrollments")
RESULTS: Final = ("results", "assessmentResults")
MANY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Moved:
    """The users and classes, by sourcedId, whose seats may move."""

    users: frozenset[str]
    classes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many staged rows are new, or other than those we hold, and what ends."""

    adds: int
    differing: int
    may_end: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that changed: its columns as we hold them, and as they were sent."""

    sourced_id: str
    fingerprint: str
    held: dict[str, Any]
    sent: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """The columns that differ."""
        return [name for name, value in self.sent.items() if value != self.held[name]]


@dataclass(frozen=True, slots=True)
class MovedScores:
    """The results that move, before and after.

    Attributes:
        pairs: their line items and students, by sourcedId.
        naming: the line items of those that speak of single competencies themselves.
    """

    pairs: frozenset[tuple[str, str]]
    naming: frozenset[str]


class Moves:
    """Asks what the rows staged on a connection would move among the live ones.

    complete: the collections that were sent whole, with proof; what is absent from
    one of them ends.
    """

    def __init__(
        self,
        connection: Connection,
        stages: Mapping[str, Table],
        source_id: int,
        complete: Collection[str],
    ) -> None:
        self.connection = connection
        self.stages = stages
        self.source_id = source_id
        self._complete = complete
        self._fresh: dict[str, bool] = {}
        self._held: dict[str, int] = {}

    def same(self, entity: Entity) -> ColumnElement[bool]:
        """The staged and the live row of one record."""
        stage, live = self.stages[entity.collection], entity.table
        return and_(
            entity.is_of(self.source_id), live.c.sourced_id == stage.c.sourced_id
        )

    def is_fresh(self, entity: Entity) -> bool:
        """Tell whether we hold nothing of a collection, not even what ended."""
        if entity.collection not in self._fresh:
            held = exists(select(entity.table.c.id).where(entity.is_of(self.source_id)))
            self._fresh[entity.collection] = not self.connection.scalar(select(held))
        return self._fresh[entity.collection]

    def is_silent(self, collection: str) -> bool:
        """Tell whether nothing was said of a collection: then nothing moves in it."""
        stage = self.stages[collection]
        return collection not in self._complete and not self.connection.scalar(
            select(exists(select(stage.c.sourced_id)))
        )

    def adds(self, entity: Entity) -> Select[Any]:
        """The staged rows we do not hold, or hold as ended: sourcedId, fingerprint."""
        stage, live = self.stages[entity.collection], entity.table
        if self.is_fresh(entity):
            taken = self._pair(stage).where(self.is_taken(stage))
            return taken.order_by(stage.c.sourced_id)
        return (
            self._pair(stage)
            .outerjoin(live, self.same(entity))
            .where(
                self.is_taken(stage),
                or_(live.c.id.is_(None), live.c.status != "active"),
            )
            .order_by(stage.c.sourced_id)
        )

    def tally(self, entity: Entity) -> Tally:
        """Count in one reading what would move, before any of it is named.

        Nothing ends where every active row that we hold was sent and is taken.
        """
        stage, live = self.stages[entity.collection], entity.table
        is_active = live.c.status == "active"
        adds, differing, same, said = self.connection.execute(
            select(
                func.count().filter(or_(live.c.id.is_(None), ~is_active)),
                func.count().filter(
                    is_active, live.c.fingerprint != stage.c.fingerprint
                ),
                func.count().filter(is_active),
                select(func.count()).select_from(stage).scalar_subquery(),
            )
            .select_from(stage)
            .outerjoin(live, self.same(entity))
            .where(self.is_taken(stage))
        ).one()
        may_end = said > adds + same
        if entity.collection in self._complete:
            may_end |= same != self.count_held(entity)
        return Tally(adds, differing, may_end)

    def changes(self, entity: Entity) -> Select[Any]:
        """The staged rows that are not as we hold them: sourcedId, fingerprint."""
        stage, live = self.stages[entity.collection], entity.table
        return (
            self._pair(stage)
            .join(live, self.same(entity))
            .where(
                self.is_taken(stage),
                live.c.status == "active",
                live.c.fingerprint != stage.c.fingerprint,
            )
            .order_by(stage.c.sourced_id)
        )

    def ends(self, entity: Entity) -> Select[Any]:
        """The live rows that end: sourcedId."""
        live = entity.table
        return (
            select(live.c.sourced_id)
            .where(self.is_ending(entity))
            .order_by(live.c.sourced_id)
        )

    @staticmethod
    def _pair(stage: Table) -> Select[Any]:
        return select(stage.c.sourced_id, stage.c.fingerprint)

    @staticmethod
    def is_taken(stage: Table) -> ColumnElement[bool]:
        """Which staged rows a merge takes."""
        return and_(stage.c.verdict.is_(None), stage.c.status == "active")

    def is_ending(self, entity: Entity) -> ColumnElement[bool]:
        """Which live rows end: said so, out of scope, or absent from all that came."""
        stage, live = self.stages[entity.collection], entity.table
        says_so = and_(
            stage.c.status == "ended",
            func.coalesce(stage.c.verdict, "duplicate") == "duplicate",
        )
        if entity.collection in ROSTER:
            says_so = or_(says_so, func.coalesce(stage.c.verdict, "") == OUT)
        named = stage.c.sourced_id == live.c.sourced_id
        if entity.collection in self._complete:
            is_over = ~exists().where(named, says_so.is_not(True))
        else:
            # What was sent is little beside what is held: it leads.
            is_over = live.c.sourced_id.in_(select(stage.c.sourced_id).where(says_so))
        return and_(entity.is_of(self.source_id), live.c.status == "active", is_over)

    def differences(self, entity: Entity) -> Iterator[Difference]:
        """Yield each record of another fingerprint, as we hold it and as it was sent.

        Where no field differs, our own way of taking fingerprints has changed and
        not the record.
        """
        stage, live = self.stages[entity.collection], entity.table
        names = [name for name in sent_columns(stage) if name not in _MARKS]
        found = self.connection.execute(
            self.changes(entity)
            .add_columns(
                *(live.c[name] for name in names), *(stage.c[name] for name in names)
            )
            .execution_options(yield_per=1000)
        )
        for sourced_id, fingerprint, *values in found:
            held, sent = values[: len(names)], values[len(names) :]
            yield Difference(
                sourced_id,
                fingerprint,
                dict(zip(names, held, strict=True)),
                dict(zip(names, sent, strict=True)),
            )

    def count_held(self, entity: Entity) -> int:
        """How many records of a collection we hold."""
        if self.is_fresh(entity):
            return 0
        if entity.collection not in self._held:
            held = count_active(self.connection, entity, self.source_id)
            self._held[entity.collection] = held
        return self._held[entity.collection]

    def is_unsent(self, collection: str) -> bool:
        """Tell whether nothing at all came of a collection that was sent whole."""
        stage = self.stages[collection]
        return collection in self._complete and not self.connection.scalar(
            select(exists(select(stage.c.sourced_id)))
        )

    def renamed_users(self) -> tuple[int, str]:
        """Return how many ending users come again under another sourcedId, and by what.

        By what: the column that stayed the same for most of them.
        """
        entity = BY_NAME["users"]
        stage, live = self.stages["users"], entity.table
        adds = self.adds(entity).order_by(None)
        found = []
        for name in STABLE:
            again = adds.with_only_columns(stage.c[name]).where(stage.c[name] != "")
            count = self.connection.scalar(
                select(func.count()).where(
                    self.is_ending(entity), live.c[name].in_(again)
                )
            )
            found.append((int(count or 0), name))
        return max(found, key=lambda one: one[0])

    def by_school(self, collection: str) -> dict[str, dict[str, int]]:
        """Count what each school holds and would gain and lose: now, adds and ends."""
        entity = BY_NAME[collection]
        live, stage = entity.table, self.stages[collection]
        is_held = and_(entity.is_of(self.source_id), live.c.status == "active")
        adds = self.adds(entity).order_by(None).with_only_columns(stage.c.sourced_id)
        counted = {
            "now": self._count_by(collection, live, is_held),
            "adds": self._count_by(collection, stage, stage.c.sourced_id.in_(adds)),
            "ends": self._count_by(collection, live, self.is_ending(entity)),
        }
        schools = {school for found in counted.values() for school in found}
        return {
            school: {kind: found.get(school, 0) for kind, found in counted.items()}
            for school in schools
        }

    def _count_by(
        self, collection: str, table: Table, wanted: ColumnElement[bool]
    ) -> dict[str, int]:
        if collection == "users":
            items, school = list_items(self.connection, table.c.roles, "org")
            counted = select(school, func.count(table.c.sourced_id.distinct()))
            counted = counted.select_from(table.join(items, true()))
        else:
            school = self._school(collection, table)
            counted = select(school, func.count())
        found = self.connection.execute(
            counted.where(wanted, school.is_not(None)).group_by(school)
        )
        return {key: count for key, count in found if key}

    def _school(self, collection: str, table: Table) -> ColumnElement[Any]:
        if collection == "courses":
            return table.c.org_sourced_id
        if collection == "classes":
            return table.c.school_sourced_id
        held = BY_NAME["classes"]
        sides = [(held.table, held.is_of(self.source_id))]
        if table is not BY_NAME[collection].table:
            sent = self.stages["classes"]
            sides.insert(0, (sent, sent.c.verdict.is_(None)))
        return func.coalesce(
            table.c.school_sourced_id,
            *(
                select(side.c.school_sourced_id)
                .where(is_mine, side.c.sourced_id == table.c.class_sourced_id)
                .limit(1)
                .scalar_subquery()
                for side, is_mine in sides
            ),
        )

    def schools(self) -> set[str]:
        """The orgs that are schools, by what was sent and by what we hold."""
        held, sent = BY_NAME["orgs"], self.stages["orgs"]
        found = select(held.table.c.sourced_id).where(
            held.is_of(self.source_id), held.table.c.kind == "school"
        )
        coming = select(sent.c.sourced_id).where(sent.c.kind == "school")
        return {
            *self.connection.scalars(found),
            *self.connection.scalars(coming),
        }

    def moved_line_items(self, plan: Mapping[str, Movement]) -> set[str]:
        """Return the line items whose scores or facts a plan would move."""
        moved = self.moved_work(plan)
        for collection in RESULTS:
            entity = BY_NAME[collection]
            moved |= self._touched(entity, "line_item_sourced_id", plan[collection])
        return moved

    def moved_scores(self, plan: Mapping[str, Movement]) -> MovedScores | None:
        """Return the results that a plan would move; None where they are many."""
        if sum(_count(plan[collection]) for collection in RESULTS) > MANY:
            return None
        pairs: set[tuple[str, str]] = set()
        naming: set[str] = set()
        for collection in RESULTS:
            for new_or_old, moving in self._moving(
                BY_NAME[collection], plan[collection]
            ):
                item = new_or_old.c.line_item_sourced_id
                found = moving.with_only_columns(
                    item,
                    new_or_old.c.student_sourced_id,
                    names_objectives(new_or_old.c.learning_objectives),
                )
                for line_item, student, is_naming in self.connection.execute(found):
                    pairs.add((line_item, student))
                    if is_naming:
                        naming.add(line_item)
        return MovedScores(frozenset(pairs), frozenset(naming))

    def moved_work(self, plan: Mapping[str, Movement]) -> set[str]:
        """Return the line items whose own facts, or the worth of words, would move."""
        moved: set[str] = set()
        for collection in ("lineItems", "assessmentLineItems"):
            moved |= self._touched(BY_NAME[collection], "sourced_id", plan[collection])
        if _count(plan["scoreScales"]):
            # Every word of the source may be worth something else now.
            moved.update(self.connection.scalars(worded(self.source_id)))
        return moved

    def moved_roster(self, plan: Mapping[str, Movement]) -> Moved | None:
        """Return the users and classes whose seats a plan may move.

        None where they are so many that every seat may as well be looked at.
        """
        if sum(_count(plan[name]) for name in ROLLS) > MANY:
            return None
        return Moved(
            frozenset(
                self._touched(BY_NAME["users"], "sourced_id", plan["users"])
                | self._touched(
                    BY_NAME["enrollments"], "user_sourced_id", plan["enrollments"]
                )
            ),
            frozenset(self._touched(BY_NAME["classes"], "sourced_id", plan["classes"])),
        )

    def _touched(self, entity: Entity, column: str, planned: Movement) -> set[str]:
        """What stands in a column of the rows that move, before and after."""
        touched: set[str] = set()
        for table, moving in self._moving(entity, planned):
            found = moving.with_only_columns(table.c[column])
            touched.update(self.connection.scalars(found.distinct()))
        return touched - {None}

    def _moving(
        self, entity: Entity, planned: Movement
    ) -> Iterator[tuple[Table, Select[Any]]]:
        """Yield each table that holds rows that move, new or old, and which."""
        new, old = self.stages[entity.collection], entity.table
        for count, moves, table in (
            (planned.adds, self.adds, new),
            (planned.changes, self.changes, new),
            (planned.changes, self.changes, old),
            (planned.ends, self.ends, old),
        ):
            if count:
                yield table, moves(entity).order_by(None)


def _count(planned: Movement) -> int:
    return planned.adds + planned.changes + planned.ends


def gains_staff(collection: str, change: Difference) -> bool:
    """Tell whether a change makes somebody staff who was not."""
    if collection == "enrollments":
        return change.sent["role"] in STAFF and change.held["role"] not in STAFF
    if collection == "users":
        return _is_staff(change.sent["roles"]) and not _is_staff(change.held["roles"])
    return False


def _is_staff(roles: list[dict[str, str]] | None) -> bool:
    return not STAFF.isdisjoint(role["role"] for role in roles or ())
