"""The words of a fault in a record: what it is, by which rule, and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import lazy_gettext


@dataclass(frozen=True, slots=True)
class Words:
    """What a code of a problem means: what happened, the rule, and the mend."""

    what: str
    rule: str
    mend: str


# What became of the record.
LEVELS: Final = {
    "error": lazy_gettext("record left out"),
    "warning": lazy_gettext("kept, with a warning"),
}
_AGAIN: Final = lazy_gettext(
    "Correct it in the student information system; the next run takes it by itself."
)
# A reference that leads nowhere, by the field that holds it.
_DANGLING: Final = {
    "user": lazy_gettext("names a user that was not sent"),
    "student": lazy_gettext("names a student that was not sent"),
    "class": lazy_gettext("names a class that was not sent"),
    "school": lazy_gettext("names a school that was not sent"),
    "org": lazy_gettext("names a school that was not sent"),
    "course": lazy_gettext("names a course that was not sent"),
    "term": lazy_gettext("names a term that was not sent"),
    "line_item": lazy_gettext("names a line item that was not sent"),
    "parent": lazy_gettext("names a parent that was not sent"),
}
_NO_TARGET: Final = lazy_gettext("names a record that was not sent")
_HELD: Final = lazy_gettext("Every reference leads to a record of the same source.")
_SEND: Final = lazy_gettext(
    "Send the record it names, or remove the reference. The record is held aside and "
    "taken as soon as the one it names arrives."
)
CODES: Final[Mapping[str, Words]] = {
    "conflict": Words(
        lazy_gettext("was sent twice with different values"),
        lazy_gettext("A sourcedId stands once in a collection."),
        lazy_gettext("Make the system send it once. Until then what we have stays."),
    ),
    "duplicate": Words(
        lazy_gettext("was sent twice, the same each time"),
        lazy_gettext("A sourcedId stands once in a collection."),
        lazy_gettext("One was kept. Nothing needs to be done."),
    ),
    "over_maximum": Words(
        lazy_gettext("gives more points than its work has"),
        lazy_gettext("A score goes up to the maximum of its line item."),
        lazy_gettext(
            "It counts as all of the points. Correct the score or the maximum, unless "
            "it is extra credit."
        ),
    ),
    "cycle": Words(
        lazy_gettext("is its own ancestor"),
        lazy_gettext("A school or term lies in another one, never in itself."),
        _AGAIN,
    ),
    "missing": Words(
        lazy_gettext("lacks a value it must have"),
        lazy_gettext("The standard requires this field."),
        _AGAIN,
    ),
    "bad_value": Words(
        lazy_gettext("holds a value that cannot be read"),
        lazy_gettext("The standard names the form of each field."),
        _AGAIN,
    ),
    "blank": Words(
        lazy_gettext("is blank although the standard requires it"),
        lazy_gettext("The standard requires this field."),
        lazy_gettext("The records were kept without it. Told once a file."),
    ),
    "scope_refused": Words(
        lazy_gettext("is not covered by what our credentials were granted"),
        lazy_gettext("A collection we may not see is left as it is."),
        lazy_gettext("Let the operator grant the scope, if you want it."),
    ),
    "bad_shape": Words(
        lazy_gettext("is not in the form of a record"),
        lazy_gettext("A record is an object with the fields of the standard."),
        lazy_gettext("Tell the operator of the system."),
    ),
    "too_long": Words(
        lazy_gettext("is longer than we can keep"),
        lazy_gettext("Ids hold up to 255 characters, rows up to one megabyte."),
        lazy_gettext("Shorten it in the student information system."),
    ),
    "row_length": Words(
        lazy_gettext("has more or fewer cells than the header"),
        lazy_gettext("Every row has as many cells as the first."),
        lazy_gettext("Look for a stray quote or comma in that line of the export."),
    ),
    "nul": Words(
        lazy_gettext("holds a NUL character"),
        lazy_gettext("Files are UTF-8 text."),
        lazy_gettext("Export the file anew."),
    ),
    "extra_column": Words(
        lazy_gettext("is no column of the standard"),
        lazy_gettext("Further columns are named metadata.x."),
        lazy_gettext("It was ignored. Nothing needs to be done."),
    ),
    "missing_column": Words(
        lazy_gettext("has no column and was taken as blank"),
        lazy_gettext("The header names every column of the standard."),
        lazy_gettext("Add the column to the export if you use it."),
    ),
    "column_order": Words(
        lazy_gettext("has its columns in another order"),
        lazy_gettext("The standard names the order of columns."),
        lazy_gettext("It was read all the same. Nothing needs to be done."),
    ),
    "absent_file": Words(
        lazy_gettext("is there though the manifest calls it absent"),
        lazy_gettext("The manifest says which files are in the bundle."),
        lazy_gettext("It was ignored. Correct the manifest if it should be read."),
    ),
    "ends_withheld": Words(
        lazy_gettext("has rows whose sourcedId cannot be read, so nothing ended"),
        lazy_gettext(
            "Nothing ends for being absent unless all that was sent is clear."
        ),
        lazy_gettext("Correct those rows; the next run ends what is gone."),
    ),
    "forbidden": Words(
        lazy_gettext("may not be read with our credentials"),
        lazy_gettext("A collection we may not see is left as it is."),
        lazy_gettext("Let the operator grant the scope, if you want it."),
    ),
    "bad_date": Words(
        lazy_gettext("holds a date that cannot be read"),
        lazy_gettext("Dates are written YYYY-MM-DD, moments with T and a zone."),
        _AGAIN,
    ),
    "bad_date_last_modified": Words(
        lazy_gettext("has a dateLastModified that cannot be read"),
        lazy_gettext("It is a moment of the past, such as 2026-11-01T06:00:00.000Z."),
        lazy_gettext("The record was kept without it. Tell the operator."),
    ),
    "bad_id": Words(
        lazy_gettext("has no sourcedId that can be read"),
        lazy_gettext("A sourcedId is a text of 1 to 255 characters without spaces."),
        _AGAIN,
    ),
    "bad_status": Words(
        lazy_gettext("has a status that is neither active nor tobedeleted"),
        lazy_gettext("Only these two are known; anything else never ends a record."),
        _AGAIN,
    ),
    "no_role": Words(
        lazy_gettext("has no role in the bundle"),
        lazy_gettext("roles.csv gives every user at least one role."),
        lazy_gettext("The user was kept without a role. Add the row to roles.csv."),
    ),
    "orphan": Words(
        lazy_gettext("belongs to a record that is not in the bundle"),
        lazy_gettext("A row of a side file names a record of its main file."),
        lazy_gettext("Export both files together."),
    ),
    "not_served": Words(
        lazy_gettext("is not served, and was left as it was"),
        lazy_gettext("A service need not have every collection."),
        lazy_gettext("Nothing needs to be done, unless you want it."),
    ),
    "gone": Words(
        lazy_gettext("is not there any more"),
        lazy_gettext("It was asked for by its sourcedId."),
        lazy_gettext("Send it, or remove the reference to it."),
    ),
    "more_wait": Words(
        lazy_gettext("more records wait than are pulled one by one"),
        lazy_gettext("A retry asks for 500 records at most."),
        lazy_gettext("Start a run of the source to try them all."),
    ),
    "mixed_modes": Words(
        lazy_gettext("tells only what changed while its main file is whole"),
        lazy_gettext("A file and its side files are best of the same mode."),
        lazy_gettext("Export both files in the same mode."),
    ),
    "manifest": Words(
        lazy_gettext("has a line in the manifest that cannot be used"),
        lazy_gettext("The manifest names each file as bulk, delta or absent."),
        lazy_gettext("Correct the manifest of the export."),
    ),
}


def wire_name(field: str) -> str:
    """A field as the standard writes it, whatever of ours it was found under."""
    first, *rest = field.removeprefix("sis_").split("_")
    return first + "".join(one[:1].upper() + one[1:] for one in rest)


def words_of(code: str, field: str, text: str) -> Words:
    """What a problem means; of a code we have no words for, its own text speaks."""
    if code == "dangling":
        target = next((one for one in _DANGLING if one in field), None)
        what = _DANGLING[target] if target else _NO_TARGET
        return Words(str(what), str(_HELD), str(_SEND))
    known = CODES.get(code)
    if known is None:
        return Words(text, "", "")
    return Words(str(known.what), str(known.rule), str(known.mend))
