"""What we are to a platform, once, as data: addresses, messages, scopes, parameters.

The Canvas document, the dynamic registration and the values an administrator copies
by hand are all made from it, so that they cannot differ.

Source: LTI Dynamic Registration 1.0; facts/canvas.md 2 and 3; facts/moodle.md 2.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.lti13.claims import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST

TOOL_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"
TITLE: Final = "MasteryBridge"
TOOL_ID: Final = "masterybridge"
LABEL: Final = "Mastery"
DESCRIPTION: Final = (
    "Shows teachers and students who has mastered which competency, and sends the "
    "outcomes to the gradebook."
)
PRIVACY_LEVEL: Final = "public"

_AGS: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
# What each is asked for, in the order an administrator reads them:
# gradebook columns, the same to read, results, scores, class lists, course copies.
LINE_ITEMS: Final = f"{_AGS}lineitem"
LINE_ITEMS_READ: Final = f"{_AGS}lineitem.readonly"
RESULTS: Final = f"{_AGS}result.readonly"
SCORES: Final = f"{_AGS}score"
MEMBERS: Final = (
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
)
NOTICES: Final = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"
GROUPS: Final = "https://purl.imsglobal.org/spec/lti-gs/scope/contextgroup.readonly"
CORE_SCOPES: Final = (LINE_ITEMS, LINE_ITEMS_READ, RESULTS, SCORES, MEMBERS)
# Asked for only where a platform says that it has them.
OPTIONAL_SCOPES: Final = (NOTICES, GROUPS)
SCOPES: Final = CORE_SCOPES + OPTIONAL_SCOPES

CLAIMS: Final = (
    "iss",
    "sub",
    "name",
    "given_name",
    "family_name",
    "email",
    "locale",
)

# Custom parameters: the names under which work.entry reads what a platform fills in.
SIS_PERSON: Final = "sis_person"
SIS_CLASS: Final = "sis_class"
SIS_SECTIONS: Final = "sis_sections"
PLATFORM_USER: Final = "platform_user_id"
PLATFORM_COURSE: Final = "platform_course_id"
CONTEXT_HISTORY: Final = "context_history"
LINK_HISTORY: Final = "link_history"
# The variables are those of the standard; a vendor's own stand in its profile.
# Source: LTI Core 1.3 appendix B.
CUSTOM: Final = MappingProxyType(
    {
        SIS_PERSON: "$Person.sourcedId",
        SIS_CLASS: "$CourseSection.sourcedId",
        PLATFORM_USER: "$User.id",
        CONTEXT_HISTORY: "$Context.id.history",
        LINK_HISTORY: "$ResourceLink.id.history",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A spot in a platform that opens us.

    visibility is who sees it (admins, members, public), where a platform asks;
    is_default tells whether it is there unless somebody takes it away.
    """

    name: str
    message: str
    visibility: str | None = None
    is_default: bool | None = None


PLACEMENTS: Final = (
    Placement(
        name="course_navigation",
        message=RESOURCE_LINK_REQUEST,
        visibility="members",
        is_default=True,
    ),
    Placement(
        name="account_navigation",
        message=RESOURCE_LINK_REQUEST,
        visibility="admins",
    ),
    Placement(name="assignment_selection", message=DEEP_LINKING_REQUEST),
    Placement(name="link_selection", message=DEEP_LINKING_REQUEST),
    Placement(name="ContentArea", message=DEEP_LINKING_REQUEST),
)
# The placements of the Canvas document; ContentArea is the standard's own.
MENU_PLACEMENTS: Final = tuple(one for one in PLACEMENTS if one.name.islower())
SELECTION_PIXELS: Final = (800, 600)


@dataclass(frozen=True, slots=True)
class Tool:
    """Our addresses under the public address of this installation."""

    public_url: str

    @property
    def login_url(self) -> str:
        """Where a platform begins a launch."""
        return self._at("/lti/login")

    @property
    def launch_url(self) -> str:
        """Where launches are posted; also their target and redirect address."""
        return self._at("/lti/launch")

    @property
    def deep_linking_url(self) -> str:
        """The target of a request for links."""
        return self._at("/lti/deep-linking")

    @property
    def jwks_url(self) -> str:
        """Where our public keys are."""
        return self._at("/lti/jwks")

    @property
    def canvas_url(self) -> str:
        """Where the Canvas document is."""
        return self._at("/lti/config/canvas.json")

    @property
    def icon_url(self) -> str:
        """Our mark."""
        return self._at("/static/mark.svg")

    @property
    def domain(self) -> str:
        """Our host, with its port where it has one.

        Moodle compares it with the host of the target, port and all.
        """
        return urlsplit(self.public_url).netloc

    def target(self, message: str) -> str:
        """The target of a type of message."""
        is_wish = message == DEEP_LINKING_REQUEST
        return self.deep_linking_url if is_wish else self.launch_url

    def _at(self, path: str) -> str:
        return self.public_url.rstrip("/") + path


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a platform says that it offers; None where it does not say.

    placements are by type of message; extension is the beginning of a vendor's own
    keys, and custom are the vendor's own variables.
    """

    scopes: Collection[str] | None = None
    claims: Collection[str] | None = None
    placements: Mapping[str, Collection[str]] | None = None
    extension: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


def registration_body(tool: Tool, offer: Offer) -> dict[str, Any]:
    """The registration we ask for: all that we use and the platform offers.

    It is whole each time, for an update too: Moodle clears what an update leaves out.

    Source: LTI Dynamic Registration 1.0 section 3.5.
    """
    scopes = CORE_SCOPES if offer.scopes is None else _offered(SCOPES, offer.scopes)
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": tool.login_url,
        "redirect_uris": [tool.launch_url, tool.deep_linking_url],
        "client_name": TITLE,
        "client_uri": tool.public_url,
        "logo_uri": tool.icon_url,
        "jwks_uri": tool.jwks_url,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(scopes),
        TOOL_CONFIGURATION: {
            "domain": tool.domain,
            "target_link_uri": tool.launch_url,
            "description": DESCRIPTION,
            "custom_parameters": {**CUSTOM, **offer.custom},
            "claims": list(_claims(offer.claims)),
            "messages": _messages(tool, offer),
            **_extended(offer, privacy_level=PRIVACY_LEVEL, tool_id=TOOL_ID),
        },
    }


def canvas_document(tool: Tool, custom: Mapping[str, str]) -> dict[str, Any]:
    """The description Canvas reads; custom are its own variables.

    Source: canvas-lms doc/api/lti_dev_key_config.md.
    """
    width, height = SELECTION_PIXELS
    return {
        "title": TITLE,
        "description": DESCRIPTION,
        "oidc_initiation_url": tool.login_url,
        "target_link_uri": tool.launch_url,
        "public_jwk_url": tool.jwks_url,
        "scopes": [*CORE_SCOPES, NOTICES],
        "custom_fields": {**CUSTOM, **custom},
        "extensions": [
            {
                "domain": tool.domain,
                "tool_id": TOOL_ID,
                "platform": "canvas.instructure.com",
                "privacy_level": PRIVACY_LEVEL,
                "settings": {
                    "text": LABEL,
                    "icon_url": tool.icon_url,
                    "selection_width": width,
                    "selection_height": height,
                    "placements": [_in_menu(tool, one) for one in MENU_PLACEMENTS],
                },
            }
        ],
    }


def _in_menu(tool: Tool, placement: Placement) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "placement": placement.name,
        "message_type": placement.message,
        "text": LABEL,
        "enabled": True,
        "target_link_uri": tool.target(placement.message),
    }
    if placement.visibility is not None:
        shown["visibility"] = placement.visibility
    if placement.is_default is not None:
        shown["default"] = "enabled" if placement.is_default else "disabled"
    return shown


def _messages(tool: Tool, offer: Offer) -> list[dict[str, Any]]:
    """One entry a placement, since a vendor's keys hold for a whole entry."""
    if offer.placements is None:
        return [
            _message(tool, offer, Placement(name="", message=message))
            for message in (RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST)
        ]
    found: list[dict[str, Any]] = []
    for message in (RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST):
        if message not in offer.placements:
            continue
        there = offer.placements[message]
        placed = [
            one for one in PLACEMENTS if one.message == message and one.name in there
        ]
        plain = [Placement(name="", message=message)]
        found += [_message(tool, offer, one) for one in placed or plain]
    return found


def _message(tool: Tool, offer: Offer, placement: Placement) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "type": placement.message,
        "target_link_uri": tool.target(placement.message),
        "label": LABEL,
        "icon_uri": tool.icon_url,
    }
    if placement.name:
        asked["placements"] = [placement.name]
    own: dict[str, Any] = {}
    if placement.visibility is not None:
        own["visibility"] = placement.visibility
    if placement.is_default is not None:
        own[f"{placement.name}/default_enabled"] = placement.is_default
    return asked | _extended(offer, **own)


def _extended(offer: Offer, **values: object) -> dict[str, Any]:
    if offer.extension is None:
        return {}
    return {offer.extension + name: value for name, value in values.items()}


def _claims(offered: Collection[str] | None) -> tuple[str, ...]:
    return CLAIMS if offered is None else _offered(CLAIMS, {*offered, "iss", "sub"})


def _offered(ours: tuple[str, ...], theirs: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in ours if name in theirs)
