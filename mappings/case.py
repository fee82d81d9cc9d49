"""CASE packages to frameworks and back, nothing lost.

Reading is lenient: what deviates from the standard is a Problem beside the
framework, and every field we do not know stays in a payload. Writing gives the
document that was read; what CASE demands and a framework made here does not
hold is filled in, and left out again on reading.

Source: CASE 1.0 and 1.1, CFPackage (facts/competencies.md section 1).
"""

from collections.abc import Collection, Iterable, Mapping

from mappings.case_checks import Problems, deviations, graph_problems
from mappings.case_fields import (
    ASSOCIATION,
    COMPETENCY,
    DOCUMENT,
    EPOCH,
    Record,
    format_fields,
    parse_fields,
    urn,
)
from mappings.errors import FrameworkError
from mappings.frameworks import Association, Competency, Framework, Problem

WANTED = (
    "give a CASE package: a JSON object with CFDocument, CFItems and CFAssociations"
)
LISTS = ("CFItems", "CFAssociations")
ENDS = ("originNodeURI", "destinationNodeURI")


def parse_case(document: object) -> tuple[Framework, tuple[Problem, ...]]:
    """The framework a CASE package holds, and what was wrong with it.

    The package may be bare or wrapped as ``{"CFPackage": {...}}``.

    Raises:
        FrameworkError: it is not a CASE package; says what was found and what
            to give.
    """
    package = _package(document)
    head = package.get("CFDocument")
    if not isinstance(head, Mapping) or not isinstance(head.get("identifier"), str):
        raise FrameworkError(
            "CFDocument has no identifier, which names the framework; " + WANTED
        )
    problems: Problems = []
    typed, payload = parse_fields(head, DOCUMENT)
    problems += deviations(head, "CFDocument", DOCUMENT)
    competencies, unread_items = _competencies(package.get("CFItems"), problems)
    associations, unread_edges = _associations(package.get("CFAssociations"), problems)
    rest = {name: value for name, value in package.items() if name not in LISTS}
    del rest["CFDocument"]
    rest |= {
        name: unread
        for name, unread in zip(LISTS, (unread_items, unread_edges), strict=True)
        if unread
    }
    framework = Framework(
        **typed,
        competencies=competencies,
        associations=associations,
        payload=payload,
        package=rest,
    )
    problems += graph_problems(framework)
    return framework, tuple(problems)


def parse_associations(
    document: object, known: Collection[str] | None = None
) -> tuple[tuple[Association, ...], tuple[Problem, ...]]:
    """The associations of a file that holds them alone, and what was wrong.

    With ``known``, the GUIDs of all frameworks held, an edge that names
    something else is kept and reported.

    Raises:
        FrameworkError: there is no CFAssociations in it.
    """
    if not isinstance(document, Mapping) or not isinstance(
        document.get("CFAssociations"), list
    ):
        raise FrameworkError(
            f"no CASE associations: found {_found(document)}; "
            'give a JSON object {"CFAssociations": [...]}'
        )
    problems: Problems = []
    associations, _ = _associations(document["CFAssociations"], problems)
    if known is not None:
        problems += [
            Problem("dangling_edge", edge.case_id, f"{edge.kind} names unknown {end}")
            for edge in associations
            for end in (edge.origin_case_id, edge.destination_case_id)
            if end not in known
        ]
    return associations, tuple(problems)


def format_case(framework: Framework) -> dict[str, object]:
    """The bare CASE package of a framework; parse_case gives the framework back."""
    unread = {name: framework.package.get(name, ()) for name in LISTS}
    return {
        "CFDocument": format_fields(framework, DOCUMENT),
        "CFItems": [
            *(format_fields(item, COMPETENCY) for item in framework.competencies),
            *_records(unread["CFItems"]),
        ],
        "CFAssociations": [
            *format_associations(framework.associations),
            *_records(unread["CFAssociations"]),
        ],
    } | {
        name: value for name, value in framework.package.items() if name not in LISTS
    }
