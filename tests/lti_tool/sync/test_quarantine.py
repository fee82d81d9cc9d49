"""Records that name one we do not have: held aside, and taken when it comes."""

from __future__ import annotations

from typing import Any

from lti_tool.storage import quarantines, schema
from lti_tool.work import retries
from oneroster.auth import ClientCredentials
from oneroster.client import Client
from oneroster.service import Service
from tests.lti_tool.sync.conftest import Host, OpenFeed, Provider, Sis

DAY = 86400


def held_aside(sis: Sis) -> list[dict[str, Any]]:
    with sis.database.read() as session:
        return quarantines.load_open(session, sis.source_id)


def client_of(url: str) -> Client:
    service = Service.at(url, "1.2")
    names = ("roster-core.readonly", "roster.readonly", "gradebook.readonly")
    scope = service.dialect.scope(*names)
    auth = ClientCredentials(f"{url}/oauth2/token", "us", "word", scope=scope)
    return Client(service, auth=auth)


def seated(sis: Sis) -> set[str]:
    rows = sis.rows(schema.enrollment, "sourced_id", "status")
    return {key for key, status in rows if status == "active"}


def test_a_record_that_names_nobody_is_held_aside_with_what_it_names(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    report = sis.sync()
    assert (report.status, dict(report.problems)) == (
        "applied_with_rejects",
        {"dangling": 1},
    )
    (row,) = held_aside(sis)
    assert (row["collection"], row["sourced_id"]) == ("enrollments", "9@a")
    assert (row["field"], row["names"]) == ("user_sourced_id", "9")
    assert row["first_seen_at"] == row["seen_at"] == sis.now
    problem = sis.rows(schema.run_problem, "sourced_id", "code", "level", "value")
    assert problem == [("9@a", "dangling", "error", "9")]
    assert sis.rows(schema.run_problem, "place") == [("enrollments.csv line 7",)]


def test_since_when_it_waits_is_kept(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    sis.sync()
    later = sis.sync(at=sis.later(DAY))
    (row,) = held_aside(sis)
    assert row["run_id"] == later.run_id
    assert (row["first_seen_at"], row["seen_at"]) == (sis.now, sis.later(DAY))


def test_it_is_taken_by_a_delta_that_brings_whom_it_names_alone(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    sis.put("results", sis.result("r9", "w1", "9", 8.0))
    sis.sync()
    assert len(held_aside(sis)) == 2
    whole, sis.records = sis.records, {"users": [sis.user("9")]}
    report = sis.sync(sis.bundle(delta=True), at=sis.later(DAY))
    assert report.status == "applied"
    assert "9@a" in seated(sis)
    assert ("r9",) in sis.rows(schema.score, "sourced_id")
    assert held_aside(sis) == []
    settled = sis.rows(schema.quarantine, "sourced_id", "settled_at")
    assert settled == [("9@a", sis.later(DAY)), ("r9", sis.later(DAY))]
    # What was staged from there is what the SIS itself would have sent.
    sis.records = {**whole, "users": [*whole["users"], sis.user("9")]}
    assert sis.sync(at=sis.later(2 * DAY)).written == 0


def test_it_waits_on_in_a_delta_that_does_not_bring_whom_it_names(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    sis.sync()
    sis.records = {"users": [sis.user("8")]}
    report = sis.sync(sis.bundle(delta=True), at=sis.later(DAY))
    assert dict(report.problems) == {"dangling": 1}
    assert [row["first_seen_at"] for row in held_aside(sis)] == [sis.now]


def test_it_is_forgotten_when_the_sis_sends_it_no_more(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    sis.sync()
    sis.drop("enrollments", "9@a")
    assert sis.sync().status == "applied"
    assert held_aside(sis) == []


def test_one_that_waits_again_is_first_seen_then(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    sis.sync()
    sis.drop("enrollments", "9@a")
    sis.sync()
    sis.put("enrollments", sis.enrollment("9", "a"))
    sis.sync(at=sis.later(DAY))
    assert [row["first_seen_at"] for row in held_aside(sis)] == [sis.later(DAY)]


def test_a_plan_that_waits_holds_nothing_aside(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    sis.sync(is_dry_run=True)
    assert held_aside(sis) == []


def test_what_hangs_on_a_record_held_aside_waits_with_it(sis: Sis) -> None:
    stray = sis.group("c").model_copy(
        update={"school": sis.group("c").school.model_copy(update={"sourced_id": "x"})}
    )
    sis.put("classes", stray)
    sis.put("enrollments", sis.enrollment("1", "c"))
    assert dict(sis.sync().problems) == {"dangling": 2}
    assert [row["names"] for row in held_aside(sis)] == ["x", "c"]


def test_a_service_is_asked_for_the_records_held_aside_alone(
    sis: Sis, host: Host, provider: Provider, rest_feed: OpenFeed
) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    url = host(provider(sis))
    report = sis.pull(lambda: rest_feed(url))
    sis.put("users", sis.user("9"), sis.user("8"))
    fresh = host(provider(sis))
    with sis.database.read() as session:
        wanted = retries.picks(session, report.run_id)
    assert wanted.wanted == {"users": ("9",), "enrollments": ("9@a",)}
    client = client_of(fresh)
    again = sis.pull(
        lambda: retries.PickedObjects(client, wanted),
        trigger="retry",
        of_run_id=report.run_id,
    )
    assert (again.status, dict(again.counts)) == (
        "applied",
        dict.fromkeys(again.counts, 0) | {"users": 1, "enrollments": 1},
    )
    assert "9@a" in seated(sis)
    kinds = sis.rows(schema.run, "id", "kind", "of_run_id")
    assert kinds[-1] == (again.run_id, "retry", report.run_id)


def test_a_record_that_is_gone_is_told_of_and_waits_on(
    sis: Sis, host: Host, provider: Provider, rest_feed: OpenFeed
) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    url = host(provider(sis))
    report = sis.pull(lambda: rest_feed(url))
    with sis.database.read() as session:
        wanted = retries.picks(session, report.run_id)
    client = client_of(url)
    again = sis.pull(lambda: retries.PickedObjects(client, wanted), trigger="retry")
    assert dict(again.problems) == {"gone": 1, "dangling": 1}
    assert len(held_aside(sis)) == 1


def test_of_very_many_only_some_are_read_one_by_one(sis: Sis) -> None:
    sis.put("enrollments", *(sis.enrollment(f"9{n}", "a") for n in range(6)))
    report = sis.sync()
    with sis.database.read() as session:
        wanted = retries.picks(session, report.run_id, most=4)
    assert (sum(map(len, wanted.wanted.values())), wanted.left_out) == (4, 8)
