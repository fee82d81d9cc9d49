"""How the made-up district writes a record: ids, references, chance.

Identifiers are derived from the seed and from what the record is, never from its
place in a list, so the same person or score keeps its id when the district's dates
move on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

Wire = dict[str, Any]
"""A record as OneRoster 1.2 sends it."""

NAMESPACE: Final = UUID("6f1d6f5e-2f0b-5c1c-9d7e-4c616b657669")
PREFIXES: Final = {
    "academicSession": "ses",
    "category": "cat",
    "class": "CLS",
    "course": "CRS",
    "enrollment": "enr",
    "lineItem": "li",
    "org": "ORG",
    "result": "res",
    "user": "usr",
}


def reference(kind: str, sourced_id: str) -> Wire:
    """Point to another record."""
    return {"sourcedId": sourced_id, "type": kind}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where records are written: everything that depends on the seed."""

    seed: int

    def chance(self, what: str) -> Random:
        """Open a stream of chance of its own, always the same for what."""
        # The same district every time is the point; nothing here is a secret.
        return Random(f"{self.seed}/{what}")  # noqa: S311 -- reproducible demo

    def opaque(self, what: str) -> str:
        """Make an identifier that says nothing, always the same for what."""
        return uuid5(NAMESPACE, f"{self.seed}/{what}").hex

    def sourced_id(self, kind: str, key: str) -> str:
        """Make the SIS identifier of a record."""
        return f"{PREFIXES[kind]}-{self.opaque(f'{kind}/{key}')[:12]}"

    def record(self, kind: str, key: str, changed_on: date, **fields: object) -> Wire:
        """Write a record that was last changed early on a day."""
        changed_at = datetime(
            changed_on.year, changed_on.month, changed_on.day, 5, tzinfo=UTC
        )
        return {
            "sourcedId": self.sourced_id(kind, key),
            "status": "active",
            "dateLastModified": changed_at,
            **fields,
        }
