"""Filters are read as the grammar says, and written only if they read the same."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneroster.errors import FilterError
from oneroster.filters import (
    Clause,
    Filter,
    format_filter,
    modified_since,
    parse_filter,
)

USER = {
    "sourcedId": "U-1",
    "givenName": "Zoë",
    "enabledUser": "true",
    "flag": True,
    "score": 9,
    "grades": ["09", "10"],
    "dateLastModified": "2026-11-22T04:34:45.056Z",
    "primaryOrg": {"sourcedId": "o-1"},
    "roles": [
        {"role": "student", "org": {"sourcedId": "o-1"}},
        {"role": "aide", "org": {"sourcedId": "o-2"}},
    ],
    "metadata": {"a.b": "dotted"},
    "nothing": None,
}


@pytest.mark.parametrize(
    ("text", "clauses", "joiner"),
    [
        ("status='active'", [("status", "=", "active")], "AND"),
        (" score >= '7' ", [("score", ">=", "7")], "AND"),
        ("familyName='O'Brien'", [("familyName", "=", "O'Brien")], "AND"),
        (
            "a!='x' and b~'y AND z'",
            [("a", "!=", "x"), ("b", "~", "y AND z")],
            "AND",
        ),
        (
            "parent.sourcedId='p' OR c<'1'",
            [("parent.sourcedId", "=", "p"), ("c", "<", "1")],
            "OR",
        ),
    ],
)
def test_a_filter_is_read(
    text: str, clauses: list[tuple[str, str, str]], joiner: str
) -> None:
    read = parse_filter(text)
    assert [(one.field, one.operator, one.value) for one in read.clauses] == clauses
    assert read.joiner == joiner
    assert read.fields == tuple(field for field, _, _ in clauses)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "status=active",
            (
                "the filter does not read as field OP 'value'; operators are "
                "= != > >= < <= ~ and the value stands in single quotes"
            ),
        ),
        (
            "",
            (
                "the filter does not read as field OP 'value'; operators are "
                "= != > >= < <= ~ and the value stands in single quotes"
            ),
        ),
        ("a='x", "a value of the filter has no closing quote; add it"),
        (
            "a='1' AND b='2' AND c='3'",
            "the filter has more than two clauses; use at most two",
        ),
    ],
)
def test_what_is_no_filter_is_refused(text: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "sourcedId='u-1'",
        "givenName~'zO'",
        "enabledUser='TRUE'",
        "flag='true'",
        "score>'8.5'",
        "score<='9'",
        "score<'10'",
        "dateLastModified>'2026-11-22T04:34:45Z'",
        "dateLastModified<'2026-11-22T06:34:45+01:00'",
        "grades='10,09'",
        "grades~'09'",
        "primaryOrg.sourcedId='o-1'",
        "roles.role='aide'",
        "roles.org.sourcedId='o-2'",
        "metadata.a.b='dotted'",
        "absent!='x'",
        "roles.role!='parent'",
        "sourcedId='x' OR score='9'",
        "sourcedId>'t'",
    ],
)
def test_a_record_passes(text: str) -> None:
    assert parse_filter(text).matches(USER)


@pytest.mark.parametrize(
    "text",
    [
        "sourcedId='u-2'",
        "grades='09'",
        "grades~'09,11'",
        "grades>'08'",
        "absent='x'",
        "absent~'x'",
        "nothing='None'",
        "primaryOrg='o-1'",
        "score='nine'",
        "dateLastModified>'2026-13-01'",
        "roles.role!='aide'",
        "sourcedId='u-1' AND score='8'",
        "sourcedId.x='u-1'",
    ],
)
def test_a_record_does_not_pass(text: str) -> None:
    assert not parse_filter(text).matches(USER)


def test_a_delta_asks_from_a_moment_on() -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    assert format_filter(modified_since(moment)) == (
        "dateLastModified>='2026-11-01T00:00:00.000Z'"
    )


@pytest.mark.parametrize(
    ("field", "value"), [("a", "a' AND b='c"), ("a", "a' OR b='"), ("a b", "c")]
)
def test_a_filter_that_reads_in_two_ways_is_not_written(field: str, value: str) -> None:
    with pytest.raises(FilterError) as caught:
        format_filter(Filter((Clause(field, "=", value),)))
    assert str(caught.value) == (
        "the filter cannot be written so that a service reads the same; "
        "leave it away and look through the records instead"
    )


FIELDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,12}", fullmatch=True)
CLAUSES = st.builds(
    Clause,
    FIELDS,
    st.sampled_from(["=", "!=", ">", ">=", "<", "<=", "~"]),
    st.text(max_size=20),
)


@given(
    st.builds(
        Filter,
        st.lists(CLAUSES, min_size=1, max_size=2).map(tuple),
        st.sampled_from(["AND", "OR"]),
    )
)
def test_a_filter_written_reads_as_the_same(wanted: Filter) -> None:
    try:
        text = format_filter(wanted)
    except FilterError:
        return
    read = parse_filter(text)
    assert read.clauses == wanted.clauses
    assert len(read.clauses) == 1 or read.joiner == wanted.joiner


def test_what_is_no_number_is_equal_to_none() -> None:
    for operator in ("=", ">", ">=", "<", "<="):
        assert not Clause("score", operator, "nan").matches({"score": 1.0})
