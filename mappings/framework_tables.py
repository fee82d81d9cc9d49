"""Frameworks as tables a person writes: one row a competency, in CSV.

Columns, in any order; all but ``statement`` may be left out:

``identifier``
    The GUID by which the competency is known again; else its code is.
``code``, ``statement``, ``short``, ``kind``, ``language``
    What it is called, what it says, in short, what sort of thing, its language.
``parent``
    Code or identifier of what it stands under, several apart by ``;``.
``grade``
    CEDS codes, KG or 01 to 12, apart by ``;``.
``prerequisites``
    Codes or identifiers of what comes before it, apart by ``;``.
``level: NAME (POINTS)``
    What that level means for it; as many columns as there are levels, the lowest
    first. Points may be left out.
``framework``, ``framework_identifier``
    The title and GUID of the whole, the same in each row.

Rows stand in reading order. A cell that begins with ``=``, ``+``, ``-`` or ``@`` is
written with an apostrophe before it, so that no spreadsheet calculates it.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, uuid5

from mappings.errors import FrameworkError
from mappings.frameworks import (
    IS_CHILD_OF,
    PRECEDES,
    Association,
    Competency,
    Framework,
    Problem,
    ring,
    ring_text,
)
from mappings.rubrics import LevelText, level_texts, with_levels

COLUMNS = (
    "framework_identifier",
    "framework",
    "identifier",
    "code",
    "statement",
    "short",
    "parent",
    "kind",
    "grade",
    "language",
    "prerequisites",
)
_LEVEL = re.compile(
    r"level:\s*(?P<name>.*?)(?:\s*\((?P<points>[^()]*)\))?\s*", re.DOTALL
)
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
_MOST_FAULTS = 5


@dataclass(slots=True)
class _Table:
    """A table as it is read: its rows by column, and what is wrong."""

    rows: list[dict[str, str]]
    levels: tuple[tuple[str, LevelText], ...]
    faults: list[str] = field(default_factory=list)
    ids: dict[int, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)

    def fault(self, place: int, text: str) -> None:
        """Remember what is wrong in a row; the header is row 1."""
        self.faults.append(f"row {place + 2}: {text}")


def parse_table(text: str, title: str) -> tuple[Framework, tuple[Problem, ...]]:
    """The framework that a CSV table holds, and the columns that say nothing to us.

    ``title`` names it where no column does; the same title is the same framework.

    Raises:
        FrameworkError: the table makes no framework; the rows and the mend are named.
    """
    header, rows = _read(text)
    table = _Table(rows, _level_columns(header))
    first = rows[0]
    title = first.get("framework") or title.strip() or "Framework"
    case_id = first.get("framework_identifier") or _guid("framework", title)
    _identify(table, case_id)
    edges = list(_edges(table, case_id))
    framework = Framework(
        case_id,
        title,
        competencies=tuple(
            _competency(row, table.ids[place])
            for place, row in enumerate(rows)
            if place in table.ids
        ),
        associations=tuple({edge.case_id: edge for edge in edges}.values()),
    )
    _check(table, framework)
    whole = _in_reading_order(framework)
    written = {case_id: rows[place] for place, case_id in table.ids.items()}
    texts = {
        one.case_id: _texts(written[one.case_id], table.levels)
        for one in whole.competencies
    }
    problems = [
        Problem("unknown_column", name, f"column {name!r} is not one we know; not used")
        for name in header
        if name not in COLUMNS and not _LEVEL.fullmatch(name)
    ]
    return with_levels(whole, texts), tuple(problems)


def _in_reading_order(framework: Framework) -> Framework:
    """The framework with its records as a reader meets them, siblings numbered."""
    items = tuple(one for one, _ in framework.in_order())
    edges: dict[str, list[Association]] = {one.case_id: [] for one in items}
    for edge in framework.edges(IS_CHILD_OF):
        edges[edge.origin_case_id].append(edge)
    for edge in framework.edges(PRECEDES):
        edges[edge.destination_case_id].append(edge)
    numbers: Counter[str] = Counter()
    ordered = []
    for edge in (edge for one in items for edge in edges[one.case_id]):
        parent = edge.destination_case_id
        numbers[parent] += edge.kind == IS_CHILD_OF
        number = numbers[parent] if edge.kind == IS_CHILD_OF else None
        ordered.append(replace(edge, sequence=number))
    return replace(framework, competencies=items, associations=tuple(ordered))


def format_table(framework: Framework) -> str:
    """The CSV table of a framework; parse_table gives the same table again.

    What a table has no column for is not in it: the CASE package holds everything.
    """
    texts = level_texts(framework)[0]
    names = list(
        dict.fromkeys((one.name, one.points) for row in texts.values() for one in row)
    )
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *(_level_column(*one) for one in names)])
    codes = Counter(one.human_code for one in framework.competencies)
    known = {
        one.case_id: one.human_code
        if codes[one.human_code] == 1 and _is_name(one.human_code, framework)
        else one.case_id
        for one in framework.competencies
    }
    before: dict[str, list[str]] = {}
    for earlier, later in framework.precedes():
        before.setdefault(later, []).append(known[earlier])
    for item, _depth in framework.in_order():
        said = {
            (one.name, one.points): one.description
            for one in texts.get(item.case_id, ())
        }
        row = [
            framework.case_id,
            framework.title,
            item.case_id,
            item.human_code,
            item.statement,
            item.abbreviated,
            ";".join(
                known[one] for one in framework.parents_by_child.get(item.case_id, ())
            ),
            item.kind,
            ";".join(item.education_levels),
            item.language,
            ";".join(before.get(item.case_id, ())),
            *(said.get(one, "") for one in names),
        ]
        writer.writerow([_guarded(cell) for cell in row])
    return out.getvalue()


def _is_name(code: str, framework: Framework) -> bool:
    """Tell whether a code names one competency in a list of several."""
    return bool(code) and ";" not in code and code not in framework.by_case_id


def _level_column(name: str, points: float | None) -> str:
    return f"level: {name} ({'' if points is None else f'{points!r}'})"


def _read(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """The header and the rows of a table, cells trimmed, empty rows left out."""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise FrameworkError(
            f"this is no CSV table ({error}); save it as CSV anew"
        ) from error
    header = [_column(cell) for cell in lines[0]] if lines else []
    if "statement" not in header:
        raise FrameworkError(
            "found no column statement; give a table whose first row names its "
            "columns: " + ", ".join(COLUMNS)
        )
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if twice:
        raise FrameworkError(f"column {twice[0]!r} is there twice; leave one")
    rows = [
        {name: _bare(cell.strip()) for name, cell in zip(header, line, strict=False)}
        for line in lines[1:]
        if any(cell.strip() for cell in line)
    ]
    if not rows:
        raise FrameworkError("the table has no rows; give one row for each competency")
    return header, rows


def _column(cell: str) -> str:
    """A column by its name: case does not matter, but in the names of levels."""
    name = cell.strip().removeprefix("\ufeff")
    if name.lower().startswith("level:"):
        return "level:" + name[len("level:") :]
    return name.lower().replace(" ", "_")


def _bare(cell: str) -> str:
    """A cell without the apostrophe that kept a spreadsheet from calculating it."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_RISKY) else cell


def _guarded(cell: str) -> str:
    """A cell that no spreadsheet calculates."""
    return f"'{cell}" if cell.startswith(_RISKY) else cell


def _level_columns(header: Sequence[str]) -> tuple[tuple[str, LevelText], ...]:
    """The columns of levels, each with its name and points.

    Raises:
        FrameworkError: one has no name, or points that are no number.
    """
    found = []
    for column in header:
        match = _LEVEL.fullmatch(column)
        if match is None:
            continue
        name, points = match["name"], (match["points"] or "").strip()
        try:
            worth = float(points) if points else None
        except ValueError as error:
            raise FrameworkError(
                f"column {column!r}: {points!r} is no number of points; write "
                "level: NAME (POINTS)"
            ) from error
        if not name or (worth is not None and not math.isfinite(worth)):
            raise FrameworkError(f"column {column!r}: write level: NAME (POINTS)")
        found.append((column, LevelText(name, "", worth)))
    return tuple(found)


def _identify(table: _Table, framework_id: str) -> None:
    """Give each row the GUID it goes by, and know it by its code as well."""
    seen: dict[str, int] = {}
    codes = Counter(row.get("code", "") for row in table.rows)
    for place, row in enumerate(table.rows):
        code, own = row.get("code", ""), row.get("identifier", "")
        if not row.get("statement"):
            table.fault(place, "it has no statement; write what a student can do")
        if not own and not code:
            table.fault(place, "it has neither identifier nor code; give one")
            continue
        case_id = own or _guid(framework_id, code)
        if case_id in seen:
            name = own or f"code {code}"
            table.fault(
                place, f"{name} is in row {seen[case_id] + 2} already; give another"
            )
            continue
        seen[case_id] = place
        table.ids[place] = table.named[case_id] = case_id
        if code and codes[code] == 1:
            table.named.setdefault(code, case_id)


def _edges(table: _Table, framework_id: str) -> Iterator[Association]:
    """Yield where each row stands, and what comes before it."""
    for place, row in enumerate(table.rows):
        if place not in table.ids:
            continue
        own = table.ids[place]
        for parent in list(_names(table, place, row, "parent")) or [framework_id]:
            edge_id = _guid(framework_id, IS_CHILD_OF, own, parent)
            yield Association(edge_id, IS_CHILD_OF, own, parent, place + 1)
        for earlier in _names(table, place, row, "prerequisites"):
            edge_id = _guid(framework_id, PRECEDES, earlier, own)
            yield Association(edge_id, PRECEDES, earlier, own)


def _names(
    table: _Table, place: int, row: Mapping[str, str], column: str
) -> Iterator[str]:
    """Yield the GUIDs of the rows a cell names."""
    for name in _parts(row.get(column, "")):
        if name in table.named:
            yield table.named[name]
        else:
            table.fault(
                place, f"{column} {name!r} is no code or identifier of one row here"
            )


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


def _competency(row: Mapping[str, str], case_id: str) -> Competency:
    """A competency out of its row."""
    return Competency(
        case_id,
        statement=row.get("statement", ""),
        human_code=row.get("code", ""),
        abbreviated=row.get("short", ""),
        kind=row.get("kind", ""),
        education_levels=_parts(row.get("grade", "")),
        language=row.get("language", ""),
    )


def _texts(
    row: Mapping[str, str], levels: Sequence[tuple[str, LevelText]]
) -> tuple[LevelText, ...]:
    """What each level means in a row; nothing where no cell says anything."""
    if not any(row.get(column) for column, _ in levels):
        return ()
    return tuple(
        LevelText(one.name, row.get(column, ""), one.points) for column, one in levels
    )


def _check(table: _Table, framework: Framework) -> None:
    """Refuse a table that makes no framework, with what is wrong in it.

    Raises:
        FrameworkError: rows are wrong, or close a ring.
    """
    parents = [
        (edge.destination_case_id, edge.origin_case_id)
        for edge in framework.edges(IS_CHILD_OF)
    ]
    for column, edges in (("parent", parents), ("prerequisites", framework.precedes())):
        path = ring(edges)
        if path:
            labels = {
                one: framework.by_case_id[one].label
                for one in path
                if one in framework.by_case_id
            }
            table.faults.append(f"{column}: {ring_text(path, labels)}")
    if table.faults:
        more = len(table.faults) - _MOST_FAULTS
        told = "; ".join(table.faults[:_MOST_FAULTS])
        raise FrameworkError(told + (f"; and {more} more" if more > 0 else ""))


def _guid(*parts: str) -> str:
    """A GUID that the same parts always give."""
    return str(uuid5(NAMESPACE_URL, "/".join(("masterybridge", "table", *parts))))
