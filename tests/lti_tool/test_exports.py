"""Levels as files: the table, and the bundle that our own reader reads back."""

from __future__ import annotations

import csv
import io
import json
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from lti_tool.storage import exports, schema
from lti_tool.storage.database import Database
from lti_tool.work import published_bundle
from oneroster.bundle import Bundle
from oneroster.errors import Problem
from oneroster.models import Record, format_record
from tests.lti_tool.lives import Bridge, fill_life
from tests.lti_tool.published import LEVELLED, District, put


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    made = Bridge(tmp_path)
    yield made
    made.database.close()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_levels_of_everybody_are_a_table_on_stdout(bridge: Bridge) -> None:
    with bridge.database.write() as session:
        session.execute(
            update(schema.person)
            .where(schema.person.c.id == bridge.district.people["hill/ada"])
            .values(display_name="=cmd|'/c calc'!A1")
        )
        session.execute(
            update(schema.attainment)
            .where(schema.attainment.c.person_id == bridge.district.people["hill/bo"])
            .values(withdrawn_at=LEVELLED)
        )
    found = table(bridge.run("export", "records", "--csv", "-"))
    assert list(found[0]) == list(exports.LEVELS)
    whose = {(one["course"], one["student_sourced_id"], one["seat"]) for one in found}
    assert ("Science hill", "bo", "active") not in whose
    assert ("Science dale", "cy", "leaving") in whose
    (first, _second) = [
        one
        for one in found
        if (one["course"], one["student_sourced_id"]) == ("Science hill", "ada")
    ]
    assert first["student"] == "'=cmd|'/c calc'!A1"
    assert (first["level"], first["value"], first["is_mastered"]) == (
        "Meets", "3.0", "true",
    )  # fmt: skip
    assert first["computed_at"] == LEVELLED.isoformat()


def test_a_table_of_one_framework_or_of_records_is_written_to_a_file(
    bridge: Bridge,
) -> None:
    district = bridge.district
    with bridge.database.write() as session:
        put(
            session,
            schema.record,
            person_id=district.people["hill/ada"],
            competency_id=district.competencies[0],
            value=4.0,
            level_name="Exceeds",
            is_mastered=True,
            rule="certainty",
            evidence_count=5,
            computed_at=LEVELLED,
        )
    path = bridge.folder / "records.csv"
    words = ("--csv", str(path), "--over-all", "--framework", str(district.framework))
    told = bridge.ask("export", "records", *words)
    assert told == {"csv": str(path), "levels": 1}
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    (one,) = table(path.read_text(encoding="utf-8-sig"))
    assert (one["student"], one["level"], one["evidence"]) == (
        "Ada Lee",
        "Exceeds",
        "5",
    )


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--csv", "-", "--json"),
        ("--oneroster", "x.zip", "--over-all"),
        ("--oneroster", "x.zip", "--framework", "1"),
    ],
)
def test_what_goes_with_what_is_said(bridge: Bridge, words: tuple[str, ...]) -> None:
    bridge.run("export", "records", *words, status=2)


def as_sent(records: Iterator[Record | Problem]) -> list[dict[str, Any]]:
    """The records as they go over the wire."""
    found = []
    for one in records:
        assert not isinstance(one, Problem), one
        found.append(format_record(one))
    return found


@pytest.mark.parametrize("source", ["hill", None])
def test_the_bundle_is_read_back_as_it_was_written(
    database: Database, tmp_path: Path, source: str | None
) -> None:
    district = District(database)
    source_id = None if source is None else district.sources[source]
    path = tmp_path / "levels.zip"
    made = published_bundle.write(database, path, source_id)
    bundle = Bundle.open(path)
    assert bundle.warnings == ()
    assert (bundle.version, bundle.mode("results"), bundle.mode("users")) == (
        "1.2", "bulk", "absent",
    )  # fmt: skip
    counts = {}
    with published_bundle.Shelves() as shelves:
        shelves.fill(database, source_id)
        for name in published_bundle.COLLECTIONS:
            written = as_sent(shelves.records(name))
            assert as_sent(bundle.records(name)) == written
            counts[name] = len(written)
    many = 1 if source else 2
    assert counts == {
        "categories": 1,
        "scoreScales": many,
        "lineItems": 2 * many,
        "results": 2 * many,  # neither Bo's, withdrawn, nor Cy's, who left
    }
    assert (made.line_items, made.results) == (counts["lineItems"], counts["results"])
    (one, *_more) = as_sent(bundle.records("results"))
    student = "ada" if source else f"s{district.sources['hill']}.ada"
    assert one["student"]["sourcedId"] == student
    assert (one["score"], one["textScore"], one["class"]["sourcedId"]) == (
        3.0, "Meets", "c/1" if source else f"s{district.sources['hill']}.c/1",
    )  # fmt: skip


def test_a_bundle_of_the_only_source_speaks_its_identifiers(bridge: Bridge) -> None:
    path = bridge.folder / "levels.zip"
    told = bridge.ask("export", "records", "--oneroster", str(path), "--source", "dale")
    assert told == {"oneroster": str(path), "line_items": 2, "results": 2}
    with path.open("rb") as file:
        assert file.read(2) == b"PK"


def parts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_all_that_is_kept_about_a_person_is_in_one_zip(bridge: Bridge) -> None:
    district = bridge.district
    person = district.people["hill/ada"]
    fill_life(bridge.database, district, person)
    path = bridge.folder / "ada.zip"
    told = bridge.ask("export", "person", str(person), "--output", str(path))
    assert told["written"] == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {name for name, count in told["rows"].items() if not count} == {
        "passage", "demographics", "quarantine", "run_move", "run_problem",
        "resource_opening", "group_member", "sis_result", "difference", "record",
    }  # fmt: skip
    found = parts(path)
    whole = json.loads(found["everything.json"])
    assert {name: len(held) for name, held in whole["tables"].items()} == told["rows"]
    assert whole["tables"]["sis_user"][0]["source"] == "hill"
    (score,) = table(found["score.csv"].removeprefix("\ufeff"))
    assert (score["comment"], score["given"]) == ("'=Well done", "9.0")
    assert "what was told of her to other systems" in found["README.txt"]
    assert "sign_in_failure: people who run" in found["README.txt"]
    everything = "".join(found.values())
    for secret in ("browser-secret", "public-secret", "csrf-secret"):
        assert secret not in everything
    assert "Bo" not in everything
    with bridge.database.read() as session:
        done = session.execute(
            select(schema.change.c.what, schema.change.c.subject_id)
        ).all()
    assert done[-1] == ("person exported", person)
    assert bridge.run("export", "person", "nobody", status=1) == ""
    bridge.run("export", "person", str(person), "--output", "-", "--json", status=2)


def test_all_that_is_kept_about_a_course_is_in_one_zip(bridge: Bridge) -> None:
    course = bridge.district.courses["hill"]
    path = bridge.folder / "course.zip"
    told = bridge.ask("export", "course", str(course), "--output", str(path))
    assert (told["rows"]["attainment"], told["rows"]["seat"]) == (5, 4)
    found = parts(path)
    people = {one["person"] for one in table(found["seat.csv"].removeprefix("\ufeff"))}
    assert people == {"Ada Lee", "Bo Lee", "Cy Lee", "Ed Lee"}
    assert "who sits in it (4 rows)" in found["README.txt"]
