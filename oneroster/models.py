"""Records of a OneRoster service, in the shape of 1.2: all of them, by name.

What every record is stands in :mod:`oneroster.records`, what a single value may
look like in :mod:`oneroster.wire`.
"""

from oneroster.models_gradebook import (
    AssessmentLineItem,
    AssessmentResult,
    Category,
    LearningObjectiveResult,
    LearningObjectives,
    LearningObjectiveScores,
    LineItem,
    Result,
    ScoreScale,
    ScoreScaleValue,
)
from oneroster.models_rostering import (
    AcademicSession,
    Course,
    Credential,
    Demographics,
    Enrollment,
    Org,
    Resource,
    Role,
    SisClass,
    User,
    UserId,
    UserProfile,
)
from oneroster.records import (
    HrefFor,
    Part,
    Record,
    Reference,
    format_record,
    parse_record,
    refer,
    relative_href,
)

__all__ = [
    "AcademicSession",
    "AssessmentLineItem",
    "AssessmentResult",
    "Category",
    "Course",
    "Credential",
    "Demographics",
    "Enrollment",
    "HrefFor",
    "LearningObjectiveResult",
    "LearningObjectiveScores",
    "LearningObjectives",
    "LineItem",
    "Org",
    "Part",
    "Record",
    "Reference",
    "Resource",
    "Result",
    "Role",
    "ScoreScale",
    "ScoreScaleValue",
    "SisClass",
    "User",
    "UserId",
    "UserProfile",
    "format_record",
    "parse_record",
    "refer",
    "relative_href",
]
