"""Every table, once, for SQLite and PostgreSQL.

One file on purpose, and longer than our usual room: the migrations compare the
databases with this one metadata, and a reader sees at one place what is kept.

Words are those of the house (docs/glossary.md). A row that came from a SIS carries
``source_id``, ``sourced_id`` (theirs, case kept), ``status`` (``active`` or
``ended``; nothing is deleted), ``modified_at`` (their dateLastModified) and
``fingerprint`` (a hash of what they sent, so that the same pull changes nothing).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases (SQLite has no time zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Store UTC; a time without a zone is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Give back an aware UTC time."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Sourced = tuple[Column[Any], ...]


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _to(table: str, name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Integer, ForeignKey(f"{table}.id"), nullable=null, index=True)


def _at(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=null)


def _words(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _sourced() -> Sourced:
    return (
        _to("source", "source_id"),
        Column("sourced_id", String(255), nullable=False),
        Column("status", String(16), nullable=False, server_default="active"),
        _at("modified_at", null=True),
        Column("fingerprint", String(64), nullable=False),
    )


def _once(*names: str) -> UniqueConstraint:
    return UniqueConstraint(*names)


# --- registrations: who may launch us, our keys, logins on their way, seats -----

registration = Table(
    "registration",
    metadata,
    _id(),
    Column("name", String(255), nullable=False),
    Column("issuer", String(1024), nullable=False),
    Column("client_id", String(255), nullable=False),
    _words("auth_url"),
    _words("token_url"),
    _words("jwks_url"),
    _words("token_audience", null=True),
    Column("vendor", String(32), nullable=False, server_default="other"),
    Column("status", String(16), nullable=False, server_default="active"),
    _words("outcomes_url", null=True),
    _words("outcomes_token", null=True),  # encrypted
    Column("clock_skew_seconds", Float),
    _at("created_at"),
    _once("issuer", "client_id"),
)

deployment = Table(
    "deployment",
    metadata,
    _id(),
    _to("registration", "registration_id"),
    Column("deployment_id", String(255), nullable=False),
    Column("status", String(16), nullable=False),  # pending, active, disabled
    _at("created_at"),
    _once("registration_id", "deployment_id"),
)

tool_key = Table(
    "tool_key",
    metadata,
    _id(),
    Column("kid", String(64), nullable=False, unique=True),
    _words("private_key"),  # encrypted PEM
    Column("status", String(16), nullable=False),  # current, next, previous
    _at("created_at"),
)

login_state = Table(
    "login_state",
    metadata,
    _id(),
    Column("state_hash", String(64), nullable=False, unique=True),
    Column("nonce_hash", String(64), nullable=False),
    Column("binding_hash", String(64), nullable=False),
    _to("registration", "registration_id"),
    Column("lti_deployment_id", String(255)),
    _words("target_link_uri"),
    Column("remote_address", String(64)),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

lms_user = Table(
    "lms_user",
    metadata,
    _id(),
    _to("registration", "registration_id"),
    Column("subject", String(255), nullable=False),
    _to("person", "person_id", null=True),
    _words("given_name", null=True),
    _words("family_name", null=True),
    _words("full_name", null=True),
    _words("email", null=True),
    _words("lis_person_sourcedid", null=True),
    Column("locale", String(35)),
    Column("link_rule", String(32)),  # lis, name_in_class, alone, by_hand
    Column("link_confidence", Float),
    _at("linked_at", null=True),
    _at("seen_at"),
    _once("registration_id", "subject"),
)

web_session = Table(
    "web_session",
    metadata,
    _id(),
    # Stands in every address of the seat's pages; worth nothing without the cookie.
    Column("public_id", String(32), nullable=False, unique=True),
    Column("browser_hash", String(64), nullable=False),
    _to("registration", "registration_id", null=True),
    _to("placement", "placement_id", null=True),
    _to("lms_user", "lms_user_id", null=True),
    _to("person", "person_id"),
    _to("course", "course_id", null=True),
    Column("role", String(16), nullable=False),  # learner, instructor, mentor, none
    Column("mentees", JSON),  # subjects a mentor may see
    Column("csrf", String(64), nullable=False),
    Column("locale", String(35)),
    _words("return_url", null=True),
    _at("created_at"),
    _at("seen_at"),
    # What a deep linking launch asked for, until it is answered.
    Column("deep_linking", JSON(none_as_null=True)),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# --- sources and runs --------------------------------------------------------

source = Table(
    "source",
    metadata,
    _id(),
    Column("name", String(255), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),  # rest, csv
    _words("location"),  # base URL, or path of a folder or zip
    Column("version", String(8)),
    _words("token_url", null=True),
    Column("auth", String(16)),
    Column("client_id", String(255)),
    _words("client_secret", null=True),  # encrypted
    Column("profile", JSON),
    _at("created_at"),
    _at("synced_at", null=True),
)

run = Table(
    "run",
    metadata,
    _id(),
    _to("source", "source_id"),
    Column("status", String(24), nullable=False),
    Column("trigger", String(16), nullable=False),  # by_hand, schedule, retry
    Column("phase", String(32)),
    Column("plan", JSON),
    Column("plan_hash", String(64)),
    Column("problem_counts", JSON),
    _words("text", null=True),
    Column("lease_until", UtcDateTime),
    _at("started_at"),
    _at("ended_at", null=True),
)

# One open run a source, kept by the database itself.
Index(
    "uq_run_open",
    run.c.source_id,
    unique=True,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

run_problem = Table(
    "run_problem",
    metadata,
    _id(),
    _to("run", "run_id"),
    Column("collection", String(32), nullable=False),
    Column("sourced_id", String(255)),
    _words("place"),
    Column("field", String(64)),
    Column("code", String(32), nullable=False),
    _words("text"),
)

# --- roster: facts as the SIS holds them ------------------------------------------

org = Table(
    "org",
    metadata,
    _id(),
    *_sourced(),
    _words("name"),
    Column("kind", String(64), nullable=False),
    Column("identifier", String(255)),
    Column("parent_sourced_id", String(255)),
    _once("source_id", "sourced_id"),
)

term = Table(
    "term",
    metadata,
    _id(),
    *_sourced(),
    _words("title"),
    Column("kind", String(64), nullable=False),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("school_year", String(16)),
    Column("parent_sourced_id", String(255)),
    _once("source_id", "sourced_id"),
)

sis_course = Table(
    "sis_course",
    metadata,
    _id(),
    *_sourced(),
    _words("title"),
    Column("course_code", String(255)),
    Column("grades", JSON),
    Column("subjects", JSON),
    Column("org_sourced_id", String(255)),
    _once("source_id", "sourced_id"),
)

sis_class = Table(
    "sis_class",
    metadata,
    _id(),
    *_sourced(),
    _words("title"),
    Column("class_code", String(255)),
    Column("class_type", String(64)),
    Column("grades", JSON),
    Column("subjects", JSON),
    Column("periods", JSON),
    Column("sis_course_sourced_id", String(255)),
    Column("school_sourced_id", String(255), index=True),
    Column("term_sourced_ids", JSON),
    _once("source_id", "sourced_id"),
)

person = Table(
    "person",
    metadata,
    _id(),
    _words("given_name"),
    _words("family_name"),
    _words("display_name"),
    _at("created_at"),
)

sis_user = Table(
    "sis_user",
    metadata,
    _id(),
    *_sourced(),
    _to("person", "person_id", null=True),
    _words("username", null=True),
    _words("given_name"),
    _words("family_name"),
    _words("middle_name", null=True),
    _words("preferred_given_name", null=True),
    _words("preferred_family_name", null=True),
    Column("identifier", String(255)),
    _words("email", null=True),
    Column("is_enabled", Boolean, nullable=False),
    Column("roles", JSON),  # [{role, role_type, org, begins_on, ends_on}]
    Column("grades", JSON),
    Column("user_ids", JSON),  # [{type, identifier}]
    Column("agents", JSON),  # sourced ids of guardians or of their children
    _once("source_id", "sourced_id"),
)

demographics = Table(
    "demographics",
    metadata,
    _id(),
    *_sourced(),
    Column("facts", JSON, nullable=False),
    _once("source_id", "sourced_id"),
)

enrollment = Table(
    "enrollment",
    metadata,
    _id(),
    *_sourced(),
    Column("class_sourced_id", String(255), nullable=False, index=True),
    Column("school_sourced_id", String(255)),
    Column("user_sourced_id", String(255), nullable=False, index=True),
    Column("role", String(64), nullable=False),
    Column("is_primary", Boolean),
    Column("begins_on", Date),
    Column("ends_on", Date),
    _once("source_id", "sourced_id"),
)

category = Table(
    "category",
    metadata,
    _id(),
    *_sourced(),
    _words("title"),
    Column("weight", Float),
    _once("source_id", "sourced_id"),
)

# --- courses and seats -----------------------------------------------------------

course = Table(
    "course",
    metadata,
    _id(),
    _to("sis_class", "sis_class_id", null=True),
    _words("title"),
    _to("framework", "framework_id", null=True),
    Column("rule", String(32), nullable=False, server_default="certainty"),
    Column("parameter", Float),
    Column("scale", JSON),  # levels [{name, cut, points}], null: the default
    Column("mastery_cut", Float),  # null: the scale's own
    Column("status", String(16), nullable=False, server_default="active"),
    _at("created_at"),
    _at("refreshed_at", null=True),
    _once("sis_class_id"),
)

placement = Table(
    "placement",
    metadata,
    _id(),
    _to("deployment", "deployment_id"),
    Column("context_id", String(255), nullable=False),  # '' when a launch has none
    _to("course", "course_id", null=True),
    _words("title", null=True),
    _words("ags_line_items_url", null=True),
    Column("ags_scopes", JSON),
    _words("nrps_url", null=True),
    _at("seen_at"),
    _once("deployment_id", "context_id"),
)

seat = Table(
    "seat",
    metadata,
    _id(),
    _to("person", "person_id"),
    _to("course", "course_id"),
    Column("role", String(16), nullable=False),
    Column("status", String(16), nullable=False, server_default="active"),
    Column("origin", String(8), nullable=False),  # sis, lms
    _once("course_id", "person_id", "role"),
)

# --- curriculum --------------------------------------------------------------------

framework = Table(
    "framework",
    metadata,
    _id(),
    Column("case_id", String(255), nullable=False, unique=True),
    _words("title"),
    Column("version", String(255)),
    _words("publisher", null=True),
    Column("language", String(35)),
    _words("creator"),
    Column("payload", JSON, nullable=False),  # the document's other fields
    Column("package", JSON, nullable=False),  # what lies beside it: rubrics, licences
    Column("fingerprint", String(64), nullable=False),
    _at("imported_at"),
)

competency = Table(
    "competency",
    metadata,
    _id(),
    _to("framework", "framework_id"),
    Column("case_id", String(255), nullable=False),
    Column("human_code", String(255), index=True),
    _words("statement"),
    _words("abbreviated", null=True),
    Column("kind", String(255)),
    Column("education_levels", JSON),
    Column("language", String(35)),
    Column("list_enumeration", String(64), nullable=False, server_default=""),
    Column("position", Integer, nullable=False),  # reading order in the framework
    Column("is_assessable", Boolean, nullable=False),
    _at("retired_at", null=True),
    Column("payload", JSON, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    _once("framework_id", "case_id"),
)

association = Table(
    "association",
    metadata,
    _id(),
    _to("framework", "framework_id", null=True),  # null: an extra file of edges
    Column("case_id", String(255), nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("origin_case_id", String(255), nullable=False, index=True),
    Column("destination_case_id", String(255), nullable=False, index=True),
    Column("sequence", Integer),
    _at("retired_at", null=True),
    Column("payload", JSON, nullable=False),
    Column("fingerprint", String(64), nullable=False),
)

# An assignment is a SIS line item today; other sources join it in later work.
assignment = Table(
    "assignment",
    metadata,
    _id(),
    *_sourced(),
    _to("course", "course_id", null=True),
    Column("class_sourced_id", String(255), nullable=False, index=True),
    _words("title"),
    _words("description", null=True),
    _at("assigned_at", null=True),
    _at("due_at", null=True),
    Column("category_sourced_id", String(255)),
    Column("term_sourced_id", String(255)),
    Column("minimum", Float),
    Column("maximum", Float),
    Column("learning_objectives", JSON),
    _once("source_id", "sourced_id"),
)

alignment = Table(
    "alignment",
    metadata,
    _id(),
    _to("course", "course_id"),
    _to("assignment", "assignment_id"),
    _to("competency", "competency_id"),
    Column("weight", Float, nullable=False),
    Column("made_by", String(64), nullable=False),  # 'cli', or 'person:7'
    _at("created_at"),
    _once("assignment_id", "competency_id"),
)

# --- evidence ------------------------------------------------------------------------

score = Table(
    "score",
    metadata,
    _id(),
    *_sourced(),
    _to("assignment", "assignment_id", null=True),
    _to("person", "person_id", null=True),
    Column("line_item_sourced_id", String(255), nullable=False, index=True),
    Column("student_sourced_id", String(255), nullable=False, index=True),
    Column("given", Float),
    Column("text_score", String(255)),
    Column("score_status", String(32)),
    Column("scored_on", Date),
    _words("comment", null=True),
    Column("flags", JSON),  # {in_progress, incomplete, late, missing}
    Column("learning_objectives", JSON),
    _once("source_id", "sourced_id"),
    Index("ix_score_person_assignment", "person_id", "assignment_id"),
)

# --- standing -----------------------------------------------------------------------

attainment = Table(
    "attainment",
    metadata,
    _id(),
    _to("course", "course_id"),
    Column("person_id", Integer, ForeignKey("person.id"), nullable=False),
    Column("competency_id", Integer, ForeignKey("competency.id"), nullable=False),
    Column("value", Float),  # points of the scale; null when the rule gives none
    Column("ratio", Float),
    Column("level", Integer),  # index in the scale, 0 lowest; null: not assessed
    Column("level_name", String(64)),
    Column("is_mastered", Boolean, nullable=False),
    Column("rule", String(32), nullable=False),
    Column("parameter", Float),
    Column("evidence_count", Integer, nullable=False),
    Column("probability", Float),
    _at("evidence_at", null=True),
    _at("computed_at"),
    _once("course_id", "person_id", "competency_id"),
    Index("ix_attainment_person", "person_id"),
)

# --- outbox --------------------------------------------------------------------------

course_destination = Table(
    "course_destination",
    metadata,
    _id(),
    _to("course", "course_id"),
    Column("destination", String(16), nullable=False),  # ags, oneroster
    Column("is_on", Boolean, nullable=False),
    Column("changed_by", String(64), nullable=False),
    _at("changed_at"),
    _once("course_id", "destination"),
)

# A column of ours in another system's gradebook: one per competency and place.
line_item = Table(
    "line_item",
    metadata,
    _id(),
    Column("destination", String(16), nullable=False),
    _to("placement", "placement_id", null=True),
    _to("source", "source_id", null=True),
    _to("course", "course_id"),
    _to("competency", "competency_id"),
    Column("resource_id", String(255), nullable=False),
    _words("address"),  # AGS line item URL, or assessmentLineItem sourcedId
    Column("maximum", Float, nullable=False),
    _at("created_at"),
    _once("destination", "course_id", "competency_id", "placement_id"),
)

delivery = Table(
    "delivery",
    metadata,
    _id(),
    Column("destination", String(16), nullable=False),
    _to("course", "course_id"),
    _to("person", "person_id"),
    _to("competency", "competency_id"),
    Column("value", Float),  # points; null withdraws
    Column("maximum", Float, nullable=False),
    Column("level_name", String(64)),
    Column("basis", JSON, nullable=False),  # rule, parameter, evidence count, time
    # pending, sending, unknown, delivered, superseded, blocked, conflict, dead
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=False, index=True),
    _at("lease_until", null=True),
    _at("sent_at", null=True),  # the timestamp the destination was told
    _at("read_back_at", null=True),
    Column("read_back", Float),
    Column("code", String(32)),
    _words("reason", null=True),
    Column("receipt", JSON),
    _at("created_at"),
    _at("closed_at", null=True),
)

# One waiting row a key; a newer value supersedes it. One in flight a key is kept by
# claim(), which passes over keys that are being sent.
Index(
    "uq_delivery_pending",
    delivery.c.destination,
    delivery.c.course_id,
    delivery.c.person_id,
    delivery.c.competency_id,
    unique=True,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)
Index(
    "ix_delivery_key",
    delivery.c.destination,
    delivery.c.course_id,
    delivery.c.person_id,
    delivery.c.competency_id,
    delivery.c.id,
)

change = Table(
    "change",
    metadata,
    _id(),
    _at("at"),
    Column("who", String(64), nullable=False),
    Column("what", String(64), nullable=False),
    Column("subject_table", String(32), nullable=False),
    Column("subject_id", Integer),
    Column("before", JSON),
    Column("after", JSON),
)
