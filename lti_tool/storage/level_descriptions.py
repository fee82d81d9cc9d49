"""What each level of a competency means, as its framework says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select

from lti_tool.storage.framework_rows import parts
from lti_tool.storage.schema import competency, level_description
from lti_tool.storage.session import Session
from mappings.rubrics import LevelText

Texts = Mapping[str, tuple[LevelText, ...]]


def save(session: Session, framework_id: int, texts: Texts, *, origin: str) -> int:
    """Bring the level descriptions of a framework to texts, by CASE id.

    Returns how many competencies are described otherwise than before.
    """
    held = _load_by_case_id(session, framework_id)
    ids = _ids(session, framework_id)
    changed = [
        case_id
        for case_id in {**held, **texts}
        if held.get(case_id, ()) != texts.get(case_id, ()) and case_id in ids
    ]
    for some in parts(ids[case_id] for case_id in changed):
        session.execute(
            delete(level_description).where(level_description.c.competency_id.in_(some))
        )
    fresh = [
        {
            "competency_id": ids[case_id],
            "position": place,
            "name": one.name[:255],
            "description": one.description,
            "points": one.points,
            "origin": origin,
        }
        for case_id in changed
        for place, one in enumerate(texts.get(case_id, ()))
    ]
    if fresh:
        session.execute(insert(level_description), fresh)
    return len(changed)


def load(session: Session, competency_id: int) -> list[LevelText]:
    """Return what each level of a competency means, the lowest first."""
    table = level_description
    found = session.execute(
        select(table.c.name, table.c.description, table.c.points)
        .where(table.c.competency_id == competency_id)
        .order_by(table.c.position)
    )
    return [LevelText(*row) for row in found]


def load_many(
    session: Session, competency_ids: Sequence[int]
) -> dict[int, list[LevelText]]:
    """Return the same for several competencies; those without are not among them."""
    table = level_description
    texts: dict[int, list[LevelText]] = {}
    for some in parts(competency_ids):
        for competency_id, *row in session.execute(
            select(
                table.c.competency_id, table.c.name, table.c.description, table.c.points
            )
            .where(table.c.competency_id.in_(some))
            .order_by(table.c.competency_id, table.c.position)
        ):
            texts.setdefault(competency_id, []).append(LevelText(*row))
    return texts


def _load_by_case_id(
    session: Session, framework_id: int
) -> dict[str, tuple[LevelText, ...]]:
    table = level_description
    found: dict[str, tuple[LevelText, ...]] = {}
    for case_id, *row in session.execute(
        select(competency.c.case_id, table.c.name, table.c.description, table.c.points)
        .join(competency, competency.c.id == table.c.competency_id)
        .where(competency.c.framework_id == framework_id)
        .order_by(table.c.competency_id, table.c.position)
    ):
        found[case_id] = (*found.get(case_id, ()), LevelText(*row))
    return found


def _ids(session: Session, framework_id: int) -> dict[str, int]:
    found = session.execute(
        select(competency.c.case_id, competency.c.id).where(
            competency.c.framework_id == framework_id
        )
    )
    return {row[0]: row[1] for row in found}
