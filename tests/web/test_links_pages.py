"""What a teacher may place, and the check of one competency, as people see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import delete, update

from lti_tool.storage import resource_links, schema, visits
from lti_tool.storage.curriculum import load_plan
from lti_tool.storage.identities import Place
from lti_tool.storage.placements import save_placement
from lti_tool.storage.registrations import find_deployment, hold_deployment
from lti_tool.storage.resource_links import LaunchedLink
from lti_tool.web import offers
from lti_tool.work.deep_linking import Gradebook
from tests.web.conftest import SECRET, let_in

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.web.conftest import Class

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ASKED: dict[str, Any] = {
    "return_url": "https://lms.example/back",
    "deployment_id": "1",
    "accepts_links": True,
    "accepts_several": True,
    "accepts_line_items": None,
    "targets": ["iframe"],
}


def asked_sid(room: Class, **asked: object) -> str:
    """A teacher's visit whose launch asked for links."""
    visit = visits.Visit(
        person_id=room.teacher,
        role="instructor",
        course_id=room.course,
        registration_id=room.registration,
        deep_linking=ASKED | asked,
    )
    with room.database.write() as session:
        return visits.open_visit(
            session, visit, browser_hash=visits.secret_hash(SECRET), now=room.now
        )


def linked_sid(room: Class, person: int, role: str, **link: Any) -> str:  # noqa: ANN401 -- its fields
    """A visit that came by a link."""
    with room.database.write() as session:
        hold_deployment(session, room.registration, "1", now=room.now)
        deployment = find_deployment(session, room.registration, "1")
        assert deployment is not None
        place = Place(deployment_id=deployment[0], context_id="c")
        placement, _ = save_placement(session, place, now=room.now)
        saved = resource_links.save_link(
            session,
            LaunchedLink(
                deployment_id=deployment[0],
                link_id="l",
                placement_id=placement,
                **link,
            ),
            now=room.now,
        )
        return visits.open_visit(
            session,
            visits.Visit(
                person_id=person,
                role=role,
                course_id=room.course,
                registration_id=room.registration,
                resource_link_id=saved.id,
            ),
            browser_hash=visits.secret_hash(SECRET),
            now=room.now,
        )


# -- pages as text -------------------------------------------------------------------


def test_the_class_is_told_apart_by_what_each_student_needs(
    client: FlaskClient, room: Class
) -> None:
    """
    The second competency comes after the first: Amira and Chloé have shown it,
    Siobhán has begun, and nobody else has done the first well enough but Wei.
    """
    sid = room.sid(room.teacher, "instructor")
    html = client.get(f"/s/{sid}/check/{room.competencies[1]}").get_data(as_text=True)
    found = [
        (
            part.split("</h2>")[0].split(" <span")[0],
            part.split("</section>")[0].count("<li>"),
        )
        for part in html.split('<section class="group"><h2>')[1:]
    ]
    assert found == [
        ("On the way", 1),
        ("Something comes first", 2),
        ("Secure", 2),
    ]
    assert "2 of 5 students are secure: at 3 Proficient or higher." in html
    assert "RA.1 first" in html


def test_many_tries_far_from_mastery_are_told_as_stuck_near_ones_are_not(
    client: FlaskClient, room: Class
) -> None:
    """Wei has as many pieces as Ben, and is one level short, not two."""
    ben, wei = room.students[1], room.students[3]
    room.add_work(room.competencies[0], "Unit 1 again", {ben: 2, wei: 6})
    room.add_work(room.competencies[0], "Unit 1 once more", {wei: 6})
    room.refresh()
    sid = room.sid(room.teacher, "instructor")
    html = client.get(f"/s/{sid}/check/{room.competencies[0]}").get_data(as_text=True)
    stuck = html.split("<h2>Stuck")[1].split("</section>")[0]
    assert "Ben Ortiz" in stuck
    assert "3 pieces of evidence" in stuck
    assert "Wei Chen" not in stuck
    assert "Wei Chen" in html.split("<h2>On the way")[1].split("</section>")[0]


def test_every_level_is_counted_and_the_counts_add_up(
    client: FlaskClient, room: Class
) -> None:
    sid = room.sid(room.teacher, "instructor")
    html = client.get(f"/s/{sid}/check/{room.competencies[0]}").get_data(as_text=True)
    table = html.split('<table class="shares-of">')[1].split("</table>")[0]
    counts = [
        int(part.split("</td>")[0]) for part in table.split("</span></span> ")[1:]
    ]
    assert len(counts) == 5
    assert sum(counts) == 5


def test_a_check_nobody_can_show_yet_leads_to_aligning(
    client: FlaskClient, room: Class
) -> None:
    sid = room.sid(room.teacher, "instructor")
    html = client.get(f"/s/{sid}/check/{room.competencies[3]}").get_data(as_text=True)
    assert "No work counts for this competency yet, so nobody can show it." in html
    assert f'href="/s/{sid}/align"' in html
    assert "all=1" in html


def test_a_check_of_an_empty_class_says_so(client: FlaskClient, room: Class) -> None:
    with room.database.write() as session:
        session.execute(delete(schema.seat).where(schema.seat.c.role == "learner"))
    sid = room.sid(room.teacher, "instructor")
    html = client.get(f"/s/{sid}/check/{room.competencies[0]}").get_data(as_text=True)
    assert "The class list is empty" in html
    assert "secure" not in html


def test_a_teacher_who_opens_the_students_page_sees_each_of_them(
    client: FlaskClient, room: Class
) -> None:
    sid = linked_sid(room, room.teacher, "instructor", view="mine")
    page = client.get(f"/s/{sid}/", follow_redirects=True)
    assert "Students who open this link see their own page." in page.text
    assert "<select name" in page.text
    plain = client.get(f"/s/{sid}/class?view=one")
    assert "Students who open this link" not in plain.text


def test_a_column_is_proposed_where_levels_are_sent(room: Class) -> None:
    with room.database.read() as session:
        plan = load_plan(session, room.course)
    for is_told in (True, False):
        gradebook = Gradebook(frozenset(), is_told=is_told)
        assert offers.arrange(plan, gradebook, set()).wish.column is is_told


def test_a_long_list_is_searched_and_keeps_what_is_ticked(
    seed: Callable[..., Class],
) -> None:
    room = seed(1, offers.MOST + 5)
    with room.database.read() as session:
        plan = load_plan(session, room.course)
    gradebook = Gradebook(frozenset(), is_told=False)
    last = offers.key_of(plan.competencies[-1])
    assert offers.arrange(plan, gradebook, set()).shown == offers.MOST
    offer = offers.arrange(plan, gradebook, {last})
    assert (offer.shown, offer.is_whole) == (offers.MOST + 1, False)
    assert offer.areas[-1][1][-1].key == last


def test_a_title_is_the_code_and_a_short_statement(room: Class) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.competency)
            .where(schema.competency.c.id == room.competencies[0])
            .values(statement="word " * 60, human_code=None)
        )
        session.execute(
            update(schema.competency)
            .where(schema.competency.c.id == room.competencies[1])
            .values(abbreviated="Rates")
        )
    with room.database.read() as session:
        first, second, *_ = load_plan(session, room.course).competencies
    assert offers.title_of(first) == "word " * 19 + "word…"
    assert offers.title_of(second) == "RA.2 Rates"


# -- pages in a browser ---------------------------------------------------------------


@pytest.fixture
def big(seed: Callable[..., Class]) -> Class:
    room = seed(18, 40)
    for number, competency in enumerate(room.competencies[:6]):
        for again in range(3):
            scores = {
                person: (person * 5 + number * 3 + again * 2) % 11
                for person in room.students
                if (person + number) % 4 and not (again and person % 3)
            }
            room.add_work(competency, f"Unit {number + 1}, part {again + 1}", scores)
    room.refresh()
    return room


@pytest.fixture
def tool(
    big: Class, serve_class: Callable[..., Flask], serve: Callable[..., str]
) -> str:
    app = serve_class(big)
    let_in(app)
    return serve(app)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 800, "height": 700})
    yield context
    context.close()


def violations(page: Page) -> list[tuple[str, str]]:
    results = Axe().run(page, options={"runOnly": TAGS}).response
    return [(one["id"], one["nodes"][0]["html"]) for one in results["violations"]]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "theme"), [(1280, "light"), (800, "dark"), (390, "light"), (390, "dark")]
)
def test_axe_finds_nothing_and_nothing_runs_over_the_edge(
    big: Class,
    tool: str,
    context: BrowserContext,
    width: int,
    theme: Literal["light", "dark"],
) -> None:
    page = context.new_page()
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    teacher = big.sid(big.teacher, "instructor")
    second = big.competencies[1]
    for path in (
        f"/s/{asked_sid(big)}/deep-linking",
        f"/s/{asked_sid(big, accepts_several=False)}/deep-linking",
        f"/s/{teacher}/check/{second}",
        f"/s/{teacher}/check",
        "/",
    ):
        page.goto(f"{tool}/enter?to={path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_checks_are_found_and_placed_with_the_keyboard_alone(
    big: Class, tool: str, context: BrowserContext
) -> None:
    page = context.new_page()
    sid = asked_sid(big)
    sent: list[str] = []
    page.route(
        ASKED["return_url"],
        lambda route: (
            sent.append(str(route.request.post_data)),
            route.fulfill(body="Content added"),
        ),
    )
    page.goto(f"{tool}/enter?to=/s/{sid}/deep-linking")
    search = page.get_by_role("searchbox", name="Search")
    expect(page.get_by_role("button", name="Find")).to_be_hidden()
    search.focus()
    page.keyboard.type("nu.17")
    expect(page.get_by_role("status")).to_have_text("1 of 40 competencies")
    page.keyboard.press("Enter")  # sends nothing half chosen
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    search.fill("ra.2")
    expect(page.get_by_role("checkbox", name="NU.17")).to_be_checked()
    expect(page.get_by_role("status")).to_have_text("3 of 40 competencies")
    page.get_by_role("checkbox", name="Give each competency check").press("Space")
    page.get_by_role("button", name="Add to the course").press("Enter")
    expect(page.get_by_text("Content added")).to_be_visible()
    assert sent[0].startswith("JWT=ey")


@pytest.mark.browser
def test_a_choice_of_one_is_a_choice_across_all_groups(
    big: Class, tool: str, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(
        f"{tool}/enter?to=/s/{asked_sid(big, accepts_several=False)}/deep-linking"
    )
    expect(page.get_by_role("radio", name="Class mastery")).to_be_checked()
    page.get_by_role("radio", name="RA.3").check()
    expect(page.get_by_role("radio", name="Class mastery")).not_to_be_checked()


@pytest.mark.browser
def test_the_list_is_searched_without_scripts_too(
    big: Class, tool: str, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{tool}/enter?to=/s/{asked_sid(big)}/deep-linking")
        page.get_by_role("checkbox", name="RA.12").check()
        page.get_by_role("searchbox", name="Search").fill("nu.9")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("2 of 40 competencies")
        expect(page.get_by_role("checkbox", name="RA.12")).to_be_checked()
        page.get_by_role("checkbox", name="NU.9").check()
        page.get_by_role("button", name="Add to the course").click()
        expect(page.get_by_role("button", name="Go on")).to_be_visible()
    finally:
        context.close()
