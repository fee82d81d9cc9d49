"""Documents of frameworks out of files and from addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lti_tool.errors import ConfigError
from lti_tool.platforms.http import GuardedSession
from lti_tool.work.case_services import (
    Unread,
    is_service,
    parse_body,
    read_service,
    read_url,
)

Named = tuple[str, object]


@dataclass(frozen=True, slots=True)
class TableText:
    """A CSV table as text, not yet read, and the title its name gives it."""

    text: str
    title: str


def is_url(name: str) -> bool:
    """Tell whether a name is an address rather than a file."""
    return name.lower().startswith(("http://", "https://"))


def read_document(name: str, session: GuardedSession | None = None) -> object:
    """Return the document of a file or an address: JSON, or the text of a table.

    Raises:
        ConfigError: it cannot be read; says what to do.
        FrameworkError: it is no JSON.
        PlatformError: the address did not answer.
    """
    return _read(name, session or GuardedSession(frozenset()))[1]


def read_all(
    names: Sequence[str], session: GuardedSession
) -> Iterator[list[Named] | Unread]:
    """Yield the documents of files and addresses, in groups that go in together.

    What is named one by one is one group; of a whole service each framework is one,
    or why it could not be read.

    Raises:
        ConfigError: a name cannot be read; says what to do.
        FrameworkError: it is no JSON.
        PlatformError: an address did not answer.
    """
    services = [name for name in names if is_url(name) and is_service(name)]
    single = [name for name in names if name not in services]
    if single:
        yield [_read(name, session) for name in single]
    for name in services:
        for one in read_service(name, session):
            yield one if isinstance(one, Unread) else [one]


def parse_upload(name: str, body: bytes) -> object:
    """Return the document of a file somebody gave: JSON, or the text of a table.

    Raises:
        FrameworkError: it is no JSON.
    """
    path = Path(unquote(urlsplit(name).path)) if is_url(name) else Path(name)
    if path.suffix.lower() == ".csv":
        return TableText(_decoded(body), path.stem)
    return parse_body(name, body)


def _read(name: str, session: GuardedSession) -> Named:
    if is_url(name):
        whence, body = read_url(name, session)
        return whence, parse_upload(whence, body)
    try:
        body = Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{name} cannot be read ({error.strerror}); name a CASE package, a table "
            "(.csv) or a file of associations"
        ) from error
    return name, parse_upload(name, body)


def _decoded(body: bytes) -> str:
    """Return the text of a table: UTF-8, else what Western spreadsheets write."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")
