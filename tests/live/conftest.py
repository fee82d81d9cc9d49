"""A trial in a real Moodle: the tool as a process of its own, a course made anew.

MASTERYBRIDGE_LIVE_MOODLE names a JSON file that says which Moodle is under trial:

    {"site_url": "http://localhost:8088", "tool_url": "http://127.0.0.1:8200",
     "admin": {"username": ..., "password": ...}, "students": 500,
     "sql": ["mysql", "-N", "-B", ..., "moodle"]}

The tool is started at tool_url, which Moodle must be able to reach (its cURL security
lets no local address through by default). Every run makes a course, 500 students (or as
many as "students" in the file says) and two teachers of its own; one of competencies
makes a framework, a role, an account and a service too, switches web services on, and
reads Moodle's own tables by the command in "sql" (see moodle_records).
Nothing else in that Moodle is touched. On this trial:
Moodle shows passwords by a button unless `loginpasswordtoggle` is off, and backs up in
the background unless `enableasyncbackup` is off: both must be off.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from lti_tool.demo.school_names import POOLS
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import MemoryCatalog
from oneroster.models import AcademicSession, Course, Enrollment, Org, SisClass, User
from oneroster.models_gradebook import Category, LineItem, Result
from tests.live.moodle import PAGE_MS, Moodle, Person

DESCRIPTION = os.environ.get("MASTERYBRIDGE_LIVE_MOODLE", "")
TOLD = json.loads(Path(DESCRIPTION).read_text("utf-8")) if DESCRIPTION else {}
STUDENTS = int(TOLD.get("students", 500))
SCORED = STUDENTS // 5
CODES = ("RP.1", "RP.2")  # a fifth of the students x 2 competencies
PASSWORD = "Lab-pass-1"  # noqa: S105 -- of the trial's own teachers and students
START_SECONDS = 60.0
ROOT = Path(__file__).parents[2]
FRAMEWORK = ROOT / "lti_tool" / "demo" / "framework.json"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is under trial, and the names this run gives to things."""

    site_url: str
    tool_url: str
    admin: tuple[str, str]
    mark: str
    folder: Path
    scored: int
    codes: tuple[str, ...]

    @property
    def course_name(self) -> str:
        return f"Mathematics 7 {self.mark}"

    @property
    def class_id(self) -> str:
        """The SIS's id of the class; Moodle holds it as the course's ID number."""
        return f"class-{self.mark}"

    @property
    def teacher(self) -> Person:
        return Person(f"t{self.mark}", "Grace", "Lee", f"tea-{self.mark}",
                      "editingteacher", PASSWORD)  # fmt: skip

    @property
    def students(self) -> list[Person]:
        """All of them; the first two can sign in."""
        return [
            Person(
                username=f"s{self.mark}-{number:03}",
                first=GIVEN[number % len(GIVEN)],
                last=f"{FAMILY[number // len(GIVEN) % len(FAMILY)]}",
                id_number=f"stu-{self.mark}-{number:03}",
                role="student",
                password=PASSWORD if number < len(CODES) else "",
            )
            for number in range(STUDENTS)
        ]


GIVEN = [name for pool in POOLS for name in pool[0].split()][:30]
FAMILY = [name for pool in POOLS for name in pool[1].split()][:30]


class Tool:
    """The tool as an administrator runs it: a process that serves, and commands."""

    def __init__(self, trial: Trial) -> None:
        self.url = trial.tool_url
        self._program = Path(sys.executable).with_name("masterybridge")
        site = urlsplit(trial.site_url).hostname or ""
        self._environment = os.environ | {
            "MASTERYBRIDGE_DATA_DIR": str(trial.folder / "tool"),
            "MASTERYBRIDGE_PUBLIC_URL": trial.tool_url,
            "MASTERYBRIDGE_LOCAL_NETWORK": f"127.0.0.1,localhost,{site}",
        }
        self.log = trial.folder / "serve.log"
        self._commands = trial.folder / "commands.log"
        self._process: subprocess.Popen[bytes] | None = None

    def events(self, event: str) -> list[dict[str, Any]]:
        """What the commands and the server logged of an event, commands first."""
        lines = [
            json.loads(line)
            for file in (self._commands, self.log)
            for line in file.read_text("utf-8").splitlines()
            if line.startswith("{")
        ]
        return [line for line in lines if line["event"] == event]

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin a command and do not wait for it."""
        return subprocess.Popen(  # noqa: S603 -- our own program
            [self._program, *arguments], env=self._environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, *arguments: str, is_whole: bool = True) -> Any:  # noqa: ANN401 -- whatever the command prints
        """Run a command with --json; gives its document.

        is_whole: it must end with 0; else a problem that it found will do.
        """
        done = subprocess.run(  # noqa: S603 -- our own program
            [self._program, *arguments, "--json"],
            env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        with self._commands.open("a", encoding="utf-8") as log:
            log.write(done.stderr)
        expected = (0,) if is_whole else (0, 1, 4)
        assert done.returncode in expected, f"{arguments}: {done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def start(self) -> None:
        where = urlsplit(self.url)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own program
                [self._program, "serve", "--host", str(where.hostname),
                 "--port", str(where.port)],
                env=self._environment, stderr=log, stdout=log,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=START_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 -- our own address
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


@pytest.fixture(scope="module")
def extent() -> tuple[int, tuple[str, ...]]:
    """How many students have scores, and for which competencies."""
    return SCORED, CODES


@pytest.fixture(scope="module")
def first_codes(extent: tuple[int, tuple[str, ...]]) -> tuple[str, ...]:
    """The competencies that work speaks for from the beginning."""
    return extent[1]


@pytest.fixture(scope="module")
def framework_file() -> Path:
    """The framework that is taught."""
    return FRAMEWORK


@pytest.fixture(scope="module")
def trial(
    tmp_path_factory: pytest.TempPathFactory, extent: tuple[int, tuple[str, ...]]
) -> Trial:
    return Trial(
        site_url=TOLD["site_url"].rstrip("/"),
        tool_url=TOLD["tool_url"].rstrip("/"),
        admin=(TOLD["admin"]["username"], TOLD["admin"]["password"]),
        mark=secrets.token_hex(3),
        folder=tmp_path_factory.mktemp("live"),
        scored=extent[0],
        codes=extent[1],
    )


@pytest.fixture(scope="module")
def tool(
    trial: Trial, framework_file: Path, first_codes: tuple[str, ...]
) -> Iterator[Tool]:
    """The tool with the roster, scores, framework and alignments of the trial."""
    tool = Tool(trial)
    tool.run("db", "upgrade")
    write_bundle(trial.folder / "roster", records(trial))
    tool.run("source", "add", "sis", "--csv", str(trial.folder / "roster"))
    tool.run("source", "sync", "sis")
    tool.run("framework", "import", str(framework_file))
    document = json.loads(framework_file.read_text("utf-8"))["CFDocument"]
    framework = document["identifier"]
    tool.run("course", "set", trial.class_id, "--framework", framework,
             "--rule", "highest", "--destination", "ags=on")  # fmt: skip
    align(tool, trial, first_codes)
    tool.start()
    yield tool
    tool.stop()


def align(tool: Tool, trial: Trial, codes: Sequence[str]) -> None:
    """Let the work on each of some competencies speak for it."""
    file = trial.folder / "alignments.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        rows = csv.writer(opened)
        rows.writerow(["course", "line_item", "competency", "weight"])
        rows.writerows(
            [trial.class_id, _work_id(trial, code), code, 1] for code in codes
        )
    tool.run("align", "import", str(file))


SignIn = Callable[[str, str], Moodle]


@pytest.fixture(scope="module")
def sign_in(browser: Browser, trial: Trial) -> Iterator[SignIn]:
    """Sign somebody in, each in a browser profile of her own.

    Headless Chromium keeps no third-party cookies in such a profile.
    """
    opened: dict[str, Moodle] = {}

    def signed_in(username: str, password: str = PASSWORD) -> Moodle:
        if username not in opened:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.set_default_timeout(PAGE_MS)
            opened[username] = Moodle(context, page, trial.site_url)
            opened[username].sign_in(username, password)
        return opened[username]

    yield signed_in
    for one in opened.values():
        one.context.close()


@pytest.fixture(scope="module")
def admin(sign_in: SignIn, trial: Trial) -> Moodle:
    return sign_in(*trial.admin)


@pytest.fixture(scope="module")
def course(admin: Moodle, trial: Trial) -> int:
    """Moodle's id of a course with 500 students and a teacher."""
    course = admin.add_course(trial.mark, trial.course_name, trial.class_id)
    people: Sequence[Person] = [trial.teacher, *trial.students]
    admin.add_people(trial.folder / "people.csv", trial.mark, people)
    return course


@pytest.fixture(scope="module")
def registered(tool: Tool, admin: Moodle) -> dict[str, Any]:
    """The registration that Moodle and the tool made between them, not approved."""
    url = tool.run("platform", "invite", "--vendor", "moodle")["url"]
    frame = admin.register_tool(url, "Connect")
    frame.get_by_role("button", name="Connect").click()
    expect(frame.locator("body")).to_contain_text("approv", timeout=PAGE_MS)
    admin.see_registration_close(frame)
    admin.activate_tool("MasteryBridge")
    (platform,) = tool.run("platform", "list")
    return dict(platform)


@pytest.fixture(scope="module")
def approved(tool: Tool, registered: dict[str, Any]) -> dict[str, Any]:
    tool.run("platform", "approve-registration", str(registered["id"]))
    (platform,) = tool.run("platform", "list")
    return dict(platform)


@pytest.fixture(scope="module")
def teacher(sign_in: SignIn, trial: Trial, course: int) -> Moodle:
    assert course
    return sign_in(trial.teacher.username)


def _work_id(trial: Trial, code: str) -> str:
    return f"work-{trial.mark}-{code}"


def score_of(number: int) -> int:
    """The points of 10 that the SIS has of a student, in each of her works."""
    return 4 + number % 7


def records(
    trial: Trial, changed: Mapping[tuple[int, str], int] = MappingProxyType({})
) -> MemoryCatalog:
    """The class as the SIS holds it; some of its students have scores, one a code.

    changed: other scores by (number of the student, code).
    """
    org, term = f"org-{trial.mark}", f"term-{trial.mark}"
    at = "2026-09-01T00:00:00.000Z"
    stamp = {"status": "active", "dateLastModified": at}
    people = [("teacher", trial.teacher), *(("student", one) for one in trial.students)]
    here = {"sourcedId": trial.class_id}
    return MemoryCatalog(
        {
            "orgs": [Org.model_validate(
                {"sourcedId": org, "name": "Lab School", "type": "school", **stamp})],
            "academicSessions": [AcademicSession.model_validate(
                {"sourcedId": term, "title": "2026/27", "type": "term",
                 "startDate": "2026-08-01", "endDate": "2027-07-31",
                 "schoolYear": "2027", **stamp})],
            "courses": [Course.model_validate(
                {"sourcedId": f"course-{trial.mark}", "title": "Mathematics 7",
                 "org": {"sourcedId": org}, **stamp})],
            "classes": [SisClass.model_validate(
                {"sourcedId": trial.class_id, "title": trial.course_name,
                 "classType": "scheduled", "school": {"sourcedId": org},
                 "course": {"sourcedId": f"course-{trial.mark}"},
                 "terms": [{"sourcedId": term}], **stamp})],
            "users": [User.model_validate(
                {"sourcedId": one.id_number, "givenName": one.first,
                 "familyName": one.last, "enabledUser": True,
                 "roles": [{"role": role, "roleType": "primary",
                            "org": {"sourcedId": org}}], **stamp})
                for role, one in people],
            "enrollments": [Enrollment.model_validate(
                {"sourcedId": f"in-{one.id_number}", "class": here,
                 "user": {"sourcedId": one.id_number}, "role": role,
                 "school": {"sourcedId": org}, **stamp})
                for role, one in people],
            "categories": [Category.model_validate(
                {"sourcedId": f"cat-{trial.mark}", "title": "Work", **stamp})],
            "lineItems": [LineItem.model_validate(
                {"sourcedId": _work_id(trial, code), "title": f"Quiz on {code}",
                 "class": here, "category": {"sourcedId": f"cat-{trial.mark}"},
                 "academicSession": {"sourcedId": term},
                 "assignDate": at, "dueDate": at, "resultValueMin": 0,
                 "resultValueMax": 10, **stamp})
                for code in trial.codes],
            "results": [Result.model_validate(
                {"sourcedId": f"r-{code}-{one.id_number}",
                 "lineItem": {"sourcedId": _work_id(trial, code)}, "class": here,
                 "student": {"sourcedId": one.id_number},
                 "score": changed.get((number, code), score_of(number)),
                 "scoreStatus": "fully graded", "scoreDate": "2026-10-01", **stamp})
                for code in trial.codes
                for number, one in enumerate(trial.students[: trial.scored])],
        }
    )  # fmt: skip
