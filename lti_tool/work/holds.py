"""What a person must see before it is applied: found as facts, and said in words.

A hold is JSON for ``run.holds``: ``code``, ``collection`` and the numbers that speak
for it. Pages have words of their own; those here are for the command line.

Source: facts/security.md, promise P3 and cases B43 to B47.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from lti_tool.storage.movements import Movement
from lti_tool.storage.moves import BY_SCHOOL
from lti_tool.storage.plans import PlanFacts
from lti_tool.work.source_settings import Limit, SourceSettings

Hold = dict[str, Any]
# A run ends more than this only with a person's yes; a school may choose others.
FLOOR: Final = Limit().ends_floor
RATIO: Final = Limit().ends_ratio
SCHOOL_RATIO: Final = SourceSettings().school_ratio
# So many may become staff unasked.
STAFF_FLOOR: Final = 3
STAFF_RATIO: Final = 0.01
# Holds that only speak of ends: without the ends, the rest may be applied.
OF_ENDS: Final = frozenset({"ends", "all_end", "empty", "school_ends", "rekeyed"})
_WORDS: Final = {
    "ends": "{ends} of {now} {collection} would end",
    "all_end": "{ends} of {now} {collection} would end",
    "empty": "{ends} of {now} {collection} would end: the source sent none",
    "school_ends": "{ends} of {now} {collection} of school {school} would end",
    "rekeyed": "{count} of those users come again under another sourcedId with the "
    "same {by}: the SIS may have changed its ids; have them re-keyed by that {by} "
    "instead of ended",
    "role_escalation": "{count} of {now} {collection} would become staff",
    "changes": "{count} of {now} {collection} would change",
}


def holds(facts: PlanFacts, settings: SourceSettings) -> list[Hold]:
    """Return why a plan waits for a person; nothing if it need not wait."""
    ends = list(_ends(facts, settings))
    return [
        *ends,
        *_school_ends(facts, settings),
        *(_rekeyed(facts) if ends else ()),
        *_escalations(facts),
        *_changes(facts.movements, settings),
    ]


def words(found: Collection[Hold]) -> list[str]:
    """Say each reason in a sentence."""
    return [_WORDS[one["code"]].format_map(one) for one in found]


def ends_limit(now: int, limit: Limit) -> float:
    """How many of a collection may end unasked."""
    return max(limit.ends_floor, limit.ends_ratio * now)


def _ends(facts: PlanFacts, settings: SourceSettings) -> Iterator[Hold]:
    for name, one in facts.movements.items():
        if not one.ends:
            continue
        most = ends_limit(one.now, settings.limit(name))
        told = {"collection": name, "ends": one.ends, "now": one.now, "limit": most}
        # Whoever is added in the same run has not been here before.
        if one.ends >= one.now and not one.adds:
            yield {"code": "empty" if name in facts.unsent else "all_end", **told}
        elif one.ends > most:
            yield {"code": "ends", **told}


def _school_ends(facts: PlanFacts, settings: SourceSettings) -> Iterator[Hold]:
    for school in sorted(facts.schools):
        if school not in facts.school_ids:
            continue
        for name in BY_SCHOOL:
            one = facts.schools[school].get(name)
            if one is None or one["ends"] <= settings.school_ratio * one["now"]:
                continue
            yield {
                "code": "school_ends",
                "collection": name,
                "school": school,
                "ends": one["ends"],
                "now": one["now"],
                "limit": settings.school_ratio * one["now"],
            }


def _rekeyed(facts: PlanFacts) -> Iterator[Hold]:
    count, by = facts.renamed
    if count:
        yield {
            "code": "rekeyed",
            "collection": "users",
            "count": count,
            "now": facts.movements["users"].now,
            "by": by,
        }


def _escalations(facts: PlanFacts) -> Iterator[Hold]:
    for name in ("users", "enrollments"):
        gained, now = facts.gained_staff.get(name, 0), facts.movements[name].now
        most = max(STAFF_FLOOR, STAFF_RATIO * now)
        if gained > most:
            yield {
                "code": "role_escalation",
                "collection": name,
                "count": gained,
                "now": now,
                "limit": most,
            }


def _changes(
    movements: Mapping[str, Movement], settings: SourceSettings
) -> Iterator[Hold]:
    for name, one in movements.items():
        ratio = settings.limit(name).changes_ratio
        if ratio is not None and one.changes > ratio * one.now:
            yield {
                "code": "changes",
                "collection": name,
                "count": one.changes,
                "now": one.now,
                "limit": ratio * one.now,
            }
