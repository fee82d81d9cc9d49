"""The administrators: who there is, links for new ones, and one's own account."""

from __future__ import annotations

from typing import Final

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import accounts as stored
from lti_tool.storage.accounts import Account
from lti_tool.web.admin.guard import admin, current_session, pages, public_url
from lti_tool.web.admin.signin import new_password_fault
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import LANGUAGES, gettext
from lti_tool.work import accounts as work

SAID: Final = {
    "disabled": lazy_gettext("The account is disabled and signed out everywhere."),
    "enabled": lazy_gettext("The account may sign in again."),
    "withdrawn": lazy_gettext("The link works no more."),
    "saved": lazy_gettext("Saved."),
    "password": lazy_gettext(
        "The password is changed. Everywhere else you are signed out."
    ),
}
LAST: Final = lazy_gettext(
    "This is the last administrator who can sign in. Invite another one first."
)
# Each language by its own name: whoever looks for it can read it.
LANGUAGE_NAMES: Final = {
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "ar": "العربية",
}


@pages.get("/accounts")
def accounts() -> ResponseReturnValue:
    """List the administrators and the links that wait."""
    return _list()


@pages.post("/accounts/invite")
def invite() -> ResponseReturnValue:
    """Make a link for another administrator and show it, once."""
    name = " ".join(request.form.get("name", "").split())[:120] or None
    with database().write() as session:
        token = work.invite(session, name=name, made_by=admin().who, now=clock())
    return _list(link=_link(token))


@pages.post("/accounts/links/<int:invitation_id>/withdraw")
def withdraw(invitation_id: int) -> ResponseReturnValue:
    """Take a link back."""
    with database().write() as session:
        work.withdraw(session, invitation_id, who=admin().who, now=clock())
    return redirect(url_for("admin.accounts", said="withdrawn"), 303)


@pages.post("/accounts/<int:account_id>/reset")
def reset(account_id: int) -> ResponseReturnValue:
    """Make a link that sets the password of an account, and show it, once."""
    account = _found(account_id)
    if account is None:
        return _missing()
    try:
        with database().write() as session:
            token = work.reset(session, account, made_by=admin().who, now=clock())
    except ConfigError:
        return _list(fault=gettext("The account is disabled. Enable it first."))
    return _list(link=_link(token), whose=account)


@pages.post("/accounts/<int:account_id>/disable")
def disable(account_id: int) -> ResponseReturnValue:
    """Let an administrator sign in no more; never the last one."""
    account = _found(account_id)
    if account is None:
        return _missing()
    try:
        with database().write() as session:
            work.disable(session, account, who=admin().who, now=clock())
    except ConfigError:
        return _list(fault=str(LAST))
    return redirect(url_for("admin.accounts", said="disabled"), 303)


@pages.post("/accounts/<int:account_id>/enable")
def enable(account_id: int) -> ResponseReturnValue:
    """Let an administrator sign in again."""
    account = _found(account_id)
    if account is None:
        return _missing()
    with database().write() as session:
        work.enable(session, account, who=admin().who, now=clock())
    return redirect(url_for("admin.accounts", said="enabled"), 303)


@pages.get("/account")
def account() -> ResponseReturnValue:
    """Show one's own account."""
    return _own()


@pages.post("/account")
def save_account() -> ResponseReturnValue:
    """Keep one's own name and language."""
    name = " ".join(request.form.get("display_name", "").split())[:120]
    locale = request.form.get("locale", "")
    if not name:
        return _own(faults={"display_name": gettext("Give a name.")})
    values = {
        "display_name": name,
        "locale": locale if locale in LANGUAGES else None,
    }
    with database().write() as session:
        work.save_profile(session, admin(), values, now=clock())
    return redirect(url_for("admin.account", said="saved"), 303)


@pages.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Change one's own password, the old one given; other sessions end."""
    held = current_session()
    right = work.is_password(
        database(),
        held.account,
        request.form.get("old", ""),
        address=request.remote_addr or "",
        now=clock(),
    )
    if right is not True:
        words = (
            gettext("This is not your password.")
            if right is False
            else gettext("Too many failed tries. Wait a minute and try again.")
        )
        return _own(faults={"old": words}, status=422 if right is False else 429)
    if fault := new_password_fault(held.account.username):
        return _own(faults={"password": fault})
    password = request.form["password"]
    work.change_password(database(), held.account, password, but=held.id, now=clock())
    return redirect(url_for("admin.account", said="password"), 303)


def _found(account_id: int) -> Account | None:
    with database().read() as session:
        try:
            return stored.load_account(session, account_id)
        except NotFoundError:
            return None


def _missing() -> ResponseReturnValue:
    return _list(fault=gettext("There is no such administrator."), status=404)


def _link(token: str) -> str:
    return f"{public_url()}/admin/invitation/{token}"


def _list(
    *,
    link: str | None = None,
    whose: Account | None = None,
    fault: str | None = None,
    status: int = 0,
) -> ResponseReturnValue:
    with database().read() as session:
        found = stored.load_accounts(session)
        waiting = stored.load_invitations(session, now=clock())
    page = render_template(
        "admin/accounts.html",
        accounts=found,
        waiting=waiting,
        link=link,
        whose=whose,
        fault=fault,
        said=SAID.get(request.args.get("said", "")),
        active_count=sum(one.is_active for one in found),
    )
    return make_response(page, status or (409 if fault else 200))


def _own(
    *, faults: dict[str, str] | None = None, status: int = 422
) -> ResponseReturnValue:
    with database().read() as session:
        count = stored.count_sessions(session, admin().id, now=clock())
    page = render_template(
        "admin/account.html",
        faults=faults or {},
        languages=LANGUAGE_NAMES,
        sessions=count,
        said=SAID.get(request.args.get("said", "")),
    )
    return make_response(page, status if faults else 200)
