"""Long tables as CSV, sent while they are read: never more than a page in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Response, stream_with_context

from lti_tool.work.tables import csv_text


def csv_answer(
    name: str, head: Sequence[str], lines: Iterable[Sequence[object]]
) -> Response:
    """A CSV file of that name; no cell of it is a formula to a spreadsheet."""
    return Response(
        stream_with_context(csv_text(head, lines)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
