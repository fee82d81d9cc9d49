"""A competency check: one competency, for the student herself or across the class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, redirect, render_template
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as Answer

from lti_tool.storage import curriculum, pages
from lti_tool.storage.curriculum import Plan, PlanCompetency
from lti_tool.storage.pages import Cell, Student
from lti_tool.web import marks
from lti_tool.web.grid import code_of
from lti_tool.web.marks import Mark
from lti_tool.web.nextsteps import NextSteps
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, database, seat_url

checks = Blueprint("checks", __name__, template_folder="templates")

# So many pieces of evidence and so many levels short of mastery: more of the same
# will not do. On a short scale the lowest level is far enough.
MANY, FAR = 3, 2
SECURE, STUCK, BEGUN, READY, CLOSED = "secure", "stuck", "begun", "ready", "closed"
GROUPS: Final = {
    STUCK: (
        lazy_gettext("Stuck"),
        lazy_gettext(
            "Three or more pieces of evidence, and still far from it. Try another way."
        ),
    ),
    BEGUN: (
        lazy_gettext("On the way"),
        lazy_gettext("Some evidence, not yet secure."),
    ),
    READY: (
        lazy_gettext("Ready to start"),
        lazy_gettext("No evidence yet, and all that comes before is shown."),
    ),
    CLOSED: (
        lazy_gettext("Something comes first"),
        lazy_gettext("No evidence yet, and not all that comes before is shown."),
    ),
    SECURE: (
        lazy_gettext("Secure"),
        lazy_gettext("Shown; ready for what comes next."),
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One student of the check."""

    person_id: int
    name: str
    mark: Mark | None
    evidence_count: int
    missing: tuple[str, ...]  # codes of what comes first


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the class stand at one level; no mark, at none."""

    mark: Mark | None
    count: int
    width: int  # of 100


@dataclass(frozen=True, slots=True)
class ClassCheck:
    """One competency across a class."""

    one: PlanCompetency
    code: str
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    shares: tuple[Share, ...]
    secure: int
    total: int
    has_evidence: bool
    before: tuple[str, ...]


@checks.get("/s/<sid>/check")
def missing() -> tuple[str, int]:
    """Say that the link names no competency we know, and what to do."""
    seat, course_id = course_seat("instructor", "learner")
    return _missing(seat, course_id, None)


@checks.get("/s/<sid>/check/<int:competency_id>")
def check(competency_id: int) -> Answer | str | tuple[str, int]:
    """Show a teacher where the class stands; send a student to her own page."""
    seat, course_id = course_seat("instructor", "learner")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        one = next((c for c in plan.competencies if c.id == competency_id), None)
        if one is None:
            return _missing(seat, course_id, competency_id)
        if seat.role == "learner":
            place = seat_url("student.competency", competency_id=competency_id)
            return redirect(place, 303)
        students = pages.load_students(session, course_id)
        cells = pages.load_cells(session, course_id)
        precedes = pages.load_precedes(session, plan.framework_id)
        work = curriculum.load_assignments(session, course_id)
    steps = NextSteps([(c.id, code_of(c)) for c in plan.competencies], precedes)
    return render_template(
        "checks/check.html",
        seat=seat,
        plan=plan,
        found=arrange(plan, one, students, cells, steps),
        statement=marks.statement(one.statement),
        groups=GROUPS,
        work=[
            each
            for each in work
            if any(aligned == one.id for _, aligned, _ in each.alignments)
        ],
        shown_from=marks.mastery_mark(plan.scale),
        palette=marks.palette_of(plan),
    )


def arrange(
    plan: Plan,
    one: PlanCompetency,
    students: Sequence[Student],
    cells: Sequence[Cell],
    steps: NextSteps,
) -> ClassCheck:
    """Put each student of a class in one group of a competency's check."""
    here = {cell.person_id: cell for cell in cells if cell.competency_id == one.id}
    mastered = {(c.person_id, c.competency_id) for c in cells if c.is_mastered}
    codes = {each.id: code_of(each) for each in plan.competencies}
    before = steps.before(one.id)
    told = marks.marks_of(plan.scale)
    low = max(plan.scale.levels.index(plan.scale.mastery_level) - FAR, 0)
    grouped: dict[str, list[Row]] = {name: [] for name in GROUPS}
    for student in students:
        cell = here.get(student.person_id)
        closed = [b for b in before if (student.person_id, b) not in mastered]
        row = Row(
            student.person_id,
            student.display_name,
            None if cell is None or cell.level is None else told[cell.level],
            0 if cell is None else cell.evidence_count,
            tuple(codes[b] for b in closed),
        )
        grouped[_group(cell, low, is_closed=bool(closed))].append(row)
    return ClassCheck(
        one=one,
        code=code_of(one),
        groups=tuple((name, tuple(some)) for name, some in grouped.items() if some),
        shares=_shares(told, students, here),
        secure=len(grouped[SECURE]),
        total=len(students),
        has_evidence=any(cell.evidence_count for cell in here.values()),
        before=tuple(codes[b] for b in before),
    )


def _group(cell: Cell | None, low: int, *, is_closed: bool) -> str:
    """The one group of a standing; low is the highest level that is far off."""
    if cell is None or not cell.evidence_count:
        return CLOSED if is_closed else READY
    if cell.is_mastered:
        return SECURE
    is_low = cell.level is not None and cell.level <= low
    return STUCK if is_low and cell.evidence_count >= MANY else BEGUN


def _shares(
    told: Sequence[Mark], students: Sequence[Student], here: Mapping[int, Cell]
) -> tuple[Share, ...]:
    """How many stand at each level, highest first, and at none."""
    seated = (here.get(one.person_id) for one in students)
    counts = Counter(None if cell is None else cell.level for cell in seated)
    most = max(len(students), 1)
    levels = [*range(len(told))[::-1], None]
    return tuple(
        Share(
            None if level is None else told[level],
            counts[level],
            round(100 * counts[level] / most),
        )
        for level in levels
    )


def _missing(seat: Seat, course_id: int, competency_id: int | None) -> tuple[str, int]:
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        known = pages.load_statement(session, competency_id) if competency_id else None
    page = render_template(
        "checks/missing.html",
        seat=seat,
        plan=plan,
        statement=None if known is None else marks.plain(known),
    )
    return page, 404
