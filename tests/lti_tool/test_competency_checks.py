"""A competency check from the teacher's choice to the value in its own column."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sqlalchemy import insert, select, update

from lti_tool.demo.browserless import browser_session, follow, launch_by_http
from lti_tool.demo.platform import CANVAS, MOODLE, STANDARD, Manners
from lti_tool.storage import schema
from lti_tool.work import delivery, standing
from lti_tool.work.outside import Outside
from tests.lti_tool.test_deep_linking import DL, ask, placed, send, told, wish

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

GUID = "0c7f1b9e-37a5-4b1c-9a52-6f3d2a1e{:04d}"
EVERY = pytest.mark.parametrize(
    "manners", [STANDARD, CANVAS, MOODLE], ids=lambda one: one.name
)


@dataclass
class School:
    """The world with a course that has competencies, and evidence for the first."""

    world: World
    course: int
    competencies: list[int] = field(default_factory=list)

    def tell(self) -> None:
        """Send levels to the LMS's gradebook from now on, and work them out."""
        now = datetime.now(UTC)
        with self.world.database.write() as session:
            standing.refresh(session, self.course, now=now)
            standing.switch(session, self.course, "ags", is_on=True, who="cli", now=now)

    def deliver(self) -> dict[str, int]:
        outside = Outside(self.world.settings, self.world.database)
        later = datetime.now(UTC) + timedelta(seconds=5)
        return dict(
            delivery.deliver(self.world.database, outside.connect, lambda: later)
        )

    def columns(self) -> list[tuple[str, str | None, str | None, list[Any]]]:
        lms = self.world.lms
        return [
            (
                item.label,
                item.resource_id,
                item.tag,
                [(one.person_id, one.score) for one in lms.results(item.id)],
            )
            for item in lms.line_items("c1")
        ]

    def key(self, number: int) -> str:
        return f"check-{self.competencies[number - 1]}"


def put(session: Any, table: Any, **values: object) -> int:  # noqa: ANN401 -- any table
    made = session.execute(insert(table).values(**values).returning(table.c.id))
    return int(made.scalar_one())


@pytest.fixture
def school(world: World, manners: Manners) -> School:
    world.lms.manners = manners
    vendor = manners.name if manners.name != "standard" else "other"
    for person in ("tea", "ana"):
        world.open(person)
    with world.database.write() as session:
        session.execute(update(schema.registration).values(vendor=vendor))
        course = session.scalars(select(schema.course.c.id)).one()
        school = School(world, course)
        add_framework(session, school, datetime.now(UTC))
        add_evidence(session, school, datetime.now(UTC))
    return school


def add_framework(session: Any, school: School, now: datetime) -> None:  # noqa: ANN401 -- a session
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
    for number in (1, 2, 3):
        school.competencies.append(
            put(
                session,
                schema.competency,
                framework_id=framework,
                case_id=GUID.format(number),
                human_code=f"RP.{number}",
                statement=f"Compare two ratios in {number} ways",
                position=number,
                is_assessable=True,
                payload={},
                fingerprint="x",
            )
        )
    session.execute(
        update(schema.course).values(framework_id=framework, rule="highest")
    )


def add_evidence(session: Any, school: School, now: datetime) -> None:  # noqa: ANN401 -- a session
    source = put(
        session,
        schema.source,
        name="SIS",
        kind="csv",
        location="x",
        created_at=now,
    )
    work = put(
        session,
        schema.assignment,
        source_id=source,
        sourced_id="li-1",
        fingerprint="x",
        course_id=school.course,
        class_sourced_id="class-7",
        title="Quiz",
        maximum=10,
    )
    put(
        session,
        schema.alignment,
        course_id=school.course,
        assignment_id=work,
        competency_id=school.competencies[0],
        weight=1.0,
        made_by="cli",
        created_at=now,
    )
    ana = session.scalar(
        select(schema.lms_user.c.person_id).where(schema.lms_user.c.subject == "ana")
    )
    put(
        session,
        schema.score,
        source_id=source,
        sourced_id="r-1",
        fingerprint="x",
        assignment_id=work,
        person_id=ana,
        line_item_sourced_id="li-1",
        student_sourced_id="s-1",
        given=9.5,
        score_status="fully graded",
        scored_on=now.date(),
    )


def place(school: School, *picks: str, **more: str) -> requests.Response:
    session = browser_session()
    page = send(session, ask(school.world, session), *picks, **more)
    school_page = follow(session, page)
    assert "Content added" in school_page.text
    return page


def items(page: requests.Response) -> list[dict[str, Any]]:
    return list(told(page)[1][f"{DL}content_items"])


def open_check(school: School, person: str) -> requests.Response:
    (link,) = [one for one in school.world.lms.course_links("c1") if one.id != "l1"]
    return school.world.open(person, link.id)


@EVERY
def test_outcomes_land_in_the_column_that_the_link_brought(
    school: School, manners: Manners
) -> None:
    page = place(school, school.key(1), column="1")
    title = "RP.1 Compare two ratios in 1 ways"
    resource_id = f"masterybridge/course-{school.course}/{GUID.format(1)}"
    item = {
        "type": "ltiResourceLink",
        "title": title,
        "text": "Compare two ratios in 1 ways",
        "custom": {"view": "check", "competency": GUID.format(1)},
        "lineItem": {
            "label": title,
            "scoreMaximum": 4.0,
            "resourceId": resource_id,
            "tag": "masterybridge-competency",
        },
    }
    url = {"url": f"{school.world.tool_url}/lti/launch"}
    assert items(page) == [item if manners is MOODLE else item | url]
    brought = (title, resource_id, "masterybridge-competency")
    assert school.columns() == [(*brought, [])]

    assert open_check(school, "ana").url.endswith(f"/mastery/{school.competencies[0]}")
    school.tell()
    assert school.deliver() == {"delivered": 1}
    assert school.columns() == [(*brought, [("ana", 3.8)])]


@EVERY
def test_a_column_is_found_before_the_link_was_ever_opened(school: School) -> None:
    place(school, school.key(1), column="1")
    school.tell()
    assert school.deliver() == {"delivered": 1}
    assert [grades for *_, grades in school.columns()] == [[("ana", 3.8)]]


@pytest.mark.parametrize("manners", [STANDARD])
def test_a_competency_with_a_column_brings_no_second_one(school: School) -> None:
    school.tell()
    assert school.deliver() == {"delivered": 1}
    session = browser_session()
    choices = ask(school.world, session)
    assert choices.text.count("has a grade column") == 1
    assert "Make a new column even where there is one" in choices.text
    page = send(session, choices, school.key(1), school.key(2), column="1")
    assert ["lineItem" in one for one in items(page)] == [False, True]


@EVERY
def test_a_column_removed_in_the_lms_is_brought_anew_when_asked(
    school: School,
) -> None:
    place(school, school.key(1), column="1")
    open_check(school, "tea")
    (gone,) = school.world.lms.line_items("c1")
    school.world.lms.gradebook.remove_column(gone)
    page = place(school, school.key(1), column="1", again="1")
    assert ["lineItem" in one for one in items(page)] == [True]
    school.tell()
    assert school.deliver() == {"delivered": 1}
    assert [grades for *_, grades in school.columns()] == [[("ana", 3.8)]]


@pytest.mark.parametrize("manners", [CANVAS])
def test_the_column_a_teacher_gave_a_check_herself_is_its_column(
    school: School,
) -> None:
    """As on Canvas, where the assignment exists before the link is chosen."""
    world = school.world
    custom = {"view": "check", "competency": GUID.format(1)}
    target = f"{world.tool_url}/lti/launch"
    world.lms.add_link("c1", "l2", "Ratios", target, custom=custom, graded=True)
    world.open("tea", "l2")
    school.tell()
    assert school.deliver() == {"delivered": 1}
    assert school.columns() == [("Ratios", None, None, [("ana", 95.0)])]


@pytest.mark.parametrize("manners", [STANDARD])
def test_a_column_on_another_host_is_nobodys(school: School) -> None:
    world = school.world
    ags = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
    custom = {"view": "check", "competency": GUID.format(1)}
    world.lms.add_link("c1", "l2", "R", f"{world.tool_url}/lti/launch", custom=custom)
    world.edit(
        lambda _header, claims: claims[ags].update(lineitem="https://evil.example/1")
    )
    world.open("tea", "l2")
    assert world.count("line_item") == 0


@pytest.mark.parametrize("manners", [STANDARD])
@pytest.mark.parametrize(
    ("takes", "column", "brings"),
    [(True, "1", True), (None, "1", True), (False, "1", False), (True, None, False)],
)
def test_a_column_is_brought_where_it_is_wanted_and_accepted(
    school: School, *, takes: bool | None, column: str | None, brings: bool
) -> None:
    school.world.edit(wish(accept_lineitem=takes))
    session = browser_session()
    page = ask(school.world, session)
    assert ("Give each competency check a grade column" in page.text) is (
        takes is not False
    )
    more = {"column": column} if column else {}
    answer = send(session, page, school.key(1), **more)
    assert ["lineItem" in one for one in items(answer)] == [brings]


@pytest.mark.parametrize("manners", [STANDARD])
def test_pages_bring_no_column(school: School) -> None:
    page = place(school, "class", "mine", school.key(2), column="1")
    assert ["lineItem" in one for one in items(page)] == [False, False, True]
    assert [custom for _, custom in placed(school.world)] == [
        {"view": "class"},
        {"view": "mine"},
        {"view": "check", "competency": GUID.format(2)},
    ]


@EVERY
def test_a_place_for_one_link_takes_a_check_alone(school: School) -> None:
    world, session = school.world, browser_session()
    page = launch_by_http(world.lms_url, session, "tea", "c1", kind="deep_linking")
    page = session.get(
        f"{world.lms_url}/launch?course=c1&kind=deep_linking&single=1",
        allow_redirects=False,
        timeout=30,
    )
    page = follow(session, page)
    assert 'type="radio"' in page.text
    two = send(session, page, school.key(1), school.key(2))
    assert two.status_code == 422
    assert "Your LMS takes one link at a time. Choose one." in two.text
    done = follow(session, send(session, page, school.key(2), column="1"))
    assert "RP.2 Compare two ratios in 2 ways" in done.text
    assert "Maximum grade: 4" in done.text


@pytest.mark.parametrize("manners", [STANDARD])
def test_many_links_are_counted_in_the_message(school: School) -> None:
    picks = ["class", *(school.key(number) for number in (1, 2, 3))]
    session = browser_session()
    claims = told(send(session, ask(school.world, session), *picks, column="1"))[1]
    assert claims[f"{DL}msg"] == "You chose 4 links."
    assert claims[f"{DL}log"] == "MasteryBridge: 4 links, 3 with a line item"


@pytest.mark.parametrize("manners", [MOODLE])
def test_the_answer_is_as_good_when_the_lms_posts_it_twice(school: School) -> None:
    session = browser_session()
    page = send(session, ask(school.world, session), "mine")
    session.cookies.clear()
    done = follow(session, page)
    assert "Content added" in done.text
    assert placed(school.world) == [("My mastery", {"view": "mine"})]


@pytest.mark.parametrize("manners", [STANDARD])
def test_the_list_is_searched_without_losing_what_is_ticked(school: School) -> None:
    session = browser_session()
    page = ask(school.world, session)
    found = send(session, page, school.key(3), find="1", words="  rp.1 RATIOS ")
    assert found.status_code == 200
    assert "RP.1" in found.text
    assert "RP.2" not in found.text
    assert f'value="{school.key(3)}" checked' in found.text
    assert "2 of 3 competencies" in found.text
    none = send(session, page, find="1", words="<b>no such")
    assert "No competency matches “&lt;b&gt;no such”." in none.text
    assert placed(school.world) == []


@pytest.mark.parametrize("manners", [STANDARD])
def test_a_competency_of_no_plan_is_not_placed(school: School) -> None:
    session = browser_session()
    page = send(session, ask(school.world, session), "check-999", "check-", "0")
    assert page.status_code == 422
    assert "Choose what to add, or cancel." in page.text


def test_without_a_framework_the_page_says_what_comes_first(world: World) -> None:
    page = ask(world, browser_session())
    assert "this course has no framework yet" in page.text
    assert "masterybridge course set 1 --framework" in page.text
    assert "Give each competency check" not in page.text


@pytest.mark.parametrize("manners", [STANDARD])
def test_a_link_that_may_open_in_a_window_alone_asks_for_one(school: School) -> None:
    for targets, hint in (
        (["window"], {"targetName": "_blank"}),
        (["iframe", "window"], None),
        ([], None),
    ):
        school.world.edit(wish(accept_presentation_document_targets=targets))
        session = browser_session()
        page = send(session, ask(school.world, session), "mine")
        assert items(page)[0].get("window") == hint


# -- what opens ----------------------------------------------------------------------


def add_check(school: School, guid: str) -> None:
    custom = {"view": "check", "competency": guid}
    target = f"{school.world.tool_url}/lti/launch"
    school.world.lms.add_link("c1", "l2", "Check", target, custom=custom)


@pytest.mark.parametrize("manners", [STANDARD])
def test_a_check_opens_the_class_for_a_teacher_and_herself_for_a_student(
    school: School,
) -> None:
    school.tell()
    add_check(school, GUID.format(1))
    teacher, student = school.world.open("tea", "l2"), school.world.open("ana", "l2")
    assert teacher.url.endswith(f"/check/{school.competencies[0]}")
    assert "1 of 1 students are secure" in teacher.text
    assert student.url.endswith(f"/mastery/{school.competencies[0]}")
    assert "Quiz" in student.text
    assert "are secure" not in student.text


@pytest.mark.parametrize("manners", [STANDARD])
@pytest.mark.parametrize(
    ("person", "action"),
    [("tea", "See the class"), ("ana", "My mastery")],
)
def test_a_check_of_an_unknown_competency_says_what_to_do(
    school: School, person: str, action: str
) -> None:
    add_check(school, "no such guid")
    page = school.world.open(person, "l2")
    assert page.status_code == 404
    assert "We do not know this competency" in page.text
    assert f">{action}</a>" in page.text


@pytest.mark.parametrize("manners", [STANDARD])
def test_a_check_of_what_the_course_dropped_names_it(school: School) -> None:
    add_check(school, GUID.format(2))
    with school.world.database.write() as session:
        session.execute(
            update(schema.competency)
            .where(schema.competency.c.id == school.competencies[1])
            .values(retired_at=datetime.now(UTC))
        )
    page = school.world.open("tea", "l2")
    assert page.status_code == 404
    assert "This competency is not part of the course any more" in page.text
    assert "Compare two ratios in 2 ways" in page.text


@pytest.mark.parametrize("manners", [STANDARD])
def test_a_check_in_a_course_without_framework_says_so(school: School) -> None:
    add_check(school, GUID.format(1))
    with school.world.database.write() as session:
        session.execute(update(schema.course).values(framework_id=None))
    page = school.world.open("ana", "l2")
    assert "This course has no competencies yet" in page.text
    assert "masterybridge course set" not in page.text


@pytest.mark.parametrize("manners", [STANDARD])
def test_who_has_no_role_sees_the_least_whatever_the_link_is_for(
    school: School,
) -> None:
    add_check(school, GUID.format(1))
    roles = "https://purl.imsglobal.org/spec/lti/claim/roles"
    school.world.edit(lambda _header, claims: claims.update({roles: []}))
    page = school.world.open("ana", "l2")
    assert page.status_code == 200
    assert "No role here" in page.text
