"""The administrators' outbox: what was refused, what differs, receipts, comparing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.storage import curriculum, schema
from tests.web.admin.conftest import Office, Visitor, words
from tests.web.conftest import put

if TYPE_CHECKING:
    from lti_tool.storage.session import Session

HERE = "/admin/outbox"


@pytest.fixture
def rows(office: Office) -> dict[str, int]:
    """A refused delivery, and one that was delivered and stands otherwise there."""
    with office.database.write() as session:
        return seed(session, office)


def seed(session: Session, office: Office) -> dict[str, int]:
    now = office.now
    framework = put(
        session,
        schema.framework,
        case_id="fw",
        title="Grade 7",
        creator="us",
        payload={},
        package={},
        fingerprint="x",
        imported_at=now,
    )
    common: dict[str, Any] = {
        "course_id": put(
            session,
            schema.course,
            title="Maths",
            framework_id=framework,
            rule="highest",
            created_at=now,
        ),
        "competency_id": put(
            session,
            schema.competency,
            framework_id=framework,
            case_id="c",
            human_code="7.A",
            statement="Ratios",
            position=1,
            is_assessable=True,
            payload={},
            fingerprint="x",
        ),
        "destination": "ags",
        "value": 3.0,
        "maximum": 4.0,
        "basis": {},
        "due_at": now,
        "created_at": now,
    }
    curriculum.save_destination(
        session, common["course_id"], "ags", is_on=True, who="t", now=now
    )
    made = {}
    for name, state in (("Ana", "blocked"), ("Ben", "delivered")):
        who = put(
            session,
            schema.person,
            given_name=name,
            family_name="Lee",
            display_name=name,
            created_at=now,
        )
        made[name] = put(
            session, schema.delivery, **common, person_id=who, state=state, reason="no"
        )
    number = put(
        session,
        schema.reconciliation,
        ordered_by="schedule",
        read_back={"ags": 2},
        unread=[{"destination": "ags", "course_id": 9, "code": "x", "reason": "away"}],
        found=1,
        started_at=now,
        ended_at=now,
    )
    put(
        session,
        schema.difference,
        reconciliation_id=number,
        delivery_id=made["Ben"],
        theirs=1.0,
        status="open",
        found_at=now,
    )
    return made


def test_the_outbox_shows_what_needs_a_person_and_sends_it_again(
    office: Office, rosa: Visitor, rows: dict[str, int]
) -> None:
    shown = words(rosa.read(HERE))
    assert "LMS gradebook 1 0 1" in shown
    assert "2 values read back, 1 differs, 1 course could not be read" in shown
    assert "Ben · 7.A · LMS gradebook, Maths ours: 3 of 4 · theirs: 1 of 4" in shown
    assert (
        "Ana · 7.A LMS gradebook Maths 3 of 4 ! refused until something is mended no"
        in shown
    )
    told: list[str] = []
    office.app.extensions["tell_worker"] = lambda: told.append("told")
    for name in ("Ana", "Ben"):
        assert rosa.send(HERE, act=f"again:{rows[name]}").status_code == 303
    assert told == ["told"] * 2
    shown = words(rosa.read(f"{HERE}?show=waiting"))
    assert "LMS gradebook 0 2 1" in shown
    assert "Nothing differs from what was sent." in shown
    with office.database.read() as session:
        asked = session.scalars(
            schema.delivery.select()
            .where(schema.delivery.c.state == "pending")
            .with_only_columns(schema.delivery.c.over_value)
        ).all()
    assert asked == [None, 1.0]
    assert rosa.send(HERE, act=f"undo:{rows['Ben']}").status_code == 409


def test_comparing_is_ordered_of_the_worker_by_name(
    office: Office, rosa: Visitor, rows: dict[str, int]
) -> None:
    asked: list[str] = []
    office.app.extensions["order_reconcile"] = asked.append
    answer = rosa.send(HERE, act="reconcile:")
    assert "Comparing has begun." in words(rosa.read(answer.location))
    assert asked == ["rosa"] or asked[0].startswith("admin")
    assert rows


def test_a_receipts_address_leads_an_administrator_to_it(
    rosa: Visitor, rows: dict[str, int]
) -> None:
    answer = rosa.client.get(f"/receipts/{rows['Ana']}")
    assert answer.location == f"{HERE}/{rows['Ana']}"
    shown = words(rosa.read(answer.location))
    assert f"Receipt {rows['Ana']}" in shown
    assert "What stood there before not known: nothing was written by it" in shown
    rosa.read(f"{HERE}/999", 404)


def test_a_grade_over_all_competencies_is_called_by_its_name(
    office: Office, rosa: Visitor, rows: dict[str, int]
) -> None:
    with office.database.write() as session:
        session.execute(
            schema.delivery.update().values(
                competency_id=None,
                value=75.0,
                maximum=100.0,
                basis={
                    "summary": {"title": "Semester"},
                    "levels": [["7.A", "Advanced", 100.0], ["7.B", "Beginning", 50.0]],
                    "computed_at": office.now.isoformat(),
                },
            )
        )
    shown = words(rosa.read(HERE))
    assert "Ana · Semester" in shown
    assert "Ben · Semester" in shown
    receipt = words(rosa.read(f"{HERE}/{rows['Ben']}"))
    for said in (
        "Grade over all competencies Semester",
        "7.B: Beginning is worth 50",
        "mean of 100, 50 = 75",
    ):
        assert said in receipt
    answer = rosa.send(HERE, act=f"theirs:{rows['Ben']}")
    assert "Theirs stands." in words(rosa.read(answer.location))
