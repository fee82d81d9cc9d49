"""The gradebooks of LMSes as evidence is read from them: by the vendor's own interface.

AGS has to tell one thing: which columns are ours, so that what we wrote is not read
back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_gradebook import CanvasGradebook, OwnColumns
from lti_tool.platforms.gradebook import Gradebook
from lti_tool.platforms.grades import AgsLineItem
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.moodle_gradebook import MoodleGradebook, OwnItems
from lti_tool.settings import Settings
from lti_tool.storage import lms_gradebooks as stored
from lti_tool.storage import placements, registrations
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import Registration
from lti_tool.work.canvas import Canvases, course_number
from lti_tool.work.competencies import web_services
from lti_tool.work.lms import Lms
from lti_tool.work.turns import patiently

# Moodle: the address of a line item names the grade item; seen 2026-11,
# mod/lti/service/gradebookservices.
_GRADE_ITEM: Final = re.compile(r"/lineitems/(\d+)/lineitem$")
# A course whose gradebook is not offered to us has no columns that we made by AGS.
_NO_AGS: Final = frozenset({"no_service", "no_scope"})


@dataclass(frozen=True, slots=True)
class Ways:
    """How the LMSes are reached: by LTI, and Canvas by its own interface."""

    database: Database
    settings: Settings
    lms: Lms
    canvases: Canvases


@dataclass(frozen=True, slots=True)
class _Spot:
    """A placement whose gradebook is to be read, what there is ours, and its class."""

    placement: dict[str, Any]
    registration: Registration
    items: tuple[AgsLineItem, ...]
    addresses: Collection[str]
    links: Collection[str]
    students: Sequence[str]


def open_gradebook(ways: Ways, placement_id: int) -> Gradebook:
    """Return the gradebook of a placement's course; asks there what in it is ours.

    Raises:
        ConfigError: the platform has no address or no token for its own interface, is
            disabled, or the address is none we go to.
        DeliveryError: no_reader, we know no interface of its vendor that tells grades;
            turn, another worker is at it;
            no_place, what the course is called there is not known; or it was not
            learnt which columns are ours.
        NotFoundError: no such placement.
    """
    with ways.database.read() as session:
        placement = placements.load_placement(session, placement_id)
        held = registrations.load_registration(session, placement["registration_id"])
        addresses = stored.load_own_addresses(session, placement_id)
        links = stored.load_own_links(session, placement_id)
        students = stored.load_subjects(session, placement_id)
    opened = _KINDS.get(held.vendor)
    if opened is None:
        raise DeliveryError(
            f"grades are read from Canvas and Moodle alone; platform {held.id} is "
            f"registered as {held.vendor}",
            "no_reader",
            permanent=True,
        )
    items = _own_items(ways.lms, placement_id)
    return opened(ways, _Spot(placement, held, items, addresses, links, students))


def reads(vendor: str) -> bool:
    """Tell whether grades can be read from the platforms of a vendor."""
    return vendor in _KINDS


def _own_items(lms: Lms, placement_id: int) -> tuple[AgsLineItem, ...]:
    """Return our columns as the LMS lists them; it lists a tool its own alone.

    Raises:
        DeliveryError: it does not tell; without that nothing may be read.
    """
    try:
        return tuple(lms.grades(placement_id).find_line_items())
    except DeliveryError as error:
        if error.code in _NO_AGS:
            return ()
        raise


def _canvas(ways: Ways, spot: _Spot) -> Gradebook:
    placement = spot.placement
    services = placement["nrps_url"] or placement["ags_line_items_url"]
    number = course_number(Place(services_url=services))
    if number is None:
        raise DeliveryError(
            "Canvas has not told which course this is there; switch Names and Roles on "
            "for the tool in Canvas, then open the tool once more",
            "no_place",
            permanent=True,
        )
    # Canvas: a deployment is named by the tool's number and its context; seen 2026-11,
    # lib/lti/messages/jwt_message.rb.
    tool = str(placement["lti_deployment_id"]).partition(":")[0]
    own = OwnColumns(
        tool=tool if tool.isdecimal() else None,
        url=ways.settings.public_url.rstrip("/") + "/",
        labels=frozenset((one.label, one.score_maximum) for one in spot.items),
    )
    way = partial(patiently, partial(ways.canvases.rest, spot.registration.id))
    way().close()  # seen to open, before anybody counts on it
    return CanvasGradebook(way, number, own)


def _moodle(ways: Ways, spot: _Spot) -> Gradebook:
    session = GuardedSession(ways.settings.local_hosts)
    services = web_services(ways.settings, spot.registration, session)
    course = str(spot.placement["context_id"])
    if not course.isdecimal():
        raise DeliveryError(
            "Moodle has not told which course this is; open the tool once from the "
            "course",
            "no_place",
            permanent=True,
        )
    addresses = {*spot.addresses, *(one.id for one in spot.items)}
    numbers = (_GRADE_ITEM.search(urlsplit(one).path) for one in addresses)
    own = OwnItems(
        items=frozenset(int(found[1]) for found in numbers if found),
        links=frozenset(int(one) for one in spot.links if one.isdecimal()),
    )
    return MoodleGradebook(services, course, own, spot.students)


_KINDS: Final[MappingProxyType[str, Callable[[Ways, _Spot], Gradebook]]] = (
    MappingProxyType({"canvas": _canvas, "moodle": _moodle})
)
