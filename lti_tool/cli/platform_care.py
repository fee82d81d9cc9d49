"""`platform show` and what is done with a platform: what the pages do, typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.errors import ConfigError
from lti_tool.platforms.profiles import PROFILES
from lti_tool.storage import platforms, secrets
from lti_tool.storage.database import Session
from lti_tool.storage.outcomes_settings import MANNERS
from lti_tool.work import checks, manners
from lti_tool.work import platforms as work
from lti_tool.work.agreements import differences
from lti_tool.work.check_words import Check
from lti_tool.work.guides import issuer_of
from lti_tool.work.platform_fields import parse_origins, platform_faults
from lti_tool.work.platforms import EDITABLE, Author

WHO: Final = "cli"
_PLATFORM: Final = click.argument("platform_id", type=int, metavar="PLATFORM")
_DEPLOYMENT: Final = click.argument("deployment_id", metavar="DEPLOYMENT")


def _show(bench: Bench, platform_id: int) -> None:
    """Show one platform with its deployments and what waits."""
    with bench.database.read() as session:
        held = platforms.load_platform(session, platform_id)
        deployments = platforms.load_deployments(session, platform_id)
        checked = checks.load_checks(session, platform_id)
    document = {
        **{name: held[name] for name in held if name not in _LEFT_OUT},
        "not_granted": [
            {"kind": line.kind, "name": line.name, "state": line.state}
            for line in differences(held["asked"] or {}, held["granted"] or {})
            if held["asked"]
        ],
        "deployments": deployments,
        "checked_at": checked.at if checked else None,
        "problems": [
            one.text for one in (checked.checks if checked else ()) if _is_problem(one)
        ],
    }
    if bench.as_json:
        bench.say(document, "")
        return
    plain = [(name, value) for name, value in document.items() if name != "deployments"]
    bench.say(document, table(held["name"], ("", ""), plain))
    columns = ("deployment_id", "status", "courses", "seen", "seen_at")
    rows = [[one[name] for name in columns] for one in deployments]
    bench.say(document, table("deployments", columns, rows))


_LEFT_OUT: Final = frozenset({"asked", "granted", "checks"})


def _is_problem(check: Check) -> bool:
    return str(check.state) == "problem"


@click.option("--name")
@click.option("--issuer")
@click.option("--client-id")
@click.option("--auth-url")
@click.option("--token-url")
@click.option("--jwks-url")
@click.option("--token-audience", help="Audience of token requests; '' for the URL.")
@click.option("--vendor", type=click.Choice(sorted(PROFILES)))
@click.option("--outcomes-url", help="'' takes it away.")
@click.option("--outcomes-token-file", type=click.Path(path_type=Path))
@click.option(
    "--extra-origin",
    "extra_origins",
    multiple=True,
    help="A further site that shows us in a frame; names all of them, '' none.",
)
@click.option("--target-mismatch", type=click.Choice(["refuse", "warn"]))
@click.option(
    "--read",
    type=click.Choice(["on", "off"]),
    help="Whether the grades of its courses are read as evidence.",
)
@click.option(
    "--outcomes-manner",
    type=click.Choice(MANNERS),
    help="How levels get into Canvas's outcomes; live only where they answer.",
)
def _edit(
    bench: Bench,
    platform_id: int,
    extra_origins: tuple[str, ...],
    outcomes_token_file: Path | None,
    read: str | None,
    outcomes_manner: str | None,
    **fields: str | None,
) -> None:
    """Change what is named of a platform, and nothing else."""
    values: dict[str, Any] = {k: v for k, v in fields.items() if v is not None}
    if extra_origins:
        values["extra_origins"] = _origins(bench, extra_origins)
    if read is not None:
        values["is_read"] = read == "on"
    if outcomes_token_file is not None:
        values["outcomes_token"] = _token(bench, outcomes_token_file)
    if not values and outcomes_manner is None:
        raise click.UsageError("name at least one thing to change")
    with bench.database.write() as session:
        _check(bench, session, platform_id, values)
        changed = work.edit(session, platform_id, values, by=_me())
        if outcomes_manner and manners.choose(
            session, platform_id, outcomes_manner, by=_me()
        ):
            changed["outcomes_manner"] = outcomes_manner
    told = ", ".join(sorted(changed)) or "nothing: it was so already"
    bench.say({"changed": changed}, f"platform {platform_id}: changed {told}")


def _enable(bench: Bench, platform_id: int) -> None:
    """Let launches of a platform in that was switched off."""
    with bench.database.write() as session:
        work.switch(session, platform_id, is_on=True, by=_me())
    bench.say({"enabled": platform_id}, f"platform {platform_id} is on")


def _disable(bench: Bench, platform_id: int) -> None:
    """Switch a platform off; what came from it is kept."""
    with bench.database.write() as session:
        work.switch(session, platform_id, is_on=False, by=_me())
    bench.say({"disabled": platform_id}, f"platform {platform_id} is off")


def _delete(bench: Bench, platform_id: int) -> None:
    """Delete a platform nobody ever came by; any other is only switched off."""
    with bench.database.write() as session:
        done = work.remove(session, platform_id, by=_me())
    kept = f"{done.courses} courses and {done.people} people came from it"
    bench.say(
        {"deleted": done.was_deleted, "courses": done.courses, "people": done.people},
        f"platform {platform_id} is deleted"
        if done.was_deleted
        else f"platform {platform_id} is switched off and kept: {kept}",
    )


@_DEPLOYMENT
def _refuse(bench: Bench, platform_id: int, deployment_id: str) -> None:
    """Keep a deployment out, or switch one off; its open pages end."""
    with bench.database.write() as session:
        work.switch_named(session, platform_id, deployment_id, "disabled", by=_me())
    bench.say({"refused": deployment_id}, f"deployment {deployment_id} is off")


def _me() -> Author:
    return Author(WHO, now())


def _origins(bench: Bench, lines: tuple[str, ...]) -> list[str] | None:
    sites, fault = parse_origins(lines, local_hosts=bench.settings.local_hosts)
    if fault is not None:
        raise ConfigError(f"--extra-origin: {fault.text}")
    return sites or None


def _token(bench: Bench, path: Path) -> str:
    try:
        return secrets.encrypt(path.read_text().strip(), bench.key())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error


def _check(
    bench: Bench, session: Session, platform_id: int, values: dict[str, Any]
) -> None:
    """Check the platform as it would be.

    Raises:
        ConfigError: a field would not do; names its option and the mend.
    """
    held = platforms.load_platform(session, platform_id)
    fields = {name: str(values.get(name, held[name]) or "") for name in EDITABLE}
    if held["has_keys"]:
        fields["jwks_url"] = fields["issuer"]  # not asked: the keys are held
    faults = platform_faults(
        session,
        fields,
        local_hosts=bench.settings.local_hosts,
        but=platform_id,
        slashless=issuer_of(fields["vendor"], fields["issuer"]),
    )
    for name, fault in faults.items():
        raise ConfigError(f"--{name.replace('_', '-')}: {fault.text}")


# What `platform` has of them.
COMMANDS: Final = tuple(
    command(None, name)(_PLATFORM(function))
    for name, function in (
        ("show", _show),
        ("edit", _edit),
        ("enable", _enable),
        ("disable", _disable),
        ("delete", _delete),
        ("refuse", _refuse),
    )
)
