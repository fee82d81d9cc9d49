"""A6: what was wrong in a run: by cause, then record by record, with the mend.

Source: facts/ux.md 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.errors import NotFoundError
from lti_tool.storage import problem_pages, run_pages
from lti_tool.storage.database import Database
from lti_tool.storage.problem_pages import Cause
from lti_tool.storage.session import Session
from lti_tool.web.admin import roster_words, run_words
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.problem_words import LEVELS, wire_name, words_of
from lti_tool.web.admin.runs import load_source, number, place_order
from lti_tool.web.admin.tables import csv_answer
from lti_tool.web.sessions import clock, database
from lti_tool.work.orders import Order

PAGE: Final = 50
HEAD: Final = (
    "place", "sourcedId", "type", "field", "value", "code", "level", "what", "rule",
    "fix", "firstSeen",
)  # fmt: skip
_READ: Final = 500


@pages.get("/runs/<int:run_id>/errors")
def run_errors(run_id: int) -> str:
    """Show the causes of a run's problems, and the records of one or of all."""
    cause = _cause()
    after = request.args.get("after", 0, type=number)
    with database().read() as session:
        run = run_pages.load_run(session, run_id)
        causes = problem_pages.load_causes(session, run_id)
        found = problem_pages.load_problems(
            session, run_id, cause, after=after, count=PAGE + 1
        )
        shown = found[:PAGE]
        rows = rows_of(session, run, shown)
        aside = problem_pages.load_aside(session, run["source_id"])
        kept = problem_pages.count_problems(session, run_id)
    return render_template(
        "admin/runs/errors.html",
        run=run,
        state=run_words.result(run, clock()),
        causes=[_cause_line(one, cause) for one in causes],
        cause=cause,
        rows=rows,
        aside=aside,
        aside_count=sum(aside.values()),
        kept=kept,
        told=sum((run["problem_counts"] or {}).values()),
        collection_word=roster_words.collection_word,
        wire_name=wire_name,
        first=url_for("admin.run_errors", run_id=run_id, **_kept(), _anchor="rows")
        if after
        else None,
        later=_later(run_id, shown[-1]["id"]) if len(found) > PAGE else None,
    )


@pages.post("/runs/<int:run_id>/retry")
def retry_run(run_id: int) -> ResponseReturnValue:
    """Order that what a run held aside is pulled again, and nothing else."""
    with database().read() as session:
        run = run_pages.load_run(session, run_id)
    source = load_source(run["source_id"])
    if source is None:
        raise NotFoundError("no such source")
    order = Order(source=run["source"], is_retry=True, of_run_id=run_id)
    return place_order(order, source)


@pages.get("/runs/<int:run_id>/errors.csv")
def errors_csv(run_id: int) -> ResponseReturnValue:
    """The problems of a run as CSV, with the columns of the page."""
    with database().read() as session:
        run = run_pages.load_run(session, run_id)
    return csv_answer(
        f"errors-run-{run_id}", HEAD, csv_lines(database(), run, _cause())
    )


def _cause() -> Cause | None:
    code = request.args.get("code")
    if not code:
        return None
    return Cause(
        collection=request.args.get("type", ""),
        code=code,
        field=request.args.get("field", ""),
    )


def _kept() -> dict[str, Any]:
    return {
        name: request.args[name]
        for name in ("type", "code", "field")
        if name in request.args
    }


def _later(run_id: int, after: int) -> str:
    kept = _kept() | {"after": after}
    return url_for("admin.run_errors", run_id=run_id, **kept, _anchor="rows")


def _cause_line(one: Mapping[str, Any], chosen: Cause | None) -> dict[str, Any]:
    cause = Cause(
        collection=one["collection"], code=one["code"], field=one["field"] or ""
    )
    return {
        **one,
        "words": words_of(one["code"], one["field"] or "", one["text"]),
        "level_word": LEVELS.get(one["level"], one["level"]),
        "is_chosen": cause == chosen,
    }


def rows_of(
    session: Session, run: Mapping[str, Any], found: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Problems of a run as they are shown: in words, and since when each is open."""
    since = problem_pages.load_since(session, run["source_id"], found)
    held = problem_pages.load_held(session, run["source_id"], found)
    later = problem_pages.load_later(session, run["source_id"], run["id"])
    named = {one["sourced_id"] for one in found if one["sourced_id"] is not None}
    still = problem_pages.load_still(session, later, named) if later else set()
    rows = []
    for one in found:
        key = (one["collection"], one["sourced_id"], one["code"])
        first = since.get(key, run["started_at"])
        gone = one["sourced_id"] is not None and later is not None and key not in still
        seen, settled = held.get(key[:2], (first, None))
        rows.append(
            {
                **one,
                "words": words_of(one["code"], one["field"] or "", one["text"]),
                "level_word": LEVELS.get(one["level"], one["level"]),
                "since": min(first, seen),
                "is_settled": gone or settled is not None,
            }
        )
    return rows


def csv_lines(
    held: Database, run: Mapping[str, Any], cause: Cause | None
) -> Iterator[Sequence[object]]:
    """Yield the problems of a run, or of one cause of it, as lines under HEAD."""
    after = 0
    while True:
        with held.read() as session:
            found = problem_pages.load_problems(
                session, run["id"], cause, after=after, count=_READ
            )
            rows = rows_of(session, run, found)
        for one in rows:
            words = one["words"]
            yield (
                one["place"],
                one["sourced_id"],
                one["collection"],
                wire_name(one["field"] or ""),
                one["value"],
                one["code"],
                one["level"],
                words.what,
                words.rule,
                words.mend,
                one["since"].isoformat(),
            )
        if len(found) < _READ:
            return
        after = found[-1]["id"]
