"""The gradebook: columns and grades, and what a score does to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from lti_tool.demo.platform_manners import Manners
from lti_tool.demo.platform_records import Further, Grade, LineItem


class GoneError(LookupError):
    """The column was removed meanwhile."""


class StaleScoreError(Exception):
    """A score is not newer than the one on record."""


class Gradebook:
    """Columns in the order they were made, and one grade a column and person."""

    def __init__(self, manners: Manners, lock: threading.RLock) -> None:
        """Begin empty; lock is held while anything changes."""
        self._manners = manners
        self._lock = lock
        self._columns: dict[str, LineItem] = {}
        self._by_course: dict[str, dict[str, LineItem]] = {}
        self._grades: dict[str, dict[str, Grade]] = {}
        self._made = 0

    def add_column(
        self,
        *,
        course_id: str,
        client_id: str,
        label: str,
        maximum: float,
        **further: Unpack[Further],
    ) -> LineItem:
        """Make a column and give it the next id."""
        with self._lock:
            self._made += 1
            item = LineItem(
                id=str(self._made),
                course_id=course_id,
                client_id=client_id,
                label=label,
                maximum=maximum,
                **further,
            )
            self._keep(item)
            self._grades[item.id] = {}
        return item

    def change_column(self, item: LineItem) -> None:
        """Put a changed column in place; a new maximum keeps the percentages.

        Raises:
            GoneError: the column was removed meanwhile.
        """
        with self._lock:
            before = self._still_there(item)
            self._keep(item)
            if before.maximum == item.maximum:
                return
            factor = item.maximum / before.maximum
            self._grades[item.id] = {
                person_id: replace(
                    grade,
                    maximum=item.maximum,
                    score=None if grade.score is None else grade.score * factor,
                )
                for person_id, grade in self._grades[item.id].items()
            }

    def remove_column(self, item: LineItem) -> None:
        """Take a column and its grades out."""
        with self._lock:
            self._columns.pop(item.id, None)
            self._by_course[item.course_id].pop(item.id, None)
            self._grades.pop(item.id, None)

    def column(self, line_item_id: str) -> LineItem | None:
        """The column with this short id."""
        return self._columns.get(line_item_id)

    def columns(
        self, course_id: str, keep: Callable[[LineItem], bool] = lambda _: True
    ) -> list[LineItem]:
        """The course's columns that keep is true of, oldest first."""
        with self._lock:
            items = list(self._by_course.get(course_id, {}).values())
        return [item for item in items if keep(item)]

    def grades(self, line_item_id: str) -> list[Grade]:
        """The column's grades, by who was graded first."""
        with self._lock:
            return list(self._grades.get(line_item_id, {}).values())

    def grade(self, line_item_id: str, person_id: str) -> Grade | None:
        """One person's grade in one column."""
        return self._grades.get(line_item_id, {}).get(person_id)

    def score(self, item: LineItem, sent: Grade) -> Grade:
        """Record a score a tool sent; gives what stands afterwards.

        Raises:
            GoneError: the column was removed meanwhile.
            StaleScoreError: its time is not after the one on record.

        Source: AGS 2.0, score publish service; facts/canvas.md and moodle.md.
        """
        with self._lock:
            self._still_there(item)
            before = self.grade(item.id, sent.person_id)
            sent = replace(sent, at=self._clocked(sent.at))
            if before is not None and self._is_stale(sent.at, before.at):
                raise StaleScoreError
            after = self._standing(item, before, sent)
            self._grades[item.id][sent.person_id] = after
        return after

    def override(
        self,
        item: LineItem,
        person_id: str,
        score: float | None,
        *,
        at: datetime,
        comment: str | None,
    ) -> Grade:
        """Record what a teacher typed into the gradebook."""
        grade = Grade(
            line_item_id=item.id,
            person_id=person_id,
            score=score,
            maximum=item.maximum,
            at=self._clocked(at),
            comment=comment,
            overridden=True,
        )
        with self._lock:
            self._still_there(item)
            self._grades[item.id][person_id] = grade
        return grade

    def _still_there(self, item: LineItem) -> LineItem:
        if (kept := self._columns.get(item.id)) is None:
            raise GoneError(f"line item {item.id} was removed")
        return kept

    def _keep(self, item: LineItem) -> None:
        self._columns[item.id] = item
        self._by_course.setdefault(item.course_id, {})[item.id] = item

    def _clocked(self, at: datetime) -> datetime:
        return at.replace(microsecond=0) if self._manners.whole_second_clock else at

    def _is_stale(self, sent: datetime, kept: datetime) -> bool:
        return sent < kept if self._manners.equal_timestamps else sent <= kept

    def _standing(self, item: LineItem, before: Grade | None, sent: Grade) -> Grade:
        if before and before.overridden and item.coupled and self._keeps_overrides:
            return before
        comment = self._comment(before, sent.comment)
        if sent.score is not None and sent.grading not in self._manners.final_progress:
            kept = None if before is None else before.score
            score = None if self._manners.erases_unfinished else kept
        else:
            score = self._scaled(item, sent)
        return replace(sent, score=score, maximum=item.maximum, comment=comment)

    @property
    def _keeps_overrides(self) -> bool:
        return self._manners.keeps_overrides

    def _comment(self, before: Grade | None, comment: str | None) -> str | None:
        earlier = before.comment if before else None
        if not self._manners.appends_comments:
            return comment
        return "\n".join(filter(None, (earlier, comment))) or None

    def _scaled(self, item: LineItem, sent: Grade) -> float | None:
        if sent.score is None:
            return None
        score = sent.score
        if sent.maximum != item.maximum:
            score = score * item.maximum / sent.maximum
        return min(score, item.maximum) if self._manners.clamps_scores else score


def has(**wanted: str | None) -> Callable[[LineItem], bool]:
    """A test of columns: every field named has the value named, None is any."""
    asked: Mapping[str, str] = {
        name: value for name, value in wanted.items() if value is not None
    }

    def keep(item: LineItem) -> bool:
        return all(
            (getattr(item, name) or "") == value for name, value in asked.items()
        )

    return keep
