"""Where the outcomes of a course go: its place there, its people, its columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import (
    SUMMARY,
    Closing,
    Column,
    Destination,
    Foreseeing,
    OfKind,
    Shown,
)
from lti_tool.storage import columns, lms_places, sendings
from lti_tool.storage import told as stored_told
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database, Session
from lti_tool.storage.outbox import Delivery
from lti_tool.storage.told import Key, Sent
from mappings.summary import GRADE

Connect = Callable[[str, Place], Destination]
_LoadPeople = Callable[[Session, Place, Collection[int] | None], dict[int, str]]

_NO_PLACE: Final = {
    "ags": "this course was never opened from an LMS that offers grade columns; "
    "open the tool once from the course",
    "oneroster": "this course has no SIS class from a OneRoster REST source; "
    "add the source and sync",
    "moodle": "this course was never opened from a Moodle whose web services we know; "
    "give the platform their address and a token, and open the tool once from the "
    "course",
    "canvas": "this course was never opened from a Canvas whose REST API is connected; "
    "connect it, then open the tool once from the course",
}
_PLACES: Final[Mapping[str, Callable[[Session, int], Place | None]]] = {
    "ags": columns.load_ags_place,
    "oneroster": columns.load_sis_place,
    "moodle": partial(lms_places.load_lms_place, vendor="moodle"),
    "canvas": partial(lms_places.load_lms_place, vendor="canvas"),
}
# What people are called there; by the platform's sub or the SIS's id where not said.
_PEOPLE: Final[Mapping[str, _LoadPeople]] = {
    "canvas": lms_places.load_numbers,
}
_PLACE_GONE: Final = (
    "the tool was removed from this course in the LMS, or may not write there any "
    "more. Opening it from the course brings it back, and so does: masterybridge "
    "outcomes deliver"
)
_GONE: Final = (
    "the column was removed there. It is made anew when you say so: Send again, or "
    "masterybridge outcomes deliver"
)


DESTINATIONS: Final = tuple(_PLACES)


def has_place(session: Session, name: str, course_id: int) -> bool:
    """Tell whether a course has a place that a destination could write to."""
    return _PLACES[name](session, course_id) is not None


@dataclass(frozen=True, slots=True)
class Ground:
    """What the deliveries of one course to one destination stand on."""

    name: str
    course_id: int
    destination: Destination
    place: Place
    recipients: Mapping[int, str]
    told: Mapping[Key, Delivery]
    sent: Mapping[Key, Sent]

    def read(
        self, address: str, column: Column, rows: Sequence[Delivery]
    ) -> Mapping[str, Shown]:
        """Return what a column shows of those that rows are about, by recipient.

        Raises:
            DeliveryError: it cannot be read.
        """
        people = sorted({row.person_id for row in rows} & self.recipients.keys())
        who = [self.recipients[one] for one in people]
        return self.destination.read(address, column, who)

    def close(self) -> None:
        """Let other workers go there, where only one may at a time."""
        if isinstance(self.destination, Closing):
            self.destination.close()


def open_ground(
    database: Database,
    connect: Connect,
    where: tuple[str, int],
    now: datetime,
    *,
    persons: Collection[int] | None = None,
) -> Ground:
    """Return what deliveries of a course stand on; may ask who is who there.

    where: the destination and the course. persons: what is known of these alone.

    Raises:
        DeliveryError: the course has no such place, it is gone, it asked us to wait,
            or it is not reached.
    """
    name, course_id = where
    with database.read() as session:
        place = load_place(session, name, course_id)
        told = stored_told.load_told(session, name, course_id, persons)
        sent = stored_told.load_sent(session, name, course_id, persons)
    if place.gone_at is not None:
        raise DeliveryError(_PLACE_GONE, "place_gone", permanent=True)
    if place.busy_until is not None and place.busy_until > now:
        raise DeliveryError(
            "it asked us to wait",
            "busy",
            permanent=False,
            retry_after=(place.busy_until - now).total_seconds(),
        )
    destination = connect(name, place)
    with database.read() as session:
        recipients = _PEOPLE.get(name, columns.load_recipients)(session, place, persons)
    return Ground(name, course_id, destination, place, recipients, told, sent)


def load_place(session: Session, name: str, course_id: int) -> Place:
    """Return where the outcomes of a course go.

    Raises:
        DeliveryError: the course has no such place.
    """
    place = _PLACES[name](session, course_id)
    if place is None:
        raise DeliveryError(_NO_PLACE[name], "no_place", permanent=True)
    return place


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
        address = columns.load_address(session, key)
        is_other = columns.has_other_maximum(session, key, column.maximum)
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
        is_gone = columns.is_gone(session, key)
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
        address = columns.load_address(session, key)
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
        columns.note_gone(session, key, now)


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
        is_ours = columns.reserve(session, key, column.resource_id, column.maximum, now)
    if not is_ours:
        raise DeliveryError(
            "the column is being made there", "column_busy", permanent=False
        )
    try:
        return ground.destination.make_column(column)
    except DeliveryError as error:
        if error.code != "timeout":
            with database.write() as session:
                columns.forget_address(session, key)
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
        columns.note_gone(session, key, now)
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
        columns.save_address(
            session,
            key,
            address=address,
            resource_id=column.resource_id,
            maximum=column.maximum,
            now=now,
        )
