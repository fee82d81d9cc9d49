"""Receipts and the states of deliveries in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import url_for
from flask_babel import lazy_gettext

from lti_tool.errors import OutboxError
from lti_tool.storage import curriculum, differences, receipts, zones
from lti_tool.storage.database import Session
from lti_tool.storage.outbox import THEIRS
from lti_tool.web import plan_words, reasons, summary_form
from lti_tool.web.admin.guard import public_url
from lti_tool.web.admin.states import Mark
from lti_tool.web.reasons import Reason
from lti_tool.web.texts import gettext, local_moment
from lti_tool.work import decisions, summaries

NAMES: Final[Mapping[str, Any]] = {
    "ags": lazy_gettext("LMS gradebook"),
    "oneroster": lazy_gettext("school system"),
    "moodle": lazy_gettext("Moodle competencies"),
    "canvas": lazy_gettext("Canvas outcomes"),
}
STATES: Final[Mapping[str, tuple[Mark, Any]]] = {
    "pending": ("wait", lazy_gettext("waiting")),
    "sending": ("wait", lazy_gettext("on its way")),
    "unknown": ("wait", lazy_gettext("on its way, being read back")),
    "delivered": ("ok", lazy_gettext("delivered and seen there")),
    "superseded": ("off", lazy_gettext("a newer value took its place")),
    "blocked": ("bad", lazy_gettext("refused until something is mended")),
    "conflict": ("bad", lazy_gettext("another value was set there")),
    "dead": ("bad", lazy_gettext("given up")),
}
WAITS: Final[Mapping[str, Any]] = {
    "night": lazy_gettext("waiting for the night"),
    "release": lazy_gettext("waiting for a teacher's release"),
}
REFUSALS: Final[Mapping[str, Any]] = {
    decisions.OFF: lazy_gettext(
        "This course sends nothing there any more. Switch it on first."
    ),
    decisions.NOT_OTHER: lazy_gettext(
        "What stands there is what was sent. There is nothing to take."
    ),
    decisions.NOT_DELIVERED: lazy_gettext("Only what was delivered can be undone."),
    decisions.NOT_CHANGED: lazy_gettext(
        "Nothing was changed there by it: the value stood there already."
    ),
    decisions.IN_FLIGHT: lazy_gettext(
        "It is on its way right now. Look again in a moment."
    ),
    decisions.NOT_NEWEST: lazy_gettext(
        "A newer value of this level was told since. Look at that one."
    ),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery as a page shows it, with what can be done about it.

    Attributes:
        theirs: (whether somebody else's value is known to stand there, which).
        link: the address that stays.
        why: the reason of the level as it stands now; None where the course has no
            such competency any more.
        has_moved: whether that was worked out after what was told here.
        grade: of a grade over all competencies its arithmetic when it was told, a line
            each.
    """

    row: Mapping[str, Any]
    place: str
    mark: Mark
    state: str
    who: str
    said: str | None
    answer: str
    basis: tuple[tuple[str, str], ...]
    theirs: tuple[bool, float | None]
    can_send: bool
    can_undo: bool
    history: tuple[tuple[Mapping[str, Any], str], ...]
    link: str
    why: Reason | None
    has_moved: bool
    grade: tuple[str, ...] = ()


def load(session: Session, row: Mapping[str, Any], *, now: datetime) -> Receipt:
    """Return the receipt of a delivery for a page."""
    newest = receipts.is_newest(session, row["id"])
    differs = differences.load_of_delivery(session, row["id"])
    theirs = (False, None) if differs is None else (True, differs["theirs"])
    if row["state"] == "conflict":
        theirs = (True, row["read_back"])
    mark, words = state(row)
    answer = row["receipt"] or {}
    why = reasons.load_reason(
        session,
        curriculum.load_plan(session, row["course_id"]),
        row["student"],
        row["competency_id"],
        now=now,
    )
    made_of = summaries.made_of(row["basis"])
    told_at = _moment(row["basis"])
    zone = zones.load_zone(session, row["course_id"])
    return Receipt(
        row=row,
        place=place(row["destination"]),
        mark=mark,
        state=words,
        who=who_words(session, row["asked_by"]),
        said=answer.get("said"),
        answer=str(
            answer.get("status") or answer.get("put") or answer.get("deleted") or ""
        ),
        basis=_basis(
            row["basis"], None if told_at is None else local_moment(told_at, zone)
        ),
        theirs=theirs,
        can_send=newest
        and (row["state"] in {"blocked", "conflict", "dead", "pending"} or theirs[0]),
        can_undo=newest
        and row["state"] == "delivered"
        and row["before_at"] is not None
        and row["code"] != THEIRS,
        history=tuple(
            (one, state(one)[1])
            for one in receipts.load_history(session, row["id"])
            if one["id"] != row["id"]
        ),
        link=public_url() + url_for("receipts.show", delivery_id=row["id"]),
        why=why,
        has_moved=why is not None and why.computed_at != told_at,
        grade=() if made_of is None else summary_form.steps_of(made_of[1]),
    )


def done(act: str, row: Mapping[str, Any]) -> str:
    """Return what is said of a decision: theirs is no level where it is a grade."""
    is_grade = row["competency_id"] is None
    return "kept" if act == "theirs" and is_grade else act


def place(destination: str) -> str:
    """Return what people call a destination."""
    return str(NAMES.get(destination, destination))


def state(row: Mapping[str, Any]) -> tuple[Mark, str]:
    """Return the state of a delivery: its mark and its words."""
    if row.get("code") == THEIRS:
        return "ok", gettext("theirs was taken")
    if row["state"] == "pending" and row.get("waits_for"):
        return "wait", str(WAITS[row["waits_for"]])
    mark, words = STATES[row["state"]]
    return mark, str(words)


def who_words(session: Session, who: str | None) -> str:
    """Return who asked for a delivery."""
    if who is None:
        return gettext("a changed level")
    kind, _, number = who.partition(":")
    if kind == "person" and number.isdecimal():
        return receipts.load_person(session, int(number)) or gettext("a teacher")
    if who == "cli":
        return gettext("an administrator, at the command line")
    if who == "new maximum":
        return gettext("the new maximum of the column")
    return gettext("an administrator")


def refused(error: OutboxError) -> str:
    """Return why something cannot be done with a delivery, in the reader's words."""
    return str(REFUSALS.get(error.code, error))


def _basis(
    basis: Mapping[str, Any] | None, worked_out: str | None
) -> tuple[tuple[str, str], ...]:
    """By what a level was judged when it was told."""
    told = basis or {}
    rule = told.get("rule")
    made_of = summaries.made_of(told)
    found = (
        (gettext("Formula"), made_of and summary_form.HOW[made_of[0].how]),
        (gettext("Rule"), rule and plan_words.chosen_rule(rule, told.get("parameter"))),
        (gettext("Pieces of evidence"), told.get("evidence")),
        (gettext("Worked out"), worked_out),
    )
    return tuple((label, str(value)) for label, value in found if value is not None)


def _moment(basis: Mapping[str, Any] | None) -> datetime | None:
    """When what was told had been worked out."""
    told = (basis or {}).get("computed_at")
    return datetime.fromisoformat(told) if told else None
