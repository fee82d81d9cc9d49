"""Suggestions for a teacher to accept: what is ticked, what it would change, skips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from werkzeug.datastructures import MultiDict

from lti_tool.storage import curriculum, pages, suggestions
from lti_tool.storage.alignments import AlignedAssignment, NewAlignment
from lti_tool.storage.curriculum import Plan
from lti_tool.storage.database import Database, Session
from lti_tool.storage.suggestions import Choice
from lti_tool.web import plan_effects
from lti_tool.web.alignment import WordsError, find, option_of, parse_part, parse_weight
from lti_tool.web.plan_effects import Effect
from lti_tool.web.texts import gettext
from lti_tool.work import offering, previews, standing
from lti_tool.work.suggesting import ALIGNED, NAMED, Offer

# What is likelier than not is ticked; a teacher sees why and may change it.
TICKED_FROM: Final = 0.5
# Below this the best is a guess: the line says that no good match was found.
GUESSED_BELOW: Final = 0.15
NONE: Final = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion as a page shows it."""

    competency_id: int
    name: str
    confidence: float
    words: tuple[str, ...]
    is_named: bool
    is_by_meaning: bool
    is_told: bool = False  # people aligned it so in an LMS; words name which


@dataclass(frozen=True, slots=True)
class Proposal:
    """A piece of work that speaks for nothing yet, with what it may speak for.

    Attributes:
        key: how its fields are named in the form.
        choice: the id of the competency that is chosen, "" for none.
        other: what was typed to search for another one.
        is_guess: what is shown is hardly better than chance; none of it is chosen.
    """

    key: str
    work: AlignedAssignment
    part: str
    part_title: str
    shown: tuple[Shown, ...]
    offers: Mapping[int, Offer]
    is_ticked: bool
    choice: str
    other: str
    weight: str
    is_practice: bool
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a course is offered, and how many pieces of its work were skipped.

    Attributes:
        is_waiting: it goes by words; what the texts mean has not been read yet.
    """

    found: list[Proposal]
    skipped: int = 0
    is_waiting: bool = False

    @property
    def ticked(self) -> int:
        """How many are ticked."""
        return sum(one.is_ticked for one in self.found)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One alignment that was ticked."""

    proposal: Proposal
    competency_id: int
    weight: float
    part: str


def propose(
    database: Database, plan: Plan, form: MultiDict[str, str], *, now: datetime
) -> Proposals:
    """Return a proposal for each open piece of work, and how many were skipped.

    And one for each alignment of an LMS that is not here. Those likeliest to be
    accepted come first. With a form, its ticks and choices; else what is likelier than
    not is ticked.
    """
    if plan.framework_id is None:
        return Proposals([])
    by_case = {one.case_id: one for one in plan.competencies}
    offered = offering.of_course(
        database, plan.course_id, plan.framework_id, allowed=list(by_case), now=now
    )
    with database.read() as session:
        work = curriculum.load_assignments(session, plan.course_id)
        skipped = suggestions.load_skipped(session, plan.course_id)
    left = {assignment_id for assignment_id, _ in skipped}
    waiting = [one for one in work if not one.alignments]
    open_ = {one.id for one in waiting} - left
    found = [
        _proposal(plan, one, offers, form)
        for one in work
        for offers in offered.by_work.get(one.id, ())
        # What was aligned in an LMS is worth a look whatever became of the rest.
        if one.id in open_ or offers.is_told
    ]
    found.sort(key=lambda one: (one.is_guess, -_sureness(one.shown)))
    skips = sum(one.id in left for one in waiting)
    return Proposals(found, skips, offered.is_waiting)


def _sureness(shown: Sequence[Shown]) -> float:
    return shown[0].confidence if shown else 0.0


def _proposal(
    plan: Plan,
    work: AlignedAssignment,
    told: offering.PartOffers,
    form: Mapping[str, str],
) -> Proposal:
    by_case = {one.case_id: one for one in plan.competencies}
    offers = {by_case[one.case_id].id: one for one in told.offers}
    shown = tuple(
        Shown(
            by_case[one.case_id].id,
            option_of(by_case[one.case_id]),
            one.confidence,
            one.words,
            one.why == NAMED,
            one.features.get("meaning_rank", 0.0) > 0,
            one.why == ALIGNED,
        )
        for one in told.offers
    )
    key = f"{work.id}.{told.number}"
    is_sure = _sureness(shown) >= TICKED_FROM
    is_guess = _sureness(shown) < GUESSED_BELOW
    first = NONE if is_guess else str(shown[0].competency_id)
    is_sent = "csrf" in form
    return Proposal(
        key,
        work,
        told.part,
        told.title,
        shown,
        offers,
        is_ticked=f"tick-{key}" in form if is_sent else is_sure,
        choice=form.get(f"choice-{key}", first),
        other=form.get(f"other-{key}", ""),
        weight=form.get(f"weight-{key}", "1"),
        is_practice=f"practice-{key}" in form,
        is_guess=is_guess,
    )


def accepted(
    plan: Plan, proposals: Sequence[Proposal], form: Mapping[str, str]
) -> list[Accepted]:
    """Return what is ticked, as it is to be saved.

    Raises:
        WordsError: nothing is ticked, or a ticked line names no competency, weight or
            part; says which.
    """
    if not any(one.is_ticked for one in proposals):
        raise WordsError(gettext("Nothing is ticked. Nothing was changed."))
    return [_accepted(plan, one, form) for one in proposals if one.is_ticked]


def _accepted(plan: Plan, one: Proposal, form: Mapping[str, str]) -> Accepted:
    known = {str(competency.id): competency.id for competency in plan.competencies}
    competency_id = (
        find(plan, one.other) if one.other.strip() else known.get(one.choice)
    )
    if competency_id is None:
        raise WordsError(
            gettext(
                "“%(work)s” has no competency yet: choose one, or take its tick away. "
                "Nothing was changed.",
                work=one.work.title,
            )
        )
    weight = parse_weight(one.weight)
    if weight is None:
        raise WordsError(
            gettext(
                "The weight of “%(work)s” is a number above 0 and at most 100. Nothing "
                "was changed.",
                work=one.work.title,
            )
        )
    sent = form.get(f"part-{one.key}", one.part)
    part = parse_part(one.work, sent, form.get(f"until-{one.key}", ""))
    return Accepted(one, competency_id, weight, part)


def save(
    session: Session, plan: Plan, ticked: Sequence[Accepted], *, who: str, now: datetime
) -> int:
    """Align what was accepted, keep the choices, refresh; returns levels changed."""
    for one in ticked:
        curriculum.save_alignment(
            session,
            NewAlignment(
                course_id=plan.course_id,
                assignment_id=one.proposal.work.id,
                competency_id=one.competency_id,
                weight=one.weight,
                part=one.part,
                is_practice=one.proposal.is_practice,
            ),
            made_by=who,
            now=now,
        )
        _keep_choice(session, plan, one, who=who, now=now)
    return standing.refresh(session, plan.course_id, now=now).changed


def _keep_choice(
    session: Session, plan: Plan, one: Accepted, *, who: str, now: datetime
) -> None:
    """Keep a yes; and a no to the first one where another was chosen instead."""
    answers = {one.competency_id: True}
    if one.proposal.shown and one.competency_id != one.proposal.shown[0].competency_id:
        answers[one.proposal.shown[0].competency_id] = False
    for competency_id, is_yes in answers.items():
        offer = one.proposal.offers.get(competency_id)
        choice = Choice(
            plan.course_id,
            one.proposal.work.id,
            competency_id,
            is_accepted=is_yes,
            features=offer.features if offer else {},
        )
        suggestions.save_choice(session, choice, who=who, now=now)


def skip(
    session: Session, plan: Plan, one: Proposal, *, who: str, now: datetime
) -> None:
    """Answer no to all that was offered for a piece of work."""
    for competency_id, offer in one.offers.items():
        choice = Choice(
            plan.course_id,
            one.work.id,
            competency_id,
            is_accepted=False,
            features=offer.features,
        )
        suggestions.save_choice(session, choice, who=who, now=now)


def effect(
    session: Session, plan: Plan, ticked: Sequence[Accepted], *, now: datetime
) -> Effect:
    """Return whose levels would move if what is ticked were accepted; keeps nothing."""
    moves = previews.preview(
        session,
        plan.course_id,
        lambda trial: save(trial, plan, ticked, who="preview", now=now),
        now=now,
    )
    students = pages.load_students(session, plan.course_id)
    settings = curriculum.load_plan_values(session, plan.course_id)
    return plan_effects.arrange(plan, settings, moves, students)
