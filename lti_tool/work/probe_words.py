"""What a look at a source found out, in words that a page can translate.

The library :mod:`oneroster` speaks English; here its sentences stand with places for
what differs, so that one that was kept is found again whatever it was about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lti_tool.work.words import Known, Words

TEMPLATES: Final = (
    # what was found
    "the service begins at %(root)s",
    "the service begins at %(root)s, not where the address leads",
    "no root of a OneRoster service was found at or below the address",
    "it speaks OneRoster %(version)s",
    "its users have the form of %(found)s, the source is set to %(version)s",
    "given, with the credentials in %(place)s",
    "credentials are taken in %(found)s, the source sends %(sent)s",
    "granted: %(scopes)s",
    "not granted: %(scopes)s; what they cover cannot be read",
    "the service does not say which rights it granted",
    "no Date header; its clock is taken to be right",
    "its clock is %(seconds)s seconds ahead of ours",
    "its clock is %(seconds)s seconds behind ours",
    "%(count)s records",
    "%(count)s or more records",
    "%(count)s records; %(problem)s",
    "%(count)s or more records; %(problem)s",
    "none came; a roster without these cannot be synced",
    "the answer holds no list of these; it means nothing",
    "answered %(status)s; these cannot be read",
    "every collection is empty: the token may see no school",
    "%(collection)s, of each value its form alone",
    "limit=%(asked)s gave %(count)s: pages are shorter than asked for",
    "limit=%(asked)s gave %(count)s records",
    "limit=%(asked)s is refused, %(less)s is asked for instead",
    "all %(count)s %(collection)s come on one page; a cap cannot be seen",
    "pages hold at most %(count)s records, whatever is asked for",
    "pages of %(count)s come; longer ones do not",
    "too few records to tell",
    "the second page is another",
    "offset is ignored: the second page repeats the first",
    "X-Total-Count says %(count)s",
    "no X-Total-Count: the end is proven by an empty page",
    "X-Total-Count is another on each page",
    "the Link leads to the next page",
    "no Link to a next page: offsets are counted",
    "the Link to the next page leads to another host; it is not followed",
    "the Link to the next page does not lead to other records",
    "an order is refused; pages are asked for without one",
    "sort and orderBy are honoured",
    "sort or orderBy is ignored: records come in an order of the service's own",
    "the same page holds the same ids",
    "the same records came twice, in another order",
    "the same page asked twice holds other records",
    "a filter finds what it names",
    "a filter is refused: everything is read each time",
    "a filter is ignored: everything is read each time",
    "only the fields named come",
    "a choice of fields is refused: whole records are read",
    "a choice of fields is ignored: whole records are read",
    "changes alone can be asked for",
    "changes alone can be asked for; >= leaves out a record of that very moment",
    "a filter by dateLastModified is refused: every sync reads everything",
    "a filter by dateLastModified is ignored: every sync reads everything",
    "no record was ever changed, says the filter: it cannot be believed",
    "deleted records come as tobedeleted",
    "no deleted record was seen: what is gone is found by reading everything",
    "assessments can be written, under ids of ours",
    "line items and results can be written, under ids of ours",
    "line items and results can be posted; the service gives them their ids",
    "there are none of these; nothing can be written among them",
    "the right to write these is not granted",
    "these cannot be written this way",
    "there is no class to try it on",
    "it kept an object without fields, and it could not be deleted",
    "whether these can be written cannot be told from the answer",
    "the manifest says absent; what is here stays as it is",
    "bulk, but no row: a sync will not take it as empty",
    "bulk, %(count)s rows",
    "delta, %(count)s rows",
    "bulk, %(count)s rows; %(codes)s; the first: %(problem)s",
    "delta, %(count)s rows; %(codes)s; the first: %(problem)s",
    "OneRoster %(version)s, from %(system)s",
    # what to do
    "ask for the full root of the REST service, up to v1p1 or v1p2",
    "the service refuses our credentials: check them and the scopes",
    "the client may not read orgs: ask for roster-core.readonly",
    "check client id, client secret and scopes with whoever gave them",
    "check the address, the port, and the firewall between us",
    "ask for a valid certificate, or name its authority with --ca-file",
    "ask whether the service is up and our address is let through",
    "give the address the service has now",
    "wait, or ask for more requests a minute",
    "set the address to %(root)s",
    "set the version to %(version)s",
    "set the credentials to %(auth)s",
    "set the clock of the service, or ours",
    "ask for these scopes",
    "ask for the scope that covers it",
    "ask for %(scopes)s, if levels are to be written there",
    "delete %(id)s in its %(collection)s",
    "say how it is written to, if levels are to be written there",
    "ask which schools the client may see",
    "ask what this path should answer",
    "without it no more than one page can be read; ask for offset or Link",
    "ask whether records are being changed; a pull of them may fail",
    "ask for links with the name of the host that is asked",
    "ask for a Link that keeps limit, offset and filter",
    "records that move between pages are found by their total or a second pass",
    "ask whether sourcedIds are kept, and whether records are being changed",
    "ask for filter on sourcedId, status and dateLastModified",
    "ask for filter=dateLastModified>'...'; until then every sync reads all",
    "export the file again; nothing of it is read until it is sound",
)
# What fills a place and is a word of ours itself, by the place and what was said there.
VALUES: Final = {
    "place": {
        "HTTP Basic": "the header (HTTP Basic)",
        "the form": "the form of the request",
    },
    "found": {
        "basic": "the header (HTTP Basic)",
        "form": "the form of the request",
    },
    "sent": {
        "basic": "them in the header (HTTP Basic)",
        "form": "them in the form of the request",
        "bearer": "a fixed bearer token",
        "oauth1-sha1": "an OAuth 1.0a signature",
        "oauth1-sha256": "an OAuth 1.0a signature",
    },
}
# What is wrong with a record, by how its fault ends; of any other fault the last.
PROBLEMS: Final = {
    " is missing": "record %(line)s lacks %(field)s",
    "is not an object": "record %(line)s is no object",
    " is not active or tobedeleted": "record %(line)s has a status that is neither "
    "active nor tobedeleted",
    " cannot be read as a date-time; taken as missing": "record %(line)s has a "
    "%(field)s that cannot be read; it is taken as missing",
    "": "record %(line)s holds in %(field)s what cannot be read",
}
_PROBLEM: Final = re.compile(
    r'\S+ line (?P<line>\d+)(?: \("[^"]*"\))?: (?P<told>(?P<field>\S+).*)', re.DOTALL
)
_KNOWN: Final = Known(TEMPLATES)


def parse_words(text: str) -> Words | None:
    """Return the sentence a look said as a text with places; None if it is no such."""
    return _KNOWN.parse(text)


def parse_value(place: str, text: str) -> Words | None:
    """Return what fills a place as words of ours; None if it is said as it is."""
    known = VALUES.get(place, {}).get(text)
    if known is not None:
        return Words(known)
    found = _PROBLEM.fullmatch(text) if place == "problem" else None
    if found is None:
        return None
    told = found["told"]
    words = next(words for end, words in PROBLEMS.items() if told.endswith(end))
    return Words(words, {"line": found["line"], "field": found["field"]})


def sentences() -> Iterator[str]:
    """Yield every text a look may be told in."""
    yield from TEMPLATES
    yield from PROBLEMS.values()
    for known in VALUES.values():
        yield from known.values()
