"""The plan of a course: foreseen, set, kept whole in versions, and brought back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import PlanError
from lti_tool.storage import curriculum, plan_choices, plan_versions
from lti_tool.storage import standing as stored
from lti_tool.storage.curriculum import parse_scale
from lti_tool.storage.database import Session
from lti_tool.storage.plan_versions import PlanVersion
from lti_tool.storage.standing import Key, StoredAttainment
from lti_tool.work import previews, replacements, standing
from lti_tool.work.plan_faults import COMPETENCY, FRAMEWORK, Fault, find_faults
from lti_tool.work.previews import Move
from lti_tool.work.standing import Why
from lti_tool.work.words import Words
from mappings.rules import RULES

# Who made the version that keeps what stood before the first change.
START: Final = "start"


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a plan did.

    number is None where nothing was changed; effect counts the levels moved:
    {"moved", "up", "down"}.
    """

    number: int | None
    effect: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that two plans have otherwise.

    field is a column of the course, or "rules" with the competency it is of.
    """

    field: str
    before: Any
    after: Any
    competency_id: int | None = None


def whole(
    session: Session, course_id: int, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings a course would have with values set, the usual ones told.

    A rule that takes a number has one; rules of another framework fall away, unless
    what they are of was replaced by something in the new one.
    """
    held = curriculum.load_plan_values(session, course_id)
    settings = {**held, **values}
    settings |= _with_usual(settings)
    if settings["counts"] is not None:
        settings["counts"] = list(settings["counts"])
    frameworks = held["framework_id"], settings["framework_id"]
    if frameworks[0] != frameworks[1]:
        settings["rules"] = _taken_along(session, settings["rules"], *frameworks)
    settings["rules"] = {
        one: {**own, **_with_usual(own)} for one, own in settings["rules"].items()
    }
    return settings


def _taken_along(
    session: Session,
    rules: Mapping[str, Mapping[str, Any]],
    left: int | None,
    entered: int | None,
) -> dict[str, Mapping[str, Any]]:
    """Return rules under another framework, without what only the old one has."""
    gone = _competencies(session, left) - _competencies(session, entered)
    renamed = replacements.renamed(session, rules, entered)
    return {one: own for one, own in renamed.items() if int(one) not in gone}


def _with_usual(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return rule and parameter, the usual number where none was given."""
    spec, parameter = RULES.get(chosen["rule"]), chosen["parameter"]
    if spec is not None and spec.parameter is not None and parameter is None:
        parameter = spec.parameter.usual
    return {
        "rule": chosen["rule"],
        "parameter": None if parameter is None else float(parameter),
    }


def _competencies(session: Session, framework_id: int | None) -> set[int]:
    if framework_id is None:
        return set()
    return plan_choices.load_competency_ids(session, framework_id)


def faults(session: Session, settings: Mapping[str, Any]) -> list[Fault]:
    """Return why whole settings make no plan; empty where they do."""
    found = find_faults(settings)
    framework_id = settings["framework_id"]
    if framework_id is not None and not plan_choices.has_framework(
        session, framework_id
    ):
        found.append(Fault("framework_id", Words(FRAMEWORK)))
    known = _competencies(session, framework_id)
    found += [
        Fault(f"rules.{one}.competency", Words(COMPETENCY))
        for one in settings["rules"]
        if int(one) not in known
    ]
    return found


def preview(
    session: Session, course_id: int, values: Mapping[str, Any], *, now: datetime
) -> list[Move]:
    """Return whose levels values would move, keeping nothing of it.

    Raises:
        PlanError: values make no plan; the text names each fault.
    """
    return _foreseen(session, course_id, _checked(session, course_id, values), now)


def preview_restore(
    session: Session, course_id: int, number: int, *, now: datetime
) -> list[Move]:
    """Return whose levels bringing a version back would move, keeping nothing of it.

    Raises:
        NotFoundError: the course has no such version.
    """
    version = plan_versions.load_version(session, course_id, number)
    return _foreseen(session, course_id, settings_of(session, version), now)


def settings_of(session: Session, version: PlanVersion) -> dict[str, Any]:
    """Return what bringing a version back would set.

    That is what it says, with the rules of competencies that were replaced since
    under what replaced them: the replacement is a decision of its own, and stands.
    """
    settings = dict(version.settings)
    rules = replacements.renamed(session, settings["rules"], settings["framework_id"])
    return {**settings, "rules": rules}


def _foreseen(
    session: Session, course_id: int, settings: Mapping[str, Any], now: datetime
) -> list[Move]:
    def change(trial: Session) -> None:
        _write(trial, course_id, settings, who="preview", now=now)

    return previews.preview(session, course_id, change, now=now)


def example(
    session: Session,
    course_id: int,
    settings: Mapping[str, Any],
    cell: Key,
    *,
    now: datetime,
) -> tuple[Why, Why]:
    """Return why a cell stands where it stands, and why under other settings.

    cell: person and competency. settings are whole and without faults; nothing of
    them is kept.
    """
    person_id, competency_id = cell
    before = standing.why(session, course_id, person_id, competency_id, now=now)
    trial = session.begin_nested()
    try:
        _write(session, course_id, settings, who="preview", now=now)
        after = standing.why(session, course_id, person_id, competency_id, now=now)
    finally:
        trial.rollback()
    return before, after


def save(
    session: Session,
    course_id: int,
    values: Mapping[str, Any],
    *,
    who: str,
    now: datetime,
    reason: str | None = None,
) -> Saved:
    """Set some settings of a course, keep the version, work the levels out again.

    All in the caller's transaction. Setting what already stands does nothing.

    Raises:
        PlanError: values make no plan; the text names each fault.
    """
    stored.hold_course(session, course_id)
    settings = _checked(session, course_id, values)
    return _set(session, course_id, settings, _By(who, now, reason))


def restore(
    session: Session,
    course_id: int,
    number: int,
    *,
    who: str,
    now: datetime,
    reason: str | None = None,
) -> Saved:
    """Bring an earlier version back as it was, as a new version that says so.

    Raises:
        NotFoundError: the course has no such version.
    """
    stored.hold_course(session, course_id)
    version = plan_versions.load_version(session, course_id, number)
    by = _By(who, now, reason, restores=number)
    return _set(session, course_id, settings_of(session, version), by)


@dataclass(frozen=True, slots=True)
class _By:
    """Who sets a plan, when, why, and which version it brings back."""

    who: str
    now: datetime
    reason: str | None
    restores: int | None = None


def _checked(
    session: Session, course_id: int, values: Mapping[str, Any]
) -> dict[str, Any]:
    settings = whole(session, course_id, values)
    found = faults(session, settings)
    if found:
        raise PlanError(" ".join(f"{one.field}: {one.words}" for one in found))
    return settings


def _set(
    session: Session, course_id: int, settings: Mapping[str, Any], by: _By
) -> Saved:
    before = curriculum.load_plan_values(session, course_id)
    changed = {name: one for name, one in settings.items() if one != before[name]}
    if not changed:
        return Saved(None, {"moved": 0, "up": 0, "down": 0})
    levels = stored.load(session, course_id)
    _write(session, course_id, changed, who=by.who, now=by.now)
    standing.refresh(session, course_id, now=by.now)
    effect = _effect(before, settings, levels, stored.load(session, course_id))
    number = keep(
        session,
        course_id,
        before,
        PlanVersion(0, dict(settings), by.who, by.now, by.reason, by.restores, effect),
    )
    return Saved(number, effect)


def _write(
    session: Session,
    course_id: int,
    values: Mapping[str, Any],
    *,
    who: str,
    now: datetime,
) -> None:
    """Write settings; what hangs on replaced competencies follows a new framework."""
    before = curriculum.load_plan_values(session, course_id)["framework_id"]
    curriculum.save_course_plan(session, course_id, values, who=who, now=now)
    if values.get("framework_id", before) != before:
        replacements.change_framework(session, course_id, before, who=who, now=now)


def keep(
    session: Session, course_id: int, before: Mapping[str, Any], version: PlanVersion
) -> int:
    """Keep a version under the next number, which is returned.

    before is kept first where the course had no version yet, so that every change
    can be taken back.
    """
    number = plan_versions.last_number(session, course_id) + 1
    if number == 1:
        start = PlanVersion(number, dict(before), START, version.made_at)
        plan_versions.insert_version(session, course_id, start)
        number += 1
    plan_versions.insert_version(
        session,
        course_id,
        PlanVersion(
            number,
            version.settings,
            version.made_by,
            version.made_at,
            version.reason,
            version.restores,
            version.effect,
        ),
    )
    return number


def _effect(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    old: Mapping[Key, StoredAttainment],
    new: Mapping[Key, StoredAttainment],
) -> dict[str, int]:
    """Count the cells whose level has another number or name, and which way."""
    scales = [parse_scale(one["scale"], one["mastery_cut"]) for one in (before, after)]
    cuts = [[level.cut for level in scale.levels] for scale in scales]
    if len(cuts[0]) == len(cuts[1]):
        cuts = [list(map(float, range(len(one)))) for one in cuts]
    moved = up = down = 0
    for key in old.keys() | new.keys():
        places = [_level(old.get(key)), _level(new.get(key))]
        if places[0] == places[1]:
            continue
        moved += 1
        was, is_now = (
            -1.0 if place is None else cuts[side][place[0]]
            for side, place in enumerate(places)
        )
        up += is_now > was
        down += is_now < was
    return {"moved": moved, "up": up, "down": down}


def _level(one: StoredAttainment | None) -> tuple[int, str | None] | None:
    if one is None or one.level is None:
        return None
    return one.level, one.level_name


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Difference]:
    """Return what two whole settings have otherwise, in the order of the page."""
    found = [
        Difference(name, before.get(name), after.get(name))
        for name in curriculum.PLAN
        if before.get(name) != after.get(name)
    ]
    old, new = before.get("rules", {}), after.get("rules", {})
    found += [
        Difference("rules", old.get(one), new.get(one), int(one))
        for one in sorted(old.keys() | new.keys(), key=int)
        if old.get(one) != new.get(one)
    ]
    return found
