"""The calls of a dynamic registration: the configuration, what is on record, ours.

Each goes through the guarded way out, without redirects, small and soon over; each
carries the registration token the platform gave the browser.

Source: LTI Dynamic Registration 1.0; facts/canvas.md 3; facts/moodle.md 2.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from lti_tool.errors import PlatformError, RegistrationError
from lti_tool.platforms.configuration import Configuration, parse_configuration
from lti_tool.platforms.http import Answer, Ask, ask, check_url

CONFIGURATION_LIMIT: Final = 256 * 1024
CONFIGURATION_TIMES: Final = (3.0, 5.0, 8.0)
# A platform writes the registration down before it answers.
REGISTRATION_TIMES: Final = (5.0, 15.0, 20.0)
TOOL_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"
UPDATE_SCOPE: Final = "reg-update"
SAID_LIMIT: Final = 300
ID_LIMIT: Final = 255
# Moodle 4.5 answers a registration with 200, the standard says 201; seen 2026-11,
# mod/lti/openid-registration.php.
_MADE: Final = frozenset({200, 201})
_OK: Final = 200
# No "<" within: a page of nothing but them is then read once, not from each anew.
_MARKUP: Final = re.compile(r"<[^<>]*>")
_SAID_IN: Final = ("error_description", "errorMessage", "message", "error", "errors")


@dataclass(frozen=True, slots=True)
class Opening:
    """What the platform's page opened us with; the token is a secret of theirs."""

    url: str
    token: str = field(repr=False)
    local_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the platform answered, and what of it we keep apart."""

    answer: dict[str, Any]
    client_id: str
    deployment_id: str | None
    registration_url: str | None
    registration_token: str | None = field(repr=False)


def is_update(token: str) -> bool:
    """Tell whether a registration token is one for an update.

    It is only read, not believed: the platform checks its own token. Moodle marks it
    by its scope; see facts/moodle.md 2.
    """
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError, RecursionError):
        return False
    return isinstance(claims, dict) and claims.get("scope") == UPDATE_SCOPE


def fetch_configuration(
    session: requests.Session, opening: Opening, *, vendor: str | None
) -> Configuration:
    """The checked configuration of the platform that opened us.

    Raises:
        RegistrationError: unreachable, status, or what parse_configuration raises.
    """
    answer = _asked(
        session,
        Ask(
            "GET",
            opening.url,
            headers=_headers(opening.token),
            limit=CONFIGURATION_LIMIT,
            times=CONFIGURATION_TIMES,
        ),
    )
    if answer.status != _OK:
        raise _refused(answer, "status")
    return parse_configuration(
        answer.body, url=opening.url, vendor=vendor, local_hosts=opening.local_hosts
    )


def fetch_current(
    session: requests.Session, configuration: Configuration, opening: Opening
) -> Granted:
    """The registration on record that an update will replace.

    Raises:
        RegistrationError: unreachable, refused or answer.
    """
    answer = _asked(
        session,
        Ask(
            "GET",
            configuration.registration_url,
            headers=_headers(opening.token),
            limit=CONFIGURATION_LIMIT,
            times=CONFIGURATION_TIMES,
        ),
    )
    return _granted(answer, opening.local_hosts)


def post_registration(
    session: requests.Session,
    configuration: Configuration,
    opening: Opening,
    body: dict[str, Any],
) -> Granted:
    """Ask for a registration, or replace the one the token is for.

    Raises:
        RegistrationError: unreachable, refused or answer.
    """
    answer = _asked(
        session,
        Ask(
            "POST",
            configuration.registration_url,
            headers={
                **_headers(opening.token),
                "Content-Type": "application/json",
            },
            body=json.dumps(body).encode(),
            limit=CONFIGURATION_LIMIT,
            times=REGISTRATION_TIMES,
        ),
    )
    return _granted(answer, opening.local_hosts)


def _headers(token: str) -> dict[str, str]:
    accepts = {"Accept": "application/json"}
    return accepts | {"Authorization": f"Bearer {token}"} if token else accepts


def _asked(session: requests.Session, question: Ask) -> Answer:
    host = urlsplit(question.url).netloc
    try:
        return ask(session, question)
    except PlatformError as error:
        raise RegistrationError(
            str(error), "unreachable", host=host, reason=str(error)
        ) from error


def _granted(answer: Answer, local_hosts: frozenset[str]) -> Granted:
    """Read a registration; Moodle labels its JSON as it likes, so the body counts."""
    if answer.status not in _MADE:
        raise _refused(answer, "refused")
    sent = _json(answer.body)
    if not isinstance(sent, dict) or not _is_id(client_id := sent.get("client_id")):
        host = urlsplit(answer.url).netloc
        raise RegistrationError(
            f"{host} accepted the registration but answers without a client_id",
            "answer",
            host=host,
        )
    config = sent.get(TOOL_CONFIGURATION)
    placed = config.get("deployment_id") if isinstance(config, dict) else None
    # Newer Canvas names the deployment beside the client id, Moodle inside.
    placed = placed or sent.get("deployment_id")
    token = sent.pop("registration_access_token", None)
    return Granted(
        answer=sent,
        client_id=str(client_id),
        deployment_id=str(placed) if _is_id(placed) else None,
        registration_url=_address(sent.get("registration_client_uri"), local_hosts),
        registration_token=token if isinstance(token, str) else None,
    )


def _refused(answer: Answer, code: str) -> RegistrationError:
    host = urlsplit(answer.url).netloc
    said = _said(answer.body)
    return RegistrationError(
        f"{host} answers {answer.status}: {said or 'nothing that can be read'}",
        code,
        host=host,
        status=str(answer.status),
        said=said,
    )


def _said(body: bytes) -> str:
    """What a platform says of a refusal, as one short line of plain text."""
    sent = _json(body)
    if isinstance(sent, dict):
        text = next((str(sent[name]) for name in _SAID_IN if sent.get(name)), "")
    elif isinstance(sent, list | str):
        text = str(sent)
    else:
        text = _MARKUP.sub(" ", body[:65_536].decode("utf-8", "replace"))
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= SAID_LIMIT else f"{line[:SAID_LIMIT]}…"


def _json(body: bytes) -> object:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found


def _is_id(value: object) -> bool:
    """Tell whether value may be a client or deployment id; Canvas's are numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    return 0 < len(str(value)) <= ID_LIMIT


def _address(value: object, local_hosts: frozenset[str]) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        check_url(value, local_hosts=local_hosts)
    except PlatformError:
        return None
    return value
