"""Framework versions, crosswalks, scales, resources, people's evidence, plan versions.

Made by Alembic from the metadata and frozen: changes come as new revisions. Longer
than our usual room, since it holds every table and column of the competencies.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


# What is asked of a few rows only is found without looking at the others.
FEW = (
    ("ix_enrollment_ended", "enrollment", ["source_id"], "status <> 'active'"),
    ("ix_score_ended", "score", ["source_id", "kind"], "status <> 'active'"),
    (
        "ix_score_loose",
        "score",
        ["source_id"],
        "assignment_id IS NULL OR person_id IS NULL",
    ),
)


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "named_scale",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("mastery_cut", sa.Float(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.String(length=255), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_scale")),
        sa.UniqueConstraint("case_id", name=op.f("uq_named_scale_case_id")),
    )
    op.create_table(
        "framework_order",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.Column("ordered_by", sa.String(length=64), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework_order")),
    )
    op.create_table(
        "ranker",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("trained_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranker")),
    )
    op.create_table(
        "crosswalk",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("shares", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["from_id"], ["framework.id"], name=op.f("fk_crosswalk_from_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_id"], ["framework.id"], name=op.f("fk_crosswalk_to_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crosswalk")),
        sa.UniqueConstraint(
            "from_id", "to_id", name=op.f("uq_crosswalk_from_id_to_id")
        ),
    )
    op.create_table(
        "framework_index",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["framework_id"],
            ["framework.id"],
            name=op.f("fk_framework_index_framework_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework_index")),
        sa.UniqueConstraint(
            "framework_id", "kind", name=op.f("uq_framework_index_framework_id_kind")
        ),
    )
    with op.batch_alter_table("framework_index", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_framework_index_framework_id"),
            ["framework_id"],
            unique=False,
        )

    op.create_table(
        "framework_version",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=True),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["framework_id"],
            ["framework.id"],
            name=op.f("fk_framework_version_framework_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework_version")),
        sa.UniqueConstraint(
            "framework_id",
            "number",
            name=op.f("uq_framework_version_framework_id_number"),
        ),
    )
    with op.batch_alter_table("framework_version", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_framework_version_framework_id"),
            ["framework_id"],
            unique=False,
        )

    op.create_table(
        "record_rule",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("parameter", sa.Float(), nullable=True),
        sa.Column("scale", sa.JSON(), nullable=True),
        sa.Column("mastery_cut", sa.Float(), nullable=True),
        sa.Column(
            "evidence_order",
            sa.String(length=16),
            server_default="submitted",
            nullable=False,
        ),
        sa.Column("minimum_pieces", sa.Integer(), server_default="1", nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_record_rule_framework_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_rule")),
        sa.UniqueConstraint("framework_id", name=op.f("uq_record_rule_framework_id")),
    )
    with op.batch_alter_table("record_rule", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_record_rule_framework_id"), ["framework_id"], unique=False
        )

    op.create_table(
        "resource",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_resource_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_resource_source_id_sourced_id")
        ),
    )
    with op.batch_alter_table("resource", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_resource_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "framework_change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.String(length=255), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["framework_version.id"],
            name=op.f("fk_framework_change_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework_change")),
    )
    with op.batch_alter_table("framework_change", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_framework_change_case_id"), ["case_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_framework_change_version_id"), ["version_id"], unique=False
        )

    op.create_table(
        "level_description",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("points", sa.Float(), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_level_description_competency_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_level_description")),
        sa.UniqueConstraint(
            "competency_id",
            "position",
            name=op.f("uq_level_description_competency_id_position"),
        ),
    )
    with op.batch_alter_table("level_description", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_level_description_competency_id"),
            ["competency_id"],
            unique=False,
        )

    op.create_table(
        "record",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("ratio", sa.Float(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("level_name", sa.String(length=255), nullable=True),
        sa.Column("is_mastered", sa.Boolean(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("parameter", sa.Float(), nullable=True),
        sa.Column("evidence_count", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("evidence_at", UtcDateTime(), nullable=True),
        sa.Column("computed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"], ["competency.id"], name=op.f("fk_record_competency_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_record_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.UniqueConstraint(
            "person_id", "competency_id", name=op.f("uq_record_person_id_competency_id")
        ),
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_record_competency_id"), ["competency_id"], unique=False
        )

    op.create_table(
        "replacement",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column("association_case_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="proposed", nullable=False
        ),
        sa.Column("moved", sa.JSON(), nullable=True),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_id"], ["competency.id"], name=op.f("fk_replacement_from_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_id"], ["competency.id"], name=op.f("fk_replacement_to_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replacement")),
        sa.UniqueConstraint(
            "from_id", "to_id", name=op.f("uq_replacement_from_id_to_id")
        ),
    )
    op.create_table(
        "resource_opening",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_resource_opening_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_resource_opening_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_resource_opening_resource_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_opening")),
    )
    with op.batch_alter_table("resource_opening", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_resource_opening_competency_id"),
            ["competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_resource_opening_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_resource_opening_resource_id"), ["resource_id"], unique=False
        )

    op.create_table(
        "competency_rule",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("parameter", sa.Float(), nullable=True),
        sa.Column("minimum_pieces", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_competency_rule_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_competency_rule_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competency_rule")),
        sa.UniqueConstraint(
            "course_id",
            "competency_id",
            name=op.f("uq_competency_rule_course_id_competency_id"),
        ),
    )
    with op.batch_alter_table("competency_rule", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_competency_rule_competency_id"),
            ["competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_competency_rule_course_id"), ["course_id"], unique=False
        )

    op.create_table(
        "observation",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("task", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("given", sa.Float(), nullable=False),
        sa.Column("maximum", sa.Float(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("proof_url", sa.Text(), nullable=True),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("supersedes_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_observation_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_observation_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_observation_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["supersedes_id"],
            ["observation.id"],
            name=op.f("fk_observation_supersedes_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_observation_supersedes_id")),
    )
    with op.batch_alter_table("observation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_observation_competency_id"), ["competency_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_observation_course_id"), ["course_id"], unique=False
        )
        batch_op.create_index(
            "ix_observation_person_competency",
            ["person_id", "competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_observation_person_id"), ["person_id"], unique=False
        )

    op.create_table(
        "plan_version",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("effect", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_plan_version_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_version")),
        sa.UniqueConstraint(
            "course_id", "number", name=op.f("uq_plan_version_course_id_number")
        ),
    )
    with op.batch_alter_table("plan_version", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_plan_version_course_id"), ["course_id"], unique=False
        )

    op.create_table(
        "resource_use",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("from_level", sa.Integer(), nullable=True),
        sa.Column("to_level", sa.Integer(), nullable=True),
        sa.Column("is_pinned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_resource_use_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_resource_use_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_resource_use_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_use")),
        sa.UniqueConstraint(
            "resource_id",
            "competency_id",
            "course_id",
            name=op.f("uq_resource_use_resource_id_competency_id_course_id"),
        ),
    )
    with op.batch_alter_table("resource_use", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_resource_use_competency_id"), ["competency_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_resource_use_course_id"), ["course_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_resource_use_resource_id"), ["resource_id"], unique=False
        )

    op.create_table(
        "teacher_level",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("level_name", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lasts", sa.String(length=16), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_why", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_teacher_level_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_teacher_level_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_teacher_level_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teacher_level")),
    )
    with op.batch_alter_table("teacher_level", schema=None) as batch_op:
        batch_op.create_index(
            "ix_teacher_level_cell",
            ["course_id", "person_id", "competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_teacher_level_competency_id"),
            ["competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_teacher_level_course_id"), ["course_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_teacher_level_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            "uq_teacher_level_standing",
            ["course_id", "person_id", "competency_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "suggestion_choice",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("assignment_id", sa.Integer(), nullable=True),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("is_accepted", sa.Boolean(), nullable=False),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignment.id"],
            name=op.f("fk_suggestion_choice_assignment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_suggestion_choice_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_suggestion_choice_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_choice")),
        sa.UniqueConstraint(
            "course_id",
            "assignment_id",
            "competency_id",
            name=op.f("uq_suggestion_choice_course_id_assignment_id_competency_id"),
        ),
    )
    with op.batch_alter_table("suggestion_choice", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_suggestion_choice_assignment_id"),
            ["assignment_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_suggestion_choice_competency_id"),
            ["competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_suggestion_choice_course_id"), ["course_id"], unique=False
        )

    with op.batch_alter_table("alignment", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("part", sa.String(length=255), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column(
                "is_practice", sa.Boolean(), server_default=sa.false(), nullable=False
            )
        )
        batch_op.drop_constraint(
            batch_op.f("uq_alignment_course_id_assignment_id_competency_id"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_alignment_course_id_assignment_id_competency_id_part"),
            ["course_id", "assignment_id", "competency_id", "part"],
        )

    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parts", sa.JSON(), nullable=True))

    with op.batch_alter_table("association", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_association_case_id"), type_="unique")
        batch_op.create_index(
            batch_op.f("ix_association_case_id"), ["case_id"], unique=False
        )
        batch_op.create_index(
            "uq_association_extra",
            ["case_id"],
            unique=True,
            sqlite_where=sa.text("framework_id IS NULL"),
            postgresql_where=sa.text("framework_id IS NULL"),
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_association_framework_id_case_id"),
            ["framework_id", "case_id"],
        )

    with op.batch_alter_table("attainment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("teacher_level_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_attainment_teacher_level_id"),
            ["teacher_level_id"],
            unique=False,
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_attainment_teacher_level_id"),
            "teacher_level",
            ["teacher_level_id"],
            ["id"],
        )

    with op.batch_alter_table("carried_alignment", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("part", sa.String(length=255), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column(
                "is_practice", sa.Boolean(), server_default=sa.false(), nullable=False
            )
        )
        batch_op.drop_constraint(
            batch_op.f("uq_carried_alignment_course_id_competency_id_title"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_carried_alignment_course_id_competency_id_title_part"),
            ["course_id", "competency_id", "title", "part"],
        )

    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "evidence_order",
                sa.String(length=16),
                server_default="submitted",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "minimum_pieces", sa.Integer(), server_default="1", nullable=False
            )
        )
        batch_op.add_column(sa.Column("counts", sa.JSON(), nullable=True))
        batch_op.add_column(
            sa.Column("successor_share", sa.Float(), server_default="0", nullable=False)
        )

    with op.batch_alter_table("framework", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "origin", sa.String(length=16), server_default="case", nullable=False
            )
        )
        batch_op.add_column(sa.Column("source_url", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("case_version", sa.String(length=8), nullable=True)
        )
        batch_op.add_column(sa.Column("retired_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parts", sa.JSON(), nullable=True))

    for name, table, columns, rule in FEW:
        where = sa.text(rule)
        op.create_index(
            name, table, columns, sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    """Take them out again."""
    for name, table, _columns, _rule in FEW:
        op.drop_index(name, table_name=table)

    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.drop_column("parts")

    with op.batch_alter_table("framework", schema=None) as batch_op:
        batch_op.drop_column("retired_at")
        batch_op.drop_column("case_version")
        batch_op.drop_column("source_url")
        batch_op.drop_column("origin")

    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.drop_column("successor_share")
        batch_op.drop_column("counts")
        batch_op.drop_column("minimum_pieces")
        batch_op.drop_column("evidence_order")

    with op.batch_alter_table("carried_alignment", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_carried_alignment_course_id_competency_id_title_part"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_carried_alignment_course_id_competency_id_title"),
            ["course_id", "competency_id", "title"],
        )
        batch_op.drop_column("is_practice")
        batch_op.drop_column("part")

    with op.batch_alter_table("attainment", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_attainment_teacher_level_id"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_attainment_teacher_level_id"))
        batch_op.drop_column("teacher_level_id")

    with op.batch_alter_table("association", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_association_framework_id_case_id"), type_="unique"
        )
        batch_op.drop_index(
            "uq_association_extra",
            sqlite_where=sa.text("framework_id IS NULL"),
            postgresql_where=sa.text("framework_id IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_association_case_id"))
        batch_op.create_unique_constraint(
            batch_op.f("uq_association_case_id"), ["case_id"]
        )

    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_column("parts")

    with op.batch_alter_table("alignment", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_alignment_course_id_assignment_id_competency_id_part"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_alignment_course_id_assignment_id_competency_id"),
            ["course_id", "assignment_id", "competency_id"],
        )
        batch_op.drop_column("is_practice")
        batch_op.drop_column("part")

    with op.batch_alter_table("suggestion_choice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suggestion_choice_course_id"))
        batch_op.drop_index(batch_op.f("ix_suggestion_choice_competency_id"))
        batch_op.drop_index(batch_op.f("ix_suggestion_choice_assignment_id"))

    op.drop_table("suggestion_choice")
    with op.batch_alter_table("teacher_level", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_teacher_level_standing",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_teacher_level_person_id"))
        batch_op.drop_index(batch_op.f("ix_teacher_level_course_id"))
        batch_op.drop_index(batch_op.f("ix_teacher_level_competency_id"))
        batch_op.drop_index("ix_teacher_level_cell")

    op.drop_table("teacher_level")
    with op.batch_alter_table("resource_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_resource_use_resource_id"))
        batch_op.drop_index(batch_op.f("ix_resource_use_course_id"))
        batch_op.drop_index(batch_op.f("ix_resource_use_competency_id"))

    op.drop_table("resource_use")
    with op.batch_alter_table("plan_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_version_course_id"))

    op.drop_table("plan_version")
    with op.batch_alter_table("observation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_observation_person_id"))
        batch_op.drop_index("ix_observation_person_competency")
        batch_op.drop_index(batch_op.f("ix_observation_course_id"))
        batch_op.drop_index(batch_op.f("ix_observation_competency_id"))

    op.drop_table("observation")
    with op.batch_alter_table("competency_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_competency_rule_course_id"))
        batch_op.drop_index(batch_op.f("ix_competency_rule_competency_id"))

    op.drop_table("competency_rule")
    with op.batch_alter_table("resource_opening", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_resource_opening_resource_id"))
        batch_op.drop_index(batch_op.f("ix_resource_opening_person_id"))
        batch_op.drop_index(batch_op.f("ix_resource_opening_competency_id"))

    op.drop_table("resource_opening")
    op.drop_table("replacement")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_competency_id"))

    op.drop_table("record")
    with op.batch_alter_table("level_description", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_level_description_competency_id"))

    op.drop_table("level_description")
    with op.batch_alter_table("framework_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_framework_change_version_id"))
        batch_op.drop_index(batch_op.f("ix_framework_change_case_id"))

    op.drop_table("framework_change")
    with op.batch_alter_table("resource", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_resource_source_id"))

    op.drop_table("resource")
    with op.batch_alter_table("record_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_rule_framework_id"))

    op.drop_table("record_rule")
    with op.batch_alter_table("framework_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_framework_version_framework_id"))

    op.drop_table("framework_version")
    with op.batch_alter_table("framework_index", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_framework_index_framework_id"))

    op.drop_table("framework_index")
    op.drop_table("crosswalk")
    op.drop_table("ranker")
    op.drop_table("framework_order")
    op.drop_table("named_scale")
