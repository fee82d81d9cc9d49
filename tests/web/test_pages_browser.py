"""Pages in a real browser: keyboard, frames, colours, languages, and no stranger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect
from sqlalchemy import delete

from lti_tool.demo.door import door
from lti_tool.storage import schema
from tests.web.conftest import let_in

pytestmark = pytest.mark.browser

if TYPE_CHECKING:
    from tests.web.conftest import Class

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WATCH = """
window.refusals = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.refusals.push(event.violatedDirective + " " + event.blockedURI));
"""


class Site:
    """The tool on its address, a class in it, and a host on another site."""

    def __init__(
        self, room: Class, tool: str, host: str, framed: dict[str, str]
    ) -> None:
        self.room, self.tool, self.host, self.framed = room, tool, host, framed
        self.teacher = room.sid(room.teacher, "instructor")
        self.student = room.sid(room.students[0], "learner")

    def enter(self, path: str) -> str:
        """The address that gives the browser its secret, then shows path."""
        return f"{self.tool}/enter?to={quote(path)}"

    def paths(self) -> dict[str, str]:
        first, amira = self.room.competencies[0], self.room.students[0]
        teacher, student = f"/s/{self.teacher}", f"/s/{self.student}"
        return {
            "class": f"{teacher}/class?view=grid",
            "count": f"{teacher}/class?view=grid&show=count&all=1",
            "cell": f"{teacher}/class/{amira}/{first}",
            "one": f"{teacher}/class?view=one",
            "align": f"{teacher}/align?remove=1",
            "mastery": f"{student}/mastery",
            "competency": f"{student}/mastery/{first}",
            "door": "/demo",
        }


def tool_app(make: Callable[..., Flask], room: Class) -> Flask:
    app = make(room)
    app.register_blueprint(door)
    app.config["DEMO_LINKS"] = {"teacher": "/x", "student": "/y"}
    let_in(app)
    return app


@pytest.fixture
def site(
    seed: Callable[..., Class],
    serve_class: Callable[..., Flask],
    serve: Callable[..., str],
) -> Site:
    framed: dict[str, str] = {}
    host = Flask("host")
    host.add_url_rule(
        "/",
        "page",
        lambda: (
            "<!doctype html><title>LMS</title><link rel=icon href=data:,>"
            f'<iframe src="{framed["src"]}" width="1000" height="700"></iframe>'
        ),
    )
    host_url = serve(host).replace("127.0.0.1", "localhost")
    room = seed(12, 8, host=host_url)
    for number, competency in enumerate(room.competencies[:6]):
        for again in range(2):
            scores = {
                person: (person * 5 + number * 3 + again * 2) % 11
                for person in room.students
                if (person + number) % 5
            }
            room.add_work(competency, f"Unit {number + 1}, part {again + 1}", scores)
    room.refresh()
    return Site(room, serve(tool_app(serve_class, room)), host_url, framed)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    yield context
    context.close()


def watched(context: BrowserContext) -> tuple[Page, list[str], list[str]]:
    """A page, with the addresses it asks for and the faults it reports."""
    context.add_init_script(WATCH)
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda line: faults.append(line.text) if line.type == "error" else None,
    )
    return page, asked, faults


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds: its rule, and the first element at fault."""
    results = Axe().run(page, options={"runOnly": TAGS}).response
    return [(one["id"], one["nodes"][0]["html"]) for one in results["violations"]]


def open_class(page: Page, site: Site) -> None:
    page.goto(site.enter(site.paths()["class"]))
    page.locator("table[role=grid] [tabindex='0']").wait_for()


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            "(document.activeElement.getAttribute('aria-label')"
            " || document.activeElement.textContent).trim()"
        )
    )


def test_the_grid_is_one_tab_stop_and_moves_by_keys(
    context: BrowserContext, site: Site
) -> None:
    page, _, faults = watched(context)
    open_class(page, site)
    names = page.locator("tbody th").all_text_contents()
    assert page.locator("table [tabindex='0']").count() == 1
    page.locator("table [tabindex='0']").focus()
    moves = {
        "Home": names[0],
        "ArrowDown": names[1],
        "PageDown": names[11],
        "PageUp": names[1],
        "ArrowUp": names[0],
        "n": next(one for one in names if one.startswith("Nadia")),
        "Control+Home": "Student",
    }
    for key, name in moves.items():
        page.keyboard.press(key)
        assert focused(page) == name
    page.keyboard.press("Control+End")
    assert page.evaluate("document.activeElement.cellIndex") == 7
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.cellIndex") == 6
    assert page.locator("table [tabindex='0']").count() == 1
    page.keyboard.press("?")
    assert page.locator("#keys").get_attribute("open") is not None
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('table')")
    assert faults == []


def test_enter_opens_the_drawer_and_escape_gives_the_focus_back(
    context: BrowserContext, site: Site
) -> None:
    page, _, faults = watched(context)
    open_class(page, site)
    page.locator("table [tabindex='0']").focus()
    cell = focused(page)
    page.keyboard.press("Enter")
    heading = page.locator("#drawer h2")
    heading.wait_for()
    expect(heading).to_be_focused()
    assert heading.text_content() == "{} · RA.1".format(
        page.locator("tbody th").first.text_content()
    )
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    assert focused(page) == cell
    page.keyboard.press("Enter")
    page.locator("#drawer [rel=next]").click()
    second = page.locator("tbody th").nth(1).text_content()
    expect(heading).to_have_text(f"{second} · RA.1")
    page.locator("#drawer [data-close]").click()
    assert page.evaluate("document.activeElement.parentElement.rowIndex") == 4
    assert faults == []


def test_a_drawer_that_cannot_be_loaded_says_what_is_still_true(
    context: BrowserContext, site: Site
) -> None:
    page, _, _ = watched(context)
    open_class(page, site)
    page.route("**/class/*/*", lambda route: route.abort())
    page.locator("table [tabindex='0']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawer")).to_contain_text("could not be loaded")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()


def test_a_session_that_ended_says_so_instead_of_a_broken_drawer(
    context: BrowserContext, site: Site
) -> None:
    page, _, _ = watched(context)
    open_class(page, site)
    with site.room.database.write() as session:
        session.execute(delete(schema.web_session))
    page.locator("table [tabindex='0']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Your session ended")


def test_focus_is_never_hidden_behind_the_names_or_the_heads(
    context: BrowserContext, site: Site
) -> None:
    page, _, _ = watched(context)
    page.set_viewport_size({"width": 700, "height": 500})
    open_class(page, site)
    page.locator("table [tabindex='0']").focus()
    keys = ["Control+End", "Control+Home", "ArrowDown", "ArrowDown", "ArrowRight"]
    for key in [*keys, "PageDown", "End", "PageUp", "ArrowLeft", "Home"]:
        page.keyboard.press(key)
        assert page.evaluate(
            """() => {
              const at = document.activeElement, box = at.getBoundingClientRect();
              const top = document.elementFromPoint(
                box.x + box.width / 2, box.y + box.height / 2);
              return at === top || at.contains(top);
            }"""
        ), key


def test_left_and_right_follow_what_is_seen_in_arabic(
    browser: Browser, site: Site
) -> None:
    context = browser.new_context(locale="ar", viewport={"width": 1000, "height": 800})
    page, _, _ = watched(context)
    open_class(page, site)
    assert page.evaluate("document.documentElement.dir") == "rtl"
    page.locator("table [tabindex='0']").focus()
    start = page.evaluate("document.activeElement.getBoundingClientRect().x")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.getBoundingClientRect().x") < start
    context.close()


def test_a_narrow_screen_shows_one_student_at_a_time(
    browser: Browser, site: Site
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 700})
    page, _, _ = watched(context)
    page.goto(site.enter(f"/s/{site.teacher}/class"))
    page.wait_for_url("**view=one**")
    first = page.locator(".standings a").first
    first.click()
    expect(page.locator("h2").first).to_contain_text("RA.1")
    context.close()


def test_without_scripts_every_level_is_reached_by_links_and_forms(
    browser: Browser, site: Site
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.enter(site.paths()["class"]))
    page.get_by_label("Students", exact=True).fill("amira")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("tbody tr").count() == 2
    page.get_by_role("link", name="One student at a time").click()
    page.locator(".standings a").first.click()
    expect(page.get_by_role("heading", name="Evidence")).to_be_visible()
    context.close()


@pytest.mark.parametrize(
    ("scheme", "width", "locale"),
    [
        ("light", 1000, "en"),
        ("dark", 1000, "en"),
        ("light", 320, "en"),
        ("dark", 320, "ar"),
        ("light", 1000, "ar"),
        ("forced", 1000, "en"),
    ],
)
def test_axe_finds_nothing_and_no_request_leaves_the_origin(
    browser: Browser,
    site: Site,
    scheme: Literal["light", "dark", "forced"],
    width: int,
    locale: str,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        forced_colors="active" if scheme == "forced" else "none",
        locale=locale,
    )
    page, asked, faults = watched(context)
    found: list[tuple[str, str, str]] = []
    for name, path in site.paths().items():
        page.goto(site.enter(path))
        assert page.evaluate("window.refusals") == [], name
        assert faults == [], name
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, name
        found += [(name, *one) for one in violations(page)]
        faults.clear()  # axe itself writes a style the policy refuses
    assert found == []
    assert {urlsplit(one).netloc for one in asked} == {urlsplit(site.tool).netloc}
    context.close()


def test_the_open_drawer_has_no_fault_either(
    context: BrowserContext, site: Site
) -> None:
    page, _, faults = watched(context)
    open_class(page, site)
    page.locator("table [tabindex='0']").focus()
    page.keyboard.press("Enter")
    page.locator("#drawer h2").wait_for()
    assert page.evaluate("window.refusals") == []
    assert faults == []
    assert violations(page) == []


def framed(page: Page, site: Site, path: str) -> FrameLocator:
    site.framed["src"] = site.enter(path)
    page.goto(site.host)
    return page.frame_locator("iframe")


def test_pages_live_in_the_frame_of_another_site_with_its_cookies_blocked(
    context: BrowserContext, site: Site
) -> None:
    page, asked, faults = watched(context)
    frame = framed(page, site, site.paths()["class"])
    frame.locator("tbody td.l3").first.click()
    expect(frame.locator("#drawer h2")).to_contain_text("·")
    frame.get_by_role("link", name="Align work").click()
    expect(frame.locator("h1")).to_have_text("Align work to competencies")
    work = frame.locator("#work-1")
    work.get_by_text("Add another").click()
    work.get_by_label("Competency", exact=True).fill("NU.4")
    work.get_by_role("button", name="Add a competency").click()
    expect(frame.get_by_role("status")).to_contain_text("levels changed.")
    assert faults == []
    homes = {urlsplit(site.tool).netloc, urlsplit(site.host).netloc}
    assert {urlsplit(one).netloc for one in asked} == homes


def test_a_host_that_was_not_registered_may_not_frame_the_pages(
    context: BrowserContext, site: Site
) -> None:
    page, _, _ = watched(context)
    site.framed["src"] = site.enter(site.paths()["mastery"])
    page.goto(site.host.replace("localhost", "127.0.0.1"))
    page.wait_for_load_state("networkidle")
    assert page.frame_locator("iframe").get_by_text("Hi Amira").count() == 0


def test_a_host_that_answers_is_told_the_height_as_a_whole_number(
    context: BrowserContext, site: Site
) -> None:
    page, _, _ = watched(context)
    page.add_init_script(
        """if (window === window.top) {
          window.heard = [];
          addEventListener("message", (event) => {
            window.heard.push(event.data);
            if (event.data.subject === "lti.capabilities") event.source.postMessage({
              subject: "lti.capabilities.response", message_id: event.data.message_id,
              supported_messages: [{subject: "lti.frameResize"}]}, event.origin);
          });
        }"""
    )
    framed(page, site, site.paths()["mastery"])
    page.wait_for_function(
        "window.heard.some((one) => one.subject === 'lti.frameResize')"
    )
    height = page.evaluate(
        "window.heard.find((one) => one.subject === 'lti.frameResize').height"
    )
    assert isinstance(height, int)
    assert height >= 450
