"""Levels on the scales of a platform: the page and the command that place them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from sqlalchemy import insert

from lti_tool.cli import masterybridge
from lti_tool.platforms.moodle_scales import Levels, RatingScale
from lti_tool.storage import curriculum, scale_maps, schema
from lti_tool.storage.scale_maps import MetScale
from lti_tool.work import scale_maps as work
from tests.web.admin.conftest import Office, Visitor, words
from tests.web.admin.test_admin_platforms import ONE, add

HERE = f"{ONE}/scales"
FOUR = Levels(("Beginning", "Developing", "Proficient", "Advanced"), 2)
TWO = RatingScale(("Not yet <competent>", "Competent"), frozenset({2}), 2)


@pytest.fixture
def met(office: Office) -> MetScale:
    """A Moodle whose scale of two items was met."""
    add(office, "1", vendor="moodle")
    work.note(office.database, 1, FOUR, TWO)
    work.note(office.database, 1, FOUR, TWO)
    return held(office)[0]


def held(office: Office) -> list[MetScale]:
    with office.database.read() as session:
        return scale_maps.load_scales(session, 1)


def chosen(page: str) -> dict[str, str]:
    """The item each level's list stands on, by the level's place."""
    lists = re.findall(r'<select name="item-(\d)".*?</select>', page, re.DOTALL)
    texts = re.findall(r"<select.*?</select>", page, re.DOTALL)
    return {
        place: re.findall(r"<option[^>]* selected>([^<]*)", text)[0]
        for place, text in zip(lists, texts, strict=True)
    }


def fields(*items: int, names: tuple[str, ...] = TWO.names) -> dict[str, str]:
    places = {f"item-{place}": str(item) for place, item in enumerate(items, 1)}
    return {"scale": "0", "names": "\r\n".join(names), **places}


def test_an_administrator_agrees_with_a_proposal_or_changes_it(
    office: Office, rosa: Visitor, met: MetScale
) -> None:
    assert met.items is None
    page = words(rosa.read(ONE))
    assert "1 scale waits for you to say which item each level is" in page
    assert HERE in rosa.read(ONE)
    page = rosa.read(HERE)
    assert "Not yet <competent> · Competent" in words(page)
    assert "waits for you" in words(page)
    assert "This is a proposal" in words(page)
    assert chosen(page) == {
        "4": "Competent (proficient there)",
        "3": "Competent (proficient there)",
        "2": "Not yet &lt;competent&gt;",
        "1": "Not yet &lt;competent&gt;",
    }
    saved = rosa.send(HERE, **fields(1, 1, 1, 2))
    assert saved.status_code == 303
    page = rosa.read(saved.location)
    said = words(page)
    assert "Saved." in said
    assert "said by the school" in said
    assert "Mastery here and proficient there part ways at: Proficient." in said
    assert held(office)[0].items == (1, 1, 1, 2)
    assert "levels have their items on every scale" in words(rosa.read(ONE))
    assert office.changes()[-1] == ("admin:1", "levels placed on a scale")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (fields(2, 1, 2, 2), "Nothing was saved: a higher level is a higher item"),
        (fields(1, 1, 1, 3), "Nothing was saved: a higher level is a higher item"),
        (fields(1, 1, 1, 2, names=("No", "Yes")), "The scale was changed meanwhile."),
    ],
    ids=["falls", "unknown item", "another scale"],
)
def test_what_cannot_be_meant_is_not_saved(
    office: Office, rosa: Visitor, met: MetScale, sent: dict[str, str], said: str
) -> None:
    answer = rosa.send(HERE, **sent)
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert held(office) == [met]


def test_a_platform_that_keeps_no_ratings_has_no_such_page(
    office: Office, rosa: Visitor
) -> None:
    add(office, vendor="brightspace")
    rosa.read(HERE, 404)
    assert "Levels on its scales" not in rosa.read(ONE)


def run(office: Office, *arguments: str, status: int = 0) -> Any:  # noqa: ANN401 -- JSON
    try:
        done = CliRunner().invoke(
            masterybridge,
            ["platform", "scales", "1", *arguments, "--json"],
            env={"MASTERYBRIDGE_DATABASE_URL": str(office.database.engine.url)},
        )
    finally:
        structlog.reset_defaults()
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def test_the_command_lists_scales_and_places_levels_on_them(
    office: Office, rosa: Visitor, met: MetScale
) -> None:
    (listed,) = run(office)
    assert listed == {
        "scale": 2,
        "names": list(met.names),
        "proficient": [2],
        "levels": list(met.levels),
        "items": None,
        "proposed": [1, 1, 2, 2],
        "courses": {},
    }
    assert run(office, "--scale", "2", "--as-proposed")["items"] == [1, 1, 2, 2]
    with office.database.write() as session:
        course = session.execute(
            insert(schema.course)
            .values(title="Mathematics 7", created_at=office.now, status="active")
            .returning(schema.course.c.id)
        ).scalar_one()
        session.execute(
            insert(schema.placement).values(
                deployment_id=1, context_id="5", course_id=course, seen_at=office.now
            )
        )
    said = ("Beginning=1", "2=Competent", "Proficient=2", "Advanced=2")
    items = [word for one in said for word in ("--item", one)]
    run(office, "--scale", "2", *items, "--course", str(course))
    (listed,) = run(office)
    assert (listed["items"], listed["courses"]) == (
        [1, 1, 2, 2], {str(course): [1, 2, 2, 2]},
    )  # fmt: skip
    page = words(rosa.read(HERE))
    assert "1 course says otherwise" in page
    assert (
        "Mathematics 7 Not yet <competent> · Competent · Competent · Competent" in page
    )
    with office.database.read() as session:
        (own,) = scale_maps.load_scales_of_course(session, course, "moodle")
        on = curriculum.load_destinations(session, course)
    # Said of a course, and nothing switched on by it.
    assert (own.items, on) == ((1, 2, 2, 2), [])
    run(office, "--scale", "2", "--as-school", "--course", str(course))
    assert run(office)[0]["courses"] == {}
    error = run(office, "--scale", "9", "--as-proposed", status=1)["error"]
    assert error == (
        "no scale 9 was met on platform 1 (met: 2); platform check looks for them"
    )


def test_levels_of_several_courses_on_one_scale_are_told_apart(
    office: Office, met: MetScale
) -> None:
    work.note(office.database, 1, Levels(("Low", "High"), 1), TWO)
    error = run(office, "--scale", "2", "--as-proposed", status=1)["error"]
    assert (
        "several levels (Beginning, Developing, Proficient, Advanced; Low, High)"
        in (error)
    )
    run(office, "--scale", "2", "--item", "Low=1", "--item", "High=2")
    assert [one.items for one in held(office)] == [None, (1, 2)]
    assert met.items is None
