"""A published tree of competencies, its edges, and walks over them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from operator import itemgetter

from mappings.errors import FrameworkError

IS_CHILD_OF = "isChildOf"
PRECEDES = "precedes"

Payload = Mapping[str, object]

_Natural = tuple[tuple[int, int, str], ...]
_Place = tuple[bool, int, _Natural, _Natural, str]
_BY_PLACE = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in what was read, that did not stop the reading.

    ``code`` is one word for counting, ``record`` the GUID or the place,
    ``text`` a sentence that says what was found.
    """

    code: str
    record: str
    text: str


@dataclass(frozen=True, slots=True)
class Competency:
    """One thing a student can come to know or do.

    ``case_id`` is the GUID and the only key; ``human_code`` is short, shown,
    and may be empty or used twice. ``payload`` keeps every other CASE field.
    """

    case_id: str
    statement: str = ""
    human_code: str = ""
    abbreviated: str = ""
    kind: str = ""
    education_levels: tuple[str, ...] = ()
    language: str = ""
    list_enumeration: str = ""
    payload: Payload = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """What names it in a list: its code, else its short or full statement."""
        return self.human_code or self.abbreviated or self.statement or self.case_id


@dataclass(frozen=True, slots=True)
class Association:
    """A typed edge between two nodes, named by GUID.

    Ends may lie outside the framework: an isChildOf of the document itself, a
    crosswalk to another framework. ``payload`` keeps every other CASE field.
    """

    case_id: str
    kind: str
    origin_case_id: str
    destination_case_id: str
    sequence: int | None = None
    payload: Payload = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Framework:
    """A published tree of competencies, in the publisher's order.

    ``payload`` keeps the document's other fields, ``package`` what lies beside
    it: CFDefinitions, CFRubrics, extensions, and records that have no GUID.
    ``creator`` is never empty: where none is named, the publisher is it.
    """

    case_id: str
    title: str = ""
    version: str = ""
    publisher: str = ""
    language: str = ""
    creator: str = ""
    competencies: tuple[Competency, ...] = ()
    associations: tuple[Association, ...] = ()
    payload: Payload = field(default_factory=dict, hash=False)
    package: Payload = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Name a creator, which CASE demands of every document."""
        if not self.creator:
            object.__setattr__(self, "creator", self.publisher or "unknown")

    @cached_property
    def by_case_id(self) -> Mapping[str, Competency]:
        """Each competency under its GUID."""
        return {competency.case_id: competency for competency in self.competencies}

    @cached_property
    def children_by_parent(self) -> Mapping[str, tuple[Competency, ...]]:
        """The children of each parent GUID, the document's own included, in order.

        Order: sequenceNumber of the edge, then listEnumeration, then code.
        """
        rows: dict[str, dict[str, tuple[_Place, Competency]]] = {}
        for edge in self.edges(IS_CHILD_OF):
            child = self.by_case_id.get(edge.origin_case_id)
            if child is not None:
                row = (_place(edge, child), child)
                rows.setdefault(edge.destination_case_id, {})[child.case_id] = row
        return {
            parent: tuple(child for _, child in sorted(row.values(), key=_BY_PLACE))
            for parent, row in rows.items()
        }

    @cached_property
    def parents_by_child(self) -> Mapping[str, tuple[str, ...]]:
        """The GUIDs of the parents of each competency, the document left out."""
        parents: dict[str, dict[str, None]] = {}
        for edge in self.edges(IS_CHILD_OF):
            if edge.destination_case_id in self.by_case_id:
                parents.setdefault(edge.origin_case_id, {})[
                    edge.destination_case_id
                ] = None
        return {child: tuple(found) for child, found in parents.items()}

    def edges(self, kind: str) -> Iterator[Association]:
        """Yield the associations of one kind, in the publisher's order."""
        return (edge for edge in self.associations if edge.kind == kind)

    def roots(self) -> tuple[Competency, ...]:
        """The competencies at the top: children of the document, then orphans."""
        top = self.children_by_parent.get(self.case_id, ())
        placed = {competency.case_id for competency in top}
        orphans = (
            competency
            for competency in self.competencies
            if competency.case_id not in placed
            and competency.case_id not in self.parents_by_child
        )
        return (*top, *orphans)

    def children(self, case_id: str) -> tuple[Competency, ...]:
        """The competencies directly under case_id, in order; none for a leaf."""
        return self.children_by_parent.get(case_id, ())

    def is_leaf(self, case_id: str) -> bool:
        """Tell whether nothing lies under case_id."""
        return case_id not in self.children_by_parent

    def ancestors(self, case_id: str) -> tuple[Competency, ...]:
        """The competencies above case_id, nearest first, each once."""
        found: dict[str, None] = {}
        layer: Sequence[str] = (case_id,)
        while layer:
            above = [
                parent
                for child in layer
                for parent in self.parents_by_child.get(child, ())
                if parent not in found and parent != case_id
            ]
            found |= dict.fromkeys(above)
            layer = above
        return tuple(self.by_case_id[parent] for parent in found)

    def in_order(self) -> Iterator[tuple[Competency, int]]:
        """Yield every competency once with its depth, as a reader meets them.

        One in a ring of parents hangs from no root; it comes last, at depth 0.
        """
        seen: set[str] = set()
        for start in (*self.roots(), *self.competencies):
            stack = [(start, 0)]
            while stack:
                competency, depth = stack.pop()
                if competency.case_id not in seen:
                    seen.add(competency.case_id)
                    yield competency, depth
                    below = self.children(competency.case_id)
                    stack += [(child, depth + 1) for child in reversed(below)]

    def precedes(self) -> tuple[tuple[str, str], ...]:
        """Each prerequisite edge once, (earlier, later), both ends inside."""
        return tuple(
            dict.fromkeys(
                (edge.origin_case_id, edge.destination_case_id)
                for edge in self.edges(PRECEDES)
                if edge.origin_case_id in self.by_case_id
                and edge.destination_case_id in self.by_case_id
            )
        )

    def extended(self, associations: Iterable[Association]) -> "Framework":
        """This framework with more associations; one already there is not added."""
        held = {edge.case_id for edge in self.associations}
        fresh = {
            edge.case_id: edge for edge in associations if edge.case_id not in held
        }
        return replace(self, associations=(*self.associations, *fresh.values()))


def topological(edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Every node of (earlier, later) edges, earlier ones first.

    Raises:
        FrameworkError: the edges close a ring; its path is named.
    """
    try:
        return tuple(_sorter(edges).static_order())
    except CycleError as error:
        raise FrameworkError(ring_text(error.args[1], {})) from error


def ring(edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The path of a ring that (earlier, later) edges close, its start again at its end.

    Empty if they close none.
    """
    try:
        _sorter(edges).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def ring_text(path: Sequence[str], labels: Mapping[str, str]) -> str:
    """What is said of a ring: its path in the codes people know, and the mend."""
    named = " -> ".join(labels.get(one, one) for one in path)
    return f"edges close a ring: {named}; remove one of them"


def _sorter(edges: Iterable[tuple[str, str]]) -> TopologicalSorter[str]:
    """A sorter that knows the edges."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for earlier, later in edges:
        sorter.add(later, earlier)
    return sorter


def _place(edge: Association, child: Competency) -> _Place:
    """Where a child stands among its siblings; one without a number comes last."""
    return (
        edge.sequence is None,
        edge.sequence or 0,
        _natural(child.list_enumeration),
        _natural(child.human_code),
        child.case_id,
    )


def _natural(text: str) -> _Natural:
    """The parts of text such that "2." comes before "10."."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.findall(r"\d+|\D+", text)
    )
