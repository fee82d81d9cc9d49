"""Catalogs: records by collection, from any thread."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oneroster.bundle import Bundle
from oneroster.bundle_columns import FILES
from oneroster.catalog import KINDS, Catalog, MemoryCatalog
from oneroster.models import Org


def org(sourced_id: str, name: str = "Hill") -> Org:
    return Org(sourced_id=sourced_id, status="active", name=name, type="school")


@pytest.fixture
def catalog() -> MemoryCatalog:
    return MemoryCatalog({"orgs": [org("b"), org("a")]})


def names(catalog: Catalog) -> list[str]:
    return [record.sourced_id for record in catalog.records("orgs")]


def test_records_come_in_the_order_they_first_came(catalog: MemoryCatalog) -> None:
    catalog.write("orgs", org("c"))
    catalog.write("orgs", org("b", "Dale"))
    assert names(catalog) == ["b", "a", "c"]
    assert catalog.read("orgs", "b") == org("b", "Dale")


def test_one_sourced_id_may_stand_in_two_collections(catalog: MemoryCatalog) -> None:
    assert catalog.read("users", "a") is None
    assert catalog.read("orgs", "a") == org("a")


def test_forgetting_twice_is_forgetting_once(catalog: MemoryCatalog) -> None:
    catalog.delete("orgs", "b")
    catalog.delete("orgs", "b")
    assert names(catalog) == ["a"]


def test_every_collection_of_the_standard_is_there(catalog: MemoryCatalog) -> None:
    assert len(KINDS) == 14
    assert {name: list(catalog.records(name)) for name in KINDS} == {
        name: [org("b"), org("a")] if name == "orgs" else [] for name in KINDS
    }


def test_a_collection_that_is_none_is_named() -> None:
    with pytest.raises(KeyError, match=r"^'pupils'$"):
        MemoryCatalog({"pupils": []})


def test_records_may_be_written_while_others_are_read(catalog: MemoryCatalog) -> None:
    reading = catalog.records("orgs")
    catalog.write("orgs", org("c"))
    assert [record.sourced_id for record in reading] == ["b", "a"]


def test_no_write_of_many_threads_is_lost() -> None:
    catalog = MemoryCatalog()

    def write(start: int) -> None:
        for place in range(start, start + 500):
            catalog.write("orgs", org(f"o{place}"))
            if place % 2:
                catalog.delete("orgs", f"o{place}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(0, 4000, 500)))
    assert sorted(names(catalog)) == sorted(f"o{place}" for place in range(0, 4000, 2))


def test_a_catalog_of_a_bundle_keeps_what_was_wrong(tmp_path: Path) -> None:
    manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"
    files = FILES["1.1"]
    modes = "".join(
        f"file.{name},{'bulk' if name == 'orgs' else 'absent'}\n" for name in files
    )
    (tmp_path / "manifest.csv").write_text(manifest + modes)
    (tmp_path / "orgs.csv").write_text(
        "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
        "a,,,Hill,school,,\nb,,,Hill\n"
    )
    (tmp_path / "users.csv").write_text("sourcedId\n")
    catalog = MemoryCatalog.from_bundle(Bundle.open(tmp_path))
    assert list(catalog.records("orgs")) == [org("a")]
    assert [str(problem) for problem in catalog.problems] == [
        "users.csv: is there although the manifest calls it absent; ignored",
        "orgs.csv line 3: has 4 cells, the header 7",
    ]
