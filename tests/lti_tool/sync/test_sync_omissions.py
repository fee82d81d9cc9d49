"""What a delta says nothing of stays as we hold it, in files and over REST."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from lti_tool.storage import schema
from oneroster.models import LearningObjectives, Role, refer
from tests.lti_tool.sync.conftest import Host, OpenFeed, Provider, Sis

TEACHER = ("teacher", "school")
AIDE = ("aide", "school")


def a_role(role: str) -> Role:
    return Role(role=role, org=refer("org", "school"))


def roles(sis: Sis, user: str) -> list[tuple[str, str]]:
    held = dict(sis.rows(schema.sis_user, "sourced_id", "roles"))
    return [(one["role"], one["org"]) for one in held[user]]


def without(path: Path, name: str) -> Path:
    """Leave a file out of a bundle, and say so in its manifest."""
    (path / f"{name}.csv").unlink()
    manifest = path / "manifest.csv"
    text = manifest.read_text("utf-8")
    absent = text.replace(f"file.{name},delta", f"file.{name},absent")
    assert absent != text
    manifest.write_text(absent, "utf-8", newline="")
    return path


def rewrite(
    path: Path, name: str, keep: Callable[[dict[str, str]], dict[str, str] | None]
) -> Path:
    """Change the rows of a file of a bundle, or leave them out."""
    file = path / f"{name}.csv"
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(filter(None, map(keep, rows)))
    return path


def test_roles_stay_where_a_delta_has_no_file_of_roles(sis: Sis) -> None:
    sis.begin()
    before = sis.contents()["sis_user"]
    assert sis.sync(without(sis.bundle(delta=True), "roles")).is_nothing
    assert sis.contents()["sis_user"] == before
    sis.change("users", "t", given_name="Else")
    report = sis.sync(without(sis.bundle(delta=True), "roles"))
    assert (report.plan["users"].changes, dict(report.problems)) == (1, {})
    assert roles(sis, "t") == [TEACHER]
    assert sis.sync().is_nothing


def test_roles_stay_where_a_delta_repeats_none_of_them(sis: Sis) -> None:
    sis.begin()
    sis.change("users", "t", given_name="Else")
    path = rewrite(sis.bundle(delta=True), "roles", lambda _row: None)
    assert sis.sync(path).plan["users"].changes == 1
    assert roles(sis, "t") == [TEACHER]


def test_a_delta_adds_one_role_and_ends_another(sis: Sis) -> None:
    sis.begin()
    sis.change("users", "t", roles=(a_role("teacher"), a_role("aide")))

    def only_aide(row: dict[str, str]) -> dict[str, str] | None:
        return row if row["role"] == "aide" else None

    sis.sync(rewrite(sis.bundle(delta=True), "roles", only_aide))
    assert roles(sis, "t") == [TEACHER, AIDE]

    def without_teacher(row: dict[str, str]) -> dict[str, str] | None:
        is_gone = row["role"] == "teacher"
        return row | {"status": "tobedeleted"} if is_gone else None

    sis.sync(rewrite(sis.bundle(delta=True), "roles", without_teacher))
    assert roles(sis, "t") == [AIDE]


def only_roles(
    sis: Sis, keep: Callable[[dict[str, str]], dict[str, str] | None]
) -> Path:
    """A delta in which no user changed, only roles did."""
    path = rewrite(sis.bundle(delta=True), "users", lambda _row: None)
    return rewrite(path, "roles", keep)


@pytest.mark.parametrize("has_users", [True, False], ids=["users empty", "no users"])
def test_roles_alone_reach_the_user_we_hold(sis: Sis, *, has_users: bool) -> None:
    sis.begin()
    sis.change("users", "t", roles=(a_role("teacher"), a_role("aide")))
    path = only_roles(sis, lambda row: row if row["role"] == "aide" else None)
    report = sis.sync(path if has_users else without(path, "users"))
    assert (report.plan["users"].changes, dict(report.problems)) == (1, {})
    assert roles(sis, "t") == [TEACHER, AIDE]
    assert sis.sync().is_nothing

    def without_teacher(row: dict[str, str]) -> dict[str, str] | None:
        is_gone = (row["userSourcedId"], row["role"]) == ("t", "teacher")
        return row | {"status": "tobedeleted"} if is_gone else None

    sis.sync(only_roles(sis, without_teacher))
    assert roles(sis, "t") == [AIDE]
    sis.change("users", "t", roles=(a_role("aide"),))
    assert sis.sync().is_nothing


def test_roles_of_somebody_we_never_had_are_told(sis: Sis) -> None:
    sis.begin()

    def of_nobody(row: dict[str, str]) -> dict[str, str] | None:
        status = "active" if row["role"] == "teacher" else "tobedeleted"
        return row | {"userSourcedId": f"nobody-{status}", "status": status}

    report = sis.sync(only_roles(sis, of_nobody))
    assert report.is_nothing
    assert dict(report.problems) == {"orphan": 1}


def test_who_is_new_in_a_delta_has_the_roles_that_came(sis: Sis) -> None:
    sis.begin()
    sis.put("users", sis.user("9", roles=(a_role("aide"), a_role("proctor"))))

    def gone(row: dict[str, str]) -> dict[str, str]:
        is_gone = row["role"] == "proctor"
        return row | {"status": "tobedeleted"} if is_gone else row

    sis.sync(rewrite(sis.bundle(delta=True), "roles", gone))
    assert roles(sis, "9") == [AIDE]


def test_who_a_delta_deletes_keeps_the_roles(sis: Sis) -> None:
    sis.begin()
    sis.change("users", "3", status="tobedeleted")
    sis.sync(sis.bundle(delta=True))
    assert ("3", "ended") in sis.rows(schema.sis_user, "sourced_id", "status")
    assert roles(sis, "3") == [("student", "school")]


def test_objectives_stay_until_their_file_says_otherwise(sis: Sis) -> None:
    goal = LearningObjectives(source="case", learning_objective_ids=("k1",))
    sis.change("lineItems", "w1", learning_objective_set=(goal,))
    sis.sync()

    def goals() -> object:
        held = sis.rows(schema.assignment, "sourced_id", "learning_objectives")
        return dict(held)["w1"]

    assert goals() == [{"source": "case", "learningObjectiveIds": ["k1"]}]
    sis.change("lineItems", "w1", title="Other", learning_objective_set=())
    path = without(sis.bundle(delta=True), "lineItemLearningObjectiveIds")
    assert sis.sync(path).plan["lineItems"].changes == 1
    assert goals() == [{"source": "case", "learningObjectiveIds": ["k1"]}]
    assert sis.sync().plan["lineItems"].changes == 1
    assert goals() == []


def test_a_delta_over_rest_brings_the_roles_with_the_user(
    sis: Sis, provider: Provider, host: Host, rest_feed: OpenFeed
) -> None:
    before = host(provider(sis))
    sis.pull(lambda: rest_feed(before))
    with sis.database.write() as session:
        session.execute(update(schema.source).values(profile={"delta": True}))
    later = sis.later(3600)
    sis.change(
        "users",
        "t",
        roles=(a_role("aide"),),
        date_last_modified=later,
    )
    sis.change("users", "1", given_name="Else", date_last_modified=later)
    after = host(provider(sis))
    report = sis.pull(lambda: rest_feed(after), at=later)
    assert (report.kind, report.plan["users"].changes) == ("delta", 2)
    assert (roles(sis, "t"), roles(sis, "1")) == ([AIDE], [("student", "school")])
