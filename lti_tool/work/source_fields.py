"""Where a source is and how we sign in there: what may be wrong with it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.platforms.http import AddressError, check_url
from lti_tool.storage import source_pages
from lti_tool.storage.session import Session
from lti_tool.work.platform_fields import Fault
from lti_tool.work.uploads import FOLDER_NAME
from oneroster.service import Service

AUTHS: Final = ("basic", "form", "oauth1-sha256", "oauth1-sha1", "bearer")
VERSIONS: Final = ("1.2", "1.1")
FIELDS: Final = ("name", "location", "version", "auth", "token_url", "client_id")
LONGEST: Final = 255
# What may be wrong; English, to be shown in the reader's language.
FAULTS: Final = MappingProxyType(
    {
        "missing": "This is needed.",
        "long": "This may have at most 255 characters.",
        "taken": "Another source has this name already; take another one.",
        "control": "There is a line break or another invisible character in it; "
        "write it again.",
        "address": "This address is not one we go to: %(problem)s.",
        "service": "This cannot be the address of a OneRoster service: %(problem)s.",
        "choice": "Choose one of the list.",
        "folder": "Use letters, digits, - and _ only, at most 64 of them.",
        "file": "Choose the zip file.",
    }
)
_SIGNED: Final = frozenset({"oauth1-sha256", "oauth1-sha1"})


def completed(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields with https:// before an address, and the token URL most hosts use."""
    full = dict(fields)
    for name in ("location", "token_url"):
        if full.get(name) and "://" not in full[name]:
            full[name] = f"https://{full[name]}"
    if not _asks_for_token(full):
        full["token_url"] = ""
    elif not full.get("token_url") and full.get("location"):
        full["token_url"] = _guessed_token_url(full["location"])
    if full.get("auth") == "bearer":
        full["client_id"] = ""
    return full


def _asks_for_token(fields: Mapping[str, str]) -> bool:
    return fields.get("auth") in {"basic", "form"}


def _guessed_token_url(location: str) -> str:
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}/oauth2/token" if parts.netloc else ""


def name_fault(session: Session, name: str, *, but: int | None = None) -> Fault | None:
    """What is wrong with the name of a source; but is the one that is edited."""
    if not name:
        return Fault("missing")
    if len(name) > LONGEST:
        return Fault("long")
    if not name.isprintable():
        return Fault("control")
    held = source_pages.find_name(session, name)
    return Fault("taken") if held not in {None, but} else None


def rest_faults(
    fields: Mapping[str, str], *, local_hosts: frozenset[str], has_secret: bool
) -> dict[str, Fault]:
    """What is wrong with a service's completed fields, by field; {} if nothing is.

    has_secret tells that one is kept, so that an empty field leaves it.
    """
    found: dict[str, Fault] = {}
    if fields["version"] not in VERSIONS:
        found["version"] = Fault("choice")
    if fields["auth"] not in AUTHS:
        found["auth"] = Fault("choice")
    if fields["auth"] != "bearer":
        found |= _text_fault("client_id", fields["client_id"])
    if not has_secret and not fields["client_secret"]:
        found["client_secret"] = Fault("missing")
    found |= _address_fault("location", fields["location"], local_hosts)
    if _asks_for_token(fields):
        found |= _address_fault("token_url", fields["token_url"], local_hosts)
    if "location" not in found:
        try:
            Service.at(fields["location"])
        except ValueError as error:
            found["location"] = Fault("service", {"problem": str(error)})
    return found


def _text_fault(name: str, text: str) -> dict[str, Fault]:
    if not text:
        return {name: Fault("missing")}
    if len(text) > LONGEST:
        return {name: Fault("long")}
    return {} if text.isprintable() else {name: Fault("control")}


def _address_fault(
    name: str, url: str, local_hosts: frozenset[str]
) -> dict[str, Fault]:
    if not url:
        return {name: Fault("missing")}
    try:
        check_url(url, local_hosts=local_hosts)
    except AddressError as error:
        return {name: Fault("address", {"problem": str(error)})}
    return {}


def folder_fault(name: str) -> Fault | None:
    """What is wrong with the name of a folder that others fill."""
    if not name:
        return Fault("missing")
    return None if FOLDER_NAME.fullmatch(name) else Fault("folder")


def rest_values(fields: Mapping[str, str]) -> dict[str, Any]:
    """The columns of a service, its secret left out."""
    return {
        "kind": "rest",
        "location": fields["location"],
        "version": fields["version"],
        "auth": fields["auth"],
        "token_url": fields["token_url"] or None,
        "client_id": fields["client_id"] or None,
    }
