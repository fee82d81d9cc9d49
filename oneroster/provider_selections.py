"""What each nested path of a provider reads: the records that belong to others.

Source: OneRoster 1.2 Rostering, Gradebook and Resources REST bindings, tables of
endpoints.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from oneroster.catalog import Catalog
from oneroster.dialects import COLLECTIONS
from oneroster.models import (
    AcademicSession,
    Course,
    Enrollment,
    Org,
    Record,
    Reference,
    SisClass,
    User,
)
from oneroster.models_gradebook import LineItem, Result, ScoreScale
from oneroster.provider_replies import RefusalError

__all__ = ["NESTED", "SUBSETS", "Ids", "read_one"]

Ids = tuple[str, ...]
Selection = Callable[[Catalog, Ids], Iterable[Record]]


def _refers(reference: Reference | None, sourced_id: str) -> bool:
    return reference is not None and reference.sourced_id == sourced_id


def _classes(catalog: Catalog) -> Iterable[SisClass]:
    return cast("Iterable[SisClass]", catalog.records("classes"))


def _enrollments(catalog: Catalog) -> Iterable[Enrollment]:
    return cast("Iterable[Enrollment]", catalog.records("enrollments"))


def _results(catalog: Catalog) -> Iterable[Result]:
    return cast("Iterable[Result]", catalog.records("results"))


def _has_role(user: Record, role: str, org: str | None = None) -> bool:
    return isinstance(user, User) and any(
        held.role == role and org in (None, held.org.sourced_id) for held in user.roles
    )


SUBSETS: Mapping[str, Callable[[Record], bool]] = {
    "schools": lambda org: isinstance(org, Org) and org.type == "school",
    "terms": lambda part: isinstance(part, AcademicSession) and part.type == "term",
    "gradingPeriods": lambda part: (
        isinstance(part, AcademicSession) and part.type == "gradingPeriod"
    ),
    "students": lambda user: _has_role(user, "student"),
    "teachers": lambda user: _has_role(user, "teacher"),
}


def read_one(catalog: Catalog, name: str, sourced_id: str) -> Record:
    """Give one object of a collection or of a part of one, such as students.

    Raises:
        RefusalError: 404, there is none.
    """
    record = catalog.read(COLLECTIONS[name].key, sourced_id)
    if record is None or not SUBSETS.get(name, bool)(record):
        raise RefusalError(404, "unknownobject", f"{name} holds no such object")
    return record


def _classes_of_user(role: str | None) -> Selection:
    def classes(catalog: Catalog, ids: Ids) -> Iterator[Record]:
        wanted = {
            part.class_.sourced_id
            for part in _enrollments(catalog)
            if part.user.sourced_id == ids[0]
            and role in (None, part.role)
            and part.status == "active"
        }
        return (part for part in _classes(catalog) if part.sourced_id in wanted)

    return classes


def _users_of_class(role: str) -> Selection:
    def users(catalog: Catalog, ids: Ids) -> Iterator[Record]:
        wanted = {
            part.user.sourced_id: None
            for part in _enrollments(catalog)
            if part.class_.sourced_id == ids[-1]
            and part.role == role
            and part.status == "active"
        }
        found = (catalog.read("users", sourced_id) for sourced_id in wanted)
        return (user for user in found if user is not None)

    return users


def _in_school(read: Selection) -> Selection:
    """Read what belongs to a class, if the class belongs to the school."""

    def checked(catalog: Catalog, ids: Ids) -> Iterable[Record]:
        sis_class = read_one(catalog, "classes", ids[1])
        if not _refers(getattr(sis_class, "school", None), ids[0]):
            raise RefusalError(404, "unknownobject", "the school has no such class")
        return read(catalog, ids)

    return checked


def _users_of_school(role: str) -> Selection:
    return lambda catalog, ids: (
        user for user in catalog.records("users") if _has_role(user, role, ids[0])
    )


def _courses_of_school(catalog: Catalog, ids: Ids) -> Iterator[Record]:
    """Give the courses the school owns, and those taught in its classes."""
    taught = {
        part.course.sourced_id
        for part in _classes(catalog)
        if part.course is not None and _refers(part.school, ids[0])
    }
    courses = cast("Iterable[Course]", catalog.records("courses"))
    return (
        course
        for course in courses
        if course.sourced_id in taught or _refers(course.org, ids[0])
    )


def _terms_of_school(catalog: Catalog, ids: Ids) -> Iterator[Record]:
    used = {
        term.sourced_id
        for part in _classes(catalog)
        if _refers(part.school, ids[0])
        for term in part.terms
    }
    sessions = filter(SUBSETS["terms"], catalog.records("academicSessions"))
    return (session for session in sessions if session.sourced_id in used)


def _grading_periods(catalog: Catalog, ids: Ids) -> Iterator[Record]:
    sessions = cast("Iterable[AcademicSession]", catalog.records("academicSessions"))
    return (
        session
        for session in sessions
        if SUBSETS["gradingPeriods"](session) and _refers(session.parent, ids[0])
    )


def _line_items(catalog: Catalog, class_id: str) -> Iterator[LineItem]:
    items = cast("Iterable[LineItem]", catalog.records("lineItems"))
    return (item for item in items if item.class_.sourced_id == class_id)


def _class_results(catalog: Catalog, class_id: str) -> Iterator[Result]:
    columns = {item.sourced_id for item in _line_items(catalog, class_id)}
    return (part for part in _results(catalog) if part.line_item.sourced_id in columns)


def _categories(catalog: Catalog, ids: Ids) -> Iterator[Record]:
    used = {
        item.category.sourced_id
        for item in _line_items(catalog, ids[0])
        if item.category is not None
    }
    return (part for part in catalog.records("categories") if part.sourced_id in used)


def _scales(catalog: Catalog) -> Iterable[ScoreScale]:
    return cast("Iterable[ScoreScale]", catalog.records("scoreScales"))


def _scales_of_school(catalog: Catalog, ids: Ids) -> Iterator[Record]:
    classes = {
        part.sourced_id for part in _classes(catalog) if _refers(part.school, ids[0])
    }
    return (
        scale
        for scale in _scales(catalog)
        if scale.class_ is not None and scale.class_.sourced_id in classes
    )


def _resources(owner: str) -> Selection:
    def resources(catalog: Catalog, ids: Ids) -> Iterator[Record]:
        holder = catalog.read(owner, ids[0])
        references = getattr(holder, "resources", ())
        found = (catalog.read("resources", part.sourced_id) for part in references)
        return (resource for resource in found if resource is not None)

    return resources


NESTED: Mapping[str, Selection] = {
    "schools/*/classes": lambda catalog, ids: (
        part for part in _classes(catalog) if _refers(part.school, ids[0])
    ),
    "schools/*/courses": _courses_of_school,
    "schools/*/enrollments": lambda catalog, ids: (
        part for part in _enrollments(catalog) if _refers(part.school, ids[0])
    ),
    "schools/*/students": _users_of_school("student"),
    "schools/*/teachers": _users_of_school("teacher"),
    "schools/*/terms": _terms_of_school,
    "schools/*/classes/*/enrollments": _in_school(
        lambda catalog, ids: (
            part for part in _enrollments(catalog) if _refers(part.class_, ids[1])
        )
    ),
    "schools/*/classes/*/students": _in_school(_users_of_class("student")),
    "schools/*/classes/*/teachers": _in_school(_users_of_class("teacher")),
    "classes/*/students": _users_of_class("student"),
    "classes/*/teachers": _users_of_class("teacher"),
    "courses/*/classes": lambda catalog, ids: (
        part for part in _classes(catalog) if _refers(part.course, ids[0])
    ),
    "terms/*/classes": lambda catalog, ids: (
        part
        for part in _classes(catalog)
        if any(_refers(term, ids[0]) for term in part.terms)
    ),
    "terms/*/gradingPeriods": _grading_periods,
    "students/*/classes": _classes_of_user("student"),
    "teachers/*/classes": _classes_of_user("teacher"),
    "users/*/classes": _classes_of_user(None),
    "classes/*/lineItems": lambda catalog, ids: _line_items(catalog, ids[0]),
    "classes/*/results": lambda catalog, ids: _class_results(catalog, ids[0]),
    "classes/*/lineItems/*/results": lambda catalog, ids: (
        part
        for part in _class_results(catalog, ids[0])
        if part.line_item.sourced_id == ids[1]
    ),
    "classes/*/students/*/results": lambda catalog, ids: (
        part
        for part in _class_results(catalog, ids[0])
        if part.student.sourced_id == ids[1]
    ),
    "classes/*/categories": _categories,
    "classes/*/scoreScales": lambda catalog, ids: (
        scale for scale in _scales(catalog) if _refers(scale.class_, ids[0])
    ),
    "schools/*/scoreScales": _scales_of_school,
    "classes/*/resources": _resources("classes"),
    "courses/*/resources": _resources("courses"),
    "users/*/resources": _resources("users"),
}
