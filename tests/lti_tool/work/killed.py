"""A worker that is a process, and dies by SIGKILL at a step of a delivery."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from lti_tool.platforms.canvas_waiting import Waiting
from lti_tool.platforms.destination import Destination
from lti_tool.platforms.http import GuardedSession
from lti_tool.settings import Settings
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.work import delivery, our_columns
from lti_tool.work.canvas import Canvases
from lti_tool.work.outside import Outside

ROOT: Final = str(Path(__file__).resolve().parents[3])
KEY: Final = b"k" * 32
LOCAL: Final = frozenset({"127.0.0.1"})
SECONDS: Final = 60
FORKED: Final = (__name__, "tests.lti_tool.work.conftest")


@dataclass(frozen=True)
class Step:
    """Where the worker dies: before or after the nth call of something.

    of: "destination", or the module that holds the function.
    """

    of: Literal["destination", "delivery", "our_columns"]
    names: tuple[str, ...]
    when: Literal["before", "after"]
    nth: int = 1


# In the order a delivery goes. What dies while a request is on its way is killed by the
# server, once it has heard of it: see the test.
STEPS: Final = {
    "claimed": Step("delivery", ("open_ground",), "before"),
    "reserved": Step("destination", ("make_column",), "before"),
    "made": Step("destination", ("make_column",), "after"),
    "remembered": Step("our_columns", ("_remember",), "after"),
    "read": Step("destination", ("read",), "after"),
    "noted": Step("destination", ("send", "send_together"), "before"),
    "answered": Step("destination", ("send", "send_together"), "after"),
    "read back": Step("destination", ("read",), "after", nth=2),
    "settled": Step("delivery", ("_settle",), "after"),
}


@dataclass(frozen=True)
class Worker:
    """What a worker is started with."""

    destination: str
    database_url: str
    folder: Path
    now: datetime
    step: Step | None = None

    def run(self, *, pid: Callable[[int], None] = lambda _pid: None) -> int | None:
        """Let a process deliver all that is due; returns its exit code."""
        if ROOT not in sys.path:  # pytest finds our packages by another way
            sys.path.append(ROOT)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(FORKED))
        process = context.Process(target=work, args=(self,))
        process.start()
        pid(process.pid or 0)
        process.join(timeout=SECONDS)
        process.kill()
        return process.exitcode


def work(worker: Worker) -> None:
    """Deliver as the worker does, and die where it is told to."""
    database = Database(worker.database_url)
    connect = _ways_out(worker, database)
    step = worker.step
    if step is not None and step.of != "destination":
        module: Any = {"delivery": delivery, "our_columns": our_columns}[step.of]
        for name in step.names:
            setattr(module, name, _dying(getattr(module, name), step))

    def reach(name: str, place: Place) -> Destination:
        destination = connect(name, place)
        if step is not None and step.of == "destination":
            for method in step.names:
                if hasattr(destination, method):
                    setattr(
                        destination, method, _dying(getattr(destination, method), step)
                    )
        return destination

    delivery.deliver(database, reach, lambda: worker.now)


def _ways_out(
    worker: Worker, database: Database
) -> Callable[[str, Place], Destination]:
    if worker.destination == "canvas":
        canvases = Canvases(
            database, GuardedSession(LOCAL), LOCAL, KEY, clock=lambda: worker.now
        )
        waiting = Waiting(sleep=lambda _seconds: None)
        return lambda _name, place: canvases.destination(place, waiting)
    key_file = worker.folder / "secret.key"
    key_file.write_bytes(KEY)
    settings = Settings(
        data_dir=worker.folder, secret_key_file=key_file, local_network="127.0.0.1"
    )
    return Outside(settings, database).connect


def _dying(act: Callable[..., Any], step: Step) -> Callable[..., Any]:
    calls = itertools.count(1)

    def die(*some: Any, **named: Any) -> Any:  # noqa: ANN401 -- whatever the step takes
        is_now = next(calls) == step.nth
        if is_now and step.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        told = act(*some, **named)
        if is_now:
            os.kill(os.getpid(), signal.SIGKILL)
        return told

    return die
