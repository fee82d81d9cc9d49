"""A small installation of two sources that use the same identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Table, insert

from lti_tool.storage import schema
from lti_tool.storage.database import Database
from lti_tool.storage.session import Session

SYNCED = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
LEVELLED = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
CASE = "9c2f2a1e-0000-4000-8000-00000000000{}"


def put(session: Session, table: Table, **values: Any) -> int:  # noqa: ANN401 -- any column's
    made = session.scalar(insert(table).values(**values).returning(table.c.id))
    assert made is not None
    return int(made)


class District:
    """Two sources, "hill" and "dale": a class each, with three students.

    In each, Ada has two levels, Bo one that was withdrawn, and Cy left the class.
    Di waits for a person, Ed's record ended.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sources: dict[str, int] = {}
        self.courses: dict[str, int] = {}
        self.competencies: list[int] = []
        self.people: dict[str, int] = {}
        with database.write() as session:
            self._framework(session)
            for name in ("hill", "dale"):
                self._source(session, name)

    def _framework(self, session: Session) -> None:
        self.framework = put(
            session,
            schema.framework,
            case_id=CASE.format(9),
            title="Science",
            creator="us",
            payload={},
            package={},
            fingerprint="f",
            imported_at=SYNCED,
        )
        for place, code in enumerate(("PS1-1", "PS1-2")):
            self.competencies.append(
                put(
                    session,
                    schema.competency,
                    framework_id=self.framework,
                    case_id=CASE.format(place),
                    human_code=code,
                    statement=f"Do {code}",
                    position=place,
                    is_assessable=True,
                    payload={},
                    fingerprint="f",
                )
            )

    def _source(self, session: Session, name: str) -> None:
        source = put(
            session,
            schema.source,
            name=name,
            kind="csv",
            location="x",
            created_at=SYNCED,
            synced_at=SYNCED,
        )
        self.sources[name] = source

        def sent(table: Table, sourced_id: str, **values: Any) -> int:  # noqa: ANN401 -- any column's
            values = {"fingerprint": "f", **values}
            return put(
                session, table, source_id=source, sourced_id=sourced_id, **values
            )

        sent(schema.org, "d", name="District", kind="district")
        sent(schema.org, "s1", name="School", kind="school", parent_sourced_id="d")
        sent(
            schema.term,
            "t1",
            title="Fall",
            kind="term",
            starts_on=date(2026, 8, 1),
            school_year="2027",
            modified_at=datetime(2026, 8, 1, tzinfo=UTC),
        )
        sent(
            schema.term, "q1", title="Q1", kind="gradingPeriod", parent_sourced_id="t1"
        )
        sent(schema.sis_course, "sci", title="Science", org_sourced_id="d")
        sis_class = sent(
            schema.sis_class,
            "c/1",
            title=f"Science {name}",
            sis_course_sourced_id="sci",
            school_sourced_id="s1",
            term_sourced_ids=["t1"],
            grades=["09"],
        )
        course = put(
            session,
            schema.course,
            sis_class_id=sis_class,
            title=f"Science {name}",
            created_at=SYNCED,
        )
        self.courses[name] = course
        for who in ("ada", "bo", "cy", "di", "ed"):
            self._person(session, sent, name, who)

    def _person(self, session: Session, sent: Any, source: str, who: str) -> None:  # noqa: ANN401 -- the closure above
        person = None
        if who != "di":
            person = put(
                session,
                schema.person,
                given_name=who.title(),
                family_name="Lee",
                display_name=f"{who.title()} Lee",
                created_at=SYNCED,
            )
            self.people[f"{source}/{who}"] = person
        sent(
            schema.sis_user,
            who,
            person_id=person,
            given_name=who.title(),
            family_name="Lee",
            is_enabled=True,
            status="ended" if who == "ed" else "active",
            roles=[{"role": "student", "role_type": "primary", "org": "s1"}],
            user_ids=[{"type": "state", "identifier": who}],
        )
        sent(
            schema.enrollment,
            f"e-{who}",
            class_sourced_id="c/1",
            school_sourced_id="s1",
            user_sourced_id=who,
            role="student",
            status="ended" if who == "cy" else "active",
        )
        if person is None:
            return
        course = self.courses[source]
        put(
            session,
            schema.seat,
            person_id=person,
            course_id=course,
            role="learner",
            origin="sis",
            status="leaving" if who == "cy" else "active",
        )
        for place in range(2 if who == "ada" else 1):
            self.level(session, course, person, self.competencies[place], who != "bo")

    def level(
        self,
        session: Session,
        course: int,
        person: int,
        competency: int,
        has_value: bool,  # noqa: FBT001 -- a table of the test
        **more: Any,  # noqa: ANN401 -- any column's
    ) -> None:
        values: Mapping[str, Any] = {
            "course_id": course,
            "person_id": person,
            "competency_id": competency,
            "value": 3.0 if has_value else None,
            "level_name": "Meets" if has_value else None,
            "is_mastered": has_value,
            "rule": "certainty",
            "evidence_count": 1,
            "probability": 0.875,
            "computed_at": LEVELLED,
        }
        put(session, schema.attainment, **{**values, **more})
