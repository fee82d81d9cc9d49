"""What Moodle's web services must grant before grades are read, and whether they do.

A right is not asked for, it is tried: by the report of our own account, which has no
grades. Seen on Moodle 4.5.5 in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lti_tool.platforms.moodle import MoodleError, WebServices
from lti_tool.platforms.moodle_gradebook import ACTIVITIES, COMPETENCIES, REPORT
from lti_tool.platforms.moodle_grades import COLUMNS, GRADE_REPORT

# All columns of a course, also those that an account does not see; since Moodle 4.2.
LIST: Final = "core_grades_get_gradeitems"
FUNCTIONS: Final = ("core_webservice_get_site_info", REPORT)
FINER: Final = (ACTIVITIES, COMPETENCIES)
RIGHTS: Final = ("moodle/course:view", "moodle/grade:viewall", "gradereport/user:view")
_DENIED: Final = frozenset(
    {
        "nopermissions",
        "nopermissiontoviewgrades",
        "requireloginerror",
        "errorcoursecontextnotvalid",
    }
)


@dataclass(frozen=True, slots=True)
class ReadingNeeds:
    """What is missing before grades are read.

    Attributes:
        account: whose token it is.
        functions: without them nothing is read.
        finer: without them due dates, descriptions or alignments are not.
        denied: what Moodle says if a right is missing; None where none is.
        unseen: columns of the course that the account does not see.
    """

    account: str
    functions: tuple[str, ...]
    finer: tuple[str, ...] = ()
    denied: str | None = None
    unseen: tuple[str, ...] = ()


def look(services: WebServices, course: str | None) -> ReadingNeeds:
    """Find out what is missing; rights are tried in this course, if any.

    Raises:
        DeliveryError: Moodle is not reached, or does not take the token.
    """
    account = services.account()
    name, has = account.user_name, account.functions
    lacking = tuple(one for one in FUNCTIONS if one not in has)
    finer = tuple(one for one in FINER if one not in has)
    if lacking or course is None:
        return ReadingNeeds(name, lacking, finer)
    try:
        report = services.call(
            REPORT, GRADE_REPORT, courseid=course, userid=account.user_id
        )
    except MoodleError as error:
        if error.errorcode not in _DENIED:
            raise
        return ReadingNeeds(name, lacking, finer, error.message)
    seen = {str(one.id) for grades in report.usergrades for one in grades.gradeitems}
    unseen = _unseen(services, course, seen) if LIST in has else ()
    return ReadingNeeds(name, lacking, finer, None, unseen)


def _unseen(services: WebServices, course: str, seen: set[str]) -> tuple[str, ...]:
    found = services.call(LIST, COLUMNS, courseid=course)
    return tuple(one.itemname for one in found.columns if one.id not in seen)
