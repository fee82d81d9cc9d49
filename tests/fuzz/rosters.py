"""Bundles and pages by the thousand, each changed by chance, through the whole sync.

    python -m tests.fuzz.rosters --count 2000 --seed 1

Whatever a SIS sends, a run ends by a status or by a SyncError, never otherwise. A run
that is not applied changes nothing. One that is applied ends no record that was sent,
and none in a collection where a row could not be told; and the next sound pull leaves
what it always leaves. What fails is printed with the number that makes it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from lti_tool.storage import schema
from lti_tool.storage.database import Database
from tests.faults.desk import Desk, Ended
from tests.faults.sis import Rows, Sis, make_rows, serving
from tests.fuzz.roster_changes import (
    Named,
    change_bytes,
    change_files,
    change_pages,
    named_in_files,
    named_in_pages,
)

STUDENTS = 24
TABLES = {
    "orgs": schema.org,
    "academicSessions": schema.term,
    "courses": schema.sis_course,
    "classes": schema.sis_class,
    "users": schema.sis_user,
    "enrollments": schema.enrollment,
    "categories": schema.category,
    "lineItems": schema.assignment,
    "results": schema.score,
}
FLOOR, RATIO = 10, 0.05
ENDINGS = {"applied", "applied_with_rejects", "held", "failed", "parked"}


@dataclass
class Result:
    """How often what came of it."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Range:
    """A source of files and one of pages, and changed input shot at both."""

    def __init__(self, database: Database, folder: Path, sis: Sis) -> None:
        start = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.sis = sis
        self.rows: Rows = deepcopy(sis.rows)
        self.folder = folder
        self.pages = Desk(database, folder, sis, start, name="pages", page_size=10)
        self.files = Desk(database, folder, sis, start, kind="csv", name="files")
        self.whole = folder / "whole"
        self.files.bundle("whole")
        for desk in (self.pages, self.files):
            assert self.pull_sound(desk).status == "applied"
        self.sound = {desk.name: self.live(desk) for desk in (self.pages, self.files)}

    def pull_sound(self, desk: Desk) -> Ended:
        """Pull what is in order, whatever it ends."""
        self.sis.rows = deepcopy(self.rows)
        self.sis.plays.clear()
        desk.now += timedelta(days=2)
        desk.change_source(parked_until=None)
        if desk.kind == "csv":
            return desk.sync_files(self.whole, accept_ends=True)
        return desk.sync(accept_ends=True)

    def live(self, desk: Desk) -> dict[str, set[str]]:
        """The sourcedIds in force of a source, by collection."""
        found: dict[str, set[str]] = {}
        for name, table in TABLES.items():
            rows = desk.rows(table, "source_id", "status", "sourced_id")
            found[name] = {
                key
                for source, status, key in rows
                if (source, status) == (desk.source_id, "active")
            }
        return found

    def shoot(self, chance: random.Random) -> Iterator[str]:
        """Pull something changed by chance; yield how it ended, or what is wrong."""
        desk = chance.choice((self.pages, self.files))
        before, live = desk.contents(), self.live(desk)
        pull, named = self.load(desk, chance)
        desk.now += timedelta(hours=1)
        ended = pull()
        yield f"{ended.status} {ended.code}".strip()
        if ended.status not in ENDINGS:
            yield f"! ended as {ended.status}"
        if not ended.status.startswith("applied"):
            if desk.contents() != before:
                yield f"! changed something although it was {ended.status}"
            return
        yield from self.judge(live, self.live(desk), named())
        if desk.contents() != before:
            again = self.pull_sound(desk)
            if not again.status.startswith("applied"):
                yield f"! a sound pull afterwards was {again.told}: {again.text}"
            elif self.live(desk) != self.sound[desk.name]:
                yield "! a sound pull afterwards leaves something else"

    def judge(
        self,
        live: dict[str, set[str]],
        after: dict[str, set[str]],
        named: dict[str, Named],
    ) -> Iterator[str]:
        """Yield what a run ended that it must not."""
        for name, keys in live.items():
            gone = keys - after[name]
            sent = named[name]
            if gone & (sent.active - sent.ended):
                yield f"! ended {sorted(gone & sent.active)} of {name}, which were sent"
            if sent.has_nameless and gone - sent.ended:
                yield f"! ended {sorted(gone)} of {name}, which cannot be told"
            if len(gone) > max(FLOOR, RATIO * len(keys)) or (gone and not after[name]):
                yield f"! ended {len(gone)} of {len(keys)} {name} unasked"

    def load(
        self, desk: Desk, chance: random.Random
    ) -> tuple[Callable[[], Ended], Callable[[], dict[str, Named]]]:
        """Give a pull of changed input, and what may be told of it afterwards."""
        if desk.kind == "rest":
            self.sis.rows = deepcopy(self.rows)
            self.sis.plays.clear()
            served = change_pages(self.sis, chance)
            return desk.sync, lambda: named_in_pages(served)
        folder = self.folder / "changed"
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for file in self.whole.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        change_files(folder, chance)
        if chance.random() < 0.8:
            return lambda: desk.sync_files(folder), lambda: named_in_files(folder)
        path = self.folder / "changed.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
        if chance.random() < 0.5:
            path.write_bytes(change_bytes(path.read_bytes(), chance))
        return lambda: desk.sync_files(path), lambda: named_in_files(folder)


def run(
    database: Database, folder: Path, *, count: int, seed: int, first: int = 0
) -> Result:
    """Shoot so many; the same seed shoots the same."""
    result = Result()
    began = time.monotonic()
    with serving(Sis(make_rows(STUDENTS))) as sis:
        aim = Range(database, folder, sis)
        for number in range(first, first + count):
            chance = random.Random(f"{seed}-{number}")
            try:
                said = list(aim.shoot(chance))
            except Exception:  # noqa: BLE001 -- whatever it is, it is what we look for
                told = traceback.format_exc().splitlines()
                said = ["error", "! " + " | ".join(told[-4:])]
                with suppress(Exception):
                    aim.pull_sound(aim.pages)
                    aim.pull_sound(aim.files)
            result.outcomes[said[0]] += 1
            result.failures += [
                f"seed {seed} number {number}: {one}" for one in said if one[0] == "!"
            ]
    result.seconds = time.monotonic() - began
    return result


def main() -> int:
    """Shoot from the command line at a SQLite database of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    said = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"sqlite:///{name}/rosters.sqlite3")
        database.upgrade()
        result = run(
            database, Path(name), count=said.count, seed=said.seed, first=said.first
        )
        database.close()
    print(f"{sum(result.outcomes.values())} in {result.seconds:.0f} s")
    for outcome, times in result.outcomes.most_common():
        print(f"{times:6} {outcome}")
    print(*result.failures, sep="\n")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
