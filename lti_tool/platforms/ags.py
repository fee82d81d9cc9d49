"""AGS as a destination: a line item for each competency in the LMS's gradebook.

Source: LTI AGS 2.0; facts/lti.md section 8.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from lti_tool.platforms.destination import Column, Outcome, Shown
from lti_tool.platforms.grades import AgsLineItem, AgsResult, Grades, NewLineItem
from lti_tool.platforms.profiles import PlatformProfile
from lti_tool.platforms.scores import FinalScore, Score, Withdrawal

TAG: Final = "masterybridge-competency"
OURS: Final = "masterybridge/"
_SECOND, _MILLISECOND = 1.0, 0.001


class LmsGradebook:
    """The gradebook of one course of an LMS."""

    parallel = 8

    def __init__(
        self, grades: Grades, profile: PlatformProfile, *, launch_url: str
    ) -> None:
        """Keep our columns there; from them the LMS opens evidence at launch_url."""
        self._grades = grades
        self._launch_url = launch_url
        self._ours: list[AgsLineItem] | None = None
        self.clock_step_seconds = (
            _SECOND if profile.whole_second_clock else _MILLISECOND
        )

    def find_column(self, column: Column) -> str | None:
        """Return the line item's address, found by our id.

        Course copies and lost answers leave columns of ours behind, so it is looked
        for before it is made (AGS 2.0 section 3.2.15). In a copied course it carries
        the id it had in the other one: our tag, and what it ends in.
        """
        if self._ours is None:
            self._ours = self._grades.find_line_items(tag=TAG)
        found = [one for one in self._ours if one.resource_id == column.resource_id]
        found = found or [
            item for item in self._ours if is_of_column(item.resource_id, column.ending)
        ]
        return found[0].id if found else None

    def make_column(self, column: Column) -> str:
        """Make a line item and return its address."""
        known, self._ours = self._ours, None  # should the answer be lost
        made = self._grades.create_line_item(
            NewLineItem(
                label=column.title,
                score_maximum=column.maximum,
                resource_id=column.resource_id,
                tag=TAG,
                review=review_of(column, self._launch_url),
            )
        )
        self._ours = None if known is None else [*known, made]
        return made.id

    def read(
        self, address: str, column: Column, recipients: Collection[str]
    ) -> Mapping[str, Shown]:
        """Return what the line item shows, by the platform's user id."""
        del recipients  # one answer has them all
        return {
            result.user_id: _shown(result, column.maximum)
            for result in self._grades.fetch_results(address)
        }

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Post the score, or withdraw it when there is no value."""
        score: Score
        if outcome.value is None:
            score = Withdrawal(user_id=outcome.recipient, at=outcome.at)
        else:
            score = FinalScore(
                user_id=outcome.recipient,
                given=outcome.value,
                maximum=outcome.maximum,
                at=outcome.at,
                comment=outcome.level_name,
                comment_is_new=outcome.level_name != outcome.told_level_name,
            )
        answer = self._grades.post_score(address, score)
        told = {"status": answer.status, "date": answer.headers.get("Date")}
        return {name: value for name, value in told.items() if value is not None}


def review_of(column: Column, launch_url: str) -> dict[str, Any]:
    """How the LMS opens one student's evidence from a column.

    The competency goes along by its CASE identifier, which a copied course keeps; of
    the grade over all of them, none does.
    Source: Submission Review 1.0 section 3.1.
    """
    review: dict[str, Any] = {
        "reviewableStatus": ["InProgress", "Submitted", "Completed"],
        "label": "MasteryBridge",
        "url": launch_url,
    }
    if column.case_id is not None:
        review["custom"] = {"competency": column.case_id}
    return review


def is_of_column(resource_id: str | None, ending: str) -> bool:
    """Tell whether a resourceId is one of ours that ends so: for that competency.

    Another one may be an activity's own "ID number": Moodle 4.5 gives it to a
    restored column that had none (facts/moodle.md section 8).
    """
    return (
        resource_id is not None
        and resource_id.startswith(OURS)
        and resource_id.endswith(f"/{ending}")
    )


def _shown(result: AgsResult, maximum: float) -> Shown:
    """A teacher may have given the column another maximum: compare on ours."""
    score, theirs = result.result_score, result.result_maximum
    if score is None or not theirs or theirs == maximum:
        return Shown(score)
    return Shown(score * maximum / theirs, raw=score, raw_maximum=theirs)
