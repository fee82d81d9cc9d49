"""The pages of docs/ that are made from the code: settings and commands.

`python -m lti_tool.reference docs` writes them; a test fails when they are not current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
from pydantic.fields import FieldInfo

from lti_tool.cli import masterybridge
from lti_tool.settings import PREFIX, Settings

USAGE: Final = 2
MADE: Final = "<!-- Made from the code by `make docs`; do not edit by hand. -->"

SETTINGS_HEAD: Final = f"""\
# Settings

{MADE}

Each setting is an environment variable. It may also stand in a file of `NAME=value`
lines that `{PREFIX}CONFIG` names; what the environment says goes before the file.
A URL that holds a password belongs in that file, readable by the tool's user only.
For the tests there are `{PREFIX}TEST_DATABASE_URL` (a PostgreSQL server, by
default the one on this machine if it answers) and `{PREFIX}SHARED_DATA`.
"""

COMMANDS_HEAD: Final = f"""\
# Commands

{MADE}

Every command takes `--json`: exactly one JSON document on stdout, everything else on
stderr. `NO_COLOR` is honoured. Exit codes: 0 done, 1 a problem was found, 2 wrong
usage, 3 on hold for a person, 4 the other system did not answer.
"""


def settings_page() -> str:
    """Return the page that lists every setting with default and meaning."""
    lines = [SETTINGS_HEAD]
    for name, field in Settings.model_fields.items():
        lines += [
            f"## `{PREFIX}{name.upper()}`",
            "",
            field.description or "",
            "",
            f"Default: {_default(field)}.",
            "",
        ]
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    value = field.default
    return "empty" if value in ("", None) else f"`{value}`"


def commands_page() -> str:
    """Return the page that lists every command with its arguments and options."""
    lines = [COMMANDS_HEAD]
    for path, command in walk(masterybridge):
        if not isinstance(command, click.Group):
            lines += _command_lines(path, command)
    return "\n".join(lines)


def walk(
    group: click.Group, path: tuple[str, ...] = ("masterybridge",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command below a group with its words, in alphabetical order."""
    for name in sorted(group.commands):
        command = group.commands[name]
        here = (*path, name)
        yield here, command
        if isinstance(command, click.Group):
            yield from walk(command, here)


def _command_lines(path: Sequence[str], command: click.Command) -> list[str]:
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join([*path, *command.collect_usage_pieces(context)])
    lines = [f"## `{' '.join(path)}`", "", command.help or "", "", f"    {usage}", ""]
    records = [
        record
        for parameter in command.params
        if parameter.name != "as_json"
        and (record := parameter.get_help_record(context)) is not None
    ]
    for names, words in records:
        told = f"- `{names}`"
        lines.append(f"{told}: {words}" if words else told)
    return [*lines, ""] if records else lines


def pages() -> dict[str, str]:
    """Return the text of every page made here, by file name."""
    made = {"settings.md": settings_page(), "commands.md": commands_page()}
    return {name: text.rstrip("\n") + "\n" for name, text in made.items()}


def main(arguments: Sequence[str]) -> int:
    """Write the pages into the folder named; returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m lti_tool.reference FOLDER\n")
        return USAGE
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
