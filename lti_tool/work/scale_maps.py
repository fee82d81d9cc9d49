"""Our levels on the scales of another system: what was met there, what a school says.

A rating stands in a student's record, so no level is put on an item that is called
otherwise before a person said so; a proposal is there to agree with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.logs import log
from lti_tool.platforms.moodle_scales import (
    Choice,
    Levels,
    Meaning,
    RatingScale,
    is_rising,
    proposal,
)
from lti_tool.storage import scale_maps as stored
from lti_tool.storage.database import Database, Session
from lti_tool.storage.scale_maps import MetScale
from lti_tool.work.platforms import Author

DESTINATION: Final = "moodle"


def meaning(
    database: Database, levels: Levels, *, registration_id: int, course_id: int
) -> Meaning:
    """What the levels of a course are on scales: its own word first, then the school's.

    A scale that nobody placed them on is kept for the school to see.
    """
    with database.read() as session:
        own = stored.load_scales_of_course(session, course_id, DESTINATION)
        every = stored.load_scales(session, registration_id)
    chosen = tuple(choice(one) for one in (*own, *every) if one.items is not None)
    return Meaning(levels, chosen, partial(note, database, registration_id, levels))


def note(
    database: Database, registration_id: int, levels: Levels, scale: RatingScale
) -> None:
    """Keep a scale that was met and has other items than the levels."""
    met = met_scale(levels, scale)
    with database.write() as session:
        is_new = stored.note_scale(session, registration_id, met)
    if is_new:
        log().warning(
            "scale unmapped", registration_id=registration_id, scale=scale.scale_id
        )


def load_courses(session: Session, registration_id: int) -> list[tuple[int, str]]:
    """Return (course, its id on the platform) of courses that send levels there."""
    return stored.load_courses(session, registration_id, DESTINATION)


def load_exceptions(
    session: Session, registration_id: int
) -> list[tuple[int, str, MetScale]]:
    """Return (course, title, scale) of what courses say by themselves."""
    return stored.load_exceptions(session, registration_id, DESTINATION)


def follow_school(
    session: Session, registration_id: int, met: MetScale, course_id: int, *, by: Author
) -> int:
    """Let a course mean by a scale what the school does; returns how many go on."""
    where = (course_id, DESTINATION)
    none = replace(met, items=None)
    stored.save_items_of_course(session, where, none, who=by.who, now=by.now)
    return stored.release_unmapped(session, registration_id, by.now)


def met_scale(levels: Levels, scale: RatingScale) -> MetScale:
    """A scale as it is kept, nothing chosen."""
    return MetScale(
        scale_id=scale.scale_id,
        names=scale.names,
        proficient=tuple(sorted(scale.proficient)),
        levels=levels.names,
        below=levels.below,
    )


def choice(one: MetScale) -> Choice:
    """What was chosen of a scale."""
    return Choice(one.scale_id, one.names, one.levels, one.items or ())


def proposed(one: MetScale) -> tuple[int, ...]:
    """An item for each level that a person may agree with, or change."""
    scale = RatingScale(one.names, frozenset(one.proficient), one.scale_id)
    return proposal(Levels(one.levels, one.below), scale)


def find(
    session: Session, registration_id: int, scale_id: int, said: Sequence[str]
) -> tuple[MetScale, list[int]]:
    """Return a scale of a platform and the items said; said nothing: the proposal.

    One scale may have been met by courses with other levels; the words tell which.

    Raises:
        NotFoundError: none of this number was met.
        ConfigError: what was said is not understood, or fits several.
    """
    every = stored.load_scales(session, registration_id)
    met = [one for one in every if one.scale_id == scale_id]
    if not met:
        known = ", ".join(sorted({str(one.scale_id) for one in every})) or "none yet"
        raise NotFoundError(
            f"no scale {scale_id} was met on platform {registration_id} (met: "
            f"{known}); platform check looks for them"
        )
    fits: list[tuple[MetScale, list[int]]] = []
    fault: ConfigError | None = None
    for one in met:
        try:
            items = parse_items(one, said) if said else list(proposed(one))
            fits.append((one, items))
        except ConfigError as error:
            fault = error
    if not fits and fault is not None:
        raise fault
    if len(fits) > 1:
        sets = "; ".join(", ".join(one.levels) for one, _items in fits)
        raise ConfigError(
            f"scale {scale_id} was met by courses of several levels ({sets}); name the "
            "levels"
        )
    return fits[0]


def choose(
    session: Session,
    registration_id: int,
    met: MetScale,
    items: Sequence[int],
    *,
    by: Author,
    course_id: int | None = None,
) -> int:
    """Say which item of a scale each level is; returns how many deliveries go on.

    course_id: said of this course alone. What was rated before stays until it is
    compared: outcomes reconcile lists it.

    Raises:
        ConfigError: not one item for each level, or a level lies lower than the one
            before it.
    """
    scale = RatingScale(met.names, frozenset(met.proficient), met.scale_id)
    if len(items) != len(met.levels):
        raise ConfigError(
            f"the course has {len(met.levels)} levels ({', '.join(met.levels)}); say "
            "an item for each of them"
        )
    if not is_rising(items, scale):
        raise ConfigError(
            "a higher level is a higher item, or the same one; the items are "
            f"{', '.join(met.names)}, the lowest first"
        )
    chosen = replace(met, items=tuple(items))
    if course_id is None:
        stored.save_items(session, registration_id, chosen, who=by.who, now=by.now)
    else:
        where = (course_id, DESTINATION)
        stored.save_items_of_course(session, where, chosen, who=by.who, now=by.now)
    return stored.release_unmapped(session, registration_id, by.now)


def parse_items(met: MetScale, said: Sequence[str]) -> list[int]:
    """Read "LEVEL=ITEM" for each level; both by name, or by place from 1.

    Raises:
        ConfigError: one is not understood, or a level is missing.
    """
    items: dict[int, int] = {}
    for one in said:
        level, _, item = one.partition("=")
        items[_place(level, met.levels, "level")] = _place(item, met.names, "item")
    missing = [name for place, name in enumerate(met.levels, 1) if place not in items]
    if missing:
        raise ConfigError(f"say an item for every level; missing: {', '.join(missing)}")
    return [items[place] for place in range(1, len(met.levels) + 1)]


def _place(text: str, names: Sequence[str], what: str) -> int:
    plain = text.strip()
    found = [
        place
        for place, name in enumerate(names, 1)
        if name.casefold() == plain.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if plain.isascii() and plain.isdecimal() and 1 <= int(plain) <= len(names):
        return int(plain)
    raise ConfigError(f'there is no {what} "{plain}"; there are: {", ".join(names)}')
