"""A pull brings what the SIS holds, once, and never more harm than a person allows."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.errors import BusyError, ConfigError, SyncError
from lti_tool.storage import schema, sources
from lti_tool.work.feeds import BundleFeed
from lti_tool.work.pulse import Pulse
from lti_tool.work.roster import SyncReport
from oneroster.models import AcademicSession, Org, Role, refer

if TYPE_CHECKING:
    from tests.lti_tool.sync.conftest import Host, OpenFeed, Provider, Sis

HASH = re.compile("[0-9a-f]{16}")
MOVED = {
    "orgs": 1,
    "academicSessions": 1,
    "courses": 1,
    "classes": 2,
    "users": 4,
    "demographics": 0,
    "enrollments": 5,
    "categories": 1,
    "lineItems": 2,
    "results": 4,
}


def moves(report: SyncReport) -> dict[str, tuple[int, int, int]]:
    """The collections a plan moves: adds, changes, ends."""
    return {
        name: (one.adds, one.changes, one.ends)
        for name, one in report.plan.items()
        if one.adds or one.changes or one.ends
    }


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# --- the same facts, whichever way they come ---------------------------------------


def test_a_first_pull_adds_everything(sis: Sis) -> None:
    report = sis.sync()
    assert report.status == "applied"
    assert moves(report) == {name: (n, 0, 0) for name, n in MOVED.items() if n}
    assert HASH.fullmatch(report.plan_hash)
    assert (report.is_nothing, report.text, dict(report.problems)) == (False, "", {})


def test_a_service_and_a_bundle_give_the_same_rows(
    sis: Sis, host: Host, provider: Provider, rest_feed: OpenFeed
) -> None:
    other = sis.add_source("other")
    url = host(provider(sis))
    sis.sync()
    sis.pull(lambda: rest_feed(url), source_id=other)
    assert sis.facts(other) == sis.facts(sis.source_id)
    assert len(sis.facts(other)["score"]) == 4


@pytest.mark.parametrize("way", ["bundle", "service"])
def test_the_same_pull_again_changes_nothing_and_says_so(
    sis: Sis,
    host: Host,
    provider: Provider,
    rest_feed: OpenFeed,
    way: str,
) -> None:
    bundle, url = sis.bundle(), host(provider(sis))
    ways = {"bundle": lambda: BundleFeed(bundle), "service": lambda: rest_feed(url)}
    sis.pull(ways[way])
    before = sis.contents()
    report = sis.pull(ways[way], at=sis.later(60))
    assert (report.status, report.is_nothing, report.written, report.text) == (
        "applied",
        True,
        0,
        "nothing changed",
    )
    assert sis.contents() == before


@pytest.mark.parametrize(
    ("collection", "sourced_id", "fields"),
    [
        ("users", "2", {"given_name": "Zoë"}),
        ("results", "r3", {"score": 8.0}),
        ("results", "r3", {"late": True}),
        ("classes", "b", {"title": "Renamed"}),
        ("lineItems", "w1", {"result_value_max": 20.0}),
    ],
)
def test_a_changed_field_changes_just_its_record(
    sis: Sis, collection: str, sourced_id: str, fields: dict[str, Any]
) -> None:
    sis.begin()
    before = sis.facts(sis.source_id)
    sis.change(collection, sourced_id, **fields)
    report = sis.sync()
    assert moves(report) == {collection: (0, 1, 0)}
    after = sis.facts(sis.source_id)
    differing = {
        name: (len(set(map(repr, before[name])) - set(map(repr, after[name]))))
        for name in before
        if before[name] != after[name]
    }
    assert list(differing.values()) == [1]


def test_a_record_that_was_only_touched_has_not_changed(sis: Sis) -> None:
    sis.sync(sis.bundle(delta=True))
    sis.change("users", "1", date_last_modified=sis.later(5))
    assert sis.sync(sis.bundle(delta=True)).is_nothing


# --- what is gone ends, it is never deleted ------------------------------------------


def test_what_vanished_from_a_whole_pull_ends_and_stays(sis: Sis) -> None:
    sis.begin()
    sis.drop("users", "3")
    sis.drop("enrollments", "3@a")
    report = sis.sync()
    assert moves(report) == {"users": (0, 0, 1), "enrollments": (0, 0, 1)}
    assert ("3", "ended") in sis.rows(schema.sis_user, "sourced_id", "status")
    assert ("3@a", "ended") in sis.rows(schema.enrollment, "sourced_id", "status")
    assert len(sis.rows(schema.person, "id")) == 4
    assert sis.rows(schema.seat, "role", "status").count(("learner", "ended")) == 1


def test_what_is_absent_from_a_delta_stays(sis: Sis) -> None:
    sis.begin()
    sis.records["users"] = [sis.user("9")]
    sis.records["enrollments"] = []
    assert moves(sis.sync(sis.bundle(delta=True))) == {"users": (1, 0, 0)}


def test_what_the_sis_calls_deleted_ends(sis: Sis) -> None:
    sis.begin()
    sis.change("results", "r2", status="tobedeleted")
    report = sis.sync(sis.bundle(delta=True))
    assert moves(report) == {"results": (0, 0, 1)}
    assert ("r2", 9.0, "ended") in sis.rows(
        schema.score, "sourced_id", "given", "status"
    )
    assert sis.sync(sis.bundle(delta=True)).is_nothing


def test_what_ended_may_come_back_as_the_same_person(sis: Sis) -> None:
    sis.begin()
    people = sis.rows(schema.sis_user, "sourced_id", "person_id")
    gone = sis.records["enrollments"][2], sis.records["users"][2]
    sis.drop("users", "3")
    sis.drop("enrollments", "3@a")
    sis.sync()
    sis.put("enrollments", gone[0])
    sis.put("users", gone[1])
    assert moves(sis.sync()) == {"users": (1, 0, 0), "enrollments": (1, 0, 0)}
    assert sis.rows(schema.sis_user, "sourced_id", "person_id") == people
    assert {s for (s,) in sis.rows(schema.seat, "status")} == {"active"}


# --- more than a person would expect waits for one -----------------------------------


def lose(sis: Sis, count: int) -> None:
    keys = [f"s{number:03}" for number in range(count)]
    sis.drop("users", *keys)
    sis.drop("enrollments", *(f"{key}@a" for key in keys))


@pytest.mark.parametrize(
    ("crowd", "lost", "status"),
    [
        (36, 10, "applied"),
        (36, 11, "held"),
        (296, 15, "applied"),
        (296, 16, "held"),
    ],
)
def test_more_ends_than_ten_and_five_percent_are_held(
    sis: Sis, crowd: int, lost: int, status: str
) -> None:
    sis.crowd(crowd)
    sis.sync()
    before = sis.contents()
    lose(sis, lost)
    report = sis.sync()
    assert report.status == status
    assert (sis.contents() == before) == (status == "held")
    if status == "held":
        now = crowd + 4
        assert report.text == (
            f"{lost} of {now} users would end; "
            f"{lost} of {now + 1} enrollments would end"
        )
        assert sis.runs()[0]["plan"]["users"] == {
            "now": now,
            "adds": 0,
            "changes": 0,
            "ends": lost,
        }


@pytest.mark.parametrize("delta", [False, True])
def test_a_collection_never_ends_to_zero_unasked(sis: Sis, *, delta: bool) -> None:
    sis.begin()
    if delta:
        for one in list(sis.records["results"]):
            sis.change("results", one.sourced_id, status="tobedeleted")
    path = sis.bundle(delta=delta)
    if not delta:
        results = path / "results.csv"
        header = results.read_text(encoding="utf-8").splitlines()[0]
        results.write_text(header + "\r\n", encoding="utf-8")
    report = sis.sync(path)
    told = "4 of 4 results would end" + ("" if delta else ": the source sent none")
    assert (report.status, report.text) == ("held", told)


def test_a_held_plan_is_applied_by_its_hash_and_by_no_other(sis: Sis) -> None:
    sis.crowd(36)
    sis.sync()
    lose(sis, 20)
    path = sis.bundle()
    held = sis.sync(path)
    before = sis.contents()
    wrong = sis.sync(path, accept="0123456789abcdef")
    assert (wrong.status, wrong.plan_hash) == ("held", held.plan_hash)
    assert wrong.text == f"{held.text}; the plan is no longer 0123456789abcdef"
    assert sis.contents() == before
    assert sis.sync(path, accept=held.plan_hash).status == "applied"
    assert sis.rows(schema.sis_user, "status").count(("ended",)) == 20


def test_a_yes_does_not_hold_for_another_plan(sis: Sis) -> None:
    sis.crowd(36)
    sis.sync()
    lose(sis, 20)
    held = sis.sync()
    lose(sis, 21)
    assert sis.sync(accept=held.plan_hash).status == "held"


def test_a_yes_lapses_after_a_day(sis: Sis) -> None:
    sis.crowd(36)
    sis.sync()
    lose(sis, 20)
    path = sis.bundle()
    held = sis.sync(path)
    late = sis.sync(path, accept=held.plan_hash, at=sis.later(24 * 3600 + 1))
    assert late.status == "held"
    assert late.text.endswith(
        f"plan {held.plan_hash} was not shown within the last day"
    )
    # It was shown by that, so now it may be said yes to.
    again = sis.sync(path, accept=held.plan_hash, at=sis.later(24 * 3600 + 2))
    assert again.status == "applied"


def test_a_plan_of_a_dry_run_may_be_accepted(sis: Sis) -> None:
    sis.crowd(36)
    sis.sync()
    lose(sis, 20)
    path = sis.bundle()
    shown = sis.sync(path, is_dry_run=True)
    assert sis.sync(path, accept=shown.plan_hash).status == "applied"


def test_every_end_may_be_accepted_at_once(sis: Sis) -> None:
    sis.crowd(36)
    sis.sync()
    lose(sis, 36)
    assert sis.sync(accept_ends=True).status == "applied"


def test_new_ids_for_everybody_are_held_and_named(sis: Sis) -> None:
    sis.records["users"] = [sis.user(f"old{n}", identifier=f"n{n}") for n in range(30)]
    sis.records["enrollments"] = [sis.enrollment(f"old{n}", "a") for n in range(30)]
    sis.records["results"] = [sis.result("r1", "w1", "old1", 3.0)]
    sis.sync()
    sis.records["users"] = [sis.user(f"new{n}", identifier=f"n{n}") for n in range(30)]
    report = sis.sync()
    assert report.status == "held"
    assert report.text == (
        "30 of 30 users would end; 30 of those users come again under another "
        "sourcedId with the same identifier: the SIS may have changed its ids; have "
        "them re-keyed by that identifier instead of ended"
    )


def test_many_students_who_become_staff_are_held(sis: Sis) -> None:
    sis.crowd(20)
    sis.sync()
    teaches = (Role(role="teacher", org=refer("org", "school")),)
    for number in range(3):
        sis.change("users", f"s00{number}", roles=teaches)
        sis.change("enrollments", f"s00{number}@a", role="teacher")
    assert sis.sync().status == "applied"
    for number in range(4, 8):
        sis.change("users", f"s00{number}", roles=teaches)
        sis.change("enrollments", f"s00{number}@a", role="teacher")
    report = sis.sync()
    assert (report.status, report.text) == (
        "held",
        "4 of 24 users would become staff; 4 of 25 enrollments would become staff",
    )


def test_a_dry_run_tells_the_plan_and_changes_nothing(sis: Sis) -> None:
    before = sis.contents()
    report = sis.sync(is_dry_run=True)
    assert (report.status, report.text) == (
        "planned",
        "a dry run: nothing was changed",
    )
    assert moves(report) == {name: (n, 0, 0) for name, n in MOVED.items() if n}
    assert sis.contents() == before
    assert sis.sync().plan_hash == report.plan_hash


# --- rows that cannot be taken -------------------------------------------------------


def test_equal_duplicates_count_once(sis: Sis) -> None:
    path = sis.bundle()
    lines = (path / "users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (path / "users.csv").write_text("".join([*lines, lines[-1]]), encoding="utf-8")
    report = sis.sync(path)
    assert (report.status, dict(report.problems)) == ("applied", {"duplicate": 1})
    assert len(sis.rows(schema.sis_user, "id")) == 4


def test_a_score_above_the_maximum_is_kept_and_told(sis: Sis) -> None:
    """By the maximum of the work as it was sent, or as it is held where it was not."""
    sis.begin()
    sis.change("results", "r3", score=10.0)
    assert not sis.sync().problems
    sis.change("results", "r3", score=12.5)
    for path in (sis.bundle(delta=True), sis.bundle()):
        if path.name.endswith("2"):
            (path / "lineItems.csv").unlink(missing_ok=True)
        report = sis.sync(path)
        assert (report.status, dict(report.problems)) == (
            "applied",
            {"over_maximum": 1},
        )
    assert ("r3", 12.5) in sis.rows(schema.score, "sourced_id", "given")
    told = sis.rows(schema.run_problem, "sourced_id", "level", "field", "value", "text")
    text = 'results "r3" gives more points than its work has; it counts as all of them'
    assert set(told) == {("r3", "warning", "given", "12.5 of 10", text)}
    sis.change("lineItems", "w1", result_value_max=20.0)
    assert not sis.sync().problems


def test_differing_duplicates_are_refused_and_the_live_row_stays(sis: Sis) -> None:
    sis.begin()
    sis.change("results", "r3", score=1.0)
    path = sis.bundle()
    lines = (path / "results.csv").read_text("utf-8").splitlines(keepends=True)
    twin = next(line for line in lines if line.startswith("r3,"))
    assert ",1," in twin
    lines.append(twin.replace(",1,", ",2,"))
    (path / "results.csv").write_text("".join(lines), encoding="utf-8")
    report = sis.sync(path)
    assert report.status == "applied_with_rejects"
    assert dict(report.problems) == {"conflict": 2}
    assert moves(report) == {}
    assert ("r3", 7.0, "active") in sis.rows(
        schema.score, "sourced_id", "given", "status"
    )
    with sis.database.read() as session:
        told = sources.load_run(session, report.run_id)["rows"]
    assert [row["text"] for row in told] == [
        'results "r3" was sent twice with different values; the SIS must send it once'
    ] * 2


def test_a_record_both_kept_and_deleted_is_a_conflict(sis: Sis) -> None:
    sis.begin()
    path = sis.bundle(delta=True)
    lines = (path / "results.csv").read_text("utf-8").splitlines(keepends=True)
    twin = next(line for line in lines if line.startswith("r3,"))
    lines.append(twin.replace(",active,", ",tobedeleted,"))
    (path / "results.csv").write_text("".join(lines), encoding="utf-8")
    assert dict(sis.sync(path).problems) == {"conflict": 2}
    assert ("r3", "active") in sis.rows(schema.score, "sourced_id", "status")


def test_dangling_references_are_held_aside_and_taken_once_they_lead(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"), sis.enrollment("1", "z"))
    sis.put("results", sis.result("r9", "w9", "1", 1.0))
    report = sis.sync()
    assert report.status == "applied_with_rejects"
    assert dict(report.problems) == {"dangling": 3}
    with sis.database.read() as session:
        told = sources.load_run(session, report.run_id)["rows"]
    assert [(row["collection"], row["field"], row["text"]) for row in told][:1] == [
        (
            "enrollments",
            "user_sourced_id",
            (
                'enrollments "9@a": user_sourced_id names a record that was not sent; '
                "send that record too, or remove the reference"
            ),
        )
    ]
    sis.put("users", sis.user("9"))
    sis.put("classes", sis.group("z"))
    sis.put("lineItems", sis.line_item("w9", "z"))
    again = sis.sync()
    assert (again.status, dict(again.problems)) == ("applied", {})
    assert len(sis.rows(schema.seat, "id")) == 7


def test_what_hangs_on_a_refused_class_is_refused_with_it(sis: Sis) -> None:
    sis.drop("courses", "math")
    sis.records["courses"] = []
    report = sis.sync()
    # 2 classes, 5 enrollments, 2 line items, 4 results
    assert dict(report.problems) == {"dangling": 13}
    assert len(sis.rows(schema.person, "id")) == 4


def test_a_rejected_row_does_not_end_the_live_one(sis: Sis) -> None:
    sis.begin()
    path = sis.bundle()
    edit(path / "results.csv", ",7,", ",seven,")
    report = sis.sync(path)
    assert (report.status, moves(report)) == ("applied_with_rejects", {})
    assert ("r3", 7.0, "active") in sis.rows(
        schema.score, "sourced_id", "given", "status"
    )


def test_a_rejected_row_without_an_id_lets_nothing_end(sis: Sis) -> None:
    sis.begin()
    path = sis.bundle()
    lines = (path / "results.csv").read_text("utf-8").splitlines(keepends=True)
    lines = [
        line.replace("r3,", ",", 1) if line[:3] == "r3," else line for line in lines
    ]
    (path / "results.csv").write_text("".join(lines), encoding="utf-8")
    report = sis.sync(path)
    assert (moves(report), report.problems["ends_withheld"]) == ({}, 1)
    assert ("r3", "active") in sis.rows(schema.score, "sourced_id", "status")


def test_a_role_of_somebody_who_left_does_not_keep_him(sis: Sis) -> None:
    sis.begin()
    path = sis.bundle()
    for name in ("users.csv", "enrollments.csv"):
        lines = (path / name).read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("3")]
        (path / name).write_text("".join(kept), encoding="utf-8")
    report = sis.sync(path)
    assert moves(report) == {"users": (0, 0, 1), "enrollments": (0, 0, 1)}
    assert dict(report.problems) == {"orphan": 1}


def test_a_text_too_long_for_us_rejects_its_record_alone(sis: Sis) -> None:
    sis.begin()
    sis.change("users", "2", identifier="x" * 256)
    sis.put("users", sis.user("y" * 300), sis.user("8"))
    report = sis.sync()
    assert dict(report.problems) == {"too_long": 2}
    assert moves(report) == {"users": (1, 0, 0)}
    with sis.database.read() as session:
        told = sources.load_run(session, report.run_id)["rows"]
    assert {(row["sourced_id"], row["field"]) for row in told} == {
        ("2", "identifier"),
        ("y" * 255, "sourced_id"),
    }


def test_orgs_that_are_their_own_ancestors_are_refused(sis: Sis) -> None:
    def org(key: str, parent: str) -> Org:
        fields = {"name": key, "type": "district", "identifier": key}
        return Org(
            sourced_id=key, status="active", parent=refer("org", parent), **fields
        )

    sis.put("orgs", org("a", "b"), org("b", "c"), org("c", "a"), org("d", "a"))
    sis.put("orgs", org("self", "self"), org("e", "nowhere"))
    term = {"title": "T", "type": "term", "school_year": "2027"}
    days = {"start_date": date(2026, 8, 1), "end_date": date(2026, 12, 1)}
    sis.put(
        "academicSessions",
        AcademicSession(
            sourced_id="t",
            status="active",
            parent=refer("academicSession", "t"),
            **term,
            **days,
        ),
    )
    report = sis.sync()
    assert dict(report.problems) == {"cycle": 5}
    orgs = {key for (key,) in sis.rows(schema.org, "sourced_id")}
    assert orgs == {"school", "d", "e"}


# --- runs ---------------------------------------------------------------------------


def test_a_second_run_of_the_same_source_is_refused(sis: Sis) -> None:
    path = sis.bundle()

    def open_feed() -> BundleFeed:
        with pytest.raises(BusyError) as caught:
            sis.sync(path)
        assert str(caught.value) == (
            "another run of this source is going on; masterybridge runs list shows it"
        )
        return BundleFeed(path)

    assert sis.pull(open_feed).status == "applied"
    assert [run["status"] for run in sis.runs()] == ["applied"]


def test_another_source_may_run_at_the_same_time(sis: Sis) -> None:
    path, other = sis.bundle(), sis.add_source("other")

    def open_feed() -> BundleFeed:
        sis.pull(lambda: BundleFeed(path), source_id=other)
        return BundleFeed(path)

    assert sis.pull(open_feed).status == "applied"


def test_a_run_whose_worker_died_is_closed_and_the_next_goes(sis: Sis) -> None:
    with sis.database.write() as session:
        sources.open_run(session, sis.source_id, "schedule", sis.now)
    with pytest.raises(BusyError):
        sis.sync(at=sis.later(59))
    assert sis.sync(at=sis.later(61)).status == "applied"
    assert [(run["status"], run["text"]) for run in sis.runs()] == [
        ("applied", ""),
        ("failed", "stopped in the middle; nothing of it was kept"),
    ]


def test_a_run_that_stood_still_and_was_overtaken_writes_nothing(sis: Sis) -> None:
    path = sis.bundle()
    sis.change("users", "1", given_name="Newer")
    newer = sis.bundle()
    told = []

    def open_feed() -> BundleFeed:
        sis.sync(newer, at=sis.later(61))
        told.append(sis.contents())
        return BundleFeed(path)

    with pytest.raises(SyncError) as caught:
        sis.pull(open_feed)
    assert str(caught.value) == (
        "another run took over while this one stood still; nothing of this one was "
        "kept, look at the newest run"
    )
    assert caught.value.code == "lost_lease"
    assert sis.contents() == told[0]
    assert [run["status"] for run in sis.runs()] == ["applied", "failed"]


def test_a_run_that_waits_long_stays_alive(sis: Sis) -> None:
    with sis.database.write() as session:
        run_id = sources.open_run(session, sis.source_id, "by_hand", sis.now)
    beats = []

    def beat() -> None:
        beats.append(1)
        sources.keep_run(sis.database, run_id, sis.later(30 * len(beats)))

    with Pulse(beat, seconds=0.01):
        while len(beats) < 3:
            pass
    with pytest.raises(BusyError):
        sis.sync(at=sis.later(100))


def test_a_source_that_brought_records_stays(sis: Sis) -> None:
    sis.begin()
    expected = (
        'source "sis" has brought 1 orgs; evidence hangs on what it brought, so it '
        "stays. Stop syncing it instead"
    )
    with (
        pytest.raises(ConfigError, match=f"^{re.escape(expected)}$"),
        sis.database.write() as session,
    ):
        sources.remove_source(session, "sis")


def test_demographics_are_pulled_for_a_reason_only(sis: Sis) -> None:
    path = sis.bundle()
    edit(path / "manifest.csv", "file.demographics,absent", "file.demographics,bulk")
    (path / "demographics.csv").write_text(
        "sourcedId,status,dateLastModified,birthDate,sex\r\n1,,,2013-01-02,female\r\n",
        encoding="utf-8",
    )
    sis.sync(path)
    assert sis.rows(schema.demographics, "sourced_id") == []
    sis.sync(path, demographics_reason="equity report of the district")
    assert sis.rows(schema.demographics, "sourced_id", "facts") == [
        ("1", {"birthDate": "2013-01-02", "sex": "female"})
    ]
    # Without the reason the next pull leaves them as they are.
    assert sis.sync(path).is_nothing


# --- people, courses, seats and links ----------------------------------------------


def seats(sis: Sis) -> set[tuple[str, str, str, str]]:
    """Who sits where: given name, course title, role, status."""
    given = dict(sis.rows(schema.person, "id", "given_name"))
    title = dict(sis.rows(schema.course, "id", "title"))
    return {
        (given[person].removeprefix("Given "), title[course], role, status)
        for person, course, role, status in sis.rows(
            schema.seat, "person_id", "course_id", "role", "status"
        )
    }


def test_seats_follow_the_enrollments(sis: Sis) -> None:
    sis.begin()
    assert seats(sis) == {
        ("1", "Class a", "learner", "active"),
        ("2", "Class a", "learner", "active"),
        ("3", "Class a", "learner", "active"),
        ("1", "Class b", "learner", "active"),
        ("t", "Class a", "instructor", "active"),
    }


@pytest.mark.parametrize(
    ("begins", "ends", "sits"),
    [
        (None, None, True),
        (date(2026, 11, 24), None, True),
        (date(2026, 11, 25), None, False),
        (None, date(2026, 11, 25), True),
        (None, date(2026, 11, 24), False),  # the end date is exclusive
        (date(2026, 9, 1), date(2026, 12, 1), True),
    ],
)
def test_a_seat_lasts_from_its_first_day_until_before_its_last(
    sis: Sis, begins: date | None, ends: date | None, *, sits: bool
) -> None:
    sis.change("enrollments", "2@a", begin_date=begins, end_date=ends)
    sis.sync()
    assert (("2", "Class a", "learner", "active") in seats(sis)) == sits


def test_a_seat_ends_on_its_day_though_the_sis_sends_nothing_new(sis: Sis) -> None:
    sis.change("enrollments", "2@a", end_date=date(2026, 11, 25))
    path = sis.bundle()
    sis.sync(path)
    report = sis.sync(path, at=sis.later(24 * 3600))
    assert (report.is_nothing, report.written) == (True, 1)
    assert ("2", "Class a", "learner", "ended") in seats(sis)


def test_a_changed_role_ends_the_old_seat(sis: Sis) -> None:
    sis.begin()
    sis.change("enrollments", "3@a", role="teacher")
    sis.sync()
    assert {one for one in seats(sis) if one[0] == "3"} == {
        ("3", "Class a", "learner", "ended"),
        ("3", "Class a", "instructor", "active"),
    }


def test_a_role_of_another_vocabulary_gives_no_seat(sis: Sis) -> None:
    sis.change("enrollments", "3@a", role="ext:mascot")
    sis.sync()
    assert {one for one in seats(sis) if one[0] == "3"} == set()


def test_the_end_of_a_class_ends_its_course_and_seats(sis: Sis) -> None:
    sis.begin()
    sis.change("classes", "b", status="tobedeleted")
    sis.sync(sis.bundle(delta=True))
    assert ("1", "Class b", "learner", "ended") in seats(sis)
    assert sis.rows(schema.course, "title", "status") == [
        ("Class a", "active"),
        ("Class b", "ended"),
    ]


def test_two_sourced_ids_of_one_identifier_stay_two_people(sis: Sis) -> None:
    sis.put("users", sis.user("1x", identifier="777", email="same@school.example"))
    sis.change("users", "1", identifier="777", email="same@school.example")
    sis.sync()
    people = {person for (person,) in sis.rows(schema.sis_user, "person_id")}
    assert len(people) == 5


def test_a_person_goes_by_the_preferred_name(sis: Sis) -> None:
    sis.change("users", "1", preferred_first_name="Ana", preferred_last_name="Li")
    sis.change("users", "2", family_name="")
    sis.sync()
    names = sis.rows(schema.person, "given_name", "family_name", "display_name")
    assert ("Ana", "Li", "Ana Li") in names
    assert ("Given 2", "", "Given 2") in names


@pytest.mark.parametrize(
    ("title", "code", "shown"),
    [("Algebra", "A1", "Algebra"), (" ", "A1", "A1"), ("", None, "b")],
)
def test_a_class_without_a_title_goes_by_its_code(
    sis: Sis, title: str, code: str | None, shown: str
) -> None:
    sis.change("classes", "b", title=title, class_code=code)
    sis.sync()
    assert {name for (name,) in sis.rows(schema.course, "title")} == {"Class a", shown}


def test_scores_find_their_work_and_person_retakes_each_for_itself(sis: Sis) -> None:
    sis.begin()
    given = dict(sis.rows(schema.person, "id", "given_name"))
    title = dict(sis.rows(schema.assignment, "id", "title"))
    courses = dict(sis.rows(schema.course, "id", "title"))
    assert [
        (title[work], given[person], score)
        for person, work, score in sis.rows(
            schema.score, "person_id", "assignment_id", "given"
        )
    ] == [
        ("Work w1", "Given 1", 4.0),
        ("Work w1", "Given 1", 9.0),
        ("Work w2", "Given 1", 5.0),
        ("Work w1", "Given 2", 7.0),
    ]
    assert [
        (work, courses[course])
        for work, course in sis.rows(schema.assignment, "title", "course_id")
    ] == [("Work w1", "Class a"), ("Work w2", "Class b")]


def test_a_moved_score_and_line_item_are_linked_anew(sis: Sis) -> None:
    sis.begin()
    sis.change("results", "r3", student=refer("student", "3"))
    sis.change("lineItems", "w2", class_=refer("class", "a"))
    sis.sync()
    people = dict(sis.rows(schema.sis_user, "sourced_id", "person_id"))
    owners = dict(sis.rows(schema.score, "sourced_id", "person_id"))
    assert owners["r3"] == people["3"]
    assert len({course for (course,) in sis.rows(schema.assignment, "course_id")}) == 1


def test_two_sources_do_not_touch_each_other(sis: Sis) -> None:
    path, other = sis.bundle(), sis.add_source("other")
    sis.sync(path)
    sis.pull(lambda: BundleFeed(path), source_id=other)
    sis.drop("users", "3")
    sis.drop("enrollments", "3@a")
    sis.sync()
    assert {row[-1] for row in sis.rows(schema.sis_user, "sourced_id", "status")} == {
        "active",
        "ended",
    }
    assert (
        sis.rows(schema.sis_user, "source_id", "status").count((other, "active"))
        == len(sis.records["users"]) + 1
    )
    assert len(sis.rows(schema.course, "id")) == 4
