"""`platform`: learning platforms that may launch us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lti_tool.cli.root import PROBLEM, Bench, command, now, table
from lti_tool.errors import ConfigError, PlatformError
from lti_tool.platforms.http import KEYS_LIMIT, Ask, GuardedSession, ask, check_url
from lti_tool.platforms.profiles import PROFILES
from lti_tool.storage import keys, registrations, secrets
from lti_tool.storage.registrations import NewRegistration, Registration

_OK = 200


@click.group()
def platform() -> None:
    """Learning platforms: add, list, check, remove."""


@click.option("--name", required=True)
@click.option("--issuer", required=True)
@click.option("--client-id", required=True)
@click.option("--auth-url", required=True)
@click.option("--token-url", required=True)
@click.option("--jwks-url", required=True)
@click.option("--deployment-id", "deployment_ids", multiple=True)
@click.option("--vendor", type=click.Choice(sorted(PROFILES)), default="other")
@click.option("--outcomes-url")
@click.option("--outcomes-token-file", type=click.Path(path_type=Path))
def _add(
    bench: Bench,
    deployment_ids: tuple[str, ...],
    outcomes_token_file: Path | None,
    **fields: str | None,
) -> None:
    """Register a platform; deployments named here are active at once."""
    for name in ("auth_url", "token_url", "jwks_url"):
        check_url(str(fields[name]), local_hosts=bench.settings.local_hosts)
    token = None
    if outcomes_token_file is not None:
        try:
            text = outcomes_token_file.read_text().strip()
        except OSError as error:
            raise ConfigError(
                f"{outcomes_token_file} cannot be read ({error.strerror})"
            ) from error
        token = secrets.encrypt(text, bench.key())
    values: dict[str, Any] = {**fields, "outcomes_token": token}
    with bench.database.write() as session:
        keys.ensure(session, bench.key(), now=now())
        registration_id = registrations.add_registration(
            session, NewRegistration(**values), deployment_ids=deployment_ids, now=now()
        )
    url = bench.settings.public_url.rstrip("/")
    bench.say(
        {
            "id": registration_id,
            "name": fields["name"],
            "login_url": f"{url}/lti/login",
            "launch_url": f"{url}/lti/launch",
            "jwks_url": f"{url}/lti/jwks",
        },
        f"platform {registration_id} added. Give it these addresses:\n"
        f"  login    {url}/lti/login\n  launch   {url}/lti/launch\n"
        f"  keys     {url}/lti/jwks",
    )


command(platform, "add")(_add)


def _list(bench: Bench) -> None:
    """List the platforms with their deployments."""
    with bench.database.read() as session:
        found = [
            {
                "id": one.id,
                "name": one.name,
                "issuer": one.issuer,
                "client_id": one.client_id,
                "vendor": one.vendor,
                "status": one.status,
                "deployments": registrations.load_deployments(session, one.id),
            }
            for one in registrations.load_registrations(session)
        ]
    columns = ("id", "name", "issuer", "client_id", "vendor", "status")
    bench.say(
        found,
        table("platforms", columns, [[one[name] for name in columns] for one in found]),
    )


command(platform, "list")(_list)


@click.argument("platform_id", type=int, metavar="PLATFORM")
def _remove(bench: Bench, platform_id: int) -> None:
    """Switch a platform off; what came from it is kept."""
    with bench.database.write() as session:
        registrations.load_registration(session, platform_id)
        registrations.disable_registration(session, platform_id)
    bench.say({"disabled": platform_id}, f"platform {platform_id} is off")


command(platform, "remove")(_remove)


def _check(bench: Bench) -> int:
    """Fetch the keys of every platform and say what is wrong."""
    session = GuardedSession(bench.settings.local_hosts)
    with bench.database.read() as reading:
        found = registrations.load_registrations(reading)
        pending = {
            one.id: [
                row
                for row in registrations.load_deployments(reading, one.id)
                if row["status"] == "pending"
            ]
            for one in found
        }
    checks = [
        {
            "platform": one.name,
            "keys": _keys_problem(session, one) or "ok",
            "waiting_deployments": [row["deployment_id"] for row in pending[one.id]],
        }
        for one in found
        if one.is_active
    ]
    columns = ("platform", "keys", "waiting_deployments")
    bench.say(
        checks,
        table("checks", columns, [[one[name] for name in columns] for one in checks]),
    )
    return PROBLEM if any(one["keys"] != "ok" for one in checks) else 0


def _keys_problem(session: GuardedSession, one: Registration) -> str:
    try:
        answer = ask(session, Ask("GET", one.jwks_url, limit=KEYS_LIMIT))
    except PlatformError as error:
        return str(error)
    if answer.status != _OK:
        return f"{one.jwks_url} answered {answer.status}; check the keyset URL"
    return ""


command(platform, "check")(_check)


@click.argument("platform_id", type=int, metavar="PLATFORM")
@click.argument("deployment_id")
def _approve(bench: Bench, platform_id: int, deployment_id: str) -> None:
    """Let a waiting deployment of a platform in."""
    with bench.database.write() as session:
        registrations.activate_deployment(
            session, platform_id, deployment_id, now=now()
        )
    bench.say({"active": deployment_id}, f"deployment {deployment_id} is active")


command(platform, "approve")(_approve)
