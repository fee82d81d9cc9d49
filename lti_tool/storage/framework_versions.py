"""Versions of frameworks: what each import or edit changed, and how it stood before.

The newest version is what stands; an older one is found by undoing what came after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.framework_rows import (
    ImportCounts,
    merge_associations,
    merge_competencies,
)
from lti_tool.storage.frameworks import load_package
from lti_tool.storage.schema import framework, framework_change, framework_version
from lti_tool.storage.session import Session
from mappings.case import format_document
from mappings.case_fields import Record
from mappings.differences import (
    DOCUMENT,
    RETIRED,
    RUBRIC,
    Difference,
    between,
    fingerprint,
    records_beside,
    rewound,
)
from mappings.frameworks import Association, Framework, Problem

CASE, CSV, OWN = "case", "csv", "own"
_MOST_PROBLEMS: Final = 1000  # kept with a version; the count is of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is written beside a version: whence it came, who brought it."""

    named: str
    made_by: str
    at: datetime
    origin: str = CASE
    source_url: str | None = None
    case_version: str | None = None
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class FrameworkImport:
    """What an import of one package did; number is None if it made no version."""

    framework_id: int
    title: str
    competencies: ImportCounts
    associations: ImportCounts
    number: int | None = None
    beside: int = 0  # changes of the document, of rubrics and definitions
    rubrics_gone: tuple[str, ...] = ()
    edge_kinds: frozenset[str] = frozenset()  # of the edges that are not as they were

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing changed."""
        rows_are = self.competencies.is_nothing and self.associations.is_nothing
        return rows_are and not self.beside


def save_framework(session: Session, package: Framework, note: Note) -> FrameworkImport:
    """Store a framework: an upsert by GUID; what vanished is retired, not deleted.

    A change makes a version that tells it; the first version tells only counts.
    """
    framework_id, is_new, beside = _save_document(session, package, note)
    items = merge_competencies(session, package, framework_id, note.at, is_first=is_new)
    edges = merge_associations(
        session, package.associations, framework_id, note.at, is_first=is_new
    )
    changes = [*beside, *items.differences, *edges.differences]
    number = None
    if is_new or changes:
        number = _put_version(session, framework_id, package.version, note, changes)
        if not is_new:
            _put_changes(session, framework_id, number, changes)
    return FrameworkImport(
        framework_id,
        package.title,
        items.counts(),
        edges.counts(),
        number,
        len(beside),
        tuple(
            one.case_id
            for one in beside
            if (one.subject, one.kind) == (RUBRIC, RETIRED)
        ),
        kinds_of(package.associations, edges.differences),
    )


def kinds_of(
    edges: Iterable[Association], changes: Sequence[Difference]
) -> frozenset[str]:
    """Return of which kinds the edges are that changed."""
    if not changes:
        return frozenset()
    known = {one.case_id: one.kind for one in edges}
    return frozenset(
        known.get(one.case_id) or str((one.before or {}).get("associationType", ""))
        for one in changes
    )


def _save_document(
    session: Session, package: Framework, note: Note
) -> tuple[int, bool, list[Difference]]:
    """Store what is not a row of its own; returns id, whether new, what changed."""
    document = format_document(package)
    values: dict[str, Any] = {
        "title": package.title,
        "version": package.version,
        "publisher": package.publisher,
        "language": package.language,
        "creator": package.creator,
        "payload": package.payload,
        "package": package.package,
        "fingerprint": fingerprint({**package.package, "CFDocument": document}),
    }
    whence = {
        "origin": note.origin,
        "source_url": note.source_url,
        "case_version": note.case_version,
    }
    found = session.execute(
        select(framework).where(framework.c.case_id == package.case_id)
    ).one_or_none()
    if found is None:
        made = session.execute(
            insert(framework)
            .values(case_id=package.case_id, imported_at=note.at, **values, **whence)
            .returning(framework.c.id)
        )
        return int(made.scalar_one()), True, []
    # A school's own stays its own, even where its export is imported again.
    told = {
        name: value
        for name, value in whence.items()
        if value is not None and name != "origin"
    } or {"origin": found.origin}
    if found.fingerprint == values["fingerprint"]:
        session.execute(
            update(framework).where(framework.c.id == found.id).values(**told)
        )
        return int(found.id), False, []
    session.execute(
        update(framework)
        .where(framework.c.id == found.id)
        .values(imported_at=note.at, **values, **told)
    )
    before = _document_of(found)
    return int(found.id), False, list(_beside(before, package, document))


def _document_of(row: Row[Any]) -> Framework:
    """Return a stored framework without its competencies and edges."""
    return Framework(
        case_id=row.case_id,
        title=row.title,
        version=row.version or "",
        publisher=row.publisher or "",
        language=row.language or "",
        creator=row.creator,
        payload=row.payload,
        package=row.package,
    )


def _beside(
    before: Framework, package: Framework, document: Record
) -> Iterator[Difference]:
    """Yield what changed in the document, the rubrics and the definitions."""
    case_id = package.case_id
    yield from between(
        DOCUMENT, {case_id: format_document(before)}, {case_id: document}
    )
    old, new = records_beside(before.package), records_beside(package.package)
    for subject, records in new.items():
        yield from between(subject, old[subject], records)


def _put_version(
    session: Session,
    framework_id: int,
    label: str,
    note: Note,
    changes: Iterable[Difference],
) -> int:
    """Write the line of a version; returns its number."""
    number = newest(session, framework_id) + 1
    counts = Counter(one.kind for one in changes)
    session.execute(
        insert(framework_version).values(
            framework_id=framework_id,
            number=number,
            label=label[:255],
            named=note.named,
            made_by=note.made_by,
            made_at=note.at,
            counts={**counts, "problems": len(note.problems)},
            problems=[
                [one.code, one.record, one.text]
                for one in note.problems[:_MOST_PROBLEMS]
            ],
        )
    )
    return number


def _put_changes(
    session: Session, framework_id: int, number: int, changes: Sequence[Difference]
) -> None:
    version_id = session.scalar(
        select(framework_version.c.id).where(
            framework_version.c.framework_id == framework_id,
            framework_version.c.number == number,
        )
    )
    session.execute(
        insert(framework_change),
        [
            {
                "version_id": version_id,
                "kind": one.kind,
                "subject": one.subject,
                "case_id": one.case_id,
                "before": one.before,
                "after": one.after,
            }
            for one in changes
        ],
    )


def newest(session: Session, framework_id: int) -> int:
    """Return the number of the version that stands, 0 if none was written."""
    return int(
        session.scalar(
            select(func.max(framework_version.c.number)).where(
                framework_version.c.framework_id == framework_id
            )
        )
        or 0
    )


def hold(session: Session, framework_id: int) -> str:
    """Let nobody else save this framework until we are done; returns its origin.

    Raises:
        NotFoundError: there is no such framework.
    """
    origin = session.scalar(
        select(framework.c.origin)
        .where(framework.c.id == framework_id)
        .with_for_update()
    )
    if origin is None:
        raise NotFoundError(f"no framework has the id {framework_id}")
    return str(origin)


def load_versions(session: Session, framework_id: int) -> list[dict[str, Any]]:
    """Return the versions of a framework, newest first."""
    return rows(
        session,
        select(framework_version)
        .where(framework_version.c.framework_id == framework_id)
        .order_by(framework_version.c.number.desc()),
    )


def load_changes(
    session: Session,
    framework_id: int,
    number: int,
    *,
    subject: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Difference]:
    """Return what one version changed, in the order it was written.

    Raises:
        NotFoundError: the framework has no such version.
    """
    version_id = _find_version(session, framework_id, number)
    table = framework_change
    statement = (
        select(
            table.c.kind,
            table.c.subject,
            table.c.case_id,
            table.c.before,
            table.c.after,
        )
        .where(table.c.version_id == version_id)
        .order_by(table.c.id)
        .limit(limit)
        .offset(offset)
    )
    if subject is not None:
        statement = statement.where(table.c.subject == subject)
    return [Difference(*row) for row in session.execute(statement)]


def _find_version(session: Session, framework_id: int, number: int) -> int:
    found = session.scalar(
        select(framework_version.c.id).where(
            framework_version.c.framework_id == framework_id,
            framework_version.c.number == number,
        )
    )
    if found is None:
        last = newest(session, framework_id)
        raise NotFoundError(
            f"the framework has no version {number}; its newest is {last}"
        )
    return int(found)


def load_package_at(session: Session, framework_id: int, number: int) -> Framework:
    """Return a framework as its version number left it.

    Raises:
        NotFoundError: the framework has no such version.
    """
    _find_version(session, framework_id, number)
    package = load_package(session, framework_id)
    for later in range(newest(session, framework_id), number, -1):
        package = rewound(package, load_changes(session, framework_id, later))
    return package
