"""`source set` and `source show`: what a school chose for a source.

The JSON document of both: ``source`` and ``settings``, as they are kept; of a service
``written_as`` (how outcomes are written to it) and ``writing_found`` by its last test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.errors import ConfigError
from lti_tool.storage import source_pages, sources
from lti_tool.work import sis, source_care
from lti_tool.work.platforms import Author
from lti_tool.work.source_settings import WRITING, format_settings, parse_settings

_LIMIT: Final = re.compile(r"(\w+)=(\d+),(\d+(?:\.\d+)?) ?%(?:,(\d+(?:\.\d+)?) ?%)?")
_PERCENT: Final = 100


@click.argument("name")
@click.option("--school", "schools", multiple=True, help="Take this school; repeat it.")
@click.option("--term", "terms", multiple=True, help="Take this term; repeat it.")
@click.option("--role", "roles", multiple=True, help="Take users of this role.")
@click.option("--everything", is_flag=True, help="Take all schools, terms and roles.")
@click.option("--demographics-reason", help='Pull demographics, and why; "" stops it.')
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="COLLECTION=COUNT,SHARE%[,CHANGES%]",
    help="Ends above the greater of both wait: users=10,5%; changes too: ,20%.",
)
@click.option("--school-limit", type=float, help="The same for one school, percent.")
@click.option("--schedule", metavar="HH:MM[,HH:MM]", help='Times of day; "" for none.')
@click.option("--days", help="On these days: mon,tue,wed,thu,fri,sat,sun.")
@click.option("--time-zone", help="Of those times, such as Europe/Paris.")
@click.option("--full-every-days", type=int, help="Read all of it at least so often.")
@click.option(
    "--pause",
    "pauses",
    multiple=True,
    metavar="FROM..TO[=WHY]",
    help="No run by schedule on these days; repeat it.",
)
@click.option("--no-pauses", is_flag=True, help="Forget all pauses.")
@click.option("--grace-days", type=int, help="So long one who left keeps her pages.")
@click.option("--told", multiple=True, help="Who is told of holds; repeat it.")
@click.option(
    "--match",
    metavar="WAY[,WAY]",
    help='By what people of the LMS are found: lis,sis_id,name_in_class; "" for none.',
)
@click.option(
    "--writing",
    type=click.Choice(WRITING),
    help="How outcomes are written to it; auto: as its test found.",
)
@click.option("--category", help='sourcedId of the category of our columns; "": ours.')
@click.option(
    "--words/--numbers-only", default=None, help="Level names beside numbers."
)
def _set(bench: Bench, name: str, **said: object) -> None:
    """Change what is taken of a source, its limits, schedule, pauses and grace.

    What is not named stays as it is.
    """
    with bench.database.write() as session:
        source_id = sources.load_source(session, name).id
        held = source_pages.load_source(session, source_id)
        usual = format_settings(parse_settings(held["settings"]))
        chosen = parse_settings({**usual, **_sections(usual, said)})
        sections = format_settings(chosen)
        if said["writing"] is not None:
            sis.refuse_other_version(held["version"], sections)
        source_care.save_settings(session, source_id, sections, by=Author("cli", now()))
    _say(bench, name, sections, held)


@click.argument("name")
def _show(bench: Bench, name: str) -> None:
    """Show what was chosen for a source."""
    with bench.database.read() as session:
        source_id = sources.load_source(session, name).id
        held = source_pages.load_source(session, source_id)
    _say(bench, name, format_settings(parse_settings(held["settings"])), held)


def _sections(held: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were named, each beside the rest of its section."""
    scope = {key: list(said[key]) for key in ("schools", "terms", "roles") if said[key]}
    if said["everything"]:
        scope = {"schools": [], "terms": [], "roles": []}
    if said["demographics_reason"] is not None:
        scope["demographics_reason"] = said["demographics_reason"]
    times = {
        key: _listed(said[option])
        for key, option in (("times", "schedule"), ("days", "days"))
        if said[option] is not None
    }
    plain = {
        key: said[key]
        for key in ("time_zone", "full_every_days")
        if said[key] is not None
    }
    pauses = [] if said["no_pauses"] else held["pauses"]
    found: dict[str, Any] = {
        "scope": {**held["scope"], **scope},
        "schedule": {**held["schedule"], **times, **plain},
        "limits": {**held["limits"], **dict(map(_limit, said["limits"]))},
        "pauses": [*pauses, *map(_pause, said["pauses"])],
    }
    if said["school_limit"] is not None:
        found["school_ratio"] = said["school_limit"] / _PERCENT
    if said["grace_days"] is not None:
        found["grace_days"] = said["grace_days"]
    if said["told"]:
        found["told"] = [one for one in said["told"] if one.strip()]
    writing = {
        key: said[option]
        for key, option in (
            ("manner", "writing"),
            ("category", "category"),
            ("words", "words"),
        )
        if said[option] is not None
    }
    if writing:
        found["writing"] = {**held["writing"], **writing}
    if said["match"] is not None:
        found["matching"] = {"lms": _listed(said["match"])}
    return found


def _limit(text: str) -> tuple[str, dict[str, Any]]:
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise ConfigError(
            f'--limit "{text[:80]}" cannot be read; write it as users=10,5% or, to '
            "limit changes as well, users=10,5%,20%"
        )
    name, floor, ends, changes = found.groups()
    return name, {
        "ends_floor": int(floor),
        "ends_ratio": float(ends) / _PERCENT,
        "changes_ratio": None if changes is None else float(changes) / _PERCENT,
    }


def _pause(text: str) -> dict[str, str]:
    days, _, why = text.partition("=")
    first, _, last = days.strip().partition("..")
    return {"from": first, "to": last or first, "why": why.strip()}


def _listed(text: str) -> list[str]:
    return [one for one in text.replace(" ", "").split(",") if one]


def _say(
    bench: Bench, name: str, sections: Mapping[str, Any], held: Mapping[str, Any]
) -> None:
    lines = [
        (section, key, _plain(value))
        for section, part in sections.items()
        for key, value in (part.items() if isinstance(part, dict) else [("", part)])
    ]
    document: dict[str, Any] = {"source": name, "settings": dict(sections)}
    if held["kind"] == "rest":
        profile = held["profile"] or {}
        manner = sis.chosen_manner(held["version"], sections, profile).name
        document["written_as"] = manner
        document["writing_found"] = profile.get("writing") or {}
        lines.append(("writing", "in use", manner))
    bench.say(document, table(f"source {name}", ("setting", "", "value"), lines))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "-"
    return "-" if value is None else str(value)


COMMANDS: Final = (command(None, "set")(_set), command(None, "show")(_show))
