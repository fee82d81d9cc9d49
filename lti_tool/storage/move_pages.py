"""What a plan would change, row by row, and what it means for one person.

No function gives back more than its count: a plan may hold a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select

from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.session import Session
from lti_tool.storage.standing import STANDS

move = schema.run_move

_MOVES_OF_ONE: Final = 500
_SAMPLE: Final = 5000
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveWish:
    """Which rows of a run's plan to list; None for any.

    Attributes:
        words: part of a label, or of a sourcedId.
    """

    run_id: int
    collection: str | None = None
    kind: str | None = None
    school: str | None = None
    words: str | None = None


def count_kept(session: Session, run_id: int) -> dict[tuple[str, str], int]:
    """How many rows of a plan are kept, by collection and kind."""
    found = session.execute(
        select(move.c.collection, move.c.kind, func.count())
        .where(move.c.run_id == run_id)
        .group_by(move.c.collection, move.c.kind)
    )
    return {(collection, kind): count for collection, kind, count in found}


def count_moves(session: Session, wish: MoveWish) -> int:
    """How many kept rows there are of a wish."""
    counted = select(func.count()).select_from(move).where(*_conditions(wish))
    return session.scalar(counted) or 0


def load_moves(
    session: Session,
    wish: MoveWish,
    *,
    after: int = 0,
    before: int | None = None,
    count: int = 50,
) -> list[dict[str, Any]]:
    """Rows of a plan after an id, or the last ones before another; in their order."""
    statement = select(move).where(*_conditions(wish)).limit(count)
    if before is None:
        later = statement.where(move.c.id > after).order_by(move.c.id)
        return rows(session, later)
    earlier = statement.where(move.c.id < before).order_by(move.c.id.desc())
    return rows(session, earlier)[::-1]


def iter_moves(session: Session, wish: MoveWish) -> Iterator[dict[str, Any]]:
    """Yield every row of a wish in its order, some in memory at a time."""
    statement = select(move).where(*_conditions(wish)).order_by(move.c.id)
    found = session.execute(statement.execution_options(yield_per=_BATCH))
    for row in found.mappings():
        yield dict(row)


def load_names(
    session: Session, source_id: int, run_id: int, sourced_ids: Collection[str]
) -> dict[str, str]:
    """What schools are called, those too that the plan would add."""
    if not sourced_ids:
        return {}
    coming = session.execute(
        select(move.c.sourced_id, move.c.label).where(
            move.c.run_id == run_id,
            move.c.collection == "orgs",
            move.c.sourced_id.in_(sourced_ids),
            move.c.label.is_not(None),
        )
    )
    names = {sourced_id: label for sourced_id, label in coming if label}
    org = schema.org
    there = session.execute(
        select(org.c.sourced_id, org.c.name).where(
            org.c.source_id == source_id, org.c.sourced_id.in_(sourced_ids)
        )
    )
    return names | {sourced_id: name for sourced_id, name in there if name}


def load_ending_classes(
    session: Session, source_id: int, run_id: int, school: str
) -> list[tuple[list[str], int]]:
    """The terms of each class a plan ends enrollments of at a school, and how many.

    The first thousands speak for all.
    """
    enrollment, sis_class = schema.enrollment, schema.sis_class
    ending = (
        select(move.c.sourced_id)
        .where(
            move.c.run_id == run_id,
            move.c.collection == "enrollments",
            move.c.kind == "end",
            move.c.school_sourced_id == school,
        )
        .limit(_SAMPLE)
        .subquery()
    )
    found = session.execute(
        select(sis_class.c.id, func.count())
        .select_from(ending)
        .join(
            enrollment,
            and_(
                enrollment.c.source_id == source_id,
                enrollment.c.sourced_id == ending.c.sourced_id,
            ),
        )
        .join(
            sis_class,
            and_(
                sis_class.c.source_id == source_id,
                sis_class.c.sourced_id == enrollment.c.class_sourced_id,
            ),
        )
        .group_by(sis_class.c.id)
    )
    counts = {one[0]: one[1] for one in found}
    terms = session.execute(
        select(sis_class.c.id, sis_class.c.term_sourced_ids).where(
            sis_class.c.id.in_(counts)
        )
    )
    return [(one[1] or [], counts[one[0]]) for one in terms]


def load_terms(
    session: Session, source_id: int, sourced_ids: Collection[str]
) -> list[dict[str, Any]]:
    """Title and last day of terms."""
    term = schema.term
    return rows(
        session,
        select(term.c.sourced_id, term.c.title, term.c.ends_on).where(
            term.c.source_id == source_id, term.c.sourced_id.in_(sourced_ids)
        ),
    )


def find_people(
    session: Session, source_id: int, run_id: int, words: str, *, count: int = 20
) -> list[dict[str, Any]]:
    """People whose name, username or sourcedId holds every word, by name.

    Those the plan would add come last: sourced_id, name, username, is_new.
    """
    user = schema.sis_user
    name = func.coalesce(user.c.preferred_given_name, user.c.given_name)
    family = func.coalesce(user.c.preferred_family_name, user.c.family_name)
    whole = func.lower(
        func.coalesce(user.c.given_name, "")
        + " "
        + name
        + " "
        + family
        + " "
        + func.coalesce(user.c.username, "")
        + " "
        + user.c.sourced_id
    )
    here = rows(
        session,
        select(
            user.c.sourced_id,
            (name + " " + family).label("name"),
            user.c.username,
            user.c.status,
        )
        .where(
            user.c.source_id == source_id,
            *(_holds(whole, one) for one in _parts(words)),
        )
        .order_by(user.c.family_name, user.c.given_name, user.c.id)
        .limit(count),
    )
    coming = MoveWish(run_id=run_id, collection="users", kind="add", words=words)
    new = (
        load_moves(session, coming, count=count - len(here))
        if len(here) < count
        else []
    )
    known = {one["sourced_id"] for one in here}
    return [{**one, "is_new": False} for one in here] + [
        {
            "sourced_id": one["sourced_id"],
            "name": one["label"],
            "username": None,
            "status": "new",
            "is_new": True,
        }
        for one in new
        if one["sourced_id"] not in known
    ]


def find_user(
    session: Session, source_id: int, sourced_id: str
) -> dict[str, Any] | None:
    """What we hold of a person of the source, or None."""
    user = schema.sis_user
    found = rows(
        session,
        select(user).where(
            user.c.source_id == source_id, user.c.sourced_id == sourced_id
        ),
    )
    return found[0] if found else None


def load_enrollments(
    session: Session, source_id: int, sourced_id: str
) -> list[dict[str, Any]]:
    """Her enrollments that are in force, by class: with its title and school."""
    enrollment, sis_class = schema.enrollment, schema.sis_class
    same = and_(
        sis_class.c.source_id == source_id,
        sis_class.c.sourced_id == enrollment.c.class_sourced_id,
    )
    return rows(
        session,
        select(
            enrollment.c.sourced_id,
            enrollment.c.role,
            enrollment.c.ends_on,
            sis_class.c.title,
            enrollment.c.class_sourced_id,
            enrollment.c.school_sourced_id,
        )
        .outerjoin(sis_class, same)
        .where(
            enrollment.c.source_id == source_id,
            enrollment.c.user_sourced_id == sourced_id,
            enrollment.c.status == "active",
        )
        .order_by(sis_class.c.title, enrollment.c.id)
        .limit(_MOVES_OF_ONE),
    )


def load_moves_of(
    session: Session, run_id: int, sourced_id: str
) -> list[dict[str, Any]]:
    """What the plan would do to a person: her own row and those about her."""
    own = and_(move.c.collection == "users", move.c.sourced_id == sourced_id)
    about = move.c.user_sourced_id == sourced_id
    return rows(
        session,
        select(move)
        .where(move.c.run_id == run_id, or_(own, about))
        .order_by(move.c.id)
        .limit(_MOVES_OF_ONE),
    )


def load_kept(session: Session, person_id: int) -> dict[str, int]:
    """What no sync takes from a person: scores, levels, statements delivered."""
    counts = {}
    for word, table in (
        ("scores", schema.score),
        ("levels", schema.attainment),
        ("seats", schema.seat),
    ):
        counted = select(func.count()).where(table.c.person_id == person_id)
        if table is schema.attainment:
            counted = counted.where(STANDS)
        counts[word] = session.scalar(counted) or 0
    return counts


def _conditions(wish: MoveWish) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [move.c.run_id == wish.run_id]
    for column, value in (
        (move.c.collection, wish.collection),
        (move.c.kind, wish.kind),
        (move.c.school_sourced_id, wish.school),
    ):
        if value is not None:
            found.append(column == value)
    text = func.lower(func.coalesce(move.c.label, "") + " " + move.c.sourced_id)
    found.extend(_holds(text, one) for one in _parts(wish.words or ""))
    return found


def _parts(words: str) -> list[str]:
    return words.lower().split()[:8]


def _holds(text: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    return text.contains(part, autoescape=True)
