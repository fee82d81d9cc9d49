"""What in an LMS's gradebook is ours: columns that we made, links that open us."""

from __future__ import annotations

from sqlalchemy import select

from lti_tool.storage.schema import line_item, resource_link
from lti_tool.storage.session import Session


def load_own_addresses(session: Session, placement_id: int) -> frozenset[str]:
    """Return the AGS addresses of all columns of ours at a placement, links' too."""
    made = select(line_item.c.address).where(
        line_item.c.placement_id == placement_id, line_item.c.address != ""
    )
    linked = select(resource_link.c.ags_line_item_url).where(
        resource_link.c.placement_id == placement_id,
        resource_link.c.ags_line_item_url.is_not(None),
    )
    return frozenset({*session.scalars(made), *session.scalars(linked)})


def load_own_links(session: Session, placement_id: int) -> frozenset[str]:
    """Return what the LMS calls the links that open us from a placement."""
    found = select(resource_link.c.link_id).where(
        resource_link.c.placement_id == placement_id
    )
    return frozenset(session.scalars(found))
