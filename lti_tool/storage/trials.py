"""Trials: registrations of `certify`, gone with everything that came by them.

A trial is no platform of the school. It ends by itself, and whatever it left behind,
were it killed, is swept by the next run and by the nightly jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Select, Table, delete, select, update

from lti_tool.storage import registrations, schema
from lti_tool.storage.registrations import TRIAL, NewRegistration
from lti_tool.storage.session import Session

LIFE: Final = timedelta(minutes=15)
# A statement takes only so many values; SQLite's oldest limit is 999.
_MANY: Final = 500
_Ids = dict[Table, set[int]]


def add_trial(
    session: Session, new: NewRegistration, deployment_id: str, *, now: datetime
) -> int:
    """Add a trial with one active deployment, good for 15 minutes; returns its id."""
    registration_id = registrations.add_registration(
        session, new, deployment_ids=[deployment_id], now=now
    )
    table = schema.registration
    session.execute(
        update(table)
        .where(table.c.id == registration_id)
        .values(made_by=TRIAL, expires_at=now + LIFE)
    )
    return registration_id


def remove_trial(session: Session, registration_id: int) -> None:
    """Take a trial away with all that came by it; does nothing to a platform.

    People, courses and places go with it, unless somebody else has come to use them.
    """
    table = schema.registration
    trial = select(table.c.id).where(
        table.c.id == registration_id, table.c.made_by == TRIAL
    )
    if session.scalar(trial) is None:
        return
    doomed: _Ids = {
        table: {registration_id},
        schema.person: _people(session, registration_id),
        schema.course: _courses(session, registration_id),
    }
    for one in schema.metadata.sorted_tables:  # what is referred to comes first
        doomed.setdefault(one, set()).update(_referring(session, one, doomed))
    for one in reversed(schema.metadata.sorted_tables):
        for part in _parts(doomed[one]):
            session.execute(delete(one).where(_key(one).in_(part)))


def sweep_trials(session: Session, *, now: datetime | None) -> int:
    """Take away the trials whose time is over, or all; returns how many there were."""
    table = schema.registration
    condition = table.c.made_by == TRIAL
    if now is not None:
        condition &= table.c.expires_at <= now
    found = session.scalars(select(table.c.id).where(condition)).all()
    for registration_id in found:
        remove_trial(session, registration_id)
    return len(found)


def load_reasons(session: Session, registration_id: int) -> dict[str, str]:
    """Why launches of a trial were refused, stage and reason by correlation id."""
    table = schema.refusal
    found = session.execute(
        select(table.c.correlation_id, table.c.stage, table.c.reason).where(
            table.c.registration_id == registration_id
        )
    )
    return {row.correlation_id: f"{row.stage}: {row.reason}" for row in found}


def _people(session: Session, registration_id: int) -> set[int]:
    """People whom nobody but the trial knows."""
    user, known = schema.lms_user, schema.sis_user
    mine = select(user.c.person_id).where(
        user.c.registration_id == registration_id, user.c.person_id.is_not(None)
    )
    elsewhere = select(user.c.person_id).where(
        user.c.registration_id != registration_id, user.c.person_id.in_(mine)
    )
    of_sis = select(known.c.person_id).where(known.c.person_id.in_(mine))
    return _ids(session, mine) - _ids(session, elsewhere) - _ids(session, of_sis)


def _courses(session: Session, registration_id: int) -> set[int]:
    """Courses that only the trial launches into, with no SIS class behind them."""
    place, course, deployment = schema.placement, schema.course, schema.deployment
    launched = select(place.c.course_id).join(
        deployment, deployment.c.id == place.c.deployment_id
    )
    mine = launched.where(
        deployment.c.registration_id == registration_id, place.c.course_id.is_not(None)
    )
    others = launched.where(
        deployment.c.registration_id != registration_id, place.c.course_id.is_not(None)
    )
    of_sis = select(course.c.id).where(course.c.sis_class_id.is_not(None))
    return _ids(session, mine) - _ids(session, others) - _ids(session, of_sis)


def _ids(session: Session, statement: Select[Any]) -> set[int]:
    return set(session.scalars(statement))


def _referring(session: Session, table: Table, doomed: _Ids) -> set[int]:
    """The rows of a table that refer to any row that goes."""
    found: set[int] = set()
    for column in table.columns:
        for foreign in column.foreign_keys:
            for part in _parts(doomed.get(foreign.column.table, set())):
                found |= _ids(session, select(_key(table)).where(column.in_(part)))
    return found


def _key(table: Table) -> Column[Any]:
    return next(iter(table.primary_key.columns))


def _parts(ids: Iterable[int]) -> Iterable[Sequence[int]]:
    ordered = sorted(ids)
    return (ordered[at : at + _MANY] for at in range(0, len(ordered), _MANY))
