"""`align suggest`: likely competencies for a text."""

from __future__ import annotations

from typing import Any, Final

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.errors import NotFoundError
from lti_tool.storage import frameworks, naming, suggestions
from lti_tool.storage.database import Session
from lti_tool.work import lms_offers, suggesting
from lti_tool.work.offering import told_offer
from lti_tool.work.suggesting import Offer
from mappings.frameworks import Competency
from mappings.grade_levels import grades_of
from mappings.suggestions import Query

MOST = 50


@click.option("--text", help="Title, description, questions: any words.")
@click.option("--framework", "framework_name", help="Needed where there are several.")
@click.option("--grade", help="K, 1 to 12, or as the SIS writes it: KG, 07.")
@click.option("--top", type=click.IntRange(1, MOST), default=5, show_default=True)
@click.option(
    "--of",
    "named",
    nargs=2,
    metavar="COURSE LINE_ITEM",
    help="For this work of a course instead of a text; what people aligned in an LMS "
    "stands first.",
)
def _suggest(
    bench: Bench,
    text: str | None,
    framework_name: str | None,
    grade: str | None,
    top: int,
    named: tuple[str, str] | None,
) -> None:
    """Suggest competencies for a text, likeliest first; nothing is aligned."""
    if (text is None) == (named is None):
        raise click.UsageError("name one of --text and --of")
    grades = grades_of([grade]) if grade else frozenset()
    if grade and not grades:
        raise click.UsageError(f"--grade {grade}: write K, or 1 to 12")
    told: list[Offer] = []
    with bench.database.read() as session:
        if named is None:
            framework_id = _framework(session, framework_name)
            query = Query(text or "", grades=grades)
        else:
            framework_id, query, told = _of_work(session, named)
        ranker = suggesting.load_ranker(session)
    shelf = suggesting.load_shelf(bench.database, framework_id, now=now())
    vectors = suggesting.load_vectors(bench.database, framework_id, shelf, now=now())
    likely = suggesting.offers(shelf, query, top=top, ranker=ranker, vectors=vectors)
    held = {one.case_id for one in told}
    found = [*told, *(one for one in likely if one.case_id not in held)][:top]
    with bench.database.read() as session:
        known = frameworks.load_package(session, framework_id).by_case_id
    rows = [_row(one, known[one.case_id]) for one in found]
    bench.say(
        {"by": "words" if vectors is None else "meaning", "suggestions": rows},
        table(
            "suggestions",
            ("code", "statement", "confidence", "words"),
            [
                (
                    one["code"],
                    one["statement"],
                    f"{one['confidence']:.0%}",
                    ", ".join(one["words"]),
                )
                for one in rows
            ],
        ),
    )


COMMANDS: Final = (command(None, "suggest")(_suggest),)


def _of_work(
    session: Session, named: tuple[str, str]
) -> tuple[int, Query, list[Offer]]:
    """Return framework and text of a piece of work, and what an LMS has aligned.

    Raises:
        NotFoundError: no such course or work, or the course has no framework.
    """
    course_id = naming.find_course(session, named[0])
    work_id = naming.find_assignment(session, named[1], course_id)
    framework_id = suggestions.load_framework_of(session, course_id)
    if framework_id is None:
        raise NotFoundError(f"course {course_id} has no framework")
    about = suggestions.load_about(session, course_id)
    texts = suggestions.load_work_texts(session, course_id)
    work = next((one for one in texts if one.id == work_id), None)
    if work is None:
        raise NotFoundError(f'line item "{named[1]}" has ended')
    told = lms_offers.load(session, course_id).get(work_id, ())
    return framework_id, suggesting.query_of(work, about), list(map(told_offer, told))


def _row(one: suggesting.Offer, competency: Competency) -> dict[str, Any]:
    return {
        "guid": one.case_id,
        "code": competency.human_code or None,
        "score": one.score,
        "words": list(one.words),
        "confidence": one.confidence,
        "why": one.why,
        "statement": competency.statement,
    }


def _framework(session: Session, name: str | None) -> int:
    if name is not None:
        return frameworks.find_framework(session, name)
    held = frameworks.load_list(session)
    if len(held) == 1:
        return int(held[0]["id"])
    raise NotFoundError(
        f"there are {len(held)} frameworks; name one with --framework (masterybridge "
        "framework list shows them, masterybridge framework import adds one)"
    )
