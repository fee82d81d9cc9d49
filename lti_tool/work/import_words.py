"""Why a framework was not imported, in words that a page can translate.

The worker keeps what it says as English text; here its sentences stand with places for
what differs.
"""

from __future__ import annotations

from typing import Final

from lti_tool.work.words import Known, Words

# The name of the file or address stands before each.
TEMPLATES: Final = (
    (
        "%(name)s: prerequisites: edges close a ring: %(path)s; remove one of "
        "them; nothing was stored"
    ),
    "%(name)s: prerequisites: edges close a ring: %(path)s; remove one of them",
    "%(name)s: parent: edges close a ring: %(path)s; remove one of them",
    (
        "%(name)s: found %(found)s, not a CASE package; give a CASE package, a "
        "JSON object with CFDocument, CFItems and CFAssociations"
    ),
    (
        "%(name)s: found CASE associations alone, without the framework they "
        "belong to; import the framework first, then these"
    ),
    (
        "%(name)s: found %(lists)s of a framework that is not here; import the "
        "framework first (the address of its CFPackage), then this"
    ),
    (
        "%(name)s is no JSON (it begins with %(start)s); give a CASE package, a "
        "JSON object with CFDocument, CFItems and CFAssociations"
    ),
    "%(name)s: this is no CSV table (%(why)s); save it as CSV anew",
    (
        "%(name)s: found no column statement; give a table whose first row names "
        "its columns: %(columns)s"
    ),
    "%(name)s: column %(column)s is there twice; leave one",
    "%(name)s: the table has no rows; give one row for each competency",
    "%(url)s answered %(status)s; check the address of the CASE package",
    "%(host)s answered %(status)s; try again later",
    (
        "%(url)s answered %(status)s: it is protected; give its token (on the "
        "page, or --token-file), or --token-url with --client-id and "
        "--client-secret-file"
    ),
    (
        "%(url)s/CFDocuments gives no list of documents; check that this is the "
        "address of a CASE service"
    ),
)
_KNOWN: Final = Known(TEMPLATES)


def parse_words(text: str) -> Words | None:
    """Return why an import failed as a text with places; None if it is no such."""
    return _KNOWN.parse(text)
