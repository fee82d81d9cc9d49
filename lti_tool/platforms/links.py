"""The Link header, read as RFC 8288 has it: any spacing, any order, case kept."""

from __future__ import annotations

import html
import re
from urllib.parse import SplitResult, urljoin, urlsplit

# No repetition gives anything back (`++`, `*+`): a header of a hundred thousand
# blanks is read once, not once for each of them.
_LINK = re.compile(
    r"""<(?P<target>[^<>]*+)>
        (?P<parameters>(?:\s*+;\s*+
            (?:[^=;,\s]++(?:\s*+=\s*+(?:"(?:[^"\\]|\\.)*+"|[^;,"]*+))?+)?+
        )*+)""",
    re.VERBOSE,
)
_PARAMETER = re.compile(
    r""";\s*+(?P<name>[^=;,\s]++)
        (?:\s*+=\s*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<bare>[^;,"]*+)))?+""",
    re.VERBOSE,
)
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
# Moodle 4.5: rel=“next” in typographic quotes (here as a header's bytes are read),
# and &amp; in the address; seen 2026-11, GET lineitems?limit=2.
_CURLY = re.compile("^(?:\u201c|\u00e2\u0080\u009c)(.*?)(?:\u201d|\u00e2\u0080\u009d)$")


def parse_links(header: str) -> dict[str, str]:
    """The targets of a Link header by relation, as they were written.

    The first target of a relation counts, and of each link only its first ``rel``.
    A link that speaks of another page (``anchor``) is left out.
    """
    found: dict[str, str] = {}
    for link in _LINK.finditer(header):
        parameters = _parameters(link["parameters"])
        if "anchor" in parameters:
            continue
        relations, target = parameters.get("rel", ""), link["target"].strip()
        curly = _CURLY.match(relations)
        if curly:
            relations, target = curly[1], html.unescape(target)
        for relation in relations.lower().split():
            found.setdefault(relation, target)
    return found


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in _PARAMETER.finditer(text):
        found.setdefault(
            one["name"].lower(), (one["quoted"] or one["bare"] or "").strip()
        )
    return found


def followed(page_url: str, target: str) -> str | None:
    """The address a link of a page leads to; None if it leaves the page's origin.

    Another host, another scheme or port, a user name, or a sign that two readers of
    an address may take differently: our access token goes to none of these.
    """
    if _UNSAFE.search(target):
        return None
    try:
        url = urljoin(page_url, target)
        there, here = urlsplit(url), urlsplit(page_url)
        is_same = _origin(there) == _origin(here)
    except ValueError:
        return None
    return url if is_same and there.username is None and there.hostname else None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or usual
