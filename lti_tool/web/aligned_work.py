"""The work of a course that speaks for a competency, with the way to it in the LMS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Final

from lti_tool.storage.alignments import AlignedAssignment
from lti_tool.work.origins import lies_on

_ADDRESS: Final = re.compile(r"https?://[^\s<>\"']+")
# What ends the sentence around an address, and not the address.
_AFTER: Final = ".,;:!?)]}"


@dataclass(frozen=True, slots=True)
class Aligned:
    """A piece of work; address is where the LMS shows it, "" if it gave none."""

    title: str
    due_at: datetime | None
    address: str


def work_for(
    competency_id: int, assigned: Iterable[AlignedAssignment], origins: Sequence[str]
) -> list[Aligned]:
    """Return what of the work of a course speaks for a competency, in its order.

    origins: of the LMS the page is shown in.
    """
    return [
        Aligned(one.title, one.due_at, _address(one, origins))
        for one in assigned
        if any(aligned == competency_id for _, aligned, _ in one.alignments)
    ]


def _address(one: AlignedAssignment, origins: Sequence[str]) -> str:
    """Return where the LMS shows a piece of work: as it told, else as a SIS tells."""
    told = (one.web_url, *(two.web_url for two in one.also))
    own = next((url for url in told if url), None)
    return own or address_in(one.description or "", origins)


def address_in(description: str, origins: Sequence[str]) -> str:
    """Return the first address in a description that lies on the LMS, else "".

    A gradebook has no field for it; an LMS that sends its work to a SIS writes it
    there. An address of anywhere else is no way to the work.
    """
    for found in _ADDRESS.findall(unescape(description)):
        address = found.rstrip(_AFTER)
        try:
            if lies_on(address, origins):
                return str(address)
        except ValueError:  # a port or a host that is none
            continue
    return ""
