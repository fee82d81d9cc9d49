"""Frameworks as published: every item and edge kept whole, keyed by CASE GUID."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.schema import association, competency, framework
from mappings.frameworks import Association, Competency, Framework


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did to one kind of row."""

    added: int
    changed: int
    retired: int
    same: int

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing was written."""
        return not (self.added or self.changed or self.retired)


@dataclass(frozen=True, slots=True)
class FrameworkImport:
    """What an import of one package did."""

    framework_id: int
    title: str
    competencies: ImportCounts
    associations: ImportCounts


def fingerprint(payload: object) -> str:
    """Return a hash of a JSON value that does not depend on key order."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def save_framework(
    session: Session, package: Framework, now: datetime
) -> FrameworkImport:
    """Store a framework: an upsert by GUID; what vanished is retired, not deleted.

    An edge that two frameworks publish under one GUID stays with the first of them.
    """
    framework_id = _save_document(session, package, now)
    # Rows go in as the publisher lists them; position is where a reader meets them.
    places = {
        item.case_id: place for place, (item, _depth) in enumerate(package.in_order())
    }
    items = [
        {
            **_competency_row(item, places[item.case_id], package),
            "framework_id": framework_id,
        }
        for item in package.competencies
    ]
    edges = [
        {**_association_row(edge), "framework_id": framework_id}
        for edge in package.associations
    ]
    return FrameworkImport(
        framework_id,
        package.title,
        _merge(session, competency, items, framework_id, now),
        _merge(session, association, edges, framework_id, now),
    )


def save_associations(
    session: Session, edges: Sequence[Association], now: datetime
) -> ImportCounts:
    """Store an extra file of edges: added to what is there, nothing retired."""
    new = [{**_association_row(edge), "framework_id": None} for edge in edges]
    return _merge(session, association, new, None, now)


def _save_document(session: Session, package: Framework, now: datetime) -> int:
    values = {
        "title": package.title,
        "version": package.version,
        "publisher": package.publisher,
        "language": package.language,
        "creator": package.creator,
        "payload": package.payload,
        "package": package.package,
    }
    values["fingerprint"] = fingerprint(values)
    found = session.execute(
        select(framework.c.id, framework.c.fingerprint).where(
            framework.c.case_id == package.case_id
        )
    ).one_or_none()
    if found is None:
        return int(
            session.execute(
                insert(framework)
                .values(case_id=package.case_id, imported_at=now, **values)
                .returning(framework.c.id)
            ).scalar_one()
        )
    if found.fingerprint != values["fingerprint"]:
        session.execute(
            update(framework)
            .where(framework.c.id == found.id)
            .values(imported_at=now, **values)
        )
    return int(found.id)


def _competency_row(item: Competency, place: int, package: Framework) -> dict[str, Any]:
    row: dict[str, Any] = {
        "case_id": item.case_id,
        "human_code": item.human_code,
        "statement": item.statement,
        "abbreviated": item.abbreviated,
        "kind": item.kind,
        "education_levels": list(item.education_levels),
        "language": item.language,
        "position": place,
        "list_enumeration": item.list_enumeration,
        "is_assessable": package.is_leaf(item.case_id),
        "payload": item.payload,
    }
    return {**row, "fingerprint": fingerprint(row)}


def _association_row(edge: Association) -> dict[str, Any]:
    row: dict[str, Any] = {
        "case_id": edge.case_id,
        "kind": edge.kind,
        "origin_case_id": edge.origin_case_id,
        "destination_case_id": edge.destination_case_id,
        "sequence": edge.sequence,
        "payload": edge.payload,
    }
    return {**row, "fingerprint": fingerprint(row)}


def _merge(
    session: Session,
    table: Table,
    new: Sequence[dict[str, Any]],
    framework_id: int | None,
    now: datetime,
) -> ImportCounts:
    """Bring the stored rows of one framework to new, touching only what differs."""
    old = _stored(session, table, framework_id)
    added = [row for row in new if row["case_id"] not in old]
    changed = [
        row
        for row in new
        if (kept := old.get(row["case_id"]))
        and (
            kept.fingerprint != row["fingerprint"]
            or kept.retired_at is not None
            or (kept.framework_id is None and framework_id is not None)
        )
    ]
    if added:
        session.execute(insert(table), added)
    if changed:
        _rewrite(session, table, changed, old)
    gone = [] if framework_id is None else _gone(new, old, framework_id)
    if gone:
        session.execute(
            update(table).where(table.c.id.in_(gone)).values(retired_at=now)
        )
    same = len(new) - len(added) - len(changed)
    return ImportCounts(len(added), len(changed), len(gone), same)


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that is here already."""

    id: int
    fingerprint: str
    retired_at: datetime | None
    framework_id: int | None


Stored = Mapping[str, Kept]


def _stored(session: Session, table: Table, framework_id: int | None) -> Stored:
    """Return by GUID what is here; an edge has one GUID wherever it came from."""
    statement = select(
        table.c.case_id,
        table.c.id,
        table.c.fingerprint,
        table.c.retired_at,
        table.c.framework_id,
    )
    if table is competency:
        statement = statement.where(table.c.framework_id == framework_id)
    return {case_id: Kept(*row) for case_id, *row in session.execute(statement)}


def _rewrite(
    session: Session, table: Table, changed: Iterable[Mapping[str, Any]], old: Stored
) -> None:
    kept = {"id", "retired_at"}
    names = [column.name for column in table.c if column.name not in kept]
    session.execute(
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values(
            {name: bindparam(f"new_{name}") for name in names} | {"retired_at": None}
        ),
        [
            {"row_id": old[row["case_id"]].id}
            | {f"new_{name}": row[name] for name in names}
            | {"new_framework_id": _owner(old[row["case_id"]], row)}
            for row in changed
        ],
    )


def _owner(kept: Kept, row: Mapping[str, Any]) -> int | None:
    """An edge stays with the framework that brought it; an extra one finds its own."""
    return row["framework_id"] if kept.framework_id is None else kept.framework_id


def _gone(
    new: Sequence[Mapping[str, Any]], old: Stored, framework_id: int
) -> list[int]:
    named = {row["case_id"] for row in new}
    return [
        kept.id
        for case_id, kept in old.items()
        if case_id not in named
        and kept.retired_at is None
        and kept.framework_id == framework_id
    ]


def load_list(session: Session) -> list[dict[str, Any]]:
    """Return every framework with its counts, by title."""
    return rows(
        session,
        select(
            framework.c.id,
            framework.c.case_id,
            framework.c.title,
            framework.c.version,
            framework.c.publisher,
            framework.c.language,
            framework.c.imported_at,
            select(func.count())
            .where(
                competency.c.framework_id == framework.c.id,
                competency.c.retired_at.is_(None),
            )
            .scalar_subquery()
            .label("competencies"),
            select(func.count())
            .where(
                association.c.framework_id == framework.c.id,
                association.c.retired_at.is_(None),
            )
            .scalar_subquery()
            .label("associations"),
        ).order_by(framework.c.title, framework.c.id),
    )


def find_framework(session: Session, name: str) -> int:
    """Return our id of a framework named by our id, its GUID or its exact title.

    Raises:
        NotFoundError: no framework, or more than one, goes by that name.
    """
    names = [framework.c.case_id == name, framework.c.title == name]
    if name.isdigit():
        names.append(framework.c.id == int(name))
    found = session.scalars(select(framework.c.id).where(or_(*names))).all()
    if len(found) == 1:
        return int(found[0])
    if found:
        many = f'{len(found)} frameworks go by "{name}"; name one by its GUID'
        raise NotFoundError(f"{many} (masterybridge framework list shows them)")
    raise NotFoundError(
        f'no framework goes by "{name}"; masterybridge framework list shows what is '
        "here, masterybridge framework import adds one"
    )


def load_package(session: Session, framework_id: int) -> Framework:
    """Return a stored framework as it was imported, retired rows left out.

    What a later import added stands after what was there before.
    """
    document = session.execute(
        select(framework).where(framework.c.id == framework_id)
    ).one()
    items = session.execute(
        select(competency)
        .where(
            competency.c.framework_id == framework_id,
            competency.c.retired_at.is_(None),
        )
        .order_by(competency.c.id)
    )
    edges = session.execute(
        select(association)
        .where(
            association.c.framework_id == framework_id,
            association.c.retired_at.is_(None),
        )
        .order_by(association.c.id)
    )
    return Framework(
        case_id=document.case_id,
        title=document.title,
        version=document.version,
        publisher=document.publisher,
        language=document.language,
        competencies=tuple(_competency(row) for row in items),
        associations=tuple(_association(row) for row in edges),
        creator=document.creator,
        payload=document.payload,
        package=document.package,
    )


def _competency(row: Row[Any]) -> Competency:
    return Competency(
        case_id=row.case_id,
        human_code=row.human_code,
        statement=row.statement,
        abbreviated=row.abbreviated,
        kind=row.kind,
        education_levels=tuple(row.education_levels or ()),
        language=row.language,
        list_enumeration=row.list_enumeration,
        payload=row.payload,
    )


def _association(row: Row[Any]) -> Association:
    return Association(
        case_id=row.case_id,
        kind=row.kind,
        origin_case_id=row.origin_case_id,
        destination_case_id=row.destination_case_id,
        sequence=row.sequence,
        payload=row.payload,
    )


def load_precedes(session: Session, framework_id: int) -> list[tuple[str, str]]:
    """Return the prerequisite edges (earlier, later) between live competencies.

    Edges of extra association files count too.
    """
    earlier, later = competency.alias(), competency.alias()
    found = session.execute(
        select(association.c.origin_case_id, association.c.destination_case_id)
        .join(
            earlier,
            and_(
                earlier.c.case_id == association.c.origin_case_id,
                earlier.c.framework_id == framework_id,
            ),
        )
        .join(
            later,
            and_(
                later.c.case_id == association.c.destination_case_id,
                later.c.framework_id == framework_id,
            ),
        )
        .where(
            association.c.kind == "precedes",
            association.c.retired_at.is_(None),
            earlier.c.retired_at.is_(None),
            later.c.retired_at.is_(None),
        )
        .order_by(association.c.id)
    )
    return [(origin, destination) for origin, destination in found]


def load_case_ids(session: Session) -> frozenset[str]:
    """Return the GUIDs of every competency held."""
    return frozenset(session.scalars(select(competency.c.case_id)))
