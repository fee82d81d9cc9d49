"""By what students' records of a framework are judged: foreseen, set, brought back.

Several courses feed one record of a student, by one rule a framework. Every change is
kept with who made it, when, why and what it moved, and any of them can be brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import NotFoundError, PlanError
from lti_tool.storage import judging
from lti_tool.storage import student_records as stored
from lti_tool.storage.database import Session, batches
from lti_tool.storage.evidence import put_change
from lti_tool.work import grounds, previews, recomputing, student_records
from lti_tool.work.cells import Hearing, Judges
from lti_tool.work.plan_faults import Fault, find_faults
from lti_tool.work.previews import Move
from mappings.rules import CERTAINTY, RULES

SET: Final = "record rule set"
START: Final = "start"
Settings = Mapping[str, Any]
# What is said where nobody has said anything: our default rule on our own scale.
USUAL: Final[Settings] = {
    "rule": CERTAINTY,
    "parameter": None,
    "scale": None,
    "mastery_cut": None,
    "evidence_order": "submitted",
    "minimum_pieces": 1,
}


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """One way in which records were judged; number 1 stood before the first change."""

    number: int
    settings: Settings
    made_by: str
    made_at: datetime | None
    reason: str | None = None
    restores: int | None = None


@dataclass(frozen=True, slots=True)
class Foresight:
    """Whose records would move: all moves among those looked at, of how many."""

    moves: Sequence[Move]
    looked_at: int
    students: int


def load(session: Session, framework_id: int) -> dict[str, Any]:
    """Return by what the records of a framework are judged."""
    held = stored.load_record_rule(session, framework_id) or USUAL
    return _with_usual({name: held[name] for name in USUAL})


def whole(session: Session, framework_id: int, values: Settings) -> dict[str, Any]:
    """Return all settings with values set; a rule that takes a number has one."""
    settings = {**load(session, framework_id), **values}
    if "rule" in values:
        settings["parameter"] = values.get("parameter")
    return _with_usual(settings)


def _with_usual(settings: Settings) -> dict[str, Any]:
    """Return settings, the usual number where a rule takes one and has none."""
    spec, parameter = RULES.get(settings["rule"]), settings["parameter"]
    if spec is not None and spec.parameter is not None and parameter is None:
        parameter = spec.parameter.usual
    return {**settings, "parameter": None if parameter is None else float(parameter)}


def faults(settings: Settings) -> list[Fault]:
    """Return why whole settings judge nothing; empty where they do."""
    nothing: Settings = {"counts": None, "successor_share": 0.0, "rules": {}}
    return find_faults({**settings, **nothing})


def preview(
    session: Session,
    framework_id: int,
    values: Settings,
    *,
    now: datetime,
    most: int | None = None,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Foresight:
    """Return whose records values would move; nothing is written.

    most: so many students are looked at, evenly among all; None looks at everybody.

    Raises:
        PlanError: values judge nothing; the text names each fault.
    """
    settings = _checked(session, framework_id, values)
    mine = judging.judging_by(session, framework_id, settings)
    everybody = stored.load_recorded(session, framework_id)
    step = 1 if most is None else max(-(-len(everybody) // most), 1)
    chosen = everybody[::step]
    moves: list[Move] = []
    for some in batches(chosen):
        keys = stored.load_held(session, some).get(framework_id, set())
        held = stored.load_of_framework(session, some, framework_id)
        said = grounds.load(session, some)
        new = student_records.judged(session, mine, keys, Hearing(said, Judges(now)))
        moves += previews.moves({key: held[key] for key in keys}, new)
        on_progress(len(some))
    return Foresight(moves, len(chosen), len(everybody))


def save(
    session: Session,
    framework_id: int,
    values: Settings,
    *,
    who: str,
    now: datetime,
    reason: str | None = None,
) -> int | None:
    """Set by what records are judged; returns the number of the version.

    None: it was so already. The records are ordered to be worked out again, by the
    worker or by the caller (``recomputing.carry_out``).

    Raises:
        PlanError: values judge nothing; the text names each fault.
    """
    settings = _checked(session, framework_id, values)
    return _set(session, framework_id, settings, _By(who, now, reason))


def restore(
    session: Session,
    framework_id: int,
    number: int,
    *,
    who: str,
    now: datetime,
    reason: str | None = None,
) -> int | None:
    """Bring an earlier version back as it was, as a new one that says so.

    Raises:
        NotFoundError: there is no such version.
    """
    version = load_version(session, framework_id, number)
    by = _By(who, now, reason, restores=number)
    return _set(session, framework_id, version.settings, by)


def load_versions(session: Session, framework_id: int) -> list[RecordVersion]:
    """Return every way in which records were judged, the newest first."""
    changes = stored.load_rule_changes(session, SET, framework_id)
    if not changes:
        return []
    found = [RecordVersion(1, _kept(changes[0]["before"]), START, None)]
    found += [
        RecordVersion(
            number,
            _kept(one["after"]),
            one["who"],
            one["at"],
            one["after"].get("reason"),
            one["after"].get("restores"),
        )
        for number, one in enumerate(changes, start=2)
    ]
    return found[::-1]


def _kept(told: Settings | None) -> dict[str, Any]:
    return _with_usual({name: (told or {}).get(name, USUAL[name]) for name in USUAL})


def load_version(session: Session, framework_id: int, number: int) -> RecordVersion:
    """Return one way in which records were judged.

    Raises:
        NotFoundError: there is no such version.
    """
    for one in load_versions(session, framework_id):
        if one.number == number:
            return one
    raise NotFoundError(f"framework {framework_id} has no record version {number}")


@dataclass(frozen=True, slots=True)
class _By:
    """Who sets a rule, when, why, and which version it brings back."""

    who: str
    now: datetime
    reason: str | None
    restores: int | None = None


def _checked(session: Session, framework_id: int, values: Settings) -> dict[str, Any]:
    settings = whole(session, framework_id, values)
    found = faults(settings)
    if found:
        raise PlanError(" ".join(f"{one.field}: {one.words}" for one in found))
    return settings


def _set(
    session: Session, framework_id: int, settings: Settings, by: _By
) -> int | None:
    before = load(session, framework_id)
    if before == settings:
        return None
    stored.save_record_rule(session, framework_id, settings, who=by.who, now=by.now)
    told = {"reason": by.reason, "restores": by.restores}
    put_change(
        session,
        at=by.now,
        who=by.who,
        what=SET,
        subject=("framework", framework_id),
        before=before,
        after={**settings, **{name: one for name, one in told.items() if one}},
    )
    recomputing.order_carried(session, framework_id, who=by.who, now=by.now)
    return len(load_versions(session, framework_id))
