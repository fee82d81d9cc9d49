"""The door's pages: /lti/login, /lti/launch, /lti/jwks, and the way to one's page.

Links may be asked for at /lti/deep-linking too: some platforms want an address of its
own for that placement. It is the launch address by another name.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final, cast

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import lazy_gettext
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import LaunchError
from lti_tool.logs import log
from lti_tool.lti13.wrapping import Trace
from lti_tool.web.sessions import (
    ANYBODY,
    COOKIE,
    browser_secret,
    clock,
    current_seat,
    database,
    keep_browser,
)
from lti_tool.work.admission import Admission
from lti_tool.work.arrivals import Arrival

pages = Blueprint("launch", __name__, template_folder="templates")

FORM_LIMIT: Final = 128 * 1024
RETRY_SECONDS: Final = 30
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
HOMES: Final = {"instructor": "teacher.class_grid", "learner": "student.mastery"}

_AGAIN = lazy_gettext("Go back to your course and open the tool again.")
_ASK = lazy_gettext(
    "This tool is not set up here yet. Please tell the person who looks after it."
)
# What the person in front of it can do; the administrator's sentence is the reason.
PERSON_WORDS: Final = {
    "E_RATE": lazy_gettext("Too many people are opening this now. Wait ten seconds."),
    "E_STATE": lazy_gettext(
        "We do not recognise this browser, or it took over ten minutes. Go back to "
        "your course and open the tool again, or open it in a new tab."
    ),
    "E_KEYS_UNAVAILABLE": lazy_gettext(
        "Your LMS is not answering us. Wait half a minute and open the tool again."
    ),
    "E_PLATFORM_ERROR": lazy_gettext(
        "Your LMS did not let you in. Sign in there and open the tool again."
    ),
    "E_DEPLOYMENT": lazy_gettext(
        "Your school has not finished setting this up. An administrator can approve "
        "it; then open the tool again."
    ),
    "E_ISS": _ASK,
    "E_AUD": _ASK,
    "E_DISABLED": _ASK,
    "E_TARGET": _ASK,
    "E_HTTPS": _ASK,
}

_making = threading.Lock()


def admission() -> Admission:
    """The application's door, made when first needed."""
    with _making:
        door = current_app.extensions.get("admission")
        if door is None:
            door = Admission(database(), current_app.config["SETTINGS"], clock=clock)
            current_app.extensions["admission"] = door
    return cast("Admission", door)


@pages.route("/lti/login", methods=["GET", "POST"])
def login() -> Answer:
    """Answer a platform that wants to launch us: send the browser to sign in there."""
    return _answered(_login)


@pages.route("/lti/launch", methods=METHODS)
@pages.route("/lti/deep-linking", methods=METHODS)
def launch() -> Answer:
    """Let a launch in, and send the browser on to its page."""
    return _answered(_launch)


@pages.get("/lti/jwks")
def jwks() -> Response:
    """Our public keys."""
    answer = jsonify(admission().jwks())
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@pages.get("/")
def front() -> Answer:
    """Say to whoever types our address where the way in is."""
    if current_app.config.get("DEMO_LINKS"):
        return redirect("/demo", 303)
    return make_response(render_template("launch/front.html"))


@pages.get("/s/<sid>/")
def home() -> Answer:
    """Send the seat to its page, or say why there is none for it."""
    seat = current_seat()
    if seat.course_id is not None and seat.role in HOMES:
        return redirect(url_for(HOMES[seat.role]), 303)
    return make_response(render_template("launch/norole.html", seat=seat))


def _login(trace: Trace) -> Answer:
    departure = admission().login(_arrival(browser_secret()), trace)
    answer = Response(status=302, headers={"Location": departure.url})
    keep_browser(answer, departure.browser)
    return answer


def _launch(trace: Trace) -> Answer:
    if request.method != "POST":
        raise LaunchError("E_METHOD", "a launch is posted")
    browser = request.cookies.get(COOKIE, "")
    let_in = admission().launch(_arrival(browser), trace)
    log().info(
        "launch accepted" if let_in.role != "none" else "launch.norole",
        registration_id=let_in.registration_id,
        placement_id=let_in.placement_id,
        lms_user_id=let_in.lms_user_id,
        course_id=let_in.course_id,
        role=let_in.role,
    )
    answer = Response(status=303)
    page = "deep_linking.choose" if let_in.is_deep_linking else "launch.home"
    answer.headers["Location"] = url_for(page, sid=let_in.sid)
    keep_browser(answer, browser)
    return answer


def _arrival(browser: str) -> Arrival:
    request.max_form_memory_size = FORM_LIMIT
    try:
        fields = request.values.to_dict()
    except RequestEntityTooLarge as error:
        raise LaunchError("E_TOO_LARGE", "the request is too large") from error
    return Arrival(
        fields=fields,
        browser=browser,
        remote_address=request.remote_addr or "",
        is_secure=request.is_secure,
    )


def _answered(answer: Callable[[Trace], Answer]) -> Answer:
    trace = Trace()
    try:
        return answer(trace)
    except LaunchError as error:
        return _refused(error, trace)


def _refused(error: LaunchError, trace: Trace) -> Answer:
    """The page, header and log line of a refusal. Source: facts/security.md 2."""
    correlation_id = secrets.token_hex(8)
    log().warning(
        "launch.refused",
        code=error.code,
        reason=error.reason,
        correlation_id=correlation_id,
        registration_id=trace.registration_id,
        iss_host=trace.iss_host,
        kid_hash=trace.kid_hash,
        stage=trace.stage,
    )
    counts = current_app.extensions.setdefault("launch_refusals", Counter())
    counts[error.code] += 1
    # The page holds text alone: nothing in it can be misused in a foreign frame, and
    # whoever sets up an LMS we do not know yet must be able to read it there.
    g.frame_origins = trace.frame_origins or ANYBODY
    page = make_response(
        render_template(
            "launch/refused.html",
            code=error.code,
            reason=error.reason,
            correlation_id=correlation_id,
            words=PERSON_WORDS.get(error.code, _AGAIN),
        ),
        error.status,
    )
    page.headers["X-MasteryBridge-Code"] = error.code
    if error.code == "E_KEYS_UNAVAILABLE":
        page.headers["Retry-After"] = str(RETRY_SECONDS)
    if error.code == "E_METHOD":
        page.headers["Allow"] = "POST"
    return page
