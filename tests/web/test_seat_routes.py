"""Every page of a seat: who may open it, and that foreign ids are like none at all.

D03, D04, D06 and D08 of facts/security.md, walked over the route map: a page that
the table below does not know fails, so none is added without its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update

from lti_tool.storage import identities, registrations, schema, visits
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.visits import Visit
from tests.web.conftest import COOKIE, SECRET, Class, put

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

ROLES = ("instructor", "learner", "mentor", "none")
EVERYBODY = set(ROLES)
POLICY: dict[str, set[str]] = {
    "launch.home": EVERYBODY,
    "passages.make": EVERYBODY,
    "passages.stay": EVERYBODY,
    "teacher.align": {"instructor"},
    "teacher.change_alignment": {"instructor"},
    "teacher.class_grid": {"instructor"},
    "teacher.export": {"instructor"},
    "teacher.levels": {"instructor"},
    "teacher.cell": {"instructor"},
    "teacher.change_cell": {"instructor"},
    "settings.show": {"instructor"},
    "settings.change": {"instructor"},
    "settings.history": {"instructor"},
    "settings.restore": {"instructor"},
    "sending.show": {"instructor"},
    "sending.change": {"instructor"},
    "sending.receipt": {"instructor"},
    "teaching.groups": {"instructor"},
    "resources.overview": {"instructor"},
    "resources.competency": {"instructor"},
    "resources.change": {"instructor"},
    "resources.turn": {"instructor"},
    "resources.leave": {"instructor", "learner"},
    "aligning.review": {"instructor"},
    "aligning.decide": {"instructor"},
    "aligning.audit": {"instructor"},
    "aligning.audit_file": {"instructor"},
    "align_link.show": {"instructor"},
    "align_link.change": {"instructor"},
    "grades.show": {"instructor"},
    "grades.change": {"instructor"},
    "copied.change": {"instructor"},
    "deep_linking.choose": {"instructor"},
    "deep_linking.place": {"instructor"},
    "checks.missing": {"instructor", "learner"},
    "checks.check": {"instructor", "learner"},
    "student.mastery": {"learner"},
    "elsewhere.show": {"learner"},
    "elsewhere.send": {"learner"},
    "elsewhere.assess": {"learner"},
    "inbox.show": {"instructor"},
    "inbox.decide": {"instructor"},
    "student.competency": {"learner"},
    "mentor.children": {"mentor"},
    "mentor.child": {"mentor"},
    "mentor.competency": {"mentor"},
    "mentor.language": {"mentor"},
    "review.evidence": {"instructor", "learner", "mentor"},
}
# An id that no row has.
NOBODY_ID = 987_654
HOST = "https://two.example"


class Town:
    """Two courses of one school, each with a student and a competency of its own."""

    def __init__(self, room: Class, app: Flask) -> None:
        self.room, self.app, self.now = room, app, room.now
        self.client = app.test_client()
        self.client.set_cookie(COOKIE, SECRET)
        with room.database.write() as session:
            framework = put(
                session, schema.framework, case_id="other", title="Other", creator="us",
                payload={}, package={}, fingerprint="x", imported_at=room.now,
            )  # fmt: skip
            self.foreign_competency = put(
                session, schema.competency, framework_id=framework, case_id="o-1",
                human_code="O.1", statement="Foreign statement", position=1,
                is_assessable=True, payload={}, fingerprint="x",
            )  # fmt: skip
            other = put(
                session, schema.course, title="Foreign course", framework_id=framework,
                rule="highest", created_at=room.now,
            )  # fmt: skip
            self.stranger = put(
                session, schema.person, given_name="Foreign", family_name="Student",
                display_name="Foreign Student", created_at=room.now,
            )  # fmt: skip
            put(session, schema.seat, person_id=self.stranger, course_id=other,
                role="learner", origin="lms")  # fmt: skip
            work = put(
                session, schema.assignment, source_id=room.source, course_id=other,
                sourced_id="foreign", fingerprint="x", title="Foreign work",
            )  # fmt: skip
            self.foreign_alignment = put(
                session, schema.alignment, course_id=other, assignment_id=work,
                competency_id=self.foreign_competency, weight=1.0, made_by="cli",
                created_at=room.now,
            )  # fmt: skip
            self.own_alignment = session.scalar(
                select(func.min(schema.alignment.c.id)).where(
                    schema.alignment.c.course_id == room.course
                )
            )
            told = {
                "destination": "ags", "value": 1.0, "maximum": 4.0, "basis": {},
                "state": "delivered", "due_at": room.now, "created_at": room.now,
            }  # fmt: skip
            self.own_delivery = put(
                session, schema.delivery, **told, course_id=room.course,
                person_id=room.students[0], competency_id=room.competencies[0],
            )  # fmt: skip
            self.foreign_delivery = put(
                session, schema.delivery, **told, course_id=other,
                person_id=self.stranger, competency_id=self.foreign_competency,
            )  # fmt: skip
            self.people = {
                f"u-{number}": person
                for number, person in enumerate([*room.students, self.stranger])
            }
            self.users = {
                subject: put(
                    session, schema.lms_user, registration_id=room.registration,
                    subject=subject, person_id=person, link_rule="lis",
                    seen_at=room.now,
                )
                for subject, person in self.people.items()
            }  # fmt: skip

    def enter(self, role: str, **more: Any) -> str:  # noqa: ANN401 -- the fields of a visit
        visit = Visit(
            person_id=self.room.students[0],
            role=role,
            course_id=self.room.course,
            registration_id=self.room.registration,
            mentees=("u-0", f"u-{len(self.people) - 1}") if role == "mentor" else (),
            **more,
        )
        with self.room.database.write() as session:
            return visits.open_visit(
                session, visit, browser_hash=visits.secret_hash(SECRET), now=self.now
            )

    def open(self, endpoint: str, sid: str, **ids: int) -> TestResponse:
        rule = next(self.app.url_map.iter_rules(endpoint))
        with self.app.test_request_context():
            address = self.app.url_for(endpoint, sid=sid, **ids)
        if "GET" in (rule.methods or ()):
            return self.client.get(address)
        return self.client.post(
            address,
            data={"csrf": self.room.csrf(sid)},
            headers={"Origin": "http://localhost"},
        )

    def ids_of(self, endpoint: str) -> set[str]:
        rule = next(self.app.url_map.iter_rules(endpoint))
        return set(rule.arguments) - {"sid"}


@pytest.fixture
def town(room: Class, serve_class: Callable[..., Flask]) -> Town:
    return Town(room, serve_class(room))


def test_every_page_of_a_seat_has_its_rule(client: FlaskClient) -> None:
    pages = {
        rule.endpoint
        for rule in client.application.url_map.iter_rules()
        if "sid" in rule.arguments
    }
    assert pages == set(POLICY)


@pytest.mark.parametrize("role", ROLES)
def test_a_page_for_another_role_is_refused_with_403(town: Town, role: str) -> None:
    own = {
        "person_id": town.room.students[0],
        "competency_id": town.room.competencies[0],
        "alignment_id": town.own_alignment,
        "delivery_id": town.own_delivery,
    }
    found = {}
    for endpoint, roles in POLICY.items():
        if role in roles:
            continue
        ids = {name: own[name] for name in town.ids_of(endpoint)}
        found[endpoint] = town.open(endpoint, town.enter(role), **ids).status_code
    assert found == dict.fromkeys(found, 403)


@pytest.mark.parametrize("role", ["instructor", "learner", "mentor"])
def test_an_id_of_another_course_is_answered_like_one_that_does_not_exist(
    town: Town, role: str
) -> None:
    room = town.room
    own = {
        "person_id": room.students[0],
        "competency_id": room.competencies[0],
        "alignment_id": town.own_alignment,
        "delivery_id": town.own_delivery,
    }
    foreign = {
        "alignment_id": [town.foreign_alignment],
        "delivery_id": [town.foreign_delivery],
        "person_id": [town.stranger, room.teacher],
        "competency_id": [town.foreign_competency],
    }
    asked = 0
    for endpoint, roles in POLICY.items():
        for name in town.ids_of(endpoint) if role in roles else ():
            ids = {one: own[one] for one in town.ids_of(endpoint)}
            sid = town.enter(role)
            assert town.open(endpoint, sid, **ids).status_code in (200, 303), endpoint
            missing = town.open(endpoint, sid, **ids | {name: NOBODY_ID})
            assert missing.status_code == 404, endpoint
            for one in foreign[name]:
                answer = town.open(endpoint, sid, **ids | {name: one})
                assert answer.status_code == 404, endpoint
                assert "Foreign Student" not in answer.text
                if endpoint != "checks.check":  # names a competency, in words
                    assert answer.text == missing.text, endpoint
                asked += 1
    assert asked > 0


def test_a_mentor_may_open_no_classmate(town: Town) -> None:
    """D08: a child of hers who learns elsewhere, and classmates, are 404 here."""
    sid = town.enter("mentor")
    answers = {
        subject: town.open("mentor.child", sid, person_id=person).status_code
        for subject, person in town.people.items()
    }
    assert answers == dict.fromkeys(answers, 404) | {"u-0": 200}
    page = town.open("mentor.children", sid).text
    for name in ("Ben", "Chloé", "Wei", "Siobhán", "Foreign"):
        assert name not in page


def test_a_mentor_of_another_registrations_user_sees_nobody(town: Town) -> None:
    with town.room.database.write() as session:
        other = registrations.add_registration(
            session,
            NewRegistration(
                name="LMS 2", issuer=HOST, client_id="x", auth_url=f"{HOST}/a",
                token_url=f"{HOST}/t", jwks_url=f"{HOST}/j",
            ),
            now=town.now,
        )  # fmt: skip
        session.execute(
            update(schema.lms_user)
            .where(schema.lms_user.c.subject == "u-0")
            .values(registration_id=other)
        )
    page = town.open("mentor.children", town.enter("mentor"))
    assert "The school has not shared a report yet" in page.text


def test_a_child_whose_seat_ended_is_no_longer_shown(town: Town) -> None:
    child = town.room.students[0]
    sid = town.enter("mentor")
    assert town.open("mentor.child", sid, person_id=child).status_code == 200
    with town.room.database.write() as session:
        session.execute(delete(schema.seat).where(schema.seat.c.person_id == child))
    assert town.open("mentor.child", sid, person_id=child).status_code == 404


@pytest.mark.parametrize("role", ["instructor", "learner", "mentor"])
def test_a_session_ends_with_the_membership_and_by_the_clock(
    town: Town, role: str
) -> None:
    """D07: NRPS removal ends sessions; so do 8 hours, and 60 idle minutes."""
    home = {"instructor": "teacher.class_grid", "learner": "student.mastery"}.get(
        role, "mentor.children"
    )
    removed = town.enter(role, lms_user_id=town.users["u-0"])
    assert town.open(home, removed).status_code in (200, 303)
    with town.room.database.write() as session:
        visits.end_visits(session, town.users["u-0"], town.room.course)
        identities.end_seats(session, town.room.course, [town.room.students[0]])
    assert town.open(home, removed).status_code == 401
    idle = town.enter(role)
    for later, status in (
        (timedelta(minutes=59), (200, 303)),
        (timedelta(minutes=119), (401,)),
    ):
        town.app.config["NOW"] = lambda at=town.now + later: at
        assert town.open(home, idle).status_code in status


@pytest.mark.parametrize("role", ["learner", "mentor", "instructor"])
def test_a_review_page_shows_whom_the_launch_named_alone(town: Town, role: str) -> None:
    """Changing the address of a review changes the competency, never the student."""
    for who in (None, town.stranger):
        sid = town.enter(role, review_person_id=who)
        assert town.open("review.evidence", sid).status_code == 404
    classmate = town.enter(role, review_person_id=town.room.students[1])
    expected = {"learner": 403, "mentor": 404, "instructor": 303}[role]
    answer = town.open("review.evidence", classmate)
    assert answer.status_code == expected
    assert "Ben" not in answer.text
    own = town.enter(role, review_person_id=town.room.students[0])
    plain = town.open("review.evidence", own).location
    with town.app.test_request_context():
        address = town.app.url_for(
            "review.evidence", sid=own, competency=town.foreign_competency
        )
    assert town.client.get(address).location == plain
