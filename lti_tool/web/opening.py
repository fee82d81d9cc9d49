"""The pages between a login and its launch, where a browser may keep no cookie.

The platform's hint may be good for one use only, so the way is chosen before the
browser goes to the platform: the cookie if it comes back, else the LMS's storage, else
a new tab. Source: facts/ux.md 1.2 rule 7; facts/lti.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Response, make_response, render_template, request, url_for

from lti_tool.errors import UnprovenError
from lti_tool.web.sessions import is_same_site
from lti_tool.work.bindings import Departure

PROOF_HEADER: Final = "X-MasteryBridge-Proof"
FRAMES: Final = frozenset({"iframe", "frame", "fencedframe", "object", "embed"})
# What begins a login again; nothing else of it is repeated.
LOGIN_FIELDS: Final = (
    "iss",
    "client_id",
    "login_hint",
    "lti_message_hint",
    "target_link_uri",
    "lti_deployment_id",
    "deployment_id",
    "lti_storage_target",
)


def is_embedded() -> bool:
    """Tell whether the browser asks on behalf of a frame.

    A browser that does not say is answered as one that shows us in a window.
    """
    return request.headers.get("Sec-Fetch-Dest", "") in FRAMES


def proof() -> str:
    """What the LMS's storage gave our page, '' where no page of ours sent it.

    It comes as a header: a form of another site, which may know the secret of a login
    of its own, cannot send one.
    """
    return request.headers.get(PROOF_HEADER, "") if is_same_site() else ""


def page_of_login(
    departure: Departure, fields: Mapping[str, str], cookie: str
) -> Response:
    """The page that finds out what this browser keeps, then goes to the platform."""
    return make_response(
        render_template(
            "launch/opening.html",
            departure=departure,
            again={name: fields[name] for name in LOGIN_FIELDS if fields.get(name)},
            lms=departure.name,
            check=url_for("launch.cookie", name=cookie),
        )
    )


def page_of_proof(error: UnprovenError, fields: Mapping[str, str]) -> Response:
    """The page that asks the LMS's storage for the proof of a verified launch."""
    return make_response(
        render_template(
            "launch/proving.html",
            origin=error.origin,
            target=error.target,
            sent={name: fields[name] for name in ("state", "id_token")},
        )
    )
