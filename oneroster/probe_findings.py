"""What a probe finds out: checks, one a line, and a profile of what a service can."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from oneroster.dialects import Room, Version
from oneroster.errors import RateLimitError, TransportError
from oneroster.probe_asking import Reply, silence

__all__ = ["Check", "Findings", "Profile", "State", "check", "vendor_text"]

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried: how it went, what that means, and what to do.

    ``asked`` is the request line, ``status`` and ``answer`` what came of it, with
    secrets and whatever is somebody's masked.
    """

    name: str
    state: State
    text: str = ""
    fix: str = ""
    code: str = ""
    records: int = 0
    asked: str = ""
    status: int | None = None
    answer: str = ""

    def document(self) -> dict[str, Any]:
        """The check as JSON."""
        return asdict(self)


def check(
    name: str, state: State, text: str, *, fix: str = "", reply: Reply | None = None
) -> Check:
    """Make a check that shows the answer it was made from."""
    if reply is None:
        return Check(name, state, text, fix)
    return Check(
        name,
        state,
        text,
        fix,
        asked=reply.request_line,
        status=reply.status,
        answer=reply.answer,
    )


def unanswered(name: str, error: TransportError | RateLimitError) -> Check:
    """Make the check that tells that no answer came."""
    if isinstance(error, TransportError):
        return Check(name, "fail", str(error), silence(error), error.code)
    fix = "wait, or ask for more requests a minute"
    return Check(name, "fail", str(error), fix, error.code, status=error.status)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a service can and cannot do, as far as a reader of it needs to know.

    ``page_size`` is what to ask for. ``auth`` is the style that worked: basic, form,
    or that of the authorization; ``scopes`` are the short names granted, None where
    the service does not say. ``counts`` holds the records of each collection, None
    where it does not say; ``refused`` the status of each that it does not give.
    ``writing`` tells by way (assessment, put, post) whether a gradebook can be written
    to: yes, no, forbidden or unknown; it is empty where that was not asked.
    ``boundary`` tells that ``>=`` finds a record of that very moment; None, and None
    in ``stable``, that nothing could be seen.
    """

    version: Version
    roots: Mapping[Room, str]
    auth: str
    scopes: tuple[str, ...] | None
    page_size: int
    page_cap: int | None
    limit: bool
    offset: bool
    total: bool
    links: bool
    sorts: bool
    filter: bool
    fields: bool
    delta: bool
    boundary: bool | None
    tombstones: bool
    stable: bool | None
    skew_seconds: float
    counts: Mapping[str, int | None]
    refused: Mapping[str, int]
    writing: Mapping[str, str]
    requests: int

    def document(self) -> dict[str, Any]:
        """The profile as JSON."""
        return asdict(self)


@dataclass(slots=True)
class Findings:
    """What has been found so far; what has not been seen is not believed."""

    version: Version
    roots: Mapping[Room, str] = field(default_factory=dict)
    auth: str = ""
    scopes: tuple[str, ...] | None = None
    page_size: int = 1000
    page_cap: int | None = None
    limit: bool = False
    offset: bool = False
    total: bool = False
    links: bool = False
    sorts: bool = False
    filter: bool = False
    fields: bool = False
    delta: bool = False
    boundary: bool | None = None
    tombstones: bool = False
    stable: bool | None = None
    skew_seconds: float = 0.0
    counts: dict[str, int | None] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    writing: dict[str, str] = field(default_factory=dict)
    requests: int = 0

    def profile(self) -> Profile:
        """What is known now, for good."""
        return Profile(**{name: getattr(self, name) for name in self.__slots__})


MARKS: Mapping[State, str] = {"ok": "ok", "warn": "to know", "fail": "PROBLEM"}


def vendor_text(title: str, checks: list[Check]) -> str:
    """Write the checks as text that a vendor's support desk can act on.

    What went well is one line; what did not has its request and its answer.
    """
    lines = [title, ""]
    for one in checks:
        lines.append(f"[{MARKS[one.state]}] {one.name}: {one.text}".rstrip(": "))
        if one.state == "ok":
            continue
        lines += [f"    What to do: {one.fix}"] if one.fix else []
        lines += [f"    {one.asked}"] if one.asked else []
        lines += [f"    {line}" for line in one.answer.splitlines()]
    return "\n".join(lines)
