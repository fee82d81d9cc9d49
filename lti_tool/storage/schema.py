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
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
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


def _to(
    table: str, name: str, *, null: bool = False, falls_with: bool = False
) -> Column[int]:
    """A reference; falls_with: the row goes with the one it refers to."""
    rule = "CASCADE" if falls_with else None
    foreign = ForeignKey(f"{table}.id", ondelete=rule)
    return Column(name, Integer, foreign, nullable=null, index=True)


def _at(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=null)


def _words(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _few(name: str, columns: tuple[str, ...], rule: str) -> Index:
    """An index of the few rows that a rule names: it costs the others nothing."""
    where = text(rule)
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def _sourced() -> Sourced:
    return (
        # The unique key begins with it; an index of its own costs more than it helps.
        Column("source_id", Integer, ForeignKey("source.id"), nullable=False),
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
    Column("jwks", JSON(none_as_null=True)),  # the keys themselves; jwks_url is unused
    _words("token_audience", null=True),
    Column("vendor", String(32), nullable=False, server_default="other"),
    # pending (waits for an administrator), active, disabled
    Column("status", String(16), nullable=False, server_default="active"),
    # by_hand, dynamic, trial (one of `certify`, which ends by itself)
    Column("made_by", String(16), nullable=False, server_default="by_hand"),
    _at("expires_at", null=True),
    Column("extra_origins", JSON(none_as_null=True)),  # further sites that frame us
    Column("target_mismatch", String(8), nullable=False, server_default="refuse"),
    Column("asked", JSON(none_as_null=True)),  # dynamic registration: what we asked
    Column("granted", JSON(none_as_null=True)),  # and what the platform answered
    _words("registration_url", null=True),  # where the registration can be updated
    _words("registration_token", null=True),  # encrypted
    Column("product", JSON(none_as_null=True)),  # {family, version, guid, name}
    Column("checks", JSON(none_as_null=True)),  # the last live checks
    _words("outcomes_url", null=True),
    _words("outcomes_token", null=True),  # encrypted
    Column("clock_skew_seconds", Float),
    _at("busy_until", null=True),  # it asked us to wait: no outcome goes there before
    # The same of its REST API or web services, which have limits of their own.
    _at("services_busy_until", null=True),
    # What the school chose, and a probe found, of competency outcomes there.
    Column("outcomes_settings", JSON(none_as_null=True)),
    # Whether the grades of its courses are read as evidence.
    Column("is_read", Boolean, nullable=False, server_default=false()),
    _at("launched_at", null=True),  # the last launch that was let in
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
    Column("seen", JSON(none_as_null=True)),  # {context, platform} of its last launch
    _at("seen_at", null=True),
    # Platform Notification Service: where handlers are told, and which we told.
    _words("notices_url", null=True),
    Column("notice_types", JSON(none_as_null=True)),
    _at("notices_at", null=True),
    _at("created_at"),
    _once("registration_id", "deployment_id"),
)

tool_key = Table(
    "tool_key",
    metadata,
    _id(),
    Column("kid", String(64), nullable=False, unique=True),
    _words("private_key"),  # encrypted PEM
    Column("status", String(16), nullable=False),  # current, next, due, previous
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
    # Platform storage: the frame asked, and the secret that was put there.
    Column("storage_target", String(255)),
    Column("storage_hash", String(64)),
    Column("remote_address", String(64), index=True),
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
    Column("platform_user_id", String(255)),  # the LMS's own number, if it told
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
    # The link it came by, and the student whose evidence a review launch asks for.
    _to("resource_link", "resource_link_id", null=True),
    Column("review_person_id", Integer, ForeignKey("person.id")),
    Column("is_test_user", Boolean, nullable=False, server_default=text("false")),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# --- administrators, invitations, what was refused --------------------------------

admin_account = Table(
    "admin_account",
    metadata,
    _id(),
    Column("username", String(255), nullable=False, unique=True),  # lower case
    _words("display_name"),
    _words("password_hash"),  # Argon2id
    Column("status", String(16), nullable=False, server_default="active"),
    Column("locale", String(35)),
    _at("created_at"),
    _at("signed_in_at", null=True),
)

admin_session = Table(
    "admin_session",
    metadata,
    _id(),
    Column("secret_hash", String(64), nullable=False, unique=True),
    _to("admin_account", "admin_account_id"),
    Column("csrf", String(64), nullable=False),
    _at("created_at"),
    _at("seen_at"),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# Failed sign-ins, counted by account and by address, whichever process heard them.
sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    _id(),
    Column("key_hash", String(64), nullable=False, index=True),
    Column("failed_at", UtcDateTime, nullable=False, index=True),
)

# A link that works once: to register a platform, or to become an administrator.
invitation = Table(
    "invitation",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),  # platform, admin
    Column("token_hash", String(64), nullable=False, unique=True),
    _words("name", null=True),  # of the platform to be, or of the account
    Column("vendor", String(32)),
    Column("issuer_host", String(255)),  # the only host that may use it, if known
    Column("made_by", String(64), nullable=False),
    _to("registration", "registration_id", null=True),  # what came of it
    _at("created_at"),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    _at("used_at", null=True),
)

# What the launch doctor shows. Personal data is masked before it is written.
refusal = Table(
    "refusal",
    metadata,
    _id(),
    Column("correlation_id", String(32), nullable=False, unique=True),
    Column("code", String(32), nullable=False),
    _words("reason"),
    Column("stage", String(32), nullable=False),
    _to("registration", "registration_id", null=True),
    Column("iss_host", String(255)),
    Column("header", JSON(none_as_null=True)),
    Column("claims", JSON(none_as_null=True)),
    Column("facts", JSON(none_as_null=True)),  # what was expected at that moment
    Column("is_signed", Boolean, nullable=False),
    Column("refused_at", UtcDateTime, nullable=False, index=True),
)

# --- sources and runs --------------------------------------------------------

source = Table(
    "source",
    metadata,
    _id(),
    Column("name", String(255), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),  # rest, csv; lms: grades of a platform
    _words("location"),  # base URL, or path of a folder or zip
    _to("registration", "registration_id", null=True),  # of kind lms: which platform
    Column("version", String(8)),
    _words("token_url", null=True),
    Column("auth", String(16)),
    Column("client_id", String(255)),
    _words("client_secret", null=True),  # encrypted
    # Path of the only certificates trusted for its host; None: the public ones.
    _words("ca_file", null=True),
    Column("profile", JSON),  # what the last probe found it can and cannot do
    _at("profiled_at", null=True),
    # draft (a wizard left in the middle), active, paused (no run by schedule)
    Column("status", String(16), nullable=False, server_default="active"),
    # What the school chose: scope, limits, schedule, pauses, grace, matching, told.
    Column("settings", JSON(none_as_null=True)),
    _at("next_at", null=True),  # when the schedule runs it again
    # No call goes out before then: the source said so, or refused our credentials.
    _at("parked_until", null=True),
    Column("parked_code", String(32)),
    _at("busy_until", null=True),  # no outcome is sent there before then
    _at("created_at"),
    _at("synced_at", null=True),
    _at("full_at", null=True),  # the start of the last applied run that read it whole
)

# What a page asked the worker to find out of a source, and what it found so far.
source_look = Table(
    "source_look",
    metadata,
    _id(),
    _to("source", "source_id"),
    Column("kind", String(8), nullable=False),  # test, preview
    Column("document", JSON(none_as_null=True)),  # grows while it goes on
    _at("asked_at"),
    _at("seen_at", null=True),  # the last sign of life
    _at("ended_at", null=True),
    _once("source_id", "kind"),
)

# How far a collection was read: the start of the next delta, and the last proof.
source_collection = Table(
    "source_collection",
    metadata,
    _id(),
    _to("source", "source_id"),
    Column("collection", String(32), nullable=False),
    _at("cursor_at", null=True),  # changes before this moment are known
    _at("complete_at", null=True),  # when it was last read whole, with proof
    Column("file_hash", String(64)),  # of the CSV file it was last read from
    _once("source_id", "collection"),
)

run = Table(
    "run",
    metadata,
    _id(),
    _to("source", "source_id"),
    Column("status", String(24), nullable=False),
    Column("trigger", String(16), nullable=False),  # by_hand, schedule, retry
    # full, delta (what changed since the last), retry (what was held aside)
    Column("kind", String(8), nullable=False, server_default="full"),
    Column("phase", String(32)),
    # How far it is: collection, count, expected, per_second, seconds_left, pages, at.
    Column("progress", JSON(none_as_null=True)),
    Column("stop_asked", Boolean, nullable=False, server_default=text("false")),
    Column("counts", JSON(none_as_null=True)),  # records read, by collection
    Column("plan", JSON),
    Column("plan_hash", String(64)),
    Column("schools", JSON(none_as_null=True)),  # the plan by school sourcedId
    Column("holds", JSON(none_as_null=True)),  # why it waits, one object a reason
    Column("problem_counts", JSON),
    Column("written", Integer),  # rows written when it was applied
    # accepted, accepted_without_ends, discarded
    Column("decision", String(24)),
    Column("decided_by", String(64)),
    _at("decided_at", null=True),
    _words("decision_reason", null=True),
    _to("run", "of_run_id", null=True),  # the run it retries, or whose plan it applies
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

# One record a plan would add, change or end, with what differs and nothing else.
run_move = Table(
    "run_move",
    metadata,
    _id(),
    Column("run_id", Integer, ForeignKey("run.id"), nullable=False),
    Column("collection", String(32), nullable=False),
    Column("kind", String(8), nullable=False),  # add, change, end
    Column("sourced_id", String(255), nullable=False),
    _words("label", null=True),  # what a person calls it
    Column("user_sourced_id", String(255)),  # whom it is about, if anyone
    Column("school_sourced_id", String(255)),
    Column("before", JSON(none_as_null=True)),  # {field: value}
    Column("after", JSON(none_as_null=True)),
    Index("ix_run_move_run", "run_id", "collection", "kind"),
    Index("ix_run_move_user", "run_id", "user_sourced_id"),
)

# A record left out because it names one we do not have; tried again in later runs.
quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    _to("source", "source_id"),
    _to("run", "run_id"),  # the last run that met it
    Column("collection", String(32), nullable=False),
    Column("sourced_id", String(255), nullable=False),
    Column("field", String(64), nullable=False),
    Column("names", String(255), nullable=False),  # the sourcedId that is missing
    _words("place"),
    Column("row", JSON, nullable=False),  # as it was staged
    _at("first_seen_at"),
    _at("seen_at"),
    _at("settled_at", null=True),
    _once("source_id", "collection", "sourced_id"),
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
    # error (the record is left out), warning (a value is)
    Column("level", String(8), nullable=False, server_default="error"),
    _words("value", null=True),  # what stood there, masked
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
    Column("resource_sourced_ids", JSON, server_default="[]"),
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
    Column("resource_sourced_ids", JSON, server_default="[]"),
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
    Column("user_master_identifier", String(255), index=True),
    Column("primary_org_sourced_id", String(255)),
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
    _few("ix_enrollment_ended", ("source_id",), "status <> 'active'"),
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

# What the words of a gradebook are worth.
score_scale = Table(
    "score_scale",
    metadata,
    _id(),
    *_sourced(),
    _words("title"),
    Column("kind", String(255)),
    Column("class_sourced_id", String(255), index=True),
    Column("course_sourced_id", String(255)),
    Column("org_sourced_id", String(255)),
    Column("steps", JSON, nullable=False),  # [[word, worth]], in their order
    _once("source_id", "sourced_id"),
)

# Learning material a SIS names; what stands in metadata is not of the standard.
sis_resource = Table(
    "sis_resource",
    metadata,
    _id(),
    *_sourced(),
    _words("title"),
    _words("vendor_resource_id", null=True),
    _words("vendor_id", null=True),
    _words("application_id", null=True),
    Column("roles", JSON),  # whom it is for; none: everybody
    Column("importance", String(64)),  # primary, secondary
    _words("url", null=True),
    _words("licence", null=True),
    Column("language", String(35)),
    _words("description", null=True),
    Column("learning_objectives", JSON),  # texts that name competencies
    _once("source_id", "sourced_id"),
)

# Who an account of a SIS or an LMS is: a fact with its rule, which can be undone.
person_link = Table(
    "person_link",
    metadata,
    _id(),
    Column("kind", String(8), nullable=False),  # sis, lms
    _to("sis_user", "sis_user_id", null=True),
    _to("lms_user", "lms_user_id", null=True),
    _to("person", "person_id"),  # who it is said to be
    _to("person", "from_person_id", null=True),  # who it was before
    Column("rule", String(32), nullable=False),
    Column("confidence", Float, nullable=False),
    # proposed (waits for a person), active, refused, undone, replaced (by a better one)
    Column("status", String(16), nullable=False, index=True),
    Column("facts", JSON(none_as_null=True)),  # what spoke for it
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    Column("decided_by", String(64)),
    _at("decided_at", null=True),
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
    # submitted, due, assessed: which time of a piece puts it in its place
    Column("evidence_order", String(16), nullable=False, server_default="submitted"),
    Column("minimum_pieces", Integer, nullable=False, server_default="1"),
    Column("counts", JSON),  # kinds of evidence that count, null: the default ones
    # what evidence for a successor is worth for its predecessors; 0: nothing
    Column("successor_share", Float, nullable=False, server_default="0"),
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
    # Where NRPS gives only what changed since the last pull, and when that was.
    _words("nrps_differences_url", null=True),
    _at("members_at", null=True),
    _words("groups_url", null=True),
    _words("group_sets_url", null=True),
    _at("groups_at", null=True),
    # How often in a row its gradebook was not ours to write to, and since when it
    # counts as gone; a launch from there brings it back.
    Column("ags_misses", Integer, nullable=False, server_default="0"),
    _at("ags_gone_at", null=True),
    # The context it was copied from, if its history named one we know.
    Column("copied_from_id", Integer, ForeignKey("placement.id")),
    _at("seen_at"),
    _once("deployment_id", "context_id"),
)

# A spot in the LMS that opens us: what it shows, and its own gradebook column.
resource_link = Table(
    "resource_link",
    metadata,
    _id(),
    _to("deployment", "deployment_id"),
    _to("placement", "placement_id"),
    Column("link_id", String(255), nullable=False),  # theirs; another one in a copy
    _words("title", null=True),
    Column("view", String(16), nullable=False, server_default="class"),
    _to("competency", "competency_id", null=True),  # of a competency check
    _words("ags_line_item_url", null=True),
    Column("copied_from_id", Integer, ForeignKey("resource_link.id")),
    _at("created_at"),
    _at("seen_at"),
    _once("deployment_id", "link_id"),
)

# A group of a course as the LMS has it (Course Groups 1.0).
course_group = Table(
    "course_group",
    metadata,
    _id(),
    _to("placement", "placement_id"),
    Column("group_id", String(255), nullable=False),
    _words("name"),
    _words("set_name", null=True),
    _once("placement_id", "group_id"),
)

group_member = Table(
    "group_member",
    metadata,
    _id(),
    _to("course_group", "course_group_id"),
    _to("lms_user", "lms_user_id"),
    _once("course_group_id", "lms_user_id"),
)

# A notice of a platform, so that one told twice is heeded once.
notice = Table(
    "notice",
    metadata,
    _id(),
    _to("registration", "registration_id"),
    Column("notice_id", String(255), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("body", JSON(none_as_null=True)),
    _at("received_at"),
    _once("registration_id", "notice_id"),
)

# An alignment of the course a course was copied from, which waits here for work of
# the same title.
carried_alignment = Table(
    "carried_alignment",
    metadata,
    _id(),
    _to("course", "course_id"),
    Column("from_course_id", Integer, ForeignKey("course.id"), nullable=False),
    _to("competency", "competency_id"),
    _words("title"),
    Column("weight", Float, nullable=False),
    _at("created_at"),
    Column("part", String(255), nullable=False, server_default=""),
    Column("is_practice", Boolean, nullable=False, server_default=false()),
    _once("course_id", "competency_id", "title", "part"),
)

# An address that opens one page of a seat once: a file, or the page in a new tab.
passage = Table(
    "passage",
    metadata,
    _id(),
    Column("token_hash", String(64), nullable=False, unique=True),
    # One that nobody used must not keep its visit from ending.
    _to("web_session", "web_session_id", falls_with=True),
    _words("path"),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

seat = Table(
    "seat",
    metadata,
    _id(),
    _to("person", "person_id"),
    _to("course", "course_id"),
    Column("role", String(16), nullable=False),
    # active, leaving (gone from the class, may still open it until closes_on), ended
    Column("status", String(16), nullable=False, server_default="active"),
    Column("origin", String(8), nullable=False),  # sis, lms
    Column("closes_on", Date),
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
    # case, csv: published elsewhere; own: made and edited here
    Column("origin", String(16), nullable=False, server_default="case"),
    Column("source_url", Text),  # where it is looked for anew
    Column("source_token", Text),  # what that service wants to see, encrypted
    Column("case_version", String(8)),
    _at("retired_at", null=True),
)

# What each import or edit of a framework changed: the newest number is what stands.
framework_version = Table(
    "framework_version",
    metadata,
    _id(),
    _to("framework", "framework_id"),
    Column("number", Integer, nullable=False),
    Column("label", String(255)),  # the publisher's own version
    _words("named"),  # file name or address, or what the editor says of it
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    Column("counts", JSON, nullable=False),  # {added, changed, retired, returned}
    Column("problems", JSON, nullable=False),  # [[code, record, text]]
    _once("framework_id", "number"),
)

framework_change = Table(
    "framework_change",
    metadata,
    _id(),
    _to("framework_version", "version_id"),
    Column("kind", String(16), nullable=False),  # added, changed, retired, returned
    # document, competency, association, rubric, definition
    Column("subject", String(16), nullable=False),
    Column("case_id", String(255), nullable=False, index=True),
    Column("before", JSON),  # the fields that differ, or the whole record
    Column("after", JSON),
)

# An import an administrator asked for on a page: how far it is, what it brought.
framework_order = Table(
    "framework_order",
    metadata,
    _id(),
    _words("named"),  # an address, or the name of a file that was sent
    _words("path", null=True),  # where that file lies until it is read
    # waiting, reading, storing, done, failed
    Column("state", String(16), nullable=False),
    Column("found", JSON),
    Column("token", Text),  # of a protected service, encrypted; gone when it ended
    Column("ordered_by", String(64), nullable=False),
    _at("ordered_at"),
    _at("ended_at", null=True),
)

# A competency that its publisher replaced by another: a person decides what follows.
replacement = Table(
    "replacement",
    metadata,
    _id(),
    Column("from_id", Integer, ForeignKey("competency.id"), nullable=False),
    Column("to_id", Integer, ForeignKey("competency.id"), nullable=False),
    Column("association_case_id", String(255), nullable=False),
    # proposed, confirmed, declined, undone
    Column("status", String(16), nullable=False, server_default="proposed"),
    Column("moved", JSON),  # what was moved, so that it can be put back
    _at("proposed_at"),
    Column("decided_by", String(64)),
    _at("decided_at", null=True),
    _once("from_id", "to_id"),
)

# What each level of one competency means, in words: a rubric's or the school's own.
level_description = Table(
    "level_description",
    metadata,
    _id(),
    _to("competency", "competency_id"),
    Column("position", Integer, nullable=False),  # 0 the lowest
    Column("name", String(255), nullable=False),
    _words("description"),
    Column("points", Float),
    Column("origin", String(16), nullable=False),  # rubric, own
    _once("competency_id", "position"),
)

# A scale with a name, for courses to choose.
named_scale = Table(
    "named_scale",
    metadata,
    _id(),
    _words("title"),
    # [{name, cut, points, colour, description}], from the lowest
    Column("levels", JSON, nullable=False),
    Column("mastery_cut", Float, nullable=False),
    Column("origin", String(16), nullable=False),  # own, rubric, canvas
    Column("case_id", String(255), unique=True),  # the rubric it came from
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    _at("retired_at", null=True),
)

# How far attainments carry over from one framework to another, by kind of edge.
crosswalk = Table(
    "crosswalk",
    metadata,
    _id(),
    Column("from_id", Integer, ForeignKey("framework.id"), nullable=False),
    Column("to_id", Integer, ForeignKey("framework.id"), nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("shares", JSON, nullable=False),  # {exactMatchOf: 1.0, isPeerOf: .8, …}
    Column("changed_by", String(64), nullable=False),
    _at("changed_at"),
    _once("from_id", "to_id"),
)

# Levels of a framework to be worked out again, by the worker: one order a framework.
recompute = Table(
    "recompute",
    metadata,
    _id(),
    _to("framework", "framework_id"),
    Column("ordered_by", String(64), nullable=False),
    _at("ordered_at"),
    _at("renewed_at", null=True),  # when a worker last said it is at it
    Column("people", Integer, nullable=False, server_default="0"),  # of them done
    Column("whole", Integer),  # how many people there are; null: not begun
    _at("ended_at", null=True),
    _once("framework_id"),
)

# What search by words needs of a framework, made once per version.
framework_index = Table(
    "framework_index",
    metadata,
    _id(),
    _to("framework", "framework_id"),
    Column("kind", String(64), nullable=False),  # words, or the name of a model
    Column("fingerprint", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    _at("made_at"),
    _once("framework_id", "kind"),
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
    Column("case_id", String(255), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("origin_case_id", String(255), nullable=False, index=True),
    Column("destination_case_id", String(255), nullable=False, index=True),
    Column("sequence", Integer),
    _at("retired_at", null=True),
    Column("payload", JSON, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    # Two frameworks may publish the same edge; an extra file holds each once.
    _once("framework_id", "case_id"),
)
Index(
    "uq_association_extra",
    association.c.case_id,
    unique=True,
    sqlite_where=text("framework_id IS NULL"),
    postgresql_where=text("framework_id IS NULL"),
)

# An assignment is a line item of the SIS, or something assessed that needs no class.
assignment = Table(
    "assignment",
    metadata,
    _id(),
    *_sourced(),
    # line_item, assessment: two collections, whose sourcedIds may be the same
    Column("kind", String(16), nullable=False, server_default="line_item"),
    _to("course", "course_id", null=True),
    Column("class_sourced_id", String(255), index=True),
    Column("school_sourced_id", String(255)),
    Column("score_scale_sourced_id", String(255)),
    # Of an assessment the one above; of work in an LMS the line item it came from.
    Column("parent_sourced_id", String(255)),
    _words("title"),
    _words("description", null=True),
    _at("assigned_at", null=True),
    _at("due_at", null=True),
    Column("category_sourced_id", String(255)),
    Column("term_sourced_id", String(255)),
    Column("minimum", Float),
    Column("maximum", Float),
    Column("learning_objectives", JSON),  # of an LMS: [{offered: [codes]}], not taken
    # what of it can speak by itself: [{key, title, maximum, kind}], kind row, question;
    # of an LMS with competencies: the codes that are offered
    Column("parts", JSON),
    _words("web_url", null=True),  # where people open it, in an LMS
    # The line item of the SIS that is the same work as this one of an LMS, and who said
    # so: 'match' or a person; twin_by without twin_id: a person said it is not.
    Column("twin_id", Integer, ForeignKey("assignment.id"), index=True),
    Column("twin_by", String(64)),
    _once("source_id", "kind", "sourced_id"),
)

alignment = Table(
    "alignment",
    metadata,
    _id(),
    _to("course", "course_id"),
    _to("assignment", "assignment_id"),
    _to("competency", "competency_id"),
    Column("weight", Float, nullable=False),
    # 'cli', 'person:7', or 'sis': the SIS names the competency (learningObjectiveSet)
    Column("made_by", String(64), nullable=False),
    _at("created_at"),
    # '' is the whole score; else keys of parts, "row:3" or "question:1-4"
    Column("part", String(255), nullable=False, server_default=""),
    Column("is_practice", Boolean, nullable=False, server_default=false()),
    # What needs no class may speak in several courses.
    _once("course_id", "assignment_id", "competency_id", "part"),
)

# An alignment a person took away: what the SIS says does not make it anew.
declined_alignment = Table(
    "declined_alignment",
    metadata,
    _id(),
    _to("course", "course_id"),
    _to("assignment", "assignment_id"),
    _to("competency", "competency_id"),
    Column("declined_by", String(64), nullable=False),
    _at("declined_at"),
    _once("course_id", "assignment_id", "competency_id"),
)

# What a person answered to a suggestion: what the ranker learns from.
suggestion_choice = Table(
    "suggestion_choice",
    metadata,
    _id(),
    _to("course", "course_id", null=True),
    _to("assignment", "assignment_id", null=True),
    _to("competency", "competency_id"),
    Column("is_accepted", Boolean, nullable=False),
    Column("features", JSON, nullable=False),  # numbers by name, as they stood
    Column("decided_by", String(64), nullable=False),
    _at("decided_at"),
    _once("course_id", "assignment_id", "competency_id"),
)

ranker = Table(
    "ranker",
    metadata,
    _id(),
    Column("weights", JSON, nullable=False),  # numbers by name of feature
    Column("pairs", Integer, nullable=False),
    _at("trained_at"),
)

# --- resources -----------------------------------------------------------------------

resource = Table(
    "resource",
    metadata,
    _id(),
    # own, csv, case, oneroster, lms
    Column("origin", String(16), nullable=False),
    _to("source", "source_id", null=True),
    Column("sourced_id", String(255)),
    _words("title"),
    _words("url", null=True),
    _words("licence", null=True),
    Column("language", String(35)),
    Column("kind", String(64)),
    _words("description", null=True),
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    _at("retired_at", null=True),
    _once("source_id", "sourced_id"),
)

resource_use = Table(
    "resource_use",
    metadata,
    _id(),
    _to("resource", "resource_id"),
    _to("competency", "competency_id"),
    _to("course", "course_id", null=True),  # null: the whole school
    Column("from_level", Integer),  # for students from this level, 0 the lowest
    Column("to_level", Integer),
    Column("is_pinned", Boolean, nullable=False, server_default=false()),
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    _once("resource_id", "competency_id", "course_id"),
)

# What a SIS gives a class to use; a teacher may hide it from the class.
class_resource = Table(
    "class_resource",
    metadata,
    _id(),
    _to("course", "course_id"),
    _to("resource", "resource_id"),
    Column("hidden_by", String(64)),
    _at("hidden_at", null=True),
    _once("course_id", "resource_id"),
)

# A student opened a resource: whether those who did succeeded next ranks it.
resource_opening = Table(
    "resource_opening",
    metadata,
    _id(),
    _to("resource", "resource_id"),
    _to("competency", "competency_id"),
    _to("person", "person_id"),
    _at("at"),
)

# --- evidence ------------------------------------------------------------------------

score = Table(
    "score",
    metadata,
    _id(),
    *_sourced(),
    # result, assessment: as with assignments
    Column("kind", String(16), nullable=False, server_default="result"),
    _to("assignment", "assignment_id", null=True),
    Column("person_id", Integer, ForeignKey("person.id")),
    Column("line_item_sourced_id", String(255), nullable=False),
    Column("student_sourced_id", String(255), nullable=False, index=True),
    Column("given", Float),
    # Out of what, where that is other than what its assignment says (twins).
    Column("minimum", Float),
    Column("maximum", Float),
    Column("text_score", String(255)),
    Column("score_status", String(32)),
    Column("scored_on", Date),
    _at("scored_at", null=True),  # the moment, where more than the day is known
    _words("comment", null=True),
    Column("flags", JSON),  # {in_progress, incomplete, late, missing}
    Column("learning_objectives", JSON),
    Column("parts", JSON),  # {key of assignment.parts: [given, maximum]}
    Column("score_scale_sourced_id", String(255)),
    Column("percentile", Float),
    _once("source_id", "kind", "sourced_id"),
    Index("ix_score_person_assignment", "person_id", "assignment_id"),
    _few("ix_score_ended", ("source_id", "kind"), "status <> 'active'"),
    # those that came before their work or person
    _few(
        "ix_score_loose", ("source_id",), "assignment_id IS NULL OR person_id IS NULL"
    ),
)

# What people saw and said, beside scores: never edited, only superseded.
observation = Table(
    "observation",
    metadata,
    _id(),
    _to("person", "person_id"),
    _to("competency", "competency_id"),
    _to("course", "course_id", null=True),
    # observation, conference, outside, self, rubric
    Column("kind", String(16), nullable=False),
    Column("task", String(255), nullable=False),  # repeats of one task are seen as such
    _words("title"),
    Column("given", Float, nullable=False),
    Column("maximum", Float, nullable=False),
    _words("note", null=True),
    _words("proof_url", null=True),
    Column("happened_at", UtcDateTime, nullable=False),
    # proposed, accepted, declined; what staff saw is accepted at once
    Column("status", String(16), nullable=False),
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    Column("decided_by", String(64)),
    _at("decided_at", null=True),
    _words("decision", null=True),  # the reason of who decided
    Column("supersedes_id", Integer, ForeignKey("observation.id"), unique=True),
    _at("withdrawn_at", null=True),
    Column("withdrawn_by", String(64)),
    Index("ix_observation_person_competency", "person_id", "competency_id"),
)

# A level a teacher set: a dated fact with its reason and its end.
teacher_level = Table(
    "teacher_level",
    metadata,
    _id(),
    _to("course", "course_id"),
    _to("person", "person_id"),
    _to("competency", "competency_id"),
    Column("level", Integer, nullable=False),  # index in the scale, 0 the lowest
    Column("level_name", String(255), nullable=False),
    _words("reason"),
    Column("lasts", String(16), nullable=False),  # evidence, removed
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    _at("ended_at", null=True),
    Column("ended_by", String(64)),  # a person, or 'evidence'
    Column("ended_why", String(32)),  # evidence, removed, replaced
    Index("ix_teacher_level_cell", "course_id", "person_id", "competency_id"),
)

Index(
    "uq_teacher_level_standing",
    teacher_level.c.course_id,
    teacher_level.c.person_id,
    teacher_level.c.competency_id,
    unique=True,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

# --- settings of how levels are judged ------------------------------------------------

# A competency of a course that has a rule of its own.
competency_rule = Table(
    "competency_rule",
    metadata,
    _id(),
    _to("course", "course_id"),
    _to("competency", "competency_id"),
    Column("rule", String(32), nullable=False),
    Column("parameter", Float),
    Column("minimum_pieces", Integer),
    _once("course_id", "competency_id"),
)

# Every plan a course has had, whole; undo brings one back as a new one.
plan_version = Table(
    "plan_version",
    metadata,
    _id(),
    _to("course", "course_id"),
    Column("number", Integer, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("made_by", String(64), nullable=False),
    _at("made_at"),
    _words("reason", null=True),
    Column("restores", Integer),  # the number it brought back
    Column("effect", JSON),  # {moved, up, down}
    _once("course_id", "number"),
)

# How one student's record is judged over all courses, a line a framework.
record_rule = Table(
    "record_rule",
    metadata,
    _id(),
    _to("framework", "framework_id"),
    Column("rule", String(32), nullable=False),
    Column("parameter", Float),
    Column("scale", JSON),
    Column("mastery_cut", Float),
    Column("evidence_order", String(16), nullable=False, server_default="submitted"),
    Column("minimum_pieces", Integer, nullable=False, server_default="1"),
    Column("changed_by", String(64), nullable=False),
    _at("changed_at"),
    _once("framework_id"),
)

# --- standing -----------------------------------------------------------------------

# Where a student stands on a competency over all courses and years.
record = Table(
    "record",
    metadata,
    _id(),
    Column("person_id", Integer, ForeignKey("person.id"), nullable=False),
    _to("competency", "competency_id"),
    Column("value", Float),
    Column("ratio", Float),
    Column("level", Integer),
    Column("level_name", String(255)),
    Column("is_mastered", Boolean, nullable=False),
    Column("rule", String(32), nullable=False),
    Column("parameter", Float),
    Column("evidence_count", Integer, nullable=False),
    Column("probability", Float),
    _at("evidence_at", null=True),
    _at("computed_at"),
    _once("person_id", "competency_id"),
)

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
    _to("teacher_level", "teacher_level_id", null=True),  # who set it, if a teacher did
    # Since when nothing speaks for it: kept for those who pull what changed, else as
    # if it were not there.
    _at("withdrawn_at", null=True),
    _once("course_id", "person_id", "competency_id"),
    Index("ix_attainment_person", "person_id"),
    Index("ix_attainment_computed_at_id", "computed_at", "id"),  # what changed since
)

# --- outbox --------------------------------------------------------------------------

course_destination = Table(
    "course_destination",
    metadata,
    _id(),
    _to("course", "course_id"),
    Column("destination", String(16), nullable=False),  # ags, oneroster, moodle
    Column("is_on", Boolean, nullable=False),
    Column("changed_by", String(64), nullable=False),
    _at("changed_at"),
    # What is chosen of this destination in this course.
    Column("settings", JSON(none_as_null=True)),
    _once("course_id", "destination"),
)

# What of a course is told to its destinations, when, and of whom; no row: all levels
# of all students, at once.
course_sending = Table(
    "course_sending",
    metadata,
    _id(),
    _to("course", "course_id"),
    Column("send_when", String(16), nullable=False),  # now, nightly, release
    Column("is_secure_only", Boolean, nullable=False),
    _to("course_group", "course_group_id", null=True),  # None: of everybody
    # Whether each competency has a column of its own in a gradebook.
    Column("is_each", Boolean, nullable=False, server_default=true()),
    # The formula of one grade over all competencies; None: there is no such column.
    Column("summary", JSON(none_as_null=True)),
    _at("released_at", null=True),
    Column("changed_by", String(64), nullable=False),
    _at("changed_at"),
    _once("course_id"),
)

# What a page asked the worker to find out: what sending would change there.
delivery_plan = Table(
    "delivery_plan",
    metadata,
    _id(),
    _to("course", "course_id"),
    Column("destination", String(16), nullable=False),
    Column("status", String(16), nullable=False),  # waiting, found, failed
    Column("found", JSON(none_as_null=True)),  # the changes, a list
    _words("fault", null=True),
    Column("ordered_by", String(64), nullable=False),
    _at("ordered_at"),
    _at("found_at", null=True),
)

# A column of ours in another system's gradebook: one per competency and place; that
# of no competency is the summary grade.
line_item = Table(
    "line_item",
    metadata,
    _id(),
    Column("destination", String(16), nullable=False),
    _to("placement", "placement_id", null=True),
    _to("source", "source_id", null=True),
    _to("course", "course_id"),
    _to("competency", "competency_id", null=True),
    Column("resource_id", String(255), nullable=False),
    _words("address"),  # AGS line item URL, or sourcedId of a line item of the SIS
    Column("maximum", Float, nullable=False),
    _at("created_at"),
    # Since when it is not there any more: it is made anew when a person says so.
    _at("gone_at", null=True),
    # In a SIS the kind of assignment it is there: assessment or line_item; was_... of
    # one that is gone, which is no work of the class all the same.
    Column("kind", String(16)),
    _once("destination", "course_id", "competency_id", "placement_id"),
    _few("ix_line_item_sis", ("source_id", "address"), "source_id IS NOT NULL"),
    Index(
        "uq_line_item_summary",
        "destination",
        "course_id",
        "placement_id",
        unique=True,
        sqlite_where=text("competency_id IS NULL"),
        postgresql_where=text("competency_id IS NULL"),
    ),
)

# What a SIS calls a result of ours, where it did not keep the id we gave.
sis_result = Table(
    "sis_result",
    metadata,
    _id(),
    _to("line_item", "line_item_id", falls_with=True),
    _to("person", "person_id"),
    Column("sourced_id", String(255), nullable=False),
    _at("told_at"),
    _once("line_item_id", "person_id"),
)

# Who writes to another system just now, where one at a time may: a platform's token.
turn = Table(
    "turn",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("holder", String(64), nullable=False),
    _at("until"),
)

# How far the gradebook of a course was read, where an LMS is read at all.
lms_reading = Table(
    "lms_reading",
    metadata,
    _id(),
    _to("placement", "placement_id"),
    Column("is_on", Boolean, nullable=False, server_default=true()),
    # waiting, reading, read, failed
    Column("status", String(16), nullable=False),
    _at("cursor_at", null=True),  # changes before this moment are known
    Column("found", JSON(none_as_null=True)),  # counts of what was read last
    Column("code", String(32)),
    _words("fault", null=True),
    Column("ordered_by", String(64), nullable=False),
    _at("ordered_at"),
    _at("started_at", null=True),
    _at("read_at", null=True),
    _once("placement_id"),
)

delivery = Table(
    "delivery",
    metadata,
    _id(),
    Column("destination", String(16), nullable=False),
    _to("course", "course_id"),
    _to("person", "person_id"),
    _to("competency", "competency_id", null=True),  # None: the summary grade
    Column("value", Float),  # points; null withdraws
    Column("maximum", Float, nullable=False),
    Column("level_name", String(64)),
    Column("basis", JSON, nullable=False),  # rule, parameter, evidence count, time
    # pending, sending, unknown, delivered, superseded, blocked, conflict, dead
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # How often the destination took it and did not show it.
    Column("unshown", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=False, index=True),
    _at("lease_until", null=True),
    _at("sent_at", null=True),  # the timestamp the destination was told
    _at("read_back_at", null=True),
    Column("read_back", Float),
    Column("code", String(32)),
    _words("reason", null=True),
    Column("receipt", JSON),
    # What it waits for before it is due: night, release; None: nothing.
    Column("waits_for", String(16)),
    # Who asked for it, where it was not the change of a level.
    Column("asked_by", String(64)),
    # What stood there when it was sent; before_at None: nobody looked.
    Column("before_value", Float),
    _at("before_at", null=True),
    # The value of somebody else's that a person said may be written over, and when.
    Column("over_value", Float),
    _at("over_at", null=True),
    Column("undoes_id", Integer),  # the delivery whose old value this one restores
    _at("created_at"),
    _at("closed_at", null=True),
)

# One comparison of what was told with what stands there.
reconciliation = Table(
    "reconciliation",
    metadata,
    _id(),
    Column("ordered_by", String(64), nullable=False),
    Column("read_back", JSON, nullable=False),  # values by destination
    Column("unread", JSON, nullable=False),  # [{destination, course_id, reason}]
    Column("found", Integer, nullable=False),
    _at("started_at"),
    _at("ended_at"),
)

# A value that stands there and is not the one that was delivered.
difference = Table(
    "difference",
    metadata,
    _id(),
    _to("reconciliation", "reconciliation_id"),  # that saw it last
    _to("delivery", "delivery_id"),
    Column("theirs", Float),
    # open, sent (again), taken (theirs), gone (it is no difference any more)
    Column("status", String(16), nullable=False),
    _at("found_at"),
    Column("decided_by", String(64)),
    _at("decided_at", null=True),
)
Index(
    "uq_difference_open",
    difference.c.delivery_id,
    unique=True,
    sqlite_where=text("status = 'open'"),
    postgresql_where=text("status = 'open'"),
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
# Null is like no other null: of the summary grade one row waits by this.
Index(
    "uq_delivery_pending_summary",
    delivery.c.destination,
    delivery.c.course_id,
    delivery.c.person_id,
    unique=True,
    sqlite_where=text("state = 'pending' AND competency_id IS NULL"),
    postgresql_where=text("state = 'pending' AND competency_id IS NULL"),
)
Index(
    "ix_delivery_key",
    delivery.c.destination,
    delivery.c.course_id,
    delivery.c.person_id,
    delivery.c.competency_id,
    delivery.c.id,
)

# Who may pull from our own OneRoster service.
api_client = Table(
    "api_client",
    metadata,
    _id(),
    Column("client_id", String(64), nullable=False, unique=True),
    _words("name"),
    Column("secret_hash", String(64), nullable=False),  # SHA-256 of a random secret
    Column("scopes", JSON, nullable=False),
    _to("source", "source_id", null=True),  # whose sourcedIds it speaks
    Column("status", String(16), nullable=False, server_default="active"),
    Column("made_by", String(64), nullable=False),
    _at("created_at"),
    _at("used_at", null=True),
)

# Who was erased, so that no system brings her back: never the identifier itself.
erasure = Table(
    "erasure",
    metadata,
    _id(),
    Column("kind", String(8), nullable=False),  # sis, lms: whose identifier it was
    Column("place_id", Integer, nullable=False),  # our id of that source, or platform
    Column("salt", String(64), nullable=False),  # the same in all rows
    Column("identity_hash", String(64), nullable=False),  # SHA-256 of salt, identifier
    _at("erased_at"),
    _once("kind", "place_id", "identity_hash"),
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
    Index("ix_change_subject", "subject_table", "subject_id"),
)
