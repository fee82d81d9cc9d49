"""What changed from one version of a framework to the next, readably.

Records are compared by what they say, not by how they are written: a mirror gives
every uri its own host and writes instants another way, and that changes nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from mappings.case import format_case, parse_case
from mappings.case_fields import Record
from mappings.frameworks import Framework, Payload

DOCUMENT, COMPETENCY, ASSOCIATION = "document", "competency", "association"
RUBRIC, DEFINITION = "rubric", "definition"
ADDED, CHANGED, RETIRED, RETURNED = "added", "changed", "retired", "returned"
TOUCHED = "lastChangeDateTime"
"""The field that alone makes no change: a record was saved again as it was."""
_NODES = ("originNodeURI", "destinationNodeURI")

Records = Mapping[str, Payload]


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that is not as it was.

    ``kind`` is added, changed, retired or returned, ``subject`` what it is. Where
    it changed, ``before`` and ``after`` hold the fields that differ, None for one
    that was not there; else one of them holds the whole record.
    """

    kind: str
    subject: str
    case_id: str
    before: Record | None = None
    after: Record | None = None


def differences(before: Framework, after: Framework) -> tuple[Difference, ...]:
    """What changed from one framework to another, document first, then by kind."""
    old, new = records_by_subject(before), records_by_subject(after)
    return tuple(
        found
        for subject in new
        for found in between(subject, old[subject], new[subject])
    )


def between(subject: str, old: Records, new: Records) -> Iterator[Difference]:
    """Yield what changed among the records of one subject, each under its GUID."""
    for case_id, record in new.items():
        if case_id not in old:
            yield Difference(ADDED, subject, case_id, after=dict(record))
            continue
        before, after = changed_fields(old[case_id], record)
        if before or after:
            yield Difference(CHANGED, subject, case_id, before, after)
    for case_id, record in old.items():
        if case_id not in new:
            yield Difference(RETIRED, subject, case_id, before=dict(record))


def changed_fields(before: Payload, after: Payload) -> tuple[Record, Record]:
    """The fields of a record that say another thing: as they were, as they are.

    Both are empty if only the time of the last change moved.
    """
    names = [
        name
        for name in {**before, **after}
        if name not in ("uri", TOUCHED)
        and said(name, before.get(name)) != said(name, after.get(name))
    ]
    return (
        {name: before.get(name) for name in names},
        {name: after.get(name) for name in names},
    )


def restored(record: Payload, difference: Difference) -> Record:
    """A changed record as it was before the change."""
    fields = difference.before or {}
    kept = {name: value for name, value in record.items() if name not in fields}
    return kept | {name: value for name, value in fields.items() if value is not None}


# Made once: a dumps() with options makes an encoder at each call, and a framework of
# 100,000 items has a quarter of a million records.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def fingerprint(record: Payload) -> str:
    """A hash of what a record says, its time of change with it."""
    return hashlib.sha256(_ENCODER.encode(said("", record)).encode()).hexdigest()


def said(name: str, value: object) -> object:
    """What a field says, apart from how it is written."""
    if isinstance(value, str):
        if name.endswith("DateTime"):
            return _instant(value)
        if name.endswith("URI"):
            return value.replace(":", "/").rstrip("/").split("/")[-1]
        return value
    if isinstance(value, dict | Mapping):
        return _said_by(name, value)
    if isinstance(value, list | tuple):
        return [said("", part) for part in value]
    return value


def _said_by(name: str, record: Payload) -> object:
    """What a record or a link says: a node is known by its GUID alone."""
    if name in _NODES:
        return {
            key: record[key] for key in ("identifier", "targetType") if key in record
        }
    return {key: said(key, value) for key, value in record.items() if key != "uri"}


@lru_cache(maxsize=4096)
def _instant(text: str) -> str:
    """An instant in one way of writing; a text that is none stays as it is."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()


def records_by_subject(framework: Framework) -> dict[str, dict[str, Payload]]:
    """Every record of a framework as CASE writes it, by subject and GUID."""
    document = format_case(framework)
    return {
        DOCUMENT: _keyed([document["CFDocument"]]),
        COMPETENCY: _keyed(document["CFItems"]),
        ASSOCIATION: _keyed(document["CFAssociations"]),
        **records_beside(document),
    }


def records_beside(package: Payload) -> dict[str, dict[str, Payload]]:
    """The rubrics and definitions of a package, by subject and GUID.

    A definition goes by its list and its GUID, "CFItemTypes/5f0c...".
    """
    definitions = package.get("CFDefinitions")
    lists = definitions if isinstance(definitions, Mapping) else {}
    return {
        RUBRIC: _keyed(package.get("CFRubrics")),
        DEFINITION: {
            f"{name}/{case_id}": record
            for name, part in lists.items()
            for case_id, record in _keyed(part).items()
        },
    }


def rewound(framework: Framework, changes: Iterable[Difference]) -> Framework:
    """The framework as it was before the changes of its newest version.

    Records without GUID are in no difference and stay as they are.
    """
    found = {
        subject: dict(part) for subject, part in records_by_subject(framework).items()
    }
    for change in changes:
        part = found[change.subject]
        if change.kind in (ADDED, RETURNED):
            part.pop(change.case_id, None)
        elif change.kind == RETIRED:
            part[change.case_id] = change.before or {}
        elif change.case_id in part:
            part[change.case_id] = restored(part[change.case_id], change)
    return parse_case(_package(framework, found))[0]


def _package(
    framework: Framework, found: Mapping[str, Mapping[str, Payload]]
) -> Record:
    """The package that holds these records, and what else the framework held."""
    package = {**framework.package}
    odd = {name: _listed(package.get(name)) for name in ("CFItems", "CFAssociations")}
    rubrics = [*found[RUBRIC].values(), *_nameless(package.get("CFRubrics"))]
    if rubrics or "CFRubrics" in package:
        package["CFRubrics"] = rubrics
    definitions = package.get("CFDefinitions")
    lists: dict[str, object] = (
        {name: _nameless(part) for name, part in definitions.items()}
        if isinstance(definitions, Mapping)
        else {}
    )
    for place, record in found[DEFINITION].items():
        name = place.partition("/")[0]
        kept = lists.get(name)
        lists[name] = [*(kept if isinstance(kept, list) else ()), record]
    if lists:
        package["CFDefinitions"] = lists
    return {
        **package,
        "CFDocument": next(iter(found[DOCUMENT].values())),
        "CFItems": [*found[COMPETENCY].values(), *odd["CFItems"]],
        "CFAssociations": [*found[ASSOCIATION].values(), *odd["CFAssociations"]],
    }


def _nameless(value: object) -> list[object]:
    """The records of a list that go by no GUID of their own, or by one used before."""
    keyed = {id(record) for record in _keyed(value).values()}
    return [record for record in _listed(value) if id(record) not in keyed]


def _listed(value: object) -> list[object]:
    """The records of a field, none if it holds no list."""
    return value if isinstance(value, list) else []


def _keyed(value: object) -> dict[str, Payload]:
    """The records of a list under their GUIDs; the first of several stands."""
    found: dict[str, Payload] = {}
    for record in _listed(value):
        if isinstance(record, Mapping) and isinstance(record.get("identifier"), str):
            found.setdefault(record["identifier"], record)
    return found
