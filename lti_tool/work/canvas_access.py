"""How an administrator lets us into a Canvas: she asks there, and comes back.

The authorization code flow of OAuth 2. What she typed waits in her browser, sealed, so
that what works now goes on working until Canvas has said yes. Source: Canvas
doc/api/oauth_endpoints.md; facts/canvas.md section 9.
"""

from __future__ import annotations

import secrets as chance
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from pydantic import AwareDatetime, BaseModel, ValidationError

from lti_tool.errors import ConfigError, PlatformError
from lti_tool.platforms.canvas_tokens import (
    Credential,
    exchanged,
    format_credential,
    root_of,
)
from lti_tool.platforms.http import AddressError, GuardedSession, check_url
from lti_tool.platforms.profiles import profile
from lti_tool.settings import Settings
from lti_tool.storage import secrets
from lti_tool.storage.database import Database
from lti_tool.work import platforms as work
from lti_tool.work.platforms import Author

AUTHORIZE: Final = "/login/oauth2/auth"
LASTS: Final = timedelta(minutes=15)
# What can go wrong on the way back; the pages have words for each.
FAULTS: Final = ("expired", "state", "refused", "no_token", "away")


class Asked(BaseModel):
    """What an administrator asks Canvas for, until she comes back.

    Attributes:
        url: the school's Canvas.
        account: the Canvas account that outcomes are made in; '': each course.
        has_scopes: the key enforces scopes, so each is asked for.
        is_read: the grades of its courses are read too, which takes more of them.
        redirect_uri: where she comes back to.
        who: the administrator.
        state: what Canvas brings back with her, to be the same.
    """

    registration_id: int
    url: str
    client_id: str
    client_secret: str
    account: str
    has_scopes: bool
    is_read: bool
    redirect_uri: str
    who: str
    state: str
    until: AwareDatetime


class ReturnError(Exception):
    """She came back, and we are not let in; code is one of FAULTS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def scopes(
    vendor: str, *, is_read: bool = False, is_live: bool = False
) -> tuple[str, ...]:
    """Return what a key that grants single scopes must grant, none: no such key.

    is_read: the grades of its courses are read too. is_live: levels go by live
    assessments. Either takes some more.
    """
    known = profile(vendor)
    reading = known.reading_scopes if is_read else ()
    return known.rest_scopes + reading + (known.live_scopes if is_live else ())


def connects(vendor: str) -> bool:
    """Tell whether platforms of a vendor let us in this way."""
    return bool(scopes(vendor))


def field_faults(fields: dict[str, str], local_hosts: frozenset[str]) -> dict[str, str]:
    """Return which fields will not do, each with a word: missing, address, number."""
    found = {
        name: "missing"
        for name in ("url", "client_id", "client_secret")
        if not fields[name]
    }
    if "url" not in found:
        try:
            check_url(root_of(fields["url"]), local_hosts=local_hosts)
        except (AddressError, ValueError):
            found["url"] = "address"
    if fields["account"] and not fields["account"].isdigit():
        found["account"] = "number"
    return found


def asked(
    held: Mapping[str, Any], fields: dict[str, str], *, back: str, by: Author
) -> Asked:
    """Return what is asked for of a platform, as it is held, for a quarter of an hour.

    back: redirect_uri.
    """
    return Asked(
        registration_id=held["id"],
        url=root_of(fields["url"]),
        client_id=fields["client_id"],
        client_secret=fields["client_secret"],
        account=fields["account"],
        has_scopes=fields["scopes"] == "all",
        is_read=held["is_read"],
        redirect_uri=back,
        who=by.who,
        state=chance.token_urlsafe(24),
        until=by.now + LASTS,
    )


def seal(one: Asked, key: bytes) -> str:
    """Return what is asked for as only we can read it."""
    return secrets.encrypt(one.model_dump_json(), key)


def authorize_url(one: Asked, vendor: str, *, is_live: bool = False) -> str:
    """Return where in Canvas the administrator says yes."""
    fields = {
        "client_id": one.client_id,
        "response_type": "code",
        "redirect_uri": one.redirect_uri,
        "state": one.state,
    }
    if one.has_scopes:
        asked = scopes(vendor, is_read=one.is_read, is_live=is_live)
        fields["scope"] = " ".join(asked)
    return f"{one.url}{AUTHORIZE}?{urlencode(fields)}"


def opened(sealed: str, state: str, key: bytes, *, by: Author) -> Asked:
    """Return what was asked for, if it is she who comes back, and in time.

    Raises:
        ReturnError: expired, nothing of it is known any more; state, somebody else
            asked for it.
    """
    try:
        one = Asked.model_validate_json(secrets.decrypt(sealed, key))
    except (ConfigError, ValidationError):
        raise ReturnError("expired") from None
    if one.until <= by.now:
        raise ReturnError("expired")
    if one.who != by.who or not chance.compare_digest(one.state, state):
        raise ReturnError("state")
    return one


def finish(
    database: Database, settings: Settings, one: Asked, code: str, *, by: Author
) -> None:
    """Exchange a code for a token, and keep it with the platform.

    Raises:
        ReturnError: refused, she or Canvas said no; no_token, it gives none; away, it
            was not reached.
        NotFoundError: the platform is gone meanwhile.
    """
    if not code:
        raise ReturnError("refused")
    held = Credential(
        access_token="",
        client_id=one.client_id,
        client_secret=one.client_secret,
        account=one.account or None,
    )
    try:
        with GuardedSession(settings.local_hosts) as session:
            made = exchanged(
                session,
                one.url,
                held,
                code=code,
                redirect_uri=one.redirect_uri,
                now=by.now,
            )
    except PlatformError as error:
        raise ReturnError("no_token" if error.code == "auth" else "away") from error
    sealed = secrets.encrypt(format_credential(made), settings.load_secret_key())
    with database.write() as session:
        work.edit(
            session,
            one.registration_id,
            {"outcomes_url": one.url, "outcomes_token": sealed},
            by=by,
        )


def host_of(one: Asked) -> str:
    """The host of the Canvas, to be shown before she goes there."""
    return urlsplit(one.url).hostname or ""
