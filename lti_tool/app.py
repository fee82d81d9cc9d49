"""create_app(settings, database): blueprints and error pages, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, Unpack, cast

from flask import Blueprint, Flask, Request, Response, jsonify
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from lti_tool.errors import ConfigError, PullError
from lti_tool.settings import Settings
from lti_tool.storage.database import Database
from lti_tool.web import (
    admin,
    align_link,
    aligning,
    api,
    checks,
    copied,
    deep_linking,
    elsewhere,
    fills,
    grades,
    inbox,
    launch,
    mentor,
    metrics,
    notices,
    passages,
    receipts,
    registration,
    resources,
    review,
    sending,
    sessions,
    student,
    teacher,
    teaching,
    texts,
)
from lti_tool.web import (
    settings as course_settings,
)
from lti_tool.web.api import Gate
from lti_tool.work.api_clients import MANNERS, StoredClients, token_key
from lti_tool.work.orders import Order
from lti_tool.work.published import PublishedCatalog
from lti_tool.work.pulls import Reader
from oneroster.provider import blueprint
from oneroster.provider_replies import RefusalError
from oneroster.provider_tokens import Tokens

HOUR_SECONDS = 3600
ROOMS = (
    launch.pages,
    teacher.teacher,
    course_settings.settings,
    sending.sending,
    receipts.pages,
    fills.fills,
    inbox.inbox,
    elsewhere.elsewhere,
    teaching.views,
    aligning.views,
    grades.views,
    align_link.views,
    resources.views,
    student.student,
    copied.pages,
    mentor.mentor,
    review.pages,
    notices.pages,
    checks.checks,
    deep_linking.pages,
    passages.pages,
    admin.pages,
    registration.pages,
    api.pages,
)


class Orders(TypedDict, total=False):
    """What pages ask of the worker; what is not given is left to its own rounds.

    tell_worker: a page has put outcomes into the outbox.
    order_sync: an administrator asks for a sync.
    order_look: she wants to know of a source what only the network can tell.
    order_import: she sent a framework.
    order_levels: levels are to be worked out again.
    order_meaning: suggestions for a course had to go by words alone.
    order_plan: somebody wants to know what sending would change elsewhere.
    order_reconcile: what was told is to be compared; who asks.
    order_reading: the grades of a course are to be read from its LMS.
    """

    tell_worker: Callable[[], None]
    order_sync: Callable[[Order], None]
    order_look: Callable[[int, str], None]
    order_import: Callable[[int], None]
    order_levels: Callable[[], None]
    order_meaning: Callable[[int], None]
    order_plan: Callable[[int], None]
    order_reconcile: Callable[[str], None]
    order_reading: Callable[[int], None]


def create_app(
    settings: Settings, database: Database, **orders: Unpack[Orders]
) -> Flask:
    """Return the web application; it reads nothing but its arguments."""
    app = Flask("lti_tool.web", static_folder=None)
    app.config["SETTINGS"] = settings
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    app.extensions["database"] = database
    for name in Orders.__optional_keys__:
        app.extensions[name] = orders.get(name, _leave)
    texts.install(app)
    sessions.install(app)
    metrics.install(app)
    for room in ROOMS:
        app.register_blueprint(room)
    app.register_blueprint(_oneroster(app, settings, database))
    app.add_url_rule("/healthz", "healthz", _healthz)
    app.add_url_rule("/readyz", "readyz", _readyz(database))
    _serve_files(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        _wrap(app, ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops))
    return app


def _leave(*_order: object) -> None:
    """Leave an order to the worker's own rounds."""


def _oneroster(app: Flask, settings: Settings, database: Database) -> Blueprint:
    """What others pull from us, at the root of the site; see work.published."""

    def clock() -> datetime:
        now = app.config.get("NOW")
        return cast("datetime", now()) if now else datetime.now(UTC)

    def key() -> bytes:
        return token_key(settings.load_secret_key())

    clients = StoredClients(database, clock)
    tokens = Tokens(clients, key, clock, MANNERS)
    app.extensions["gate"] = _gate(tokens, clients)
    pages = blueprint(
        lambda client: PublishedCatalog(database, clients.source_id(client)),
        clients=clients,
        clock=clock,
        manners=MANNERS,
        token_key=key,
    )
    pages.after_request(_keep_nothing)
    return pages


def _gate(tokens: Tokens, clients: StoredClients) -> Gate:
    """Who asks /api/v1, by the tokens that the OneRoster service takes as well."""

    def gate(request: Request) -> Reader:
        try:
            access = tokens.access(request)
            return Reader(access.scopes, clients.source_id(access.client))
        except RefusalError as error:
            raise PullError(error.status, str(error)) from error

    return gate


def _keep_nothing(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _serve_files(app: Flask) -> None:
    """Serve static files before Flask is asked, with a far-future cache."""
    folder = Path(__file__).parent / "web" / "static"
    app.add_url_rule("/static/<path:filename>", "static", build_only=True)
    files = WhiteNoise(
        app.wsgi_app, root=str(folder), prefix="static/", max_age=HOUR_SECONDS
    )
    _wrap(app, files)


def _wrap(app: Flask, outer: ProxyFix | WhiteNoise) -> None:
    """Let a request pass through another application before Flask."""
    app.wsgi_app = outer  # type: ignore[method-assign] # Flask's documented way


def _healthz() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok")


def _readyz(database: Database) -> Callable[[], tuple[Response, int]]:
    def readyz() -> tuple[Response, int]:
        """Say whether the database answers with our schema."""
        try:
            is_ready = database.is_current()
        except ConfigError:
            is_ready = False
        return jsonify(ready=is_ready), 200 if is_ready else 503

    return readyz
