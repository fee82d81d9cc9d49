"""The stemmer of a language: what words of one family have in common."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from mappings.words import Stem, remembering

_LANGUAGES = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}


@lru_cache(maxsize=8)
def stemmer(language: str | None) -> Stem:
    """Return the stemmer of a language tag; of English, where we know none."""
    # 36 languages: loaded when one is asked for.
    snowballstemmer = import_module("snowballstemmer")
    tag = (language or "en").replace("_", "-").split("-", maxsplit=1)[0].lower()
    return remembering(snowballstemmer.stemmer(_LANGUAGES.get(tag, "english")).stemWord)
