"""What Canvas's REST interface answers of work and of grades, as far as we read it.

Source: facts/canvas.md section 8; Canvas lib/api/v1/assignment.rb, submission.rb.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, FiniteFloat, TypeAdapter

from lti_tool.platforms.canvas_models import Assignment, CanvasRecord, Criterion, Mark

# What the JSON reader lets pass as a number and is none (NaN, Infinity) ends a reading:
# nothing can be told of a page that holds it.
Points = FiniteFloat


class ToolTag(CanvasRecord):
    """The tool that an assignment opens."""

    url: str | None = None
    content_type: str | None = None
    content_id: str | None = None


class GradedCriterion(Criterion):
    """A row of a rubric, its points a number."""

    points: Points = 0.0


class GradedAssignment(Assignment):
    """An assignment with what its grades are read by.

    post_manually: grades stay unseen until somebody posts them.
    """

    points_possible: Points | None = None
    rubric: tuple[GradedCriterion, ...] | None = None
    due_at: datetime | None = None
    html_url: str | None = None
    assignment_group_id: str | None = None
    sis_assignment_id: str | None = None
    integration_id: str | None = None
    post_manually: bool | None = None
    external_tool_tag_attributes: ToolTag | None = None


class AssignmentGroup(CanvasRecord):
    """A folder of assignments, with a weight of its own in the course's grade."""

    id: str
    name: str = ""


class GradedMark(Mark):
    """A row of a rubric assessment, its points a number."""

    points: Annotated[
        Points | None, BeforeValidator(lambda one: None if one == "" else one)
    ] = None


class GradedSubmission(CanvasRecord):
    """One student's place in an assignment, graded or not.

    Of work that is graded anonymously Canvas tells no user_id until it is posted.
    """

    assignment_id: str
    user_id: str | None = None
    score: Points | None = None
    grade: str | None = None
    workflow_state: str = ""
    graded_at: datetime | None = None
    submitted_at: datetime | None = None
    posted_at: datetime | None = None
    grader_id: int | None = None
    excused: bool | None = None
    late: bool | None = None
    missing: bool | None = None
    rubric_assessment: dict[str, GradedMark] | None = None

    @property
    def is_posted(self) -> bool:
        """Tell whether the student sees the grade; a Canvas without this field: yes."""
        return self.posted_at is not None or "posted_at" not in self.model_fields_set


GRADED_ASSIGNMENTS: Final = TypeAdapter(list[GradedAssignment])
ASSIGNMENT_GROUPS: Final = TypeAdapter(list[AssignmentGroup])
GRADED_SUBMISSIONS: Final = TypeAdapter(list[GradedSubmission])
