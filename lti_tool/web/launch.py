"""The door's pages: /lti/login, /lti/launch, /lti/jwks, and the way to one's page.

Links may be asked for at /lti/deep-linking too: some platforms want an address of its
own for that placement. It is the launch address by another name.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any, Final, cast

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
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import LaunchError, UnprovenError
from lti_tool.logs import log
from lti_tool.lti13.refusals import rule_of
from lti_tool.lti13.wrapping import Trace
from lti_tool.storage import listings
from lti_tool.web import metrics, opening
from lti_tool.web.entrances import first_page
from lti_tool.web.sessions import (
    ANYBODY,
    Seat,
    clock,
    current_seat,
    database,
    held_cookies,
    keep_browser,
    new_cookie,
)
from lti_tool.web.texts import gettext
from lti_tool.work.admission import Admission
from lti_tool.work.arrivals import Arrival
from lti_tool.work.doctor import Recorder, Refused
from lti_tool.work.entry import Launch

pages = Blueprint("launch", __name__, template_folder="templates")

FORM_LIMIT: Final = 128 * 1024
RETRY_SECONDS: Final = 30
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_making = threading.Lock()


def admission() -> Admission:
    """The application's door, made when first needed."""
    with _making:
        door = current_app.extensions.get("admission")
        if door is None:
            door = Admission(database(), current_app.config["SETTINGS"], clock=clock)
            current_app.extensions["admission"] = door
    return cast("Admission", door)


def recorder() -> Recorder:
    """What keeps the application's refusals, made when first needed."""
    with _making:
        held = current_app.extensions.get("recorder")
        if held is None:
            held = Recorder(database(), clock=clock)
            current_app.extensions["recorder"] = held
    return cast("Recorder", held)


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
    if page := first_page(seat):
        return redirect(page, 303)
    if seat.role == "administrator":
        return make_response(render_template("registration/account.html", seat=seat))
    return make_response(
        render_template("launch/norole.html", seat=seat, courses=_own_courses(seat))
    )


def _own_courses(seat: Seat) -> list[dict[str, Any]]:
    """Where else she is at home, for a link that belongs to no course."""
    if seat.course_id is not None or seat.is_test_user:
        return []
    with database().read() as session:
        return listings.load_own_courses(session, seat.person_id)


@pages.get("/lti/cookie/<name>")
def cookie(name: str) -> Response:
    """Say whether the browser gave back the cookie of this name."""
    return jsonify(held=name in held_cookies())


def _login(trace: Trace) -> Answer:
    arrival = _arrival()
    departure = admission().login(arrival, trace)
    metrics.count_login()
    name = next(iter(held_cookies()), None) or new_cookie()
    if departure.is_settled:
        answer = Response(status=302, headers={"Location": departure.url})
    else:
        g.frame_origins = trace.frame_origins
        answer = opening.page_of_login(departure, arrival.fields, name)
    keep_browser(answer, departure.browser, name)
    return answer


def _launch(trace: Trace) -> Answer:
    if request.method != "POST":
        raise LaunchError("E_METHOD", "a launch is posted")
    arrival = _arrival()
    try:
        let_in = admission().launch(arrival, trace)
    except UnprovenError as error:
        g.frame_origins = trace.frame_origins
        return opening.page_of_proof(error, arrival.fields)
    log().info(
        "launch accepted" if let_in.role != "none" else "launch.norole",
        registration_id=let_in.registration_id,
        placement_id=let_in.placement_id,
        lms_user_id=let_in.lms_user_id,
        course_id=let_in.course_id,
        role=let_in.role,
        is_keyed=let_in.is_keyed,
    )
    metrics.count_launch(let_in.role)
    address = landing(let_in)
    if let_in.is_keyed:
        return jsonify(key=let_in.browser, sid=let_in.sid, url=address)
    answer = Response(status=303, headers={"Location": address})
    names = [name for name, held in held_cookies().items() if held == let_in.browser]
    keep_browser(answer, let_in.browser, *names[:1])
    return answer


def landing(let_in: Launch) -> str:
    """The address of the page a launch asks for."""
    if let_in.review is not None and let_in.role != "none":
        asked = let_in.review.competency_id
        return url_for("review.evidence", sid=let_in.sid, competency=asked)
    page = "deep_linking.choose" if let_in.is_deep_linking else "launch.home"
    return url_for(page, sid=let_in.sid)


def _arrival() -> Arrival:
    request.max_form_memory_size = FORM_LIMIT
    try:
        fields = _fields()
    except RequestEntityTooLarge as error:
        raise LaunchError("E_TOO_LARGE", "the request is too large") from error
    return Arrival(
        fields=fields,
        browser=next(iter(held_cookies().values()), ""),
        spare=tuple(held_cookies().values())[1:],
        proof=opening.proof(),
        is_embedded=opening.is_embedded(),
        remote_address=request.remote_addr or "",
        is_secure=request.is_secure,
    )


def _fields() -> dict[str, str]:
    """The form of a post, else the query: a token in an address is not looked at."""
    return (request.form if request.method == "POST" else request.args).to_dict()


def _sent_fields() -> dict[str, str]:
    """What the request brought, if it can be read at all."""
    try:
        return _fields()
    except HTTPException:
        return {}


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
    metrics.count_refusal(error.code)
    recorder().record(
        Refused(
            error=error,
            trace=trace,
            correlation_id=correlation_id,
            fields=_sent_fields(),
        )
    )
    # The page holds text alone: nothing in it can be misused in a foreign frame, and
    # whoever sets up an LMS we do not know yet must be able to read it there.
    g.frame_origins = trace.frame_origins or ANYBODY
    page = make_response(
        render_template(
            "launch/refused.html",
            code=error.code,
            reason=error.reason,
            correlation_id=correlation_id,
            words=gettext(rule_of(error.code, error.reason).person),
        ),
        error.status,
    )
    page.headers["X-MasteryBridge-Code"] = error.code
    page.headers["X-MasteryBridge-Correlation"] = correlation_id
    if error.code == "E_KEYS_UNAVAILABLE":
        page.headers["Retry-After"] = str(RETRY_SECONDS)
    if error.code == "E_METHOD":
        page.headers["Allow"] = "POST"
    return page
