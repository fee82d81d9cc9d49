"""A bundle of ours, read and written again, is the same to the byte."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneroster.bundle import Bundle
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import KINDS, MemoryCatalog
from oneroster.models import Record, parse_record
from tests.oneroster.test_every_field import BASE, IN_1_2, Row, ref

AT = datetime(2026, 11, 1, tzinfo=UTC)
QUICK = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def record(collection: str, payload: Row) -> Record:
    made, problems = parse_record(KINDS[collection], payload)
    assert made is not None, problems
    return made


def everything() -> MemoryCatalog:
    made = MemoryCatalog()
    for name, payload in IN_1_2.items():
        if name in KINDS and not name.startswith("assessment"):
            made.write(name, record(name, BASE | payload))
    return made


def contents(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {one.name: one.read_bytes() for one in path.iterdir()}


def written_twice(
    folder: Path, catalog: MemoryCatalog, version: str, at: datetime | None, name: str
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    first, second = folder / "first" / name, folder / "second" / name
    for path in (first, second):
        path.parent.mkdir(exist_ok=True)
        write_bundle(path, catalog, version, delta_at=at)
        catalog = MemoryCatalog.from_bundle(Bundle.open(first))
    return contents(first), contents(second)


@pytest.mark.parametrize("name", ["b", "b.zip"])
@pytest.mark.parametrize("at", [None, AT])
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_bundle_with_every_field_is_the_same_to_the_byte(
    tmp_path: Path, version: str, at: datetime | None, name: str
) -> None:
    first, second = written_twice(tmp_path, everything(), version, at, name)
    assert first == second
    if name == "b":
        assert len(first) == {"1.1": 14, "1.2": 22}[version]
        assert all(body.count(b"\n") > 1 for body in first.values())


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=12
).filter(lambda text: text.strip() == text)
KEYS = st.from_regex(r"[0-9A-Za-z./@_-]{1,12}", fullmatch=True)
ROLES = st.fixed_dictionaries(
    {
        "roleType": st.sampled_from(["primary", "secondary"]),
        "role": st.sampled_from(["student", "teacher", "parent", "principal"]),
        "org": st.builds(ref, st.just("org"), KEYS),
    }
)
IDS = st.fixed_dictionaries(
    {
        "type": st.from_regex(r"[A-Za-z]{1,6}", fullmatch=True),
        "identifier": st.from_regex(r"[0-9A-Za-z]{1,6}", fullmatch=True),
    }
)
USERS = st.fixed_dictionaries(
    {
        "sourcedId": KEYS,
        # Of what is deleted a bundle keeps that it is, and not what belonged to it.
        "status": st.just("active"),
        "enabledUser": st.sampled_from(["true", "false"]),
        "givenName": TEXTS,
        "familyName": TEXTS,
        "email": TEXTS,
        "userIds": st.lists(IDS, max_size=2),
        "roles": st.lists(ROLES, min_size=1, max_size=3),
        "metadata": st.dictionaries(KEYS, TEXTS.filter(bool), max_size=2),
    }
)


@QUICK
@given(
    rows=st.lists(USERS, max_size=4, unique_by=lambda row: str(row["sourcedId"])),
    version=st.sampled_from(["1.1", "1.2"]),
    is_delta=st.booleans(),
)
def test_any_people_are_the_same_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Row],
    version: str,
    *,
    is_delta: bool,
) -> None:
    catalog = MemoryCatalog({"users": [record("users", row) for row in rows]})
    folder = tmp_path_factory.mktemp("b")
    at = AT if is_delta else None
    first, second = written_twice(folder, catalog, version, at, "b")
    assert first == second


@pytest.mark.parametrize("number", ["1.0", "1.1"])
def test_a_sample_bundle_written_anew_is_the_same_to_the_byte_from_then_on(
    shared_data: Path, tmp_path: Path, number: str
) -> None:
    folder = shared_data / "oneroster" / "edfi-lms-toolkit" / f"v{number}"
    theirs = MemoryCatalog.from_bundle(Bundle.open(folder))
    first, second = written_twice(tmp_path, theirs, "1.2", None, "b.zip")
    assert first == second
    ours = MemoryCatalog.from_bundle(Bundle.open(tmp_path / "first" / "b.zip"))
    for name in KINDS:
        assert list(ours.records(name)) == list(theirs.records(name))
