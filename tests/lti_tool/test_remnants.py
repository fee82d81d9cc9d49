"""What ran out goes, and nothing that ran out keeps anything else from going."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from lti_tool.storage import accounts, attempts, passages, registrations, schema, visits
from lti_tool.storage.database import Database, Session
from lti_tool.storage.logins import LoginState, save_login
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.remnants import sweep_remnants
from lti_tool.storage.visits import Visit

TABLES = ("login_state", "passage", "web_session", "admin_session", "sign_in_failure")
PLATFORM = NewRegistration(
    name="LMS",
    issuer="https://lms.example",
    client_id="us",
    auth_url="https://lms.example/auth",
    token_url="https://lms.example/token",  # noqa: S106 -- an address
    jwks_url="https://lms.example/jwks",
)


def add_person(session: Session, now: datetime) -> int:
    names = {"given_name": "A", "family_name": "B", "display_name": "A B"}
    return int(
        session.scalar(
            insert(schema.person)
            .values(**names, created_at=now)
            .returning(schema.person.c.id)
        )
        or 0
    )


def open_with_passage(session: Session, visit: Visit, now: datetime) -> None:
    """A visit whose person asked for a new tab that the browser did not open."""
    sid = visits.open_visit(session, visit, browser_hash="h", now=now)
    found = visits.find_visit(session, sid)
    assert found is not None
    passages.save_passage(session, found["id"], "mastery", now=now)


def counts(session: Session) -> dict[str, int]:
    tables = schema.metadata.tables
    return {
        name: session.scalar(select(func.count()).select_from(tables[name])) or 0
        for name in TABLES
    }


@pytest.mark.parametrize(
    ("role", "after"),
    [("learner", timedelta(days=8)), ("instructor", timedelta(minutes=5))],
    ids=["a week later", "in another role"],
)
def test_a_tab_that_was_never_opened_keeps_nobody_out(
    database: Database, now: datetime, role: str, after: timedelta
) -> None:
    with database.write() as session:
        person_id = add_person(session, now)
        open_with_passage(session, Visit(person_id=person_id, role="learner"), now)
    with database.write() as session:
        visit = Visit(person_id=person_id, role=role)
        visits.open_visit(session, visit, browser_hash="h", now=now + after)
    with database.read() as session:
        assert (counts(session)["web_session"], counts(session)["passage"]) == (1, 0)


def test_what_ran_out_goes_by_night_though_nobody_comes(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        visit = Visit(person_id=add_person(session, now), role="learner")
        open_with_passage(session, visit, now)
        registration_id = registrations.add_registration(session, PLATFORM, now=now)
        login = LoginState(
            state_hash="s",
            nonce_hash="n",
            binding_hash="b",
            registration_id=registration_id,
            lti_deployment_id=None,
            target_link_uri="https://tool.example/lti/launch",
            remote_address=None,
        )
        save_login(session, login, now=now)
        names = {"username": "rosa", "display_name": "R", "password_hash": "x"}
        rosa = accounts.add_account(session, **names, now=now)
        accounts.open_session(session, rosa, now=now)
        attempts.open_attempt(session, ["account:rosa"], now=now)
        held = counts(session)
        sweep_remnants(session, now=now + timedelta(seconds=59))
        assert counts(session) == held == dict.fromkeys(TABLES, 1)
        assert sweep_remnants(session, now=now + timedelta(days=8)) == len(TABLES)
        assert counts(session) == dict.fromkeys(TABLES, 0)
