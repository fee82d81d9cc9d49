"""How far a run is: counted as it goes, told every few seconds, stopped if asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lti_tool.errors import SyncError

Progress = Callable[[str, int], None]


class StopError(SyncError):
    """A person asked the run to stop after the page it was reading."""

    def __init__(self) -> None:
        super().__init__("stopped by a person; the next run goes on there", "stopped")


@dataclass(slots=True)
class Step:
    """One collection on its way.

    Attributes:
        expected: the records it should have, None if nobody knows.
        per_second: records read in a second, since it began.
        seconds_left: None where expected is.
        pages: how many were read.
    """

    collection: str
    count: int = 0
    expected: int | None = None
    per_second: float = 0.0
    seconds_left: float | None = None
    pages: int = 0


@dataclass(slots=True)
class Watch:
    """Follows one run.

    Attributes:
        before: records read by the last run, by collection: what to expect where the
            source does not say.
        is_stopped: tells whether a person wants it to stop.
        on_progress: told the collection and its count after each page.
        on_step: told everything known of the collection after each page.
        clock: seconds that only grow.
    """

    before: Mapping[str, int] = field(default_factory=dict)
    is_stopped: Callable[[], bool] = lambda: False
    on_progress: Progress = lambda _phase, _count: None
    on_step: Callable[[Step], None] = lambda _step: None
    clock: Callable[[], float] = time.monotonic
    step: Step = field(default_factory=lambda: Step(""))
    _began: float = 0.0
    _already: int = 0

    def begin(self, collection: str, already: int = 0) -> None:
        """Turn to a collection, or another phase; already: read by an earlier run."""
        expected = self.before.get(collection) or None
        self.step = Step(collection, already, expected)
        self._began, self._already = self.clock(), already

    def count(self, collection: str, count: int, total: int | None = None) -> None:
        """Take down that so many records were read, of so many.

        Raises:
            StopError: a person asked for it.
        """
        step = self.step
        step.count, step.pages = count, step.pages + 1
        if total is not None:
            step.expected = total
        seconds = self.clock() - self._began
        if seconds > 0:
            step.per_second = round((count - self._already) / seconds, 1)
        step.seconds_left = None
        if step.expected is not None and step.per_second:
            left = max(step.expected - count, 0)
            step.seconds_left = round(left / step.per_second, 1)
        self.on_progress(collection, count)
        self.on_step(step)
        if self.is_stopped():
            raise StopError

    def document(self) -> dict[str, Any]:
        """What is known of the present collection, as JSON."""
        return asdict(self.step)
