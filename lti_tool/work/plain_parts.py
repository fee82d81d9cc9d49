"""A user's rows of other files, as the column they are staged in, where none is odd.

Roles make up the column; profiles and resources are no matter of ours, but must be
sound all the same. Whatever is not to the letter is read with care by
:mod:`oneroster`, as rows are (:mod:`lti_tool.work.plain_rows`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from lti_tool.work import plain_rows
from lti_tool.work.plain_rows import OddError
from oneroster.bundle_columns import Column
from oneroster.models_rostering import USER_ROLES

Part = tuple[str, Sequence[str] | None]
Columns = Mapping[str, Sequence[Column | None]]
ROLES: Final = Column("roles", "roles", "text", "", required=False)
_ROLE_TYPES: Final = ("primary", "secondary")
_ROLE_FIELDS: Final = ("role", "roleType", "org", "beginDate", "endDate")


@cache
def role_text(role: str, role_type: str, begins_on: str, ends_on: str) -> str:
    """A staged role as JSON, with %s for its org.

    Raises:
        ValueError: one of these is not to the letter.
    """
    if role not in USER_ROLES or role_type not in _ROLE_TYPES:
        raise OddError
    days = plain_rows.read_days([begins_on, ends_on])
    found = {
        "role": role,
        "role_type": role_type,
        "org": "%s",
        "begins_on": days[0],
        "ends_on": days[1],
    }
    return json.dumps(found, sort_keys=True).replace('"%s"', "%s")


class PlainRoles:
    """Turns the rows of other files into the staged roles of users."""

    def __init__(self, sides: Columns) -> None:
        """Look where the columns of a role stand; all of them must."""
        places = {
            column.field: place
            for place, column in enumerate(sides["roles"])
            if column is not None
        }
        self._places = [places.get(name, -1) for name in _ROLE_FIELDS]
        self._resource = next(
            (
                place
                for place, column in enumerate(sides.get("userResources", ()))
                if column is not None and column.field == "resource"
            ),
            -1,
        )

    @staticmethod
    def reads(sides: Columns) -> bool:
        """Tell whether there are files of which it makes roles."""
        return "roles" in sides

    def column(
        self, ids: Sequence[str], parts: Mapping[str, Sequence[Part]]
    ) -> list[str | None]:
        """Return the staged roles of each user, None where something is odd."""
        return [self._roles(parts.get(one, ())) for one in ids]

    def _roles(self, parts: Sequence[Part]) -> str | None:
        roles = []
        try:
            for file, cells in parts:
                if cells is None:
                    return None
                if file == "roles":
                    roles.append(self._role(cells))
                elif file == "userResources":
                    plain_rows.read_keys([cells[self._resource]])
        except ValueError:
            return None
        # A user without a role is told of.
        return f"[{', '.join(roles)}]" if roles else None

    def _role(self, cells: Sequence[str]) -> str:
        role, role_type, org, *days = (
            cells[place] if place >= 0 else "" for place in self._places
        )
        plain_rows.read_keys([org])
        return role_text(role, role_type, *days) % json.dumps(org)
