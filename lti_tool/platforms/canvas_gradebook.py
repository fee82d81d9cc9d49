"""The gradebook of a Canvas course, read by its REST interface.

What is read was looked up in Canvas's source in November 2026:

- app/controllers/submissions_api_controller.rb, for_students: `graded_since` is
  `graded_at > ?`. A grade that is taken back keeps its old graded_at (infer_values and
  save_grade_to_submission set it with a score alone), and posting a grade or hiding
  it changes graded_at as little as a rubric row that counts for no grade does. So all
  scores are read again now and then; since asks for the rest in between.
- app/models/assignment.rb, score_to_grade: points, percent, letter_grade and
  gpa_scale all keep a score on points_possible; pass_fail is all points or none, and
  of no points a word alone; not_graded has none, and may have a rubric.
- app/models/learning_outcome_result.rb, exclude_muted_associations: rows of a rubric
  are seen where the grade is posted, where it is posted by itself, or where the work
  is not graded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_grades import (
    ASSIGNMENT_GROUPS,
    GRADED_ASSIGNMENTS,
    GRADED_SUBMISSIONS,
    GradedAssignment,
    GradedSubmission,
)
from lti_tool.platforms.canvas_rest import CanvasRest, Fields
from lti_tool.platforms.canvas_rubric import REFERENCE, TITLE
from lti_tool.platforms.gradebook import LmsPart, LmsScore, LmsWork
from lti_tool.platforms.markup import bare
from lti_tool.platforms.paging import Patience

# Assignments asked about in one list: a list has a thousand pages at most.
TOGETHER: Final = 10
_NOT_GRADED, _PASS_FAIL = "not_graded", "pass_fail"
_PASSED: Final = frozenset({"complete", "pass"})
_TOOL: Final = "ContextExternalTool"
# Answers of students may be long, and are nobody's business here.
_LEFT_OUT: Final = ("attachments", "body", "discussion_entries", "preview_url", "url")


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """What in a Canvas course is ours.

    Attributes:
        tool: what Canvas calls our tool there; scores that it wrote have it, as a
            number below zero, for their grader.
        url: where our tool is; assignments that open it are ours.
        labels: title and maximum of each column we made by AGS. Canvas keeps title and
            points of an assignment and of its line item the same, also when a teacher
            changes them (app/models/assignment.rb, update_line_items; seen 2026-11),
            and tells the number of neither in the other's interface.
    """

    tool: str | None = None
    url: str = ""
    labels: frozenset[tuple[str, float]] = frozenset()

    def has(self, one: GradedAssignment) -> bool:
        """Tell whether an assignment is ours."""
        tag = one.external_tool_tag_attributes
        opens_us = tag is not None and (
            (bool(self.url) and (tag.url or "").startswith(self.url))
            or (tag.content_type == _TOOL and tag.content_id == self.tool)
        )
        label = (one.name or "", one.points_possible or 0.0)
        return opens_us or _holds_levels(one) or label in self.labels

    def wrote(self, one: GradedSubmission) -> bool:
        """Tell whether a score was written by our tool."""
        return (
            self.tool is not None
            and one.grader_id is not None
            and str(-one.grader_id) == self.tool
        )


class CanvasGradebook:
    """The assignments of one Canvas course and the scores in them."""

    is_whole = False

    def __init__(
        self,
        way: Callable[[], CanvasRest],
        course: str,
        own: OwnColumns,
        patience: Patience | None = None,
    ) -> None:
        """Read course (its number); what is own is left out.

        way lets us in each time we read, and is closed at the end: in between others
        use the token, and may have renewed it.
        """
        self._way = way
        self._path = f"/courses/{course}"
        self._own = own
        self._patience = patience or Patience()
        self._known: dict[str, GradedAssignment] | None = None

    def works(self) -> Iterator[LmsWork]:
        """Yield the published assignments that are graded or have a rubric.

        Nobody else uses the token until the last one is yielded.
        """
        with self._way() as rest:
            yield from self._works(rest)

    def _works(self, rest: CanvasRest) -> Iterator[LmsWork]:
        groups = self._groups(rest)
        known: dict[str, GradedAssignment] = {}
        fields = [("override_assignment_dates", "false")]
        pages = rest.every(
            f"{self._path}/assignments", GRADED_ASSIGNMENTS, fields, self._patience
        )
        for page in pages:
            for one in page:
                # A list by numbers of pages may repeat one where another came before.
                if one.id not in known and self._is_read(one):
                    known[one.id] = one
                    yield _work(one, groups)
        self._known = known

    def scores(self, since: datetime | None) -> Iterator[LmsScore]:
        """Yield the scores of works(); see the module for what since leaves out.

        Nobody else uses the token until the last one is yielded.
        """
        if self._known is None:
            for _one in self.works():
                pass
        with self._way() as rest:
            yield from self._scores(rest, since)

    def _scores(self, rest: CanvasRest, since: datetime | None) -> Iterator[LmsScore]:
        known = self._known or {}
        numbers = iter(known)
        while some := list(islice(numbers, TOGETHER)):
            for page in self._submissions(rest, some, since):
                told = (self._score(known.get(n.assignment_id), n) for n in page)
                yield from (
                    one
                    for one in told
                    if one is not None and not (since is None and one.is_empty)
                )

    def _is_read(self, one: GradedAssignment) -> bool:
        is_scored = one.grading_type != _NOT_GRADED or bool(_parts(one))
        return one.published and is_scored and not self._own.has(one)

    def _groups(self, rest: CanvasRest) -> Mapping[str, str]:
        pages = rest.every(
            f"{self._path}/assignment_groups",
            ASSIGNMENT_GROUPS,
            patience=self._patience,
        )
        return {one.id: one.name for page in pages for one in page}

    def _submissions(
        self, rest: CanvasRest, numbers: Sequence[str], since: datetime | None
    ) -> Iterator[list[GradedSubmission]]:
        """Yield submissions of some assignments, a page at a time.

        Raises:
            DeliveryError: changing, an assignment went away meanwhile.
        """
        fields: Fields = [
            ("student_ids[]", "all"),
            ("include[]", "rubric_assessment"),
            *(("assignment_ids[]", one) for one in numbers),
            *(("exclude_response_fields[]", one) for one in _LEFT_OUT),
        ]
        if since is not None:
            moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            fields = [*fields, ("graded_since", moment)]
        try:
            yield from rest.every(
                f"{self._path}/students/submissions",
                GRADED_SUBMISSIONS,
                fields,
                self._patience,
            )
        except DeliveryError as error:
            # Canvas: of one that was deleted or taken out of sight it refuses all of
            # them with 403; seen 2026-11, submissions_api_controller.rb.
            if "invalid assignment ids" in str(error):
                raise DeliveryError(
                    f"assignments of the course in {rest.host} were removed "
                    "while they were read; it is read again",
                    "changing",
                    permanent=False,
                ) from error
            raise

    def _score(
        self, work: GradedAssignment | None, one: GradedSubmission
    ) -> LmsScore | None:
        if work is None or one.user_id is None or self._own.wrote(one):
            return None
        is_graded = one.is_posted and one.workflow_state == "graded"
        given = _given(work, one) if is_graded and not one.excused else None
        return LmsScore(
            work=work.id,
            user=one.user_id,
            given=given,
            text=one.grade if is_graded and given is None and not one.excused else None,
            scored_at=one.graded_at,
            submitted_at=one.submitted_at,
            is_excused=bool(one.excused),
            flags=frozenset(_flags(one)),
            parts=_marks(work, one),
        )


def try_reading(rest: CanvasRest, course: str) -> None:
    """Ask for a little of all that is read of a course, to see that it is granted.

    Raises:
        DeliveryError: it is not, or Canvas is not reached.
    """
    path, little = f"/courses/{course}", ("per_page", "1")
    rest.get(f"{path}/assignment_groups", ASSIGNMENT_GROUPS, [little])
    rest.get(f"{path}/assignments", GRADED_ASSIGNMENTS, [little])
    rest.get(
        f"{path}/students/submissions",
        GRADED_SUBMISSIONS,
        [
            ("student_ids[]", "all"),
            *(("exclude_response_fields[]", one) for one in _LEFT_OUT),
            little,
        ],
    )


def _holds_levels(one: GradedAssignment) -> bool:
    """Tell whether our levels stand in an assignment, whatever became of it since."""
    title = one.rubric_settings.title if one.rubric_settings else None
    return REFERENCE in (one.description or "") or (title or "").startswith(TITLE)


def _work(one: GradedAssignment, groups: Mapping[str, str]) -> LmsWork:
    return LmsWork(
        number=one.id,
        title=one.name or "",
        description=bare(one.description),
        minimum=None if _maximum(one) is None else 0.0,
        maximum=_maximum(one),
        due_at=one.due_at,
        category=groups.get(one.assignment_group_id or ""),
        parts=_parts(one),
        sis_sourced_id=one.sis_assignment_id or one.integration_id,
        web_url=one.html_url,
    )


def _parts(one: GradedAssignment) -> tuple[LmsPart, ...]:
    """Return the rows of the rubric; a row of an outcome has its vendor_guid."""
    return tuple(
        LmsPart(
            key=_key(row.id),
            title=row.description,
            maximum=row.points,
            competencies=(row.vendor_guid,) if row.vendor_guid else (),
        )
        for row in one.rubric or ()
        if row.points > 0
    )


def _key(criterion: str) -> str:
    return f"row:{criterion}"


def _maximum(one: GradedAssignment) -> float | None:
    if one.grading_type == _NOT_GRADED:
        return None
    if one.points_possible and one.points_possible > 0:
        return one.points_possible
    return 1.0 if one.grading_type == _PASS_FAIL else None


def _given(work: GradedAssignment, one: GradedSubmission) -> float | None:
    """Return the score; of work without points a pass is 1, all else a word."""
    if work.points_possible and work.points_possible > 0:
        return one.score if work.grading_type != _NOT_GRADED else None
    if work.grading_type == _PASS_FAIL and one.grade:
        return 1.0 if one.grade in _PASSED else 0.0
    return None


def _flags(one: GradedSubmission) -> Iterator[str]:
    if one.late:
        yield "late"
    if one.missing:
        yield "missing"
    # A quiz with answers that a person has to judge still: its score is not whole.
    if one.workflow_state == "pending_review":
        yield "in_progress"


def _marks(
    work: GradedAssignment, one: GradedSubmission
) -> Mapping[str, tuple[float, float]]:
    is_seen = (
        one.is_posted or work.grading_type == _NOT_GRADED or work.post_manually is False
    )
    if not is_seen or one.excused:
        return {}
    marked = one.rubric_assessment or {}
    return {
        _key(row.id): (points, row.points)
        for row in work.rubric or ()
        if row.points > 0
        and row.id in marked
        and (points := marked[row.id].points) is not None
    }
