"""Looks at a platform that change nothing there: does it answer, what does it grant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import requests

from lti_tool.errors import PlatformError
from lti_tool.platforms.http import KEYS_LIMIT, KEYS_TIMES, Answer, Ask, ask
from lti_tool.platforms.profiles import OutcomesProbe
from lti_tool.platforms.tokens import Client, ask_for_token, widened

SMALL: Final = 64 * 1024
_OK: Final = 200
_UNKNOWN_CLIENT: Final = frozenset({"invalid_client", "unauthorized_client"})
_UNAUTHORIZED: Final = 401
_SERVER: Final = 500
_LONGEST_WORD: Final = 64
# An answer all the same, if not one that we read.
_ANSWERED: Final = frozenset({"redirect", "too_large"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request for a token came to; error as RFC 6749 names it."""

    is_granted: bool
    scopes: frozenset[str] = frozenset()
    status: int = 0
    error: str = ""

    @property
    def is_known_client(self) -> bool:
        """Tell whether the platform took our signature for ours."""
        return self.is_granted or (
            self.error not in _UNKNOWN_CLIENT and self.status != _UNAUTHORIZED
        )


def answered_at(session: requests.Session, url: str) -> datetime | None:
    """Ask for url; gives the Date of whatever is answered, None if it has none.

    Raises:
        PlatformError: nothing answers there.
    """
    try:
        answer = ask(session, Ask("GET", url, limit=SMALL, times=KEYS_TIMES))
    except PlatformError as error:
        if error.code in _ANSWERED:
            return None
        raise
    return _date(answer.headers)


def fetch_keys(session: requests.Session, url: str) -> tuple[bytes, datetime | None]:
    """The key set at url as it is sent, and the Date of the answer.

    Raises:
        PlatformError: no answer, or keys_status.
    """
    answer = ask(session, Ask("GET", url, limit=KEYS_LIMIT, times=KEYS_TIMES))
    if answer.status != _OK:
        kind = "platform" if answer.status >= _SERVER else "keys_status"
        raise PlatformError(f"the key set answers {answer.status}", kind)
    return answer.body, _date(answer.headers)


def try_grant(
    session: requests.Session, client: Client, scope: str, now: datetime
) -> Grant:
    """Ask for a token good for one scope, and say what was granted.

    The scope of the answer counts: a platform may grant less than it was asked for.

    Raises:
        PlatformError: it cannot be reached, or failed.
    """
    wanted = widened((scope,), client.profile)
    answer = ask_for_token(session, client, wanted, now)
    if answer.status >= _SERVER:
        host = urlsplit(answer.url).hostname
        raise PlatformError(f"{host} answers {answer.status}", "platform")
    found = _json(answer)
    if answer.status != _OK or not isinstance(found.get("access_token"), str):
        error = found.get("error")
        return Grant(
            is_granted=False,
            status=answer.status,
            error=error if isinstance(error, str) else "",
        )
    named = found.get("scope")
    scopes = named.split() if isinstance(named, str) and named.strip() else wanted
    return Grant(is_granted=True, scopes=frozenset(scopes), status=answer.status)


def try_outcomes(
    session: requests.Session, probe: OutcomesProbe, url: str, token: str
) -> str:
    """Ask a platform's own interface who we are; '' if it tells, else the refusal.

    Raises:
        PlatformError: it cannot be reached.
    """
    at = url.rstrip("/")
    if not urlsplit(at).path.endswith(probe.path):
        at += probe.path
    headers = {"Accept": "application/json"}
    fields = dict(probe.form or {})
    if probe.sent_as is None:
        headers["Authorization"] = f"Bearer {token}"
    else:
        fields[probe.sent_as] = token
    body = None
    if fields:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode()
    method = "POST" if fields else "GET"
    answer = ask(session, Ask(method, at, headers, body, times=KEYS_TIMES))
    if answer.status != _OK:
        return str(answer.status)
    found = _json(answer)
    if not found:
        return "no JSON object"
    refused = found.get(probe.error_member) if probe.error_member else None
    return _word(refused) if refused else ""


def listed(answer: Answer, member: str | None) -> int:
    """How many entries a page lists: itself a list, or an object with one.

    Raises:
        PlatformError: format, it lists nothing of the kind.
    """
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if member is not None:
        found = found.get(member) if isinstance(found, dict) else None
    if not isinstance(found, list):
        host = urlsplit(answer.url).hostname
        raise PlatformError(f"{host} answers with something else than a list", "format")
    return len(found)


def _word(value: object) -> str:
    """Their error code, if it is one word; what else they say is not repeated."""
    text = str(value)
    is_word = text.isascii() and text.isalnum() and len(text) <= _LONGEST_WORD
    return text if is_word else "refused"


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        at = parsedate_to_datetime(headers["Date"])
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (KeyError, ValueError, TypeError):
        return None
