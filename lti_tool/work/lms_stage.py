"""What a reading of an LMS has brought so far, held against what we have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final

from lti_tool.platforms.gradebook import LmsScore, LmsWork
from lti_tool.storage.lms_readings import Reading
from lti_tool.storage.lms_scores import Held, HeldScore

_NAME: Final = 255


@dataclass(slots=True)
class Counts:
    """What a reading met and did.

    Attributes:
        ours: works that are columns we made, left where they are.
        unknown: scores of users we know nobody by; they wait.
        twins: works that the SIS has as well.
        offered: works with competencies that people aligned there.
    """

    works: int = 0
    scores: int = 0
    ours: int = 0
    added: int = 0
    changed: int = 0
    ended: int = 0
    unknown: int = 0
    twins: int = 0
    offered: int = 0
    is_whole: bool = True


@dataclass
class Stage:
    """What has come so far and differs from what we hold."""

    reading: Reading
    zone: tzinfo
    now: datetime
    held_works: Mapping[str, Held] = field(default_factory=dict)
    held: Mapping[str, HeldScore] = field(default_factory=dict)
    works: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, datetime | None] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    counts: Counts = field(default_factory=Counts)

    def put_work(self, work: LmsWork) -> None:
        """Keep a piece of work."""
        self.works[self.name(work.number)] = _work_values(work)
        is_told = work.competencies or any(one.competencies for one in work.parts)
        self.counts.offered += bool(is_told)

    def put_score(self, one: LmsScore) -> None:
        """Keep a score, if it is other than the one we hold; the newer of two."""
        work = self.name(one.work)
        if work not in self.works:
            return
        name = _short(f"{work}:{one.user}")
        before = self.seen.get(name)
        if name in self.seen and _is_older(one.scored_at, before):
            return
        self.seen[name] = one.scored_at
        self.users.add(one.user)
        values = _score_values(one, self.zone)
        print_ = fingerprint(values)
        held = self.held.get(name)
        if held is not None and held.is_active and held.fingerprint == print_:
            self.scores.pop(name, None)
            return
        self.scores[name] = {
            **values,
            "line_item_sourced_id": work,
            "student_sourced_id": one.user[:_NAME],
            "modified_at": one.scored_at or self.now,
            "fingerprint": print_,
        }

    def name(self, number: str) -> str:
        """What a piece of work goes by among those of the platform."""
        return _short(f"{self.reading.context_id}:{number}")


def _work_values(work: LmsWork) -> dict[str, Any]:
    offered = _offered(work)
    category = (work.category or "").strip()[:_NAME] or None
    return {
        "title": work.title,
        "description": work.description,
        "minimum": work.minimum,
        "maximum": work.maximum,
        "due_at": work.due_at,
        "category_sourced_id": category,
        "parent_sourced_id": work.sis_sourced_id and work.sis_sourced_id[:_NAME],
        "web_url": _opened(work.web_url),
        "learning_objectives": [{"offered": offered}] if offered else None,
        "parts": [
            {
                "key": one.key,
                "title": one.title,
                "maximum": one.maximum,
                "kind": "row",
                "competencies": list(one.competencies),
            }
            for one in work.parts
        ]
        or None,
    }


def _opened(url: str | None) -> str | None:
    """Return an address that a page may lead to; None if it is none."""
    return url if url and url.startswith(("https://", "http://")) else None


def _offered(work: LmsWork) -> list[str]:
    return list(dict.fromkeys(work.competencies))


def _score_values(one: LmsScore, zone: tzinfo) -> dict[str, Any]:
    at = one.scored_at
    return {
        "given": one.given,
        "text_score": one.text and one.text[:_NAME],
        "score_status": _status(one),
        "scored_at": at,
        "scored_on": None if at is None else at.astimezone(zone).date(),
        "comment": one.comment,
        "flags": dict.fromkeys(sorted(one.flags), True) or None,
        "parts": {key: list(said) for key, said in sorted(one.parts.items())} or None,
    }


def _status(one: LmsScore) -> str | None:
    if one.is_excused:
        return "exempt"
    if one.given is not None or one.text:
        return "fully graded"
    return "submitted" if one.submitted_at else None


def _is_older(one: datetime | None, other: datetime | None) -> bool:
    """Tell whether a score that comes later tells of an earlier moment."""
    if one is None:
        return other is not None
    return other is not None and one < other


def fingerprint(values: Mapping[str, Any]) -> str:
    """Return what tells one sending of a record from another."""
    told = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


def _short(name: str) -> str:
    """A name as long as we keep names; a longer one by its hash."""
    if len(name) <= _NAME:
        return name
    return hashlib.sha256(name.encode()).hexdigest()
