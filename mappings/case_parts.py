"""What the single endpoints of a CASE service answer, put into a framework held.

An item, its edges, one edge, a rubric, a set of definitions: each is a part of a
package, bare or wrapped in its name.

Source: CASE 1.1 REST binding, section 2.1 (facts/competencies.md 1.1).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mappings.case_fields import Record
from mappings.frameworks import Payload
from mappings.rubrics import criteria

EDGES = "CFAssociations"
DEFINITIONS = (
    "CFConcepts",
    "CFSubjects",
    "CFLicenses",
    "CFItemTypes",
    "CFAssociationGroupings",
)
_SINGLES = {
    "CFItem": "CFItems",
    "CFAssociation": "CFAssociations",
    "CFRubric": "CFRubrics",
    "CFConcept": "CFConcepts",
    "CFSubject": "CFSubjects",
    "CFLicense": "CFLicenses",
    "CFItemType": "CFItemTypes",
    "CFAssociationGrouping": "CFAssociationGroupings",
}
# What a bare record is, by a field that no other has.
_MARKS = {
    "fullStatement": "CFItems",
    "associationType": "CFAssociations",
    "CFRubricCriteria": "CFRubrics",
    "licenseText": "CFLicenses",
}
_SETS = (*DEFINITIONS, "CFRubrics", "CFAssociations")


@dataclass(frozen=True, slots=True)
class Part:
    """Records of a package by the list they belong to."""

    records: Mapping[str, tuple[Payload, ...]]

    @property
    def items(self) -> frozenset[str]:
        """The GUIDs of the competencies that tell to which framework it belongs."""
        own = (str(one["identifier"]) for one in self.records.get("CFItems", ()))
        judged = (
            row.competency_case_id
            for one in self.records.get("CFRubrics", ())
            for row in criteria(one)
        )
        return frozenset((*own, *judged))

    @property
    def documents(self) -> frozenset[str]:
        """The GUIDs of the frameworks that a record says it belongs to."""
        links = (
            one.get("CFDocumentURI") for part in self.records.values() for one in part
        )
        return frozenset(
            str(one["identifier"])
            for one in links
            if isinstance(one, Mapping) and one.get("identifier")
        )

    def within(self, package: Payload) -> "Part":
        """What of it goes into a package: edges and definitions only if held there."""
        found: dict[str, tuple[Payload, ...]] = {}
        for name, records in self.records.items():
            held = {
                str(one.get("identifier")) for one in _records(_place(package, name))
            }
            is_bound = name == EDGES or name in DEFINITIONS
            kept = [one for one in records if not is_bound or one["identifier"] in held]
            if kept:
                found[name] = tuple(kept)
        return Part(found)

    @property
    def names(self) -> Mapping[str, frozenset[str]]:
        """The GUIDs of the records of each list."""
        return {
            name: frozenset(str(one["identifier"]) for one in part)
            for name, part in self.records.items()
        }


def parse_part(document: object) -> Part | None:
    """The part of a package that a document is; None if it is none."""
    if (
        not isinstance(document, Mapping)
        or {"CFDocument", "CFPackage"} & document.keys()
    ):
        return None
    found: dict[str, tuple[Payload, ...]] = {}
    for name, key in _SINGLES.items():
        found |= _kept(key, [document.get(name)])
    if not found and (mark := next((one for one in _MARKS if one in document), None)):
        return Part(_kept(_MARKS[mark], [document]))
    for name in _SETS:
        found |= _kept(name, document.get(name))
    return Part(found) if found else None


def holds(package: Payload, part: Part) -> bool:
    """Tell whether a package holds a record that the part gives anew."""
    return any(
        names & {str(one.get("identifier")) for one in _records(_place(package, name))}
        for name, names in part.names.items()
    )


def patched(package: Payload, part: Part) -> Record:
    """The package with the records of the part in the place of its own, or added."""
    new: Record = {**package}
    definitions: Record = {**_mapping(package.get("CFDefinitions"))}
    for name, records in part.records.items():
        whole = _replaced(_place(package, name), records)
        if name in DEFINITIONS:
            definitions[name] = whole
        else:
            new[name] = whole
    if definitions:
        new["CFDefinitions"] = definitions
    return new


def _replaced(held: object, records: Sequence[Payload]) -> list[object]:
    """A list with records in the place of those of the same GUID, the others added."""
    by_id = {str(one["identifier"]): one for one in records}
    whole = [
        by_id.pop(str(one.get("identifier")), one) if isinstance(one, Mapping) else one
        for one in (held if isinstance(held, list) else [])
    ]
    return [*whole, *by_id.values()]


def _place(package: Payload, name: str) -> object:
    """The list of a package by its name."""
    if name in DEFINITIONS:
        return _mapping(package.get("CFDefinitions")).get(name)
    return package.get(name)


def _mapping(value: object) -> Payload:
    return value if isinstance(value, Mapping) else {}


def _records(value: object) -> Iterator[Payload]:
    records = value if isinstance(value, list) else []
    return (one for one in records if isinstance(one, Mapping))


def _kept(name: str, value: object) -> dict[str, tuple[Payload, ...]]:
    """The records of a list that go by a GUID, under its name; nothing if none do."""
    found = tuple(
        one for one in _records(value) if isinstance(one.get("identifier"), str)
    )
    return {name: found} if found else {}
