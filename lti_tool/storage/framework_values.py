"""Competencies and edges between domain values, rows and CASE records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table

from lti_tool.storage.schema import association, competency
from mappings.case import format_association, format_competency
from mappings.case_fields import Record
from mappings.differences import fingerprint
from mappings.frameworks import Association, Competency, Framework


@dataclass(frozen=True, slots=True)
class NewRow:
    """What is to be stored: its GUID, the hash of what it says, and where it stands.

    Record and columns are made where they are wanted, which is where something
    changed: all at once would be several times the size of the framework.
    """

    source: Competency | Association
    framework_id: int | None
    fingerprint: str
    places: tuple[int, bool] = (0, False)

    @property
    def case_id(self) -> str:
        """The GUID."""
        return self.source.case_id

    @property
    def record(self) -> Record:
        """What CASE says of it."""
        return _record(self.source)

    @property
    def values(self) -> dict[str, Any]:
        """The columns."""
        own = (
            _competency_values(self.source, self.places)
            if isinstance(self.source, Competency)
            else _association_values(self.source)
        )
        return {
            "framework_id": self.framework_id,
            "case_id": self.source.case_id,
            **own,
            "payload": self.source.payload,
            "fingerprint": self.fingerprint,
        }


def _record(source: Competency | Association) -> Record:
    if isinstance(source, Competency):
        return format_competency(source)
    return format_association(source)


def _competency_values(item: Competency, places: tuple[int, bool]) -> dict[str, Any]:
    return {
        "human_code": item.human_code,
        "statement": item.statement,
        "abbreviated": item.abbreviated,
        "kind": item.kind,
        "education_levels": list(item.education_levels),
        "language": item.language,
        "list_enumeration": item.list_enumeration,
        "position": places[0],
        "is_assessable": places[1],
    }


def _association_values(edge: Association) -> dict[str, Any]:
    return {
        "kind": edge.kind,
        "origin_case_id": edge.origin_case_id,
        "destination_case_id": edge.destination_case_id,
        "sequence": edge.sequence,
    }


def competency_rows(package: Framework, framework_id: int) -> Iterator[NewRow]:
    """Yield the rows of the competencies as the publisher lists them.

    Position is where a reader meets one.
    """
    places = {
        item.case_id: place for place, (item, _depth) in enumerate(package.in_order())
    }
    for item in package.competencies:
        yield NewRow(
            item,
            framework_id,
            fingerprint(_record(item)),
            (places[item.case_id], package.is_leaf(item.case_id)),
        )


def association_row(edge: Association, framework_id: int | None) -> NewRow:
    """Return the row of an edge; None is an extra file's."""
    return NewRow(edge, framework_id, fingerprint(_record(edge)))


def competency_value(row: Row[Any]) -> Competency:
    """Return a stored competency as a value."""
    return Competency(
        case_id=row.case_id,
        human_code=row.human_code or "",
        statement=row.statement,
        abbreviated=row.abbreviated or "",
        kind=row.kind or "",
        education_levels=tuple(row.education_levels or ()),
        language=row.language or "",
        list_enumeration=row.list_enumeration,
        payload=row.payload,
    )


def association_value(row: Row[Any]) -> Association:
    """Return a stored edge as a value."""
    return Association(
        case_id=row.case_id,
        kind=row.kind,
        origin_case_id=row.origin_case_id,
        destination_case_id=row.destination_case_id,
        sequence=row.sequence,
        payload=row.payload,
    )


def stored_record(table: Table, row: Row[Any]) -> Record:
    """Return the CASE record of a stored competency or edge."""
    if table is competency:
        return format_competency(competency_value(row))
    return format_association(association_value(row))


def subject_of(table: Table) -> str:
    """Return what the rows of a table are, in a difference."""
    return {competency: "competency", association: "association"}[table]


Records = Mapping[str, Record]
