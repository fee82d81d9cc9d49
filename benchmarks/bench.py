"""What every case works with: a database of its own, and pairs timed in turn."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from benchmarks.generate import SIZES, District, Variant
from lti_tool.demo.school import School, make_school
from lti_tool.storage import sources
from lti_tool.storage.database import Database
from lti_tool.work import roster
from lti_tool.work.feeds import BundleFeed
from lti_tool.work.roster import SyncOptions, SyncReport
from oneroster import write_bundle

POSTGRES: Final = os.environ.get(
    "MASTERYBRIDGE_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
)
CLOCKS: Final = {"cpu": time.process_time, "wall": time.perf_counter}
SCHOOLS: Final[dict[str, Literal["school", "district"]]] = {
    "S": "school",
    "M": "district",
    "L": "district",
}


class SkippedError(Exception):
    """A case that cannot run here; says why."""


class WrongResultError(Exception):
    """A case whose result is wrong, whatever its time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Ratios of product to yardstick, pair by pair, or one count."""

    name: str
    clock: str
    pairs: tuple[tuple[float, float], ...]
    wanted: str = ""

    @property
    def ratios(self) -> list[float]:
        """The ratio of each pair."""
        return [product / max(yardstick, 1e-9) for product, yardstick in self.pairs]

    def told(self) -> dict[str, Any]:
        """Say the finding as JSON."""
        ratios = self.ratios
        return {
            "name": self.name,
            "clock": self.clock,
            "min": min(ratios),
            "median": statistics.median(ratios),
            "max": max(ratios),
            "wanted": self.wanted,
            "is_noisy": max(ratios) > 2 * min(ratios),
            "pairs": [list(pair) for pair in self.pairs],
        }


def check(said: bool, text: str) -> None:  # noqa: FBT001 -- it is an assertion
    """Fail the case unless what is said holds.

    Raises:
        WrongResultError: it does not.
    """
    if not said:
        raise WrongResultError(text)


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Bench:
    """The options of a run, and a folder that goes with it."""

    def __init__(self, size: str, db: str, repeat: int, folder: Path) -> None:
        self.size = size
        self.is_postgres = db == "postgres"
        self.repeat = repeat
        self.folder = folder
        # At full size there is no time for a turn that is not counted.
        self.warms_up = 0 if size == "L" else 1
        self.url = ""
        self._school: School | None = None

    @property
    def school(self) -> School:
        """A made-up school or district, always the same."""
        if self._school is None:
            self._school = make_school(
                seed=7, size=SCHOOLS[self.size], today=now().date()
            )
        return self._school

    def district(self, variant: Variant) -> District:
        """A made-up district as large as the size says."""
        return District(SIZES[self.size], variant=variant)

    def bundle(self) -> Path:
        """The school as a zip of CSV files, OneRoster 1.2."""
        path = self.folder / "bundle.zip"
        if not path.exists():
            write_bundle(path, self.school.catalog())
        return path

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Yield a new database with our schema; it is gone afterwards."""
        with self._url() as url:
            self.url = url
            database = Database(url)
            try:
                database.upgrade()
                yield database
            finally:
                database.close()

    @contextmanager
    def _url(self) -> Iterator[str]:
        if not self.is_postgres:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                yield f"sqlite:///{folder}/bench.sqlite3"
            return
        name = f"bench_{uuid.uuid4().hex[:12]}"
        try:
            server = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise SkippedError("no PostgreSQL answers") from error
        with server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            base = POSTGRES.rsplit("/", maxsplit=1)[0]
            try:
                yield f"{base}/{name}".replace("postgresql:", "postgresql+psycopg:", 1)
            finally:
                server.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(
                        sql.Identifier(name)
                    )
                )

    @contextmanager
    def driver(self, database: Database) -> Iterator[Any]:
        """Yield the driver's own connection, which knows nothing of us."""
        connection = database.engine.raw_connection()
        try:
            yield connection.driver_connection
        finally:
            connection.close()

    def add_source(self, database: Database, path: Path | None = None) -> int:
        """Name a bundle as a source of the database: the school's, or another."""
        values = {
            "name": "bench",
            "kind": "csv",
            "location": str(path or self.bundle()),
        }
        with database.write() as session:
            return sources.add_source(session, values, now())

    def sync(
        self, database: Database, source_id: int, path: Path | None = None
    ) -> SyncReport:
        """Pull a bundle once: the school's, or another."""
        return roster.sync(
            database,
            source_id,
            lambda: BundleFeed(path or self.bundle()),
            now,
            SyncOptions(accept_ends=True),
        )

    def timed(self, clock: str, work: Callable[[], object]) -> float:
        """Do the work and return its seconds."""
        read = CLOCKS[clock]
        started = read()
        work()
        return read() - started

    def both(self, work: Callable[[], object]) -> tuple[float, float]:
        """Do the work once; returns its CPU and its wall seconds."""
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        return time.process_time() - cpu, time.perf_counter() - wall

    def alternate(
        self,
        clock: str,
        product: Callable[[], object],
        yardstick: Callable[[], object],
    ) -> tuple[tuple[float, float], ...]:
        """Time both in turn, after one of each that is not counted."""
        product()
        yardstick()
        return tuple(
            (self.timed(clock, product), self.timed(clock, yardstick))
            for _ in range(self.repeat)
        )
