"""`admin`: who looks after this installation in its pages."""

from __future__ import annotations

from typing import Final

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.storage import accounts
from lti_tool.work import accounts as work

WHO: Final = "cli"


@click.group()
def admin() -> None:
    """Administrators: invite, list, disable, enable, reset."""


@click.option("--name", help="Whom the link is for; she may change it.")
def _invite(bench: Bench, name: str | None) -> None:
    """Print a link, good once and for 24 hours, that makes an administrator."""
    with bench.database.write() as session:
        token = work.invite(session, name=name, made_by=WHO, now=now())
    _say_link(bench, token, "whoever opens it becomes an administrator")


command(admin, "invite")(_invite)


def _list(bench: Bench) -> None:
    """List the administrators, and how many links wait to be used."""
    with bench.database.read() as session:
        found = accounts.load_accounts(session)
        waiting = accounts.load_invitations(session, now=now())
    rows = [
        {
            "username": one.username,
            "name": one.display_name,
            "status": one.status,
            "signed_in_at": one.signed_in_at,
        }
        for one in found
    ]
    columns = ("username", "name", "status", "signed_in_at")
    bench.say(
        {
            "administrators": rows,
            "links": [
                {"for": one.name, "kind": one.kind, "expires_at": one.expires_at}
                for one in waiting
            ],
        },
        table(
            f"administrators ({len(waiting)} links not used yet)",
            columns,
            [[one[name] for name in columns] for one in rows],
        ),
    )


command(admin, "list")(_list)


@click.argument("username")
def _disable(bench: Bench, username: str) -> None:
    """Let an administrator sign in no more; never the last one."""
    with bench.database.write() as session:
        account = work.named(session, username)
        work.disable(session, account, who=WHO, now=now())
    bench.say({"disabled": account.username}, f"{account.username} is disabled")


command(admin, "disable")(_disable)


@click.argument("username")
def _enable(bench: Bench, username: str) -> None:
    """Let an administrator sign in again."""
    with bench.database.write() as session:
        account = work.named(session, username)
        work.enable(session, account, who=WHO, now=now())
    bench.say({"enabled": account.username}, f"{account.username} may sign in")


command(admin, "enable")(_enable)


@click.argument("username")
def _reset(bench: Bench, username: str) -> None:
    """Print a link, good once and for 24 hours, that sets a new password."""
    with bench.database.write() as session:
        account = work.named(session, username)
        token = work.reset(session, account, made_by=WHO, now=now())
    _say_link(bench, token, f"whoever opens it sets the password of {account.username}")


command(admin, "reset")(_reset)


def _say_link(bench: Bench, token: str, what: str) -> None:
    url = f"{bench.settings.public_url.rstrip('/')}/admin/invitation/{token}"
    hours = int(accounts.INVITED_FOR.total_seconds() // 3600)
    bench.say(
        {"url": url, "hours": hours},
        f"{url}\nThis link works once, for {hours} hours; {what}.",
    )
