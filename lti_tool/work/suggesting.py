"""Suggestions for the work of a course: what it names itself, then what is likely.

An index is built once a version of a framework and stored. The sentence model, where
it is installed, is asked by the command line and the worker; a page goes by words, or
by what the worker has worked out.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from lti_tool.storage import frameworks, suggestions
from lti_tool.storage.database import Database, Session
from lti_tool.storage.suggestions import CourseAbout, WorkText
from lti_tool.work import sentences
from lti_tool.work.stems import stemmer
from mappings.candidates import candidates, codes_of, suggestable
from mappings.codes import Codes
from mappings.frameworks import Framework
from mappings.grade_levels import grades_of
from mappings.postings import Index, index
from mappings.postings import parse_index as parse_words
from mappings.ranking import Ranker, is_enough, learned, parse_ranker
from mappings.suggestions import TOP, Query, Suggestion, suggest
from mappings.words import Stem

WORDS: Final = "words:2"
CODES: Final = "codes:1"
NAMED: Final = "named"  # the text names it, by code or GUID
LIKELY: Final = "likely"
ALIGNED: Final = "aligned"  # people aligned it so in an LMS
# What a text names is what it is about, but for a slip of the pen.
SURE: Final = 0.99
_KEPT: Final = 8
# So many candidates are read for their meaning at once: seconds of one core. Whoever
# waits behind the only worker thread waits no longer.
SLICE: Final = 128
PART: Final = f"{sentences.KIND} part"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A framework ready to be suggested from."""

    fingerprint: str
    index: Index
    codes: Codes
    stem: Stem


@dataclass(frozen=True, slots=True)
class Offer:
    """A competency for a piece of work, and why it is offered.

    Attributes:
        why: aligned (people did so in an LMS), named (the text has its code) or likely.
        words: the words of the work that speak for it; of what is aligned, where.
    """

    case_id: str
    why: str
    score: float
    confidence: float
    words: tuple[str, ...]
    features: Mapping[str, float]


_shelves: dict[str, Shelf] = {}


def load_shelf(database: Database, framework_id: int, *, now: datetime) -> Shelf:
    """Return a framework's shelf: from memory, else stored, else built and stored."""
    with database.read() as session:
        print_ = suggestions.load_fingerprint(session, framework_id)
        if print_ in _shelves:
            return _shelves[print_]
        shelf = _stored(session, framework_id, print_)
    if shelf is None:
        shelf = _build(database, framework_id, print_, now)
    while len(_shelves) >= _KEPT:
        _shelves.pop(next(iter(_shelves)))
    _shelves[print_] = shelf
    return shelf


def _stored(session: Session, framework_id: int, fingerprint: str) -> Shelf | None:
    words = suggestions.load_index(session, framework_id, WORDS, fingerprint)
    said = suggestions.load_index(session, framework_id, CODES, fingerprint)
    if words is None or said is None:
        return None
    stem = stemmer(suggestions.load_language(session, framework_id))
    return Shelf(fingerprint, parse_words(words), _parse_codes(said), stem)


def load_codes(session: Session, framework_id: int) -> Codes:
    """Return the codes of a framework: from memory, else stored, else worked out."""
    print_ = suggestions.load_fingerprint(session, framework_id)
    if print_ in _shelves:
        return _shelves[print_].codes
    said = suggestions.load_index(session, framework_id, CODES, print_)
    if said is not None:
        return _parse_codes(said)
    package = frameworks.load_package(session, framework_id)
    return codes_of(package, suggestable(package))


def _build(
    database: Database, framework_id: int, fingerprint: str, now: datetime
) -> Shelf:
    with database.read() as session:
        package = frameworks.load_package(session, framework_id)
    shelf = make_shelf(package, fingerprint)
    # A page is not held up by another writer: the worker stores it.
    database.try_write(lambda session: save_shelf(session, framework_id, shelf, now))
    return shelf


def save_shelf(
    session: Session, framework_id: int, shelf: Shelf, now: datetime
) -> None:
    """Store a framework's shelf in place of the one before."""
    contents = {WORDS: shelf.index.format(), CODES: _format_codes(shelf.codes)}
    for kind, content in contents.items():
        key = (framework_id, kind)
        suggestions.save_index(session, key, shelf.fingerprint, content, now=now)


def make_shelf(package: Framework, fingerprint: str = "") -> Shelf:
    """Return the shelf of a framework as imported."""
    chosen = suggestable(package)
    stem = stemmer(package.language)
    made = index(candidates(package, chosen), stem)
    return Shelf(fingerprint, made, codes_of(package, chosen), stem)


def _format_codes(codes: Codes) -> bytes:
    forms = [[list(key), case_id] for key, case_id in codes.by_key.items()]
    told = {"forms": forms, "guids": dict(codes.by_guid)}
    return zlib.compress(json.dumps(told).encode())


def _parse_codes(content: bytes) -> Codes:
    told = json.loads(zlib.decompress(content))
    return Codes({tuple(key): one for key, one in told["forms"]}, told["guids"])


def query_of(work: WorkText, about: CourseAbout) -> Query:
    """Return what is asked for a piece of work of a course."""
    return Query(
        work.title,
        work.description,
        tuple(title for _key, title in work.parts),
        grades_of(about.grades),
        frozenset(map(str.casefold, about.subjects)),
    )


def offers(
    shelf: Shelf,
    query: Query,
    *,
    top: int = TOP,
    ranker: Ranker | None = None,
    vectors: bytes | None = None,
    allowed: Collection[str] | None = None,
) -> list[Offer]:
    """Return what title and text name themselves, then what is likeliest: top in all.

    vectors: of the shelf's candidates, where the model is asked too.
    """
    named = [
        Offer(one.case_id, NAMED, 1.0, SURE, (one.words,), {})
        for one in shelf.codes.named_in(f"{query.title} {query.text}")
        if allowed is None or one.case_id in allowed
    ][:top]
    held = {one.case_id for one in named}
    near = None if vectors is None else sentences.closeness(vectors, query.told())

    def likeliest(asked: Query) -> list[Suggestion]:
        return suggest(
            shelf.index,
            asked,
            shelf.stem,
            top=top + len(held),
            closeness=near,
            ranker=ranker,
            allowed=allowed,
        )

    # A subject that is written otherwise by the SIS than by the publisher is no reason
    # to offer nothing.
    found = likeliest(query) or likeliest(replace(query, subjects=frozenset()))
    likely = [_offer(one) for one in found if one.key not in held]
    return [*named, *likely][:top]


def _offer(one: Suggestion) -> Offer:
    return Offer(one.key, LIKELY, one.score, one.confidence, one.words, one.features)


def load_vectors(
    database: Database, framework_id: int, shelf: Shelf, *, now: datetime
) -> bytes | None:
    """Return the model's vectors of a framework, worked out once a version.

    None where the model is not installed. It takes seconds: not for a page.
    """
    if not sentences.is_installed():
        return None
    with database.read() as session:
        held = suggestions.load_index(
            session, framework_id, sentences.KIND, shelf.fingerprint
        )
        package = None if held else frameworks.load_package(session, framework_id)
    if held is None and package is not None:
        held = sentences.held(candidates(package, suggestable(package)))
        key = (framework_id, sentences.KIND)
        with database.write() as session:
            suggestions.save_index(session, key, shelf.fingerprint, held, now=now)
    return held


def read_slice(
    database: Database, framework_id: int, shelf: Shelf, *, now: datetime
) -> bool:
    """Read a slice of a framework for its meaning; tells whether it is read whole.

    What was read so far is stored, so that the next call goes on there.
    """
    if not sentences.is_installed():
        return True
    with database.read() as session:
        print_ = shelf.fingerprint
        if suggestions.load_index(session, framework_id, sentences.KIND, print_):
            return True
        part = suggestions.load_index(session, framework_id, PART, print_)
        package = frameworks.load_package(session, framework_id)
    some = candidates(package, suggestable(package))
    count, half = int.from_bytes((part or b"")[:4]), len((part or b"")[4:]) // 2
    held = (part or b"")[4:]
    fresh = sentences.held(some[count : count + SLICE])
    middle = len(fresh) // 2
    # Statements first, then those with what stands above, as closeness wants them.
    held = held[:half] + fresh[:middle] + held[half:] + fresh[middle:]
    count += SLICE
    is_whole = count >= len(some)
    with database.write() as session:
        kept = b"" if is_whole else count.to_bytes(4) + held
        suggestions.save_index(session, (framework_id, PART), print_, kept, now=now)
        if is_whole:
            key = (framework_id, sentences.KIND)
            suggestions.save_index(session, key, print_, held, now=now)
    return is_whole


def load_ranker(session: Session) -> Ranker | None:
    """Return what the school's own choices taught, None while they are few."""
    found = suggestions.load_ranker(session)
    return None if found is None else parse_ranker(*found)


def learn(session: Session, *, now: datetime) -> Ranker | None:
    """Learn from every choice made so far, if they are enough and new ones came.

    May be run again: nothing is written then.
    """
    pairs = suggestions.load_pairs(session)
    last = suggestions.load_ranker(session)
    is_new = last is None or last[1] != len(pairs)
    if not is_new or not is_enough([is_yes for _, is_yes in pairs]):
        return None
    found = learned(pairs)
    suggestions.save_ranker(session, found.numbers(), len(pairs), now=now)
    return found
