"""Languages of the pages: whose words win, and which way they run."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from babel import Locale
from flask import Flask, g, request, url_for
from flask_babel import Babel, format_datetime, format_decimal, get_locale, gettext, lazy_gettext

from mappings.lines import Line

HERE = Path(__file__).parent
LANGUAGES = ("en", "es", "fr", "ar")
# Names a scale may carry when the school has not given its own.
LEVEL_NAMES = (
    lazy_gettext("Not yet shown"),
    lazy_gettext("Beginning"),
    lazy_gettext("Emerging"),
    lazy_gettext("Developing"),
    lazy_gettext("Proficient"),
    lazy_gettext("Advanced"),
    lazy_gettext("Secure"),
)
RULE_NAMES = {
    "highest": lazy_gettext("the highest score counts"),
    "latest": lazy_gettext("the latest score counts"),
    "average": lazy_gettext("the mean of all scores"),
    "n_mastery": lazy_gettext("a number of scores at mastery"),
    "decaying_average": lazy_gettext("the latest score weighs most"),
    "weighted_average": lazy_gettext("the latest score weighs most"),
    "standard_decaying_average": lazy_gettext("each new score weighs more"),
    "power_law": lazy_gettext("the trend of the scores"),
    "mode": lazy_gettext("the most frequent level"),
    "mean_of_last": lazy_gettext("the mean of the last scores"),
    "conjunctive": lazy_gettext("all parts are shown"),
    "bkt": lazy_gettext("how likely it is known"),
    "certainty": lazy_gettext("how certain it is that a fresh task would succeed"),
}


def install(app: Flask) -> None:
    """Teach app its languages, and templates the words lang, dir and asset()."""
    app.config.setdefault(
        "BABEL_TRANSLATION_DIRECTORIES", str(HERE / "translations")
    )
    Babel(app, locale_selector=choose_language)
    app.context_processor(_page_words)
    app.jinja_env.filters["level_name"] = level_name


def choose_language() -> str:
    """The launch's language if we have it, else the browser's, else English."""
    seat = g.get("seat")
    wished = [seat.locale] if seat is not None and seat.locale else []
    wished += request.accept_languages.values()
    for one in wished:
        language = one.replace("_", "-").split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def level_name(name: str) -> str:
    """A level's name in the reader's language; a school's own name stays as it is."""
    return gettext(name)


def rule_name(name: str, parameter: float | None) -> str:
    """A mastery rule in the reader's words, with its parameter if it has one."""
    words = str(RULE_NAMES.get(name, name))
    if parameter is None:
        return words
    return gettext(
        "%(rule)s (%(parameter)s)", rule=words, parameter=format_decimal(parameter)
    )


def said(line: Line) -> str:
    """A line of arithmetic in the reader's language."""
    return gettext(line.text).format_map(line.plain)


def moment(at: datetime | None) -> str:
    """A time as the reader writes it, or the words for never."""
    return gettext("never") if at is None else format_datetime(at, "medium")


def _page_words() -> dict[str, object]:
    locale = get_locale() or Locale("en")
    return {
        "lang": str(locale).replace("_", "-"),
        "dir": locale.text_direction,
        "asset": asset,
        "moment": moment,
    }


def asset(name: str) -> str:
    """The address of a static file; it changes when the file does."""
    return url_for("static", filename=name, v=_digest(name))


@lru_cache(maxsize=64)
def _digest(name: str) -> str:
    return hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
