"""A teacher's grades out of a Moodle on a real socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.gradebook import LmsScore, LmsWork
from lti_tool.platforms.moodle_gradebook import REPORT, MoodleGradebook
from lti_tool.settings import Settings
from lti_tool.storage import schema, secrets
from lti_tool.work import lms_reading, outcome_needs
from lti_tool.work.inspection import prepare
from lti_tool.work.lms_stage import Counts
from lti_tool.work.outside import Outside
from tests.lti_tool.work.conftest import NOON, Classroom, Clock, Proxy, seat_student
from tests.lti_tool.work.moodle import SERVICE_USER
from tests.lti_tool.work.moodle_grades import GradedMoodle
from tests.ports import free_port

KEY = b"k" * 32
ANA, BEN, EVA = 101, 102, 103
REPORTED = b'{"usergrades": [{"userid": 1, "gradeitems": [{%}]}]}'
AT = datetime.fromtimestamp(1_795_600_000, UTC)


@dataclass
class Reader:
    """The class, its Moodle, and the way we read it."""

    room: Classroom
    moodle: GradedMoodle
    proxy: Proxy
    outside: Outside
    settings: Settings
    registration_id: int
    placement_id: int

    def open(self) -> MoodleGradebook:
        found = self.outside.gradebook(self.placement_id)
        assert isinstance(found, MoodleGradebook)
        return found

    def seat(self, name: str, subject: int, *, status: str = "active") -> None:
        """Let somebody be a learner of the course whom Moodle calls by a number."""
        if name not in self.room.people:
            seat_student(self.room, name)
        person = self.room.people[name]
        row_id = next(
            row[0] for row in self.room.rows(schema.seat, "id", "person_id")
            if row[1] == person
        )  # fmt: skip
        self.room.change(schema.seat, row_id, status=status)
        self.room.insert(
            schema.lms_user,
            registration_id=self.registration_id,
            subject=str(subject),
            person_id=person,
            seen_at=NOON,
        )
        self.moodle.students.add(subject)

    def checks(self) -> dict[str, str]:
        """What the live check says of reading, by its name."""
        self.room.change(schema.registration, self.registration_id, is_read=True)
        look = prepare(self.room.database, self.settings, self.registration_id, Clock())
        return {
            one.name: one.text
            for one in outcome_needs.check_needs(look)
            if one.name.startswith("reading")
        }

    def works(self) -> dict[str, LmsWork]:
        return {one.title: one for one in self.open().works()}

    def read(self) -> dict[tuple[str, int], LmsScore]:
        """All that is told, by title and student."""
        found = self.open()
        titles = {one.number: one.title for one in found.works()}
        return {(titles[one.work], int(one.user)): one for one in found.scores(NOON)}

    def given(self) -> dict[tuple[str, int], float]:
        return {
            key: one.given for key, one in self.read().items() if one.given is not None
        }


@pytest.fixture
def reader(room: Classroom, serve: Callable[..., str], tmp_path: Path) -> Reader:
    key_file = tmp_path / "secret.key"
    key_file.write_bytes(KEY)
    settings = Settings(
        data_dir=tmp_path, secret_key_file=key_file, local_network="127.0.0.1"
    )
    moodle, port = GradedMoodle(), free_port()
    moodle.url = f"http://127.0.0.1:{port}"
    proxy = Proxy(moodle.app)
    serve(proxy, port)
    registration_id = room.insert(
        schema.registration,
        name="moodle",
        issuer="https://moodle.example",
        client_id="c",
        auth_url="https://moodle.example/a",
        token_url=f"{moodle.url}/token",
        jwks_url="https://moodle.example/k",
        vendor="moodle",
        status="active",
        outcomes_url=moodle.url,
        outcomes_token=secrets.encrypt(moodle.token, KEY),
        created_at=NOON,
    )
    deployment_id = room.insert(
        schema.deployment,
        registration_id=registration_id,
        deployment_id="1",
        status="active",
        created_at=NOON,
    )
    placement_id = room.insert(
        schema.placement,
        deployment_id=deployment_id,
        context_id=str(moodle.course),
        course_id=room.course_id,
        ags_line_items_url=f"{moodle.url}/lineitems",
        seen_at=NOON,
    )
    outside = Outside(settings, room.database)
    made = Reader(room, moodle, proxy, outside, settings, registration_id, placement_id)
    for name, subject in (("ana", ANA), ("ben", BEN), ("eva", EVA)):
        made.seat(name, subject)
    return made


def test_a_column_comes_with_all_that_is_known_of_it(reader: Reader) -> None:
    moodle = reader.moodle
    framework = moodle.add_framework("fw", 5, {3, 4})
    ratios = moodle.add_competency(framework, idnumber="guid-7.A")
    unused = moodle.add_competency(framework, idnumber="guid-7.B")
    moodle.linked = [ratios, unused]
    essay = moodle.add_activity(
        "assign", "Essay &amp; notes", 50.0, description="<p>Write</p>",
        dates=[{"label": "Opened:", "timestamp": 1, "dataid": "allowsubmissionsfrom"},
               {"label": "Due:", "timestamp": 1_795_600_000, "dataid": "duedate"}],
    )  # fmt: skip
    moodle.uses = {31: [ratios]}
    spoken = moodle.add_item("Spoken work", 10.0)
    assert list(reader.open().works()) == [
        LmsWork(
            number=str(essay),
            title="Essay & notes",
            description="Write",
            minimum=0.0,
            maximum=50.0,
            due_at=AT,
            competencies=("guid-7.A",),
            web_url=f"{moodle.url}/mod/assign/view.php?id=31",
        ),
        LmsWork(number=str(spoken), title="Spoken work", minimum=0.0, maximum=10.0),
    ]


def test_grades_come_with_their_words_and_times(reader: Reader) -> None:
    essay = reader.moodle.add_activity("assign", "Essay", 50.0)
    rated = reader.moodle.add_scale_item("Talk", "Beginning", "Proficient", "Advanced")
    feedback = '<p dir="ltr">Well <b>argued</b>,&nbsp;Ana</p>'
    reader.moodle.grade(essay, ANA, 42.5, submitted=1_795_500_000, feedback=feedback)
    reader.moodle.grade(essay, BEN, -3.0)
    reader.moodle.grade(rated, ANA, 2.0)
    reader.moodle.grade(rated, BEN, 1.0, status="dropped")
    found, works = reader.read(), reader.works()
    assert found["Essay", ANA] == LmsScore(
        work=str(essay),
        user=str(ANA),
        given=42.5,
        scored_at=AT,
        submitted_at=datetime.fromtimestamp(1_795_500_000, UTC),
        comment="Well argued, Ana",
    )
    assert (works["Talk"].minimum, works["Talk"].maximum) == (1.0, 3.0)
    assert (found["Talk", ANA].given, found["Talk", ANA].text) == (2.0, "Proficient")
    assert (found["Talk", BEN].text, found["Talk", BEN].is_excused) == (
        "Beginning", False,
    )  # fmt: skip
    assert found["Essay", BEN].given == -3.0
    assert {who for _title, who in found} == {ANA, BEN}  # nothing is told of others


def test_totals_and_grade_outcomes_are_no_work(reader: Reader) -> None:
    reader.moodle.add_activity("assign", "Essay", 50.0)
    reader.moodle.add_activity("assign", "Clarity", 3.0, outcomeid=5)
    reader.moodle.add_item("Homework", itemtype="category")
    assert list(reader.works()) == ["Essay"]


@pytest.mark.parametrize("sees_hidden", [True, False])
def test_what_is_hidden_from_students_is_not_there(
    reader: Reader, *, sees_hidden: bool
) -> None:
    reader.moodle.sees_hidden = sees_hidden
    essay = reader.moodle.add_activity("assign", "Essay", 50.0)
    reader.moodle.grade(essay, ANA, 40.0, hidden=True, feedback="Not yet shown")
    reader.moodle.grade(essay, BEN, 30.0)
    assert list(reader.read()) == [("Essay", BEN)]


def test_a_grade_that_is_worked_out_anew_is_not_taken_for_one_taken_back(
    reader: Reader,
) -> None:
    essay = reader.moodle.add_activity("assign", "Essay", 50.0)
    reader.moodle.grade(essay, BEN, 40.0, stale=True)
    with pytest.raises(DeliveryError, match='still working out "Essay"') as caught:
        reader.read()
    assert (caught.value.code, caught.value.permanent) == ("updating", False)


def test_a_formula_that_does_not_work_out_is_no_work(reader: Reader) -> None:
    formula = reader.moodle.add_item("Twice the essay")
    reader.moodle.grade(formula, SERVICE_USER, None, stale=True)
    reader.moodle.add_item("Spoken work")
    assert list(reader.works()) == ["Spoken work"]


@pytest.mark.parametrize("left_out", ["grade", "range"])
def test_a_report_without_grades_is_not_taken_for_an_empty_one(
    reader: Reader, left_out: str
) -> None:
    essay = reader.moodle.add_activity("assign", "Essay", 50.0)
    reader.moodle.grade(essay, ANA, 40.0)
    reader.moodle.shows.discard(left_out)
    with pytest.raises(DeliveryError, match="Course grade settings") as caught:
        reader.works()
    assert (caught.value.code, caught.value.permanent) == ("report", True)


def test_what_we_wrote_is_not_read_back(reader: Reader) -> None:
    moodle = reader.moodle
    theirs = moodle.add_item("Spoken work", 4.0)
    listed = moodle.add_column("7.A")
    stored = moodle.add_item("7.B", 4.0)
    linked = moodle.add_activity("lti", "Competency check", 4.0)
    other = moodle.add_activity("lti", "Another tool", 4.0)
    for item in (theirs, listed, stored, linked, other):
        moodle.grade(item, ANA, 3.0)
    reader.room.insert(
        schema.line_item,
        destination="ags",
        placement_id=reader.placement_id,
        course_id=reader.room.course_id,
        competency_id=reader.room.competencies["7.B"],
        resource_id="r",
        address=moodle.address(stored),
        maximum=4.0,
        created_at=NOON,
    )
    reader.room.insert(
        schema.resource_link,
        deployment_id=reader.room.rows(schema.deployment, "id")[0][0],
        placement_id=reader.placement_id,
        link_id="11",  # the first activity's, as Moodle calls it
        created_at=NOON,
        seen_at=NOON,
    )
    assert list(reader.works()) == ["Spoken work", "Another tool"]
    assert set(reader.given()) == {("Spoken work", ANA), ("Another tool", ANA)}


def test_those_who_learn_in_the_course_are_asked_about_one_by_one(
    reader: Reader,
) -> None:
    essay = reader.moodle.add_activity("assign", "Essay", 50.0)
    for number in range(1001, 1011):
        reader.seat(f"s{number}", number)
    reader.seat("gone", 2001, status="ended")
    reader.moodle.students.add(3001)  # nobody we know
    for student in reader.moodle.students:
        reader.moodle.grade(essay, student, 7.0)
    assert {who for _title, who in reader.given()} == {
        ANA, BEN, EVA, *range(1001, 1011),
    }  # fmt: skip
    calls = Counter(reader.moodle.calls)
    assert calls[REPORT] == 1 + 13  # our account's own, for the columns


def test_a_person_whom_moodle_does_not_report_on_is_passed_over(
    reader: Reader,
) -> None:
    essay = reader.moodle.add_activity("assign", "Essay", 50.0)
    for student in (ANA, BEN, EVA):
        reader.moodle.grade(essay, student, 40.0)
    reader.moodle.unreported = {ANA: "usernotconfirmed", EVA: "notingroup"}
    assert {who for _title, who in reader.read()} == {BEN}


def test_a_service_without_the_finer_functions_reads_the_grades_all_the_same(
    reader: Reader,
) -> None:
    essay = reader.moodle.add_activity("assign", "Essay", 50.0, description="Write")
    reader.moodle.grade(essay, ANA, 40.0)
    reader.moodle.functions -= {
        "tool_lp_data_for_course_competencies_page", "core_course_get_contents",
    }  # fmt: skip
    assert reader.works()["Essay"].description is None
    assert reader.given() == {("Essay", ANA): 40.0}


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda moodle: setattr(moodle, "token", "another"), "auth"),
        (lambda moodle: moodle.functions.discard(REPORT), "forbidden"),
        (lambda moodle: moodle.denied.update({REPORT: "grade:viewall"}), "forbidden"),
        (lambda moodle: setattr(moodle, "may_enter", False), "forbidden"),
    ],
    ids=["token", "function", "right", "course"],
)
def test_a_reading_that_is_cut_off_says_so(
    reader: Reader, break_it: Callable[[GradedMoodle], object], code: str
) -> None:
    for number in range(1001, 1011):
        reader.seat(f"s{number}", number)
    essay = reader.moodle.add_activity("assign", "Essay", 50.0)
    reader.moodle.grade(essay, ANA, 40.0)
    scores = reader.open().scores(None)
    assert next(scores).given == 40.0
    break_it(reader.moodle)
    with pytest.raises(DeliveryError) as caught:
        list(scores)
    assert (caught.value.code, caught.value.permanent) == (code, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (REPORTED.replace(b"%", b'"id": 1, "graderaw": NaN'), "format"),
        (REPORTED.replace(b"%", b'"id": "many"'), "format"),
        (b"[" * 100_000, "format"),
        (b'{"usergrades": "' + b"x" * 10_000_000 + b'"}', "too_large"),
    ],
    ids=["NaN", "id", "nested", "10 MB"],
)  # fmt: skip
def test_an_answer_that_is_no_report_ends_the_reading(
    reader: Reader, body: bytes, code: str
) -> None:
    found = reader.open()
    reader.moodle.add_activity("assign", "Essay", 50.0)
    assert len(list(found.works())) == 1
    reader.proxy.play("POST", "server.php", status="200 OK", body=body, times=9)
    with pytest.raises(DeliveryError) as caught:
        list(found.scores(None))
    assert caught.value.code == code


def test_without_a_token_it_is_said_what_lacks(reader: Reader) -> None:
    reader.room.change(schema.registration, reader.registration_id, outcomes_token=None)
    with pytest.raises(ConfigError, match="no token for its web services"):
        reader.open()


def test_the_check_says_what_reading_takes(reader: Reader) -> None:
    reader.moodle.add_activity("assign", "Essay", 50.0)
    reader.moodle.add_item("Spoken work")
    assert reader.checks() == {
        "reading": "Grades can be read in the course opened last.",
        "reading:columns": "mbservice sees every column of the course opened last.",
        "reading:more": (
            "Due dates, descriptions and alignments made there are read too."
        ),
    }
    reader.moodle.unviewed = {"assign"}
    reader.moodle.functions.discard("core_course_get_contents")
    found = reader.checks()
    assert found["reading:columns"].endswith("and they are not read: Essay.")
    assert found["reading:more"].endswith("mbservice lacks core_course_get_contents.")
    reader.moodle.denied = {REPORT: "View user report"}
    assert reader.checks() == {
        "reading": (
            "mbservice may not read grades in the course opened last. The LMS says: "
            "no permissions (View user report)"
        )
    }
    reader.moodle.functions.discard(REPORT)
    assert reader.checks() == {
        "reading": (
            f"To read grades, the service of mbservice lacks functions: {REPORT}."
        )
    }


def test_nothing_is_checked_of_reading_where_nothing_is_read(reader: Reader) -> None:
    reader.checks()
    reader.room.change(schema.registration, reader.registration_id, is_read=False)
    look = prepare(
        reader.room.database, reader.settings, reader.registration_id, Clock()
    )
    names = [one.name for one in outcome_needs.check_needs(look)]
    assert [one for one in names if one.startswith("reading")] == []


def test_what_comes_is_evidence_with_its_scale_and_feedback(reader: Reader) -> None:
    room = reader.room
    room.change(schema.registration, reader.registration_id, is_read=True)
    talk = reader.moodle.add_scale_item("Talk", "Beginning", "Proficient", "Advanced")
    reader.moodle.grade(talk, ANA, 2.0, feedback="<p>Clear</p>")
    reader.moodle.grade(talk, BEN, 3.0)
    ours = reader.moodle.add_column("7.A")
    reader.moodle.grade(ours, ANA, 3.6)

    def read() -> Counts:
        found = lms_reading.read(
            room.database, reader.outside.gradebook, reader.placement_id, Clock()
        )
        assert found is not None
        return found

    first = read()
    assert (first.works, first.added, first.unknown) == (1, 2, 0)
    assert room.rows(schema.assignment, "title", "minimum", "maximum") == [
        ("Talk", 1.0, 3.0)
    ]
    reader.moodle.grade(talk, BEN, None)
    again = read()
    assert (again.added, again.changed, again.ended) == (0, 0, 1)
    names = {row_id: name for name, row_id in room.people.items()}
    held = room.rows(schema.score, "person_id", "given", "status", "comment")
    assert {(names[who], *rest) for who, *rest in held} == {
        ("ana", 2.0, "active", "Clear"), ("ben", 3.0, "ended", None),
    }  # fmt: skip
