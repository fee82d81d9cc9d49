"""A Flask blueprint that serves a catalog over OneRoster 1.2, and 1.1 if asked.

Rostering and resources are read, the gradebook is read and written; access is by
OAuth 2 client credentials, in 1.1 by signature (OAuth 1.0a) too. What other
providers do differently is set by :class:`Manners`.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, unquote

from flask import Blueprint, Response, jsonify, request

from oneroster.catalog import Catalog, PagedCatalog, Query
from oneroster.dialects import COLLECTIONS, DIALECTS, Dialect, Room, Version
from oneroster.models import Record, format_record
from oneroster.provider_clients import Access, ClientList, ListedClients
from oneroster.provider_operations import (
    Operation,
    check_owners,
    find_old_operation,
    find_operation,
    select,
)
from oneroster.provider_pages import Page, parse_query, show, take_page
from oneroster.provider_replies import Manners, RefusalError
from oneroster.provider_selections import Ids, read_one
from oneroster.provider_signatures import Signatures
from oneroster.provider_tokens import Tokens
from oneroster.provider_writes import (
    allocate_id,
    check_place,
    parse_object,
    parse_old_object,
    taken,
)
from oneroster.records import REFERENCE_PATHS

__all__ = ["CatalogFor", "ClientList", "Manners", "Observer", "blueprint"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
STANDARD = Manners()
Write = Callable[[Record], dict[str, Any]]
CatalogFor = Callable[[str], Catalog]
"""Gives the catalog that a client, by its id, may see."""


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
    catalog: Catalog | CatalogFor,
    *,
    clients: Mapping[str, str] | ClientList,
    clock: Callable[[], datetime] = _now,
    manners: Manners = STANDARD,
    on_request: Observer | None = None,
    token_key: bytes | Callable[[], bytes] | None = None,
) -> Blueprint:
    """Make the blueprint; register it at the root of an app.

    ``catalog`` is served to every client, or is asked which one a client may see.
    ``clients`` holds the secret of each client id and may change while we serve.
    ``token_key`` signs access tokens: give the same to every process that serves
    the same provider; without one, tokens last as long as this blueprint. It may be
    a function that gives the key when the first token is signed.

    Source: OneRoster 1.2 Rostering, Gradebook, Resources and Security; 1.1.
    """
    key = token_key or secrets.token_bytes(32)
    listed = ListedClients(clients) if isinstance(clients, Mapping) else clients
    tokens = Tokens(listed, key if callable(key) else lambda: key, clock, manners)
    service = _Service(
        catalog if callable(catalog) else lambda _client: catalog,
        tokens,
        Signatures(listed, clock),
        clock,
        manners,
    )
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

    def answer(version: Version, room: Room, rest: str) -> Response:
        reply = service.answer(version, room, rest)
        if on_request is not None:
            body = request.get_json(silent=True)
            told = body if isinstance(body, dict) else {}
            on_request(request.method, _full_path(), reply.status_code, told)
        return reply

    roots: dict[str, tuple[Version, Room]] = {
        root: (version, room)
        for version in manners.versions
        for room, root in DIALECTS[version].roots.items()
    }
    for root, (version, room) in roots.items():
        pages.add_url_rule(
            f"{root}/<path:rest>",
            endpoint=root.replace(".", "_"),
            view_func=answer,
            defaults={"version": version, "room": room},
            methods=METHODS,
            provide_automatic_options=False,
        )
    return pages


@dataclass(frozen=True, slots=True)
class _Service:
    """Answers the requests of one blueprint."""

    catalog_for: CatalogFor
    tokens: Tokens
    signatures: Signatures
    clock: Callable[[], datetime]
    manners: Manners

    def answer(self, version: Version, room: Room, rest: str) -> Response:
        """Answer a request below the root of a service."""
        dialect = DIALECTS[version]
        try:
            access = self._access(version)
            method = "GET" if request.method == "HEAD" else request.method
            steps = _steps(dialect.roots[room], rest)
            if version == "1.1":
                operation, ids = find_old_operation(method, steps)
            else:
                operation, ids = find_operation(room, method, steps)
            _check_offer(operation, self.manners)
            _check_scope(operation, access)
            room_of_client = _Room(
                self.catalog_for(access.client), dialect, self.clock, self.manners
            )
            return room_of_client.perform(operation, ids)
        except RefusalError as refusal:
            return refusal.reply(self.manners, version)

    def _access(self, version: Version) -> Access:
        sent = request.headers.get("Authorization", "")
        if version == "1.1" and sent.startswith("OAuth "):
            return self.signatures.access(request)
        return self.tokens.access(request)


@dataclass(frozen=True, slots=True)
class _Room:
    """Performs the operations of one version on one catalog."""

    catalog: Catalog
    dialect: Dialect
    clock: Callable[[], datetime]
    manners: Manners

    def perform(self, operation: Operation, ids: Ids) -> Response:
        """Answer a request that is allowed."""
        answers = {
            "GET": self._read,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
        }
        return answers[operation.method](operation, ids)

    def _read(self, operation: Operation, ids: Ids) -> Response:
        collection = COLLECTIONS[operation.name]

        def write(record: Record) -> dict[str, Any]:
            written = format_record(record, href_for=self._href)
            return self.dialect.downgrade(collection.name, written)

        names = self.dialect.fields(collection.name)
        if operation.is_single:
            asked = {"fields": request.args.get("fields", "")}
            query = parse_query(asked, names, self.manners)
            record = read_one(self.catalog, operation.name, ids[0])
            return jsonify({collection.single: show([record], query, write)[0]})
        query = parse_query(request.args, names, self.manners)
        check_owners(self.catalog, operation, ids)
        records, total = self._take(operation, ids, query, write)
        page = Page(show(records, query, write), total, query)
        reply = jsonify({collection.key: page.rows})
        if self.manners.sends_total:
            reply.headers["X-Total-Count"] = str(page.total)
        if self.manners.sends_link:
            reply.headers["Link"] = page.link(request.base_url, request.args.to_dict())
        return reply

    def _take(
        self, operation: Operation, ids: Ids, query: Query, write: Write
    ) -> tuple[Sequence[Record], int]:
        """Let the catalog find the page, or look through its records.

        It knows the fields of 1.2: those of 1.1 that say something else are looked
        at as they are sent.
        """
        looked_at = {*(query.wanted.fields if query.wanted else ()), query.sort}
        heads = {name.partition(".")[0] for name in looked_at}
        if heads & self.dialect.reshaped(operation.name):
            found = select(self.catalog, operation, ids)
            return take_page(found, query, lambda one, _fields: write(one))
        if isinstance(self.catalog, PagedCatalog):
            page = self.catalog.page(operation.path, ids, query)
            if page is not None:
                return page
        return take_page(select(self.catalog, operation, ids), query)

    def _put(self, operation: Operation, ids: Ids) -> Response:
        name = operation.name
        payload = _body(COLLECTIONS[name].single)
        if isinstance(payload, Mapping) and payload.get("sourcedId") != ids[0]:
            raise RefusalError(
                422, "invaliddata", "sourcedId is not the one of the path; correct one"
            )
        known = self.catalog.read(name, ids[0]) is not None
        if not known and not self.manners.creates_by_put:
            raise RefusalError(404, "unknownobject", "it is not there to be replaced")
        parse = parse_old_object if self.dialect.version == "1.1" else parse_object
        sent = taken(payload, self.manners)
        record = parse(self.catalog, name, sent, now=self.clock())
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
        check_owners(self.catalog, operation, ids)
        payload = _body(COLLECTIONS[name].key)
        if not isinstance(payload, list) or not payload:
            raise RefusalError(422, "invaliddata", "the body holds no list of objects")
        parts = [taken(part, self.manners) for part in payload]
        records = [parse_object(self.catalog, name, part, now=now) for part in parts]
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

    def _href(self, kind: str, sourced_id: str) -> str:
        """The URL of an object that a reference points to."""
        path = REFERENCE_PATHS.get(kind, kind)
        room = COLLECTIONS[path].room if path in COLLECTIONS else "rostering"
        base = request.url_root.rstrip("/") + self.dialect.roots[room]
        return f"{base}/{path}/{quote(sourced_id, safe='')}"


def _check_offer(operation: Operation, manners: Manners) -> None:
    if operation.name in manners.absent:
        raise RefusalError(404, "unknownobject", "that is not served here")
    if manners.is_read_only and operation.method != "GET":
        raise RefusalError(
            405, "unsupported", "nothing is written here; read only", "GET"
        )


def _check_scope(operation: Operation, access: Access) -> None:
    if not access.scopes & operation.scopes:
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
