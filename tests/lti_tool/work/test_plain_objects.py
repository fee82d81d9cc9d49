"""Objects staged without a model are the rows that the model would have given."""

from __future__ import annotations

from random import Random
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lti_tool.storage.staging import value_columns
from lti_tool.work.plain_objects import PlainObjects
from lti_tool.work.records import staged_row
from oneroster.dialects import COLLECTIONS, DIALECTS
from oneroster.models import parse_record

REF = [{"sourcedId": "a-1", "type": "class", "href": "/x"}, {"sourcedId": "b"}]
ODD_REF = [{"sourcedId": 7}, {"sourcedId": " a"}, {"href": "/x"}, "bare", 5, {}, ""]
DAY, ODD_DAY = ["2026-10-01", None], ["20261001", "2026-10-01T00:00:00Z", 5, " "]
MOMENT = ["2026-10-01T06:00:00.000Z", None]
ODD_MOMENT = ["2026-10-01", "2026-10-01T06:00:00Z", "9999-01-01T06:00:00.000Z", "x", 1]
NUMBER, ODD_NUMBER = [0, 7, 9.5, None], ["8", float("inf"), True, "x", []]
FLAG, ODD_FLAG = ["true", "false", True, None], ["TRUE", 1, 0, "yes", ""]
TEXT, ODD_TEXT = ["Unit 1", "é", None], ["  ", "\xa0", " a", 5, [], ""]
SET, ODD_SET = [None, []], [[{"source": "case", "learningObjectiveIds": ["x"]}], 0, ""]
LEAST = {"sourcedId": (["r-1", "r-2"], [5, "", " x", None])} | {
    "status": (["active", "tobedeleted"], ["inactive", None, "gone", "ACTIVE"]),
    "dateLastModified": (MOMENT, ODD_MOMENT),
    "metadata": ([None, {}], [{"a": 1}, [], 0, ""]),
}
MARKS = dict.fromkeys(("inProgress", "incomplete", "late", "missing"), (FLAG, ODD_FLAG))
ROLE = {"role": "student", "org": REF[0]}
ROLES = [
    [ROLE],
    [],
    None,
    [ROLE | {"roleType": "secondary", "beginDate": "2026-10-01"}, ROLE],
    [ROLE | {"endDate": "2026-10-01", "userProfile": "p"}],
]
ODD_ROLES = [
    ROLE,
    [ROLE | {"role": "Student"}],
    [ROLE | {"org": None}],
    [ROLE | {"org": "bare"}],
    [ROLE | {"beginDate": "20261001"}],
    [ROLE | {"roleType": None}, "x"],
    [ROLE | {"roleType": ""}],
    [ROLE | {"status": "tobedeleted"}],
]
LIST, ODD_LIST = [["07"], [], None, ["07", " é "]], ["07", [7], "", [None], {}]
IDS = [[{"type": "SIS", "identifier": "1"}, {"identifier": ""}], [], None]
ODD_IDS = [["x"], {"identifier": "1"}, [{"type": None, "identifier": 5}], ""]
REFS, ODD_REFS = [[REF[0], REF[1]], [], None], [["bare"], REF[0], [{}], ""]
FIELDS: dict[str, dict[str, tuple[list[Any], list[Any]]]] = {
    "users": {
        "enabledUser": (FLAG, ODD_FLAG),
        "roles": (ROLES, ODD_ROLES),
        "role": ([None], ["teacher"]),
        "orgs": ([None], [[REF[0]]]),
        "grades": (LIST, ODD_LIST),
        "userIds": (IDS, ODD_IDS),
        "agents": (REFS, ODD_REFS),
        "resources": (REFS, ODD_REFS),
        "primaryOrg": ([*REF, None], ODD_REF),
        "userProfiles": ([[], None], [[{"profileId": "p"}], "x"]),
        **dict.fromkeys(
            ("username", "givenName", "familyName", "middleName", "email", "sms"),
            (TEXT, ODD_TEXT),
        ),
        **dict.fromkeys(
            ("preferredFirstName", "preferredLastName", "identifier", "password"),
            (TEXT, ODD_TEXT),
        ),
    },
    "enrollments": {
        "class": (REF, ODD_REF),
        "user": (REF, ODD_REF),
        "school": ([*REF, None], ODD_REF),
        "role": (["student", "teacher"], ["Student", "ext:x", None, 4]),
        "primary": (FLAG, ODD_FLAG),
        "beginDate": (DAY, ODD_DAY),
        "endDate": (DAY, ODD_DAY),
    },
    "lineItems": {
        "class": (REF, ODD_REF),
        "school": ([*REF, None], ODD_REF),
        "category": ([*REF, None], ODD_REF),
        "academicSession": ([*REF, None], ODD_REF),
        "gradingPeriod": ([None], REF),
        "scoreScale": ([*REF, None], ODD_REF),
        "title": (TEXT, ODD_TEXT),
        "description": (TEXT, ODD_TEXT),
        "assignDate": (MOMENT, ODD_MOMENT),
        "dueDate": (MOMENT, ODD_MOMENT),
        "resultValueMin": (NUMBER, ODD_NUMBER),
        "resultValueMax": (NUMBER, ODD_NUMBER),
        "learningObjectiveSet": (SET, ODD_SET),
    },
    "results": {
        "lineItem": (REF, ODD_REF),
        "student": (REF, ODD_REF),
        "class": ([*REF, None], ODD_REF),
        "scoreScale": ([*REF, None], ODD_REF),
        "score": (NUMBER, ODD_NUMBER),
        "textScore": (TEXT, ODD_TEXT),
        "scoreStatus": (["exempt", "fully graded", None], ["EXEMPT", "x", ""]),
        "scoreDate": (DAY, ODD_DAY),
        "comment": (TEXT, ODD_TEXT),
        "learningObjectiveSet": (SET, ODD_SET),
    }
    | MARKS,
}


def made(collection: str, random: Random, odd: float) -> dict[str, Any]:
    found = {}
    for field, pools in (LEAST | FIELDS[collection]).items():
        pool = pools[random.random() < odd]
        if random.random() >= odd / 2:
            found[field] = random.choice(pool)
    return found


def compare(
    collection: str, objects: list[dict[str, Any]], version: Literal["1.1", "1.2"]
) -> int:
    reader = PlainObjects(collection, value_columns(collection))
    plain = 0
    for sent, staged in zip(objects, reader.rows(objects), strict=True):
        if staged is None:
            continue
        plain += 1
        shaped = DIALECTS[version].upgrade(collection, sent)
        record, problems = parse_record(COLLECTIONS[collection].kind, shaped)
        assert (record is not None, problems) == (True, ())
        assert record is not None
        assert staged == staged_row(collection, record)
    return plain


@pytest.mark.parametrize("collection", [*FIELDS])
def test_plain_objects_are_staged_without_a_model(collection: str) -> None:
    fields = (LEAST | FIELDS[collection]).items()
    objects = [
        {field: plain[turn % len(plain)] for field, (plain, _) in fields}
        for turn in range(12)
    ]
    assert compare(collection, objects, "1.2") == 12


@pytest.mark.parametrize("collection", [*FIELDS])
@settings(max_examples=60, suppress_health_check=[HealthCheck.large_base_example])
@given(
    random=st.randoms(use_true_random=False),
    version=st.sampled_from(["1.1", "1.2"]),
    odd=st.sampled_from([0.02, 0.1]),
)
def test_whatever_the_object_both_ways_give_the_same_row(
    collection: str, random: Random, version: Literal["1.1", "1.2"], odd: float
) -> None:
    objects = [made(collection, random, odd) for _ in range(12)]
    compare(collection, objects, version)
