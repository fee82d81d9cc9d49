"""Who left a class: listed no more, but her own pages open for a while."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import insert, select, update

from lti_tool.storage import listings, pages, people, reviews, schema, seats
from tests.lti_tool.sync.conftest import Sis

GRACE = timedelta(days=14)


def leave(sis: Sis, grace_days: int | None = None) -> tuple[int, int]:
    """Let student 3 and the teacher leave class a; her person and course."""
    with sis.database.engine.begin() as connection:
        chosen = {"school_ratio": 1.0}
        if grace_days is not None:
            chosen["grace_days"] = grace_days
        connection.execute(update(schema.source).values(settings=chosen))
    sis.sync()
    sis.drop("enrollments", "3@a", "t@a")
    sis.sync()
    user, course = schema.sis_user, schema.course
    with sis.database.engine.connect() as connection:
        person_id = connection.scalar(
            select(user.c.person_id).where(user.c.sourced_id == "3")
        )
        course_id = connection.scalar(
            select(course.c.id).where(course.c.title == "Class a")
        )
    assert person_id is not None
    assert course_id is not None
    return person_id, course_id


def seated(sis: Sis, person_id: int) -> tuple[str, date | None]:
    found = sis.rows(schema.seat, "person_id", "status", "closes_on")
    return next((row[1], row[2]) for row in found if row[0] == person_id)


def test_a_learner_who_left_is_leaving_for_two_weeks(sis: Sis) -> None:
    person_id, _ = leave(sis)
    assert seated(sis, person_id) == ("leaving", sis.now.date() + GRACE)


def test_who_teaches_no_more_sees_nothing_of_others_from_that_day(sis: Sis) -> None:
    leave(sis)
    assert ("instructor", "ended") in sis.rows(schema.seat, "role", "status")


def test_without_grace_a_seat_ends_at_once(sis: Sis) -> None:
    person_id, _ = leave(sis, grace_days=0)
    assert seated(sis, person_id) == ("ended", None)


def test_a_class_lists_her_no_more_but_her_own_pages_open(sis: Sis) -> None:
    person_id, course_id = leave(sis)
    with sis.database.read() as session:
        listed = [one[0] for one in pages.load_students(session, course_id)]
        delivered = people.load_learners(session, course_id)
        opens = reviews.learns_in(session, person_id, course_id)
        own = [one["title"] for one in listings.load_own_courses(session, person_id)]
    assert person_id not in listed
    assert person_id not in delivered
    assert opens
    assert own == ["Class a"]


def test_another_pull_does_not_begin_her_grace_anew(sis: Sis) -> None:
    person_id, _ = leave(sis)
    sis.sync(at=sis.later(3 * 86400))
    assert seated(sis, person_id) == ("leaving", sis.now.date() + GRACE)


def test_who_comes_back_is_there_again(sis: Sis) -> None:
    person_id, _ = leave(sis)
    sis.put("enrollments", sis.enrollment("3", "a"))
    sis.sync()
    assert seated(sis, person_id) == ("active", None)


def test_the_seat_ends_with_her_grace_and_her_visits_with_it(sis: Sis) -> None:
    person_id, course_id = leave(sis)
    with sis.database.engine.begin() as connection:
        connection.execute(
            insert(schema.web_session).values(
                public_id="v",
                browser_hash="h",
                person_id=person_id,
                course_id=course_id,
                role="learner",
                csrf="c",
                created_at=sis.now,
                seen_at=sis.now,
                expires_at=sis.now,
            )
        )
    last = sis.now.date() + GRACE
    with sis.database.write() as session:
        assert seats.close_leaving(session, today=last - timedelta(days=1)) == 0
        assert seats.close_leaving(session, today=last) == 1
        assert seats.close_leaving(session, today=last) == 0
    assert seated(sis, person_id) == ("ended", None)
    assert sis.rows(schema.web_session, "id") == []
    with sis.database.read() as session:
        assert not reviews.learns_in(session, person_id, course_id)


def test_what_she_did_stays(sis: Sis) -> None:
    sis.put("results", sis.result("r9", "w1", "3", 8.0))
    person_id, _ = leave(sis)
    with sis.database.write() as session:
        seats.close_leaving(session, today=sis.now.date() + GRACE)
    found = sis.rows(schema.score, "sourced_id", "status", "person_id")
    assert ("r9", "active", person_id) in found
