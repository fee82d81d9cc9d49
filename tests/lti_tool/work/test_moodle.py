"""Competency ratings in a Moodle on a real socket: found, given, read back, kept."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lti_tool.errors import ConfigError
from lti_tool.platforms.moodle_scales import (
    Choice,
    Items,
    Levels,
    RatingScale,
    ScaleUnmappedError,
    items_for,
    proposal,
)
from lti_tool.platforms.moodle_shelf import Node, description, short_name
from lti_tool.settings import Settings
from lti_tool.storage import curriculum, requeue, scale_maps, schema, secrets
from lti_tool.work import (
    decisions,
    delivery,
    forecasts,
    outcome_needs,
    reconciling,
)
from lti_tool.work import scale_maps as work
from lti_tool.work.competencies import COLUMNS, format_import
from lti_tool.work.inspection import prepare
from lti_tool.work.outside import Outside
from lti_tool.work.platforms import Author
from mappings.frameworks import Association, Competency, Framework
from mappings.scales import FOUR
from tests.lti_tool.work.conftest import NOON, Classroom, Clock, Proxy
from tests.lti_tool.work.moodle import SERVICE_USER, PretendMoodle
from tests.ports import free_port

SUBJECTS = {"ana": 101, "ben": 102, "eva": 103}
GRADE = "core_competency_grade_competency_in_course"
REPORT = "report_competency_data_for_report"
KEY = b"k" * 32


@dataclass
class Ratings:
    """The class, and the Moodle its levels go to."""

    room: Classroom
    moodle: PretendMoodle
    proxy: Proxy
    outside: Outside
    clock: Clock
    settings: Settings
    registration_id: int

    def deliver(self) -> dict[str, int]:
        self.moodle.calls.clear()
        return dict(
            delivery.deliver(self.room.database, self.outside.connect, self.clock)
        )

    def reconcile(self) -> reconciling.Reconciliation:
        return reconciling.reconcile(
            self.room.database, self.outside.connect, self.clock, who="test"
        )

    def check(self) -> dict[str, tuple[str, str]]:
        """What the live check finds and says, by its name."""
        look = prepare(
            self.room.database, self.settings, self.registration_id, self.clock
        )
        return {
            one.name: (one.finding, one.text) for one in outcome_needs.check_needs(look)
        }

    def place(self, *said: str, course_id: int | None = None) -> tuple[list[int], int]:
        """Say which items of scale 2 the levels are; nothing said: the proposal.

        Returns the items, and how many deliveries go on.
        """
        with self.room.database.write() as session:
            met, items = work.find(session, self.registration_id, 2, said)
            by = Author("test", NOON)
            freed = work.choose(
                session, self.registration_id, met, items, by=by, course_id=course_id
            )
        return items, freed

    def release(self) -> None:
        """What `outcomes deliver` does first."""
        with self.room.database.write() as session:
            requeue.release(session, self.clock())


@pytest.fixture
def ratings(room: Classroom, serve: Callable[..., str], tmp_path: Path) -> Ratings:
    key_file = tmp_path / "secret.key"
    key_file.write_bytes(KEY)
    settings = Settings(
        data_dir=tmp_path, secret_key_file=key_file, local_network="127.0.0.1"
    )
    moodle = PretendMoodle(students=set(SUBJECTS.values()))
    proxy, port = Proxy(moodle.app), free_port()
    serve(proxy, port)
    registration_id = room.insert(
        schema.registration,
        name="moodle",
        issuer="https://moodle.example",
        client_id="c",
        auth_url="https://moodle.example/a",
        token_url="https://moodle.example/t",  # noqa: S106 -- an address
        jwks_url="https://moodle.example/k",
        vendor="moodle",
        status="active",
        outcomes_url=f"http://127.0.0.1:{port}",
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
    room.insert(
        schema.placement,
        deployment_id=deployment_id,
        context_id=str(moodle.course),
        course_id=room.course_id,
        seen_at=NOON,
    )
    for name, subject in SUBJECTS.items():
        room.insert(
            schema.lms_user,
            registration_id=registration_id,
            subject=str(subject),
            person_id=room.people[name],
            seen_at=NOON,
        )
    fill(room)
    outside = Outside(settings, room.database)
    return Ratings(room, moodle, proxy, outside, Clock(), settings, registration_id)


def fill(room: Classroom) -> None:
    """Three levels of one competency: Advanced, Developing, Advanced."""
    room.add_assignment("quiz", "7.A")
    for student, points in (("ana", 9.0), ("ben", 5.0), ("eva", 10.0)):
        room.score(student, "quiz", points)
    room.refresh()


def curriculum_of(ratings: Ratings) -> list[str]:
    """The destinations that are on."""
    with ratings.room.database.read() as session:
        return curriculum.load_destinations(session, ratings.room.course_id)


def rescore(ratings: Ratings, student: str, points: float | None) -> None:
    ratings.room.score(student, "quiz", points, days_ago=0)
    ratings.room.refresh()


SHOWN = {
    (101, "guid-7.A"): "Advanced",
    (102, "guid-7.A"): "Developing",
    (103, "guid-7.A"): "Advanced",
}


def test_nothing_is_rated_until_the_destination_is_switched_on(
    ratings: Ratings,
) -> None:
    assert ratings.deliver() == {}
    assert ratings.moodle.calls == []


def test_levels_stand_as_ratings_and_are_read_back(ratings: Ratings) -> None:
    ratings.room.switch("moodle")
    assert ratings.deliver() == {"delivered": 3}
    assert ratings.moodle.shown() == SHOWN
    found = ratings.reconcile()
    assert (found.read_back, found.differences) == ({"moodle": 3}, ())
    (framework,) = ratings.moodle.frameworks
    assert (framework["idnumber"], framework["scaleid"]) == ("fw", 5)
    assert json.loads(framework["scaleconfiguration"])[3] == {
        "id": 3, "scaledefault": 1, "proficient": 1,
    }  # fmt: skip
    (competency,) = ratings.moodle.competencies
    assert (competency["idnumber"], competency["shortname"]) == ("guid-7.A", "7.A")
    assert competency["description"] == "Statement 7.A"
    (note,) = {one["note"] for one in ratings.moodle.evidence if one["user"] == 101}
    assert note == (
        "MasteryBridge: Advanced, rule latest, pieces of evidence: 1, as of 2026-11-24"
    )


def test_a_rating_that_stands_already_is_not_given_again(ratings: Ratings) -> None:
    ratings.room.switch("moodle")
    ratings.deliver()
    # Another number, the same level: Moodle would keep nothing new of it.
    rescore(ratings, "eva", 9.5)
    assert ratings.deliver() == {}
    for row_id, *_rest in ratings.room.rows(schema.delivery, "id"):
        ratings.room.change(schema.delivery, row_id, state="pending")
    assert ratings.deliver() == {"delivered": 3}
    assert Counter(ratings.moodle.calls)[GRADE] == 0
    assert len(ratings.moodle.evidence) == 3


def test_students_are_read_once_and_read_back_once_for_all_competencies(
    ratings: Ratings,
) -> None:
    ratings.room.add_assignment("essay", "7.B")
    for student in SUBJECTS:
        ratings.room.score(student, "essay", 6.0)
    ratings.room.refresh()
    ratings.room.switch("moodle")
    assert ratings.deliver() == {"delivered": 6}
    assert Counter(ratings.moodle.calls)[REPORT] == 6
    assert Counter(ratings.moodle.calls)[GRADE] == 6


def test_what_scores_bring_goes_out_student_by_student(ratings: Ratings) -> None:
    """By the hundred: a student's levels apart would be read for each of them."""
    room = ratings.room
    for destination in ("moodle", "ags"):
        room.switch(destination)
    room.add_assignment("essay", "7.B")
    for student in SUBJECTS:
        room.score(student, "essay", 6.0)
        room.score(student, "quiz", 1.0, days_ago=0)
    room.refresh()
    found = room.rows(
        schema.delivery, "id", "destination", "person_id", "competency_id"
    )
    new = [row[1:] for row in found[-12:]]
    ratings_out = [row[1:] for row in new if row[0] == "moodle"]
    grades_out = [row[:0:-1] for row in new if row[0] == "ags"]
    assert len(ratings_out) == len(grades_out) == 6
    assert (ratings_out, grades_out) == (sorted(ratings_out), sorted(grades_out))


def test_a_teachers_rating_is_kept_and_is_a_conflict(ratings: Ratings) -> None:
    ratings.room.switch("moodle")
    ratings.deliver()
    (number,) = ratings.moodle.linked
    ratings.moodle.rate(101, number, 2)
    # She gave what we once gave ourselves; that it is hers is told all the same.
    ratings.moodle.rate(102, number, 3)
    assert [(one.ours, one.theirs) for one in ratings.reconcile().differences] == [
        (4.0, 2.0), (2.0, 3.0),
    ]  # fmt: skip
    rescore(ratings, "ana", 1.0)
    rescore(ratings, "ben", 8.0)
    rescore(ratings, "ben", 10.0)
    assert ratings.deliver() == {"conflict": 2}
    assert ratings.moodle.shown()[101, "guid-7.A"] == "Developing"
    assert ratings.moodle.shown()[102, "guid-7.A"] == "Proficient"
    reasons = {row[0] for row in ratings.room.rows(schema.delivery, "reason")}
    assert (
        '"Developing" stands there and 4 came from us: a person set it, so it is kept'
        in reasons
    )


@pytest.mark.parametrize("decide", ["take", "send"])
def test_a_person_decides_which_of_two_ratings_stands(
    ratings: Ratings, decide: str
) -> None:
    room = ratings.room
    # Levels that do not lie where their numbers would: 2 of 3 is "Way" all the same.
    levels = [
        {"name": "Start", "cut": 0.0, "points": 1.0},
        {"name": "Way", "cut": 0.2, "points": 2.0},
        {"name": "There", "cut": 0.3, "points": 3.0},
    ]
    room.change(schema.course, room.course_id, scale=levels, mastery_cut=0.3)
    ratings.moodle.scales[6] = ["start", "way", "there"]
    room.refresh()
    room.switch("moodle")
    ratings.deliver()
    ratings.moodle.rate(101, ratings.moodle.linked[0], 2)
    rescore(ratings, "ana", 1.0)
    assert ratings.deliver() == {"conflict": 1}
    row_id = room.rows(schema.delivery, "id")[-1][0]
    act = {"take": decisions.take_theirs, "send": decisions.send_again}[decide]
    with room.database.write() as session:
        act(session, row_id, who="person:1", now=NOON)
    ratings.deliver()
    assert ratings.moodle.shown()[101, "guid-7.A"] == {
        "take": "way", "send": "start",
    }[decide]  # fmt: skip
    found = room.rows(schema.attainment, "person_id", "level_name")
    assert (room.people["ana"], {"take": "Way", "send": "Start"}[decide]) in found


def test_a_framework_of_the_school_is_used_by_code_and_by_its_own_scale(
    ratings: Ratings,
) -> None:
    framework = ratings.moodle.add_framework("district", 2, {2})
    ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    ratings.room.switch("moodle")
    # Nobody is rated on a scale of other items before the school said what they mean.
    assert ratings.deliver() == {"blocked": 3}
    ((code, reason),) = set(ratings.room.rows(schema.delivery, "code", "reason"))
    assert code == "scale_unmapped"
    assert "(Not yet competent, Competent)" in reason
    assert "(Beginning, Developing, Proficient, Advanced)" in reason
    assert ratings.check()["outcomes:scales"][0] == "scales_unmapped"
    assert ratings.place() == ([1, 1, 2, 2], 3)
    assert ratings.check()["outcomes:scales"][1] == (
        "Every level has its item on the scales of the courses that send there "
        "(courses: 1, scales: 1)."
    )
    assert ratings.deliver() == {"delivered": 3}
    assert set(ratings.moodle.shown().values()) == {"Not yet competent", "Competent"}
    assert len(ratings.moodle.competencies) == 1
    assert ratings.reconcile().differences == ()
    # Beginning and Developing are one item here: the step between them is none there.
    rescore(ratings, "ben", 1.0)
    assert ratings.deliver() == {"delivered": 1}
    assert len(ratings.moodle.evidence) == 3
    # What was read back is the level that was told, whatever else the item says.
    assert set(ratings.room.rows(schema.delivery, "value", "read_back")) == {
        (4.0, 4.0), (2.0, 2.0), (1.0, 1.0),
    }  # fmt: skip


def test_a_plan_says_of_each_competency_that_its_scale_waits(ratings: Ratings) -> None:
    """One that waits hides no other; and the school is asked as soon as one looks."""
    framework = ratings.moodle.add_framework("district", 2, {2})
    ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    room = ratings.room
    room.add_assignment("essay", "7.B")
    for student in SUBJECTS:
        room.score(student, "essay", 6.0)
    room.refresh()
    found = forecasts.forecast(
        room.database, ratings.outside.connect, ratings.clock, "moodle", room.course_id
    )
    assert Counter(
        (one.action, "(Not yet competent, Competent)" in (one.reason or ""))
        for one in found
    ) == {("blocked", True): 3, ("add", False): 3}
    assert (ratings.moodle.ratings, ratings.moodle.linked) == ({}, [])
    assert ratings.place() == ([1, 1, 2, 2], 0)


def test_what_was_said_of_a_scale_ends_when_its_items_are_others(
    ratings: Ratings,
) -> None:
    framework = ratings.moodle.add_framework("district", 2, {2})
    ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    ratings.room.switch("moodle")
    ratings.deliver()
    ratings.place("Beginning=1", "Developing=1", "Proficient=1", "advanced=competent")
    assert ratings.deliver() == {"delivered": 3}
    assert ratings.moodle.shown()[102, "D-7A"] == "Not yet competent"
    ratings.moodle.scales[2] = ["No", "Nearly", "Yes"]
    rescore(ratings, "ana", 8.0)
    assert ratings.deliver() == {"blocked": 1}
    with ratings.room.database.read() as session:
        (met,) = scale_maps.load_scales(session, ratings.registration_id)
    assert (met.names, met.items) == (("No", "Nearly", "Yes"), None)


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_a_course_may_mean_something_else_by_the_items(ratings: Ratings) -> None:
    framework = ratings.moodle.add_framework("district", 2, {2})
    ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    ratings.room.switch("moodle")
    ratings.deliver()
    ratings.place()
    course = ratings.room.course_id
    ratings.place("1=1", "2=2", "3=2", "4=2", course_id=course)
    assert ratings.deliver() == {"delivered": 3}
    assert set(ratings.moodle.shown().values()) == {"Competent"}
    assert curriculum_of(ratings) == ["moodle"]  # on before, on still


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (["Beginning=1"], "missing: Developing, Proficient, Advanced"),
        (["1=2", "2=1", "3=2", "4=2"], "a higher level is a higher item"),
        (["1=1", "2=1", "3=Perhaps", "4=2"], 'there is no item "Perhaps"'),
        (["1=1", "2=1", "3=1", "4=1", "5=2"], 'there is no level "5"'),
    ],
)
def test_levels_are_placed_whole_and_in_order(
    ratings: Ratings, said: list[str], fault: str
) -> None:
    framework = ratings.moodle.add_framework("district", 2, {2})
    ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    ratings.room.switch("moodle")
    ratings.deliver()
    with pytest.raises(ConfigError, match=fault):
        ratings.place(*said)


@pytest.mark.parametrize(
    ("points", "rated", "level"),
    [(5.0, 2, "Proficient"), (10.0, 1, "Developing")],
    ids=["up", "down"],
)
def test_their_item_is_taken_as_the_level_next_to_ours(
    ratings: Ratings, points: float, rated: int, level: str
) -> None:
    framework = ratings.moodle.add_framework("district", 2, {2})
    number = ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    ratings.room.switch("moodle")
    ratings.deliver()
    ratings.place()
    rescore(ratings, "ana", points)
    ratings.deliver()
    ratings.moodle.rate(101, number, rated)
    (found,) = ratings.reconcile().differences
    with ratings.room.database.write() as session:
        decisions.take_theirs(session, found.delivery_id, who="person:1", now=NOON)
    found_levels = ratings.room.rows(schema.attainment, "person_id", "level_name")
    assert (ratings.room.people["ana"], level) in found_levels
    assert ratings.reconcile().differences == ()


def test_undoing_gives_a_teachers_rating_back_as_hers(ratings: Ratings) -> None:
    """Undone, what stands there is set by our account and is hers all the same."""
    room = ratings.room
    framework = ratings.moodle.add_framework("district", 2, {2})
    number = ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    ratings.moodle.linked.append(number)
    ratings.moodle.rate(102, number, 2)
    room.switch("moodle")
    ratings.deliver()
    ratings.place()
    assert ratings.deliver() == {"delivered": 2, "conflict": 1}
    row_id = next(
        row_id
        for row_id, state in room.rows(schema.delivery, "id", "state")
        if state == "conflict"
    )
    with room.database.write() as session:
        sent = decisions.send_again(session, row_id, who="person:1", now=NOON)
    assert ratings.deliver() == {"delivered": 1}
    assert ratings.moodle.shown()[102, "D-7A"] == "Not yet competent"
    with room.database.write() as session:
        decisions.undo(session, sent, who="person:1", now=NOON)
    assert ratings.deliver() == {"delivered": 1}
    assert ratings.moodle.ratings[102, number] == (2, SERVICE_USER)
    rescore(ratings, "ben", 1.0)
    assert ratings.deliver() == {"conflict": 1}
    assert ratings.moodle.shown()[102, "D-7A"] == "Competent"


def test_undoing_gives_our_own_earlier_rating_back_as_ours(ratings: Ratings) -> None:
    room = ratings.room
    framework = ratings.moodle.add_framework("district", 2, {2})
    ratings.moodle.add_competency(framework, shortname="7.A", idnumber="D-7A")
    room.switch("moodle")
    ratings.deliver()
    ratings.place()
    rescore(ratings, "ana", 8.0)  # Proficient: one item with Advanced
    ratings.deliver()
    rescore(ratings, "ana", 1.0)
    ratings.deliver()
    row_id = room.rows(schema.delivery, "id")[-1][0]
    with room.database.write() as session:
        decisions.undo(session, row_id, who="person:1", now=NOON)
    ratings.deliver()
    assert ratings.moodle.shown()[101, "D-7A"] == "Competent"
    rescore(ratings, "ana", 5.0)
    assert ratings.deliver() == {"delivered": 1}
    assert ratings.moodle.shown()[101, "D-7A"] == "Not yet competent"


def test_a_competency_may_have_a_scale_of_its_own(ratings: Ratings) -> None:
    framework = ratings.moodle.add_framework("fw", 2, {2})
    scale = json.dumps(
        [
            {"scaleid": "5"},
            *({"id": at, "proficient": int(at > 2)} for at in (1, 2, 3, 4)),
        ]
    )
    ratings.moodle.add_competency(
        framework, idnumber="guid-7.A", scaleid=5, scaleconfiguration=scale
    )
    ratings.room.switch("moodle")
    assert ratings.deliver() == {"delivered": 3}
    assert ratings.moodle.shown() == SHOWN


def test_without_a_scale_of_our_levels_nothing_is_made(ratings: Ratings) -> None:
    del ratings.moodle.scales[5]
    ratings.room.switch("moodle")
    assert ratings.deliver() == {"blocked": 3}
    assert ratings.moodle.frameworks == []
    ((code, reason),) = set(ratings.room.rows(schema.delivery, "code", "reason"))
    assert code == "no_scale"
    assert "framework export --format moodle" in reason


def test_a_rating_cannot_be_taken_back(ratings: Ratings) -> None:
    ratings.room.switch("moodle")
    ratings.deliver()
    ratings.room.set_rule("n_mastery", 3)
    ratings.room.refresh()
    assert ratings.deliver() == {"blocked": 3}
    assert ratings.moodle.shown() == SHOWN
    assert ratings.room.deliveries()[-1][3:] == ("blocked", "not_cleared")


def test_a_student_who_left_moodle_is_blocked_alone(ratings: Ratings) -> None:
    ratings.moodle.students.discard(102)
    ratings.room.switch("moodle")
    assert ratings.deliver() == {"delivered": 2, "blocked": 1}
    assert ("moodle", "ben", 2.0, "blocked", "not_rated") in ratings.room.deliveries()


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda moodle: setattr(moodle, "token", "other"), "auth"),
        (lambda moodle: setattr(moodle, "may_enter", False), "forbidden"),
        (lambda moodle: moodle.functions.discard(GRADE), "forbidden"),
    ],
    ids=["token", "course", "function"],
)
def test_what_a_person_must_mend_blocks_and_is_sent_once_it_is_mended(
    ratings: Ratings, break_it: Callable[[PretendMoodle], object], code: str
) -> None:
    ratings.room.switch("moodle")
    token, functions = ratings.moodle.token, set(ratings.moodle.functions)
    break_it(ratings.moodle)
    assert ratings.deliver() == {"blocked": 3}
    codes = {row[4] for row in ratings.room.deliveries()}
    reasons = {row[0] for row in ratings.room.rows(schema.delivery, "reason")}
    assert codes == {code}
    assert token not in str(reasons)
    ratings.moodle.token, ratings.moodle.functions = token, functions
    ratings.moodle.may_enter = True
    ratings.release()
    assert ratings.deliver() == {"delivered": 3}


@pytest.mark.parametrize(
    "fault",
    [
        {"forwards": True, "drops": True},
        {"status": "503 Service Unavailable", "headers": (("Retry-After", "1"),)},
        {"status": "200 OK", "media_type": "text/html", "body": b"<p>upgrade</p>"},
        {
            "status": "200 OK",
            "body": b'{"exception":"x","errorcode":"dmlwriteexception","message":"m"}',
        },
    ],
)
def test_a_passing_fault_ends_with_one_rating_each(
    ratings: Ratings, fault: dict[str, object]
) -> None:
    ratings.room.switch("moodle")
    ratings.proxy.play("POST", "server.php", times=6, **fault)
    for _round in range(8):
        ratings.deliver()
        ratings.clock.move(seconds=80)
    assert {row[3] for row in ratings.room.deliveries()} == {"delivered"}
    assert ratings.moodle.shown() == SHOWN
    assert len(ratings.moodle.evidence) == 3
    assert len(ratings.moodle.competencies) == 1


def test_the_check_names_every_function_and_right_that_is_missing(
    ratings: Ratings,
) -> None:
    assert [one[0] for one in ratings.check().values()] == [
        "functions_there", "rights_there", "making_there", "scales_none",
    ]  # fmt: skip
    ratings.moodle.functions -= {REPORT, "core_competency_create_competency"}
    ratings.moodle.denied = {
        GRADE: "Set competency rating",
        "core_competency_add_competency_to_course": "Manage course competencies",
    }
    found = ratings.check()
    assert found["outcomes:functions"] == (
        "functions_lack", f"The service of mbservice lacks functions: {REPORT}.",
    )  # fmt: skip
    finding, text = found["outcomes:rights"]
    assert finding == "rights_lack"
    assert "moodle/competency:usercompetencyview + moodle/competency:compe" in text
    assert "moodle/competency:coursecompetencymanage" in text
    assert "(Set competency rating)" in text
    assert found["outcomes:making"][0] == "making_lacks"
    assert "core_competency_create_competency" in found["outcomes:making"][1]
    ratings.moodle.may_enter = False
    assert (
        "lacks a right in the course opened last: moodle/course:view. The"
        in (ratings.check()["outcomes:rights"][1])
    )
    # Looking changed nothing there.
    moodle = ratings.moodle
    assert (moodle.frameworks, moodle.linked, moodle.ratings) == ([], [], {})


FOUR_LEVELS = Levels(("Beginning", "Developing", "Proficient", "Advanced"), 2)


@pytest.mark.parametrize(
    ("names", "proficient", "items"),
    [
        (("beginning", "Developing", "Proficient", "Advanced"), {3, 4}, (1, 2, 3, 4)),
        (("None", *FOUR_LEVELS.names), {5}, (2, 3, 4, 5)),
        (("Not yet", "Yes"), {2}, (1, 1, 2, 2)),
        (("1", "2", "3"), {3}, (1, 2, 3, 3)),
        (("1", "2", "3"), {2, 3}, (1, 1, 2, 3)),
        (("1", "2", "3", "4", "5", "6"), {4, 5, 6}, (1, 3, 4, 6)),
        (("A", "B"), {1, 2}, (1, 1, 1, 2)),
        (("Yes", "No"), {1}, (1, 1, 1, 2)),
        (("Seen",), {1}, (1, 1, 1, 1)),
    ],
)  # fmt: skip
def test_an_item_is_proposed_for_each_level(
    names: tuple[str, ...], proficient: set[int], items: tuple[int, ...]
) -> None:
    scale = RatingScale(names, frozenset(proficient), 7)
    assert proposal(FOUR_LEVELS, scale) == items
    said = Choice(7, names, FOUR_LEVELS.names, items)
    assert items_for(FOUR_LEVELS, scale, [said]) == Items(scale, items)


def test_only_items_of_our_names_need_nobody_to_say_so() -> None:
    ours = RatingScale(("None", *FOUR_LEVELS.names), frozenset({4, 5}), 7)
    assert items_for(FOUR_LEVELS, ours) == Items(ours, (2, 3, 4, 5))
    # Our names, and one before another that we have after it: they mean other things.
    mixed = RatingScale(FOUR_LEVELS.names[::-1], frozenset({4}), 7)
    with pytest.raises(ScaleUnmappedError, match="Advanced, Proficient, Developing"):
        items_for(FOUR_LEVELS, mixed)


def test_a_long_statement_is_kept_whole_and_named_short() -> None:
    text = "Use the symbols <, > & = " * 30
    node = Node("guid", "", text, None)
    assert short_name(node).startswith("Use the symbols \u2039, \u203a & =")
    assert len(short_name(node)) <= 100
    assert short_name(node).endswith("…")
    assert description(text).startswith("Use the symbols &lt;, &gt; &amp; =")
    assert description(text).count("Use") == 30


def test_the_import_file_has_the_scale_and_every_competency_below_its_parent() -> None:
    framework = Framework(
        "fw-1",
        title="Grade 7",
        competencies=(
            Competency("leaf", statement="Add <em>all</em> & more", human_code="7.1"),
            Competency("root", statement="Numbers"),
        ),
        associations=(
            Association("a1", "isChildOf", "leaf", "root"),
            Association("a2", "isChildOf", "root", "fw-1"),
        ),
    )
    rows = list(csv.reader(io.StringIO(format_import(framework, FOUR), newline="")))
    head, frame, root, leaf = rows
    assert tuple(head) == COLUMNS
    assert (frame[1], frame[5], frame[12]) == (
        "fw-1", "Beginning,Developing,Proficient,Advanced", "1",
    )  # fmt: skip
    assert root[:4] == ["", "root", "Numbers", "Numbers"]
    assert leaf[:4] == ["root", "leaf", "7.1", "Add all &amp; more"]
