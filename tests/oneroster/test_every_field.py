"""Every field of every object has a name of ours; none is merely carried along.

Source: facts of OneRoster 1.1 and 1.2 REST, tables of the information models.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from oneroster.dialects import COLLECTIONS, DIALECTS, downgrade, upgrade
from oneroster.models import Part, Record, format_record, parse_record

Row = dict[str, Any]
DAY = "2026-09-01"
MOMENT = "2026-09-01T08:00:00.000Z"


def ref(kind: str, sourced_id: str = "x-1") -> Row:
    return {
        "href": f"https://s.example/{kind}/{sourced_id}",
        "sourcedId": sourced_id,
        "type": kind,
    }


BASE: Row = {
    "sourcedId": "a-1",
    "status": "active",
    "dateLastModified": MOMENT,
    "metadata": {"vendor.code": "7", "deep": {"list": [1, 2]}},
}
PERSON: Row = {
    "username": "ada",
    "userIds": [{"type": "LDAP", "identifier": "al"}],
    "enabledUser": "true",
    "givenName": "Ada",
    "familyName": "Lovelace",
    "middleName": "K",
    "identifier": "77",
    "email": "a@s.example",
    "sms": "1",
    "phone": "2",
    "agents": [ref("user")],
    "grades": ["09", "10"],
    "password": "pw",
}
SUBJECTS: Row = {
    "grades": ["09"],
    "subjects": ["Algebra"],
    "subjectCodes": ["A1"],
    "resources": [ref("resource")],
}
FLAGS: Row = dict.fromkeys(("inProgress", "incomplete", "late", "missing"), "false")
RACES = (
    "americanIndianOrAlaskaNative",
    "asian",
    "blackOrAfricanAmerican",
    "nativeHawaiianOrOtherPacificIslander",
    "white",
    "demographicRaceTwoOrMoreRaces",
    "hispanicOrLatinoEthnicity",
)
OBJECTIVES: Row = {
    "learningObjectiveSet": [{"source": "case", "learningObjectiveIds": ["i-1"]}]
}
SCORED: Row = {
    "student": ref("user"),
    "score": 7.5,
    "scoreDate": DAY,
    "scoreStatus": "fully graded",
    "comment": "well",
}
SCORED_1_2: Row = {
    **SCORED,
    **FLAGS,
    "textScore": "B",
    "scoreScale": ref("scoreScale"),
    "learningObjectiveSet": [
        {
            "source": "case",
            "learningObjectiveResults": [
                {"learningObjectiveId": "i-1", "score": 3.0, "textScore": "meets"}
            ],
        }
    ],
}
WORK: Row = {
    "title": "Quiz",
    "description": "one",
    "assignDate": MOMENT,
    "dueDate": MOMENT,
    "class": ref("class"),
    "category": ref("category"),
    "gradingPeriod": ref("academicSession"),
    "resultValueMin": 0.0,
    "resultValueMax": 10.0,
}

SAME_IN_BOTH: Mapping[str, Row] = {
    "orgs": {
        "name": "North",
        "type": "school",
        "identifier": "9",
        "parent": ref("org"),
        "children": [ref("org")],
    },
    "academicSessions": {
        "title": "Fall",
        "startDate": DAY,
        "endDate": DAY,
        "type": "gradingPeriod",
        "schoolYear": "2027",
        "parent": ref("academicSession"),
        "children": [ref("academicSession")],
    },
    "courses": {
        "title": "Algebra",
        "schoolYear": ref("academicSession"),
        "courseCode": "A1",
        "org": ref("org"),
        **SUBJECTS,
    },
    "classes": {
        "title": "Algebra 1",
        "classCode": "A1-1",
        "classType": "homeroom",
        "location": "R2",
        "course": ref("course"),
        "school": ref("org"),
        "terms": [ref("academicSession")],
        "periods": ["1", "2"],
        **SUBJECTS,
    },
    "enrollments": {
        "user": ref("user"),
        "class": ref("class"),
        "school": ref("org"),
        "role": "proctor",
        "primary": "false",
        "beginDate": DAY,
        "endDate": DAY,
    },
    "demographics": {
        "birthDate": DAY,
        "sex": "female",
        **dict.fromkeys(RACES, "false"),
        "countryOfBirthCode": "US",
        "stateOfBirthAbbreviation": "NY",
        "cityOfBirth": "Albany",
        "publicSchoolResidenceStatus": "01652",
    },
    "resources": {
        "title": "Book",
        "roles": ["teacher", "student"],
        "importance": "primary",
        "vendorResourceId": "v-1",
        "vendorId": "v",
        "applicationId": "a",
    },
}
IN_1_1: Mapping[str, Row] = {
    **SAME_IN_BOTH,
    "users": {**PERSON, "role": "guardian", "orgs": [ref("org"), ref("org", "x-2")]},
    "categories": {"title": "Quizzes"},
    "lineItems": WORK,
    "results": {**SCORED, "lineItem": ref("lineItem")},
}
IN_1_2: Mapping[str, Row] = {
    **SAME_IN_BOTH,
    "users": {
        **PERSON,
        "userMasterIdentifier": "m-1",
        "preferredFirstName": "A",
        "preferredMiddleName": "B",
        "preferredLastName": "C",
        "pronouns": "she/her",
        "roles": [
            {
                "roleType": "secondary",
                "role": "counselor",
                "org": ref("org"),
                "userProfile": "https://s.example/p/1",
                "beginDate": DAY,
                "endDate": DAY,
            }
        ],
        "userProfiles": [
            {
                "profileId": "https://s.example/p/1",
                "profileType": "sign-in",
                "vendorId": "v",
                "applicationId": "a",
                "description": "d",
                "credentials": [
                    {"type": "password", "username": "ada", "password": "pw"}
                ],
            }
        ],
        "primaryOrg": ref("org"),
        "resources": [ref("resource")],
    },
    "categories": {"title": "Quizzes", "weight": 20.0},
    "lineItems": {
        **WORK,
        **OBJECTIVES,
        "school": ref("org"),
        "academicSession": ref("academicSession"),
        "scoreScale": ref("scoreScale"),
    },
    "results": {**SCORED_1_2, "lineItem": ref("lineItem"), "class": ref("class")},
    "scoreScales": {
        "title": "Letters",
        "type": "letter",
        "class": ref("class"),
        "course": ref("course"),
        "scoreScaleValue": [{"itemValueLHS": "A", "itemValueRHS": "94"}],
    },
    "assessmentLineItems": {
        "title": "MP1",
        "description": "d",
        "class": ref("class"),
        "parentAssessmentLineItem": ref("assessmentLineItem"),
        "scoreScale": ref("scoreScale"),
        "resultValueMin": 0.0,
        "resultValueMax": 4.0,
        **OBJECTIVES,
    },
    "assessmentResults": {
        **SCORED_1_2,
        "assessmentLineItem": ref("assessmentLineItem"),
        "scorePercentile": 90.0,
    },
}


def read(collection: str, payload: Row) -> Record:
    kind = COLLECTIONS[collection].kind
    record, problems = parse_record(kind, upgrade(collection, payload))
    assert problems == ()
    assert record is not None
    return record


def carried_along(value: object) -> list[str]:
    """The names of fields that no model knows, at any depth."""
    if isinstance(value, list | tuple):
        return [name for part in value for name in carried_along(part)]
    if not isinstance(value, Part):
        return []
    inner = [getattr(value, name) for name in type(value).model_fields]
    return [*(value.model_extra or ()), *carried_along(inner)]


@pytest.mark.parametrize("collection", IN_1_2)
def test_every_field_of_1_2_is_known_and_written_as_it_came(collection: str) -> None:
    sent = BASE | IN_1_2[collection]
    record = read(collection, sent)
    assert carried_along(record) == []
    assert format_record(record) == sent | (
        {"academicSession": sent["academicSession"]}
        if collection == "lineItems"
        else {}
    )


@pytest.mark.parametrize("collection", IN_1_1)
def test_every_field_of_1_1_is_known_and_lowered_to_what_came(collection: str) -> None:
    sent = BASE | IN_1_1[collection]
    record = read(collection, sent)
    assert carried_along(record) == []
    assert downgrade(collection, format_record(record)) == sent


@pytest.mark.parametrize("collection", IN_1_2)
def test_a_field_nobody_knows_survives_in_every_object(collection: str) -> None:
    sent = BASE | IN_1_2[collection] | {"ext:vendor": {"deep": [None, 1, "x"]}}
    assert format_record(read(collection, sent)) == sent


@pytest.mark.parametrize("collection", IN_1_2)
def test_an_object_of_null_values_is_an_object_without_them(collection: str) -> None:
    kind = COLLECTIONS[collection].kind
    needed = {
        field.alias or name
        for name, field in kind.model_fields.items()
        if field.is_required()
    } | ({"role"} if collection == "enrollments" else set())
    full = BASE | IN_1_2[collection]
    sent = {name: full[name] if name in needed else None for name in full}
    record = read(collection, sent)
    assert {name for name in format_record(record) if full.get(name)} >= needed


@pytest.mark.parametrize("status", [None, "", "deleted", "toBeDeletedSoon", 1])
@pytest.mark.parametrize("collection", IN_1_2)
def test_no_object_is_deleted_by_a_status_that_cannot_be_read(
    collection: str, status: object
) -> None:
    sent = BASE | IN_1_2[collection] | {"status": status}
    missing = {name: value for name, value in sent.items() if name != "status"}
    for payload in (sent, missing):
        record, problems = parse_record(COLLECTIONS[collection].kind, payload)
        assert record is None
        assert [problem.code for problem in problems] == ["bad_status"]


def test_the_tables_cover_every_collection_of_their_version() -> None:
    subsets = {"terms", "gradingPeriods", "schools", "students", "teachers"}
    tables = {"1.1": IN_1_1, "1.2": IN_1_2}
    for dialect in DIALECTS.values():
        table = tables[dialect.version]
        named = {path for path in dialect.readable if "/" not in path}
        assert named - subsets == table.keys()
