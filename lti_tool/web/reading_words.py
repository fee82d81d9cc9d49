"""How a course of an LMS was read, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.storage import lms_readings
from lti_tool.storage.lms_readings import Reading
from lti_tool.web.admin.states import Mark
from lti_tool.web.texts import gettext, ngettext

STATES: Final[Mapping[str, tuple[Mark, Any]]] = {
    lms_readings.WAITING: ("wait", lazy_gettext("waiting to be read")),
    lms_readings.READING: ("wait", lazy_gettext("being read now")),
    lms_readings.READ: ("ok", lazy_gettext("read")),
    lms_readings.FAILED: ("bad", lazy_gettext("could not be read")),
}
NEVER: Final[tuple[Mark, Any]] = ("off", lazy_gettext("not read yet"))
LEFT_OUT: Final[tuple[Mark, Any]] = ("off", lazy_gettext("left out"))
# What to do where a reading failed, by its code.
MENDS: Final[Mapping[str, Any]] = {
    "config": lazy_gettext(
        "An administrator completes the platform's address and token."
    ),
    "no_place": lazy_gettext("Open the tool once from the course in the LMS."),
    "no_reader": lazy_gettext("We know no way to read grades of this kind of LMS."),
    "emptied": lazy_gettext("Look at the course there. If it is right, read it now."),
}
LATER: Final = lazy_gettext(
    "Nothing was changed. It is tried again in the night; an administrator's live "
    "checks show what is missing."
)


def state_of(one: Reading) -> tuple[Mark, Any]:
    """Return the mark and the words for how a course was read last."""
    if not one.is_on:
        return LEFT_OUT
    return STATES.get(one.status or "", NEVER)


def mend_of(one: Reading) -> str:
    """Return what to do about a reading that failed; "" where none did."""
    if one.status != lms_readings.FAILED:
        return ""
    return str(MENDS.get(one.code or "", LATER))


def counts_of(one: Reading) -> list[str]:
    """Return what the last reading met, a few words each."""
    found = one.found or {}
    if not found:
        return []
    told = [
        ngettext("%(num)d assignment", "%(num)d assignments", found.get("works", 0)),
        ngettext("%(num)d new score", "%(num)d new scores", found.get("added", 0)),
        ngettext(
            "%(num)d changed score", "%(num)d changed scores", found.get("changed", 0)
        ),
    ]
    if found.get("ended"):
        told.append(
            ngettext(
                "%(num)d score taken back",
                "%(num)d scores taken back",
                found["ended"],
            )
        )
    if found.get("ours"):
        told.append(
            ngettext(
                "%(num)d column of ours left out",
                "%(num)d columns of ours left out",
                found["ours"],
            )
        )
    if found.get("unknown"):
        told.append(
            ngettext(
                "%(num)d student we do not know yet",
                "%(num)d students we do not know yet",
                found["unknown"],
            )
        )
    return told


def who_words(twin_by: str | None) -> str:
    """Return who said that two pieces of work are the same."""
    if twin_by == "match":
        return gettext("by title and maximum, or as the LMS says")
    return gettext("as a teacher said")
