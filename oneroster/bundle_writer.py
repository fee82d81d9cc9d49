"""Writing a bundle: every file of the standard and its manifest, from a catalog.

What a bundle cannot hold is left out: fields unknown to the standard, the time
of day of a line item, more than one credential of a profile. Cells are written
as they are; they are meant for a SIS and not for a spreadsheet.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import NAMESPACE_URL, uuid5

from oneroster.bundle_cells import format_cell
from oneroster.bundle_columns import COLLECTION_FILES, FILES, SIDE_FILES, Column
from oneroster.bundle_manifest import MANIFEST
from oneroster.catalog import Catalog
from oneroster.dialects import downgrade
from oneroster.models import format_record
from oneroster.wire import format_moment

__all__ = ["write_bundle"]

Wire = dict[str, Any]
OWNERS = {side.name: side.collection for side in SIDE_FILES}
STAMPS = ("status", "dateLastModified")
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_bundle(
    path: Path,
    catalog: Catalog,
    version: str = "1.2",
    *,
    delta_at: datetime | None = None,
    collections: Iterable[str] = COLLECTION_FILES,
) -> None:
    """Write the catalog as a zip if the path ends in ``.zip``, else as a folder.

    Bulk, unless ``delta_at`` is given: then every row carries its status and
    date, ``delta_at`` where it has none. Bulk rows carry neither, and records to
    be deleted are left out. Files of other collections are told absent. A zip
    replaces the one that was there only once it is whole.

    Raises:
        KeyError: the version is neither 1.1 nor 1.2, or a collection unknown.

    Source: OneRoster 1.2 CSV Binding 1.2.1, sections 2 to 4.
    """
    files = FILES[version]
    wanted = set(collections)
    unknown = wanted.difference(COLLECTION_FILES)
    if unknown or version == "1.0":
        raise KeyError(*sorted(unknown or {version}))
    modes = {
        name: ("delta" if delta_at else "bulk")
        if OWNERS.get(name, name) in wanted
        else "absent"
        for name in files
    }
    with _target(path) as opened:
        _write_rows(opened(MANIFEST), _manifest(version, modes))
        for name, mode in modes.items():
            if mode == "absent":
                continue

            def rows(name: str = name) -> Iterator[Wire]:
                return _rows(catalog, version, name, delta_at)

            names = sorted({key for row in rows() for key in row.get("metadata", {})})
            cells = _cells(files[name], names, rows())
            _write_rows(opened(f"{name}.csv"), cells)


def _manifest(version: str, modes: Mapping[str, str]) -> Iterator[list[str]]:
    yield ["propertyName", "value"]
    yield ["manifest.version", "1.0"]
    yield ["oneroster.version", version]
    for name in sorted(modes):
        yield [f"file.{name}", modes[name]]


def _rows(
    catalog: Catalog, version: str, name: str, delta_at: datetime | None
) -> Iterator[Wire]:
    """Yield the rows of one file as objects, in the order of the catalog."""
    side = _SIDES.get(name)
    for record in catalog.records(OWNERS.get(name, name)):
        wire = format_record(record)
        if delta_at is None:
            if wire.pop("status") == "tobedeleted":
                continue
            wire.pop("dateLastModified", None)
        else:
            wire.setdefault("dateLastModified", format_moment(delta_at))
        if side is None:
            yield downgrade(name, wire) if version == "1.1" else _newer(name, wire)
            continue
        stamps = {stamp: wire[stamp] for stamp in STAMPS if stamp in wire}
        owner = {"sourcedId": wire["sourcedId"]}
        for place, part in enumerate(side(wire)):
            key = json.dumps([name, owner, place])
            yield (
                {"sourcedId": str(uuid5(NAMESPACE_URL, key))}
                | stamps
                | {OWNER_FIELDS[name]: owner}
                | part
            )


def _newer(name: str, wire: Wire) -> Wire:
    """Say in the words of the CSV binding what REST says otherwise."""
    if name == "lineItems" and "gradingPeriod" in wire:
        wire.setdefault("academicSession", wire["gradingPeriod"])
    return wire


def _roles(user: Wire) -> Iterator[Wire]:
    yield from user.get("roles", ())


def _profiles(user: Wire) -> Iterator[Wire]:
    for profile in user.get("userProfiles", ()):
        credential: Wire = next(iter(profile.get("credentials", ())), {})
        yield profile | {
            "sourcedId": profile["profileId"],
            "credentialType": credential.get("type", ""),
            "username": credential.get("username", ""),
            "password": credential.get("password", ""),
        }


def _resources(owner: Wire) -> Iterator[Wire]:
    for resource in owner.get("resources", ()):
        yield {"resource": resource}


def _objectives(item: Wire) -> Iterator[Wire]:
    for group in item.get("learningObjectiveSet", ()):
        for objective in group.get("learningObjectiveIds", ()):
            yield {"source": group["source"], "learningObjectiveId": objective}


def _objective_scores(result: Wire) -> Iterator[Wire]:
    for group in result.get("learningObjectiveSet", ()):
        for score in group.get("learningObjectiveResults", ()):
            yield {"source": group["source"]} | score


def _scales(owner: Wire) -> Iterator[Wire]:
    if "scoreScale" in owner:
        yield {"scoreScale": owner["scoreScale"]}


_SIDES: Mapping[str, Callable[[Wire], Iterable[Wire]]] = {
    "roles": _roles,
    "userProfiles": _profiles,
    "userResources": _resources,
    "classResources": _resources,
    "courseResources": _resources,
    "lineItemLearningObjectiveIds": _objectives,
    "lineItemScoreScales": _scales,
    "resultLearningObjectiveIds": _objective_scores,
    "resultScoreScales": _scales,
}
OWNER_FIELDS = {side.name: side.owner.removesuffix("SourcedId") for side in SIDE_FILES}


def _cells(
    columns: tuple[Column, ...], metadata: list[str], rows: Iterable[Wire]
) -> Iterator[list[str]]:
    yield [column.name for column in columns] + [
        f"metadata.{name}" for name in metadata
    ]
    for row in rows:
        extra = row.get("metadata", {})
        yield [format_cell(column, row.get(column.field)) for column in columns] + [
            _metadata_cell(extra.get(name, "")) for name in metadata
        ]


def _metadata_cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write_rows(file: IO[bytes], rows: Iterable[list[str]]) -> None:
    """Write rows and close the file."""
    with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        csv.writer(text).writerows(rows)


@contextmanager
def _target(path: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """Give a way to open each file of the bundle for writing."""
    if path.suffix.lower() != ".zip":
        path.mkdir(parents=True, exist_ok=True)
        yield lambda name: (path / name).open("wb")
        return
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:

            def open_in_zip(name: str) -> IO[bytes]:
                member = zipfile.ZipInfo(name, date_time=ZIP_EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                return archive.open(member, "w")

            yield open_in_zip
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
