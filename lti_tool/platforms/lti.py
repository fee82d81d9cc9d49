"""Calls of a platform's services in our name: refusals, paged lists, members, grades.

Source: AGS 2.0; NRPS 2.0; facts/security.md sections 1.3 and 5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests

from lti_tool.errors import DeliveryError, PlatformError
from lti_tool.platforms.http import Answer, Ask, ask
from lti_tool.platforms.paging import ONCE, Page, Pages, Patience
from lti_tool.platforms.profiles import PlatformProfile
from lti_tool.platforms.tokens import Client, Tokens

T = TypeVar("T")
_CONFLICT, _TOO_MANY, _SERVER = 409, 429, 500
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _GONE = 401, 403, 404, 410


# Canvas and Moodle put their message under one of these names.
_SAYING: Final = ("message", "errors", "error", "reason", "error_description")
_USUAL_REASONS: Final = frozenset(one.phrase for one in HTTPStatus) | {"", "OK"}
_VALUE_REFUSED: Final = frozenset({412, 422})
_MOST_WORDS, _LONGEST = 16_384, 300

# Trying again by ourselves will not mend these.
_PERMANENT: Final = frozenset({"auth", "address", "forbidden", "redirect"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a service."""

    method: str
    url: str
    scopes: tuple[str, ...]
    accept: str | None = None
    content_type: str | None = None
    content: Any = None


class Caller:
    """Calls a platform's services in our name; a refused token is renewed once."""

    def __init__(
        self, session: requests.Session, tokens: Tokens, client: Client
    ) -> None:
        self._session = session
        self._tokens = tokens
        self.client = client

    def call(self, call: Call) -> Answer:
        """Send a call and give its answer, a success.

        Raises:
            DeliveryError: the platform refused, with code auth, forbidden, gone,
                stale, busy, rejected or platform; or it was not reached, with code
                connect, timeout, redirect, too_large or address. After timeout and
                connect nobody knows whether the call was carried out.
        """
        try:
            answer = self._send_authorized(call)
        except DeliveryError:
            raise
        except PlatformError as error:
            raise DeliveryError(
                str(error), error.code, permanent=error.code in _PERMANENT
            ) from error
        if not requests.codes.ok <= answer.status < requests.codes.multiple_choices:
            raise refusal(answer, self.client.profile)
        return answer

    def pages(
        self, call: Call, read: Callable[[Answer], T], patience: Patience = ONCE
    ) -> Iterator[Page[T]]:
        """Yield the pages of a list, read, each next one as the platform names it.

        Raises:
            DeliveryError: paging, a next page lies elsewhere, repeats, or there is no
                end; besides what call and read raise once patience has ended.
        """
        return Pages(lambda url: self.call(replace(call, url=url)), read, patience)(
            call.url
        )

    def _send_authorized(self, call: Call) -> Answer:
        token = self._tokens.token(self.client, call.scopes)
        answer = self._send(call, token)
        if answer.status == _UNAUTHORIZED:
            self._tokens.drop(self.client, call.scopes, token)
            answer = self._send(call, self._tokens.token(self.client, call.scopes))
        return answer

    def _send(self, call: Call, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        if call.accept:
            headers["Accept"] = call.accept
        if call.content_type:
            headers["Content-Type"] = call.content_type
        body = None
        if call.content is not None:
            body = json.dumps(call.content, allow_nan=False).encode()
        return ask(self._session, Ask(call.method, call.url, headers, body))


def refusal(answer: Answer, profile: PlatformProfile) -> DeliveryError:
    """What an answer that is no success means. Source: facts/security.md section 5."""
    host, status = urlsplit(answer.url).hostname, answer.status
    code, words = _kind(answer, profile)
    return DeliveryError(
        f"{host} answered {status}: {words}",
        code,
        permanent=code not in {"busy", "platform"},
        retry_after=retry_after(answer.headers),
        hopeless=answer.status in _VALUE_REFUSED and not _is_about_user(answer),
        said=own_words(answer),
    )


def _is_about_user(answer: Answer) -> bool:
    """Tell a refusal of the student, who may come back, from one of the value."""
    told = answer.body[:4096].lower()
    return any(word in told for word in (b"user", b"student", b"member"))


def own_words(answer: Answer) -> str | None:
    """What a platform said of a refusal, in its own words, None if it said nothing.

    A line of plain text, shortened: the message of a JSON answer, or the words beside
    its status where they are none of the standard's.
    """
    try:
        told = _message(json.loads(answer.body[:_MOST_WORDS]))
    except ValueError:
        told = None
    if told is None and answer.reason not in _USUAL_REASONS:
        told = answer.reason
    text = " ".join("".join(c if c.isprintable() else " " for c in told or "").split())
    return text[:_LONGEST] or None


def _message(told: object) -> str | None:
    """The first text that a JSON answer gives under a name that means a message."""
    if isinstance(told, list):
        found = (_message(one) for one in told)
        return next((one for one in found if one), None)
    if isinstance(told, str):
        return told
    if not isinstance(told, dict):
        return None
    found = (_message(told.get(name)) for name in _SAYING)
    return next((one for one in found if one), None)


def _kind(answer: Answer, profile: PlatformProfile) -> tuple[str, str]:
    status = answer.status
    # Canvas: rate limiting is a 403 with this text; seen 2026-11, its API docs.
    is_limited = status == _FORBIDDEN and b"Rate Limit Exceeded" in answer.body[:4096]
    if status == _TOO_MANY or is_limited:
        return "busy", "it asks us to wait"
    if status in profile.stale_statuses and _is_about_time(answer):
        return "stale", "it holds a value as new as this one, or newer"
    if (status, answer.body.strip()) == profile.held_answer:
        return "held", "it keeps the grade that stands there; it is locked, most likely"
    known = {
        _UNAUTHORIZED: ("auth", "it does not accept our access token"),
        _FORBIDDEN: ("forbidden", "it does not grant us this service here"),
        _NOT_FOUND: ("gone", "what we asked for is not there"),
        _GONE: ("gone", "what we asked for is not there any more"),
    }
    if status in known:
        return known[status]
    if status >= _SERVER:
        return "platform", "it failed"
    return "rejected", "it does not take what we sent"


def _is_about_time(answer: Answer) -> bool:
    """Tell a refused timestamp from other refusals of the same status."""
    return answer.status == _CONFLICT or b"timestamp" in answer.body[:4096].lower()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """How many seconds an answer asks us to wait, None if it does not."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), 86_400.0)
    try:
        at, sent = parsedate_to_datetime(value), parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return max((at - sent).total_seconds(), 0.0)
