"""`platform check`: live checks, the last refusals, one diagnosis, a token examined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from lti_tool.cli import masterybridge
from lti_tool.storage import schema
from tests.faults.conftest import Play, alone
from tests.lti_tool.conftest import World

LTI = "https://purl.imsglobal.org/spec/lti/claim/"


def run(world: World, *words: str) -> Result:
    try:
        return invoke(world, words)
    finally:
        structlog.reset_defaults()


def invoke(world: World, words: tuple[str, ...]) -> Result:
    return CliRunner().invoke(
        masterybridge,
        ["platform", "check", *words],
        env={
            "MASTERYBRIDGE_DATABASE_URL": str(world.database.engine.url),
            "MASTERYBRIDGE_SECRET_KEY_FILE": str(world.settings.secret_key_file),
            "MASTERYBRIDGE_DATA_DIR": str(world.settings.data_dir),
            "MASTERYBRIDGE_PUBLIC_URL": world.tool_url,
            "MASTERYBRIDGE_LOCAL_NETWORK": "localhost,127.0.0.1",
        },
    )


def ask(world: World, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- JSON
    result = run(world, *words, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def test_a_sound_platform_passes_by_id_and_by_name(world: World) -> None:
    world.open("tea")
    (found,) = ask(world)
    assert [one["state"] for one in found["checks"]] == ["ok"] * 13
    assert (found["keys"], found["status"], found["refusals"]) == ("ok", "active", [])
    assert ask(world, "1")[0]["id"] == ask(world, "Pretend LMS")[0]["id"] == 1
    said = run(world).stdout
    assert "✓ The platform answers: localhost answers." in said
    error = ask(world, "nobody", status=1)["error"]
    assert error == "no platform has the id or name nobody; see `platform list`"


def test_refusals_are_listed_with_rule_section_and_fix(world: World) -> None:
    play = Play(alone(world))
    play.launch(lambda _, claims: claims.update(aud="7"))
    play.login({"iss": "https://nobody.example"})
    ours, strangers = ask(world, status=1)
    (one,) = ours["refusals"]
    assert (one["code"], one["section"]) == (
        "E_AUD",
        "1EdTech Security Framework 1.0, section 5.1.3, item 3",
    )
    assert one["here"].startswith("Mend the client id of the registration")
    assert strangers["platform"] is None
    assert [one["code"] for one in strangers["refusals"]] == ["E_ISS"]
    assert "Launches of no platform of ours" in run(world).stdout


def test_one_refused_launch_is_explained(world: World) -> None:
    play = Play(alone(world))
    answer = play.launch(
        lambda _, claims: claims.update({f"{LTI}deployment_id": "new-1"}),
        lti_deployment_id="new-1",
    )
    reference = answer.headers["X-MasteryBridge-Correlation"]
    found = ask(world, "--refusal", reference)
    assert (found["code"], found["stage"], found["is_signed"]) == (
        "E_DEPLOYMENT",
        "entry",
        True,
    )
    assert found["compared"] == [
        {
            "name": "deployment_id",
            "expected": "an approved deployment",
            "found": "new-1",
        }
    ]
    assert found["claims"]["name"] == "text of 9 characters"
    assert found["claims"][f"{LTI}deployment_id"] == "new-1"
    said = run(world, "--refusal", reference).stdout
    assert "approve with   masterybridge platform approve 1 new-1" in said
    for private in ("Ana", "Žebrė", "school.example", "eyJ"):
        assert private not in said
    missing = ask(world, "--refusal", "0" * 16, status=1)
    assert missing["error"].startswith("no refusal has the reference 0000000000000000")


def test_a_token_is_examined_and_not_printed(world: World, tmp_path: Path) -> None:
    play = Play(alone(world))
    fields = play.begin()
    file = tmp_path / "token"
    assert ask(world, "--token-file", str(file), status=1)["code"] == "file"
    file.write_text(fields["id_token"])
    assert ask(world, "--token-file", str(file))["accepted"] is True
    said = run(world, "--token-file", str(file)).stdout
    assert "Every check is passed" in said
    assert fields["id_token"][:40] not in said
    assert "Ana" not in said
    bad = play.begin(lambda _, claims: claims.pop(f"{LTI}roles"))
    file.write_text(f"id_token={bad['id_token']}&state={bad['state']}")
    found = ask(world, "--token-file", str(file), status=1)
    assert [one["code"] for one in found["refusals"]] == ["E_CLAIM"]
    assert found["refusals"][0]["compared"] == [
        {"name": "roles", "expected": "list of texts", "found": None}
    ]
    assert play.post(fields).status_code == 303


def test_a_platform_that_does_not_answer_exits_4_and_a_problem_1(world: World) -> None:
    def change(**values: str) -> None:
        with world.database.write() as session:
            session.execute(schema.registration.update().values(**values))

    change(token_url="http://localhost:9/token")  # noqa: S106 -- an address
    assert run(world).exit_code == 4
    change(client_id="somebody-else", token_url=f"{world.lms_url}/lti/token")
    assert run(world).exit_code == 1


@pytest.mark.parametrize("words", [("1", "--refusal", "x")])
def test_two_questions_at_once_are_a_usage_error(
    world: World, words: tuple[str, ...]
) -> None:
    assert run(world, *words).exit_code == 2
