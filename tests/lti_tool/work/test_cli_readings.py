"""`platform read`: a Moodle on a real socket, read as a school would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from click.testing import CliRunner

from lti_tool.cli import masterybridge
from lti_tool.storage import schema, secrets
from tests.lti_tool.work.conftest import Proxy
from tests.lti_tool.work.lms_books import Read, make_read
from tests.lti_tool.work.moodle_grades import GradedMoodle
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

KEY = b"k" * 32
ANA, BEN = 101, 102


@dataclass
class Desk:
    """An administrator's command line, and the Moodle it reaches."""

    folder: Path
    read: Read
    moodle: GradedMoodle
    proxy: Proxy

    def ask(self, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        env = {
            "MASTERYBRIDGE_DATA_DIR": str(self.folder),
            "MASTERYBRIDGE_DATABASE_URL": f"sqlite:///{self.folder / 'room.sqlite3'}",
            "MASTERYBRIDGE_SECRET_KEY_FILE": str(self.folder / "secret.key"),
            "MASTERYBRIDGE_LOCAL_NETWORK": "127.0.0.1",
        }
        try:
            result = CliRunner(env=env).invoke(masterybridge, [*words, "--json"])
        finally:
            structlog.reset_defaults()
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)


@pytest.fixture
def desk(room: Classroom, serve: Callable[..., str], tmp_path: Path) -> Desk:
    (tmp_path / "secret.key").write_bytes(KEY)
    moodle, port = GradedMoodle(students={ANA, BEN}), free_port()
    moodle.url = f"http://127.0.0.1:{port}"
    proxy = Proxy(moodle.app)
    serve(proxy, port)
    read = make_read(room)
    room.change(
        schema.registration,
        read.registration_id,
        is_read=False,
        outcomes_url=moodle.url,
        token_url=f"{moodle.url}/token",
        outcomes_token=secrets.encrypt(moodle.token, KEY),
    )
    room.change(
        schema.placement,
        read.placement_id,
        context_id=str(moodle.course),
        ags_line_items_url=f"{moodle.url}/lineitems",
    )
    for row, subject in ((1, ANA), (2, BEN)):
        room.change(schema.lms_user, row, subject=str(subject), platform_user_id=None)
    return Desk(tmp_path, read, moodle, proxy)


def test_a_moodle_is_read_by_the_command_line_once_it_is_let(desk: Desk) -> None:
    quiz = desk.moodle.add_activity("quiz", "Fractions quiz", 10.0)
    ours = desk.moodle.add_column("7.A")
    desk.moodle.grade(quiz, ANA, 8.0)
    desk.moodle.grade(quiz, BEN, 5.0)
    desk.moodle.grade(ours, ANA, 4.0)
    (refused,) = desk.ask("platform", "read", "1", status=1)
    assert (refused["status"], refused["code"]) == ("failed", "config")
    assert refused["fault"].endswith("masterybridge platform edit 1 --read on")
    changed = desk.ask("platform", "edit", "1", "--read", "on")["changed"]
    assert changed == {"is_read": True}
    (told,) = desk.ask("platform", "read", "--course", "class-7")
    names = ("status", "works", "scores", "added", "unknown")
    assert [told[name] for name in names] == ["read", 1, 2, 2, 0]
    (again,) = desk.ask("platform", "read", "1")
    assert [again[name] for name in ("added", "changed", "ended")] == [0, 0, 0]
    room = desk.read.room
    assert room.rows(schema.score, "person_id", "given") == [
        (room.people["ana"], 8.0),
        (room.people["ben"], 5.0),
    ]
    (_sis, lms) = room.rows(schema.source, "name", "kind")
    assert lms == ("Moodle", "lms")


def test_a_moodle_that_does_not_answer_changes_nothing(desk: Desk) -> None:
    desk.ask("platform", "edit", "1", "--read", "on")
    quiz = desk.moodle.add_activity("quiz", "Fractions quiz", 10.0)
    desk.moodle.grade(quiz, ANA, 8.0)
    desk.proxy.play("POST", "/webservice", times=99, status="503 Busy")
    (told,) = desk.ask("platform", "read", "1", status=4)
    assert told["status"] == "failed"
    assert desk.read.room.count(schema.score) == 0
    assert desk.read.state().status == "failed"


def test_what_was_aligned_in_moodle_is_suggested_first(desk: Desk) -> None:
    moodle = desk.moodle
    framework = moodle.add_framework("fw", 5, {3, 4})
    ratios = moodle.add_competency(framework, idnumber="guid-7.B")
    moodle.linked = [ratios]
    moodle.add_activity("quiz", "Statement 7.A", 10.0)
    (cmid,) = moodle.activities
    moodle.uses[cmid] = [ratios]
    desk.ask("platform", "edit", "1", "--read", "on")
    (told,) = desk.ask("platform", "read", "1")
    assert told["offered"] == 1
    work = str(desk.read.work("Statement 7.A"))
    found = desk.ask("align", "suggest", "--of", "class-7", work)["suggestions"]
    first = found[0]
    assert (first["guid"], first["why"]) == ("guid-7.B", "aligned")
    assert first["words"] == ["Moodle"]
    assert desk.read.room.count(schema.alignment) == 0
