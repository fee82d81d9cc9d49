"""What can go wrong between us and a OneRoster service or bundle.

::

    OneRosterError
    ├── TransportError        no answer at all
    ├── AuthError             the service does not accept our credentials
    ├── StatusError           the service refused the request; .status, .where
    │   ├── NotFoundError     no such object                              404
    │   └── RateLimitError    asked to wait longer than we may; .retry_after
    ├── PagingError           an answer or a run of pages that cannot be believed
    ├── FilterError           a filter outside the grammar
    └── BundleError           a CSV bundle that cannot be read

Every error has a short, stable ``code`` for reports; a bad record is no error
but a value, :class:`Problem`.
"""

from dataclasses import dataclass
from dataclasses import field as field_of
from typing import ClassVar

__all__ = [
    "AuthError",
    "BundleError",
    "FilterError",
    "NotFoundError",
    "OneRosterError",
    "PagingError",
    "Problem",
    "RateLimitError",
    "StatusError",
    "TransportError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in one record: where it stands and what it is.

    ``file`` is a file of a bundle or the path of a collection; ``line`` is the
    line of the file, or the position of the record in the collection counted
    from 1. ``warning`` tells that the record was kept all the same. The text
    never repeats a value, so that no name or address reaches a log; ``value`` is the
    form of what stood there (a letter x or X, a digit 9), "" if nothing did.
    """

    file: str
    line: int | None
    field: str
    text: str
    code: str = "bad_value"
    sourced_id: str | None = None
    warning: bool = False
    value: str = field_of(default="", compare=False)

    def __str__(self) -> str:
        """Place, field and fault in one line."""
        place = self.file if self.line is None else f"{self.file} line {self.line}"
        record = "" if self.sourced_id is None else f' ("{self.sourced_id}")'
        field = f"{self.field} " if self.field else ""
        return f"{place}{record}: {field}{self.text}"


class OneRosterError(Exception):
    """Whatever goes wrong in this package."""

    default_code: ClassVar[str] = "oneroster"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.default_code


class TransportError(OneRosterError):
    """The service gave no answer, or was never asked.

    Codes: ``no_answer``, ``timeout``, ``tls``, ``ssrf`` (a redirect or link to
    another host, or an address that the application forbids).
    """

    default_code = "no_answer"


class AuthError(OneRosterError):
    """The service or its token endpoint does not accept our credentials.

    ``status`` and ``body`` are what was answered, None and empty if that is not the
    point; the body may repeat what was asked, so it goes into no log.
    """

    default_code = "auth"

    def __init__(
        self, message: str, *, status: int | None = None, body: bytes = b""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class StatusError(OneRosterError):
    """The service answered with a status that is no success."""

    default_code = "status"

    def __init__(
        self, message: str, *, status: int, where: str, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.where = where


class NotFoundError(StatusError):
    """The service has no such object or collection."""

    default_code = "not_found"


class RateLimitError(StatusError):
    """The service asks us to come back later than a run may wait.

    ``retry_after`` counts seconds; None if the service named no time.
    """

    default_code = "rate_limited"

    def __init__(
        self, message: str, *, status: int, where: str, retry_after: float | None
    ) -> None:
        super().__init__(message, status=status, where=where)
        self.retry_after = retry_after


class PagingError(OneRosterError):
    """An answer, or a run of pages, that proves nothing about the collection.

    Codes: ``bad_json``, ``bad_shape``, ``too_large``, ``paging_loop``,
    ``short_read``, ``unstable_source``.
    """

    default_code = "bad_shape"


class FilterError(OneRosterError):
    """A filter that the grammar of OneRoster does not know."""

    default_code = "invalid_filter_field"


class BundleError(OneRosterError):
    """A CSV bundle that cannot be read; its code names the part at fault."""

    default_code = "bundle"
