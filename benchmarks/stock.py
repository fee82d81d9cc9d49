"""The plain pylti1p3 Flask example, as its README has one write it; nothing of ours.

    python -m benchmarks.stock PORT CONFIG.json

Launch data live in a dict, cookies in the browser; the platform's keys are fetched
from its key set, once for as long as the README's key caching says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import waitress
from flask import Flask
from pylti1p3.contrib.flask import (
    FlaskCacheDataStorage,
    FlaskMessageLaunch,
    FlaskOIDCLogin,
    FlaskRequest,
)
from pylti1p3.tool_config import ToolConfDict
from werkzeug.wrappers import Response

THREADS = 8


class DictCache:
    """A cache as flask-caching's simplest: a dict that forgets nothing."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}

    def get(self, key: str) -> Any:  # noqa: ANN401 -- pylti1p3's own
        """Return what is kept."""
        return self.held.get(key)

    def set(self, key: str, value: Any, _timeout: int | None = None) -> None:  # noqa: ANN401 -- pylti1p3's own
        """Keep a value."""
        self.held[key] = value


def tool_config(settings: dict[str, Any]) -> ToolConfDict:
    """Return one issuer with one client, as the README's JSON file would have it."""
    return ToolConfDict({settings["iss"]: [{"default": True, **settings["client"]}]})


def make_app(settings: dict[str, Any]) -> Flask:
    """Make the example: a login, a launch, a page that says who came."""
    app = Flask("stock")
    config, cache = tool_config(settings), DictCache()

    @app.route("/lti/login", methods=["GET", "POST"])
    def login() -> Response:
        storage = FlaskCacheDataStorage(cache)
        asked = FlaskRequest()
        oidc = FlaskOIDCLogin(asked, config, launch_data_storage=storage)
        answer: Response = oidc.redirect(settings["launch_url"])
        return answer

    @app.post("/lti/launch")
    def launch() -> str:
        return f"<h1>{verified(config, cache)['name']}</h1>"

    return app


def verified(config: ToolConfDict, cache: DictCache) -> dict[str, Any]:
    """Verify the launch of this request and return its claims."""
    storage = FlaskCacheDataStorage(cache)
    message = FlaskMessageLaunch(FlaskRequest(), config, launch_data_storage=storage)
    message.set_public_key_caching(storage, cache_lifetime=7200)
    claims: dict[str, Any] = message.get_launch_data()
    return claims


if __name__ == "__main__":
    waitress.serve(
        make_app(json.loads(Path(sys.argv[2]).read_text())),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        threads=THREADS,
        _quiet=True,
    )
