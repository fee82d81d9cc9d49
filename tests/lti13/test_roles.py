"""What roles give in a course."""

from __future__ import annotations

import pytest

from lti_tool.lti13.roles import TEST_USER, is_test_user, role_in_course

V = "http://purl.imsglobal.org/vocab/lis/v2/"
M = f"{V}membership"


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ([f"{M}#Instructor"], "instructor"),
        ([f"{M}#Administrator"], "instructor"),
        ([f"{M}/Instructor#TeachingAssistant"], "instructor"),
        (["Instructor"], "instructor"),
        ([f"{M}#Learner"], "learner"),
        (["Learner"], "learner"),
        ([f"{M}/Learner#Instructor"], "learner"),
        ([f"{M}/Learner#NonCreditLearner"], "learner"),
        ([f"{M}#Learner", f"{M}#Instructor"], "instructor"),
        ([f"{V}institution/person#Administrator", f"{M}#Learner"], "learner"),
        ([f"{V}institution/person#Instructor"], "none"),
        ([f"{V}system/person#Administrator"], "none"),
        (["http://evil.example/v2/membership#Instructor"], "none"),
        ([f"{V}anything#Instructor"], "none"),
        (["instructor"], "none"),
        ([f"{M}#ContentDeveloper"], "none"),
        ([f"{M}#Mentor"], "none"),
        ([], "none"),
        ([""], "none"),
    ],
)
def test_only_exact_roles_of_the_course_count(roles: list[str], role: str) -> None:
    assert role_in_course(roles) == role


def test_a_mentor_has_a_role_only_with_named_students() -> None:
    assert role_in_course([f"{M}#Mentor"], mentees=["7"]) == "mentor"


def test_a_student_preview_is_known() -> None:
    assert is_test_user([f"{M}#Learner", TEST_USER])
    assert not is_test_user([f"{M}#Learner"])
