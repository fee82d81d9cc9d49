"""Who may see an administrator's page: the blueprint, its session and its checks.

Every route of the blueprint asks for a signed-in administrator, but those made with
``public``; every unsafe request must come from our own page with its token. Pages are
never framed, and their cookie is their own.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import NotFoundError
from lti_tool.logs import log
from lti_tool.settings import Settings
from lti_tool.storage import accounts
from lti_tool.storage.accounts import Account, AdminSession
from lti_tool.web.sessions import SAFE_METHODS, clock, database
from lti_tool.web.texts import gettext

COOKIE: Final = "__Host-masterybridge-admin"
# Before anybody is signed in, this one ties a form to the browser that asked for it.
VISITOR: Final = "__Host-masterybridge-visitor"
SECRET_LENGTH: Final = len(secrets.token_urlsafe(32))

pages = Blueprint("admin", __name__, url_prefix="/admin")
# Views seen without signing in, and those that take a file of so many bytes.
_PUBLIC: Final[set[Callable[..., ResponseReturnValue]]] = set()
_MOST_BYTES: Final[dict[Callable[..., ResponseReturnValue], int]] = {}
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def public(view: View) -> View:
    """Let a view of the blueprint be seen without signing in."""
    _PUBLIC.add(view)
    return view


def takes_file(most_bytes: int) -> Callable[[View], View]:
    """Let a view of the blueprint take a file of so many bytes from an administrator.

    Any other request is held to the size of a form.
    """

    def mark(view: View) -> View:
        _MOST_BYTES[view] = most_bytes
        return view

    return mark


def current_session() -> AdminSession:
    """The session of the administrator who asks; only behind the guard."""
    return cast("AdminSession", g.admin)


def find_session() -> AdminSession | None:
    """The session of this request, or None where nobody is signed in."""
    return cast("AdminSession | None", g.get("admin"))


def is_signed_in() -> bool:
    """Tell, on a page that is not the administrators', whether one is signed in."""
    return _load_session() is not None


def admin() -> Account:
    """The administrator who asks; only behind the guard."""
    return current_session().account


def settings() -> Settings:
    """The settings in force."""
    return cast("Settings", current_app.config["SETTINGS"])


def public_url() -> str:
    """Our address as platforms reach it, without a slash at its end."""
    return settings().public_url.rstrip("/")


def keep_admin(answer: Answer, secret: str) -> None:
    """Give the browser the secret of its session; the visitor's one goes."""
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(accounts.ABSOLUTE.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )
    answer.delete_cookie(VISITOR, path="/", secure=True, httponly=True)


def forget_admin(answer: Answer) -> None:
    """Take the secret of its session from the browser."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True)


def own_path(path: str | None) -> str:
    """Where to go on to: path if it is one of ours below /admin/, else the home page.

    Source: facts/security.md D11.
    """
    home = url_for("admin.home")
    if not path or not path.startswith("/admin/") or "\\" in path or "//" in path:
        return home
    parts = urlsplit(path)
    return home if parts.scheme or parts.netloc or not path.isprintable() else path


def token() -> str:
    """The token that unsafe forms of this page carry."""
    held = find_session()
    if held is not None:
        return held.csrf
    return _visitor_token(_visitor())


def menu() -> list[tuple[str, str]]:
    """The entries of the navigation: endpoint and word, those that exist."""
    entries = [
        ("admin.home", gettext("Home")),
        ("admin.platforms", gettext("Platforms")),
        ("admin.register", gettext("Register a platform")),
        ("admin.sources", gettext("Roster sources")),
        ("admin.runs", gettext("Runs")),
        ("admin.matching", gettext("Who is who")),
        ("admin.outbox", gettext("Outbox")),
        ("admin.all_frameworks", gettext("Frameworks")),
        ("admin.doctor", gettext("Launch doctor")),
        ("admin.api_clients", gettext("API clients")),
        ("admin.keys", gettext("Keys")),
        ("admin.accounts", gettext("Accounts")),
    ]
    return [one for one in entries if one[0] in current_app.view_functions]


@pages.before_request
def _guard() -> ResponseReturnValue | None:
    """Let a request through, or answer it."""
    if not _is_our_host(request.host):
        return make_response(render_template("admin/refused.html", why="host"), 400)
    g.admin = _load_session()
    view = current_app.view_functions[request.endpoint or ""]
    is_open = view in _PUBLIC
    if g.admin is None and not is_open:
        return _ask_to_sign_in()
    if g.admin is not None and view in _MOST_BYTES:
        request.max_content_length = _MOST_BYTES[view]
    if request.method not in SAFE_METHODS and not _is_ours():
        return make_response(render_template("admin/refused.html", why="form"), 403)
    return None


@pages.after_request
def _keep_visitor(answer: Response) -> Response:
    """Give a browser that nobody is signed in with the secret its form refers to."""
    made = g.get("admin_visitor")
    if made and request.cookies.get(VISITOR) != made:
        answer.set_cookie(
            VISITOR, made, path="/", secure=True, httponly=True, samesite="Lax"
        )
    return answer


@pages.errorhandler(NotFoundError)
def _missing(_error: NotFoundError) -> ResponseReturnValue:
    return make_response(render_template("admin/refused.html", why="missing"), 404)


@pages.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    return make_response(render_template("admin/refused.html", why="large"), 413)


@pages.context_processor
def _page_words() -> dict[str, Any]:
    held = find_session()
    return {"csrf": token, "admin": held.account if held else None, "menu": menu()}


def _load_session() -> AdminSession | None:
    secret = request.cookies.get(COOKIE, "")
    if len(secret) != SECRET_LENGTH:
        return None
    now = clock()
    with database().read() as session:
        found = accounts.find_session(session, secret, now=now)
    if found is not None and now >= found.seen_at + accounts.TOUCH:
        _touch(found, now)
    return found


def _touch(found: AdminSession, now: datetime) -> None:
    with database().write() as session:
        accounts.touch_session(session, found.id, now=now)


def _ask_to_sign_in() -> ResponseReturnValue:
    if request.method in SAFE_METHODS:
        wanted = request.full_path.rstrip("?")
        return redirect(url_for("admin.sign_in", next=wanted), 303)
    return make_response(render_template("admin/refused.html", why="signed_out"), 401)


def _is_ours() -> bool:
    """Tell whether our own page, in this browser, sent an unsafe request.

    Under Referrer-Policy no-referrer a form of ours sends ``Origin: null``; there
    Sec-Fetch-Site, which no page can set, is the witness. Source: D01.
    """
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
    if not given or not hmac.compare_digest(given.encode(), token().encode()):
        log().warning("admin request refused", reason="token")
        return False
    if _is_same_site():
        return True
    log().warning("admin request refused", reason="origin")
    return False


def _is_same_site() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is None or (origin == "null" and site == "same-origin"):
        return True
    own = {urlsplit(url)[:2] for url in (public_url(), request.host_url)}
    return urlsplit(origin)[:2] in own


def _is_our_host(host: str) -> bool:
    """Tell whether a Host header names us: public address, local name or loopback.

    Source: facts/security.md D24.
    """
    name = urlsplit(f"//{host}").hostname or ""
    known = {urlsplit(public_url()).hostname, "localhost"}
    known |= {one.split(":")[0] for one in settings().local_hosts}
    if name in known:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _visitor() -> str:
    held = request.cookies.get(VISITOR, "")
    if len(held) == SECRET_LENGTH:
        return held
    if g.get("admin_visitor") is None:
        g.admin_visitor = secrets.token_urlsafe(32)
    return str(g.admin_visitor)


def _visitor_token(secret: str) -> str:
    return hashlib.sha256(f"form:{secret}".encode()).hexdigest()
