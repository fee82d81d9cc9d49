"""Every text a person reads is in the catalogue of every language we ship."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "lti_tool" / "web"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")

Key = str | tuple[str, ...]


@pytest.fixture(scope="module")
def wanted() -> set[Key]:
    with (WEB / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found: set[Key] = set()
    for folder in ("lti_tool", "mappings"):
        rows = extract_from_dir(
            ROOT / folder,
            [
                (pattern.removeprefix(f"{folder}/"), method)
                for pattern, method in methods
                if pattern.startswith(folder)
            ],
            {key.removeprefix(f"{folder}/"): value for key, value in options.items()},
            keywords=KEYWORDS,
        )
        found |= {row[2] for row in rows}
    return found


def read(language: str) -> Catalog:
    folder = WEB / "translations" / language / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def test_the_extraction_finds_pages_and_arithmetic(wanted: set[Key]) -> None:
    assert {"Class mastery", "best of {scores} = {value}", "exempt"} <= wanted
    assert ("%(num)d score", "%(num)d scores") in wanted


@pytest.mark.parametrize("language", ["es", "fr", "ar"])
def test_no_text_lacks_its_translation_and_none_is_left_over(
    wanted: set[Key], language: str
) -> None:
    catalogue = read(language)
    held = {message.id for message in catalogue if message.id}
    assert held == wanted
    for message in catalogue:
        if message.id:
            texts = message.string
            texts = texts if isinstance(texts, tuple) else (texts,)
            assert all(texts), message.id
            assert not message.fuzzy


@pytest.mark.parametrize("language", ["es", "fr", "ar"])
def test_every_translation_keeps_the_places_of_its_text(language: str) -> None:
    for message in read(language):
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            texts = message.string
            texts = texts if isinstance(texts, tuple) else (texts,)
            places = sorted(set(PLACE.findall(ids[-1])))
            for text in texts:
                assert sorted(set(PLACE.findall(text))) == places, message.id


@pytest.mark.parametrize("language", ["es", "fr", "ar"])
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    folder = WEB / "translations" / language / "LC_MESSAGES"
    with (folder / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    written = [(frozen(one.id), frozen(one.string)) for one in read(language)]
    held = [(frozen(one.id), frozen(one.string)) for one in compiled]
    assert sorted(map(str, held[1:])) == sorted(map(str, written[1:]))


def frozen(text: str | list[str] | tuple[str, ...]) -> Key:
    return text if isinstance(text, str) else tuple(text)
