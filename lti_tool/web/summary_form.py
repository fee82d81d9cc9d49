"""The form of columns in gradebooks: of competencies, one grade over all, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.storage import pages
from lti_tool.storage.curriculum import Plan
from lti_tool.storage.database import Session
from lti_tool.storage.sendings import Sending
from lti_tool.web.texts import decimal, gettext, level_name, said, told
from lti_tool.work import summaries
from mappings.errors import SummaryError
from mappings.scales import Scale
from mappings.summary import (
    AS_LOWEST,
    AS_NOTHING,
    GRADE,
    LEFT_OUT,
    LOWEST,
    MEAN,
    MEDIAN,
    MOST_PLACES,
    SHARE,
    Grade,
    Summary,
    parse_summary,
    worths,
)

EACH, ONE, BOTH = "each", "summary", "both"
COLUMNS: Final[Mapping[str, Any]] = {
    EACH: lazy_gettext("a column for each competency"),
    ONE: lazy_gettext("one grade over all competencies"),
    BOTH: lazy_gettext("both"),
}
HOW: Final[Mapping[str, Any]] = {
    MEAN: lazy_gettext("the mean of what the levels are worth"),
    MEDIAN: lazy_gettext("the middle of what the levels are worth"),
    LOWEST: lazy_gettext("the lowest level of all"),
    SHARE: lazy_gettext("mastery index: the share of competencies that is mastered"),
}
UNASSESSED: Final[Mapping[str, Any]] = {
    LEFT_OUT: lazy_gettext("is left out"),
    AS_LOWEST: lazy_gettext("counts as the lowest level"),
    AS_NOTHING: lazy_gettext("is worth nothing"),
}
FIELDS: Final = ("title", "how", "maximum", "unassessed", "minimum", "places")


@dataclass(frozen=True, slots=True)
class Example:
    """One student's grade by a formula, as a page shows it."""

    name: str
    grade: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the form.

    Attributes:
        fields: what is typed, by the name of the part.
        points: (level, its name to the reader, what is typed), the lowest first.
        has_points: whether each level has points of its own.
        faults: what is to be mended, by the part.
    """

    columns: str
    fields: Mapping[str, str]
    points: tuple[tuple[str, str, str], ...]
    has_points: bool
    faults: Mapping[str, str]
    examples: tuple[Example, ...] = ()


def columns_of(how: Sending) -> str:
    """Return which columns a course has."""
    if how.summary is None:
        return EACH
    return BOTH if how.is_each else ONE


def form_of(how: Sending, scale: Scale) -> Form:
    """Return the form as a course has it, and what of it fits no more."""
    summary = how.summary or replace(GRADE, title=usual_title(MEAN))
    refused = summaries.fault(how, scale)
    own = dict(summary.points)
    usual = worths(replace(summary, points=(), how=MEAN), scale)
    fields = {name: _written(getattr(summary, name)) for name in FIELDS}
    return Form(
        columns_of(how),
        fields,
        tuple(
            (one.name, level_name(one.name), f"{own.get(one.name, worth):g}")
            for one, worth in zip(scale.levels, usual, strict=True)
        ),
        bool(own),
        {} if refused is None else {refused.field: told(refused)},
    )


def usual_title(how: str) -> str:
    """Return what a column is called where nobody named it."""
    return gettext("Mastery index") if how == SHARE else gettext("Summary grade")


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def read(
    typed: Mapping[str, str], held: Sending, scale: Scale
) -> tuple[Sending, Form, Summary | None]:
    """Return how a course would send by what is typed, the form, and its formula.

    A form without columns leaves them as they are. Where there is a fault, columns are
    as they were; the formula is there all the same if it is one, for an example.
    """
    columns = typed.get("columns", "")
    if columns not in COLUMNS:
        return held, form_of(held, scale), held.summary
    how = typed.get("how", MEAN)
    fields = {name: typed.get(name, "").strip() for name in FIELDS}
    fields["title"] = fields["title"] or usual_title(how)
    fields["maximum"] = _dotted(fields["maximum"])
    names = [one.name for one in scale.levels]
    points = [
        _dotted(typed.get(f"points-{place}", "").strip()) for place in range(len(names))
    ]
    has_points = typed.get("worth") == "own"
    pairs = [[*one] for one in zip(names, points, strict=True)]
    summary, faults = _parsed({**fields, "points": pairs if has_points else []}, scale)
    shown = (level_name(name) for name in names)
    form = Form(
        columns,
        fields,
        tuple(zip(names, shown, points, strict=True)),
        has_points,
        {} if columns == EACH else faults,
    )
    if columns == EACH:
        return replace(held, is_each=True, summary=None), form, summary
    if summary is None:
        return held, form, None
    return replace(held, is_each=columns == BOTH, summary=summary), form, summary


def _parsed(
    document: Mapping[str, Any], scale: Scale
) -> tuple[Summary | None, dict[str, str]]:
    try:
        summary = parse_summary(document)
        worths(summary, scale)
    except SummaryError as error:
        return None, {error.field: told(error)}
    return summary, {}


def _dotted(text: str) -> str:
    """A number as it is written with a comma, with a point."""
    return text.replace(",", ".")


def examples(
    session: Session, plan: Plan, summary: Summary | None
) -> tuple[Example, ...]:
    """Return what a formula makes of some students of a course: from best to least.

    Only of those in whom something is assessed; none where there is no formula, or
    none that fits the levels of the course.
    """
    if summary is None or not summaries.fits(summary, plan.scale):
        return ()
    names = {
        one.person_id: one.display_name
        for one in pages.load_students(session, plan.course_id)
    }
    found = summaries.made(session, plan.course_id, plan.scale, summary, names)
    graded = sorted(
        (
            (one.grade.value, names[person_id], one.grade)
            for person_id, one in found.items()
            if any(each.level is not None for each in one.levels)
        ),
        key=lambda one: (-1.0 if one[0] is None else one[0], one[1]),
        reverse=True,
    )
    last = len(graded) - 1
    chosen = [graded[place] for place in sorted({0, last // 2, last})] if graded else []
    return tuple(
        Example(name, grade_words(grade, summary), steps_of(grade))
        for _value, name, grade in chosen
    )


def grade_words(grade: Grade, summary: Summary) -> str:
    """Return a grade of its maximum, as the reader writes numbers."""
    if grade.value is None:
        return gettext("no grade yet")
    return gettext(
        "%(value)s of %(maximum)s",
        value=decimal(grade.value),
        maximum=decimal(summary.maximum),
    )


def steps_of(grade: Grade) -> tuple[str, ...]:
    """Return the arithmetic of a grade, a line each, in the reader's language."""
    return tuple(said(line) for line in grade.steps)


def changes(old: Sending, new: Sending) -> list[str]:
    """Say which columns are not kept up any more by a choice."""
    stays = []
    if old.is_each and not new.is_each:
        stays.append(
            gettext(
                "Columns of single competencies stay in gradebooks as they are and are "
                "not kept up any more."
            )
        )
    if old.summary is not None and new.summary is None:
        stays.append(
            gettext(
                "The column of the grade over all stays in gradebooks as it is and is "
                "not kept up any more."
            )
        )
    return stays


def choices() -> dict[str, object]:
    """Return what a page offers to choose from."""
    return {
        "columns": COLUMNS,
        "how": HOW,
        "unassessed": UNASSESSED,
        "places": range(MOST_PLACES + 1),
    }
