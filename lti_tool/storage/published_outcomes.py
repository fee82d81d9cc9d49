"""What we make ourselves of courses, plans and attainments, as collections we tell."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ScalarSelect,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union,
    union_all,
)

from lti_tool.storage.published_fields import Field, Shelf, joined
from lti_tool.storage.schema import (
    alignment,
    attainment,
    competency,
    course,
    enrollment,
    framework,
    seat,
    sis_class,
    sis_user,
)
from lti_tool.storage.standing import StoredAttainment

# A class again, where the rows are those of its course.
taught: Final = sis_class.alias("taught")

_scale_id: Final = joined("mb-s", course.c.id)
_told_course: Final = func.coalesce(course.c.refreshed_at, course.c.created_at)


def _of_course(statement: Select[Any]) -> Select[Any]:
    """Courses of a SIS class that are held; their class is ``taught``."""
    return statement.join(taught, taught.c.id == course.c.sis_class_id).where(
        course.c.status == "active"
    )


def scales() -> Shelf:
    """The scale of each course that has a SIS class."""
    statement = _of_course(
        select(
            _scale_id.label("sourced_id"),
            course.c.id.label("course_id"),
            course.c.title,
            taught.c.source_id,
            taught.c.sourced_id.label("class_sourced_id"),
            taught.c.sis_course_sourced_id,
            literal("active").label("status"),
            _told_course.label("told_at"),
            course.c.id.label("key"),
        ).select_from(course)
    )
    fields = {
        "sourcedId": Field(_scale_id, "id", is_ours=True),
        "dateLastModified": Field(_told_course, "moment"),
        "class.sourcedId": Field(taught.c.sourced_id, "id", taught.c.source_id),
    }
    return Shelf(statement, course.c.id, taught.c.source_id, fields)


def items() -> Shelf:
    """One a course and competency, below one a framework and source."""
    pairs = union(
        select(alignment.c.course_id, alignment.c.competency_id),
        select(attainment.c.course_id, attainment.c.competency_id),
    ).subquery("pair")
    found = _of_course(
        select(
            pairs.c.course_id,
            pairs.c.competency_id,
            competency.c.framework_id,
            competency.c.case_id,
            competency.c.human_code,
            competency.c.statement,
            taught.c.source_id,
            taught.c.sourced_id.label("class_sourced_id"),
            _told_course.label("told_at"),
        )
        .select_from(pairs)
        .join(course, course.c.id == pairs.c.course_id)
        .join(competency, competency.c.id == pairs.c.competency_id)
    ).subquery("found")
    empty = literal(None, String)
    above = (
        select(
            joined("mb-f", framework.c.id, "-s", found.c.source_id).label("sourced_id"),
            literal(0).label("course_id"),
            framework.c.id.label("competency_id"),
            framework.c.id.label("framework_id"),
            framework.c.case_id,
            empty.label("human_code"),
            framework.c.title.label("statement"),
            found.c.source_id,
            empty.label("class_sourced_id"),
            framework.c.imported_at.label("told_at"),
        )
        .select_from(framework)
        .join(found, found.c.framework_id == framework.c.id)
        .distinct()
    )
    below = select(
        joined("mb-c", found.c.course_id, "-k", found.c.competency_id).label(
            "sourced_id"
        ),
        *found.columns,
    )
    return _item_shelf(union_all(above, below).subquery("item"))


def _item_shelf(item: Subquery) -> Shelf:
    # A framework has the number of its source where others have their course's.
    first = case((item.c.course_id == 0, -item.c.source_id), else_=item.c.course_id)
    key = cast(first, BigInteger) * 1_000_000 + item.c.competency_id
    statement = select(
        *item.columns, literal("active").label("status"), key.label("key")
    ).select_from(item)
    fields = {
        "sourcedId": Field(item.c.sourced_id, "id", is_ours=True),
        "dateLastModified": Field(item.c.told_at, "moment"),
        "class.sourcedId": Field(item.c.class_sourced_id, "id", item.c.source_id),
    }
    return Shelf(statement, key, item.c.source_id, fields)


def _student() -> ScalarSelect[str]:
    """What the SIS calls the student: the record enrolled in the class, else another.

    A person may have one identifier a school.
    """
    mine = and_(
        sis_user.c.person_id == attainment.c.person_id,
        sis_user.c.source_id == taught.c.source_id,
        sis_user.c.status == "active",
    )
    enrolled = (
        select(enrollment.c.id)
        .where(
            enrollment.c.source_id == sis_user.c.source_id,
            enrollment.c.user_sourced_id == sis_user.c.sourced_id,
            enrollment.c.class_sourced_id == taught.c.sourced_id,
            enrollment.c.status == "active",
        )
        .exists()
    )
    first = case((enrolled, 0), else_=1)
    return (
        select(sis_user.c.sourced_id)
        .where(mine)
        .order_by(first, sis_user.c.id.desc())
        .limit(1)
        .correlate(attainment, taught)
        .scalar_subquery()
    )


def results() -> Shelf:
    """Attainments of those who sit in the class now; no value: withdrawn."""
    one = attainment.c
    student = _student()
    status = case((one.value.is_(None), "tobedeleted"), else_="active")
    item_id = joined("mb-c", one.course_id, "-k", one.competency_id)
    own_id = joined("mb-c", one.course_id, "-k", one.competency_id, "-p", one.person_id)
    is_known = (
        select(sis_user.c.id)
        .where(
            sis_user.c.person_id == one.person_id,
            sis_user.c.source_id == taught.c.source_id,
            sis_user.c.status == "active",
        )
        .exists()
    )
    sits = and_(
        seat.c.course_id == one.course_id,
        seat.c.person_id == one.person_id,
        seat.c.role == "learner",
        seat.c.status == "active",
    )
    statement = _of_course(
        select(
            own_id.label("sourced_id"),
            item_id.label("item_id"),
            one.id.label("key"),
            *(one[name] for name in StoredAttainment._fields),
            one.computed_at.label("told_at"),
            status.label("status"),
            competency.c.case_id,
            taught.c.source_id,
            student.label("student_sourced_id"),
        )
        .select_from(attainment)
        .join(course, course.c.id == one.course_id)
        .join(competency, competency.c.id == one.competency_id)
        .join(seat, sits)
    ).where(is_known)
    fields = {
        "sourcedId": Field(own_id, "id", is_ours=True),
        "status": Field(status),
        "dateLastModified": Field(one.computed_at, "moment"),
        "score": Field(one.value, "number"),
        "textScore": Field(one.level_name),
        "assessmentLineItem.sourcedId": Field(item_id, "id", is_ours=True),
        "student.sourcedId": Field(student, "id", taught.c.source_id),
    }
    return Shelf(statement, one.id, taught.c.source_id, fields)
