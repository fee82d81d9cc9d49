"""What deviates in a CASE package, as values beside the import."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from mappings.frameworks import (
    IS_CHILD_OF,
    PRECEDES,
    Association,
    Framework,
    Problem,
    ring,
    ring_text,
)

REQUIRED = {
    "CFDocument": ("uri", "creator", "title", "lastChangeDateTime"),
    "CFItems": ("uri", "fullStatement", "lastChangeDateTime"),
    "CFAssociations": (
        "uri",
        "associationType",
        "originNodeURI",
        "destinationNodeURI",
        "lastChangeDateTime",
    ),
}
INNER_KINDS = frozenset({IS_CHILD_OF, PRECEDES, "isPartOf", "hasSkillLevel"})
"""Kinds whose both ends lie inside one framework; others may lead out of it."""


def record_problems(
    name: str, record: Mapping[str, object], odd: Iterable[str]
) -> Iterator[Problem]:
    """Yield what one record lacks, and its fields that are not what they must be."""
    case_id = str(record["identifier"])
    for field in REQUIRED[name]:
        if not record.get(field):
            text = f"{name} {case_id} has no {field}; read without it"
            yield Problem("missing_field", case_id, text)
    for field in odd:
        text = (
            f"{name} {case_id}: {field} is {type(record[field]).__name__} where CASE "
            "has another kind; kept and not used"
        )
        yield Problem("odd_field", case_id, text)


def graph_problems(framework: Framework) -> tuple[Problem, ...]:
    """The edges of a framework that lead nowhere, and its rings."""
    known = {framework.case_id, *framework.by_case_id}
    inner = [edge for edge in framework.associations if edge.kind in INNER_KINDS]
    outer = [
        edge
        for edge in framework.associations
        if edge.kind not in INNER_KINDS
        and edge.origin_case_id not in known
        and edge.destination_case_id not in known
    ]
    parents = [
        (parent, child)
        for child, found in framework.parents_by_child.items()
        for parent in found
    ]
    return (
        *edge_problems([*inner, *outer], known),
        *_ring_problems(framework, PRECEDES, framework.precedes()),
        *_ring_problems(framework, IS_CHILD_OF, parents),
    )


def edge_problems(
    edges: Iterable[Association], known: Collection[str]
) -> tuple[Problem, ...]:
    """One problem for each end of edges that is not known."""
    return tuple(
        Problem(
            "dangling_edge",
            edge.case_id,
            f"{edge.kind or 'association'} {edge.case_id} names node {end!r}, which is "
            "not here; kept and not followed",
        )
        for edge in edges
        for end in (edge.origin_case_id, edge.destination_case_id)
        if end not in known
    )


def _ring_problems(
    framework: Framework, kind: str, edges: Sequence[tuple[str, str]]
) -> tuple[Problem, ...]:
    """A problem that names the ring edges of one kind close, if they do."""
    path = ring(edges)
    if not path:
        return ()
    labels = {one: framework.by_case_id[one].label for one in path}
    text = f"{kind}: {ring_text(path, labels)}"
    return (Problem("ring", framework.case_id, text),)
