"""Bare text of what another system shows with markup."""

from __future__ import annotations

import html

import nh3


def bare(text: str | None) -> str | None:
    """Return the words of a piece of HTML on one line, None if it has none."""
    cleaned = nh3.clean(text or "", tags=set(), attributes={})
    return " ".join(html.unescape(cleaned).split()) or None
