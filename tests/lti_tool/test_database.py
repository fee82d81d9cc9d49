"""The schema: migrations and tables say the same, on both databases."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from lti_tool.storage.database import Database
from lti_tool.storage.schema import metadata


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
