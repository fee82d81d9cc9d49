"""A Flask blueprint that serves a catalog over OneRoster 1.2.

Rostering and resources are read, the gradebook is read and written; access is by
OAuth 2 client credentials. What other providers do differently is set by
:class:`Manners`.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote, unquote

from flask import Blueprint, Response, jsonify, request

from oneroster.catalog import Catalog
from oneroster.dialects import COLLECTIONS, DIALECTS, Room
from oneroster.provider_operations import Operation, find_operation, select
from oneroster.provider_pages import parse_query, take_page
from oneroster.provider_replies import Manners, RefusalError
from oneroster.provider_selections import Ids, read_one
from oneroster.provider_tokens import Tokens
from oneroster.provider_writes import allocate_id, check_place, parse_object
from oneroster.records import REFERENCE_PATHS

__all__ = ["Manners", "Observer", "blueprint"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROOTS = DIALECTS["1.2"].roots
STANDARD = Manners()


class Observer(Protocol):
    """Is told of every request answered; it must not raise."""

    def __call__(
        self, method: str, path: str, status: int, body: Mapping[str, object]
    ) -> object:
        """Take note of a request: its path with query, our status, its JSON body.

        The body of a token request holds grant_type and scope alone.
        """


def _now() -> datetime:
    return datetime.now(UTC)


def blueprint(
    catalog: Catalog,
    *,
    clients: Mapping[str, str],
    clock: Callable[[], datetime] = _now,
    manners: Manners = STANDARD,
    on_request: Observer | None = None,
    token_key: bytes | None = None,
) -> Blueprint:
    """Make the blueprint; register it at the root of an app.

    ``clients`` holds the secret of each client id and may change while we serve.
    ``token_key`` signs access tokens: give the same to every process that serves
    the same provider; without one, tokens last as long as this blueprint.

    Source: OneRoster 1.2 Rostering, Gradebook, Resources and Security.
    """
    key = token_key or secrets.token_bytes(32)
    tokens = Tokens(clients, key, clock, manners)
    service = _Service(catalog, tokens, clock, manners)
    pages = Blueprint("oneroster", __name__)

    @pages.post(manners.token_url)
    def token() -> Response:
        reply = tokens.issue(request)
        if on_request is not None:
            asked = {
                name: request.form.get(name, "") for name in ("grant_type", "scope")
            }
            on_request("POST", _full_path(), reply.status_code, asked)
        return reply

    def answer(room: Room, rest: str) -> Response:
        reply = service.answer(room, rest)
        if on_request is not None:
            body = request.get_json(silent=True)
            told = body if isinstance(body, dict) else {}
            on_request(request.method, _full_path(), reply.status_code, told)
        return reply

    for room, root in ROOTS.items():
        pages.add_url_rule(
            f"{root}/<path:rest>",
            endpoint=room,
            view_func=answer,
            defaults={"room": room},
            methods=METHODS,
            provide_automatic_options=False,
        )
    return pages


@dataclass(frozen=True, slots=True)
class _Service:
    """Answers the requests of one blueprint."""

    catalog: Catalog
    tokens: Tokens
    clock: Callable[[], datetime]
    manners: Manners

    def answer(self, room: Room, rest: str) -> Response:
        """Answer a request below the root of a service."""
        try:
            allowed = self.tokens.scopes(request)
            method = "GET" if request.method == "HEAD" else request.method
            steps = _steps(ROOTS[room], rest)
            operation, ids = find_operation(room, method, steps)
            _check_scope(operation, allowed)
            return self._perform(operation, ids)
        except RefusalError as refusal:
            return refusal.reply(self.manners)

    def _perform(self, operation: Operation, ids: Ids) -> Response:
        answers = {
            "GET": self._read,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
        }
        return answers[operation.method](operation, ids)

    def _read(self, operation: Operation, ids: Ids) -> Response:
        collection = COLLECTIONS[operation.name]
        if operation.is_single:
            query = parse_query({}, collection.kind, self.manners)
            record = read_one(self.catalog, operation.name, ids[0])
            page = take_page([record], query, _href)
            return jsonify({collection.single: page.rows[0]})
        query = parse_query(request.args, collection.kind, self.manners)
        page = take_page(select(self.catalog, operation, ids), query, _href)
        reply = jsonify({collection.key: page.rows})
        if self.manners.sends_total:
            reply.headers["X-Total-Count"] = str(page.total)
        if self.manners.sends_link:
            reply.headers["Link"] = page.link(request.base_url, request.args.to_dict())
        return reply

    def _put(self, operation: Operation, ids: Ids) -> Response:
        name = operation.name
        payload = _body(COLLECTIONS[name].single)
        if isinstance(payload, Mapping) and payload.get("sourcedId") != ids[0]:
            raise RefusalError(
                422, "invaliddata", "sourcedId is not the one of the path; correct one"
            )
        record = parse_object(self.catalog, name, payload, now=self.clock())
        known = self.catalog.read(name, ids[0]) is not None
        self.catalog.write(name, record)
        return Response(status=self.manners.replaced_status if known else 201)

    def _delete(self, operation: Operation, ids: Ids) -> Response:
        name = operation.name
        record = read_one(self.catalog, name, ids[0])
        if self.manners.keeps_deleted:
            changes = {"status": "tobedeleted", "date_last_modified": self.clock()}
            self.catalog.write(name, record.model_copy(update=changes))
        else:
            self.catalog.delete(name, ids[0])
        return Response(status=self.manners.deleted_status)

    def _post(self, operation: Operation, ids: Ids) -> Response:
        """Write every object of the body, or none if one is refused."""
        name, now = operation.name, self.clock()
        owners = operation.path.split("/")[:-1:2]
        for owner, sourced_id in zip(owners, ids, strict=True):
            read_one(self.catalog, owner, sourced_id)
        payload = _body(COLLECTIONS[name].key)
        if not isinstance(payload, list) or not payload:
            raise RefusalError(422, "invaliddata", "the body holds no list of objects")
        records = [parse_object(self.catalog, name, part, now=now) for part in payload]
        for record in records:
            check_place(self.catalog, operation.path, ids, record)
        pairs = []
        for record in records:
            supplied = allocated = record.sourced_id
            if self.manners.rekeys or self.catalog.read(name, supplied) is not None:
                allocated = allocate_id(self.catalog, name, supplied, now=now)
            written = record.model_copy(update={"sourced_id": allocated})
            self.catalog.write(name, written)
            pairs.append(
                {"suppliedSourcedId": supplied, "allocatedSourcedId": allocated}
            )
        reply = jsonify(sourcedIdPairs=pairs)
        reply.status_code = 201
        return reply


def _check_scope(operation: Operation, allowed: frozenset[str]) -> None:
    if not allowed & operation.scopes:
        needed = min(operation.scopes)
        raise RefusalError(
            403, "forbidden", f"the access token needs the scope {needed}"
        )


def _steps(root: str, rest: str) -> list[str]:
    """Split a path at its slashes, but not at those inside a sourcedId."""
    target = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or ""
    raw = str(target).partition("?")[0].partition(f"{root}/")[2]
    return [unquote(step) for step in raw.split("/")] if raw else rest.split("/")


def _full_path() -> str:
    return request.full_path.removesuffix("?")


def _body(key: str) -> object:
    """Give what stands under the one key of the JSON body.

    Raises:
        RefusalError: 400 if it is not JSON, 422 if the key is another.
    """
    body = request.get_json(silent=True)
    if body is None:
        raise RefusalError(400, "invaliddata", "the body is not JSON; send JSON")
    if not isinstance(body, dict) or list(body) != [key]:
        raise RefusalError(
            422, "invaliddata", f'the body has not "{key}" as its one key'
        )
    found: object = body[key]
    return found


def _href(kind: str, sourced_id: str) -> str:
    """The URL of an object that a reference points to."""
    path = REFERENCE_PATHS.get(kind, kind)
    room = COLLECTIONS[path].room if path in COLLECTIONS else "rostering"
    base = request.url_root.rstrip("/") + ROOTS[room]
    return f"{base}/{path}/{quote(sourced_id, safe='')}"
