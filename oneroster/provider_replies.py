"""How a provider behaves, and how it says no."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, jsonify

from oneroster.errors import OneRosterError

__all__ = ["Manners", "RefusalError", "refusal_body"]

OAUTH_PATH = "/oauth2/token"
CREDENTIAL_WAYS = frozenset({"basic", "form"})


@dataclass(frozen=True, slots=True)
class Manners:
    """What providers do differently, as data; the default keeps the standard.

    ``page_cap`` is the most records on a page, applied silently. With
    ``keeps_deleted`` a deleted object stays as ``tobedeleted``. With ``rekeys``
    every posted object gets a new sourcedId.
    """

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


class RefusalError(OneRosterError):
    """A request the provider refuses; ``code`` is the minor code of the standard."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message, code=code)
        self.status = status

    def reply(self, manners: Manners) -> Response:
        """The answer that tells of the refusal."""
        response = jsonify(refusal_body(self, manners))
        response.status_code = self.status
        if self.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
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
