"""The exemplars a framework names: edges from a competency to something outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import and_, select

from lti_tool.storage.schema import association, competency, framework
from lti_tool.storage.session import Session
from mappings.resources import host_of


class Exemplar(NamedTuple):
    """One edge, as a resource would have it."""

    case_id: str
    competency_id: int
    title: str
    url: str
    language: str | None


def load_exemplars(session: Session, framework_id: int) -> list[Exemplar]:
    """Return the live exemplar edges of a framework's live competencies."""
    found = session.execute(
        select(
            association.c.case_id,
            association.c.payload,
            competency.c.id,
            competency.c.language,
            framework.c.language.label("spoken"),
        )
        .join(
            competency,
            and_(
                competency.c.case_id == association.c.origin_case_id,
                competency.c.framework_id == framework_id,
            ),
        )
        .join(framework, framework.c.id == competency.c.framework_id)
        .where(
            association.c.kind == "exemplar",
            association.c.retired_at.is_(None),
            competency.c.retired_at.is_(None),
        )
        .order_by(association.c.id)
    )
    edges: dict[str, Exemplar] = {}
    for row in found:
        title, url = _end(row.payload)
        language = row.language or row.spoken
        edges.setdefault(
            row.case_id, Exemplar(row.case_id, row.id, title, url, language)
        )
    return list(edges.values())


def _end(payload: Mapping[str, Any]) -> tuple[str, str]:
    """The name and the address of an edge's far end."""
    node = payload.get("destinationNodeURI")
    node = node if isinstance(node, Mapping) else {}
    url = str(node.get("uri") or "")
    return str(node.get("title") or "").strip() or _host(url), url


def _host(url: str) -> str:
    try:
        return host_of(url) or url
    except ValueError:
        return url
