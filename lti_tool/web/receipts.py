"""The address of a receipt that stays: it finds the page of whoever opens it.

An administrator comes to her own pages, a teacher to those of the course that stands
open in this browser; anybody else is told where to open it from.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as Answer

from lti_tool.storage import receipts as stored
from lti_tool.storage import visits
from lti_tool.web.admin.guard import is_signed_in
from lti_tool.web.sessions import clock, database, held_cookies

pages = Blueprint("receipts", __name__, template_folder="templates")


@pages.get("/receipts/<int:delivery_id>")
def show(delivery_id: int) -> Answer | tuple[str, int]:
    """Go on to the receipt, or say where it can be opened."""
    if is_signed_in():
        return redirect(url_for("admin.delivery", delivery_id=delivery_id), 303)
    hashes = [visits.secret_hash(one) for one in held_cookies().values()]
    with database().read() as session:
        sid = stored.find_seat(session, delivery_id, hashes, now=clock())
    if sid is not None:
        place = url_for("sending.receipt", sid=sid, delivery_id=delivery_id)
        return redirect(place, 303)
    sign_in = url_for("admin.delivery", delivery_id=delivery_id)
    return render_template("launch/receipt.html", sign_in=sign_in), 401
