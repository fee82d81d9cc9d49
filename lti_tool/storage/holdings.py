"""Where a person stands in the tables: what an export shows and an erasure takes.

Every table of the schema is named here, with how a person is found in it or why she
is not in it; a test fails for one that is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, false, or_, select, tuple_

from lti_tool.errors import NotFoundError
from lti_tool.storage import schema as s
from lti_tool.storage.named_rows import NAMES, load_named
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True)
class Who:
    """One person, by our id and by her accounts.

    Attributes:
        sis: what each source calls her: (our id of it, sourcedId); a source may be the
            gradebook of an LMS, which calls her by its own number.
        lms: what each LMS calls her: (our id of the platform, subject).
    """

    person_id: int
    sis_users: Sequence[int]
    lms_users: Sequence[int]
    sis: Sequence[tuple[int, str]]
    lms: Sequence[tuple[int, str]]


Where = Callable[[Who], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Holding:
    """A table that holds people.

    Attributes:
        about: what it tells of her, for a person to read.
        hidden: columns that are never shown: secrets, and hashes of them.
    """

    table: Table
    about: str
    where: Where
    hidden: frozenset[str] = frozenset()


def _hers(table: Table, *names: str) -> Where:
    """The rows that name her by our id in one of these columns."""
    return lambda who: or_(*(table.c[name] == who.person_id for name in names))


def _sent(table: Table, name: str) -> Where:
    """The rows of a SIS that name her as it calls her."""

    def where(who: Who) -> ColumnElement[bool]:
        if not who.sis:
            return false()
        return tuple_(table.c.source_id, table.c[name]).in_(who.sis)

    return where


def _either(*wheres: Where) -> Where:
    return lambda who: or_(*(one(who) for one in wheres))


def _below(table: Table, name: str, above: Table, where: Where) -> Where:
    """The rows below those of another table that are hers."""
    return lambda who: table.c[name].in_(select(above.c.id).where(where(who)))


def _of_runs(table: Table, *names: str) -> Where:
    """The rows of a run of her source that name her."""

    def where(who: Who) -> ColumnElement[bool]:
        found = [
            and_(
                table.c.run_id.in_(select(s.run.c.id).where(s.run.c.source_id == one)),
                or_(*(table.c[name] == told for name in names)),
            )
            for one, told in who.sis
        ]
        return or_(*found) if found else false()

    return where


def _of_accounts(who: Who) -> ColumnElement[bool]:
    table = s.person_link.c
    return or_(
        table.person_id == who.person_id,
        table.from_person_id == who.person_id,
        table.sis_user_id.in_(who.sis_users),
        table.lms_user_id.in_(who.lms_users),
    )


_delivery = _hers(s.delivery, "person_id")
_observation = _hers(s.observation, "person_id")
_level = _hers(s.teacher_level, "person_id")
_visit = _hers(s.web_session, "person_id", "review_person_id")
_SUBJECTS: Final[Mapping[str, tuple[Table, Where]]] = {
    "delivery": (s.delivery, _delivery),
    "observation": (s.observation, _observation),
    "teacher_level": (s.teacher_level, _level),
    "person_link": (s.person_link, _of_accounts),
}


def _told_of(who: Who) -> ColumnElement[bool]:
    """The lines of the audit that are about her."""
    table = s.change.c
    found = [
        and_(
            table.subject_table == name,
            table.subject_id.in_(select(held.c.id).where(where(who))),
        )
        for name, (held, where) in _SUBJECTS.items()
    ]
    about = and_(table.subject_table == "person", table.subject_id == who.person_id)
    return or_(about, *found)


# In the order in which they can be taken away: what refers to others comes first.
HOLDINGS: Final = (
    Holding(s.change, "lines of the audit about her", _told_of),
    Holding(
        s.passage,
        "addresses that opened one of her pages once",
        _below(s.passage, "web_session_id", s.web_session, _visit),
        frozenset({"token_hash"}),
    ),
    Holding(
        s.web_session,
        "her visits: course, role, language, when",
        _visit,
        frozenset({"public_id", "browser_hash", "csrf"}),
    ),
    Holding(
        s.difference,
        "values of hers that stood otherwise in another system",
        _below(s.difference, "delivery_id", s.delivery, _delivery),
    ),
    Holding(s.delivery, "what was told of her to other systems, receipts", _delivery),
    Holding(
        s.sis_result,
        "what a SIS calls the results we gave it",
        _hers(s.sis_result, "person_id"),
    ),
    Holding(
        s.attainment,
        "where she stands, course by course",
        _hers(s.attainment, "person_id"),
    ),
    Holding(s.teacher_level, "levels teachers set, with their reasons", _level),
    Holding(
        s.record, "her record over all courses and years", _hers(s.record, "person_id")
    ),
    Holding(s.observation, "what was seen, said and shown beside scores", _observation),
    Holding(
        s.score,
        "scores, with comments of teachers",
        _either(_hers(s.score, "person_id"), _sent(s.score, "student_sourced_id")),
    ),
    Holding(
        s.resource_opening,
        "learning material she opened",
        _hers(s.resource_opening, "person_id"),
    ),
    Holding(
        s.group_member,
        "groups of the LMS she is in",
        lambda who: s.group_member.c.lms_user_id.in_(who.lms_users),
    ),
    Holding(s.seat, "courses she sits in, and as what", _hers(s.seat, "person_id")),
    Holding(
        s.enrollment,
        "classes the SIS enrols her in",
        _sent(s.enrollment, "user_sourced_id"),
    ),
    Holding(
        s.demographics,
        "demographics the SIS sent; not pulled unless asked for",
        _sent(s.demographics, "sourced_id"),
    ),
    Holding(
        s.quarantine,
        "records of hers that were held aside",
        _either(_sent(s.quarantine, "sourced_id"), _sent(s.quarantine, "names")),
    ),
    Holding(
        s.run_move,
        "what syncs would add, change or end of hers",
        _of_runs(s.run_move, "user_sourced_id", "sourced_id"),
    ),
    Holding(
        s.run_problem,
        "problems of records of hers in syncs; values are masked",
        _of_runs(s.run_problem, "sourced_id"),
    ),
    Holding(s.person_link, "how her accounts became one person", _of_accounts),
    Holding(
        s.lms_user,
        "her accounts in the LMS",
        lambda who: s.lms_user.c.id.in_(who.lms_users),
    ),
    Holding(
        s.sis_user,
        "what the SIS says of her",
        lambda who: s.sis_user.c.id.in_(who.sis_users),
    ),
    Holding(s.person, "who she is here", lambda who: s.person.c.id == who.person_id),
)

_STAFF: Final = "people who run the installation; they are no students"
_LOGIN: Final = "names nobody; gone after ten minutes"
_CURRICULUM: Final = "what is taught and how it is judged; names no student"
_PLACES: Final = "courses and connections; names no student"
_ROSTER: Final = "schools, terms, classes and work; names no student"
_OURSELVES: Final = "keys and connections of this installation"
NOT_HELD: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("admin_account", "admin_session", "sign_in_failure", "invitation"), _STAFF
    ),
    "login_state": _LOGIN,
    **dict.fromkeys(
        (
            "framework",
            "framework_order",
            "framework_version",
            "framework_change",
            "framework_index",
            "competency",
            "association",
            "crosswalk",
            "replacement",
            "level_description",
            "named_scale",
            "record_rule",
            "recompute",
            "ranker",
            "alignment",
            "declined_alignment",
            "carried_alignment",
            "suggestion_choice",
            "competency_rule",
            "plan_version",
            "resource",
            "resource_use",
            "class_resource",
        ),
        _CURRICULUM,
    ),
    **dict.fromkeys(
        (
            "course",
            "placement",
            "resource_link",
            "deployment",
            "course_destination",
            "course_sending",
            "course_group",
            "line_item",
            "lms_reading",
            "notice",
            "reconciliation",
        ),
        _PLACES,
    ),
    **dict.fromkeys(
        (
            "org",
            "term",
            "sis_course",
            "sis_class",
            "category",
            "score_scale",
            "sis_resource",
            "assignment",
        ),
        _ROSTER,
    ),
    **dict.fromkeys(
        (
            "registration",
            "tool_key",
            "api_client",
            "source",
            "source_collection",
            "run",
            "turn",
        ),
        _OURSELVES,
    ),
    "refusal": "launches that were refused; personal data is masked as it is written",
    "delivery_plan": "what sending would change, read for a page; erased with her, "
    "else it is what stands under deliveries",
    "source_look": "a test or a preview of a source; erased with her",
    "erasure": "hashes of who was erased; no identifier can be read from them",
}


def load_who(session: Session, person_id: int) -> Who:
    """Return a person with her accounts.

    Raises:
        NotFoundError: there is no such person.
    """
    if session.scalar(select(s.person.c.id).where(s.person.c.id == person_id)) is None:
        raise NotFoundError(f"no person has the id {person_id}")
    sis, lms = s.sis_user.c, s.lms_user.c
    mine = session.execute(
        select(sis.id, sis.source_id, sis.sourced_id).where(sis.person_id == person_id)
    ).all()
    theirs = session.execute(
        select(lms.id, lms.registration_id, lms.subject).where(
            lms.person_id == person_id
        )
    ).all()
    graded = session.execute(
        select(s.source.c.id, lms.platform_user_id)
        .join(s.lms_user, s.source.c.registration_id == lms.registration_id)
        .where(lms.person_id == person_id, lms.platform_user_id.is_not(None))
    ).all()
    return Who(
        person_id,
        [one.id for one in mine],
        [one.id for one in theirs],
        [
            *((one.source_id, one.sourced_id) for one in mine),
            *((one.id, one.platform_user_id) for one in graded),
        ],
        [(one.registration_id, one.subject) for one in theirs],
    )


def load_held(session: Session, holding: Holding, who: Who) -> list[dict[str, Any]]:
    """Return what a table holds of a person, by id, with the names of its numbers."""
    return load_named(
        session,
        select(*(one for one in holding.table.c if one.name not in holding.hidden))
        .where(holding.where(who))
        .order_by(holding.table.c.id),
        NAMES,
    )
