"""More competencies in a Canvas course than one rubric holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from lti_tool.platforms.canvas_rubric import MOST_ROWS, TITLE
from lti_tool.storage import schema
from tests.lti_tool.work.canvas_school import School, opened

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

FIRST_LOT = MOST_ROWS + 5


@pytest.fixture
def school(room: Classroom, serve: Callable[..., str]) -> Iterator[School]:
    with opened(room, serve) as made:
        for place in range(FIRST_LOT):
            teach_more(made, place)
        made.room.switch("canvas")
        yield made


def teach_more(school: School, place: int) -> None:
    """Add a competency, work for it, and a score of Ana's in it."""
    code = f"8.{place:02}"
    (framework_id, *_) = school.room.rows(schema.framework, "id")[0]
    school.room.competencies[code] = school.room.insert(
        schema.competency,
        framework_id=framework_id,
        case_id=f"guid-{code}",
        human_code=code,
        statement=f"Statement {code}",
        position=10 + place,
        is_assessable=True,
        payload={},
        fingerprint="f",
    )
    school.room.add_assignment(f"work-{code}", code)
    school.room.score("ana", f"work-{code}", 5.0 + place % 5)


def refresh(school: School) -> None:
    school.clock.move(minutes=5)
    school.room.refresh(now=school.clock())


def rows(school: School) -> dict[str, list[str]]:
    """What each assignment of the course bears, by its name."""
    found: dict[str, list[str]] = {}
    for one in school.course.assignments.values():
        rubric = school.course.rubrics.get((one["association"] or {}).get("rubric_id"))
        criteria = rubric["criteria"] if rubric else []
        found[one["name"]] = [
            school.canvas.guid_of(row["learning_outcome_id"]) for row in criteria
        ]
    return found


def levels(school: School) -> dict[tuple[str, str], float | None]:
    return {
        (who, f"guid-{code}"): value
        for (who, code), value in school.room.values().items()
    }


def deliver(school: School) -> dict[str, int]:
    """Deliver until nothing is due any more."""
    return {state: count for state, count in school.deliver().items() if count}


def test_competencies_beyond_a_rubric_go_into_the_next_and_stay_where_they_are(
    school: School,
) -> None:
    refresh(school)
    assert deliver(school) == {"delivered": FIRST_LOT}
    before = rows(school)
    assert {name: len(some) for name, some in before.items()} == {
        TITLE: MOST_ROWS,
        f"{TITLE} 2": FIRST_LOT - MOST_ROWS,
    }
    assert school.canvas.shown(school.course) == levels(school)
    references = [one["description"] for one in school.course.assignments.values()]
    course = f"masterybridge/course-{school.room.course_id}"
    assert [f"{course}<" in references[0], f"{course}/2<" in references[1]] == [
        True
    ] * 2

    school.room.score("ana", "work-8.00", 10.0, days_ago=0)
    school.room.score("ben", f"work-8.{FIRST_LOT - 1}", 10.0, days_ago=0)
    for place in range(FIRST_LOT, FIRST_LOT + 3):
        teach_more(school, place)
    refresh(school)
    assert deliver(school) == {"delivered": 5}
    after = rows(school)
    assert after[TITLE] == before[TITLE]
    assert after[f"{TITLE} 2"][: FIRST_LOT - MOST_ROWS] == before[f"{TITLE} 2"]
    assert sum(map(len, after.values())) == FIRST_LOT + 3
    assert len(after) == 2
    assert school.canvas.shown(school.course) == levels(school)


def test_what_is_not_ours_among_many_holds_up_only_what_would_go_there(
    school: School,
) -> None:
    refresh(school)
    deliver(school)
    first, second = school.course.assignments.values()
    stranger = school.canvas.add_assignment(school.course, name=f"{TITLE} 3")
    other = school.canvas.save_rubric(school.course, {"title": "Essay"}, None)
    school.canvas.attach(school.course, second, other)
    school.room.score("ana", "work-8.00", 2.0, days_ago=0)
    refresh(school)
    assert deliver(school) == {"delivered": 1}
    teach_more(school, FIRST_LOT)
    refresh(school)
    assert deliver(school) == {"blocked": 1}
    assert school.states()[-1] == ("blocked", "foreign_rubric")
    assert second["association"]["rubric_id"] == other["id"]
    assert stranger["association"] is None
    assert len(rows(school)[first["name"]]) == MOST_ROWS


def test_in_a_copied_course_what_was_copied_is_gone_on_with(school: School) -> None:
    """Its assignments bear the reference of the course they were copied from."""
    refresh(school)
    deliver(school)
    old = f"masterybridge/course-{school.room.course_id}"
    for one in school.course.assignments.values():
        one["description"] = one["description"].replace(old, "masterybridge/course-99")
    with school.room.database.write() as session:
        session.execute(schema.line_item.delete())
    for place in range(FIRST_LOT, 2 * MOST_ROWS + 1):
        teach_more(school, place)
    school.room.score("ana", "work-8.01", 10.0, days_ago=0)
    refresh(school)
    news = 2 * MOST_ROWS + 1 - FIRST_LOT + 1
    assert deliver(school) == {"delivered": news}
    assert {name: len(some) for name, some in rows(school).items()} == {
        TITLE: MOST_ROWS,
        f"{TITLE} 2": MOST_ROWS,
        f"{TITLE} 3": 1,
    }
    (*_, third) = school.course.assignments.values()
    assert "masterybridge/course-99/3<" in third["description"]
    assert school.canvas.shown(school.course) == levels(school)
