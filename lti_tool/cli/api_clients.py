"""`api-client`: systems that pull outcomes and rosters from us over OneRoster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.errors import ConfigError
from lti_tool.storage import api_clients as stored
from lti_tool.work import api_clients as work

WHO: Final = "cli"


@click.group("api-client")
def api_client() -> None:
    """Systems that pull outcomes from us: add, list, remove."""


@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(work.SCOPES)),
    multiple=True,
    default=work.USUAL,
    show_default=True,
    help="What it may read; may be given several times.",
)
@click.option(
    "--source",
    help="Whose records it sees, under the SIS's own sourcedIds. Left out: those of "
    "the only source, or of all, each sourcedId with its source's number before it.",
)
@click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where its secret is written, for its owner alone to read; nothing may be "
    "there yet. Left out: a file in the data folder, named by the client's id.",
)
def _add(
    bench: Bench,
    name: str,
    scopes: tuple[str, ...],
    source: str | None,
    secret_file: Path | None,
) -> None:
    """Add a client; its secret is written into a file, once, and never printed."""
    with bench.database.write() as session:
        made = work.add(
            session, name, scopes=scopes, source=source, made_by=WHO, now=now()
        )
        place = secret_file or bench.settings.data_dir / f"{made.client_id}.secret"
        _write(place, made.secret)
    url = bench.settings.public_url.rstrip("/")
    bench.say(
        {
            "id": made.id,
            "client_id": made.client_id,
            "secret_file": str(place.resolve()),
            "scopes": sorted(scopes),
            "source": made.source,
            "token_url": f"{url}/oauth2/token",
            "url": url,
        },
        f"client id: {made.client_id}\nclient secret: in {place.resolve()}\n"
        f"token URL: {url}/oauth2/token\nOneRoster 1.2 at: {url}\n"
        f"It sees {f'the source {made.source}' if made.source else 'every source'}. "
        "Hand the file over and delete it: the secret stands nowhere else.",
    )


command(api_client, "add")(_add)


def _write(place: Path, secret: str) -> None:
    """Write a secret into a new file that its owner alone may read.

    Raises:
        ConfigError: there is something already, or the folder cannot be written.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"{place} cannot be written ({error.strerror}); no client was added. Name "
            "another place with --secret-file"
        ) from error
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(f"{secret}\n")


def _list(bench: Bench) -> None:
    """List the clients, without their secrets."""
    with bench.database.read() as session:
        found = stored.load_all(session)
    shown = [
        {
            "id": one.id,
            "name": one.name,
            "client_id": one.client_id,
            "source": one.source,
            "scopes": sorted(one.scopes),
            "created_at": one.created_at,
            "used_at": one.used_at,
        }
        for one in found
    ]
    columns = ("name", "client_id", "source", "used_at")
    bench.say(
        shown,
        table(
            "API clients", columns, [[one[name] for name in columns] for one in shown]
        ),
    )


command(api_client, "list")(_list)


@click.argument("name", metavar="CLIENT")
def _remove(bench: Bench, name: str) -> None:
    """Let a client in no more; CLIENT is its client id or name."""
    with bench.database.write() as session:
        client = stored.load(session, name)
        work.remove(session, client, who=WHO, now=now())
    bench.say({"removed": client.client_id}, f"{client.client_id} is let in no more")


command(api_client, "remove")(_remove)
