"""Who was erased does not come back with a sync, until somebody lets her."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lti_tool.storage import people, schema
from lti_tool.work import erasing
from tests.lti_tool.sync.conftest import a_result

if TYPE_CHECKING:
    from tests.lti_tool.sync.conftest import Sis


def stands(sis: Sis, key: str) -> dict[str, int]:
    """How often each table names a user by what the SIS calls her."""
    columns = {
        "sis_user": "sourced_id",
        "enrollment": "user_sourced_id",
        "score": "student_sourced_id",
    }
    return {
        name: sum(key in row for row in sis.rows(schema.metadata.tables[name], column))
        for name, column in columns.items()
    }


def test_a_sync_does_not_bring_an_erased_student_back(sis: Sis) -> None:
    sis.begin()
    key = sis.records["results"][0].student.sourced_id
    with sis.database.read() as session:
        person = people.find_person(session, key)
    before = stands(sis, key)
    assert min(before.values()) > 0
    erasing.erase(sis.database, person, who="cli", now=sis.now)
    assert set(stands(sis, key).values()) == {0}
    count = len(sis.rows(schema.person, "id"))
    work = sis.records["lineItems"][0].sourced_id
    sis.put("results", a_result("later", work, key, 7.0))
    report = sis.sync(is_full=True)
    assert (report.status, report.problems) == ("applied", {})
    assert set(stands(sis, key).values()) == {0}
    assert len(sis.rows(schema.person, "id")) == count
    assert sis.rows(schema.quarantine, "id") == []
    assert erasing.lift(sis.database, key, who="cli", now=sis.now) == 1
    sis.sync(is_full=True, at=sis.later(60))
    again = stands(sis, key)
    assert again == {**before, "score": before["score"] + 1}
