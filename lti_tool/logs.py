"""One event a line, identifiers only: no name, e-mail, score or token ever."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, cast

import structlog

# Values under these names never reach a line, whoever logs them.
_SECRET = frozenset(
    {
        "access_token",
        "authorization",
        "client_secret",
        "cookie",
        "email",
        "family_name",
        "given_name",
        "id_token",
        "name",
        "password",
        "score",
        "secret",
        "state",
        "token",
    }
)


def _redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key in event:
        if key.lower() in _SECRET:
            event[key] = "[left out]"
    return event


def configure_logs(style: Literal["json", "text"]) -> None:
    """Send events to stderr, as JSON or as text; may be called again."""
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=_has_colors())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _has_colors() -> bool:
    """Tell whether colours are wanted. Source: no-color.org."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def log() -> structlog.typing.FilteringBoundLogger:
    """The logger of one event a line, past tense, with identifiers."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger())
