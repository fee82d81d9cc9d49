"""Users staged without a model, with their rows of other files, are as with one."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lti_tool.storage.staging import Staged
from lti_tool.work.feeds import BundleFeed
from lti_tool.work.records import staged_row
from oneroster.bundle import Bundle
from oneroster.bundle_columns import FILES, Column
from oneroster.errors import Problem
from tests.lti_tool.work.test_plain_rows import cells_of

SIDES = ("roles", "userProfiles", "userResources")
ROLES = {"role": ["student", "teacher"], "roleType": ["primary", "secondary"]}
ODD_ROLES = {"role": ["Student", "ext:x", ""], "roleType": ["Primary", ""]}
Rows = list[list[str]]


def cells(column: Column, random: Random, share: float) -> str:
    odd = random.random() < share
    known = (ODD_ROLES if odd else ROLES).get(column.name)
    return random.choice(known or cells_of(column, odd=odd))


def rows_of(name: str, random: Random, share: float) -> Rows:
    """Some rows of a file: users u0 to u9, and what belongs to most of them."""
    found = []
    for number in range(10 if name == "users" else 14):
        row = [cells(column, random, share) for column in FILES["1.2"][name]]
        places = {column.name: n for n, column in enumerate(FILES["1.2"][name])}
        row[0] = f"{name[0]}{number}"
        if name != "users":
            row[places["userSourcedId"]] = f"u{random.randrange(11)}"
            if random.random() > share:
                row[places["status"]] = "active"
        found.append(row)
    return found


def write(folder: Path, files: dict[str, Rows], mode: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        lines = [[column.name for column in FILES["1.2"][name]]]
        lines += [[f'"{cell}"' for cell in row] for row in rows]
        text = "".join(",".join(line) + "\r\n" for line in lines)
        (folder / f"{name}.csv").write_bytes(text.encode())
    manifest = ["propertyName,value", "manifest.version,1.0", "oneroster.version,1.2"]
    manifest += [
        f"file.{one},{mode if one in files else 'absent'}" for one in FILES["1.2"]
    ]
    (folder / "manifest.csv").write_text("\n".join(manifest))
    return folder


def compare(folder: Path) -> int:
    """Hold both ways against each other; returns how many users were plain."""
    careful: list[Staged] = []
    told: list[Problem] = []
    for one in Bundle.open(folder).records("users"):
        if isinstance(one, Problem):
            told.append(one)
        else:
            careful.append(staged_row("users", one))
    plain: list[Staged] = []
    staged, problems = [], []
    for batch in BundleFeed(folder).batches("users"):
        plain += batch.plain
        staged += [staged_row("users", one) for one in batch.records]
        problems += batch.problems
    key = repr
    assert sorted([*plain, *staged], key=key) == sorted(careful, key=key)
    assert sorted(problems, key=key) == sorted(told, key=key)
    return len(plain)


def plain_cell(column: Column, number: int) -> str:
    """A cell to the letter; roles and the rest belong to u0 to u9 in turn."""
    fixed = {"userSourcedId": f"u{number % 10}", "status": "active"}
    fixed["dateLastModified"] = "2026-10-01T06:00:00Z"
    words = ROLES.get(column.name) or cells_of(column, odd=False)
    return fixed.get(column.name, words[number % len(words)])


@pytest.mark.parametrize("mode", ["bulk", "delta"])
def test_plain_users_are_staged_without_a_model(mode: str, tmp_path: Path) -> None:
    files = {
        name: [
            [
                f"{name[0]}{number}",
                *(plain_cell(column, number) for column in FILES["1.2"][name][1:]),
            ]
            for number in range(10 if name == "users" else 14)
        ]
        for name in ("users", *SIDES)
    }
    assert compare(write(tmp_path / "b", files, mode)) == 10


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.large_base_example,
    ],
)
@given(
    random=st.randoms(use_true_random=False),
    share=st.sampled_from([0.0, 0.02, 0.1]),
    mode=st.sampled_from(["bulk", "delta"]),
)
def test_whatever_the_rows_both_ways_give_the_same_users(
    tmp_path: Path, random: Random, share: float, mode: str
) -> None:
    names = ["users", "roles", *random.sample(SIDES[1:], random.randrange(3))]
    files = {name: rows_of(name, random, share) for name in names}
    if random.random() < share:
        files["users"].append(files["users"][0])
    if random.random() < 5 * share:
        files["users"][0].pop()
    compare(write(tmp_path / "b", files, mode))
