"""What a launch's or member's roles give in a course.

Exact URIs only. Institution and system roles give nothing inside a course, and a
sub-role counts only under its own principal: `membership/Learner#Instructor` is a
learner. ContentDeveloper, Manager, Member and Officer are known, and give nothing:
none of them says that the person teaches these students, and what we show is about
students. Source: LTI Core 1.3 appendix A; facts/lti.md section 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

# "administrator" is a role outside courses alone: see is_administrator.
Role = Literal["instructor", "learner", "mentor", "administrator", "none"]

VOCABULARY: Final = "http://purl.imsglobal.org/vocab/lis/v2/"
TEST_USER: Final = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

# Custom parameters that name a mentor's students where the claim is withheld: their
# subjects, or what the SIS calls them ($com.instructure.User.observees and
# $com.instructure.Observee.sisIds; facts/canvas.md section 1).
OBSERVEES: Final = "observees"
OBSERVEE_SIS_IDS: Final = "observee_sis_ids"

# The bare names are deprecated but still sent, Moodle's member lists among others.
_PRINCIPALS: Final[dict[str, Role]] = {
    "Instructor": "instructor",
    "Administrator": "instructor",
    "Learner": "learner",
    "Mentor": "mentor",
    "ContentDeveloper": "none",
    "Manager": "none",
    "Member": "none",
    "Officer": "none",
}
_TEACHING_ASSISTANTS = [
    f"TeachingAssistant{place}"
    for place in ("", "Group", "Offering", "Section", "SectionAssociation", "Template")
]
_SUBROLES: Final[dict[str, list[str]]] = {
    "Instructor": [
        "ExternalInstructor",
        "Grader",
        "GuestInstructor",
        "Lecturer",
        "PrimaryInstructor",
        "SecondaryInstructor",
        *_TEACHING_ASSISTANTS,
    ],
    "Administrator": [
        "Administrator",
        "Developer",
        "ExternalDeveloper",
        "ExternalSupport",
        "ExternalSystemAdministrator",
        "Support",
        "SystemAdministrator",
    ],
    "Learner": [
        "ExternalLearner",
        "GuestLearner",
        "Instructor",
        "Learner",
        "NonCreditLearner",
    ],
    "Mentor": [
        "Advisor",
        "Auditor",
        "ExternalAdvisor",
        "ExternalAuditor",
        "ExternalLearningFacilitator",
        "ExternalMentor",
        "ExternalReviewer",
        "ExternalTutor",
        "LearningFacilitator",
        "Mentor",
        "Reviewer",
        "Tutor",
    ],
    "ContentDeveloper": [
        "ContentDeveloper",
        "ContentExpert",
        "ExternalContentExpert",
        "Librarian",
    ],
    "Manager": [
        "AreaManager",
        "CourseCoordinator",
        "ExternalObserver",
        "Manager",
        "Observer",
    ],
    "Member": ["Member"],
    "Officer": ["Chair", "Communications", "Secretary", "Treasurer", "Vice-Chair"],
}
KNOWN: Final[dict[str, Role]] = (
    _PRINCIPALS
    | {f"{VOCABULARY}membership#{name}": role for name, role in _PRINCIPALS.items()}
    | {
        f"{VOCABULARY}membership/{name}#{subrole}": _PRINCIPALS[name]
        for name, subroles in _SUBROLES.items()
        for subrole in subroles
    }
)
_ADMINISTRATORS: Final = frozenset(
    {
        f"{VOCABULARY}institution/person#Administrator",
        f"{VOCABULARY}system/person#AccountAdmin",
        f"{VOCABULARY}system/person#Administrator",
        f"{VOCABULARY}system/person#SysAdmin",
    }
)


def role_in_course(roles: Iterable[str], *, mentees: Sequence[str] = ()) -> Role:
    """The one role that counts: teaching before learning before mentoring.

    A mentor without named students sees nobody, so has no role here.
    """
    held = {KNOWN[role] for role in roles if role in KNOWN}
    if "instructor" in held:
        return "instructor"
    if "learner" in held:
        return "learner"
    if "mentor" in held and mentees:
        return "mentor"
    return "none"


def is_mentor(roles: Iterable[str]) -> bool:
    """Tell whether somebody is a mentor in the course, whoever the mentees are."""
    return any(KNOWN.get(role) == "mentor" for role in roles)


def is_administrator(roles: Iterable[str]) -> bool:
    """Tell whether this is an administrator of the LMS: it counts outside courses."""
    return not _ADMINISTRATORS.isdisjoint(roles)


def is_test_user(roles: Iterable[str]) -> bool:
    """Tell whether this is a teacher's student preview, never to be recorded."""
    return TEST_USER in roles
