"""The gradebook of a Moodle course, read by its web services.

What is read was looked up in Moodle 4.5.5 in November 2026, grade/report/user:

- the columns that an account sees are the same whosever report it asks for, so those
  of its own report are all there are;
- the report of everybody in one answer takes Moodle as long as all of them one by
  one, and has no pages: one student is asked for at a time, few at once, and none but
  those whom we know as learners of the course;
- activities are left out of an account's sight without a right of their kind
  (mod/assign:view and the like), and no word is said of it;
- a grade that is to be worked out anew is told as none (gradeneedsupdate): not read
  is better than taken back;
- "date submitted" is none of a column that people fill in by hand.

What Moodle does not tell: that a column is worked out by a formula, it comes like any
other; and that a teacher took a grade out of the total, its status is "dropped" as that
of the lowest of a category (seen on a real one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from lti_tool.errors import DeliveryError
from lti_tool.platforms.gradebook import LmsScore, LmsWork
from lti_tool.platforms.markup import bare
from lti_tool.platforms.moodle import MoodleError, WebServices
from lti_tool.platforms.moodle_grades import (
    COMPETENCY_PAGE,
    CONTENTS,
    GRADE_REPORT,
    Activity,
    GradeItem,
)

REPORT: Final = "gradereport_user_get_grade_items"
COMPETENCIES: Final = "tool_lp_data_for_course_competencies_page"
ACTIVITIES: Final = "core_course_get_contents"
# So many students asked for at once.
PARALLEL: Final = 4
_SCORED: Final = frozenset({"mod", "manual"})
# What activities call the date by which work is due.
_DUE: Final = frozenset({"duedate", "timeclose", "deadline", "submissionend"})
# What Moodle says of people whom it does not report on: gone, not confirmed, in a
# group that our account does not see.
_UNREPORTED: Final = frozenset(
    {"userdeleted", "usernotconfirmed", "invaliduser", "invalidrecord", "notingroup"}
)


@dataclass(frozen=True, slots=True)
class OwnItems:
    """What in a Moodle gradebook is ours.

    Attributes:
        items: the numbers of grade items that we made, or that a link of ours has.
        links: the numbers of external tool activities that open us.
    """

    items: frozenset[int] = frozenset()
    links: frozenset[int] = frozenset()

    def has(self, one: GradeItem) -> bool:
        """Tell whether a column is ours."""
        is_link = one.itemmodule == "lti" and one.iteminstance in self.links
        return is_link or one.id in self.items


class MoodleGradebook:
    """The columns of one Moodle course and the grades in them."""

    is_whole = True

    def __init__(
        self,
        services: WebServices,
        course: str,
        own: OwnItems,
        students: Sequence[str],
    ) -> None:
        """Read the course of this id, of these students; what is own is left out."""
        self._services = services
        self._course = course
        self._own = own
        self._students = [one for one in students if one.isdecimal()]
        self._known: frozenset[int] | None = None

    def works(self) -> Iterator[LmsWork]:
        """Yield the columns of activities, and those that people made by hand."""
        account = self._services.account()
        items = [one for one in self._items(str(account.user_id)) if self._is_read(one)]
        uses = self._uses() if COMPETENCIES in account.functions else {}
        there = self._activities() if ACTIVITIES in account.functions else {}
        self._known = frozenset(one.id for one in items)
        for one in items:
            activity = there.get(one.cmid or 0)
            yield LmsWork(
                number=str(one.id),
                title=bare(one.itemname) or "",
                description=bare(activity.description) if activity else None,
                minimum=one.grademin,
                maximum=one.grademax,
                due_at=_due(activity) if activity else None,
                competencies=tuple(uses.get(one.cmid or 0, ())),
                web_url=self._url_of(one),
            )

    def scores(self, since: datetime | None) -> Iterator[LmsScore]:
        """Yield the grades of the students; Moodle cannot be asked for new ones."""
        del since
        if self._known is None:
            for _one in self.works():
                pass
        known = self._known or frozenset()
        with ThreadPoolExecutor(PARALLEL) as pool:
            coming = iter(self._students)
            while some := list(islice(coming, PARALLEL)):
                reports = pool.map(self._report, some)
                for user, items in zip(some, reports, strict=True):
                    told = (_score(user, one) for one in items if one.id in known)
                    yield from (one for one in told if not one.is_empty)

    def _report(self, user: str) -> list[GradeItem]:
        """Return what one person has; nothing of whom Moodle does not report on."""
        try:
            return self._items(user)
        except MoodleError as error:
            if error.errorcode in _UNREPORTED:
                return []
            raise

    def _items(self, user: str) -> list[GradeItem]:
        """Return the columns as one person has them.

        Raises:
            DeliveryError: report, the course shows its students no grades or ranges;
                updating, a grade is being worked out; besides what call raises.
        """
        found = self._services.call(
            REPORT, GRADE_REPORT, courseid=self._course, userid=user
        )
        items = [one for grades in found.usergrades for one in grades.gradeitems]
        stale = [n for n in items if n.gradeneedsupdate and n.itemtype == "mod"]
        if stale:
            raise DeliveryError(
                f'{self._services.host} is still working out "{stale[0].itemname}"; '
                "if it stays so, look at the gradebook of the course there",
                "updating",
                permanent=False,
            )
        if not all(one.is_shown for one in items):
            # Without these every grade would look as if it had been taken back.
            raise DeliveryError(
                f"the user report of the course in {self._services.host} leaves out "
                "grades or ranges; in the course under Grades > Course grade settings "
                '> User report, set "Show grades" and "Show ranges" to show',
                "report",
                permanent=True,
            )
        return items

    def _is_read(self, one: GradeItem) -> bool:
        # One filled in by hand: a formula that does not work out, no student's work.
        is_broken = one.gradeneedsupdate and one.itemtype != "mod"
        is_work = one.itemtype in _SCORED and one.outcomeid is None
        return is_work and not is_broken and not self._own.has(one)

    def _uses(self) -> Mapping[int, list[str]]:
        """Return the ID numbers of the competencies of each activity."""
        page = self._services.call(
            COMPETENCIES, COMPETENCY_PAGE, courseid=self._course, moduleid=0
        )
        uses: dict[int, list[str]] = {}
        for one in page.competencies:
            for module in one.coursemodules:
                if one.competency.idnumber:
                    uses.setdefault(module.id, []).append(one.competency.idnumber)
        return uses

    def _activities(self) -> Mapping[int, Activity]:
        sections = self._services.call(
            ACTIVITIES,
            CONTENTS,
            courseid=self._course,
            options=[{"name": "excludecontents", "value": 1}],
        )
        return {one.id: one for section in sections for one in section.modules}

    def _url_of(self, one: GradeItem) -> str | None:
        if one.cmid is None or not one.itemmodule:
            return None
        where = f"{self._services.site_url}/mod/{one.itemmodule}/view.php"
        return f"{where}?{urlencode({'id': one.cmid})}"


def _score(user: str, one: GradeItem) -> LmsScore:
    """Return a grade; what is hidden from students is none."""
    given = None if one.gradeishidden else one.graderaw
    return LmsScore(
        work=str(one.id),
        user=user,
        given=given,
        text=None if given is None else _words(one),
        scored_at=_moment(one.gradedategraded),
        submitted_at=_moment(one.gradedatesubmitted),
        comment=None if one.gradeishidden else bare(one.feedback),
    )


def _words(one: GradeItem) -> str | None:
    """Return the grade in words: the label of a scale, or a letter."""
    shown = bare(one.gradeformatted) or ""
    return shown if shown and not any(sign.isdigit() for sign in shown) else None


def _due(activity: Activity) -> datetime | None:
    dates = {one.dataid: one.timestamp for one in activity.dates}
    return next((_moment(dates[name]) for name in _DUE if name in dates), None)


def _moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
