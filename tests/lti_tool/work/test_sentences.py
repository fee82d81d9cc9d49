"""The pieces a model reads, and what it makes of two texts."""

from __future__ import annotations

import pytest

from lti_tool.work import sentences, wordpieces
from lti_tool.work.stems import stemmer
from mappings.postings import Candidate


def said(text: str, *, longest: int = wordpieces.LONGEST) -> list[str]:
    known = list(wordpieces.vocabulary())
    return [known[number] for number in wordpieces.numbers(text, longest=longest)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello, world!", "hello , world !"),
        ("Unaffable Café", "una ##ffa ##ble cafe"),
        ("<em>x</em> < 5", "x < 5"),
        ("$2 + 2$", "2 + 2"),
        ("東京 ok", "東 京 ok"),
        ("a\u00adb\N{ZERO WIDTH SPACE}", "ab"),
        ("\N{SNOWMAN}", "[UNK]"),
        ("b" * 101, "[UNK]"),
        ("", ""),
    ],
)
def test_a_text_is_read_in_the_pieces_of_bert(text: str, wanted: str) -> None:
    assert said(text) == ["[CLS]", *wanted.split(), "[SEP]"]


def test_the_numbers_are_those_of_the_published_vocabulary() -> None:
    assert len(wordpieces.vocabulary()) == 30522
    assert wordpieces.numbers("hello world") == [101, 7592, 2088, 102]


def test_a_long_text_is_cut_to_what_a_model_reads() -> None:
    assert said("one two three", longest=4) == ["[CLS]", "one", "two", "[SEP]"]


def test_words_are_cut_to_their_stems_by_language() -> None:
    assert stemmer("en-US")("triangles") == "triangl"
    assert stemmer("es")("triángulos") == "triangul"
    assert stemmer(None)("ratios") == stemmer("xx")("ratios") == "ratio"


@pytest.mark.skipif(
    not sentences.is_installed(), reason="masterybridge[suggest] is not installed"
)
def test_a_text_is_near_what_means_the_same() -> None:
    held = sentences.held(
        [Candidate("sum", "Add two numbers"), Candidate("poem", "Read a poem aloud")]
    )
    near = sentences.closeness(held, "the sum of two integers")
    assert near.mean(0) > 0.5 > near.mean(1)
