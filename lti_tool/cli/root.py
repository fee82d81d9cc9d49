"""What every command shares: --json, one document on stdout, exit codes.

Exit: 0 done, 1 a problem was found, 2 usage, 3 on hold for a person, 4 the other
system did not answer.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, NoReturn, ParamSpec, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from lti_tool.errors import (
    BridgeError,
    ConfigError,
    DeliveryError,
    HoldError,
    PlatformError,
    SyncError,
)
from lti_tool.logs import configure_logs
from lti_tool.settings import Settings, load_settings
from lti_tool.storage.database import Database
from lti_tool.work.outside import Outside
from mappings.errors import MappingError
from oneroster.errors import OneRosterError

DONE: Final = 0
PROBLEM: Final = 1
ON_HOLD: Final = 3
NO_ANSWER: Final = 4

# Codes of a SyncError or PlatformError that mean: nobody answered.
SILENT: Final = frozenset(
    {
        "no_answer",
        "timeout",
        "connect",
        "status",
        "rate_limited",
        "rate",
        "platform",
        "tls",
    }
)

P = ParamSpec("P")
stdout = Console()
stderr = Console(stderr=True)


class Move(Protocol):
    """Tells a person that something is being counted; of: how many it will be."""

    def __call__(
        self, phase: str, count: int, *, of: int | None = None, note: str = ""
    ) -> None:
        """Show the count of a phase."""


def _stand_still(
    phase: str, count: int, *, of: int | None = None, note: str = ""
) -> None:
    """Show nothing."""
    del phase, count, of, note


class Bench:
    """What a command works with; opened when first asked for."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        settings = load_settings()
        configure_logs(settings.log_format)
        return settings

    @functools.cached_property
    def database(self) -> Database:
        """The database, its schema up to date on the embedded default."""
        database = Database(self.settings.database)
        if self.settings.is_embedded:
            database.upgrade()
        elif not database.is_current():
            raise ConfigError(
                "the database has another schema; run: masterybridge db upgrade"
            )
        return database

    @functools.cached_property
    def outside(self) -> Outside:
        """The ways out to other systems."""
        return Outside(self.settings, self.database)

    def close(self) -> None:
        """Give the database back, if it was opened."""
        if "database" in vars(self):
            self.database.close()

    def key(self) -> bytes:
        """The key for secrets at rest."""
        return self.settings.load_secret_key()

    def say(self, document: object, text: str | Table) -> None:
        """Print one document as JSON, or its text for a person."""
        if self.as_json:
            click.echo(json.dumps(document, default=plain, ensure_ascii=False))
        else:
            # Titles and names may hold brackets: they are no markup.
            stdout.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Move]:
        """Show what is going on, on a terminal only."""
        if not stderr.is_terminal:
            yield _stand_still
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
        with Progress(*columns, console=stderr, transient=True) as bar:
            task = bar.add_task("starting", total=None)

            def move(
                phase: str, count: int, *, of: int | None = None, note: str = ""
            ) -> None:
                text = f"{phase}: {count:,}" + (f" of {of:,}" if of else "")
                text += f" ({note})" if note else ""
                bar.update(task, description=text, completed=count, total=of)

            yield move


def plain(value: object) -> object:
    """Return a value JSON knows for one it does not."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def now() -> datetime:
    """The present moment: the command line is where the clock comes in."""
    return datetime.now(UTC)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="masterybridge")
def masterybridge() -> None:
    """Mastery-based learning on top of the LMS and SIS you have."""


def command(
    group: click.Group | None, name: str | None = None
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a command with --json whose errors become exit codes.

    The function gets a Bench first and returns an exit code, or None for 0.
    """

    def wrap(function: Callable[..., int | None]) -> click.Command:
        @click.option(
            "--json", "as_json", is_flag=True, help="Print one JSON document."
        )
        @functools.wraps(function)
        def run(*, as_json: bool, **options: object) -> NoReturn:
            raise SystemExit(_run(function, Bench(as_json=as_json), options))

        made = click.command(name or function.__name__.replace("_", "-"))(run)
        if group is not None:
            group.add_command(made)
        return made

    return wrap


def _run(
    function: Callable[..., int | None], bench: Bench, options: dict[str, object]
) -> int:
    try:
        return function(bench, **options) or DONE
    except HoldError as error:
        return _refuse(bench, str(error), "held", ON_HOLD)
    except DeliveryError as error:
        status = PROBLEM if error.permanent else NO_ANSWER
        return _refuse(bench, str(error), error.code, status)
    except (SyncError, PlatformError) as error:
        status = NO_ANSWER if error.code in SILENT else PROBLEM
        return _refuse(bench, str(error), error.code, status)
    except (BridgeError, MappingError, OneRosterError) as error:
        return _refuse(bench, str(error), type(error).__name__, PROBLEM)
    except OSError as error:
        text = f"{error.filename or 'a file'}: {error.strerror or error}"
        return _refuse(bench, text, "file", PROBLEM)
    finally:
        bench.close()


def _refuse(bench: Bench, text: str, code: str, status: int) -> int:
    if bench.as_json:
        click.echo(json.dumps({"ok": False, "code": code, "error": text}))
    stderr.print(f"[red]{code}[/red]: ", end="")
    stderr.print(text, markup=False, highlight=False, soft_wrap=True)
    return status


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> Table:
    """Return a table for a person."""
    made = Table(title=Text(title), title_justify="left")
    for column in columns:
        made.add_column(column)
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made
