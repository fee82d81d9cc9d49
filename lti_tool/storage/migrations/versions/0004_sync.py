"""Sources with settings, plans row by row, quarantine, links, scales, clients.

Made by Alembic from the metadata and frozen: changes come as new revisions. Longer
than our usual room, since it holds every table and column of the sync.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Indexes that other indexes make needless, and that cost a first sync its time.
NEEDLESS = (
    ("org", "source_id"),
    ("term", "source_id"),
    ("sis_course", "source_id"),
    ("sis_class", "source_id"),
    ("sis_user", "source_id"),
    ("demographics", "source_id"),
    ("enrollment", "source_id"),
    ("category", "source_id"),
    ("assignment", "source_id"),
    ("score", "source_id"),
    ("score", "person_id"),
    ("score", "line_item_sourced_id"),
)


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "api_client",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at",
            UtcDateTime(),
            nullable=False,
        ),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_api_client_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_api_client_client_id")),
    )
    with op.batch_alter_table("api_client", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_api_client_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "score_scale",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column(
            "modified_at",
            UtcDateTime(),
            nullable=True,
        ),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=True),
        sa.Column("class_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("course_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("org_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_score_scale_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_scale")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_score_scale_source_id_sourced_id")
        ),
    )
    with op.batch_alter_table("score_scale", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_score_scale_class_sourced_id"),
            ["class_sourced_id"],
            unique=False,
        )

    op.create_table(
        "source_collection",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("collection", sa.String(length=32), nullable=False),
        sa.Column(
            "cursor_at",
            UtcDateTime(),
            nullable=True,
        ),
        sa.Column(
            "complete_at",
            UtcDateTime(),
            nullable=True,
        ),
        sa.Column("file_hash", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_source_collection_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_collection")),
        sa.UniqueConstraint(
            "source_id",
            "collection",
            name=op.f("uq_source_collection_source_id_collection"),
        ),
    )
    with op.batch_alter_table("source_collection", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_source_collection_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "source_look",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("document", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_source_look_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_look")),
        sa.UniqueConstraint(
            "source_id", "kind", name=op.f("uq_source_look_source_id_kind")
        ),
    )
    with op.batch_alter_table("source_look", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_source_look_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "person_link",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sis_user_id", sa.Integer(), nullable=True),
        sa.Column("lms_user_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("from_person_id", sa.Integer(), nullable=True),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column(
            "made_at",
            UtcDateTime(),
            nullable=False,
        ),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column(
            "decided_at",
            UtcDateTime(),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["from_person_id"],
            ["person.id"],
            name=op.f("fk_person_link_from_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lms_user_id"], ["lms_user.id"], name=op.f("fk_person_link_lms_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_link_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["sis_user_id"], ["sis_user.id"], name=op.f("fk_person_link_sis_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_link")),
    )
    with op.batch_alter_table("person_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_person_link_from_person_id"),
            ["from_person_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_person_link_lms_user_id"), ["lms_user_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_person_link_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_person_link_sis_user_id"), ["sis_user_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_person_link_status"), ["status"], unique=False
        )

    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("collection", sa.String(length=32), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("names", sa.String(length=255), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column(
            "first_seen_at",
            UtcDateTime(),
            nullable=False,
        ),
        sa.Column(
            "seen_at",
            UtcDateTime(),
            nullable=False,
        ),
        sa.Column(
            "settled_at",
            UtcDateTime(),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_quarantine_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_quarantine_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "source_id",
            "collection",
            "sourced_id",
            name=op.f("uq_quarantine_source_id_collection_sourced_id"),
        ),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quarantine_run_id"), ["run_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_quarantine_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "run_move",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("collection", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("user_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("school_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_run_move_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_move")),
    )
    with op.batch_alter_table("run_move", schema=None) as batch_op:
        batch_op.create_index(
            "ix_run_move_run", ["run_id", "collection", "kind"], unique=False
        )
        batch_op.create_index(
            "ix_run_move_user", ["run_id", "user_sourced_id"], unique=False
        )

    for table, column in NEEDLESS:
        op.drop_index(f"ix_{table}_{column}", table_name=table)
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "kind", sa.String(length=16), server_default="line_item", nullable=False
            )
        )
        batch_op.add_column(
            sa.Column("school_sourced_id", sa.String(length=255), nullable=True)
        )
        batch_op.add_column(
            sa.Column("score_scale_sourced_id", sa.String(length=255), nullable=True)
        )
        batch_op.add_column(
            sa.Column("parent_sourced_id", sa.String(length=255), nullable=True)
        )
        batch_op.alter_column(
            "class_sourced_id", existing_type=sa.VARCHAR(length=255), nullable=True
        )
        batch_op.drop_constraint(
            batch_op.f("uq_assignment_source_id_sourced_id"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_assignment_source_id_kind_sourced_id"),
            ["source_id", "kind", "sourced_id"],
        )

    with op.batch_alter_table("change", schema=None) as batch_op:
        batch_op.create_index(
            "ix_change_subject", ["subject_table", "subject_id"], unique=False
        )

    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "kind", sa.String(length=8), server_default="full", nullable=False
            )
        )
        batch_op.add_column(
            sa.Column("progress", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "stop_asked",
                sa.Boolean(),
                server_default=sa.text("false"),
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column("counts", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column("schools", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column("holds", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(sa.Column("written", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("decision", sa.String(length=24), nullable=True))
        batch_op.add_column(
            sa.Column("decided_by", sa.String(length=64), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "decided_at",
                UtcDateTime(),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("decision_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("of_run_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_run_of_run_id"), ["of_run_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_run_of_run_id"), "run", ["of_run_id"], ["id"]
        )

    with op.batch_alter_table("run_problem", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "level", sa.String(length=8), server_default="error", nullable=False
            )
        )
        batch_op.add_column(sa.Column("value", sa.Text(), nullable=True))

    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "kind", sa.String(length=16), server_default="result", nullable=False
            )
        )
        batch_op.add_column(
            sa.Column("score_scale_sourced_id", sa.String(length=255), nullable=True)
        )
        batch_op.add_column(sa.Column("percentile", sa.Float(), nullable=True))
        batch_op.drop_constraint(
            batch_op.f("uq_score_source_id_sourced_id"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_score_source_id_kind_sourced_id"),
            ["source_id", "kind", "sourced_id"],
        )

    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closes_on", sa.Date(), nullable=True))

    with op.batch_alter_table("sis_user", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("user_master_identifier", sa.String(length=255), nullable=True)
        )
        batch_op.add_column(
            sa.Column("primary_org_sourced_id", sa.String(length=255), nullable=True)
        )
        batch_op.create_index(
            batch_op.f("ix_sis_user_user_master_identifier"),
            ["user_master_identifier"],
            unique=False,
        )

    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ca_file", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "profiled_at",
                UtcDateTime(),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "status", sa.String(length=16), server_default="active", nullable=False
            )
        )
        batch_op.add_column(
            sa.Column("settings", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "next_at",
                UtcDateTime(),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "parked_until",
                UtcDateTime(),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column("parked_code", sa.String(length=32), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "full_at",
                UtcDateTime(),
                nullable=True,
            )
        )

    op.create_table(
        "declined_alignment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("declined_by", sa.String(length=64), nullable=False),
        sa.Column("declined_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignment.id"],
            name=op.f("fk_declined_alignment_assignment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_declined_alignment_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_declined_alignment_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declined_alignment")),
        sa.UniqueConstraint(
            "course_id",
            "assignment_id",
            "competency_id",
            name=op.f("uq_declined_alignment_course_id_assignment_id_competency_id"),
        ),
    )
    with op.batch_alter_table("declined_alignment", schema=None) as batch_op:
        for name in ("assignment_id", "competency_id", "course_id"):
            batch_op.create_index(
                batch_op.f(f"ix_declined_alignment_{name}"), [name], unique=False
            )

    with op.batch_alter_table("alignment", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_alignment_assignment_id_competency_id"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_alignment_course_id_assignment_id_competency_id"),
            ["course_id", "assignment_id", "competency_id"],
        )


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("alignment", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_alignment_course_id_assignment_id_competency_id"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_alignment_assignment_id_competency_id"),
            ["assignment_id", "competency_id"],
        )

    op.drop_table("declined_alignment")
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.drop_column("full_at")
        batch_op.drop_column("parked_code")
        batch_op.drop_column("parked_until")
        batch_op.drop_column("next_at")
        batch_op.drop_column("settings")
        batch_op.drop_column("status")
        batch_op.drop_column("profiled_at")
        batch_op.drop_column("ca_file")

    with op.batch_alter_table("sis_user", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sis_user_user_master_identifier"))
        batch_op.drop_column("primary_org_sourced_id")
        batch_op.drop_column("user_master_identifier")

    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.drop_column("closes_on")

    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_score_source_id_kind_sourced_id"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_score_source_id_sourced_id"), ["source_id", "sourced_id"]
        )
        batch_op.drop_column("percentile")
        batch_op.drop_column("score_scale_sourced_id")
        batch_op.drop_column("kind")

    with op.batch_alter_table("run_problem", schema=None) as batch_op:
        batch_op.drop_column("value")
        batch_op.drop_column("level")

    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_run_of_run_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_run_of_run_id"))
        batch_op.drop_column("of_run_id")
        batch_op.drop_column("decision_reason")
        batch_op.drop_column("decided_at")
        batch_op.drop_column("decided_by")
        batch_op.drop_column("decision")
        batch_op.drop_column("written")
        batch_op.drop_column("holds")
        batch_op.drop_column("schools")
        batch_op.drop_column("counts")
        batch_op.drop_column("stop_asked")
        batch_op.drop_column("progress")
        batch_op.drop_column("kind")

    with op.batch_alter_table("change", schema=None) as batch_op:
        batch_op.drop_index("ix_change_subject")

    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_assignment_source_id_kind_sourced_id"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_assignment_source_id_sourced_id"),
            ["source_id", "sourced_id"],
        )
        batch_op.alter_column(
            "class_sourced_id", existing_type=sa.VARCHAR(length=255), nullable=False
        )
        batch_op.drop_column("parent_sourced_id")
        batch_op.drop_column("score_scale_sourced_id")
        batch_op.drop_column("school_sourced_id")
        batch_op.drop_column("kind")

    with op.batch_alter_table("run_move", schema=None) as batch_op:
        batch_op.drop_index("ix_run_move_user")
        batch_op.drop_index("ix_run_move_run")

    op.drop_table("run_move")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quarantine_source_id"))
        batch_op.drop_index(batch_op.f("ix_quarantine_run_id"))

    op.drop_table("quarantine")
    with op.batch_alter_table("person_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_link_status"))
        batch_op.drop_index(batch_op.f("ix_person_link_sis_user_id"))
        batch_op.drop_index(batch_op.f("ix_person_link_person_id"))
        batch_op.drop_index(batch_op.f("ix_person_link_lms_user_id"))
        batch_op.drop_index(batch_op.f("ix_person_link_from_person_id"))

    op.drop_table("person_link")
    with op.batch_alter_table("source_look", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_look_source_id"))

    op.drop_table("source_look")
    with op.batch_alter_table("source_collection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_collection_source_id"))

    op.drop_table("source_collection")
    with op.batch_alter_table("score_scale", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_score_scale_class_sourced_id"))

    op.drop_table("score_scale")
    with op.batch_alter_table("api_client", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_client_source_id"))

    op.drop_table("api_client")
    for table, column in NEEDLESS:
        op.create_index(f"ix_{table}_{column}", table, [column], unique=False)
