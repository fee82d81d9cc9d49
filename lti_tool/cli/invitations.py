"""`platform invite` and what waits: LMSs that register themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import click
from rich.table import Table

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.platforms.profiles import PROFILES
from lti_tool.work import platforms, registration
from lti_tool.work.platforms import Author
from lti_tool.work.registration import Terms

_DAYS = 7
_LONGEST_DAYS = 90


@click.option("--vendor", type=click.Choice(sorted(PROFILES)), help="Whose LMS it is.")
@click.option("--name", help="What the platform is called here; else its own name.")
@click.option("--issuer-host", help="The only host that may use the invitation.")
@click.option(
    "--days",
    type=click.IntRange(1, _LONGEST_DAYS),
    default=_DAYS,
    show_default=True,
    help="How long the invitation is good.",
)
def _invite(
    bench: Bench,
    vendor: str | None,
    name: str | None,
    issuer_host: str | None,
    days: int,
) -> None:
    """Print a one-use address under which an LMS registers itself."""
    terms = Terms(
        name=name or None,
        vendor=vendor,
        issuer_host=(issuer_host or "").strip().lower() or None,
        life=timedelta(days=days),
    )
    with bench.database.write() as session:
        made = registration.make_invitation(
            session, terms, public_url=bench.settings.public_url, now=now()
        )
        platforms.note_invitation(session, made.id, by=_author())
    bench.say(
        {"id": made.id, "url": made.url, "expires_at": made.expires_at},
        f"invitation {made.id}, good once and until {made.expires_at:%Y-%m-%d %H:%M} "
        "UTC. Paste this address into the LMS where it asks for the registration or "
        f"tool URL; it cannot be shown again:\n  {made.url}",
    )


def _invitations(bench: Bench) -> None:
    """List the invitations of platforms, the newest first."""
    moment = now()
    with bench.database.read() as session:
        found = [
            {
                "id": one.id,
                "state": one.state(moment),
                "name": one.name,
                "vendor": one.vendor,
                "issuer_host": one.issuer_host,
                "platform": one.registration_id,
                "expires_at": one.expires_at,
            }
            for one in registration.load_invitations(session)
        ]
    columns = ("id", "state", "name", "vendor", "issuer_host", "platform", "expires_at")
    bench.say(found, _shown("invitations", columns, found))


@click.argument("invitation_id", type=int, metavar="INVITATION")
def _revoke(bench: Bench, invitation_id: int) -> None:
    """Take an unused invitation back."""
    with bench.database.write() as session:
        platforms.withdraw_invitation(session, invitation_id, by=_author())
    bench.say({"revoked": invitation_id}, f"invitation {invitation_id} is taken back")


def _waiting(bench: Bench) -> None:
    """List the registrations and deployments that wait for approval."""
    with bench.database.read() as session:
        waiting = registration.load_waiting(session)
    platforms = [
        {
            "platform": one.id,
            "name": one.name,
            "issuer": one.issuer,
            "client_id": one.client_id,
            "vendor": one.vendor,
            "product": one.product,
            "not_granted": [
                {"kind": line.kind, "name": line.name, "state": line.state}
                for line in registration.differences(one.asked or {}, one.granted or {})
            ],
            "since": one.created_at,
        }
        for one in waiting.registrations
    ]
    deployments = [
        {
            "platform": one.registration_id,
            "name": one.platform,
            "deployment_id": one.deployment_id,
            "seen": one.seen,
            "seen_at": one.seen_at,
            "since": one.created_at,
        }
        for one in waiting.deployments
    ]
    if bench.as_json:
        bench.say({"registrations": platforms, "deployments": deployments}, "")
        return
    known = ("platform", "name", "issuer", "client_id", "vendor", "since")
    bench.say(platforms, _shown("registrations", known, platforms))
    placed = ("platform", "name", "deployment_id", "seen", "seen_at")
    spoken = [
        {**row, "seen": _seen(one.seen)}
        for row, one in zip(deployments, waiting.deployments, strict=True)
    ]
    bench.say(spoken, _shown("deployments", placed, spoken))


@click.argument("platform_id", type=int, metavar="PLATFORM")
def _approve(bench: Bench, platform_id: int) -> None:
    """Let the launches of a platform in that registered itself."""
    with bench.database.write() as session:
        platforms.decide(session, platform_id, approves=True, by=_author())
    bench.say({"active": platform_id}, f"platform {platform_id} is active")


@click.argument("platform_id", type=int, metavar="PLATFORM")
def _refuse(bench: Bench, platform_id: int) -> None:
    """Keep a platform out that registered itself."""
    with bench.database.write() as session:
        platforms.decide(session, platform_id, approves=False, by=_author())
    bench.say({"refused": platform_id}, f"platform {platform_id} stays out")


def _author() -> Author:
    return Author("cli", now())


def _shown(title: str, columns: tuple[str, ...], found: list[dict[str, Any]]) -> Table:
    return table(title, columns, [[one[name] for name in columns] for one in found])


def _seen(seen: dict[str, Any] | None) -> str:
    """What was seen of a launch in a few words."""
    return ", ".join(str(value) for value in (seen or {}).values() if value)


# What `platform` has of them.
COMMANDS: Final = tuple(
    command(None, name)(function)
    for name, function in (
        ("invite", _invite),
        ("invitations", _invitations),
        ("revoke-invitation", _revoke),
        ("waiting", _waiting),
        ("approve-registration", _approve),
        ("refuse-registration", _refuse),
    )
)
