"""Our columns in other gradebooks: where each is, found, made once, or gone there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import (
    SUMMARY,
    Column,
    Destination,
    Foreseeing,
    OfKind,
    Shown,
)
from lti_tool.storage import addresses, columns, sendings
from lti_tool.storage.database import Database
from lti_tool.storage.outbox import Delivery
from lti_tool.work.gradebooks import Ground
from mappings.summary import GRADE

_GONE: Final = (
    "the column was removed there. It is made anew when you say so: Send again, or "
    "masterybridge outcomes deliver"
)


@dataclass(frozen=True, slots=True)
class OpenColumn:
    """A column with its address there, and what it shows."""

    column: Column
    address: str
    shown: Mapping[str, Shown]


@dataclass(frozen=True, slots=True)
class Located:
    """A column and where it is; nobody has looked at it yet."""

    key: Mapping[str, Any]
    column: Column
    address: str


def locate_column(
    database: Database, ground: Ground, first: Delivery, now: datetime
) -> Located:
    """Return where the column of a row is, found or made once and then remembered.

    Raises:
        DeliveryError: it cannot be found, or made.
    """
    key, column = _describe(database, ground, first)
    with database.read() as session:
        address = addresses.load_address(session, key)
        is_other = addresses.has_other_maximum(session, key, column.maximum)
    if address is None:
        address = ground.destination.find_column(column)
        if address is None:
            _refuse_gone(database, key)
            address = _make(database, ground, key, column, now)
        _remember(database, key, column, address, now)
    elif is_other and _is_renewed(ground, column):
        address = ground.destination.make_column(column)
        _remember(database, key, column, address, now)
    return Located(key, column, address)


def _refuse_gone(database: Database, key: dict[str, Any]) -> None:
    """Make nothing anew that a person took away there, until one says so."""
    with database.read() as session:
        is_gone = addresses.is_gone(session, key)
    if is_gone:
        raise DeliveryError(_GONE, "column_gone", permanent=True)


def _is_renewed(ground: Ground, column: Column) -> bool:
    """Tell whether making a column that is there anew gives it the maximum of now."""
    of_kind = isinstance(ground.destination, OfKind)
    if not of_kind or _makes_twice(ground.destination):
        return False
    return ground.destination.find_column(column) is not None


def look_at_column(
    database: Database,
    ground: Ground,
    located: Located,
    batch: Sequence[Delivery],
    now: datetime,
) -> OpenColumn:
    """Read the column of rows.

    One that a person removed is looked for under another address (a course that was
    copied has it there) and is not made anew by itself.

    Raises:
        DeliveryError: it cannot be read, or was removed there.
    """
    column, address = located.column, located.address
    try:
        return OpenColumn(column, address, ground.read(address, column, batch))
    except DeliveryError as error:
        if error.code != "gone":
            raise
        found = _find_again(database, ground, dict(located.key), column, now)
        return OpenColumn(column, found, ground.read(found, column, batch))


def lms_column_id(course_id: int, ending: str) -> str:
    """The resourceId under which a column is found in an LMS course.

    It ends in the competency's CASE identifier, or says that it is the summary.
    """
    return f"masterybridge/course-{course_id}/{ending}"


def read_column(
    database: Database, ground: Ground, told: Sequence[Delivery]
) -> Mapping[str, Shown]:
    """Return what the column of rows shows; one that is not there shows nothing.

    Raises:
        DeliveryError: it cannot be read.
    """
    return peek_column(database, ground, told)[1]


def peek_column(
    database: Database, ground: Ground, told: Sequence[Delivery]
) -> tuple[bool, Mapping[str, Shown]]:
    """Tell whether the column of rows is there, and what it shows; none is made.

    Raises:
        DeliveryError: it cannot be read.
    """
    key, column = _describe(database, ground, told[0])
    with database.read() as session:
        address = addresses.load_address(session, key)
    try:
        address = address or ground.destination.find_column(column)
        if address is None:
            return False, {}
        return True, ground.read(address, column, told)
    except DeliveryError as error:
        if error.code != "gone":
            raise
        return False, {}


def foresee(database: Database, ground: Ground, first: Delivery) -> str | None:
    """Return why nothing could be sent to the column of a row, None if it could.

    Raises:
        DeliveryError: it cannot be told.
    """
    if not isinstance(ground.destination, Foreseeing):
        return None
    _key, column = _describe(database, ground, first)
    found = ground.destination.foresee(column)
    return None if found is None else str(found)


def lose_column(
    database: Database, ground: Ground, first: Delivery, now: datetime
) -> None:
    """Note that a column is not there any more: nothing could be written to it."""
    key, _column = _describe(database, ground, first)
    with database.write() as session:
        addresses.note_gone(session, key, now)


def _describe(
    database: Database, ground: Ground, first: Delivery
) -> tuple[dict[str, Any], Column]:
    key = {
        "destination": ground.name,
        "course_id": ground.course_id,
        "competency_id": first.competency_id,
        "placement_id": ground.place.placement_id,
        "source_id": ground.place.source_id,
        "kind": _kind(ground.destination),
    }
    if first.competency_id is None:
        return key, _summary_column(database, ground, first)
    with database.read() as session:
        facts = columns.load_facts(session, first.competency_id)
    return key, Column(
        resource_id=_resource_id(ground, facts.case_id),
        title=facts.human_code or facts.statement[:80],
        description=facts.statement,
        maximum=first.maximum,
        case_id=facts.case_id,
        human_code=facts.human_code,
    )


def _summary_column(database: Database, ground: Ground, first: Delivery) -> Column:
    """The column of one grade over all competencies, as the school calls it."""
    with database.read() as session:
        summary = sendings.load_sending(session, ground.course_id).summary
    title = (summary or GRADE).title
    return Column(
        resource_id=_resource_id(ground, SUMMARY),
        title=title,
        description=title,
        maximum=first.maximum,
        case_id=None,
    )


def _resource_id(ground: Ground, ending: str) -> str:
    where = ground.place.class_sourced_id
    if where is None:
        return lms_column_id(ground.course_id, ending)
    return f"masterybridge/{where}/{ending}"


def _make(
    database: Database,
    ground: Ground,
    key: dict[str, Any],
    column: Column,
    now: datetime,
) -> str:
    """Make a column; one worker does, so that an LMS never has two.

    After a time-out nobody knows whether it was made: it is only looked for until
    the reservation ends. A SIS that takes ids of ours has one however often it is made.
    """
    if ground.place.placement_id is None and not _makes_twice(ground.destination):
        return ground.destination.make_column(column)
    with database.write() as session:
        is_ours = addresses.reserve(
            session, key, column.resource_id, column.maximum, now
        )
    if not is_ours:
        raise DeliveryError(
            "the column is being made there", "column_busy", permanent=False
        )
    try:
        return ground.destination.make_column(column)
    except DeliveryError as error:
        if error.code != "timeout":
            with database.write() as session:
                addresses.forget_address(session, key)
        raise


def _kind(destination: Destination) -> str | None:
    return destination.column_kind if isinstance(destination, OfKind) else None


def _makes_twice(destination: Destination) -> bool:
    return isinstance(destination, OfKind) and destination.makes_twice


def _find_again(
    database: Database,
    ground: Ground,
    key: dict[str, Any],
    column: Column,
    now: datetime,
) -> str:
    with database.write() as session:
        addresses.note_gone(session, key, now)
    address = ground.destination.find_column(column)
    if address is None:
        raise DeliveryError(_GONE, "column_gone", permanent=True)
    _remember(database, key, column, address, now)
    return address


def _remember(
    database: Database,
    key: dict[str, Any],
    column: Column,
    address: str,
    now: datetime,
) -> None:
    with database.write() as session:
        addresses.save_address(
            session,
            key,
            address=address,
            resource_id=column.resource_id,
            maximum=column.maximum,
            now=now,
        )
