"""What opens a Canvas for us: a token of a service account, renewed when it ends.

Source: Canvas doc/api/oauth_endpoints.md; facts/canvas.md section 9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.http import Ask, ask

API: Final = "/api/v1"
TOKEN_PATH: Final = "/login/oauth2/token"  # noqa: S105 -- an address
EARLY: Final = timedelta(seconds=60)
HOUR: Final = 3600.0
_OK, _SERVER = 200, 500
_PASSING: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A token of a Canvas user, and by what it is renewed.

    Attributes:
        expires_at: when access_token ends; None for one that a person made in her
            Canvas profile, which is not renewed.
        account: the Canvas account that outcomes are made in; None: each course.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    account: str | None = None

    @property
    def renews(self) -> bool:
        """Tell whether there is all that a renewal takes."""
        return bool(self.refresh_token and self.client_id and self.client_secret)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    access_token: str = ""
    refresh_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    expires_at: AwareDatetime | None = None
    account: str | None = None


def parse_credential(text: str) -> Credential:
    """Read a token file: the bare token, or a JSON object of Credential's fields.

    Raises:
        ConfigError: there is no token in it; says what belongs there.
    """
    stripped = text.strip()
    if not stripped.startswith("{"):
        if not stripped or any(one.isspace() for one in stripped):
            raise ConfigError(
                "the token of the Canvas platform is no token; put the access token "
                "alone into the file, or a JSON object with access_token in it"
            )
        return Credential(access_token=stripped)
    try:
        found = _Document.model_validate_json(stripped)
    except ValidationError as error:
        wrong = ", ".join(str(one["loc"][0]) for one in error.errors() if one["loc"])
        raise ConfigError(
            f"the token file of the Canvas platform cannot be read ({wrong or 'JSON'})"
        ) from None
    made = Credential(**found.model_dump())
    if not made.access_token and not made.renews:
        raise ConfigError(
            "the token file of the Canvas platform needs access_token, or "
            "refresh_token, client_id and client_secret"
        )
    return made


def format_credential(credential: Credential) -> str:
    """Return a credential as parse_credential reads it."""
    fields = {
        name: getattr(credential, name)
        for name in _Document.model_fields
        if getattr(credential, name) is not None
    }
    return _Document(**fields).model_dump_json(exclude_none=True)


class _Grant(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: str
    refresh_token: str | None = None
    expires_in: float = HOUR


class CanvasToken:
    """The token of one Canvas, in the hands of one worker.

    Who has it has the turn of its platform: the quota is the token's, requests side
    by side are charged in advance (Canvas doc/api/throttling.md), and a renewal ends
    the token before, so that two workers would put each other out.
    """

    def __init__(
        self,
        session: requests.Session,
        base_url: str,
        credential: Credential,
        *,
        clock: Callable[[], datetime],
        on_renewed: Callable[[Credential], None] = lambda _credential: None,
    ) -> None:
        """Renew credential at base_url; what is renewed is told to on_renewed."""
        self._session = session
        self.base_url = base_url
        self._clock = clock
        self._on_renewed = on_renewed
        self.credential = credential

    def current(self) -> str:
        """Return a token that is good by its own word.

        Raises:
            DeliveryError: auth, Canvas renews it no more; or it is not reached.
        """
        ends = self.credential.expires_at
        is_over = ends is not None and ends - EARLY <= self._clock()
        if self.credential.renews and (is_over or not self.credential.access_token):
            self.renew(self.credential.access_token)
        return self.credential.access_token

    def renew(self, refused: str) -> bool:
        """Renew the token that was refused, if it can be; tells if there is a new one.

        Raises:
            DeliveryError: auth, Canvas renews it no more; or it is not reached.
        """
        held = self.credential
        if held.access_token != refused:
            return True
        if not held.renews:
            return False
        self.credential = renewed(self._session, self.base_url, held, now=self._clock())
        self._on_renewed(self.credential)
        return True


def root_of(url: str) -> str:
    """Return the address of a Canvas, without the interface's own part of it."""
    parts = urlsplit(url.rstrip("/"))
    path = parts.path.partition(API)[0].rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def renewed(
    session: requests.Session, base_url: str, held: Credential, *, now: datetime
) -> Credential:
    """Return a credential with a new access token.

    The refresh token stays good and is used again.

    Raises:
        DeliveryError: auth, Canvas gives none; or it is not reached.
    """
    return _granted(
        session,
        base_url,
        held,
        {"grant_type": "refresh_token", "refresh_token": held.refresh_token or ""},
        now,
    )


def exchanged(
    session: requests.Session,
    base_url: str,
    held: Credential,
    *,
    code: str,
    redirect_uri: str,
    now: datetime,
) -> Credential:
    """Return a credential for the code an administrator came back with from Canvas.

    Raises:
        DeliveryError: auth, Canvas gives none; or it is not reached.
    """
    return _granted(
        session,
        base_url,
        held,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
        },
        now,
    )


def _granted(
    session: requests.Session,
    base_url: str,
    held: Credential,
    fields: dict[str, Any],
    now: datetime,
) -> Credential:
    host = urlsplit(base_url).hostname
    form = {
        **fields,
        "client_id": held.client_id or "",
        "client_secret": held.client_secret or "",
    }
    answer = ask(
        session,
        Ask(
            "POST",
            base_url + TOKEN_PATH,
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            urlencode(form).encode(),
        ),
    )
    if answer.status != _OK:
        is_passing = answer.status in _PASSING or answer.status >= _SERVER
        raise DeliveryError(
            f"{host} renews our access no more ({answer.status}); an administrator "
            "connects Canvas again",
            "platform" if is_passing else "auth",
            permanent=not is_passing,
        )
    try:
        grant = _Grant.model_validate_json(answer.body)
    except ValidationError:
        raise DeliveryError(
            f"{host} answers our request for an access token with something else",
            "auth",
            permanent=True,
        ) from None
    return replace(
        held,
        access_token=grant.access_token,
        refresh_token=grant.refresh_token or held.refresh_token,
        expires_at=now + timedelta(seconds=grant.expires_in),
    )
