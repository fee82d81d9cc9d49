"""What a OneRoster service's refusals mean for the outbox: again, or never."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from lti_tool.errors import DeliveryError
from oneroster.errors import (
    AuthError,
    NotFoundError,
    OneRosterError,
    RateLimitError,
    StatusError,
    TransportError,
)

# What a service answers to an object whose fields it does not like.
SHAPE_REFUSED: Final = frozenset({400, 422})
_FORBIDDEN: Final = 403
_SERVER_FAULT: Final = 500


@contextmanager
def refusals() -> Iterator[None]:
    """Say of whatever a service refuses within what the outbox should do."""
    try:
        yield
    except OneRosterError as error:
        raise refused(error) from error


def is_status(error: StatusError, statuses: Collection[int]) -> bool:
    """Tell whether a service answered with one of these."""
    return error.status in statuses


def refused(error: OneRosterError) -> DeliveryError:
    """Say for the outbox whether sending again may help."""
    text = str(error)
    if isinstance(error, RateLimitError):
        return DeliveryError(
            text, "rate", permanent=False, retry_after=error.retry_after
        )
    if isinstance(error, AuthError):
        return DeliveryError(text, "auth", permanent=True)
    if isinstance(error, TransportError):
        return DeliveryError(
            text, error.code, permanent=error.code not in {"no_answer", "timeout"}
        )
    if isinstance(error, NotFoundError):
        return DeliveryError(text, "gone", permanent=True)
    if isinstance(error, StatusError):
        return _of_status(error, text)
    return DeliveryError(text, "bad_answer", permanent=False)


def _of_status(error: StatusError, text: str) -> DeliveryError:
    if error.status == _FORBIDDEN:
        return DeliveryError(
            "the SIS does not let us write to this class; ask for the right to write "
            "its gradebook",
            "forbidden",
            permanent=True,
            said=text,
        )
    # A value that is refused waits rather than is given up: the answer does not tell
    # it from a student who left the class.
    is_shape = error.status in SHAPE_REFUSED
    return DeliveryError(
        text,
        "rejected" if is_shape else f"http_{error.status}",
        permanent=error.status < _SERVER_FAULT,
        said=text,
    )
