"""What a school takes of its SIS, and what it leaves out."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, update

from lti_tool.storage import schema
from oneroster.models import Course, Org, Role, User, refer
from tests.lti_tool.sync.conftest import Sis


@pytest.fixture
def district(sis: Sis) -> Sis:
    """The small school and another, with a class, a student and a score there."""
    far = refer("org", "far")
    sis.put("orgs", Org(sourced_id="far", status="active", name="Far", type="school"))
    art = Course(sourced_id="art", status="active", title="Art", org=far)
    sis.put("courses", art)
    away = sis.group("z").model_copy(
        update={"school": far, "course": refer("course", "art")}
    )
    sis.put("classes", away)
    sis.put("users", sis.user("z1", roles=(Role(role="student", org=far),)))
    seat = sis.enrollment("z1", "z").model_copy(update={"school": None})
    sis.put("enrollments", seat)
    sis.put("lineItems", sis.line_item("wz", "z"))
    sis.put("results", sis.result("rz", "wz", "z1", 5.0))
    return sis


def choose(sis: Sis, **scope: list[str]) -> None:
    chosen = {"scope": scope, "school_ratio": 1.0, "grace_days": 0}
    with sis.database.engine.begin() as connection:
        connection.execute(update(schema.source).values(settings=chosen))


def active(sis: Sis, table: Table) -> set[str]:
    rows = sis.rows(table, "sourced_id", "status")
    return {key for key, status in rows if status == "active"}


def test_other_schools_are_left_out_with_all_that_hangs_on_them(district: Sis) -> None:
    choose(district, schools=["school"])
    report = district.sync()
    assert report.status == "applied"
    assert "dangling" not in report.problems
    assert active(district, schema.sis_course) == {"math"}
    assert active(district, schema.sis_class) == {"a", "b"}
    assert active(district, schema.sis_user) == {"1", "2", "3", "t"}
    assert "z1@z" not in active(district, schema.enrollment)
    assert active(district, schema.assignment) == {"w1", "w2"}
    assert "rz" not in active(district, schema.score)


def test_what_falls_out_of_scope_ends_under_the_same_limits(district: Sis) -> None:
    district.put("users", *(_far(district, f"z{n}") for n in range(2, 30)))
    choose(district)
    district.sync()
    choose(district, schools=["school"])
    report = district.sync()
    assert report.plan["users"].ends == 29
    assert (report.status, report.text) == ("held", "29 of 33 users would end")
    assert district.sync(accept_ends=True).status == "applied"
    assert active(district, schema.sis_user) == {"1", "2", "3", "t"}
    # Evidence is not taken back by a choice of scope.
    assert "rz" in active(district, schema.score)


def _far(sis: Sis, key: str) -> User:
    return sis.user(key, roles=(Role(role="student", org=refer("org", "far")),))


def test_only_some_roles_are_taken(district: Sis) -> None:
    choose(district, roles=["student"])
    assert district.sync().status == "applied"
    assert "t" not in active(district, schema.sis_user)
    assert "t@a" not in active(district, schema.enrollment)
    assert "z1" in active(district, schema.sis_user)


def test_only_some_terms_are_taken(district: Sis) -> None:
    spring = district.records["academicSessions"][0].model_copy(
        update={"sourced_id": "spring", "parent": refer("academicSession", "year")}
    )
    year = spring.model_copy(update={"sourced_id": "year", "parent": None})
    district.put("academicSessions", spring, year)
    late = district.group("b").model_copy(
        update={"terms": (refer("academicSession", "spring"),)}
    )
    district.put("classes", late)
    choose(district, terms=["year"])
    assert district.sync().status == "applied"
    assert active(district, schema.sis_class) == {"b"}
    assert active(district, schema.enrollment) == {"1@b"}


def test_a_delta_does_not_hold_aside_what_the_scope_left_out(district: Sis) -> None:
    choose(district, schools=["school"])
    district.sync()
    district.records = {
        "enrollments": [district.records["enrollments"][-1]],
        "results": [district.result("rz2", "wz", "z1", 6.0)],
    }
    report = district.sync(district.bundle(delta=True))
    assert report.status == "applied"
    assert "dangling" not in report.problems
    assert "rz2" not in active(district, schema.score)
