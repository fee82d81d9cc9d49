"""The rows of a framework brought to what was published, touching what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update

from lti_tool.storage.framework_values import (
    NewRow,
    Records,
    association_row,
    competency_rows,
    stored_record,
    subject_of,
)
from lti_tool.storage.schema import association, competency
from lti_tool.storage.session import Session
from mappings.differences import (
    ADDED,
    CHANGED,
    RETIRED,
    RETURNED,
    Difference,
    changed_fields,
)
from mappings.frameworks import Association, Framework

T = TypeVar("T")
MANY: Final = 500  # names in one question: both databases take so many
WRITTEN: Final = 2000  # rows written at once: more would only stand in memory
_PLACES: Final = ("position", "is_assessable")


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did to one kind of row."""

    added: int
    changed: int
    retired: int
    same: int
    returned: int = 0

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing was written."""
        return not (self.added or self.changed or self.retired or self.returned)


@dataclass(slots=True)
class Merge:
    """What bringing the rows of one table to what is new did."""

    total: int
    differences: list[Difference] = field(default_factory=list)

    def counts(self) -> ImportCounts:
        """How many rows were added, changed, retired, brought back or left."""
        kinds = [one.kind for one in self.differences]
        added, changed, retired, returned = (
            kinds.count(kind) for kind in (ADDED, CHANGED, RETIRED, RETURNED)
        )
        same = self.total - added - changed - returned
        return ImportCounts(added, changed, retired, same, returned)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row that is here already."""

    id: int
    fingerprint: str
    retired_at: datetime | None
    places: tuple[Any, ...]


_Old = dict[str, _Kept]


def parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield values some at a time, few enough for one question."""
    found = list(values)
    for start in range(0, len(found), MANY):
        yield found[start : start + MANY]


def merge_competencies(
    session: Session,
    package: Framework,
    framework_id: int,
    now: datetime,
    *,
    is_first: bool,
) -> Merge:
    """Bring the competencies of a framework to those of package.

    is_first: nothing was here; what is added is counted and not told.
    """
    new = list(competency_rows(package, framework_id))
    old = _kept(session, competency, competency.c.framework_id == framework_id)
    done = _merge(session, competency, new, old, now, is_first=is_first)
    _place(session, new, old)
    return done


def merge_associations(
    session: Session,
    edges: Sequence[Association],
    framework_id: int,
    now: datetime,
    *,
    is_first: bool,
) -> Merge:
    """Bring the edges of a framework to edges; extra ones it publishes join it.

    is_first: nothing was here; what is added is counted and not told.
    """
    new = [association_row(edge, framework_id) for edge in edges]
    old = _kept(session, association, association.c.framework_id == framework_id)
    joined = _adopt(session, new, old, framework_id)
    done = _merge(session, association, new, old, now, is_first=is_first)
    done.differences = [
        *(
            Difference(ADDED, subject_of(association), one.case_id, None, one.record)
            for one in new
            if one.case_id in joined
        ),
        *(one for one in done.differences if one.case_id not in joined),
    ]
    return done


def add_associations(
    session: Session, edges: Sequence[Association], now: datetime
) -> Merge:
    """Add the edges of an extra file; nothing is retired.

    One that a framework publishes as it stands in the file is not held twice.
    """
    new = [association_row(edge, None) for edge in edges]
    published = _published(session, new)
    own = [one for one in new if (one.case_id, one.fingerprint) not in published]
    old = _kept(session, association, association.c.framework_id.is_(None))
    named = {one.case_id for one in own}
    here = {case_id: one for case_id, one in old.items() if case_id in named}
    done = _merge(session, association, own, here, now)
    done.total = len(new)
    return done


def _merge(
    session: Session,
    table: Table,
    new: Sequence[NewRow],
    old: _Old,
    now: datetime,
    *,
    is_first: bool = False,
) -> Merge:
    """Write what is new or differs, retire what is not named, and tell it all."""
    subject = subject_of(table)
    named = {one.case_id for one in new}
    added = [one for one in new if one.case_id not in old]
    differing = [one for one in new if _differs(old.get(one.case_id), one)]
    gone = [
        case_id
        for case_id, kept in old.items()
        if case_id not in named and kept.retired_at is None
    ]
    touched = [*gone, *(one.case_id for one in differing)]
    before = _load_records(session, table, [old[case_id].id for case_id in touched])
    for start in range(0, len(added), WRITTEN):
        some = added[start : start + WRITTEN]
        session.execute(insert(table), [one.values for one in some])
    _rewrite(session, table, differing, old)
    _retire(session, table, [old[case_id].id for case_id in gone], now)
    return Merge(
        len(new),
        [
            *(
                Difference(
                    ADDED, subject, one.case_id, None, None if is_first else one.record
                )
                for one in added
            ),
            *_changes(subject, differing, old, before),
            *(Difference(RETIRED, subject, one, before[one]) for one in gone),
        ],
    )


def _differs(kept: _Kept | None, one: NewRow) -> bool:
    return kept is not None and (
        kept.retired_at is not None or kept.fingerprint != one.fingerprint
    )


def _changes(
    subject: str, differing: Iterable[NewRow], old: _Old, before: Records
) -> Iterator[Difference]:
    """Yield what changed or came back; what was saved again as it was, is neither."""
    for one in differing:
        if old[one.case_id].retired_at is not None:
            yield Difference(RETURNED, subject, one.case_id, None, one.record)
            continue
        was, becomes = changed_fields(before[one.case_id], one.record)
        if was or becomes:
            yield Difference(CHANGED, subject, one.case_id, was, becomes)


def _kept(session: Session, table: Table, where: ColumnElement[bool]) -> _Old:
    """Return by GUID what is here."""
    places = [table.c[name] for name in _PLACES if name in table.c]
    found = session.execute(
        select(
            table.c.case_id,
            table.c.id,
            table.c.fingerprint,
            table.c.retired_at,
            *places,
        ).where(where)
    )
    return {
        case_id: _Kept(row_id, mark, retired_at, tuple(rest))
        for case_id, row_id, mark, retired_at, *rest in found
    }


def _load_records(session: Session, table: Table, ids: Sequence[int]) -> Records:
    """Return by GUID the CASE records of rows as they stand."""
    return {
        row.case_id: stored_record(table, row)
        for some in parts(ids)
        for row in session.execute(select(table).where(table.c.id.in_(some)))
    }


def _rewrite(
    session: Session, table: Table, differing: Sequence[NewRow], old: _Old
) -> None:
    """Write rows anew; what was retired is back."""
    if not differing:
        return
    names = list(differing[0].values)
    session.execute(
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values(
            {name: bindparam(f"new_{name}") for name in names} | {"retired_at": None}
        ),
        [
            {"row_id": old[one.case_id].id}
            | {f"new_{name}": value for name, value in one.values.items()}
            for one in differing
        ],
    )


def _retire(session: Session, table: Table, ids: Sequence[int], now: datetime) -> None:
    for some in parts(ids):
        session.execute(
            update(table).where(table.c.id.in_(some)).values(retired_at=now)
        )


def _place(session: Session, new: Sequence[NewRow], old: _Old) -> None:
    """Write where competencies stand whose neighbours moved: no change of theirs."""
    moved: list[Mapping[str, Any]] = []
    for one in new:
        kept = old.get(one.case_id)
        if kept is not None and kept.places != one.places:
            at, leaf = one.places
            moved.append({"row_id": kept.id, "at": at, "leaf": leaf})
    if moved:
        session.execute(
            update(competency)
            .where(competency.c.id == bindparam("row_id"))
            .values(position=bindparam("at"), is_assessable=bindparam("leaf")),
            moved,
        )


def _adopt(
    session: Session, new: Sequence[NewRow], old: _Old, framework_id: int
) -> frozenset[str]:
    """Give the framework the extra edges that it publishes itself from now on."""
    extra = _kept(session, association, association.c.framework_id.is_(None))
    names = [one.case_id for one in new if one.case_id not in old]
    joining = {name: extra[name] for name in names if name in extra}
    for some in parts(one.id for one in joining.values()):
        session.execute(
            update(association)
            .where(association.c.id.in_(some))
            .values(framework_id=framework_id)
        )
    old |= joining
    return frozenset(joining)


def _published(session: Session, new: Sequence[NewRow]) -> set[tuple[str, str]]:
    """Return GUID and fingerprint of those of new that a framework publishes."""
    published: set[tuple[str, str]] = set()
    for some in parts(new):
        found = session.execute(
            select(association.c.case_id, association.c.fingerprint).where(
                association.c.case_id.in_([one.case_id for one in some]),
                association.c.framework_id.is_not(None),
                association.c.retired_at.is_(None),
            )
        )
        published |= {(case_id, mark) for case_id, mark in found}
    return published
