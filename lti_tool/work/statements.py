"""Statements of competencies: HTML in which a bare ``<`` is mathematics."""

from __future__ import annotations

import html
import re

import nh3

# What counts as a tag at all; any other "<" is mathematics and is kept.
_TAG_OR_LESS = re.compile(
    r"<!--.*?-->"
    r"|</?(?:em|strong|[iabups]|su[bp]|br|[uo]l|li|span|div|font|img|script|style|h\d"
    r"|table|tbody|thead|t[rdh]|blockquote|code|pre|iframe|svg|math)"
    r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+))*\s*/?>"
    r"|<",
    re.IGNORECASE | re.DOTALL,
)


def plain(text: str) -> str:
    """Return a statement as bare text, for names, options and files."""
    cleaned = nh3.clean(escape_bare(text), tags=set(), attributes={})
    return " ".join(html.unescape(cleaned).split())


def escape_bare(text: str) -> str:
    """Escape every ``<`` that opens no HTML tag: it is mathematics."""
    return _TAG_OR_LESS.sub(
        lambda found: "&lt;" if found.group() == "<" else found.group(), text
    )
