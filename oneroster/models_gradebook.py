"""Records of a OneRoster gradebook, 1.2 shape, with assessment results.

Source: OneRoster 1.2 Gradebook information model; Assessment Results Profile 1.0.
"""

from typing import Annotated

from oneroster.records import (
    OptionalDay,
    OptionalFlag,
    OptionalReference,
    OptionalText,
    Part,
    Record,
    Reference,
    Texts,
)
from oneroster.wire import Moment, Number, Text, Words, absent, blank, listed, word

__all__ = [
    "AssessmentLineItem",
    "AssessmentResult",
    "Category",
    "LearningObjectiveResult",
    "LearningObjectiveScores",
    "LearningObjectives",
    "LineItem",
    "Result",
    "ScoreScale",
    "ScoreScaleValue",
]

OptionalNumber = Annotated[Number | None, blank]
OptionalMoment = Annotated[Moment | None, blank]
Source = Annotated[Text, absent(default="unknown"), word("case", "unknown")]
SCORE_STATUSES = (
    "exempt",
    "fully graded",
    "not submitted",
    "partially graded",
    "submitted",
)
ScoreStatus = Annotated[Text | None, blank, word(*SCORE_STATUSES)]


class LearningObjectives(Part):
    """Competencies a line item speaks for; from CASE, ids are item GUIDs."""

    source: Source = "unknown"
    learning_objective_ids: Texts = ()


class LearningObjectiveResult(Part):
    """How one student did on one competency."""

    learning_objective_id: Text
    score: OptionalNumber = None
    text_score: OptionalText = None


class LearningObjectiveScores(Part):
    """Competency scores inside one result."""

    source: Source = "unknown"
    learning_objective_results: Annotated[
        tuple[LearningObjectiveResult, ...], listed
    ] = ()


class Category(Record):
    """A kind of work in a gradebook, with its weight where one is set."""

    title: Words = ""
    weight: OptionalNumber = None


class LineItem(Record):
    """A gradebook column of a class."""

    class_: Reference
    title: Words = ""
    description: OptionalText = None
    assign_date: OptionalMoment = None
    due_date: OptionalMoment = None
    school: OptionalReference = None
    category: OptionalReference = None
    grading_period: OptionalReference = None
    academic_session: OptionalReference = None
    score_scale: OptionalReference = None
    result_value_min: OptionalNumber = None
    result_value_max: OptionalNumber = None
    learning_objective_set: Annotated[tuple[LearningObjectives, ...], listed] = ()


class ResultFields(Record):
    """What a result of the gradebook and of an assessment have in common."""

    student: Reference
    score: OptionalNumber = None
    text_score: OptionalText = None
    score_date: OptionalDay = None
    score_scale: OptionalReference = None
    score_status: ScoreStatus = None
    comment: OptionalText = None
    learning_objective_set: Annotated[tuple[LearningObjectiveScores, ...], listed] = ()
    in_progress: OptionalFlag = None
    incomplete: OptionalFlag = None
    late: OptionalFlag = None
    missing: OptionalFlag = None


class Result(ResultFields):
    """One student's result in one column."""

    line_item: Reference
    class_: OptionalReference = None


class ScoreScaleValue(Part):
    """One step of a scale: the word, and the number it stands for."""

    item_value_lhs: Text
    item_value_rhs: Text


class ScoreScale(Record):
    """The words a class grades with, and what they are worth."""

    title: Words = ""
    type: Words = ""
    class_: OptionalReference = None
    course: OptionalReference = None
    score_scale_value: Annotated[tuple[ScoreScaleValue, ...], listed] = ()


class AssessmentLineItem(Record):
    """Something assessed that needs no class, such as one competency."""

    title: Words = ""
    description: OptionalText = None
    class_: OptionalReference = None
    parent_assessment_line_item: OptionalReference = None
    score_scale: OptionalReference = None
    result_value_min: OptionalNumber = None
    result_value_max: OptionalNumber = None
    learning_objective_set: Annotated[tuple[LearningObjectives, ...], listed] = ()


class AssessmentResult(ResultFields):
    """One student's result on something assessed."""

    assessment_line_item: Reference
    score_percentile: OptionalNumber = None
