"""What a launch says, and how it is signed."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from joserfc.jws import JWSRegistry

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_manners import GROUP_SCOPE, NOTICE_SCOPE, ROSTER_SCOPE
from lti_tool.demo.platform_records import (
    INSTITUTION_URIS,
    ROLE_URIS,
    Course,
    Edit,
    Key,
    Link,
    Person,
    Ticket,
)

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS_CLAIM: Final = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
GROUPS_CLAIM: Final = "https://purl.imsglobal.org/spec/lti-gs/claim/groupsservice"
ROSTER_CLAIM: Final = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"


def sign_launch(
    campus: Campus,
    ticket: Ticket,
    nonce: str,
    *,
    edit: Edit | None = None,
    key: Key | None = None,
) -> str:
    """The id_token of a launch; edit changes header and claims before signing."""
    header: dict[str, Any] = {"typ": "JWT", "alg": "RS256", "kid": campus.key.kid}
    claims = launch_claims(campus, ticket, nonce)
    if edit is not None:
        edit(header, claims)
    return compact(header, claims, key or campus.key)


def compact(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    """A JWS of whatever it is told, right or wrong.

    joserfc's own serializer refuses to write what a strict reader must refuse to
    read, and a test has to send just that; so only its signatures are used.
    """
    signed = ".".join(
        urlsafe_b64encode(json.dumps(part, ensure_ascii=False).encode())
        .rstrip(b"=")
        .decode()
        for part in (header, claims)
    )
    named = str(header.get("alg"))
    if named == "none":
        return f"{signed}."
    algorithm = JWSRegistry.algorithms.get(named, JWSRegistry.algorithms["RS256"])
    signature = algorithm.sign(signed.encode(), key)
    return f"{signed}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def launch_claims(campus: Campus, ticket: Ticket, nonce: str) -> dict[str, Any]:
    """Every claim of the launch a ticket stands for.

    Source: LTI Core 1.3, 5.3 and 5.4; Deep Linking 2.0; AGS 2.0; NRPS 2.0.
    """
    tool = campus.tools[ticket.client_id]
    person = campus.person(ticket.person_id)
    course = campus.course(ticket.course_id)
    now = int(campus.clock().timestamp())
    claims: dict[str, Any] = {
        "iss": campus.url,
        "aud": tool.client_id,
        "sub": person.id,
        "iat": now,
        "exp": now + campus.manners.id_token_seconds,
        "nonce": nonce,
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email": person.email,
        "locale": person.locale,
        LTI + "version": "1.3.0",
        LTI + "deployment_id": tool.deployment_id,
        LTI + "target_link_uri": ticket.target_link_uri,
        LTI + "roles": roles(campus, course, person.id),
        LTI + "context": {
            "id": course.id,
            "label": course.label,
            "title": course.title,
            "type": [campus.manners.context_type],
        },
        LTI + "tool_platform": {
            "guid": campus.url.partition("://")[2],
            "name": "Pretend LMS (demo)",
            "url": campus.url,
            "product_family_code": campus.manners.product,
            "version": "1",
        },
        LTI + "launch_presentation": {
            "document_target": "iframe",
            "return_url": f"{campus.url}/courses/{course.id}",
            "locale": person.locale,
        },
        ROSTER_CLAIM: {
            "context_memberships_url": campus.course_url(course.id) + "/memberships",
            "service_versions": ["2.0"],
        },
    }
    if campus.manners.groups:
        claims[GROUPS_CLAIM] = {
            "context_groups_url": campus.course_url(course.id) + "/groups",
            "context_group_sets_url": campus.course_url(course.id) + "/group_sets",
            "scope": [GROUP_SCOPE],
            "service_versions": ["1.0"],
        }
    if campus.manners.notices:
        claims[LTI + "platformnotificationservice"] = {
            "platform_notification_service_url": (
                f"{campus.url}/lti/notice-handlers/{tool.deployment_id}"
            ),
            "service_versions": ["1.0"],
            "scope": [NOTICE_SCOPE],
            "notice_types_supported": list(campus.manners.notices),
        }
    if lis := _lis(person, course):
        claims[LTI + "lis"] = lis
    if ticket.kind == "deep_linking":
        return claims | _deep_linking(campus, ticket)
    return claims | _resource_link(campus, person, course, ticket)


def roles(campus: Campus, course: Course, person_id: str) -> list[str]:
    """The role URIs of a person in a course, as a launch lists them."""
    role = course.seats.get(person_id)
    if role is None:
        return []
    named = [ROLE_URIS[role]]
    return (
        [*named, INSTITUTION_URIS[role]] if campus.manners.institution_roles else named
    )


def custom_claim(
    custom: Mapping[str, str], person: Person, course: Course, link: Link
) -> dict[str, str]:
    """Custom parameters with their variables filled in.

    An unknown variable stays as written; a known one without a value is empty.

    Source: LTI Core 1.3, appendix B.
    """
    known = {
        "$Context.id": course.id,
        "$Context.title": course.title,
        "$Context.label": course.label,
        "$Context.id.history": _history(course.history),
        "$CourseSection.sourcedId": course.sourced_id or "",
        "$Context.sourcedId": course.sourced_id or "",
        "$ResourceLink.id": link.id,
        "$ResourceLink.title": link.title,
        "$ResourceLink.id.history": _history(link.history),
        "$User.id": person.id,
        "$Person.sourcedId": person.sourced_id or "",
        "$Person.name.full": person.name,
        "$Person.name.given": person.given_name,
        "$Person.name.family": person.family_name,
        "$Person.email.primary": person.email,
    }
    if "$Canvas.user.id" in custom.values():
        known |= _canvas_variables(person, course)
    return {name: known.get(value, value) for name, value in custom.items()}


def _history(ids: tuple[str, ...]) -> str:
    return ",".join(quote(one, safe="") for one in ids)


def _canvas_variables(person: Person, course: Course) -> dict[str, str]:
    """Numbers and SIS ids under Canvas's names. Source: facts/canvas.md 2."""
    return {
        "$Canvas.user.id": _number(person.id),
        "$Canvas.course.id": _number(course.id),
        "$Canvas.course.sisSourceId": course.sourced_id or "$Canvas.course.sisSourceId",
        "$Canvas.course.sectionSisSourceIds": course.sourced_id or "",
    }


def _number(known_as: str) -> str:
    """The number the LMS itself knows a record by; always the same."""
    return str(zlib.crc32(known_as.encode()))


def _lis(person: Person, course: Course) -> dict[str, str]:
    named = {
        "person_sourcedid": person.sourced_id,
        "course_section_sourcedid": course.sourced_id,
    }
    return {name: value for name, value in named.items() if value}


def _resource_link(
    campus: Campus, person: Person, course: Course, ticket: Ticket
) -> dict[str, Any]:
    link = campus.link(ticket.link_id or "")
    mine = campus.gradebook.columns(
        course.id,
        lambda item: (
            item.client_id == ticket.client_id and item.resource_link_id == link.id
        ),
    )
    tool = campus.tools[ticket.client_id]
    granted = tool.may_use(campus.manners.scopes)
    endpoint: dict[str, Any] = {
        "scope": [
            scope for scope in granted if scope not in (ROSTER_SCOPE, NOTICE_SCOPE)
        ],
        "lineitems": campus.line_items_url(course.id),
    }
    if len(mine) == 1:
        endpoint["lineitem"] = campus.line_item_url(mine[0])
    claims: dict[str, Any] = {
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "resource_link": {"id": link.id, "title": link.title},
        AGS_CLAIM: endpoint,
    }
    # Moodle lets the tool's value beat the link's; others do not say.
    if custom := {**link.custom, **tool.custom}:
        claims[LTI + "custom"] = custom_claim(custom, person, course, link)
    return claims


def _deep_linking(campus: Campus, ticket: Ticket) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "deep_link_return_url": f"{campus.url}/lti/deep_linking/{ticket.id}",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": list(campus.manners.targets),
        "accept_multiple": not ticket.single,
        "auto_create": True,
        "title": "Add content",
    }
    if campus.manners.accepts_line_items is not None:
        settings["accept_lineitem"] = campus.manners.accepts_line_items
    if campus.manners.echoes_deep_link_state:
        settings["data"] = deep_link_state(ticket)
    return {
        LTI + "message_type": "LtiDeepLinkingRequest",
        DEEP_LINKING + "deep_linking_settings": settings,
    }


def deep_link_state(ticket: Ticket) -> str:
    """What the tool must send back unchanged."""
    return f"course={ticket.course_id}"
