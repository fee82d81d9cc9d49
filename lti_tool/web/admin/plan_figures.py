"""The figures of a plan: what each collection gains and loses, and who moves most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from lti_tool.errors import ConfigError
from lti_tool.storage import move_pages
from lti_tool.storage.entities import ENTITIES
from lti_tool.storage.session import Session
from lti_tool.web.admin.roster_words import collection_word, counted
from lti_tool.web.texts import decimal, gettext, percent
from lti_tool.work.source_settings import Limit, SourceSettings, parse_settings

# So many schools are named as those that change most.
_MOVERS: Final = 4
_FEW: Final = 10
# A school is named when it holds this share of all the ends of a collection.
_SHARE: Final = 0.1
# A closed term explains ends when it holds this share of them.
_EXPLAINS: Final = 0.8


@dataclass(frozen=True, slots=True)
class Line:
    """One collection of a plan.

    Attributes:
        limit: more ends than this wait for a person, as a number in words.
        rule: how that number is found, in words.
        is_over: the plan waits because of it.
    """

    collection: str
    word: str
    now: int
    adds: int
    changes: int
    ends: int
    limit: str
    rule: str
    is_over: bool

    @property
    def moves(self) -> int:
        """How many records of it change at all."""
        return self.adds + self.changes + self.ends


@dataclass(frozen=True, slots=True)
class Mover:
    """A school that a large part of the plan is about, in words."""

    collection: str
    school: str
    name: str
    words: str
    why: str = ""


def settings_of(run: Mapping[str, Any]) -> SourceSettings:
    """What the school chose for the source of a run; the usual where it is broken."""
    try:
        return parse_settings(run["settings"])
    except ConfigError:
        return SourceSettings()


def lines_of(run: Mapping[str, Any], limits: Mapping[str, Limit]) -> list[Line]:
    """The lines of a plan in the order of the standard; limits: by collection."""
    plan = run["plan"] or {}
    over = {
        str(one.get("collection")): one
        for one in run["holds"] or ()
        if not one.get("school")
    }
    return [
        _line(one.collection, plan[one.collection], over, limits)
        for one in ENTITIES
        if one.collection in plan
    ]


def _line(
    collection: str,
    moves: Mapping[str, int],
    over: Mapping[str, Mapping[str, Any]],
    limits: Mapping[str, Limit],
) -> Line:
    own, now = limits.get(collection, Limit()), int(moves.get("now") or 0)
    most = max(own.ends_floor, int(own.ends_ratio * now))
    return Line(
        collection,
        collection_word(collection),
        now,
        int(moves.get("adds") or 0),
        int(moves.get("changes") or 0),
        int(moves.get("ends") or 0),
        decimal(most),
        gettext(
            "%(share)s, at least %(floor)s",
            share=percent(own.ends_ratio),
            floor=decimal(own.ends_floor),
        ),
        collection in over,
    )


def movers_of(
    session: Session, run: Mapping[str, Any], names: Mapping[str, str], today: date
) -> list[Mover]:
    """The schools that change most, most ends first, with the reason if we see one."""
    found = sorted(_large(run), key=lambda one: (-one[0], one[1], one[2]))
    movers = []
    for count, school, collection in found[:_MOVERS]:
        why = ""
        if collection == "enrollments":
            why = _closed_term(session, run, school, today)
        words = gettext("would end: %(what)s", what=counted(collection, count))
        if run["status"].startswith("applied"):
            words = gettext("ended: %(what)s", what=counted(collection, count))
        movers.append(Mover(collection, school, names.get(school, school), words, why))
    return movers


def _large(run: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """Ends, school and collection, where a school holds a good part of all ends."""
    plan = run["plan"] or {}
    found = []
    for school, by_collection in (run["schools"] or {}).items():
        for collection, moves in by_collection.items():
            ends = int(moves.get("ends") or 0)
            whole = int((plan.get(collection) or {}).get("ends") or 0)
            if ends > _FEW and ends >= _SHARE * whole:
                found.append((ends, school, collection))
    return found


def _closed_term(
    session: Session, run: Mapping[str, Any], school: str, today: date
) -> str:
    """Say that a term is over, where nearly all of a school's ends are of it."""
    by_term: Counter[str] = Counter()
    total = 0
    for terms, count in move_pages.load_ending_classes(
        session, run["source_id"], run["id"], school
    ):
        total += count
        by_term.update(dict.fromkeys(terms, count))
    if not by_term:
        return ""
    (term, count), *_ = by_term.most_common(1)
    found = move_pages.load_terms(session, run["source_id"], [term])
    if not found or count < _EXPLAINS * total:
        return ""
    title, ends_on = found[0]["title"], found[0]["ends_on"]
    if ends_on is not None and ends_on < today:
        return gettext("term %(title)s is over", title=title)
    return gettext("most of them of term %(title)s", title=title)
