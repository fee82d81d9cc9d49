"""Codes and GUIDs in a text, in every form that schools write them."""

from __future__ import annotations

import pytest

from mappings.codes import Named, codes, forms, key_of
from mappings.grade_levels import gap, grades_in, grades_of

SIX, SEVEN, HIGH = frozenset({6}), frozenset({7}), frozenset({9, 10, 11, 12})
GUID = "6b9f74c0-d7cc-11e8-824f-0242ac160002"
FRAMEWORK = codes(
    [
        (GUID, "6.EE.B.5", SIX),
        ("ccss-6-ee-b-6", "CCSS.Math.Content.6.EE.B.6", SIX),
        ("ccss-7-rp-2-a", "7.RP.A.2.a", SEVEN),
        ("ccss-rei-3", "HSA-REI.B.3", HIGH),
        ("teks-7-4-d", "111.27.b.4.D", SEVEN),
        ("teks-k-2-a", "111.2.b.2.A", frozenset({0})),
        ("teks-intro", "111", SEVEN),
        ("uncoded", "", SEVEN),
        ("twice-1", "RST.6-8.4", frozenset({6, 7, 8})),
        ("twice-2", "RST.6-8.4", frozenset({6, 7, 8})),
    ]
)


@pytest.mark.parametrize(
    ("text", "case_id", "words"),
    [
        ("6.EE.B.5 quiz", GUID, "6.EE.B.5"),
        ("Quiz (6.EE.B.5) by hand", GUID, "6.EE.B.5"),
        ("Quiz (6.ee.b.5)", GUID, "6.ee.b.5"),
        ("Quiz on CCSS.Math.Content.6.EE.B.5.", GUID, "CCSS.Math.Content.6.EE.B.5"),
        ("CCSS.MATH.CONTENT.6.EE.B.5", GUID, "CCSS.MATH.CONTENT.6.EE.B.5"),
        ("standard 6.EE.5", GUID, "6.EE.5"),
        ("6-EE-B-5", GUID, "6-EE-B-5"),
        ("6.EE.B.6", "ccss-6-ee-b-6", "6.EE.B.6"),
        ("7.RP.A.2a and more", "ccss-7-rp-2-a", "7.RP.A.2a"),
        ("A-REI.B.3", "ccss-rei-3", "A-REI.B.3"),
        ("HSA-REI.3", "ccss-rei-3", "HSA-REI.3"),
        ("TEKS 111.27.b.4.D", "teks-7-4-d", "111.27.b.4.D"),
        ("\u00a7111.27(b)(4)(D)", "teks-7-4-d", "111.27(b)(4)(D)"),
        ("Exit ticket 7.4D", "teks-7-4-d", "7.4D"),
        ("Exit ticket 7.4(D)", "teks-7-4-d", "7.4(D)"),
        ("Exit ticket (7.4 (D))", "teks-7-4-d", "7.4 (D)"),
        ("Exit ticket (7.4) (D) and more", "teks-7-4-d", "7.4) (D)"),
        ("K.2A counting", "teks-k-2-a", "K.2A"),
        (f"see {GUID.upper()}", GUID, GUID.upper()),
    ],
)
def test_a_competency_is_known_by_each_form_of_its_code(
    text: str, case_id: str, words: str
) -> None:
    assert FRAMEWORK.named_in(text) == (Named(case_id, words),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Unit 7.4",
        "111",
        "RST.6-8.4",  # two competencies have it
        "7.4E",
        "version 6.5",
        "CCSS",
        "00000000-0000-0000-0000-000000000000",
    ],
)
def test_what_names_no_single_competency_names_none(text: str) -> None:
    assert FRAMEWORK.named_in(text) == ()


def test_a_text_names_each_competency_once_in_its_order() -> None:
    named = FRAMEWORK.named_in("7.4D, 6.EE.B.5, 7.4(D)")
    assert [one.case_id for one in named] == ["teks-7-4-d", GUID]


def test_a_code_of_several_grades_is_not_printed_by_one() -> None:
    assert forms("111.39.c.4.D", HIGH) == {("111", "39", "C", "4", "D")}
    assert forms("A.27.b.4.D", SEVEN) == {("A", "27", "B", "4", "D")}
    assert key_of("7.4(D)") == key_of("7.4D") == ("7", "4", "D")


def test_grades_are_read_from_levels_and_headings() -> None:
    assert grades_of(["KG", "01", " 12", "PK", "HS", "UG", "99"]) == {-1, 0, 1, 9, 12}
    said = {
        "Grade 7, Adopted 2012.": {7},
        "Grades 6-8": {6, 7, 8},
        "7th grade math": {7},
        "Kindergarten, Adopted 2012.": {0},
        "Subchapter C. High School": set(HIGH),
        "Knowledge and skills.": set(),
    }
    assert {text: set(grades_in(text)) for text in said} == said
    assert gap(SIX, HIGH) == 3
    assert gap(SIX, frozenset()) is None
