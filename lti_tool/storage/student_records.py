"""A student's one record: where she stands over all courses and years."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, literal, null, or_, select

from lti_tool.storage.database import batches, rows, upsert
from lti_tool.storage.plain_scores import seldom
from lti_tool.storage.schema import (
    change,
    competency,
    course,
    crosswalk,
    record,
    record_rule,
    seat,
)
from lti_tool.storage.session import Session
from lti_tool.storage.standing import (
    NO_COURSE,
    Key,
    StoredAttainment,
)

FEW: Final = 20
# What a record has of an attainment: it is of no course, and no teacher sets it.
_FIELDS: Final = tuple(
    name
    for name in StoredAttainment._fields
    if name not in {"course_id", "teacher_level_id"}
)


def load(
    session: Session, persons: Collection[int], competencies: Collection[int]
) -> dict[Key, StoredAttainment]:
    """Return the stored records of people on competencies, of either any number."""
    if len(competencies) <= FEW:
        return _load(
            session,
            record.c.person_id.in_(persons),
            record.c.competency_id.in_(competencies),
        )
    # To look up every pair costs more than to read what there is.
    wanted = frozenset(competencies)
    found = _load(session, record.c.person_id.in_(persons))
    return {key: one for key, one in found.items() if key[1] in wanted}


def load_of_framework(
    session: Session, persons: Collection[int], framework_id: int
) -> dict[Key, StoredAttainment]:
    """Return the stored records of people on all a framework has, or ever had."""
    of_framework = select(competency.c.id).where(
        competency.c.framework_id == framework_id
    )
    return _load(
        session,
        record.c.person_id.in_(persons),
        record.c.competency_id.in_(of_framework),
    )


def _load(
    session: Session, *wanted: ColumnElement[bool]
) -> dict[Key, StoredAttainment]:
    columns: list[ColumnElement[Any]] = [record.c[name] for name in _FIELDS]
    place = _FIELDS.index("evidence_at")
    columns[place] = seldom(columns[place])
    nothing = (literal(NO_COURSE), null())  # the course, and a teacher's level
    statement = select(nothing[0], *columns, nothing[1]).where(*wanted)
    found = map(StoredAttainment._make, session.execute(statement).all())
    return {one[1:3]: one for one in found}


def load_of_person(session: Session, person_id: int) -> dict[int, StoredAttainment]:
    """Return one student's whole record, by competency."""
    found = session.execute(
        select(*(record.c[name] for name in _FIELDS))
        .where(record.c.person_id == person_id)
        .order_by(record.c.competency_id)
    )
    return {row.competency_id: StoredAttainment(NO_COURSE, *row) for row in found}


def load_computed_at(
    session: Session, person_id: int, competency_id: int
) -> datetime | None:
    """Return when a record was worked out, None if there is none."""
    return session.scalar(
        select(record.c.computed_at).where(
            record.c.person_id == person_id, record.c.competency_id == competency_id
        )
    )


def save(
    session: Session,
    changed: Sequence[StoredAttainment],
    gone: Sequence[Key],
    now: datetime,
) -> None:
    """Write changed records and drop those nothing speaks for any more."""
    if changed:
        statement = upsert(session, record)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["person_id", "competency_id"],
                set_={
                    name: statement.excluded[name]
                    for name in (*_FIELDS[2:], "computed_at")
                },
            ),
            [
                {**{name: getattr(one, name) for name in _FIELDS}, "computed_at": now}
                for one in changed
            ],
        )
    by_person: dict[int, list[int]] = {}
    for person_id, competency_id in gone:
        by_person.setdefault(person_id, []).append(competency_id)
    for person_id, competencies in by_person.items():
        session.execute(
            delete(record).where(
                record.c.person_id == person_id,
                record.c.competency_id.in_(competencies),
            )
        )


def load_held(session: Session, persons: Collection[int]) -> dict[int, set[Key]]:
    """Return what people have records of, by framework."""
    found: dict[int, set[Key]] = {}
    for some in batches(sorted(persons)):
        held = session.execute(
            select(
                competency.c.framework_id, record.c.person_id, record.c.competency_id
            )
            .join(competency, competency.c.id == record.c.competency_id)
            .where(record.c.person_id.in_(some))
        )
        for row in held:
            key = (row.person_id, row.competency_id)
            found.setdefault(row.framework_id, set()).add(key)
    return found


def load_persons(session: Session, framework_id: int) -> list[int]:
    """Return who has, or may have, a record on a framework.

    Its courses' learners, whoever has one, and whoever has one of a framework from
    which levels are carried into it.
    """
    learning = (
        select(seat.c.person_id)
        .join(course, course.c.id == seat.c.course_id)
        .where(course.c.framework_id == framework_id, seat.c.role == "learner")
    )
    recorded = (
        select(record.c.person_id)
        .join(competency, competency.c.id == record.c.competency_id)
        .where(
            or_(
                competency.c.framework_id == framework_id,
                competency.c.framework_id.in_(
                    select(crosswalk.c.from_id).where(
                        crosswalk.c.to_id == framework_id, crosswalk.c.is_on
                    )
                ),
            )
        )
    )
    found = learning.union(recorded).subquery()
    return list(session.scalars(select(found.c.person_id).order_by(found.c.person_id)))


def load_record_rule(session: Session, framework_id: int) -> Mapping[str, Any] | None:
    """Return by what records of a framework are judged, None: as usual."""
    found = rows(
        session, select(record_rule).where(record_rule.c.framework_id == framework_id)
    )
    return found[0] if found else None


def load_recorded(session: Session, framework_id: int) -> list[int]:
    """Return who has a record on a framework, by id."""
    return list(
        session.scalars(
            select(record.c.person_id)
            .join(competency, competency.c.id == record.c.competency_id)
            .where(competency.c.framework_id == framework_id)
            .distinct()
            .order_by(record.c.person_id)
        )
    )


def load_rule_changes(
    session: Session, what: str, framework_id: int
) -> list[dict[str, Any]]:
    """Return who changed the rule of a framework's records, oldest first."""
    return rows(
        session,
        select(change)
        .where(
            change.c.subject_table == "framework",
            change.c.subject_id == framework_id,
            change.c.what == what,
        )
        .order_by(change.c.id),
    )


def save_record_rule(
    session: Session,
    framework_id: int,
    values: Mapping[str, Any],
    *,
    who: str,
    now: datetime,
) -> None:
    """Write rule, parameter, scale, mastery_cut, evidence_order or minimum_pieces."""
    said = {**values, "changed_by": who, "changed_at": now}
    session.execute(
        upsert(session, record_rule)
        .values(framework_id=framework_id, **said)
        .on_conflict_do_update(index_elements=["framework_id"], set_=said)
    )
