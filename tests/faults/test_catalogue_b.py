"""Catalogue B: whatever a SIS sends, the run says so by its code and removes no one.

One test a case, in the order of the catalogue, each through the whole sync on SQLite
and on PostgreSQL, from a server on a real socket or files on disk.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from lti_tool.storage import schema, sources
from lti_tool.storage.database import Database
from tests.begun import Begun
from tests.faults.desk import REASON, Desk, Ended, rewritten
from tests.faults.papers import Papers
from tests.faults.sis import (
    HTML,
    JSON,
    Asked,
    Reply,
    Sis,
    course,
    edited,
    enrollment,
    make_rows,
    org,
    ref,
    says_total,
    serving,
    sis_class,
    user,
)
from tests.web.admin.conftest import Office, make_office

# A worker of its own, so that what it held at most can be asked of the system: of this
# program alone, where getrusage counts the one it was forked from too.
GREEDY = """
import re, sys
from datetime import UTC, datetime
from pathlib import Path
from lti_tool.storage.database import Database
from tests.faults.desk import Desk
from tests.faults.sis import Sis

database, url = Database(sys.argv[1]), sys.argv[2]
desk = Desk(database, Path(), Sis({}, url=url), datetime.now(UTC), name="greedy")
ended = desk.sync()
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(ended.code, peak[1])
"""
LOGIN_PAGE = Reply(200, b"<html>Sign in</html>", HTML)
BUSY = Reply(503, b"<h1>busy</h1>", HTML)
DENIED = Reply(401, b"{}", JSON)


@pytest.fixture
def sis() -> Iterator[Sis]:
    with serving(Sis(make_rows())) as sis:
        yield sis


@pytest.fixture
def desk(
    database: Database, tmp_path: Path, now: datetime, sis: Sis, begun: Begun
) -> Desk:
    """A source that was pulled once, so that there is something to lose."""
    desk = Desk(database, tmp_path, sis, now)
    desk.begin(begun)
    desk.now += timedelta(hours=1)
    sis.asked.clear()
    return desk


@pytest.fixture
def files(database: Database, tmp_path: Path, now: datetime, begun: Begun) -> Desk:
    """The same of files."""
    desk = Desk(database, tmp_path, Sis(make_rows()), now, kind="csv")
    desk.begin(begun)
    desk.now += timedelta(hours=1)
    return desk


def fails(desk: Desk, code: str, pull: Callable[[], Ended] | None = None) -> str:
    """Pull; it fails with this code, everything stays, and the run tells it."""
    before = desk.contents()
    ended = pull() if pull else desk.sync()
    assert ended.told == ("failed", code)
    assert desk.contents() == before
    newest = desk.newest()
    assert newest["status"] == "failed"
    assert newest["text"].startswith(f"{code}: ")
    return ended.text


def fails_files(desk: Desk, code: str, path: Path) -> str:
    return fails(desk, code, lambda: desk.sync_files(path))


def rejects(desk: Desk, **problems: int) -> Ended:
    """Pull; some records are left out by these codes, and no live row is lost."""
    before = desk.active()
    ended = desk.sync()
    assert (ended.status, dict(ended.problems)) == ("applied_with_rejects", problems)
    after = desk.active()
    assert {name: after[name] for name in before if after[name] < before[name]} == {}
    return ended


def keeps(ended: Ended, **problems: int) -> None:
    """A pull that went well but for these warnings, and changed nothing."""
    assert (ended.status, dict(ended.problems)) == ("applied", problems)
    assert ended.report is not None
    assert ended.report.is_nothing


def place(desk: Desk, table: Table, key: str, *names: str) -> tuple[Any, ...]:
    """Some columns of one live row."""
    rows = desk.rows(table, "sourced_id", *names)
    return next(row[1:] for row in rows if row[0] == key)


# --- REST: pages ----------------------------------------------------------------


def test_b01_a_page_that_is_no_json_fails_the_run(desk: Desk) -> None:
    desk.sis.play("classes", LOGIN_PAGE)
    fails(desk, "bad_json")


def test_b02_a_list_or_another_key_fails_the_run(desk: Desk) -> None:
    for body in ([], {"users": []}, {"classes": None}, {}, "classes"):
        desk.sis.plays.clear()
        desk.sis.play("classes", Reply(200, json.dumps(body).encode(), JSON))
        fails(desk, "bad_shape")


# --- REST: records --------------------------------------------------------------


def test_b03_a_user_without_sourced_id_is_left_out(desk: Desk) -> None:
    nameless: list[object] = [None, "", " ", {}, " s001 "]
    rows = [user("new") | {"sourcedId": sent} for sent in nameless]
    rows.append(user("new"))
    del rows[0]["sourcedId"]
    # Who stands in such a row cannot be told, so that nobody is gone for absence.
    desk.sis.drop("users", "s001")
    desk.sis.rows["users"] += rows
    rejects(desk, bad_id=5, ends_withheld=1)
    assert desk.status(schema.sis_user, "new") == "active"
    assert desk.status(schema.sis_user, "s001") == "active"
    desk.sis.rows["users"] = [r for r in desk.sis.rows["users"] if r not in rows[:4]]
    rejects(desk, bad_id=1, ends_withheld=1)
    assert desk.status(schema.sis_user, "s001") == "active"


def test_b04_an_unknown_status_is_never_read_as_deletion(desk: Desk) -> None:
    for number, sent in enumerate(["deleted", "", 5, None, "absent"]):
        found = desk.sis.find("users", f"s00{number}")
        found["status"] = sent
        if sent == "absent":
            del found["status"]
    rejects(desk, bad_status=5)
    for number in range(5):
        assert desk.status(schema.sis_user, f"s00{number}") == "active"


def test_b05_wrong_types_are_read_leniently_or_left_out(desk: Desk) -> None:
    desk.sis.find("users", "s001")["enabledUser"] = "yes"
    desk.sis.find("users", "s002")["enabledUser"] = False
    desk.sis.find("users", "s003")["enabledUser"] = "TRUE"
    desk.sis.find("users", "s004")["grades"] = "09"
    desk.sis.find("users", "s005")["grades"] = {"grade": "09"}
    rejects(desk, bad_value=2)
    assert place(desk, schema.sis_user, "s001", "is_enabled") == (True,)
    assert place(desk, schema.sis_user, "s002", "is_enabled") == (False,)
    assert place(desk, schema.sis_user, "s003", "is_enabled") == (True,)
    assert place(desk, schema.sis_user, "s004", "grades") == (["09"],)
    assert place(desk, schema.sis_user, "s005", "grades") == ([],)


def test_b06_a_bad_date_last_modified_is_a_warning(desk: Desk) -> None:
    never = "9999-12-31T00:00:00.000Z"
    desk.sis.find("users", "s001")["dateLastModified"] = "yesterday"
    desk.sis.rows["users"] += [
        user("new-1", dateLastModified="yesterday"),
        user("new-2", dateLastModified=never),
    ]
    ended = desk.sync()
    assert (ended.status, dict(ended.problems)) == (
        "applied",
        {"bad_date_last_modified": 3},
    )
    assert place(desk, schema.sis_user, "new-1", "modified_at") == (None,)
    assert place(desk, schema.sis_user, "new-2", "modified_at") == (None,)
    before = desk.active()
    # The next delta begins where that run began, not where those dates lie.
    began = desk.now
    desk.now += timedelta(hours=1)
    desk.change_source(profile={"delta": True})
    desk.sis.asked.clear()
    assert desk.sync().status == "applied"
    (asked,) = (one for one in desk.sis.asked if one.name == "users")
    moment = (began - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert asked.query["filter"] == f"dateLastModified>='{moment}'"
    assert desk.active() == before


def test_b07_an_enrollment_of_an_unknown_user_is_held_aside(desk: Desk) -> None:
    desk.sis.rows["enrollments"].append(enrollment("nobody", "a"))
    rejects(desk, dangling=1)
    assert desk.status(schema.enrollment, "nobody@a") is None
    desk.sis.rows["users"].append(user("nobody"))
    assert desk.sync().status == "applied"
    assert desk.status(schema.enrollment, "nobody@a") == "active"


def test_b08_an_enrollment_of_an_unknown_class_is_held_aside(desk: Desk) -> None:
    desk.sis.rows["enrollments"].append(enrollment("s001", "c"))
    rejects(desk, dangling=1)
    assert desk.status(schema.enrollment, "s001@c") is None
    desk.sis.rows["classes"].append(sis_class("c"))
    assert desk.sync().status == "applied"
    assert desk.status(schema.enrollment, "s001@c") == "active"


@pytest.mark.parametrize(
    "field",
    [
        {"course": ref("course", "unknown")},
        {"school": ref("org", "unknown")},
        {"terms": [ref("academicSession", "fall"), ref("academicSession", "unknown")]},
    ],
    ids=["course", "school", "term"],
)
def test_b09_a_class_of_an_unknown_course_school_or_term_is_held_aside(
    desk: Desk, field: dict[str, Any]
) -> None:
    desk.sis.rows["classes"].append(sis_class("c", **field))
    rejects(desk, dangling=1)
    assert desk.status(schema.sis_class, "c") is None
    desk.sis.rows["courses"].append(course("unknown"))
    desk.sis.rows["orgs"].append(org("unknown"))
    term = {**desk.sis.rows["academicSessions"][0], "sourcedId": "unknown"}
    desk.sis.rows["academicSessions"].append(term)
    assert desk.sync().status == "applied"
    assert desk.status(schema.sis_class, "c") == "active"


def test_b10_equal_rows_of_one_sourced_id_are_one(desk: Desk) -> None:
    desk.sis.rows["users"] += [user("new"), user("new"), user("s001")]
    before = desk.active()
    ended = desk.sync()
    assert (ended.status, dict(ended.problems)) == ("applied", {"duplicate": 2})
    assert desk.active()["sis_user"] == before["sis_user"] + 1


def test_b11_different_rows_of_one_sourced_id_are_both_left_out(desk: Desk) -> None:
    desk.sis.find("users", "s001")["givenName"] = "One"
    desk.sis.rows["users"].append(user("s001", givenName="Other"))
    rejects(desk, conflict=2)
    assert place(desk, schema.sis_user, "s001", "given_name") == ("Given s001",)


def test_b12_a_user_and_a_class_may_have_one_sourced_id(desk: Desk) -> None:
    desk.sis.rows["users"].append(user("a"))
    ended = desk.sync()
    assert (ended.status, dict(ended.problems)) == ("applied", {})
    assert desk.status(schema.sis_user, "a") == "active"
    assert desk.status(schema.sis_class, "a") == "active"


@pytest.mark.parametrize(
    "parents",
    [{"x": "y", "y": "x"}, {"x": "x"}, {"x": "y", "y": "z", "z": "x"}],
    ids=["two", "self", "three"],
)
def test_b13_orgs_that_are_their_own_parents_are_left_out(
    desk: Desk, parents: dict[str, str]
) -> None:
    desk.sis.rows["orgs"] += [
        org(key, parent=ref("org", parent)) for key, parent in parents.items()
    ]
    rejects(desk, cycle=len(parents))
    assert {row["sourced_id"] for row in desk.problems()} == set(parents)


def test_b14_one_address_of_two_users_merges_nobody(desk: Desk) -> None:
    desk.sis.rows["users"] += [
        user("m1", email="m@school.example"),
        user("m2", email="m@school.example"),
    ]
    ended = desk.sync()
    assert ended.status == "applied"
    one = place(desk, schema.sis_user, "m1", "person_id", "email")
    two = place(desk, schema.sis_user, "m2", "person_id", "email")
    assert one[1] == two[1] == "m@school.example"
    assert one[0] != two[0]


# --- REST: paging ---------------------------------------------------------------


def test_b15_a_page_that_comes_again_fails_the_run(desk: Desk) -> None:
    desk.sis.manner.moves = False
    for total in (True, False):
        desk.sis.manner.total = total
        fails(desk, "paging_loop")


def test_b16_a_total_that_moves_is_read_once_more_then_fails(desk: Desk) -> None:
    usual = len(desk.sis.rows["users"])
    desk.sis.play("users", says_total(900, 850, usual))
    keeps(desk.sync())
    desk.sis.plays.clear()
    desk.sis.play("users", says_total(900, 850, 900, 850))
    fails(desk, "unstable_source")


def test_b17_fewer_rows_than_the_total_fail_the_run(desk: Desk) -> None:
    desk.sis.play("users", says_total(900))
    fails(desk, "short_read")


def test_b18_a_short_page_is_not_the_end(desk: Desk) -> None:
    def shorten(page: dict[str, list[Any]]) -> None:
        del page["users"][15:]

    for total in (True, False):
        desk.sis.manner.total = total
        desk.sis.play("users", edited(shorten), times=2)
        keeps(desk.sync())


# --- REST: the network ----------------------------------------------------------


def test_b19_a_page_cut_in_the_middle_is_asked_for_again(desk: Desk) -> None:
    def cut(_asked: Asked, usual: Reply) -> Reply:
        return Reply(usual.status, usual.body, usual.headers, cut=200)

    desk.sis.play("users", cut, skip=1, times=5)
    keeps(desk.sync())
    assert len(desk.waits) == 5
    desk.sis.plays.clear()
    desk.sis.asked.clear()
    desk.sis.play("users", cut, skip=1)
    fails(desk, "no_answer")
    offsets = [one.query["offset"] for one in desk.sis.asked if one.name == "users"]
    assert offsets == ["0", *["25"] * 6]
    # The next run goes on there, by a row it knows, and asks for nothing else again.
    desk.sis.plays.clear()
    desk.sis.asked.clear()
    keeps(desk.sync())
    offsets = [one.query["offset"] for one in desk.sis.asked if one.name == "users"]
    assert offsets == ["24", "49"]
    assert desk.sis.counts()["orgs"] == 0


def test_b20_a_token_that_ends_is_renewed_and_the_page_asked_again(desk: Desk) -> None:
    desk.sis.play("users", DENIED, skip=1, times=1)
    keeps(desk.sync())
    asked = [one for one in desk.sis.asked if one.name == "users"]
    assert [one.query["offset"] for one in asked] == ["0", "25", "25", "50"]
    assert asked[1].token != asked[2].token
    assert desk.sis.counts()["token"] == 2


def test_b21_a_refused_token_stops_all_calls_for_a_quarter_of_an_hour(
    desk: Desk,
) -> None:
    desk.sis.play("users", DENIED, skip=1)
    fails(desk, "auth")
    assert desk.sis.counts()["token"] == 2
    desk.sis.plays.clear()
    desk.sis.asked.clear()
    desk.now += timedelta(minutes=14)
    before = desk.contents()
    assert desk.sync().told == ("failed", "auth")
    assert desk.sis.asked == []
    assert desk.contents() == before
    desk.now += timedelta(minutes=2)
    keeps(desk.sync())


def test_b22_a_collection_we_may_not_read_is_skipped(desk: Desk) -> None:
    desk.wanted["demographics_reason"] = REASON
    assert desk.sync().status == "applied"
    before = desk.active()
    assert before["demographics"] == 60
    desk.sis.play("demographics", Reply(403, b"{}", JSON))
    ended = desk.sync()
    keeps(ended, not_served=1)
    assert desk.active() == before


def test_b23_we_wait_as_long_as_we_are_asked(desk: Desk) -> None:
    wait = Reply(429, b"wait", HTML | {"Retry-After": "7"})
    desk.sis.play("users", wait, times=1)
    keeps(desk.sync())
    assert len(desk.waits) == 1
    assert desk.waits[0] >= 7


def test_b24_a_date_is_obeyed_garbage_is_not_and_a_day_parks_the_run(
    desk: Desk,
) -> None:
    def wait(when: str) -> Reply:
        return Reply(429, b"wait", HTML | {"Retry-After": when})

    moment = datetime.now(UTC) + timedelta(seconds=40)
    desk.sis.play("users", wait(format_datetime(moment, usegmt=True)), times=1)
    desk.sis.play("users", wait("next week"), times=1)
    keeps(desk.sync())
    by_date, by_ourselves = desk.waits
    assert 30 < by_date <= 40
    assert by_ourselves <= 2
    before = desk.contents()
    desk.sis.play("users", wait("86400"), skip=1, times=1)
    desk.sis.asked.clear()
    assert desk.sync().status == "parked"
    assert desk.contents() == before
    assert desk.newest()["status"] == "parked"
    desk.sis.asked.clear()
    desk.now += timedelta(hours=23)
    assert desk.sync().status not in {"applied", "held"}
    assert desk.sis.asked == []
    desk.now += timedelta(hours=2)
    keeps(desk.sync())


def test_b25_a_burst_of_faults_is_waited_out_longer_each_time(desk: Desk) -> None:
    desk.sis.play("users", BUSY, times=3)
    keeps(desk.sync())
    first, second, third = desk.waits
    assert 0.5 <= first <= 1 <= second <= 2 <= third <= 4


def test_b26_an_hour_of_faults_fails_the_run_and_shows(desk: Desk) -> None:
    over_at = desk.now + timedelta(hours=1)

    def broken(_asked: Asked, usual: Reply) -> Reply:
        return BUSY if desk.now < over_at else usual

    for name in [*desk.sis.rows, "token"]:
        desk.sis.play(name, broken)
    fails(desk, "status")
    assert desk.now < over_at
    assert len(desk.sis.asked) <= 12
    office = make_office(desk.database, desk.folder, desk.now)
    assert mark(office) == "bad"
    desk.now = over_at
    keeps(desk.sync())
    office.now = desk.now
    assert mark(office) == "ok"


def mark(office: Office) -> str:
    """How the source stands on the page of health."""
    page = office.signed_in().read("/admin/")
    row = page.split("<bdi>sis</bdi>", 1)[1].split("</tr>", 1)[0]
    found = re.search(r'class="state (\w+)', row)
    assert found, row
    return found[1]


def test_b27_nobody_follows_a_redirect_elsewhere(desk: Desk) -> None:
    with serving(Sis(make_rows())) as stranger:
        for target in ("http://169.254.169.254/", f"{stranger.url}/users", "//x/"):
            desk.sis.plays.clear()
            desk.sis.asked.clear()
            desk.sis.play("users", Reply(302, b"", {"Location": target}))
            fails(desk, "ssrf")
            assert desk.sis.counts()["users"] == 1
        assert stranger.asked == []


# --- files ----------------------------------------------------------------------


def zipped(folder: Path, **extra: bytes) -> Path:
    """The files of a folder as a zip, with some more in it; __ is a dot."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
        for name, octets in extra.items():
            archive.writestr(name.replace("__", "."), octets)
    return path


def test_b30_a_zip_that_swells_nests_or_teems_is_refused(files: Desk) -> None:
    folder = files.bundle()
    before = sorted(files.folder.iterdir())
    bomb = zipped(folder, big__csv=bytes(64 * 1024 * 1024))
    fails_files(files, "zip_bomb", bomb)
    nested = zipped(folder, more__zip=zipped(files.bundle()).read_bytes())
    fails_files(files, "zip_nested", nested)
    many = zipped(folder, **{f"f{number}__csv": b"a" for number in range(50)})
    fails_files(files, "zip_members", many)
    # Nothing was unpacked beside them.
    assert {path.suffix for path in set(files.folder.iterdir()) - set(before)} <= {
        "",
        ".zip",
    }


def test_b30_a_zip_damaged_inside_fails_the_run(files: Desk) -> None:
    path = zipped(files.bundle())
    octets = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("users.csv")
    middle = member.header_offset + 60 + member.compress_size // 2
    octets[middle] ^= 0xFF
    path.write_bytes(octets)
    fails_files(files, "zip", path)


def test_b31_a_zip_that_leads_elsewhere_is_refused(files: Desk) -> None:
    for name in ("../../x.csv", "/etc/x.csv", "..\\x.csv", "c:/x.csv"):
        path = zipped(files.bundle())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, b"a")
        fails_files(files, "zip_path", path)
    path = zipped(files.bundle())
    link = zipfile.ZipInfo("users2.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, b"/etc/passwd")
    fails_files(files, "zip_path", path)
    assert not (files.folder.parent.parent / "x.csv").exists()


def test_b32_no_manifest_fails_the_run(files: Desk) -> None:
    path = files.bundle()
    (path / "manifest.csv").unlink()
    fails_files(files, "manifest", path)


def test_b33_a_missing_file_is_never_read_as_empty(files: Desk) -> None:
    path = files.bundle()
    (path / "users.csv").unlink()
    fails_files(files, "missing_file", path)


def test_b34_a_file_that_is_told_absent_is_ignored(files: Desk) -> None:
    def absent(text: str) -> str:
        return text.replace("file.results,bulk", "file.results,absent")

    files.sis.rows["results"][0]["score"] = 9.0
    ended = files.sync_files(files.bundle(manifest=absent))
    keeps(ended, absent_file=1)
    assert place(files, schema.score, "r-s000", "given") == (5.0,)


def test_b35_a_byte_order_mark_is_no_letter(files: Desk) -> None:
    def mark(text: str) -> str:
        return "\ufeff" + text

    path = files.bundle(users=mark, manifest=mark, orgs=mark)
    keeps(files.sync_files(path))


def test_b36_other_bytes_than_utf_8_fail_the_run_with_their_place(files: Desk) -> None:
    path = files.bundle()
    file = path / "users.csv"
    text = file.read_text(encoding="utf-8").replace("Given s002", "Zoë s002")
    file.write_bytes(text.encode("cp1252"))
    line = next(n for n, one in enumerate(text.split("\n"), 1) if "Zoë s002" in one)
    column = text.split("\n")[line - 1].index("ë") + 1
    told = fails_files(files, "encoding", path)
    assert told.startswith(f"users.csv line {line} column {column} (givenName): ")
    # The very first byte, where no column has a name yet, and a row with bare CRs.
    file.write_bytes(b"\xe9" + text.encode())
    told = fails_files(files, "encoding", path)
    assert told.startswith("users.csv line 1 column 1: ")
    file.write_bytes(text.encode().replace(b"Given s003", b"G\r\rv\xe9n", 1))
    assert "(givenName): " in fails_files(files, "encoding", path)


def test_b37_columns_in_another_order_or_unknown_are_read(files: Desk) -> None:
    def shuffle(rows: list[list[str]]) -> None:
        for row in rows:
            row.reverse()
        for at, row in enumerate(rows):
            row.insert(2, "x" if at else "shoeSize")

    path = files.bundle(users=rewritten(shuffle))
    keeps(files.sync_files(path), column_order=1, extra_column=1)


def test_b38_a_misspelled_header_fails_the_run_and_is_named(files: Desk) -> None:
    def misspell(text: str) -> str:
        return text.replace("familyName", "famlyName", 1)

    told = fails_files(files, "header", files.bundle(users=misspell))
    assert told == (
        'users.csv line 1: no column "familyName" (there is "famlyName"); '
        "correct the header"
    )


def test_b39_a_quote_that_never_closes_fails_the_run(files: Desk) -> None:
    def leave_open(text: str) -> str:
        lines = text.splitlines(keepends=True)
        lines[-3] = lines[-3].replace("r-", '"r-', 1)
        return "".join(lines)

    told = fails_files(files, "csv_syntax", files.bundle(results=leave_open))
    assert re.match(r"results\.csv line \d+: a quote opens here", told)


def test_b40_a_cell_without_measure_leaves_out_its_record(files: Desk) -> None:
    def swell(rows: list[list[str]]) -> None:
        rows[3][rows[0].index("givenName")] = "x" * 131_073

    files.sis.rows["users"].append(user("new"))
    before = files.active()
    ended = files.sync_files(files.bundle(users=rewritten(swell)))
    assert ended.status == "applied_with_rejects"
    assert ended.problems["too_long"] == 1
    assert files.active()["sis_user"] == before["sis_user"] + 1


NAMES = (
    '=HYPERLINK("http://x.example","y")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "<script>alert(1)</script>",
    "abc\u202edef",
)


def test_b41_a_formula_is_stored_as_it_is_and_exported_as_text(desk: Desk) -> None:
    for number, name in enumerate(NAMES):
        row = desk.sis.find("users", f"s00{number}")
        row["givenName"] = row["familyName"] = name
    ended = desk.sync()
    assert ended.status == "applied"
    assert ended.report is not None
    for number, name in enumerate(NAMES):
        found = place(desk, schema.sis_user, f"s00{number}", "given_name")
        assert found == (name,)
    office = make_office(desk.database, desk.folder, desk.now)
    path = f"/admin/runs/{ended.report.run_id}/plan.csv"
    text = office.signed_in().read(path).removeprefix("\ufeff")
    cells = {cell for row in csv.reader(io.StringIO(text)) for cell in row}
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]
    for name in NAMES[:5]:
        assert f"'{name}" in cells
    # What goes to an LMS or back to a SIS is what the SIS sent.
    assert {name for name, _ in desk.rows(schema.sis_user, "given_name", "id")} >= {
        *NAMES
    }


def test_b42_a_nul_is_left_out_and_markup_is_kept(desk: Desk) -> None:
    desk.sis.find("users", "s001")["givenName"] = "Gi\x00ven"
    for number, name in enumerate(NAMES, 2):
        desk.sis.find("users", f"s00{number}")["givenName"] = name
    rejects(desk, nul=1)
    assert place(desk, schema.sis_user, "s001", "given_name") == ("Given s001",)
    for number, name in enumerate(NAMES, 2):
        assert place(desk, schema.sis_user, f"s00{number}", "given_name") == (name,)


# --- removals -------------------------------------------------------------------


def holds(desk: Desk, **said: object) -> Ended:
    """Pull; the run waits for a person and has changed nothing."""
    before = desk.contents()
    ended = desk.sync(**said)
    assert ended.status == "held"
    assert desk.contents() == before
    assert desk.newest()["status"] == "held"
    return ended


def test_b43_half_the_users_absent_wait_for_a_person(desk: Desk) -> None:
    gone = [f"s{number:03}" for number in range(30)]
    desk.sis.drop("users", *gone)
    desk.sis.rows["users"].append(user("new"))
    desk.sis.find("users", "s040")["givenName"] = "Changed"
    before = desk.active()
    ended = holds(desk)
    assert ended.ends("users") == 30
    desk.now += timedelta(minutes=5)
    applied = desk.sync(accept=ended.plan_hash, is_without_ends=True)
    assert applied.status in {"applied", "applied_with_rejects"}
    assert place(desk, schema.sis_user, "s040", "given_name") == ("Changed",)
    assert desk.status(schema.sis_user, "new") == "active"
    after = desk.active()
    assert {name: after[name] for name in before if after[name] < before[name]} == {}


def test_b45_every_user_to_be_deleted_waits_for_a_person(desk: Desk) -> None:
    for row in desk.sis.rows["users"]:
        row["status"] = "tobedeleted"
    assert holds(desk).ends("users") == 61


def test_b46_other_sourced_ids_for_everybody_wait_for_a_person(desk: Desk) -> None:
    old = desk.sis.rows["users"]
    desk.sis.rows["users"] = [
        {**row, "sourcedId": f"x-{row['sourcedId']}"} for row in old
    ]
    ended = holds(desk)
    assert ended.ends("users") == 61
    assert "the same identifier" in ended.text


def test_b47_many_students_becoming_teachers_wait_for_a_person(desk: Desk) -> None:
    seat = user("x", "teacher")["roles"]
    for number in range(4):
        desk.sis.find("users", f"s00{number}")["roles"] = seat
    ended = holds(desk)
    assert "would become staff" in ended.text
    for number in (0,):
        desk.sis.find("users", f"s00{number}")["roles"] = user("x")["roles"]
    assert desk.sync().status == "applied"


# --- more -----------------------------------------------------------------------


def test_b28_a_certificate_we_cannot_trust_fails_the_run(
    desk: Desk, tmp_path: Path
) -> None:
    papers = Papers(tmp_path)
    good = papers.make("good", "127.0.0.1")
    cases = {
        "expired": (papers.make("old", "127.0.0.1", days=-1), papers.ca),
        "wrong host": (papers.make("other", "10.0.0.1"), papers.ca),
        "self-signed": (papers.make("own", "127.0.0.1", by=None), papers.ca),
        "of nobody we pinned": (good, Papers(tmp_path / "else").ca),
        "not pinned": (good, None),
    }
    for served, pinned in cases.values():
        with serving(Sis(make_rows()), tls=served) as sis:
            desk.move(sis.url, ca_file=pinned and str(pinned))
            fails(desk, "tls", desk.sync_outside)
            assert sis.asked == []
    with serving(Sis(make_rows()), tls=good) as sis:
        desk.move(sis.url, ca_file=str(papers.ca))
        keeps(desk.sync_outside())
        assert sis.asked != []


def test_b29_a_page_that_swells_is_cut_at_a_limit(
    database: Database, tmp_path: Path
) -> None:
    swollen = gzip.compress(b" " * (64 * 1024 * 1024))
    body = swollen * 16  # a gigabyte, in a megabyte
    sis = Sis(make_rows())
    sis.play("users", Reply(200, body, JSON | {"Content-Encoding": "gzip"}))
    with serving(sis):
        desk = Desk(database, tmp_path, sis, datetime.now(UTC))
        fails(desk, "too_large")
        url = database.engine.url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", GREEDY, url, sis.url]
        child = subprocess.run(  # noqa: S603 -- our own interpreter and script
            command, capture_output=True, text=True, check=True, timeout=120
        )
    code, kilobytes = child.stdout.splitlines()[-1].split()
    assert code == "too_large"
    assert int(kilobytes) < 300 * 1024


def test_b44_a_users_file_of_a_header_alone_removes_nobody(files: Desk) -> None:
    before = files.contents()

    def behead(rows: list[list[str]]) -> None:
        del rows[1:]

    path = files.bundle(users=rewritten(behead), roles=rewritten(behead))
    ended = files.sync_files(path)
    assert ended.status in {"held", "failed"}
    assert files.contents() == before


def test_b48_a_second_run_at_once_is_refused(desk: Desk) -> None:
    second: list[Ended] = []

    def meanwhile(_asked: Asked, usual: Reply) -> Reply:
        second.append(desk.sync())
        return usual

    desk.sis.play("users", meanwhile, times=1)
    keeps(desk.sync())
    assert [one.told for one in second] == [("busy", "busy")]
    # A run that was killed keeps others out no longer than its lease.
    with desk.database.write() as session:
        sources.open_run(session, desk.source_id, "by_hand", desk.now)
    assert desk.sync().told == ("busy", "busy")
    desk.now += timedelta(seconds=90)
    keeps(desk.sync())
