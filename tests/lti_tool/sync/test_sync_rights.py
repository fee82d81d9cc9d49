"""What we may not read stays as it is, and what we wrote ourselves is not read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from lti_tool.storage import schema
from lti_tool.storage.database import Database, Session
from tests.faults.desk import Desk
from tests.faults.sis import JSON, Reply, Row, Sis, make_rows, ref, serving, stamped

CORE = ("orgs", "classes", "users", "enrollments")
FORBIDDEN = Reply(403, b'{"imsx_codeMajor": "failure"}', JSON)


# Which of them is asked is decided before any database is.
@pytest.fixture
def database(sqlite_database: Database) -> Database:
    return sqlite_database


@pytest.fixture
def sis() -> Iterator[Sis]:
    with serving(Sis(make_rows(8))) as sis:
        yield sis


@pytest.fixture
def desk(database: Database, tmp_path: Path, now: datetime, sis: Sis) -> Desk:
    return Desk(database, tmp_path, sis, now)


def assessed(key: str, item: str, score: float) -> Row:
    return stamped(
        key,
        assessmentLineItem=ref("assessmentLineItem", item),
        student=ref("user", "s001"),
        score=score,
        scoreDate="2026-10-01",
        scoreStatus="fully graded",
    )


def put(session: Session, name: str, **values: object) -> int:
    table = schema.metadata.tables[name]
    made = session.scalar(insert(table).values(**values).returning(table.c.id))
    return int(made or 0)


def told_by_us(desk: Desk, sourced_id: str) -> None:
    """Note that we write this assessment line item to the source ourselves."""
    with desk.database.write() as session:
        framework = put(
            session,
            "framework",
            case_id="f",
            title="F",
            creator="us",
            payload={},
            package={},
            fingerprint="f",
            imported_at=desk.now,
        )
        competency = put(
            session,
            "competency",
            case_id="k",
            framework_id=framework,
            statement="K",
            position=0,
            is_assessable=True,
            payload={},
            fingerprint="k",
        )
        course = put(session, "course", title="C", created_at=desk.now)
        put(
            session,
            "line_item",
            destination="oneroster",
            source_id=desk.source_id,
            course_id=course,
            competency_id=competency,
            resource_id="r",
            address=sourced_id,
            kind="assessment",
            maximum=4.0,
            created_at=desk.now,
        )


def test_results_we_wrote_there_ourselves_are_no_evidence(desk: Desk) -> None:
    desk.sis.rows["assessmentLineItems"] = [
        stamped("ours", title="Mastery"),
        stamped("theirs", title="State test"),
    ]
    desk.sis.rows["assessmentResults"] = [
        assessed("r-ours", "ours", 3.0),
        assessed("r-theirs", "theirs", 71.0),
    ]
    told_by_us(desk, "ours")
    ended = desk.sync()
    assert ended.told == ("applied", "")
    items = desk.rows(schema.assignment, "kind", "sourced_id")
    assert [key for kind, key in items if kind == "assessment"] == ["theirs"]
    scores = desk.rows(schema.score, "kind", "sourced_id", "given")
    assert [one[1:] for one in scores if one[0] == "assessment"] == [("r-theirs", 71.0)]


def test_who_may_read_no_part_of_the_roster_is_told_so(desk: Desk) -> None:
    desk.sync()
    before = desk.contents()
    for name in CORE:
        desk.sis.play(name, FORBIDDEN)
    ended = desk.sync()
    assert ended.told == ("failed", "forbidden")
    assert ended.text == (
        "the client may read no part of the roster; ask for the scope of rostering"
    )
    assert desk.contents() == before
    assert desk.newest()["text"] == f"forbidden: {ended.text}"


def test_one_part_that_may_not_be_read_stays_as_it_is(desk: Desk) -> None:
    desk.sync()
    desk.sis.play("enrollments", FORBIDDEN)
    desk.sis.find("users", "s001")["givenName"] = "Else"
    ended = desk.sync()
    assert (ended.status, ended.problems) == ("applied", {"not_served": 1})
    assert desk.active()["enrollment"] == len(desk.sis.rows["enrollments"])


def test_a_scope_that_is_refused_is_told_and_its_records_stay(desk: Desk) -> None:
    desk.move(desk.sis.url)
    desk.sis.rows["assessmentLineItems"] = [stamped("theirs", title="State test")]
    assert desk.sync_outside().told == ("applied", "")
    refusal = json.dumps({"error": "invalid_scope"}).encode()
    desk.sis.play("token", Reply(400, refusal, JSON), times=1)
    desk.sis.play("assessmentLineItems", FORBIDDEN)
    desk.sis.play("assessmentResults", FORBIDDEN)
    ended = desk.sync_outside()
    assert ended.status == "applied"
    assert ended.problems["scope_refused"] == 1
    assert [
        one["text"] for one in desk.problems() if one["code"] == "scope_refused"
    ] == [
        (
            "assessmentLineItems, assessmentResults: the token server refuses the "
            "scope assessment.readonly; ask the SIS to grant it, until then nothing "
            "changes of what it covers"
        )
    ]
    assert desk.status(schema.assignment, "theirs") == "active"
