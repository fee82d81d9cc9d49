"""One look at a source: what it answers and honours, before anything is synced.

A service is asked at most sixty times, a bundle is read through once. What a service
can is kept with the source, and the next sync reads it accordingly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from lti_tool.errors import BridgeError, PlatformError
from lti_tool.storage import source_pages
from lti_tool.storage.database import Database
from lti_tool.storage.sources import Source
from oneroster.bundle import Bundle, Sheet
from oneroster.catalog import KINDS
from oneroster.errors import BundleError, Problem
from oneroster.models import Record
from oneroster.probe_findings import Check, Profile
from oneroster.probing import ROSTER, Probe

__all__ = ["Check", "look_over"]

# So many rows of a file are read as records; beyond them, whether they are rows.
_CLOSELY: Final = 2000


class Opens(Protocol):
    """The way out, as far as a probe needs it."""

    def probe(self, source: Source) -> Probe:
        """Make a look at a service ready."""


def look_over(
    database: Database, outside: Opens, source: Source, clock: Callable[[], datetime]
) -> Iterator[Check]:
    """Yield the checks of a source as they are made; keep what a service can.

    A look that did not come to its end leaves what was known before.
    """
    if source.kind == "csv":
        yield from bundle_checks(Path(source.location))
        return
    try:
        probe = outside.probe(source)
        yield from probe.checks()
    except PlatformError as error:
        yield Check("open", "fail", str(error), code=error.code)
        return
    except BridgeError as error:
        yield Check("open", "fail", str(error), code="address")
        return
    profile = probe.profile()
    if profile is None:
        return
    yield from _settings_checks(source, profile)
    values = {"profile": profile.document(), "profiled_at": clock()}
    with database.write() as session:
        source_pages.save_source(session, source.id, values)


def _settings_checks(source: Source, profile: Profile) -> Iterator[Check]:
    """Tell where the source is set to a style that is refused."""
    if profile.auth in {"basic", "form"} and source.auth != profile.auth:
        text = (
            f"credentials are taken in {profile.auth}, the source sends {source.auth}"
        )
        yield Check("auth", "fail", text, f"set the credentials to {profile.auth}")


def bundle_checks(path: Path) -> Iterator[Check]:
    """Yield what is right and wrong with a folder or zip, file by file."""
    try:
        bundle = Bundle.open(path)
    except BundleError as error:
        is_first = error.code in {"manifest", "missing_file"}
        yield Check(
            "manifest" if is_first else "open", "fail", str(error), "", error.code
        )
        return
    name = bundle.manifest.get("source.systemName", "")
    by = f", from {name}" if name else ""
    yield Check("manifest", "ok", f"OneRoster {bundle.version}{by}")
    if bundle.warnings:
        more = len(bundle.warnings) - 1
        text = str(bundle.warnings[0]) + (f"; and {more} more" if more else "")
        yield Check("files", "warn", text, code=bundle.warnings[0].code)
    for collection in KINDS:
        mode = bundle.mode(collection)
        if mode != "absent":
            yield _file_check(bundle, collection, mode)
        elif collection in ROSTER:
            text = "the manifest says absent; what is here stays as it is"
            yield Check(collection, "warn", text)


def _file_check(bundle: Bundle, collection: str, mode: str) -> Check:
    seen = _Tally()
    try:
        with bundle.sheet(collection) as sheet:
            if sheet is None:
                seen.add(bundle.records(collection))
            else:
                _read_sheet(sheet, seen)
    except BundleError as error:
        fix = "export the file again; nothing of it is read until it is sound"
        return Check(collection, "fail", str(error), fix, error.code, seen.records)
    text = f"{mode}, {seen.records} rows"
    if seen.first is not None:
        codes = ", ".join(f"{count} {code}" for code, count in seen.codes.items())
        text += f"; {codes}; the first: {seen.first}"
    elif not seen.records and mode == "bulk":
        text = "bulk, but no row: a sync will not take it as empty"
    else:
        return Check(collection, "ok", text, records=seen.records)
    return Check(collection, "warn", text, records=seen.records)


class _Tally:
    """Rows counted, and what was wrong with them."""

    def __init__(self) -> None:
        self.records = 0
        self.codes: Counter[str] = Counter()
        self.first: Problem | None = None

    def add(self, found: Iterable[Record | Problem]) -> None:
        """Count records and problems; a problem that is no warning had a row too."""
        for one in found:
            if isinstance(one, Problem):
                self.codes[one.code] += 1
                self.first = self.first or one
                self.records += not one.warning
            else:
                self.records += 1


def _read_sheet(sheet: Sheet, seen: _Tally) -> None:
    for row in islice(sheet.rows, _CLOSELY):
        seen.add([row] if isinstance(row, Problem) else sheet.read(row))
    for row in sheet.rows:
        if isinstance(row, Problem):
            seen.add([row])
        else:
            seen.records += 1
