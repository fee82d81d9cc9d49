"""The Link header, read as RFC 8288 has it: any spacing, any order, case kept."""

from __future__ import annotations

import re

_LINK = re.compile(
    r"""\s*,?\s*<(?P<target>[^>]*)>
        (?P<parameters>(?:\s*;\s*[^=;,\s]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;,"]*))?)*)""",
    re.VERBOSE,
)
_PARAMETER = re.compile(
    r""";\s*(?P<name>[^=;,\s]+)(?:\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^;,"]*)))?"""
)


def parse_links(header: str) -> dict[str, str]:
    """The targets of a Link header by relation, as they were written.

    The first target of a relation counts, and of each link only its first ``rel``.
    """
    found: dict[str, str] = {}
    for link in _LINK.finditer(header):
        for relation in _relations(link["parameters"]):
            found.setdefault(relation, link["target"].strip())
    return found


def _relations(parameters: str) -> list[str]:
    for parameter in _PARAMETER.finditer(parameters):
        if parameter["name"].lower() == "rel":
            value = parameter["quoted"] or parameter["bare"] or ""
            return value.lower().split()
    return []
