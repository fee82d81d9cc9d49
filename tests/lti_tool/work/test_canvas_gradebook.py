"""A teacher's grades out of a Canvas that behaves as its sources say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from lti_tool.errors import BridgeError, ConfigError, DeliveryError
from lti_tool.platforms.canvas_gradebook import (
    TOGETHER,
    CanvasGradebook,
    OwnColumns,
)
from lti_tool.platforms.canvas_rubric import TITLE
from lti_tool.platforms.gradebook import LmsScore, LmsWork
from lti_tool.platforms.paging import ONCE, Patience
from lti_tool.settings import Settings
from lti_tool.storage import schema
from lti_tool.work import canvas_access, lms_reading, outcome_needs
from lti_tool.work.check_words import Check
from lti_tool.work.inspection import prepare
from lti_tool.work.lms import Lms
from lti_tool.work.lms_gradebooks import Ways, open_gradebook
from lti_tool.work.lms_stage import Counts
from lti_tool.work.platforms import Author
from tests.faults.canvas import Canvas
from tests.faults.canvas_grades import TOOL, Gradebook
from tests.lti_tool.work.canvas_school import KEY, School, opened, taught
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

READ = "GET courses/N/students/submissions"


@dataclass
class Reader:
    """The class, its Canvas, and the way we read it."""

    school: School
    ways: Ways
    placement_id: int

    @property
    def book(self) -> Gradebook:
        return self.school.book

    @property
    def canvas(self) -> Canvas:
        return self.school.canvas

    def open(self) -> CanvasGradebook:
        found = open_gradebook(self.ways, self.placement_id)
        assert isinstance(found, CanvasGradebook)
        return found

    def waiting(self, patience: Patience) -> CanvasGradebook:
        """The same, but how long it waits is the test's."""
        way = partial(self.ways.canvases.rest, self.school.registration_id)
        course = str(self.school.course.id)
        return CanvasGradebook(way, course, OwnColumns(), patience)

    def take(self, *, is_whole: bool = False) -> Counts:
        """Take what is read as evidence; counts what came."""
        found = lms_reading.read(
            self.school.room.database,
            partial(open_gradebook, self.ways),
            self.placement_id,
            self.school.clock,
            is_whole=is_whole,
        )
        assert found is not None
        return found

    def works(self) -> dict[str, LmsWork]:
        return {one.title: one for one in self.open().works()}

    def read(self, since: datetime | None = None) -> dict[tuple[str, str], LmsScore]:
        """All that is told, by title and student."""
        found = self.open()
        titles = {one.number: one.title for one in found.works()}
        people = {str(key): one for key, one in self.school.course.students.items()}
        return {
            (titles[one.work], people[one.user]): one for one in found.scores(since)
        }

    def given(self, since: datetime | None = None) -> dict[tuple[str, str], float]:
        """The scores there are, by title and student."""
        return {
            key: one.given
            for key, one in self.read(since).items()
            if one.given is not None
        }


@pytest.fixture
def reader(
    room: Classroom, serve: Callable[..., str], tmp_path: Path
) -> Iterator[Reader]:
    key_file = tmp_path / "secret.key"
    key_file.write_bytes(KEY)
    settings = Settings(
        data_dir=tmp_path,
        secret_key_file=key_file,
        local_network="127.0.0.1",
        public_url="https://bridge.example",
    )
    with opened(room, serve) as school:
        (placement_id,) = (row[0] for row in room.rows(schema.placement, "id"))
        course = f"{school.canvas.url}/api/lti/courses/{school.course.id}"
        room.change(
            schema.placement, placement_id, ags_line_items_url=f"{course}/line_items"
        )
        deployment_id = room.rows(schema.deployment, "id")[0][0]
        room.change(schema.deployment, deployment_id, deployment_id=f"{TOOL}:4dde05e8")
        lms = Lms(room.database, settings)
        ways = Ways(room.database, settings, lms, school.canvases)
        yield Reader(school, ways, placement_id)


def test_an_assignment_comes_with_all_that_is_known_of_it(reader: Reader) -> None:
    essay = reader.book.add(
        "Essay", 20.0, group="Homework", description="<p>Write &amp; <b>cite</b></p>",
        due_at="2026-11-20T23:59:00Z", sis_assignment_id="sis-li-9",
    )  # fmt: skip
    reader.book.add_rubric(essay, clarity=(4.0, "guid-7.A"), length=(2.0, None))
    assert reader.works()["Essay"] == LmsWork(
        number=str(essay),
        title="Essay",
        description="Write & cite",
        minimum=0.0,
        maximum=20.0,
        due_at=datetime.fromisoformat("2026-11-20T23:59:00+00:00"),
        category="Homework",
        parts=reader.works()["Essay"].parts,
        sis_sourced_id="sis-li-9",
        web_url=f"{reader.canvas.url}/courses/{reader.school.course.id}/{essay}",
    )
    assert [
        (part.key, part.title, part.maximum, part.competencies)
        for part in reader.works()["Essay"].parts
    ] == [
        ("row:_clarity", "clarity", 4.0, ("guid-7.A",)),
        ("row:_length", "length", 2.0, ()),
    ]


def test_each_grading_type_is_read_as_what_it_means(reader: Reader) -> None:
    """
    grading_type  points  grade       given  maximum  text
    """
    table = [
        ("points", 10.0, 8.0, "8", 8.0, 10.0, None),
        ("points", 10.0, -2.0, "-2", -2.0, 10.0, None),
        ("percent", 10.0, 8.0, "80%", 8.0, 10.0, None),
        ("letter_grade", 10.0, 8.4, "B", 8.4, 10.0, None),
        ("letter_grade", 0.0, 0.0, "B+", None, None, "B+"),
        ("gpa_scale", 4.0, 3.3, "B+", 3.3, 4.0, None),
        ("pass_fail", 5.0, 5.0, "complete", 5.0, 5.0, None),
        ("pass_fail", 0.0, 0.0, "complete", 1.0, 1.0, None),
        ("pass_fail", 0.0, 0.0, "incomplete", 0.0, 1.0, None),
    ]
    for at, (kind, points, score, grade, *_means) in enumerate(table):
        number = reader.book.add(f"{at}", points, grading_type=kind)
        reader.book.grade(number, "ana", score, grade=grade)
    works, scores = reader.works(), reader.read()
    assert [
        (scores[f"{at}", "ana"].given, works[f"{at}"].maximum,
         scores[f"{at}", "ana"].text)
        for at in range(len(table))
    ] == [tuple(row[4:]) for row in table]  # fmt: skip


def test_what_is_not_graded_comes_only_with_its_rubric(reader: Reader) -> None:
    plain = reader.book.add("Practice", None, grading_type="not_graded")
    rated = reader.book.add("Portfolio", None, grading_type="not_graded")
    reader.book.add_rubric(rated, thinking=(4.0, "guid-7.B"), effort=(4.0, None))
    reader.book.mark(rated, "ana", thinking=3.0, effort=None)
    works = reader.works()
    assert str(plain) not in {one.number for one in works.values()}
    assert (works["Portfolio"].maximum, works["Portfolio"].minimum) == (None, None)
    told = reader.read()["Portfolio", "ana"]
    assert (told.given, told.parts) == (None, {"row:_thinking": (3.0, 4.0)})


def test_grades_come_with_their_marks(reader: Reader) -> None:
    essay = reader.book.add("Essay", 10.0)
    reader.book.grade(essay, "ana", 7.5, late=True, submitted_at="2026-11-23T08:00:00Z")
    reader.book.excuse(essay, "ben")
    reader.book.change(essay, "eva", missing=True, late=True)
    quiz = reader.book.add("Quiz", 10.0)
    reader.book.grade(quiz, "ana", 4.0, workflow_state="pending_review")
    user = str(reader.canvas.user(reader.school.course, "ana"))
    found = reader.read()
    assert found["Essay", "ana"] == LmsScore(
        work=str(essay),
        user=user,
        given=7.5,
        scored_at=NOON,
        submitted_at=datetime.fromisoformat("2026-11-23T08:00:00+00:00"),
        flags=frozenset({"late"}),
    )
    assert (found["Essay", "ben"].given, found["Essay", "ben"].is_excused) == (
        None, True,
    )  # fmt: skip
    assert found["Essay", "eva"].flags == {"late", "missing"}
    assert (found["Quiz", "ana"].given, found["Quiz", "ana"].flags) == (
        None, {"in_progress"},
    )  # fmt: skip


def test_what_students_do_not_see_yet_is_not_there(reader: Reader) -> None:
    reader.book.add("Draft", 10.0, published=False)
    exam = reader.book.add("Exam", 10.0, post_manually=True)
    reader.book.add_rubric(exam, proof=(4.0, "guid-7.A"))
    reader.book.grade(exam, "ana", 9.0)
    reader.book.mark(exam, "ana", proof=4.0)
    assert list(reader.works()) == ["Exam"]
    assert reader.read() == {}
    reader.book.post(exam)
    shown = reader.read()["Exam", "ana"]
    assert (shown.given, shown.parts) == (9.0, {"row:_proof": (4.0, 4.0)})


def test_an_anonymous_place_is_nobodys(reader: Reader) -> None:
    essay = reader.book.add("Essay", 10.0, anonymous_grading=True)
    reader.book.grade(essay, "ana", 9.0)
    reader.book.change(essay, "ana", user_id=None)
    reader.book.grade(essay, "ben", 8.0)
    assert {who for _title, who in reader.read()} == {"ben"}


def test_graded_since_tells_of_new_grades_and_of_nothing_taken_back(
    reader: Reader,
) -> None:
    essay = reader.book.add("Essay", 10.0)
    exam = reader.book.add("Exam", 10.0, post_manually=True)
    reader.book.grade(essay, "ana", 8.0)
    reader.book.grade(essay, "ben", 6.0)
    reader.book.grade(exam, "ana", 5.0)
    reader.school.clock.move(hours=1)
    cursor = reader.school.clock()
    assert reader.given(cursor) == {}
    reader.school.clock.move(hours=1)
    reader.book.grade(essay, "eva", 9.0)
    reader.book.take_back(essay, "ben")
    reader.book.post(exam)
    assert reader.given(cursor) == {("Essay", "eva"): 9.0}
    assert ("Essay", "ben") not in reader.read()
    assert reader.given() == {
        ("Essay", "ana"): 8.0, ("Essay", "eva"): 9.0, ("Exam", "ana"): 5.0,
    }  # fmt: skip
    # Canvas compares moments: a grade of that very second is not later than it.
    assert reader.given(cursor + timedelta(hours=1)) == {}


def test_what_we_wrote_is_not_read_back(reader: Reader) -> None:
    reader.school.room.score("ana", "lab", 9.0)
    taught(reader.school, ana=9.0)
    reader.school.deliver()
    reader.canvas.work_off()
    assert reader.school.assignments() == [TITLE]
    ours = reader.book.add_column("7.A", 4.0)
    reader.book.grade(ours, "ana", 3.6)
    renamed = reader.book.add_column("7.B", 4.0)
    reader.school.course.assignments[renamed]["name"] = "Ratios"
    link = reader.book.add("Competency check", 4.0)
    reader.school.course.assignments[link] |= {
        "submission_types": ["external_tool"],
        "external_tool_tag_attributes": {"url": "https://bridge.example/lti/launch"},
    }
    theirs = reader.book.add("Other tool", 4.0)
    reader.school.course.assignments[theirs] |= {
        "submission_types": ["external_tool"],
        "external_tool_tag_attributes": {"url": "https://quizzes.example/x"},
    }
    reader.book.grade(theirs, "ana", 2.0)
    reader.book.grade(theirs, "ben", 3.0, grader_id=-TOOL)
    assert list(reader.works()) == ["Other tool"]
    assert reader.given() == {("Other tool", "ana"): 2.0}


def test_our_levels_stay_ours_when_somebody_changes_their_assignment(
    reader: Reader,
) -> None:
    taught(reader.school, ana=9.0)
    reader.school.deliver()
    (ours,) = reader.school.course.assignments.values()
    ours |= {"description": "", "submission_types": ["on_paper"], "name": "Levels"}
    assert reader.works() == {}


def test_long_lists_come_page_by_page_and_every_id_whole(reader: Reader) -> None:
    reader.canvas.page = 3
    numbers = [reader.book.add(f"Work {at}", 10.0) for at in range(TOGETHER + 2)]
    for number in numbers:
        for who in ("ana", "ben", "eva"):
            reader.book.grade(number, who, 5.0)
    assert len(reader.given()) == len(numbers) * 3
    assert {one.number for one in reader.works().values()} == set(map(str, numbers))
    # 12 assignments of 4 students: 10 together and 2 together, in pages of 3 each.
    assert reader.canvas.counts()[READ] == 14 + 3
    assert min(numbers) > 2**53


def test_the_work_of_students_is_not_asked_for(reader: Reader) -> None:
    reader.canvas.page = 2
    reader.book.grade(reader.book.add("Essay", 10.0), "ana", 5.0)
    reader.given(NOON - timedelta(days=1))
    reader.given()
    left_out = [one["exclude_response_fields[]"] for one in reader.book.asked]
    assert (
        left_out
        == [["attachments", "body", "discussion_entries", "preview_url", "url"]] * 3
    )  # one page of what is new, two of all


def test_a_throttle_is_waited_out(reader: Reader) -> None:
    essay = reader.book.add("Essay", 10.0)
    reader.book.grade(essay, "ana", 5.0)
    reader.school.proxy.play(
        "GET", "students/submissions", status="403 Forbidden",
        body=b"403 Forbidden (Rate Limit Exceeded)", times=2,
    )  # fmt: skip
    slept: list[float] = []
    found = reader.waiting(Patience(sleep=slept.append))
    assert [one.given for one in found.scores(None) if one.given] == [5.0]
    assert len(slept) == 2


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda canvas: setattr(canvas, "token", "another"), "auth"),
        (lambda canvas: canvas.rights.discard("grades"), "forbidden"),
        (lambda canvas: setattr(canvas, "scopes", set()), "scope"),
    ],
    ids=["token", "right", "scope"],
)
def test_a_reading_that_is_cut_off_says_so(
    reader: Reader, break_it: Callable[[Canvas], object], code: str
) -> None:
    reader.canvas.page = 2
    for at in range(3):
        reader.book.grade(reader.book.add(f"Work {at}", 10.0), "ana", 5.0)
    found = reader.open()
    assert len(list(found.works())) == 3
    scores = found.scores(None)
    assert next(scores).given == 5.0
    break_it(reader.canvas)
    with pytest.raises(DeliveryError) as caught:
        list(scores)
    assert (caught.value.code, caught.value.permanent) == (code, True)


def test_others_have_their_turn_at_the_token_before_and_after(reader: Reader) -> None:
    reader.book.grade(reader.book.add("Essay", 10.0), "ana", 5.0)
    found = reader.open()
    turns = partial(reader.school.room.count, schema.turn)
    assert turns() == 0
    works = found.works()
    assert (next(works).title, turns()) == ("Essay", 1)
    assert ([*works], turns()) == ([], 0)
    scores = found.scores(None)
    assert (next(scores).given, turns()) == (5.0, 1)
    scores.close()
    assert turns() == 0


def test_an_assignment_removed_meanwhile_is_no_refusal(reader: Reader) -> None:
    essay = reader.book.add("Essay", 10.0)
    found = reader.open()
    assert len(list(found.works())) == 1
    reader.school.course.assignments[essay]["published"] = False
    with pytest.raises(DeliveryError, match="removed while they were read") as caught:
        list(found.scores(None))
    assert (caught.value.code, caught.value.permanent) == ("changing", False)


@pytest.mark.parametrize("score", ["NaN", "Infinity", '"many"', "[1]"])
def test_a_number_that_is_none_ends_the_reading(reader: Reader, score: str) -> None:
    essay = reader.book.add("Essay", 10.0)
    row = {"assignment_id": str(essay), "user_id": "1", "workflow_state": "graded"}
    body = json.dumps([{**row, "score": 0.5}]).replace("0.5", score).encode()
    reader.school.proxy.play(
        "GET", "students/submissions", status="200 OK", body=body, times=99
    )
    found = reader.waiting(ONCE)
    with pytest.raises(DeliveryError) as caught:
        list(found.scores(None))
    assert caught.value.code == "format"


def test_a_page_without_end_is_not_read(reader: Reader) -> None:
    reader.book.add("Essay", 10.0)
    body = b'[{"assignment_id": "1", "grade": "' + b"x" * 17_000_000 + b'"}]'
    reader.school.proxy.play("GET", "students/submissions", status="200 OK", body=body)
    with pytest.raises(DeliveryError) as caught:
        list(reader.open().scores(None))
    assert caught.value.code == "too_large"


def test_without_a_token_it_is_said_what_lacks(reader: Reader) -> None:
    room = reader.school.room
    room.change(schema.registration, reader.school.registration_id, outcomes_token=None)
    with pytest.raises(ConfigError, match="has no token for the Canvas REST API"):
        reader.open()


def test_nothing_is_read_before_it_is_known_what_is_ours(reader: Reader) -> None:
    reader.book.grants = False
    with pytest.raises(BridgeError):
        reader.open()


def test_a_course_without_columns_of_ours_is_read_all_the_same(reader: Reader) -> None:
    reader.book.grants = False
    reader.school.room.change(
        schema.placement, reader.placement_id, ags_line_items_url=None
    )
    reader.book.grade(reader.book.add("Essay", 10.0), "ana", 5.0)
    assert reader.given() == {("Essay", "ana"): 5.0}


@pytest.mark.parametrize("vendor", ["other", "brightspace"])
def test_other_vendors_tell_no_grades(reader: Reader, vendor: str) -> None:
    room = reader.school.room
    room.change(schema.registration, reader.school.registration_id, vendor=vendor)
    with pytest.raises(DeliveryError, match="Canvas and Moodle alone") as caught:
        reader.open()
    assert caught.value.code == "no_reader"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda _canvas: None, "Grades can be read in the course opened last."),
        (
            lambda canvas: canvas.rights.discard("grades"),
            (
                "Grades cannot be read: 127.0.0.1 answered 401 (user not authorized "
                "to perform that action): the service account may not do this there; "
                "give its role the rights that the guide lists."
            ),
        ),
    ],
    ids=["granted", "right"],
)
def test_the_check_tries_to_read(
    reader: Reader, break_it: Callable[[Canvas], object], said: str
) -> None:
    room, number = reader.school.room, reader.school.registration_id
    break_it(reader.canvas)
    assert [one.text for one in _needs(reader)] == []
    room.change(schema.registration, number, is_read=True)
    (found,) = _needs(reader)
    assert (found.name, found.text) == ("reading", said)


def _needs(reader: Reader) -> list[Check]:
    room, number = reader.school.room, reader.school.registration_id
    look = prepare(room.database, reader.ways.settings, number, reader.school.clock)
    with outcome_needs.opened(look, "first-token") as way:
        return [one for one in way.needs() if one.name == "reading"]


def test_a_key_is_asked_for_more_where_grades_are_read() -> None:
    fields = {
        "url": "https://school.example", "client_id": "7", "client_secret": "s",
        "account": "", "scopes": "all",
    }  # fmt: skip
    by = Author("ada", NOON)
    scopes = []
    for is_read in (False, True):
        held = {"id": 1, "is_read": is_read}
        asked = canvas_access.asked(held, fields, back="https://b.example/", by=by)
        url = canvas_access.authorize_url(asked, "canvas")
        scopes.append(set(parse_qs(url)["scope"][0].split()))
    assert scopes[1] - scopes[0] == {
        "url:GET|/api/v1/courses/:course_id/assignment_groups",
        "url:GET|/api/v1/courses/:course_id/students/submissions",
    }
    assert scopes[0] < scopes[1]


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_what_comes_is_evidence_and_goes_when_it_is_taken_back(reader: Reader) -> None:
    school, book = reader.school, reader.book
    school.room.change(schema.registration, school.registration_id, is_read=True)
    essay = book.add("Essay", 10.0)
    book.add_rubric(essay, clarity=(4.0, "guid-7.A"))
    for who, score in (("ana", 8.0), ("ben", 6.0)):
        book.grade(essay, who, score)
    book.mark(essay, "ana", clarity=3.0)
    ours = book.add_column("7.A", 4.0)
    book.grade(ours, "ana", 3.6)
    school.clock.move(hours=1)
    first = reader.take()
    assert (first.works, first.added, first.unknown) == (1, 2, 0)
    assert kept(school) == {("ana", 8.0, "active"), ("ben", 6.0, "active")}
    school.clock.move(hours=1)
    book.take_back(essay, "ben")
    book.grade(essay, "eva", 9.0)
    since = reader.take()
    assert (since.added, since.changed, since.ended) == (1, 0, 0)
    school.clock.move(hours=1)
    whole = reader.take(is_whole=True)
    assert whole.added == 0
    assert kept(school) == {
        ("ana", 8.0, "active"), ("ben", 6.0, "ended"), ("eva", 9.0, "active"),
    }  # fmt: skip


def kept(school: School) -> set[tuple[str, float | None, str]]:
    """The scores we hold, by student."""
    names = {row_id: name for name, row_id in school.room.people.items()}
    found = school.room.rows(schema.score, "person_id", "given", "status")
    return {(names[who], given, status) for who, given, status in found}
