"""Frameworks as they stand: every item and edge kept whole, keyed by CASE GUID."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, func, or_, select

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.framework_rows import parts
from lti_tool.storage.framework_values import association_value, competency_value
from lti_tool.storage.schema import (
    association,
    competency,
    framework,
    framework_version,
)
from lti_tool.storage.session import Session
from mappings.case_parts import EDGES, Part, holds
from mappings.frameworks import PRECEDES, Framework


def load_list(session: Session) -> list[dict[str, Any]]:
    """Return every framework with its counts, by title."""
    return rows(
        session,
        select(
            framework.c.id,
            framework.c.case_id,
            framework.c.title,
            framework.c.version,
            framework.c.publisher,
            framework.c.language,
            framework.c.imported_at,
            framework.c.origin,
            framework.c.source_url,
            framework.c.case_version,
            framework.c.retired_at,
            select(func.max(framework_version.c.number))
            .where(framework_version.c.framework_id == framework.c.id)
            .scalar_subquery()
            .label("newest"),
            select(func.count())
            .where(
                competency.c.framework_id == framework.c.id,
                competency.c.retired_at.is_(None),
            )
            .scalar_subquery()
            .label("competencies"),
            select(func.count())
            .where(
                association.c.framework_id == framework.c.id,
                association.c.retired_at.is_(None),
            )
            .scalar_subquery()
            .label("associations"),
        ).order_by(framework.c.title, framework.c.id),
    )


def load_case_id(session: Session, framework_id: int) -> str:
    """Return the CASE identifier of a framework's document, '' if it is not there."""
    return (
        session.scalar(
            select(framework.c.case_id).where(framework.c.id == framework_id)
        )
        or ""
    )


def find_framework(session: Session, name: str) -> int:
    """Return our id of a framework named by our id, its GUID or its exact title.

    Raises:
        NotFoundError: no framework, or more than one, goes by that name.
    """
    names = [framework.c.case_id == name, framework.c.title == name]
    if name.isdigit():
        names.append(framework.c.id == int(name))
    found = session.scalars(select(framework.c.id).where(or_(*names))).all()
    if len(found) == 1:
        return int(found[0])
    if found:
        many = f'{len(found)} frameworks go by "{name}"; name one by its GUID'
        raise NotFoundError(f"{many} (masterybridge framework list shows them)")
    raise NotFoundError(
        f'no framework goes by "{name}"; masterybridge framework list shows what is '
        "here, masterybridge framework import adds one"
    )


def load_package(session: Session, framework_id: int) -> Framework:
    """Return a stored framework as it was imported, retired rows left out.

    What a later import added stands after what was there before.
    """
    document = session.execute(
        select(framework).where(framework.c.id == framework_id)
    ).one()
    items = session.execute(
        select(competency)
        .where(
            competency.c.framework_id == framework_id,
            competency.c.retired_at.is_(None),
        )
        .order_by(competency.c.id)
    )
    edges = session.execute(
        select(association)
        .where(
            association.c.framework_id == framework_id,
            association.c.retired_at.is_(None),
        )
        .order_by(association.c.id)
    )
    return Framework(
        case_id=document.case_id,
        title=document.title,
        version=document.version,
        publisher=document.publisher,
        language=document.language,
        competencies=tuple(competency_value(row) for row in items),
        associations=tuple(association_value(row) for row in edges),
        creator=document.creator,
        payload=document.payload,
        package=document.package,
    )


def load_precedes(session: Session, framework_id: int) -> list[tuple[str, str]]:
    """Return the prerequisite edges (earlier, later) between live competencies.

    Edges of extra association files count too.
    """
    earlier, later = competency.alias(), competency.alias()
    found = session.execute(
        select(association.c.origin_case_id, association.c.destination_case_id)
        .join(
            earlier,
            and_(
                earlier.c.case_id == association.c.origin_case_id,
                earlier.c.framework_id == framework_id,
            ),
        )
        .join(
            later,
            and_(
                later.c.case_id == association.c.destination_case_id,
                later.c.framework_id == framework_id,
            ),
        )
        .where(
            association.c.kind == PRECEDES,
            association.c.retired_at.is_(None),
            earlier.c.retired_at.is_(None),
            later.c.retired_at.is_(None),
        )
        .order_by(association.c.id)
    )
    # Two frameworks may publish the same edge, an extra file may draw it once more.
    return list(dict.fromkeys((origin, destination) for origin, destination in found))


def load_all_precedes(session: Session) -> list[tuple[str, str]]:
    """Return every prerequisite edge (earlier, later) between live competencies.

    Across frameworks too: a ring through two of them is a ring.
    """
    live = select(competency.c.case_id).where(competency.c.retired_at.is_(None))
    found = session.execute(
        select(association.c.origin_case_id, association.c.destination_case_id)
        .where(
            association.c.kind == PRECEDES,
            association.c.retired_at.is_(None),
            association.c.origin_case_id.in_(live),
            association.c.destination_case_id.in_(live),
        )
        .order_by(association.c.id)
    )
    return list(dict.fromkeys((origin, destination) for origin, destination in found))


def load_labels(session: Session, case_ids: Collection[str]) -> dict[str, str]:
    """Return what names each competency: its code, else its statement."""
    return {
        case_id: code or statement
        for some in parts(case_ids)
        for case_id, code, statement in session.execute(
            select(
                competency.c.case_id, competency.c.human_code, competency.c.statement
            ).where(competency.c.case_id.in_(some))
        )
    }


def load_case_ids(session: Session) -> frozenset[str]:
    """Return the GUIDs of every competency held."""
    return frozenset(session.scalars(select(competency.c.case_id)))


def find_holding(session: Session, part: Part) -> list[int]:
    """Return our ids of the frameworks that records of a part belong to.

    By their competencies, by the document they name, or because they are there.
    """
    found = set(
        session.scalars(
            select(competency.c.framework_id)
            .where(competency.c.case_id.in_(list(part.items)))
            .distinct()
        )
    )
    found |= set(
        session.scalars(
            select(framework.c.id).where(framework.c.case_id.in_(list(part.documents)))
        )
    )
    edges = part.names.get(EDGES, frozenset())
    found |= set(
        session.scalars(
            select(association.c.framework_id).where(
                association.c.case_id.in_(list(edges)),
                association.c.framework_id.is_not(None),
            )
        )
    )
    beside = session.execute(select(framework.c.id, framework.c.package))
    found |= {row_id for row_id, package in beside if holds(package, part)}
    return sorted(found)
