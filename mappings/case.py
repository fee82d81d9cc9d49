"""CASE packages to frameworks and back, nothing lost.

Reading is lenient: what deviates from the standard is a Problem beside the
framework, and every field we do not know stays in a payload. Writing gives the
document that was read; what CASE demands and a framework made here does not
hold is filled in, and left out again on reading.

Source: CASE 1.0 and 1.1, CFPackage (facts/competencies.md section 1).
"""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from mappings.case_fields import (
    EPOCH,
    Fields,
    Record,
    format_node,
    format_record,
    urn,
)
from mappings.case_problems import edge_problems, graph_problems, record_problems
from mappings.errors import FrameworkError
from mappings.frameworks import Association, Competency, Framework, Problem

WANTED = (
    "give a CASE package, a JSON object with CFDocument, CFItems and CFAssociations"
)
Read = TypeVar("Read", Competency, Association)
LISTS = ("CFItems", "CFAssociations")


def parse_case(document: object) -> tuple[Framework, tuple[Problem, ...]]:
    """The framework a CASE package holds, and what was wrong with it.

    The package may be bare or wrapped as ``{"CFPackage": {...}}``. A record
    without GUID, or with one used before, stays in ``Framework.package``.

    Raises:
        FrameworkError: it is not a CASE package; says what was found and what
            to give.
    """
    package = _package(document)
    fields = Fields(_head(package))
    items, odd_items, problems = _records(package, "CFItems", _competency)
    edges, odd_edges, edge_faults = _records(package, "CFAssociations", _association)
    rest = {
        name: value
        for name, value in package.items()
        if name != "CFDocument" and name not in LISTS
    }
    rest |= {
        name: odd
        for name, odd in zip(LISTS, (odd_items, odd_edges), strict=True)
        if odd
    }
    framework = _framework(fields, items, edges, rest)
    return framework, (
        *record_problems("CFDocument", _head(package), fields.odd),
        *problems,
        *edge_faults,
        *graph_problems(framework),
    )


def parse_associations(
    document: object, known: Collection[str] | None = None
) -> tuple[tuple[Association, ...], tuple[Problem, ...]]:
    """The associations of a file that holds them alone, and what was wrong.

    With ``known``, the GUIDs of every framework held, an edge that names
    another node is kept and reported.

    Raises:
        FrameworkError: there is no CFAssociations in it.
    """
    if not isinstance(document, Mapping) or "CFAssociations" not in document:
        raise FrameworkError(
            f"found {_found(document)}, which holds no CASE associations; "
            'give a JSON object {"CFAssociations": [...]}'
        )
    edges, _, problems = _records(document, "CFAssociations", _association)
    dangling = () if known is None else edge_problems(edges, known)
    return edges, (*problems, *dangling)


def format_case(framework: Framework) -> Record:
    """The bare CASE package of a framework; parse_case gives the framework back."""
    items = [format_competency(item) for item in framework.competencies]
    edges = [format_association(edge) for edge in framework.associations]
    odd = {name: _listed(framework.package.get(name)) for name in LISTS}
    return {
        **framework.package,
        "CFDocument": format_document(framework),
        "CFItems": [*items, *odd["CFItems"]],
        "CFAssociations": [*edges, *odd["CFAssociations"]],
    }


def _package(document: object) -> Mapping[str, object]:
    """The package itself, out of its wrapping."""
    inner = document.get("CFPackage") if isinstance(document, Mapping) else None
    package = document if inner is None else inner
    if isinstance(package, Mapping) and "CFDocument" in package:
        return package
    if isinstance(package, Mapping) and "CFAssociations" in package:
        raise FrameworkError(
            "found CASE associations alone, without the framework they belong to; "
            "import the framework first, then these"
        )
    raise FrameworkError(f"found {_found(package)}, not a CASE package; {WANTED}")


def _head(package: Mapping[str, object]) -> Mapping[str, object]:
    """The CFDocument of a package."""
    head = package["CFDocument"]
    if not isinstance(head, Mapping) or not (
        isinstance(head.get("identifier"), str) and head["identifier"]
    ):
        raise FrameworkError(
            "found a CFDocument without identifier, by which a framework is known "
            f"again; {WANTED}"
        )
    return head


def _found(document: object) -> str:
    """What document is, for people."""
    if isinstance(document, Mapping):
        names = ", ".join(str(name) for name in list(document)[:5])
        return f"a JSON object with {names}" if names else "an empty JSON object"
    if isinstance(document, list):
        return f"a JSON list of {len(document)}"
    return f"a bare {type(document).__name__}"


def _listed(value: object) -> list[object]:
    """The records of a field: a list, or what stands in its place."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _records(
    package: Mapping[str, object], name: str, read: Callable[[Fields], Read]
) -> tuple[tuple[Read, ...], list[object], list[Problem]]:
    """The records of one list under their GUIDs, those without one, and faults."""
    found: dict[str, Read] = {}
    odd: list[object] = []
    problems: list[Problem] = []
    for place, record in enumerate(_listed(package.get(name))):
        known = record if isinstance(record, Mapping) else {}
        fields = Fields(known)
        value = read(fields)
        fault = _fault(value, found, f"{name}[{place}]")
        if fault is None:
            found[value.case_id] = value
            problems += record_problems(name, known, fields.odd)
        else:
            odd.append(record)
            problems.append(fault)
    return tuple(found.values()), odd, problems


def _fault(
    value: Competency | Association, found: Collection[str], where: str
) -> Problem | None:
    """Why a record cannot be held under its GUID, or None."""
    if not value.case_id:
        text = f"{where} has no identifier and is kept unread"
        return Problem("no_identifier", where, text)
    if value.case_id in found:
        text = f"{where} repeats identifier {value.case_id}; the first one stands"
        return Problem("duplicate", value.case_id, text)
    return None


def _framework(
    fields: Fields,
    competencies: tuple[Competency, ...],
    associations: tuple[Association, ...],
    package: Record,
) -> Framework:
    """The framework out of its CFDocument and what lies beside it."""
    case_id = fields.text("identifier")
    return Framework(
        case_id=case_id,
        title=fields.text("title"),
        version=fields.text("version"),
        publisher=fields.text("publisher"),
        language=fields.text("language"),
        creator=fields.text("creator"),
        competencies=competencies,
        associations=associations,
        payload=fields.rest(_filled(case_id)),
        package=package,
    )


def _competency(fields: Fields) -> Competency:
    """A competency out of a CFItem."""
    case_id = fields.text("identifier")
    return Competency(
        case_id=case_id,
        statement=fields.text("fullStatement"),
        human_code=fields.text("humanCodingScheme"),
        abbreviated=fields.text("abbreviatedStatement"),
        kind=fields.text("CFItemType"),
        education_levels=fields.texts("educationLevel"),
        language=fields.text("language"),
        list_enumeration=fields.text("listEnumeration"),
        payload=fields.rest(_filled(case_id)),
    )


def _association(fields: Fields) -> Association:
    """An association out of a CFAssociation."""
    case_id = fields.text("identifier")
    return Association(
        case_id=case_id,
        kind=fields.text("associationType"),
        origin_case_id=fields.node("originNodeURI"),
        destination_case_id=fields.node("destinationNodeURI"),
        sequence=fields.number("sequenceNumber"),
        payload=fields.rest(_filled(case_id)),
    )


def _filled(case_id: str) -> Record:
    """What CASE demands of every record and one made here does not hold."""
    return {"uri": urn(case_id), "lastChangeDateTime": EPOCH}


def format_document(framework: Framework) -> Record:
    """The CFDocument of a framework."""
    typed = {
        "identifier": framework.case_id,
        "title": framework.title,
        "version": framework.version,
        "publisher": framework.publisher,
        "language": framework.language,
        "creator": "" if "creator" in framework.payload else framework.creator,
    }
    return format_record(typed, framework.payload, _filled(framework.case_id))


def format_competency(item: Competency) -> Record:
    """The CFItem of a competency."""
    typed = {
        "identifier": item.case_id,
        "fullStatement": item.statement,
        "humanCodingScheme": item.human_code,
        "abbreviatedStatement": item.abbreviated,
        "CFItemType": item.kind,
        "educationLevel": item.education_levels,
        "language": item.language,
        "listEnumeration": item.list_enumeration,
    }
    return format_record(typed, item.payload, _filled(item.case_id))


def format_association(edge: Association) -> Record:
    """The CFAssociation of an association."""
    ends = {
        "originNodeURI": edge.origin_case_id,
        "destinationNodeURI": edge.destination_case_id,
    }
    typed: Record = {
        "identifier": edge.case_id,
        "associationType": edge.kind,
        "sequenceNumber": edge.sequence,
        **{
            name: format_node(case_id, edge.payload.get(name))
            for name, case_id in ends.items()
            if case_id
        },
    }
    return format_record(typed, edge.payload, _filled(edge.case_id))
