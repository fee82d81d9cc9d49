"""Let MasteryBridge into a Canvas: the form, the way there, and the way back."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from lti_tool.storage import outcomes_settings
from lti_tool.storage import platforms as stored
from lti_tool.web.admin.guard import admin, pages, public_url, settings
from lti_tool.web.sessions import clock, database
from lti_tool.work import canvas_access
from lti_tool.work.canvas_access import Asked, ReturnError
from lti_tool.work.platforms import Author

COOKIE: Final = "mb_canvas"
FIELDS: Final = ("url", "client_id", "client_secret", "account", "scopes")
WRONG: Final = {
    "missing": lazy_gettext("This is needed."),
    "address": lazy_gettext("This is no address we go to; it begins with https://."),
    "number": lazy_gettext("The account is a number."),
}
BACK: Final = {
    "expired": lazy_gettext("That took too long. Ask Canvas again."),
    "state": lazy_gettext("This answer belongs to another request. Ask Canvas again."),
    "refused": lazy_gettext("Canvas did not let us in. Nothing was changed."),
    "no_token": lazy_gettext(
        "Canvas gives us no token: check the key's id and secret, and that the "
        "redirect address is the key's. Nothing was changed."
    ),
    "away": lazy_gettext("Canvas did not answer. Nothing was changed; try again."),
}


@pages.get("/platforms/<int:registration_id>/canvas")
def canvas(registration_id: int) -> ResponseReturnValue:
    """Ask by which key we are let into the Canvas of a platform."""
    held = _held(registration_id)
    fields = dict.fromkeys(FIELDS, "") | {"url": held["outcomes_url"] or ""}
    return _form(held, fields)


@pages.post("/platforms/<int:registration_id>/canvas")
def ask_canvas(registration_id: int) -> ResponseReturnValue:
    """Keep what was typed in her browser, sealed, and show the way to Canvas."""
    held = _held(registration_id)
    fields = {name: request.form.get(name, "").strip() for name in FIELDS}
    faults = canvas_access.field_faults(fields, settings().local_hosts)
    if faults:
        return _form(held, fields, {name: WRONG[one] for name, one in faults.items()})
    asked = canvas_access.asked(held, fields, back=_back(), by=_author())
    page = render_template(
        "admin/canvas_go.html",
        platform=held,
        host=canvas_access.host_of(asked),
        href=canvas_access.authorize_url(
            asked, held["vendor"], is_live=_is_live(registration_id)
        ),
    )
    answer = make_response(page)
    answer.set_cookie(
        COOKIE,
        canvas_access.seal(asked, settings().load_secret_key()),
        max_age=int(canvas_access.LASTS.total_seconds()),
        path=url_for("admin.canvas_back"),
        secure=True,
        httponly=True,
        samesite="Lax",
    )
    return answer


@pages.get("/canvas/back")
def canvas_back() -> ResponseReturnValue:
    """Take what Canvas says; nothing changes unless it says yes."""
    asked: Asked | None = None
    try:
        asked = canvas_access.opened(
            request.cookies.get(COOKIE, ""),
            request.args.get("state", ""),
            settings().load_secret_key(),
            by=_author(),
        )
        code = request.args.get("code", "")
        canvas_access.finish(database(), settings(), asked, code, by=_author())
    except ReturnError as error:
        page = render_template("admin/canvas_back.html", why=BACK[error.code], to=asked)
        answer = make_response(page, 409)
    else:
        to = url_for(
            "admin.platform", registration_id=asked.registration_id, said="canvas"
        )
        answer = make_response(redirect(to, 303))
    answer.delete_cookie(
        COOKIE, path=url_for("admin.canvas_back"), secure=True, httponly=True
    )
    return answer


def _held(registration_id: int) -> dict[str, Any]:
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
    is_offered = canvas_access.connects(held["vendor"])
    if not is_offered:
        abort(404)
    return held


def _is_live(registration_id: int) -> bool:
    with database().read() as session:
        found = outcomes_settings.load_settings(session, registration_id)
    return found.manner == outcomes_settings.LIVE


def _author() -> Author:
    return Author(admin().who, clock())


def _back() -> str:
    return public_url() + url_for("admin.canvas_back")


def _form(
    held: dict[str, Any],
    fields: dict[str, str],
    faults: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    page = render_template(
        "admin/canvas.html",
        platform=held,
        fields=fields,
        faults=faults or {},
        back=_back(),
        scopes=canvas_access.scopes(
            held["vendor"], is_read=held["is_read"], is_live=_is_live(held["id"])
        ),
    )
    return make_response(page, 422 if faults else 200)
