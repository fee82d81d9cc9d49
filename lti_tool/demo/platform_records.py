"""What the pretend LMS knows: tools, people, courses, links, columns, grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypedDict

from joserfc.jwk import ECKey, OctKey, RSAKey

Role = Literal["instructor", "teaching_assistant", "learner", "mentor", "administrator"]
Kind = Literal["resource", "deep_linking"]
Key = RSAKey | ECKey | OctKey
# Changes the header and the claims of a launch, in that order, in place.
Edit = Callable[[dict[str, Any], dict[str, Any]], None]
# Changes a document in place.
Change = Callable[[dict[str, Any]], None]

_MEMBERSHIP: Final = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_INSTITUTION: Final = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
# Source: LTI Core 1.3, appendix A.
ROLE_URIS: Final[Mapping[str, str]] = {
    "instructor": f"{_MEMBERSHIP}#Instructor",
    "teaching_assistant": f"{_MEMBERSHIP}/Instructor#TeachingAssistant",
    "learner": f"{_MEMBERSHIP}#Learner",
    "mentor": f"{_MEMBERSHIP}#Mentor",
    "administrator": f"{_MEMBERSHIP}#Administrator",
}
INSTITUTION_URIS: Final[Mapping[str, str]] = {
    "instructor": f"{_INSTITUTION}#Faculty",
    "teaching_assistant": f"{_INSTITUTION}#Staff",
    "learner": f"{_INSTITUTION}#Student",
    "mentor": f"{_INSTITUTION}#Observer",
    "administrator": f"{_INSTITUTION}#Administrator",
}
TEACHING: Final = ("instructor", "teaching_assistant", "administrator")


@dataclass(frozen=True, slots=True)
class Registration:
    """What the administrator of a tool is told: the platform's side of the deal."""

    client_id: str
    deployment_id: str
    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What the platform is told of a tool."""

    client_id: str
    deployment_id: str
    login_url: str
    redirect_uris: tuple[str, ...]
    jwks_url: str
    launch_url: str
    deep_linking_url: str
    title: str = "Tool"
    custom: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] | None = None  # None: all this LMS has
    is_on: bool = True
    # What it registered itself with; None if it was entered by hand.
    registration: Mapping[str, Any] | None = None

    def may_use(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Those of scopes that were granted to it."""
        return tuple(
            scope for scope in scopes if self.scopes is None or scope in self.scopes
        )

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address a browser may be sent to."""
        return (
            self.login_url,
            self.launch_url,
            self.deep_linking_url,
            *self.redirect_uris,
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account; id is the subject tools are told."""

    id: str
    given_name: str
    family_name: str
    email: str
    sourced_id: str | None
    locale: str

    @property
    def name(self) -> str:
        """Given name first."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class Course:
    """A group taught together, with who sits in it and how."""

    id: str
    title: str
    label: str
    sourced_id: str | None
    seats: dict[str, Role] = field(default_factory=dict)
    history: tuple[str, ...] = ()  # what it was copied from, nearest first


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a course; set_name is that of its set, None outside of one."""

    id: str
    name: str
    set_name: str | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A spot in a course that launches a tool."""

    id: str
    course_id: str
    title: str
    target_link_uri: str
    custom: Mapping[str, str]
    client_id: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """A gradebook column; coupled if a link brought it along."""

    id: str
    course_id: str
    client_id: str
    label: str
    maximum: float
    resource_link_id: str | None = None
    resource_id: str | None = None
    tag: str | None = None
    coupled: bool = False
    further: Mapping[str, Any] = field(default_factory=dict)


class Further(TypedDict, total=False):
    """What else may be said of a new column."""

    resource_link_id: str | None
    resource_id: str | None
    tag: str | None
    coupled: bool
    further: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a column holds for one person; score None means cleared or not yet."""

    line_item_id: str
    person_id: str
    score: float | None
    maximum: float
    at: datetime
    comment: str | None = None
    activity: str = "Completed"
    grading: str = "FullyGraded"
    scored_by: str | None = None
    overridden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One launch on its way: who, where, as what; good once."""

    id: str
    kind: Kind
    client_id: str
    person_id: str
    course_id: str
    link_id: str | None
    target_link_uri: str
    expires_at: datetime
    single: bool = False  # of deep linking: one item and no more


@dataclass(frozen=True, slots=True)
class Access:
    """An access token as granted."""

    client_id: str
    scopes: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One request the platform received, secrets masked."""

    number: int
    at: datetime
    method: str
    path: str
    status: int
    body: str
    answer: str
