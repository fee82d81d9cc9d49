"""Logins that one source begins and leaves: capped for all processes together.

Source: facts/security.md section 1.1 ("rows are capped per source and expire").
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from lti_tool.errors import LaunchError
from lti_tool.lti13.wrapping import Trace
from lti_tool.storage import schema
from lti_tool.storage.logins import LIFE, MOST_WAITING
from lti_tool.work.admission import Admission
from lti_tool.work.arrivals import Arrival
from tests.faults.conftest import Play, alone
from tests.lti_tool.conftest import World

NEAR, FAR = "192.0.2.7", "192.0.2.8"


def begin(world: World, address: str, at: datetime) -> str:
    """Begin a login in a process that has heard of no other: 'in', or the code."""
    door = Admission(world.database, world.settings, clock=lambda: at)
    fields = Play(alone(world)).login_fields()
    try:
        door.login(Arrival(fields=fields, remote_address=address), Trace())
    except LaunchError as error:
        return error.code
    return "in"


def leave(world: World, address: str, count: int, at: datetime) -> None:
    waiting = {
        "nonce_hash": "n",
        "binding_hash": "b",
        "registration_id": world.registration_id,
        "target_link_uri": f"{world.tool_url}/lti/launch",
        "remote_address": address,
        "expires_at": at + LIFE,
    }
    with world.database.write() as session:
        session.execute(
            insert(schema.login_state),
            [{**waiting, "state_hash": f"left-{one}"} for one in range(count)],
        )


@pytest.mark.parametrize(("left", "answer"), [(-1, "in"), (0, "E_RATE")])
def test_logins_left_waiting_are_capped_for_all_processes_together(
    world: World, left: int, answer: str
) -> None:
    now = datetime.now(UTC)
    leave(world, NEAR, MOST_WAITING + left, now)
    assert begin(world, NEAR, now) == answer
    assert begin(world, FAR, now) == "in"
    assert begin(world, NEAR, now + LIFE + timedelta(seconds=1)) == "in"
