"""Alignments from a CSV file: course,line_item,competency,weight[,part,practice]."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import curriculum, naming
from lti_tool.storage.alignments import NewAlignment
from lti_tool.storage.database import Database, Session
from lti_tool.work import standing
from mappings.alignments import Alignment
from mappings.errors import AlignmentError

COLUMNS: Final = ("course", "line_item", "competency", "weight")
# Written where an alignment has them, read where they are: "question:1-4" or nothing;
# yes or nothing.
MORE_COLUMNS: Final = ("part", "practice")
_PART: Final = re.compile(r"(row|question):[^,:\s]+(,(row|question):[^,:\s]+)*")
YES: Final = frozenset({"yes", "true", "1"})


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that could not be taken, and the mend."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class AlignReport:
    """What an import of alignments did; added counts changed weights too."""

    added: int
    same: int
    courses: int
    problems: tuple[RowProblem, ...]


def import_file(
    database: Database, path: Path, *, who: str, now: datetime
) -> AlignReport:
    """Take every good row and refresh the courses they touch, in one transaction.

    A bad row is left out and reported with its line. A course without a framework
    takes that of the first competency it is aligned to.

    Raises:
        ConfigError: the file cannot be read, or its header is another one.
    """
    parsed = list(_rows(path))
    problems: list[RowProblem] = []
    touched: set[int] = set()
    added = same = 0
    with database.write() as session:
        for line, row in parsed:
            try:
                course_id, is_new = _save(session, row, who, now)
            except (NotFoundError, AlignmentError) as error:
                problems.append(RowProblem(path.name, line, str(error)))
                continue
            added += is_new
            same += not is_new
            if is_new:
                touched.add(course_id)
        for course_id in sorted(touched):
            standing.refresh(session, course_id, now=now)
    return AlignReport(added, same, len(touched), tuple(problems))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = set(COLUMNS[:3]) - set(reader.fieldnames or ())
            if missing:
                raise ConfigError(
                    f"{path.name} line 1: no column {', '.join(sorted(missing))}; the "
                    f"header is {','.join(COLUMNS)}"
                )
            for row in reader:
                names = (*COLUMNS, *MORE_COLUMNS)
                yield reader.line_num, {name: row.get(name) or "" for name in names}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path.name} is no CSV in UTF-8 ({error}); save it as CSV UTF-8"
        ) from error


def _save(
    session: Session, row: dict[str, str], who: str, now: datetime
) -> tuple[int, bool]:
    weight = _weight(row["weight"])
    Alignment(row["line_item"], row["competency"], weight)  # refuses what says nothing
    course_id = naming.find_course(session, row["course"])
    assignment_id = naming.find_assignment(session, row["line_item"], course_id)
    framework_id = naming.framework_of_course(session, course_id)
    competency_id = naming.find_competency(session, row["competency"], framework_id)
    if framework_id is None:
        values: dict[str, Any] = {
            "framework_id": naming.framework_of(session, competency_id)
        }
        curriculum.save_course_plan(session, course_id, values, who=who, now=now)
    is_new = curriculum.save_alignment(
        session,
        NewAlignment(
            course_id=course_id,
            assignment_id=assignment_id,
            competency_id=competency_id,
            weight=weight,
            part=_part(row["part"]),
            is_practice=row["practice"].strip().lower() in YES,
        ),
        made_by=who,
        now=now,
    )
    return course_id, is_new


def _part(text: str) -> str:
    part = text.strip()
    if part and not _PART.fullmatch(part):
        raise AlignmentError(
            f'part "{text}" names no row or question; write row:3, question:1-4, or '
            "leave it empty for the whole score"
        )
    return part


def _weight(text: str) -> float:
    if not text.strip():
        return 1.0
    try:
        return float(text)
    except ValueError as error:
        raise AlignmentError(
            f'weight "{text}" is not a number; write 1 or 0.5'
        ) from error
