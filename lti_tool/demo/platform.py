"""The pretend LMS: a strict LTI 1.3 platform on its own origin.

It is another party: it shares no code with the tool. It serves the demo's pages
and is the counterpart of the tests. Example:

    lms = Platform(url="http://localhost:8001")
    registration = lms.register_tool(login_url=..., redirect_uris=[...], ...)
    lms.add_course("c1", "Mathematics 7", "M7")
    waitress.serve(lms.app, port=8001)
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from joserfc.jwk import RSAKey

from lti_tool.demo.platform_app import make_app
from lti_tool.demo.platform_campus import (
    Campus,
    Clock,
    UnknownRecordError,
    utc_now,
)
from lti_tool.demo.platform_claims import sign_launch
from lti_tool.demo.platform_copies import copy_course
from lti_tool.demo.platform_manners import (
    APP,
    CANVAS,
    MOODLE,
    STANDARD,
    Manners,
)
from lti_tool.demo.platform_notices import sign_notice, tell_of_copy
from lti_tool.demo.platform_records import (
    Call,
    Course,
    Edit,
    Grade,
    Group,
    Key,
    LineItem,
    Link,
    Person,
    Registration,
    Ticket,
)
from lti_tool.demo.platform_registration import opening_url, switch_on

__all__ = [
    "APP",
    "CANVAS",
    "MOODLE",
    "STANDARD",
    "Call",
    "Course",
    "Edit",
    "Grade",
    "LineItem",
    "Link",
    "Manners",
    "Person",
    "Platform",
    "Registration",
    "Ticket",
    "UnknownRecordError",
]


class Platform(Campus):
    """A pretend LMS: its records, its Flask application, its gradebook."""

    def __init__(
        self,
        *,
        url: str,
        manners: Manners = STANDARD,
        seed: int | str = 0,
        clock: Clock = utc_now,
        key: RSAKey | None = None,
    ) -> None:
        """Open an empty LMS that answers on url; without a key it makes one."""
        super().__init__(url=url, manners=manners, seed=seed, clock=clock, key=key)
        self._app = make_app(self)

    @property
    def app(self) -> Flask:
        """The application to serve on url."""
        return self._app

    @property
    def wire(self) -> list[Call]:
        """The calls received so far, oldest first, secrets masked."""
        return self.heard.calls()

    def sign_launch(
        self,
        ticket: Ticket,
        nonce: str,
        *,
        edit: Edit | None = None,
        key: Key | None = None,
    ) -> str:
        """The id_token of a launch; edit changes header and claims before signing."""
        return sign_launch(self, ticket, nonce, edit=edit, key=key)

    def copy_course(
        self,
        course_id: str,
        new_id: str,
        title: str,
        sis_class_sourced_id: str | None = None,
    ) -> Course:
        """Copy a course without its people, and tell the tools that listen."""
        course = copy_course(
            self, course_id, new_id, title, sourced_id=sis_class_sourced_id
        )
        tell_of_copy(self, course)
        return course

    def sign_notice(
        self,
        client_id: str,
        kind: str,
        claims: dict[str, Any],
        *,
        edit: Edit | None = None,
        key: Key | None = None,
    ) -> str:
        """A notice to a tool; edit changes header and claims before signing."""
        return sign_notice(self, client_id, kind, claims, edit=edit, key=key)

    def opening_url(self, tool_url: str, client_id: str | None = None) -> str:
        """Where an administrator goes to have a tool register or renew itself."""
        return opening_url(self, tool_url, client_id)

    def switch_on(self, client_id: str) -> None:
        """Play an administrator who switches a new tool on."""
        switch_on(self, client_id)

    def add_group(
        self,
        course_id: str,
        group_id: str,
        name: str,
        *people: str,
        set_name: str | None = None,
    ) -> Group:
        """Put people of a course into a new group."""
        course = self.course(course_id)
        group = Group(group_id, name, set_name, people)
        with self.lock:
            self.groups.setdefault(course.id, []).append(group)
        return group

    def line_items(self, course_id: str) -> list[LineItem]:
        """The columns of a course's gradebook, oldest first."""
        return self.gradebook.columns(self.course(course_id).id)

    def line_item(self, line_item_id: str) -> LineItem:
        """The column with this short id or this address.

        Raises:
            UnknownRecordError: the gradebook has no such column.
        """
        short = line_item_id.partition("?")[0].rpartition("/")[2]
        if (item := self.gradebook.column(short)) is None:
            raise UnknownRecordError(f"no line item {line_item_id!r} in this LMS")
        return item

    def results(self, line_item_id: str) -> list[Grade]:
        """What a column holds, by who was graded first."""
        return self.gradebook.grades(self.line_item(line_item_id).id)

    def override(
        self,
        line_item_id: str,
        person_id: str,
        score: float | None,
        *,
        comment: str | None = None,
    ) -> Grade:
        """Play a teacher who types a grade into the gradebook."""
        return self.gradebook.override(
            self.line_item(line_item_id),
            self.person(person_id).id,
            score,
            at=self.clock(),
            comment=comment,
        )
