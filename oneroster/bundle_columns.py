"""The columns of every CSV file, as data.

One line a column: the header, then what it becomes in the REST object of 1.2.
``*`` marks what the standard requires; ``>`` names the field if it differs from
the header; the kind follows the colon, text if there is none:

========== =============================================================
``b n d t``  true or false, number, date, date-time
``l``        list of texts
``r.x``      reference to an object of type x
``m.x``      list of references to objects of type x
``ids``      user identifiers, ``{type:id},{type:id}``
``steps``    rows of a score scale, ``{A:90},{B:80}``
========== =============================================================

Source: OneRoster 1.2 CSV Binding 1.2.1, section 4; OneRoster 1.1 CSV tables;
1.0 as the sample data of the Ed-Fi LMS Toolkit has it.
"""

from dataclasses import dataclass

__all__ = ["COLLECTION_FILES", "FILES", "SIDE_FILES", "Column", "SideFile"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, the field it fills, and how to read a cell."""

    name: str
    field: str
    kind: str
    target: str
    required: bool


@dataclass(frozen=True, slots=True)
class SideFile:
    """A file whose rows become part of a record of another file.

    ``owner`` is the column that names that record.
    """

    name: str
    collection: str
    owner: str


_STAMPS = "sourcedId* status dateLastModified:t "


def _column(word: str) -> Column:
    """Parse one word of a column table."""
    head, _, kind = word.partition(":")
    name, _, field = head.partition(">")
    kind, _, target = kind.partition(".")
    bare = name.removesuffix("*")
    return Column(bare, field or bare, kind or "text", target, bare != name)


def _columns(text: str) -> tuple[Column, ...]:
    return tuple(_column(word) for word in text.split())


_DEMOGRAPHICS = """
    sex americanIndianOrAlaskaNative:b asian:b blackOrAfricanAmerican:b
    nativeHawaiianOrOtherPacificIslander:b white:b demographicRaceTwoOrMoreRaces:b
    hispanicOrLatinoEthnicity:b countryOfBirthCode stateOfBirthAbbreviation
    cityOfBirth publicSchoolResidenceStatus"""
_PERSON_1_1 = """
    username* userIds:ids givenName* familyName* middleName identifier email sms
    phone agentSourcedIds>agents:m.user grades:l password"""
_SESSION = """title* type* startDate*:d endDate*:d
    parentSourcedId>parent:r.academicSession """
_MARKS = "inProgress:b incomplete:b late:b missing:b"

_SHARED = {
    "academicSessions": _SESSION + "schoolYear*",
    "orgs": "name* type* identifier parentSourcedId>parent:r.org",
    "courses": """schoolYearSourcedId>schoolYear:r.academicSession title* courseCode
        grades:l orgSourcedId*>org:r.org subjects:l subjectCodes:l""",
    "classes": """title* grades:l courseSourcedId*>course:r.course classCode classType*
        location schoolSourcedId*>school:r.org
        termSourcedIds*>terms:m.academicSession subjects:l subjectCodes:l periods:l""",
    "enrollments": """classSourcedId*>class:r.class schoolSourcedId*>school:r.org
        userSourcedId*>user:r.user role* primary:b beginDate:d endDate:d""",
    "demographics": "birthDate:d" + _DEMOGRAPHICS,
    "resources": "vendorResourceId* title roles:l importance vendorId applicationId",
    "classResources": """title classSourcedId*>class:r.class
        resourceSourcedId*>resource:r.resource""",
    "courseResources": """title courseSourcedId*>course:r.course
        resourceSourcedId*>resource:r.resource""",
}
_V1_1 = {
    "users": "enabledUser*:b orgSourcedIds*>orgs:m.org role*" + _PERSON_1_1,
    "categories": "title*",
    "lineItems": """title* description assignDate*:t dueDate*:t
        classSourcedId*>class:r.class categorySourcedId*>category:r.category
        gradingPeriodSourcedId*>gradingPeriod:r.academicSession resultValueMin*:n
        resultValueMax*:n""",
    "results": """lineItemSourcedId*>lineItem:r.lineItem
        studentSourcedId*>student:r.user scoreStatus* score*:n scoreDate*:d comment""",
}
_V1_2 = {
    "users": "enabledUser*:b"
    + _PERSON_1_1
    + """ userMasterIdentifier preferredGivenName>preferredFirstName
        preferredMiddleName preferredFamilyName>preferredLastName
        primaryOrgSourcedId>primaryOrg:r.org pronouns""",
    "roles": """userSourcedId*>user:r.user roleType* role* beginDate:d endDate:d
        orgSourcedId*>org:r.org userProfileSourcedId>userProfile""",
    "userProfiles": """userSourcedId*>user:r.user profileType* vendorId* applicationId
        description credentialType* username* password""",
    "userResources": """userSourcedId*>user:r.user orgSourcedId>org:r.org
        classSourcedId>class:r.class resourceSourcedId*>resource:r.resource""",
    "categories": "title* weight:n",
    "lineItems": """title* description assignDate*:t dueDate*:t
        classSourcedId*>class:r.class categorySourcedId*>category:r.category
        academicSessionSourcedId*>academicSession:r.academicSession resultValueMin:n
        resultValueMax:n schoolSourcedId*>school:r.org""",
    "results": """lineItemSourcedId*>lineItem:r.lineItem
        studentSourcedId*>student:r.user scoreStatus* score:n scoreDate*:d comment
        textScore classSourcedId>class:r.class """
    + _MARKS,
    "scoreScales": """title* type* orgSourcedId*>org:r.org
        courseSourcedId*>course:r.course classSourcedId*>class:r.class
        scoreScaleValue*:steps""",
    "lineItemLearningObjectiveIds": """lineItemSourcedId*>lineItem:r.lineItem source*
        learningObjectiveId*""",
    "lineItemScoreScales": """title lineItemSourcedId*>lineItem:r.lineItem
        scoreScaleSourcedId*>scoreScale:r.scoreScale""",
    "resultLearningObjectiveIds": """resultSourcedId*>result:r.result source*
        learningObjectiveId* score:n textScore""",
    "resultScoreScales": """title resultSourcedId*>result:r.result
        scoreScaleSourcedId*>scoreScale:r.scoreScale""",
}
_V1_0 = {
    "academicSessions": "sourcedId* status dateLastModified:t " + _SESSION,
    "orgs": "sourcedId* status dateLastModified:t " + _SHARED["orgs"],
    "courses": """sourcedId* status dateLastModified:t
        schoolYearId>schoolYear:r.academicSession title* courseCode grade>grades:l
        orgSourcedId*>org:r.org subjects:l""",
    "classes": """sourcedId* status dateLastModified:t title* grade>grades:l
        courseSourcedId*>course:r.course classCode classType* location
        schoolSourcedId*>school:r.org termSourcedId*>terms:m.academicSession
        subjects:l""",
    "users": """sourcedId* status dateLastModified:t orgSourcedIds*>orgs:m.org role*
        username* userId>userIds:ids givenName* familyName* identifier email sms phone
        agents:m.user""",
    "enrollments": """sourcedId* classSourcedId*>class:r.class
        schoolSourcedId*>school:r.org userSourcedId*>user:r.user role* status
        dateLastModified:t primary:b""",
    "demographics": """userSourcedId*>sourcedId status dateLastModified:t
        birthdate>birthDate:d"""
    + _DEMOGRAPHICS,
}


def _stamped(tables: dict[str, str]) -> dict[str, tuple[Column, ...]]:
    return {name: _columns(_STAMPS + text) for name, text in tables.items()}


FILES: dict[str, dict[str, tuple[Column, ...]]] = {
    "1.0": {name: _columns(text) for name, text in _V1_0.items()},
    "1.1": _stamped(_SHARED | _V1_1),
    "1.2": _stamped(_SHARED | _V1_2),
}
"""Version, then file without ``.csv``, to its columns in the order of the standard."""

SIDE_FILES = (
    SideFile("roles", "users", "userSourcedId"),
    SideFile("userProfiles", "users", "userSourcedId"),
    SideFile("userResources", "users", "userSourcedId"),
    SideFile("classResources", "classes", "classSourcedId"),
    SideFile("courseResources", "courses", "courseSourcedId"),
    SideFile("lineItemLearningObjectiveIds", "lineItems", "lineItemSourcedId"),
    SideFile("lineItemScoreScales", "lineItems", "lineItemSourcedId"),
    SideFile("resultLearningObjectiveIds", "results", "resultSourcedId"),
    SideFile("resultScoreScales", "results", "resultSourcedId"),
)

COLLECTION_FILES = (
    "orgs",
    "academicSessions",
    "courses",
    "classes",
    "users",
    "enrollments",
    "demographics",
    "resources",
    "categories",
    "scoreScales",
    "lineItems",
    "results",
)
"""The collections of a bundle, each in the file of its name, references first."""
