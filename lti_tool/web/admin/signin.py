"""Signing in and out, and the one-use link that makes an administrator."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.logs import log
from lti_tool.storage import accounts
from lti_tool.storage.accounts import RESET, AdminInvitation
from lti_tool.web.admin.guard import (
    current_session,
    find_session,
    forget_admin,
    keep_admin,
    own_path,
    pages,
    public,
)
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import accounts as work
from lti_tool.work.accounts import Answers

# One sentence for every failure: it tells nobody which accounts there are.
WRONG: Final = lazy_gettext(
    "Username and password do not belong together. Check both and try again."
)
PASSWORD_WORDS: Final = {
    "short": lazy_gettext("The password needs at least 12 characters."),
    "long": lazy_gettext("The password may have at most 512 characters."),
    "username": lazy_gettext("The password must not be the username."),
    "again": lazy_gettext("The two passwords differ. Type the same one twice."),
}
USERNAME_WORDS: Final = {
    "missing": lazy_gettext("Choose a username."),
    "long": lazy_gettext("The username may have at most 64 characters."),
    "letters": lazy_gettext(
        "The username may hold letters, digits and . _ - + @, and no spaces."
    ),
    "taken": lazy_gettext("This username is taken. Choose another one."),
}


@pages.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """Show the form, or send whoever is in on to the page she wanted."""
    if find_session() is not None:
        return redirect(own_path(request.args.get("next")), 303)
    return _form()


@pages.post("/sign-in")
@public
def enter() -> ResponseReturnValue:
    """Let an administrator in; her browser gets a new session."""
    username = request.form.get("username", "")
    now = clock()
    tried = work.sign_in(
        database(),
        username,
        request.form.get("password", ""),
        address=request.remote_addr or "",
        now=now,
    )
    if tried.secret is None:
        log().warning("admin sign-in refused", waits=tried.wait_until is not None)
        return _refused(username, tried.wait_until, now)
    log().info("admin signed in", admin_account_id=tried.account_id)
    answer = redirect(own_path(request.form.get("next")), 303)
    _drop_old_session()
    keep_admin(answer, tried.secret)
    return answer


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this session, or with ``everywhere`` all of this administrator."""
    held = current_session()
    with database().write() as session:
        if "everywhere" in request.form:
            accounts.close_sessions(session, held.account.id)
        else:
            accounts.close_session(session, held.id)
    answer = redirect(url_for("admin.sign_in", out=1), 303)
    forget_admin(answer)
    return answer


@pages.get("/invitation/<token>")
@public
def invitation(token: str) -> ResponseReturnValue:
    """Show the form behind a one-use link."""
    return _invitation_page(_find(token), token)


@pages.post("/invitation/<token>")
@public
def accept(token: str) -> ResponseReturnValue:
    """Make the account, or give it its new password, and sign in."""
    found = _find(token)
    if found is None:
        return _invitation_page(None, token)
    answers = _answers(found)
    faults = _faults(answers)
    if faults:
        return _invitation_page(found, token, answers=answers, faults=faults)
    try:
        secret = work.accept(database(), found, answers, now=clock())
    except NotFoundError:
        return _invitation_page(None, token)
    except ConfigError:
        taken = {"username": str(USERNAME_WORDS["taken"])}
        return _invitation_page(found, token, answers=answers, faults=taken)
    log().info("admin invitation used", invitation_id=found.id, kind=found.kind)
    answer = redirect(url_for("admin.home"), 303)
    _drop_old_session()
    keep_admin(answer, secret)
    return answer


def new_password_fault(username: str) -> str | None:
    """What is wrong with the new password of this form, in words; None if fine."""
    password = request.form.get("password", "")
    fault = work.password_fault(password, username)
    if fault is None and password != request.form.get("again", ""):
        fault = "again"
    return str(PASSWORD_WORDS[fault]) if fault else None


def _drop_old_session() -> None:
    """End the session this browser had: a new one gets a new secret. Source: D09."""
    held = find_session()
    if held is not None:
        with database().write() as session:
            accounts.close_session(session, held.id)


def _form(**values: object) -> str:
    with database().read() as session:
        is_empty = not accounts.has_accounts(session)
    return render_template(
        "admin/sign_in.html",
        next=own_path(request.values.get("next")),
        is_empty=is_empty,
        is_out="out" in request.args,
        **values,
    )


def _refused(
    username: str, wait_until: datetime | None, now: datetime
) -> ResponseReturnValue:
    if wait_until is None:
        return make_response(_form(username=username, fault=str(WRONG)), 401)
    seconds = max(1, -int((now - wait_until).total_seconds() // 1))
    fault = gettext(
        "Too many failed tries. You can try again in %(seconds)d seconds.",
        seconds=seconds,
    )
    answer = make_response(_form(username=username, fault=fault), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _find(token: str) -> AdminInvitation | None:
    with database().read() as session:
        return accounts.find_invitation(session, token, now=clock())


def _answers(found: AdminInvitation) -> Answers:
    is_reset = found.kind == RESET
    given = found.name if is_reset else request.form.get("username")
    return Answers(
        username=work.plain_username(given or ""),
        display_name=" ".join(request.form.get("display_name", "").split())[:120],
        password=request.form.get("password", ""),
    )


def _faults(answers: Answers) -> dict[str, str]:
    faults = {}
    if name := work.username_fault(answers.username):
        faults["username"] = str(USERNAME_WORDS[name])
    if password := new_password_fault(answers.username):
        faults["password"] = password
    return faults


def _invitation_page(
    found: AdminInvitation | None,
    token: str,
    *,
    answers: Answers | None = None,
    faults: dict[str, str] | None = None,
) -> ResponseReturnValue:
    status = 410 if found is None else 422 if faults else 200
    page = render_template(
        "admin/invitation.html",
        invitation=found,
        is_reset=found is not None and found.kind == RESET,
        token=token,
        answers=answers,
        faults=faults or {},
    )
    return make_response(page, status)
