"""The first schema: every table of the main job.

Made by Alembic from the metadata and frozen: changes come as new revisions. Longer
than our usual room, since it holds every table.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("subject_table", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_table(
        "framework",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=True),
        sa.Column("publisher", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("creator", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("package", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework")),
        sa.UniqueConstraint("case_id", name=op.f("uq_framework_case_id")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "registration",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=1024), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("auth_url", sa.Text(), nullable=False),
        sa.Column("token_url", sa.Text(), nullable=False),
        sa.Column("jwks_url", sa.Text(), nullable=False),
        sa.Column("token_audience", sa.Text(), nullable=True),
        sa.Column(
            "vendor", sa.String(length=32), server_default="other", nullable=False
        ),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("outcomes_url", sa.Text(), nullable=True),
        sa.Column("outcomes_token", sa.Text(), nullable=True),
        sa.Column("clock_skew_seconds", sa.Float(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint(
            "issuer", "client_id", name=op.f("uq_registration_issuer_client_id")
        ),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=True),
        sa.Column("token_url", sa.Text(), nullable=True),
        sa.Column("auth", sa.String(length=16), nullable=True),
        sa.Column("client_id", sa.String(length=255), nullable=True),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("profile", sa.JSON(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("synced_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
    )
    op.create_table(
        "tool_key",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tool_key")),
        sa.UniqueConstraint("kid", name=op.f("uq_tool_key_kid")),
    )
    op.create_table(
        "association",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("origin_case_id", sa.String(length=255), nullable=False),
        sa.Column("destination_case_id", sa.String(length=255), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_association_framework_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_association")),
        sa.UniqueConstraint("case_id", name=op.f("uq_association_case_id")),
    )
    op.create_index(
        op.f("ix_association_destination_case_id"),
        "association",
        ["destination_case_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_association_framework_id"),
        "association",
        ["framework_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_association_origin_case_id"),
        "association",
        ["origin_case_id"],
        unique=False,
    )
    op.create_table(
        "category",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_category_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_category_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_category_source_id"), "category", ["source_id"], unique=False
    )
    op.create_table(
        "competency",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=255), nullable=False),
        sa.Column("human_code", sa.String(length=255), nullable=True),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("abbreviated", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=255), nullable=True),
        sa.Column("education_levels", sa.JSON(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column(
            "list_enumeration", sa.String(length=64), server_default="", nullable=False
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_assessable", sa.Boolean(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_competency_framework_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competency")),
        sa.UniqueConstraint(
            "framework_id", "case_id", name=op.f("uq_competency_framework_id_case_id")
        ),
    )
    op.create_index(
        op.f("ix_competency_framework_id"), "competency", ["framework_id"], unique=False
    )
    op.create_index(
        op.f("ix_competency_human_code"), "competency", ["human_code"], unique=False
    )
    op.create_table(
        "demographics",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_demographics_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demographics")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_demographics_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_demographics_source_id"), "demographics", ["source_id"], unique=False
    )
    op.create_table(
        "deployment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_deployment_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
        sa.UniqueConstraint(
            "registration_id",
            "deployment_id",
            name=op.f("uq_deployment_registration_id_deployment_id"),
        ),
    )
    op.create_index(
        op.f("ix_deployment_registration_id"),
        "deployment",
        ["registration_id"],
        unique=False,
    )
    op.create_table(
        "enrollment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("class_sourced_id", sa.String(length=255), nullable=False),
        sa.Column("school_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("user_sourced_id", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=True),
        sa.Column("begins_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_enrollment_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_enrollment_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_enrollment_class_sourced_id"),
        "enrollment",
        ["class_sourced_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_enrollment_source_id"), "enrollment", ["source_id"], unique=False
    )
    op.create_index(
        op.f("ix_enrollment_user_sourced_id"),
        "enrollment",
        ["user_sourced_id"],
        unique=False,
    )
    op.create_table(
        "lms_user",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("given_name", sa.Text(), nullable=True),
        sa.Column("family_name", sa.Text(), nullable=True),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("lis_person_sourcedid", sa.Text(), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("link_rule", sa.String(length=32), nullable=True),
        sa.Column("link_confidence", sa.Float(), nullable=True),
        sa.Column("linked_at", UtcDateTime(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_lms_user_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_lms_user_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lms_user")),
        sa.UniqueConstraint(
            "registration_id",
            "subject",
            name=op.f("uq_lms_user_registration_id_subject"),
        ),
    )
    op.create_index(
        op.f("ix_lms_user_person_id"), "lms_user", ["person_id"], unique=False
    )
    op.create_index(
        op.f("ix_lms_user_registration_id"),
        "lms_user",
        ["registration_id"],
        unique=False,
    )
    op.create_table(
        "login_state",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce_hash", sa.String(length=64), nullable=False),
        sa.Column("binding_hash", sa.String(length=64), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("lti_deployment_id", sa.String(length=255), nullable=True),
        sa.Column("target_link_uri", sa.Text(), nullable=False),
        sa.Column("remote_address", sa.String(length=64), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_login_state_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_state")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_login_state_state_hash")),
    )
    op.create_index(
        op.f("ix_login_state_expires_at"), "login_state", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_login_state_registration_id"),
        "login_state",
        ["registration_id"],
        unique=False,
    )
    op.create_table(
        "org",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("identifier", sa.String(length=255), nullable=True),
        sa.Column("parent_sourced_id", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_org_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_org")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_org_source_id_sourced_id")
        ),
    )
    op.create_index(op.f("ix_org_source_id"), "org", ["source_id"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=True),
        sa.Column("plan", sa.JSON(), nullable=True),
        sa.Column("plan_hash", sa.String(length=64), nullable=True),
        sa.Column("problem_counts", sa.JSON(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_run_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_source_id"), "run", ["source_id"], unique=False)
    op.create_index(
        "uq_run_open",
        "run",
        ["source_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "sis_class",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("class_code", sa.String(length=255), nullable=True),
        sa.Column("class_type", sa.String(length=64), nullable=True),
        sa.Column("grades", sa.JSON(), nullable=True),
        sa.Column("subjects", sa.JSON(), nullable=True),
        sa.Column("periods", sa.JSON(), nullable=True),
        sa.Column("sis_course_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("school_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("term_sourced_ids", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_sis_class_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sis_class")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_sis_class_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_sis_class_school_sourced_id"),
        "sis_class",
        ["school_sourced_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sis_class_source_id"), "sis_class", ["source_id"], unique=False
    )
    op.create_table(
        "sis_course",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("course_code", sa.String(length=255), nullable=True),
        sa.Column("grades", sa.JSON(), nullable=True),
        sa.Column("subjects", sa.JSON(), nullable=True),
        sa.Column("org_sourced_id", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_sis_course_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sis_course")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_sis_course_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_sis_course_source_id"), "sis_course", ["source_id"], unique=False
    )
    op.create_table(
        "sis_user",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("middle_name", sa.Text(), nullable=True),
        sa.Column("preferred_given_name", sa.Text(), nullable=True),
        sa.Column("preferred_family_name", sa.Text(), nullable=True),
        sa.Column("identifier", sa.String(length=255), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=True),
        sa.Column("grades", sa.JSON(), nullable=True),
        sa.Column("user_ids", sa.JSON(), nullable=True),
        sa.Column("agents", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sis_user_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_sis_user_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sis_user")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_sis_user_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_sis_user_person_id"), "sis_user", ["person_id"], unique=False
    )
    op.create_index(
        op.f("ix_sis_user_source_id"), "sis_user", ["source_id"], unique=False
    )
    op.create_table(
        "term",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("school_year", sa.String(length=16), nullable=True),
        sa.Column("parent_sourced_id", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_term_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_term_source_id_sourced_id")
        ),
    )
    op.create_index(op.f("ix_term_source_id"), "term", ["source_id"], unique=False)
    op.create_table(
        "course",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("sis_class_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=True),
        sa.Column(
            "rule", sa.String(length=32), server_default="certainty", nullable=False
        ),
        sa.Column("parameter", sa.Float(), nullable=True),
        sa.Column("scale", sa.JSON(), nullable=True),
        sa.Column("mastery_cut", sa.Float(), nullable=True),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("refreshed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_course_framework_id")
        ),
        sa.ForeignKeyConstraint(
            ["sis_class_id"], ["sis_class.id"], name=op.f("fk_course_sis_class_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("sis_class_id", name=op.f("uq_course_sis_class_id")),
    )
    op.create_index(
        op.f("ix_course_framework_id"), "course", ["framework_id"], unique=False
    )
    op.create_index(
        op.f("ix_course_sis_class_id"), "course", ["sis_class_id"], unique=False
    )
    op.create_table(
        "run_problem",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("collection", sa.String(length=32), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_run_problem_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_problem")),
    )
    op.create_index(
        op.f("ix_run_problem_run_id"), "run_problem", ["run_id"], unique=False
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("class_sourced_id", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("assigned_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("category_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("term_sourced_id", sa.String(length=255), nullable=True),
        sa.Column("minimum", sa.Float(), nullable=True),
        sa.Column("maximum", sa.Float(), nullable=True),
        sa.Column("learning_objectives", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_assignment_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_assignment_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_assignment_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_assignment_class_sourced_id"),
        "assignment",
        ["class_sourced_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_assignment_course_id"), "assignment", ["course_id"], unique=False
    )
    op.create_index(
        op.f("ix_assignment_source_id"), "assignment", ["source_id"], unique=False
    )
    op.create_table(
        "attainment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("ratio", sa.Float(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("level_name", sa.String(length=64), nullable=True),
        sa.Column("is_mastered", sa.Boolean(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("parameter", sa.Float(), nullable=True),
        sa.Column("evidence_count", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("evidence_at", UtcDateTime(), nullable=True),
        sa.Column("computed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_attainment_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_attainment_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_attainment_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attainment")),
        sa.UniqueConstraint(
            "course_id",
            "person_id",
            "competency_id",
            name=op.f("uq_attainment_course_id_person_id_competency_id"),
        ),
    )
    op.create_index(
        op.f("ix_attainment_course_id"), "attainment", ["course_id"], unique=False
    )
    op.create_index("ix_attainment_person", "attainment", ["person_id"], unique=False)
    op.create_table(
        "course_destination",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("destination", sa.String(length=16), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_course_destination_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_destination")),
        sa.UniqueConstraint(
            "course_id",
            "destination",
            name=op.f("uq_course_destination_course_id_destination"),
        ),
    )
    op.create_index(
        op.f("ix_course_destination_course_id"),
        "course_destination",
        ["course_id"],
        unique=False,
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("destination", sa.String(length=16), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("maximum", sa.Float(), nullable=False),
        sa.Column("level_name", sa.String(length=64), nullable=True),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("read_back_at", UtcDateTime(), nullable=True),
        sa.Column("read_back", sa.Float(), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("receipt", sa.JSON(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["competency_id"], ["competency.id"], name=op.f("fk_delivery_competency_id")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_delivery_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_delivery_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(
        op.f("ix_delivery_competency_id"), "delivery", ["competency_id"], unique=False
    )
    op.create_index(
        op.f("ix_delivery_course_id"), "delivery", ["course_id"], unique=False
    )
    op.create_index(op.f("ix_delivery_due_at"), "delivery", ["due_at"], unique=False)
    op.create_index(
        "ix_delivery_key",
        "delivery",
        ["destination", "course_id", "person_id", "competency_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_delivery_person_id"), "delivery", ["person_id"], unique=False
    )
    op.create_index(
        "uq_delivery_pending",
        "delivery",
        ["destination", "course_id", "person_id", "competency_id"],
        unique=True,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "placement",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("context_id", sa.String(length=255), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("ags_line_items_url", sa.Text(), nullable=True),
        sa.Column("ags_scopes", sa.JSON(), nullable=True),
        sa.Column("nrps_url", sa.Text(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_placement_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name=op.f("fk_placement_deployment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint(
            "deployment_id",
            "context_id",
            name=op.f("uq_placement_deployment_id_context_id"),
        ),
    )
    op.create_index(
        op.f("ix_placement_course_id"), "placement", ["course_id"], unique=False
    )
    op.create_index(
        op.f("ix_placement_deployment_id"), "placement", ["deployment_id"], unique=False
    )
    op.create_table(
        "seat",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_seat_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_seat_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint(
            "course_id",
            "person_id",
            "role",
            name=op.f("uq_seat_course_id_person_id_role"),
        ),
    )
    op.create_index(op.f("ix_seat_course_id"), "seat", ["course_id"], unique=False)
    op.create_index(op.f("ix_seat_person_id"), "seat", ["person_id"], unique=False)
    op.create_table(
        "alignment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignment.id"],
            name=op.f("fk_alignment_assignment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_alignment_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_alignment_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alignment")),
        sa.UniqueConstraint(
            "assignment_id",
            "competency_id",
            name=op.f("uq_alignment_assignment_id_competency_id"),
        ),
    )
    op.create_index(
        op.f("ix_alignment_assignment_id"), "alignment", ["assignment_id"], unique=False
    )
    op.create_index(
        op.f("ix_alignment_competency_id"), "alignment", ["competency_id"], unique=False
    )
    op.create_index(
        op.f("ix_alignment_course_id"), "alignment", ["course_id"], unique=False
    )
    op.create_table(
        "line_item",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("destination", sa.String(length=16), nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=True),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.String(length=255), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("maximum", sa.Float(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_line_item_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_line_item_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_line_item_placement_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_line_item_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_item")),
        sa.UniqueConstraint(
            "destination",
            "course_id",
            "competency_id",
            "placement_id",
            name=op.f("uq_line_item_destination_course_id_competency_id_placement_id"),
        ),
    )
    op.create_index(
        op.f("ix_line_item_competency_id"), "line_item", ["competency_id"], unique=False
    )
    op.create_index(
        op.f("ix_line_item_course_id"), "line_item", ["course_id"], unique=False
    )
    op.create_index(
        op.f("ix_line_item_placement_id"), "line_item", ["placement_id"], unique=False
    )
    op.create_index(
        op.f("ix_line_item_source_id"), "line_item", ["source_id"], unique=False
    )
    op.create_table(
        "score",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("line_item_sourced_id", sa.String(length=255), nullable=False),
        sa.Column("student_sourced_id", sa.String(length=255), nullable=False),
        sa.Column("given", sa.Float(), nullable=True),
        sa.Column("text_score", sa.String(length=255), nullable=True),
        sa.Column("score_status", sa.String(length=32), nullable=True),
        sa.Column("scored_on", sa.Date(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=True),
        sa.Column("learning_objectives", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name=op.f("fk_score_assignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_score_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_score_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_score_source_id_sourced_id")
        ),
    )
    op.create_index(
        op.f("ix_score_assignment_id"), "score", ["assignment_id"], unique=False
    )
    op.create_index(
        op.f("ix_score_line_item_sourced_id"),
        "score",
        ["line_item_sourced_id"],
        unique=False,
    )
    op.create_index(
        "ix_score_person_assignment",
        "score",
        ["person_id", "assignment_id"],
        unique=False,
    )
    op.create_index(op.f("ix_score_person_id"), "score", ["person_id"], unique=False)
    op.create_index(op.f("ix_score_source_id"), "score", ["source_id"], unique=False)
    op.create_index(
        op.f("ix_score_student_sourced_id"),
        "score",
        ["student_sourced_id"],
        unique=False,
    )
    op.create_table(
        "web_session",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("placement_id", sa.Integer(), nullable=True),
        sa.Column("lms_user_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("mentees", sa.JSON(), nullable=True),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_web_session_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["lms_user_id"], ["lms_user.id"], name=op.f("fk_web_session_lms_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_web_session_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_web_session_placement_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_web_session_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("public_id", name=op.f("uq_web_session_public_id")),
    )
    op.create_index(
        op.f("ix_web_session_course_id"), "web_session", ["course_id"], unique=False
    )
    op.create_index(
        op.f("ix_web_session_expires_at"), "web_session", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_web_session_lms_user_id"), "web_session", ["lms_user_id"], unique=False
    )
    op.create_index(
        op.f("ix_web_session_person_id"), "web_session", ["person_id"], unique=False
    )
    op.create_index(
        op.f("ix_web_session_placement_id"),
        "web_session",
        ["placement_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_web_session_registration_id"),
        "web_session",
        ["registration_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop every table."""
    op.drop_index(op.f("ix_web_session_registration_id"), table_name="web_session")
    op.drop_index(op.f("ix_web_session_placement_id"), table_name="web_session")
    op.drop_index(op.f("ix_web_session_person_id"), table_name="web_session")
    op.drop_index(op.f("ix_web_session_lms_user_id"), table_name="web_session")
    op.drop_index(op.f("ix_web_session_expires_at"), table_name="web_session")
    op.drop_index(op.f("ix_web_session_course_id"), table_name="web_session")
    op.drop_table("web_session")
    op.drop_index(op.f("ix_score_student_sourced_id"), table_name="score")
    op.drop_index(op.f("ix_score_source_id"), table_name="score")
    op.drop_index(op.f("ix_score_person_id"), table_name="score")
    op.drop_index("ix_score_person_assignment", table_name="score")
    op.drop_index(op.f("ix_score_line_item_sourced_id"), table_name="score")
    op.drop_index(op.f("ix_score_assignment_id"), table_name="score")
    op.drop_table("score")
    op.drop_index(op.f("ix_line_item_source_id"), table_name="line_item")
    op.drop_index(op.f("ix_line_item_placement_id"), table_name="line_item")
    op.drop_index(op.f("ix_line_item_course_id"), table_name="line_item")
    op.drop_index(op.f("ix_line_item_competency_id"), table_name="line_item")
    op.drop_table("line_item")
    op.drop_index(op.f("ix_alignment_course_id"), table_name="alignment")
    op.drop_index(op.f("ix_alignment_competency_id"), table_name="alignment")
    op.drop_index(op.f("ix_alignment_assignment_id"), table_name="alignment")
    op.drop_table("alignment")
    op.drop_index(op.f("ix_seat_person_id"), table_name="seat")
    op.drop_index(op.f("ix_seat_course_id"), table_name="seat")
    op.drop_table("seat")
    op.drop_index(op.f("ix_placement_deployment_id"), table_name="placement")
    op.drop_index(op.f("ix_placement_course_id"), table_name="placement")
    op.drop_table("placement")
    op.drop_index(
        "uq_delivery_pending",
        table_name="delivery",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(op.f("ix_delivery_person_id"), table_name="delivery")
    op.drop_index("ix_delivery_key", table_name="delivery")
    op.drop_index(op.f("ix_delivery_due_at"), table_name="delivery")
    op.drop_index(op.f("ix_delivery_course_id"), table_name="delivery")
    op.drop_index(op.f("ix_delivery_competency_id"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_index(
        op.f("ix_course_destination_course_id"), table_name="course_destination"
    )
    op.drop_table("course_destination")
    op.drop_index("ix_attainment_person", table_name="attainment")
    op.drop_index(op.f("ix_attainment_course_id"), table_name="attainment")
    op.drop_table("attainment")
    op.drop_index(op.f("ix_assignment_source_id"), table_name="assignment")
    op.drop_index(op.f("ix_assignment_course_id"), table_name="assignment")
    op.drop_index(op.f("ix_assignment_class_sourced_id"), table_name="assignment")
    op.drop_table("assignment")
    op.drop_index(op.f("ix_run_problem_run_id"), table_name="run_problem")
    op.drop_table("run_problem")
    op.drop_index(op.f("ix_course_sis_class_id"), table_name="course")
    op.drop_index(op.f("ix_course_framework_id"), table_name="course")
    op.drop_table("course")
    op.drop_index(op.f("ix_term_source_id"), table_name="term")
    op.drop_table("term")
    op.drop_index(op.f("ix_sis_user_source_id"), table_name="sis_user")
    op.drop_index(op.f("ix_sis_user_person_id"), table_name="sis_user")
    op.drop_table("sis_user")
    op.drop_index(op.f("ix_sis_course_source_id"), table_name="sis_course")
    op.drop_table("sis_course")
    op.drop_index(op.f("ix_sis_class_source_id"), table_name="sis_class")
    op.drop_index(op.f("ix_sis_class_school_sourced_id"), table_name="sis_class")
    op.drop_table("sis_class")
    op.drop_index(
        "uq_run_open",
        table_name="run",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(op.f("ix_run_source_id"), table_name="run")
    op.drop_table("run")
    op.drop_index(op.f("ix_org_source_id"), table_name="org")
    op.drop_table("org")
    op.drop_index(op.f("ix_login_state_registration_id"), table_name="login_state")
    op.drop_index(op.f("ix_login_state_expires_at"), table_name="login_state")
    op.drop_table("login_state")
    op.drop_index(op.f("ix_lms_user_registration_id"), table_name="lms_user")
    op.drop_index(op.f("ix_lms_user_person_id"), table_name="lms_user")
    op.drop_table("lms_user")
    op.drop_index(op.f("ix_enrollment_user_sourced_id"), table_name="enrollment")
    op.drop_index(op.f("ix_enrollment_source_id"), table_name="enrollment")
    op.drop_index(op.f("ix_enrollment_class_sourced_id"), table_name="enrollment")
    op.drop_table("enrollment")
    op.drop_index(op.f("ix_deployment_registration_id"), table_name="deployment")
    op.drop_table("deployment")
    op.drop_index(op.f("ix_demographics_source_id"), table_name="demographics")
    op.drop_table("demographics")
    op.drop_index(op.f("ix_competency_human_code"), table_name="competency")
    op.drop_index(op.f("ix_competency_framework_id"), table_name="competency")
    op.drop_table("competency")
    op.drop_index(op.f("ix_category_source_id"), table_name="category")
    op.drop_table("category")
    op.drop_index(op.f("ix_association_origin_case_id"), table_name="association")
    op.drop_index(op.f("ix_association_framework_id"), table_name="association")
    op.drop_index(op.f("ix_association_destination_case_id"), table_name="association")
    op.drop_table("association")
    op.drop_table("tool_key")
    op.drop_table("source")
    op.drop_table("registration")
    op.drop_table("person")
    op.drop_table("framework")
    op.drop_table("change")
