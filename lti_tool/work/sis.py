"""The SIS class of a course as a destination: how it is written to, and with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from lti_tool.errors import ConfigError
from lti_tool.platforms.sis import SisGradebook
from lti_tool.platforms.sis_manners import (
    MANNERS,
    Group,
    Manner,
    Words,
    manner_of,
    words_of,
)
from lti_tool.storage import curriculum, sis_places
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.work.source_settings import Writing, parse_settings
from oneroster.client import Client


def writing_of(settings: Mapping[str, Any]) -> Writing:
    """What the school chose of writing to a source."""
    return parse_settings(settings).writing


def chosen_manner(
    version: str | None, settings: Mapping[str, Any], profile: Mapping[str, Any]
) -> Manner:
    """The manner in which a source is written to: as said, else as found."""
    found = profile.get("writing")
    return manner_of(
        version,
        writing_of(settings).manner,
        found if isinstance(found, Mapping) else {},
    )


def refuse_other_version(version: str | None, settings: Mapping[str, Any]) -> None:
    """Refuse a manner that the version of a source does not know.

    Raises:
        ConfigError: so it is.
    """
    named = MANNERS.get(writing_of(settings).manner)
    spoken = "1.1" if version == "1.1" else "1.2"
    if named is not None and named.version != spoken:
        fitting = [one.name for one in MANNERS.values() if one.version == spoken]
        raise ConfigError(
            f'the source speaks OneRoster {spoken}, and "{named.name}" is of '
            f"{named.version}; use one of auto, {', '.join(fitting)}"
        )


def gradebook(
    database: Database,
    client: Client,
    manner: Manner,
    place: Place,
    *,
    writing: Writing,
    clock: Callable[[], datetime],
) -> SisGradebook:
    """Return the gradebook of the SIS class of a course, ready to be written to."""
    source_id = place.source_id or 0
    with database.read() as session:
        facts = sis_places.load_class(
            session, source_id, place.class_sourced_id or "", clock().date()
        )
        told = sis_places.load_told_values(session, place.course_id or 0)
        scale = curriculum.load_plan(session, place.course_id or 0).scale
    levels = {level.name: level.points for level in scale.levels}
    group = Group(
        sourced_id=place.class_sourced_id or "",
        school=facts.school_sourced_id,
        session=None if facts.term is None else facts.term.sourced_id,
        session_kind="" if facts.term is None else facts.term.kind,
        ends_at=_ends_at(facts.term),
        category=writing.category,
        spare_category=facts.category,
        words=_words(levels, facts, told) if _may_say(manner, writing) else None,
        sends_words=_may_say(manner, writing),
        told=frozenset().union(*told.values()),
    )
    ids = KeptIds(database, source_id, manner.kind, clock)
    return SisGradebook(client, manner, group, ids, clock=clock)


def _may_say(manner: Manner, writing: Writing) -> bool:
    return manner.has_words and writing.words


def _ends_at(term: sis_places.SisTerm | None) -> datetime | None:
    if term is None or term.ends_on is None:
        return None
    return datetime.combine(term.ends_on, time(12), UTC)


def _words(
    levels: Mapping[str, float],
    facts: sis_places.ClassFacts,
    told: Mapping[str | None, frozenset[float]],
) -> Words | None:
    by_level = {name: values for name, values in told.items() if name is not None}
    fitting = (
        words_of(levels, steps, by_level, sourced_id)
        for sourced_id, steps in facts.scales
    )
    return next((one for one in fitting if one is not None), None)


class KeptIds:
    """What a SIS calls our results, kept in the database."""

    def __init__(
        self,
        database: Database,
        source_id: int,
        kind: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Keep those of one source in columns of one kind."""
        self._database = database
        self._source_id = source_id
        self._kind = kind
        self._clock = clock
        self._loaded: dict[str, dict[str, str]] = {}

    def load(self, address: str) -> Mapping[str, str]:
        """Return the sourcedId of the result of each student in a column."""
        if address not in self._loaded:
            with self._database.read() as session:
                self._loaded[address] = sis_places.load_results(
                    session, self._source_id, self._kind, address
                )
        return self._loaded[address]

    def keep(self, address: str, recipient: str, sourced_id: str) -> None:
        """Remember the sourcedId of a result."""
        column = (self._source_id, self._kind, address)
        with self._database.write() as session:
            sis_places.save_result(
                session, column, recipient, sourced_id, self._clock()
            )
        self._loaded.setdefault(address, {})[recipient] = sourced_id
