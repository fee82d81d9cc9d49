"""What a page offers for the work of a course: the whole of it, and its parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lti_tool.storage import suggestions
from lti_tool.storage.database import Database
from lti_tool.storage.suggestions import WorkText
from lti_tool.work import lms_offers, meaning, sentences
from lti_tool.work.lms_offers import Told
from lti_tool.work.suggesting import (
    ALIGNED,
    NAMED,
    SURE,
    Offer,
    Shelf,
    load_ranker,
    load_shelf,
    offers,
    query_of,
)
from mappings.suggestions import TOP

# Lines of what was told are numbered from here; no work has so many parts.
_TOLD: Final = 10_000


@dataclass(frozen=True, slots=True)
class PartOffers:
    """The offers for a piece of work, or for a part of it that names a competency.

    Attributes:
        number: 0 for the whole, else which of its parts, from 1.
        part: the key of the part, "" for the whole.
        is_told: people aligned the first of them in an LMS; it is still open here.
    """

    number: int
    part: str
    title: str
    offers: tuple[Offer, ...]
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """The offers for each piece of work of a course, by assignment.

    Attributes:
        is_waiting: these go by words; the worker has not read yet what the texts mean.
    """

    by_work: dict[int, list[PartOffers]]
    is_waiting: bool = False


def of_course(
    database: Database,
    course_id: int,
    framework_id: int,
    *,
    allowed: Sequence[str],
    now: datetime,
) -> Offered:
    """Return the offers for each piece of work of a course; those a page asks for.

    What people aligned in an LMS first, one by one. Then by meaning, where the worker
    has worked that out, else by words: the whole of each, then its parts whose own text
    names a competency.
    """
    shelf = load_shelf(database, framework_id, now=now)
    with database.read() as session:
        about = suggestions.load_about(session, course_id)
        texts = suggestions.load_work_texts(session, course_id)
        ranker = load_ranker(session)
        told = lms_offers.load(session, course_id)
        known = meaning.held(session, (course_id, framework_id), shelf, (texts, about))
    within = frozenset(allowed)
    found: dict[int, list[PartOffers]] = {}
    for one in texts:
        if known is None:
            whole = offers(shelf, query_of(one, about), ranker=ranker, allowed=within)
        else:
            whole = meaning.allowed_of(known.get(one.id, []), within, TOP)
        parts = _of_parts(shelf, one, within)
        lines = [PartOffers(0, "", "", tuple(whole)), *parts]
        found[one.id] = _with_told(lines, told.get(one.id, ()))
    return Offered(found, known is None and bool(texts) and sentences.is_installed())


def told_offer(one: Told) -> Offer:
    """Return the offer that an alignment in an LMS makes."""
    return Offer(one.case_id, ALIGNED, 1.0, 1.0, (one.source,), {})


def _with_told(lines: Sequence[PartOffers], told: Sequence[Told]) -> list[PartOffers]:
    """Put what was aligned in an LMS first; where it is one, what is likely beside it.

    A line of the same part that was made from its text gives way.
    """
    own = {one.part: one for one in lines}
    parts = {one.part for one in told}
    found: list[PartOffers] = []
    for place, one in enumerate(told):
        said = told_offer(one)
        mine = own.get(one.part)
        is_first = one.part not in {each.part for each in found}
        likely = mine.offers if mine is not None and is_first else ()
        others = (each for each in likely if each.case_id != one.case_id)
        number = mine.number if mine is not None and is_first else _TOLD + place
        found.append(
            PartOffers(number, one.part, one.part_title, (said, *others), is_told=True)
        )
    return [*found, *(one for one in lines if one.part not in parts)]


def _of_parts(
    shelf: Shelf, work: WorkText, allowed: Collection[str]
) -> list[PartOffers]:
    """What rows and questions name themselves, by a code or a GUID."""
    found = []
    for number, (key, title) in enumerate(work.parts, 1):
        named = [
            Offer(one.case_id, NAMED, 1.0, SURE, (one.words,), {})
            for one in shelf.codes.named_in(title)
            if one.case_id in allowed
        ]
        if named:
            found.append(PartOffers(number, key, title, tuple(named[:TOP])))
    return found
