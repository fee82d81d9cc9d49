"""Records of a OneRoster roster, 1.2 shape, with learning resources.

Source: OneRoster 1.2 Rostering and Resources information models.
"""

from typing import Annotated

from pydantic import Field

from oneroster.records import (
    OptionalDay,
    OptionalFlag,
    OptionalReference,
    OptionalText,
    Part,
    Record,
    Reference,
    References,
    Texts,
)
from oneroster.wire import Flag, Text, Words, absent, blank, listed, word

__all__ = [
    "AcademicSession",
    "Course",
    "Credential",
    "Demographics",
    "Enrollment",
    "Org",
    "Resource",
    "Role",
    "SisClass",
    "User",
    "UserId",
    "UserProfile",
]

CLASS_TYPES = ("homeroom", "scheduled")
ENROLLMENT_ROLES = ("administrator", "proctor", "student", "teacher")
USER_ROLES = (
    "aide",
    "counselor",
    "districtAdministrator",
    "guardian",
    "parent",
    "principal",
    "proctor",
    "relative",
    "siteAdministrator",
    "student",
    "systemAdministrator",
    "teacher",
)


class Org(Record):
    """A school, a district, or what stands above and between them."""

    name: Words = ""
    type: Annotated[
        Words, word("department", "school", "district", "local", "state", "national")
    ] = ""
    identifier: OptionalText = None
    parent: OptionalReference = None
    children: References = ()


class AcademicSession(Record):
    """A stretch of the school year; ``school_year`` is the year it ends in."""

    title: Words = ""
    type: Annotated[Words, word("gradingPeriod", "semester", "schoolYear", "term")] = ""
    start_date: OptionalDay = None
    end_date: OptionalDay = None
    school_year: OptionalText = None
    parent: OptionalReference = None
    children: References = ()


class Course(Record):
    """An entry of the catalogue (our sis_course), taught in its classes."""

    title: Words = ""
    course_code: OptionalText = None
    school_year: OptionalReference = None
    org: OptionalReference = None
    grades: Texts = ()
    subjects: Texts = ()
    subject_codes: Texts = ()
    resources: References = ()


class SisClass(Record):
    """A group taught together: what a person of the LMS calls a course."""

    title: Words = ""
    class_code: OptionalText = None
    class_type: Annotated[Text | None, blank, word(*CLASS_TYPES)] = None
    location: OptionalText = None
    course: OptionalReference = None
    school: OptionalReference = None
    terms: References = ()
    grades: Texts = ()
    subjects: Texts = ()
    subject_codes: Texts = ()
    periods: Texts = ()
    resources: References = ()


class UserId(Part):
    """An identifier of a person in some other system."""

    type: Words = ""
    identifier: Text


class Role(Part):
    """What a person is in one org, and for how long; the end is exclusive."""

    role: Annotated[Text, word(*USER_ROLES)]
    org: Reference
    role_type: Annotated[
        Text, absent(default="primary"), word("primary", "secondary")
    ] = "primary"
    user_profile: OptionalText = None
    begin_date: OptionalDay = None
    end_date: OptionalDay = None


class Credential(Part):
    """A sign-in to another system; its secret shows in no text of ours."""

    type: Words = ""
    username: Words = ""
    password: Annotated[Text | None, blank] = Field(default=None, repr=False)


class UserProfile(Part):
    """A person's place in another system."""

    profile_id: OptionalText = None
    profile_type: OptionalText = None
    vendor_id: OptionalText = None
    application_id: OptionalText = None
    description: OptionalText = None
    credentials: Annotated[tuple[Credential, ...], listed] = ()


class User(Record):
    """A person as the SIS knows it; the same person may be sent twice.

    A user without ``enabledUser`` counts as enabled.
    """

    enabled_user: Annotated[Flag, absent(default=True)] = True
    given_name: Words = ""
    family_name: Words = ""
    middle_name: OptionalText = None
    preferred_first_name: OptionalText = None
    preferred_middle_name: OptionalText = None
    preferred_last_name: OptionalText = None
    pronouns: OptionalText = None
    username: OptionalText = None
    user_master_identifier: OptionalText = None
    user_ids: Annotated[tuple[UserId, ...], listed] = ()
    identifier: OptionalText = None
    email: OptionalText = None
    sms: OptionalText = None
    phone: OptionalText = None
    roles: Annotated[tuple[Role, ...], listed] = ()
    primary_org: OptionalReference = None
    user_profiles: Annotated[tuple[UserProfile, ...], listed] = ()
    agents: References = ()
    grades: Texts = ()
    resources: References = ()
    password: Annotated[Text | None, blank] = Field(default=None, repr=False)


class Enrollment(Record):
    """A person in a class in one role, from a day until before another."""

    user: Reference
    class_: Reference
    role: Annotated[Text, word(*ENROLLMENT_ROLES)]
    school: OptionalReference = None
    primary: OptionalFlag = None
    begin_date: OptionalDay = None
    end_date: OptionalDay = None


class Demographics(Record):
    """What a district reports of a person; the sourcedId is the user's."""

    birth_date: OptionalDay = None
    sex: Annotated[
        Text | None, blank, word("male", "female", "unspecified", "other")
    ] = None
    american_indian_or_alaska_native: OptionalFlag = None
    asian: OptionalFlag = None
    black_or_african_american: OptionalFlag = None
    native_hawaiian_or_other_pacific_islander: OptionalFlag = None
    white: OptionalFlag = None
    demographic_race_two_or_more_races: OptionalFlag = None
    hispanic_or_latino_ethnicity: OptionalFlag = None
    country_of_birth_code: OptionalText = None
    state_of_birth_abbreviation: OptionalText = None
    city_of_birth: OptionalText = None
    public_school_residence_status: OptionalText = None


class Resource(Record):
    """Learning material that a class, a course or a person may use."""

    title: Words = ""
    vendor_resource_id: OptionalText = None
    vendor_id: OptionalText = None
    application_id: OptionalText = None
    roles: Texts = ()
    importance: Annotated[Text | None, blank, word("primary", "secondary")] = None
