"""How a provider behaves, and how it says no."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, jsonify

from oneroster.dialects import Version
from oneroster.errors import OneRosterError

__all__ = ["Manners", "RefusalError", "old_refusal_body", "refusal_body"]

OAUTH_PATH = "/oauth2/token"
CREDENTIAL_WAYS = frozenset({"basic", "form"})


@dataclass(frozen=True, slots=True)
class Manners:
    """What providers do differently, as data; the default keeps the standard.

    ``page_cap`` is the most records on a page, applied silently. With
    ``keeps_deleted`` a deleted object stays as ``tobedeleted``. With ``rekeys``
    every posted object gets a new sourcedId. Without ``creates_by_put`` a PUT only
    replaces what is there. ``absent`` names collections that are not served at all;
    ``refused_fields`` are refused where an object is written with them, and
    ``dropped_fields`` taken and forgotten. With ``is_read_only`` nothing is
    written, whatever the scopes. ``own_scopes`` are given beside the standard's, by
    the name that a client asks them by.
    """

    versions: tuple[Version, ...] = ("1.2",)
    token_url: str = OAUTH_PATH
    token_seconds: int = 3600
    credential_ways: frozenset[str] = CREDENTIAL_WAYS
    default_limit: int = 100
    page_cap: int | None = None
    sends_link: bool = True
    sends_total: bool = True
    honours_offset: bool = True
    honours_sort: bool = True
    honours_filter: bool = True
    refuses_unknown_fields: bool = True
    nests_code_minor: bool = True
    replaced_status: int = 201
    deleted_status: int = 204
    keeps_deleted: bool = False
    rekeys: bool = False
    creates_by_put: bool = True
    absent: frozenset[str] = frozenset()
    refused_fields: frozenset[str] = frozenset()
    dropped_fields: frozenset[str] = frozenset()
    is_read_only: bool = False
    own_scopes: frozenset[str] = frozenset()


class RefusalError(OneRosterError):
    """A request the provider refuses; ``code`` is the minor code of the standard."""

    def __init__(self, status: int, code: str, message: str, allow: str = "") -> None:
        super().__init__(message, code=code)
        self.status = status
        self.allow = allow

    def reply(self, manners: Manners, version: Version = "1.2") -> Response:
        """The answer that tells of the refusal, in the words of a version."""
        is_old = version == "1.1"
        body = old_refusal_body(self) if is_old else refusal_body(self, manners)
        response = jsonify(body)
        response.status_code = self.status
        if self.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        if self.status == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = self.allow
        return response


def refusal_body(refusal: RefusalError, manners: Manners) -> Mapping[str, object]:
    """The body that tells of a refusal.

    Source: OneRoster 1.2 Rostering, imsx_StatusInfo. Without ``nests_code_minor``
    the code is a plain text: Ed-Fi's server and others send it so.
    """
    common = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": str(refusal),
    }
    if not manners.nests_code_minor:
        return common | {"imsx_codeMinor": refusal.code}
    field = {
        "imsx_codeMinorFieldName": "TargetEndSystem",
        "imsx_codeMinorFieldValue": refusal.code,
    }
    return common | {"imsx_CodeMinor": {"imsx_codeMinorField": [field]}}


OLD_CODES: Mapping[str, str] = {
    "unknownobject": "unknown object",
    "invaliddata": "invalid data",
    "unauthorisedrequest": "unauthorized",
    "forbidden": "unauthorized",
}
"""What 1.1 calls a minor code of 1.2, where it calls it otherwise."""


def old_refusal_body(refusal: RefusalError) -> Mapping[str, object]:
    """The body that tells a client of 1.1 of a refusal.

    Source: OneRoster 1.1, section 3.4, the payload of errors.
    """
    status = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_codeMinor": OLD_CODES.get(refusal.code, refusal.code),
        "imsx_description": str(refusal),
    }
    return {"statusInfoSet": [status]}
