"""The history of a copied course or link, as platforms write it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.lti13.history import MAX_IDS, parse_history


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (None, ()),
        ("", ()),
        ("2", ("2",)),
        ("b,a", ("b", "a")),
        (" b , a ,", ("b", "a")),
        ("a,b,a", ("a", "b")),
        ("a%2Cb,c%20d", ("a,b", "c d")),
        ("b,a,truncated", ("b", "a")),
        ("truncated", ()),
        ("truncated,a", ("truncated", "a")),
        ("$Context.id.history", ()),
        ("a,$ResourceLink.id", ("a",)),
        ("x" * 256 + ",a", ("a",)),
        ("a%00b,c", ("c",)),
        ("%", ("%",)),
    ],
)
def test_a_history_gives_its_ids_nearest_first(
    text: str | None, ids: tuple[str, ...]
) -> None:
    assert parse_history(text) == ids


def test_no_more_than_a_thousand_ids_are_read() -> None:
    told = ",".join(str(number) for number in range(5 * MAX_IDS))
    assert parse_history(told) == tuple(map(str, range(MAX_IDS)))
    assert parse_history("," * 100_000) == ()


@given(st.lists(st.text(min_size=1, max_size=40), unique=True, max_size=30))
def test_ids_of_any_letters_come_back_as_they_were(ids: list[str]) -> None:
    kept = [one for one in ids if not one.startswith("$") and "\x00" not in one]
    kept = kept[:-1] if kept and kept[-1] == "truncated" else kept
    assert parse_history(",".join(quote(one, safe="") for one in kept)) == tuple(kept)
