"""Languages of the pages: whose words win, and which way they run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import cast

import flask_babel
from babel import Locale, UnknownLocaleError
from babel.dates import get_timezone_gmt, get_timezone_name
from flask import Flask, current_app, g, request, url_for
from markupsafe import Markup

from lti_tool.errors import ConfigError
from lti_tool.storage import zones
from lti_tool.storage.database import Database
from lti_tool.work import carrying
from lti_tool.work.words import Words
from mappings.errors import MappingError
from mappings.lines import Line
from mappings.rules import Rule

HERE = Path(__file__).parent
MINUTE = timedelta(minutes=1)
LANGUAGES = ("en", "es", "fr", "ar")
# Names a scale may carry when the school has not given its own.
LEVEL_NAMES = (
    flask_babel.lazy_gettext("Not yet shown"),
    flask_babel.lazy_gettext("Beginning"),
    flask_babel.lazy_gettext("Emerging"),
    flask_babel.lazy_gettext("Developing"),
    flask_babel.lazy_gettext("Proficient"),
    flask_babel.lazy_gettext("Advanced"),
    flask_babel.lazy_gettext("Secure"),
)


def gettext(text: str, **values: object) -> str:
    """A text in the reader's language, its places filled."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """A counted text in the reader's language, by that language's plural rules."""
    return str(flask_babel.ngettext(one, many, num, **values))


def percent(share: float) -> str:
    """A share of 1 as the reader writes percent."""
    return str(flask_babel.format_percent(share))


def decimal(number: float) -> str:
    """A number as the reader writes it."""
    return str(flask_babel.format_decimal(number))


def install(app: Flask) -> None:
    """Teach app its languages, and templates the words lang, dir and asset()."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(HERE / "translations"))
    flask_babel.Babel(
        app, locale_selector=choose_language, timezone_selector=choose_zone
    )
    app.context_processor(_page_words)
    app.jinja_env.filters["level_name"] = level_name
    app.jinja_env.filters["number"] = decimal


def choose_language() -> str:
    """The launch's or the account's language, else the browser's, else English."""
    seat, admin = g.get("seat"), g.get("admin")
    chosen = seat.locale if seat else admin.account.locale if admin else None
    wished = [chosen] if chosen else []
    wished += request.accept_languages.values()
    for one in wished:
        tag = one.replace("-", "_")
        if tag.split("_")[0].lower() in LANGUAGES:
            return _known(tag)
    return LANGUAGES[0]


def choose_zone() -> str:
    """The name of the time zone of the school whose course is open; else UTC."""
    seat = g.get("seat")
    if seat is None or seat.course_id is None:
        return str(UTC)
    database = cast("Database", current_app.extensions["database"])
    with database.read() as session:
        return str(zones.load_zone(session, seat.course_id))


def _known(tag: str) -> str:
    """The locale of tag if Babel knows it, for its dates; else its language alone."""
    try:
        return str(Locale.parse(tag))
    except (UnknownLocaleError, ValueError):
        return tag.split("_", maxsplit=1)[0].lower()


def level_name(name: str) -> str:
    """A level's name in the reader's language; a school's own name stays as it is."""
    return gettext(name)


def rule_words(rule: Rule) -> str:
    """A mastery rule in the reader's words, with its parameter if it has one."""
    words = gettext(rule.spec.label)
    if rule.parameter is None or rule.spec.parameter is None:
        return words
    return gettext(
        "%(rule)s, %(number)d (%(meaning)s)",
        rule=words,
        meaning=gettext(rule.spec.parameter.words),
        number=rule.parameter,
    )


def words(one: Words | Line, titles: Mapping[str, str] = MappingProxyType({})) -> str:
    """A sentence of ours or a line of arithmetic in the reader's language."""
    if isinstance(one, Line):
        return said(one, titles)
    return gettext(one.text, **one.values)


def local_moment(at: datetime, zone: tzinfo) -> str:
    """A moment by the clock of a school, as the reader writes it, with its zone."""
    there = at.astimezone(zone)
    locale = flask_babel.get_locale() or Locale("en")
    name = get_timezone_name(there, width="short", locale=locale)
    return gettext(
        "%(moment)s (%(zone)s)",
        moment=flask_babel.format_datetime(there, "medium", rebase=False),
        zone=name if name[:1].isalpha() else get_timezone_gmt(there, locale=locale),
    )


def said(line: Line, titles: Mapping[str, str] = MappingProxyType({})) -> str:
    """A line of arithmetic in the reader's language; tasks are named by titles."""
    values = line.plain
    if "task" in values:
        title = titles.get(values["task"], values["task"])
        if carrying.is_carried(title):
            title = gettext(carrying.ELSEWHERE)
        values["task"] = f"\u2068{title}\u2069" if _is_rtl() else title
    for name in ("reason", "rank", "level"):
        if values.get(name):
            values[name] = gettext(values[name])
    return gettext(line.text).format_map(values)


def told(error: MappingError | ConfigError) -> str:
    """Why something is refused, in the reader's language as far as we have it."""
    words = gettext(error.template)
    return words.format_map(error.values) if error.values else words


def _is_rtl() -> bool:
    locale = flask_babel.get_locale()
    return locale is not None and locale.text_direction == "rtl"


def moment(at: datetime | None) -> Markup | str:
    """How long ago, or how soon, as the reader says it: it needs no time zone."""
    if at is None:
        return gettext("never")
    now = current_app.config.get("NOW")
    ago = at - (now() if now else datetime.now(UTC))
    words = gettext("just now")
    if abs(ago) >= MINUTE:
        words = flask_babel.format_timedelta(ago, add_direction=True)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), words)


def _page_words() -> dict[str, object]:
    locale = flask_babel.get_locale() or Locale("en")
    return {
        "lang": str(locale).replace("_", "-"),
        "dir": str(locale.text_direction),
        "asset": asset,
        "moment": moment,
    }


def asset(name: str) -> str:
    """The address of a static file; it changes when the file does."""
    return url_for("static", filename=name, v=_digest(name))


@lru_cache(maxsize=64)
def _digest(name: str) -> str:
    return hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
