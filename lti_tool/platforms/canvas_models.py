"""What Canvas's REST interface answers, as far as we read it; ids are words.

Source: facts/canvas.md sections 6 and 8.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator


class CanvasRecord(BaseModel):
    """What every record of Canvas is: frozen, its ids words, the unknown left out."""

    model_config = ConfigDict(
        coerce_numbers_to_str=True, extra="ignore", frozen=True, populate_by_name=True
    )


class Course(CanvasRecord):
    """A course; whether it is over says one of two fields, by who ended it."""

    id: str
    workflow_state: str = ""
    concluded: bool = False

    @property
    def is_over(self) -> bool:
        """Tell whether nothing can be written there any more."""
        return self.concluded or self.workflow_state in {"completed", "deleted"}


class User(CanvasRecord):
    """A person, by the number Canvas knows her by."""

    id: str


class Rating(CanvasRecord):
    """One step of a criterion."""

    id: str | None = None
    description: str = ""
    points: float = 0.0


class Criterion(CanvasRecord):
    """A row of a rubric; that of an outcome names it, and its vendor_guid."""

    id: str
    description: str = ""
    long_description: str | None = ""
    points: float = 0.0
    ignore_for_scoring: bool | None = None
    criterion_use_range: bool | None = None
    ratings: tuple[Rating, ...] = ()
    outcome_id: str | None = None
    vendor_guid: str | None = None


class RubricSettings(CanvasRecord):
    """The rubric of an assignment."""

    id: str | None = None
    title: str | None = None


class Assignment(CanvasRecord):
    """An assignment, with its rubric when it has one."""

    id: str
    name: str | None = ""
    description: str | None = ""
    submission_types: tuple[str, ...] = ()
    grading_type: str | None = None
    points_possible: float | None = None
    published: bool = True
    rubric: tuple[Criterion, ...] | None = None
    rubric_settings: RubricSettings | None = None


class Association(CanvasRecord):
    """What a rubric is used for."""

    id: str
    association_id: str
    association_type: str = ""
    purpose: str = ""


class Rubric(CanvasRecord):
    """A rubric, with all that it is used for."""

    id: str
    title: str | None = None
    associations: tuple[Association, ...] = ()


class RubricAnswer(CanvasRecord):
    """What saving a rubric answers: a refusal comes with status 200 and `error`."""

    rubric: Rubric | None = None
    rubric_association: Association | None = None
    error: bool = False
    messages: tuple[str, ...] = ()


class CanvasOutcome(CanvasRecord):
    """A competency as Canvas keeps it: an outcome."""

    id: str
    title: str = ""
    vendor_guid: str | None = None
    points_possible: float | None = None
    mastery_points: float | None = None
    calculation_method: str | None = None
    calculation_int: int | None = None
    ratings: tuple[Rating, ...] = ()

    @field_validator("ratings", mode="before")
    @classmethod
    def _none_is_no_ratings(cls, ratings: object) -> object:
        return ratings or ()


class OutcomeLink(CanvasRecord):
    """An outcome's place in a course or an account."""

    outcome: CanvasOutcome


class OutcomeGroup(CanvasRecord):
    """A folder of outcomes; the root of a context has no parent."""

    id: str
    parent_outcome_group: dict[str, Any] | None = None


class OutcomeImport(CanvasRecord):
    """An import of outcomes from a CSV file, done in the background."""

    id: str
    workflow_state: str
    processing_errors: tuple[tuple[Any, ...], ...] | None = None


class Mark(CanvasRecord):
    """What a rubric assessment says in one row; no points: nothing said."""

    points: float | None = None
    rating_id: str | None = None
    comments: str | None = None

    @field_validator("points", mode="before")
    @classmethod
    def _blank_is_none(cls, points: object) -> object:
        return None if points == "" else points


class Submission(CanvasRecord):
    """One student's place in an assignment."""

    user_id: str
    rubric_assessment: dict[str, Mark] | None = None


class Progress(CanvasRecord):
    """A job of Canvas's, going on in the background."""

    id: str
    workflow_state: str
    message: str | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether it will do nothing more."""
        return self.workflow_state in {"completed", "failed"}


class ResultLinks(CanvasRecord):
    """What an outcome result is about; alignment is `assignment_<id>` and the like."""

    user: str
    learning_outcome: str
    alignment: str = ""


class OutcomeResult(CanvasRecord):
    """What one piece of work says of one student's outcome."""

    score: float | None = None
    possible: float | None = None
    submitted_or_assessed_at: datetime | None = None
    links: ResultLinks


class OutcomeResults(CanvasRecord):
    """A page of outcome results."""

    outcome_results: tuple[OutcomeResult, ...] = Field(default=())


class LiveAssessment(CanvasRecord):
    """A live assessment, found by the key that we gave it."""

    id: str
    key: str = ""


class LiveAssessments(CanvasRecord):
    """A page of live assessments."""

    assessments: tuple[LiveAssessment, ...] = ()


COURSE: Final = TypeAdapter(Course)
USERS: Final = TypeAdapter(list[User])
ASSIGNMENT: Final = TypeAdapter(Assignment)
ASSIGNMENTS: Final = TypeAdapter(list[Assignment])
RUBRIC: Final = TypeAdapter(Rubric)
RUBRIC_ANSWER: Final = TypeAdapter(RubricAnswer)
LINKS: Final = TypeAdapter(list[OutcomeLink])
GROUPS: Final = TypeAdapter(list[OutcomeGroup])
IMPORT: Final = TypeAdapter(OutcomeImport)
SUBMISSIONS: Final = TypeAdapter(list[Submission])
PROGRESS: Final = TypeAdapter(Progress)
RESULTS: Final = TypeAdapter(OutcomeResults)
LIVE: Final = TypeAdapter(LiveAssessments)
