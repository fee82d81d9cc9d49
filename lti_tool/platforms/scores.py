"""Scores as AGS writes them; what clears a grade by leaving something out is no score.

Source: LTI AGS 2.0 section 3.4; facts/lti.md section 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from lti_tool.errors import DeliveryError


class Activity(StrEnum):
    """How far a student is with her work, short of having finished."""

    STARTED = "Started"
    IN_PROGRESS = "InProgress"
    SUBMITTED = "Submitted"


# A platform takes a score it is not told again for one that was taken back (AGS 2.0
# section 3.4.5): Canvas and Moodle both erase the grade. So there is no score without
# a number, no progress without the score that is held, and taking back is a thing of
# its own, which nobody writes by leaving something out.


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalScore:
    """A score for one user, fully graded: the only kind sure to be recorded."""

    user_id: str
    given: float
    maximum: float
    at: datetime
    comment: str | None = None
    comment_is_new: bool = True

    def wire(self) -> dict[str, Any]:
        """The score as AGS writes it.

        Raises:
            DeliveryError: it is no score: a number out of range, no user or zone.
        """
        if not (is_amount(self.given) and is_amount(self.maximum)):
            raise unsendable("a score and its maximum are numbers from zero up")
        if self.maximum == 0:
            raise unsendable("the maximum of a score lies above zero")
        return _stamped(self.user_id, self.at) | {
            "scoreGiven": self.given,
            "scoreMaximum": self.maximum,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            **({"comment": self.comment} if self.comment else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a user is with work that has a score; the score stays as it is held."""

    held: FinalScore
    activity: Activity
    at: datetime

    @property
    def comment_is_new(self) -> bool:
        """No: it is the comment of the score that is held."""
        return False

    def wire(self) -> dict[str, Any]:
        """The score held, once more, with the progress.

        Raises:
            DeliveryError: what is held is no score.
        """
        return replace(self.held, at=self.at).wire() | {
            "activityProgress": self.activity.value
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Takes back the score a platform holds for a user, on purpose."""

    user_id: str
    at: datetime

    @property
    def comment_is_new(self) -> bool:
        """No: it has none."""
        return False

    def wire(self) -> dict[str, Any]:
        """The absence of a score, as AGS writes it.

        Raises:
            DeliveryError: no user, or a time without a zone.
        """
        return _stamped(self.user_id, self.at) | {
            "activityProgress": "Initialized",
            "gradingProgress": "NotReady",
        }


Score = FinalScore | Progress | Withdrawal


def _stamped(user_id: str, at: datetime) -> dict[str, Any]:
    if not user_id or at.tzinfo is None:
        raise unsendable("a score needs a user and a time with a zone")
    return {"userId": user_id, "timestamp": at.isoformat(timespec="milliseconds")}


def is_amount(value: object) -> bool:
    """Tell whether value is a number from zero up; true and NaN are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0


def unsendable(text: str) -> DeliveryError:
    """The error of what a platform would choke on, found before it is sent."""
    return DeliveryError(text, "rejected", permanent=True, hopeless=True)
