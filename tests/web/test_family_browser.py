"""Family, preview, review and copy pages in a real browser: axe, widths, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from lti_tool.storage import schema, visits
from tests.web.conftest import SECRET, put
from tests.web.test_pages_browser import TAGS, Site, site, watched

if TYPE_CHECKING:
    from tests.web.conftest import Class

pytestmark = pytest.mark.browser
__all__ = ["site"]  # the fixture


def people(room: Class) -> dict[str, str]:
    """The addresses of the pages, each in a visit of its own."""
    with room.database.write() as session:
        deployment = put(
            session, schema.deployment, registration_id=room.registration,
            deployment_id="d", status="active", created_at=room.now,
        )  # fmt: skip
        for number, person in enumerate(room.students[:2]):
            put(
                session, schema.lms_user, registration_id=room.registration,
                subject=f"u-{number}", person_id=person, link_rule="lis",
                seen_at=room.now,
            )  # fmt: skip
        old = put(
            session, schema.course, title="Last year", rule="latest",
            framework_id=room.framework, created_at=room.now,
        )  # fmt: skip
        places = [
            put(
                session, schema.placement, deployment_id=deployment, context_id=name,
                course_id=course, seen_at=room.now,
            )
            for name, course in (("old", old), ("new", room.course))
        ]  # fmt: skip
        session.execute(
            update(schema.placement)
            .where(schema.placement.c.id == places[1])
            .values(copied_from_id=places[0])
        )

    def enter(
        role: str,
        *,
        mentees: tuple[str, ...] = (),
        locale: str | None = None,
        is_test_user: bool = False,
    ) -> str:
        with room.database.write() as session:
            person = put(
                session, schema.person, given_name="M", family_name="H",
                display_name="M H", created_at=room.now,
            )  # fmt: skip
            visit = visits.Visit(
                person_id=person,
                role=role,
                course_id=room.course,
                registration_id=room.registration,
                return_url="https://lms.example/course",
                mentees=mentees,
                locale=locale,
                is_test_user=is_test_user,
            )
            sid = visits.open_visit(
                session, visit, browser_hash=visits.secret_hash(SECRET), now=room.now
            )
        return f"/s/{sid}"

    child, competency = room.students[0], room.competencies[0]
    mother = enter("mentor", mentees=("u-0", "u-1", "unknown"))
    return {
        "children": f"{mother}/family",
        "child": f"{mother}/family/{child}",
        "competency": f"{mother}/family/{child}/{competency}",
        "arabic": f"{enter('mentor', mentees=('u-0',), locale='ar')}/family/{child}",
        "preview": f"{enter('learner', is_test_user=True)}/mastery",
        "review": f"{enter('instructor')}/review",
        "copied": f"{enter('instructor')}/align",
    }


HEADINGS = {
    "children": "My children",
    "child": "Amira Haddad",
    "competency": "RA.1",
    "arabic": "Amira Haddad",
    "preview": "Hi student",
    "review": "We do not know this student yet",
    "copied": "Align work to competencies",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_have_no_axe_violation_and_fit_a_phone(
    site: Site,
    browser: Browser,
    scheme: str,
) -> None:
    paths = people(site.room)
    context = browser.new_context(
        viewport={"width": 390, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page, _asked, faults = watched(context)
    for name, path in paths.items():
        page.goto(site.enter(path))
        expect(page.locator("h1")).to_have_text(HEADINGS[name])
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        # The review page of nobody is a 404, which the browser notes.
        told = [fault for fault in faults if "404" not in fault]
        assert (page.evaluate("window.refusals"), told) == ([], []), name
        found = Axe().run(page, options={"runOnly": TAGS})
        assert found.violations_count == 0, (name, found.generate_report())
        faults.clear()  # the tester's own styles
    context.close()


def test_a_parent_goes_from_child_to_reason_and_back_by_keyboard(
    site: Site,
    browser: Browser,
) -> None:
    paths = people(site.room)
    context = browser.new_context()
    page, _asked, _faults = watched(context)
    page.goto(site.enter(paths["children"]))
    page.get_by_role("link", name="Amira Haddad").press("Enter")
    expect(page.locator("h1")).to_have_text("Amira Haddad")
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    expect(page.get_by_text("This is not a percentage.")).to_be_visible()
    page.get_by_role("link", name="RA.1").first.press("Enter")
    expect(page.get_by_role("heading", name="Where Amira is")).to_be_visible()
    page.get_by_role("link", name="Amira Haddad").press("Enter")
    page.get_by_label("Language").select_option("fr")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    context.close()
