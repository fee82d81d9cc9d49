"""Tables as CSV: written while they are read, and no cell a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

# A text that begins with one of these is a formula to a spreadsheet: those of OWASP's
# "CSV injection", the wide forms of the first four among them.
FORMULA: Final = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Tells a spreadsheet that the file is UTF-8; a loader takes it for a part of a name.
MARK: Final = "\ufeff"
# So many lines are written at once.
_LINES: Final = 500


def guard(text: str) -> str:
    """Return text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_text(
    head: Sequence[str], lines: Iterable[Sequence[object]], *, mark: bool = True
) -> Iterator[str]:
    """Yield a CSV file piece by piece: never more than some lines of it in memory.

    mark: for a spreadsheet; without it, for a program.
    """
    file = io.StringIO()
    file.write(MARK if mark else "")
    writer = csv.writer(file)
    writer.writerow(head)
    for number, line in enumerate(lines, 1):
        writer.writerow([cell(one) for one in line])
        if number % _LINES == 0:
            yield file.getvalue()
            file.seek(0)
            file.truncate()
    yield file.getvalue()


def cell(value: object) -> str:
    """Return a value as a cell; a number stays one, whatever it begins with."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return guard(str(value))
