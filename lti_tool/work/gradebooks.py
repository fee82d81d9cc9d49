"""Where the outcomes of a course go: its place there, its people, its columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import (
    Closing,
    Column,
    Destination,
    Shown,
)
from lti_tool.storage import columns, lms_places
from lti_tool.storage import told as stored_told
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database, Session
from lti_tool.storage.outbox import Delivery
from lti_tool.storage.told import Key, Sent

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
