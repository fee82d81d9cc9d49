"""What is done with a source by a person: added, changed, paused, removed; audited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import ConfigError
from lti_tool.settings import Settings
from lti_tool.storage import cursors, source_pages, sources
from lti_tool.storage.evidence import put_change
from lti_tool.storage.session import Session
from lti_tool.work import uploads
from lti_tool.work.platforms import Author
from lti_tool.work.schedules import next_time
from lti_tool.work.source_settings import parse_settings

# With another of these another system may answer, or with another right.
_ADDRESS: Final = frozenset(
    {"location", "version", "auth", "token_url", "client_id", "client_secret"}
)
_HIDDEN: Final = frozenset({"client_secret"})


def add_draft(session: Session, values: Mapping[str, Any], *, by: Author) -> int:
    """Store a source that nobody syncs yet; returns its id.

    Raises:
        ConfigError: a source of that name is there already.
    """
    return add(session, {**values, "status": "draft"}, by=by)


def add(session: Session, values: Mapping[str, Any], *, by: Author) -> int:
    """Store a source and return its id.

    Raises:
        ConfigError: a source of that name is there already.
    """
    source_id = sources.add_source(session, values, by.now)
    _note(session, source_id, "source added", None, values, by=by)
    return source_id


def edit(
    session: Session, source_id: int, values: Mapping[str, Any], *, by: Author
) -> dict[str, Any]:
    """Change what differs and return it; a secret given is always another one.

    A source that refused us is asked again once its address or credentials change,
    and what was found out of the old one is forgotten.

    Raises:
        NotFoundError: there is no such source.
    """
    held = source_pages.load_source(session, source_id)
    changed = {
        name: value
        for name, value in values.items()
        if name in _HIDDEN or (held[name] or None) != (value or None)
    }
    if not changed:
        return {}
    anew = {}
    if changed.keys() & _ADDRESS:
        anew = {"parked_until": None, "parked_code": None}
    if changed.keys() & {"location", "version"}:
        anew |= {"profile": None, "profiled_at": None, "full_at": None}
        sources.forget_reach(session, source_id)
    source_pages.save_source(session, source_id, {**changed, **anew})
    if changed.keys() & _ADDRESS:
        cursors.forget_reach(session, source_id)
    before = {name: held.get(name) for name in changed if name not in _HIDDEN}
    _note(session, source_id, "source changed", before, changed, by=by)
    return changed


def save_settings(
    session: Session, source_id: int, sections: Mapping[str, Any], *, by: Author
) -> bool:
    """Keep some sections of what the school chose; tells whether anything differs.

    Raises:
        NotFoundError: there is no such source.
    """
    source = source_pages.load_source(session, source_id)
    held = source["settings"]
    changed = {
        name: value for name, value in sections.items() if held.get(name) != value
    }
    if not changed:
        return False
    values: dict[str, Any] = {"settings": {**held, **changed}}
    if changed.keys() & {"schedule", "pauses"}:
        # At once: a time less than a minute ahead would else wait for a day.
        is_on = source["status"] == "active"
        values["next_at"] = _next(values["settings"], by.now) if is_on else None
    if "scope" in changed:
        values["full_at"] = None
        sources.forget_reach(session, source_id)
    source_pages.save_source(session, source_id, values)
    if "scope" in changed:
        cursors.forget_reach(session, source_id)
    before = {name: held.get(name) for name in changed}
    _note(session, source_id, "source settings changed", before, changed, by=by)
    return True


def _next(settings: Mapping[str, Any], now: datetime) -> datetime | None:
    """When settings let a source run next; None: nobody can tell."""
    try:
        return next_time(parse_settings(settings), now)
    except ConfigError:
        return None


def switch(session: Session, source_id: int, status: str, *, by: Author) -> bool:
    """Let a source sync by itself (active) or not (paused); tells if that is new.

    Raises:
        NotFoundError: there is no such source.
    """
    held = source_pages.load_source(session, source_id)["status"]
    if held == status:
        return False
    source_pages.save_source(session, source_id, {"status": status})
    _note(
        session,
        source_id,
        "source switched",
        {"status": held},
        {"status": status},
        by=by,
    )
    return True


def remove(session: Session, settings: Settings, source_id: int, *, by: Author) -> None:
    """Remove a source that brought nothing, and the file that was sent for it.

    Raises:
        NotFoundError: there is no such source.
        ConfigError: records came from it; they and their evidence are kept.
    """
    held = source_pages.load_source(session, source_id)
    sources.remove_source(session, held["name"])
    _note(session, source_id, "source removed", held, None, by=by)
    sweep(session, settings, by=by)


def sweep(session: Session, settings: Settings, *, by: Author) -> None:
    """Delete files that were sent for sources that name others by now."""
    in_use = {one["location"] for one in source_pages.load_sources(session)}
    uploads.sweep(settings, in_use, by.now)


def _note(
    session: Session,
    source_id: int,
    what: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    *,
    by: Author,
) -> None:
    put_change(
        session,
        at=by.now,
        who=by.who,
        what=what,
        subject=("source", source_id),
        before=_told(before),
        after=_told(after),
    )


def _told(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Values as the audit may hold them: no secret, and no more than it needs."""
    if values is None:
        return None
    told = {
        name: str(value) if name.endswith(("_at", "_until")) else value
        for name, value in values.items()
        if name != "profile"
    }
    return told | dict.fromkeys(told.keys() & _HIDDEN, "changed")
