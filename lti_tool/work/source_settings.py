"""What a school chose for a source: scope, limits, schedule, pauses, grace.

Kept as JSON in ``source.settings``; read from there into frozen values, and written
back the same. What is not said has the value of :class:`SourceSettings` below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lti_tool.errors import ConfigError
from lti_tool.storage.entities import BY_NAME
from lti_tool.storage.scopes import Scope

__all__ = [
    "DAYS",
    "WRITING",
    "Fault",
    "Limit",
    "Pause",
    "Schedule",
    "Scope",
    "SourceSettings",
    "Writing",
    "faults",
    "format_settings",
    "parse_settings",
]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# How an LMS account may find its SIS person. Never by e-mail: families share one.
MATCHES: Final = ("lis", "sis_id", "name_in_class")
# How a SIS is written to; auto: as a test found that it can be.
WRITING: Final = ("auto", "assessment", "gradebook", "posted", "plain")
LONGEST_GRACE: Final = 366
LONGEST_ID: Final = 255
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a collection a run may end or change unasked.

    Ends: more than the greater of ends_floor and ends_ratio of what we hold waits for
    a person. changes_ratio: the same for changes; None never waits.

    Source: facts/security.md, promise P3.
    """

    ends_floor: int = 10
    ends_ratio: float = 0.05
    changes_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When it runs by itself: times of day in a zone, on some days of the week.

    No times: it runs only when somebody says so. full_every_days: at least so often
    the source is read whole.
    """

    times: tuple[str, ...] = ("03:15",)
    days: tuple[str, ...] = DAYS
    time_zone: str = "UTC"
    full_every_days: int = 7


@dataclass(frozen=True, slots=True)
class Pause:
    """Days on which no run starts by schedule, the last one included."""

    first_on: date
    last_on: date
    why: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """How outcomes are written to it.

    Attributes:
        manner: one of WRITING.
        category: sourcedId of the category that columns go into; None: one of ours.
        words: whether the name of a level goes beside its number.
    """

    manner: str = "auto"
    category: str | None = None
    words: bool = True


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """All that a school can say of a source.

    Attributes:
        limits: by collection; one that is not named has the usual Limit.
        school_ratio: of one school's courses, classes, users or enrollments no more
            than this ends unasked.
        grace_days: so long a person who left a class may still open her own pages.
        matching: by what LMS accounts find their SIS person.
        told: who is to be told of holds and failures, as the home page names them.
    """

    scope: Scope = field(default_factory=Scope)
    limits: Mapping[str, Limit] = field(default_factory=lambda: MappingProxyType({}))
    school_ratio: float = 0.2
    schedule: Schedule = field(default_factory=Schedule)
    pauses: tuple[Pause, ...] = ()
    grace_days: int = 14
    matching: tuple[str, ...] = MATCHES
    told: tuple[str, ...] = ()
    writing: Writing = field(default_factory=Writing)

    def limit(self, collection: str) -> Limit:
        """The limit of a collection."""
        return self.limits.get(collection, Limit())

    def pause_on(self, day: date) -> Pause | None:
        """The pause that covers a day, if one does."""
        return next(
            (one for one in self.pauses if one.first_on <= day <= one.last_on), None
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that cannot be kept: the setting it concerns, and what to write."""

    name: str
    text: str

    def __str__(self) -> str:
        """The setting and the fault in one line."""
        return f"{self.name}: {self.text}"


def parse_settings(raw: Mapping[str, Any] | None) -> SourceSettings:
    """Read what is kept of a source; nothing kept is what is usual.

    Raises:
        ConfigError: it cannot be kept; the text has a line for each fault.
    """
    reading = _Reading(raw or {})
    found = reading.settings()
    if reading.faults:
        raise ConfigError("; ".join(map(str, reading.faults)))
    return found


def faults(raw: Mapping[str, Any] | None) -> list[Fault]:
    """Say what is wrong with settings, one entry a fault; nothing if all is well."""
    reading = _Reading(raw or {})
    reading.settings()
    return reading.faults


def format_settings(settings: SourceSettings) -> dict[str, Any]:
    """Return settings as the JSON that is kept; read again they are the same."""
    scope, schedule = settings.scope, settings.schedule
    return {
        "scope": {
            "schools": list(scope.schools),
            "terms": list(scope.terms),
            "roles": list(scope.roles),
            "demographics_reason": scope.demographics_reason,
        },
        "limits": {
            name: {
                "ends_floor": one.ends_floor,
                "ends_ratio": one.ends_ratio,
                "changes_ratio": one.changes_ratio,
            }
            for name, one in settings.limits.items()
        },
        "school_ratio": settings.school_ratio,
        "schedule": {
            "times": list(schedule.times),
            "days": list(schedule.days),
            "time_zone": schedule.time_zone,
            "full_every_days": schedule.full_every_days,
        },
        "pauses": [
            {"from": str(one.first_on), "to": str(one.last_on), "why": one.why}
            for one in settings.pauses
        ],
        "grace_days": settings.grace_days,
        "matching": {"lms": list(settings.matching)},
        "told": list(settings.told),
        "writing": {
            "manner": settings.writing.manner,
            "category": settings.writing.category,
            "words": settings.writing.words,
        },
    }


class _Reading:
    """One reading of kept settings: what could not be read is usual, and noted."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self.faults: list[Fault] = []

    def settings(self) -> SourceSettings:
        usual = SourceSettings()
        return SourceSettings(
            scope=self._scope(),
            limits=self._limits(),
            school_ratio=self._ratio(self._raw, "school_ratio", usual.school_ratio),
            schedule=self._schedule(usual.schedule),
            pauses=self._pauses(),
            grace_days=self._count(
                self._raw, "grace_days", usual.grace_days, LONGEST_GRACE
            ),
            matching=self._matching(usual.matching),
            told=self._texts(self._raw, "told"),
            writing=self._writing(),
        )

    def _scope(self) -> Scope:
        part = self._part("scope")
        reason = part.get("demographics_reason")
        if reason is not None and not isinstance(reason, str):
            self._note("scope.demographics_reason", "say why in words, or leave it out")
            reason = None
        return Scope(
            schools=self._texts(part, "schools", "scope"),
            terms=self._texts(part, "terms", "scope"),
            roles=self._texts(part, "roles", "scope"),
            demographics_reason=(reason or "").strip() or None,
        )

    def _limits(self) -> Mapping[str, Limit]:
        found = {}
        for name, part in self._part("limits").items():
            if name not in BY_NAME or not isinstance(part, Mapping):
                self._note(f"limits.{name}", f"name one of {', '.join(BY_NAME)}")
                continue
            usual, changes = Limit(), part.get("changes_ratio")
            where = f"limits.{name}"
            found[name] = Limit(
                self._count(part, "ends_floor", usual.ends_floor, 10**7, where),
                self._ratio(part, "ends_ratio", usual.ends_ratio, where),
                None
                if changes is None
                else self._ratio(part, "changes_ratio", 1.0, where),
            )
        return MappingProxyType(found)

    def _schedule(self, usual: Schedule) -> Schedule:
        part = self._part("schedule")
        zone = part.get("time_zone", usual.time_zone)
        if not _is_zone(zone):
            self._note("schedule.time_zone", f'"{zone}" is no zone; try Europe/Paris')
            zone = usual.time_zone
        return Schedule(
            times=self._chosen(
                part, "times", usual.times, _is_time, "write times as 03:15"
            ),
            days=self._chosen(
                part, "days", usual.days, DAYS.__contains__, f"use {', '.join(DAYS)}"
            ),
            time_zone=zone,
            full_every_days=self._count(
                part, "full_every_days", usual.full_every_days, 366, "schedule", least=1
            ),
        )

    def _pauses(self) -> tuple[Pause, ...]:
        found = []
        for place, part in enumerate(self._list(self._raw, "pauses"), 1):
            try:
                first, last = (date.fromisoformat(part[end]) for end in ("from", "to"))
            except (KeyError, TypeError, ValueError):
                self._note(f"pauses {place}", "write both days as 2026-12-24")
                continue
            if last < first:
                self._note(f"pauses {place}", "ends before it begins")
                continue
            found.append(Pause(first, last, str(part.get("why") or "")))
        return tuple(sorted(found, key=lambda one: (one.first_on, one.last_on)))

    def _matching(self, usual: tuple[str, ...]) -> tuple[str, ...]:
        told = f"use {', '.join(MATCHES)}; e-mail is no proof of a person"
        return self._chosen(
            self._part("matching"), "lms", usual, MATCHES.__contains__, told, "matching"
        )

    def _writing(self) -> Writing:
        part, usual = self._part("writing"), Writing()
        manner = part.get("manner", usual.manner)
        if manner not in WRITING:
            self._note("writing.manner", f"use one of {', '.join(WRITING)}")
            manner = usual.manner
        category = part.get("category") or None
        if category is not None and not _is_id(category):
            self._note("writing.category", "write the sourcedId of a category")
            category = None
        words = part.get("words", usual.words)
        if not isinstance(words, bool):
            self._note("writing.words", "say yes or no")
            words = usual.words
        return Writing(manner, category, words)

    def _part(self, name: str) -> Mapping[str, Any]:
        found = self._raw.get(name)
        if found is None or isinstance(found, Mapping):
            return found or {}
        self._note(name, "is no group of settings")
        return {}

    def _list(self, part: Mapping[str, Any], name: str) -> Sequence[Any]:
        found = part.get(name) or ()
        if isinstance(found, list | tuple):
            return found
        self._note(name, "is no list")
        return ()

    def _texts(
        self, part: Mapping[str, Any], name: str, group: str = ""
    ) -> tuple[str, ...]:
        found = self._list(part, name)
        if any(not isinstance(one, str) or not one.strip() for one in found):
            self._note(f"{group}.{name}".lstrip("."), "holds an empty entry")
        texts = (one.strip() for one in found if isinstance(one, str))
        return tuple(dict.fromkeys(one for one in texts if one))

    def _chosen(
        self,
        part: Mapping[str, Any],
        name: str,
        usual: tuple[str, ...],
        is_known: Callable[[str], bool],
        told: str,
        group: str = "schedule",
    ) -> tuple[str, ...]:
        if part.get(name) is None:
            return usual
        found = self._texts(part, name, group)
        strange = [one for one in found if not is_known(one)]
        if strange:
            self._note(f"{group}.{name}", f'"{strange[0]}" is unknown; {told}')
            return usual
        return found

    def _count(
        self,
        part: Mapping[str, Any],
        name: str,
        usual: int,
        most: int,
        group: str = "",
        *,
        least: int = 0,
    ) -> int:
        found = part.get(name, usual)
        is_count = isinstance(found, int) and not isinstance(found, bool)
        if is_count and least <= found <= most:
            return int(found)
        self._note(f"{group}.{name}".lstrip("."), f"write a number {least} to {most}")
        return usual

    def _ratio(
        self, part: Mapping[str, Any], name: str, usual: float, group: str = ""
    ) -> float:
        found = part.get(name, usual)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        if is_number and 0 <= found <= 1:
            return float(found)
        self._note(f"{group}.{name}".lstrip("."), "write a share of 0 to 1")
        return usual

    def _note(self, name: str, text: str) -> None:
        self.faults.append(Fault(name, text))


def _is_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None


def _is_id(value: object) -> bool:
    is_text = isinstance(value, str) and value.isprintable()
    return is_text and 0 < len(str(value).strip()) <= LONGEST_ID


def _is_zone(name: object) -> bool:
    try:
        ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return isinstance(name, str) and bool(name)
