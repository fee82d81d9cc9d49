"""NRPS: who is in a context. Source: LTI NRPS 2.0; facts/lti.md section 9.

A list is held until its last page has come, since nothing may be concluded from a
part of one: a member is a slotted value of some 600 bytes with shared texts, so that
20,000 of them are about 12 MB.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lti_tool.errors import DeliveryError
from lti_tool.platforms.http import Answer
from lti_tool.platforms.links import followed
from lti_tool.platforms.lti import Call, Caller
from lti_tool.platforms.paging import Patience

MAX_ROWS: Final = 1_000_000
SCOPE: Final = (
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
)
MEDIA_TYPE: Final = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
_CUSTOM: Final = "https://purl.imsglobal.org/spec/lti/claim/custom"
# What a platform answers that does not know the link, or not this parameter.
_LINK_REFUSED: Final = frozenset({"gone", "rejected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a context, as NRPS lists her.

    custom are the custom parameters of a link as they would be for her; group_ids is
    None where the platform does not tell her groups.
    """

    user_id: str
    roles: tuple[str, ...] = ()
    status: str = "Active"
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    lis_person_sourcedid: str | None = None
    custom: Mapping[str, str] | None = None
    group_ids: tuple[str, ...] | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether she is a member now."""
        return self.status == "Active"


@dataclass(frozen=True, slots=True)
class Roster:
    """A list of members, read to its end; each is in it once.

    differences_url, if any, lists what changed since.
    """

    members: tuple[Member, ...]
    differences_url: str | None = None


def _told(value: object) -> object:
    """What a platform really says: no blank, no variable it could not fill in."""
    if isinstance(value, bool | int | float):
        return str(value)
    if not isinstance(value, str):
        return None
    # No database of ours keeps a NUL.
    text = value.replace("\x00", "").strip()
    return text if text and not text.startswith("$") else None


def _listed(value: object) -> object:
    return () if value is None else value


_Words = Annotated[str | None, BeforeValidator(_told)]


class _WireMember(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    user_id: Annotated[str, Field(min_length=1, max_length=255)]
    roles: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    status: _Words = None
    name: _Words = None
    given_name: _Words = None
    family_name: _Words = None
    email: _Words = None
    lis_person_sourcedid: _Words = None
    message: Any = None
    group_enrollments: Any = None


class _MemberPage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    members: list[_WireMember]


class Members:
    """NRPS: who is in a context.

    Every method raises DeliveryError if the list did not come whole; see
    lti.Caller.call for its codes.
    """

    def __init__(self, caller: Caller, patience: Patience | None = None) -> None:
        """Ask through caller, again and again as patience has it."""
        self._caller = caller
        self._patience = patience or Patience()

    def roster(
        self,
        nrps_url: str,
        *,
        link_id: str | None = None,
        context_id: str | None = None,
        with_groups: bool = False,
    ) -> Roster:
        """Everybody of a context.

        With the id of a resource link of ours there, each member brings its custom
        parameters as they are for her, where the platform does that. One that does
        not know the link is asked without.
        """
        further = {"groups": "true"} if with_groups else {}
        rlid = self._link(link_id, context_id)
        if rlid is not None:
            try:
                return self._fetch(_asking(nrps_url, further | {"rlid": rlid}))
            except DeliveryError as error:
                if error.code not in _LINK_REFUSED:
                    raise
        return self._fetch(_asking(nrps_url, further))

    def changes(self, differences_url: str) -> Roster:
        """Whose membership changed since the list that named differences_url."""
        return self._fetch(differences_url)

    def _link(self, link_id: str | None, context_id: str | None) -> str | None:
        profile = self._caller.client.profile
        if not profile.roster_brings_custom:
            return None
        return link_id or (context_id if profile.context_is_a_link else None) or None

    def _fetch(self, url: str) -> Roster:
        call = Call("GET", url, (SCOPE,), accept=MEDIA_TYPE)
        found: dict[str, Member] = {}
        differences: str | None = None
        for page in self._caller.pages(call, _members, self._patience):
            for member in page.content:
                held = found.get(member.user_id)
                found[member.user_id] = _merged(held, member) if held else member
            if len(found) > MAX_ROWS:
                raise DeliveryError(
                    "the member list does not end", "paging", permanent=True
                )
            target = page.links.get("differences")
            differences = followed(page.url, target) if target else None
        return Roster(tuple(found.values()), differences)


def _members(answer: Answer) -> list[Member]:
    try:
        page = _MemberPage.model_validate_json(answer.body)
    except ValidationError:
        raise DeliveryError(
            f"{urlsplit(answer.url).hostname} answers with something other than a "
            "list of members",
            "format",
            permanent=False,
        ) from None
    return [_member(told) for told in page.members]


def _member(told: _WireMember) -> Member:
    return Member(
        user_id=told.user_id.replace("\x00", ""),
        roles=tuple(sys.intern(role) for role in told.roles),
        status=sys.intern((told.status or "Active").capitalize()),
        name=told.name,
        given_name=told.given_name,
        family_name=told.family_name,
        email=told.email,
        lis_person_sourcedid=told.lis_person_sourcedid,
        custom=_custom(told.message),
        group_ids=_group_ids(told.group_enrollments),
    )


def _custom(message: object) -> Mapping[str, str] | None:
    """The custom parameters of the first message that has any."""
    for one in message if isinstance(message, list) else [message]:
        custom = one.get(_CUSTOM) if isinstance(one, dict) else None
        if isinstance(custom, dict):
            told = {sys.intern(name): _told(value) for name, value in custom.items()}
            return {name: str(text) for name, text in told.items() if text is not None}
    return None


def _group_ids(enrollments: object) -> tuple[str, ...] | None:
    if not isinstance(enrollments, list):
        return None
    ids = (one.get("group_id") for one in enrollments if isinstance(one, dict))
    return tuple(sys.intern(str(one)) for one in ids if one not in (None, ""))


def _merged(one: Member, other: Member) -> Member:
    """A member listed twice, as by sections: her roles together, active if once."""
    status = one.status if one.is_active else other.status
    return replace(
        other,
        status=status,
        roles=tuple(dict.fromkeys((*one.roles, *other.roles))),
        lis_person_sourcedid=other.lis_person_sourcedid or one.lis_person_sourcedid,
        custom=other.custom or one.custom,
        group_ids=_joined(one.group_ids, other.group_ids),
    )


def _joined(
    one: tuple[str, ...] | None, other: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    if one is None or other is None:
        return one or other
    return tuple(dict.fromkeys((*one, *other)))


def _asking(url: str, fields: Mapping[str, str]) -> str:
    """An address with further query fields; what it has is kept."""
    if not fields:
        return url
    parts = urlsplit(url)
    query: Iterable[tuple[str, str]] = parse_qsl(parts.query, keep_blank_values=True)
    return urlunsplit(parts._replace(query=urlencode([*query, *fields.items()])))
