"""Administrators and invitations, refusals, links, groups, notices, passages.

Made by Alembic from the metadata and frozen: changes come as new revisions. Longer
than our usual room, since it holds every table of LTI Advantage.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "admin_account",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("signed_in_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_account")),
        sa.UniqueConstraint("username", name=op.f("uq_admin_account_username")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    with op.batch_alter_table("sign_in_failure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sign_in_failure_failed_at"), ["failed_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_sign_in_failure_key_hash"), ["key_hash"], unique=False
        )

    op.create_table(
        "admin_session",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("admin_account_id", sa.Integer(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["admin_account_id"],
            ["admin_account.id"],
            name=op.f("fk_admin_session_admin_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_session")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_admin_session_secret_hash")),
    )
    with op.batch_alter_table("admin_session", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_admin_session_admin_account_id"),
            ["admin_account_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_admin_session_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("vendor", sa.String(length=32), nullable=True),
        sa.Column("issuer_host", sa.String(length=255), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_invitation_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invitation_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_invitation_registration_id"),
            ["registration_id"],
            unique=False,
        )

    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_notice_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "registration_id",
            "notice_id",
            name=op.f("uq_notice_registration_id_notice_id"),
        ),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_notice_registration_id"), ["registration_id"], unique=False
        )

    op.create_table(
        "refusal",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("correlation_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("iss_host", sa.String(length=255), nullable=True),
        sa.Column("header", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("claims", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("refused_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_refusal_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
        sa.UniqueConstraint("correlation_id", name=op.f("uq_refusal_correlation_id")),
    )
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_refusal_refused_at"), ["refused_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_refusal_registration_id"), ["registration_id"], unique=False
        )

    op.create_table(
        "carried_alignment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("from_course_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_carried_alignment_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_carried_alignment_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_course_id"],
            ["course.id"],
            name=op.f("fk_carried_alignment_from_course_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carried_alignment")),
        sa.UniqueConstraint(
            "course_id",
            "competency_id",
            "title",
            name=op.f("uq_carried_alignment_course_id_competency_id_title"),
        ),
    )
    with op.batch_alter_table("carried_alignment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_carried_alignment_competency_id"),
            ["competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_carried_alignment_course_id"), ["course_id"], unique=False
        )

    op.create_table(
        "course_group",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("set_name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["placement_id"],
            ["placement.id"],
            name=op.f("fk_course_group_placement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_group")),
        sa.UniqueConstraint(
            "placement_id",
            "group_id",
            name=op.f("uq_course_group_placement_id_group_id"),
        ),
    )
    with op.batch_alter_table("course_group", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_course_group_placement_id"), ["placement_id"], unique=False
        )

    op.create_table(
        "resource_link",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("view", sa.String(length=16), server_default="class", nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=True),
        sa.Column("ags_line_item_url", sa.Text(), nullable=True),
        sa.Column("copied_from_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_id"],
            ["competency.id"],
            name=op.f("fk_resource_link_competency_id"),
        ),
        sa.ForeignKeyConstraint(
            ["copied_from_id"],
            ["resource_link.id"],
            name=op.f("fk_resource_link_copied_from_id"),
        ),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name=op.f("fk_resource_link_deployment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["placement_id"],
            ["placement.id"],
            name=op.f("fk_resource_link_placement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_link")),
        sa.UniqueConstraint(
            "deployment_id",
            "link_id",
            name=op.f("uq_resource_link_deployment_id_link_id"),
        ),
    )
    with op.batch_alter_table("resource_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_resource_link_competency_id"),
            ["competency_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_resource_link_deployment_id"),
            ["deployment_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_resource_link_placement_id"), ["placement_id"], unique=False
        )

    op.create_table(
        "group_member",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_group_id", sa.Integer(), nullable=False),
        sa.Column("lms_user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_group_id"],
            ["course_group.id"],
            name=op.f("fk_group_member_course_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lms_user_id"], ["lms_user.id"], name=op.f("fk_group_member_lms_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_member")),
        sa.UniqueConstraint(
            "course_group_id",
            "lms_user_id",
            name=op.f("uq_group_member_course_group_id_lms_user_id"),
        ),
    )
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_group_member_course_group_id"),
            ["course_group_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_group_member_lms_user_id"), ["lms_user_id"], unique=False
        )

    op.create_table(
        "passage",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("web_session_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["web_session_id"],
            ["web_session.id"],
            name=op.f("fk_passage_web_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_passage_token_hash")),
    )
    with op.batch_alter_table("passage", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_passage_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_passage_web_session_id"), ["web_session_id"], unique=False
        )

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("seen", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(sa.Column("seen_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("notices_url", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("notice_types", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(sa.Column("notices_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("lms_user", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("platform_user_id", sa.String(length=255), nullable=True)
        )

    with op.batch_alter_table("login_state", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("storage_target", sa.String(length=255), nullable=True)
        )
        batch_op.add_column(
            sa.Column("storage_hash", sa.String(length=64), nullable=True)
        )
        batch_op.create_index(
            batch_op.f("ix_login_state_remote_address"),
            ["remote_address"],
            unique=False,
        )

    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.add_column(sa.Column("nrps_differences_url", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("members_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("groups_url", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("group_sets_url", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("groups_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("copied_from_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_placement_copied_from_id"),
            "placement",
            ["copied_from_id"],
            ["id"],
        )

    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("jwks", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "made_by",
                sa.String(length=16),
                server_default="by_hand",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("expires_at", UtcDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column("extra_origins", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "target_mismatch",
                sa.String(length=8),
                server_default="refuse",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column("asked", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column("granted", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(sa.Column("registration_url", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("registration_token", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("product", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column("checks", sa.JSON(none_as_null=True), nullable=True)
        )
        batch_op.add_column(sa.Column("launched_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resource_link_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("review_person_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "is_test_user",
                sa.Boolean(),
                server_default=sa.text("false"),
                nullable=False,
            )
        )
        batch_op.create_index(
            batch_op.f("ix_web_session_resource_link_id"),
            ["resource_link_id"],
            unique=False,
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_web_session_resource_link_id"),
            "resource_link",
            ["resource_link_id"],
            ["id"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_web_session_review_person_id"),
            "person",
            ["review_person_id"],
            ["id"],
        )


def downgrade() -> None:
    """Take them out again."""
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_web_session_review_person_id"), type_="foreignkey"
        )
        batch_op.drop_constraint(
            batch_op.f("fk_web_session_resource_link_id"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_web_session_resource_link_id"))
        batch_op.drop_column("is_test_user")
        batch_op.drop_column("review_person_id")
        batch_op.drop_column("resource_link_id")

    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_column("launched_at")
        batch_op.drop_column("checks")
        batch_op.drop_column("product")
        batch_op.drop_column("registration_token")
        batch_op.drop_column("registration_url")
        batch_op.drop_column("granted")
        batch_op.drop_column("asked")
        batch_op.drop_column("target_mismatch")
        batch_op.drop_column("extra_origins")
        batch_op.drop_column("expires_at")
        batch_op.drop_column("made_by")
        batch_op.drop_column("jwks")

    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_placement_copied_from_id"), type_="foreignkey"
        )
        batch_op.drop_column("copied_from_id")
        batch_op.drop_column("groups_at")
        batch_op.drop_column("group_sets_url")
        batch_op.drop_column("groups_url")
        batch_op.drop_column("members_at")
        batch_op.drop_column("nrps_differences_url")

    with op.batch_alter_table("login_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_state_remote_address"))
        batch_op.drop_column("storage_hash")
        batch_op.drop_column("storage_target")

    with op.batch_alter_table("lms_user", schema=None) as batch_op:
        batch_op.drop_column("platform_user_id")

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.drop_column("notices_at")
        batch_op.drop_column("notice_types")
        batch_op.drop_column("notices_url")
        batch_op.drop_column("seen_at")
        batch_op.drop_column("seen")

    with op.batch_alter_table("passage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_passage_web_session_id"))
        batch_op.drop_index(batch_op.f("ix_passage_expires_at"))

    op.drop_table("passage")
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_group_member_lms_user_id"))
        batch_op.drop_index(batch_op.f("ix_group_member_course_group_id"))

    op.drop_table("group_member")
    with op.batch_alter_table("resource_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_resource_link_placement_id"))
        batch_op.drop_index(batch_op.f("ix_resource_link_deployment_id"))
        batch_op.drop_index(batch_op.f("ix_resource_link_competency_id"))

    op.drop_table("resource_link")
    with op.batch_alter_table("course_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_course_group_placement_id"))

    op.drop_table("course_group")
    with op.batch_alter_table("carried_alignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_carried_alignment_course_id"))
        batch_op.drop_index(batch_op.f("ix_carried_alignment_competency_id"))

    op.drop_table("carried_alignment")
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refusal_registration_id"))
        batch_op.drop_index(batch_op.f("ix_refusal_refused_at"))

    op.drop_table("refusal")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_registration_id"))

    op.drop_table("notice")
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invitation_registration_id"))
        batch_op.drop_index(batch_op.f("ix_invitation_expires_at"))

    op.drop_table("invitation")
    with op.batch_alter_table("admin_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_admin_session_expires_at"))
        batch_op.drop_index(batch_op.f("ix_admin_session_admin_account_id"))

    op.drop_table("admin_session")
    with op.batch_alter_table("sign_in_failure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_failure_key_hash"))
        batch_op.drop_index(batch_op.f("ix_sign_in_failure_failed_at"))

    op.drop_table("sign_in_failure")
    op.drop_table("admin_account")
