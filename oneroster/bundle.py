"""CSV bundles: manifest, bulk and delta, row by row, in the shape of REST 1.2.

A bundle is a folder or a zip of OneRoster 1.2, 1.1 or 1.0. Opening it looks at
the zip, the manifest and every header; records are read later, one row in memory
at a time. A file has been read whole when its iteration ends by itself: if it
ends by :class:`~oneroster.errors.BundleError`, what came before is a part of the
file, and what did not come may not be taken as gone.

Source: OneRoster 1.2 CSV Binding 1.2.1; OneRoster 1.1 CSV tables.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from oneroster.bundle_columns import FILES, SIDE_FILES, Column, SideFile
from oneroster.bundle_layout import Layout, parse_layout
from oneroster.bundle_manifest import (
    MANIFEST,
    file_modes,
    parse_manifest,
    recognise_1_0,
)
from oneroster.bundle_rows import Row, read_rows
from oneroster.bundle_sides import ORPHAN, SideRows, Unclaimed
from oneroster.bundle_source import list_members, open_member
from oneroster.catalog import KINDS
from oneroster.dialects import upgrade
from oneroster.errors import BundleError, Problem
from oneroster.models import Record, User, parse_record

__all__ = ["Bundle", "Sheet", "Unclaimed"]

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file opened for a reader of cells.

    ``columns`` tells what stands in each place of a row, None where it is no column
    of the standard; ``read`` gives what :meth:`Bundle.records` gives for a row.
    """

    columns: Sequence[Column | None]
    rows: Iterator[Row | Problem]
    read: Callable[[Row], Iterator[Record | Problem]]


_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files can be read, any number of times and in any order.

    ``version`` is 1.0, 1.1 or 1.2; ``manifest`` holds its properties, none in
    1.0; ``warnings`` tells of files, columns and properties read all the same.
    """

    path: Path
    version: str
    manifest: Mapping[str, str]
    warnings: tuple[Problem, ...]
    _members: Mapping[str, str] = field(repr=False)
    _modes: Mapping[str, str] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Look at a folder or zip, its manifest, and the header of each file.

        Raises:
            BundleError: it is no bundle, or none that is safe or sound to read;
                the code says which: ``zip``, ``zip_path``, ``zip_bomb``,
                ``zip_members``, ``zip_nested``, ``zip_duplicate``, ``unreadable``,
                ``manifest``, ``missing_file``, ``header``, ``encoding``,
                ``csv_syntax``.
        """
        members = list_members(path)
        if MANIFEST in members:
            with open_member(path, members[MANIFEST]) as file:
                manifest = parse_manifest(read_rows(file, MANIFEST))
            modes, warnings = file_modes(manifest, members)
            version = manifest["oneroster.version"]
        else:
            version, manifest, warnings = "1.0", {}, []
            present = (name for name in FILES[version] if f"{name}.csv" in members)
            modes = dict.fromkeys(present, "bulk")
        bundle = cls(path, version, manifest, (), members, modes)
        if version == "1.0":
            bundle._check_1_0()
        for name in bundle._files():
            warnings += bundle._layout(name).warnings
        return replace(bundle, warnings=tuple(warnings))

    def _check_1_0(self) -> None:
        """Refuse files without a manifest unless they have the layout of 1.0."""
        headers = {}
        for name in self._modes:
            with self._rows(name) as (header, _rows):
                headers[name] = header.cells
        if not recognise_1_0(headers):
            raise BundleError(
                f"{self.path.name} holds no {MANIFEST}; add the manifest of the export",
                code="manifest",
            )

    def mode(self, collection: str) -> str:
        """Tell how the bundle speaks of a collection: bulk, delta or absent.

        Nothing may be inferred from an absent collection.
        """
        return self._modes.get(collection, "absent")

    def is_partial(self, side: str) -> bool:
        """Tell whether records may have more than what a file of their parts says.

        So it is where the file tells only of changes, or is absent while what it
        belongs to tells only of changes; and for roles wherever they are absent.
        """
        if side not in FILES[self.version]:
            return False
        owner = next(one.collection for one in SIDE_FILES if one.name == side)
        if self.mode(side) == "absent":
            return side == "roles" or self.mode(owner) == "delta"
        return self.mode(side) == "delta"

    def digest(self, collection: str) -> str:
        """The SHA-256 of a collection's file and of those whose rows go into it.

        The same digest means the same records, read by the same version of us.
        """
        found = hashlib.sha256(self.version.encode())
        sides = [one.name for one in SIDE_FILES if one.collection == collection]
        for name in (collection, *sides):
            mode = self.mode(name)
            found.update(f"|{name}:{mode}|".encode())
            if mode != "absent":
                with open_member(self.path, self._members[f"{name}.csv"]) as file:
                    while chunk := file.read(_CHUNK_BYTES):
                        found.update(chunk)
        return found.hexdigest()

    def lines(self, collection: str, sourced_ids: Collection[str]) -> dict[str, int]:
        """Find the first line of the file on which each of these records stands.

        Raises:
            BundleError: the file cannot be read to its end.
        """
        found: dict[str, int] = {}
        if self.mode(collection) == "absent":
            return found
        with self._rows(collection) as (header, rows):
            place = [head.strip() for head in header.cells].index("sourcedId")
            for row in rows:
                if isinstance(row, Problem) or len(row.cells) <= place:
                    continue
                sourced_id = row.cells[place]
                if sourced_id in sourced_ids:
                    found.setdefault(sourced_id, row.line)
        return found

    def records(self, collection: str) -> Iterator[Record | Problem]:
        """Yield the records of a collection, and a Problem for each faulty row.

        The order is that of the file. Roles, profiles, resources, score scales
        and learning objectives stand inside the record they belong to; a role that a
        delta deletes stands there with its ``status``, unless the whole user goes.
        :meth:`is_partial` tells whether there may be more of them. A Problem
        that is a warning comes beside a record, any other in place of one.
        Repeated sourcedIds are yielded as they stand. An absent collection
        yields nothing, but for the :class:`Unclaimed` roles of a delta.

        Raises:
            BundleError: the file cannot be read to its end; see the module.
            KeyError: there is no such collection.
        """
        kind = KINDS[collection]
        is_absent = self.mode(collection) == "absent"
        has_roles = collection == "users" and self.mode("roles") == "delta"
        if is_absent and not has_roles:
            return
        with SideRows() as sides:
            for side in SIDE_FILES:
                if side.collection == collection and self.mode(side.name) != "absent":
                    yield from self._gather(side, sides)
            objects = () if is_absent else self._objects(collection)
            for layout, line, found in objects:
                if isinstance(found, Problem):
                    yield found
                    continue
                sides.merge(found)
                yield from self._record(kind, layout, line, found)
            if has_roles:
                for line, found in sides.unclaimed("roles"):
                    yield self._unclaimed(line, found)
            yield from sides.left_over()

    @staticmethod
    def _unclaimed(line: int, found: Wire) -> Unclaimed:
        """Tell of the roles of a user who was not sent."""
        nobody = {"givenName": "", "familyName": "", "enabledUser": "true"}
        part, _problems = parse_record(User, found | nobody)
        return Unclaimed(
            "roles.csv", line, "", ORPHAN, "orphan", found["sourcedId"], part=part
        )

    @contextmanager
    def sheet(self, collection: str) -> Iterator["Sheet | None"]:
        """Open the file of a collection for a reader of cells.

        None where a record cannot be read from its own row alone, because rows of
        other files belong inside it; and for an absent collection.

        Raises:
            BundleError: the file has no header, or a wrong one; reading its rows
                raises it too.
        """
        kind = KINDS[collection]
        has_sides = any(
            side.collection == collection and self.mode(side.name) != "absent"
            for side in SIDE_FILES
        )
        if has_sides or self.mode(collection) == "absent":
            yield None
            return
        with self._rows(collection) as (header, rows):
            layout = self._parse_layout(collection, header)
            columns: list[Column | None] = [None] * layout.width
            for place, column in layout.columns:
                columns[place] = column

            def read(row: Row) -> Iterator[Record | Problem]:
                for line, found in self._object(layout, row):
                    if isinstance(found, Problem):
                        yield found
                    else:
                        yield from self._record(kind, layout, line, found)

            yield Sheet(columns, rows, read)

    def _record(
        self, kind: type[Record], layout: Layout, line: int, found: Wire
    ) -> Iterator[Record | Problem]:
        """Yield what one row of a collection gives: its faults, then its record."""
        payload = found
        if self.version != "1.2":
            payload = dict(upgrade(layout.file.removesuffix(".csv"), found))
        record, problems = parse_record(kind, payload, file=layout.file, line=line)
        for problem in problems:
            yield replace(problem, field=layout.column_of(problem.field))
        if record is None:
            return
        is_here = layout.file == "users.csv" and record.status == "active"
        if is_here and not payload.get("roles") and self.mode("users") == "bulk":
            text = "has no role in the bundle"
            yield Problem(
                layout.file, line, "", text, "no_role", record.sourced_id, warning=True
            )
        yield record

    def _gather(self, side: SideFile, sides: SideRows) -> Iterator[Problem]:
        """Keep the rows of a side file; yield a Problem for each that is faulty."""
        columns = {column.name: column for column in FILES[self.version][side.name]}
        owner = columns[side.owner].field
        for layout, line, found in self._objects(side.name):
            if isinstance(found, Problem):
                yield found
                continue
            lacking = next(
                (
                    column.name
                    for column in columns.values()
                    if column.required and column.field not in found
                ),
                None,
            )
            if lacking is not None:
                key = found.get("sourcedId")
                yield Problem(layout.file, line, lacking, "is missing", "missing", key)
            elif found["status"] == "active" or self._tells_ends(side):
                sides.put(side.name, line, found[owner]["sourcedId"], found)

    def _tells_ends(self, side: SideFile) -> bool:
        """Tell whether a row that is deleted says something of its record."""
        return side.name == "roles" and self.mode(side.name) == "delta"

    def _objects(self, name: str) -> Iterator[tuple[Layout, int, Wire | Problem]]:
        """Yield the rows of a file as objects, with their lines and faults."""
        with self._rows(name) as (header, rows):
            layout = self._parse_layout(name, header)
            for row in rows:
                if isinstance(row, Problem):
                    yield layout, row.line or 0, row
                    continue
                for line, found in self._object(layout, row):
                    yield layout, line, found

    def _object(self, layout: Layout, row: Row) -> Iterator[tuple[int, Wire | Problem]]:
        found, faults = layout.values(row)
        for fault in faults:
            yield row.line, fault
        if found is not None:
            found.setdefault("status", "active")
            yield row.line, found

    def _layout(self, name: str) -> Layout:
        with self._rows(name) as (header, _rows):
            return self._parse_layout(name, header)

    def _parse_layout(self, name: str, header: Row) -> Layout:
        delta = self.mode(name) == "delta"
        return parse_layout(self.version, name, header.cells, delta=delta)

    def _files(self) -> list[str]:
        return [name for name, mode in self._modes.items() if mode != "absent"]

    @contextmanager
    def _rows(self, name: str) -> Iterator[tuple[Row, Iterator[Row | Problem]]]:
        """Open a file and read its header; the rows follow."""
        with open_member(self.path, self._members[f"{name}.csv"]) as file:
            rows = read_rows(file, f"{name}.csv")
            header = next(rows, None)
            if not isinstance(header, Row):
                raise BundleError(
                    f"{name}.csv line 1: no header; add the line of column names",
                    code="header",
                )
            yield header, rows
