"""The pages of runs: the list, how one is started, followed and stopped."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lti_tool.storage import refused_orders, run_pages, schema
from lti_tool.work.orders import Order
from tests.web.admin.conftest import Office, words
from tests.web.admin.seeding import District, put_run


def test_nobody_sees_a_run_without_signing_in(bureau: Office) -> None:
    for path in ("/admin/runs", "/admin/runs/1", "/admin/runs/1/plan.csv"):
        assert bureau.visitor().client.get(path).status_code == 303
    for path in ("/admin/runs/start", "/admin/runs/1/stop", "/admin/runs/1/decide"):
        assert bureau.visitor().client.post(path).status_code == 401


def test_without_a_source_the_list_says_how_to_add_one(bureau: Office) -> None:
    said = words(bureau.signed_in().read("/admin/runs"))
    assert "There is no roster source yet, so nothing has been read." in said
    assert bureau.signed_in().read("/admin/runs/7", 404)


def test_the_list_tells_how_each_run_went(bureau: Office, district: District) -> None:
    page = bureau.signed_in().read("/admin/runs")
    said = words(page)
    assert "1 to 2 of 2" in said
    assert re.findall(r'href="/admin/runs/(\d+)">Run', page) == [
        str(district.held),
        str(district.done),
    ]
    # Read, added, changed, ended, left out, warnings.
    assert "! Done with warnings 39,628 934 472 20 128 records left out" in said
    assert "On hold Review" in said
    assert "6 min 12 s" in said


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("result=held", 1),
        ("result=applied", 0),
        ("result=nonsense", 2),
        ("source=99", 0),
        ("source=x", 2),
        ("first=25", 0),
    ],
)
def test_the_list_is_filtered(
    bureau: Office, district: District, query: str, count: int
) -> None:
    page = bureau.signed_in().read(f"/admin/runs?{query}")
    assert len(re.findall(r'href="/admin/runs/\d+">Run', page)) == count
    assert ("No run of this kind." in page) == (count == 0)
    del district


def test_a_long_list_has_pages(bureau: Office, district: District) -> None:
    with bureau.database.write() as session:
        for number in range(30):
            put_run(session, district.source, bureau.now - timedelta(days=number))
    visitor = bureau.signed_in()
    page = visitor.read("/admin/runs?result=applied")
    assert "1 to 25 of 30" in words(page)
    later = re.search(r'href="([^"]+)" rel="next"', page)
    assert later
    page = visitor.read(later[1].replace("&amp;", "&"))
    assert "26 to 30 of 30" in words(page)
    assert 'rel="prev"' in page


@pytest.mark.parametrize(
    ("way", "wanted"),
    [
        ("plain", Order(source="Northside SIS")),
        ("dry", Order(source="Northside SIS", is_dry_run=True)),
        ("full", Order(source="Northside SIS", is_full=True)),
    ],
)
def test_a_run_is_ordered_and_waited_for(
    bureau: Office, district: District, ordered: list[Order], way: str, wanted: Order
) -> None:
    visitor = bureau.signed_in()
    answer = visitor.send(
        "/admin/runs", "/admin/runs/start", source=str(district.source), way=way
    )
    assert ordered == [wanted]
    assert bureau.changes()[-1] == ("admin:1", "sync ordered")
    where = answer.headers["Location"]
    assert "it begins within a few seconds" in words(visitor.read(where))
    bureau.wait(seconds=30)
    assert "The worker has not taken it up yet." in words(visitor.read(where))
    with bureau.database.write() as session:
        run = put_run(
            session, district.source, bureau.now, status="running", ended_at=None
        )
    assert visitor.client.get(where).headers["Location"] == f"/admin/runs/{run}"
    part = visitor.client.get(where, headers={"X-Part": "1"}).text
    assert f'data-go href="/admin/runs/{run}"' in part
    assert "<html" not in part


def test_the_page_of_a_source_says_of_its_runs_what_they_ask_for(
    bureau: Office, district: District
) -> None:
    with bureau.database.write() as session:
        put_run(session, district.source, bureau.now, status="failed", text="auth: x")
    said = words(bureau.signed_in().read(f"/admin/sources/{district.source}"))
    assert "ON HOLD: 2,412 enrollments would end" in said
    assert "The source refuses our credentials. Check them, test the source" in said
    assert "auth: x" not in said


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (
            {"code": "busy", "text": "another run"},
            "Another run of this source is going on. Wait for its end.",
        ),
        (
            {"code": "auth", "text": "the source refused"},
            (
                "The source refuses our credentials. Check them, test the source, run "
                "again."
            ),
        ),
        ({"code": "", "text": 'no source "x"'}, 'no source "x"'),
    ],
)
def test_an_order_the_worker_refused_says_why(
    bureau: Office, district: District, why: dict[str, str], told: str
) -> None:
    visitor = bureau.signed_in()
    with bureau.database.write() as session:
        earlier = bureau.now - timedelta(hours=1)
        refused_orders.put_refused(
            session, district.source, {"code": "", "text": "old"}, now=earlier
        )
    where = visitor.send(
        "/admin/runs", "/admin/runs/start", source=str(district.source), way="plain"
    ).headers["Location"]
    assert "it begins within a few seconds" in words(visitor.read(where))
    with bureau.database.write() as session:
        refused_orders.put_refused(session, district.source, why, now=bureau.now)
    assert f"The run did not begin. {told} Runs" in words(visitor.read(where))
    part = visitor.client.get(where, headers={"X-Part": "1"}).text
    assert "data-settled" in part


def test_no_second_run_and_none_of_a_parked_source(
    bureau: Office, district: District, ordered: list[Order]
) -> None:
    visitor = bureau.signed_in()
    fields = {"source": str(district.source), "way": "plain"}
    with bureau.database.write() as session:
        run = put_run(
            session, district.source, bureau.now, status="running", ended_at=None
        )
    answer = visitor.send("/admin/runs", "/admin/runs/start", **fields)
    assert answer.status_code == 409
    assert "a second one cannot begin. See it" in words(answer.text)
    with bureau.database.write() as session:
        session.execute(
            update(schema.run).where(schema.run.c.id == run).values(ended_at=bureau.now)
        )
        session.execute(
            update(schema.source).values(
                parked_until=bureau.now + timedelta(minutes=10), parked_code="auth"
            )
        )
    answer = visitor.send("/admin/runs", "/admin/runs/start", **fields)
    assert answer.status_code == 409
    assert "may not be asked before 2026-11-24 12:10 UTC" in words(answer.text)
    assert ordered == []
    for wrong in ({"source": "99"}, {"source": "x"}, {"way": "sideways"}):
        answer = visitor.send("/admin/runs", "/admin/runs/start", **(fields | wrong))
        assert answer.status_code == 400


def test_a_run_on_its_way_is_followed_and_stopped(
    bureau: Office, district: District
) -> None:
    with bureau.database.write() as session:
        run = put_run(
            session,
            district.source,
            bureau.now - timedelta(minutes=3),
            status="running",
            ended_at=None,
            phase="users",
            counts={"orgs": 12, "academicSessions": 8, "courses": 3, "classes": 959},
            progress={
                "collection": "users",
                "count": 4200,
                "expected": 8400,
                "per_second": 412.3,
                "seconds_left": 95,
            },
        )
    visitor = bureau.signed_in()
    page = visitor.read(f"/admin/runs/{run}")
    said = words(page)
    assert "Users : 4,200 of 8,400 412 a second, about 2 minutes left" in said
    assert "Schools and districts done" in said
    assert "Write the changes to come" in said
    assert '<progress value="50" max="100"' in page
    assert f'data-poll="/admin/runs/{run}/live"' in page
    answer = visitor.send(f"/admin/runs/{run}", f"/admin/runs/{run}/stop")
    assert answer.status_code == 303
    part = visitor.read(f"/admin/runs/{run}/live")
    assert "It stops after the page it is reading." in part
    assert "data-settled" not in part
    assert bureau.changes()[-1] == ("admin:1", "run stop asked")
    with bureau.database.write() as session:
        assert session.scalar(
            select(schema.run.c.stop_asked).where(schema.run.c.id == run)
        )
        session.execute(
            update(schema.run)
            .where(schema.run.c.id == run)
            .values(status="stopped", ended_at=bureau.now)
        )
    assert "data-reload" in visitor.read(f"/admin/runs/{run}/live")
    said = words(visitor.read(f"/admin/runs/{run}"))
    assert "A person stopped it; nothing was changed" in said
    assert "Run it again" in said


def test_a_failed_run_says_what_to_do(bureau: Office, district: District) -> None:
    with bureau.database.write() as session:
        run = put_run(
            session,
            district.source,
            bureau.now,
            status="failed",
            text="auth: users: the token was refused",
        )
    said = words(bureau.signed_in().read(f"/admin/runs/{run}"))
    assert "It failed; nothing was changed" in said
    assert "The source refuses our credentials." in said
    assert "auth: users: the token was refused" in said


def test_runs_older_than_400_days_go_with_all_that_hangs_on_them(
    bureau: Office, district: District
) -> None:
    later = bureau.now + timedelta(days=400)
    with bureau.database.write() as session:
        assert run_pages.sweep_runs(session, now=later) == 0
        # Nothing waits any more on the older run; the newest stays.
        session.execute(schema.quarantine.delete())
        assert run_pages.sweep_runs(session, now=later) == 1
        left = session.scalars(select(schema.run.c.id)).all()
        problems = session.scalars(select(schema.run_problem.c.id)).all()
    assert (left, problems) == ([district.held], [])
