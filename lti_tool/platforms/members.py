"""NRPS: who is in a context. Source: LTI NRPS 2.0; facts/lti.md section 9."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from lti_tool.errors import PlatformError
from lti_tool.platforms.http import Answer
from lti_tool.platforms.lti import Call, Caller

MAX_ROWS: Final = 1_000_000
SCOPE: Final = (
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
)
MEDIA_TYPE: Final = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


class Member(BaseModel):
    """One member of a context, as NRPS lists her."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    user_id: str
    roles: list[str] = []
    status: str = "Active"
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    lis_person_sourcedid: str | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether she is a member now."""
        return self.status == "Active"


class _MemberPage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    members: list[Any] = []


_MEMBERS: Final = TypeAdapter(list[Member])


class Members:
    """NRPS: who is in a context."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def members(self, nrps_url: str) -> Iterator[Member]:
        """Yield every member, page by page, in the platform's order.

        Raises:
            PlatformError: the list did not come whole.
        """
        call = Call("GET", nrps_url, (SCOPE,), accept=MEDIA_TYPE)
        count = 0
        for answer in self._caller.pages(call):
            for member in _members(answer):
                count += 1
                if count > MAX_ROWS:
                    raise PlatformError("the member list does not end", "paging")
                yield member


def _members(answer: Answer) -> list[Member]:
    try:
        page = _MemberPage.model_validate_json(answer.body)
        return _MEMBERS.validate_python(page.members)
    except ValidationError:
        raise PlatformError(
            f"{urlsplit(answer.url).hostname} answers with something other than a "
            "list of members",
            "format",
        ) from None
