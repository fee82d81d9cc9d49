"""A grade over all competencies, grades read from an LMS, what a SIS re-keyed.

Made by Alembic from the metadata and frozen: changes come as new revisions.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_DELIVERY, _LINE_ITEM = (
    sa.table(name, sa.column("id"), sa.column("competency_id"))
    for name in ("delivery", "line_item")
)
_ATTAINMENT = sa.table("attainment", sa.column("withdrawn_at"))
_COLUMN = sa.table("line_item", sa.column("destination"), sa.column("kind"))
_DIFFERENCE = sa.table("difference", sa.column("delivery_id"))
_SUMMARY = sa.text("competency_id IS NULL")
_PENDING = sa.text("state = 'pending'")
_PENDING_SUMMARY = sa.text("state = 'pending' AND competency_id IS NULL")
_REFERENCES = (
    ("source", "registration_id", "registration"),
    ("assignment", "twin_id", "assignment"),
)


def upgrade() -> None:
    """Add the tables and columns; a delivery may be of no competency."""
    for table, column in _later():
        op.add_column(table, column)
    for table, name, to in _REFERENCES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
            batch_op.create_foreign_key(op.f(f"fk_{table}_{name}"), to, [name], ["id"])
            batch_op.create_index(op.f(f"ix_{table}_{name}"), [name], unique=False)
    op.drop_index("uq_delivery_pending", table_name="delivery")
    _let_competency(is_null=True)
    _make_pending()
    op.create_index(
        "uq_delivery_pending_summary",
        "delivery",
        ["destination", "course_id", "person_id"],
        unique=True,
        sqlite_where=_PENDING_SUMMARY,
        postgresql_where=_PENDING_SUMMARY,
    )
    op.create_index(
        "uq_line_item_summary",
        "line_item",
        ["destination", "course_id", "placement_id"],
        unique=True,
        sqlite_where=_SUMMARY,
        postgresql_where=_SUMMARY,
    )
    _know_sis_columns()
    _create_tables()


def _know_sis_columns() -> None:
    """Until now a SIS was told of assessments alone."""
    op.execute(
        _COLUMN.update()
        .where(_COLUMN.c.destination == "oneroster")
        .values(kind="assessment")
    )
    op.create_index(
        "ix_line_item_sis",
        "line_item",
        ["source_id", "address"],
        unique=False,
        sqlite_where=sa.text("source_id IS NOT NULL"),
        postgresql_where=sa.text("source_id IS NOT NULL"),
    )


def _later() -> tuple[tuple[str, sa.Column[object]], ...]:
    return (
        (
            "registration",
            sa.Column("services_busy_until", UtcDateTime(), nullable=True),
        ),
        (
            "registration",
            sa.Column("outcomes_settings", sa.JSON(none_as_null=True), nullable=True),
        ),
        (
            "registration",
            sa.Column(
                "is_read", sa.Boolean(), server_default=sa.false(), nullable=False
            ),
        ),
        ("assignment", sa.Column("web_url", sa.Text(), nullable=True)),
        ("assignment", sa.Column("twin_by", sa.String(length=64), nullable=True)),
        ("score", sa.Column("scored_at", UtcDateTime(), nullable=True)),
        ("score", sa.Column("minimum", sa.Float(), nullable=True)),
        ("score", sa.Column("maximum", sa.Float(), nullable=True)),
        (
            "course_destination",
            sa.Column("settings", sa.JSON(none_as_null=True), nullable=True),
        ),
        (
            "course_sending",
            sa.Column(
                "is_each", sa.Boolean(), server_default=sa.true(), nullable=False
            ),
        ),
        (
            "course_sending",
            sa.Column("summary", sa.JSON(none_as_null=True), nullable=True),
        ),
        ("line_item", sa.Column("kind", sa.String(length=16), nullable=True)),
        ("line_item", sa.Column("gone_at", UtcDateTime(), nullable=True)),
        (
            "delivery",
            sa.Column("unshown", sa.Integer(), server_default="0", nullable=False),
        ),
        ("attainment", sa.Column("withdrawn_at", UtcDateTime(), nullable=True)),
    )


def _make_pending() -> None:
    op.create_index(
        "uq_delivery_pending",
        "delivery",
        ["destination", "course_id", "person_id", "competency_id"],
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )


def _let_competency(*, is_null: bool) -> None:
    for table in ("delivery", "line_item"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column(
                "competency_id", existing_type=sa.Integer(), nullable=is_null
            )


def _create_tables() -> None:
    op.create_table(
        "sis_result",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("line_item_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["line_item_id"],
            ["line_item.id"],
            name=op.f("fk_sis_result_line_item_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sis_result_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sis_result")),
        sa.UniqueConstraint(
            "line_item_id",
            "person_id",
            name=op.f("uq_sis_result_line_item_id_person_id"),
        ),
    )
    op.create_table(
        "turn",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
        sa.UniqueConstraint("name", name=op.f("uq_turn_name")),
    )
    op.create_table(
        "lms_reading",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("cursor_at", UtcDateTime(), nullable=True),
        sa.Column("found", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("ordered_by", sa.String(length=64), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_lms_reading_placement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_reading")),
        sa.UniqueConstraint("placement_id", name=op.f("uq_lms_reading_placement_id")),
    )
    _create_erasure()
    for table, name in (
        ("sis_result", "line_item_id"),
        ("sis_result", "person_id"),
        ("lms_reading", "placement_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name], unique=False)


def _create_erasure() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("identity_hash", sa.String(length=64), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint(
            "kind",
            "place_id",
            "identity_hash",
            name=op.f("uq_erasure_kind_place_id_identity_hash"),
        ),
    )


def downgrade() -> None:
    """Drop what upgrade added; what is of no competency goes with it.

    So do levels nothing speaks for any more: before, they were not kept.
    """
    op.execute(_ATTAINMENT.delete().where(_ATTAINMENT.c.withdrawn_at.is_not(None)))
    for table in ("erasure", "lms_reading", "turn", "sis_result"):
        op.drop_table(table)
    op.drop_index("ix_line_item_sis", table_name="line_item")
    op.drop_index("uq_line_item_summary", table_name="line_item")
    op.drop_index("uq_delivery_pending_summary", table_name="delivery")
    op.drop_index("uq_delivery_pending", table_name="delivery")
    of_none = sa.select(_DELIVERY.c.id).where(_DELIVERY.c.competency_id.is_(None))
    op.execute(_DIFFERENCE.delete().where(_DIFFERENCE.c.delivery_id.in_(of_none)))
    for ours in (_DELIVERY, _LINE_ITEM):
        op.execute(ours.delete().where(ours.c.competency_id.is_(None)))
    _let_competency(is_null=False)
    _make_pending()
    for table, name, _to in _REFERENCES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_index(op.f(f"ix_{table}_{name}"))
            batch_op.drop_constraint(op.f(f"fk_{table}_{name}"), type_="foreignkey")
            batch_op.drop_column(name)
    for table, column in reversed(_later()):
        op.drop_column(table, column.name)
