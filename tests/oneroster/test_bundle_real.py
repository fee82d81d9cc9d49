"""Bundles that others made, defects included: see SOURCE.md beside them."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest

from oneroster.bundle import Bundle
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import KINDS, MemoryCatalog
from oneroster.models import (
    AcademicSession,
    Course,
    Demographics,
    Record,
    SisClass,
    User,
    format_record,
    parse_record,
)

VERSIONS = pytest.mark.parametrize("version", ["1.0", "1.1"])
BOTH = pytest.mark.parametrize("catalog", ["1.0", "1.1"], indirect=True)


@pytest.fixture
def toolkit(shared_data: Path) -> Path:
    return shared_data / "oneroster" / "edfi-lms-toolkit"


@pytest.fixture
def catalog(toolkit: Path, request: pytest.FixtureRequest) -> MemoryCatalog:
    return catalog_of(toolkit, request.param)


def catalog_of(toolkit: Path, version: str) -> MemoryCatalog:
    return MemoryCatalog.from_bundle(Bundle.open(toolkit / f"v{version}"))


def rows_of(toolkit: Path, version: str) -> dict[str, list[dict[str, str]]]:
    found = {}
    for path in (toolkit / f"v{version}").glob("*.csv"):
        if path.name != "manifest.csv":
            with path.open(encoding="utf-8", newline="") as file:
                found[path.stem] = list(csv.DictReader(file))
    return found


@VERSIONS
def test_every_row_of_every_file_becomes_a_record(toolkit: Path, version: str) -> None:
    catalog = catalog_of(toolkit, version)
    expected = {
        name: [row.get("sourcedId") or row.get("userSourcedId") for row in rows]
        for name, rows in rows_of(toolkit, version).items()
    }
    assert len(expected) == 7
    assert expected == {
        name: [record.sourced_id for record in catalog.records(name)]
        for name in expected
    }
    assert {name: len(rows) for name, rows in expected.items()} == {
        "orgs": 2,
        "academicSessions": 3,
        "courses": 2,
        "classes": 2,
        "users": 10,
        "enrollments": 24,
        "demographics": 8,
    }


@pytest.mark.parametrize(
    ("catalog", "problems"),
    [
        ("1.0", []),
        (
            "1.1",
            [
                "manifest.csv: manifest.version is not 1.0; read as 1.0",
                "users.csv line 10: has 19 cells, the header 18",
                "users.csv line 11: has 19 cells, the header 18",
            ],
        ),
    ],
    indirect=["catalog"],
)
def test_what_is_wrong_is_told_and_nothing_is_lost(
    catalog: MemoryCatalog, problems: list[str]
) -> None:
    assert [str(problem) for problem in catalog.problems] == problems
    assert all(problem.warning for problem in catalog.problems)


def test_modes_are_those_of_the_manifest(toolkit: Path) -> None:
    bundle = Bundle.open(toolkit / "v1.1")
    assert bundle.version == "1.1"
    assert bundle.manifest["source.systemCode"] == "ClassLink"
    assert {name: bundle.mode(name) for name in KINDS} == {
        **dict.fromkeys(KINDS, "absent"),
        **dict.fromkeys(rows_of(toolkit, "1.1"), "bulk"),
    }


def test_the_older_layout_needs_no_manifest(toolkit: Path) -> None:
    bundle = Bundle.open(toolkit / "v1.0")
    assert (bundle.version, bundle.manifest) == ("1.0", {})
    assert [name for name in KINDS if bundle.mode(name) == "bulk"] == [
        name for name in KINDS if name in rows_of(toolkit, "1.0")
    ]


def test_the_newer_layout_without_its_manifest_is_refused(
    toolkit: Path, tmp_path: Path
) -> None:
    shutil.copytree(toolkit / "v1.1", tmp_path / "roster")
    (tmp_path / "roster" / "manifest.csv").unlink()
    with pytest.raises(Exception, match=r"^roster holds no manifest.csv; add the man"):
        Bundle.open(tmp_path / "roster")


@VERSIONS
def test_people_have_the_role_and_place_of_the_file(
    toolkit: Path, version: str
) -> None:
    catalog = catalog_of(toolkit, version)
    rows = {row["sourcedId"]: row for row in rows_of(toolkit, version)["users"]}
    for user in catalog.records("users"):
        assert isinstance(user, User)
        row = rows[user.sourced_id]
        assert [(part.role, part.org.sourced_id) for part in user.roles] == [
            (row["role"], row["orgSourcedIds"])
        ]
        assert (user.username, user.phone or "") == (row["username"], row["phone"])
        told = ",".join(f"{{{part.type}:{part.identifier}}}" for part in user.user_ids)
        assert told == row.get("userIds", "")


@BOTH
def test_a_class_keeps_both_terms_of_one_quoted_cell(catalog: MemoryCatalog) -> None:
    for part in catalog.records("classes"):
        assert isinstance(part, SisClass)
        assert [term.sourced_id for term in part.terms] == [
            "255901001_2021_2020-2021_Fall",
            "255901001_2021_2020-2021_Spring",
        ]


@BOTH
def test_swapped_cells_and_missing_parents_are_kept_as_sent(
    catalog: MemoryCatalog,
) -> None:
    algebra = next(iter(catalog.records("courses")))
    assert isinstance(algebra, Course)
    assert (algebra.title, algebra.subjects) == (
        "Algebra I",
        ("English/Language Arts I (9th grade)",),
    )
    sessions = list(catalog.records("academicSessions"))
    assert all(isinstance(part, AcademicSession) for part in sessions)
    assert [getattr(part, "parent", "") for part in sessions] == [None, None, None]


def test_capital_words_of_the_older_layout_are_read(toolkit: Path) -> None:
    bundle = Bundle.open(toolkit / "v1.0")
    mary = next(bundle.records("demographics"))
    assert isinstance(mary, Demographics)
    assert (mary.sourced_id, mary.sex, mary.asian, mary.white) == (
        "604863",
        "female",
        True,
        False,
    )
    assert str(mary.birth_date) == "1997-05-30"


def test_what_a_real_server_sent_becomes_a_bundle_and_comes_back(
    shared_data: Path, tmp_path: Path
) -> None:
    catalog = MemoryCatalog()
    for page in sorted(
        (shared_data / "oneroster/edfi-oneroster-recorded").glob("*.gz")
    ):
        name = page.name.partition(".")[0]
        for row in json.loads(gzip.decompress(page.read_bytes())).get(name, ()):
            if name in {"users", "orgs", "classes"}:
                record, _problems = parse_record(KINDS[name], row)
                assert record is not None
                catalog.write(name, record)
    write_bundle(tmp_path / "b.zip", catalog)
    again = MemoryCatalog.from_bundle(Bundle.open(tmp_path / "b.zip"))
    assert [str(problem) for problem in again.problems] == [
        "classes.csv line 2: title is blank although the standard requires it",
        "users.csv line 2: username is blank although the standard requires it",
    ]
    for name, count in (("orgs", 2), ("classes", 240), ("users", 1780)):
        sent, read = list(catalog.records(name)), list(again.records(name))
        assert len(read) == count
        assert [plain(record) for record in read] == [plain(record) for record in sent]


def plain(record: Record) -> object:
    """What a bulk holds of a record: no date, references without a place."""
    bare = record.model_copy(update={"date_last_modified": None, "metadata": {}})
    return json.loads(
        json.dumps(format_record(bare)),
        object_hook=lambda part: {
            name: value for name, value in part.items() if name != "href"
        },
    )


@BOTH
@pytest.mark.parametrize("written", ["1.1", "1.2"])
def test_a_real_bundle_written_anew_holds_the_same_records(
    written: str, catalog: MemoryCatalog, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "again.zip", catalog, written)
    bundle = Bundle.open(tmp_path / "again.zip")
    assert (bundle.version, bundle.warnings) == (written, ())
    again = MemoryCatalog.from_bundle(bundle)
    for name in KINDS:
        assert list(again.records(name)) == list(catalog.records(name))
