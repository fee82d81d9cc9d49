"""Rows of ours as OneRoster records, one line a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lti_tool.storage.judging import Judging
from lti_tool.storage.standing import StoredAttainment
from lti_tool.work import reasons
from mappings.scales import Scale
from oneroster.models import (
    AcademicSession,
    AssessmentLineItem,
    AssessmentResult,
    Course,
    Enrollment,
    Org,
    Record,
    ScoreScale,
    SisClass,
    User,
)

Row = Mapping[str, Any]
Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """How an identifier of a SIS is told, and by what the courses at hand judge."""

    sis_id: Callable[[int, str], str]
    judged: Mapping[int, Judging]

    def refer(self, row: Row, kind: str, sourced_id: str | None) -> Wire | None:
        """Point to an object of the row's own source; None where there is none."""
        if not sourced_id:
            return None
        return {"sourcedId": self.sis_id(row["source_id"], sourced_id), "type": kind}

    def scale(self, course_id: int) -> Scale:
        """The scale a course uses."""
        return self.judged[course_id].scale


def _org(row: Row, told: Told) -> Wire:
    return {
        "name": row["name"],
        "type": row["kind"],
        "identifier": row["identifier"],
        "parent": told.refer(row, "org", row["parent_sourced_id"]),
    }


def _term(row: Row, told: Told) -> Wire:
    return {
        "title": row["title"],
        "type": row["kind"],
        "startDate": row["starts_on"],
        "endDate": row["ends_on"],
        "schoolYear": row["school_year"],
        "parent": told.refer(row, "academicSession", row["parent_sourced_id"]),
    }


def _course(row: Row, told: Told) -> Wire:
    return {
        "title": row["title"],
        "courseCode": row["course_code"],
        "grades": row["grades"],
        "subjects": row["subjects"],
        "org": told.refer(row, "org", row["org_sourced_id"]),
    }


def _class(row: Row, told: Told) -> Wire:
    return {
        "title": row["title"],
        "classCode": row["class_code"],
        "classType": row["class_type"],
        "grades": row["grades"],
        "subjects": row["subjects"],
        "periods": row["periods"],
        "course": told.refer(row, "course", row["sis_course_sourced_id"]),
        "school": told.refer(row, "org", row["school_sourced_id"]),
        "terms": [
            told.refer(row, "academicSession", one)
            for one in row["term_sourced_ids"] or ()
        ],
    }


def _user(row: Row, told: Told) -> Wire:
    return {
        "enabledUser": row["is_enabled"],
        "username": row["username"],
        "givenName": row["given_name"],
        "familyName": row["family_name"],
        "middleName": row["middle_name"],
        "preferredFirstName": row["preferred_given_name"],
        "preferredLastName": row["preferred_family_name"],
        "identifier": row["identifier"],
        "email": row["email"],
        "userMasterIdentifier": row["user_master_identifier"],
        "grades": row["grades"],
        "userIds": row["user_ids"],
        "agents": [told.refer(row, "user", one) for one in row["agents"] or ()],
        "primaryOrg": told.refer(row, "org", row["primary_org_sourced_id"]),
        "roles": [_role(row, one, told) for one in row["roles"] or ()],
    }


def _role(row: Row, held: Row, told: Told) -> Wire:
    return {
        "role": held["role"],
        "roleType": held["role_type"],
        "org": told.refer(row, "org", held["org"]),
        "beginDate": held.get("begins_on"),
        "endDate": held.get("ends_on"),
    }


def _enrollment(row: Row, told: Told) -> Wire:
    return {
        "user": told.refer(row, "user", row["user_sourced_id"]),
        "class": told.refer(row, "class", row["class_sourced_id"]),
        "school": told.refer(row, "org", row["school_sourced_id"]),
        "role": row["role"],
        "primary": row["is_primary"],
        "beginDate": row["begins_on"],
        "endDate": row["ends_on"],
    }


def _scale(row: Row, told: Told) -> Wire:
    levels = told.scale(row["course_id"]).levels
    return {
        "title": f"Mastery levels: {row['title']}",
        "type": "mastery",
        "class": told.refer(row, "class", row["class_sourced_id"]),
        "course": told.refer(row, "course", row["sis_course_sourced_id"]),
        "scoreScaleValue": [
            {"itemValueLHS": level.name, "itemValueRHS": f"{level.points:g}"}
            for level in levels
        ],
    }


def _item(row: Row, told: Told) -> Wire:
    """A competency of a course, or the framework above those of a source."""
    if not row["course_id"]:
        return {"title": row["statement"], "metadata": {"caseId": row["case_id"]}}
    above = f"mb-f{row['framework_id']}-s{row['source_id']}"
    return {
        "title": row["human_code"] or row["statement"],
        "description": row["statement"],
        "class": told.refer(row, "class", row["class_sourced_id"]),
        "parentAssessmentLineItem": {
            "sourcedId": above,
            "type": "assessmentLineItem",
        },
        "scoreScale": _scale_of(row),
        "resultValueMin": 0.0,
        "resultValueMax": told.scale(row["course_id"]).levels[-1].points,
        "learningObjectiveSet": [
            {"source": "case", "learningObjectiveIds": [row["case_id"]]}
        ],
    }


def _scale_of(row: Row) -> Wire:
    return {"sourcedId": f"mb-s{row['course_id']}", "type": "scoreScale"}


def _result(row: Row, told: Told) -> Wire:
    """An attainment: its level and by what it was judged, no piece of evidence."""
    objective = {
        "learningObjectiveId": row["case_id"],
        "score": row["value"],
        "textScore": row["level_name"],
    }
    is_withdrawn = row["value"] is None
    return {
        "assessmentLineItem": {
            "sourcedId": row["item_id"],
            "type": "assessmentLineItem",
        },
        "student": told.refer(row, "user", row["student_sourced_id"]),
        "score": row["value"],
        "textScore": row["level_name"],
        "scoreDate": (row["evidence_at"] or row["told_at"]).date(),
        "scoreScale": _scale_of(row),
        "scoreStatus": "not submitted" if is_withdrawn else "fully graded",
        "learningObjectiveSet": [
            {"source": "case", "learningObjectiveResults": [objective]}
        ],
        "metadata": {} if is_withdrawn else {"why": _why(row, told)},
    }


def _why(row: Row, told: Told) -> Wire:
    """By what a level was judged, of how much and when."""
    one = StoredAttainment(*(row[name] for name in StoredAttainment._fields))
    terms = told.judged[one.course_id].terms(one.competency_id)
    return reasons.told_to_others(one, terms, row["told_at"])


Kind = tuple[type[Record], Callable[[Row, Told], Wire]]
KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("orgs", "schools"), (Org, _org)),
    **dict.fromkeys(
        ("academicSessions", "terms", "gradingPeriods"), (AcademicSession, _term)
    ),
    "courses": (Course, _course),
    "classes": (SisClass, _class),
    **dict.fromkeys(("users", "students", "teachers"), (User, _user)),
    "enrollments": (Enrollment, _enrollment),
    "scoreScales": (ScoreScale, _scale),
    "assessmentLineItems": (AssessmentLineItem, _item),
    "assessmentResults": (AssessmentResult, _result),
}


def record(kind: Kind, row: Row, told: Told) -> Record:
    """Make the record of a row."""
    model, fields = kind
    is_theirs = model not in {ScoreScale, AssessmentLineItem, AssessmentResult}
    sourced_id = row["sourced_id"]
    if is_theirs:
        sourced_id = told.sis_id(row["source_id"], sourced_id)
    return model.model_validate(
        {
            "sourcedId": sourced_id,
            "status": row["status"],
            "dateLastModified": row["told_at"],
            **fields(row, told),
        }
    )
