"""Where a copied course or link came from, as its platform lists it.

`$Context.id.history` and `$ResourceLink.id.history` are comma lists of ids, each
URL-encoded, the nearest ancestor first. Canvas ends a list of a thousand with the word
`truncated`. Source: LTI Core 1.3 appendix B; facts/canvas.md 2; facts/moodle.md 3.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

# The custom parameters that carry them; see lti13.tool_description.
CONTEXT_HISTORY: Final = "context_history"
LINK_HISTORY: Final = "link_history"
MAX_IDS: Final = 1_000
MAX_ID: Final = 255
TRUNCATED: Final = "truncated"


def parse_history(text: str | None) -> tuple[str, ...]:
    """The ids of a history, nearest first, each once; empty where nothing is said.

    What cannot be an id (empty, overlong, a variable nobody filled in) is left out.
    """
    if not text:
        return ()
    parts = [unquote(part.strip()) for part in text.split(",", MAX_IDS)[:MAX_IDS]]
    if parts[-1] == TRUNCATED:
        parts.pop()
    return tuple(dict.fromkeys(part for part in parts if _is_id(part)))


def _is_id(text: str) -> bool:
    return 0 < len(text) <= MAX_ID and not text.startswith("$") and "\x00" not in text
