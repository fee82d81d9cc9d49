"""What every service of the pretend LMS asks of a request, and how it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from flask import Response, abort, request

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_records import Access

Entry = TypeVar("Entry")


def refuse(status: int, reason: str) -> Response:
    """A refusal as JSON: what was wrong with the request."""
    return answer({"status": status, "reason": reason}, status=status)


def answer(
    value: object,
    *,
    status: int = 200,
    media_type: str = "application/json",
) -> Response:
    """A JSON answer of a media type."""
    text = json.dumps(value, ensure_ascii=False)
    return Response(text, status=status, content_type=media_type)


def stop(status: int, reason: str) -> NoReturn:
    """End the request with a refusal."""
    abort(refuse(status, reason))


def require_access(campus: Campus, *any_of: str) -> Access:
    """The token of the request, if it may use one of the scopes; else refused."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    access = campus.access(token.strip()) if kind.lower() == "bearer" else None
    if access is None:
        unknown = refuse(401, "the access token is missing, unknown or expired")
        unknown.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        abort(unknown)
    if not set(any_of) & set(access.scopes):
        stop(403, f"the access token lacks the scope {any_of[0]}")
    return access


def require_accept(campus: Campus, media_type: str) -> None:
    """Refuse a request whose Accept header is not exactly the media type."""
    accepted = request.headers.get("Accept", "")
    if accepted.partition(";")[0].strip().lower() != media_type or "," in accepted:
        stop(campus.manners.accept_status, f"Accept must be {media_type}")


def require_json(campus: Campus, media_type: str) -> dict[str, Any]:
    """The JSON object of the request, if it is labelled with the media type."""
    if request.mimetype != media_type:
        stop(campus.manners.media_type_status, f"Content-Type must be {media_type}")
    try:
        body = json.loads(request.get_data(cache=True), parse_constant=_no_constant)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        stop(400, "the body must be one JSON object")
    return body


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def page(campus: Campus, entries: Sequence[Entry]) -> tuple[list[Entry], str | None]:
    """The page of entries the request asks for, and the address of the next one.

    Page marks are opaque and their letter case counts, as on the platforms whose
    marks broke tools. Source: RFC 8288; AGS 2.0 and NRPS 2.0 on `limit`.
    """
    start = _start(request.args.get("page"))
    size = _size(campus, request.args.get("limit"))
    shown = list(entries[start : start + size] if size else entries[start:])
    if start + len(shown) >= len(entries):
        return shown, None
    mark = base64.urlsafe_b64encode(f"[{start + len(shown)}]".encode()).decode()
    query = urlencode([*_pairs(without="page"), ("page", f"bookmark:{mark}")])
    return shown, f"{campus.url}{_path()}?{query}"


def _path() -> str:
    return quote(request.path, safe="/")


def _pairs(*, without: str) -> list[tuple[str, str]]:
    query = request.query_string.decode("utf-8", "replace")
    pairs = parse_qsl(query, keep_blank_values=True)
    return [pair for pair in pairs if pair[0] != without]


def _start(mark: str | None) -> int:
    """Where a page mark points; refused if we did not make it."""
    if mark is None:
        return 0
    try:
        (start,) = json.loads(base64.urlsafe_b64decode(mark.removeprefix("bookmark:")))
    except (ValueError, TypeError):
        stop(400, "the page mark is not one of ours; use the next link as it is")
    if not isinstance(start, int) or start < 0:
        stop(400, "the page mark is not one of ours; use the next link as it is")
    return start


def _size(campus: Campus, limit: str | None) -> int | None:
    """How many entries a page holds, None for all."""
    cap = campus.manners.page_size
    if limit is None:
        return cap
    if not limit.isascii() or not limit.isdecimal() or int(limit) < 1:
        stop(400, "limit must be a whole number above 0")
    return min(int(limit), cap) if cap else int(limit)


def sent_id(campus: Campus, known_as: str) -> str | int:
    """An id as services send it: some platforms send digits as a number."""
    if campus.manners.number_ids and known_as.isascii() and known_as.isdecimal():
        return int(known_as)
    return known_as
