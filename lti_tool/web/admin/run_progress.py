"""How far a run is, step by step: what was read, what is being read, what comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from lti_tool.storage.entities import ENTITIES
from lti_tool.web.admin import run_words
from lti_tool.web.texts import decimal, gettext, ngettext

READING: Final = tuple(one.collection for one in ENTITIES)
AFTER: Final = ("check", "plan", "apply", "standing")
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run.

    Attributes:
        count: records read so far; None where nothing is counted.
        share: percent done, 0 to 100; None where the whole is not known.
        rate: how fast it goes and how long it will take, in words; may be ''.
    """

    word: str
    state: Literal["done", "now", "next", "left"]
    count: int | None = None
    expected: int | None = None
    share: int | None = None
    rate: str = ""


def steps_of(run: Mapping[str, Any]) -> list[Step]:
    """The steps of a run in their order; those that were never begun are left."""
    counts: Mapping[str, int] = run["counts"] or {}
    progress: Mapping[str, Any] = run["progress"] or {}
    at = str(progress.get("collection") or run["phase"] or "")
    if run["phase"] in AFTER:
        at = str(run["phase"])
    order = [*_read(counts, at), *AFTER]
    place = order.index(at) if at in order else -1
    is_over = run["ended_at"] is not None
    return [
        _step(name, index - place, progress, counts.get(name), is_over=is_over)
        for index, name in enumerate(order)
    ]


def _read(counts: Mapping[str, int], at: str) -> list[str]:
    """The collections to show; one that was passed over and gave nothing is not."""
    place = READING.index(at) if at in READING else len(READING)
    return [one for index, one in enumerate(READING) if index >= place or one in counts]


def _step(
    name: str,
    distance: int,
    progress: Mapping[str, Any],
    count: int | None,
    *,
    is_over: bool,
) -> Step:
    word = run_words.phase_word(name)
    if distance < 0:
        return Step(word, "done", count)
    if distance > 0:
        return Step(word, "left" if is_over else "next")
    if is_over:
        return Step(word, "left", count)
    if progress.get("collection") != name or name in AFTER:
        return Step(word, "now", count)
    read = int(progress.get("count") or 0)
    expected = int(progress["expected"]) if progress.get("expected") else None
    share = min(100, read * 100 // expected) if expected else None
    return Step(word, "now", read, expected, share, _rate(progress))


def _rate(progress: Mapping[str, Any]) -> str:
    parts = []
    per_second = progress.get("per_second")
    if per_second:
        parts.append(
            gettext("%(count)s a second", count=decimal(round(float(per_second))))
        )
    left = progress.get("seconds_left")
    if left is not None:
        parts.append(_left(int(left)))
    return ", ".join(parts)


def _left(seconds: int) -> str:
    if seconds < _MINUTE:
        return ngettext(
            "about %(num)d second left", "about %(num)d seconds left", max(seconds, 1)
        )
    return ngettext(
        "about %(num)d minute left",
        "about %(num)d minutes left",
        round(seconds / _MINUTE),
    )
