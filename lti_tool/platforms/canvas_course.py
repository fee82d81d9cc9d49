"""A Canvas course that levels are written to: whether it is open, and who is in it."""

from __future__ import annotations

from dataclasses import dataclass

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_models import COURSE, USERS
from lti_tool.platforms.canvas_outcomes import CanvasScale, Folder
from lti_tool.platforms.canvas_rest import CanvasRest
from lti_tool.platforms.destination import Column


@dataclass(frozen=True, slots=True)
class CanvasCourse:
    """A course of ours in a Canvas.

    Attributes:
        number: what Canvas calls the course.
        reference: what our assignments there are known by.
        columns: the competencies that anything is told of, made there in one go.
    """

    number: str
    reference: str
    scale: CanvasScale
    folder: Folder
    columns: tuple[Column, ...] = ()


class CourseThere:
    """What is asked of a course before anything is written to it."""

    def __init__(self, rest: CanvasRest, number: str) -> None:
        """Ask about the course of this number."""
        self.path = f"/courses/{number}"
        self._rest = rest
        self._students: frozenset[str] | None = None

    def check(self) -> None:
        """Look whether anything can be written there.

        Raises:
            DeliveryError: course_over, it is concluded.
        """
        found = self._rest.get(self.path, COURSE, [("include[]", "concluded")])
        if found.is_over:
            raise DeliveryError(
                f"the course is concluded in {self._rest.host}; nothing is written "
                "there any more",
                "course_over",
                permanent=True,
            )

    def absence(self, student: str) -> DeliveryError | None:
        """Return why nothing is sent for a student, None if she is in the course.

        One in a call who is not, and Canvas refuses all of it.
        """
        if self._students is None:
            pages = self._rest.every(
                f"{self.path}/users", USERS, [("enrollment_type[]", "student")]
            )
            self._students = frozenset(one.id for page in pages for one in page)
        return None if student in self._students else self.no_student()

    def no_student(self) -> DeliveryError:
        """Return the error for a student who is not in the course."""
        return DeliveryError(
            f"this student is not in the course in {self._rest.host}",
            "no_student",
            permanent=True,
        )
