"""What an LMS's own gradebook says: its assignments and the scores in it.

AGS shows a tool its own columns only, so what teachers grade elsewhere is read by the
vendor's REST API or web services: one room a vendor makes a Gradebook of it, and
`work` turns what it yields into evidence without knowing which vendor it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LmsPart:
    """What of an assignment is scored by itself: a row of its rubric.

    key is 'row:' and the number of the row there; competencies as in LmsWork.
    """

    key: str
    title: str
    maximum: float
    competencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LmsWork:
    """One assignment of a course, as the LMS keeps it.

    Attributes:
        number: what the LMS calls it; the same in every reading.
        minimum, maximum: of its scores; None where it has none (no points).
        competencies: what people aligned there, by the identifier that a framework we
            wrote there carries (Canvas vendor_guid, Moodle idnumber): a CASE GUID, or
            the school's own code. They are offered to the teacher, not taken.
        sis_sourced_id: the line item of the SIS it was made from, if the LMS says so.
        web_url: where people open it.
    """

    number: str
    title: str
    description: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    due_at: datetime | None = None
    category: str | None = None
    parts: tuple[LmsPart, ...] = ()
    competencies: tuple[str, ...] = ()
    sis_sourced_id: str | None = None
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class LmsScore:
    """What one student has on one assignment, as the LMS shows it now.

    Attributes:
        work: LmsWork.number.
        user: what the LMS calls the student (Canvas: her number; Moodle: her id, which
            is the LTI subject as well).
        given: on the assignment's maximum; None: not graded, or taken back.
        text: the grade in words, where it is told in words: a scale, a letter.
        scored_at: when it was graded or last changed.
        submitted_at: when the work was handed in, if it was.
        is_excused: the student need not do it.
        flags: of late, missing, incomplete, in_progress: those that are set.
        parts: (given, maximum) by LmsPart.key.
        comment: feedback in words, without markup.
    """

    work: str
    user: str
    given: float | None = None
    text: str | None = None
    scored_at: datetime | None = None
    submitted_at: datetime | None = None
    is_excused: bool = False
    flags: frozenset[str] = frozenset()
    parts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    comment: str | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing of it but the place it would have."""
        is_graded = self.given is not None or bool(self.text or self.parts)
        is_known = self.is_excused or bool(self.flags) or self.submitted_at is not None
        return not (is_graded or is_known or self.comment)


class Gradebook(Protocol):
    """The grades of one course in an LMS, without the columns that we made ourselves.

    Every method raises DeliveryError as a Destination does: nothing may be inferred
    from a reading that ended so. What is yielded is asked for meanwhile, over the
    network and with a turn that is kept in the database: iterate in no transaction.
    """

    is_whole: bool
    """Whether scores() yields every score whatever since says. Where it is not, only
    those graded since come: what changed otherwise (a grade taken back, hidden or
    shown) comes with all of them alone, so all are to be asked for now and then."""

    def works(self) -> Iterator[LmsWork]:
        """Yield every assignment of the course that students see scored, but for ours.

        One that nobody but teachers sees yet is left out.
        """

    def scores(self, since: datetime | None) -> Iterator[LmsScore]:
        """Yield all scores, or those graded since a moment, a page in memory at most.

        Scores of assignments that works() does not yield are left out. Of all scores
        those come that say anything: one that does not was never given, or taken back.
        Of those graded since one comes empty if it is.

        What the LMS does not show to students yet is not there.
        """
