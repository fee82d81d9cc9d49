"""What the align page is told to do, read from its form and done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lti_tool.errors import BridgeError, NotFoundError
from lti_tool.storage import curriculum, pages
from lti_tool.storage.alignments import NewAlignment
from lti_tool.storage.curriculum import AlignedAssignment, Plan
from lti_tool.storage.database import Session
from lti_tool.web import grid, plan_effects
from lti_tool.web.plan_effects import Effect
from lti_tool.web.texts import gettext
from lti_tool.work import previews, standing

MOST_WEIGHT = 100.0


class WordsError(BridgeError):
    """The form says nothing we can do; the text tells the teacher why."""


def option_of(one: curriculum.PlanCompetency) -> str:
    """Return how a competency stands in the search list: code and statement."""
    return f"{grid.code_of(one)} · {grid.name_of(one)}"


def find(plan: Plan, words: str) -> int | None:
    """Return the one competency that words name: an option, a code, a GUID, a part.

    None where nothing, or more than one, fits.
    """
    wanted = words.strip().casefold()
    if not wanted:
        return None
    exact = [
        one.id
        for one in plan.competencies
        if wanted
        in (option_of(one).casefold(), grid.code_of(one).casefold(), one.case_id)
    ]
    if exact:
        return exact[0] if len(exact) == 1 else None
    partly = [
        one.id for one in plan.competencies if wanted in option_of(one).casefold()
    ]
    return partly[0] if len(partly) == 1 else None


def parse_weight(text: str) -> float | None:
    """Return a weight above 0 and at most 100, or None."""
    try:
        weight = float(text.replace(",", "."))
    except ValueError:
        return None
    return weight if math.isfinite(weight) and 0 < weight <= MOST_WEIGHT else None


def parse_part(work: AlignedAssignment, part: str, until: str) -> str:
    """Return which part of a piece of work speaks: "" for all of it, "question:1-4".

    until: the last one of a range that begins at part; "" for part alone.

    Raises:
        WordsError: the work has no such part, or the two make no range.
    """
    known = {key for key, _title in work.parts}
    if not part and not until:
        return ""
    kind, _colon, first = part.partition(":")
    other, _colon, last = until.partition(":")
    if part not in known or (until and until not in known):
        raise WordsError(
            gettext(
                "“%(work)s” has no such part. Nothing was changed.", work=work.title
            )
        )
    if not until or until == part:
        return part
    is_range = kind == other and first.isdecimal() and last.isdecimal()
    if not is_range or int(first) > int(last):
        raise WordsError(
            gettext(
                "The parts of “%(work)s” go from an earlier to a later one of the same "
                "kind. Nothing was changed.",
                work=work.title,
            )
        )
    return f"{kind}:{first}-{last}"


def part_words(work: AlignedAssignment, part: str) -> str:
    """Return what a reader calls a part: its title, else its kind and numbers."""
    titles = dict(work.parts)
    if part in titles:
        return titles[part] or part
    kind, _colon, numbers = part.partition(":")
    if kind == "question":
        return gettext("questions %(numbers)s", numbers=numbers)
    return gettext("rows %(numbers)s", numbers=numbers) if kind == "row" else part


@dataclass(frozen=True, slots=True)
class Link:
    """What a form says of one alignment."""

    competency_id: int
    weight: float
    part: str
    is_practice: bool


def parse_link(plan: Plan, work: AlignedAssignment, form: Mapping[str, str]) -> Link:
    """Return what a form says of an alignment of a piece of work.

    Raises:
        WordsError: it names no competency, no weight, or no part of this work.
    """
    competency_id = find(plan, form.get("competency", ""))
    weight = parse_weight(form.get("weight", "1"))
    if competency_id is None:
        raise WordsError(
            gettext(
                "“%(words)s” is not exactly one competency of this course. Nothing "
                "was changed; choose one from the list.",
                words=form.get("competency", "").strip(),
            )
        )
    if weight is None:
        raise WordsError(
            gettext(
                "A weight is a number above 0 and at most 100. Nothing was changed."
            )
        )
    part = parse_part(work, form.get("part", ""), form.get("until", ""))
    return Link(competency_id, weight, part, "practice" in form)


def save_link(
    session: Session,
    plan: Plan,
    assignment_id: int,
    link: Link,
    *,
    who: str,
    now: datetime,
) -> bool:
    """Let a piece of work speak as a form says; tells whether anything changed."""
    return curriculum.save_alignment(
        session,
        NewAlignment(
            course_id=plan.course_id,
            assignment_id=assignment_id,
            competency_id=link.competency_id,
            weight=link.weight,
            part=link.part,
            is_practice=link.is_practice,
        ),
        made_by=who,
        now=now,
    )


def refuse_ended(plan: Plan) -> None:
    """Refuse to change anything in a course that has ended.

    Raises:
        WordsError: it has.
    """
    if plan.status != "active":
        raise WordsError(
            gettext("This course has ended. Its levels are kept as they are.")
        )


def add(
    session: Session, plan: Plan, form: Mapping[str, str], *, who: str, now: datetime
) -> int | None:
    """Save one alignment and refresh the levels; returns how many changed.

    None where it was already there, with this weight.

    Raises:
        NotFoundError: the form names no work of this course.
        WordsError: the form names no competency, or no weight; the course has ended.
    """
    refuse_ended(plan)
    assignment_id = _number(form, "assignment")
    mine = {one.id: one for one in curriculum.load_assignments(session, plan.course_id)}
    if assignment_id not in mine:
        raise NotFoundError(f"no assignment {assignment_id} in this course")
    told = parse_link(plan, mine[assignment_id], form)
    if not save_link(session, plan, assignment_id, told, who=who, now=now):
        return None
    return standing.refresh(session, plan.course_id, now=now).changed


def remove(
    session: Session, plan: Plan, form: Mapping[str, str], *, who: str, now: datetime
) -> int | None:
    """Take one alignment back and refresh the levels; returns how many changed.

    None where it was already gone.

    Raises:
        WordsError: the course has ended.
    """
    refuse_ended(plan)
    was_there = curriculum.remove_alignment(
        session,
        course_id=plan.course_id,
        alignment_id=_number(form, "alignment"),
        made_by=who,
        now=now,
    )
    if not was_there:
        return None
    return standing.refresh(session, plan.course_id, now=now).changed


def preview_removal(
    session: Session, plan: Plan, alignment_id: int, *, now: datetime
) -> Effect | None:
    """Return whose levels taking an alignment back would move, changing none.

    None where there is no such alignment.
    """
    form = {"alignment": str(alignment_id)}
    return preview(
        session,
        plan,
        lambda trial: remove(trial, plan, form, who="preview", now=now),
        now=now,
    )


def preview(
    session: Session,
    plan: Plan,
    act: Callable[[Session], int | None],
    *,
    now: datetime,
) -> Effect | None:
    """Return whose levels an act would move, keeping nothing; None if it did nothing.

    Raises:
        WordsError: whatever the act refuses.
    """
    found: list[int | None] = []
    moves = previews.preview(
        session, plan.course_id, lambda trial: found.append(act(trial)), now=now
    )
    if found == [None]:
        return None
    students = pages.load_students(session, plan.course_id)
    settings = curriculum.load_plan_values(session, plan.course_id)
    return plan_effects.arrange(plan, settings, moves, students)


def _number(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    return int(text) if text.isdecimal() else 0
