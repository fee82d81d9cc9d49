"""A3 step 5: who is who, decided by a person. Source: facts/ux.md 4.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from lti_tool.errors import BridgeError, ConfigError, NotFoundError
from lti_tool.storage import link_pages
from lti_tool.storage.database import Session
from lti_tool.storage.link_pages import Found, Wish
from lti_tool.storage.links import LMS, SIS
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext, ngettext
from lti_tool.work import linking
from lti_tool.work.linking import Author

PAGE: Final = 25
MOST: Final = 100  # decided at once
_LONGEST_ID: Final = 9
Decide = Callable[[Session, int, Author], None]
DECISIONS: Final[dict[str, Decide]] = {
    "accept": linking.accept,
    "refuse": linking.refuse,
    "undo": linking.undo,
}
STATUSES: Final = {
    "proposed": lazy_gettext("Waiting for you"),
    "active": lazy_gettext("Joined"),
    "refused": lazy_gettext("Refused"),
    "undone": lazy_gettext("Taken back"),
}
FACTS: Final = {
    "identifier": lazy_gettext("identifier"),
    "user_master_identifier": lazy_gettext("master identifier"),
    "sis_id": lazy_gettext("SIS id"),
    "name": lazy_gettext("name"),
    "login": lazy_gettext("login"),
    "school": lazy_gettext("school"),
}
ROLES: Final = {
    "student": lazy_gettext("student"),
    "teacher": lazy_gettext("teacher"),
    "parent": lazy_gettext("parent"),
    "guardian": lazy_gettext("guardian"),
    "relative": lazy_gettext("relative"),
    "aide": lazy_gettext("aide"),
    "proctor": lazy_gettext("proctor"),
    "administrator": lazy_gettext("administrator"),
    "learner": lazy_gettext("student"),
    "instructor": lazy_gettext("teacher"),
}


def rule_words(rule: str) -> str:
    """Why two accounts are, or may be, one person."""
    return gettext(linking.RULES.get(rule, rule))


@pages.get("/matching")
def matching() -> ResponseReturnValue:
    """Show who waits for a decision, or what was decided."""
    return _desk()


@pages.post("/matching/decide")
def matching_decide() -> ResponseReturnValue:
    """Accept, refuse or take back: the one whose button it was, or all ticked ones."""
    word, _colon, one = request.form.get("do", "").partition(":")
    decide = DECISIONS.get(word)
    if decide is None:
        return _desk(fault=gettext("Nothing was chosen to do."))
    chosen = [one] if one else request.form.getlist("link")[:MOST]
    if not chosen:
        return _desk(fault=gettext("Nothing is ticked, so nothing was done."))
    done, faults = 0, []
    for link in chosen:
        try:
            with database().write() as session:
                decide(session, _number(link), Author(admin().who, clock()))
            done += 1
        except (ConfigError, NotFoundError) as error:
            faults.append(str(error))
    if faults:
        said = _said(word, done) if done else ""
        words = ngettext(
            "%(num)d was left as it is: somebody has decided it since.",
            "%(num)d were left as they are: somebody has decided them since.",
            len(faults),
        )
        return _desk(fault=f"{said} {words}".strip())
    return redirect(_back(said=word, num=done), 303)


@pages.get("/matching/people")
def matching_people() -> str:
    """Find people by name or id."""
    words = request.args.get("words", "").strip()
    alone = request.args.get("alone", 0, type=_number)
    first = request.args.get("first", 0, type=_number)
    found: list[Found] = []
    total = 0
    with database().read() as session:
        platforms = [one for one in link_pages.load_tallies(session) if one.kind == LMS]
        if words or alone:
            found = link_pages.find_people(
                session, words, first=first, count=PAGE, alone=alone
            )
            total = link_pages.count_people(session, words, alone=alone)
    return render_template(
        "admin/matching/people.html",
        words=words,
        alone=alone,
        platforms=platforms,
        found=found,
        total=total,
        role_words=role_words,
        shown=(first + 1, first + len(found)),
        earlier=_page("admin.matching_people", first - PAGE) if first else None,
        later=_page("admin.matching_people", first + PAGE)
        if first + len(found) < total
        else None,
    )


@pages.get("/matching/people/<int:person_id>")
def matching_person(person_id: int) -> ResponseReturnValue:
    """Show everything known of who somebody is, and join her with another by hand."""
    return _person(person_id)


@pages.post("/matching/people/<int:person_id>/join")
def matching_join(person_id: int) -> ResponseReturnValue:
    """Say that the accounts of another person are this one's."""
    kind, _colon, account = request.form.get("account", "").partition(":")
    if kind not in (SIS, LMS):
        return _person(person_id, fault=gettext("Nothing was chosen to do."))
    try:
        with database().write() as session:
            by = Author(admin().who, clock())
            linking.join(session, kind, _number(account), person_id, by)
    except BridgeError:
        fault = gettext("These are one person already, or one of them is gone.")
        return _person(person_id, fault=fault)
    here = url_for("admin.matching_person", person_id=person_id, said="joined")
    return redirect(here, 303)


def role_words(role: str) -> str:
    """A role of a SIS or an LMS in the reader's language, if it is one we know."""
    return str(ROLES.get(role, role))


def _desk(*, fault: str | None = None) -> ResponseReturnValue:
    args = request.args
    status = args.get("status", "proposed")
    kind, _colon, system = args.get("system", "").partition(":")
    wish = Wish(
        status=status if status in STATUSES else "proposed",
        kind=kind if kind in (SIS, LMS) else "",
        system=_number(system),
        words=args.get("words", "").strip(),
    )
    first = args.get("first", 0, type=_number)
    with database().read() as session:
        tallies = link_pages.load_tallies(session)
        total = link_pages.count_links(session, wish)
        found = link_pages.load_links(session, wish, first=first, count=PAGE)
    page = render_template(
        "admin/matching/desk.html",
        tallies=tallies,
        wish=wish,
        system=args.get("system", ""),
        statuses=STATUSES,
        links=found,
        total=total,
        facts=FACTS,
        rule_words=rule_words,
        role_words=role_words,
        said=_said(args.get("said", ""), _number(args.get("num", ""))),
        fault=fault,
        here=request.query_string.decode(),
        shown=(first + 1, first + len(found)),
        earlier=_page("admin.matching", first - PAGE) if first else None,
        later=_page("admin.matching", first + PAGE)
        if first + len(found) < total
        else None,
    )
    return make_response(page, 422 if fault else 200)


def _person(person_id: int, *, fault: str | None = None) -> ResponseReturnValue:
    words = request.args.get("words", "").strip()
    with database().read() as session:
        found = link_pages.load_person(session, person_id)
        if found is None:
            raise NotFoundError(f"no person {person_id}")
        others = (
            link_pages.find_people(session, words, first=0, count=PAGE) if words else []
        )
    page = render_template(
        "admin/matching/person.html",
        person=found,
        others=[one for one in others if one.id != person_id],
        words=words,
        facts=FACTS,
        statuses=STATUSES,
        rule_words=rule_words,
        role_words=role_words,
        said=_said(request.args.get("said", ""), 1),
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)


def _said(word: str, num: int) -> str:
    """What was done, for the line at the top of the page."""
    match word:
        case "accept":
            return ngettext("%(num)d accepted.", "%(num)d accepted.", num)
        case "refuse":
            return ngettext(
                "%(num)d refused; it is not proposed again.",
                "%(num)d refused; they are not proposed again.",
                num,
            )
        case "undo":
            return ngettext(
                "%(num)d taken back: everything is as it was.",
                "%(num)d taken back: everything is as it was.",
                num,
            )
        case "joined":
            return gettext("Joined. It can be taken back below.")
        case _:
            return ""


def _back(*, said: str, num: int) -> str:
    """Where the form was sent from: the list with its filter, or a person."""
    person = _number(request.form.get("person", ""))
    told: dict[str, Any] = {"said": said, "num": num}
    if person:
        return url_for("admin.matching_person", person_id=person, **told)
    return url_for("admin.matching", **_filter(), **told)


def _page(endpoint: str, first: int) -> str:
    return url_for(endpoint, first=max(first, 0), **_filter())


def _filter() -> dict[str, Any]:
    names = ("status", "system", "words", "alone")
    return {name: request.args[name] for name in names if request.args.get(name)}


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_ID else 0
