"""What a OneRoster resource says of itself beside the fields of the standard.

The standard has no field for an address, a licence or what a resource is about;
vendors write these into ``metadata``, each by names of its own. What we know by a name
is taken, in any case and with any marks between its letters; the rest is left there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mappings.errors import ResourceError
from mappings.resources import parse_link
from oneroster.models import Resource

_URL: Final = ("url", "launchurl", "resourceurl", "href", "link")
_LICENCE: Final = ("licence", "license", "licenseuri", "rights")
_LANGUAGE: Final = ("language", "inlanguage", "lang")
_DESCRIPTION: Final = ("description", "summary", "abstract")
# What begins or goes on so names what a resource is about.
_ABOUT: Final = re.compile(r"objective|competenc|standard|alignment|^case")
_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}")
_LONGEST_TAG: Final = 35
_DEEPEST: Final = 6
_MOST: Final = 200


def url_of(resource: Resource) -> str | None:
    """Return where it is: said in metadata, or the vendor's id is an address."""
    said = _texts_of(resource.metadata, _URL)
    for text in (*said, resource.vendor_resource_id or ""):
        try:
            return parse_link(text)
        except ResourceError:
            continue
    return None


def licence_of(resource: Resource) -> str | None:
    """Return the licence in the vendor's words."""
    return next(_texts_of(resource.metadata, _LICENCE), None)


def description_of(resource: Resource) -> str | None:
    """Return what the vendor says of it."""
    return next(_texts_of(resource.metadata, _DESCRIPTION), None)


def language_of(resource: Resource) -> str | None:
    """Return its language as a tag, such as ``es``."""
    for text in _texts_of(resource.metadata, _LANGUAGE):
        if len(text) <= _LONGEST_TAG and _TAG.fullmatch(text):
            return text
    return None


def objectives_of(resource: Resource) -> list[str]:
    """Return the texts that name competencies: GUIDs and codes, as they were sent."""
    found: list[str] = []
    for name, value in resource.metadata.items():
        if _ABOUT.search(_plain(name)):
            found.extend(_leaves(value))
    return list(dict.fromkeys(found))[:_MOST]


def _texts_of(metadata: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    """The texts under names, in the order of the names."""
    known = {_plain(name): value for name, value in metadata.items()}
    for name in names:
        value = known.get(name)
        if isinstance(value, str) and value.strip():
            yield value.strip()


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _leaves(value: object, depth: int = 0) -> Iterator[str]:
    """The texts in lists and objects within each other."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif depth < _DEEPEST and isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for one in value:
            yield from _leaves(one, depth + 1)
