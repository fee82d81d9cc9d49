"""The claims of a launch that we read, checked at the door; others are ignored.

Source: LTI Core 1.3 sections 5.3 and 5.4; Deep Linking 2.0 section 3; Submission
Review 1.0; Platform Notification Service 1.0; facts/lti.md sections 2, 6 and 11.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from lti_tool.errors import LaunchError

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
AGS: Final = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS: Final = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
GROUPS: Final = "https://purl.imsglobal.org/spec/lti-gs/claim/groupsservice"
DEEP_LINKING: Final = (
    "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
)
RESOURCE_LINK_REQUEST: Final = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST: Final = "LtiDeepLinkingRequest"
REVIEW_REQUEST: Final = "LtiSubmissionReviewRequest"
VERSION: Final = "1.3.0"
MAX_MENTEES: Final = 500
BRIEF: Final = 255


def _http_url(url: str) -> str:
    parts = urlsplit(url)  # a ValueError of its own is a refusal too
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError("not an http address")
    return url


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _strings_only(value: object) -> object:
    """Leave out what a platform could not fill in: `$Variable`, or not a text."""
    if not isinstance(value, dict):
        return value
    return {
        key: text
        for key, text in value.items()
        if isinstance(text, str) and not text.startswith("$")
    }


def _texts(value: object) -> object:
    """The texts of a list; anything else is as if it were not there."""
    there = value if isinstance(value, list) else []
    return [text for text in there if isinstance(text, str)]


def _brief(value: object) -> object:
    """Cut a text that is only shown; anything else is as if it were not there."""
    return value[:BRIEF] if isinstance(value, str) and value else None


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Words = Annotated[
    Annotated[str, StringConstraints(max_length=1024)] | None,
    BeforeValidator(_empty_is_none),
]
Brief = Annotated[str | None, BeforeValidator(_brief)]
LongWords = Annotated[str, StringConstraints(max_length=16384)] | None
Url = Annotated[
    str, StringConstraints(min_length=1, max_length=2048), AfterValidator(_http_url)
]
MaybeUrl = Annotated[Url | None, BeforeValidator(_empty_is_none)]


class _Claim(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Context(_Claim):
    """The place of a launch."""

    id: Identifier
    label: Words = None
    title: Words = None
    type: Annotated[list[str], BeforeValidator(_texts)] = []


class ToolPlatform(_Claim):
    """What the platform calls itself; it is only shown."""

    guid: Brief = None
    name: Brief = None
    product_family_code: Brief = None
    version: Brief = None


class ResourceLink(_Claim):
    """The spot in a course that launches us."""

    id: Identifier
    title: Words = None
    description: LongWords = None


class Lis(_Claim):
    """What the SIS calls the person and the course, when it fed the LMS."""

    person_sourcedid: Words = None
    course_offering_sourcedid: Words = None
    course_section_sourcedid: Words = None


class Presentation(_Claim):
    """How the LMS shows us, and where it wants people back."""

    document_target: Words = None
    locale: Words = None
    return_url: MaybeUrl = None


class GradeEndpoint(_Claim):
    """What the AGS claim grants."""

    scope: list[str] = Field(default_factory=list, max_length=50)
    lineitems: MaybeUrl = None
    lineitem: MaybeUrl = None


class MemberService(_Claim):
    """Where NRPS lists the members."""

    context_memberships_url: MaybeUrl = None


class GroupService(_Claim):
    """Where Course Groups lists the groups of a course, and their sets.

    Source: LTI Course Groups 1.0; facts/lti.md section 10.
    """

    context_groups_url: MaybeUrl = None
    context_group_sets_url: MaybeUrl = None


class NoticeService(_Claim):
    """Where the platform is told who listens to its notices, and which it has."""

    platform_notification_service_url: MaybeUrl = None
    scope: list[str] = Field(default_factory=list, max_length=50)
    notice_types_supported: list[Annotated[str, StringConstraints(max_length=255)]] = (
        Field(default_factory=list, max_length=50)
    )


class ForUser(_Claim):
    """Whose work a review is about; her names may be missing."""

    user_id: Identifier


class DeepLinkingSettings(_Claim):
    """What the LMS lets a teacher place, and where the choice goes."""

    deep_link_return_url: Url
    accept_types: list[str] = Field(max_length=50)
    accept_presentation_document_targets: list[str] = Field(max_length=50)
    accept_multiple: bool | None = None
    accept_lineitem: bool | None = None
    title: LongWords = None
    text: LongWords = None
    data: Annotated[str, StringConstraints(max_length=32768)] | None = None


_PLAIN = frozenset({"sub", "name", "given_name", "family_name", "email", "locale"})
_SPECIAL = {
    "ags": AGS,
    "nrps": NRPS,
    "groups": GROUPS,
    "deep_linking": DEEP_LINKING,
}


def _claim_name(field: str) -> str:
    return field if field in _PLAIN else _SPECIAL.get(field, LTI + field)


class Claims(_Claim):
    """A launch as its platform signed it."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=_claim_name)
    )

    sub: Identifier
    message_type: Literal[
        "LtiResourceLinkRequest", "LtiDeepLinkingRequest", "LtiSubmissionReviewRequest"
    ]
    version: Literal["1.3.0"]
    deployment_id: Identifier
    target_link_uri: Url
    roles: list[Annotated[str, StringConstraints(max_length=1024)]] = Field(
        max_length=200
    )
    resource_link: ResourceLink | None = None
    deep_linking: DeepLinkingSettings | None = None
    context: Context | None = None
    # Factories: pydantic copies a default that is an object, claim by claim, each time.
    lis: Lis = Field(default_factory=Lis)
    tool_platform: Annotated[ToolPlatform, BeforeValidator(_object)] = Field(
        default_factory=ToolPlatform
    )
    custom: Annotated[dict[str, str], BeforeValidator(_strings_only)] = {}
    launch_presentation: Presentation = Field(default_factory=Presentation)
    role_scope_mentor: list[Identifier] = Field(
        default_factory=list, max_length=MAX_MENTEES
    )
    ags: GradeEndpoint = Field(default_factory=GradeEndpoint)
    nrps: MemberService = Field(default_factory=MemberService)
    groups: GroupService = Field(default_factory=GroupService)
    platformnotificationservice: NoticeService = Field(default_factory=NoticeService)
    for_user: ForUser | None = None
    name: Words = None
    given_name: Words = None
    family_name: Words = None
    email: Words = None
    locale: Words = None

    @property
    def is_deep_linking(self) -> bool:
        """Tell whether the LMS asks for links to place."""
        return self.message_type == DEEP_LINKING_REQUEST

    @property
    def is_review(self) -> bool:
        """Tell whether the LMS asks for one student's evidence."""
        return self.message_type == REVIEW_REQUEST

    def said(self, name: str) -> str | None:
        """A custom parameter by its name, however a platform has spelt the name.

        Moodle sends a key that is not all lower case twice, the second time lower
        and with underscores (facts/moodle.md section 3): the exact one counts first.
        """
        if name in self.custom:
            return self.custom[name]
        plain = _plain_key(name)
        for key, value in self.custom.items():
            if _plain_key(key) == plain:
                return value
        return None


def _plain_key(key: str) -> str:
    return "".join(letter for letter in key.casefold() if letter.isalnum())


# What each message must carry besides the claims every launch has.
_REQUIRED = {
    RESOURCE_LINK_REQUEST: ("resource_link", LTI + "resource_link"),
    DEEP_LINKING_REQUEST: ("deep_linking", DEEP_LINKING),
    # The line item may be missing: Moodle 4.5 sends an AGS claim without one for a
    # link with several columns (facts/moodle.md section 3).
    REVIEW_REQUEST: ("for_user", LTI + "for_user"),
}
MESSAGE_TYPES: Final = tuple(_REQUIRED)


def parse_claims(payload: dict[str, Any]) -> Claims:
    """Read the claims of a verified payload.

    A claim sent as null counts as not sent.

    Raises:
        LaunchError: E_VERSION, E_MSGTYPE, or E_CLAIM naming the claims at fault,
            never their values.
    """
    if payload.get(LTI + "version") != VERSION:
        raise LaunchError("E_VERSION", f"the launch is not LTI {VERSION}")
    message_type = payload.get(LTI + "message_type")
    if not isinstance(message_type, str) or message_type not in _REQUIRED:
        raise LaunchError("E_MSGTYPE", "we do not serve this type of message")
    sent = {name: value for name, value in payload.items() if value is not None}
    try:
        claims = Claims.model_validate(sent)
    except ValidationError as error:
        names = sorted({str(fault["loc"][0]) for fault in error.errors()})
        raise LaunchError("E_CLAIM", f"malformed: {', '.join(names)}") from None
    field, name = _REQUIRED[message_type]
    if getattr(claims, field) is None:
        raise LaunchError("E_CLAIM", f"missing: {name}")
    return claims
