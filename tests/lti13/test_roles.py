"""What roles give in a course: facts/lti.md section 13, to the letter."""

from __future__ import annotations

import pytest

from lti_tool.lti13.roles import TEST_USER, is_mentor, is_test_user, role_in_course

V = "http://purl.imsglobal.org/vocab/lis/v2/"
M = f"{V}membership"

# Every role of LTI Core 1.3 appendix A that a context may give, and what it gives here.
PRINCIPALS = {
    "Administrator": "instructor",
    "ContentDeveloper": "none",
    "Instructor": "instructor",
    "Learner": "learner",
    "Mentor": "mentor",
    "Manager": "none",
    "Member": "none",
    "Officer": "none",
}
SUBROLES = {
    "Administrator": "Administrator Developer ExternalDeveloper ExternalSupport "
    "ExternalSystemAdministrator Support SystemAdministrator",
    "ContentDeveloper": "ContentDeveloper ContentExpert ExternalContentExpert "
    "Librarian",
    "Instructor": "ExternalInstructor Grader GuestInstructor Lecturer "
    "PrimaryInstructor SecondaryInstructor TeachingAssistant TeachingAssistantGroup "
    "TeachingAssistantOffering TeachingAssistantSection "
    "TeachingAssistantSectionAssociation TeachingAssistantTemplate",
    "Learner": "ExternalLearner GuestLearner Instructor Learner NonCreditLearner",
    "Mentor": "Advisor Auditor ExternalAdvisor ExternalAuditor "
    "ExternalLearningFacilitator ExternalMentor ExternalReviewer ExternalTutor "
    "LearningFacilitator Mentor Reviewer Tutor",
    "Manager": "AreaManager CourseCoordinator ExternalObserver Manager Observer",
    "Member": "Member",
    "Officer": "Chair Communications Secretary Treasurer Vice-Chair",
}
INSTITUTION = (
    "Administrator Faculty Guest None Other Staff Student Alumni Instructor Learner "
    "Member Mentor Observer ProspectiveStudent"
)
SYSTEM = "Administrator None AccountAdmin Creator SysAdmin SysSupport User"

GIVEN = (
    [(f"{M}#{name}", role) for name, role in PRINCIPALS.items()]
    # Bare names are deprecated and still sent, above all in Moodle's member lists.
    + list(PRINCIPALS.items())
    + [
        (f"{M}/{name}#{subrole}", PRINCIPALS[name])
        for name, subroles in SUBROLES.items()
        for subrole in subroles.split()
    ]
)
NOTHING = (
    [f"{V}institution/person#{name}" for name in INSTITUTION.split()]
    + [f"{V}system/person#{name}" for name in SYSTEM.split()]
    # The deprecated forms of both.
    + [f"{V}person#{name}" for name in dict.fromkeys(f"{INSTITUTION} {SYSTEM}".split())]
    + [
        "",
        " ",
        "instructor",
        "INSTRUCTOR",
        " Instructor",
        "Instructor\n",
        "Teacher",
        "TeachingAssistant",
        "urn:lti:role:ims/lis/Instructor",
        "http://evil.example/v2/membership#Instructor",
        f"{M}#instructor",
        f"{M}#Instructor ",
        f"{M}#TeachingAssistant",
        f"{M}/Learner#TeachingAssistant",
        f"{M}/Instructor#Learner",
        f"{M}/Instructor#",
        f"{M}/#Instructor",
        f"{M}#Instructor#Learner",
        f"{V}anything#Instructor",
        f"{V}unknown/unknown#Helper",
        M.replace("http:", "https:") + "#Instructor",
        TEST_USER,
    ]
)


@pytest.mark.parametrize(("given", "role"), GIVEN)
def test_each_role_of_a_context_gives_its_right_alone(given: str, role: str) -> None:
    assert role_in_course([given], mentees=["7"]) == role


@pytest.mark.parametrize("given", NOTHING)
def test_what_is_no_role_of_a_context_gives_nothing(given: str) -> None:
    assert role_in_course([given], mentees=["7"]) == "none"


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ([], "none"),
        ([f"{M}#Learner", f"{M}#Instructor"], "instructor"),
        ([f"{M}#Instructor", f"{M}/Instructor#TeachingAssistant"], "instructor"),
        ([f"{V}institution/person#Administrator", f"{M}#Learner"], "learner"),
        ([f"{V}system/person#SysAdmin", f"{M}#Learner"], "learner"),
        ([f"{V}institution/person#Faculty", f"{M}/Learner#Instructor"], "learner"),
        ([f"{M}#Mentor", f"{M}#Learner"], "learner"),
        ([f"{M}#Mentor", f"{M}#Instructor"], "instructor"),
        ([f"{M}#Member", f"{M}#Mentor"], "mentor"),
        ([f"{M}#ContentDeveloper", f"{M}#Learner"], "learner"),
        ([f"{V}unknown/unknown#Helper", f"{M}#Learner"], "learner"),
        (["", f"{M}#Instructor"], "instructor"),
        ([f"{M}#Learner", TEST_USER], "learner"),
    ],
)
def test_of_several_roles_teaching_counts_before_learning_before_mentoring(
    roles: list[str], role: str
) -> None:
    assert role_in_course(roles, mentees=["7"]) == role


@pytest.mark.parametrize("given", [f"{M}#Mentor", "Mentor", f"{M}/Mentor#Tutor"])
def test_a_mentor_of_nobody_has_no_role(given: str) -> None:
    assert role_in_course([given]) == "none"
    assert is_mentor([given])


def test_only_a_mentor_is_one() -> None:
    assert not is_mentor([f"{M}#Learner", f"{V}institution/person#Mentor"])


def test_a_student_preview_is_known() -> None:
    assert is_test_user([f"{M}#Learner", TEST_USER])
    assert not is_test_user([f"{M}#Learner"])
