"""Course Groups 1.0: the groups of a course and their sets.

Source: LTI Course Groups 1.0; facts/lti.md section 10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lti_tool.errors import DeliveryError
from lti_tool.platforms.http import Answer
from lti_tool.platforms.lti import Call, Caller
from lti_tool.platforms.paging import Patience

SCOPE: Final = "https://purl.imsglobal.org/spec/lti-gs/scope/contextgroup.readonly"
GROUPS: Final = "application/vnd.ims.lti-gs.v1.contextgroupcontainer+json"
SETS: Final = "application/vnd.ims.lti-gs.v1.contextgroupsetcontainer+json"
MAX_GROUPS: Final = 10_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a course; set_name is None for one that stands alone."""

    group_id: str
    name: str
    set_name: str | None = None


_Id = Annotated[str, Field(min_length=1, max_length=255)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: _Id
    name: str = ""


class _GroupRecord(_Record):
    set_id: str | None = None


class _GroupPage(BaseModel):
    groups: list[_GroupRecord]


class _SetPage(BaseModel):
    sets: list[_Record]


class Groups:
    """The groups of a context.

    Every method raises DeliveryError if a list did not come whole.
    """

    def __init__(self, caller: Caller, patience: Patience | None = None) -> None:
        """Ask through caller, again and again as patience has it."""
        self._caller = caller
        self._patience = patience or Patience()

    def groups(self, groups_url: str, sets_url: str | None) -> list[Group]:
        """Every group, in the platform's order; one without a name has its id."""
        sets = self._list(sets_url, SETS, _sets) if sets_url else []
        names = {one.id: one.name or one.id for one in sets}
        return [
            Group(one.id, _clean(one.name) or one.id, names.get(one.set_id or ""))
            for one in self._list(groups_url, GROUPS, _groups)
        ]

    def groups_of(self, groups_url: str, subject: str) -> tuple[str, ...]:
        """The ids of the groups a user is in."""
        parts = urlsplit(groups_url)
        fields = [*parse_qsl(parts.query, keep_blank_values=True), ("user_id", subject)]
        url = urlunsplit(parts._replace(query=urlencode(fields)))
        return tuple(one.id for one in self._list(url, GROUPS, _groups))

    def _list(
        self, url: str, media_type: str, read: Callable[[Answer], list[T]]
    ) -> list[T]:
        call = Call("GET", url, (SCOPE,), accept=media_type)
        found: list[T] = []
        for page in self._caller.pages(call, read, self._patience):
            found += page.content
            if len(found) > MAX_GROUPS:
                raise DeliveryError(
                    "the list of groups does not end", "paging", permanent=True
                )
        return found


def _clean(name: str) -> str:
    return name.replace("\x00", "").strip()


def _groups(answer: Answer) -> list[_GroupRecord]:
    try:
        return _GroupPage.model_validate_json(answer.body).groups
    except ValidationError:
        raise _unreadable(answer) from None


def _sets(answer: Answer) -> list[_Record]:
    try:
        return _SetPage.model_validate_json(answer.body).sets
    except ValidationError:
        raise _unreadable(answer) from None


def _unreadable(answer: Answer) -> DeliveryError:
    return DeliveryError(
        f"{urlsplit(answer.url).hostname} answers with something other than a list of "
        "groups",
        "format",
        permanent=False,
    )
