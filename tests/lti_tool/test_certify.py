"""`certify` against an installation that runs: all its cases, and no trace of them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from lti_tool.app import create_app
from lti_tool.cli import masterybridge
from lti_tool.demo.servers import Servers
from lti_tool.lti13 import deep_linking, times
from lti_tool.lti13.certification import KNOWN_BAD, VALID
from lti_tool.settings import Settings
from lti_tool.storage import schema, trials
from lti_tool.storage.database import Database
from lti_tool.work import certification
from tests.lti_tool.conftest import make_key
from tests.lti_tool.test_trials import add, hashes
from tests.ports import free_port

COMMAND = [sys.executable, "-c", "from lti_tool.cli import main; main()"]
# What the suite calls its known bad payloads, letter by letter.
BAD = [
    "No KID Sent in JWT header", "Incorrect KID in JWT header", "Wrong LTI Version",
    "No LTI Version", "Invalid LTI message", "Missing LTI Claims",
    "Timestamps Incorrect", "messsage_type Claim Missing", "role Claim Missing",
    "deployment_id Claim Missing", "resource_link_id Claim Missing",
    "user Claim Missing",
]  # fmt: skip
NINE = [
    "{} Launch", "{} Launch with Roles", "{} Launch Short Role",
    "{} Launch Unknown Role", "{} Launch No Role", "{} Launch Email Only",
    "{} Launch Names Only", "{} No PII", "{} Email Without Context",
]  # fmt: skip


@dataclass
class Installation:
    database: Database
    env: dict[str, str]
    url: str

    def certify(self, *words: str) -> Result:
        result = CliRunner().invoke(masterybridge, ["certify", *words], env=self.env)
        structlog.reset_defaults()
        return result

    def report(self, *words: str) -> tuple[int, Any]:
        result = self.certify("--json", *words)
        return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def installed(database: Database, tmp_path: Path) -> Installation:
    """An installation that is set up; nothing serves it yet."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = {
        "MASTERYBRIDGE_DATABASE_URL": database.engine.url.render_as_string(
            hide_password=False
        ).replace("postgresql+psycopg", "postgresql"),
        "MASTERYBRIDGE_DATA_DIR": str(tmp_path),
        "MASTERYBRIDGE_SECRET_KEY_FILE": str(make_key(tmp_path)),
        "MASTERYBRIDGE_PUBLIC_URL": url,
    }
    return Installation(database, env, url)


@contextmanager
def process(installation: Installation, *words: str) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, **installation.env}
    made = subprocess.Popen(  # noqa: S603 -- ourselves
        [*COMMAND, *words],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield made
    finally:
        made.kill()
        made.communicate()


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, two minutes at most."""
    for _ in range(2400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to hold")


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/lti/jwks", timeout=30).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture
def running(installed: Installation) -> Iterator[Installation]:
    """The same, served by a process of its own."""
    port = installed.url.rpartition(":")[2]
    with process(installed, "serve", "--port", port, "--no-worker"):
        until(lambda: answers(installed.url))
        yield installed


@pytest.fixture
def here(installed: Installation, tmp_path: Path) -> Iterator[Installation]:
    """The same, served by this process, where a test may break it."""
    settings = Settings(
        data_dir=tmp_path, secret_key_file=tmp_path / "key", public_url=installed.url
    )
    servers = Servers("127.0.0.1")
    servers.serve(
        create_app(settings, installed.database), int(installed.url.rpartition(":")[2])
    )
    assert answers(installed.url)
    yield installed
    servers.stop()


def test_every_case_passes_and_nothing_stays(
    running: Installation, tmp_path: Path
) -> None:
    before = hashes(running.database)
    log_file = tmp_path / "evidence.txt"
    exit_code, report = running.report("--log", str(log_file))
    failed = [one for one in report["cases"] if not one["passed"]]
    assert (failed, exit_code, report["ok"]) == ([], 0, True)
    assert (report["passed"], report["failed"]) == (37, 0)
    names = [one["name"] for one in report["cases"]]
    assert names[:12] == BAD
    assert names[12:30] == [
        f"Valid {name.format(person)}"
        for person in ("Instructor", "Student")
        for name in NINE
    ]
    assert len(names[30:]) == 7
    assert hashes(running.database) == before
    log = log_file.read_text()
    assert log.count("result    PASS") == 37
    for one in report["cases"][:12]:
        assert re.fullmatch("[0-9a-f]{16}", one["correlation_id"])
        assert f"[6.1.1] {one['name']}\n" in log
        assert one["correlation_id"] in log
    assert "eyJ" not in log  # a token
    assert set(re.findall(r'"nonce": "(.*?)"', log)) == {"***"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_person_reads_a_table_and_the_log(here: Installation) -> None:
    result = here.certify()
    assert result.exit_code == 0
    assert "✓" in result.stdout
    assert "✗" not in result.stdout
    assert "cases         37 passed, 0 failed" in result.stdout
    assert "[6.1.1] messsage_type Claim Missing" in result.stdout


def nothing(*_args: object, **_kwargs: object) -> None:
    """A check that checks nothing."""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_installation_that_lets_an_old_token_in_fails_the_case(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes(here.database)
    monkeypatch.setattr(times, "check_times", nothing)
    exit_code, report = here.report()
    assert (exit_code, report["ok"], report["failed"]) == (1, False, 1)
    (failed,) = (one for one in report["cases"] if not one["passed"])
    assert (failed["name"], failed["status"], failed["code"]) == (
        "Timestamps Incorrect",
        303,
        None,
    )
    assert hashes(here.database) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_answer_without_the_data_that_was_sent_fails_its_case(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = deep_linking.sign_response

    def without_data(claims: dict[str, Any], *rest: Any) -> str:  # noqa: ANN401 -- as it is
        sent = {name: claims[name] for name in claims if not name.endswith("/data")}
        return whole(sent, *rest)

    monkeypatch.setattr("lti_tool.work.deep_linking.sign_response", without_data)
    exit_code, report = here.report()
    failed = [one["name"] for one in report["cases"] if not one["passed"]]
    assert (exit_code, failed) == (1, ["Affirm Response"])


def test_an_installation_that_does_not_answer_exits_4(installed: Installation) -> None:
    before = hashes(installed.database)
    exit_code, report = installed.report()
    assert (exit_code, report["code"]) == (4, "connect")
    assert report["error"] == "127.0.0.1 cannot be reached"
    assert hashes(installed.database) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_installation_on_another_database_is_told_from_a_broken_one(
    here: Installation, tmp_path: Path
) -> None:
    other = Database(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    other.upgrade()
    here.env["MASTERYBRIDGE_DATABASE_URL"] = str(other.engine.url)
    exit_code, report = here.report()
    assert exit_code == 1
    assert report["error"] == (
        f"the installation at {here.url} does not know the trial just made: it uses "
        "another database than these settings name"
    )
    with other.read() as session:
        assert session.scalar(select(func.count(schema.registration.c.id))) == 0
    other.close()


def test_what_a_killed_run_left_is_swept_by_the_next(here: Installation) -> None:
    before = hashes(here.database)
    add(here.database, datetime.now(UTC))
    assert hashes(here.database) != before
    assert here.certify().exit_code == 0
    assert hashes(here.database) == before


def test_a_run_that_is_interrupted_takes_its_trial_along(
    database: Database, now: datetime
) -> None:
    before = hashes(database)

    def interrupted() -> None:
        with certification.on_trial(
            database,
            public_url="https://tool.example",
            key=certification.make_key(),
            clock=lambda: now,
        ) as (added, _):
            with database.read() as session:
                assert trials.load_reasons(session, added) == {}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert hashes(database) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_run_that_is_told_to_end_takes_its_trial_along(
    installed: Installation,
) -> None:
    before = hashes(installed.database)

    def is_on_trial() -> bool:
        with installed.database.read() as session:
            return bool(session.scalar(select(func.count(schema.registration.c.id))))

    with (
        socket.create_server(("127.0.0.1", int(installed.url.rpartition(":")[2]))),
        process(installed, "certify") as run,
    ):
        until(is_on_trial)
        run.send_signal(signal.SIGTERM)
        run.wait(120)
    assert hashes(installed.database) == before


def test_the_cases_are_those_of_the_suite() -> None:
    assert [one.name for one in KNOWN_BAD] == BAD
    assert len(VALID) == 18
