"""Calls of Moodle's web services: one function at a time, by the token of an account.

Moodle answers a refusal with status 200 and an object that names an exception; what
the codes mean was seen on Moodle 4.5.5 in November 2026. A function may have been
carried out although no answer came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from pydantic import BaseModel, TypeAdapter

from lti_tool.errors import DeliveryError, PlatformError
from lti_tool.platforms.http import Ask, ask
from lti_tool.platforms.lti import retry_after

T = TypeVar("T")
PATH: Final = "/webservice/rest/server.php"
LIMIT: Final = 4 * 1024 * 1024
WORDS_LIMIT: Final = 200
_OK, _FORBIDDEN, _TOO_MANY, _SERVER, _AWAY = 200, 403, 429, 500, 503
_UNSENT: Final = frozenset({"auth", "address", "redirect"})

# What an errorcode means: our code, and what a person does about it. All of these
# stay as they are until somebody mends them.
_NOT_TAKEN: Final = ("rejected", "it does not take what we sent")
_NO_RIGHT: Final = (
    "forbidden",
    "the account of our token lacks a right; see platform check",
)
_NO_ENTRY: Final = (
    "forbidden",
    "the account of the token may not enter this course; see platform check",
)
_MENDS: Final = MappingProxyType(
    {
        "invalidtoken": ("auth", "it does not know our token, or not any more"),
        "accessexception": (
            "forbidden",
            "the service of our token lacks this function; see platform check",
        ),
        "nopermissions": _NO_RIGHT,
        "nopermissiontoviewgrades": _NO_RIGHT,
        "requireloginerror": _NO_ENTRY,
        "errorcoursecontextnotvalid": _NO_ENTRY,
        "competenciesarenotenabled": (
            "forbidden",
            "competencies are switched off in this Moodle",
        ),
        "invalidparameter": _NOT_TAKEN,
        "invalidpersistenterror": _NOT_TAKEN,
        "codingerror": _NOT_TAKEN,
        "invalidrecord": ("gone", "what we asked for is not there"),
    }
)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is, and what its service may do."""

    user_id: int
    user_name: str
    release: str
    functions: frozenset[str]


class _Named(BaseModel):
    name: str


class _Site(BaseModel):
    # The rest of the answer holds a private key of the account: left alone.
    userid: int
    username: str
    release: str = ""
    functions: list[_Named]


_SITE: Final = TypeAdapter(_Site)


class MoodleError(DeliveryError):
    """Moodle refused a call; errorcode and message are its own, '' where none came."""

    def __init__(
        self, text: str, code: str, *, permanent: bool, said: tuple[str, str]
    ) -> None:
        super().__init__(text, code, permanent=permanent)
        self.errorcode, self.message = said


class WebServices:
    """The web services of one Moodle; may be used by several threads at once."""

    def __init__(self, session: requests.Session, url: str, token: str) -> None:
        """Keep where they are; url is Moodle's, or that of the services themselves."""
        self._session = session
        self._url = endpoint(url)
        self._token = token
        self._host = urlsplit(url).hostname or "?"

    def call(self, function: str, shape: TypeAdapter[T], **arguments: object) -> T:
        """Call a function and return what it answered, which must be of shape.

        Raises:
            MoodleError: Moodle refused.
            DeliveryError: it was not reached, failed, or answered something else.
        """
        fields = [
            ("wstoken", self._token),
            ("wsfunction", function),
            ("moodlewsrestformat", "json"),
            *_flat(arguments),
        ]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields).encode()
        try:
            answer = ask(
                self._session, Ask("POST", self._url, headers, body, limit=LIMIT)
            )
        except PlatformError as error:
            raise DeliveryError(
                str(error), error.code, permanent=error.code in _UNSENT
            ) from error
        if answer.status != _OK:
            raise self._failed(answer.status, retry_after(answer.headers))
        return self._read(function, shape, answer.body)

    def account(self) -> Account:
        """Ask whose token it is.

        Raises:
            DeliveryError: as call does.
        """
        found = self.call("core_webservice_get_site_info", _SITE)
        return Account(
            found.userid,
            found.username,
            found.release,
            frozenset(one.name for one in found.functions),
        )

    @property
    def site_url(self) -> str:
        """Where the Moodle is."""
        return self._url.removesuffix(PATH)

    @property
    def host(self) -> str:
        """Which Moodle it is."""
        return self._host

    def _read(self, function: str, shape: TypeAdapter[T], body: bytes) -> T:
        try:
            found = json.loads(body)
            if isinstance(found, dict) and "exception" in found:
                raise self._refused(function, found)
            return shape.validate_python(found)
        except (ValueError, RecursionError):
            raise DeliveryError(
                f"{self._host} answers {function} with something we do not know",
                "format",
                permanent=False,
            ) from None

    def _failed(self, status: int, wait: float | None) -> DeliveryError:
        if status == _FORBIDDEN:
            return DeliveryError(
                f"{self._host} answered 403: web services are switched off there; see "
                "Site administration > Server > Web services > Overview",
                "forbidden",
                permanent=True,
            )
        is_busy = status in {_TOO_MANY, _AWAY}
        return DeliveryError(
            f"{self._host} answered {status}",
            "busy" if is_busy else "platform",
            permanent=not is_busy and status < _SERVER,
            retry_after=wait,
        )

    def _refused(self, function: str, found: Mapping[str, Any]) -> MoodleError:
        errorcode = _short(found.get("errorcode"))
        message = _short(found.get("message"))
        # What we do not know is tried again: a database that was away, an upgrade.
        code, words = _MENDS.get(errorcode, ("platform", "it failed"))
        said = message or errorcode or "no reason given"
        return MoodleError(
            f"{self._host} refused {function}: {words} ({said})",
            code,
            permanent=errorcode in _MENDS,
            said=(errorcode, message),
        )


def endpoint(url: str) -> str:
    """The address of the services of a Moodle, named by it or by its own."""
    plain = url.rstrip("/")
    return plain if urlsplit(plain).path.endswith(PATH) else plain + PATH


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Write arguments as PHP reads them: values[0]=5, filters[0][column]=idnumber."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(one, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, one in enumerate(value):
            yield from _flat(one, f"{name}[{number}]")
    else:
        yield name, str(int(value)) if isinstance(value, bool) else str(value)


def _short(value: object) -> str:
    """Their words on one line, no longer than a person reads."""
    return " ".join(str(value or "").split())[:WORDS_LIMIT]
