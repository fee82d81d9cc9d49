"""Live checks of a platform: what they find at the pretend LMS, sound and at fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lti_tool.settings import Settings
from lti_tool.storage import registrations, schema
from lti_tool.storage.database import Database
from lti_tool.work.check_words import FINDINGS, TITLES, Checked
from lti_tool.work.checks import SCOPES, load_checks, run_checks
from tests.lti_tool.conftest import Serve, World, make_world
from tests.ports import free_port

READ = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"


def change(world: World, **values: object) -> None:
    table = schema.registration
    with world.database.write() as session:
        session.execute(
            table.update().where(table.c.id == world.registration_id).values(**values)
        )


def check(world: World, clock: Callable[[], datetime] | None = None) -> Checked:
    return run_checks(
        world.database,
        world.settings,
        world.registration_id,
        **({"clock": clock} if clock else {}),
    )


def states(checked: Checked) -> dict[str, str]:
    return {one.name: one.state for one in checked.checks}


def found(checked: Checked) -> dict[str, str]:
    return {one.name: one.finding for one in checked.checks}


def test_a_platform_that_is_set_up_whole_passes_every_check(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    world = make_world(database, serve, tmp_path)
    assert world.open("tea").status_code == 200
    checked = check(world)
    assert [one for one in checked.checks if one.state != "ok"] == []
    assert list(states(checked)) == [
        name for name in TITLES if not name.startswith(("outcomes", "reading"))
    ]
    said = {one.name: one.text for one in checked.checks}
    assert said["issuer"] == "localhost answers."
    assert said["keys"] == f"1 usable keys of 1: {world.lms.key.kid} (RSA 2048 bits)."
    assert said["our_keys"].endswith(f"key set at {world.tool_url}/lti/jwks.")
    assert said["scope:lineitem.readonly"] == f"Granted: {READ}"
    assert said["deployment"] == "Approved deployments: 1."
    assert said["members"].endswith(": 2 on the first page of one course.")
    with database.read() as session:
        assert load_checks(session, world.registration_id) == checked


def test_checks_of_a_platform_nobody_opened_wait_for_that(unapproved: World) -> None:
    with unapproved.database.read() as session:
        assert load_checks(session, unapproved.registration_id) is None
    waiting = found(check(unapproved))
    assert {name: waiting[name] for name in ("deployment", "launch", "members")} == {
        "deployment": "deployment_none",
        "launch": "launch_none",
        "members": "no_course",
    }
    unapproved.open("tea")
    told = {one.name: one for one in check(unapproved).checks}
    assert told["deployment"].text == (
        f"Deployments that wait for approval: {unapproved.deployment_id}."
    )


def test_a_platform_that_is_not_reachable_is_asked_once(world: World) -> None:
    port = free_port()
    dead = f"http://127.0.0.1:{port}"
    change(world, issuer=dead, jwks_url=f"{dead}/jwks", token_url=f"{dead}/token")
    checked = check(world)
    assert found(checked) == {
        "issuer": "issuer_silent",
        "keys": "keys_silent",
        "clock": "clock_unknown",
        "our_keys": "token_silent",
        **dict.fromkeys(SCOPES, "after_token"),
        "deployment": "deployment_known",
        "launch": "launch_none",
        "members": "no_course",
        "line_items": "no_course",
    }
    assert {one.name for one in checked.checks if one.is_silent} == {
        "issuer",
        "keys",
        "our_keys",
    }
    said = next(one for one in checked.checks if one.name == "issuer")
    assert said.text == "Nothing answers: 127.0.0.1 cannot be reached."
    assert "127.0.0.1 through the firewall" in said.fix


def test_an_address_inside_the_network_is_not_gone_to(world: World) -> None:
    world.settings = Settings(
        data_dir=world.settings.data_dir,
        secret_key_file=world.settings.secret_key_file,
        public_url=world.tool_url,
    )
    told = found(check(world))
    assert (told["issuer"], told["keys"], told["our_keys"]) == ("address",) * 3


def test_a_key_set_without_a_key_of_use_is_a_problem(
    world: World, serve: Serve
) -> None:
    from tests.faults.conftest import Site  # noqa: PLC0415

    port = free_port()
    site = Site(f"http://localhost:{port}")
    serve(site, port)
    public = {**world.lms.key.as_dict(private=False), "use": "enc"}
    change(world, jwks_url=site.publish("/jwks", public))
    said = {one.name: one for one in check(world).checks}["keys"]
    assert (said.state, said.text) == (
        "problem",
        "The key set holds 1 keys and none that we can use.",
    )
    change(world, jwks_url=site.say("/gone", "404 Not Found"))
    said = {one.name: one for one in check(world).checks}["keys"]
    assert said.text == ("The key set cannot be fetched: the key set answers 404.")
    assert not said.is_silent


def test_a_platform_that_does_not_know_us_gives_no_token(world: World) -> None:
    change(world, client_id="somebody-else")
    told = {one.name: one for one in check(world).checks}
    assert told["our_keys"].state == "problem"
    assert told["our_keys"].text == (
        "The LMS does not accept our signature (invalid_client)."
    )
    assert "know client id somebody-else" in told["our_keys"].fix
    assert {told[name].state for name in SCOPES} == {"not tried"}


def test_a_scope_that_is_not_granted_is_named(world: World) -> None:
    class Less:
        """The manners of an LMS that grants reading alone."""

        def __init__(self, manners: object) -> None:
            self._manners = manners

        def __getattr__(self, name: str) -> object:
            return (READ,) if name == "scopes" else getattr(self._manners, name)

    world.lms.manners = Less(world.lms.manners)  # type: ignore[assignment] # played
    told = {one.name: one for one in check(world).checks}
    assert told["our_keys"].state == "ok"
    assert [name for name in SCOPES if told[name].state == "ok"] == [
        "scope:lineitem.readonly"
    ]
    assert told["scope:score"].text == (
        "Not granted: https://purl.imsglobal.org/spec/lti-ags/scope/score "
        "(invalid_scope)"
    )


@pytest.mark.parametrize(
    ("seconds", "finding"),
    [(5, "clock_near"), (45, "clock_drifts"), (90, "clock_far"), (-90, "clock_far")],
)
def test_the_clocks_are_compared_by_the_date_of_an_answer(
    quiet_world: World, seconds: int, finding: str
) -> None:
    def skewed() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    assert found(check(quiet_world, skewed))["clock"] == finding


def test_a_skew_seen_in_launches_counts_too(world: World) -> None:
    change(world, clock_skew_seconds=75.0)
    told = {one.name: one for one in check(world).checks}
    assert told["clock"].text == (
        "The clocks differ by 75 seconds; up to 60 are allowed."
    )


def test_a_registration_that_waits_is_not_spoken_for(world: World) -> None:
    change(world, status="pending")
    told = found(check(world))
    assert {told[name] for name in ("our_keys", *SCOPES)} == {"not_active"}
    assert told["keys"] == "keys_fetched"


def test_every_finding_can_be_said(quiet_world: World) -> None:
    del quiet_world
    values = dict.fromkeys(
        ("host", "problem", "kids", "bits", "url", "error", "client_id", "scope",
         "waiting", "at", "code", "reference", "interface", "account",
         "names", "said"), "x",
    ) | dict.fromkeys(
        ("count", "entries", "seconds", "status", "courses", "scales", "platform"), 1
    )  # fmt: skip
    assert all((one.text % values and one.fix % values) is not None
               for one in FINDINGS.values())  # fmt: skip
    assert [
        name for name, one in FINDINGS.items() if one.state == "problem" and not one.fix
    ] == []


def test_a_launch_is_written_down_once_a_minute(world: World) -> None:
    world.open("tea")
    with world.database.read() as session:
        first = registrations.load_registration(session, world.registration_id)
        at = session.scalar(schema.registration.select().with_only_columns(
            schema.registration.c.launched_at))  # fmt: skip
    assert first.is_active
    world.open("ana")
    with world.database.read() as session:
        again = session.scalar(schema.registration.select().with_only_columns(
            schema.registration.c.launched_at))  # fmt: skip
    assert at is not None
    assert again == at
