"""By what records are judged, on the administrators' pages."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select

from lti_tool.storage import schema
from lti_tool.work import observations, recomputing
from lti_tool.work.observations import NewObservation
from tests.web.admin.conftest import Office, Visitor, words
from tests.web.admin.test_frameworks_pages import package, put


def learn(office: Office, framework_id: int) -> None:
    """Let Ana be seen twice on the first competency, best first."""
    now = office.clock()
    with office.database.write() as session:
        course_id = session.execute(
            insert(schema.course)
            .values(title="Maths", framework_id=framework_id, created_at=now)
            .returning(schema.course.c.id)
        ).scalar_one()
        person_id = session.execute(
            insert(schema.person)
            .values(
                given_name="Ana", family_name="Lee", display_name="Ana Lee",
                created_at=now,
            )
            .returning(schema.person.c.id)
        ).scalar_one()  # fmt: skip
        session.execute(
            insert(schema.seat).values(
                course_id=course_id, person_id=person_id, role="learner", origin="sis"
            )
        )
        table = schema.competency.c
        competency_id = session.scalar(
            select(table.id).where(table.human_code == "RP.1")
        )
        assert competency_id is not None
        for given, days in ((4.0, 5), (1.0, 2)):
            new = NewObservation(
                person_id, competency_id, course_id, "observation", f"Seen {days}",
                given, 4.0, now - timedelta(days=days),
            )  # fmt: skip
            observations.add(session, new, who="person:9", is_staff=True, now=now)


def level(office: Office) -> str | None:
    with office.database.read() as session:
        return session.scalar(select(schema.record.c.level_name))


def test_a_rule_of_records_is_foreseen_saved_and_brought_back(
    office: Office, rosa: Visitor
) -> None:
    framework_id = put(office, package())
    learn(office, framework_id)
    told: list[bool] = []
    office.app.extensions["order_levels"] = lambda: told.append(True)
    before = level(office)
    path = f"/admin/frameworks/{framework_id}/records"
    page = rosa.read(path)
    assert "These settings were never changed" in words(page)
    form = {
        "rule": "highest", "parameter": "", "minimum_pieces": "1",
        "evidence_order": "due", "scale": "usual",
    }  # fmt: skip
    seen = words(rosa.send(path, **form, act="preview").text)
    assert "nothing has been changed yet" in seen
    assert "Rule Consistent with a stated certainty, 180" in seen
    assert "This would change 1 level of 1 student; 0 would be lower." in seen
    assert f"Ana Lee RP.1 {before} Advanced" in seen
    assert (level(office), told) == (before, [])

    answer = rosa.send(path, **form, act="save", reason="as on paper")
    assert (answer.status_code, told) == (303, [True])
    recomputing.carry_out(office.database, office.clock)
    assert level(office) == "Advanced"
    history = words(rosa.read(path)).partition("Version 2 stands now")[2]
    assert history.startswith(" Rosa · just now as on paper Rule")

    seen = words(rosa.send(path, number="1", act="preview").text)
    assert "Bring version 1 back" in seen
    assert "1 would be lower." in seen
    rosa.send(path, number="1", act="save")
    recomputing.carry_out(office.database, office.clock)
    assert level(office) == before
    assert "brought version 1 back" in words(rosa.read(path))
    assert rosa.send(path, number="9", act="save").status_code == 404


def test_what_judges_nothing_is_said_beside_its_field(
    office: Office, rosa: Visitor
) -> None:
    framework_id = put(office, package())
    path = f"/admin/frameworks/{framework_id}/records"
    answer = rosa.send(
        path,
        rule="n_mastery",
        parameter="many",
        minimum_pieces="0",
        evidence_order="due",
        act="save",
    )
    assert answer.status_code == 422
    assert "Give a whole number from 1 to 10." in words(answer.text)
    assert answer.text.count('aria-invalid="true"') == 2
