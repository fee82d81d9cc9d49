"""An installation in a real browser: who is let in, and what every page must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from axe_playwright_python.sync_playwright import Axe
from flask import Flask, redirect
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.wrappers import Response

from lti_tool.storage import accounts
from lti_tool.storage.database import Database
from lti_tool.web.admin.guard import keep_admin

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
WATCH: Final = """
window.refusals = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.refusals.push(event.violatedDirective + " " + event.blockedURI));
"""
OVER: Final = "document.documentElement.scrollWidth - innerWidth"
OPEN: Final = "document.querySelectorAll('details').forEach(one => one.open = true)"
# Two ways to look at every page: each scheme, each direction, a desk and a phone. A
# page is as wide as its window at every one of the widths; axe looks at the last.
LOOKS: Final[tuple[tuple[str, Literal["light", "dark"], tuple[int, ...]], ...]] = (
    ("en", "light", (800, 1280)),
    ("ar", "dark", (1280, 320, 390)),
)


@dataclass
class Site:
    """An address to browse, and everything the browser asked for and stumbled over."""

    url: str
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def page(self, context: BrowserContext, *, is_in: bool = True) -> Page:
        """Open a page, signed in at /enter unless it is not to be."""
        context.add_init_script(WATCH)
        page = context.new_page()
        page.on("request", lambda one: self.asked.append(one.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        if is_in:
            page.goto(f"{self.url}/enter")
        return page

    def check(self, page: Page) -> None:
        """Nothing failed, nothing foreign was asked for, nothing was refused."""
        assert self.faults == []
        own = (self.url, "data:")
        assert [one for one in self.asked if not one.startswith(own)] == []
        assert page.evaluate("window.refusals") == []

    def survey(
        self, browser: Browser, paths: Iterable[str], *, is_open: bool = False
    ) -> list[tuple[str, ...]]:
        """Every page in every look of LOOKS; what is wrong, a line each.

        is_open: what is folded away is looked at too.
        """
        wrong: list[tuple[str, ...]] = []
        for locale, scheme, widths in LOOKS:
            context = browser.new_context(color_scheme=scheme, locale=locale)
            page = self.page(context)
            for path in paths:
                page.goto(self.url + path)
                told = _survey(page, locale, widths, is_open=is_open)
                wrong += [(path, locale, *one) for one in told]
            self.check(page)
            context.close()
        return wrong


def _survey(
    page: Page, locale: str, widths: tuple[int, ...], *, is_open: bool
) -> list[tuple[str, ...]]:
    wrong: list[tuple[str, ...]] = []
    way = page.evaluate("document.documentElement.dir")
    if way != ("rtl" if locale == "ar" else "ltr"):
        wrong.append(("dir", way))
    # Before axe, which has a style of its own.
    wrong += [("refused", one) for one in page.evaluate("window.refusals")]
    if is_open:
        page.evaluate(OPEN)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate(OVER)
        if over > 0:
            wrong.append(("too wide", f"{width} + {over}"))
    page.evaluate("window.refusals = []")
    wrong += violations(page)
    page.evaluate("window.refusals = []")
    return wrong


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds on a page as it is now: the rule and the first place."""
    options = {"runOnly": list(TAGS), "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


def let_in(
    app: Flask,
    database: Database,
    account_id: int,
    clock: Callable[[], datetime],
    to: str = "/admin/",
) -> None:
    """Sign whoever opens /enter in as an administrator, who goes on to a page."""

    def enter() -> Response:
        with database.write() as session:
            secret = accounts.open_session(session, account_id, now=clock())
        answer = redirect(to, 303)
        keep_admin(answer, secret)
        return answer

    app.add_url_rule("/enter", "enter", enter)
