"""Platforms, our keys, logins and visits as they are kept, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey
from sqlalchemy import select

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import keys, logins, registrations, schema, visits
from lti_tool.storage.database import Database
from lti_tool.storage.logins import LoginState
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.secrets import decrypt, encrypt
from lti_tool.storage.visits import Visit

SECRET = b"k" * 32
ADDRESSES = {
    "auth_url": "https://lms/a",
    "token_url": "https://lms/t",
    "jwks_url": "https://lms/k",
}


def add(database: Database, now: datetime, client_id: str = "us", *ids: str) -> int:
    new = NewRegistration(
        name="LMS", issuer="https://lms", client_id=client_id, **ADDRESSES
    )
    with database.write() as session:
        return registrations.add_registration(session, new, deployment_ids=ids, now=now)


def test_a_platform_is_found_by_its_exact_pair(
    database: Database, now: datetime
) -> None:
    one, two = add(database, now, "us"), add(database, now, "them")
    with database.read() as session:
        found = registrations.find_registration(session, "https://lms", "us")
        missed = registrations.find_registration(session, "https://lms/", "us")
        of_issuer = registrations.find_of_issuer(session, "https://lms")
    assert found
    assert (found.id, found.is_active, missed) == (one, True, None)
    assert [each.id for each in of_issuer] == [one, two]


def test_a_platform_is_registered_once(database: Database, now: datetime) -> None:
    add(database, now)
    with pytest.raises(ConfigError) as error:
        add(database, now)
    assert str(error.value) == (
        "a platform with issuer https://lms and client id us is registered already; "
        "see `platform list`, and edit that one or approve a deployment of it"
    )
    with database.read() as session:
        assert len(registrations.load_registrations(session)) == 1


def test_a_platform_that_is_not_there_is_named(database: Database) -> None:
    with database.read() as session, pytest.raises(NotFoundError) as error:
        registrations.load_registration(session, 7)
    assert str(error.value) == "no platform has the id 7; see `platform list`"


def states(database: Database, registration_id: int) -> list[tuple[str, str]]:
    with database.read() as session:
        found = registrations.load_deployments(session, registration_id)
    return [(one["deployment_id"], one["status"]) for one in found]


def test_a_deployment_waits_until_it_is_approved(
    database: Database, now: datetime
) -> None:
    registration_id = add(database, now, "us", "1")
    with database.write() as session:
        for _ in range(2):
            for name in ("1", "2"):
                registrations.hold_deployment(session, registration_id, name, now=now)
    assert states(database, registration_id) == [("1", "active"), ("2", "pending")]
    with database.write() as session:
        registrations.activate_deployment(session, registration_id, "2", now=now)
    assert states(database, registration_id) == [("1", "active"), ("2", "active")]


def test_no_more_than_so_many_deployments_wait(
    database: Database, now: datetime
) -> None:
    registration_id = add(database, now)
    with database.write() as session:
        for number in range(registrations.MAX_PENDING + 5):
            registrations.hold_deployment(
                session, registration_id, str(number), now=now
            )
    assert len(states(database, registration_id)) == registrations.MAX_PENDING


def test_the_difference_of_the_clocks_settles(
    database: Database, now: datetime
) -> None:
    registration_id = add(database, now)
    found = []
    for seconds in (40.0, 41.0, 90.0):
        with database.write() as session:
            registration = registrations.load_registration(session, registration_id)
            registrations.note_skew(session, registration, seconds)
            found.append(
                registrations.load_registration(
                    session, registration_id
                ).clock_skew_seconds
            )
    assert found == [40.0, 40.0, 50.0]


def test_our_keys_rotate_without_a_gap(database: Database, now: datetime) -> None:
    published: list[list[str]] = []
    for _ in range(3):
        with database.write() as session:
            keys.ensure(session, SECRET, now=now)
            published.append([key["kid"] for key in keys.load_public(session, SECRET)])
            keys.rotate(session, SECRET, now=now)
    first, second, third = published
    assert [len(kids) for kids in published] == [2, 3, 3]
    assert second[0] == first[1]
    assert second[2] == first[0]
    assert third[0] == second[1]
    assert first[0] not in third


def test_what_we_sign_verifies_with_what_we_publish(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        keys.ensure(session, SECRET, now=now)
        signing = keys.load_current(session, SECRET)
        public = keys.load_public(session, SECRET)[0]
    text = jws.serialize_compact(
        {"alg": "RS256"}, b"{}", signing.private_key, algorithms=["RS256"]
    )
    jws.deserialize_compact(text, RSAKey.import_key(public), algorithms=["RS256"])
    assert public["kid"] == signing.kid
    assert "private" not in repr(signing)


def test_private_keys_are_unreadable_in_the_database(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        keys.ensure(session, SECRET, now=now)
    with database.read() as session:
        kept = session.scalars(select(schema.tool_key.c.private_key)).all()
        assert not any("PRIVATE" in text for text in kept)
        with pytest.raises(ConfigError, match="does not open with the key"):
            keys.load_current(session, b"x" * 32)


def test_there_is_no_key_before_one_is_made(database: Database) -> None:
    with database.read() as session, pytest.raises(LookupError):
        keys.load_current(session, SECRET)


def test_a_secret_comes_back_as_it_went_in() -> None:
    one, two = encrypt("wörd", SECRET), encrypt("wörd", SECRET)
    assert one != two
    assert decrypt(one, SECRET) == "wörd"
    for damaged in (one[:-6] + "AAAAAA", "v1.", "plain text", "v1.é"):
        with pytest.raises(ConfigError):
            decrypt(damaged, SECRET)


def login(registration_id: int, state: str = "s") -> LoginState:
    return LoginState(
        state_hash=state,
        nonce_hash="n",
        binding_hash="b",
        registration_id=registration_id,
        lti_deployment_id=None,
        target_link_uri="https://us/lti/launch",
        remote_address="192.0.2.1",
    )


def test_a_login_is_used_up_by_one_of_many(database: Database, now: datetime) -> None:
    one = login(add(database, now))
    with database.write() as session:
        logins.save_login(session, one, now=now)

    def consume() -> bool:
        with database.write() as session:
            return logins.consume_login(session, "s")

    with ThreadPoolExecutor(8) as pool:
        taken = [pool.submit(consume) for _ in range(8)]
        assert sorted(each.result() for each in taken) == [False] * 7 + [True]


def test_a_login_runs_out_and_is_swept_away(database: Database, now: datetime) -> None:
    one = login(add(database, now))
    with database.write() as session:
        logins.save_login(session, one, now=now)
    for minutes, found in ((9, one), (10, None)):
        with database.read() as session:
            later = now + timedelta(minutes=minutes)
            held = logins.find_login(session, "s", now=later)
            assert (held[0] if held else None) == found
    with database.write() as session:
        later = now + timedelta(minutes=11)
        logins.save_login(session, login(one.registration_id, "t"), now=later)
        left = session.scalars(select(schema.login_state.c.state_hash)).all()
    assert left == ["t"]


def person(database: Database, now: datetime) -> int:
    table = schema.person
    values = {"given_name": "A", "family_name": "B", "display_name": "A B"}
    with database.write() as session:
        statement = table.insert().values(**values, created_at=now)
        return int(session.scalar(statement.returning(table.c.id)) or 0)


def test_a_visit_lives_eight_hours_or_sixty_idle_minutes(
    database: Database, now: datetime
) -> None:
    visit = Visit(person_id=person(database, now), role="learner")
    with database.write() as session:
        sid = visits.open_visit(session, visit, browser_hash="b", now=now)
        found = visits.find_visit(session, sid)
    assert found

    def alive(minutes: int, seen: int) -> bool:
        row: dict[str, Any] = {**found, "seen_at": now + timedelta(minutes=seen)}
        return visits.is_alive(row, now + timedelta(minutes=minutes))

    assert [alive(59, 0), alive(60, 0), alive(479, 470), alive(480, 470)] == [
        True, False, True, False,
    ]  # fmt: skip
    assert not visits.is_worth_touching(found, now + timedelta(seconds=59))
    assert visits.is_worth_touching(found, now + timedelta(seconds=60))


def test_a_new_role_ends_the_visit_in_the_old_one(
    database: Database, now: datetime
) -> None:
    who = person(database, now)
    with database.write() as session:
        sids = [
            visits.open_visit(
                session, Visit(person_id=who, role=role), browser_hash=browser, now=now
            )
            for role, browser in (
                ("instructor", "b"), ("instructor", "other"), ("learner", "b"),
            )
        ]  # fmt: skip
        found = [visits.find_visit(session, sid) is not None for sid in sids]
    assert found == [False, True, True]


def test_a_platform_switched_off_ends_its_visits(
    database: Database, now: datetime
) -> None:
    registration_id = add(database, now)
    visit = Visit(
        person_id=person(database, now), role="learner", registration_id=registration_id
    )
    with database.write() as session:
        logins.save_login(session, login(registration_id), now=now)
        sid = visits.open_visit(session, visit, browser_hash="b", now=now)
        registrations.disable_registration(session, registration_id)
        assert visits.find_visit(session, sid) is None
        assert logins.find_login(session, "s", now=now) is None
        assert not registrations.load_registration(session, registration_id).is_active
