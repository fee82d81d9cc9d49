"""Standing worked out anew: all of it, after 30 new scores, and in plain Python."""

from __future__ import annotations

import csv
from pathlib import Path

from sqlalchemy import select, update

from benchmarks import yardsticks
from benchmarks.bench import Bench, Finding, check, now
from lti_tool.storage import curriculum, schema
from lti_tool.storage.database import Database
from lti_tool.work import alignments, standing
from lti_tool.work.frameworks import import_documents

SOME = 30
BATCH = 10
CLOSE = 1e-6


def measure(bench: Bench) -> list[Finding]:
    """Time the rule `highest` over every course of the school."""
    with bench.database() as database:
        courses = _fill(bench, database)
        with bench.driver(database) as connection:
            grouped = bench.alternate(
                "wall",
                lambda: _refresh(database, courses),
                lambda: yardsticks.group_by(connection),
            )
            full = bench.alternate(
                "wall",
                lambda: _refresh(database, courses),
                lambda: yardsticks.best_ratios(connection),
            )
            _compare(database, yardsticks.best_ratios(connection))
            connection.rollback()
        some = bench.alternate(
            "wall",
            lambda: _new_scores(database, courses[0]),
            lambda: _refresh(database, courses),
        )
    return [
        Finding("full refresh / INSERT..SELECT GROUP BY (M1)", "wall", grouped, "<= 3"),
        Finding("full refresh / plain Python (M2)", "wall", full, "<= 0.15"),
        Finding(
            f"{SOME} new scores of a class / full refresh (M3)",
            "wall",
            some,
            "<= 0.005",
        ),
    ]


def _fill(bench: Bench, database: Database) -> list[int]:
    bench.sync(database, bench.add_source(database))
    import_documents(database, [("bench", bench.school.framework)], now())
    path = Path(bench.folder) / "alignments.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(alignments.COLUMNS)
        writer.writerows(bench.school.alignments)
    alignments.import_file(database, path, who="bench", now=now())
    course = schema.course
    with database.write() as session:
        found = session.scalars(
            select(course.c.id).where(course.c.framework_id.is_not(None))
        ).all()
        for one in found:
            values = {"rule": "highest", "parameter": None}
            curriculum.save_course_plan(session, one, values, who="bench", now=now())
    return [int(one) for one in found]


def _refresh(database: Database, courses: list[int]) -> None:
    """Work all courses out anew, a few in each transaction, as the night does."""
    for start in range(0, len(courses), BATCH):
        some = courses[start : start + BATCH]
        with database.write() as session:
            standing.refresh_courses(session, some, now=now())


def _new_scores(database: Database, course_id: int) -> None:
    """Change scores of one class and work out the cells they speak in."""
    score, assignment = schema.score, schema.assignment
    alignment = schema.alignment
    some = (
        select(score.c.id)
        .join(assignment, assignment.c.id == score.c.assignment_id)
        .where(assignment.c.course_id == course_id, score.c.given > 0)
        .order_by(score.c.id)
        .limit(SOME)
    )
    with database.write() as session:
        ids = session.scalars(some).all()
        moved = session.execute(
            select(score.c.person_id, alignment.c.competency_id)
            .join(alignment, alignment.c.assignment_id == score.c.assignment_id)
            .where(score.c.id.in_(ids), alignment.c.course_id == course_id)
        ).all()
        session.execute(
            update(score).where(score.c.id.in_(ids)).values(given=score.c.given * 0.99)
        )
        standing.refresh_cells(
            session,
            course_id,
            sorted({row.person_id for row in moved}),
            sorted({row.competency_id for row in moved}),
            now=now(),
        )


def _compare(database: Database, best: dict[tuple[int, int], float]) -> None:
    table = schema.attainment
    with database.read() as session:
        rows = session.execute(
            select(table.c.person_id, table.c.competency_id, table.c.ratio)
        )
        held: dict[tuple[int, int], float] = {}
        for person, competency, ratio in rows:
            key = (person, competency)
            held[key] = max(ratio, held.get(key, 0.0))
    check(held.keys() == best.keys(), f"{len(held)} cells, plain Python {len(best)}")
    wrong = [key for key in best if abs(held[key] - best[key]) > CLOSE]
    check(not wrong, f"{len(wrong)} of {len(best)} cells differ from plain Python")
