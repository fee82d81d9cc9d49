"""From a SIS that lost people to a person's yes: pages, worker and sync together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from lti_tool.storage import schema
from lti_tool.work.jobs import Jobs
from lti_tool.work.orders import Order
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import MemoryCatalog
from tests.lti_tool.sync.conftest import Sis
from tests.web.admin.conftest import Office, Visitor, words


@dataclass
class House:
    """An office whose orders a worker takes up at once, and the SIS behind it."""

    office: Office
    sis: Sis
    path: Path

    def write(self) -> None:
        """Put the records of the SIS where the source reads them."""
        write_bundle(
            self.path,
            MemoryCatalog(self.sis.records),
            collections=[name for name, held in self.sis.records.items() if held],
        )

    def visitor(self) -> Visitor:
        return self.office.signed_in()

    def follow(self, path: str, form: str, **fields: str) -> tuple[str, str]:
        """Send a form of a page and go where it leads: the run's address and page."""
        visitor = self.visitor()
        answer = visitor.send(path, form, **fields)
        assert answer.status_code == 303, answer.text
        found = visitor.client.get(answer.headers["Location"])
        assert found.status_code == 303, found.text
        return found.headers["Location"], visitor.read(found.headers["Location"])

    def start(self, way: str = "plain") -> tuple[str, str]:
        source = str(self.sis.source_id)
        return self.follow("/admin/runs", "/admin/runs/start", source=source, way=way)

    def count(self) -> int:
        table = schema.enrollment
        with self.office.database.read() as session:
            return (
                session.scalar(select(func.count()).where(table.c.status == "active"))
                or 0
            )


@pytest.fixture
def house(bureau: Office, tmp_path: Path) -> Iterator[House]:
    bureau.now = datetime.now(UTC)
    settings = bureau.app.config["SETTINGS"]
    jobs = Jobs(settings, bureau.database)

    def take_up(order: Order) -> None:
        jobs.sync.call_local(order.source, asdict(order))

    bureau.app.extensions["order_sync"] = take_up
    sis = Sis(bureau.database, tmp_path, bureau.now)
    sis.crowd(60)
    house = House(bureau, sis, tmp_path / "bundle")
    with bureau.database.write() as session:
        session.execute(update(schema.source).values(location=str(house.path)))
    house.write()
    yield house
    jobs.queue.storage.close()


def lose(house: House) -> str:
    """Sync once, then lose a third of the school; returns the run that waits."""
    house.start()
    gone = [f"s{number:03}" for number in range(20)]
    house.sis.drop("users", *gone)
    house.sis.drop("enrollments", *(f"{key}@a" for key in gone))
    house.sis.put("users", house.sis.user("new"))
    house.write()
    path, page = house.start("full")
    assert "On hold: this run waits for you" in words(page)
    return path


def test_a_dry_run_and_then_the_first_sync(house: House) -> None:
    _, page = house.start("dry")
    assert "Dry run nothing has been changed" in words(page)
    assert house.count() == 0
    _, page = house.start()
    assert "Done" in words(page)
    assert house.count() == 65


def test_a_hold_says_why_and_what_happens_to_whom(house: House) -> None:
    path = lose(house)
    said = words(house.visitor().read(path))
    assert "20 users of 64 would end; the limit is 10." in said
    assert "20 enrollments of 65 would end; the limit is 10." in said
    assert "ON HOLD: 20 " in words(house.visitor().read("/admin/"))
    said = words(house.visitor().read(f"{path}/people?words=given+s003"))
    assert "Given s003 Family s003" in said
    said = words(house.visitor().read(f"{path}/person?id=s003"))
    assert "The source no longer names this person: the account ends." in said
    assert "ends Class a student A school" in said
    said = words(house.visitor().read(f"{path}/person?id=new"))
    assert "The person is new here." in said


def test_all_but_the_ends_are_taken_and_the_ends_wait_again(house: House) -> None:
    path = lose(house)
    fields = {"decision": "accepted_without_ends", "reason": "look into the ends"}
    applied, page = house.follow(path, f"{path}/decide", **fields)
    said = words(page)
    assert "Done" in said
    assert "Users 64 1 0 0 " in said
    assert "It applies the plan a person accepted in run 2" in said
    assert "s003" not in said
    assert house.count() == 65
    assert f'href="{applied}"' in house.visitor().read(path)
    # They wait again, and are taken when somebody says yes to them.
    path, page = house.start("full")
    assert "On hold: this run waits for you" in words(page)
    fields = {"decision": "accepted", "reason": "they moved away"}
    _, page = house.follow(path, f"{path}/decide", **fields)
    assert "Done" in words(page)
    assert house.count() == 45


def test_what_was_held_aside_is_pulled_again_alone(house: House) -> None:
    house.sis.put("enrollments", house.sis.enrollment("late", "a"))
    house.write()
    path, page = house.start()
    assert "Done with warnings" in words(page)
    said = words(house.visitor().read(f"{path}/errors"))
    assert "1 record is held aside" in said
    assert "Enrollments : names a user that was not sent" in said
    house.sis.put("users", house.sis.user("late"))
    house.write()
    retried, page = house.follow(f"{path}/errors", f"{path}/retry")
    said = words(page)
    assert "held aside, retry" in said
    assert "It pulls again what was left out in run 1" in said
    assert "Enrollments 65 1 0 0 " in said
    assert house.count() == 66
    assert "held aside" not in words(house.visitor().read(f"{retried}/errors"))
    assert "settled since" in words(house.visitor().read(f"{path}/errors"))
