"""Moodle's competencies as a destination: the rating of each student in a course.

A column is a competency of the course; its address is Moodle's number of it. Moodle
keeps an item of a scale and no number of ours, shows the ratings of one student at a
time, and adds to her history with every rating it is given: so ratings are read first
and given only where they differ.

Source: facts/moodle.md section 9; seen on Moodle 4.5.5 in November 2026.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import Column, Outcome, Shown
from lti_tool.platforms.moodle import MoodleError, WebServices
from lti_tool.platforms.moodle_scales import Items, Meaning
from lti_tool.platforms.moodle_shapes import (
    ANYTHING,
    COURSE_COMPETENCIES,
    REPORT,
    MoodleCompetency,
    UserCompetency,
)
from lti_tool.platforms.moodle_shelf import Shelf, pick

_NOTE_LIMIT: Final = 1000
_NOT_RATED: Final = (
    "Moodle does not let this student be rated in this course: only who is enrolled "
    "there as a student is"
)
_NOT_CLEARED: Final = (
    "a rating stands in Moodle and web services cannot take one away; a teacher "
    "changes it in the course's competency report"
)
_OTHER_LEVELS: Final = (
    "the levels of the course were changed since this one was told; it is told anew "
    "once the levels are worked out"
)
_NO_USER: Final = (
    "what the LMS calls this student is no user of Moodle's: the student opens the "
    "tool once from Moodle"
)


class MoodleCourse:
    """The competency ratings of one Moodle course."""

    clock_step_seconds = 0.0
    parallel = 4
    looks_at_students = True

    def __init__(
        self, services: WebServices, *, course: str, meaning: Meaning, shelf: Shelf
    ) -> None:
        """Rate in the course of this id; shelf knows frameworks and scales."""
        self._services = services
        self._course = course
        self._meaning = meaning
        self._shelf = shelf
        self._lock = threading.Lock()
        self._linked: dict[int, MoodleCompetency] | None = None
        self._reports: dict[str, dict[int, UserCompetency]] = {}
        self._stale: set[tuple[str, str]] = set()
        self._items: dict[int, Items] = {}

    def find_column(self, column: Column) -> str | None:
        """Return Moodle's number of the competency, if the course has it."""
        found = pick(column, list(self._in_course().values()))
        return None if found is None else str(found.id)

    def make_column(self, column: Column) -> str:
        """Link the competency to the course, found on the site or made there."""
        made = self._shelf.place(column)
        self._services.call(
            "core_competency_add_competency_to_course",
            ANYTHING,
            courseid=self._course,
            competencyid=made,
        )
        self._linked = None
        return str(made)

    def foresee(self, column: Column) -> DeliveryError | None:
        """Return why nobody could be rated on a competency, None if they could."""
        there = pick(column, list(self._in_course().values()))
        there = there or self._shelf.find(column)
        if there is None:
            return None
        try:
            self._meaning.items(self._shelf.scales.load(there))
        except DeliveryError as error:
            if not error.permanent:
                raise
            return error
        return None

    def read(
        self, address: str, column: Column, recipients: Collection[str]
    ) -> Mapping[str, Shown]:
        """Return the ratings of recipients; each is asked for by itself."""
        if int(address) not in self._in_course():
            raise DeliveryError(
                "the competency is not in the Moodle course any more",
                "gone",
                permanent=True,
            )
        del column
        self._scale(int(address))  # without an item for each level nothing is read
        unread = [
            one
            for one in recipients
            if one.isdecimal()
            and (one not in self._reports or (one, address) in self._stale)
        ]
        with ThreadPoolExecutor(self.parallel) as pool:
            for one, report in zip(unread, pool.map(self._report, unread), strict=True):
                self._reports[one] = report
                self._stale = {mark for mark in self._stale if mark[0] != one}
        shown = {one: self._shown(address, one) for one in recipients}
        return {one: rating for one, rating in shown.items() if rating is not None}

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Rate the student; a rating cannot be taken back."""
        if outcome.value is None:
            raise DeliveryError(_NOT_CLEARED, "not_cleared", permanent=True)
        if not outcome.recipient.isdecimal():
            raise DeliveryError(_NO_USER, "no_user", permanent=True)
        if not 1 <= outcome.value <= len(self._meaning.levels.names):
            raise DeliveryError(_OTHER_LEVELS, "other_levels", permanent=True)
        item = self._scale(int(address)).item(round(outcome.value))
        with self._lock:
            self._stale.add((outcome.recipient, address))
        try:
            answer = self._services.call(
                "core_competency_grade_competency_in_course",
                ANYTHING,
                courseid=self._course,
                userid=outcome.recipient,
                competencyid=address,
                grade=item,
                note=note(outcome),
            )
        except MoodleError as error:
            raise _refused(error) from error
        kept = answer if isinstance(answer, dict) else {}
        return {
            "grade": kept.get("grade"),
            "gradename": kept.get("gradename"),
            "evidence": kept.get("id"),
        }

    def _in_course(self) -> dict[int, MoodleCompetency]:
        if self._linked is None:
            found = self._services.call(
                "core_competency_list_course_competencies",
                COURSE_COMPETENCIES,
                id=self._course,
            )
            self._linked = {one.competency.id: one.competency for one in found}
        return self._linked

    def _report(self, user: str) -> dict[int, UserCompetency]:
        """What the course's report has of one student; nothing where it has none."""
        try:
            found = self._services.call(
                "report_competency_data_for_report",
                REPORT,
                courseid=self._course,
                userid=user,
                moduleid=0,
            )
        except MoodleError as error:
            # Moodle 4.5.5: of somebody who is no student there it fails without an
            # errorcode, by a class that it does not find; seen 2026-11,
            # report/competency/classes/external.php.
            if error.errorcode or "coding_exception" not in error.message:
                raise
            return {}
        return {one.rating.competencyid: one.rating for one in found.usercompetencies}

    def _shown(self, address: str, user: str) -> Shown | None:
        rating = self._reports.get(user, {}).get(int(address))
        if rating is None or rating.grade is None:
            return None
        items = self._scale(int(address))
        return Shown(
            items.nearest(rating.grade),
            items.name(rating.grade),
            stands_for=items.levels(rating.grade),
            # Who set it last is told, and our account may be a teacher's own.
            is_ours=None if rating.usermodified == self._user_id else False,
        )

    def _scale(self, competency: int) -> Items:
        with self._lock:
            if competency not in self._items:
                scale = self._shelf.scales.load(self._in_course()[competency])
                self._items[competency] = self._meaning.items(scale)
            return self._items[competency]

    @cached_property
    def _user_id(self) -> int:
        return self._services.account().user_id


def note(outcome: Outcome) -> str:
    """What stands beside a rating: whose it is, and what it rests on."""
    basis = outcome.basis
    told = [f"MasteryBridge: {outcome.level_name or 'level'}"]
    if basis.get("is_by_teacher"):
        told.append("set by a teacher")
    else:
        told.append(f"rule {basis.get('rule', '?')}")
        told.append(f"pieces of evidence: {basis.get('evidence', '?')}")
    told.append(f"as of {str(basis.get('computed_at') or outcome.at)[:10]}")
    # Moodle 4.5: a note with anything like a tag in it is refused; seen 2026-11.
    return ", ".join(told).replace("<", "\u2039").replace(">", "\u203a")[:_NOTE_LIMIT]


def _refused(error: MoodleError) -> DeliveryError:
    """Say what Moodle means by a programmer's error."""
    if "may not be rated" in error.message:
        return DeliveryError(_NOT_RATED, "not_rated", permanent=True)
    if "does not belong to this course" in error.message:
        return DeliveryError(str(error), "gone", permanent=True)
    return error
