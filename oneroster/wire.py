"""Single values as OneRoster sends them: read leniently, written strictly.

What is read beyond the standard: identifiers and years as numbers, booleans as
``true`` or ``"TRUE"``, numbers as text, a list of one as a scalar, words of a
vocabulary in any case, date-times without milliseconds, zone or time, and empty
text where a value is missing. A refusal never repeats the value it refuses.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

__all__ = [
    "LONGEST_FORM",
    "Day",
    "Flag",
    "Identifier",
    "Moment",
    "Number",
    "SoftMoment",
    "Text",
    "Words",
    "absent",
    "blank",
    "format_moment",
    "has_nul",
    "listed",
    "parse_moment",
    "shape_of",
    "word",
]

LONGEST_FORM = 40
"""So many signs of a form are told."""

LAST_YEAR = 9998
"""Year 9999 is how databases write "never"; it is no moment."""


def parse_moment(value: object) -> datetime:
    """Read a date-time, or a date as its first moment; without a zone it is UTC.

    Raises:
        ValueError: it is not ISO 8601, or lies in the year 9999.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        moment = datetime.fromisoformat(str(value).strip())
    if moment.year > LAST_YEAR:
        raise ValueError("lies in the year 9999")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the calendar") from error


def format_moment(moment: datetime) -> str:
    """Write a moment as OneRoster wants it: UTC, milliseconds, ``Z``."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    text = utc.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _text(value: object) -> object:
    if isinstance(value, str):
        if "\x00" in value:
            raise PydanticCustomError("nul", "holds a NUL character")
        if _has_half(value):
            raise PydanticCustomError("bad_value", "holds half of a character")
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise PydanticCustomError("bad_value", "is not text")


def _identifier(value: object) -> object:
    text = _text(value)
    if not text or text != str(text).strip():
        raise PydanticCustomError("bad_id", "is empty or framed by spaces")
    return text


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    folded = value.strip().lower() if isinstance(value, str) else None
    if folded in {"true", "false"}:
        return folded == "true"
    raise PydanticCustomError("bad_value", 'is neither "true" nor "false"')


def _number(value: object) -> object:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (OverflowError, ValueError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise PydanticCustomError("bad_value", "is not a number")


def _moment(value: object) -> object:
    try:
        return parse_moment(value)
    except ValueError as error:
        raise PydanticCustomError("bad_date", "is not an ISO 8601 date-time") from error


def _day(value: object) -> object:
    try:
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip()).date()
    except ValueError as error:
        raise PydanticCustomError("bad_date", "is not an ISO 8601 date") from error
    raise PydanticCustomError("bad_date", "is not an ISO 8601 date")


def _blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _soft_moment(value: object) -> datetime | None:
    try:
        return parse_moment(value)
    except ValueError:
        return None


def _words(known: Iterable[str]) -> Callable[[object], object]:
    canonical = {name.lower(): name for name in known}

    def fold(value: object) -> object:
        if value is None:
            return None
        text = str(_text(value)).strip()
        return canonical.get(text.lower(), text)

    return fold


def word(*known: str) -> BeforeValidator:
    """Read a word of a vocabulary in any case; words beyond it stay as sent.

    Source: OneRoster 1.2 Rostering, enumerations are open to ``ext:`` tokens.
    """
    return BeforeValidator(_words(known))


def absent(*, default: object) -> BeforeValidator:
    """Read null as the value that a missing field has."""
    return BeforeValidator(lambda value: default if value is None else value)


def _listed(value: object) -> object:
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, (str, int, Mapping)) else value


listed = BeforeValidator(_listed)
"""Reads a scalar as a list of one, and nothing as an empty list."""

Text = Annotated[str, BeforeValidator(_text)]
Words = Annotated[Text, absent(default="")]
"""Text that is empty when it is missing."""

Identifier = Annotated[str, BeforeValidator(_identifier)]
Flag = Annotated[
    bool,
    BeforeValidator(_flag),
    PlainSerializer(lambda value: "true" if value else "false", return_type=str),
]
Number = Annotated[float, BeforeValidator(_number)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(format_moment, return_type=str),
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(lambda day: day.isoformat(), return_type=str),
]
SoftMoment = Annotated[Moment | None, BeforeValidator(_soft_moment)]
"""A moment whose fault is forgiven: unreadable is None."""

blank = BeforeValidator(_blank)
"""Reads empty text as None."""


def has_nul(value: object) -> bool:
    """Tell whether a JSON value holds a NUL anywhere, or half of a character.

    Neither can be stored: JSON escapes either half of a surrogate pair alone.
    """
    # The text of a value shows one sooner than a walk through it would; what only
    # looks like one is settled by the walk.
    text = repr(value)
    return (r"\x00" in text or r"\ud" in text) and _has_nul(value)


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value or _has_half(value)
    if isinstance(value, Mapping):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, (list, tuple)) and any(_has_nul(part) for part in value)


def _has_half(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def shape_of(text: str) -> str:
    """Leave of a text its form: a letter is x or X, a digit 9, the rest as it is."""
    return "".join(map(_shape_of_sign, text))


def _shape_of_sign(sign: str) -> str:
    if sign.isdigit():
        return "9"
    if not sign.isalpha():
        return sign
    return "X" if sign.isupper() else "x"
