"""Course copy: a copied course brings its plan along, and never a student.

On the first launch of a context we do not know, the nearest ancestor we know gives
it framework, rule, scale and alignments; what its links show comes with the links.
Destinations stay off: nothing is sent anywhere until a person says so. All of it can
be taken back. Source: facts/lti.md section 11; facts/moodle.md section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lti_tool.logs import log
from lti_tool.storage import ancestors, copies, curriculum
from lti_tool.storage.ancestors import COPIED, UNDONE, Story
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.plan_versions import PlanVersion
from lti_tool.work import plans_of_course, standing


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A context launched for the first time, and the course it opens."""

    placement_id: int
    deployment_id: int
    course_id: int


def arrive(
    session: Session, place: NewPlace, context_ids: Sequence[str], *, now: datetime
) -> None:
    """Bring along what the nearest known ancestor of a new place has.

    context_ids: where it was copied from, nearest first, in the platform's words.
    A course with a plan of its own (the SIS gave it one) keeps it: the copy is only
    offered, on its teacher's pages. Does nothing without a known ancestor.
    """
    if not context_ids:
        return
    origin = ancestors.find_origin(
        session, place.deployment_id, context_ids, but=place.placement_id
    )
    if origin is None or origin.course_id == place.course_id:
        return
    ancestors.save_origin(session, place.placement_id, origin)
    if copies.has_plan(session, place.course_id):
        return
    bring(session, place.course_id, origin.course_id, who=None, now=now)


def bring(
    session: Session,
    course_id: int,
    from_course_id: int,
    *,
    who: str | None,
    now: datetime,
) -> int:
    """Give a course the plan of another, its alignments too; returns how many came.

    who: whoever asked for it; None for the copy itself. A course that has nothing
    gives nothing, and no line of the audit is written then.
    """
    if not copies.has_plan(session, from_course_id):
        return 0
    made_by = copies.maker(from_course_id)
    before = curriculum.load_plan_values(session, course_id)
    after = curriculum.load_plan_values(session, from_course_id)
    curriculum.save_course_plan(session, course_id, after, who=who or made_by, now=now)
    version = PlanVersion(0, after, who or made_by, now)
    plans_of_course.keep(session, course_id, before, version)
    made = copies.bring_alignments(session, course_id, from_course_id, now=now)
    copies.put_changes(
        session,
        [{**one, "made_by": made_by} for one in made],
        what="alignment saved",
        now=now,
    )
    put_change(
        session,
        at=now,
        who=who or made_by,
        what=COPIED,
        subject=("course", course_id),
        before={"plan": before},
        after={"plan": after, "from_course_id": from_course_id},
    )
    copies.mark_stale(session, [course_id])
    log().info(
        "course copied", course_id=course_id, from_course_id=from_course_id,
        alignments=len(made),
    )  # fmt: skip
    return len(made)


def accept(session: Session, course_id: int, *, who: str, now: datetime) -> bool:
    """Bring an offered copy over, or one that was taken back; False if none waits."""
    story = ancestors.load_story(session, course_id)
    if story is None or story.state == "brought":
        return False
    bring(session, course_id, story.from_course_id, who=who, now=now)
    standing.refresh(session, course_id, now=now)
    return True


def undo(session: Session, course_id: int, *, who: str, now: datetime) -> bool:
    """Take a copy back: what it brought goes, what people changed since stays.

    Each part of the plan is what it was before, unless somebody has set it anew. The
    levels are worked out again at once. Returns False if there is nothing to undo.
    """
    last = ancestors.load_last_copy(session, course_id)
    if last is None or last["what"] != COPIED:
        return False
    from_course_id = int(last["after"]["from_course_id"])
    now_held = curriculum.load_plan_values(session, course_id)
    came, was = last["after"]["plan"], last["before"]["plan"]
    back = {name: was[name] for name in was if now_held[name] == came[name]}
    if back:
        curriculum.save_course_plan(session, course_id, back, who=who, now=now)
        version = PlanVersion(0, {**now_held, **back}, who, now)
        plans_of_course.keep(session, course_id, now_held, version)
    gone = copies.take_back_alignments(session, course_id, from_course_id)
    copies.put_changes(
        session,
        [{**one, "made_by": who} for one in gone],
        what="alignment removed",
        now=now,
    )
    copies.take_back_links(session, course_id)
    put_change(
        session,
        at=now,
        who=who,
        what=UNDONE,
        subject=("course", course_id),
        after={"from_course_id": from_course_id},
    )
    standing.refresh(session, course_id, now=now)
    return True


def settle_waiting(session: Session, *, now: datetime) -> int:
    """Align work that arrived since with what waited for its title; returns how many.

    For the end of a roster sync. May be run again.
    """
    arrived = copies.load_arrived(session)
    copies.settle(session, arrived, now=now)
    copies.put_changes(
        session,
        [
            {**one, "made_by": copies.maker(one["from_course_id"])}
            for one in arrived
            if not one["held"]
        ],
        what="alignment saved",
        now=now,
    )
    if arrived:
        courses = sorted({one["course_id"] for one in arrived})
        copies.mark_stale(session, courses)
        log().info("alignments settled", alignments=len(arrived), courses=len(courses))
    return len(arrived)


def story_of(session: Session, course_id: int) -> Story | None:
    """What a teacher is told of a copy; None where there is nothing to tell."""
    story = ancestors.load_story(session, course_id)
    if story is None:
        return None
    is_empty = story.state != "brought" and not copies.has_plan(
        session, story.from_course_id
    )
    return None if is_empty else story
