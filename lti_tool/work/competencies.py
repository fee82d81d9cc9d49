"""The competency records of platforms as destinations, and our frameworks for them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Final

from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.destination import Destination
from lti_tool.platforms.http import GuardedSession, check_url
from lti_tool.platforms.moodle import WebServices
from lti_tool.platforms.moodle_competencies import MoodleCourse
from lti_tool.platforms.moodle_scales import Levels, format_configuration
from lti_tool.platforms.moodle_shelf import (
    TAXONOMIES,
    Node,
    Shelf,
    Tree,
    description,
    short_name,
    shortened,
)
from lti_tool.platforms.profiles import profile
from lti_tool.settings import Settings
from lti_tool.storage import curriculum, frameworks, registrations, secrets
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import Registration
from lti_tool.work import scale_maps
from lti_tool.work.statements import plain
from mappings.frameworks import Framework
from mappings.scales import Scale

# The columns of Moodle's import, in its order; the header's words are its own.
COLUMNS: Final = (
    "Parent ID number",
    "ID number",
    "Short name",
    "Description",
    "Description format",
    "Scale values",
    "Scale configuration",
    "Rule type (optional)",
    "Rule outcome (optional)",
    "Rule config (optional)",
    "Cross-referenced competency ID numbers",
    "Exported ID (optional)",
    "Is framework",
    "Taxonomy",
)
_HTML: Final = "1"


def connect(
    database: Database, settings: Settings, destination: str, place: Place
) -> Destination:
    """Return the competency record of a place.

    Raises:
        DeliveryError: the platform has none that we know, or no token.
        ConfigError: its address is not one we go to.
    """
    with database.read() as session:
        held = registrations.load_registration(session, place.registration_id or 0)
    if held.vendor != destination:
        raise DeliveryError(
            f"the course's platform is registered as {held.vendor}, not as "
            f"{destination}",
            "no_place",
            permanent=True,
        )
    return _KINDS[destination](database, settings, held, place)


def web_services(
    settings: Settings, held: Registration, network: GuardedSession
) -> WebServices:
    """Return the web services of a platform, with the token it was given.

    Raises:
        ConfigError: no address, no token, or an address we do not go to.
    """
    if not held.outcomes_url or not held.outcomes_token:
        raise ConfigError(
            f"platform {held.id} has no address or no token for its web services; "
            f"give both: masterybridge platform edit {held.id} --outcomes-url URL "
            "--outcomes-token-file FILE"
        )
    check_url(held.outcomes_url, local_hosts=settings.local_hosts)
    token = secrets.decrypt(held.outcomes_token, settings.load_secret_key())
    return WebServices(network, held.outcomes_url, token)


def interface_of(vendor: str) -> str | None:
    """What the interface to a vendor's competency records is called; None: none."""
    probe = profile(vendor).outcomes_probe if vendor in _KINDS else None
    return None if probe is None else probe.interface


def levels_of(scale: Scale) -> Levels:
    """Our levels as a record of competencies is told of them."""
    return Levels(
        tuple(level.name for level in scale.levels),
        scale.levels.index(scale.mastery_level),
    )


def tree_of(framework: Framework) -> Tree:
    """A framework as another system is told of it: in order, under one parent each."""
    seen: dict[str, Node] = {}
    for one, _depth in framework.in_order():
        # Of several parents the first that already stands there.
        above = [
            parent
            for parent in framework.parents_by_child.get(one.case_id, ())
            if parent in seen
        ]
        if one.case_id not in seen:
            seen[one.case_id] = Node(
                one.case_id,
                one.human_code or plain(one.abbreviated),
                plain(one.statement),
                above[0] if above else None,
            )
    return Tree(framework.case_id, framework.title, MappingProxyType(seen))


def format_import(framework: Framework, scale: Scale) -> str:
    """Write a framework with its scale as the file that Moodle imports.

    Moodle makes the scale with it if it has none of these items.
    Source: facts/moodle.md section 9, CSV.
    """
    tree, levels = tree_of(framework), levels_of(scale)
    written = io.StringIO()
    table = csv.DictWriter(written, COLUMNS, restval="", lineterminator="\r\n")
    table.writeheader()
    table.writerow(
        {
            "ID number": tree.case_id,
            "Short name": shortened(tree.title),
            "Description": description(tree.title),
            "Description format": _HTML,
            "Scale values": ",".join(name.replace(",", ";") for name in levels.names),
            # The number of the scale is filled in by the import.
            "Scale configuration": format_configuration(levels, 0),
            "Is framework": "1",
            "Taxonomy": TAXONOMIES,
        }
    )
    for node in tree.nodes.values():
        table.writerow(
            {
                "Parent ID number": node.parent or "",
                "ID number": node.case_id,
                "Short name": short_name(node),
                "Description": description(node.text),
                "Description format": _HTML,
            }
        )
    return written.getvalue()


def _moodle(
    database: Database, settings: Settings, held: Registration, place: Place
) -> Destination:
    services = web_services(settings, held, GuardedSession(settings.local_hosts))
    with database.read() as session:
        plan = curriculum.load_plan(session, place.course_id or 0)
    levels = levels_of(plan.scale)
    shelf = Shelf(services, levels, partial(_load_tree, database, plan.framework_id))
    meaning = scale_maps.meaning(
        database, levels, registration_id=held.id, course_id=place.course_id or 0
    )
    return MoodleCourse(
        services, course=place.context_id or "", meaning=meaning, shelf=shelf
    )


def _load_tree(database: Database, framework_id: int | None) -> Tree:
    if framework_id is None:
        raise DeliveryError("the course has no framework", "no_place", permanent=True)
    with database.read() as session:
        return tree_of(frameworks.load_package(session, framework_id))


_KINDS: Final[
    MappingProxyType[
        str, Callable[[Database, Settings, Registration, Place], Destination]
    ]
] = MappingProxyType({"moodle": _moodle})
