"""A made-up district with its scores, straight into the tables: for standing alone.

A sync would take far longer than what is to be measured. The proportions are those of
facts/performance.md: 7 classes a student, 5 line items a class, 20 results a student,
each speaking for two competencies. Everything is worked out from its number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

import psycopg
from psycopg import sql

BIRTH: Final = datetime(2026, 9, 1, tzinfo=UTC)
FIRST_DAY: Final = date(2026, 9, 1)
DAYS, TIMES = 84, 7  # scores come in on twelve weeks' days
SUBJECTS, GRADES, IN_GRADE = 7, 12, 8  # competencies of each subject and grade
SECTIONS, ROOM = 5, 60  # so many classes of a subject and grade a school, their seats
ITEMS, SPEAKS_FOR, OF_CLASS = 5, 2, 4
SHARE_SCORED = 4 / 7
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """So many students, seated and scored.

    rule: by what courses and records are judged.
    """

    students: int
    rule: str

    @property
    def classes(self) -> int:
        """How many courses there are: sixty students in each."""
        return max(self.students * SUBJECTS // ROOM, SUBJECTS)

    def tables(self) -> Iterator[tuple[str, str, Iterator[Row]]]:
        """Yield each table, its columns and its rows, in the order of references."""
        born = BIRTH
        sent = ("active", born, "f")
        rule = (self.rule, 180.0 if self.rule == "certainty" else None)
        yield (
            "source",
            "id name kind location created_at",
            iter([(1, "marked", "csv", "-", born)]),
        )
        yield (
            "framework",
            ("id case_id title creator payload package fingerprint imported_at"),
            iter([(1, "fw", "Marked", "bench", "{}", "{}", "f", born)]),
        )
        yield (
            "competency",
            (
                "id framework_id case_id human_code statement position is_assessable "
                "payload fingerprint"
            ),
            (
                (
                    one,
                    1,
                    f"c-{one}",
                    f"C.{one}",
                    f"Competency {one}",
                    one,
                    True,
                    "{}",
                    "f",
                )
                for one in range(1, SUBJECTS * GRADES * IN_GRADE + 1)
            ),
        )
        yield (
            "record_rule",
            (
                "id framework_id rule parameter evidence_order minimum_pieces "
                "changed_by changed_at"
            ),
            iter([(1, 1, *rule, "submitted", 1, "bench", born)]),
        )
        yield (
            "sis_class",
            (
                "id source_id sourced_id status modified_at fingerprint title "
                "school_sourced_id"
            ),
            (
                (one, 1, f"class-{one}", *sent, f"Class {one}", self._school(one))
                for one in range(1, self.classes + 1)
            ),
        )
        yield (
            "course",
            ("id sis_class_id title created_at status framework_id rule parameter"),
            (
                (one, one, f"Class {one}", born, "active", 1, *rule)
                for one in range(1, self.classes + 1)
            ),
        )
        yield (
            "person",
            "id given_name family_name display_name created_at",
            (
                (one, "Ana", f"Lee {one}", f"Ana Lee {one}", born)
                for one in range(1, self.students + 1)
            ),
        )
        yield "seat", "id person_id course_id role status origin", self._seats()
        yield (
            "assignment",
            (
                "id source_id sourced_id status modified_at fingerprint kind course_id "
                "class_sourced_id title due_at maximum"
            ),
            self._assignments(),
        )
        yield (
            "alignment",
            (
                "id course_id assignment_id competency_id weight made_by created_at "
                "part is_practice"
            ),
            self._alignments(),
        )
        yield (
            "score",
            (
                "id source_id sourced_id status modified_at fingerprint kind "
                "assignment_id person_id line_item_sourced_id student_sourced_id "
                "given score_status scored_on flags learning_objectives"
            ),
            self._scores(),
        )

    def _school(self, course: int) -> str:
        return f"school-{1 + (course - 1) // (SUBJECTS * SECTIONS)}"

    def courses_of(self, student: int) -> list[int]:
        """The courses of a student: one a subject, those of her school and year."""
        bench = (student - 1) // ROOM
        found = (bench * SUBJECTS + place + 1 for place in range(SUBJECTS))
        return [one for one in found if one <= self.classes] or [self.classes]

    def _seats(self) -> Iterator[Row]:
        number = 0
        for student in range(1, self.students + 1):
            for course in self.courses_of(student):
                number += 1
                yield (number, student, course, "learner", "active", "sis")

    def _assignments(self) -> Iterator[Row]:
        for item in range(1, self.classes * ITEMS + 1):
            course = 1 + (item - 1) // ITEMS
            yield (
                *(item, 1, f"item-{item}", "active", BIRTH, "f", "line_item"),
                *(course, f"class-{course}", f"Work {item}", BIRTH, 20.0),
            )

    def competencies_of(self, course: int) -> list[int]:
        """The competencies a course teaches."""
        lot = course % (SUBJECTS * GRADES)
        first = 1 + lot * IN_GRADE
        return [first + (course + place) % IN_GRADE for place in range(OF_CLASS)]

    def _alignments(self) -> Iterator[Row]:
        for item in range(1, self.classes * ITEMS + 1):
            course = 1 + (item - 1) // ITEMS
            among = self.competencies_of(course)
            for place in range(SPEAKS_FOR):
                number = (item - 1) * SPEAKS_FOR + place + 1
                told = among[(item + place) % OF_CLASS]
                yield (number, course, item, told, 1.0, "bench", BIRTH, "", False)

    def _scores(self) -> Iterator[Row]:
        luck = Random(7)  # noqa: S311 -- made-up scores
        number = 0
        seated: dict[int, list[int]] = {}
        for student in range(1, self.students + 1):
            for course in self.courses_of(student):
                seated.setdefault(course, []).append(student)
        for item in range(1, self.classes * ITEMS + 1):
            for student in seated.get(1 + (item - 1) // ITEMS, ()):
                if luck.random() >= SHARE_SCORED:
                    continue
                number += 1
                day = FIRST_DAY + timedelta(days=luck.randrange(DAYS // TIMES) * TIMES)
                yield (
                    *(number, 1, f"r-{number}", "active", BIRTH, "f", "result"),
                    *(item, student, f"item-{item}", f"s-{student}"),
                    *(float(luck.randint(0, 20)), "fully graded", day, "{}", "[]"),
                )


def fill(connection: Any, marked: Marked) -> dict[str, int]:  # noqa: ANN401 -- any DB-API connection
    """Write the district into empty tables; returns the rows of each."""
    put: Callable[[Any, str, Sequence[str], Iterator[Row]], int]
    put = _copy if isinstance(connection, psycopg.Connection) else _insert
    counts = {}
    for table, columns, rows in marked.tables():
        counts[table] = put(connection, table, columns.split(), rows)
    connection.commit()
    connection.cursor().execute("ANALYZE")
    connection.commit()
    return counts


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterator[Row],
) -> int:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    if not connection.in_transaction:
        connection.execute("BEGIN")
    plain = (tuple(map(_plain, row)) for row in rows)
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 -- ours
    return connection.executemany(statement, plain).rowcount


def _plain(value: object) -> object:
    """A value as SQLite holds it: moments without a zone."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value


def _copy(
    connection: psycopg.Connection[Any],
    table: str,
    columns: Sequence[str],
    rows: Iterator[Row],
) -> int:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    into = sql.Identifier(table)
    with connection.cursor() as cursor:
        with cursor.copy(
            sql.SQL("COPY {} ({}) FROM STDIN").format(into, names)
        ) as copy:
            for row in rows:
                copy.write_row(row)
        return cursor.rowcount
