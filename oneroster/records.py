"""What every OneRoster record is: its base, references, reading and writing.

A record is read leniently (:mod:`oneroster.wire`) and written strictly by
:func:`format_record`. Records of 1.1 are brought into the 1.2 shape first, by
:func:`oneroster.dialects.upgrade`.

Source: OneRoster 1.2 Rostering information model.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from oneroster.errors import Problem
from oneroster.wire import (
    LONGEST_FORM,
    Day,
    Flag,
    Identifier,
    SoftMoment,
    Text,
    Words,
    blank,
    has_nul,
    listed,
    shape_of,
    word,
)

__all__ = [
    "REFERENCE_PATHS",
    "HrefFor",
    "OptionalDay",
    "OptionalFlag",
    "OptionalReference",
    "OptionalText",
    "Part",
    "Record",
    "Reference",
    "References",
    "Texts",
    "format_record",
    "parse_record",
    "refer",
    "relative_href",
]

R = TypeVar("R", bound="Record")
HrefFor = Callable[[str, str], str]
"""The URL of an object, from the type of a reference to it and its sourcedId."""

OptionalText = Annotated[Text | None, blank]
OptionalFlag = Annotated[Flag | None, blank]
OptionalDay = Annotated[Day | None, blank]
Texts = Annotated[tuple[Text, ...], listed]

REFERENCE_PATHS: Mapping[str, str] = {
    "academicSession": "academicSessions",
    "assessmentLineItem": "assessmentLineItems",
    "category": "categories",
    "class": "classes",
    "course": "courses",
    "demographics": "demographics",
    "enrollment": "enrollments",
    "gradingPeriod": "gradingPeriods",
    "lineItem": "lineItems",
    "org": "orgs",
    "resource": "resources",
    "result": "results",
    "scoreScale": "scoreScales",
    "student": "students",
    "teacher": "teachers",
    "term": "terms",
    "user": "users",
}


def refer(kind: str, sourced_id: str) -> "Reference":
    """Point to an object by the type of the reference and its sourcedId."""
    return Reference(sourced_id=sourced_id, type=kind)


def relative_href(kind: str, sourced_id: str) -> str:
    """Name an object by its path below the service root."""
    return f"{REFERENCE_PATHS.get(kind, kind)}/{sourced_id}"


def wire_name(name: str) -> str:
    """Name a field as the wire does: ``class_`` is class, ``..._lhs`` is ...LHS."""
    camel = to_camel(name.removesuffix("_"))
    return camel[:-3] + camel[-3:].upper() if name.endswith(("_lhs", "_rhs")) else camel


class Part(BaseModel):
    """What records are made of.

    Fields we do not know stay in ``model_extra``, so that a record read and
    written back is the record that was sent.
    """

    model_config = ConfigDict(
        alias_generator=wire_name,
        populate_by_name=True,
        extra="allow",
        frozen=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="after")
    def _refuse_nul(self) -> Self:
        if self.model_extra and has_nul(self.model_extra):
            raise PydanticCustomError("nul", "holds a NUL character")
        return self

    @model_serializer(mode="wrap")
    def _leave_out_what_is_missing(
        self, write: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        extra = self.model_extra or {}
        written: dict[str, Any] = write(self)
        return {
            name: value
            for name, value in written.items()
            if name in extra or value not in (None, (), [], {})
        }


class Reference(Part):
    """A pointer to another object, by its sourcedId; the href is only a hint."""

    sourced_id: Identifier
    type: Annotated[Words, word(*REFERENCE_PATHS)] = ""
    href: Words = ""

    @model_validator(mode="before")
    @classmethod
    def _read_bare_identifier(cls, value: object) -> object:
        return {"sourcedId": value} if isinstance(value, (str, int)) else value

    @model_serializer(mode="wrap")
    def _name_the_place(
        self, write: SerializerFunctionWrapHandler, context: SerializationInfo
    ) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        if not self.href:
            href_for = (context.context or {}).get("href_for", relative_href)
            written["href"] = href_for(self.type, self.sourced_id)
        if not self.type:
            del written["type"]
        return written


OptionalReference = Annotated[Reference | None, blank]
References = Annotated[tuple[Reference, ...], listed]


class Record(Part):
    """What every OneRoster object carries.

    ``date_last_modified`` is None when it is missing or cannot be read.
    """

    sourced_id: Identifier
    status: Literal["active", "tobedeleted"]
    date_last_modified: SoftMoment = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("status", mode="before")
    @classmethod
    def _read_status(cls, value: object) -> object:
        folded = value.strip().lower() if isinstance(value, str) else value
        if folded == "inactive":
            return "tobedeleted"
        if folded not in ("active", "tobedeleted"):
            raise PydanticCustomError("bad_status", "is not active or tobedeleted")
        return folded

    @field_validator("metadata", mode="before")
    @classmethod
    def _read_metadata(cls, value: object) -> object:
        if has_nul(value):
            raise PydanticCustomError("nul", "holds a NUL character")
        return {} if value is None else value


def parse_record(
    kind: type[R], payload: object, *, file: str = "", line: int | None = None
) -> tuple[R | None, tuple[Problem, ...]]:
    """Read one record of the 1.2 shape, and what is wrong with it.

    The record is None if a problem that is no warning stands beside it. An
    unreadable dateLastModified is a warning; every other unreadable field
    rejects the record.
    """
    if not isinstance(payload, Mapping):
        fault = Problem(file, line, "", "is not an object", "bad_shape")
        return None, (fault,)
    sent = payload.get("sourcedId")
    is_usable = isinstance(sent, (str, int)) and bool(sent) and not has_nul(sent)
    sourced_id = str(sent) if is_usable else None
    try:
        record = kind.model_validate(payload)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        return None, tuple(
            _rejection(detail, file=file, line=line, sourced_id=sourced_id)
            for detail in found
        )
    if record.date_last_modified is None and payload.get("dateLastModified"):
        text = "cannot be read as a date-time; taken as missing"
        return record, (
            Problem(
                file,
                line,
                "dateLastModified",
                text,
                "bad_date_last_modified",
                sourced_id,
                warning=True,
                value=_form(payload["dateLastModified"]),
            ),
        )
    return record, ()


def _rejection(
    detail: ErrorDetails, *, file: str, line: int | None, sourced_id: str | None
) -> Problem:
    field = ".".join(str(step) for step in detail["loc"])
    code, text = detail["type"], detail["msg"]
    if code == "missing":
        code, text = "missing", "is missing"
    elif code not in {"bad_date", "bad_id", "bad_status", "nul"}:
        code, text = "bad_value", text[:1].lower() + text[1:]
    if field == "sourcedId":
        code = "bad_id"
    elif field == "status":
        code = "bad_status"
    value = "" if code == "missing" else _form(detail["input"])
    return Problem(file, line, field, text, code, sourced_id, value=value)


def _form(sent: object) -> str:
    """The form of a value that cannot be read; of an object or a list none."""
    is_plain = isinstance(sent, str | int | float)
    return shape_of(str(sent))[:LONGEST_FORM] if is_plain else ""


def format_record(
    record: Record, *, href_for: HrefFor = relative_href
) -> dict[str, Any]:
    """Write a record as the standard demands, fields we do not know included.

    Missing fields are left out; booleans are the texts ``"true"`` and
    ``"false"``; moments are UTC with milliseconds. A reference without an href
    gets one from ``href_for``.
    """
    return record.model_dump(mode="json", by_alias=True, context={"href_for": href_for})
