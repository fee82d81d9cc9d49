"""Where our competencies stand in a Moodle: found in its frameworks, or made there.

A competency is found by its CASE identifier, which is its ID number there, else by its
human code if only one has it: a framework that the school has already is used. Scales
cannot be made by web services: a framework is made on one whose items are our levels.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import Column
from lti_tool.platforms.moodle import MoodleError, WebServices
from lti_tool.platforms.moodle_scales import (
    Levels,
    RatingScale,
    format_configuration,
    is_ours,
    parse_configuration,
)
from lti_tool.platforms.moodle_shapes import (
    COMPETENCIES,
    COMPETENCY,
    FRAMEWORK,
    FRAMEWORKS,
    SCALE_VALUES,
    MoodleCompetency,
    MoodleFramework,
)

NAME_LIMIT: Final = 100
_SYSTEM: Final = 1
_HTML: Final = 1
TAXONOMIES: Final = "domain,competency,outcome,skill"
# How many scales are looked at one by one: no web service lists them.
_SCALES: Final = 50
_UNKNOWN_SCALE: Final = "load_items"


@dataclass(frozen=True, slots=True)
class Node:
    """A competency as Moodle is told of it: plain text, and what it hangs from."""

    case_id: str
    code: str
    text: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A framework as Moodle is told of it; parents stand before their children."""

    case_id: str
    title: str
    nodes: Mapping[str, Node]


class Scales:
    """The scales of one Moodle, each read once."""

    def __init__(self, services: WebServices) -> None:
        """Read them there."""
        self._services = services
        self._names: dict[int, tuple[str, ...]] = {}
        self._configurations: dict[int, str] = {}

    def load(self, competency: MoodleCompetency) -> RatingScale:
        """The scale a competency is rated on: its own, else its framework's.

        Raises:
            DeliveryError: it cannot be read, or is not set up.
        """
        text = competency.scaleconfiguration
        if competency.scaleid is None or text is None:
            text = self._configuration(competency.competencyframeworkid)
        scale_id, proficient = parse_configuration(text)
        names = self.names(scale_id)
        if not names:
            raise DeliveryError(
                "the scale of this competency is not in Moodle any more", "scale",
                permanent=True,
            )  # fmt: skip
        return RatingScale(names, proficient, scale_id)

    def names(self, scale_id: int) -> tuple[str, ...]:
        """The items of a scale, lowest first; none of a scale that is not there.

        Raises:
            DeliveryError: it cannot be read.
        """
        if scale_id not in self._names:
            try:
                found = self._services.call(
                    "core_competency_get_scale_values", SCALE_VALUES, scaleid=scale_id
                )
            except MoodleError as error:
                # Moodle 4.5.5: of a scale that is not there it fails without an
                # errorcode; seen 2026-11, competency/classes/external.php.
                if error.errorcode or _UNKNOWN_SCALE not in error.message:
                    raise
                found = []
            self._names[scale_id] = tuple(one.name for one in found)
        return self._names[scale_id]

    def _configuration(self, framework_id: int) -> str:
        if framework_id not in self._configurations:
            found = self._services.call(
                "core_competency_read_competency_framework", FRAMEWORK, id=framework_id
            )
            self._configurations[framework_id] = found.scaleconfiguration
        return self._configurations[framework_id]


class Shelf:
    """The frameworks and scales of one Moodle."""

    def __init__(
        self, services: WebServices, levels: Levels, tree: Callable[[], Tree]
    ) -> None:
        """Look there; tree is our framework, asked for only if something is made."""
        self._services = services
        self._levels = levels
        self._load = tree
        self.scales = Scales(services)

    def place(self, column: Column) -> int:
        """Return the competency's number, made with all it hangs from if need be.

        Raises:
            DeliveryError: it is not there and cannot be made.
        """
        found = self.find(column)
        if found is not None:
            return found.id
        node = self._tree.nodes.get(column.competency)
        if node is None:
            raise DeliveryError(
                "the competency is not in the course's framework", "gone",
                permanent=True,
            )  # fmt: skip
        return self._make(node, self._framework.id)

    def find(self, column: Column) -> MoodleCompetency | None:
        """The competency of a column anywhere on the site, if there is one.

        Raises:
            DeliveryError: it cannot be looked for.
        """
        for name, value in _ways(column):
            found = pick(column, self._search(name, value))
            if found is not None:
                return found
        return None

    def _search(self, name: str, value: str) -> list[MoodleCompetency]:
        return self._services.call(
            "core_competency_list_competencies",
            COMPETENCIES,
            filters=[{"column": name, "value": value}],
            sort="",
            order="",
            skip=0,
            limit=0,
        )

    def _make(self, node: Node, framework_id: int) -> int:
        parent = 0
        above = self._tree.nodes.get(node.parent or "")
        if above is not None:
            held = self._search("idnumber", above.case_id)
            here = [one for one in held if one.competencyframeworkid == framework_id]
            parent = here[0].id if here else self._make(above, framework_id)
        made = self._services.call(
            "core_competency_create_competency",
            COMPETENCY,
            competency={
                "shortname": short_name(node),
                "idnumber": node.case_id,
                "description": description(node.text),
                "descriptionformat": _HTML,
                "competencyframeworkid": framework_id,
                "parentid": parent,
            },
        )
        return made.id

    @cached_property
    def _tree(self) -> Tree:
        return self._load()

    @cached_property
    def _framework(self) -> MoodleFramework:
        """Our framework there, made if it is not."""
        every = self._services.call(
            "core_competency_list_competency_frameworks",
            FRAMEWORKS,
            sort="shortname",
            order="",
            skip=0,
            limit=0,
            context={"contextid": _SYSTEM},
            includes="children",
            onlyvisible=0,
            query="",
        )
        here = [one for one in every if one.idnumber == self._tree.case_id]
        return here[0] if here else self._make_framework()

    def _make_framework(self) -> MoodleFramework:
        scale_id = self._find_scale()
        return self._services.call(
            "core_competency_create_competency_framework",
            FRAMEWORK,
            competencyframework={
                "shortname": shortened(self._tree.title),
                "idnumber": self._tree.case_id,
                "description": description(self._tree.title),
                "descriptionformat": _HTML,
                "visible": 1,
                "scaleid": scale_id,
                "scaleconfiguration": format_configuration(self._levels, scale_id),
                "contextid": _SYSTEM,
                "taxonomies": TAXONOMIES,
            },
        )

    def _find_scale(self) -> int:
        for scale_id in range(1, _SCALES + 1):
            if is_ours(self._levels, self.scales.names(scale_id)):
                return scale_id
        raise DeliveryError(
            "this Moodle has neither the framework nor a scale of our levels ("
            f"{', '.join(self._levels.names)}), and scales cannot be made by web "
            "services; write the framework with masterybridge framework export "
            "--format moodle and import the file in Site administration > Competencies "
            "> Import competency framework",
            "no_scale",
            permanent=True,
        )


def pick(column: Column, found: Sequence[MoodleCompetency]) -> MoodleCompetency | None:
    """The competency of a column among some: by GUID, else the one of its code."""
    by_guid = [one for one in found if one.idnumber == column.case_id]
    if by_guid:
        return by_guid[0]
    by_code = {
        one.id: one
        for one in found
        if column.human_code and column.human_code in {one.idnumber, one.shortname}
    }
    return next(iter(by_code.values())) if len(by_code) == 1 else None


def short_name(node: Node) -> str:
    """What a competency is called in Moodle: its code, else how it begins."""
    return shortened(node.code or node.text or node.case_id)


def shortened(text: str) -> str:
    """Text as a short name of Moodle's: at most 100 characters, nothing like a tag."""
    plain = " ".join(text.replace("<", "\u2039").replace(">", "\u203a").split())
    if len(plain) <= NAME_LIMIT:
        return plain
    whole = plain[: NAME_LIMIT - 1].rpartition(" ")[0]
    return f"{whole or plain[: NAME_LIMIT - 1]}…"


def description(text: str) -> str:
    """Text, whole, as HTML that Moodle takes as it is."""
    return html.escape(text.strip(), quote=False)


def _ways(column: Column) -> Iterable[tuple[str, str]]:
    by_code = (("idnumber", column.human_code), ("shortname", column.human_code))
    return chain(
        (("idnumber", column.competency),),
        ((name, code) for name, code in by_code if code),
    )
