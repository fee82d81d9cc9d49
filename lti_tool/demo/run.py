"""The demo: three parties on this machine, and the main job between them.

Our tool, a pretend LMS on its own origin and a pretend SIS, each on a socket of its
own; what passes between them is the real protocol. Nothing leaves the machine.

Longer than our usual room by a little: one party's day from start to end, in its order.
"""

from __future__ import annotations

import csv
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypedDict, Unpack

import requests

from lti_tool.app import create_app
from lti_tool.demo import door
from lti_tool.demo.browserless import browser_session, launch_by_http
from lti_tool.demo.entry import Door, entries
from lti_tool.demo.parties import demo_settings, make_lms, make_sis
from lti_tool.demo.school import make_school
from lti_tool.demo.servers import Servers, free_ports
from lti_tool.errors import ConfigError
from lti_tool.logs import configure_logs
from lti_tool.settings import Settings
from lti_tool.storage import (
    accounts,
    curriculum,
    figures,
    keys,
    registrations,
    sources,
)
from lti_tool.storage import secrets as sealed
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work import alignments, delivery, reconciling, roster, standing
from lti_tool.work.frameworks import import_documents
from lti_tool.work.jobs import Jobs
from lti_tool.work.outside import Outside
from lti_tool.work.roster import SyncOptions

SIS_NAME: Final = "demo-sis"
LMS_NAME: Final = "Pretend LMS"
CLIENT_ID: Final = "masterybridge-demo"
WHO: Final = "demo"
Progress = Callable[[str, int], None]


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Shown(TypedDict, total=False):
    """Where and what a demonstration shows."""

    host: str
    port: int
    seed: int
    size: Literal["school", "district"]


USUAL: Final[Shown] = {
    "host": "127.0.0.1",
    "port": 8000,
    "seed": 7,
    "size": "district",
}


class Demo:
    """A demo on its way; use it as a context manager."""

    def __init__(
        self,
        settings: Settings,
        *,
        today: date | None = None,
        on_progress: Progress = lambda _phase, _count: None,
        **said: Unpack[Shown],
    ) -> None:
        shown: Shown = {**USUAL, **said}
        host, port = shown["host"], shown["port"]
        self._folder = tempfile.TemporaryDirectory(prefix="masterybridge-demo-")
        lms_port, sis_port = free_ports(host, 2)
        self.tool_url = f"http://{host}:{port}"
        # Another site than the tool's, as in real life: cookies in the LMS's frame
        # are third-party cookies.
        self.lms_url = f"http://localhost:{lms_port}"
        self.sis_url = f"http://{host}:{sis_port}"
        self._ports = {"tool": port, "lms": lms_port, "sis": sis_port}
        self.settings = demo_settings(settings, Path(self._folder.name), self.tool_url)
        self._servers = Servers(host)
        self._progress = on_progress
        self._seconds: dict[str, float] = {}
        self._secret = secrets.token_urlsafe(24)
        self._worker: Any = None
        with self._step("school"):
            self.school = make_school(
                seed=shown["seed"],
                size=shown["size"],
                today=today or utc_now().date(),
            )
        self.database = Database(self.settings.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._worker is not None:
            self._worker.stop(graceful=True)
        self._servers.stop()
        self.database.close()
        self._folder.cleanup()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._progress(name, 0)
        started = time.perf_counter()
        yield
        self._seconds[name] = round(time.perf_counter() - started, 3)

    def start(self) -> None:
        """Open the three parties and let them know each other.

        Raises:
            ConfigError: the database holds something that is not a demo, or a port
                is taken.
        """
        configure_logs(self.settings.log_format)
        with self._step("start"):
            self.database.upgrade()
            self._clear_earlier_demo()
            self.lms = make_lms(self.school, self.lms_url)
            self._introduce()
            self.outside = Outside(self.settings, self.database)
            self.jobs = Jobs(self.settings, self.database)
            app = create_app(
                self.settings,
                self.database,
                tell_worker=self._tell_worker,
                order_sync=self.jobs.order,
                order_look=self.jobs.look,
                order_import=self.jobs.import_framework,
                order_levels=self.jobs.recompute,
                order_plan=self.jobs.plan,
                order_reconcile=self.jobs.reconcile,
                order_reading=self.jobs.read_grades,
                order_meaning=self.jobs.read_meaning,
            )
            doors = self._doors()
            self.lms.app.register_blueprint(entries(self.lms, doors))
            app.config["DEMO_LINKS"] = {
                **{name: f"{self.lms_url}/enter/{name}" for name in doors},
                "admin": f"{self.tool_url}/demo/enter/admin",
            }
            app.config["DEMO_ADMIN"] = self._hire_admin()
            app.register_blueprint(door.door)
            self._servers.serve(app, self._ports["tool"])
            self._servers.serve(self.lms.app, self._ports["lms"])
            self._servers.serve(
                make_sis(self.school, CLIENT_ID, self._secret), self._ports["sis"]
            )

    def _clear_earlier_demo(self) -> None:
        """Begin anew: an earlier demo's LMS, SIS and key are gone with its process."""
        with self.database.read() as session:
            names = {one["name"] for one in sources.load_sources(session)}
            platforms = {one.name for one in registrations.load_registrations(session)}
        if names - {SIS_NAME} or platforms - {LMS_NAME}:
            raise ConfigError(
                "the database of MASTERYBRIDGE_DATABASE_URL holds a real "
                "installation; give the demo an empty database of its own"
            )
        if names or platforms:
            self.database.clear()

    def _introduce(self) -> None:
        """Register tool and LMS with each other, and the SIS as a source."""
        known = self.lms.register_tool(
            login_url=f"{self.tool_url}/lti/login",
            redirect_uris=[f"{self.tool_url}/lti/launch"],
            jwks_url=f"{self.tool_url}/lti/jwks",
            launch_url=f"{self.tool_url}/lti/launch",
        )
        for course in self.school.lms_courses():
            self.lms.add_link(
                course.context_id,
                f"mastery-{course.context_id}",
                "Mastery",
                f"{self.tool_url}/lti/launch",
            )
        key = self.settings.load_secret_key()
        sis = {
            "location": self.sis_url,
            "token_url": f"{self.sis_url}/oauth2/token",
            "client_id": CLIENT_ID,
            "client_secret": sealed.encrypt(self._secret, key),
        }
        with self.database.write() as session:
            keys.ensure(session, key, now=utc_now())
            registrations.add_registration(
                session,
                NewRegistration(
                    name=LMS_NAME,
                    issuer=known.issuer,
                    client_id=known.client_id,
                    auth_url=known.auth_url,
                    token_url=known.token_url,
                    jwks_url=known.jwks_url,
                ),
                deployment_ids=[known.deployment_id],
                now=utc_now(),
            )
            sources.replace_source(
                session,
                {
                    "name": SIS_NAME,
                    "kind": "rest",
                    "version": "1.2",
                    "auth": "basic",
                    **sis,
                },
                utc_now(),
            )

    def _hire_admin(self) -> int:
        """Make the demo's administrator, with a password nobody knows."""
        with self.database.write() as session:
            return accounts.add_account(
                session,
                username=f"demo-{secrets.token_hex(4)}",
                display_name="Demo administrator",
                password_hash="",  # opens with no password; the card signs in
                now=utc_now(),
            )

    def _tell_worker(self) -> None:
        threading.Thread(target=self._deliver, daemon=True).start()

    def _deliver(self) -> dict[str, int]:
        return dict(delivery.deliver(self.database, self.outside.connect, utc_now))

    def sync(self) -> roster.SyncReport:
        """Pull the SIS once."""
        with self.database.read() as session:
            source = sources.load_source(session, SIS_NAME)
        return roster.sync(
            self.database,
            source.id,
            lambda: self.outside.feed(source),
            utc_now,
            SyncOptions(accept_ends=True, on_progress=self._progress),
        )

    def fill(self) -> None:
        """Bring the framework, the roster, the scores and the alignments."""
        with self._step("framework"):
            import_documents(
                self.database, [("demo framework", self.school.framework)], utc_now()
            )
        with self._step("sync"):
            self.sync()
        with self._step("align"):
            self._align()
        with self._step("standing"):
            roster.refresh_stale(self.database, utc_now, self._progress)

    def _align(self) -> None:
        path = Path(self._folder.name) / "alignments.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(alignments.COLUMNS)
            writer.writerows(self.school.alignments)
        alignments.import_file(self.database, path, who=WHO, now=utc_now())

    def launch(self, role: Literal["teacher", "student"]) -> requests.Response:
        """Open the tool from the LMS as Ms. Lee or Amira; gives the last page."""
        return launch_by_http(
            self.lms_url, browser_session(), self._subject(role), self._link()
        )

    def _subject(self, role: Literal["teacher", "student"]) -> str:
        people = self.school.personas
        wanted = people.teacher if role == "teacher" else people.student
        return next(
            one.subject
            for one in self.school.lms_people()
            if one.sourced_id == wanted.sourced_id
        )

    def _link(self) -> str:
        wanted = self.school.personas.sis_class
        return next(
            f"mastery-{one.context_id}"
            for one in self.school.lms_courses()
            if one.lis_course_section_sourcedid == wanted
        )

    def _doors(self) -> dict[str, Door]:
        """Where the cards of the demo door lead, inside the pretend LMS."""
        course = f"/courses/{self._link().removeprefix('mastery-')}"
        teacher, student = self._subject("teacher"), self._subject("student")
        return {
            "teacher": Door(teacher, course),
            "student": Door(student, course),
            "lms": Door(teacher, "/"),
            "gradebook": Door(teacher, f"{course}/gradebook"),
        }

    def switch_on(self) -> None:
        """Switch the demo course's two destinations on: its own, as the demo says."""
        with self.database.write() as session:
            course_id = curriculum.find_course(session, self.school.personas.sis_class)
            for destination in ("ags", "oneroster"):
                standing.switch(
                    session, course_id, destination, is_on=True, who=WHO, now=utc_now()
                )

    def open_for_visitors(self) -> None:
        """Fill everything and let the outcomes go, so that a visitor sees them come."""
        self.fill()
        with self._step("launch"):
            self.launch("teacher")
        self.switch_on()
        self._tell_worker()
        self._worker = self.jobs.embedded_worker()
        self._worker.start()

    def check(self) -> dict[str, Any]:
        """Run the main job without a browser and read everything back.

        Returns the report of the contract; ok only if everything that was delivered
        was read back equal.
        """
        self.fill()
        with self._step("launch"):
            pages = {role: self._opens(role) for role in _ROLES}
        self.switch_on()
        with self._step("deliver"):
            ended = self._deliver()
        with self._step("read_back"):
            found = reconciling.reconcile(
                self.database, self.outside.connect, utc_now, who="demo"
            )
        with self.database.read() as session:
            counted = figures.load_figures(session)
        delivered = {name: counted["delivered"].get(name, 0) for name in _DESTINATIONS}
        read_back = {name: found.read_back.get(name, 0) for name in _DESTINATIONS}
        return {
            "launches": pages,
            "synced": counted["synced"],
            "framework": counted["framework"],
            "alignments": counted["alignments"],
            "evidence": counted["evidence"],
            "attainments": counted["attainments"],
            "delivered": delivered,
            "read_back": read_back,
            "differences": list(found.differences),
            "seconds": self._seconds,
            "ok": all(pages.values())
            and not found.differences
            and set(ended) == {"delivered"}
            and read_back == delivered
            and all(delivered.values())
            and all(counted["synced"].values()),
        }

    def _opens(self, role: Literal["teacher", "student"]) -> bool:
        """Tell whether a launch ends on the page of its role."""
        page = self.launch(role)
        sign = 'role="grid"' if role == "teacher" else "<h1"
        wanted = "/class" if role == "teacher" else "/mastery"
        is_ours = page.url.startswith(self.tool_url) and page.url.split("?")[
            0
        ].endswith(wanted)
        return page.ok and is_ours and sign in page.text

    def addresses(self) -> dict[str, str]:
        """Where everything is."""
        return {
            "demo": f"{self.tool_url}/demo",
            "tool": self.tool_url,
            "lms": self.lms_url,
            "sis": self.sis_url,
        }

    def welcome(self) -> str:
        """What a visitor reads in the terminal."""
        school = self.school
        return (
            f"{len(school.classes)} classes, {len(school.users)} people, "
            f"{len(school.results)} scores are in.\n"
            f"Open {self.tool_url}/demo (Ctrl+C stops; nothing leaves this computer)"
        )


_ROLES: Final[tuple[Literal["teacher", "student"], ...]] = ("teacher", "student")
_DESTINATIONS: Final = ("ags", "oneroster")
