"""Sessions in the frames of three LMSs whose browsers keep less and less."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Frame,
    Page,
    Route,
    expect,
)

from lti_tool.demo.platform import APP, CANVAS, MOODLE, Manners
from tests.conftest import CHROMIUM_FLAGS
from tests.lti_tool.conftest import World, make_world, serving

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from tests.web.conftest import Class

CHROMIUM = os.environ.get("MASTERYBRIDGE_CHROMIUM", "/usr/bin/chromium")
ASKED = 20  # documents that may follow one another in a frame before one answers
# Two parties, a browser and its frames share a busy machine.
pytestmark = pytest.mark.browser


class Forgetful:
    """What stands before the tool and plays a browser that keeps no cookie in frames.

    It takes every cookie out of what a frame sends and is sent; a tab of its own keeps
    them.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self.is_on = False
        self.heard: list[tuple[str, dict[str, str]]] = []

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        framed = self.is_on and environ.get("HTTP_SEC_FETCH_DEST") == "iframe"
        address = environ["PATH_INFO"] + "?" + environ.get("QUERY_STRING", "")
        headers = {name: str(value) for name, value in environ.items() if "_" in name}
        self.heard.append((address, headers))
        if framed:
            environ.pop("HTTP_COOKIE", None)

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 -- WSGI's own
            kept = [one for one in headers if not framed or one[0] != "Set-Cookie"]
            return start_response(status, kept, *more)

        return self.app(environ, begin)


@dataclass
class Stage:
    """The tool with a class in it, the LMS that frames it, what stands between."""

    world: World
    room: Class
    way: Forgetful

    def play(self, manners: Manners, *, forgetful: bool) -> None:
        self.world.lms.manners = manners
        self.way.is_on = forgetful


@pytest.fixture
def stage(seed: Callable[..., Class], tmp_path: Path) -> Iterator[Stage]:
    room = seed(6, 4)
    for competency in room.competencies[:3]:
        room.add_work(competency, f"Unit {competency}", dict.fromkeys(room.students, 7))
    room.refresh()
    ways: list[Forgetful] = []
    with serving() as start:

        def serve(app: WSGIApplication, port: int) -> str:
            ways.append(Forgetful(app))
            return start(ways[-1], port)

        world = make_world(room.database, serve, tmp_path)
        world.lms.add_course("c2", "Grade 7 Math", "G7", sis_class_sourced_id="class-1")
        world.lms.enroll("c2", "tea", "instructor")
        world.lms.enroll("c2", "ana", "learner")
        world.lms.add_link("c2", "l2", "Mastery", f"{world.tool_url}/lti/launch")
        yield Stage(world, room, ways[0])


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def open_course(page: Page, stage: Stage, person: str, course: str = "c2") -> Frame:
    """Open a course of the LMS as somebody; gives the tool's frame."""
    lms = stage.world.lms_url
    page.goto(lms)
    page.request.post(f"{lms}/session", form={"person_id": person})
    page.goto(f"{lms}/courses/{course}")
    frame = page.query_selector("iframe.tool").content_frame()  # type: ignore[union-attr] # it is there
    assert frame is not None
    return frame


def _seen_in(frame: Frame, script: str) -> Any:  # noqa: ANN401 -- whatever the page says
    """Ask the page that is shown in a frame.

    What was expected of it may have stood in the document before, whose successor is
    on its way: then the question goes to that one.
    """
    for _ in range(ASKED):
        try:
            return frame.locator("html").evaluate(f"() => {{ return {script}; }}")
        except Error as error:
            if "context was destroyed" not in error.message:
                raise
    raise AssertionError(f"no document stayed to answer {script}")


def test_this_chromium_blocks_third_party_cookies_and_keeps_partitioned_ones(
    context: BrowserContext, stage: Stage
) -> None:
    stage.play(MOODLE, forgetful=False)
    page = context.new_page()
    frame = open_course(page, stage, "tea")
    expect(frame.locator("h1")).to_have_text("Grade 7 Math, section B")
    plain = "(document.cookie = 'plain=1; SameSite=None; Secure', document.cookie)"
    parted = (
        "(document.cookie = 'p=1; SameSite=None; Secure; Partitioned', document.cookie)"
    )
    assert _seen_in(frame, plain) == ""
    assert _seen_in(frame, parted) == "p=1"


@pytest.mark.parametrize("manners", [CANVAS, MOODLE, APP], ids=lambda one: one.name)
def test_a_partitioned_cookie_carries_the_session_in_every_frame(
    context: BrowserContext, stage: Stage, manners: Manners
) -> None:
    stage.play(manners, forgetful=False)
    frame = open_course(context.new_page(), stage, "tea")
    expect(frame.get_by_role("link", name="Align work")).to_be_visible()
    if manners.frame_size:
        size = _seen_in(frame, "[innerWidth, innerHeight].join()")
        assert size == ",".join(map(str, manners.frame_size))
    assert not any("HTTP_X_MASTERYBRIDGE_KEY" in one for _, one in stage.way.heard)


def test_the_storage_of_the_lms_carries_a_session_without_any_cookie(
    context: BrowserContext, stage: Stage
) -> None:
    stage.play(CANVAS, forgetful=True)
    frame = open_course(context.new_page(), stage, "tea")
    expect(frame.locator("h1")).to_have_text("Grade 7 Math, section B")
    assert any("HTTP_X_MASTERYBRIDGE_KEY" in one for _, one in stage.way.heard)


@pytest.mark.parametrize("manners", [MOODLE, APP], ids=lambda one: one.name)
def test_a_silent_frame_offers_a_new_tab_before_the_hint_is_used(
    context: BrowserContext, stage: Stage, manners: Manners
) -> None:
    stage.play(manners, forgetful=True)
    frame = open_course(context.new_page(), stage, "tea")
    expect(frame.locator("#tab h1")).to_be_visible()
    expect(frame.locator("#tab p").first).to_have_text(
        "Your browser keeps this page from remembering you inside Pretend LMS. "
        "Open it in a new tab and it will work."
    )
    with context.expect_page() as opened:
        frame.locator("#tab button").click()
    expect(opened.value.locator("h1")).to_have_text("Grade 7 Math, section B")


FRAMES = [(CANVAS, False), (CANVAS, True), (MOODLE, False)]
# Chromium says so of every page of ours with a chosen field, in a frame.
HARMLESS = (
    "Blocked autofocusing",
    "Failed to load resource: the server responded with a status of 422",
)
WAYS = [f"{one.name}-{'key' if dropped else 'cookie'}" for one, dropped in FRAMES]


@dataclass
class Watch:
    """What a page asked for, and the faults its scripts and policies reported."""

    asked: list[str]
    faults: list[str]


def watch(page: Page) -> Watch:
    seen = Watch([], [])
    page.on("request", lambda one: seen.asked.append(one.url))
    page.on("pageerror", lambda error: seen.faults.append(str(error)))
    page.on(
        "console",
        lambda line: seen.faults.append(line.text) if line.type == "error" else None,
    )
    return seen


def look_into_the_drawer(frame: Frame) -> None:
    frame.locator("table [tabindex='0']").wait_for()
    frame.locator("tbody td").first.click()
    expect(frame.locator("#drawer h2")).to_be_focused()
    frame.locator("#drawer [rel=next]").click()
    expect(frame.locator("#drawer [rel=prev]")).to_be_visible()
    frame.locator("#drawer [data-close]").click()
    expect(frame.locator("#drawer")).to_be_hidden()


def change_an_alignment(frame: Frame) -> None:
    frame.get_by_role("link", name="Align work").click()
    expect(frame.locator("h1")).to_have_text("Align work to competencies")
    work = frame.locator("li[id^=work-]").first
    work.get_by_role("link", name="Remove").click()
    frame.get_by_role("button", name="Remove", exact=True).click()
    expect(frame.get_by_role("status")).to_contain_text("Saved.")
    work.locator("input[name=competency]").fill("NU.2")
    work.get_by_role("button").click()
    expect(work).to_contain_text("NU.2")
    work.get_by_text("Add another").click()
    work.locator("input[name=competency]").fill("nothing like it")
    work.locator("form.add button").click()
    expect(frame.get_by_role("alert")).to_contain_text("Nothing was changed")


def go_there_and_back(page: Page, frame: Frame) -> None:
    frame.get_by_role("link", name="Class mastery").click()
    expect(frame.locator("table[role=grid]")).to_be_visible()
    frame.get_by_role("link", name="Align work").click()
    expect(frame.locator("h1")).to_have_text("Align work to competencies")
    page.evaluate("history.back()")
    expect(frame.locator("h1")).to_have_text("Grade 7 Math, section B")
    title = "Grade 7 Math, section B: Class mastery · MasteryBridge"
    assert _seen_in(frame, "document.title") == title


@pytest.mark.parametrize(("manners", "forgetful"), FRAMES, ids=WAYS)
def test_a_teacher_goes_through_all_her_pages_in_the_frame(
    context: BrowserContext, stage: Stage, manners: Manners, *, forgetful: bool
) -> None:
    stage.play(manners, forgetful=forgetful)
    page = context.new_page()
    seen = watch(page)
    frame = open_course(page, stage, "tea")
    look_into_the_drawer(frame)
    change_an_alignment(frame)
    go_there_and_back(page, frame)
    frame.locator("table [tabindex='0']").focus()
    page.keyboard.press("Enter")
    expect(frame.locator("#drawer h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(frame.locator("#drawer")).to_be_hidden()
    frame.locator("input[name=students]").fill("amira")
    frame.get_by_role("button", name="Apply").click()
    expect(frame.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as file:
        frame.get_by_role("link", name="Download CSV").click()
    assert Path(file.value.path()).read_text("utf-8-sig").startswith("Student,RA.2")
    expect(frame.locator("tbody tr")).to_have_count(1)
    assert [one for one in seen.faults if not one.startswith(HARMLESS)] == []
    keyed = [one for _, one in stage.way.heard if "HTTP_X_MASTERYBRIDGE_KEY" in one]
    assert bool(keyed) is forgetful


def test_a_student_opens_a_competency_and_goes_back_by_key(
    context: BrowserContext, stage: Stage
) -> None:
    stage.play(CANVAS, forgetful=True)
    page = context.new_page()
    seen = watch(page)
    frame = open_course(page, stage, "ana")
    expect(frame.locator("h1")).to_have_text("Hi Ana")
    frame.locator(".standings a").first.click()
    expect(frame.locator("h1")).to_be_focused()
    expect(frame.locator("h1")).to_have_text("RA.1")
    frame.locator(".crumb a").click()
    expect(frame.locator("h1")).to_have_text("Hi Ana")
    page.evaluate("history.back()")
    expect(frame.locator("h1")).to_have_text("RA.1")
    assert seen.faults == []


def test_a_reload_finds_its_key_in_the_storage_of_the_lms(
    context: BrowserContext, stage: Stage
) -> None:
    stage.play(CANVAS, forgetful=True)
    page = context.new_page()
    frame = open_course(page, stage, "tea")
    frame.get_by_role("link", name="Align work").click()
    expect(frame.locator("h1")).to_have_text("Align work to competencies")
    seat = _seen_in(frame, "location.pathname")
    with page.expect_event("framenavigated", lambda one: one == frame):
        frame.evaluate("setTimeout(() => location.reload())")
    expect(frame.locator("body[data-home]")).to_be_attached()
    expect(frame.locator("h1")).to_have_text("Align work to competencies")
    assert _seen_in(frame, "location.pathname") == seat
    frame.get_by_role("link", name="Class mastery").click()
    expect(frame.locator("table[role=grid]")).to_be_visible()


def test_a_reload_whose_lms_forgot_the_key_says_how_to_go_on(
    context: BrowserContext, stage: Stage
) -> None:
    stage.play(CANVAS, forgetful=True)
    page = context.new_page()
    frame = open_course(page, stage, "tea")
    frame.get_by_role("link", name="Align work").wait_for()
    page.evaluate("sessionStorage.clear()")
    frame.evaluate("setTimeout(() => location.reload())")
    expect(frame.locator("h1")).to_have_text("Your session ended")
    expect(frame.locator("main")).to_contain_text("Go back to your course and open")


@pytest.mark.parametrize(("manners", "forgetful"), FRAMES, ids=WAYS)
def test_a_page_opens_in_a_tab_of_its_own(
    context: BrowserContext, stage: Stage, manners: Manners, *, forgetful: bool
) -> None:
    stage.play(manners, forgetful=forgetful)
    frame = open_course(context.new_page(), stage, "tea")
    frame.get_by_role("link", name="Align work").click()
    expect(frame.locator("h1")).to_have_text("Align work to competencies")
    with context.expect_page() as opened:
        frame.get_by_role("button", name="Open in a new tab").click()
    tab = opened.value
    expect(tab.locator("h1")).to_have_text("Align work to competencies")
    assert tab.evaluate("window.opener") is None
    expect(tab.get_by_role("button", name="Open in a new tab")).to_be_hidden()
    assert _seen_in(frame, "location.pathname") != tab.evaluate("location.pathname")
    tab.get_by_role("link", name="Class mastery").click()
    expect(tab.locator("table[role=grid]")).to_be_visible()
    with context.expect_page() as opened:
        frame.get_by_role("link", name="Class mastery").click(modifiers=["Control"])
    expect(opened.value.locator("table[role=grid]")).to_be_visible()


@pytest.mark.parametrize("forgetful", [False, True], ids=["cookie", "key"])
def test_two_tabs_with_two_courses_never_mix(
    context: BrowserContext, stage: Stage, *, forgetful: bool
) -> None:
    stage.play(CANVAS, forgetful=forgetful)
    one = open_course(context.new_page(), stage, "tea", "c2")
    expect(one.locator("h1")).to_have_text("Grade 7 Math, section B")
    two = open_course(context.new_page(), stage, "ana", "c1")
    expect(two.locator("h1")).to_have_text("Hi Ana")
    one.get_by_role("link", name="Align work").click()
    expect(one.locator(".page-head")).to_contain_text("Grade 7 Math, section B")
    two.get_by_role("link", name="My mastery").click()
    expect(two.locator(".page-head")).to_contain_text("Mathematics 7")
    elsewhere = _seen_in(two, "location.pathname").rpartition("/")[0]
    expect(one.locator("h1")).to_have_text("Align work to competencies")
    if forgetful:
        # The seat of the other tab does not open with the key of this one.
        one.evaluate(
            "(url) => document.dispatchEvent(new CustomEvent("
            "'masterybridge:go', { detail: { url } }))",
            f"{elsewhere}/mastery",
        )
        expect(one.locator("h1")).to_have_text("Your session ended")


@pytest.mark.parametrize("forgetful", [False, True], ids=["cookie", "key"])
def test_content_is_added_from_the_frame(
    context: BrowserContext, stage: Stage, *, forgetful: bool
) -> None:
    stage.play(CANVAS, forgetful=forgetful)
    page = context.new_page()
    open_course(page, stage, "tea")
    page.goto(f"{stage.world.lms_url}/courses/c2?add=1")
    tool = page.frame_locator("iframe.tool")
    expect(tool.locator("h1")).to_have_text("Add to your course")
    tool.get_by_role("checkbox").first.check()
    tool.get_by_role("button", name="Add to the course").click()
    expect(tool.locator("h1")).to_have_text("Content added")
    assert len(stage.world.lms.course_links("c2")) == 2


def test_no_key_stands_in_an_address_a_referer_a_log_or_the_document(
    context: BrowserContext, stage: Stage, log_lines: Callable[[], list[str]]
) -> None:
    stage.play(CANVAS, forgetful=True)
    page = context.new_page()
    frame = open_course(page, stage, "tea")
    frame.get_by_role("link", name="Align work").click()
    expect(frame.locator("h1")).to_have_text("Align work to competencies")
    keys = {
        headers["HTTP_X_MASTERYBRIDGE_KEY"]
        for _, headers in stage.way.heard
        if "HTTP_X_MASTERYBRIDGE_KEY" in headers
    }
    (key,) = keys
    assert len(key) == 43
    elsewhere = [
        *(address for address, _ in stage.way.heard),
        *(headers.get("HTTP_REFERER", "") for _, headers in stage.way.heard),
        *log_lines(),
        frame.content(),
        frame.url,
        str(_seen_in(frame, "JSON.stringify(history.state)")),
    ]
    assert not [text for text in elsewhere if key in text]
    assert not any(call for call in stage.world.lms.wire if key in str(call))
    with pytest.raises(Exception, match="SecurityError"):
        _seen_in(frame, "sessionStorage.length")


def test_a_storage_that_loses_the_proof_opens_nothing(
    context: BrowserContext, stage: Stage
) -> None:
    stage.play(CANVAS, forgetful=True)
    context.add_init_script(
        "if (location.hostname === 'localhost') "
        "setInterval(() => sessionStorage.clear(), 5);"
    )
    before = stage.world.count("web_session")
    frame = open_course(context.new_page(), stage, "tea")
    expect(frame.locator("h1")).to_have_text("The tool did not open")
    expect(frame.locator("main")).to_contain_text("open it in a new tab")
    expect(frame.locator("main")).to_contain_text("E_STATE")
    assert stage.world.count("web_session") == before


@pytest.mark.parametrize("forgetful", [False, True], ids=["cookie", "key"])
def test_two_minutes_before_the_end_the_page_asks_whether_to_stay(
    context: BrowserContext, stage: Stage, *, forgetful: bool
) -> None:
    stage.play(CANVAS, forgetful=forgetful)
    context.clock.install()
    frame = open_course(context.new_page(), stage, "tea")
    frame.locator("table [tabindex='0']").wait_for()
    line = frame.locator("#leaving p").first
    context.clock.run_for("56:00")
    expect(line).to_be_hidden()
    context.clock.run_for("02:10")
    expect(line).to_be_visible()
    expect(line).to_contain_text("You will be signed out of this view in 2 minutes.")
    stays = len([one for one, _ in stage.way.heard if one.endswith("/stay?")])
    frame.get_by_role("button", name="Stay here").click()
    expect(line).to_be_hidden()
    context.clock.run_for("57:00")
    expect(line).to_be_hidden()
    context.clock.run_for("01:10")
    expect(line).to_be_visible()
    assert stays == 0
    assert [one for one, _ in stage.way.heard if one.endswith("/stay?")]


@contextmanager
def profiled(folder: Path) -> Iterator[str]:
    """A browser of its own on a profile; it is killed, since closing one may hang."""
    command = [CHROMIUM, *CHROMIUM_FLAGS, "--headless=new", "--remote-debugging-port=0"]
    with subprocess.Popen(  # noqa: S603 -- the browser under test
        [*command, f"--user-data-dir={folder}", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = iter(process.stderr or ())
            yield next(
                line.split()[-1] for line in said if "DevTools listening on" in line
            )
        finally:
            process.kill()


def test_a_browser_told_to_block_every_cookie_of_ours_works_by_key_alone(
    stage: Stage, tmp_path: Path, browser: Browser
) -> None:
    """Chromium's own setting for one site, the strictest a person or school can set."""
    stage.play(CANVAS, forgetful=False)
    tool = urlsplit(stage.world.tool_url)
    blocked = {f"{tool.scheme}://{tool.netloc},*": {"setting": 2}}
    content = {"exceptions": {"cookies": blocked}}
    folder = tmp_path / "profile" / "Default"
    folder.mkdir(parents=True)
    preferences = {"profile": {"content_settings": content}}
    (folder / "Preferences").write_text(json.dumps(preferences))
    with profiled(folder.parent) as address:
        remote = browser.browser_type.connect_over_cdp(address)
        context = remote.contexts[0]
        frame = open_course(context.new_page(), stage, "tea")
        expect(frame.get_by_role("link", name="Align work")).to_be_visible()
        frame.get_by_role("link", name="Align work").click()
        expect(frame.locator("h1")).to_have_text("Align work to competencies")
        assert [one["name"] for one in context.cookies(stage.world.tool_url)] == []
        assert any("HTTP_X_MASTERYBRIDGE_KEY" in one for _, one in stage.way.heard)
        sent = [headers.get("HTTP_COOKIE", "") for _, headers in stage.way.heard]
        assert not any("masterybridge" in one for one in sent)


def test_an_lms_that_answers_late_is_still_heard(
    context: BrowserContext, stage: Stage
) -> None:
    stage.play(CANVAS, forgetful=True)
    page = context.new_page()
    page.route("**/messages.js*", lambda route: route.abort())
    page.goto(stage.world.lms_url)
    page.request.post(f"{stage.world.lms_url}/session", form={"person_id": "tea"})
    page.goto(f"{stage.world.lms_url}/courses/c2", wait_until="commit")
    tool = page.frame_locator("iframe.tool")
    expect(tool.locator("#tab h1")).to_be_visible()
    page.unroute("**/messages.js*")
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('script'),"
        " { src: '/static/messages.js?late' }))"
    )
    expect(tool.locator("table[role=grid]")).to_be_visible()


@pytest.mark.parametrize(("breaks", "recovers"), [(1, True), (2, False)])
def test_a_page_that_does_not_come_is_asked_for_again_and_then_said(
    context: BrowserContext, stage: Stage, breaks: int, *, recovers: bool
) -> None:
    stage.play(CANVAS, forgetful=True)
    page = context.new_page()
    left = [breaks]

    def break_off(route: Route) -> None:
        left[0] -= 1
        route.abort() if left[0] >= 0 else route.continue_()

    page.route("**/s/*/", break_off)
    frame = open_course(page, stage, "tea")
    if recovers:
        expect(frame.locator("table[role=grid]")).to_be_visible()
    else:
        expect(frame.get_by_role("alert")).to_contain_text("open the tool again")
