"""The page on which an LMS registers itself, and the description Canvas reads.

An LMS shows the page in a frame or a window of its own, so anybody may frame it; it
holds no secret of ours. The invitation in its address is the proof: there is no seat.
A GET only shows a button, since mail scanners follow links; the POST acts.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, g, jsonify, render_template, request
from flask_babel import format_date, lazy_gettext

from lti_tool.errors import RegistrationError
from lti_tool.logs import log
from lti_tool.web.sessions import ANYBODY, clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import registration
from lti_tool.work.registration import Invitation, Line

pages = Blueprint("registration", __name__, template_folder="templates")

CONFIGURATION_SECONDS: Final = 300
FIELD_LIMIT: Final = 8192
GONE: Final = 410
STATUS: Final = {
    "unknown": 404,
    "used": GONE,
    "ended": GONE,
    "busy": 409,
    "already": 409,
    "locked": 403,
    "opening": 400,
}
# The LMS's fault, or that of the way to it.
DEFAULT_STATUS: Final = 502

WORDS: Final = {
    "unknown": lazy_gettext(
        "This is not an invitation of ours. Check that the whole address was copied."
    ),
    "used": lazy_gettext(
        "This invitation was used already. Each connects one LMS, once. Ask for a new "
        "one."
    ),
    "ended": lazy_gettext(
        "This invitation is too old, or was taken back. Ask for a new one."
    ),
    "busy": lazy_gettext(
        "This invitation is being used just now. Wait two minutes and look whether the "
        "LMS is connected."
    ),
    "opening": lazy_gettext(
        "Your LMS did not say where its configuration is, or said it in a way we "
        "cannot read."
    ),
    "locked": lazy_gettext("This invitation is for %(locked)s, not for %(host)s."),
    "unreachable": lazy_gettext("We cannot reach %(host)s: %(reason)s."),
    "status": lazy_gettext(
        "%(host)s does not show its configuration: it answers %(status)s."
    ),
    "broken": lazy_gettext(
        "%(host)s answers, but not with the configuration of an LMS."
    ),
    "missing": lazy_gettext(
        "The configuration of %(host)s lacks these fields, or holds something we "
        "cannot read there: %(fields)s."
    ),
    "unsupported": lazy_gettext(
        "Your LMS does not offer %(value)s, which we need. Its %(field)s leaves it out."
    ),
    "address": lazy_gettext(
        "An address in the configuration cannot be used. %(field)s: %(reason)s."
    ),
    "foreign_issuer": lazy_gettext(
        "%(host)s says that it is %(issuer)s, which is another site. If both are "
        "yours, connect it by hand or correct the issuer in the settings of the LMS."
    ),
    "foreign_host": lazy_gettext(
        "The address %(field)s lies on %(host)s, which does not belong to %(issuer)s. "
        "If both are yours, connect the LMS by hand."
    ),
    "refused": lazy_gettext(
        "%(host)s did not accept the registration and answers %(status)s."
    ),
    "answer": lazy_gettext(
        "%(host)s accepted the registration but did not say which client id it gave. "
        "Look for the tool in your LMS, and connect it by hand."
    ),
    "already": lazy_gettext(
        "%(issuer)s with the client id %(client_id)s is connected already. Remove the "
        "tool in your LMS, or ask the person who looks after MasteryBridge."
    ),
}
STATES: Final = {
    "granted": lazy_gettext("Granted"),
    "refused": lazy_gettext("Not granted"),
    "not_offered": lazy_gettext("Your LMS does not have it"),
}
KINDS: Final = {
    "scope": lazy_gettext("What MasteryBridge may do"),
    "placement": lazy_gettext("Where it appears"),
    "claim": lazy_gettext("What it learns of a person"),
    "custom": lazy_gettext("What joins people and courses to the SIS"),
}
# Wire names in the words of an administrator; a name that is not here stands as it is.
NAMES: Final = {
    "lineitem": lazy_gettext("Make gradebook columns"),
    "lineitem.readonly": lazy_gettext("See its gradebook columns"),
    "result.readonly": lazy_gettext("Read grades in its columns"),
    "score": lazy_gettext("Send grades to its columns"),
    "contextmembership.readonly": lazy_gettext("Read the class list"),
    "noticehandlers": lazy_gettext("Hear when a course is copied"),
    "contextgroup.readonly": lazy_gettext("Read the groups of a course"),
    "course_navigation": lazy_gettext("Course menu, for teachers and students"),
    "account_navigation": lazy_gettext("Account menu, for administrators"),
    "assignment_selection": lazy_gettext("Choosing the tool for an assignment"),
    "link_selection": lazy_gettext("Choosing a link for a module"),
    "ContentArea": lazy_gettext("Choosing content for an activity"),
    "LtiResourceLinkRequest": lazy_gettext("Links in a course"),
    "LtiDeepLinkingRequest": lazy_gettext("Choosing what a link opens"),
    "iss": lazy_gettext("Which LMS it comes from"),
    "sub": lazy_gettext("An id of the person"),
    "name": lazy_gettext("Full name"),
    "given_name": lazy_gettext("Given name"),
    "family_name": lazy_gettext("Family name"),
    "email": lazy_gettext("E-mail address"),
    "locale": lazy_gettext("Language"),
    "sis_person": lazy_gettext("The person's SIS id"),
    "sis_class": lazy_gettext("The course's SIS id"),
    "sis_sections": lazy_gettext("The SIS ids of the sections"),
    "platform_user_id": lazy_gettext("The person's number in the LMS"),
    "platform_course_id": lazy_gettext("The course's number in the LMS"),
    "context_history": lazy_gettext("Which course this one was copied from"),
    "link_history": lazy_gettext("Which link this one was copied from"),
}
# What is left to do in the LMS, by vendor.
NEXT: Final = {
    "moodle": (
        lazy_gettext(
            "In Moodle, under Site administration > Plugins > Activity modules > "
            "External tool > Manage tools, press Activate on MasteryBridge."
        ),
        lazy_gettext(
            "There, open its settings and set Tool configuration usage to Show in "
            "activity chooser and as a preconfigured tool, so that teachers find it."
        ),
        lazy_gettext(
            "Moodle has no course menu for tools. In each course, add an External "
            "tool activity that opens MasteryBridge: it is the dashboard."
        ),
    ),
    "canvas": (
        lazy_gettext(
            "In Canvas, close this window, look through the summary and switch the "
            "new key on: Admin > Apps > Manage, or Admin > Developer Keys > State > On."
        ),
        lazy_gettext(
            "If it is not installed yet: Admin > Settings > Apps > View App "
            "Configurations > + App > By Client ID, and enter %(client_id)s."
        ),
        lazy_gettext(
            "Open MasteryBridge once from a course. Canvas names the deployment only "
            "then; it waits for approval in the admin pages."
        ),
    ),
}
# Moodle 4.5.5: an update sets coursevisible back to 1, whatever is sent; seen November
# 2026, mod/lti/openid-registration.php.
AFTER_UPDATE: Final = {
    "moodle": (
        lazy_gettext(
            "Moodle takes an updated tool out of the activity chooser. Under Manage "
            "tools, open its settings and set Tool configuration usage to Show in "
            "activity chooser and as a preconfigured tool once more."
        ),
    ),
}
ANY_NEXT: Final = (
    lazy_gettext("In your LMS, switch the new tool on where teachers may use it."),
)
APPROVE: Final = lazy_gettext(
    "An administrator of MasteryBridge approves the connection in the admin pages, or "
    "with: masterybridge platform approve-registration %(id)s"
)


@pages.get("/lti/register")
def offer() -> tuple[str, int]:
    """Show which LMS wants to connect, and one button."""
    g.frame_origins = ANYBODY
    invitation = _invitation()
    if isinstance(invitation, RegistrationError):
        return _refused(invitation)
    opening = _opening()
    if not opening[0]:
        until = format_date(invitation.expires_at)
        return render_template("registration/how.html", until=until), 200
    host = _host(opening[0])
    if not host:
        return _refused(RegistrationError("no configuration address", "opening"))
    page = render_template(
        "registration/offer.html",
        invitation=invitation,
        host=host,
        token=_field("invitation"),
        opening=opening,
    )
    return page, 200


@pages.post("/lti/register")
def connect() -> tuple[str, int]:
    """Register with the LMS, and say what came of it and what comes next."""
    g.frame_origins = ANYBODY
    opening = _opening()
    if not _host(opening[0]):
        return _refused(RegistrationError("no configuration address", "opening"))
    try:
        done = registration.enrol(
            database(),
            current_app.config["SETTINGS"],
            _field("invitation"),
            opening,
            clock=clock,
        )
    except RegistrationError as error:
        return _refused(error)
    page = render_template(
        "registration/done.html",
        done=done,
        groups=_groups(done.lines),
        changed=_changed(done.before, done.lines),
        is_whole=all(line.state != "refused" for line in done.lines),
        states=STATES,
        steps=_steps(done),
    )
    return page, 200


@pages.get("/lti/config/canvas.json")
def canvas() -> Response:
    """The description of this tool as Canvas reads it."""
    public_url = current_app.config["SETTINGS"].public_url
    answer = jsonify(registration.canvas_configuration(public_url))
    answer.headers["Cache-Control"] = f"public, max-age={CONFIGURATION_SECONDS}"
    return answer


def wire_words(name: str) -> str:
    """A scope, placement, claim or parameter in the words of an administrator."""
    words = NAMES.get(name.rpartition("/")[2])
    return gettext(str(words)) if words else name


def _invitation() -> Invitation | RegistrationError:
    with database().read() as session:
        found = registration.invitation_of(session, _field("invitation"))
    if found is None:
        return RegistrationError("there is no such invitation", "unknown")
    state = found.state(clock())
    if state != "open":
        return RegistrationError(f"this invitation is {state}", state)
    return found


def _field(name: str) -> str:
    return request.values.get(name, "")[:FIELD_LIMIT]


def _opening() -> tuple[str, str]:
    return _field("openid_configuration"), _field("registration_token")


def _host(url: str) -> str:
    """The host of an address as a person reads it, '' if it is no http address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme in {"http", "https"} and parts.username is None
    return parts.netloc if is_web and parts.hostname else ""


def _refused(error: RegistrationError) -> tuple[str, int]:
    log().warning(
        "registration refused", code=error.code, host=error.values.get("host")
    )
    words = WORDS[error.code]
    page = render_template(
        "registration/refused.html",
        words=str(words) % error.values if error.values else str(words),
        code=error.code,
        said=error.values.get("said"),
        can_retry=error.code not in STATUS,
    )
    return page, STATUS.get(error.code, DEFAULT_STATUS)


def _groups(lines: tuple[Line, ...]) -> list[tuple[str, list[tuple[str, Line]]]]:
    """The lines by kind, each with its words."""
    return [
        (
            str(title),
            [(wire_words(one.name), one) for one in lines if one.kind == kind],
        )
        for kind, title in KINDS.items()
        if any(one.kind == kind for one in lines)
    ]


def _changed(
    before: tuple[Line, ...], after: tuple[Line, ...]
) -> list[tuple[str, str, str]]:
    """What an update changed: words, how it was, how it is."""
    was = {(one.kind, one.name): one.state for one in before}
    now = {(one.kind, one.name): one.state for one in after}
    nothing = gettext("Not asked for")
    return [
        (
            wire_words(name),
            str(STATES[was[kind, name]]) if (kind, name) in was else nothing,
            str(STATES[now[kind, name]]) if (kind, name) in now else nothing,
        )
        for kind, name in dict.fromkeys([*was, *now])
        if was.get((kind, name)) != now.get((kind, name))
    ]


def _steps(done: registration.Enrolment) -> list[str]:
    """What comes next, in order."""
    values = {"client_id": done.client_id, "id": done.registration_id}
    known, others = (AFTER_UPDATE, ()) if done.is_update else (NEXT, ANY_NEXT)
    steps = known.get(done.vendor, others)
    first = (APPROVE,) if done.waits else ()
    return [str(step) % values for step in (*first, *steps)]
