"""What happens to this person: what a plan does to her, and what she keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import render_template, request

from lti_tool.errors import NotFoundError
from lti_tool.storage import move_pages, run_pages
from lti_tool.storage.session import Session
from lti_tool.web.admin import roster_words, run_words
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.moves import changes_of
from lti_tool.web.admin.plan_figures import settings_of
from lti_tool.web.sessions import clock, database

FOUND: Final = 20


@pages.get("/runs/<int:run_id>/people")
def plan_people(run_id: int) -> str:
    """Find a person by name, username or sourcedId."""
    words = request.args.get("words", "").strip()[:100]
    with database().read() as session:
        run = run_pages.load_run(session, run_id)
        found = (
            move_pages.find_people(
                session, run["source_id"], run_id, words, count=FOUND + 1
            )
            if words
            else []
        )
    return render_template(
        "admin/runs/people.html",
        run=run,
        words=words,
        people=found[:FOUND],
        is_more=len(found) > FOUND,
        state=run_words.result(run, clock()),
    )


@pages.get("/runs/<int:run_id>/person")
def plan_person(run_id: int) -> str:
    """Show what a plan does to one person, enrollment by enrollment.

    Raises:
        NotFoundError: neither we nor the plan know such a person.
    """
    sourced_id = request.args.get("id", "")
    with database().read() as session:
        run = run_pages.load_run(session, run_id)
        user = move_pages.find_user(session, run["source_id"], sourced_id)
        moves = move_pages.load_moves_of(session, run_id, sourced_id)
        if user is None and not moves:
            raise NotFoundError("no such person")
        held = move_pages.load_enrollments(session, run["source_id"], sourced_id)
        kept = _kept(session, user)
        roles = (user or {}).get("roles") or []
        schools = _schools(session, run, (*held, *moves), roles)
    own = next((one for one in moves if one["collection"] == "users"), None)
    return render_template(
        "admin/runs/person.html",
        run=run,
        sourced_id=sourced_id,
        user=user,
        name=_name(user, own),
        own_move=own,
        changes=changes_of(own) if own else [],
        seats=_seats(held, moves, schools),
        others=[
            {**one, "changes": changes_of(one)}
            for one in moves
            if one["collection"] not in ("users", "enrollments")
        ],
        kept=kept,
        is_nothing=not moves,
        is_applied=run["status"].startswith("applied"),
        grace_days=settings_of(run).grace_days,
        state=run_words.result(run, clock()),
        roles=[
            roster_words.said(
                {**one, "org": schools.get(one.get("org"), one.get("org"))}
            )
            for one in roles
        ],
        collection_word=roster_words.collection_word,
    )


def _kept(session: Session, user: Mapping[str, Any] | None) -> dict[str, int]:
    if user is None or user["person_id"] is None:
        return {}
    return move_pages.load_kept(session, user["person_id"])


def _name(user: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> str:
    if user is None:
        return str((own or {}).get("label") or (own or {}).get("sourced_id") or "")
    given = user["preferred_given_name"] or user["given_name"]
    family = user["preferred_family_name"] or user["family_name"]
    return f"{given} {family}"


def _schools(
    session: Session,
    run: Mapping[str, Any],
    found: Sequence[Mapping[str, Any]],
    roles: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    named = {one["school_sourced_id"] for one in found}
    named |= {one.get("org") for one in roles}
    named -= {None}
    return move_pages.load_names(session, run["source_id"], run["id"], named)


def _seats(
    held: Sequence[Mapping[str, Any]],
    moves: Sequence[Mapping[str, Any]],
    schools: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Her enrollments, each with what becomes of it: kept, added, changed or ended."""
    moving = {
        one["sourced_id"]: one for one in moves if one["collection"] == "enrollments"
    }
    seats = []
    for one in held:
        move = moving.pop(one["sourced_id"], None)
        seats.append(_seat(one["title"] or one["class_sourced_id"], one, move, schools))
    coming = moving.values()
    return seats + [
        _seat(one["label"] or one["sourced_id"], one, one, schools) for one in coming
    ]


def _seat(
    title: str,
    one: Mapping[str, Any],
    move: Mapping[str, Any] | None,
    schools: Mapping[str, str],
) -> dict[str, Any]:
    school = one["school_sourced_id"]
    after: Mapping[str, Any] = (move["after"] if move else None) or {}
    return {
        "title": title,
        "role": roster_words.said(one.get("role") or after.get("role") or ""),
        "school": schools.get(school, school),
        "kind": move["kind"] if move else "keep",
        "changes": changes_of(move) if move and move["kind"] == "change" else [],
        "sourced_id": one["sourced_id"],
    }
