"""AGS as a destination: a line item for each competency in the LMS's gradebook.

Source: LTI AGS 2.0; facts/lti.md section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lti_tool.platforms.destination import Column, Outcome, Shown
from lti_tool.platforms.grades import AgsResult, Grades, NewLineItem, Score
from lti_tool.platforms.profiles import PlatformProfile

TAG: Final = "masterybridge-competency"
_SECOND, _MILLISECOND = 1.0, 0.001


class LmsGradebook:
    """The gradebook of one course of an LMS."""

    parallel = 8

    def __init__(self, grades: Grades, profile: PlatformProfile) -> None:
        self._grades = grades
        self.clock_step_seconds = (
            _SECOND if profile.whole_second_clock else _MILLISECOND
        )

    def find_column(self, column: Column) -> str | None:
        """Return the line item's address, found by our id.

        Course copies and lost answers leave columns of ours behind, so it is looked
        for before it is made (AGS 2.0 section 3.2.15).
        """
        found = self._grades.find_line_items(resource_id=column.resource_id, tag=TAG)
        return found[0].id if found else None

    def make_column(self, column: Column) -> str:
        """Make a line item and return its address."""
        made = self._grades.create_line_item(
            NewLineItem(
                label=column.title,
                score_maximum=column.maximum,
                resource_id=column.resource_id,
                tag=TAG,
            )
        )
        return made.id

    def read(self, address: str, column: Column) -> Mapping[str, Shown]:
        """Return what the line item shows, by the platform's user id."""
        return {
            result.user_id: Shown(_on_our_maximum(result, column.maximum))
            for result in self._grades.fetch_results(address)
        }

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Post the score, or withdraw it when there is no value."""
        answer = self._grades.post_score(
            address,
            Score(
                user_id=outcome.recipient,
                given=outcome.value,
                maximum=outcome.maximum,
                at=outcome.at,
                comment=outcome.level_name,
            ),
        )
        return {"status": answer.status}


def _on_our_maximum(result: AgsResult, maximum: float) -> float | None:
    """A teacher may have given the column another maximum: compare on ours."""
    if result.result_score is None or not result.result_maximum:
        return result.result_score
    return result.result_score * maximum / result.result_maximum
