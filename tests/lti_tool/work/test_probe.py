"""A look at a source says what is wrong with it, and keeps what it can do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lti_tool.errors import ConfigError, PlatformError
from lti_tool.storage import source_pages, sources
from lti_tool.storage.database import Database
from lti_tool.storage.sources import Source
from lti_tool.work.probe import bundle_checks, look_over
from oneroster.auth import BearerKey
from oneroster.probing import Probe
from tests.faults.sis import Sis, make_rows, serving

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
MANIFEST = """propertyName,value
manifest.version,1.0
oneroster.version,1.1
source.systemName,Hill SIS
file.orgs,bulk
file.users,bulk
file.academicSessions,absent
file.categories,absent
file.classes,absent
file.classResources,absent
file.courses,absent
file.courseResources,absent
file.demographics,absent
file.enrollments,absent
file.lineItems,absent
file.resources,absent
file.results,absent
"""
ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
USERS = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,"
    "userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
    "agentSourcedIds,grades,password\n"
)


def states(path: Path) -> dict[str, str]:
    return {one.name: one.state for one in bundle_checks(path)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "bundle"
    made.mkdir()
    (made / "manifest.csv").write_text(MANIFEST)
    (made / "orgs.csv").write_text(f"{ORGS}s,,,Hill,school,,\n")
    ada = "u,,,true,s,student,ada,,Ada,Lee,,,,,,,,\n"
    (made / "users.csv").write_text(USERS + ada)
    return made


def test_a_sound_bundle_is_told_file_by_file(folder: Path) -> None:
    checks = {one.name: one for one in bundle_checks(folder)}
    assert (checks["manifest"].state, checks["manifest"].text) == (
        "ok",
        "OneRoster 1.1, from Hill SIS",
    )
    assert (checks["orgs"].state, checks["orgs"].text) == ("ok", "bulk, 1 rows")
    assert checks["users"].records == 1
    assert checks["enrollments"].state == "warn"
    assert "results" not in checks


def test_a_faulty_row_is_told_with_its_line(folder: Path) -> None:
    with (folder / "users.csv").open("a") as file:
        file.write("v,,,yes,s,student,v,,V,Lee,,,,,,,,\n")
    (check,) = (one for one in bundle_checks(folder) if one.name == "users")
    assert (check.state, check.records) == ("warn", 2)
    assert check.text.startswith(
        "bulk, 2 rows; 1 bad_value; the first: users.csv line 3"
    )


def test_an_empty_file_and_a_broken_one_are_told(folder: Path) -> None:
    (folder / "orgs.csv").write_text(ORGS)
    (folder / "users.csv").write_bytes(USERS.encode() + b"u,,,true,s,student,\xff\n")
    checks = {one.name: one for one in bundle_checks(folder)}
    assert (checks["orgs"].state, checks["orgs"].text) == (
        "warn",
        "bulk, but no row: a sync will not take it as empty",
    )
    assert (checks["users"].state, checks["users"].code) == ("fail", "encoding")


def test_a_bundle_that_cannot_be_opened_is_one_check(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "users.csv").unlink()
    assert states(folder) == {"manifest": "fail"}
    assert states(tmp_path / "nowhere") == {"open": "fail"}


class Outside:
    """Opens the service a test serves."""

    def __init__(self, url: str, refusal: Exception | None = None) -> None:
        self.url = url
        self.refusal = refusal

    def probe(self, source: Source) -> Probe:
        del source
        if self.refusal is not None:
            raise self.refusal
        return Probe(self.url, auth=BearerKey("k"))


@pytest.fixture
def served() -> Iterator[Sis]:
    with serving(Sis(make_rows())) as sis:
        yield sis


def kept(database: Database, url: str) -> Source:
    values = {"name": "sis", "kind": "rest", "location": url, "auth": "bearer"}
    with database.write() as session:
        source_id = sources.add_source(session, values, NOW)
        return sources.load_source_by_id(session, source_id)


def test_what_a_service_can_is_kept_with_the_source(
    database: Database, served: Sis
) -> None:
    source = kept(database, served.url)
    found = {
        one.name: one.state
        for one in look_over(database, Outside(served.url), source, lambda: NOW)
    }
    assert (found["root"], found["delta"], found["sort"]) == ("ok", "ok", "warn")
    with database.read() as session:
        held = source_pages.load_source(session, source.id)
    assert held["profiled_at"] == NOW
    profile = held["profile"]
    assert (profile["total"], profile["sorts"], profile["links"]) == (
        True,
        False,
        False,
    )
    assert profile["counts"]["users"] == 61
    assert (profile["delta"], profile["boundary"]) == (True, None)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (ConfigError("no token URL"), "address"),
        (PlatformError("a private address", "private"), "private"),
    ],
)
def test_an_address_we_do_not_go_to_is_one_check(
    database: Database, refusal: Exception, code: str
) -> None:
    source = kept(database, "http://127.0.0.1:9")
    outside = Outside(source.location, refusal)
    (check,) = look_over(database, outside, source, lambda: NOW)
    assert (check.name, check.state, check.code) == ("open", "fail", code)


def test_a_look_that_did_not_end_leaves_what_was_known(
    database: Database, served: Sis
) -> None:
    source = kept(database, served.url)
    list(look_over(database, Outside(served.url), source, lambda: NOW))
    gone = Outside("http://127.0.0.1:9")
    (check,) = look_over(database, gone, source, lambda: NOW)
    assert check.code == "no_answer"
    with database.read() as session:
        profile = source_pages.load_source(session, source.id)["profile"]
    assert profile["counts"]["users"] == 61
