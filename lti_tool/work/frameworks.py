"""Frameworks into our tables: CASE packages, extra association files, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from lti_tool.storage import (
    framework_rows,
    framework_versions,
    frameworks,
    replacements,
)
from lti_tool.storage.database import Database, Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.framework_rows import ImportCounts
from lti_tool.storage.framework_versions import CASE, CSV, FrameworkImport, Note
from lti_tool.work import framework_levels, recomputing
from lti_tool.work.framework_files import TableText, is_url, read_document
from mappings.case import format_case, parse_associations, parse_case
from mappings.case_parts import EDGES, Part, parse_part, patched
from mappings.errors import FrameworkError
from mappings.framework_tables import parse_table
from mappings.frameworks import Association, Framework, Problem, ring, ring_text
from mappings.limits import check_framework

__all__ = ["Imported", "import_documents", "read_document"]

WHO: Final = "cli"


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
        if self.framework is not None:
            return self.framework.is_nothing
        return self.associations.is_nothing


def import_documents(
    database: Database,
    documents: Sequence[tuple[str, object]],
    now: datetime,
    *,
    who: str = WHO,
) -> list[Imported]:
    """Store documents, packages before parts and extra associations, all or nothing.

    Raises:
        FrameworkError: one of them is not CASE, or prerequisites close a ring;
            nothing was stored.
    """
    parsed = [(name, document, _rank(document)) for name, document in documents]
    parsed.sort(key=lambda one: one[2])
    with database.write() as session:
        before = frameworks.load_all_precedes(session)
        desk = _Desk(session, now, who)
        done = [
            one for name, document, _ in parsed for one in desk.bring(name, document)
        ]
        refuse_ring(session, before)
        replacements.propose(session, now)
    return done


def refuse_ring(session: Session, before: Sequence[tuple[str, str]]) -> None:
    """Refuse prerequisites that close a ring which was not there before.

    Raises:
        FrameworkError: they do; the path is named by its codes.
    """
    path = ring(frameworks.load_all_precedes(session))
    if set(pairwise(path)) - set(before):
        labels = frameworks.load_labels(session, path)
        raise FrameworkError(
            f"prerequisites: {ring_text(path, labels)}; nothing was stored"
        )


def _is_extra(document: object) -> bool:
    return (
        isinstance(document, Mapping)
        and "CFAssociations" in document
        and not {"CFDocument", "CFPackage", "CFItems", "CFItem"} & document.keys()
    )


def _rank(document: object) -> int:
    """Packages first, then parts of them, then edges between them."""
    return 2 if _is_extra(document) else int(parse_part(document) is not None)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One import: where it writes, when, and who brings it."""

    session: Session
    now: datetime
    who: str

    def bring(self, name: str, document: object) -> list[Imported]:
        """Store one document.

        Raises:
            FrameworkError: it cannot be stored; its name, the record and the mend.
        """
        try:
            return self._bring(name, document)
        except FrameworkError as error:
            raise FrameworkError(f"{name}: {error}") from error

    def _bring(self, name: str, document: object) -> list[Imported]:
        if isinstance(document, TableText):
            framework, problems = parse_table(document.text, document.title)
            return [self._framework(name, framework, problems, CSV)]
        if _is_extra(document):
            return [self._extra(name, *self._edges(document))]
        part = parse_part(document)
        if part is not None:
            return self._part(name, part)
        return [self._framework(name, *parse_case(document), CASE)]

    def _framework(
        self,
        name: str,
        framework: Framework,
        problems: Sequence[Problem],
        origin: str,
        *,
        is_part: bool = False,
    ) -> Imported:
        check_framework(framework)
        problems = (*problems, *framework_levels.problems_of(framework))
        url = name if is_url(name) and not is_part else None
        note = Note(
            named=name if is_url(name) else PurePath(name).name,
            made_by=self.who,
            at=self.now,
            origin=origin,
            source_url=url,
            case_version=_case_version(framework, url),
            problems=problems,
        )
        done = framework_versions.save_framework(self.session, framework, note)
        framework_levels.save(
            self.session, framework, done, origin="rubric", who=self.who, now=self.now
        )
        recomputing.follow(self.session, done, who=self.who, now=self.now)
        return Imported(name, done, done.associations, tuple(problems))

    def _part(self, name: str, part: Part) -> list[Imported]:
        """Put what a single endpoint gave into the frameworks it belongs to."""
        done: list[Imported] = []
        edges = {str(one["identifier"]): one for one in part.records.get(EDGES, ())}
        for framework_id in frameworks.find_holding(self.session, part):
            package = format_case(frameworks.load_package(self.session, framework_id))
            own = part.within(package)
            for edge in own.records.get(EDGES, ()):
                edges.pop(str(edge["identifier"]), None)
            read, problems = parse_case(patched(package, own))
            done.append(self._framework(name, read, problems, CASE, is_part=True))
        if edges:
            done.append(self._extra(name, *self._edges({EDGES: [*edges.values()]})))
        if not done:
            lists = ", ".join(part.records)
            raise FrameworkError(
                f"found {lists} of a framework that is not here; import the framework "
                "first (the address of its CFPackage), then this"
            )
        return done

    def _edges(
        self, document: object
    ) -> tuple[tuple[Association, ...], tuple[Problem, ...]]:
        return parse_associations(document, frameworks.load_case_ids(self.session))

    def _extra(
        self, name: str, edges: Sequence[Association], problems: tuple[Problem, ...]
    ) -> Imported:
        check_framework(Framework("", associations=tuple(edges)))
        done = framework_rows.add_associations(self.session, edges, self.now)
        counts = done.counts()
        if not counts.is_nothing:
            recomputing.follow_edges(self.session, edges, who=self.who, now=self.now)
            put_change(
                self.session,
                at=self.now,
                who=self.who,
                what="associations imported",
                subject=("association", None),
                after={"added": counts.added, "changed": counts.changed},
            )
        return Imported(name, None, counts, problems)


def _case_version(framework: Framework, url: str | None) -> str | None:
    """Return which version of CASE a package is of, None if nothing says so."""
    said = framework.payload.get("caseVersion")
    if isinstance(said, str) and said:
        return said[:8]
    versions = {"/v1p0/": "1.0", "/v1p1/": "1.1"}
    return next((one for mark, one in versions.items() if mark in (url or "")), None)
