"""Frameworks as tables a person writes in a spreadsheet."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import Framework, FrameworkError, Problem, parse_case
from mappings.framework_tables import format_table, parse_table
from mappings.rubrics import LevelText, level_texts

TABLE = """\
code,Statement,parent,kind,grade,prerequisites,level: Beginning (1),level: Secure (2)
7,Numbers,,Domain,,,,
7.1,"Add, and subtract",7,Standard,06; 07,,with help,alone
7.2,Multiply,7,Standard,07,7.1,,
"""


def test_a_table_is_read_as_a_person_means_it() -> None:
    framework, problems = parse_table(TABLE, "Our mathematics")

    assert problems == ()
    assert framework.title == "Our mathematics"
    assert [
        (one.human_code, one.statement, one.kind, one.education_levels, depth)
        for one, depth in framework.in_order()
    ] == [
        ("7", "Numbers", "Domain", (), 0),
        ("7.1", "Add, and subtract", "Standard", ("06", "07"), 1),
        ("7.2", "Multiply", "Standard", ("07",), 1),
    ]
    codes = {one.case_id: one.human_code for one in framework.competencies}
    assert [(codes[a], codes[b]) for a, b in framework.precedes()] == [("7.1", "7.2")]
    assert {codes[one]: texts for one, texts in level_texts(framework)[0].items()} == {
        "7.1": (
            LevelText("Beginning", "with help", 1.0),
            LevelText("Secure", "alone", 2.0),
        )
    }


def test_the_same_table_is_the_same_framework_again() -> None:
    first, _ = parse_table(TABLE, "Our mathematics")
    again, _ = parse_table(TABLE.replace("Multiply", "Divide"), "Our mathematics")

    assert again.case_id == first.case_id
    assert list(again.by_case_id) == list(first.by_case_id)
    assert parse_table(TABLE, "Other")[0].case_id != first.case_id


def test_columns_we_do_not_know_are_told_and_the_rest_is_read() -> None:
    framework, problems = parse_table("statement,code,colour\nAdd,1,red\n", "x")

    assert [one.statement for one in framework.competencies] == ["Add"]
    assert problems == (
        Problem(
            "unknown_column", "colour", "column 'colour' is not one we know; not used"
        ),
    )


def test_the_words_of_a_row_name_it_where_a_code_does_not() -> None:
    text = (
        "framework,framework_identifier,identifier,statement,parent,short,language\n"
        "Ours,doc,i-1,Numbers,,N,en\n"
        "Ours,doc,i-2,Add,i-1,,\n"
    )

    framework, _ = parse_table(text, "file")

    assert (framework.case_id, framework.title) == ("doc", "Ours")
    assert framework.ancestors("i-2")[0].abbreviated == "N"


COLUMNS = (
    "framework_identifier, framework, identifier, code, statement, short, parent, "
    "kind, grade, language, prerequisites"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            (
                "found no column statement; give a table whose first row names its "
                f"columns: {COLUMNS}"
            ),
        ),
        ("statement\n \n", "the table has no rows; give one row for each competency"),
        (
            "statement,code,Code\nAdd,1,2\n",
            "column 'code' is there twice; leave one",
        ),
        ("statement\nAdd\n", "row 2: it has neither identifier nor code; give one"),
        (
            "statement,code\n,1\n",
            "row 2: it has no statement; write what a student can do",
        ),
        (
            "statement,code\nAdd,1\nAdd,1\n",
            "row 3: code 1 is in row 2 already; give another",
        ),
        (
            "statement,code,parent,prerequisites\nAdd,1,9,8\n",
            (
                "row 2: parent '9' is no code or identifier of one row here; "
                "row 2: prerequisites '8' is no code or identifier of one row here"
            ),
        ),
        (
            "statement,code,parent\nAdd,1,1\n",
            "parent: edges close a ring: 1 -> 1; remove one of them",
        ),
        (
            "statement,code,level: A (x)\nAdd,1,\n",
            (
                "column 'level: A (x)': 'x' is no number of points; write "
                "level: NAME (POINTS)"
            ),
        ),
        (
            "statement,code,level: (2)\nAdd,1,\n",
            "column 'level: (2)': write level: NAME (POINTS)",
        ),
        (
            'statement,code\n"Add,1\n',
            "this is no CSV table (unexpected end of data); save it as CSV anew",
        ),
        (
            "statement\n" + "Add\n" * 7,
            "; ".join(
                f"row {row}: it has neither identifier nor code; give one"
                for row in range(2, 7)
            )
            + "; and 2 more",
        ),
    ],
)
def test_what_makes_no_framework_is_refused_with_its_row(
    text: str, message: str
) -> None:
    with pytest.raises(FrameworkError) as refused:
        parse_table(text, "x")

    assert str(refused.value) == message


def test_prerequisites_in_a_ring_are_refused_with_their_path() -> None:
    text = "statement,code,prerequisites\nAdd,1,2\nSubtract,2,1\n"

    with pytest.raises(FrameworkError) as refused:
        parse_table(text, "x")

    assert str(refused.value) in {
        f"prerequisites: edges close a ring: {path}; remove one of them"
        for path in ("1 -> 2 -> 1", "2 -> 1 -> 2")
    }


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "'=1", "''", "'plain"])
def test_no_spreadsheet_calculates_a_cell(cell: str) -> None:
    framework, _ = parse_table(
        f'statement,code\n"{cell}",1\n' if cell[0] != "'" else "statement,code\nx,1\n",
        "x",
    )
    written = format_table(framework)

    assert not any(
        field.startswith(("=", "+", "-", "@")) for field in written.split(",")
    )
    assert parse_table(written, "other")[0] == framework


def told(framework: Framework) -> list[tuple[str, str, str, int]]:
    """What a person sees of a framework, the blanks at the ends of cells left out."""
    return [
        (item.case_id, item.human_code.strip(), item.statement.strip(), depth)
        for item, depth in framework.in_order()
    ]


@pytest.mark.parametrize("name", ["ccss-math", "alaska-math", "teks-math"])
def test_a_real_framework_goes_through_a_table(shared_data: Path, name: str) -> None:
    path = shared_data / "case" / f"{name}.cfpackage.json"
    framework, _ = parse_case(json.loads(path.read_text(encoding="utf-8")))

    again, problems = parse_table(format_table(framework), "other")

    assert (again.case_id, again.title, problems) == (
        framework.case_id,
        framework.title,
        (),
    )

    assert told(again) == told(framework)
    assert parse_table(format_table(again), "")[0] == again


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x00"),
    max_size=6,
)
rows = st.lists(
    st.tuples(words, words, st.integers(-1, 4), st.integers(-1, 4), words, words),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=80)
@given(rows, words)
def test_a_table_written_and_read_again_is_the_same(
    made: list[tuple[str, str, int, int, str, str]], title: str
) -> None:
    lines = ["identifier,code,statement,parent,prerequisites,level: A (1),level: B ()"]
    for place, (code, statement, parent, earlier, one, other) in enumerate(made):
        cells = (
            f"i-{place}",
            code,
            statement or "x",
            f"i-{parent}" if 0 <= parent < place else "",
            f"i-{earlier}" if 0 <= earlier < place else "",
            one,
            other,
        )
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    try:
        framework, _ = parse_table("\n".join(lines), title)
    except FrameworkError as refused:
        assert "statement" in str(refused)  # noqa: PT017 -- white space is none
        return

    assert parse_table(format_table(framework), "other")[0] == framework
