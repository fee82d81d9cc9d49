"""The demo's front door: one card for each role a visitor may step into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from lti_tool.web.texts import gettext

door = Blueprint("door", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class Card:
    """One way in: where it leads and what is seen there."""

    href: str
    title: str
    words: str


ORDER: Final = ("teacher", "student", "lms", "gradebook")


@door.get("/demo")
def cards() -> ResponseReturnValue:
    """Show the ways in that the demo was started with; no others."""
    links: Mapping[str, str] = current_app.config.get("DEMO_LINKS") or {}
    told = _told()
    found = [Card(links[name], *told[name]) for name in ORDER if links.get(name)]
    return render_template("door/cards.html", cards=found)


def _told() -> dict[str, tuple[str, str]]:
    """Title and words of each card, in the reader's language."""
    return {
        "teacher": (
            gettext("Teacher Ms. Lee"),
            gettext("Her class grid: who has shown what, and why each level stands."),
        ),
        "student": (
            gettext("Student Amira"),
            gettext("Her own mastery page: where she is and what is next."),
        ),
        "lms": (
            gettext("Open inside the pretend LMS"),
            gettext(
                "Its course page launches the tool in a frame, as a real LMS does."
            ),
        ),
        "gradebook": (
            gettext("Results received"),
            gettext("The pretend LMS's gradebook: each score as it arrives."),
        ),
    }
