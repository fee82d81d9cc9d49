"""CASE packages and extra association files into our tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from lti_tool.errors import ConfigError
from lti_tool.platforms.http import Ask, GuardedSession, ask
from lti_tool.storage import frameworks
from lti_tool.storage.database import Database, Session
from lti_tool.storage.frameworks import FrameworkImport, ImportCounts
from mappings.case import parse_associations, parse_case
from mappings.errors import FrameworkError
from mappings.frameworks import Problem

_OK: Final = 200
_CROWD: Final = 8  # a web page that begins so is no CASE document


@dataclass(frozen=True, slots=True)
class Imported:
    """What one file brought: a framework, or extra associations."""

    name: str
    framework: FrameworkImport | None
    associations: ImportCounts
    problems: tuple[Problem, ...]

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing was written."""
        items = self.framework.competencies if self.framework else None
        return self.associations.is_nothing and (items is None or items.is_nothing)


def read_document(name: str, session: GuardedSession | None = None) -> object:
    """Return the JSON document of a file or an address.

    Raises:
        ConfigError: it cannot be read; says what to do.
        FrameworkError: it is no JSON.
        PlatformError: the address did not answer.
    """
    if name.startswith(("http://", "https://")):
        body = _fetch(name, session or GuardedSession(frozenset()))
    else:
        try:
            body = Path(name).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{name} cannot be read ({error.strerror}); name a CASE package or a "
                "file of associations"
            ) from error
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        start = body.lstrip()[:_CROWD].decode(errors="replace")
        raise FrameworkError(
            f"{name} is no JSON (it begins with {start!r}); give a CASE package, "
            "a JSON object with CFDocument, CFItems and CFAssociations"
        ) from error


def _fetch(url: str, session: GuardedSession) -> bytes:
    answer = ask(session, Ask("GET", url, headers={"Accept": "application/json"}))
    if answer.status != _OK:
        raise ConfigError(
            f"{url} answered {answer.status}; check the address of the CASE package"
        )
    return answer.body


def import_documents(
    database: Database, documents: Sequence[tuple[str, object]], now: datetime
) -> list[Imported]:
    """Store documents, packages before extra associations, all or nothing.

    Raises:
        FrameworkError: one of them is not CASE; nothing was stored.
    """
    parsed = [(name, document, _is_extra(document)) for name, document in documents]
    parsed.sort(key=lambda one: one[2])
    with database.write() as session:
        return [
            _extra(session, name, document, now)
            if is_extra
            else _package(session, name, document, now)
            for name, document, is_extra in parsed
        ]


def _is_extra(document: object) -> bool:
    return (
        isinstance(document, Mapping)
        and "CFAssociations" in document
        and not {"CFDocument", "CFPackage", "CFItems"} & document.keys()
    )


def _package(session: Session, name: str, document: object, now: datetime) -> Imported:
    try:
        framework, problems = parse_case(document)
    except FrameworkError as error:
        raise FrameworkError(f"{name}: {error}") from error
    done = frameworks.save_framework(session, framework, now)
    return Imported(name, done, done.associations, problems)


def _extra(session: Session, name: str, document: object, now: datetime) -> Imported:
    known = frameworks.load_case_ids(session)
    try:
        edges, problems = parse_associations(document, known)
    except FrameworkError as error:
        raise FrameworkError(f"{name}: {error}") from error
    return Imported(
        name, None, frameworks.save_associations(session, edges, now), problems
    )
