"""What a look says in English is found again as a text with places."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import oneroster
from lti_tool.work.probe_words import TEMPLATES, parse_value, parse_words
from lti_tool.work.words import Words
from oneroster.probing import _place_of

LIBRARY = Path(oneroster.__file__).parent


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "the service begins at https://a/v1p2, not where the address leads",
            Words(
                "the service begins at %(root)s, not where the address leads",
                {"root": "https://a/v1p2"},
            ),
        ),
        ("412 records", Words("%(count)s records", {"count": "412"})),
        (
            "25 or more records; users line 3: role is missing",
            Words(
                "%(count)s or more records; %(problem)s",
                {"count": "25", "problem": "users line 3: role is missing"},
            ),
        ),
        (
            "limit=100 gave 25: pages are shorter than asked for",
            Words(
                "limit=%(asked)s gave %(count)s: pages are shorter than asked for",
                {"asked": "100", "count": "25"},
            ),
        ),
        ("something nobody foresaw", None),
    ],
)
def test_a_sentence_is_taken_apart(text: str, words: Words | None) -> None:
    assert parse_words(text) == words
    assert words is None or str(words) == text


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_found_by_its_own_sentence(template: str) -> None:
    said = re.sub(r"%\(\w+\)s", "7", template)
    found = parse_words(said)
    assert found is not None
    assert (found.text, str(found)) == (template, said)


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        ("place", "the form", "the form of the request"),
        ("sent", "basic", "them in the header (HTTP Basic)"),
        ("problem", 'users line 3 ("u-1"): role is missing', "record 3 lacks role"),
        (
            "problem",
            "orgs line 1: status is not active or tobedeleted",
            "record 1 has a status that is neither active nor tobedeleted",
        ),
        ("problem", "orgs line 2: is not an object", "record 2 is no object"),
        (
            "problem",
            "users line 4: grades.0 input should be a valid string",
            "record 4 holds in grades.0 what cannot be read",
        ),
        ("root", "https://sis.example/ims", None),
        ("problem", "something nobody foresaw", None),
    ],
)
def test_a_word_within_a_sentence_is_ours_too(
    place: str, text: str, said: str | None
) -> None:
    found = parse_value(place, text)
    assert (found and str(found)) == said


@pytest.mark.parametrize("style", ["basic", "form"])
def test_every_place_of_credentials_has_its_words(style: str) -> None:
    assert parse_value("place", _place_of(style)) is not None


def test_every_plain_sentence_of_a_look_has_its_template() -> None:
    # Those with places are made of parts: the tests above name them.
    names = ("probe_steps", "probe_queries", "probing", "probe_findings")
    said: set[str] = set()
    for name in names:
        tree = ast.parse((LIBRARY / f"{name}.py").read_text("utf-8"))
        for one in ast.walk(tree):
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant):
                targets = {ast.unparse(target) for target in one.targets}
                if targets & {"text", "fix"} and one.value.value:
                    said.add(str(one.value.value))
    assert len(said) > 20
    assert {one for one in said if parse_words(one) is None} == set()
