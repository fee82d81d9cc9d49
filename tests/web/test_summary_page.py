"""One grade over all competencies on the pages: chosen, shown, received, decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import BrowserContext, expect

from lti_tool.storage import schema, sendings
from tests.web.conftest import put
from tests.web.test_pages_browser import Site, context, site, violations, watched
from tests.web.test_sending_page import read, send, sid, switch_on, text_of

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.web.conftest import Class

__all__ = ["context", "sid", "site"]
FORMULA = {
    "when": "now",
    "tell": "all",
    "columns": "summary",
    "title": "",
    "how": "mean",
    "unassessed": "left_out",
    "maximum": "20",
    "minimum": "1",
    "places": "1",
    "worth": "scale",
}


def held(room: Class) -> sendings.Sending:
    with room.database.read() as session:
        return sendings.load_sending(session, room.course)


def rows(room: Class) -> list[Any]:
    with room.database.read() as session:
        found = session.execute(schema.delivery.select().order_by(schema.delivery.c.id))
        return list(found)


def test_one_grade_is_tried_on_three_students_foreseen_and_kept(
    client: FlaskClient, room: Class, sid: str
) -> None:
    switch_on(room)
    shown = text_of(send(client, room, sid, "preview:", 200, **FORMULA))
    assert "This choice would send" in shown
    assert "stay in gradebooks as they are and are not kept up any more." in shown
    example = shown[shown.index("For example") :]
    assert example.count(" of 20 ") == 3
    assert "is worth 20" in example
    assert held(room) == sendings.Sending()
    send(client, room, sid, "save:", **FORMULA)
    how = held(room)
    assert how.summary is not None
    assert (how.is_each, how.summary.title, how.summary.maximum) == (
        False,
        "Summary grade",
        20.0,
    )
    told = rows(room)
    assert {one.competency_id for one in told} == {None}
    shown = read(client, f"/s/{sid}/sending/{told[0].id}")
    for words in (
        "Grade over all competencies Summary grade",
        "Formula the mean of what the levels are worth",
        "How this grade was made",
        "is worth",
        "mean of",
    ):
        assert words in shown
    # A form of before, without columns, leaves them; the other choice ends them.
    send(client, room, sid, "save:", when="nightly", tell="all")
    assert held(room).summary == how.summary
    send(client, room, sid, "save:", **{**FORMULA, "columns": "each"})
    assert held(room).summary is None


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"maximum": "0"}, "maximum", "0 is no number from 1 to 10000; give one"),
        ({"minimum": "x"}, "minimum", "x is no number from 1 to 1000; give one"),
        (
            {"worth": "own", "points-0": "5", "points-1": "4,5"},
            "points",
            "Developing has 4.5 points, fewer than 5 below it",
        ),
    ],
)
def test_a_bad_formula_is_told_at_its_field_and_changes_nothing(
    client: FlaskClient,
    room: Class,
    sid: str,
    change: dict[str, str],
    field: str,
    said: str,
) -> None:
    points = {f"points-{place}": str(5 * place) for place in range(4)}
    html = send(client, room, sid, "save:", 422, **{**FORMULA, **points, **change})
    assert f'aria-describedby="fault-{field}"' in html
    assert said in text_of(html)
    assert held(room) == sendings.Sending()


def test_a_formula_that_fits_the_levels_no_more_is_said(
    client: FlaskClient, room: Class, sid: str
) -> None:
    points = {f"points-{place}": str(5 * place) for place in range(4)}
    send(client, room, sid, "save:", **{**FORMULA, **points, "worth": "own"})
    two = [
        {"name": "Low", "cut": 0.0, "points": 0.0},
        {"name": "High", "cut": 0.6, "points": 1.0},
    ]
    with room.database.write() as session:
        session.execute(
            schema.course.update()
            .where(schema.course.c.id == room.course)
            .values(scale=two, mastery_cut=0.6)
        )
    assert "the levels of the course are Low, High" in read(client, f"/s/{sid}/sending")


def test_a_refused_grade_is_listed_by_its_title_and_theirs_is_kept(
    client: FlaskClient, room: Class, sid: str
) -> None:
    send(client, room, sid, "save:", **{**FORMULA, "title": "Semester"})
    switch_on(room)
    with room.database.write() as session:
        told = put(
            session,
            schema.delivery,
            destination="oneroster",
            course_id=room.course,
            person_id=room.students[0],
            competency_id=None,
            value=15.0,
            maximum=20.0,
            basis={
                "summary": {"title": "Semester", "maximum": 20},
                "levels": [["RA.1", "Proficient", 15.0]],
                "computed_at": room.now.isoformat(),
            },
            state="conflict",
            read_back=18.0,
            reason="18 stands there",
            attempts=1,
            due_at=room.now,
            created_at=room.now,
        )
    shown = read(client, f"/s/{sid}/sending")
    assert "Amira Haddad · Semester · school system ours: 15 of 20" in shown
    assert "Amira Haddad, Semester:" in read(client, f"/s/{sid}/class")
    place = send(client, room, sid, f"theirs:{told}")
    assert "Theirs stands." in read(client, place)
    with room.database.read() as session:
        assert session.execute(schema.teacher_level.select()).all() == []


@pytest.mark.browser
def test_the_example_follows_the_formula_that_is_typed(
    context: BrowserContext, site: Site
) -> None:
    page, _, faults = watched(context)
    page.goto(site.enter(f"/s/{site.teacher}/sending"))
    expect(page.locator("#example")).to_be_hidden()
    page.get_by_label("one grade over all competencies").check()
    expect(page.locator(".examples > li")).to_have_count(3)
    page.get_by_text("How the grade over all is made").click()
    page.get_by_label("Out of how many points").fill("20")
    page.get_by_label("The grade is").select_option("mastered_share")
    expect(page.locator(".examples > li").first).to_contain_text("of 20")
    page.locator("#example summary").first.click()
    expect(page.locator(".examples > li").first).to_contain_text("mastered")
    page.get_by_label("Out of how many points").fill("none")
    page.get_by_label("Out of how many points").blur()
    expect(page.locator("#example")).to_contain_text("none is no number from 1")
    page.get_by_label("Out of how many points").fill("20")
    page.get_by_role("button", name="See what would change").last.click()
    page.get_by_role("button", name="Save it").click()
    expect(page.locator(".told")).to_contain_text("Saved.")
    assert [one for one in faults if "422" not in one] == []
    assert violations(page) == []
