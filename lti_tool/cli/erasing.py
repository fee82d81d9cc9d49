"""`erase`: a person, everywhere here; and letting her come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lti_tool.cli.root import ON_HOLD, Bench, command, now, stderr, stdout
from lti_tool.storage import people
from lti_tool.work import erasing
from lti_tool.work.erasing import Erasure

WHO = "cli"


@click.group()
def erase() -> None:
    """Take a person out, everywhere here."""


@click.argument("student", metavar="STUDENT")
@click.option("--yes", is_flag=True, help="Do it; without it only say what goes.")
@click.option(
    "--withdraw",
    is_flag=True,
    help="First take back what other systems were told of her.",
)
def _person(bench: Bench, student: str, *, yes: bool, withdraw: bool) -> int:
    """Erase a student from every table, for good; exit 3 while --yes is not said.

    Says first what goes and what other systems still hold: --withdraw takes that back
    and erases nothing yet. Her identifiers are remembered as salted hashes, so that no
    sync and no class list brings her back; erase lift ends that. Backups and the files
    of the SIS are not touched; a restore erases her again.
    """
    if yes and withdraw:
        raise click.UsageError("--withdraw comes first; --yes once it was delivered")
    with bench.database.read() as session:
        person_id = people.find_person(session, student)
    if withdraw:
        count = erasing.withdraw(bench.database, person_id, who=WHO, now=now())
        document = {"status": "withdrawing", "results": count}
        hint = "masterybridge outcomes deliver sends it; then erase her"
        bench.say(document, f"{count} results are taken back. {hint}")
        return 0
    if yes:
        done = erasing.erase(bench.database, person_id, who=WHO, now=now())
        _say(bench, "erased", done)
        return 0
    found = erasing.preview(bench.database, person_id)
    if not bench.as_json and stdout.is_terminal:
        _say(bench, "would_be_erased", found)
        if click.confirm("Erase her for good?"):
            done = erasing.erase(bench.database, person_id, who=WHO, now=now())
            _say(bench, "erased", done)
            return 0
        return ON_HOLD
    _say(bench, "would_be_erased", found)
    return ON_HOLD


command(erase, "person")(_person)


def _say(bench: Bench, status: str, found: Erasure) -> None:
    document = {
        "status": status,
        "rows": dict(found.rows),
        "identifiers": found.identifiers,
        "told": [
            {name: one[name] for name in ("destination", "course_id", "competency_id")}
            for one in found.told
        ],
    }
    is_done = status == "erased"
    verb = "were erased" if is_done else "would be erased"
    lines = [f"{sum(found.rows.values())} rows {verb}:"]
    lines += [f"  {name}: {count}" for name, count in found.rows.items()]
    if found.told:
        names = ", ".join(sorted({one["destination"] for one in found.told}))
        lines.append(
            f"{len(found.told)} results stand in other systems ({names})"
            + (
                "; they are in their keeping now"
                if is_done
                else "; --withdraw takes them back first"
            )
        )
    lines.append(
        "What the LMS and the SIS know of her themselves is in their keeping. Backups "
        "hold her until they expire."
    )
    if not is_done:
        lines.append("Nothing was changed; say --yes to do it.")
    bench.say(document, "\n".join(lines))


@click.argument("identity", metavar="IDENTIFIER")
def _lift(bench: Bench, identity: str) -> None:
    """Let whoever was erased come back: IDENTIFIER as the SIS or the LMS calls her."""
    count = erasing.lift(bench.database, identity, who=WHO, now=now())
    bench.say(
        {"lifted": count}, f"lifted in {count} systems; the next sync may bring her"
    )


command(erase, "lift")(_lift)


def read_remembered(file: Path) -> list[dict[str, Any]]:
    """Return the hashes of who was erased out of a database about to be replaced.

    None where there is no such file, or nothing can be read of it any more.
    """
    found: list[dict[str, Any]] = []
    if not file.exists():
        return found
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as held:
        held.row_factory = sqlite3.Row
        for row in held.execute("SELECT * FROM erasure"):
            at = datetime.fromisoformat(row["erased_at"]).replace(tzinfo=UTC)
            found.append({**dict(row), "erased_at": at})
    return found


def settle_restored(bench: Bench, erased: Sequence[Mapping[str, Any]]) -> None:
    """Bring a restored database up to date, and erase again who was erased since."""
    bench.database.upgrade()
    count = erasing.reapply(bench.database, erased, who=WHO, now=now())
    if count:
        stderr.print(f"{count} people were erased again: they were erased before")
