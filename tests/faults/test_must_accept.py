"""Whom certification has us let in: each launch opens a page that is of use.

Source: facts/lti.md section 3, facts/security.md section 2; 1EdTech's tool
certification, sections 6.1.2 and 6.1.3, nine launches each of a teacher and a student.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from lti_tool.demo.browserless import browser_session, launch_by_http, read_forms
from lti_tool.storage.database import Database
from tests.lti_tool.conftest import World, make_world, serving

Part = dict[str, Any]
Edit = Callable[[Part, Part], None]

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
MEMBERSHIP = f"{VOCABULARY}membership"
UNKNOWN = "http://purl.imsglobal.org/vocab/lis/v2/unknown/unknown#Helper"
NAMES = ("name", "given_name", "family_name")
OPTIONAL = (LTI + "context", LTI + "launch_presentation", LTI + "tool_platform", AGS,
            NRPS, LTI + "custom", LTI + "lis", "locale", "email", *NAMES)  # fmt: skip
# Who opens it.
PEOPLE = {"Instructor": "tea", "Student": "ana"}
ROLES = {"Instructor": "Instructor", "Student": "Learner"}


def nothing(_header: Part, _claims: Part) -> None:
    """The launch as it is."""


def without(*names: str) -> Edit:
    def edit(_: Part, claims: Part) -> None:
        for name in names:
            claims.pop(name, None)

    return edit


def roles(*uris: str) -> Edit:
    return lambda _, claims: claims.update({LTI + "roles": list(uris)})


NO_NAMES = without(*NAMES)
NO_DATA = without("email", *NAMES)
NAMELESS = (NO_NAMES, NO_DATA)


def nine(person: str) -> dict[str, tuple[Edit, str]]:
    """The launches of one person, and the page each opens."""
    own = "class" if person == "Instructor" else "mastery"
    role = ROLES[person]
    return {
        "plain": (nothing, own),
        "several roles": (
            roles(
                f"{VOCABULARY}institution/person#{role}",
                f"{MEMBERSHIP}#{role}",
                f"{VOCABULARY}system/person#User",
            ),
            own,
        ),
        "short role": (roles(role), own),
        "unknown role": (roles(UNKNOWN), "none"),
        "no role": (roles(""), "none"),
        "only email": (NO_NAMES, own),
        "only names": (without("email"), own),
        "no personal data": (NO_DATA, own),
        "email without context": (without(LTI + "context", *NAMES), "outside"),
    }


CASES = [
    (person, name, edit, page)
    for person in PEOPLE
    for name, (edit, page) in nine(person).items()
]
# Further ones: facts/security.md section 2 and the spec's own "may be left out".
FURTHER: list[tuple[str, str, Edit, str]] = [
    ("Student", "only a resource link", without(*OPTIONAL), "outside"),
    ("Student", "roles an empty list", roles(), "none"),
    ("Instructor", "roles an empty list", roles(), "none"),
    ("Student", "two short roles", roles("Learner", "Mentor"), "mastery"),
    ("Instructor", "a short role of no meaning", roles("Headmaster"), "none"),
    ("Instructor", "sub-role with its principal",
     roles(f"{MEMBERSHIP}#Instructor",
           f"{MEMBERSHIP}/Instructor#TeachingAssistant"), "class"),
    ("Student", "claims nobody knows",
     lambda _, c: c.update({"https://vendor.example/claim": {"deep": [1, {"a": 2}]}}),
     "mastery"),
    ("Student", "the grade service offered with one column",
     lambda _, c: c.update({AGS: {
         "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
         "lineitem": c["iss"] + "/lineitems/1"}}), "mastery"),
    ("Instructor", "the member service offered", nothing, "class"),
    ("Student", "variables the LMS could not fill in",
     lambda _, c: c.update({LTI + "custom": {"sis_person": "$Person.sourcedId",
                                             "due": "$ResourceLink.available"}}),
     "mastery"),
    ("Student", "claims sent as null",
     lambda _, c: c.update({LTI + "lis": None, LTI + "custom": None, "email": None}),
     "mastery"),
]  # fmt: skip
# The heading of a page, and a sentence on it that says what to do there.
HEADINGS = {
    "class": (
        "Mathematics 7",
        "This course has no framework yet, so there is nothing to show levels for.",
    ),
    "none": (
        "No role here",
        "If that is wrong, tell the person who looks after your LMS.",
    ),
    "outside": (
        "Open this from inside a course",
        "this link belongs to no course. Open this from inside a course.",
    ),
}
PATHS = {"class": "/class", "mastery": "/mastery", "none": "/", "outside": "/"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("accepted")
    database = Database(f"sqlite:///{folder / 'accepted.sqlite3'}")
    database.upgrade()
    with serving() as start:
        yield make_world(database, start, folder)
    database.close()


def shown(
    world: World, person: str, edit: Edit, subject: str = "somebody"
) -> requests.Response:
    """Launch as somebody the tool has not met before."""

    def as_new(header: Part, claims: Part) -> None:
        claims["sub"] = subject
        edit(header, claims)

    world.edit(as_new)
    try:
        return world.open(PEOPLE[person])
    finally:
        world.lms.launch_edit = None


@pytest.mark.parametrize(
    ("person", "name", "edit", "page"),
    CASES + FURTHER,
    ids=[f"{one[0]}, {one[1]}" for one in CASES + FURTHER],
)
def test_a_launch_that_must_be_accepted_opens_a_page_of_use(
    world: World, person: str, name: str, edit: Edit, page: str
) -> None:
    opened = shown(world, person, edit, f"{person}, {name}")
    assert opened.status_code == 200
    assert re.fullmatch(r"/s/[\w-]+" + PATHS[page], urlsplit(opened.url).path)
    title = re.search(r"<h1[^>]*>(.*?)</h1>", opened.text, re.DOTALL)
    assert title
    heading = re.sub(r"<[^>]+>", "", title[1]).strip()
    if page == "mastery":
        assert heading == ("My mastery" if edit in NAMELESS else "Hi Ana")
        assert "What you will learn appears here when your teacher" in opened.text
    else:
        assert heading == HEADINGS[page][0]
        assert HEADINGS[page][1] in " ".join(opened.text.split())


def test_there_are_eighteen_launches_that_must_be_accepted() -> None:
    assert len({(one[0], one[1]) for one in CASES}) == 18


def test_a_deep_linking_request_opens_the_choice(world: World) -> None:
    page = launch_by_http(
        world.lms_url, browser_session(), "tea", "c1", kind="deep_linking"
    )
    assert (page.status_code, urlsplit(page.url).path.rpartition("/")[2]) == (
        200,
        "deep-linking",
    )
    (form,) = (one for one in read_forms(page) if one.method == "post")
    assert "csrf" in form.fields
    assert page.text.count('name="pick"') == 2


def test_a_link_that_was_deep_linked_opens_the_page_of_its_person(
    world: World,
) -> None:
    """What a teacher placed is launched with the custom claim placed with it."""
    for person, page in (("Instructor", "class"), ("Student", "mastery")):
        opened = shown(
            world,
            person,
            lambda _, c: c.update(
                {
                    LTI + "resource_link": {"id": "placed-1", "title": "My mastery"},
                    LTI + "custom": {"view": "mine"},
                }
            ),
        )
        assert urlsplit(opened.url).path.endswith(PATHS[page])
        assert opened.status_code == 200


def test_a_launch_without_a_course_tells_a_student_of_her_own(world: World) -> None:
    shown(world, "Student", nothing, "wanderer")
    page = shown(world, "Student", without(LTI + "context"), "wanderer").text
    assert "Your courses" in page
    assert "<bdi>Mathematics 7</bdi></b> · student, 0 competencies shown" in page
