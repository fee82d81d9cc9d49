"""What a delta leaves unsaid of a record stays as we hold it.

In CSV files parts of a record stand in files of their own: a user's roles, the
objectives and the scale of a line item or result. A delta may lack such a file, or
repeat in it only what changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lti_tool.storage.staging import Staged, Value, value_columns
from lti_tool.work.records import finished, is_over, plain_value, user_row
from oneroster.models import Record, User

Key = tuple[str, str]
Held = Mapping[str, Mapping[str, Any]]


def fill(
    collection: str,
    rows: Sequence[Staged],
    held: Held,
    ends: Mapping[str, set[Key]],
) -> list[Staged]:
    """Return the rows with what we hold of them where nothing was sent.

    held: by sourcedId the columns of which a part may have been sent, as we hold them.
    ends: the roles, by user, that were sent as gone.
    """
    names = value_columns(collection)
    return [
        _filled(names, row, held[str(row[0])], ends.get(str(row[0]), set()))
        if row[0] in held and row[1] == "active"
        else row
        for row in rows
    ]


def amended(parts: Sequence[User], held: Held) -> list[Staged]:
    """Return the rows of users of whom only roles came, the rest as we hold it.

    held: by sourcedId every column of the users whom we hold, status and modified_at
    among them; of others and of those who ended nothing is made.
    """
    names = value_columns("users")
    place = names.index("roles")
    ends = role_ends(parts)
    rows = []
    for part in parts:
        ours = held.get(part.sourced_id)
        if ours is None or ours["status"] != "active":
            continue
        values = [plain_value(ours[name]) for name in names]
        sent = plain_value(user_row(part)["roles"])
        values[place] = _roles(sent, ours["roles"] or [], ends[part.sourced_id])
        moment = plain_value(ours["modified_at"])
        rows.append(finished(part.sourced_id, "active", moment, tuple(values)))
    return rows


def role_ends(records: Sequence[Record]) -> dict[str, set[Key]]:
    """Return the roles that are gone, each by what it is and where."""
    return {
        one.sourced_id: {
            (role.role, role.org.sourced_id) for role in one.roles if is_over(role)
        }
        for one in records
        if isinstance(one, User)
    }


def _filled(
    names: Sequence[str], row: Staged, held: Mapping[str, Any], ends: set[Key]
) -> Staged:
    values = list(row[4:])
    for name, kept in held.items():
        place = names.index(name)
        if name == "roles":
            values[place] = _roles(values[place], kept or [], ends)
        elif values[place] in (None, "[]"):
            values[place] = plain_value(kept)
    return finished(row[0], str(row[1]), row[2], tuple(values))


def _roles(sent: Value, held: Sequence[dict[str, Any]], ends: set[Key]) -> Value:
    """The roles we hold, without those that end, and with those that came."""
    came = {_key(role): role for role in json.loads(str(sent))}
    kept = {_key(role): role for role in held if _key(role) not in ends}
    return plain_value(list((kept | came).values()))


def _key(role: Mapping[str, Any]) -> Key:
    return role["role"], role["org"]
