"""A district's source with runs of every kind, as a sync leaves them behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert

from lti_tool.storage import schema
from lti_tool.storage.session import Session

NORTHSIDE, LAKE = "org-northside", "org-lake"
PLAN = {
    "orgs": {"now": 12, "adds": 0, "changes": 1, "ends": 0},
    "academicSessions": {"now": 8, "adds": 1, "changes": 0, "ends": 0},
    "courses": {"now": 310, "adds": 0, "changes": 0, "ends": 0},
    "classes": {"now": 940, "adds": 22, "changes": 41, "ends": 3},
    "users": {"now": 8412, "adds": 96, "changes": 310, "ends": 14},
    "enrollments": {"now": 31204, "adds": 815, "changes": 120, "ends": 2412},
}
SCHOOLS = {
    NORTHSIDE: {
        "enrollments": {"now": 3100, "adds": 30, "changes": 0, "ends": 2398},
        "users": {"now": 700, "adds": 10, "changes": 31, "ends": 9},
    },
    LAKE: {"enrollments": {"now": 2900, "adds": 300, "changes": 9, "ends": 14}},
}
HOLDS = [
    {
        "code": "ends",
        "collection": "enrollments",
        "school": None,
        "ends": 2412,
        "now": 31204,
        "limit": 1560,
    },
    {
        "code": "ends",
        "collection": "enrollments",
        "school": NORTHSIDE,
        "ends": 2398,
        "now": 3100,
        "limit": 620,
    },
]
GIVEN = ("Amira", "Ben", "Chloé", "Wei", "Siobhán", "José", "Nadia", "=SUM(1)")
FAMILY = ("Haddad", "Ortiz", "Dubois", "Chen", "O'Sullivan", "García-Márquez", "Novak")


def put(session: Session, table: Table, **values: object) -> int:
    return int(
        session.execute(
            insert(table).values(**values).returning(table.c.id)
        ).scalar_one()
    )


def put_run(session: Session, source: int, at: datetime, **values: object) -> int:
    found = {
        "source_id": source,
        "status": "applied",
        "trigger": "schedule",
        "kind": "delta",
        "started_at": at,
        "ended_at": at + timedelta(minutes=6, seconds=12),
    }
    return put(session, schema.run, **(found | values))


@dataclass
class District:
    """What was seeded."""

    source: int
    held: int
    done: int
    person: int


def seed_district(session: Session, now: datetime, *, ends: int = 2412) -> District:
    """A source with a held plan of so many ends, and a run with problems before it."""
    source = put(
        session,
        schema.source,
        name="Northside SIS",
        kind="rest",
        location="https://sis.example",
        version="1.2",
        created_at=now - timedelta(days=90),
        synced_at=now - timedelta(days=1),
    )
    _roster(session, source, now)
    person = _amira(session, source, now)
    done = put_run(
        session,
        source,
        now - timedelta(days=1),
        status="applied_with_rejects",
        kind="full",
        plan={**PLAN, "enrollments": {**PLAN["enrollments"], "ends": 3}},
        plan_hash="aaaa1111bbbb2222",
        counts={"orgs": 12, "users": 8412, "enrollments": 31204},
        problem_counts={"dangling": 128, "duplicate": 12},
        written=1100,
    )
    _problems(session, source, done, now)
    held = put_run(
        session,
        source,
        now - timedelta(hours=2),
        status="held",
        kind="full",
        plan={**PLAN, "enrollments": {**PLAN["enrollments"], "ends": ends}},
        plan_hash="9f3ac1d20b7e4f68",
        schools=SCHOOLS,
        holds=HOLDS,
        counts={"orgs": 12, "users": 8494, "enrollments": 29607},
        problem_counts={"dangling": 128},
        text="2412 of 31204 enrollments would end",
    )
    _moves(session, held, ends)
    return District(source, held, done, person)


def _roster(session: Session, source: int, now: datetime) -> None:
    common = {"source_id": source, "fingerprint": "x", "status": "active"}
    for sourced_id, name in ((NORTHSIDE, "Northside Middle"), (LAKE, "Lake <High>")):
        put(
            session,
            schema.org,
            sourced_id=sourced_id,
            name=name,
            kind="school",
            **common,
        )
    put(
        session,
        schema.term,
        sourced_id="term-1",
        title="2025-S1",
        kind="semester",
        ends_on=now.date() - timedelta(days=3),
        **common,
    )
    for number in range(1, 4):
        put(
            session,
            schema.sis_class,
            sourced_id=f"class-{number}",
            title=f"Grade 7 Math, section {number}",
            school_sourced_id=NORTHSIDE,
            term_sourced_ids=["term-1"],
            **common,
        )


def _amira(session: Session, source: int, now: datetime) -> int:
    person = put(
        session,
        schema.person,
        given_name="Amira",
        family_name="Haddad",
        display_name="Amira Haddad",
        created_at=now,
    )
    put(
        session,
        schema.sis_user,
        source_id=source,
        sourced_id="user-0",
        fingerprint="x",
        person_id=person,
        username="amira.haddad",
        given_name="Amira",
        family_name="Haddad",
        is_enabled=True,
        roles=[{"role": "student", "role_type": "primary", "org": NORTHSIDE}],
    )
    for number in range(4):
        put(
            session,
            schema.enrollment,
            source_id=source,
            sourced_id=f"enr-{number}",
            fingerprint="x",
            class_sourced_id=f"class-{number % 3 + 1}",
            school_sourced_id=NORTHSIDE,
            user_sourced_id="user-0",
            role="student",
        )
    return person


def _moves(session: Session, run: int, ends: int) -> None:
    rows: list[dict[str, Any]] = [
        _move(
            run,
            "enrollments",
            "end",
            number,
            user=f"user-{number // 3}",
            school=NORTHSIDE if number % 100 else LAKE,
            label=f"{_name(number // 3)}: Grade 7 Math, section {number % 3 + 1}",
            before={"status": "active", "role": "student", "ends_on": None},
        )
        for number in range(ends)
    ]
    rows += [
        _move(
            run,
            "users",
            "change",
            number,
            sourced_id=f"user-{number}",
            user=f"user-{number}",
            school=LAKE,
            label=_name(number),
            before={"grades": ["07"], "email": "a***@example.org"},
            after={"grades": ["08"], "email": "b***@example.org"},
        )
        for number in range(310)
    ]
    rows += [
        _move(
            run,
            "users",
            "add",
            9000 + number,
            sourced_id=f"user-{9000 + number}",
            user=f"user-{9000 + number}",
            school=NORTHSIDE,
            label=f"New {_name(number)}",
            after={"roles": [{"role": "student", "org": NORTHSIDE}], "grades": ["06"]},
        )
        for number in range(96)
    ]
    rows.append(
        _move(
            run,
            "orgs",
            "change",
            1,
            sourced_id=LAKE,
            label="Lake <High>",
            before={"name": "Lake High"},
            after={"name": "Lake <High>"},
        )
    )
    session.execute(insert(schema.run_move), rows)


def _name(number: int) -> str:
    return f"{GIVEN[number % len(GIVEN)]} {FAMILY[number % len(FAMILY)]}"


def _move(
    run: int, collection: str, kind: str, number: int, **values: object
) -> dict[str, Any]:
    made = {
        "run_id": run,
        "collection": collection,
        "kind": kind,
        "sourced_id": f"{collection[:3]}-{number}",
        "label": None,
        "user_sourced_id": values.pop("user", None),
        "school_sourced_id": values.pop("school", None),
        "before": None,
        "after": None,
    }
    return made | values


def _problems(session: Session, source: int, run: int, now: datetime) -> None:
    rows = [
        {
            "run_id": run,
            "collection": "enrollments",
            "sourced_id": f"enr-lost-{number}",
            "place": f"enrollments.csv line {number + 2}",
            "field": "user_sourced_id",
            "code": "dangling",
            "level": "error",
            "value": "us…17 (8)",
            "text": "names a record that was not sent",
        }
        for number in range(128)
    ] + [
        {
            "run_id": run,
            "collection": "users",
            "sourced_id": f"user-{number}",
            "place": "/users",
            "field": "sourced_id",
            "code": "duplicate",
            "level": "warning",
            "value": None,
            "text": "was sent twice",
        }
        for number in range(12)
    ]
    session.execute(insert(schema.run_problem), rows)
    for number in range(128):
        put(
            session,
            schema.quarantine,
            source_id=source,
            run_id=run,
            collection="enrollments",
            sourced_id=f"enr-lost-{number}",
            field="user_sourced_id",
            names=f"user-gone-{number}",
            place=f"enrollments.csv line {number + 2}",
            row={},
            first_seen_at=now - timedelta(days=9),
            seen_at=now - timedelta(days=1),
            settled_at=now if number == 0 else None,
        )
