"""What the pretend LMS asks of a tool that registers itself, and what it makes of it.

Source: LTI Dynamic Registration 1.0; facts/moodle.md 2; facts/canvas.md 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_manners import (
    LINE_ITEM_READ_SCOPE,
    LINE_ITEM_SCOPE,
    RESULT_SCOPE,
    ROSTER_SCOPE,
    SCORE_SCOPE,
)
from lti_tool.demo.platform_records import Tool

TOOL_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM_CONFIGURATION: Final = (
    "https://purl.imsglobal.org/spec/lti-platform-configuration"
)
_REQUIRED: Final = (
    "response_types",
    "initiate_login_uri",
    "redirect_uris",
    "client_name",
    "jwks_uri",
    "token_endpoint_auth_method",
    TOOL_CONFIGURATION,
)
_GRADES: Final = (SCORE_SCOPE, RESULT_SCOPE, LINE_ITEM_READ_SCOPE)
_STRICT: Final = ("application_type", "grant_types")
_CLAIMS: Final = ("sub", "iss", "name", "given_name", "family_name", "email")
_PERMITTED: Final = frozenset(
    {"domain", "secondary_domains", "target_link_uri", "custom_parameters"}
    | {"description", "messages", "claims"}
)


class UnfitError(Exception):
    """A registration that is not taken; the text says why."""


def configuration(campus: Campus) -> dict[str, Any]:
    """What the LMS says of itself to tools."""
    own: dict[str, Any] = {
        "product_family_code": campus.manners.product,
        "version": "1",
        "messages_supported": [
            {"type": message, **({"placements": list(places)} if places else {})}
            for message, places in campus.manners.enrolling.placements
        ],
        "variables": ["Context.id", "Person.sourcedId", "CourseSection.sourcedId"],
    }
    said: dict[str, Any] = {
        "issuer": campus.url,
        "authorization_endpoint": f"{campus.url}/lti/auth",
        "token_endpoint": f"{campus.url}/lti/token",
        "jwks_uri": f"{campus.url}/lti/jwks",
        "registration_endpoint": f"{campus.url}/lti/registrations",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "scopes_supported": [*campus.manners.scopes, "openid"],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": [*_CLAIMS],
        PLATFORM_CONFIGURATION: own,
    }
    if extension := campus.manners.enrolling.extension:
        own[extension + "account_name"] = "Pretend District"
        own[extension + "account_lti_guid"] = "guid:pretend-lms"
        said["authorization_server"] = urlsplit(campus.url).netloc
    if campus.configuration_edit is not None:
        campus.configuration_edit(said)
    return said


def enrolled(campus: Campus, client_id: str, body: dict[str, Any]) -> Tool:
    """The tool a registration describes.

    Raises:
        UnfitError: something it must have is missing or wrong.
    """
    _require(campus, body)
    if campus.registration_edit is not None:
        campus.registration_edit(body)
    asked = body[TOOL_CONFIGURATION]
    scopes = str(body.get("scope", "")).split()
    messages = asked.get("messages") or []
    wishes = [one for one in messages if one.get("type") == "LtiDeepLinkingRequest"]
    target = str(asked.get("target_link_uri") or f"https://{asked['domain']}")
    return Tool(
        client_id=client_id,
        deployment_id=campus.mint("deployment", client_id),
        login_url=body["initiate_login_uri"],
        redirect_uris=tuple(body["redirect_uris"]),
        jwks_url=body["jwks_uri"],
        launch_url=target,
        deep_linking_url=wishes[0].get("target_link_uri", target) if wishes else target,
        title=body["client_name"],
        custom=asked.get("custom_parameters") or {},
        scopes=tuple(_granted(campus, scopes)),
        is_on=not campus.manners.enrolling.switched_off,
        registration=body,
    )


def answer_to(campus: Campus, tool: Tool) -> dict[str, Any]:
    """What a tool is told of its registration."""
    manners = campus.manners.enrolling
    body = dict(tool.registration or {})
    if manners.rebuilds_answer:
        return _rebuilt(tool, body)
    told = dict(body.get(TOOL_CONFIGURATION, {}))
    if manners.extension:
        # A permit list: other keys are dropped without a word.
        told = {
            name: value
            for name, value in told.items()
            if name in _PERMITTED or name.startswith(manners.extension)
        }
        told[manners.extension + "registration_config_url"] = (
            f"{campus.url}/lti/registrations/{tool.client_id}/view"
        )
    if manners.names_deployment:
        told["deployment_id"] = tool.deployment_id
    return {
        **body,
        "client_id": tool.client_id,
        "scope": " ".join(tool.scopes or ()),
        TOOL_CONFIGURATION: told,
    }


def _require(campus: Campus, body: Mapping[str, Any]) -> None:
    """Refuse what the vendor refuses, in the vendor's order."""
    lenient = campus.manners.enrolling.plain_refusals
    for name in (*_REQUIRED, *(() if lenient else _STRICT)):
        if not body.get(name):
            raise UnfitError(f"missing required attribute {name}")
    asked = body[TOOL_CONFIGURATION]
    _require_fixed(body)
    if not isinstance(asked, dict) or not asked.get("domain"):
        raise UnfitError("missing_domain")
    _require_domain(asked)
    if not lenient:
        _require_whole(campus, asked, str(body.get("scope", "")).split())


def _require_fixed(body: Mapping[str, Any]) -> None:
    if "id_token" not in body["response_types"]:
        raise UnfitError("invalid_response_types")
    if not isinstance(body["redirect_uris"], list):
        raise UnfitError("invalid_redirect_uris")
    proof = body["token_endpoint_auth_method"]
    if proof != "private_key_jwt":
        raise UnfitError("invalid_token_endpoint_auth_method")
    if body.get("application_type", "web") != "web":
        raise UnfitError("invalid_application_type")


def _require_domain(asked: Mapping[str, Any]) -> None:
    """The target lies on the domain: its port counts, `www.` does not."""
    target = asked.get("target_link_uri")
    if target and urlsplit(target).netloc.removeprefix("www.") != str(
        asked["domain"]
    ).removeprefix("www."):
        raise UnfitError("domain_targetlinkuri_mismatch")


def _require_whole(campus: Campus, asked: Mapping[str, Any], scopes: list[str]) -> None:
    for name in ("target_link_uri", "claims", "messages"):
        if not asked.get(name):
            raise UnfitError(f"missing required attribute {name}")
    values = (asked.get("custom_parameters") or {}).values()
    if not all(isinstance(value, str) for value in values):
        raise UnfitError("custom_parameters must be texts")
    unknown = sorted(set(scopes) - set(campus.manners.scopes))
    if unknown:
        raise UnfitError(f"invalid scopes: {' '.join(unknown)}")


def _granted(campus: Campus, asked: list[str]) -> list[str]:
    """The scopes a tool gets; where grades are a level, one brings its neighbours."""
    if campus.manners.enrolling.rebuilds_answer and set(asked) & set(_GRADES):
        asked = [*asked, *_GRADES]
    return [scope for scope in campus.manners.scopes if scope in asked]


def _rebuilt(tool: Tool, body: Mapping[str, Any]) -> dict[str, Any]:
    """Moodle 4.5's answer, made from its settings.

    It lists every grade scope though less was granted, and claims nobody asked for.

    Source: facts/moodle.md 2; registration_helper::config_to_registration.
    """
    scopes = tool.scopes or ()
    grades = [*_GRADES, LINE_ITEM_SCOPE] if set(scopes) & set(_GRADES) else []
    roster = [ROSTER_SCOPE] if ROSTER_SCOPE in scopes else []
    asked = body[TOOL_CONFIGURATION]
    told: dict[str, Any] = {
        "deployment_id": tool.deployment_id,
        "target_link_uri": tool.launch_url,
        "domain": asked["domain"],
        "description": asked.get("description", ""),
        "claims": ["sub", "iss", "name", "family_name", "middle_name", "email"],
    }
    messages = asked.get("messages") or []
    if any(one.get("type") == "LtiDeepLinkingRequest" for one in messages):
        told["messages"] = [
            {
                "type": "LtiDeepLinkingRequest",
                "target_link_uri": tool.deep_linking_url,
            }
        ]
    if tool.custom:
        told["custom_parameters"] = dict(tool.custom)
    return {
        "client_id": tool.client_id,
        "response_types": ["id_token"],
        "jwks_uri": tool.jwks_url,
        "initiate_login_uri": tool.login_url,
        "grant_types": ["client_credentials", "implicit"],
        "redirect_uris": list(tool.redirect_uris),
        "application_type": ["web"],
        "token_endpoint_auth_method": "private_key_jwt",
        "client_name": tool.title,
        "logo_uri": body.get("logo_uri", ""),
        "scope": " ".join([*grades, *roster]),
        TOOL_CONFIGURATION: told,
    }
