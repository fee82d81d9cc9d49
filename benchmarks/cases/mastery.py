"""Standing worked out anew: all of it, after 30 new scores, and in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import select, update

from benchmarks import yardsticks
from benchmarks.bench import Bench, Finding, check
from benchmarks.marked import Marked, fill
from lti_tool.storage import schema
from lti_tool.storage.database import Database, Session
from lti_tool.work import roster, standing

STUDENTS = {"S": 1_000, "M": 10_000, "L": 100_000}
RULES = ("highest", "certainty")
SOME = 30
CLOSE = 1e-6
# One moment for product and reference: age counts to the second.
AT = datetime(2026, 12, 1, 5, 30, tzinfo=UTC)


def measure(bench: Bench) -> list[Finding]:
    """Time both rules over every course: plan and records judged by the same."""
    found = []
    for rule in RULES:
        with _district(bench, Marked(STUDENTS[bench.size], rule)) as whole:
            found += _full(bench, whole)
            tenth = Marked(STUDENTS[bench.size] // 10, rule)
            with _district(bench, tenth) as small:
                _refresh(small.database)
                found.append(_apart(bench, whole, small))
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """A district in a database, with the driver's own connection to it."""

    database: Database
    connection: Any
    marked: Marked


@contextmanager
def _district(bench: Bench, marked: Marked) -> Iterator[_Place]:
    with bench.database() as database, bench.driver(database) as connection:
        fill(connection, marked)
        yield _Place(database, connection, marked)


def _clock(bench: Bench) -> Literal["cpu", "wall"]:
    """What is judged: our own CPU, but where a server does its share of the work."""
    return "wall" if bench.is_postgres else "cpu"


def _full(bench: Bench, place: _Place) -> list[Finding]:
    """Everything worked out, first into empty tables, then again; and compared.

    One turn of the product stands beside a turn of each yardstick and of thirty new
    scores: a district is not worked out three times for three ratios.
    """
    rule, clock, database = place.marked.rule, _clock(bench), place.database

    def plain() -> None:
        _reference(place)
        place.connection.rollback()

    def grouped() -> None:
        yardsticks.group_by(place.connection)

    first = bench.timed(clock, lambda: _refresh(database))
    grouped()
    _compare(place)
    place.connection.rollback()
    _new_scores(database)
    turns = [
        (
            bench.timed(clock, lambda: _refresh(database)),
            bench.timed(clock, grouped),
            bench.timed(clock, plain),
            bench.timed(clock, lambda: _new_scores(database)),
        )
        for _ in range(bench.repeat)
    ]
    _compare(place)
    place.connection.rollback()
    by_statement = tuple((full, group) for full, group, _plain, _some in turns)
    by_python = tuple((full, plain) for full, _group, plain, _some in turns)
    some = tuple((some, full) for full, _group, _plain, some in turns)
    return [
        Finding(
            f"{rule}: first, all written / GROUP BY", clock, ((first, turns[0][1]),)
        ),
        Finding(f"{rule}: full / GROUP BY (M1)", clock, by_statement, "<= 3"),
        Finding(f"{rule}: full / plain Python (M2)", clock, by_python, "<= 0.15"),
        Finding(f"{rule}: {SOME} new scores / full (M3)", clock, some, "<= 0.005"),
    ]


def _apart(bench: Bench, whole: _Place, small: _Place) -> Finding:
    """Thirty new scores in the district, and in one of a tenth of its students."""
    pairs = bench.alternate(
        _clock(bench),
        lambda: _new_scores(whole.database),
        lambda: _new_scores(small.database),
    )
    name = f"{whole.marked.rule}: {SOME} new scores, whole / a tenth (M4)"
    return Finding(name, _clock(bench), pairs, "<= 1.5")


def _refresh(database: Database) -> None:
    """Work all courses out anew, as after a first load: each bears its mark."""
    with database.write() as session:
        session.execute(update(schema.course).values(refreshed_at=None))
    roster.refresh_stale(database, lambda: AT)


def _new_scores(database: Database) -> None:
    """Change scores of one class and work out their cells, in one transaction."""
    score, alignment = schema.score, schema.alignment
    with database.write() as session:
        ids = _of_a_class(session)
        session.execute(
            update(score).where(score.c.id.in_(ids)).values(given=20.0 - score.c.given)
        )
        moved = session.execute(
            select(alignment.c.course_id, score.c.person_id, alignment.c.competency_id)
            .join(alignment, alignment.c.assignment_id == score.c.assignment_id)
            .where(score.c.id.in_(ids))
        )
        standing.refresh_moved(session, {(*row,) for row in moved}, now=AT)


def _of_a_class(session: Session) -> list[int]:
    score, assignment = schema.score, schema.assignment
    some = (
        select(score.c.id)
        .join(assignment, assignment.c.id == score.c.assignment_id)
        .where(assignment.c.course_id == 1)
        .order_by(score.c.id)
        .limit(SOME)
    )
    return list(session.scalars(some))


def _reference(place: _Place) -> dict[tuple[int, int], tuple[float, float | None]]:
    """What plain Python says of (person, competency): ratio, and probability."""
    if place.marked.rule == "highest":
        best = yardsticks.best_ratios(place.connection)
        return {key: (ratio, None) for key, ratio in best.items()}
    return {
        key: (mean, probability)
        for key, (mean, probability) in yardsticks.certainties(
            place.connection, AT
        ).items()
    }


def _compare(place: _Place) -> None:
    """Compare every record, and every cell: each speaks in one course alone here."""
    wanted = _reference(place)
    for table in (schema.record, schema.attainment):
        with place.database.read() as session:
            rows = session.execute(
                select(
                    table.c.person_id,
                    table.c.competency_id,
                    table.c.ratio,
                    table.c.probability,
                )
            ).all()
        name = f"{table.name} by {place.marked.rule}"
        held = {(row[0], row[1]): (row[2], row[3]) for row in rows}
        check(len(held) == len(rows), f"{name}: a competency in several courses")
        check(
            held.keys() == wanted.keys(),
            f"{name}: {len(held)} cells, plain Python {len(wanted)}",
        )
        wrong = [key for key in wanted if not _is_same(held[key], wanted[key])]
        check(not wrong, f"{name}: {len(wrong)} of {len(wanted)} cells differ")


def _is_same(
    one: tuple[float, float | None], other: tuple[float, float | None]
) -> bool:
    return abs(one[0] - other[0]) < CLOSE and (
        other[1] is None or abs((one[1] or 0.0) - other[1]) < CLOSE
    )
