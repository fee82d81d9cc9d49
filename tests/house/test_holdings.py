"""No table is forgotten when a person is exported or erased."""

from __future__ import annotations

from sqlalchemy import Table

from lti_tool.storage import schema
from lti_tool.storage.holdings import HOLDINGS, NOT_HELD

# Accounts of a person, and what hangs on a row of hers: whoever refers to one of
# these holds something of her.
HERS = {"person", "lms_user", "sis_user", "web_session", "delivery", "observation"}


def refers_to(table: Table) -> set[str]:
    return {key.target_fullname.partition(".")[0] for key in table.foreign_keys}


def test_every_table_holds_people_or_is_said_not_to() -> None:
    held = {one.table.name for one in HOLDINGS}
    assert held | set(NOT_HELD) == set(schema.metadata.tables)
    assert held & set(NOT_HELD) == set()


def test_a_table_that_refers_to_a_person_holds_people() -> None:
    held = {one.table.name for one in HOLDINGS}
    referring = {
        table.name
        for table in schema.metadata.tables.values()
        if refers_to(table) & HERS
    }
    assert referring <= held


def test_what_refers_to_a_row_is_taken_away_before_it() -> None:
    places = {one.table.name: place for place, one in enumerate(HOLDINGS)}
    late = [
        (table.name, above)
        for table in (one.table for one in HOLDINGS)
        for above in refers_to(table) - {table.name}
        if above in places and places[above] < places[table.name]
    ]
    assert late == []
