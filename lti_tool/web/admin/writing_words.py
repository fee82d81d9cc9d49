"""How levels are written to a source, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.work import sis

MANNERS: Final = {
    "assessment": lazy_gettext("As assessments, each with its CASE identifier"),
    "gradebook": lazy_gettext(
        "Into its gradebook, each column with its CASE identifier"
    ),
    "posted": lazy_gettext("Posted into its gradebook; the SIS gives the ids"),
    "plain": lazy_gettext("Into its gradebook, numbers alone (OneRoster 1.1)"),
}
WAYS: Final = {
    "assessment": lazy_gettext("Writing levels as assessments"),
    "put": lazy_gettext("Writing levels into its gradebook"),
    "post": lazy_gettext("Posting levels into its gradebook"),
}
WHY: Final = {
    "chosen": lazy_gettext("You chose it."),
    "found": lazy_gettext("The test found it best."),
    "unknown": lazy_gettext("No test has looked at this yet."),
}
FOUND: Final = {
    "yes": lazy_gettext("offered"),
    "no": lazy_gettext("not offered"),
    "forbidden": lazy_gettext("we have no right to"),
    "unknown": lazy_gettext("could not be told"),
}


def writing_words(held: Mapping[str, Any]) -> dict[str, str]:
    """The manner a service is written to in, and who said so."""
    profile, settings = held["profile"] or {}, held["settings"] or {}
    manner = sis.chosen_manner(held["version"], settings, profile)
    why = "found" if profile.get("writing") else "unknown"
    if sis.writing_of(settings).manner == manner.name:
        why = "chosen"
    return {"manner": str(MANNERS[manner.name]), "why": str(WHY[why])}


def found_words(held: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the last test found of writing there, a line each."""
    found = (held["profile"] or {}).get("writing") or {}
    return [
        (str(words), str(FOUND.get(found[name], found[name])))
        for name, words in WAYS.items()
        if name in found
    ]
