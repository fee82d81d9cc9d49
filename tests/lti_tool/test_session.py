"""A transaction that the first statement begins, and questions that stand alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from lti_tool.storage import registrations, schema
from lti_tool.storage.database import Database, make_engine
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.session import Known, Session

TABLE = schema.registration
BY_CLIENT = Known(
    select(TABLE.c.id, TABLE.c.jwks, TABLE.c.clock_skew_seconds, TABLE.c.expires_at)
    .where(TABLE.c.client_id == bindparam("client"))
    .where(TABLE.c.expires_at > bindparam("now"))
)
TAKE = Known(delete(TABLE).where(TABLE.c.client_id == bindparam("client")))
ADDRESSES = {
    "auth_url": "https://lms/a",
    "token_url": "https://lms/t",
    "jwks_url": "https://lms/k",
}
ENDS = datetime(2026, 12, 24, 18, 30, tzinfo=UTC)


def register(database: Database, now: datetime) -> int:
    new = NewRegistration(
        name="LMS",
        issuer="https://lms",
        client_id="us",
        **ADDRESSES,
        jwks={"keys": []},
    )
    with database.write() as session:
        found = registrations.add_registration(session, new, now=now)
        changes = {"expires_at": ENDS, "clock_skew_seconds": 1.5}
        session.execute(update(TABLE).where(TABLE.c.id == found).values(**changes))
    return found


def fail_after_taking(database: Database, counts: list[int]) -> None:
    with database.write() as session:
        counts.extend(session.count(TAKE, {"client": "us"}) for _ in range(2))
        raise RuntimeError


def test_a_question_answers_what_a_transaction_answers(
    database: Database, now: datetime
) -> None:
    number = register(database, now)
    asked = {"client": "us", "now": now}

    alone = database.ask().first(BY_CLIENT, asked)
    with database.read() as session:
        within = session.first(BY_CLIENT, asked)

    assert alone is not None
    assert within is not None
    assert list(alone) == list(within) == [number, {"keys": []}, 1.5, ENDS]
    assert database.ask().first(BY_CLIENT, {"client": "them", "now": now}) is None
    assert database.ask().first(BY_CLIENT, {"client": "us", "now": ENDS}) is None


def test_a_question_leaves_no_transaction_open(
    database: Database, now: datetime
) -> None:
    register(database, now)

    assert database.ask().first(BY_CLIENT, {"client": "us", "now": now})
    with database.write() as session:
        session.execute(TAKE.statement, {"client": "us"})

    assert database.ask().first(BY_CLIENT, {"client": "us", "now": now}) is None


def test_a_known_change_counts_its_rows_and_falls_with_its_transaction(
    database: Database, now: datetime
) -> None:
    register(database, now)

    counts: list[int] = []
    with pytest.raises(RuntimeError):
        fail_after_taking(database, counts)
    assert counts == [1, 0]
    assert database.ask().first(BY_CLIENT, {"client": "us", "now": now})

    with database.write() as session:
        assert session.count(TAKE, {"client": "us"}) == 1
    assert database.ask().first(BY_CLIENT, {"client": "us", "now": now}) is None


def test_what_a_reading_session_wrote_is_not_kept(
    database: Database, now: datetime
) -> None:
    number = register(database, now)

    with database.read() as session:
        session.execute(update(TABLE).values(name="other"))

    with database.read() as session:
        names = select(TABLE.c.name).where(TABLE.c.id == number)
        assert session.scalar(names) == "LMS"


def test_a_question_the_database_refuses_is_told_without_its_values(
    database: Database, now: datetime
) -> None:
    register(database, now)
    with database.write() as session:
        session.execute(text("ALTER TABLE registration RENAME TO hidden"))

    with pytest.raises(DBAPIError) as caught:
        database.ask().first(BY_CLIENT, {"client": "secret-client", "now": now})

    assert "secret-client" not in str(caught.value)
    with database.read() as session:  # and the next connection is whole
        assert session.scalar(select(1)) == 1


def test_a_writer_kept_waiting_too_long_is_told_the_database_is_locked(
    tmp_path: Path,
) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/one.sqlite3", busy_seconds=0)
    writing = engine.execution_options(writes=True)
    first, second = Session(writing), Session(writing)
    first.execute(text("CREATE TABLE note (id integer)"))

    with pytest.raises(OperationalError, match="database is locked"):
        second.execute(insert(schema.registration))

    second.end(keeps=False)
    first.end(keeps=True)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM note")) == 0
    engine.dispose()
