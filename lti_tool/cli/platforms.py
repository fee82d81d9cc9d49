"""`platform`: learning platforms that may launch us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.errors import ConfigError, PlatformError
from lti_tool.lti13.keys import parse_key_set
from lti_tool.platforms.http import check_url
from lti_tool.platforms.profiles import PROFILES
from lti_tool.storage import keys, registrations, secrets
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work import platforms as work
from lti_tool.work.platforms import Author

_OK = 200


@click.group()
def platform() -> None:
    """Learning platforms: add, list, check, remove."""


@click.option("--name", required=True)
@click.option("--issuer", required=True)
@click.option("--client-id", required=True)
@click.option("--auth-url", required=True)
@click.option("--token-url", required=True)
@click.option("--jwks-url")
@click.option(
    "--jwks-file",
    type=click.Path(path_type=Path),
    help="The platform's key set itself, where it has no address.",
)
@click.option("--deployment-id", "deployment_ids", multiple=True)
@click.option("--vendor", type=click.Choice(sorted(PROFILES)), default="other")
@click.option("--outcomes-url")
@click.option("--outcomes-token-file", type=click.Path(path_type=Path))
def _add(
    bench: Bench,
    deployment_ids: tuple[str, ...],
    outcomes_token_file: Path | None,
    jwks_file: Path | None,
    **fields: str | None,
) -> None:
    """Register a platform; deployments named here are active at once."""
    if (jwks_file is None) == (fields["jwks_url"] is None):
        raise click.UsageError("name the keys by one of --jwks-url and --jwks-file")
    held = None if jwks_file is None else _key_set(jwks_file)
    for name in ("auth_url", "token_url", *([] if held else ["jwks_url"])):
        check_url(str(fields[name]), local_hosts=bench.settings.local_hosts)
    token = None
    if outcomes_token_file is not None:
        token = secrets.encrypt(_text(outcomes_token_file), bench.key())
    values: dict[str, Any] = {
        **fields,
        "jwks_url": fields["jwks_url"] or "",
        "jwks": held,
        "outcomes_token": token,
    }
    with bench.database.write() as session:
        keys.ensure(session, bench.key(), now=now())
        registration_id = work.add(
            session,
            NewRegistration(**values),
            deployment_ids=deployment_ids,
            by=Author("cli", now()),
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


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error


def _key_set(path: Path) -> dict[str, Any]:
    """The key set in a file, once it is seen to hold a key we could use."""
    text = _text(path)
    try:
        if parse_key_set(text.encode()):
            found: dict[str, Any] = json.loads(text)
            return found
    except PlatformError as error:
        raise ConfigError(f"{path}: {error}") from error
    raise ConfigError(
        f"{path} holds no usable key; an RSA key of 2048 bits or more with a kid, "
        "for RS256 signatures, is needed"
    )


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
        work.switch(session, platform_id, is_on=False, by=Author("cli", now()))
    bench.say({"disabled": platform_id}, f"platform {platform_id} is off")


command(platform, "remove")(_remove)


@click.argument("platform_id", type=int, metavar="PLATFORM")
@click.argument("deployment_id")
def _approve(bench: Bench, platform_id: int, deployment_id: str) -> None:
    """Let a waiting deployment of a platform in."""
    with bench.database.write() as session:
        by = Author("cli", now())
        work.switch_named(session, platform_id, deployment_id, "active", by=by)
    bench.say({"active": deployment_id}, f"deployment {deployment_id} is active")


command(platform, "approve")(_approve)
