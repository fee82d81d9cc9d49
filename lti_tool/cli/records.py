"""`framework record`: by what the one record of each student is judged."""

from __future__ import annotations

from typing import Any, Final, TypedDict, Unpack

import click

from lti_tool.cli.curriculum import WHO, parse_scale_name
from lti_tool.cli.root import Bench, command, now, table
from lti_tool.storage import frameworks
from lti_tool.storage.curriculum import parse_scale
from lti_tool.storage.database import Session
from lti_tool.work import recomputing, record_rules
from lti_tool.work.record_rules import Foresight, Settings
from mappings.counting import ORDERS


class _Judged(TypedDict):
    """By what records are to be judged; None: as it is."""

    rule_name: str | None
    parameter: float | None
    mastery: float | None
    scale_name: str | None
    order: str | None
    minimum: int | None
    reason: str | None


@click.group()
def record() -> None:
    """How several courses feed one record of a student, a rule a framework."""


@click.argument("name", metavar="FRAMEWORK")
def _show(bench: Bench, name: str) -> None:
    """Show by what records are judged, and every version of it."""
    with bench.database.read() as session:
        framework_id = frameworks.find_framework(session, name)
        settings = record_rules.load(session, framework_id)
        versions = record_rules.load_versions(session, framework_id)
    told = [
        {
            "number": one.number,
            "made_by": one.made_by,
            "made_at": one.made_at,
            "reason": one.reason,
            "restores": one.restores,
            "settings": one.settings,
        }
        for one in versions
    ]
    bench.say(
        {"framework": framework_id, **_settings(settings), "versions": told},
        table(
            f"records: {_text(settings)}",
            ("number", "when", "who", "judged by", "reason"),
            [
                (one.number, one.made_at, one.made_by, _text(one.settings), one.reason)
                for one in versions
            ],
        ),
    )


@click.argument("name", metavar="FRAMEWORK")
@click.option("--rule", "rule_name")
@click.option("--parameter", type=float)
@click.option(
    "--mastery", type=float, metavar="CUT", help="A cut of the scale, a ratio."
)
@click.option(
    "--scale", "scale_name", help="A scale by its title or id; usual: the one we have."
)
@click.option(
    "--order", type=click.Choice(list(ORDERS)), help="What orders the evidence."
)
@click.option("--minimum", type=int, help="Pieces a level needs at least.")
@click.option("--reason", help="Kept with the version.")
@click.option("--dry-run", is_flag=True, help="Say whose records would move; no more.")
def _set(bench: Bench, name: str, *, dry_run: bool, **options: Unpack[_Judged]) -> None:
    """Set by what records are judged, after saying whose would move."""
    if options["rule_name"] is None and options["parameter"] is not None:
        raise click.UsageError("--parameter goes with --rule")
    with bench.database.read() as session:
        framework_id = frameworks.find_framework(session, name)
        values = _values(session, options)
        if not values:
            raise click.UsageError("say what to set, such as --rule highest")
        with bench.progress() as move:
            seen = record_rules.preview(
                session,
                framework_id,
                values,
                now=now(),
                on_progress=lambda count: move("students", count),
            )
        settings = record_rules.whole(session, framework_id, values)
    number = None
    if not dry_run:
        with bench.database.write() as session:
            number = record_rules.save(
                session,
                framework_id,
                values,
                who=WHO,
                now=now(),
                reason=options["reason"],
            )
        recomputing.carry_out(bench.database, now)
    _say(bench, framework_id, settings, seen, number)


@click.argument("name", metavar="FRAMEWORK")
@click.argument("number", type=int)
@click.option("--reason", help="Kept with the version.")
def _restore(bench: Bench, name: str, number: int, reason: str | None) -> None:
    """Bring an earlier way of judging records back, levels included."""
    with bench.database.read() as session:
        framework_id = frameworks.find_framework(session, name)
        settings = record_rules.load_version(session, framework_id, number).settings
        seen = record_rules.preview(session, framework_id, settings, now=now())
    with bench.database.write() as session:
        new = record_rules.restore(
            session, framework_id, number, who=WHO, now=now(), reason=reason
        )
    recomputing.carry_out(bench.database, now)
    _say(bench, framework_id, settings, seen, new)


def _say(
    bench: Bench,
    framework_id: int,
    settings: Settings,
    seen: Foresight,
    number: int | None,
) -> None:
    down = sum(one.is_lower for one in seen.moves)
    effect = {"moved": len(seen.moves), "up": len(seen.moves) - down, "down": down}
    kept = "nothing was changed" if number is None else f"version {number}"
    bench.say(
        {
            "framework": framework_id,
            **_settings(settings),
            "version": number,
            "changed": effect,
            "students": seen.students,
            "moves": [
                {
                    "student": one.person_id,
                    "competency": one.competency_id,
                    "before": None if one.before is None else one.before.name,
                    "after": None if one.after is None else one.after.name,
                }
                for one in seen.moves
            ],
        },
        f"records: {_text(settings)}; {kept}: of {seen.students} students, "
        f"{effect['moved']} levels move, {effect['up']} up, {down} down",
    )


def _values(session: Session, options: _Judged) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if options["rule_name"]:
        values = {"rule": options["rule_name"], "parameter": options["parameter"]}
    if options["scale_name"] == "usual":
        values |= {"scale": None, "mastery_cut": None}
    elif options["scale_name"]:
        values |= parse_scale_name(session, options["scale_name"])
    chosen = {
        "mastery_cut": options["mastery"],
        "evidence_order": options["order"],
        "minimum_pieces": options["minimum"],
    }
    return values | {name: one for name, one in chosen.items() if one is not None}


def _settings(settings: Settings) -> dict[str, Any]:
    scale = parse_scale(settings["scale"], settings["mastery_cut"])
    return {
        "rule": settings["rule"],
        "parameter": settings["parameter"],
        "order": settings["evidence_order"],
        "minimum": settings["minimum_pieces"],
        "mastery": scale.mastery,
        "levels": scale.levels,
    }


def _text(settings: Settings) -> str:
    told = str(settings["rule"])
    if settings["parameter"] is not None:
        told += f"({settings['parameter']:g})"
    told += f", {settings['evidence_order']} order"
    if settings["minimum_pieces"] > 1:
        told += f", at least {settings['minimum_pieces']} pieces"
    return told


command(record, "show")(_show)
command(record, "set")(_set)
command(record, "restore")(_restore)
COMMANDS: Final = (record,)
