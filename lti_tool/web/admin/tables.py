"""Long tables as CSV, sent while they are read: never more than a page in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

from lti_tool.web.teacher import guard

# So many lines are written at once.
_LINES = 500


def csv_answer(
    name: str, head: Sequence[str], lines: Iterable[Sequence[object]]
) -> Response:
    """A CSV file of that name; no cell of it is a formula to a spreadsheet."""
    return Response(
        stream_with_context(csv_text(head, lines)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def csv_text(head: Sequence[str], lines: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a CSV file piece by piece; a mark tells spreadsheets that it is UTF-8."""
    file = io.StringIO()
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(head)
    for number, line in enumerate(lines, 1):
        writer.writerow(["" if one is None else guard(str(one)) for one in line])
        if number % _LINES == 0:
            yield file.getvalue()
            file.seek(0)
            file.truncate()
    yield file.getvalue()
