"""Rows staged without a model are the rows that the model would have given."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lti_tool.storage.staging import value_columns
from lti_tool.work.plain_rows import PLANS, PlainReader
from lti_tool.work.records import staged_row
from oneroster.bundle import Bundle
from oneroster.bundle_columns import FILES, Column
from oneroster.bundle_rows import Row
from oneroster.models import Record

# Those that are read from their own row alone.
ALONE = [name for name in PLANS if name != "users"]
MOMENTS = ["2026-10-01T06:00:00Z", "2026-10-01T06:00:00.250Z"]
ODD_MOMENTS = ["2026-10-01", "2026-10-01T06:00:00+02:00", "0999-10-01T06:00:00Z", "x"]
PLAIN = {
    "d": ["2026-10-01", "2026-12-31"],
    "t": ["2026-10-01"],
    "n": ["0", "7", "9.5"],
    "b": ["true", "false"],
    "r": ["a-1", "0b2a"],
    "l": ["07", "07,08", "1, 2"],
    "m": ["a-1", "a-1,b-2"],
    "ids": ["{Local:12}", "{Local:12},{SIS:a.b@c-d}"],
}
ODD = {
    "d": ["20261001", "2026-W01-1", "2026-13-01", "never", " 2026-10-01"],
    "t": ["2026-10-01T10:00:00Z", "9999-12-31", "x"],
    "n": ["nan", "1e400", "ten", " 4", "1_0"],
    "b": ["TRUE", "yes", " true"],
    "r": [" a", "a ", "é", "\xa0a"],
    "l": [" 07 ,,08", '""a, b"",c', "é", "a\tb"],
    "m": ["a 1,b", "é", ",", "a,,b"],
    "ids": ["12", "{Local:}", "{a:b:c}", "{Local:1}, {b:2}", "{x}"],
}
TEXTS = ["A", "Unit 1, part 2", " framed ", "  ", "é\u2028", "fully graded", "student"]


def cells_of(column: Column, *, odd: bool) -> list[str]:
    if column.name == "status":
        return ["", "Active", "inactive", "x"] if odd else ["", "active", "tobedeleted"]
    if column.name == "dateLastModified":
        return ODD_MOMENTS if odd else ["", *MOMENTS]
    if column.name == "classType":
        return ["Scheduled", "club"] if odd else ["scheduled", "homeroom"]
    if column.name == "role":
        return ["student", "Teacher", "ext:x"] if odd else ["student", "teacher"]
    if column.name == "scoreStatus":
        return ["exempt", "EXEMPT", "odd", ""] if odd else ["exempt", "submitted"]
    blank = [] if column.required and not odd else [""]
    known = ODD if odd else PLAIN
    return [*blank, *known.get(column.kind, TEXTS if odd else TEXTS[:2])]


def bundle_of(folder: Path, version: str, name: str, rows: list[list[str]]) -> Bundle:
    columns = [column.name for column in FILES[version][name]]
    lines = [columns, *([f'"{cell}"' for cell in row] for row in rows)]
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_bytes(
        "".join(",".join(line) + "\r\n" for line in lines).encode()
    )
    modes = {one: "bulk" if one == name else "absent" for one in FILES[version]}
    manifest = ["propertyName,value", "manifest.version,1.0"]
    manifest += [f"oneroster.version,{version}"]
    manifest += [f"file.{one},{mode}" for one, mode in modes.items()]
    (folder / "manifest.csv").write_text("\n".join(manifest))
    return Bundle.open(folder)


def compare(bundle: Bundle, name: str) -> int:
    """Hold both ways against each other; returns how many rows were plain."""
    plain = 0
    with bundle.sheet(name) as sheet:
        assert sheet is not None
        reader = PlainReader(name, sheet.columns, value_columns(name))
        rows = [row for row in sheet.rows if isinstance(row, Row)]
        found = reader.rows([row.cells for row in rows])
        for row, staged in zip(rows, found, strict=True):
            if staged is None:
                continue
            plain += 1
            (record,) = sheet.read(row)
            assert isinstance(record, Record)
            assert staged == staged_row(name, record)
    return plain


@pytest.mark.parametrize(("version", "name"), [*product(["1.1", "1.2"], ALONE)])
def test_plain_cells_are_staged_without_a_model(
    version: str, name: str, tmp_path: Path
) -> None:
    columns = FILES[version][name]
    choices = [cells_of(column, odd=False) for column in columns]
    rows = [[words[n % len(words)] for words in choices] for n in range(12)]
    rows = [[f"id-{n}", *row[1:]] for n, row in enumerate(rows)]
    assert compare(bundle_of(tmp_path / "b", version, name, rows), name) == 12


@pytest.mark.parametrize("name", ALONE)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    random=st.randoms(use_true_random=False), version=st.sampled_from(["1.1", "1.2"])
)
def test_whatever_the_cells_both_ways_give_the_same_row(
    name: str, tmp_path: Path, random: Random, version: str
) -> None:
    rows = [
        [
            random.choice(cells_of(column, odd=random.random() < 0.1))
            for column in FILES[version][name]
        ]
        for _ in range(12)
    ]
    compare(bundle_of(tmp_path / "b", version, name, rows), name)
