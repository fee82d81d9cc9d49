"""The schema: migrations and tables say the same, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, update

from lti_tool.storage import schema
from lti_tool.storage.database import Database
from lti_tool.storage.schema import metadata
from tests.lti_tool.published import District, put


def test_the_migrations_make_exactly_the_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_may_be_run_again(database: Database) -> None:
    database.upgrade()
    assert database.is_current()


def test_a_cleared_database_has_the_schema_and_nothing_in_it(
    database: Database,
) -> None:
    database.clear()
    assert database.is_current()
    assert set(metadata.tables) <= set(inspect(database.engine).get_table_names())


def test_the_newest_revisions_can_be_taken_back_and_made_again(
    database: Database,
) -> None:
    with database.migrating() as settings:
        command.downgrade(settings, "0007")
    assert not database.is_current()
    database.upgrade()
    assert database.is_current()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_going_down_and_up_again_loses_only_what_the_older_schema_cannot_hold(
    database: Database,
) -> None:
    district = District(database)
    at = datetime(2026, 11, 29, tzinfo=UTC)
    with database.write() as session:
        told: dict[str, object] = {
            "destination": "ags",
            "course_id": district.courses["hill"],
            "person_id": district.people["hill/ada"],
            "maximum": 100.0,
            "basis": {},
            "state": "delivered",
            "due_at": at,
            "created_at": at,
        }
        of_one = put(
            session, schema.delivery, competency_id=district.competencies[0], **told
        )
        of_all = put(session, schema.delivery, competency_id=None, **told)
        comparing = put(
            session,
            schema.reconciliation,
            ordered_by="test",
            read_back={},
            unread=[],
            found=2,
            started_at=at,
            ended_at=at,
        )
        for one in (of_one, of_all):
            put(
                session,
                schema.difference,
                reconciliation_id=comparing,
                delivery_id=one,
                status="open",
                found_at=at,
            )
        gone = schema.attainment.c
        session.execute(
            update(schema.attainment)
            .where(gone.person_id == district.people["hill/bo"])
            .values(withdrawn_at=at)
        )
    with database.migrating() as settings:
        command.downgrade(settings, "0009")
    database.upgrade()
    with database.read() as session:
        kept = session.scalars(select(schema.delivery.c.id)).all()
        open_ones = session.scalars(select(schema.difference.c.delivery_id)).all()
        levels = session.scalars(select(gone.person_id)).all()
    assert (kept, open_ones) == ([of_one], [of_one])
    assert district.people["hill/bo"] not in levels
    assert len(levels) == 9
