"""Our assignments in a Canvas course, and the rubrics of outcomes that hang on them.

One bears so many outcomes, and the next one those that come after: a row that has
results can neither be removed nor moved, so what stands somewhere stays there, however
many outcomes come later. Attaching a second rubric to an assignment destroys the first
one's results for good, so the assignment is read before anything is attached, and
nobody else's is ever touched. Source: facts/canvas.md section 6 A, steps 2 and 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_models import (
    ASSIGNMENT,
    ASSIGNMENTS,
    RUBRIC,
    RUBRIC_ANSWER,
    Assignment,
    Association,
    CanvasOutcome,
    Criterion,
)
from lti_tool.platforms.canvas_outcomes import CanvasScale, ratings_of
from lti_tool.platforms.canvas_rest import CanvasRest, read

TITLE: Final = "Competency levels (MasteryBridge)"
# What an assignment of ours says of itself; a copied course has the other's number.
REFERENCE: Final = "masterybridge/course-"
# Which of ours an assignment is: "…/course-7" the first, "…/course-7/2" the second.
_MARK: Final = re.compile(rf"({re.escape(REFERENCE)}\d+)(?:/(\d+))?<")
# Rows of a rubric that a teacher can still look through, and Canvas save at once.
MOST_ROWS: Final = 40
_DESCRIPTION: Final = (
    "<p>MasteryBridge writes the level each student has reached into the rubric of "
    "this assignment. It counts for no grade. Please leave the assignment and its "
    "rubric as they are.</p><p>Reference: {reference}</p>"
)
_UNMARKED: Final = ["none"]


class LevelsAssignments:
    """The assignments of ours in one Canvas course."""

    def __init__(self, rest: CanvasRest, course: str, reference: str) -> None:
        """Look after them in course (its number); reference names our own course."""
        self._rest = rest
        self._course = f"/courses/{course}"
        self._reference = reference

    def find(self, case_id: str | None) -> tuple[Assignment, Criterion] | None:
        """Return the row of an outcome, by its CASE identifier, None if there is none.

        Raises:
            DeliveryError: foreign_rubric, somebody hung another rubric on one of
                ours, and the row is on no other.
        """
        ours = self._ours()
        for one in ours:
            for row in _rows(one):
                if row.vendor_guid == case_id and row.outcome_id:
                    return one, row
        for one in ours:
            self._check(one)
        return None

    def fetch(self, number: str) -> Assignment:
        """Return an assignment of ours by its number.

        Raises:
            DeliveryError: gone, it was deleted; foreign_rubric, somebody hung
                another rubric on it.
        """
        found = self._rest.get(f"{self._course}/assignments/{number}", ASSIGNMENT)
        if not is_ours(found):
            # Somebody made it her own: nothing of it is ours to write to.
            raise DeliveryError(
                f'the assignment "{found.name}" in {self._rest.host} was changed and '
                "is ours no more",
                "gone",
                permanent=True,
            )
        self._check(found)
        return found

    def ensure(self, outcomes: Sequence[CanvasOutcome], scale: CanvasScale) -> None:
        """Make a row for each of outcomes that has none, where there is room for it.

        Rows that are there stay, with their ids: results hang on them.

        Raises:
            DeliveryError: foreign_rubric; shared_rubric, it is used elsewhere too;
                rubric, Canvas did not take it.
        """
        ours = self._ours()
        there = {row.outcome_id for one in ours for row in _rows(one)}
        new: Sequence[CanvasOutcome] = [one for one in outcomes if one.id not in there]
        if not new:
            return
        for one in ours:
            self._check(one)
            room = max(0, MOST_ROWS - len(_rows(one)))
            some, new = new[:room], new[room:]
            if some:
                self._add(one, some, scale)
        last = max((_place(one) for one in ours), default=0)
        for place, some in enumerate(_chunks(new), last + 1):
            self._add(self._make(self._named(ours), place), some, scale)

    def _ours(self) -> list[Assignment]:
        """Return our assignments, in the order they were made.

        In a copied course they carry the reference of the other one, and go on to.
        """
        pages = self._rest.every(f"{self._course}/assignments", ASSIGNMENTS)
        found = [one for page in pages for one in page if is_ours(one)]
        exact = [one for one in found if _reference(one) == self._reference]
        return sorted(exact or found, key=_place)

    def _named(self, ours: Sequence[Assignment]) -> str:
        """Return the reference of the next of ours: that of those that are there."""
        return _reference(ours[0]) if ours else self._reference

    def _add(
        self, ours: Assignment, new: Sequence[CanvasOutcome], scale: CanvasScale
    ) -> None:
        criteria = [_kept(one) for one in _rows(ours)]
        criteria += [_row(one, scale) for one in new]
        rubric = {
            "title": _title(_place(ours)),
            "free_form_criterion_comments": "0",
            "criteria": {str(place): one for place, one in enumerate(criteria)},
        }
        content = {"rubric": rubric, "rubric_association": self._use(ours)}
        if ours.rubric_settings is None:
            self._save("POST", f"{self._course}/rubrics", content)
        else:
            number = ours.rubric_settings.id or ""
            use = self._only_use(ours, number)
            content["rubric_association_id"] = use.id
            self._save("PUT", f"{self._course}/rubrics/{number}", content)

    def _check(self, one: Assignment) -> None:
        settings = one.rubric_settings
        if settings is None or (settings.title or "").startswith(TITLE):
            return
        raise DeliveryError(
            f'somebody attached the rubric "{settings.title}" to our assignment '
            f'"{one.name}" in {self._rest.host}; delete the assignment there, and a '
            "new one is made",
            "foreign_rubric",
            permanent=True,
        )

    def _make(self, reference: str, place: int) -> Assignment:
        mark = reference if place == 1 else f"{reference}/{place}"
        content = {
            "assignment": {
                "name": _title(place),
                "description": _DESCRIPTION.format(reference=mark),
                "submission_types": _UNMARKED,
                "grading_type": "not_graded",
                "points_possible": 0,
                "omit_from_final_grade": True,
                "published": True,
                "notify_of_update": False,
            }
        }
        sent = self._rest.send("POST", f"{self._course}/assignments", content)
        return read(sent, ASSIGNMENT)

    def _use(self, ours: Assignment) -> dict[str, str]:
        return {
            "association_type": "Assignment",
            "association_id": ours.id,
            "title": _title(_place(ours)),
            "purpose": "grading",
            # Else Canvas sets the assignment's points and writes grades.
            "use_for_grading": "0",
            "hide_score_total": "1",
            "hide_points": "0",
            "hide_outcome_results": "0",
            "bookmarked": "1",
        }

    def _only_use(self, ours: Assignment, rubric: str) -> Association:
        """Return how our rubric is used, seen that nobody else uses it.

        Canvas answers a change of a rubric in two uses with another rubric.
        """
        found = self._rest.get(
            f"{self._course}/rubrics/{rubric}",
            RUBRIC,
            [("include[]", "associations")],
        )
        uses = [one for one in found.associations if one.purpose == "grading"]
        if len(uses) != 1 or uses[0].association_id != ours.id:
            raise DeliveryError(
                f'the rubric "{found.title}" of our assignment is used for other work '
                f"too in {self._rest.host}; it cannot be added to until it is taken "
                "off there",
                "shared_rubric",
                permanent=True,
            )
        return uses[0]

    def _save(self, method: str, path: str, content: Mapping[str, Any]) -> None:
        answer = read(self._rest.send(method, path, content), RUBRIC_ANSWER)
        if answer.error or answer.rubric is None:
            said = "; ".join(answer.messages) or "it does not say why"
            raise DeliveryError(
                f"{self._rest.host} did not take the rubric: {said}",
                "rubric",
                permanent=True,
            )


def is_ours(one: Assignment) -> bool:
    """Tell whether an assignment is one that we made, still as we made it."""
    return REFERENCE in (one.description or "") and (
        list(one.submission_types) == _UNMARKED
    )


def _rows(one: Assignment) -> tuple[Criterion, ...]:
    """Return the rows of our rubric on an assignment; those of another are not ours."""
    title = (one.rubric_settings.title or "") if one.rubric_settings else ""
    return (one.rubric or ()) if title.startswith(TITLE) else ()


def _chunks(new: Sequence[CanvasOutcome]) -> list[Sequence[CanvasOutcome]]:
    starts = range(0, len(new), MOST_ROWS)
    return [new[start : start + MOST_ROWS] for start in starts]


def _reference(one: Assignment) -> str:
    found = _MARK.search(one.description or "")
    return found[1] if found else ""


def _place(one: Assignment) -> int:
    """Return which of ours an assignment is, the first as 1."""
    found = _MARK.search(one.description or "")
    return int(found[2]) if found and found[2] else 1


def _title(place: int) -> str:
    return TITLE if place == 1 else f"{TITLE} {place}"


def _row(outcome: CanvasOutcome, scale: CanvasScale) -> dict[str, Any]:
    ratings = ratings_of(outcome, scale)
    row: dict[str, Any] = {
        "description": outcome.title,
        "learning_outcome_id": outcome.id,
        "ignore_for_scoring": "1",
        "points": str(max(one.points for one in ratings)),
        "ratings": {
            str(place): {"description": one.description, "points": str(one.points)}
            for place, one in enumerate(ratings)
        },
    }
    if outcome.mastery_points is not None:
        row["mastery_points"] = str(outcome.mastery_points)
    return row


def _kept(one: Criterion) -> dict[str, Any]:
    """Return a row as it is: what is left out would be taken from it."""
    row: dict[str, Any] = {
        "id": one.id,
        "description": one.description,
        "points": str(one.points),
        "criterion_use_range": "true" if one.criterion_use_range else "false",
        "ratings": {
            str(place): {
                "id": rating.id,
                "description": rating.description,
                "points": str(rating.points),
            }
            for place, rating in enumerate(one.ratings)
        },
    }
    if one.outcome_id is None:
        return row | {"long_description": one.long_description or ""}
    return row | {"learning_outcome_id": one.outcome_id, "ignore_for_scoring": "1"}
