"""`align suggest`: likely competencies for a text."""

from __future__ import annotations

from typing import Any, Final

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.errors import NotFoundError
from lti_tool.storage import frameworks
from lti_tool.storage.database import Session
from lti_tool.work import suggesting
from mappings.frameworks import Competency
from mappings.grade_levels import grades_of
from mappings.suggestions import Query

MOST = 50


@click.option("--text", required=True, help="Title, description, questions: any words.")
@click.option("--framework", "framework_name", help="Needed where there are several.")
@click.option("--grade", help="K, 1 to 12, or as the SIS writes it: KG, 07.")
@click.option("--top", type=click.IntRange(1, MOST), default=5, show_default=True)
def _suggest(
    bench: Bench, text: str, framework_name: str | None, grade: str | None, top: int
) -> None:
    """Suggest competencies for a text, likeliest first; nothing is aligned."""
    grades = grades_of([grade]) if grade else frozenset()
    if grade and not grades:
        raise click.UsageError(f"--grade {grade}: write K, or 1 to 12")
    with bench.database.read() as session:
        framework_id = _framework(session, framework_name)
        ranker = suggesting.load_ranker(session)
    shelf = suggesting.load_shelf(bench.database, framework_id, now=now())
    vectors = suggesting.load_vectors(bench.database, framework_id, shelf, now=now())
    found = suggesting.offers(
        shelf,
        Query(text, grades=grades),
        top=top,
        ranker=ranker,
        vectors=vectors,
    )
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
