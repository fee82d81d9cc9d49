"""A stretch of work in which the interpreter looks for no garbage.

Judging a school makes hundreds of thousands of small values that all live until the
last of them is stored. Looking through them again and again for cycles, of which there
are none, took most of the time; what is no longer used is freed all the same.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Look for no garbage inside; once it ends it is looked for as before.

    For the whole process: keep it to seconds. May be entered by several threads.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
