"""The fills a school chose for its levels, as a style sheet named by its colours."""

from __future__ import annotations

import re
from typing import Final

from flask import Blueprint, Response, abort

from lti_tool.web import marks

fills = Blueprint("fills", __name__)

COLOURS: Final = re.compile(r"[0-9A-F]{6}(-[0-9A-F]{6}){1,11}")
YEAR_SECONDS: Final = 31_536_000


@fills.get("/levels/<colours>.css")
def sheet(colours: str) -> Response:
    """Give the style sheet of these colours, lowest level first.

    It tells nothing of anybody and never changes, so it needs no seat.
    """
    if not COLOURS.fullmatch(colours):
        abort(404)
    answer = Response(marks.fills_sheet(colours.split("-")), mimetype="text/css")
    answer.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    return answer
