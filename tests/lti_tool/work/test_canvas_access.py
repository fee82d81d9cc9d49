"""Access to a Canvas: its token, our pace, and the whole way by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from click.testing import CliRunner
from pydantic import TypeAdapter

from lti_tool.cli import masterybridge
from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.canvas_rest import CanvasRest, Pace
from lti_tool.platforms.canvas_tokens import (
    CanvasToken,
    Credential,
    exchanged,
    format_credential,
    parse_credential,
    root_of,
)
from lti_tool.platforms.http import GuardedSession
from lti_tool.storage import outcomes_settings, registrations, secrets
from lti_tool.work import checks
from tests.lti_tool.work.canvas_school import (
    KEY,
    A,
    School,
    opened,
    release,
    taught,
    teach,
)
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

# What the stand-in takes, and what it does not.
FIRST, AGAIN, WORD, OTHER = "first-token", "refresh-me", "word", "another"
NONE, BARE = "", "abc~1"
RENEWING = Credential(
    access_token=FIRST,
    refresh_token=AGAIN,
    client_id="7",
    client_secret=WORD,
    expires_at=NOON + timedelta(hours=1),
    account="1",
)


@pytest.fixture
def school(room: Classroom, serve: Callable[..., str]) -> Iterator[School]:
    with opened(room, serve) as made:
        yield made


def test_a_token_that_ends_is_renewed_and_kept(school: School) -> None:
    school.token(format_credential(RENEWING))
    school.canvas.token = OTHER
    taught(school, ana=9.0)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.renewals == 1
    held = stored(school)
    assert held.access_token == school.canvas.token
    assert held.refresh_token == AGAIN
    assert held.account == "1"
    school.clock.move(hours=2)
    school.level("ana", "lab", 4.0)
    school.deliver()
    assert school.canvas.renewals == 2


def test_a_token_that_was_revoked_blocks_and_says_what_to_do(school: School) -> None:
    """C24: launches go on; what waits goes out once Canvas is connected again."""
    school.canvas.token = OTHER
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                "127.0.0.1 answered 401 (Invalid access token.): it takes our token "
                "no more; connect Canvas again"
            ),
        )
    ]


def test_a_refresh_token_that_was_revoked_is_noted_until_canvas_is_connected_again(
    school: School, tmp_path: Path
) -> None:
    school.token(format_credential(RENEWING))
    school.canvas.token = school.canvas.refresh = OTHER
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states() == [("blocked", "auth")]
    noted = school.clock()
    assert refused_at(school) == noted
    school.level("ana", "lab", 4.0)
    assert school.deliver() == {"blocked": 1}
    assert refused_at(school) == noted  # since then, not the last time
    token = tmp_path / "token"
    token.write_text(OTHER)
    commands(tmp_path)("platform", "edit", "1", "--outcomes-token-file", str(token))
    assert refused_at(school) is None
    release(school)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.6}


def refused_at(school: School) -> datetime | None:
    with school.room.database.read() as session:
        found = outcomes_settings.load_settings(session, school.registration_id)
    return found.refused_at


def stored(school: School) -> Credential:
    with school.room.database.read() as session:
        found = registrations.load_registration(session, school.registration_id)
    return parse_credential(secrets.decrypt(found.outcomes_token or "", KEY))


def test_a_code_an_administrator_comes_back_with_is_a_credential(
    school: School,
) -> None:
    school.canvas.codes["once"] = "https://tool.example/admin/canvas"
    with GuardedSession(frozenset({"127.0.0.1"})) as session:

        def exchange() -> Credential:
            return exchanged(
                session,
                school.canvas.url,
                Credential(access_token=NONE, client_id="7", client_secret=WORD),
                code="once",
                redirect_uri="https://tool.example/admin/canvas",
                now=NOON,
            )

        made = exchange()
        assert made.access_token == school.canvas.token
        assert made.refresh_token == school.canvas.refresh
        assert made.expires_at == NOON + timedelta(hours=1)
        with pytest.raises(DeliveryError, match="renews our access no more"):
            exchange()


def test_a_low_quota_is_let_come_back_before_it_is_used_up(school: School) -> None:
    rests: list[float] = []
    school.canvas.quota, school.canvas.cost = 140.0, 20.0
    with GuardedSession(frozenset({"127.0.0.1"})) as session:
        token = CanvasToken(
            session,
            school.canvas.url,
            Credential(access_token=FIRST),
            clock=school.clock,
        )
        rest = CanvasRest(session, token, Pace(sleep=rests.append))
        for _ in range(3):
            rest.get("/users/self", TypeAdapter(Any))
    assert rests == [3.0, 5.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no token"),
        ("two words", "is no token"),
        ("{}", "needs access_token"),
        ('{"refresh_token": "a"}', "needs access_token"),
        ('{"token": "a"}', r"cannot be read \(token\)"),
        ("{", r"cannot be read \(JSON\)"),
    ],
)
def test_a_token_file_that_is_none_is_refused_without_its_text(
    text: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_credential(text)


def test_a_token_file_is_a_bare_token_or_a_document() -> None:
    assert parse_credential(" abc~1 \n") == Credential(access_token=BARE)
    assert parse_credential(format_credential(RENEWING)) == RENEWING
    assert "refresh-me" not in repr(RENEWING)


@pytest.mark.parametrize(
    "url", ["https://a.example", "https://a.example/", "https://a.example/api/v1/"]
)
def test_the_address_of_a_canvas_may_have_the_interface_in_it(url: str) -> None:
    assert root_of(url) == "https://a.example"


def test_canvas_is_switched_on_delivered_to_and_compared_by_the_command_line(
    school: School, tmp_path: Path
) -> None:
    run = commands(tmp_path)
    school.canvas.now = lambda: datetime.now(UTC)
    taught(school, ana=9.0, ben=4.0)
    school.room.switch("canvas", is_on=False)
    token = tmp_path / "token"
    token.write_text("first-token\n")
    run("platform", "edit", "1", "--outcomes-token-file", str(token))
    course = str(school.room.course_id)
    shown = run("course", "set", course, "--destination", "canvas=on")
    assert shown["destinations"]["canvas"] is True
    due = run("outcomes", "deliver", "--dry-run")["due"]
    assert [one["value"] for one in due] == [3.6, 1.6]
    assert school.canvas.shown(school.course) == {}
    assert run("outcomes", "deliver")["ended"] == {"delivered": 2}
    assert school.canvas.shown(school.course) == {("ana", A): 3.6, ("ben", A): 1.6}
    assert run("outcomes", "reconcile")["differences"] == []
    teach(school, "ben", 2.5)
    assert len(run("outcomes", "reconcile", status=1)["differences"]) == 1


def commands(folder: Path) -> Callable[..., Any]:
    key = folder / "secret.key"
    key.write_bytes(KEY)
    env = {
        "MASTERYBRIDGE_DATABASE_URL": f"sqlite:///{folder}/room.sqlite3",
        "MASTERYBRIDGE_SECRET_KEY_FILE": str(key),
        "MASTERYBRIDGE_DATA_DIR": str(folder),
        "MASTERYBRIDGE_LOCAL_NETWORK": "127.0.0.1",
    }

    def run(*words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        try:
            result = CliRunner(env=env).invoke(masterybridge, [*words, "--json"])
        finally:
            structlog.reset_defaults()
        assert result.exit_code == status, result.output
        assert "first-token" not in result.output
        return json.loads(result.stdout)

    return run


def test_a_platforms_check_renews_the_token_it_tries(
    school: School, tmp_path: Path
) -> None:
    run = commands(tmp_path)
    for held, finding in (
        (format_credential(RENEWING), "outcomes_answers"),
        (OTHER, "outcomes_refused"),
    ):
        school.token(held)
        run("platform", "check", "1", status=1)
        with school.room.database.read() as session:
            checked = checks.load_checks(session, school.registration_id)
        assert checked is not None
        assert [one.finding for one in checked.checks if one.name == "outcomes"] == [
            finding
        ]
    assert school.canvas.renewals == 1
