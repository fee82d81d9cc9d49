"""create_app(settings, database): blueprints and error pages, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, jsonify
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from lti_tool.errors import ConfigError
from lti_tool.settings import Settings
from lti_tool.storage.database import Database
from lti_tool.web import deep_linking, launch, sessions, student, teacher, texts

HOUR_SECONDS = 3600


def create_app(
    settings: Settings,
    database: Database,
    *,
    tell_worker: Callable[[], None] = lambda: None,
) -> Flask:
    """Return the web application; it reads nothing but its arguments.

    tell_worker is called after a page has put outcomes into the outbox.
    """
    app = Flask("lti_tool.web", static_folder=None)
    app.config["SETTINGS"] = settings
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    app.extensions["database"] = database
    app.extensions["tell_worker"] = tell_worker
    texts.install(app)
    sessions.install(app)
    app.register_blueprint(launch.pages)
    app.register_blueprint(teacher.teacher)
    app.register_blueprint(student.student)
    app.register_blueprint(deep_linking.pages)
    app.add_url_rule("/healthz", "healthz", _healthz)
    app.add_url_rule("/readyz", "readyz", _readyz(database))
    _serve_files(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's documented way
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    return app


def _serve_files(app: Flask) -> None:
    """Serve static files before Flask is asked, with a far-future cache."""
    folder = Path(__file__).parent / "web" / "static"
    app.add_url_rule("/static/<path:filename>", "static", build_only=True)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign] # Flask's documented way
        app.wsgi_app, root=str(folder), prefix="static/", max_age=HOUR_SECONDS
    )


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
