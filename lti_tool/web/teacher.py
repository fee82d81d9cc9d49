"""The teacher's pages: the class grid, why a level stands, and which work counts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
)
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import NotFoundError
from lti_tool.storage import curriculum, exports, groups, pages
from lti_tool.storage.database import Session
from lti_tool.storage.groups import CourseGroup
from lti_tool.web import alignment, drawer, grid, marks, plan_words, reasons
from lti_tool.web.copied import is_news
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, clock, current_seat, database, seat_url
from lti_tool.web.texts import gettext
from lti_tool.work import copies, lms_offers
from lti_tool.work.tables import csv_text, guard

teacher = Blueprint("teacher", __name__, template_folder="templates")


@teacher.get("/s/<sid>/class")
def class_grid() -> str:
    """Show who has shown what: the class, one row a student."""
    seat, course_id = course_seat("instructor")
    look = grid.parse_look(request.args)
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        students = pages.load_students(session, course_id)
        in_group, teams = _group(session, course_id, look.group)
        cells = pages.load_cells(session, course_id)
        precedes = pages.load_precedes(session, plan.framework_id)
        fresh = pages.load_freshness(session, course_id)
        has_work = bool(pages.load_taught(session, course_id))
        refused = pages.load_refused(session, course_id) if fresh.refused else []
        copied = copies.story_of(session, course_id)
    if request.args.get("view") == "one" and students:
        return _one_student(seat, plan, students, cells)
    return render_template(
        "teacher/class.html",
        seat=seat,
        plan=plan,
        grid=grid.arrange(
            plan,
            [one for one in students if in_group(one)],
            cells,
            precedes,
            look,
        ),
        look=look,
        teams=teams,
        fresh=fresh,
        refused=refused,
        copied=copied if is_news(copied) else None,
        has_work=has_work,
        levels=marks.marks_of(plan.scale),
        shown_from=marks.mastery_mark(plan.scale),
        judged=plan_words.plan_summary(plan),
        palette=marks.palette_of(plan),
    )


def _group(
    session: Session, course_id: int, wanted: int | None
) -> tuple[Callable[[pages.Student], bool], list[CourseGroup]]:
    """Who is in the group asked for, or everybody; and the groups there are."""
    teams = groups.load_groups(session, course_id)
    if wanted is None or wanted not in {one.id for one in teams}:
        return lambda _student: True, teams
    people = groups.load_group_people(session, wanted)
    return lambda student: student.person_id in people, teams


def _one_student(
    seat: Seat,
    plan: curriculum.Plan,
    students: list[pages.Student],
    cells: list[pages.Cell],
) -> str:
    wanted = request.args.get("student", "")
    place = next(
        (at for at, one in enumerate(students) if str(one.person_id) == wanted), 0
    )
    who = students[place]
    return render_template(
        "teacher/one.html",
        seat=seat,
        plan=plan,
        students=students,
        who=who,
        before=students[place - 1] if place else None,
        after=students[place + 1] if place + 1 < len(students) else None,
        areas=reasons.by_area(
            plan, [cell for cell in cells if cell.person_id == who.person_id]
        ),
        judged=plan_words.plan_summary(plan),
        palette=marks.palette_of(plan),
    )


@teacher.get("/s/<sid>/class/<int:person_id>/<int:competency_id>")
def cell(person_id: int, competency_id: int) -> str:
    """Show why a student stands where she stands: a page, or the grid's drawer."""
    seat, course_id = course_seat("instructor")
    return drawer.page(seat, course_id, (person_id, competency_id))


@teacher.post("/s/<sid>/class/<int:person_id>/<int:competency_id>")
def change_cell(person_id: int, competency_id: int) -> Answer | str | tuple[str, int]:
    """Set a level, take one back, or enter evidence, and show the cell again."""
    seat, course_id = course_seat("instructor")
    return drawer.change(seat, course_id, (person_id, competency_id))


@teacher.get("/s/<sid>/class.csv")
def export() -> Response:
    """Give the grid as a file for a spreadsheet: all pages of what the look asks."""
    _, course_id = course_seat("instructor")
    look = grid.parse_look(request.args)
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        in_group, _teams = _group(session, course_id, look.group)
        students = [
            one for one in pages.load_students(session, course_id) if in_group(one)
        ]
        cells = pages.load_cells(session, course_id)
    return Response(
        "\ufeff" + _sheet(plan, students, cells, look),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="class.csv"'},
    )


@teacher.get("/s/<sid>/levels.csv")
def levels() -> Response:
    """Give every level of the class as a file, one a line, with how it was judged."""
    _, course_id = course_seat("instructor")
    found = exports.iter_levels(database(), exports.Wish(course_id, is_now=True))
    lines = ([one[name] for name in exports.LEVELS] for one in found)
    return Response(
        csv_text(exports.LEVELS, lines),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="levels.csv"'},
    )


def _sheet(
    plan: curriculum.Plan,
    students: list[pages.Student],
    cells: list[pages.Cell],
    look: grid.Look,
) -> str:
    names = [mark.words for mark in marks.marks_of(plan.scale)]
    by_key = {(one.person_id, one.competency_id): one for one in cells}
    shown, found = grid.chosen(plan, students, cells, look)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        guard(text) for text in (gettext("Student"), *map(grid.code_of, shown))
    )
    for student in found:
        held = (by_key.get((student.person_id, one.id)) for one in shown)
        levels = ("" if c is None or c.level is None else names[c.level] for c in held)
        writer.writerow(guard(text) for text in (student.display_name, *levels))
    writer.writerow([])
    for row in plan_words.plan_summary(plan):
        writer.writerow(guard(text) for text in row)
    return file.getvalue()


@teacher.get("/s/<sid>/align")
def align() -> str:
    """Show which work speaks for which competency."""
    _, course_id = course_seat("instructor")
    removing = request.args.get("remove", type=int)
    effect = None
    if removing is not None:
        with database().write() as session:
            plan = curriculum.load_plan(session, course_id)
            if plan.status == "active":
                effect = alignment.preview_removal(session, plan, removing, now=clock())
    if effect is None:
        removing = None
    return _align_page(course_id, removing=removing, effect=effect)


@teacher.post("/s/<sid>/align")
def change_alignment() -> Answer | tuple[str, int]:
    """Add or take back one alignment, and work the levels out again at once."""
    seat, course_id = course_seat("instructor")
    change = alignment.remove if "alignment" in request.form else alignment.add
    who, now = f"person:{seat.person_id}", clock()
    try:
        with database().write() as session:
            plan = curriculum.load_plan(session, course_id)
            changed = change(session, plan, request.form, who=who, now=now)
    except NotFoundError:
        abort(404)
    except alignment.WordsError as error:
        return _align_page(course_id, fault=str(error)), 422
    current_app.extensions["tell_worker"]()
    said = {"said": "same"} if changed is None else {"said": "saved", "n": changed}
    place = f"work-{request.form.get('assignment', '')}"
    return redirect(seat_url("teacher.align", **said, _anchor=place), code=303)


def _align_page(course_id: int, **more: object) -> str:
    words = request.args.get("words", "").strip()
    only_open = request.args.get("only") == "open"
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        work = curriculum.load_assignments(session, course_id)
        copied = copies.story_of(session, course_id)
        told = lms_offers.load(session, course_id)
    found = [
        one
        for one in work
        if words.casefold() in one.title.casefold()
        and not (only_open and one.alignments)
    ]
    return render_template(
        "teacher/align.html",
        seat=current_seat(),
        plan=plan,
        copied=copied,
        work=work,
        names={one.id: alignment.option_of(one) for one in plan.competencies},
        codes={one.id: grid.code_of(one) for one in plan.competencies},
        aligned=sum(bool(one.alignments) for one in work),
        said=request.args.get("said"),
        changed=request.args.get("n", type=int, default=0),
        typed=request.form,
        found=found,
        words=words,
        only_open=only_open,
        part_words=alignment.part_words,
        told=told,
        **more,
    )
