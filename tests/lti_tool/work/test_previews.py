"""A preview says who would move, and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Table

from lti_tool.errors import NotFoundError
from lti_tool.storage import curriculum, schema
from lti_tool.storage.alignments import NewAlignment
from lti_tool.storage.database import Session
from lti_tool.work import previews
from lti_tool.work.previews import Move, Place

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TABLES: tuple[Table, ...] = (
    schema.alignment,
    schema.attainment,
    schema.change,
    schema.course,
    schema.delivery,
)


@pytest.fixture
def scored(room: Classroom) -> Classroom:
    """Ana has 9 of 10 and Ben 5 of 10 on work that speaks for 7.A."""
    room.set_rule("highest")
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9)
    room.score("ben", "quiz", 5)
    room.refresh()
    return room


def told(room: Classroom, change: Callable[[Session], object]) -> list[Move]:
    """What a preview says; it fails if the preview left anything behind."""
    before = [room.rows(table) for table in TABLES]
    with room.database.write() as session:
        moves = previews.preview(session, room.course_id, change, now=NOON)
    assert [room.rows(table) for table in TABLES] == before
    return moves


def aligned(room: Classroom, code: str) -> Callable[[Session], object]:
    return lambda session: curriculum.save_alignment(
        session,
        NewAlignment(room.course_id, room.work["quiz"], room.competencies[code]),
        made_by="test",
        now=NOON,
    )


def test_a_preview_names_each_student_and_competency_old_and_new(
    scored: Classroom,
) -> None:
    second = scored.competencies["7.B"]
    assert told(scored, aligned(scored, "7.B")) == [
        Move(scored.people["ana"], second, None, Place(3, "Advanced", 3.6)),
        Move(scored.people["ben"], second, None, Place(1, "Developing", 2.0)),
    ]


def test_what_falls_away_is_lower(scored: Classroom) -> None:
    (alignment_id,) = scored.rows(schema.alignment, "id")[0]
    moves = told(
        scored,
        lambda session: curriculum.remove_alignment(
            session,
            course_id=scored.course_id,
            alignment_id=alignment_id,
            made_by="test",
            now=NOON,
        ),
    )
    first = scored.competencies["7.A"]
    assert moves == [
        Move(scored.people["ana"], first, Place(3, "Advanced", 3.6), None),
        Move(scored.people["ben"], first, Place(1, "Developing", 2.0), None),
    ]
    assert (previews.students(moves), previews.lowered(moves)) == (2, 2)


def test_a_change_that_moves_nobody_moves_nobody(scored: Classroom) -> None:
    assert told(scored, aligned(scored, "7.A")) == []
    assert told(scored, lambda _session: None) == []


def test_a_value_that_stays_inside_its_level_is_no_move(scored: Classroom) -> None:
    """By the mean of 9 and 10 Ana would have 3.8 instead of 3.6: Advanced as before."""
    scored.add_assignment("essay")
    scored.score("ana", "essay", 10)
    scored.set_rule("average")
    scored.refresh()

    def both(session: Session) -> None:
        curriculum.save_alignment(
            session,
            NewAlignment(
                scored.course_id, scored.work["essay"], scored.competencies["7.A"]
            ),
            made_by="test",
            now=NOON,
        )

    assert told(scored, both) == []


def test_a_change_that_is_refused_leaves_nothing(scored: Classroom) -> None:
    def half(session: Session) -> None:
        aligned(scored, "7.B")(session)
        raise NotFoundError("no such work")

    before = scored.rows(schema.alignment)
    with (
        scored.database.write() as session,
        pytest.raises(NotFoundError, match=r"^no such work$"),
    ):
        previews.preview(session, scored.course_id, half, now=NOON)
    assert scored.rows(schema.alignment) == before
