"""The plan of a run: what it would move, whether it must wait, and who said yes.

The rows of the plan are kept with the run, whatever becomes of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lti_tool.storage import plans, sources
from lti_tool.storage.database import Database
from lti_tool.storage.movements import Movement, as_counts
from lti_tool.storage.plans import PlanFacts
from lti_tool.storage.staging import Staging
from lti_tool.work import holds
from lti_tool.work.holds import Hold
from lti_tool.work.problems import Problems
from lti_tool.work.source_settings import SourceSettings


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would move, and why it waits for a person; empty if it need not."""

    facts: PlanFacts
    holds: tuple[Hold, ...] = ()

    @property
    def movements(self) -> Mapping[str, Movement]:
        """The moves, by collection."""
        return self.facts.movements

    @property
    def plan_hash(self) -> str:
        """The hash of exactly those moves."""
        return self.facts.plan_hash

    @property
    def is_something(self) -> bool:
        """Tell whether the plan changes anything."""
        return any(one.adds + one.changes + one.ends for one in self.movements.values())

    def columns(self, *, is_without_ends: bool = False) -> dict[str, Any]:
        """The plan as the columns of its run; is_without_ends: its ends were left."""
        movements, schools, found = self.movements, self.facts.schools, self.holds
        if is_without_ends:
            movements = without_ends(movements)
            schools = _schools_without_ends(schools)
            found = tuple(one for one in found if one["code"] not in holds.OF_ENDS)
        return {
            "plan": as_counts(movements),
            "plan_hash": self.plan_hash,
            "schools": schools,
            "holds": list(found),
        }


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person said of a plan.

    Attributes:
        accept: the hash of the plan that was read.
        takes_ends: apply ends whatever their number.
        is_without_ends: of that plan apply adds and changes alone.
    """

    accept: str | None = None
    takes_ends: bool = False
    is_without_ends: bool = False


def plan(
    database: Database,
    staging: Staging,
    run_id: int,
    problems: Problems,
    settings: SourceSettings,
) -> Planned:
    """Judge what is staged and plan what a merge would do; notes rows not taken.

    The rows of the plan are kept with the run.
    """

    def put(moved: list[dict[str, Any]]) -> None:
        with database.write() as session:
            plans.put_moves(session, run_id, moved)

    problems.note_staged(staging.check(settings.scope))
    facts = staging.plan(put)
    return Planned(facts, tuple(holds.holds(facts, settings)))


def objections(
    database: Database, source_id: int, found: Planned, consent: Consent, now: datetime
) -> list[str]:
    """Say why a plan is not applied; nothing if it may be.

    A person's yes holds for exactly the plan that was shown, for a day. Ends may be
    taken at once, whatever their number; nothing else that waits is.
    """
    waiting = _waiting(found.holds, consent)
    told = holds.words(waiting)
    if consent.accept is None or not (waiting or consent.is_without_ends):
        return told
    with database.read() as session:
        was_shown = sources.was_shown(session, source_id, consent.accept, now)
    if consent.accept != found.plan_hash:
        return [*told, f"the plan is no longer {consent.accept[:64]}"]
    if not was_shown:
        return [*told, f"plan {consent.accept} was not shown within the last day"]
    return []


def without_ends(movements: Mapping[str, Movement]) -> dict[str, Movement]:
    """Return the moves of a plan of which the ends are left out."""
    return {name: replace(one, ends=0) for name, one in movements.items()}


def _schools_without_ends(
    schools: Mapping[str, Mapping[str, Mapping[str, int]]],
) -> dict[str, dict[str, dict[str, int]]]:
    return {
        school: {name: {**moved, "ends": 0} for name, moved in by_collection.items()}
        for school, by_collection in schools.items()
    }


def _waiting(found: Collection[Mapping[str, Any]], consent: Consent) -> list[Hold]:
    return [
        dict(one)
        for one in found
        if not (consent.takes_ends and one["code"] in holds.OF_ENDS)
    ]
