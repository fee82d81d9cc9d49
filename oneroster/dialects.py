"""How OneRoster 1.1 and 1.2 differ: roots, paths, scopes and shapes, as data.

Source: OneRoster 1.1; 1.2 Rostering, Gradebook and Resources bindings; the
assessment objects are the Assessment Results Profile's, under the gradebook root.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from oneroster.models_gradebook import (
    AssessmentLineItem,
    AssessmentResult,
    Category,
    LineItem,
    Result,
    ScoreScale,
)
from oneroster.models_rostering import (
    AcademicSession,
    Course,
    Demographics,
    Enrollment,
    Org,
    Resource,
    SisClass,
    User,
)
from oneroster.records import Record

__all__ = [
    "COLLECTIONS",
    "DIALECTS",
    "MEDIA_TYPE",
    "Collection",
    "Dialect",
    "Room",
    "Version",
    "downgrade",
    "upgrade",
]

Room = Literal["rostering", "gradebook", "resources"]
"""One of the three services; 1.1 serves all of them under one root."""

Version = Literal["1.1", "1.2"]

MEDIA_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection: the record it holds and the keys of its envelopes."""

    name: str
    kind: type[Record]
    key: str
    single: str
    room: Room

    @property
    def is_writable(self) -> bool:
        """Whether the standard lets a client PUT and DELETE its objects."""
        return self.room == "gradebook"


def _table() -> dict[str, Collection]:
    rows: tuple[tuple[Room, type[Record], str, str, str], ...] = (
        (
            "rostering",
            AcademicSession,
            "academicSessions",
            "academicSession",
            "academicSessions terms gradingPeriods",
        ),
        ("rostering", SisClass, "classes", "class", "classes"),
        ("rostering", Course, "courses", "course", "courses"),
        ("rostering", Demographics, "demographics", "demographics", "demographics"),
        ("rostering", Enrollment, "enrollments", "enrollment", "enrollments"),
        ("rostering", Org, "orgs", "org", "orgs schools"),
        ("rostering", User, "users", "user", "users students teachers"),
        ("resources", Resource, "resources", "resource", "resources"),
        ("gradebook", Category, "categories", "category", "categories"),
        ("gradebook", LineItem, "lineItems", "lineItem", "lineItems"),
        ("gradebook", Result, "results", "result", "results"),
        ("gradebook", ScoreScale, "scoreScales", "scoreScale", "scoreScales"),
        (
            "gradebook",
            AssessmentLineItem,
            "assessmentLineItems",
            "assessmentLineItem",
            "assessmentLineItems",
        ),
        (
            "gradebook",
            AssessmentResult,
            "assessmentResults",
            "assessmentResult",
            "assessmentResults",
        ),
    )
    return {
        name: Collection(name, kind, key, single, room)
        for room, kind, key, single, names in rows
        for name in names.split()
    }


COLLECTIONS: Mapping[str, Collection] = _table()
"""Every collection of 1.2 by the last step of its path."""

NESTED_1_1 = """
schools/*/classes schools/*/courses schools/*/enrollments schools/*/students
schools/*/teachers schools/*/terms schools/*/classes/*/enrollments
schools/*/classes/*/students schools/*/classes/*/teachers
classes/*/students classes/*/teachers courses/*/classes terms/*/classes
terms/*/gradingPeriods students/*/classes teachers/*/classes users/*/classes
classes/*/resources courses/*/resources
classes/*/lineItems classes/*/results classes/*/lineItems/*/results
classes/*/students/*/results
"""
NESTED_1_2 = """
users/*/resources classes/*/categories classes/*/scoreScales schools/*/scoreScales
"""
POSTED_1_2 = """
classes/*/lineItems schools/*/lineItems lineItems/*/results
classes/*/academicSessions/*/results
"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of the standard.

    ``readable`` and ``postable`` are paths below a root, ``*`` for a sourcedId.
    ``scopes`` maps a scope's short name, such as ``roster.readonly``, to the
    scope as it is sent.
    """

    version: Version
    roots: Mapping[Room, str]
    scopes: Mapping[str, str]
    readable: frozenset[str]
    postable: frozenset[str]
    upgrade: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    downgrade: Callable[[str, Mapping[str, Any]], dict[str, Any]]

    def fields(self, collection: str) -> frozenset[str]:
        """The fields of a collection's objects, as they are called on the wire."""
        kind = COLLECTIONS[collection].kind
        found = {part.alias or name for name, part in kind.model_fields.items()}
        if self.version == "1.1":
            found.difference_update(_NOT_IN_1_1.get(kind, ()))
            found.update(_RESHAPED_IN_1_1.get(kind, ()))
        return frozenset(found)

    def reshaped(self, collection: str) -> frozenset[str]:
        """Those fields that say something else than the record of 1.2 does."""
        is_old = self.version == "1.1"
        kind = COLLECTIONS[collection].kind
        return frozenset(_RESHAPED_IN_1_1.get(kind, ()) if is_old else ())

    def collection(self, path: str) -> Collection:
        """The collection read at a path such as ``classes/c-1/lineItems``.

        Raises:
            ValueError: this version has no such path.
        """
        return self._match(path, self.readable)

    def posted(self, path: str) -> Collection:
        """The collection that new objects are posted to at a path.

        Raises:
            ValueError: this version has no such path, or it takes no POST.
        """
        return self._match(path, self.postable)

    def _match(self, path: str, patterns: frozenset[str]) -> Collection:
        steps = path.strip("/").split("/")
        pattern = "/".join("*" if place % 2 else s for place, s in enumerate(steps))
        if len(steps) % 2 == 0 or "" in steps or pattern not in patterns:
            raise ValueError(f"OneRoster {self.version} has no collection {pattern!r}")
        return COLLECTIONS[steps[-1]]

    def scope(self, *names: str) -> str:
        """The scopes of these short names as one text, for a token request."""
        return " ".join(self.scopes[name] for name in names)


def upgrade(collection: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Bring an object of 1.1 into the shape of 1.2; one of 1.2 stays as it is.

    ``administrator`` of a user becomes ``siteAdministrator``, the narrowest of
    the four roles that 1.2 made of it. Nothing is taken away but what is said
    in another field.
    """
    raised = dict(payload)
    kind = COLLECTIONS[collection].kind
    if kind is User:
        _upgrade_user(raised)
    elif kind is LineItem and "gradingPeriod" in raised:
        raised.setdefault("academicSession", raised["gradingPeriod"])
    elif kind is Demographics and "birthdate" in raised:
        # 1.0 wrote it in lower case; Ed-Fi's sample bundle of 1.0 still does.
        raised.setdefault("birthDate", raised.pop("birthdate"))
    return raised


def _upgrade_user(user: dict[str, Any]) -> None:
    if "roles" in user or not {"role", "orgs"} & user.keys():
        return
    role, orgs = user.pop("role", None), user.pop("orgs", None)
    orgs = orgs if isinstance(orgs, list) else [orgs] if orgs else []
    if isinstance(role, str) and role.strip().lower() == "administrator":
        role = "siteAdministrator"
    user["roles"] = [{"roleType": "primary", "role": role, "org": org} for org in orgs]
    if len(orgs) == 1:
        user.setdefault("primaryOrg", orgs[0])


_NOT_IN_1_1: Mapping[type[Record], tuple[str, ...]] = {
    User: (
        "userMasterIdentifier",
        "preferredFirstName",
        "preferredMiddleName",
        "preferredLastName",
        "pronouns",
        "roles",
        "primaryOrg",
        "userProfiles",
        "resources",
    ),
    Category: ("weight",),
    LineItem: ("academicSession", "school", "scoreScale", "learningObjectiveSet"),
    Result: (
        "class",
        "scoreScale",
        "textScore",
        "learningObjectiveSet",
        "inProgress",
        "incomplete",
        "late",
        "missing",
    ),
}
_RESHAPED_IN_1_1: Mapping[type[Record], tuple[str, ...]] = {
    User: ("role", "orgs"),
    LineItem: ("gradingPeriod",),
    Demographics: ("sex",),
}
"""What :func:`downgrade` makes of other fields, or of other words."""

_ROLES_IN_1_1: Mapping[str, str] = {
    "counselor": "aide",
    "districtAdministrator": "administrator",
    "principal": "administrator",
    "siteAdministrator": "administrator",
    "systemAdministrator": "administrator",
}
"""What a role that 1.1 lacks is called there; any other keeps its name."""

_SEXES_IN_1_1 = ("male", "female")


def downgrade(collection: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Bring an object of 1.2 into the shape of 1.1.

    What 1.1 has no place for, such as learning objectives, is left out. A user
    keeps the primary role alone, and the orgs where that role is held: in 1.1 a
    role holds in every org of the user, so a teacher who is a parent elsewhere
    must not become a teacher there.
    """
    lowered = dict(payload)
    kind = COLLECTIONS[collection].kind
    if kind is User:
        _downgrade_user(lowered)
    elif kind is LineItem and "academicSession" in lowered:
        lowered.setdefault("gradingPeriod", lowered["academicSession"])
    elif kind is Demographics and lowered.get("sex") not in _SEXES_IN_1_1:
        lowered.pop("sex", None)
    for name in _NOT_IN_1_1.get(kind, ()):
        lowered.pop(name, None)
    return lowered


def _downgrade_user(user: dict[str, Any]) -> None:
    roles = [role for role in user.get("roles") or () if isinstance(role, Mapping)]
    if not roles or "role" in user:
        return
    home = _pointed(user.get("primaryOrg"))
    roles.sort(
        key=lambda role: (
            role.get("roleType") == "secondary",
            _pointed(role.get("org")) != home,
        )
    )
    names = [_ROLES_IN_1_1.get(str(role["role"]), role["role"]) for role in roles]
    orgs = {
        _pointed(role["org"]): role["org"]
        for name, role in zip(names, roles, strict=True)
        if name == names[0]
    }
    user["role"], user["orgs"] = names[0], list(orgs.values())
    user.setdefault("username", "")


def _pointed(reference: object) -> object:
    """The sourcedId of a reference as it stands on the wire."""
    return reference.get("sourcedId") if isinstance(reference, Mapping) else reference


def _as_is(collection: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    del collection
    return dict(payload)


def _scopes(prefix: str, names: str) -> dict[str, str]:
    return {
        name: f"https://purl.imsglobal.org/spec/or/{prefix}/scope/{name}"
        for name in names.split()
    }


SCOPES_1_1 = """
roster-core.readonly roster.readonly roster-demographics.readonly resource.readonly
gradebook.readonly gradebook.createput gradebook.delete
"""
SCOPES_1_2 = """
resource-core.readonly gradebook-core.readonly gradebook.createpost
assessment.readonly assessment.createput assessment.delete
"""
ONLY_1_2 = {"scoreScales", "assessmentLineItems", "assessmentResults"}

DIALECTS: Mapping[Version, Dialect] = {
    "1.1": Dialect(
        version="1.1",
        roots=dict.fromkeys(
            ("rostering", "gradebook", "resources"), "/ims/oneroster/v1p1"
        ),
        scopes=_scopes("v1p1", SCOPES_1_1),
        readable=frozenset(COLLECTIONS.keys() - ONLY_1_2) | set(NESTED_1_1.split()),
        postable=frozenset(),
        upgrade=upgrade,
        downgrade=downgrade,
    ),
    "1.2": Dialect(
        version="1.2",
        roots={
            "rostering": "/ims/oneroster/rostering/v1p2",
            "gradebook": "/ims/oneroster/gradebook/v1p2",
            "resources": "/ims/oneroster/resources/v1p2",
        },
        scopes=_scopes("v1p2", SCOPES_1_1 + SCOPES_1_2),
        readable=frozenset(COLLECTIONS) | set((NESTED_1_1 + NESTED_1_2).split()),
        postable=frozenset(POSTED_1_2.split()),
        upgrade=upgrade,
        downgrade=_as_is,
    ),
}
