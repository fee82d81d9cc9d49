"""What a framework may hold so that it can be stored, said before it is stored."""

from collections.abc import Iterator

from mappings.errors import FrameworkError
from mappings.frameworks import Framework
from mappings.refusals import Refusal

LONGEST_ID = 255
LONGEST = {
    "case_id": LONGEST_ID,
    "version": 255,
    "human_code": 255,
    "kind": 255,
    "language": 35,
    "list_enumeration": 64,
    "origin_case_id": LONGEST_ID,
    "destination_case_id": LONGEST_ID,
    "associationType": 64,
}
LARGEST_SEQUENCE = 2**31 - 1


def check_framework(framework: Framework) -> None:
    """Refuse texts that no database holds: too long, or no characters.

    Raises:
        FrameworkError: the item and the field are named.
    """
    for edge in framework.associations:
        if edge.sequence is not None and abs(edge.sequence) > LARGEST_SEQUENCE:
            raise FrameworkError(
                f"CFAssociation {edge.case_id!r} has the sequenceNumber "
                f"{edge.sequence}; give one below {LARGEST_SEQUENCE + 1}"
            )
    for where, field, text in _texts(framework):
        longest = LONGEST.get(field)
        if longest is not None and len(text) > longest:
            raise FrameworkError(
                Refusal.TOO_LONG,
                where=where,
                field=field,
                length=len(text),
                start=repr(text[:20]),
                longest=longest,
            )
        if "\x00" in text or not _is_text(text):
            raise FrameworkError(
                Refusal.NO_CHARACTER, where=where, field=field, start=repr(text[:20])
            )


def _is_text(text: str) -> bool:
    """Tell whether text can be written down: no half of a surrogate pair."""
    return text.isprintable() or all(not "\ud800" <= one <= "\udfff" for one in text)


def _texts(framework: Framework) -> Iterator[tuple[str, str, str]]:
    """Yield each text that has a column of its own: whose it is, which, the text."""
    for name in ("case_id", "title", "version", "publisher", "language", "creator"):
        yield "CFDocument", name, getattr(framework, name)
    for item in framework.competencies:
        where = f"CFItem {item.label[:60]!r}"
        for name in type(item).__slots__:
            value = getattr(item, name)
            if isinstance(value, str):
                yield where, name, value
    for edge in framework.associations:
        where = f"CFAssociation {edge.case_id[:60]!r}"
        yield where, "associationType", edge.kind
        yield where, "case_id", edge.case_id
        yield where, "origin_case_id", edge.origin_case_id
        yield where, "destination_case_id", edge.destination_case_id
