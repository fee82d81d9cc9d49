"""Who is who, on both databases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from lti_tool.storage import identities, placements, registrations, schema
from lti_tool.storage.database import Database, Session
from lti_tool.storage.identities import LmsUser, Place
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work import people

M = "http://purl.imsglobal.org/vocab/lis/v2/membership"


REGISTRATION = {
    "name": "lms",
    "issuer": "https://lms",
    "client_id": "us",
    "auth_url": "https://lms/a",
    "token_url": "https://lms/t",
    "jwks_url": "https://lms/k",
}


class School:
    """One SIS class with people in it, and one LMS."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        with database.write() as session:
            self.source_id = self.put(
                session, "source", name="sis", kind="csv", location="x", created_at=now
            )
            sis_class = self.put(
                session, "sis_class", **self.sourced("class-7"), title="Maths"
            )
            self.course_id = self.put(
                session, "course", sis_class_id=sis_class, title="Maths", created_at=now
            )
            self.registration_id = registrations.add_registration(
                session,
                NewRegistration(**REGISTRATION),
                deployment_ids=["1"],
                now=now,
            )  # fmt: skip
            deployment = registrations.find_deployment(
                session, self.registration_id, "1"
            )
            assert deployment
            self.placement_id, _ = placements.save_placement(
                session,
                Place(
                    deployment_id=deployment[0], context_id="c1", nrps_url="https://n"
                ),
                now=now,
            )
            placements.place_in_course(session, self.placement_id, self.course_id)

    def sourced(self, sourced_id: str) -> dict[str, Any]:
        return {
            "source_id": self.source_id,
            "sourced_id": sourced_id,
            "fingerprint": "x",
        }

    @staticmethod
    def put(session: Session, table: str, **values: object) -> int:
        rows = schema.metadata.tables[table]
        return int(
            session.scalar(insert(rows).values(**values).returning(rows.c.id)) or 0
        )

    def student(self, sourced_id: str, given: str, family: str, **more: object) -> int:
        with self.database.write() as session:
            person = self.put(
                session, "person", given_name=given, family_name=family,
                display_name=f"{given} {family}", created_at=self.now,
            )  # fmt: skip
            self.put(
                session, "sis_user", **self.sourced(sourced_id), person_id=person,
                given_name=given, family_name=family, is_enabled=True, **more,
            )  # fmt: skip
            self.put(
                session, "seat", person_id=person, course_id=self.course_id,
                role="learner", origin="sis",
            )  # fmt: skip
        return person

    def arrive(self, role: str = "learner", **user: str) -> people.Known:
        with self.database.write() as session:
            return people.remember(
                session,
                self.registration_id,
                LmsUser(**{"subject": "7", **user}),
                course_id=self.course_id,
                role=role,  # type: ignore[arg-type] # a table's text
                now=self.now,
            )

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows = schema.metadata.tables[table]
        with self.database.read() as session:
            found = session.execute(select(rows).order_by(rows.c.id)).mappings()
            return [dict(row) for row in found]


@pytest.fixture
def school(database: Database, now: datetime) -> School:
    return School(database, now)


ANA = {"given_name": "Ana", "family_name": "Žebrė"}


def test_the_sis_id_joins_whatever_the_names(school: School) -> None:
    ana = school.student("u-1", "Ana", "Žebrė")
    known = school.arrive(lis_person_sourcedid="u-1", given_name="X", family_name="Y")
    assert (known.person_id, known.rule) == (ana, "lis")
    assert school.rows("lms_user")[0]["link_confidence"] == 1.0


def test_failing_the_sourced_id_the_identifier_joins(school: School) -> None:
    ana = school.student("u-1", "Ana", "Žebrė", identifier="4711")
    assert school.arrive(lis_person_sourcedid="4711").person_id == ana


def test_a_sis_id_that_two_people_have_joins_nobody(school: School) -> None:
    school.student("u-1", "Ana", "A", identifier="4711")
    school.student("u-2", "Ben", "B", identifier="4711")
    assert school.arrive(lis_person_sourcedid="4711").rule == "alone"


def test_a_sis_user_without_a_person_gets_one(school: School) -> None:
    with school.database.write() as session:
        school.put(
            session, "sis_user", **school.sourced("u-9"), given_name="Ola",
            family_name="Ek", is_enabled=True,
        )  # fmt: skip
    known = school.arrive(lis_person_sourcedid="u-9")
    assert school.rows("sis_user")[0]["person_id"] == known.person_id
    assert school.rows("person")[0]["display_name"] == "Ola Ek"


@pytest.mark.parametrize(
    ("given", "family", "rule"),
    [
        ("Ana", "Žebrė", "name_in_class"),
        ("  ANA ", "žebrė", "name_in_class"),
        ("Ana", "Zebre", "name_in_class"),  # accents do not part people
        ("Ana", "Zebra", "alone"),
        ("Ana", "", "alone"),
        ("", "", "alone"),
    ],
)
def test_the_only_match_by_name_in_the_class_joins(
    school: School, given: str, family: str, rule: str
) -> None:
    ana = school.student("u-1", "Ana", "Žebrė")
    known = school.arrive(given_name=given, family_name=family)
    assert known.rule == rule
    assert (known.person_id == ana) == (rule == "name_in_class")


def test_a_name_two_students_have_joins_nobody(school: School) -> None:
    school.student("u-1", "Ana", "Žebrė")
    school.student("u-2", "Ana", "Žebrė")
    assert school.arrive(**ANA).rule == "alone"


def test_a_name_counts_in_its_own_role_only(school: School) -> None:
    school.student("u-1", "Ana", "Žebrė")
    assert school.arrive(role="instructor", **ANA).rule == "alone"


def test_a_preferred_name_is_a_name(school: School) -> None:
    ana = school.student("u-1", "Anastasija", "Žebrė", preferred_given_name="Ana")
    assert school.arrive(**ANA).person_id == ana


def test_the_same_mail_alone_joins_nobody(school: School) -> None:
    school.student("u-1", "Ana", "Žebrė", email="ana@school.example")
    assert school.arrive(email="ana@school.example").rule == "alone"


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (None, [True, True, True]),
        (["lis"], [True, False, False]),
        (["sis_id", "name_in_class"], [False, True, True]),
        ([], [False, False, False]),
    ],
)
def test_a_school_chooses_by_what_people_of_its_source_are_found(
    school: School, chosen: list[str] | None, found: list[bool]
) -> None:
    settings = None if chosen is None else {"matching": {"lms": chosen}}
    with school.database.write() as session:
        session.execute(update(schema.source).values(settings=settings))
    wanted = [
        school.student("u-1", "Amira", "Haddad"),
        school.student("u-2", "Ben", "Ortiz", identifier="77"),
        school.student("u-3", "Wei", "Chen"),
    ]
    arrived = [
        school.arrive(subject="1", lis_person_sourcedid="u-1"),
        school.arrive(subject="2", lis_person_sourcedid="77"),
        school.arrive(subject="3", given_name="Wei", family_name="Chen"),
    ]
    pairs = zip(arrived, wanted, strict=True)
    assert [one.person_id == person for one, person in pairs] == found


def test_two_lms_users_are_not_joined_to_one_student_by_name(school: School) -> None:
    school.student("u-1", "Ana", "Žebrė")
    first, second = school.arrive(subject="1", **ANA), school.arrive(subject="2", **ANA)
    assert (first.rule, second.rule) == ("name_in_class", "alone")
    assert first.person_id != second.person_id


def test_a_link_is_not_moved_to_another_person(school: School) -> None:
    ana = school.student("u-1", "Ana", "Žebrė")
    school.student("u-2", "Ben", "Oak")
    assert school.arrive(**ANA).person_id == ana
    again = school.arrive(lis_person_sourcedid="u-2", given_name="Ben")
    assert (again.person_id, again.rule) == (ana, "name_in_class")


def test_a_sis_id_that_agrees_makes_a_link_certain(school: School) -> None:
    ana = school.student("u-1", "Ana", "Žebrė")
    school.arrive(**ANA)
    assert school.arrive(lis_person_sourcedid="u-1") == people.Known(1, ana, "lis")


def test_an_arrival_twice_changes_nothing(school: School) -> None:
    assert school.arrive(**ANA) == school.arrive(**ANA)
    assert [len(school.rows(table)) for table in ("lms_user", "person")] == [1, 1]


def test_names_that_come_later_are_taken_over(school: School) -> None:
    school.arrive()
    assert school.rows("person")[0]["display_name"] == "User 7"
    school.arrive(**ANA)
    assert school.rows("person")[0]["display_name"] == "Ana Žebrė"


def test_who_waited_is_joined_when_the_sis_knows_her(school: School) -> None:
    alone = school.arrive(**ANA)
    with school.database.write() as session:
        identities.save_seat(session, alone.person_id, school.course_id, "learner")
    ana = school.student("u-1", "Ana", "Žebrė")
    with school.database.write() as session:
        assert people.match_waiting(session, now=school.now) == 1
        assert people.match_waiting(session, now=school.now) == 0
    user = school.rows("lms_user")[0]
    assert (user["person_id"], user["link_rule"]) == (ana, "name_in_class")
    assert [seat["person_id"] for seat in school.rows("seat")] == [ana]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("lis", "joined by SIS id"),
        ("name_in_class", "joined by name: the only match in this class"),
        ("alone", "not joined: the SIS has nobody who matches"),
        (None, "not joined yet"),
    ],
)
def test_each_rule_has_its_words(rule: str | None, words: str) -> None:
    assert people.explain_link(rule) == words
