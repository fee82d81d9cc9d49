"""What a teacher may place: the competencies of her plan, searched and ticked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from lti_tool.lti13.deep_linking import bounded
from lti_tool.storage.curriculum import Plan, PlanCompetency, parse_scale
from lti_tool.storage.resource_links import CHECK
from lti_tool.web.grid import code_of, name_of
from lti_tool.work.deep_linking import Gradebook, Pick

# As many competencies as stand on the page at once; more are searched for.
MOST: Final = 200
SHORT: Final = 100
# Outside a course: nothing is taught there, and no course has the id 0.
NO_PLAN: Final = Plan(
    course_id=0,
    title="",
    framework_id=None,
    framework_title=None,
    competencies=(),
    scale=parse_scale(None, None),
    rule="",
    parameter=None,
    source_id=None,
    class_sourced_id=None,
    refreshed_at=None,
)


@dataclass(frozen=True, slots=True)
class Check:
    """One competency that may be placed as a check."""

    key: str  # what the form says of it
    code: str
    name: str
    language: str | None
    has_column: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """Which checks shall bring a column: none, those without one, or all."""

    column: bool = False
    again: bool = False  # a column that was removed in the LMS is wanted anew

    def covers(self, one: PlanCompetency, gradebook: Gradebook) -> bool:
        """Tell whether the check of a competency shall bring a column."""
        return self.column and (self.again or one.id not in gradebook.columned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The competencies the page shows by area, and what is ticked."""

    course_id: int
    areas: tuple[tuple[str, tuple[Check, ...]], ...]
    total: int
    shown: int
    words: str
    ticked: frozenset[str]
    wish: Wish
    is_told: bool
    has_columns: bool  # whether any competency of the plan has one

    @property
    def is_whole(self) -> bool:
        """Tell whether every competency of the plan is on the page."""
        return self.shown == self.total


def arrange(
    plan: Plan,
    gradebook: Gradebook,
    ticked: Collection[str],
    *,
    words: str = "",
    wish: Wish | None = None,
) -> Offer:
    """The competencies that words find, and every ticked one.

    Without a wish, a column is proposed where levels are sent.
    """
    found = _found(plan, words, ticked)
    areas = tuple(
        (area, tuple(_check(one, gradebook) for one in some))
        for area, some in groupby(found, key=lambda one: one.area)
    )
    return Offer(
        course_id=plan.course_id,
        areas=areas,
        total=len(plan.competencies),
        shown=len(found),
        words=words.strip(),
        ticked=frozenset(ticked),
        wish=wish or Wish(gradebook.is_told),
        is_told=gradebook.is_told,
        has_columns=any(one.id in gradebook.columned for one in plan.competencies),
    )


def checks(
    plan: Plan, gradebook: Gradebook, ticked: Collection[str], wish: Wish
) -> list[Pick]:
    """The ticked competencies; one that has a column brings no second unasked."""
    return [
        Pick(
            view=CHECK,
            title=title_of(one),
            text=name_of(one),
            case_id=one.case_id,
            has_column=wish.covers(one, gradebook),
        )
        for one in plan.competencies
        if key_of(one) in ticked
    ]


def key_of(one: PlanCompetency) -> str:
    """What the form calls the check of a competency."""
    return f"{CHECK}-{one.id}"


def title_of(one: PlanCompetency) -> str:
    """A link's title: the human code and a short statement."""
    short = one.abbreviated or bounded(name_of(one), SHORT)
    return f"{one.human_code} {short}" if one.human_code else short


def _found(plan: Plan, words: str, ticked: Collection[str]) -> Sequence[PlanCompetency]:
    wanted = words.casefold().split()

    def fits(one: PlanCompetency) -> bool:
        text = f"{code_of(one)} {name_of(one)} {one.area}".casefold()
        return all(word in text for word in wanted)

    fitting = [one for one in plan.competencies if fits(one)][:MOST]
    kept = {one.id for one in fitting}
    return [one for one in plan.competencies if one.id in kept or key_of(one) in ticked]


def _check(one: PlanCompetency, gradebook: Gradebook) -> Check:
    return Check(
        key=key_of(one),
        code=code_of(one),
        name=name_of(one),
        language=one.language,
        has_column=one.id in gradebook.columned,
    )
