"""What may be wrong with the fields of a platform, each with its mend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from lti_tool.platforms.http import AddressError, check_url, is_local
from lti_tool.platforms.profiles import PROFILES
from lti_tool.storage import platforms
from lti_tool.storage.database import Session
from lti_tool.work.origins import origin

URLS: Final = ("auth_url", "token_url", "jwks_url")
LONGEST: Final = 255
MOST_ORIGINS: Final = 20
# What may be wrong with a field; English, to be shown in the reader's language.
FAULTS: Final = MappingProxyType(
    {
        "missing": "This is needed; paste what the LMS shows.",
        "long": "This may have at most 255 characters.",
        "spaces": "There is a space in it; copy the value again, without the words "
        "around it.",
        "address": "This address is not one we go to: %(problem)s.",
        "issuer": "An issuer is an address that begins with https:// and has no ? or # "
        "in it; copy it as the LMS shows it.",
        "slash": "The issuer of this LMS has no slash at its end; take it away.",
        "taken": "The platform “%(name)s” has this issuer and this client id already; "
        "change that one, or copy the client id again.",
        "twice": "The same deployment id stands here twice.",
        "vendor": "Choose one of the kinds of LMS in the list.",
        "origin": "“%(entry)s” is not the address of a site; write https:// and the "
        "host name, nothing after it.",
        "origin_http": "“%(entry)s” is plain http; a frame needs https. Name the host "
        "in MASTERYBRIDGE_LOCAL_NETWORK if it is for a trial.",
        "origins": "At most 20 sites can be listed.",
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field: a word of FAULTS and the values of its places."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The fault in English."""
        return FAULTS[self.code] % self.values


def platform_faults(
    session: Session,
    fields: Mapping[str, str],
    *,
    local_hosts: frozenset[str],
    but: int | None = None,
    slashless: str = "",
) -> dict[str, Fault]:
    """What is wrong with the fields of a platform, by field; empty if nothing is.

    but is the platform that is edited. slashless is an issuer as its vendor writes
    it; one that differs by a slash alone is a fault.
    """
    found = _text_faults(fields)
    for name in (*URLS, "token_audience", "outcomes_url"):
        if name not in found and fields.get(name):
            found |= _url_fault(name, fields[name], local_hosts)
    if "issuer" not in found:
        found |= _issuer_fault(fields["issuer"], local_hosts, slashless)
    if not found.keys() & {"issuer", "client_id"}:
        taken = platforms.find_pair(session, fields["issuer"], fields["client_id"])
        if taken is not None and taken[0] != but:
            found["client_id"] = Fault("taken", {"name": taken[1]})
    return found


def deployment_fault(ids: list[str]) -> Fault | None:
    """What is wrong with a list of deployment ids; None if nothing is."""
    if any(len(one) > LONGEST for one in ids):
        return Fault("long")
    return Fault("twice") if len(set(ids)) < len(ids) else None


def parse_origins(
    lines: Iterable[str], *, local_hosts: frozenset[str]
) -> tuple[list[str], Fault | None]:
    """Sites that may frame us, each once, as origins; or what is wrong with one."""
    found: list[str] = []
    for line in lines:
        entry = line.strip().rstrip("/")
        if not entry:
            continue
        if fault := _origin_fault(entry, local_hosts):
            return [], fault
        found.append(origin(entry))
    unique = list(dict.fromkeys(found))
    return (unique, None) if len(unique) <= MOST_ORIGINS else ([], Fault("origins"))


def _text_faults(fields: Mapping[str, str]) -> dict[str, Fault]:
    found = {
        name: fault
        for name in ("name", "issuer", "client_id", *URLS)
        if (fault := _text_fault(name, fields.get(name, "")))
    }
    if fields.get("vendor", "other") not in PROFILES:
        found["vendor"] = Fault("vendor")
    return found


def _text_fault(name: str, text: str) -> Fault | None:
    if not text:
        return Fault("missing")
    if len(text) > LONGEST and name not in URLS:
        return Fault("long")
    if name != "name" and any(one.isspace() for one in text):
        return Fault("spaces")
    return None


def _url_fault(name: str, url: str, local_hosts: frozenset[str]) -> dict[str, Fault]:
    try:
        check_url(url, local_hosts=local_hosts)
    except AddressError as error:
        return {name: Fault("address", {"problem": str(error)})}
    return {}


def _issuer_fault(
    issuer: str, local_hosts: frozenset[str], slashless: str
) -> dict[str, Fault]:
    """Source: LTI Security Framework 1.0 section 5.1.2, iss."""
    if slashless and issuer != slashless and issuer.rstrip("/") == slashless:
        return {"issuer": Fault("slash")}
    if "?" in issuer or "#" in issuer or not origin(issuer):
        return {"issuer": Fault("issuer")}
    return _url_fault("issuer", issuer, local_hosts)


def _origin_fault(entry: str, local_hosts: frozenset[str]) -> Fault | None:
    told = {"entry": entry[:100]}
    try:
        parts = urlsplit(entry)
        own = origin(entry)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return Fault("origin", told)
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username)
    if not own or not is_bare or not _is_host(parts.hostname or ""):
        return Fault("origin", told)
    if parts.scheme == "http" and not is_local(parts.hostname or "", port, local_hosts):
        return Fault("origin_http", told)
    return None


def _is_host(name: str) -> bool:
    """Tell whether a name may stand in a header: letters, digits, dots, hyphens."""
    return bool(name) and all(
        one.isascii() and (one.isalnum() or one in ".-:") for one in name
    )
