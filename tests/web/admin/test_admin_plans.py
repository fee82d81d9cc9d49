"""The page of a plan: its figures, its rows, one person, and a person's decision."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_tool.storage import schema
from lti_tool.work.orders import Order
from tests.web.admin.conftest import Office, words
from tests.web.admin.seeding import LAKE, NORTHSIDE, District, put, put_run

HASH = "9f3ac1d20b7e4f68"


def decide(
    office: Office, run: int, decision: str, reason: str = "the term is over"
) -> TestResponse:
    path = f"/admin/runs/{run}"
    page = "/admin/runs"  # a page of a plan that is decided on has no form any more
    fields = {"decision": decision, "reason": reason}
    return office.signed_in().send(page, f"{path}/decide", **fields)


def row(office: Office, run: int) -> dict[str, Any]:
    with office.database.read() as session:
        found = session.execute(select(schema.run).where(schema.run.c.id == run))
        return dict(found.mappings().one())


def test_a_held_plan_shows_its_figures_and_why_it_waits(
    bureau: Office, district: District
) -> None:
    page = bureau.signed_in().read(f"/admin/runs/{district.held}")
    said = words(page)
    assert "On hold: this run waits for you" in said
    assert "2,412 enrollments of 31,204 would end; the limit is 1,560." in said
    assert (
        "2,398 enrollments of 3,100 at Northside Middle would end; the limit is 620."
        in said
    )
    assert "Classes 940 22 41 3 47 (5%, at least 10)" in said
    assert "Enrollments 31,204 815 120 212 1,560 (5%, at least 10) OVER LIMIT" in said
    assert "Schools and districts 12 0 1 0 10 (5%, at least 10)" in said
    assert (
        "Northside Middle : would end: 2,398 enrollments (term 2025-S1 is over)" in said
    )
    assert "934 added, 472 changed, 229 ended." in said
    assert f"Plan {HASH} · Download plan CSV" in said
    assert "This plan can be accepted until 2026-11-25 10:06 UTC" in said
    # The enrollments stand first: they are over their limit.
    assert re.search(r'aria-current="true">Enrollments <span class="num">1,147<', page)
    assert "212 records. Of 815 to add, the first 0 are listed." in said
    assert "Lake <High>" not in page
    assert "Lake &lt;High&gt;" in page


def test_the_rows_are_paged_both_ways(bureau: Office, district: District) -> None:
    visitor = bureau.signed_in()
    path = f"/admin/runs/{district.held}?type=enrollments&kind=end"
    seen: list[str] = []
    while path:
        page = visitor.read(path)
        seen += re.findall(r'<small dir="ltr">(enr-\d+)</small>', page)
        later = re.search(r'href="([^"]+)" rel="next"', page)
        path = later[1].replace("&amp;", "&") if later else ""
    assert seen == [f"enr-{number}" for number in range(212)]
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back
    page = visitor.read(back[1].replace("&amp;", "&"))
    ids = re.findall(r'<small dir="ltr">(enr-\d+)</small>', page)
    assert ids == [f"enr-{number}" for number in range(150, 200)]


@pytest.mark.parametrize(
    ("query", "count", "first"),
    [
        ("type=users", 406, "user-0"),
        ("type=users&kind=add", 96, "user-9000"),
        ("type=users&words=NEW+amira", 12, "user-9000"),
        (f"type=enrollments&school={LAKE}", 3, "enr-0"),
        (f"type=users&kind=change&school={NORTHSIDE}", 0, None),
        ("type=users&words=100%25", 0, None),
        ("type=nonsense&kind=nonsense&after=x", 212, "enr-0"),
    ],
)
def test_the_rows_are_filtered(
    bureau: Office, district: District, query: str, count: int, first: str | None
) -> None:
    page = bureau.signed_in().read(f"/admin/runs/{district.held}?{query}")
    assert f"{count} record" in words(page)
    found = re.findall(r'<small dir="ltr">(\w+-[\w-]+)</small>', page)
    assert (found[0] if found else None) == first


def test_a_change_shows_before_and_after(bureau: Office, district: District) -> None:
    path = f"/admin/runs/{district.held}?type=users&kind=change"
    assert "grades before: 07 → after: 08" in words(bureau.signed_in().read(path))


def test_the_plan_downloads_without_a_formula(
    bureau: Office, district: District
) -> None:
    visitor = bureau.signed_in()
    answer = visitor.client.get(f"/admin/runs/{district.held}/plan.csv")
    assert answer.headers["Content-Disposition"].endswith('"plan-run-2.csv"')
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    # Three fields of each end, two of each change and add, one of the school.
    assert len(lines) == 212 * 3 + 310 * 2 + 96 * 2 + 1
    assert lines[0] == {
        "type": "enrollments",
        "kind": "end",
        "sourcedId": "enr-0",
        "what": "Amira Haddad: Grade 7 Math, section 1",
        "user": "user-0",
        "school": LAKE,
        "schoolName": "Lake <High>",
        "field": "status",
        "before": "active",
        "after": "",
    }
    assert not [one for one in lines if one["what"].startswith("=")]
    assert [one for one in lines if one["what"].startswith("'=SUM(1)")]


def test_a_person_is_found_and_what_happens_to_her_is_told(
    bureau: Office, district: District
) -> None:
    visitor = bureau.signed_in()
    path = f"/admin/runs/{district.held}/people"
    assert "Nobody of this source is called so" in words(
        visitor.read(f"{path}?words=nobody")
    )
    page = visitor.read(f"{path}?words=HADDAD+amira")
    said = words(page)
    assert "Amira Haddad amira.haddad user-0" in said
    assert "New Amira Haddad user-9000 + new" in said
    assert "More than" not in said
    with bureau.database.write() as session:
        put(
            session,
            schema.score,
            source_id=district.source,
            sourced_id="r-1",
            fingerprint="x",
            person_id=district.person,
            line_item_sourced_id="li-1",
            student_sourced_id="user-0",
        )
    said = words(visitor.read(f"/admin/runs/{district.held}/person?id=user-0"))
    assert "The person stays; what changes is listed here." in said
    assert "Roles now: student (Northside Middle)" in said
    assert "ends Grade 7 Math, section 2 student Northside Middle" in said
    assert "stays Grade 7 Math, section 1 student Northside Middle" in said
    assert "1 score 0 levels of competencies" in said
    assert "14 more days" in said
    said = words(visitor.read(f"/admin/runs/{district.held}/person?id=user-9000"))
    assert "The person is new here." in said
    assert "Nothing hangs on this person yet." in said
    visitor.read(f"/admin/runs/{district.held}/person?id=nobody", 404)


@pytest.mark.parametrize("decision", ["accepted", "accepted_without_ends"])
def test_a_yes_is_kept_and_orders_the_run_that_applies_the_plan(
    bureau: Office, district: District, ordered: list[Order], decision: str
) -> None:
    answer = decide(bureau, district.held, decision)
    assert answer.status_code == 303
    assert "/admin/runs/starting?" in answer.headers["Location"]
    assert ordered == [
        Order(
            source="Northside SIS",
            accept=HASH,
            is_without_ends=decision == "accepted_without_ends",
            of_run_id=district.held,
        )
    ]
    kept = row(bureau, district.held)
    assert (kept["decision"], kept["decided_by"], kept["decision_reason"]) == (
        decision,
        "admin:1",
        "the term is over",
    )
    said = words(bureau.signed_in().read(f"/admin/runs/{district.held}"))
    assert "By Rosa , just now : “ the term is over ”" in said
    assert "The run that applies it has not begun yet." in said
    assert "Your decision" not in said
    with bureau.database.write() as session:
        run = put_run(
            session, district.source, bureau.now, of_run_id=district.held, plan={}
        )
    page = bureau.signed_in().read(f"/admin/runs/{district.held}")
    assert f'href="/admin/runs/{run}"' in page
    assert decide(bureau, district.held, "discarded").status_code == 422
    assert len(ordered) == 1


def test_a_yes_to_the_plan_of_an_unfinished_source_switches_it_on(
    bureau: Office, district: District
) -> None:
    def status() -> str:
        with bureau.database.read() as session:
            return str(session.scalar(select(schema.source.c.status)))

    with bureau.database.write() as session:
        session.execute(update(schema.source).values(status="draft"))
    assert decide(bureau, district.held, "accepted", "").status_code == 422
    assert status() == "draft"
    assert decide(bureau, district.held, "accepted").status_code == 303
    assert status() == "active"
    assert ("admin:1", "source switched") in bureau.changes()


def test_a_plan_is_discarded_without_a_reason(
    bureau: Office, district: District, ordered: list[Order]
) -> None:
    assert decide(bureau, district.held, "discarded", "").status_code == 303
    assert row(bureau, district.held)["status"] == "discarded"
    assert bureau.changes()[-1] == ("admin:1", "plan discarded")
    assert ordered == []
    said = words(bureau.signed_in().read(f"/admin/runs/{district.held}"))
    assert "Discarded" in said


def test_a_yes_needs_a_reason_a_fresh_plan_and_a_source_at_rest(
    bureau: Office, district: District, ordered: list[Order]
) -> None:
    answer = decide(bureau, district.held, "accepted", "  ")
    assert answer.status_code == 422
    assert "Say why: the reason is kept with the run." in words(answer.text)
    assert decide(bureau, district.held, "perhaps").status_code == 422
    assert decide(bureau, district.done, "accepted").status_code == 422
    with bureau.database.write() as session:
        run = put_run(
            session, district.source, bureau.now, status="running", ended_at=None
        )
    answer = decide(bureau, district.held, "accepted", "kept in the box")
    assert answer.status_code == 409
    assert "Another run of this source is going on." in words(answer.text)
    assert 'value="kept in the box"' in answer.text
    with bureau.database.write() as session:
        session.execute(
            update(schema.run).where(schema.run.c.id == run).values(ended_at=bureau.now)
        )
    bureau.wait(hours=23)
    said = words(bureau.signed_in().read(f"/admin/runs/{district.held}"))
    assert "This plan has lapsed" in said
    assert "Your decision" not in said
    answer = decide(bureau, district.held, "accepted")
    assert answer.status_code == 422
    assert "older than 24 hours" in words(answer.text)
    assert row(bureau, district.held)["decision"] is None
    assert ordered == []


def test_a_plan_that_changed_since_the_yes_says_so(
    bureau: Office, district: District
) -> None:
    with bureau.database.write() as session:
        run = put_run(
            session,
            district.source,
            bureau.now,
            status="held",
            of_run_id=district.held,
            plan={"users": {"now": 5, "adds": 0, "changes": 0, "ends": 5}},
            plan_hash="x" * 16,
            holds=[{"code": "ends", "collection": "users", "ends": 5, "now": 5}],
        )
    said = words(bureau.signed_in().read(f"/admin/runs/{run}"))
    assert "The source has changed since, so this is another plan" in said
    assert "All of them would end: 5 users." in said
    # Without adds and changes there is no "all but ends".
    assert "Accept all but ends" not in said


def test_a_dry_run_of_nothing_says_so(bureau: Office, district: District) -> None:
    with bureau.database.write() as session:
        run = put_run(
            session,
            district.source,
            bureau.now,
            status="planned",
            plan={"users": {"now": 5, "adds": 0, "changes": 0, "ends": 0}},
            plan_hash="y" * 16,
        )
    said = words(bureau.signed_in().read(f"/admin/runs/{run}"))
    assert "Dry run nothing has been changed" in said
    assert "Nothing changes: the source and what is here agree." in said
