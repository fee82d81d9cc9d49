"""Trials: registrations with keys of their own that end and leave nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select

from lti_tool.errors import LaunchError, NotFoundError
from lti_tool.lti13.keys import KeyCache
from lti_tool.lti13.wrapping import Trace
from lti_tool.settings import Settings
from lti_tool.storage import identities, registrations, schema, trials
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work.admission import Admission
from lti_tool.work.arrivals import Arrival
from tests.lti_tool.conftest import World

KEY = RSAKey.generate_key(2048, {"kid": "own", "use": "sig", "alg": "RS256"})


def add(database: Database, now: datetime, name: str = "trial") -> int:
    new = NewRegistration(
        name=name,
        issuer=f"https://{name}.invalid",
        client_id=name,
        auth_url=f"https://{name}.invalid/auth",
        token_url=f"https://{name}.invalid/token",
        jwks_url="",
        jwks={"keys": [KEY.as_dict(private=False)]},
    )
    with database.write() as session:
        return trials.add_trial(session, new, "1", now=now)


def hashes(database: Database) -> dict[str, str]:
    """What every table holds, in one word each."""
    with database.read() as session:
        return {
            table.name: hashlib.sha256(
                repr(sorted(map(repr, session.execute(select(table)).all()))).encode()
            ).hexdigest()
            for table in schema.metadata.sorted_tables
        }


def test_a_trial_is_no_platform_of_the_school(
    database: Database, now: datetime
) -> None:
    trial = add(database, now)
    with database.read() as session:
        assert registrations.load_registrations(session) == []
        assert registrations.load_registration(session, trial).has_expired(now) is False
        late = now + timedelta(minutes=15)
        assert registrations.load_registration(session, trial).has_expired(late)


def test_a_trial_that_ran_out_is_refused(
    database: Database, now: datetime, tmp_path: Path
) -> None:
    add(database, now)
    settings = Settings(data_dir=tmp_path, public_url="http://127.0.0.1:8000")
    at = now
    door = Admission(database, settings, clock=lambda: at)
    sent = {
        "iss": "https://trial.invalid",
        "client_id": "trial",
        "login_hint": "1",
        "target_link_uri": "http://127.0.0.1:8000/lti/launch",
    }
    door.login(Arrival(fields=sent), Trace())
    at = now + timedelta(minutes=15)
    with pytest.raises(LaunchError) as error:
        door.login(Arrival(fields=sent), Trace())
    assert str(error.value) == "E_DISABLED: this trial registration has run out"


def test_a_trial_goes_with_all_it_brought_and_nothing_else(
    database: Database, now: datetime
) -> None:
    before = hashes(database)
    trial = add(database, now)
    with database.write() as session:
        names = [identities.Names("A", "B", "A B")]
        (person,) = identities.add_people(session, names, now=now)
        users = [identities.LmsUser(subject="1")]
        row = identities.save_users(session, trial, users, now=now)["1"]
        link = identities.Link(row["id"], person, "alone", None)
        identities.link_users(session, [link], now=now)
    with database.write() as session:
        trials.remove_trial(session, trial)
    assert hashes(database) == before


def test_people_others_know_by_now_stay(database: Database, now: datetime) -> None:
    trial, other = add(database, now), add(database, now, "other")
    with database.write() as session:
        names = [identities.Names("A", "B", "A B")]
        (person,) = identities.add_people(session, names, now=now)
        for registration in (trial, other):
            users = [identities.LmsUser(subject="1")]
            row = identities.save_users(session, registration, users, now=now)["1"]
            link = identities.Link(row["id"], person, "alone", None)
            identities.link_users(session, [link], now=now)
        trials.remove_trial(session, trial)
        assert session.scalars(select(schema.person.c.id)).all() == [person]
        assert session.scalars(select(schema.lms_user.c.registration_id)).all() == [
            other
        ]


def test_a_platform_is_never_taken_for_a_trial(world: World) -> None:
    before = hashes(world.database)
    with world.database.write() as session:
        trials.remove_trial(session, world.registration_id)
    assert hashes(world.database) == before


def test_only_what_ran_out_is_swept(database: Database, now: datetime) -> None:
    old, new = add(database, now - timedelta(minutes=16), "old"), add(database, now)
    with database.write() as session:
        assert trials.sweep_trials(session, now=now) == 1
        assert registrations.load_registration(session, new).id == new
        with pytest.raises(NotFoundError):
            registrations.load_registration(session, old)


def test_a_key_set_held_by_the_registration_is_never_fetched() -> None:
    def fetch(_url: str) -> bytes:
        raise AssertionError("nothing is to be fetched")

    cache = KeyCache(fetch)
    text = json.dumps({"keys": [KEY.as_dict(private=False)]})
    assert cache.given_key(1, text, "own") is cache.given_key(1, text, "own")
    for wrong, code in ((text, "E_KID"), ("{}", "E_KEYS_UNAVAILABLE")):
        with pytest.raises(LaunchError) as error:
            cache.given_key(1, wrong, "other")
        assert error.value.code == code


def test_a_platform_may_hand_its_keys_out_as_a_file(
    world: World, play_by_file: Callable[[], int]
) -> None:
    before = play_by_file()
    assert world.open("tea").status_code == 200
    assert play_by_file() == before


@pytest.fixture
def play_by_file(world: World) -> Callable[[], int]:
    """The world's platform, its keys now a file's; tells how often they were asked."""
    asked = {"count": 0}
    inner = world.lms.app.view_functions["launch.jwks"]

    def counted() -> object:
        asked["count"] += 1
        return inner()

    world.lms.app.view_functions["launch.jwks"] = counted
    held = {"keys": [world.lms.key.as_dict(private=False)]}
    with world.database.write() as session:
        session.execute(schema.registration.update().values(jwks=held, jwks_url=""))
    return lambda: asked["count"]
