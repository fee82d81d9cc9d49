"""CASE services: a whole one by its address, one framework, or a single record.

Only CFDocuments is paged, and neither a count nor links are promised: pages are
asked for until one brings nothing new. A framework of one version of CASE asked for
under the other answers 409: the other is tried.

Source: CASE 1.1 REST binding (facts/competencies.md 1.1, 1.4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from lti_tool.errors import ConfigError, PlatformError
from lti_tool.platforms.http import Answer, Ask, GuardedSession, ask
from mappings.errors import FrameworkError

_ADDRESS: Final = re.compile(
    r"(?P<head>.*/ims/case/)(?P<version>v1p[01])"
    r"(?:/(?P<kind>CF\w+)(?:/(?P<id>[^/]+))?)?/?"
)
_OTHER: Final = {"v1p0": "v1p1", "v1p1": "v1p0"}
_OK: Final = 200
# Asked for under the wrong version: 409 says so, others do not know the path.
_WRONG_VERSION: Final = frozenset({400, 404, 409})
_NO_ENTRY: Final = frozenset({401, 403})
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
PAGE: Final = 100
MOST_DOCUMENTS: Final = 10_000
BODY_LIMIT: Final = 512 * 1024 * 1024  # 100,000 items with their edges are 150 MB
TIMES: Final = (5.0, 60.0, 900.0)


@dataclass(frozen=True, slots=True)
class Unread:
    """A framework that the service lists and did not give."""

    name: str
    text: str


def is_service(url: str) -> bool:
    """Tell whether an address is that of a whole service, not of one document."""
    path = urlsplit(url).path
    match = _ADDRESS.fullmatch(path)
    if match is None:
        return path.strip("/") == ""
    return match["kind"] in (None, "CFDocuments") and match["id"] is None


def read_url(url: str, session: GuardedSession) -> tuple[str, bytes]:
    """Read one document; returns the address it came from, and it.

    The address of a CFDocument gives the package of that document.

    Raises:
        ConfigError: the service refuses; says what to check.
        PlatformError: it did not answer.
    """
    parts = urlsplit(url)
    match = _ADDRESS.fullmatch(parts.path)
    if match is None or match["id"] is None:
        return url, _body(url, _get(url, session))
    kind = "CFPackages" if match["kind"] == "CFDocuments" else match["kind"]
    first = match["version"]
    for version in (first, _OTHER[first]):
        path = f"{match['head']}{version}/{kind}/{match['id']}"
        address = urlunsplit(parts._replace(path=path))
        answer = _get(address, session)
        if version != first or answer.status not in _WRONG_VERSION:
            return address, _body(address, answer)
    raise ConfigError(f"{url} cannot be read")  # pragma: no cover -- the loop returns


def read_service(
    url: str, session: GuardedSession
) -> Iterator[tuple[str, object] | Unread]:
    """Yield each framework of a service with its address, or why it was not given.

    Raises:
        ConfigError: this is no CASE service, or it refuses.
        PlatformError: it did not answer.
    """
    base, documents = _listing(url, session)
    for document in documents:
        case_id = str(document["identifier"])
        address = f"{base}/CFPackages/{case_id}"
        title = str(document.get("title") or case_id)
        try:
            whence, body = read_url(address, session)
            yield whence, parse_body(whence, body)
        except (ConfigError, FrameworkError, PlatformError) as error:
            yield Unread(title, str(error))


def parse_body(name: str, body: bytes) -> object:
    """Return the JSON document of a body.

    Raises:
        FrameworkError: it is no JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        start = body.lstrip()[:8].decode(errors="replace")
        raise FrameworkError(
            f"{name} is no JSON (it begins with {start!r}); give a CASE package, "
            "a JSON object with CFDocument, CFItems and CFAssociations"
        ) from error


def _listing(url: str, session: GuardedSession) -> tuple[str, list[dict[str, object]]]:
    """Return the root of a service and every document it lists, each once."""
    parts = urlsplit(url)
    match = _ADDRESS.fullmatch(parts.path)
    head = f"{parts.scheme}://{parts.netloc}{match['head'] if match else '/ims/case/'}"
    first = match["version"] if match else "v1p1"
    for version in (first, _OTHER[first]):
        base = f"{head}{version}"
        found: dict[str, dict[str, object]] = {}
        answer = _get(_page(base, 0), session)
        if version == first and answer.status in _WRONG_VERSION:
            continue
        fresh = _documents(base, answer)
        while fresh.keys() - found.keys():
            found = {**found, **fresh}
            if len(found) > MOST_DOCUMENTS:
                raise ConfigError(f"{base} lists more than {MOST_DOCUMENTS} documents")
            if _is_whole(answer, len(found)):
                break
            answer = _get(_page(base, len(found)), session)
            fresh = _documents(base, answer)
        return base, list(found.values())
    raise ConfigError(f"{url} lists nothing")  # pragma: no cover -- the loop returns


def _page(base: str, offset: int) -> str:
    return f"{base}/CFDocuments?limit={PAGE}&offset={offset}"


def _is_whole(answer: Answer, count: int) -> bool:
    """Tell whether the service says itself that there is no more."""
    total = answer.headers.get("X-Total-Count", "")
    return total.isdecimal() and count >= int(total)


def _documents(base: str, answer: Answer) -> dict[str, dict[str, object]]:
    """Return the documents of one page by GUID."""
    page = parse_body(base, _body(f"{base}/CFDocuments", answer))
    listed = page.get("CFDocuments") if isinstance(page, dict) else page
    if not isinstance(listed, list):
        raise ConfigError(
            f"{base}/CFDocuments gives no list of documents; check that this is the "
            "address of a CASE service"
        )
    return {
        one["identifier"]: one
        for one in listed
        if isinstance(one, dict) and isinstance(one.get("identifier"), str)
    }


def _get(url: str, session: GuardedSession) -> Answer:
    return ask(
        session,
        Ask(
            "GET",
            url,
            headers={"Accept": "application/json, text/csv;q=0.5"},
            limit=BODY_LIMIT,
            times=TIMES,
        ),
    )


def _body(url: str, answer: Answer) -> bytes:
    """Return the body of an answer that is one.

    Raises:
        ConfigError: the service refuses; says what to check.
        PlatformError: it is busy or broken.
    """
    if answer.status == _OK:
        return answer.body
    if answer.status in _BUSY:
        host = urlsplit(url).hostname or "?"
        raise PlatformError(
            f"{host} answered {answer.status}; try again later", "status"
        )
    if answer.status in _NO_ENTRY:
        raise ConfigError(
            f"{url} answered {answer.status}: it is protected; give its token (on the "
            "page, or --token-file), or --token-url with --client-id and "
            "--client-secret-file"
        )
    raise ConfigError(
        f"{url} answered {answer.status}; check the address of the CASE package"
    )
