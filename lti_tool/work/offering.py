"""What a page offers for the work of a course: the whole of it, and its parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from lti_tool.storage import suggestions
from lti_tool.storage.database import Database
from lti_tool.storage.suggestions import WorkText
from lti_tool.work import meaning, sentences
from lti_tool.work.suggesting import (
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


@dataclass(frozen=True, slots=True)
class PartOffers:
    """The offers for a piece of work, or for a part of it that names a competency.

    Attributes:
        number: 0 for the whole, else which of its parts, from 1.
        part: the key of the part, "" for the whole.
    """

    number: int
    part: str
    title: str
    offers: tuple[Offer, ...]


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

    By meaning, where the worker has worked that out, else by words. The whole of each
    first, then its parts whose own text names a competency.
    """
    shelf = load_shelf(database, framework_id, now=now)
    with database.read() as session:
        about = suggestions.load_about(session, course_id)
        texts = suggestions.load_work_texts(session, course_id)
        ranker = load_ranker(session)
        known = meaning.held(session, (course_id, framework_id), shelf, (texts, about))
    within = frozenset(allowed)
    found: dict[int, list[PartOffers]] = {}
    for one in texts:
        if known is None:
            whole = offers(shelf, query_of(one, about), ranker=ranker, allowed=within)
        else:
            whole = meaning.allowed_of(known.get(one.id, []), within, TOP)
        parts = _of_parts(shelf, one, within)
        found[one.id] = [PartOffers(0, "", "", tuple(whole)), *parts]
    return Offered(found, known is None and bool(texts) and sentences.is_installed())


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
