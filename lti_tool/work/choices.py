"""What a run reads: all of a source, or what changed since it was last read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from lti_tool.storage.cursors import Reach, SourceState
from lti_tool.storage.entities import ENTITIES
from lti_tool.work.source_settings import SourceSettings, format_settings

Kind = Literal["full", "delta", "retry"]

# Never pulled unless a school asks for it, with a reason (F08).
LEFT_OUT: Final = frozenset({"demographics"})
# Changes of the last minutes are asked for twice. Source: facts/oneroster.md, 4.
OVERLAP: Final = timedelta(minutes=5)
# A full pull that begins a little earlier than a week after the last is due as well.
EARLY: Final = timedelta(hours=1)
# Another number, and every file is read again: what we make of a row has changed.
FORM: Final = "2"


@dataclass(frozen=True, slots=True)
class Choice:
    """What one run reads.

    Attributes:
        collections: in their order.
        since: of these only what changed at or after the moment.
        hashes: what the files hashed to that need not be read again.
        key: the same for a run that may go on with what this one stages.
    """

    kind: Kind
    collections: tuple[str, ...]
    since: Mapping[str, datetime]
    hashes: Mapping[str, str]
    key: str
    scope_key: str
    reaches: Mapping[str, Reach] = field(default_factory=dict)

    def reach(
        self,
        collection: str,
        began_at: datetime,
        *,
        is_read: bool,
        file_hash: str | None,
    ) -> Reach | None:
        """How far a collection is known once this is applied; None if no farther."""
        before = self.reaches.get(collection, Reach())
        if file_hash is not None:
            file_hash = f"{self.scope_key}{file_hash}"[:64]
        if not is_read:
            is_same = before.file_hash == file_hash
            return (
                None if is_same else Reach(before.cursor_at, before.complete_at, None)
            )
        complete_at = before.complete_at if collection in self.since else began_at
        return Reach(began_at, complete_at, file_hash)


def choose(
    state: SourceState,
    settings: SourceSettings,
    now: datetime,
    *,
    is_full: bool = False,
    shown_kind: str | None = None,
    demographics_reason: str | None = None,
) -> Choice:
    """Choose what a run reads.

    shown_kind: the kind of the run whose plan is accepted; the same is read again.
    """
    reason = demographics_reason or settings.scope.demographics_reason
    collections = tuple(
        one.collection for one in ENTITIES if one.collection not in LEFT_OUT or reason
    )
    kind = _kind(state, settings, now, is_full=is_full, shown_kind=shown_kind)
    since = _since(state, collections) if kind == "delta" else {}
    scope_key = _digest(format_settings(settings)["scope"], FORM)[:16]
    known = {name: one.file_hash or "" for name, one in state.reaches.items()}
    return Choice(
        kind,
        collections,
        since,
        {
            name: text.removeprefix(scope_key)
            for name, text in known.items()
            if text.startswith(scope_key) and not is_full
        },
        _digest(
            state.location,
            state.version,
            state.client_id,
            kind,
            {name: str(when) for name, when in since.items()},
            scope_key,
            collections,
        ),
        scope_key,
        state.reaches,
    )


def _kind(
    state: SourceState,
    settings: SourceSettings,
    now: datetime,
    *,
    is_full: bool,
    shown_kind: str | None,
) -> Kind:
    if is_full or not state.profile.get("delta") or state.full_at is None:
        return "full"
    if shown_kind is not None:
        return "delta" if shown_kind == "delta" else "full"
    every = timedelta(days=settings.schedule.full_every_days)
    return "full" if now - state.full_at >= every - EARLY else "delta"


def _since(state: SourceState, collections: tuple[str, ...]) -> dict[str, datetime]:
    """From when on changes are asked for; a collection never read whole is not.

    A clock of the source that goes wrong widens the overlap by as much.
    """
    skew = timedelta(seconds=abs(float(state.profile.get("skew_seconds") or 0.0)))
    return {
        name: one.cursor_at - OVERLAP - skew
        for name, one in state.reaches.items()
        if name in collections
        and one.complete_at is not None
        and one.cursor_at is not None
    }


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()
