"""Deep linking: what the tool brings back becomes links of the course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request

from lti_tool.demo.platform_ags import is_amount
from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_claims import DEEP_LINKING, LTI, deep_link_state
from lti_tool.demo.platform_records import LineItem, Link, Ticket
from lti_tool.demo.platform_vault import (
    UntrustedError,
    require_audience,
    require_times,
)


def deep_linking_routes(campus: Campus) -> Blueprint:
    """The address a tool posts its deep linking response to.

    Source: Deep Linking 2.0, sections 2.3 and 4.5.
    """
    routes = Blueprint("deep_linking", __name__)

    @routes.post("/lti/deep_linking/<ticket_id>")
    def returned(ticket_id: str) -> Response:
        ticket = campus.returning(ticket_id)
        if ticket is None:
            return _page(
                400,
                title="Nothing is being added here",
                text="This address is used or too old. Choose Add content again.",
            )
        if _is_cut_off(campus):
            return _repost()
        try:
            claims = _verified(campus, ticket, request.form.get("JWT", ""))
            items = _items(claims, ticket)
        except UntrustedError as error:
            return _page(400, title="The tool's answer was refused", text=f"{error}.")
        placed = [_placed(campus, ticket, item) for item in items]
        campus.forget_return(ticket_id)
        shown = render_template(
            "platform/placed.html",
            course=campus.course(ticket.course_id),
            links=[link for link, _ in placed],
            columns={link.id: column for link, column in placed},
            message=claims.get(DEEP_LINKING + "msg"),
            error=claims.get(DEEP_LINKING + "errormsg"),
        )
        return Response(shown)

    return routes


def _verified(campus: Campus, ticket: Ticket, signed: str) -> dict[str, Any]:
    """The claims of a deep linking response, found in order."""
    tool = campus.tools[ticket.client_id]
    if not signed:
        raise UntrustedError("The form has no field JWT")
    now = campus.clock()
    claims = campus.vault.opened(tool, signed)
    require_audience(claims, campus.url)
    until = require_times(claims, now)
    _require_fixed(campus, ticket, claims)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        raise UntrustedError("nonce is missing")
    if not campus.vault.is_first(f"nonce {tool.client_id}", nonce, until, now):
        raise UntrustedError("nonce was used before")
    return claims


def _require_fixed(campus: Campus, ticket: Ticket, claims: Mapping[str, Any]) -> None:
    """Refuse an answer whose fixed claims are not this launch's."""
    tool = campus.tools[ticket.client_id]
    fixed: dict[str, str | None] = {
        "iss": tool.client_id,
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": tool.deployment_id,
        DEEP_LINKING + "data": deep_link_state(ticket)
        if campus.manners.echoes_deep_link_state
        else None,
    }
    for name, value in fixed.items():
        word = name.rpartition("/")[2]
        if value is None and name in claims:
            raise UntrustedError(f"{word} must be left out where none was sent")
        if claims.get(name) != value:
            raise UntrustedError(f"{word} must be {value}")


def _is_cut_off(campus: Campus) -> bool:
    """Tell whether the browser kept our cookie back, as across sites it does.

    Moodle 4.5.11 and later answer so: the page posts itself again, and that post
    carries the cookie. Both must find the same answer. Source: facts/moodle.md 3.
    """
    has_cookie = campus.cookie_name in request.cookies
    return (
        campus.manners.reposts_returns
        and not has_cookie
        and "repost" not in request.form
    )


def _repost() -> Response:
    fields = {**request.form.to_dict(), "repost": "true"}
    shown = render_template("platform/post.html", action=request.url, fields=fields)
    return Response(shown)


def _items(claims: Mapping[str, Any], ticket: Ticket) -> list[dict[str, Any]]:
    """The content items; all of them links, or the answer is refused."""
    items = claims.get(DEEP_LINKING + "content_items")
    if not isinstance(items, list):
        raise UntrustedError("content_items must be a list")
    if ticket.single and len(items) > 1:
        raise UntrustedError("content_items may hold one item here")
    for item in items:
        if not isinstance(item, dict) or item.get("type") != "ltiResourceLink":
            raise UntrustedError("every content item must be of type ltiResourceLink")
        custom = item.get("custom", {})
        if not isinstance(custom, dict) or not all(
            isinstance(value, str) for value in custom.values()
        ):
            raise UntrustedError("custom must be an object of texts")
        _require_line_item(item.get("lineItem"))
    return items


def _require_line_item(line_item: object) -> None:
    if line_item is None:
        return
    if not isinstance(line_item, dict):
        raise UntrustedError("lineItem must be an object")
    if not is_amount(line_item.get("scoreMaximum")):
        raise UntrustedError("lineItem.scoreMaximum must be a number above 0")


def _placed(
    campus: Campus, ticket: Ticket, item: Mapping[str, Any]
) -> tuple[Link, LineItem | None]:
    """A link made of an item, with the column that it brought."""
    tool = campus.tools[ticket.client_id]
    line_item = item.get("lineItem")
    if campus.manners.accepts_line_items is False:
        line_item = None
    label = line_item.get("label") if line_item else None
    title = str(item.get("title") or "Untitled")
    if campus.manners.labels_links:
        title = str(label or title)
    link = campus.add_link(
        ticket.course_id,
        campus.next_link_id(),
        title,
        str(item.get("url") or tool.launch_url),
        custom=item.get("custom"),
    )
    if not line_item:
        return link, None
    return link, campus.gradebook.add_column(
        course_id=ticket.course_id,
        client_id=tool.client_id,
        label=str((label if campus.manners.labels_columns else None) or title),
        maximum=line_item["scoreMaximum"],
        resource_link_id=link.id,
        resource_id=line_item.get("resourceId"),
        tag=line_item.get("tag"),
        coupled=True,
    )


def _page(status: int, *, title: str, text: str) -> Response:
    shown = render_template("platform/message.html", title=title, text=text)
    return Response(shown, status=status)
