"""What a teacher does in a real Moodle by hand: grades, locks and ratings.

Everything here was seen on Moodle 4.5.5 in November 2026.
"""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.live.moodle import LONG_MS, PAGE_MS, Moodle


def edit_grade(
    teacher: Moodle,
    course: int,
    column: int,
    student: int,
    *,
    grade: str | None = None,
    is_locked: bool = False,
) -> None:
    """Type a grade into the form of one grade, or lock it."""
    # After scores came in, Moodle first works its totals out, on a page of its own.
    page = teacher.visit("grade/report/grader/index.php", id=course)
    table = page.locator("#user-grades")
    go_on = page.get_by_role("button", name="Continue")
    expect(table.or_(go_on).first).to_be_attached(timeout=LONG_MS)
    if go_on.is_visible():
        go_on.click()
        expect(table).to_be_attached(timeout=LONG_MS)
    page = teacher.visit(
        "grade/edit/tree/grade.php", courseid=course, itemid=column, userid=student
    )
    expect(page.locator("#id_finalgrade")).to_be_attached(timeout=PAGE_MS)
    if grade is not None:
        page.fill("#id_finalgrade", grade)
    if is_locked:
        page.check("#id_locked")
    page.click("#id_submitbutton")
    page.wait_for_url(re.compile(r"/grade/report/"), timeout=LONG_MS)


def rate(
    teacher: Moodle, course: int, competency: int, student: int, *, item: str
) -> None:
    """Rate a student by the dialog of her page in the course's competencies."""
    page = teacher.visit(
        "admin/tool/lp/user_competency_in_course.php",
        courseid=course, competencyid=competency, userid=student,
    )  # fmt: skip
    # A script listens for the press, once it is there.
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Rate").first.click()
    dialog = page.locator("[data-region=competency-grader]")
    dialog.locator("select[name=rating]").select_option(label=item)
    dialog.locator("[data-action=rate]").click()
    expect(dialog).to_have_count(0, timeout=PAGE_MS)
    expect(page.locator("#region-main dl").first).to_contain_text(item, timeout=PAGE_MS)
