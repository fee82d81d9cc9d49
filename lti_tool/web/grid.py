"""Arranges the class grid: what is shown, in which order, with which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from markupsafe import Markup

from lti_tool.storage.curriculum import Plan, PlanCompetency
from lti_tool.storage.pages import Cell, Student
from lti_tool.web import marks
from lti_tool.web.nextsteps import NextSteps
from lti_tool.web.texts import gettext, level_name, ngettext, percent

ALL_ROWS, ALL_COLUMNS, PAGE = 400, 80, 100


@dataclass(frozen=True, slots=True)
class Look:
    """What the teacher asked to see; every part stands in the address."""

    area: str = ""
    students: str = ""
    group: int | None = None
    only_evidence: bool = True
    show: str = "level"
    sort: str = "name"
    page: int = 1

    def query(self, sort: str | None = None, page: int | None = None) -> dict[str, str]:
        """Return this look with changes as an address has it, defaults left out."""
        look = replace(self, sort=sort or self.sort, page=page or self.page)
        asked = {
            "area": look.area,
            "students": look.students,
            "group": "" if look.group is None else str(look.group),
            "show": "" if look.show == "level" else look.show,
            "sort": "" if look.sort == "name" else look.sort,
            "page": "" if look.page == 1 else str(look.page),
            "all": "" if look.only_evidence else "1",
        }
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class Column:
    """One competency of the grid."""

    id: int
    code: str
    name: str
    language: str | None
    share: str
    counts: str
    sorted: str  # ascending, descending, or nothing
    sort_next: str


@dataclass(frozen=True, slots=True)
class Row:
    """One student of the grid."""

    index: int
    person_id: int
    name: str
    cells: Markup
    next_step: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Everything the page of the class shows."""

    areas: tuple[tuple[str, int], ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    student_count: int
    column_count: int
    found_count: int
    page: int
    pages: int
    name_sorted: str
    all_areas: tuple[str, ...]
    signs: frozenset[str]  # what of the legend beyond the levels can be seen

    @property
    def is_whole(self) -> bool:
        """Tell whether every student of the class is on the page."""
        return len(self.rows) == self.student_count


def parse_look(arguments: Mapping[str, str]) -> Look:
    """Read a look from an address; what is not understood is the default."""
    page = arguments.get("page", "1")
    group = arguments.get("group", "")
    return Look(
        area=arguments.get("area", ""),
        students=arguments.get("students", "").strip(),
        group=int(group) if group.isascii() and group.isdigit() else None,
        only_evidence=arguments.get("all", "") != "1",
        show="count" if arguments.get("show") == "count" else "level",
        sort=arguments.get("sort") or "name",
        page=max(int(page), 1) if page.isdigit() else 1,
    )


def code_of(one: PlanCompetency) -> str:
    """Return what stands for a competency where there is little room."""
    return one.human_code or one.abbreviated or marks.plain(one.statement)[:24]


def name_of(one: PlanCompetency) -> str:
    """Return a competency's statement as bare text."""
    return marks.plain(one.statement)


def arrange(
    plan: Plan,
    students: Sequence[Student],
    cells: Sequence[Cell],
    precedes: Sequence[tuple[int, int]],
    look: Look,
) -> Grid:
    """Arrange the grid of a class as look asks."""
    by_key = {(cell.person_id, cell.competency_id): cell for cell in cells}
    shown, ordered = chosen(plan, students, cells, look)
    size = len(ordered) if _fits(len(ordered), len(shown)) else PAGE
    pages = max(-(-len(ordered) // max(size, 1)), 1)
    page = min(look.page, pages)
    first = (page - 1) * size
    steps = NextSteps([(one.id, code_of(one)) for one in shown], precedes)
    writer = marks.CellMarks(plan, show=look.show)
    rows = tuple(
        _row(first + place, student, shown, by_key, writer, steps)
        for place, student in enumerate(ordered[first : first + size])
    )
    return Grid(
        areas=tuple((area, len(list(some))) for area, some in _by_area(shown)),
        columns=tuple(_columns(plan, shown, students, cells, look.sort)),
        rows=rows,
        student_count=len(students),
        column_count=len(plan.competencies),
        found_count=len(ordered),
        page=page,
        pages=pages,
        name_sorted=_sorted_word(look.sort, "name"),
        all_areas=tuple(dict.fromkeys(one.area for one in plan.competencies)),
        signs=writer.signs,
    )


def chosen(
    plan: Plan, students: Sequence[Student], cells: Sequence[Cell], look: Look
) -> tuple[list[PlanCompetency], list[Student]]:
    """Return the competencies and students that a look asks for, of all its pages."""
    by_key = {(cell.person_id, cell.competency_id): cell for cell in cells}
    found = _found(students, look.students)
    return _shown(plan, cells, look), _ordered(found, by_key, look.sort)


def _fits(rows: int, columns: int) -> bool:
    return rows <= ALL_ROWS and columns <= ALL_COLUMNS


def _shown(plan: Plan, cells: Iterable[Cell], look: Look) -> list[PlanCompetency]:
    spoken = {cell.competency_id for cell in cells}
    return [
        one
        for one in plan.competencies
        if (not look.area or one.area == look.area)
        and (not look.only_evidence or one.id in spoken)
    ]


def _found(students: Sequence[Student], wanted: str) -> list[Student]:
    words = wanted.casefold().split()
    return [
        one
        for one in students
        if all(word in one.display_name.casefold() for word in words)
    ]


def _ordered(
    students: list[Student], by_key: Mapping[tuple[int, int], Cell], sort: str
) -> list[Student]:
    falls, name = sort.startswith("-"), sort.lstrip("-")
    if not name.isdigit():
        return students[::-1] if falls else students
    column = int(name)

    def height(student: Student) -> float:
        cell = by_key.get((student.person_id, column))
        if cell is None or cell.level is None:
            return -1.0
        return cell.level + (cell.value or 0.0) / 1000

    return sorted(students, key=height, reverse=falls)


def _sorted_word(sort: str, name: str) -> str:
    if sort.lstrip("-") != name:
        return ""
    return "descending" if sort.startswith("-") else "ascending"


def _by_area(
    shown: Sequence[PlanCompetency],
) -> Iterable[tuple[str, Iterable[PlanCompetency]]]:
    return groupby(shown, key=lambda one: one.area)


def _columns(
    plan: Plan,
    shown: Sequence[PlanCompetency],
    students: Sequence[Student],
    cells: Sequence[Cell],
    sort: str,
) -> Iterable[Column]:
    seated = {one.person_id for one in students}
    levels: dict[int, Counter[int]] = {one.id: Counter() for one in shown}
    shown_by: Counter[int] = Counter()
    for cell in cells:
        if cell.person_id in seated and cell.competency_id in levels:
            if cell.level is not None:
                levels[cell.competency_id][cell.level] += 1
            shown_by[cell.competency_id] += cell.is_mastered
    names = [level_name(level.name) for level in plan.scale.levels]
    for one in shown:
        state = _sorted_word(sort, str(one.id))
        yield Column(
            id=one.id,
            code=code_of(one),
            name=name_of(one),
            language=one.language,
            share=_share(shown_by[one.id], len(students)),
            counts=_counts(names, levels[one.id], shown_by[one.id], len(students)),
            sorted=state,
            sort_next=str(one.id) if state == "descending" else f"-{one.id}",
        )


def _share(some: int, whole: int) -> str:
    return percent(some / whole) if whole else ""


def _counts(
    names: Sequence[str], levels: Counter[int], shown: int, students: int
) -> str:
    """Say the distribution of a column in words."""
    parts = [
        gettext("%(level)s: %(count)d", level=names[place], count=levels[place])
        for place in reversed(range(len(names)))
        if levels[place]
    ]
    parts.append(
        gettext("not assessed: %(count)d", count=students - sum(levels.values()))
    )
    head = ngettext(
        "%(num)d of %(all)d students has shown this",
        "%(num)d of %(all)d students have shown this",
        shown,
        all=students,
    )
    return head + " (" + ", ".join(parts) + ")"


def _row(
    index: int,
    student: Student,
    shown: Sequence[PlanCompetency],
    by_key: Mapping[tuple[int, int], Cell],
    writer: marks.CellMarks,
    steps: NextSteps,
) -> Row:
    person_id = student.person_id
    mine = [by_key.get((person_id, one.id)) for one in shown]
    mastered = {cell.competency_id for cell in mine if cell and cell.is_mastered}
    return Row(
        index=index,
        person_id=person_id,
        name=student.display_name,
        cells=Markup("".join(map(writer.cell, mine))),  # noqa: S704 -- the writer escapes its words
        next_step=steps.words(mastered) if mine else "",
    )
