"""A2: register a platform. Choose, connect, paste back, live checks, done.

Nothing has to be done in one go: what was begun stands on the first page, and each
step has an address of its own. Source: facts/ux.md section 4.4.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from flask import abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.errors import NotFoundError
from lti_tool.storage import keys, secrets
from lti_tool.storage import platforms as stored
from lti_tool.storage.database import Session
from lti_tool.storage.registrations import NewRegistration
from lti_tool.web.admin.forms import deployment_ids, platform_fields, words
from lti_tool.web.admin.guard import admin, pages, public_url, settings
from lti_tool.web.admin.platforms import author
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import checks, guides, registration
from lti_tool.work import platforms as work
from lti_tool.work.check_words import Check
from lti_tool.work.guides import Edition, Guide, Way
from lti_tool.work.platform_fields import deployment_fault, platform_faults
from lti_tool.work.registration import Invitation, Invited, Terms

# An invitation that was used lately is still of interest here.
_LONGEST_HOST: Final = 255  # of the column
SHOWN_STATES: Final = ("open", "busy")


@pages.get("/register")
def register() -> str:
    """Step 1: choose the kind of LMS; and what was begun and not finished."""
    with database().read() as session:
        waiting = [
            one
            for one in registration.load_invitations(session)
            if one.state(clock()) in SHOWN_STATES
        ]
        begun = [one for one in stored.load_platforms(session) if _is_begun(one)]
    return render_template(
        "admin/register.html",
        products=guides.products(),
        invitations=waiting,
        begun=begun,
        is_withdrawn="withdrawn" in request.args,
    )


@pages.get("/register/<vendor>")
def register_vendor(vendor: str) -> ResponseReturnValue:
    """Steps 2 and 3: what to do in the LMS, and the form for what it shows."""
    return _vendor_page(vendor)


@pages.post("/register/<vendor>/invite")
def register_invite(vendor: str) -> ResponseReturnValue:
    """Make a one-use address under which the LMS registers itself; shown once."""
    _guide(vendor)
    host = _host(request.form.get("issuer_host", ""))
    if host is None:
        fault = gettext("Write the host name of your LMS alone, or leave it empty.")
        return _vendor_page(vendor, faults={"issuer_host": fault})
    terms = Terms(
        name=" ".join(request.form.get("invited_name", "").split())[:255] or None,
        vendor=vendor,
        issuer_host=host or None,
        made_by=admin().who,
    )
    with database().write() as session:
        invited = registration.make_invitation(
            session, terms, public_url=public_url(), now=clock()
        )
        work.note_invitation(session, invited.id, by=author())
    return _vendor_page(vendor, invited=invited)


@pages.post("/register/invitations/<int:invitation_id>/withdraw")
def withdraw_invitation(invitation_id: int) -> ResponseReturnValue:
    """Let nobody use an invitation any more."""
    with database().write() as session:
        work.withdraw_invitation(session, invitation_id, by=author())
    return redirect(url_for("admin.register", withdrawn=1), 303)


@pages.get("/register/invitations/<int:invitation_id>")
def invitation_state(invitation_id: int) -> ResponseReturnValue:
    """What came of an invitation so far; a part of a page that asks again and again."""
    with database().read() as session:
        found = _invitation(session, invitation_id)
    return render_template(
        "admin/invitation_state.html", invitation=found, state=found.state(clock())
    )


@pages.post("/register/<vendor>")
def save_vendor(vendor: str) -> ResponseReturnValue:
    """Register the platform with what was pasted, or say what is wrong with it."""
    _guide(vendor)
    fields, ids = platform_fields() | {"vendor": vendor}, deployment_ids()
    with database().write() as session:
        faults = platform_faults(
            session,
            fields,
            local_hosts=settings().local_hosts,
            slashless=guides.issuer_of(vendor, fields["issuer"]),
        )
        if wrong := deployment_fault(ids):
            faults["deployment_ids"] = wrong
        if faults:
            told = {name: words(fault) for name, fault in faults.items()}
            return _vendor_page(vendor, fields=fields, faults=told)
        registration_id = _add(session, fields, ids)
    return redirect(
        url_for("admin.register_checks", registration_id=registration_id), 303
    )


@pages.get("/register/platform/<int:registration_id>/checks")
def register_checks(registration_id: int) -> ResponseReturnValue:
    """Step 4: what the last checks found, each with its mend, and the test launch."""
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
        checked = checks.load_checks(session, registration_id)
        seen = _seen(session, held)
    return render_template(
        "admin/checks.html",
        platform=held,
        guide=guides.guide(held["vendor"]),
        checked=checked,
        shown=[_shown(one) for one in checked.checks] if checked else [],
        **seen,
    )


@pages.post("/register/platform/<int:registration_id>/checks")
def run_checks(registration_id: int) -> ResponseReturnValue:
    """Ask the platform again; takes as long as it does."""
    checks.run_checks(database(), settings(), registration_id, clock=clock)
    return redirect(
        url_for("admin.register_checks", registration_id=registration_id), 303
    )


@pages.get("/register/platform/<int:registration_id>/seen")
def launch_seen(registration_id: int) -> ResponseReturnValue:
    """Whether a test launch was seen; a part of the page that asks again and again."""
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
        seen = _seen(session, held)
    return render_template(
        "admin/launch_seen.html",
        platform=held,
        guide=guides.guide(held["vendor"]),
        **seen,
    )


@pages.get("/register/platform/<int:registration_id>/done")
def register_done(registration_id: int) -> ResponseReturnValue:
    """Step 5: where teachers find it, and the message to send them."""
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
        checked = checks.load_checks(session, registration_id)
    return render_template(
        "admin/done.html",
        platform=held,
        guide=guides.guide(held["vendor"]),
        problems=[
            _shown(one)
            for one in (checked.checks if checked else ())
            if one.state == "problem"
        ],
    )


def _is_begun(platform: dict[str, Any]) -> bool:
    """Tell whether a platform waits for approval or was never launched from."""
    is_new = platform["status"] == "active" and platform["launched_at"] is None
    return platform["status"] == "pending" or is_new


def _guide(vendor: str) -> Guide:
    if vendor not in guides.products():
        abort(404)
    return guides.guide(vendor)


def _vendor_page(
    vendor: str,
    *,
    fields: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
    invited: Invited | None = None,
) -> ResponseReturnValue:
    guide = _guide(vendor)
    edition = _edition(guide)
    site = _site(request.values.get("site", ""))
    page = render_template(
        "admin/register_vendor.html",
        vendor=vendor,
        guide=guide,
        way=_way(guide, invites=invited is not None),
        edition=edition,
        site=site,
        values=guides.our_values(public_url(), vendor),
        fields=fields or _prefilled(guide, edition, site),
        ids=request.form.get("deployment_ids", ""),
        faults=faults or {},
        invited=invited,
    )
    return make_response(page, 422 if faults else 200)


def _way(guide: Guide, *, invites: bool) -> Way:
    """The way asked for; the first one, or the first that fits, where none is."""
    asked = request.values.get("way")
    fitting = [one for one in guide.ways if one.invites or not invites]
    return next((one for one in fitting if one.name == asked), fitting[0])


def _edition(guide: Guide) -> Edition | None:
    asked = request.values.get("edition")
    found = [one for one in guide.editions if one.name == asked]
    return next(iter(found or guide.editions), None)


def _site(text: str) -> str:
    """The address of a site as pasted from a browser: its origin, https unless said."""
    entry = text.strip()
    if entry and "://" not in entry:
        entry = f"https://{entry}"
    try:
        parts = urlsplit(entry)
        is_site = parts.port is None or parts.port > 0
    except ValueError:
        return ""
    is_site = is_site and bool(parts.hostname) and parts.scheme in {"http", "https"}
    # A Moodle may live below a path; what follows its own pages is not part of it.
    path = parts.path.rstrip("/") if not parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{path}" if is_site else ""


def _prefilled(guide: Guide, edition: Edition | None, site: str) -> dict[str, str]:
    client_id = request.args.get("client_id", "").strip()
    known = guides.endpoints(edition, site, client_id) if edition else {}
    name = urlsplit(site).hostname if site else ""
    return {
        "name": f"{guide.product} ({name})" if name else "",
        "client_id": client_id,
        **known,
    }


def _host(text: str) -> str | None:
    """A host name as typed or pasted; '' for none, None for something else."""
    entry = text.strip().lower()
    if not entry:
        return ""
    if "://" in entry:
        entry = urlsplit(entry).netloc
    is_plain = all(one.isalnum() or one in ".-:" for one in entry)
    return entry if entry and is_plain and len(entry) <= _LONGEST_HOST else None


def _add(session: Session, fields: dict[str, str], ids: list[str]) -> int:
    secret_key = settings().load_secret_key()
    keys.ensure(session, secret_key, now=clock())
    token = fields["outcomes_token"]
    new = NewRegistration(
        name=fields["name"],
        issuer=fields["issuer"],
        client_id=fields["client_id"],
        auth_url=fields["auth_url"],
        token_url=fields["token_url"],
        jwks_url=fields["jwks_url"],
        vendor=fields["vendor"],
        token_audience=fields["token_audience"] or None,
        outcomes_url=fields["outcomes_url"] or None,
        outcomes_token=secrets.encrypt(token, secret_key) if token else None,
    )
    return work.add(session, new, deployment_ids=ids, by=author())


def _invitation(session: Session, invitation_id: int) -> Invitation:
    for one in registration.load_invitations(session):
        if one.id == invitation_id:
            return one
    raise NotFoundError(f"no invitation has the id {invitation_id}")


def _seen(session: Session, held: dict[str, Any]) -> dict[str, Any]:
    deployments = stored.load_deployments(session, held["id"])
    return {
        "waiting": [one for one in deployments if one["status"] == "pending"],
        "is_launched": held["launched_at"] is not None,
    }


def _shown(check: Check) -> dict[str, str]:
    """A check in the reader's language."""
    return {
        "name": check.name,
        "state": check.state,
        "title": gettext(check.title),
        "text": gettext(check.words.text, **check.values),
        "fix": gettext(check.words.fix, **check.values) if check.words.fix else "",
    }
