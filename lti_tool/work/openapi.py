"""What /api/v1 gives and asks for, in the words of OpenAPI 3.1."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from lti_tool.work.api_clients import SCOPES
from lti_tool.work.pulls import COLUMNS, EVIDENCE, LEVELS, MOST, USUAL
from oneroster.dialects import DIALECTS

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
_NUMBER: Final[Schema] = {"type": ["number", "null"]}
_ID: Final[Schema] = {"type": "integer"}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_ANY: Final[Schema] = {"type": "object"}


def document(public_url: str) -> dict[str, Any]:
    """Return the description of /api/v1 at an address, as JSON takes it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MasteryBridge",
            "version": version("masterybridge"),
            "description": "Levels of students by competency, for systems that pull.",
        },
        "servers": [{"url": public_url.rstrip("/") or "/"}],
        "paths": {
            "/api/v1/attainments": {"get": _attainments()},
            "/api/v1/attainments.csv": {"get": _attainments_csv()},
            "/api/v1/courses/{course}/students/{student}"
            "/competencies/{competency}/why": {"get": _why()},
        },
        "components": {
            "securitySchemes": {"oauth2": _security()},
            "schemas": {
                "Attainment": _attainment(),
                "Why": _why_body(),
                "Refusal": _object({"error": _TEXT}),
            },
            "responses": {"Refusal": _answer("Refused; error says why.", "Refusal")},
        },
    }


def _scope(name: str) -> str:
    """A scope as it goes over the wire."""
    return DIALECTS["1.2"].scopes.get(name, name)


def _security() -> Schema:
    flow = {
        "tokenUrl": "/oauth2/token",
        "scopes": {_scope(name): SCOPES[name] for name in (LEVELS, EVIDENCE)},
    }
    return {"type": "oauth2", "flows": {"clientCredentials": flow}}


def _attainments() -> Schema:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    page = _object(
        {
            "attainments": {"type": "array", "items": _of("Attainment")},
            "cursor": _TEXT,
            "has_more": {"type": "boolean"},
        }
    )
    return {
        "operationId": "listAttainments",
        "summary": "Levels in the order they were worked out; without a cursor all.",
        "description": "Give the cursor of the last page back, also to begin the next "
        "pull: that one begins a day before this one began. What comes twice is the "
        "same.",
        "security": [{"oauth2": [_scope(LEVELS)]}],
        "parameters": [
            {"name": "cursor", "in": "query", "schema": _TEXT},
            {"name": "limit", "in": "query", "schema": limit},
        ],
        "responses": _responses({"description": "A page.", **_json(page)}, "400"),
    }


def _attainments_csv() -> Schema:
    """The same as a table: a page where a limit is given, else all there is."""
    cursor = {
        "description": "What to give as cursor for the next page, or the next pull.",
        "schema": _TEXT,
    }
    more = {"schema": {"type": "string", "enum": ["true", "false"]}}
    told = _attainments()
    return {
        **told,
        "operationId": "listAttainmentsAsCsv",
        "summary": "The same as CSV; without a limit all, sent while it is read.",
        "description": f"The columns are {', '.join(COLUMNS)}. UTF-8 without a mark "
        "at its beginning; a text that a spreadsheet would take for a formula has ' "
        "before it. Ask again from the same cursor where the transfer was cut.",
        "responses": {
            **told["responses"],
            "200": {
                "description": "A header line, and one line for each attainment.",
                "headers": {"X-Next-Cursor": cursor, "X-Has-More": more},
                "content": {"text/csv": {"schema": _TEXT}},
            },
        },
    }


def _why() -> Schema:
    named = ("course", "student", "competency")
    return {
        "operationId": "getWhy",
        "summary": "Why a level stands: rule, settings, each piece and its fate.",
        "security": [{"oauth2": [_scope(EVIDENCE)]}],
        "parameters": [
            {"name": one, "in": "path", "required": True, "schema": _ID}
            for one in named
        ],
        "responses": _responses(_answer("The reasons.", "Why"), "404"),
    }


def _attainment() -> Schema:
    course = {"id": _ID, "title": _TEXT, "class_sourced_id": _MAYBE_TEXT}
    return _object(
        {
            "id": _TEXT,
            "status": {"type": "string", "enum": ["active", "withdrawn"]},
            "course": _object(course),
            "student": _object({"id": _ID, "sourced_id": _MAYBE_TEXT}),
            "competency": _object({"id": _ID, "guid": _TEXT, "code": _MAYBE_TEXT}),
            "level": _MAYBE_TEXT,
            "value": _NUMBER,
            "is_mastered": {"type": "boolean"},
            "computed_at": _MOMENT,
            "basis": _ANY,
            "why": _TEXT,
        }
    )


def _why_body() -> Schema:
    return {
        "type": "object",
        "properties": {
            "rule": _TEXT,
            "parameter": _NUMBER,
            "settings": _ANY,
            "level": _MAYBE_TEXT,
            "value": _NUMBER,
            "computed_at": _MOMENT,
            "by_teacher": {"type": ["object", "null"]},
            "by_rule": _ANY,
            "evidence": {"type": "array", "items": _ANY},
        },
    }


def _object(fields: Schema) -> Schema:
    return {"type": "object", "required": list(fields), "properties": fields}


def _of(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _answer(text: str, name: str) -> Schema:
    return {"description": text, **_json(_of(name))}


def _responses(good: Schema, *more: str) -> Schema:
    refusal = {"$ref": "#/components/responses/Refusal"}
    return {"200": good, **dict.fromkeys(("401", "403", *more), refusal)}
