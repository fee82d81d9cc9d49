"""A course copied in the LMS: its plan comes along, its students never do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Table, event, insert, select, update

from lti_tool.demo.browserless import browser_session
from lti_tool.platforms.ags import LmsGradebook, is_of_column
from lti_tool.platforms.destination import Column
from lti_tool.platforms.profiles import profile
from lti_tool.storage import registrations, schema
from lti_tool.storage.alignments import NewAlignment
from lti_tool.storage.database import Database, Session
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work import copies
from lti_tool.work.copies import NewPlace
from lti_tool.work.lms import Lms
from lti_tool.work.our_columns import lms_column_id

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOST = "https://lms.example"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
SCALE = [
    {"name": "No", "cut": 0, "points": 0},
    {"name": "Yes", "cut": 0.5, "points": 1},
]
PLAN = ("framework_id", "rule", "parameter", "scale", "mastery_cut")
OF_STUDENTS = (
    "seat",
    "score",
    "attainment",
    "delivery",
    "group_member",
    "course_group",
)
HISTORY = {
    "context_history": "$Context.id.history",
    "link_history": "$ResourceLink.id.history",
}


def put(session: Session, table: Table, **values: object) -> int:
    found = session.execute(insert(table).values(**values).returning(table.c.id))
    return int(found.scalar_one())


class School:
    """Two registrations, a course with a plan in one, and ways to copy it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as session:
            self.registrations = [
                registrations.add_registration(
                    session,
                    NewRegistration(
                        name="LMS", issuer=HOST, client_id=str(number),
                        auth_url=f"{HOST}/a", token_url=f"{HOST}/t",
                        jwks_url=f"{HOST}/j",
                    ),
                    now=NOW,
                )
                for number in range(2)
            ]  # fmt: skip
            self.framework = put(
                session, schema.framework, case_id="f", title="F", creator="us",
                payload={}, package={}, fingerprint="x", imported_at=NOW,
            )  # fmt: skip
            self.competencies = [
                put(
                    session, schema.competency, framework_id=self.framework,
                    case_id=f"k-{number}", human_code=f"K.{number}", statement="S",
                    position=number, is_assessable=True, payload={}, fingerprint="x",
                )
                for number in range(3)
            ]  # fmt: skip
            self.source = put(
                session, schema.source, name="SIS", kind="csv", location="x",
                created_at=NOW,
            )  # fmt: skip
        self.deployment = self.deploy(self.registrations[0], "d-1")
        self.old = self.course(
            "Algebra 2026", framework_id=self.framework, rule="mean_of_last",
            parameter=2.0, scale=SCALE, mastery_cut=0.5,
        )  # fmt: skip
        self.place("old", self.old)

    def deploy(self, registration: int, name: str, status: str = "active") -> int:
        with self.database.write() as session:
            return put(
                session, schema.deployment, registration_id=registration,
                deployment_id=name, status=status, created_at=NOW,
            )  # fmt: skip

    def course(self, title: str, **values: object) -> int:
        with self.database.write() as session:
            return put(session, schema.course, title=title, created_at=NOW, **values)

    def place(self, context: str, course: int | None, deployment: int = 0) -> int:
        with self.database.write() as session:
            return put(
                session, schema.placement, deployment_id=deployment or self.deployment,
                context_id=context, course_id=course, seen_at=NOW,
            )  # fmt: skip

    def work(
        self, course: int, title: str, *aligned: int, status: str = "active"
    ) -> int:
        with self.database.write() as session:
            number = len(list(session.execute(select(schema.assignment.c.id))))
            work = put(
                session, schema.assignment, source_id=self.source, fingerprint="x",
                sourced_id=f"a-{number}", course_id=course, class_sourced_id="c",
                title=title, maximum=10, status=status,
            )  # fmt: skip
            for competency in aligned:
                put(
                    session, schema.alignment, course_id=course, assignment_id=work,
                    competency_id=competency, weight=2.0, made_by="cli", created_at=NOW,
                )  # fmt: skip
        return work

    def score(self, work: int, given: float) -> None:
        with self.database.write() as session:
            person = put(
                session, schema.person, given_name="A", family_name="B",
                display_name="A B", created_at=NOW,
            )  # fmt: skip
            put(
                session, schema.score, source_id=self.source, sourced_id=f"s-{work}",
                fingerprint="x", assignment_id=work, person_id=person, given=given,
                line_item_sourced_id="l", student_sourced_id="s",
                score_status="fully graded", scored_on=NOW.date(),
            )  # fmt: skip

    def arrive(self, course: int, *history: str, context: str = "new") -> int:
        place = self.place(context, course)
        with self.database.write() as session:
            arrived = NewPlace(place, self.deployment, course)
            copies.arrive(session, arrived, history, now=NOW)
        return place

    def rows(self, table: Table, *names: str, **where: object) -> list[tuple[Any, ...]]:
        with self.database.read() as session:
            found = select(*(table.c[name] for name in names)).order_by(table.c.id)
            for name, value in where.items():
                found = found.where(table.c[name] == value)
            return [tuple(row) for row in session.execute(found)]

    def aligned(self, course: int) -> list[tuple[Any, ...]]:
        return self.rows(
            schema.alignment, "assignment_id", "competency_id", "weight", "made_by",
            course_id=course,
        )  # fmt: skip

    def waiting(self, course: int) -> list[tuple[Any, ...]]:
        return sorted(
            self.rows(
                schema.carried_alignment, "title", "competency_id", "weight",
                course_id=course,
            )
        )  # fmt: skip

    def do(self, act: Callable[..., bool], course: int) -> bool:
        with self.database.write() as session:
            return act(session, course, who="person:7", now=NOW)

    def state(self, course: int) -> dict[str, Any]:
        """All that a copy may touch, as it is now."""
        return {
            "plan": self.rows(schema.course, *PLAN, id=course),
            "aligned": self.aligned(course),
            "waiting": self.waiting(course),
            "attained": self.rows(
                schema.attainment, "level", course_id=course, withdrawn_at=None
            ),
            "links": self.rows(schema.resource_link, "view", "competency_id"),
        }


@pytest.fixture
def school(database: Database) -> School:
    return School(database)


def test_the_plan_comes_along_and_work_of_the_same_title_is_aligned(
    school: School,
) -> None:
    first, second, third = school.competencies
    school.work(school.old, "Quiz 1", first, second)
    school.work(school.old, "Quiz 2", third, status="ended")
    school.work(school.old, "Essay", third)
    new = school.course("Algebra 2027")
    quiz = school.work(new, " QUIZ 1 ")
    other = school.work(new, "Quiz 2")
    school.work(new, "Something else")
    school.arrive(new, "unknown", "old")
    assert school.rows(schema.course, *PLAN, id=new) == [
        (school.framework, "mean_of_last", 2.0, SCALE, 0.5)
    ]
    made_by = f"copy:{school.old}"
    assert sorted(school.aligned(new)) == [
        (quiz, first, 2.0, made_by),
        (quiz, second, 2.0, made_by),
        (other, third, 2.0, made_by),
    ]
    assert school.waiting(new) == [("Essay", third, 2.0)]
    assert school.rows(schema.course, "refreshed_at", id=new) == [(None,)]
    told = school.rows(schema.change, "who", "what", "subject_table")
    assert told == [
        (made_by, "course plan set", "course"),
        *3 * [(made_by, "alignment saved", "assignment")],
        (made_by, "course copied", "course"),
    ]


def test_no_student_and_no_destination_comes_along(school: School) -> None:
    work = school.work(school.old, "Quiz", school.competencies[0])
    school.score(work, 8)
    with school.database.write() as session:
        put(
            session, schema.course_destination, course_id=school.old, changed_by="x",
            destination="ags", is_on=True, changed_at=NOW,
        )  # fmt: skip
        put(session, schema.seat, person_id=1, course_id=school.old, role="learner",
            origin="lms")  # fmt: skip
    before = {
        name: school.rows(schema.metadata.tables[name], "id") for name in OF_STUDENTS
    }
    school.arrive(school.course("New"), "old")
    assert before == {
        name: school.rows(schema.metadata.tables[name], "id") for name in OF_STUDENTS
    }
    assert school.rows(schema.course_destination, "course_id") == [(school.old,)]


def test_a_title_that_several_pieces_of_work_have_names_none_of_them(
    school: School,
) -> None:
    first, second, _ = school.competencies
    school.work(school.old, "Quiz", first)
    school.work(school.old, "Quiz", second)
    school.work(school.old, "Essay", first)
    new = school.course("New")
    for title in ("Quiz", "Essay", "Essay"):
        school.work(new, title)
    school.arrive(new, "old")
    assert school.aligned(new) == []
    assert school.waiting(new) == [
        ("Essay", first, 2.0), ("Quiz", first, 2.0), ("Quiz", second, 2.0),
    ]  # fmt: skip


def test_what_waits_is_aligned_when_work_of_its_title_arrives(school: School) -> None:
    first, second, _ = school.competencies
    school.work(school.old, "Quiz", first, second)
    school.work(school.old, "Essay", first)
    new = school.course("New")
    school.arrive(new, "old")
    quiz = school.work(new, "quiz")
    with school.database.write() as session:
        put(
            session, schema.alignment, course_id=new, assignment_id=quiz,
            competency_id=second, weight=5.0, made_by="person:7", created_at=NOW,
        )  # fmt: skip
        session.execute(update(schema.course).values(refreshed_at=NOW))
    for arrived in (2, 0):
        with school.database.write() as session:
            assert copies.settle_waiting(session, now=NOW) == arrived
    assert sorted(school.aligned(new)) == [
        (quiz, first, 2.0, f"copy:{school.old}"),
        (quiz, second, 5.0, "person:7"),
    ]
    assert school.waiting(new) == [("Essay", first, 2.0)]
    assert school.rows(schema.course, "id", refreshed_at=None) == [(new,)]
    saved = school.rows(schema.change, "subject_id", what="alignment saved")
    assert saved == [(quiz,)]


def test_part_and_practice_of_an_alignment_come_along_at_once_or_later(
    school: School,
) -> None:
    first, *_ = school.competencies
    titles = ("Quiz", "Essay")
    for title in titles:
        school.work(school.old, title, first)
    part, how = "question:1-4", ("competency_id", "weight", "part", "is_practice")
    with school.database.write() as session:
        session.execute(update(schema.alignment).values(part=part, is_practice=True))
    new = school.course("New")
    school.work(new, "Quiz")
    school.arrive(new, "old")
    assert school.rows(schema.alignment, *how, course_id=new) == [
        (first, 2.0, part, True)
    ]
    school.work(new, "Essay")
    with school.database.write() as session:
        assert copies.settle_waiting(session, now=NOW) == 1
    assert school.rows(schema.alignment, *how, course_id=new) == [
        (first, 2.0, part, True),
        (first, 2.0, part, True),
    ]


def test_what_waits_for_another_framework_goes_on_waiting(school: School) -> None:
    school.work(school.old, "Quiz", school.competencies[0])
    new = school.course("New")
    school.arrive(new, "old")
    school.work(new, "Quiz")
    with school.database.write() as session:
        other = put(
            session, schema.framework, case_id="g", title="G", creator="us", payload={},
            package={}, fingerprint="x", imported_at=NOW,
        )  # fmt: skip
        session.execute(
            update(schema.course)
            .where(schema.course.c.id == new)
            .values(framework_id=other)
        )
        assert copies.settle_waiting(session, now=NOW) == 0
    assert len(school.waiting(new)) == 1


def test_the_nearest_known_ancestor_of_the_same_registration_is_taken(
    school: School,
) -> None:
    here, there = school.registrations
    elsewhere = school.deploy(there, "d-1")
    sibling = school.deploy(here, "d-2")
    gone = school.deploy(here, "d-3", "disabled")
    foreign = school.course("Foreign", framework_id=school.framework)
    twin = school.course("Twin", framework_id=school.framework)
    left = school.course("Left", framework_id=school.framework)
    school.place("foreign", foreign, elsewhere)
    school.place("twin", twin, sibling)
    school.place("left", left, gone)
    school.place("old", foreign, sibling)  # the id of one of this deployment's own
    school.place("two", foreign, sibling)
    school.place("two", twin, school.deploy(here, "d-4"))
    school.place("empty", None)
    cases = {
        ("foreign",): None,
        ("left",): None,
        ("two",): None,
        ("empty", "new"): None,
        ("foreign", "twin", "old"): twin,
        ("old", "twin"): school.old,
    }
    for number, (history, expected) in enumerate(cases.items()):
        place = school.arrive(school.course("N"), *history, context=f"new-{number}")
        origin = school.rows(schema.placement, "copied_from_id", id=place)[0][0]
        found = origin and school.rows(schema.placement, "course_id", id=origin)[0][0]
        assert found == expected, history


def test_a_course_with_a_plan_of_its_own_keeps_it_and_is_offered_the_other(
    school: School,
) -> None:
    first, second, _ = school.competencies
    school.work(school.old, "Quiz", first)
    new = school.course("New", framework_id=school.framework, rule="highest")
    own = school.work(new, "Own", second)
    quiz = school.work(new, "Quiz")
    before = school.state(new)
    school.arrive(new, "old")
    assert school.state(new) == before
    with school.database.read() as session:
        story = copies.story_of(session, new)
    assert story
    assert (story.state, story.from_title) == ("offered", "Algebra 2026")
    assert school.do(copies.accept, new)
    assert school.rows(schema.course, "rule", id=new) == [("mean_of_last",)]
    assert school.aligned(new) == [
        (own, second, 2.0, "cli"), (quiz, first, 2.0, f"copy:{school.old}"),
    ]  # fmt: skip
    assert not school.do(copies.accept, new)
    assert school.do(copies.undo, new)
    assert school.state(new) == before


def test_a_copy_into_the_same_course_changes_nothing(school: School) -> None:
    school.work(school.old, "Quiz", school.competencies[0])
    before = school.state(school.old)
    school.arrive(school.old, "old")
    assert school.state(school.old) == before
    with school.database.read() as session:
        assert copies.story_of(session, school.old) is None


def test_a_copy_of_a_course_without_a_plan_is_not_spoken_of(school: School) -> None:
    bare = school.course("Bare")
    school.place("bare", bare)
    new = school.course("New")
    school.arrive(new, "bare", "old")
    with school.database.read() as session:
        assert copies.story_of(session, new) is None
    assert school.rows(schema.change, "what") == []


def test_undo_leaves_the_course_exactly_as_it_was(school: School) -> None:
    first, second, _ = school.competencies
    school.work(school.old, "Quiz", first)
    school.work(school.old, "Essay", second)
    new = school.course("New")
    quiz = school.work(new, "Quiz")
    school.score(quiz, 8)
    before = school.state(new)
    school.arrive(new, "old")
    with school.database.write() as session:
        copies.standing.refresh(session, new, now=NOW)
    assert school.state(new)["attained"] == [(1,)]
    assert school.do(copies.undo, new)
    assert school.state(new) == before
    assert not school.do(copies.undo, new)
    assert school.do(copies.accept, new)
    assert school.state(new)["attained"] == [(1,)]


def test_undo_keeps_what_people_have_changed_since(school: School) -> None:
    first, second, _ = school.competencies
    school.work(school.old, "Quiz", first, second)
    new = school.course("New")
    quiz = school.work(new, "Quiz")
    school.arrive(new, "old")
    with school.database.write() as session:
        curriculum = copies.curriculum
        curriculum.save_course_plan(session, new, {"rule": "mode"}, who="x", now=NOW)
        mine = NewAlignment(new, quiz, second, weight=7.0)
        curriculum.save_alignment(session, mine, made_by="person:9", now=NOW)
    assert school.do(copies.undo, new)
    assert school.aligned(new) == [(quiz, second, 7.0, "person:9")]
    assert school.rows(schema.course, *PLAN, id=new) == [
        (None, "mode", None, None, None)
    ]


def test_a_thousand_alignments_come_along_in_as_many_statements_as_one(
    school: School,
) -> None:
    counts = []
    for many in (1, 1000):
        title = f"{many} pieces of work"
        old = school.course(title, framework_id=school.framework)
        school.place(title, old)
        with school.database.write() as session:
            _many_aligned(session, school, old, many)
        statements: list[object] = []

        def note(*told: object, heard: list[object] = statements) -> None:
            heard.append(told[2])

        new = school.course("New")
        event.listen(school.database.engine, "before_cursor_execute", note)
        school.arrive(new, title, context=f"copy of {title}")
        event.remove(school.database.engine, "before_cursor_execute", note)
        assert len(school.waiting(new)) == many
        counts.append(len(statements))
    assert counts[0] == counts[1]


def _many_aligned(session: Session, school: School, course: int, many: int) -> None:
    session.execute(
        insert(schema.assignment),
        [
            {
                "source_id": school.source, "sourced_id": f"b-{course}-{number}",
                "fingerprint": "x", "course_id": course, "maximum": 1,
                "class_sourced_id": "c", "title": f"Work {number}",
            }
            for number in range(many)
        ],
    )  # fmt: skip
    works = select(schema.assignment.c.id).where(
        schema.assignment.c.course_id == course
    )
    session.execute(
        insert(schema.alignment),
        [
            {
                "course_id": course, "assignment_id": work, "weight": 1,
                "competency_id": school.competencies[0], "made_by": "cli",
                "created_at": NOW,
            }
            for work in session.scalars(works).all()
        ],
    )  # fmt: skip


# --- over real HTTP ---------------------------------------------------------------


@pytest.fixture
def campus(world: World) -> World:
    """A course with a plan in the pretend LMS, opened once by its teacher."""
    world.lms.add_link(
        "c1", "l2", "Check", f"{world.tool_url}/lti/launch",
        custom={**HISTORY, "view": "check", "competency": "k-1"},
    )  # fmt: skip
    world.lms.add_link(
        "c1", "l3", "Mine", f"{world.tool_url}/lti/launch", custom=HISTORY
    )
    with world.database.write() as session:
        framework = put(
            session, schema.framework, case_id="f", title="F", creator="us", payload={},
            package={}, fingerprint="x", imported_at=NOW,
        )  # fmt: skip
        put(
            session, schema.competency, framework_id=framework, case_id="k-1",
            human_code="K.1", statement="S", position=1, is_assessable=True, payload={},
            fingerprint="x",
        )  # fmt: skip
    for link in ("l1", "l2", "l3"):
        world.open("tea", link)
    with world.database.write() as session:
        session.execute(update(schema.course).values(framework_id=framework))
        session.execute(
            update(schema.resource_link)
            .where(schema.resource_link.c.link_id == "l3")
            .values(view="mine")
        )
        source = put(
            session, schema.source, name="S", kind="csv", location="x", created_at=NOW
        )
        work = put(
            session, schema.assignment, source_id=source, sourced_id="a", course_id=1,
            fingerprint="x", class_sourced_id="c", title="Quiz", maximum=10,
        )  # fmt: skip
        put(
            session, schema.alignment, course_id=1, assignment_id=work, competency_id=1,
            weight=1.0, made_by="cli", created_at=NOW,
        )  # fmt: skip
    return world


def copy_links(world: World, course: str) -> dict[str, str]:
    return {link.title: link.id for link in world.lms.course_links(course)}


def test_the_first_launch_of_a_copy_brings_the_plan_and_what_its_links_show(
    campus: World,
) -> None:
    campus.lms.copy_course("c1", "c 2,x", "Mathematics 7, next year", "no-such-class")
    campus.lms.enroll("c 2,x", "tea", "instructor")
    campus.lms.copy_course("c 2,x", "c3", "The copy of an unopened copy")
    campus.lms.enroll("c3", "tea", "instructor")
    links = copy_links(campus, "c3")
    browser = browser_session()
    campus.open("tea", links["Mine"], browser)
    campus.open("tea", links["Check"], browser)
    with campus.database.read() as session:
        placements = session.execute(
            select(schema.placement.c.context_id, schema.placement.c.copied_from_id)
            .order_by(schema.placement.c.id)
        ).all()  # fmt: skip
        shown = session.execute(
            select(
                schema.resource_link.c.view,
                schema.resource_link.c.competency_id,
                schema.resource_link.c.placement_id,
            ).order_by(schema.resource_link.c.id)
        ).all()
        plan = session.scalar(
            select(schema.course.c.framework_id).where(schema.course.c.id == 2)
        )
    assert [tuple(row) for row in placements] == [("c1", None), ("c3", 1)]
    assert [tuple(row) for row in shown][3:] == [("mine", None, 2), ("check", 1, 2)]
    assert plan == 1


def test_a_teacher_reads_of_the_copy_and_takes_it_back(campus: World) -> None:
    campus.lms.copy_course("c1", "c2", "Next year")
    campus.lms.enroll("c2", "tea", "instructor")
    browser = browser_session()
    page = campus.open("tea", copy_links(campus, "c2")["Check"], browser)
    align = page.url.split("/check")[0] + "/align"
    page = browser.get(align, timeout=30)
    assert "This course was copied from “Mathematics 7” on" in page.text
    assert "0 alignments came along." in page.text
    assert "1 waits for work of the same title." in page.text
    assert (
        "This course was copied"
        in browser.get(align.replace("/align", "/class"), timeout=30).text
    )
    token = page.text.split('name="csrf" value="')[1].split('"')[0]
    copy = align.replace("/align", "/copy")
    undone = browser.post(copy, data={"csrf": token, "act": "undo"}, timeout=30)
    assert "You took back what came along." in undone.text
    assert "Choose the competencies this course teaches" in undone.text
    again = browser.post(copy, data={"csrf": token, "act": "bring"}, timeout=30)
    assert "1 waits for work of the same title." in again.text
    stranger = browser_session()
    campus.lms.enroll("c2", "ana", "learner")
    mine = campus.open("ana", copy_links(campus, "c2")["Mine"], stranger)
    url = mine.url.split("/mastery")[0] + "/copy"
    assert stranger.post(url, data={"act": "undo"}, timeout=30).status_code == 403


def test_moodles_second_spelling_of_a_key_and_its_empty_history_do_no_harm(
    campus: World,
) -> None:
    for course, custom in {
        "c4": {"Context_History": "c1", "context_history": ""},
        "c5": {"contexthistory": "c1"},
        "c6": {"context_history": "$Context.id.history"},
        "c7": {"context_history": ",".join(["x" * 255] * 120)},
    }.items():
        campus.lms.add_course(course, course, course)
        campus.lms.enroll(course, "tea", "instructor")
        campus.lms.add_link(course, f"l-{course}", "M", f"{campus.tool_url}/lti/launch")

        campus.edit(
            lambda _head, claims, said=custom: claims.update({f"{LTI}custom": said})
        )
        assert campus.open("tea", f"l-{course}").status_code == 200
    with campus.database.read() as session:
        found = session.execute(
            select(schema.placement.c.context_id, schema.placement.c.copied_from_id)
        ).all()
    assert {row.context_id: row.copied_from_id for row in found} == {
        "c1": None, "c4": None, "c5": 1, "c6": None, "c7": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("resource_id", "is_ours"),
    [
        ("masterybridge/course-1/k-1", True),
        ("masterybridge/class-7/k-1", True),
        ("masterybridge/course-1/k-10", False),
        ("masterybridge/course-1/xk-1", False),
        ("k-1", False),
        ("MATH-7", False),
        (None, False),
    ],
)
def test_a_copied_column_is_known_by_the_competency_its_id_ends_in(
    resource_id: str | None, *, is_ours: bool
) -> None:
    assert is_of_column(resource_id, "k-1") is is_ours


def test_a_copied_column_is_found_and_none_is_made_beside_it(campus: World) -> None:
    lms = Lms(campus.database, campus.settings)
    launch_url = f"{campus.tool_url}/lti/launch"

    def gradebook(placement: int) -> LmsGradebook:
        return LmsGradebook(
            lms.grades(placement), profile("other"), launch_url=launch_url
        )

    def column(course: int, case_id: str) -> Column:
        return Column(lms_column_id(course, case_id), case_id, "S", 4.0, case_id)

    for case_id in ("k-1", "k-10"):
        gradebook(1).make_column(column(1, case_id))
    campus.lms.copy_course("c1", "c2", "Next year")
    campus.lms.enroll("c2", "tea", "instructor")
    campus.open("tea", copy_links(campus, "c2")["Check"])
    there = {one.label: one for one in campus.lms.line_items("c2")}
    found = {
        case_id: gradebook(2).find_column(column(2, case_id))
        for case_id in ("k-1", "k-10", "k-0")
    }
    assert found == {
        "k-1": campus.lms.line_item_url(there["k-1"]),
        "k-10": campus.lms.line_item_url(there["k-10"]),
        "k-0": None,
    }
    assert there["k-1"].further["submissionReview"] == {
        "reviewableStatus": ["InProgress", "Submitted", "Completed"],
        "label": "MasteryBridge",
        "url": launch_url,
        "custom": {"competency": "k-1"},
    }
