"""What a school takes of its SIS: applied to the staged rows, in sets.

A staged row outside the scope gets the verdict ``out_of_scope``. Of a roster that is
as if the SIS had said that it ended; of a gradebook it is not taken, and what we hold
stays, so that no evidence is taken back by a choice of scope.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    Table,
    and_,
    case,
    column,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)

from lti_tool.storage.entities import BY_NAME

Stages = Mapping[str, Table]
OUT: Final = "out_of_scope"
# Whose rows end when they fall out of scope; the rest is evidence and stays.
ROSTER: Final = frozenset(
    {"courses", "classes", "users", "demographics", "enrollments"}
)
_TAKEN: Final = ("duplicate",)
# What hangs on what: out of scope with it.
_HANGS: Final = {
    "enrollments": (("class_sourced_id", "classes"), ("user_sourced_id", "users")),
    "demographics": (("sourced_id", "users"),),
    "lineItems": (("class_sourced_id", "classes"),),
    "results": (
        ("line_item_sourced_id", "lineItems"),
        ("student_sourced_id", "users"),
    ),
    "assessmentLineItems": (("class_sourced_id", "classes"),),
    "assessmentResults": (
        ("line_item_sourced_id", "assessmentLineItems"),
        ("student_sourced_id", "users"),
    ),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which schools, terms and roles are taken; an empty tuple takes all.

    demographics_reason: why the school wants demographics; without it none are asked.
    """

    schools: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    demographics_reason: str | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether everything is taken, demographics aside."""
        return not (self.schools or self.terms or self.roles)


def list_items(
    connection: Connection, listed: ColumnElement[Any], name: str | None = None
) -> tuple[FromClause, ColumnElement[str]]:
    """Return what to select from, and the text of each item of a JSON list.

    name: the member of each item, where items are objects. A column that holds no
    list has no items.
    """
    if connection.dialect.name == "postgresql":
        safe = case(
            (func.json_typeof(listed) == "array", listed),
            else_=literal([], JSON),
        )
        if name is None:
            item = column("value", String)
            texts = func.json_array_elements_text(safe).table_valued(item)
            found = texts.render_derived()
            return found, found.c.value
        item = column("value", JSON)
        found = func.json_array_elements(safe).table_valued(item).render_derived()
        return found, found.c.value[name].as_string()
    found = func.json_each(listed).table_valued("value")
    value = found.c.value
    if name is None:
        return found, value
    return found, func.json_extract(value, f"$.{name}")


def judge_scope(
    connection: Connection,
    stages: Stages,
    source_id: int,
    scope: Scope,
    complete: Collection[str],
) -> None:
    """Mark the staged rows that the scope leaves out.

    complete: the collections sent whole. Where one was not, a row that names an
    unknown record of it is out of scope as well: in a delta it cannot be told from
    one that names what the scope left out.
    """
    if scope.is_whole:
        return
    judge = _Judge(connection, stages, source_id, complete)
    if scope.schools:
        judge.by_school(scope.schools)
    if scope.terms:
        judge.by_term(scope.terms)
    if scope.schools or scope.roles:
        judge.by_role(scope)
    judge.what_hangs()


class _Judge:
    def __init__(
        self,
        connection: Connection,
        stages: Stages,
        source_id: int,
        complete: Collection[str],
    ) -> None:
        self._connection = connection
        self._stages = stages
        self._source_id = source_id
        self._complete = complete

    def by_school(self, schools: tuple[str, ...]) -> None:
        """Leave out what is taught at other schools alone; a district's stays."""
        classes, courses = self._stages["classes"], self._stages["courses"]
        self._leave(classes, not_(classes.c.school_sourced_id.in_(schools)))
        taught = [
            exists(
                select(literal(1)).where(
                    is_mine, table.c.sis_course_sourced_id == courses.c.sourced_id
                )
            )
            for table, is_mine in self._sides("classes")
        ]
        others = list(self._other_schools(schools))
        self._leave(courses, and_(courses.c.org_sourced_id.in_(others), ~or_(*taught)))
        seats = self._stages["enrollments"]
        self._leave(seats, not_(seats.c.school_sourced_id.in_(schools)))

    def _other_schools(self, schools: tuple[str, ...]) -> Iterator[str]:
        for table, is_mine in self._sides("orgs"):
            found = self._connection.scalars(
                select(table.c.sourced_id).where(is_mine, table.c.kind == "school")
            )
            yield from set(found) - set(schools)

    def by_term(self, terms: tuple[str, ...]) -> None:
        """Leave out classes of which no term is taken, nor lies within one taken."""
        classes = self._stages["classes"]
        found, term = list_items(self._connection, classes.c.term_sourced_ids)
        taken = (
            select(literal(1))
            .select_from(found)
            .where(term.in_(self._within(terms)))
            .correlate(classes)
        )
        self._leave(classes, ~exists(taken))

    def _within(self, terms: tuple[str, ...]) -> list[str]:
        parents: dict[str, str | None] = {}
        for table, is_mine in self._sides("academicSessions"):
            found = self._connection.execute(
                select(table.c.sourced_id, table.c.parent_sourced_id).where(is_mine)
            )
            parents.update((row[0], row[1]) for row in found)
        taken = set(terms)
        for key in parents:
            path: list[str] = []
            one: str | None = key
            while one is not None and one not in taken and one not in path:
                path.append(one)
                one = parents.get(one)
            if one in taken:
                taken.update(path)
        return sorted(taken)

    def by_role(self, scope: Scope) -> None:
        """Leave out users without a role that is taken, at a school that is taken."""
        users, seats = self._stages["users"], self._stages["enrollments"]
        found, org = list_items(self._connection, users.c.roles, "org")
        role = self._member(found, "role")
        wanted: list[ColumnElement[bool]] = []
        if scope.schools:
            wanted.append(org.in_(scope.schools))
        if scope.roles:
            wanted.append(role.in_(scope.roles))
            self._leave(
                seats,
                and_(
                    seats.c.role.in_(("student", "teacher")),
                    not_(seats.c.role.in_(scope.roles)),
                ),
            )
        taken = select(literal(1)).select_from(found).where(*wanted).correlate(users)
        self._leave(users, ~exists(taken))

    def _member(self, found: FromClause, name: str) -> ColumnElement[str]:
        value = found.c.value
        if self._connection.dialect.name == "postgresql":
            text: ColumnElement[str] = value[name].as_string()
            return text
        return func.json_extract(value, f"$.{name}")

    def what_hangs(self) -> None:
        """Leave out what names a record that is left out."""
        for collection, needs in _HANGS.items():
            stage = self._stages[collection]
            for name, target in needs:
                wanted = stage.c[name]
                sent, held = self._stages[target], BY_NAME[target]
                is_out: ColumnElement[bool] = exists(
                    self._named(sent, wanted).where(sent.c.verdict == OUT)
                )
                if target not in self._complete:
                    is_known = or_(
                        exists(self._named(sent, wanted)),
                        exists(
                            self._named(held.table, wanted).where(
                                held.is_of(self._source_id),
                                held.table.c.status == "active",
                            )
                        ),
                    )
                    is_out = or_(is_out, ~is_known)
                self._leave(stage, and_(wanted.is_not(None), is_out))

    @staticmethod
    def _named(table: Table, wanted: ColumnElement[Any]) -> Select[Any]:
        return (
            select(literal(1))
            .select_from(table)
            .where(table.c.sourced_id == wanted)
            .correlate_except(table)
        )

    def _sides(self, collection: str) -> Iterator[tuple[Table, ColumnElement[bool]]]:
        held, stage = BY_NAME[collection], self._stages[collection]
        yield held.table, held.is_of(self._source_id)
        yield stage, stage.c.verdict.is_(None)

    def _leave(self, stage: Table, is_out: ColumnElement[bool]) -> None:
        self._connection.execute(
            update(stage)
            .where(or_(stage.c.verdict.is_(None), stage.c.verdict.in_(_TAKEN)), is_out)
            .values(verdict=OUT)
        )
