"""Resources as people see them: in order, where they lead, whom they are for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lti_tool.storage import class_resources
from lti_tool.storage.alignments import BY_SIS
from lti_tool.storage.resources import Offer
from lti_tool.web.marks import Mark
from lti_tool.web.texts import gettext, ngettext
from mappings.resources import Helper, host_of, ranked

MOST = 6
ORIGINS = ("own", "csv", "case", "oneroster", "lms")


@dataclass(frozen=True, slots=True)
class Shown:
    """One resource of a list."""

    id: int
    title: str
    host: str
    licence: str
    language: str | None
    kind: str
    description: str
    levels: str
    told: str  # how it helped others
    source: str
    is_pinned: bool
    is_own: bool  # offered by the course itself
    has_link: bool
    vendor: str
    is_of_class: bool  # the SIS gives it to the class
    is_named: bool  # offered because it names the competency itself
    is_for_students: bool


def for_student(offers: Iterable[Offer], level: int | None) -> list[Shown]:
    """Return what may help a student at level, best first, at most MOST."""
    by_id = {one.use.resource_id: one for one in offers if one.is_for_students}
    found = ranked(map(_helper, by_id.values()), level)
    return [_shown(by_id[one.key], ()) for one in found[:MOST]]


def for_teacher(offers: Iterable[Offer], told: Sequence[Mark]) -> list[Shown]:
    """Return every resource, pinned ones first, then by title."""
    ordered = sorted(
        offers, key=lambda one: (not one.use.is_pinned, one.title.casefold())
    )
    return [_shown(one, told) for one in ordered]


def _helper(one: Offer) -> Helper:
    return Helper(
        key=one.use.resource_id,
        title=one.title,
        is_pinned=one.use.is_pinned,
        from_level=one.use.from_level,
        to_level=one.use.to_level,
        opened=one.opened,
        succeeded=one.succeeded,
        is_own=one.use.course_id is not None,
        is_primary=one.importance == "primary",
    )


def _shown(one: Offer, told: Sequence[Mark]) -> Shown:
    return Shown(
        id=one.use.resource_id,
        title=one.title,
        host=host_of(one.url) if one.url else "",
        licence=one.licence or "",
        language=one.language,
        kind=one.kind or "",
        description=one.description or "",
        levels=levels_words(one, told) if told else "",
        told=_told(one),
        source=_source(one),
        is_pinned=one.use.is_pinned,
        is_own=one.use.course_id is not None,
        has_link=one.url is not None,
        vendor=one.vendor_id or "",
        is_of_class=one.origin == class_resources.ORIGIN,
        is_named=one.made_by == BY_SIS,
        is_for_students=one.is_for_students,
    )


def levels_words(one: Offer, told: Sequence[Mark]) -> str:
    """Say which students a resource is for."""
    low, high = one.use.from_level, one.use.to_level
    last = len(told) - 1
    first = None if not low else told[min(low, last)].words
    top = None if high is None or high >= last else told[high].words
    if first is None and top is None:
        return gettext("for every level")
    if first is None:
        return gettext("up to %(level)s", level=top)
    if top is None:
        return gettext("from %(level)s", level=first)
    if first == top:
        return gettext("for %(level)s", level=first)
    return gettext("from %(first)s to %(last)s", first=first, last=top)


def _told(one: Offer) -> str:
    if not one.opened:
        return gettext("not opened yet")
    opened = ngettext(
        "opened by %(num)d student", "opened by %(num)d students", one.opened
    )
    shown = ngettext(
        "%(num)d has shown it since", "%(num)d have shown it since", one.succeeded
    )
    return f"{opened}, {shown}"


def _source(one: Offer) -> str:
    if one.origin == "case":
        return gettext("named by the framework")
    if one.origin == "oneroster":
        return gettext("from the school's system")
    if one.use.course_id is None:
        return gettext("offered by the school")
    return gettext("yours")
