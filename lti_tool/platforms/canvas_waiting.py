"""Waiting for what Canvas does in the background, no longer than a lease allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a worker looks again for what a job of Canvas's is to bring.

    The pauses double from first to longest; total is all of them together. A worker
    holds its rows for 90 seconds, and what takes longer is looked for by the next
    try of the outbox.
    """

    first: float = 0.5
    longest: float = 5.0
    total: float = 25.0
    sleep: Callable[[float], None] = time.sleep


def looked_for(
    look: Callable[[], T], is_there: Callable[[T], bool], waiting: Waiting
) -> T:
    """Look until it is there or the waiting is over; returns what was seen last."""
    pause, waited = waiting.first, 0.0
    found = look()
    while not is_there(found) and waited + pause <= waiting.total:
        waiting.sleep(pause)
        waited += pause
        pause = min(pause * 2, waiting.longest)
        found = look()
    return found
