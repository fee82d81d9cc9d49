"""Records are read leniently and written strictly; nothing unknown is lost."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from oneroster.errors import Problem
from oneroster.models import (
    AssessmentResult,
    Category,
    Demographics,
    Enrollment,
    LearningObjectiveResult,
    LearningObjectiveScores,
    LineItem,
    Org,
    Record,
    Result,
    ScoreScale,
    ScoreScaleValue,
    SisClass,
    User,
    format_record,
    parse_record,
    refer,
)
from oneroster.wire import format_moment, parse_moment

USER = {"sourcedId": "u-1", "status": "active"}
RESULT = {
    "sourcedId": "r-1",
    "status": "active",
    "lineItem": {"sourcedId": "l-1"},
    "student": {"sourcedId": "u-1"},
}


def good(kind: type[Record], payload: Mapping[str, object]) -> Record:
    record, problems = parse_record(kind, payload)
    assert problems == ()
    assert record is not None
    return record


def faults(kind: type[Record], payload: object) -> list[tuple[str, str]]:
    record, problems = parse_record(kind, payload)
    assert record is None
    return [(problem.field, problem.code) for problem in problems]


@pytest.mark.parametrize("sent", [True, "true", "TrUe", "TRUE "])
def test_a_boolean_may_be_sent_as_text_in_any_case(sent: object) -> None:
    record = good(User, USER | {"enabledUser": sent})
    assert format_record(record)["enabledUser"] == "true"


@pytest.mark.parametrize("sent", ["yes", "1", 0, "", []])
def test_any_other_boolean_rejects_the_record(sent: object) -> None:
    assert faults(User, USER | {"enabledUser": sent}) == [("enabledUser", "bad_value")]


def test_a_scalar_is_read_as_a_list_of_one() -> None:
    record = good(User, USER | {"grades": "09", "agents": {"sourcedId": "u-2"}})
    assert format_record(record)["grades"] == ["09"]
    assert format_record(record)["agents"] == [{"sourcedId": "u-2", "href": "/u-2"}]


def test_an_identifier_may_be_a_number() -> None:
    assert good(Org, {"sourcedId": 42, "status": "active"}).sourced_id == "42"


def test_words_of_a_vocabulary_are_read_in_any_case() -> None:
    payload = USER | {"roles": [{"role": "STUDENT", "org": "o-1"}]}
    record = good(User, payload)
    assert isinstance(record, User)
    assert record.roles[0].role == "student"
    assert record.roles[0].org.sourced_id == "o-1"


def test_a_word_beyond_the_vocabulary_stays_as_sent() -> None:
    record = good(Org, {"sourcedId": "o", "status": "active", "type": "ext:Campus"})
    assert format_record(record)["type"] == "ext:Campus"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("8", 8.0),
        (9, 9.0),
        (" 7.5 ", 7.5),
        ("", None),
        (None, None),
    ],
)
def test_a_number_may_be_sent_as_text(sent: object, read: float | None) -> None:
    record = good(Result, RESULT | {"score": sent})
    assert isinstance(record, Result)
    assert record.score == read


@pytest.mark.parametrize("sent", ["eight", "NaN", "inf", True, [], 10**400])
def test_what_is_no_number_rejects_the_record(sent: object) -> None:
    assert faults(Result, RESULT | {"score": sent}) == [("score", "bad_value")]


@pytest.mark.parametrize(
    "sent",
    ["2026-08-17", "2026-08-17T00:00:00.000Z", "2026-08-17T23:59:59+02:00"],
)
def test_a_day_may_come_with_a_time(sent: str) -> None:
    record = good(Result, RESULT | {"scoreDate": sent})
    assert isinstance(record, Result)
    assert record.score_date == date(2026, 8, 17)


def test_a_day_may_be_made_from_a_moment() -> None:
    item = refer("lineItem", "l-1")
    result = Result(
        sourced_id="r",
        status="active",
        line_item=item,
        student=refer("user", "u"),
        score_date=datetime(2026, 8, 17, 9, tzinfo=UTC),
    )
    assert result.score_date == date(2026, 8, 17)


def test_an_unreadable_day_rejects_the_record() -> None:
    assert faults(Result, RESULT | {"scoreDate": "17.8."}) == [
        ("scoreDate", "bad_date")
    ]
    assert faults(Result, RESULT | {"scoreDate": 5}) == [("scoreDate", "bad_date")]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-11-22T04:34:45.056Z", datetime(2026, 11, 22, 4, 34, 45, 56000, UTC)),
        ("2026-11-22T04:34:45", datetime(2026, 11, 22, 4, 34, 45, tzinfo=UTC)),
        ("2026-11-22 05:34:45+01:00", datetime(2026, 11, 22, 4, 34, 45, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_a_moment_may_lack_milliseconds_zone_or_time(sent: str, read: datetime) -> None:
    assert parse_moment(sent) == read
    assert good(Org, USER | {"dateLastModified": sent}).date_last_modified == read


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    naive = datetime.fromisoformat("2026-11-22T04:05:06")
    assert format_moment(naive) == "2026-11-22T04:05:06.000Z"
    assert parse_moment(date(2026, 1, 2)) == datetime(2026, 1, 2, tzinfo=UTC)
    assert parse_moment(datetime(2026, 1, 2, tzinfo=UTC)).day == 2


@pytest.mark.parametrize(
    "sent", ["soon", "9999-12-31T00:00:00Z", 7, "0001-01-01T00:00:00+14:00"]
)
def test_an_unreadable_date_last_modified_is_only_a_warning(sent: object) -> None:
    payload = USER | {"dateLastModified": sent}
    record, problems = parse_record(User, payload, file="users", line=3)
    assert record is not None
    assert record.date_last_modified is None
    assert "; ".join(map(str, problems)) == (
        'users line 3 ("u-1"): dateLastModified cannot be read as a date-time; '
        "taken as missing"
    )
    assert problems[0].warning


def test_inactive_is_read_as_to_be_deleted() -> None:
    assert good(Org, {"sourcedId": "o", "status": "Inactive"}).status == "tobedeleted"


@pytest.mark.parametrize("sent", [None, "", "gone", 1, []])
def test_any_other_status_rejects_the_record(sent: object) -> None:
    assert faults(Org, {"sourcedId": "o", "status": sent}) == [("status", "bad_status")]


def test_a_missing_status_rejects_the_record() -> None:
    assert faults(Org, {"sourcedId": "o"}) == [("status", "bad_status")]


@pytest.mark.parametrize("sent", [{}, {"sourcedId": ""}, {"sourcedId": " o "}])
def test_a_record_without_a_sourced_id_is_rejected(sent: dict[str, object]) -> None:
    assert faults(Org, {"status": "active"} | sent) == [("sourcedId", "bad_id")]


def test_a_row_that_is_no_object_is_rejected() -> None:
    _, problems = parse_record(Org, ["o"], file="orgs", line=1)
    assert problems == (Problem("orgs", 1, "", "is not an object", "bad_shape"),)
    assert str(problems[0]) == "orgs line 1: is not an object"


@pytest.mark.parametrize(
    "sent",
    [
        {"givenName": "A\x00"},
        {"metadata": {"x": ["a\x00"]}},
        {"unknown": {"k\x00": 1}},
    ],
)
def test_a_nul_character_rejects_the_record(sent: dict[str, object]) -> None:
    assert [code for _, code in faults(User, USER | sent)] == ["nul"]


def test_what_only_looks_like_a_nul_character_is_kept() -> None:
    sent = USER | {"givenName": r"A\x00", "metadata": {"path": [r"c:\x00"]}}
    assert format_record(good(User, sent))["metadata"] == {"path": [r"c:\x00"]}


def test_a_problem_repeats_no_value() -> None:
    _, problems = parse_record(User, USER | {"givenName": ["Zoltan"], "email": {}})
    assert [problem.text for problem in problems] == ["is not text", "is not text"]


def test_an_enrollment_names_its_user_class_and_role() -> None:
    payload = {"sourcedId": "e", "status": "active", "role": "student"}
    assert faults(Enrollment, payload) == [("user", "missing"), ("class", "missing")]


def test_null_is_read_as_missing() -> None:
    names = ("name", "type", "identifier", "parent", "children", "metadata")
    sent = {"sourcedId": "o", "status": "active"}
    assert good(Org, sent | dict.fromkeys(names)) == good(Org, sent)
    fields = ("enabledUser", "givenName", "grades", "roles", "dateLastModified")
    assert good(User, USER | dict.fromkeys(fields)) == good(User, USER)
    assert good(Result, RESULT | {"scoreStatus": None}) == good(Result, RESULT)
    role = {"role": "aide", "org": {"sourcedId": "o", "href": None}}
    assert good(User, USER | {"roles": [role | {"roleType": None}]}) == (
        good(User, USER | {"roles": [role | {"roleType": "primary"}]})
    )


def test_unknown_fields_survive_a_read_and_a_write() -> None:
    sent: dict[str, object] = {
        "sourcedId": "c-1",
        "status": "active",
        "dateLastModified": "2026-11-22T04:34:44.848Z",
        "title": "",
        "course": {"href": "/courses/k", "sourcedId": "k", "type": "course", "x": 1},
        "terms": [{"href": "/t/1", "type": "academicSession", "sourcedId": "t"}],
        "vendorField": {"nothing": None, "empty": []},
        "emptyVendorField": None,
        "metadata": {"a": None},
    }
    assert format_record(good(SisClass, sent)) == sent


def test_missing_fields_are_left_out_of_what_is_written() -> None:
    demographics = Demographics(sourced_id="u", status="active", sex=None, asian=False)
    assert format_record(demographics) == {
        "sourcedId": "u",
        "status": "active",
        "asian": "false",
    }


def test_a_result_carries_its_learning_objectives() -> None:
    result = AssessmentResult(
        sourced_id="ar-1",
        status="active",
        date_last_modified=datetime(2026, 11, 1, tzinfo=UTC),
        assessment_line_item=refer("assessmentLineItem", "ali-1"),
        student=refer("user", "u-1"),
        score=0.75,
        score_status="fully graded",
        score_date=date(2026, 11, 1),
        learning_objective_set=(
            LearningObjectiveScores(
                source="case",
                learning_objective_results=(
                    LearningObjectiveResult(learning_objective_id="k-1", score=0.75),
                ),
            ),
        ),
    )
    written = format_record(result, href_for=lambda kind, key: f"urn:{kind}:{key}")
    assert written == {
        "sourcedId": "ar-1",
        "status": "active",
        "dateLastModified": "2026-11-01T00:00:00.000Z",
        "assessmentLineItem": {
            "href": "urn:assessmentLineItem:ali-1",
            "sourcedId": "ali-1",
            "type": "assessmentLineItem",
        },
        "student": {"href": "urn:user:u-1", "sourcedId": "u-1", "type": "user"},
        "score": 0.75,
        "scoreStatus": "fully graded",
        "scoreDate": "2026-11-01",
        "learningObjectiveSet": [
            {
                "source": "case",
                "learningObjectiveResults": [
                    {"learningObjectiveId": "k-1", "score": 0.75}
                ],
            }
        ],
    }
    assert format_record(good(AssessmentResult, written)) == written


def test_a_scale_is_written_with_the_odd_names_of_the_standard() -> None:
    step = ScoreScaleValue(item_value_lhs="A", item_value_rhs="94")
    scale = ScoreScale(sourced_id="s", status="active", score_scale_value=(step,))
    assert format_record(scale)["scoreScaleValue"] == [
        {"itemValueLHS": "A", "itemValueRHS": "94"}
    ]


def test_a_line_item_may_come_with_plain_dates_and_a_category_with_a_weight() -> None:
    payload = {
        "sourcedId": "l",
        "status": "active",
        "class": {"sourcedId": "c"},
        "dueDate": "2026-10-01",
    }
    item = good(LineItem, payload)
    assert isinstance(item, LineItem)
    assert item.due_date == datetime(2026, 10, 1, tzinfo=UTC)
    assert faults(LineItem, payload | {"dueDate": "?"}) == [("dueDate", "bad_date")]
    weighted = good(Category, {"sourcedId": "k", "status": "active", "weight": "20"})
    assert format_record(weighted)["weight"] == 20


def test_a_password_shows_in_no_text_of_a_user() -> None:
    assert "s3cret" not in repr(good(User, USER | {"password": "s3cret"}))
