"""Resources from a CSV file and from the exemplars a framework names."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import exemplars, naming, resources
from lti_tool.storage.database import Database, Session
from lti_tool.storage.resources import Use
from lti_tool.work.alignments import RowProblem
from mappings.errors import ResourceError
from mappings.resources import parse_link

NEEDED: Final = ("title", "competency")
COLUMNS: Final = (
    *NEEDED,
    "url",
    "course",
    "licence",
    "language",
    "kind",
    "description",
    "from_level",
    "to_level",
    "pinned",
)
LONGEST: Final = {"language": 35, "kind": 64}
WORDS_FOR_YES: Final = frozenset({"yes", "true", "1"})
WORDS_FOR_NO: Final = frozenset({"", "no", "false", "0"})


@dataclass(frozen=True, slots=True)
class ResourceReport:
    """What an import of resources did; added counts changed offers too."""

    added: int
    same: int
    problems: tuple[RowProblem, ...]


def import_file(
    database: Database, path: Path, *, who: str, now: datetime
) -> ResourceReport:
    """Take every good row in one transaction; a file read again changes nothing.

    A bad row is left out and reported with its line.

    Raises:
        ConfigError: the file cannot be read, or its header is another one.
    """
    parsed = list(_rows(path))
    problems: list[RowProblem] = []
    added = same = 0
    with database.write() as session:
        for line, row in parsed:
            try:
                is_new = _save(session, row, who, now)
            except (NotFoundError, ResourceError) as error:
                problems.append(RowProblem(path.name, line, str(error)))
                continue
            added += is_new
            same += not is_new
    return ResourceReport(added, same, tuple(problems))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            named = set(reader.fieldnames or ())
            if not set(NEEDED) <= named or named - set(COLUMNS):
                raise ConfigError(
                    f"{path.name} line 1: the header is {','.join(COLUMNS)}; all but "
                    "title and competency may be left out"
                )
            for row in reader:
                yield (
                    reader.line_num,
                    {name: (row.get(name) or "").strip() for name in COLUMNS},
                )
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path.name} is no CSV in UTF-8 ({error}); save it as CSV UTF-8"
        ) from error


def _save(session: Session, row: Mapping[str, str], who: str, now: datetime) -> bool:
    fields = parse_fields(row)
    course_id = framework_id = None
    if row["course"]:
        course_id = naming.find_course(session, row["course"])
        framework_id = naming.framework_of_course(session, course_id)
    use = Use(
        resource_id=0,
        competency_id=naming.find_competency(session, row["competency"], framework_id),
        course_id=course_id,
        from_level=_level(row, "from_level"),
        to_level=_level(row, "to_level"),
        is_pinned=_is_yes(row["pinned"]),
    )
    check_levels(use.from_level, use.to_level)
    return offer(session, fields, use, origin="csv", who=who, now=now)


def parse_fields(row: Mapping[str, str]) -> dict[str, str | None]:
    """Read the fields of a resource from texts; what is empty is None.

    Raises:
        ResourceError: no title, an address that is none, or a field too long.
    """
    fields = {name: (row.get(name) or "").strip() or None for name in resources.FIELDS}
    if fields["title"] is None:
        raise ResourceError("the resource has no title; give it one")
    for name, most in LONGEST.items():
        if len(fields[name] or "") > most:
            raise ResourceError(f"{name} is longer than {most} letters")
    if fields["url"] is not None:
        fields["url"] = parse_link(fields["url"])
    return fields


def check_levels(low: int | None, high: int | None) -> None:
    """Refuse levels that no student can be between.

    Raises:
        ResourceError: the first lies above the last.
    """
    if low is not None and high is not None and low > high:
        raise ResourceError(
            f"from_level {low + 1} lies above to_level {high + 1}; turn them round"
        )


def offer(
    session: Session,
    fields: Mapping[str, Any],
    use: Use,
    *,
    origin: str,
    who: str,
    now: datetime,
) -> bool:
    """Offer a resource, made where it is not here yet; tells whether that is news.

    ``use`` names no resource: that with the same title and address is taken.
    """
    known = resources.find_resource(session, fields["title"], fields["url"])
    if known is None:
        known = resources.insert_resource(
            session, {**fields, "origin": origin}, who=who, now=now
        )
    placed = Use(
        known,
        use.competency_id,
        use.course_id,
        use.from_level,
        use.to_level,
        use.is_pinned,
    )
    return resources.save_use(session, placed, who=who, now=now)


def _level(row: Mapping[str, str], name: str) -> int | None:
    text = row[name]
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ResourceError(
            f'{name} "{text}" is no level; 1 is the lowest, empty is all'
        )
    return int(text) - 1


def _is_yes(text: str) -> bool:
    word = text.casefold()
    if word not in WORDS_FOR_YES | WORDS_FOR_NO:
        raise ResourceError(f'pinned "{text}" is neither yes nor no')
    return word in WORDS_FOR_YES


def take_exemplars(
    session: Session, framework_id: int, *, who: str, now: datetime
) -> int:
    """Offer to the whole school what a framework names as exemplars.

    An edge whose end is no address of the web is passed over: it is kept in the
    framework, but no student can be sent there. Returns how many are new.

    Source: CASE 1.1, associationType exemplar (origin the item, destination the
    resource).
    """
    added = 0
    for one in exemplars.load_exemplars(session, framework_id):
        if resources.find_published(session, one.case_id) is not None:
            continue
        try:
            link = parse_link(one.url)
        except ResourceError:
            continue
        fields = {"title": one.title, "url": link, "language": one.language}
        made = resources.insert_resource(
            session,
            {**fields, "origin": "case", "sourced_id": one.case_id},
            who=who,
            now=now,
        )
        use = Use(made, one.competency_id, course_id=None)
        added += resources.save_use(session, use, who=who, now=now)
    return added
