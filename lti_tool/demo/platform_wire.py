"""The wire: each call the pretend LMS received, with secrets masked."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote

from flask import Request, Response

from lti_tool.demo.platform_records import Call

KEPT: Final = 2000
BODY_LIMIT: Final = 65_536
MASK: Final = "•••"
SECRET_FIELDS: Final = frozenset(
    {
        "client_assertion",
        "access_token",
        "id_token",
        "JWT",
        "state",
        "nonce",
        "lti_message_hint",
    }
)
_TICKET: Final = re.compile(r"(?<=/deep_linking/)[^/?]+")
WATCHED: Final = "/lti/"


class Wire:
    """The last calls received, oldest first; safe to use from many threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Begin with nothing heard."""
        self._clock = clock
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._heard = 0

    def note(self, request: Request, response: Response) -> None:
        """Write down a call to one of the LTI addresses, and its answer."""
        if not request.path.startswith(WATCHED):
            return
        body = _shown_request(request)
        answer = _shown_answer(response)
        with self._lock:
            self._heard += 1
            self._calls.append(
                Call(
                    number=self._heard,
                    at=self._clock(),
                    method=request.method,
                    path=_shown_path(request),
                    status=response.status_code,
                    body=body,
                    answer=answer,
                )
            )

    def calls(self, after: int = 0) -> list[Call]:
        """The calls still kept whose number is above after."""
        with self._lock:
            return [call for call in self._calls if call.number > after]


def _shown_path(request: Request) -> str:
    path = _TICKET.sub(MASK, request.path)
    query = request.query_string.decode("utf-8", "replace")
    return f"{path}?{_masked_form(query)}" if query else path


def _shown_request(request: Request) -> str:
    if request.mimetype == "application/x-www-form-urlencoded":
        fields = {
            name: MASK if name in SECRET_FIELDS else value
            for name, value in request.form.items()
        }
        return json.dumps(fields, indent=2, ensure_ascii=False)
    return _shown_json(request.get_data(cache=True))


def _shown_answer(response: Response) -> str:
    if response.is_streamed or "html" in (response.mimetype or ""):
        # Moodle's token endpoint labels its JSON text/html; a page is not shown.
        return _shown_json(response.get_data(), else_text="(a page)")
    return _shown_json(response.get_data())


def _shown_json(raw: bytes, *, else_text: str | None = None) -> str:
    text = raw[:BODY_LIMIT].decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except ValueError:
        return text if else_text is None else else_text
    return json.dumps(_masked(value), indent=2, ensure_ascii=False)


def _masked(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: MASK if name in SECRET_FIELDS else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value


def _masked_form(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(
        f"{name}={MASK if name in SECRET_FIELDS else quote(value, safe='/:')}"
        for name, value in pairs
    )
