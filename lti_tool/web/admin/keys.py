"""A10: our signing keys, how old they are, and what rotating them does."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.storage import keys as tool_keys
from lti_tool.web.admin.guard import admin, pages, public_url, settings
from lti_tool.web.sessions import clock, database
from lti_tool.work.signing import rotate


@pages.get("/keys")
def keys() -> str:
    """Show the key in use, the next and the previous one."""
    with database().read() as session:
        held = tool_keys.load_ages(session)
        takes_over_at = tool_keys.find_takeover(session)
    return render_template(
        "admin/keys.html",
        keys=held,
        takes_over_at=takes_over_at,
        jwks_url=f"{public_url()}/lti/jwks",
        is_rotated="rotated" in request.args,
    )


@pages.post("/keys/rotate")
def rotate_keys() -> ResponseReturnValue:
    """Sign with the next key once it is known, as `keys rotate`; make the first."""
    secret_key = settings().load_secret_key()
    with database().write() as session:
        if tool_keys.has_current(session):
            rotate(session, secret_key, who=admin().who, now=clock())
        else:
            tool_keys.ensure(session, secret_key, now=clock())
    return redirect(url_for("admin.keys", rotated=1), 303)
