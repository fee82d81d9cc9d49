"""Which frameworks speak of the same things, and how far levels carry over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from lti_tool.storage.database import upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.framework_rows import parts
from lti_tool.storage.schema import association, competency, crosswalk, framework
from lti_tool.storage.session import Session
from mappings.crosswalks import DEFAULT_SHARES, bridges, check_shares
from mappings.errors import FrameworkError
from mappings.frameworks import Association


@dataclass(slots=True)
class Pair:
    """Two frameworks with edges between them: how many of each kind, what is set.

    ``shares`` are the ones in force, or those proposed while it is off.
    """

    from_id: int
    from_title: str
    to_id: int
    to_title: str
    kinds: dict[str, int] = field(default_factory=dict)
    is_on: bool = False
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """From a competency of one framework to one of another, by our ids."""

    from_competency_id: int
    to_competency_id: int
    from_label: str
    kind: str
    share: float


def load_pairs(session: Session) -> list[Pair]:
    """Return each (from, to) of frameworks that edges join, both ways, by title."""
    titles = dict(_two(session, select(framework.c.id, framework.c.title)))
    origin, destination = competency.alias(), competency.alias()
    pairs: dict[tuple[int, int], Pair] = {}
    for one, other, kind, count in session.execute(
        select(
            origin.c.framework_id,
            destination.c.framework_id,
            association.c.kind,
            func.count(association.c.case_id.distinct()),
        )
        .select_from(association)
        .join(origin, origin.c.case_id == association.c.origin_case_id)
        .join(destination, destination.c.case_id == association.c.destination_case_id)
        .where(
            _is_carrying(),
            association.c.retired_at.is_(None),
            origin.c.framework_id != destination.c.framework_id,
        )
        .group_by(origin.c.framework_id, destination.c.framework_id, association.c.kind)
    ):
        for ends in ((one, other), (other, one)):
            pair = pairs.setdefault(
                ends, Pair(ends[0], titles[ends[0]], ends[1], titles[ends[1]])
            )
            pair.kinds[kind] = pair.kinds.get(kind, 0) + count
    _set(session, pairs)
    return sorted(pairs.values(), key=lambda one: (one.from_title, one.to_title))


def may_carry(kind: str) -> bool:
    """Tell whether an edge of this kind may carry levels."""
    return kind in DEFAULT_SHARES or kind.startswith("ext:")


def load_links_of(session: Session, case_ids: Collection[str]) -> list[tuple[int, int]]:
    """Return each (from, to) that is on and has any of these competencies on a side."""
    concerned: set[int] = set()
    for some in parts(case_ids):
        concerned |= set(
            session.scalars(
                select(competency.c.framework_id)
                .where(competency.c.case_id.in_(some))
                .distinct()
            )
        )
    return [one for one in load_links(session) if concerned & set(one)]


def _is_carrying() -> ColumnElement[bool]:
    """Return whether an edge is of a kind that may carry levels."""
    kind = association.c.kind
    return or_(kind.in_(list(DEFAULT_SHARES)), kind.like("ext:%"))


def _set(session: Session, pairs: Mapping[tuple[int, int], Pair]) -> None:
    """Write what is set, or proposed, into the pairs."""
    for pair in pairs.values():
        pair.shares = {
            kind: DEFAULT_SHARES.get(kind, 0.0) for kind in sorted(pair.kinds)
        }
    for row in session.execute(select(crosswalk)):
        held = pairs.get((row.from_id, row.to_id))
        if held is not None:
            held.is_on = row.is_on
            held.shares = {**held.shares, **row.shares}


def save_crosswalk(
    session: Session,
    way: tuple[int, int],
    *,
    is_on: bool,
    shares: Mapping[str, float],
    who: str,
    now: datetime,
) -> None:
    """Switch carrying from one framework to another, at these shares by kind.

    way: from which framework, and to which.

    Raises:
        FrameworkError: a share is not 0 to 1, or both are the same framework.
    """
    check_shares(shares)
    from_id, to_id = way
    if from_id == to_id:
        raise FrameworkError("a crosswalk joins two frameworks; choose another one")
    values = {
        "is_on": is_on,
        "shares": dict(shares),
        "changed_by": who,
        "changed_at": now,
    }
    session.execute(
        upsert(session, crosswalk)
        .values(from_id=from_id, to_id=to_id, **values)
        .on_conflict_do_update(index_elements=["from_id", "to_id"], set_=values)
    )
    put_change(
        session,
        at=now,
        who=who,
        what=f"crosswalk {'on' if is_on else 'off'}",
        subject=("framework", to_id),
        after={"from_id": from_id, "shares": dict(shares)},
    )


def load_links(session: Session) -> list[tuple[int, int]]:
    """Return each (from, to) of frameworks between which levels are carried."""
    found = session.execute(
        select(crosswalk.c.from_id, crosswalk.c.to_id)
        .where(crosswalk.c.is_on)
        .order_by(crosswalk.c.from_id, crosswalk.c.to_id)
    )
    return [(row.from_id, row.to_id) for row in found]


def load_ways(session: Session, to_id: int) -> list[Way]:
    """Return the ways that lead into a framework over crosswalks that are on."""
    found: list[Way] = []
    into = _competencies(session, to_id)
    for from_id, shares in _two(
        session,
        select(crosswalk.c.from_id, crosswalk.c.shares)
        .where(crosswalk.c.to_id == to_id, crosswalk.c.is_on)
        .order_by(crosswalk.c.from_id),
    ):
        out = _competencies(session, from_id)
        ways = bridges(
            _edges(session, from_id, to_id),
            origins=out,
            destinations=into,
            shares=shares,
        )
        found += [
            Way(
                out[one.origin_case_id][0],
                into[one.destination_case_id][0],
                out[one.origin_case_id][1],
                one.kind,
                one.share,
            )
            for one in ways
        ]
    return found


def load_edges(session: Session, one_id: int, other_id: int) -> list[dict[str, Any]]:
    """Return the edges between two frameworks, for people: both ends with their words.

    Each as it was drawn, from origin to destination, whichever framework that is.
    """
    ends = {one: _competencies(session, one) for one in (one_id, other_id)}
    known = {**ends[one_id], **ends[other_id]}
    return [
        {
            "kind": edge.kind,
            "from_id": known[edge.origin_case_id][0],
            "from_label": known[edge.origin_case_id][1],
            "from_statement": known[edge.origin_case_id][2],
            "to_id": known[edge.destination_case_id][0],
            "to_label": known[edge.destination_case_id][1],
            "to_statement": known[edge.destination_case_id][2],
        }
        for edge in _edges(session, one_id, other_id)
    ]


def _competencies(
    session: Session, framework_id: int
) -> dict[str, tuple[int, str, str]]:
    """Return the competencies in force: id, what names it, statement, by CASE id."""
    found = session.execute(
        select(
            competency.c.case_id,
            competency.c.id,
            competency.c.human_code,
            competency.c.statement,
        )
        .where(
            competency.c.framework_id == framework_id, competency.c.retired_at.is_(None)
        )
        .order_by(competency.c.position)
    )
    return {row[0]: (row[1], row[2] or row[3][:60], row[3]) for row in found}


def _edges(session: Session, one_id: int, other_id: int) -> list[Association]:
    """Return the edges between the competencies of two frameworks, each once."""
    origin, destination = competency.alias(), competency.alias()
    found = session.execute(
        select(
            association.c.case_id,
            association.c.kind,
            association.c.origin_case_id,
            association.c.destination_case_id,
        )
        .join(origin, origin.c.case_id == association.c.origin_case_id)
        .join(destination, destination.c.case_id == association.c.destination_case_id)
        .where(
            _is_carrying(),
            association.c.retired_at.is_(None),
            origin.c.retired_at.is_(None),
            destination.c.retired_at.is_(None),
            or_(
                (origin.c.framework_id == one_id)
                & (destination.c.framework_id == other_id),
                (origin.c.framework_id == other_id)
                & (destination.c.framework_id == one_id),
            ),
        )
        .order_by(association.c.id)
    )
    return list({row[0]: Association(*row) for row in found}.values())


def _two(session: Session, statement: Select[Any]) -> list[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in session.execute(statement)]
