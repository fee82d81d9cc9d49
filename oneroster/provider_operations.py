"""Every operation of a provider: its path, its scopes, and what it reads.

Paths are below the root of a service, ``*`` for a sourcedId.

Source: OneRoster 1.2 Rostering, Gradebook and Resources REST bindings, tables of
endpoints; section 4.3 of each for the scopes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from oneroster.catalog import Catalog
from oneroster.dialects import COLLECTIONS, DIALECTS, Room
from oneroster.models import Record
from oneroster.provider_replies import RefusalError
from oneroster.provider_selections import NESTED, SUBSETS, Ids, read_one
from oneroster.wire import has_nul

__all__ = [
    "OLD_OPERATIONS",
    "OPERATIONS",
    "Operation",
    "check_owners",
    "find_old_operation",
    "find_operation",
    "select",
]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; any of its scopes allows it."""

    method: str
    room: Room
    path: str
    scopes: frozenset[str]

    @property
    def name(self) -> str:
        """The collection it reads or writes, by the last word of its path."""
        return self.path.removesuffix("/*").rpartition("/")[2]

    @property
    def is_single(self) -> bool:
        """Whether it speaks of one object."""
        return self.path.endswith("*")


def check_owners(catalog: Catalog, operation: Operation, ids: Ids) -> None:
    """Check that the objects named in the path of a collection exist.

    Raises:
        RefusalError: 404, one does not.
    """
    owners = operation.path.split("/")[:-1:2]
    for owner, sourced_id in zip(owners, ids, strict=True):
        read_one(catalog, owner, sourced_id)


def select(catalog: Catalog, operation: Operation, ids: Ids) -> Iterable[Record]:
    """Give what a collection operation reads, in the order of the catalog.

    Raises:
        RefusalError: 404, an object named in the path is not where it says.
    """
    if ids:
        return NESTED[operation.path](catalog, ids)
    belongs = SUBSETS.get(operation.name)
    records = catalog.records(COLLECTIONS[operation.name].key)
    return filter(belongs, records) if belongs else records


POSTED = (
    "classes/*/lineItems",
    "schools/*/lineItems",
    "lineItems/*/results",
    "classes/*/academicSessions/*/results",
)
FAMILIES: Mapping[Room, str] = {
    "rostering": "roster",
    "gradebook": "gradebook",
    "resources": "resource",
}


def _scopes(name: str, method: str, *, nested: bool) -> frozenset[str]:
    """Tell which scopes, by short name, allow a method on a collection."""
    room = COLLECTIONS[name].room
    family = "assessment" if name.startswith("assessment") else FAMILIES[room]
    written = {"PUT": "createput", "POST": "createpost", "DELETE": "delete"}
    if method in written:
        return frozenset({f"{family}.{written[method]}"})
    if name == "demographics":
        return frozenset({"roster-demographics.readonly"})
    if nested or family == "assessment":
        return frozenset({f"{family}.readonly"})
    return frozenset({f"{family}-core.readonly", f"{family}.readonly"})


def _operations() -> Iterator[Operation]:
    for name, collection in COLLECTIONS.items():
        room = collection.room
        reads = _scopes(name, "GET", nested=False)
        yield Operation("GET", room, name, reads)
        yield Operation("GET", room, f"{name}/*", reads)
        for method in ("PUT", "DELETE") if collection.is_writable else ():
            scopes = _scopes(name, method, nested=False)
            yield Operation(method, room, f"{name}/*", scopes)
    for path in NESTED:
        name = path.rpartition("/")[2]
        scopes = _scopes(name, "GET", nested=True)
        yield Operation("GET", COLLECTIONS[name].room, path, scopes)
    for path in POSTED:
        name = path.rpartition("/")[2]
        scopes = _scopes(name, "POST", nested=True)
        yield Operation("POST", COLLECTIONS[name].room, path, scopes)


OPERATIONS: tuple[Operation, ...] = tuple(_operations())
"""Those of 1.2."""

_OLD_PATHS = DIALECTS["1.1"].readable
_OLD_SCOPES = frozenset(DIALECTS["1.1"].scopes)


def _old_operations() -> Iterator[Operation]:
    """What 1.1 has of them: fewer paths, no POST, and no core scope of grades."""
    for part in OPERATIONS:
        if part.method != "POST" and part.path.removesuffix("/*") in _OLD_PATHS:
            yield replace(part, scopes=part.scopes & _OLD_SCOPES)


OLD_OPERATIONS: tuple[Operation, ...] = tuple(_old_operations())
"""Those of 1.1, all under one root."""

Known = dict[str, Operation]
_BY_PATH: dict[tuple[Room, str], Known] = {}
for _operation in OPERATIONS:
    _known = _BY_PATH.setdefault((_operation.room, _operation.path), {})
    _known[_operation.method] = _operation
_OLD_BY_PATH: dict[str, Known] = {}
for _operation in OLD_OPERATIONS:
    _OLD_BY_PATH.setdefault(_operation.path, {})[_operation.method] = _operation


def find_operation(room: Room, method: str, steps: list[str]) -> tuple[Operation, Ids]:
    """Tell which operation a request asks for, and the sourcedIds in its path.

    Raises:
        RefusalError: 404 for a path that is none, 405 for a method it has not.
    """
    return _chosen(_BY_PATH.get((room, _path(steps))), "1.2", method, steps)


def find_old_operation(method: str, steps: list[str]) -> tuple[Operation, Ids]:
    """Tell which operation of 1.1 a request asks for, as find_operation does.

    Raises:
        RefusalError: 404 for a path that is none, 405 for a method it has not.
    """
    return _chosen(_OLD_BY_PATH.get(_path(steps)), "1.1", method, steps)


def _path(steps: list[str]) -> str:
    return "/".join("*" if place % 2 else step for place, step in enumerate(steps))


def _chosen(
    known: Known | None, version: str, method: str, steps: list[str]
) -> tuple[Operation, Ids]:
    ids = tuple(steps[1::2])
    # No identifier holds a NUL, and there are databases that take none.
    if known is None or "" in ids or has_nul(ids):
        raise RefusalError(
            404, "unknownobject", f"OneRoster {version} has no such path"
        )
    if method not in known:
        allow = ", ".join(sorted(known))
        raise RefusalError(405, "unsupported", f"the path takes {allow} only", allow)
    return known[method], ids
