"""A person is taken out of every table, for good, and no system brings her back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from lti_tool.errors import ErasureError
from lti_tool.storage import erasures, schema
from lti_tool.storage.database import Database
from lti_tool.work import erasing
from tests.lti_tool.lives import Bridge, fill_life, found_canary, name_canary
from tests.lti_tool.published import LEVELLED, District
from tests.lti_tool.test_members import List, member, pull

if TYPE_CHECKING:
    from tests.lti_tool.test_people import School


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    made = Bridge(tmp_path)
    person = made.district.people["hill/ada"]
    fill_life(made.database, made.district, person)
    name_canary(made.database, made.district, person)
    yield made
    made.database.close()


def test_nothing_of_an_erased_person_stands_in_any_table(database: Database) -> None:
    district = District(database)
    person = district.people["hill/ada"]
    fill_life(database, district, person)
    name_canary(database, district, person)
    assert "person: zelda" in found_canary(database)
    before = erasing.preview(database, person)
    done = erasing.erase(database, person, who="admin:1", now=LEVELLED)
    assert found_canary(database) == []
    assert (done.rows, done.identifiers) == (before.rows, 2)
    assert [one["destination"] for one in done.told] == ["oneroster"]
    with database.read() as session:
        people = session.scalars(select(schema.person.c.id)).all()
        mentees = session.scalars(select(schema.web_session.c.mentees)).all()
        agents = session.scalars(select(schema.sis_user.c.agents)).all()
        (last,) = session.execute(
            select(schema.change).where(schema.change.c.what == "person erased")
        ).all()
        source = district.sources["hill"]
        forgotten = erasures.load_forgotten(session, erasures.SIS, source)
    assert person not in people
    assert len(people) == 7
    assert mentees == [["another"]]
    assert ["cy"] in agents
    assert (last.who, last.subject_id) == ("admin:1", None)
    assert last.after == {"rows": dict(done.rows)}
    assert ("canary-7" in forgotten, "ada" in forgotten) == (True, False)


@pytest.mark.parametrize(
    ("table", "values", "reason"),
    [
        (schema.delivery, {"state": "sending"}, "being sent right now"),
        (schema.seat, {"role": "instructor"}, "Only students are erased"),
        (schema.run, {"ended_at": None}, "hill is being synced right now"),
    ],
)
def test_a_person_is_not_erased_under_a_workers_hands(
    bridge: Bridge, table: schema.Table, values: dict[str, object], reason: str
) -> None:
    person = bridge.district.people["hill/ada"]
    whose = table.c.get("person_id")
    statement = update(table).values(**values)
    if whose is not None:
        statement = statement.where(whose == person)
    with bridge.database.write() as session:
        session.execute(statement)
    with pytest.raises(ErasureError, match=reason):
        erasing.erase(bridge.database, person, who="cli", now=LEVELLED)
    assert "person: zelda" in found_canary(bridge.database)


def test_the_command_says_what_goes_and_waits_for_a_yes(bridge: Bridge) -> None:
    words = ("erase", "person", "canary-7")
    told = bridge.ask(*words, status=3)
    assert (told["status"], told["identifiers"]) == ("would_be_erased", 2)
    assert told["rows"]["score"] == 1
    assert "Nothing was changed; say --yes to do it." in bridge.run(*words, status=3)
    bridge.run(*words, "--yes", "--withdraw", status=2)
    assert bridge.ask(*words, "--withdraw") == {"status": "withdrawing", "results": 1}
    with bridge.database.write() as session:
        table = schema.delivery
        rows = session.execute(select(table).order_by(table.c.id)).all()
        assert [(one.value, one.state) for one in rows] == [
            (3.0, "delivered"), (None, "pending"),
        ]  # fmt: skip
        newest = update(table).where(table.c.id == rows[-1].id)
        session.execute(newest.values(state="delivered"))
    done = bridge.ask(*words, "--yes")
    assert (done["status"], done["told"]) == ("erased", [])
    assert found_canary(bridge.database) == []
    refused = bridge.run(*words, status=1)
    assert "zelda" not in refused.casefold()
    assert bridge.ask("erase", "lift", "canary-7") == {"lifted": 1}
    bridge.run("erase", "lift", "canary-7", status=1)


def test_a_backup_that_still_holds_her_is_restored_without_her(
    bridge: Bridge, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.sqlite3"
    bridge.run("backup", str(backup))
    bridge.run("erase", "person", "canary-7", "--yes")
    bridge.run("restore", str(backup))
    restored = Database(f"sqlite:///{tmp_path / 'masterybridge.sqlite3'}")
    assert found_canary(restored) == []
    with restored.read() as session:
        assert len(session.execute(select(schema.erasure)).all()) == 2
    restored.close()


def test_a_class_list_does_not_bring_her_back(school: School) -> None:
    source = List((member("1", name="Zelda Quux"), member("2", name="Bo Ek")))
    pull(school, source)
    zelda = next(
        one["person_id"] for one in school.rows("lms_user") if one["subject"] == "1"
    )
    erasing.erase(school.database, zelda, who="cli", now=school.now)
    assert pull(school, source).members == 1
    assert [one["subject"] for one in school.rows("lms_user")] == ["2"]
    assert erasing.lift(school.database, "1", who="cli", now=school.now) == 1
    assert pull(school, source).members == 2


@pytest.fixture
def school(sqlite_database: Database) -> School:
    from tests.lti_tool.test_people import School  # noqa: PLC0415

    return School(sqlite_database, LEVELLED + timedelta(days=1))
