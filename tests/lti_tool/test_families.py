"""Mentors, student previews and review launches, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sqlalchemy import insert, select, update

from lti_tool.demo.browserless import browser_session
from lti_tool.lti13.claims import AGS
from lti_tool.lti13.roles import TEST_USER
from lti_tool.storage import schema
from lti_tool.storage.database import Session

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
M = "http://purl.imsglobal.org/vocab/lis/v2/membership"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
# Whatever stands for a student or her results; a preview writes in none of them.
OF_STUDENTS = (
    "seat",
    "enrollment",
    "sis_user",
    "score",
    "attainment",
    "delivery",
    "group_member",
    "change",
)


@pytest.fixture
def school(world: World) -> World:
    """A course with a plan, two learners in it, their mother, and a stranger."""
    world.lms.add_person("ben", "Ben", "Žebrys", "ben@school.example")
    world.lms.add_person("mum", "Mia", "Žebrė", "mum@home.example")
    world.lms.add_person("oth", "Oto", "Other", "oth@school.example")
    world.lms.add_course("c2", "History 7", "H7")
    for course, person in (("c1", "ben"), ("c1", "oth"), ("c2", "oth")):
        world.lms.enroll(course, person, "learner")
    world.lms.enroll("c1", "mum", "mentor")
    world.lms.add_link("c2", "l2", "Mastery", f"{world.tool_url}/lti/launch")
    for person in ("tea", "ana", "ben", "oth"):
        world.open(person)
    with world.database.write() as session:
        framework = session.scalar(
            insert(schema.framework)
            .values(
                case_id="f", title="F", creator="us", payload={}, package={},
                fingerprint="x", imported_at=NOW,
            )
            .returning(schema.framework.c.id)
        )  # fmt: skip
        session.execute(
            insert(schema.competency).values(
                framework_id=framework, case_id="k-1", human_code="K.1",
                statement="Count", position=1, is_assessable=True, payload={},
                fingerprint="x",
            )
        )  # fmt: skip
        session.execute(update(schema.course).values(framework_id=framework))
    return world


def claim(**changes: object) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """An edit of a launch: claims by their short names."""
    return lambda _header, claims: claims.update(
        {LTI + name: value for name, value in changes.items()}
    )


def person_of(world: World, subject: str) -> int:
    with world.database.read() as session:
        found = session.scalar(
            select(schema.lms_user.c.person_id).where(
                schema.lms_user.c.subject == subject
            )
        )
    return int(found or 0)


def open_as_mentor(
    world: World, mentees: list[str], session: requests.Session | None = None
) -> requests.Response:
    world.edit(claim(role_scope_mentor=mentees))
    return world.open("mum", session=session)


def test_a_mentor_of_one_child_sees_that_child_at_once(school: World) -> None:
    page = open_as_mentor(school, ["ana"])
    assert page.status_code == 200
    assert page.url.endswith(f"/family/{person_of(school, 'ana')}")
    assert "<bdi>Ana Žebrė</bdi>" in page.text
    assert "Ben" not in page.text
    assert "Oto" not in page.text


def test_a_mentor_of_several_chooses_and_the_unknown_are_only_counted(
    school: World,
) -> None:
    page = open_as_mentor(school, ["ben", "ana", "ana", "nobody-1", "nobody-2"])
    assert page.url.endswith("/family")
    assert page.text.index("Ana Žebrė") < page.text.index("Ben Žebrys")
    assert "2 more children of yours have no report in this course yet." in page.text
    assert "nobody" not in page.text
    assert "Oto" not in page.text


def test_a_mentor_of_nobody_we_know_is_told_so(school: World) -> None:
    page = open_as_mentor(school, ["nobody"])
    assert "The school has not shared a report yet" in page.text


def test_a_mentor_without_named_students_has_no_role(school: World) -> None:
    assert "No role here" in open_as_mentor(school, []).text


def test_another_child_is_to_a_mentor_like_one_that_does_not_exist(
    school: World,
) -> None:
    browser = browser_session()
    home = open_as_mentor(school, ["ana"], browser).url.rsplit("/", 1)[0]
    own = browser.get(f"{home}/{person_of(school, 'ana')}/1", timeout=30)
    assert own.status_code == 200
    answers = {
        f"{who}{rest}": browser.get(f"{home}/{who}{rest}", timeout=30)
        for who in (person_of(school, "ben"), person_of(school, "tea"), 99_999)
        for rest in ("", "/1")
    }
    assert {answer.status_code for answer in answers.values()} == {404}
    assert len({answer.text for answer in answers.values()}) == 1


def test_a_child_who_learns_elsewhere_is_not_shown_in_this_course(
    school: World,
) -> None:
    school.lms.enroll("c2", "mum", "mentor")
    school.edit(claim(role_scope_mentor=["ana"]))
    page = school.open("mum", "l2")
    assert "The school has not shared a report yet" in page.text


def test_a_mentor_speaks_another_language_for_the_whole_visit(school: World) -> None:
    browser = browser_session()
    page = open_as_mentor(school, ["ana"], browser)
    token = page.text.split('name="csrf" value="')[1].split('"')[0]
    home = page.url.rsplit("/", 1)[0]
    ana = person_of(school, "ana")
    spoken = browser.post(
        f"{home}/language",
        data={"csrf": token, "language": "ar", "child": str(ana)},
        timeout=30,
    )
    assert spoken.url == f"{home}/{ana}"
    assert '<html lang="ar" dir="rtl"' in spoken.text
    assert '<html lang="ar" dir="rtl"' in browser.get(spoken.url, timeout=30).text
    school_only = {"csrf": token, "language": "xx", "child": "99999"}
    again = browser.post(f"{home}/language", data=school_only, timeout=30)
    assert again.url == f"{home}/{ana}"
    assert '<html lang="ar"' in again.text


SIS = {"observee_sis_ids": "s-ana, s-twice"}


@pytest.mark.parametrize(
    ("claims", "mentees"),
    [
        ({"custom": {"observees": "ana, ben,"}}, ["ana", "ben"]),
        ({"custom": {"Observees": "ana"}, "role_scope_mentor": ["ben"]}, ["ben"]),
        ({"custom": {"observees": "$com.instructure.User.observees"}}, []),
        ({"custom": {"observees": "ana"}, "roles": [f"{M}#Learner"]}, []),
        ({"role_scope_mentor": ["ana"], "roles": [f"{M}#Instructor"]}, []),
        ({"custom": SIS}, ["ana"]),
        ({"custom": {"observees": "ben"} | SIS}, ["ben"]),
    ],
)
def test_the_claim_names_the_children_and_custom_parameters_only_without_it(
    school: World, claims: dict[str, Any], mentees: list[str]
) -> None:
    with school.database.write() as session:
        for number, name in enumerate(("s-ana", "s-twice", "s-twice")):
            source = session.scalar(
                insert(schema.source)
                .values(name=f"SIS {number}", kind="csv", location="x", created_at=NOW)
                .returning(schema.source.c.id)
            )
            session.execute(
                insert(schema.sis_user).values(
                    source_id=source, sourced_id=name, fingerprint="x",
                    given_name="A", family_name="B", is_enabled=True,
                    person_id=person_of(school, ("ana", "ben", "oth")[number]),
                )
            )  # fmt: skip
    school.edit(claim(**claims))
    school.open("mum")
    with school.database.read() as session:
        visit = session.execute(
            select(schema.web_session).order_by(schema.web_session.c.id.desc())
        ).first()
    assert visit
    assert visit.mentees == mentees


def tables(world: World) -> dict[str, list[Any]]:
    with world.database.read() as session:
        return {
            name: [tuple(row) for row in session.execute(select(table))]
            for name, table in schema.metadata.tables.items()
        }


@pytest.mark.parametrize("role", ["Learner", "Instructor", "Mentor"])
def test_a_student_preview_is_stored_as_nobody_of_the_roster(
    school: World, role: str
) -> None:
    before = tables(school)
    school.lms.add_person(
        "preview", "Test", "Student", "t@x", sis_user_sourced_id="s-ana"
    )
    school.lms.enroll("c1", "preview", "learner")
    school.edit(claim(roles=[f"{M}#{role}", TEST_USER]))
    assert school.open("preview").status_code == 200
    after = tables(school)
    assert {name: after[name] for name in OF_STUDENTS} == {
        name: before[name] for name in OF_STUDENTS
    }
    with school.database.read() as session:
        stored = session.execute(
            select(schema.lms_user).where(schema.lms_user.c.subject == "preview")
        ).one()
        visit = session.execute(
            select(schema.web_session).order_by(schema.web_session.c.id.desc())
        ).first()
    assert (stored.link_rule, stored.lis_person_sourcedid, stored.full_name) == (
        "preview", None, None,
    )  # fmt: skip
    assert visit
    assert visit.is_test_user
    assert visit.person_id == stored.person_id


def test_a_student_preview_shows_the_course_and_nobodys_results(school: World) -> None:
    # A platform that previews under a student's own subject, with results of hers.
    with school.database.write() as session:
        session.execute(
            insert(schema.attainment).values(
                course_id=1, person_id=person_of(school, "ana"), competency_id=1,
                value=4, ratio=1, level=3, level_name="Advanced", is_mastered=True,
                rule="highest", evidence_count=2, computed_at=NOW,
            )
        )  # fmt: skip
        assignment = _assignment(session)
        session.execute(
            insert(schema.alignment).values(
                course_id=1, assignment_id=assignment, competency_id=1, weight=1,
                made_by="cli", created_at=NOW,
            )
        )  # fmt: skip
    browser = browser_session()
    school.edit(claim(roles=[f"{M}#Learner", TEST_USER]))
    page = school.open("ana", session=browser)
    assert "Student preview." in page.text
    assert "You have shown 0 of 1." in page.text
    assert "Ana" not in page.text
    one = browser.get(f"{page.url}/1", timeout=30)
    assert "Student preview." in one.text
    assert "No work that counts for this competency has a score yet." in one.text
    school.lms.launch_edit = None
    assert "You have shown 1 of 1." in school.open("ana").text


def _assignment(session: Session) -> int:
    source = session.scalar(
        insert(schema.source)
        .values(name="S", kind="csv", location="x", created_at=NOW)
        .returning(schema.source.c.id)
    )
    found = session.scalar(
        insert(schema.assignment)
        .values(
            source_id=source, sourced_id="a", fingerprint="x", course_id=1,
            class_sourced_id="c", title="Quiz", maximum=10,
        )
        .returning(schema.assignment.c.id)
    )  # fmt: skip
    return int(found or 0)


def test_who_was_previewed_and_then_comes_herself_is_seated(school: World) -> None:
    school.lms.add_person("new", "Nia", "New", "n@x")
    school.lms.enroll("c1", "new", "learner")
    school.edit(claim(roles=[f"{M}#Learner", TEST_USER]))
    school.open("new")
    school.lms.launch_edit = None
    page = school.open("new")
    assert "Hi Nia" in page.text
    with school.database.read() as session:
        rule = session.scalar(
            select(schema.lms_user.c.link_rule).where(
                schema.lms_user.c.subject == "new"
            )
        )
    assert rule == "alone"


def review(user_id: str, **more: object) -> Callable[..., None]:
    def edit(_header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims[f"{LTI}message_type"] = "LtiSubmissionReviewRequest"
        claims[f"{LTI}for_user"] = {"user_id": user_id}
        claims.pop(f"{LTI}resource_link")
        for name, value in more.items():
            claims[LTI + name if name == "custom" else AGS] = value

    return edit


COLUMN = "https://lms.example/items/1?type_id=2"


@pytest.fixture
def column(school: World) -> str:
    with school.database.write() as session:
        session.execute(
            insert(schema.line_item).values(
                destination="ags", placement_id=1, course_id=1, competency_id=1,
                resource_id="r", address=COLUMN, maximum=4, created_at=NOW,
            )
        )  # fmt: skip
    return COLUMN


def test_a_review_opens_that_students_evidence_for_that_competency(
    school: World, column: str
) -> None:
    ana = person_of(school, "ana")
    for more in (
        {"ags": {"lineitem": column}},
        {"ags": {}, "custom": {"competency": "k-1"}},
    ):
        school.edit(review("ana", **more))
        page = school.open("tea")
        assert page.status_code == 200
        assert page.url.endswith(f"/class/{ana}/1")
        assert "Ana Žebrė" in page.text


@pytest.mark.parametrize(
    "more",
    [
        {"ags": {"lineitems": "https://lms.example/items"}},
        {"ags": {"lineitem": "https://lms.example/items/unknown"}},
        {"custom": {"competency": "k-of-another-plan"}},
    ],
)
def test_a_review_without_a_column_of_ours_opens_the_students_page(
    school: World, more: dict[str, Any]
) -> None:
    school.edit(review("ana", **more))
    page = school.open("tea")
    assert page.status_code == 200
    assert page.url.endswith(f"/class?view=one&student={person_of(school, 'ana')}")


@pytest.mark.parametrize("who", ["nobody", "tea", "mum"])
def test_a_review_of_nobody_who_learns_here_says_so(school: World, who: str) -> None:
    school.edit(review(who))
    page = school.open("tea")
    assert page.status_code == 404
    assert "We do not know this student yet" in page.text


def test_a_student_may_review_herself_alone(school: World, column: str) -> None:
    school.edit(review("ana", ags={"lineitem": column}))
    assert school.open("ana").url.endswith("/mastery/1")
    school.edit(review("ben", ags={"lineitem": column}))
    refused = school.open("ana")
    assert refused.status_code == 403
    assert "Ben" not in refused.text


def test_a_mentor_may_review_her_own_child_alone(school: World, column: str) -> None:
    def edit(who: str) -> Callable[..., None]:
        def both(header: dict[str, Any], claims: dict[str, Any]) -> None:
            review(who, ags={"lineitem": column})(header, claims)
            claims[f"{LTI}role_scope_mentor"] = ["ana"]

        return both

    school.edit(edit("ana"))
    page = school.open("mum")
    assert page.url.endswith(f"/family/{person_of(school, 'ana')}/1")
    school.edit(edit("ben"))
    refused = school.open("mum")
    assert refused.status_code == 404
    assert "Ben" not in refused.text


def test_a_review_by_somebody_without_a_role_opens_nothing(school: World) -> None:
    def edit(header: dict[str, Any], claims: dict[str, Any]) -> None:
        review("ana")(header, claims)
        claims[f"{LTI}roles"] = []

    school.edit(edit)
    assert "No role here" in school.open("tea").text


def test_a_review_outside_a_course_says_so(school: World) -> None:
    def edit(header: dict[str, Any], claims: dict[str, Any]) -> None:
        review("ana")(header, claims)
        del claims[f"{LTI}context"]

    school.edit(edit)
    page = school.open("tea")
    assert (page.status_code, "belongs to no course" in page.text) == (404, True)
