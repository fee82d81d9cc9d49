"""What an import says of a failure is found again as a sentence of ours."""

from __future__ import annotations

import pytest

from lti_tool.work.case_services import parse_body
from lti_tool.work.import_words import parse_words
from mappings.case import parse_case
from mappings.errors import MappingError
from mappings.framework_tables import parse_table

RING = (
    "f.json: prerequisites: edges close a ring: 7.A -> 7.B -> 7.A; remove one of them; "
    "nothing was stored"
)


def read(content: object) -> object:
    """Read what was sent as an import does: bytes, a table, or a document."""
    if isinstance(content, bytes):
        return parse_body("f.json", content)
    return (
        parse_table(content, "f") if isinstance(content, str) else parse_case(content)
    )


def refusal(content: object) -> str:
    with pytest.raises(MappingError) as refused:
        read(content)
    told = str(refused.value)
    return told if isinstance(content, bytes) else f"f.json: {told}"


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        [1],
        {"CFAssociations": []},
        "a,b\n1,2\n",
        "statement\n",
        "statement,statement\nAdd,Add\n",
    ],
    ids=str,
)
def test_what_the_readers_refuse_is_said_in_any_language(content: object) -> None:
    told = refusal(content)
    found = parse_words(told)
    assert found is not None, told
    assert str(found) == told
    assert "f.json" in found.values.values()


def test_a_ring_keeps_its_path_and_what_is_not_ours_is_left_alone() -> None:
    found = parse_words(RING)
    assert found is not None
    assert found.values == {"name": "f.json", "path": "7.A -> 7.B -> 7.A"}
    assert parse_words("something else went wrong") is None
