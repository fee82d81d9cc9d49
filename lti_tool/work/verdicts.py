"""What is to become of a delivery, judged from what a destination shows.

Nothing here goes out or is written: rows and what is shown there come in, settlements
come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import NOTHING, SAME, Shown
from lti_tool.storage.outbox import Delivery, Settlement
from lti_tool.storage.told import Key, Sent

FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = 200  # attempts: about a week at the longest wait
# A value that was taken this often and never shown is one that is kept from showing.
KEPT_AFTER: Final = 8  # times: in about two minutes
# It holds another value and keeps it: what that is, is worth a look.
KEPT: Final = frozenset({"stale", "held"})
ASKED_TO_WAIT: Final = frozenset({"busy", "rate", "turn"})
# Nobody is there, or asks us to wait: the next row would fare no better.
AWAY: Final = frozenset({"connect", "timeout", "no_answer"}) | ASKED_TO_WAIT
# Another worker of ours is there: nothing is wrong, and it is soon done.
_TURN_WAIT: Final = timedelta(seconds=5)

_NO_ONE: Final = {
    "ags": "the LMS has not told us who this student is there; the student opens the "
    "tool once, or the class list is pulled",
    "oneroster": "this student is not in the SIS source of the course",
    "moodle": "Moodle has not told us who this student is there; the student opens the "
    "tool once, or the class list is pulled",
    "canvas": "Canvas has not told us this student's number there; the student opens "
    "the tool once, or the class list is pulled",
}
# How far two clocks whose difference was measured may still lie apart.
_CLOCKS: Final = timedelta(seconds=2)


def before_sending(
    batch: Sequence[Delivery],
    recipients: Mapping[int, str],
    sent: Mapping[Key, Sent],
    shown: Mapping[str, Shown],
) -> tuple[list[Settlement], list[Delivery]]:
    """Part what needs no sending from what is to be sent.

    What a person set there is kept; what stands there already is delivered.
    """
    settled: list[Settlement] = []
    sending: list[Delivery] = []
    for row in batch:
        recipient = recipients.get(row.person_id)
        if recipient is None:
            settled.append(
                Settlement(
                    row.id,
                    "blocked",
                    code="no_recipient",
                    reason=_NO_ONE[row.destination],
                )
            )
            continue
        there = shown.get(recipient, NOTHING)
        ours = sent.get(row.key)
        if there.shows(row.value) and not _may_change(there, row, ours):
            settled.append(_stands(row, there))
        elif is_theirs(there, ours) and not _is_allowed(row, there):
            settled.append(_kept(row, there, ours))
        else:
            sending.append(row)
    return settled, sending


def _may_change(shown: Shown, row: Delivery, sent: Sent | None) -> bool:
    """Tell whether another value of ours may yet arrive over what is shown.

    It was sent after what is shown was set, and the destination works on what it is
    told after it has answered.
    """
    return (
        shown.at is not None
        and sent is not None
        and sent.values != {row.value}
        and shown.at <= sent.newest_at + _CLOCKS
    )


def is_theirs(shown: Shown, sent: Sent | None) -> bool:
    """Tell whether a person set what is shown: it is nothing that we sent.

    Neither is it theirs where only the column's maximum was changed under our value.
    """
    if shown.value is None:
        return False
    if shown.is_ours is not None:
        return not shown.is_ours
    return sent is None or not any(
        shown.tends_to(value) or shown.shows_unscaled(value) for value in sent.values
    )


def is_rescaled(shown: Shown, sent: Sent | None) -> bool:
    """Tell whether our value stands there under another maximum than ours.

    Source: facts/security.md section 5, C18.
    """
    return (
        sent is not None
        and not any(shown.shows(value) for value in sent.values)
        and any(shown.shows_unscaled(value) for value in sent.values)
    )


def _is_allowed(row: Delivery, shown: Shown) -> bool:
    """Tell whether a person said that this very value may be written over."""
    if row.over_at is None or row.over_value is None or shown.value is None:
        return False
    return shown.tends_to(row.over_value) or abs(shown.value - row.over_value) <= SAME


def _kept(row: Delivery, shown: Shown, sent: Sent | None) -> Settlement:
    numbers = (
        sorted(f"{value:g}" for value in sent.values if value is not None)
        if sent
        else []
    )
    ours = f"{' or '.join(numbers)} came from us" if numbers else "we sent none"
    return Settlement(
        row.id,
        "conflict",
        code="set_by_person",
        read_back=shown.as_ours(row.value),
        reason=f"{_words(shown)} stands there and {ours}: a person set it, so it is "
        "kept",
    )


def _stands(
    row: Delivery, shown: Shown, answer: Mapping[str, Any] | None = None
) -> Settlement:
    read_back = shown.as_ours(row.value)
    return Settlement(row.id, "delivered", read_back=read_back, receipt=answer)


def _words(shown: Shown) -> str:
    if shown.text and (shown.stands_for or shown.reach) is not None:
        return f'"{shown.text}"'
    return "no value" if shown.value is None else f"{shown.value:g}"


def after_sending(
    row: Delivery, answer: Mapping[str, Any], shown: Shown, now: datetime
) -> Settlement:
    """Say what became of a row the destination took."""
    if shown.shows(row.value):
        return _stands(row, shown, answer)
    # Attempts that came to nothing on the way say nothing of this.
    unshown = row.unshown + 1
    if shown.is_settled and shown.value is not None and unshown >= KEPT_AFTER:
        return _held(row, shown, "held", answer)
    return Settlement(
        row.id,
        "pending",
        due_at=now + _wait(row),
        code="not_shown",
        reason="the destination took the value and does not show it yet",
        receipt=answer,
        unshown=unshown,
    )


def after_refusal(
    row: Delivery, error: DeliveryError, shown: Shown, now: datetime
) -> Settlement:
    """Say what became of a row whose sending failed, seen what stands there now.

    Source: facts/security.md section 5, C04, C05 and C09.
    """
    if shown.shows(row.value):
        return _stands(row, shown)
    if error.code not in KEPT:
        return failed(row, error, now)
    said = None if error.said is None else {"said": error.said}
    return _held(row, shown, error.code, said)


def _held(
    row: Delivery, shown: Shown, code: str, receipt: Mapping[str, Any] | None
) -> Settlement:
    why = {
        "stale": "with a later time than ours, so it is kept",
        "held": "and is kept there: the grade was overridden or locked by a person",
    }
    return Settlement(
        row.id,
        "conflict",
        code=code,
        read_back=shown.as_ours(row.value),
        reason=f"{_words(shown)} stands there {why[code]}",
        receipt=receipt,
    )


def failed(row: Delivery, error: DeliveryError, now: datetime) -> Settlement:
    """Say what becomes of a row after an error: wait and try again, or stop."""
    reason = str(error)
    said = None if error.said is None else {"said": error.said}
    if error.permanent:
        state = "dead" if error.hopeless else "blocked"
        return Settlement(row.id, state, code=error.code, reason=reason, receipt=said)
    if error.code == "turn":
        due_at = now + _TURN_WAIT
        return Settlement(row.id, "pending", due_at=due_at, code="turn", reason=reason)
    if row.attempts >= GIVE_UP_AFTER:
        return Settlement(row.id, "dead", code=error.code, reason=reason, receipt=said)
    wait = _wait(row)
    if error.retry_after is not None:
        wait = max(wait, timedelta(seconds=error.retry_after))
    return Settlement(
        row.id,
        "pending",
        due_at=now + wait,
        code=error.code,
        reason=reason,
        receipt=said,
    )


def put_off(row: Delivery, error: DeliveryError, now: datetime) -> Settlement:
    """Say what becomes of a row that stayed at home though others were taken.

    The destination is there after all: it waits no longer than we were asked to, and
    has used up none of its attempts.
    """
    wait = max(FIRST_WAIT, timedelta(seconds=error.retry_after or 0))
    return Settlement(
        row.id,
        "pending",
        due_at=now + wait,
        code=error.code,
        reason=str(error),
        attempts=row.attempts - 1,
    )


def _wait(row: Delivery) -> timedelta:
    """Return the doubling wait, spread so that not all courses return at once.

    The rows of one course do: each trip there costs requests of its own.
    """
    doubled = FIRST_WAIT * (1 << min(row.attempts - 1, 12))
    return min(doubled, LONGEST_WAIT) * (1 + (row.course_id % 50) / 100)
