"""What an administrator asks the worker for on a page: a sync, and how it is to go.

The order goes through the queue; the run it becomes stands in our own tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lti_tool.storage import run_pages, source_pages
from lti_tool.storage.evidence import put_change
from lti_tool.storage.session import Session
from lti_tool.work import source_care
from lti_tool.work.platforms import Author


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sync to make, by name of its source.

    Attributes:
        is_dry_run: plan only.
        is_full: read everything, not only what changed.
        accept: the hash of a held plan that a person said yes to.
        is_without_ends: of that plan apply adds and changes alone.
        is_retry: pull only what of_run_id held aside.
        of_run_id: the run whose plan is applied, or whose records are pulled again.
    """

    source: str
    is_dry_run: bool = False
    is_full: bool = False
    accept: str | None = None
    is_without_ends: bool = False
    is_retry: bool = False
    of_run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order is not taken: busy, parked, and what the page says of it.

    Attributes:
        run_id: the run that is going on.
        until: before then no call goes out to the source.
    """

    code: str
    run_id: int | None = None
    until: datetime | None = None


def refuse(
    session: Session, source: Mapping[str, Any], *, now: datetime
) -> Refusal | None:
    """Why no sync of this source can begin now, or None."""
    going = run_pages.find_open(session, source["id"])
    if going is not None:
        return Refusal("busy", run_id=going)
    until = source["parked_until"]
    if until is not None and until > now:
        return Refusal("parked", until=until)
    return None


def note(
    session: Session, order: Order, source_id: int, *, who: str, now: datetime
) -> None:
    """Write down who ordered a sync; the order itself goes through the queue."""
    told = {name: value for name, value in asdict(order).items() if value}
    put_change(
        session,
        at=now,
        who=who,
        what="sync ordered",
        subject=("source", source_id),
        after=told,
    )


def accept(
    session: Session,
    run_id: int,
    *,
    is_without_ends: bool,
    reason: str | None,
    by: Author,
) -> bool:
    """Keep a person's yes to a plan; False if somebody has decided on it since.

    Whoever takes a plan of a source whose setting up was not finished wants it to run:
    from then on it syncs by its schedule.
    """
    decision = "accepted_without_ends" if is_without_ends else "accepted"
    values = {"decision": decision, "decided_by": by.who, "decision_reason": reason}
    if not run_pages.decide(session, run_id, values, now=by.now):
        return False
    held = run_pages.load_run(session, run_id)
    source = source_pages.load_source(session, held["source_id"])
    if source["status"] == "draft":
        source_care.switch(session, source["id"], "active", by=by)
    return True


def stop(session: Session, run_id: int, *, who: str, now: datetime) -> bool:
    """Ask a run to stop after the page it reads; tells whether it was going on."""
    asked = run_pages.ask_to_stop(session, run_id)
    if asked:
        put_change(
            session, at=now, who=who, what="run stop asked", subject=("run", run_id)
        )
    return asked
