"""How competencies are written to a SIS: the manners of OneRoster, as data.

Source: OneRoster 1.2 Gradebook; Assessment Results Profile 1.0; OneRoster 1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from oneroster.models import AssessmentLineItem, AssessmentResult, LineItem, Result

Kind = Literal["assessment", "line_item"]
"""Which collection a column stands in, named as the work that a sync brings is."""
_ASSESSING: Final = (
    "assessment.readonly",
    "assessment.createput",
    "assessment.delete",
)
_GRADING: Final = ("gradebook.readonly", "gradebook.createput", "gradebook.delete")


@dataclass(frozen=True, slots=True)
class Manner:
    """One way of writing.

    Attributes:
        columns, results: the collections written to.
        line_item: the field of a result that names its column.
        scopes: what is asked for, by short name.
        version: the only version of OneRoster that knows it.
        posts: new objects are posted and the SIS gives them ids of its own; else they
            are put under ids of ours.
        has_words: a result may hold a word beside its number.
    """

    name: str
    kind: Kind
    columns: str
    results: str
    line_item: str
    column_type: type[LineItem | AssessmentLineItem]
    result_type: type[Result | AssessmentResult]
    scopes: tuple[str, ...]
    version: Literal["1.1", "1.2"] = "1.2"
    posts: bool = False
    has_words: bool = True


ASSESSMENT: Final = Manner(
    "assessment",
    "assessment",
    "assessmentLineItems",
    "assessmentResults",
    "assessmentLineItem",
    AssessmentLineItem,
    AssessmentResult,
    _ASSESSING,
)
GRADEBOOK: Final = Manner(
    "gradebook",
    "line_item",
    "lineItems",
    "results",
    "lineItem",
    LineItem,
    Result,
    _GRADING,
)
POSTED: Final = Manner(
    "posted",
    "line_item",
    "lineItems",
    "results",
    "lineItem",
    LineItem,
    Result,
    (*_GRADING, "gradebook.createpost"),
    posts=True,
)
PLAIN: Final = Manner(
    "plain",
    "line_item",
    "lineItems",
    "results",
    "lineItem",
    LineItem,
    Result,
    _GRADING,
    version="1.1",
    has_words=False,
)
MANNERS: Final[Mapping[str, Manner]] = MappingProxyType(
    {one.name: one for one in (ASSESSMENT, GRADEBOOK, POSTED, PLAIN)}
)
# What a probe found to be there, best first.
_BEST_FIRST: Final = (
    ("assessment", ASSESSMENT),
    ("put", GRADEBOOK),
    ("post", POSTED),
)


def manner_of(
    version: str | None, chosen: str | None, found: Mapping[str, Any]
) -> Manner:
    """Choose how a SIS is written to.

    chosen: what the school said; it counts where the version knows it. found: what a
    probe found of writing there, by what was tried. Where nothing was found out, 1.2 is
    written to as assessments.
    """
    spoken = "1.1" if version == "1.1" else "1.2"
    named = MANNERS.get(chosen or "")
    if named is not None and named.version == spoken:
        return named
    if spoken == "1.1":
        return PLAIN
    offered = (one for name, one in _BEST_FIRST if found.get(name) == "yes")
    return next(offered, ASSESSMENT)


@dataclass(frozen=True, slots=True)
class Words:
    """A scale of the SIS that has a word for each of our levels.

    Attributes:
        by_level: the word, as the SIS writes it, by the name of our level.
        values: the values of ours that each word is as good as.
        points: what a word counts where a number is to be shown.
    """

    sourced_id: str
    by_level: Mapping[str, str]
    values: Mapping[str, frozenset[float]]
    points: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Group:
    """The SIS class that is written to, with what a line item must name.

    Attributes:
        session: the term or grading period, session_kind says which; None: unknown.
        category: the category that the school chose; None: one of ours.
        spare_category: the one that is taken where none of ours can be made.
        words: the scale that is named, None where none fits.
        sends_words: whether the name of the level goes beside the number.
        told: all values that were ever told, or are to be, for this class.
    """

    sourced_id: str
    school: str | None = None
    session: str | None = None
    session_kind: str = ""
    ends_at: datetime | None = None
    category: str | None = None
    spare_category: str | None = None
    words: Words | None = None
    sends_words: bool = True
    told: frozenset[float] = field(default_factory=frozenset)


def fold(text: str) -> str:
    """A word of a scale or the name of a level, to be compared."""
    return " ".join(text.split()).casefold()


def words_of(
    levels: Mapping[str, float],
    steps: tuple[tuple[str, str], ...],
    told: Mapping[str, frozenset[float]],
    sourced_id: str,
) -> Words | None:
    """Fit the levels of a course to a scale of the SIS; None if it has not all of them.

    levels: points by name. steps: the word and its worth. told: our values by level.
    A level is found by the word itself, or by a worth that is the level's name.

    >>> words_of({"Meets": 3.0}, (("M", "meets"),), {}, "s").by_level
    {'Meets': 'M'}
    """
    by_word = {fold(word): word for word, _worth in steps}
    by_worth = {fold(worth): word for word, worth in steps}
    for known in (by_word, by_worth):
        found = {name: known[fold(name)] for name in levels if fold(name) in known}
        if levels and len(set(found.values())) == len(levels):
            return Words(
                sourced_id,
                found,
                {fold(found[name]): told.get(name, frozenset()) for name in levels},
                {fold(found[name]): points for name, points in levels.items()},
            )
    return None
