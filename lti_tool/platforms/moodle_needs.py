"""What Moodle must grant the account of our token, and what of it is missing.

No web service tells an account its rights. Each is tried by a call that can change
nothing, because what it names is not there: Moodle looks at the right first. Tried on
Moodle 4.5.5 in November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lti_tool.platforms.moodle import MoodleError, WebServices
from lti_tool.platforms.moodle_scales import RatingScale
from lti_tool.platforms.moodle_shapes import ANYTHING, COURSE_COMPETENCIES
from lti_tool.platforms.moodle_shelf import Scales

READING: Final = (
    "core_webservice_get_site_info",
    "core_competency_list_course_competencies",
    "core_competency_list_competencies",
    "core_competency_list_competency_frameworks",
    "core_competency_read_competency_framework",
    "core_competency_get_scale_values",
    "report_competency_data_for_report",
)
WRITING: Final = (
    "core_competency_grade_competency_in_course",
    "core_competency_add_competency_to_course",
)
MAKING: Final = (
    "core_competency_create_competency",
    "core_competency_create_competency_framework",
)
# Nothing has this number; and there is always a guest, who is nobody's student.
_NOTHING: Final = 2_147_483_647
_GUEST: Final = 1
_DENIED: Final = frozenset(
    {"nopermissions", "requireloginerror", "errorcoursecontextnotvalid"}
)


@dataclass(frozen=True, slots=True)
class Needs:
    """What is missing: functions of the service, rights of the account.

    Attributes:
        account: whose token it is.
        functions: without them no rating is given.
        rights: the same, each with what Moodle says of it.
        for_making: functions and rights without which nothing missing is made.
    """

    account: str
    functions: tuple[str, ...]
    rights: tuple[tuple[str, str], ...]
    for_making: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Trial:
    rights: tuple[str, ...]
    function: str
    arguments: Callable[[str], Mapping[str, Any]]


_ENTRY: Final = _Trial(
    ("moodle/course:view",),
    "core_competency_list_course_competencies",
    lambda course: {"id": course},
)
_RIGHTS: Final = (
    _Trial(
        ("moodle/competency:usercompetencyview", "moodle/competency:competencygrade"),
        "core_competency_grade_competency_in_course",
        lambda course: {
            "courseid": course,
            "userid": _GUEST,
            "competencyid": _NOTHING,
            "grade": 1,
            "note": "",
        },
    ),
    _Trial(
        ("moodle/competency:coursecompetencymanage",),
        "core_competency_add_competency_to_course",
        lambda course: {"courseid": course, "competencyid": _NOTHING},
    ),
)
_MAKING: Final = _Trial(
    ("moodle/competency:competencymanage",),
    "core_competency_create_competency_framework",
    lambda _course: {
        "competencyframework": {
            "shortname": "MasteryBridge",
            "idnumber": "masterybridge-check",
            "description": "",
            "descriptionformat": 1,
            "visible": 0,
            "scaleid": _NOTHING,
            "scaleconfiguration": "[]",
            "contextid": 1,
            "taxonomies": "",
        }
    },
)


def look(services: WebServices, course: str | None) -> Needs:
    """Find out what is missing; rights in a course are tried in this one, if any.

    Raises:
        DeliveryError: Moodle is not reached, or does not take the token.
    """
    account = services.account()
    lacking = [one for one in READING + WRITING if one not in account.functions]
    making = [one for one in MAKING if one not in account.functions]
    rights: list[tuple[str, str]] = []
    if course is not None:
        trials = [one for one in (_ENTRY, *_RIGHTS) if one.function not in lacking]
        for one in trials:
            said = _denied(services, one, course)
            if said is not None:
                rights.append((" + ".join(one.rights), said))
            if said is not None and one is _ENTRY:
                break
    if not making and _denied(services, _MAKING, course or "") is not None:
        making += _MAKING.rights
    return Needs(account.user_name, tuple(lacking), tuple(rights), tuple(making))


def scales_of(services: WebServices, course: str) -> list[RatingScale]:
    """The scales that the competencies of a course are rated on, each once.

    Raises:
        DeliveryError: they cannot be read.
    """
    linked = services.call(
        "core_competency_list_course_competencies", COURSE_COMPETENCIES, id=course
    )
    scales = Scales(services)
    found = (scales.load(one.competency) for one in linked)
    return list(dict.fromkeys(found))


def _denied(services: WebServices, trial: _Trial, course: str) -> str | None:
    """What Moodle says if it lacks the right; None if that is not what stops it."""
    try:
        services.call(trial.function, ANYTHING, **trial.arguments(course))
    except MoodleError as error:
        return error.message if error.errorcode in _DENIED else None
    return None
