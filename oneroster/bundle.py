"""CSV bundles: manifest, bulk and delta, row by row, in the shape of REST 1.2.

A bundle is a folder or a zip of OneRoster 1.2, 1.1 or 1.0. Opening it looks at
the zip, the manifest and every header; records are read later, one row in memory
at a time. A file has been read whole when its iteration ends by itself: if it
ends by :class:`~oneroster.errors.BundleError`, what came before is a part of the
file, and what did not come may not be taken as gone.

Source: OneRoster 1.2 CSV Binding 1.2.1; OneRoster 1.1 CSV tables.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
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
from oneroster.bundle_rows import Block, Row, in_rows, read_blocks, read_rows
from oneroster.bundle_sides import ORPHAN, Part, SideRows, Unclaimed
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

    Rows of other files that belong inside its records: ``sides`` tells their columns,
    by file. ``before`` is to be read to its end first, ``after`` last; both tell what
    is wrong with such rows. ``parts`` gives the rows of some records, by sourcedId:
    of each its file and its cells, None where it is odd. A record whose parts nobody
    asked for, and that was not read either, leaves orphans.
    """

    columns: Sequence[Column | None]
    blocks: Iterator[Block | Problem]
    read: Callable[[Row], Iterator[Record | Problem]]
    sides: Mapping[str, Sequence[Column | None]] = field(default_factory=dict)
    before: Iterable[Problem] = ()
    after: Iterable[Problem] = ()
    parts: Callable[[Sequence[str]], Mapping[str, Sequence[Part]]] = lambda _ids: {}

    @property
    def rows(self) -> Iterator[Row | Problem]:
        """The rows not read yet, one by one."""
        return in_rows(self.blocks)


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
            yield from self._gather_all(collection, sides)
            objects = () if is_absent else self._objects(collection)
            for layout, line, found in objects:
                if isinstance(found, Problem):
                    yield found
                    continue
                sides.merge(found)
                yield from self._record(kind, layout, line, found)
            yield from self._left_over(collection, sides)

    def _gather_all(self, collection: str, sides: SideRows) -> Iterator[Problem]:
        """Keep the rows of every file that belong inside a collection's records."""
        for side in self._sides_of(collection):
            yield from self._gather(side, sides)

    def _left_over(self, collection: str, sides: SideRows) -> Iterator[Problem]:
        """Tell of the rows whose record never came."""
        if collection == "users" and self.mode("roles") == "delta":
            for line, found in sides.unclaimed("roles"):
                yield self._unclaimed(line, found)
        yield from sides.left_over()

    def _sides_of(self, collection: str) -> list[SideFile]:
        return [
            side
            for side in SIDE_FILES
            if side.collection == collection and self.mode(side.name) != "absent"
        ]

    @staticmethod
    def _unclaimed(line: int, found: Wire) -> Unclaimed:
        """Tell of the roles of a user who was not sent."""
        nobody = {"givenName": "", "familyName": "", "enabledUser": "true"}
        part, _problems = parse_record(User, found | nobody)
        return Unclaimed(
            "roles.csv", line, "", ORPHAN, "orphan", found["sourcedId"], part=part
        )

    @contextmanager
    def sheet(
        self, collection: str, *, has_sides: bool = False
    ) -> Iterator["Sheet | None"]:
        """Open the file of a collection for a reader of cells.

        None where a record cannot be read from its own row alone, because rows of
        other files belong inside it; and for an absent collection. has_sides: the
        reader takes those rows as well.

        Raises:
            BundleError: the file has no header, or a wrong one; reading its rows
                raises it too.
        """
        files = self._sides_of(collection)
        if self.mode(collection) == "absent" or (files and not has_sides):
            yield None
            return
        with self._blocks(collection) as (header, blocks), SideRows() as sides:
            layout = self._parse_layout(collection, header)
            yield Sheet(
                layout.places(),
                blocks,
                partial(self._read, KINDS[collection], layout, sides),
                {one.name: self._layout(one.name).places() for one in files},
                self._gather_all(collection, sides),
                self._left_over(collection, sides),
                sides.parts,
            )

    def _read(
        self, kind: type[Record], layout: Layout, sides: SideRows, row: Row
    ) -> Iterator[Record | Problem]:
        """Yield what one row of a sheet gives."""
        for line, found in self._object(layout, row):
            if isinstance(found, Problem):
                yield found
                continue
            sides.merge(found)
            yield from self._record(kind, layout, line, found)

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
        with self._blocks(side.name) as (header, blocks):
            layout = self._parse_layout(side.name, header)
            for block in blocks:
                if isinstance(block, Problem):
                    yield block
                elif layout.is_plain(block.rows):
                    place = layout.place_of(side.owner)
                    owners = [cells[place] for cells in block.rows]
                    sides.put_cells(
                        side.name, block.lines, owners, block.rows, layout.wire
                    )
                else:
                    for row in map(Row, block.lines, block.rows):
                        yield from self._gather_row(side, sides, layout, row, owner)

    def _gather_row(
        self, side: SideFile, sides: SideRows, layout: Layout, row: Row, owner: str
    ) -> Iterator[Problem]:
        columns = FILES[self.version][side.name]
        for line, found in self._object(layout, row):
            if isinstance(found, Problem):
                yield found
                continue
            lacking = next(
                (
                    column.name
                    for column in columns
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
        with self._blocks(name) as (header, blocks):
            yield header, in_rows(blocks)

    @contextmanager
    def _blocks(self, name: str) -> Iterator[tuple[Row, Iterator[Block | Problem]]]:
        """Open a file and read its header; the rows follow, many at once."""
        with open_member(self.path, self._members[f"{name}.csv"]) as file:
            blocks = read_blocks(file, f"{name}.csv")
            first = next(blocks, None)
            if not isinstance(first, Block):
                raise BundleError(
                    f"{name}.csv line 1: no header; add the line of column names",
                    code="header",
                )
            rest = first.after(1)
            yield (
                Row(first.lines[0], first.rows[0]),
                chain((rest,) if rest.rows else (), blocks),
            )
