"""What a page learns of a source: from real files, masked, on both databases."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from lti_tool.demo.school import make_school
from lti_tool.settings import Settings
from lti_tool.storage import schema, source_pages, sources
from lti_tool.storage.database import Database
from lti_tool.work import source_care, source_looks
from lti_tool.work.mapping_preview import FIELDS, Gathering, masked
from lti_tool.work.outside import Outside
from lti_tool.work.platforms import Author
from lti_tool.work.uploads import sweep
from oneroster.bundle_writer import write_bundle
from oneroster.errors import Problem
from oneroster.models import Org, User


@pytest.fixture
def outside(database: Database, tmp_path: Path) -> Outside:
    (tmp_path / "key").write_bytes(b"k" * 32)
    settings = Settings(data_dir=tmp_path, secret_key_file=tmp_path / "key")
    return Outside(settings, database)


def add(database: Database, location: Path, now: datetime) -> int:
    with database.write() as session:
        values = {"name": "files", "kind": "csv", "location": str(location)}
        return source_care.add_draft(session, values, by=Author("test", now))


def seen(
    database: Database, outside: Outside, source_id: int, kind: str, now: datetime
) -> dict[str, object]:
    with database.write() as session:
        source_pages.ask_look(session, source_id, kind, now)
    source_looks.look(database, outside, source_id, kind, lambda: now)
    with database.read() as session:
        look = source_pages.find_look(session, source_id, kind)
    assert look is not None
    assert look["ended_at"] == now
    return dict(look["document"])


def test_a_preview_tells_what_is_there_and_no_name(
    database: Database, outside: Outside, tmp_path: Path, now: datetime
) -> None:
    school = make_school(seed=7, size="school", today=date(2026, 11, 24))
    folder = tmp_path / "sent.zip"
    write_bundle(folder, school.catalog())
    source_id = add(database, folder, now)
    found = seen(database, outside, source_id, "preview", now)
    assert list(found["collections"]) == list(FIELDS)  # type: ignore[call-overload] # JSON
    assert found["failed"] == {}
    assert found["people"] == []
    users = found["collections"]["users"]  # type: ignore[index] # JSON
    assert users["is_whole"]
    assert users["seen"] == sum(1 for _ in school.catalog().records("users"))
    enrollments = found["collections"]["enrollments"]  # type: ignore[index] # JSON
    assert enrollments["seen"] == len(school.enrollments)
    names = [line for line in users["fields"] if line["theirs"] == "familyName"]
    assert all("•" in one for one in names[0]["rows"] if len(one) > 1)
    text = repr(found)
    for one in list(school.catalog().records("users"))[:50]:
        assert isinstance(one, User)
        if len(one.family_name) > 1:
            assert f"'{one.family_name}'" not in text


def test_a_source_that_cannot_be_read_says_so_and_ends(
    database: Database, outside: Outside, tmp_path: Path, now: datetime
) -> None:
    source_id = add(database, tmp_path / "nothing", now)
    found = seen(database, outside, source_id, "preview", now)
    assert list(found["failed"]) == ["open"]  # type: ignore[call-overload] # JSON
    checks = seen(database, outside, source_id, "test", now)["checks"]
    assert [one["state"] for one in checks] == ["fail"]  # type: ignore[attr-defined] # JSON


def test_a_look_goes_on_once_until_its_worker_is_silent(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    source_id = add(database, tmp_path, now)
    with database.write() as session:
        assert source_pages.ask_look(session, source_id, "test", now)
        assert not source_pages.ask_look(session, source_id, "test", now)
        later = now + source_pages.ALIVE
        assert source_pages.ask_look(session, source_id, "test", later)


def test_a_source_that_only_planned_can_be_removed(
    database: Database, outside: Outside, tmp_path: Path, now: datetime
) -> None:
    source_id = add(database, tmp_path / "nothing", now)
    seen(database, outside, source_id, "test", now)
    with database.write() as session:
        run_id = sources.open_run(session, source_id, "by_hand", now)
        move = {"run_id": run_id, "collection": "orgs", "kind": "add"}
        session.execute(insert(schema.run_move).values(**move, sourced_id="o"))
        sources.close_run(session, run_id, now, {"status": "planned"})
    settings = Settings(data_dir=tmp_path)
    with database.write() as session:
        source_care.remove(session, settings, source_id, by=Author("test", now))
        assert source_pages.load_sources(session) == []


def test_an_edit_wakes_a_parked_source_and_forgets_what_it_could(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    source_id = add(database, tmp_path, now)
    parked = {"parked_until": now, "parked_code": "auth", "profile": {"delta": True}}
    by = Author("test", now)
    with database.write() as session:
        source_pages.save_source(session, source_id, parked)
        assert source_care.edit(session, source_id, {"name": "other"}, by=by)
        assert source_pages.load_source(session, source_id)["parked_code"] == "auth"
        source_care.edit(session, source_id, {"location": "elsewhere"}, by=by)
        held = source_pages.load_source(session, source_id)
    assert (held["parked_until"], held["parked_code"], held["profile"]) == (None,) * 3


def test_another_scope_is_read_whole_and_another_time_is_found_anew(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    source_id = add(database, tmp_path, now)
    by = Author("test", now)
    for section, forgotten in (("scope", "full_at"), ("schedule", "next_at")):
        known = {"full_at": now, "next_at": now}
        with database.write() as session:
            source_pages.save_source(session, source_id, known)
            sections = {section: {"schools": ["s-1"]}}
            assert source_care.save_settings(session, source_id, sections, by=by)
            assert not source_care.save_settings(session, source_id, sections, by=by)
            held = source_pages.load_source(session, source_id)
        assert {name: held[name] for name in known} == {**known, forgotten: None}


def test_people_are_found_by_sourced_id_before_the_local_number() -> None:
    ids = {
        "sourcedId": {"u-1": 1, "u-2": 1},
        "identifier": {"77": 1, "88": 2, "u-2": 1},
        "userIds": {"x": 1},
        "username": {"amira": 1},
    }
    sent = ["u-1", "u-2", "77", "88", "amira", "x", "?", None]
    people = [{"registration_id": 1, "name": "Moodle", "sis_id": one} for one in sent]
    assert source_looks.matches(ids, people) == [
        {
            "platform": "Moodle",
            "people": 8,
            "silent": 1,
            "unmatched": 3,
            "ambiguous": 1,
            "by": {"sourcedId": 2, "identifier": 1},
            "elsewhere": {"userIds": 1, "username": 1},
        }
    ]


def test_words_nobody_knows_are_counted_with_what_becomes_of_them() -> None:
    gathering = Gathering("orgs")
    kinds = ("school", "ext:campus", "ext:campus", "district")
    orgs = [
        Org(sourced_id=f"o-{place}", status="active", name="O", type=kind)
        for place, kind in enumerate(kinds)
    ]
    gathering.add(orgs, [Problem("orgs", 9, "status", "is missing")])
    found = gathering.document()
    assert found["unknown"] == [
        {
            "field": "type",
            "value": "ext:campus",
            "count": 2,
            "becomes": "not_a_school",
        }
    ]
    assert found["faults"] == [
        {"field": "status", "code": "bad_value", "is_warning": False, "count": 1}
    ]
    empty = {one["theirs"]: one["empty"] for one in found["fields"]}
    assert (empty["identifier"], empty["name"]) == (4, 0)


def test_a_role_of_another_vocabulary_is_told() -> None:
    role = {"role": "ext:coach", "roleType": "primary", "org": {"sourcedId": "o"}}
    user = User.model_validate(
        {"sourcedId": "u", "status": "active", "givenName": "Wei", "roles": [role]}
    )
    gathering = Gathering("users")
    gathering.add([user], [])
    (unknown,) = gathering.document()["unknown"]
    assert (unknown["value"], unknown["becomes"]) == ("ext:coach", "no_rights")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Amira Haddad", "A•••• H•••••"),
        ("a.b@x.org", "•.•@•.o••"),
        ("", ""),
        ("O'Brien-Smith", "•'B••••-S••••"),
        ("x" * 100, "x" + "•" * 11),
    ],
)
def test_a_mask_leaves_the_shape(text: str, shape: str) -> None:
    assert masked(text) == shape


def test_files_that_no_source_names_go_after_a_day(
    tmp_path: Path, now: datetime
) -> None:
    settings = Settings(data_dir=tmp_path)
    folder = tmp_path / "rosters"
    folder.mkdir()
    used, left = folder / "a.zip", folder / "b.zip"
    used.touch()
    left.touch()
    moment = datetime.fromtimestamp(left.stat().st_mtime, tz=now.tzinfo)
    assert sweep(settings, {str(used)}, moment) == 0
    assert sweep(settings, {str(used)}, moment.replace(year=moment.year + 1)) == 1
    assert list(folder.iterdir()) == [used]
