"""The page of what was wrong in a run: causes, records, retry, CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

from lti_tool.storage import schema
from lti_tool.work.orders import Order
from tests.web.admin.conftest import Office, words
from tests.web.admin.seeding import District, put, put_run


def test_causes_come_first_with_what_to_do(bureau: Office, district: District) -> None:
    page = bureau.signed_in().read(f"/admin/runs/{district.done}/errors")
    said = words(page)
    assert (
        "Enrollments : names a user that was not sent userSourcedId ! record left "
        "out · dangling What to do: Send the record it names" in said
    )
    assert "Users : was sent twice, the same each time" in said
    assert re.findall(r'class="times">(\d+) ', page) == ["128", "12"]
    assert "127 records are held aside" in said
    assert "listed" not in said
    # Held aside for nine days; the first of them was taken since.
    assert page.count("2026-11-15 12:00 UTC") == 50
    # The run after it met none of them.
    assert page.count("settled since") == 50


def test_the_records_of_one_cause_are_paged(bureau: Office, district: District) -> None:
    visitor = bureau.signed_in()
    path = f"/admin/runs/{district.done}/errors"
    page = visitor.read(f"{path}?type=users&code=duplicate&field=sourced_id")
    said = words(page)
    assert "The records of this cause" in said
    assert "enr-lost" not in said
    assert 'rel="next"' not in page
    page = visitor.read(f"{path}?type=enrollments&code=dangling&field=user_sourced_id")
    assert page.count("enrollments.csv line") == 50
    assert 'rel="next"' in page
    assert "No record of this cause." in visitor.read(f"{path}?code=none")


def test_what_is_held_aside_is_retried_alone(
    bureau: Office, district: District, ordered: list[Order]
) -> None:
    path = f"/admin/runs/{district.done}"
    answer = bureau.signed_in().send(f"{path}/errors", f"{path}/retry")
    assert answer.status_code == 303
    assert ordered == [
        Order(source="Northside SIS", is_retry=True, of_run_id=district.done)
    ]


def test_a_run_without_problems_says_so(bureau: Office, district: District) -> None:
    with bureau.database.write() as session:
        session.execute(schema.quarantine.delete())
        run = put_run(session, district.source, bureau.now)
    said = words(bureau.signed_in().read(f"/admin/runs/{run}/errors"))
    assert "Nothing was wrong in this run." in said
    assert "Retry these" not in said


def test_more_problems_than_are_kept_are_counted(
    bureau: Office, district: District
) -> None:
    with bureau.database.write() as session:
        run = put_run(
            session,
            district.source,
            bureau.now - timedelta(hours=1),
            problem_counts={"odd": 5000},
        )
        put(
            session,
            schema.run_problem,
            run_id=run,
            collection="users",
            place="/users",
            code="odd",
            text="holds <b>something</b> odd",
        )
    page = bureau.signed_in().read(f"/admin/runs/{run}/errors")
    assert "There were 5,000 problems in all; the first 1 are listed." in words(page)
    assert "Users : holds <b>something</b> odd" in words(page)
    assert "<b>something" not in page


def test_the_problems_download_with_the_same_columns(
    bureau: Office, district: District
) -> None:
    visitor = bureau.signed_in()
    answer = visitor.client.get(f"/admin/runs/{district.done}/errors.csv")
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(lines) == 140
    assert lines[0] == {
        "place": "enrollments.csv line 2",
        "sourcedId": "enr-lost-0",
        "type": "enrollments",
        "field": "userSourcedId",
        "value": "us…17 (8)",
        "code": "dangling",
        "level": "error",
        "what": "names a user that was not sent",
        "rule": "Every reference leads to a record of the same source.",
        "fix": "Send the record it names, or remove the reference. The record is held "
        "aside and taken as soon as the one it names arrives.",
        "firstSeen": "2026-11-15T12:00:00+00:00",
    }
