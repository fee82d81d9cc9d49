"""Suggestions by meaning, worked out beforehand: a page never loads the model."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from lti_tool.storage import suggestions
from lti_tool.storage.database import Database, Session
from lti_tool.storage.suggestions import CourseAbout, WorkText
from lti_tool.work import sentences, suggesting
from lti_tool.work.suggesting import Offer, Shelf, query_of
from mappings.ranking import Ranker

# More than a page shows: what is not of the plan, or was skipped, falls away.
KEPT: Final = 20
# Another number wherever offers are made in another way: what was worked out before
# is then worked out anew.
_KIND: Final = 2


def prepare_all(database: Database, *, now: datetime) -> int:
    """Work out the suggestions of every course that has a framework; returns how many.

    Nothing where the model is not installed. What is as it was costs no model.
    """
    if not sentences.is_installed():
        return 0
    with database.read() as session:
        courses = suggestions.load_courses(session)
    return sum(_prepare(database, *one, now=now) for one in courses)


def prepare_course(database: Database, course_id: int, *, now: datetime) -> bool:
    """Work out the suggestions of one course; tells whether anything was to be done.

    A page orders it that had to go by words.
    """
    if not sentences.is_installed():
        return False
    with database.read() as session:
        framework_id = suggestions.load_framework_of(session, course_id)
    return framework_id is not None and _prepare(
        database, course_id, framework_id, now=now
    )


def read_some(database: Database, *, now: datetime) -> bool:
    """Read on in a framework imported since it was read; tells whether more is left.

    Its words, and what they mean where the model is installed, a slice at a time: the
    first page that asks finds it ready, and no other job waits long behind it.
    """
    with database.read() as session:
        fresh = suggestions.load_unread(session, suggesting.WORDS)
    if not fresh:
        return False
    shelf = suggesting.load_shelf(database, fresh[0], now=now)
    if not suggesting.read_slice(database, fresh[0], shelf, now=now):
        return True
    with database.write() as session:
        suggesting.save_shelf(session, fresh[0], shelf, now)
        left = suggestions.load_unread(session, suggesting.WORDS)
    # One that stays unread, by a clock that goes wrong, is left to the next minute.
    return bool(left) and len(left) < len(fresh)


def _prepare(
    database: Database, course_id: int, framework_id: int, *, now: datetime
) -> bool:
    shelf = suggesting.load_shelf(database, framework_id, now=now)
    with database.read() as session:
        about = suggestions.load_about(session, course_id)
        texts = suggestions.load_work_texts(session, course_id)
        ranker = suggesting.load_ranker(session)
        if held(session, (course_id, framework_id), shelf, (texts, about)) is not None:
            return False
    vectors = suggesting.load_vectors(database, framework_id, shelf, now=now)
    content = _content(shelf, texts, about, ranker, vectors)
    with database.write() as session:
        suggestions.save_index(
            session,
            (framework_id, _kind(course_id)),
            _fingerprint(shelf, texts, about),
            content,
            now=now,
        )
    return True


def _content(
    shelf: Shelf,
    texts: Iterable[WorkText],
    about: CourseAbout,
    ranker: Ranker | None,
    vectors: bytes | None,
) -> bytes:
    told = {
        one.id: [
            [it.case_id, it.why, it.score, it.confidence, it.words, it.features]
            for it in suggesting.offers(
                shelf, query_of(one, about), top=KEPT, ranker=ranker, vectors=vectors
            )
        ]
        for one in texts
    }
    return zlib.compress(json.dumps(told).encode())


def held(
    session: Session,
    place: tuple[int, int],
    shelf: Shelf,
    written: tuple[list[WorkText], CourseAbout],
) -> dict[int, list[Offer]] | None:
    """Return what was worked out for (course, framework) by assignment.

    None if nothing was, or the work or the framework has changed since.
    """
    course_id, framework_id = place
    print_ = _fingerprint(shelf, *written)
    content = suggestions.load_index(session, framework_id, _kind(course_id), print_)
    if content is None:
        return None
    told: dict[str, list[Any]] = json.loads(zlib.decompress(content))
    return {
        int(key): [
            Offer(one[0], one[1], one[2], one[3], tuple(one[4]), one[5]) for one in some
        ]
        for key, some in told.items()
    }


def allowed_of(some: list[Offer], allowed: Collection[str], top: int) -> list[Offer]:
    """Return the first of some offers that are allowed."""
    return [one for one in some if one.case_id in allowed][:top]


def _kind(course_id: int) -> str:
    return f"course:{course_id}"


def _fingerprint(shelf: Shelf, texts: list[WorkText], about: CourseAbout) -> str:
    told = [
        f"{sentences.KIND} {_KIND}",
        shelf.fingerprint,
        [[one.id, one.title, one.description, one.parts] for one in texts],
        [about.grades, about.subjects],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
