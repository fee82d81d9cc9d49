"""What we asked a platform for against what it granted, a line each.

Source: LTI Dynamic Registration 1.0; facts/lti.md 12; facts/moodle.md 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lti_tool.lti13.claims import RESOURCE_LINK_REQUEST
from lti_tool.lti13.tool_description import SCOPES, TOOL_CONFIGURATION

State = Literal["granted", "refused", "not_offered"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing we asked a platform for, and what became of it.

    kind is scope, placement, claim or custom; name is its wire name.
    """

    kind: Literal["scope", "placement", "claim", "custom"]
    name: str
    state: State


def agreed(asked: Mapping[str, Any], granted: Mapping[str, Any]) -> tuple[Line, ...]:
    """Each thing we use, whether it was asked for, and whether it was granted.

    asked is the body we sent, granted the answer. What an answer does not speak of
    counts as granted: a platform need not repeat what it took as it was.
    """
    sent, told = _configuration(asked), _configuration(granted)
    return (
        *_scope_lines(asked, granted),
        *_placement_lines(sent, told),
        *_lines("claim", sent.get("claims"), _claims(told.get("claims"))),
        *_lines("custom", sent.get("custom_parameters"), told.get("custom_parameters")),
    )


def differences(
    asked: Mapping[str, Any], granted: Mapping[str, Any]
) -> tuple[Line, ...]:
    """What we use and did not get."""
    return tuple(line for line in agreed(asked, granted) if line.state != "granted")


def _claims(told: object) -> set[str] | None:
    """The claims granted; whoever gets the whole name gets its parts.

    Moodle 4.5 has one switch for them and leaves given_name out of its answer; seen
    2026-11, registration_helper::config_to_registration.
    """
    named = _words(told)
    return named | {"given_name", "family_name"} if named and "name" in named else named


def _configuration(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get(TOOL_CONFIGURATION)
    return found if isinstance(found, Mapping) else {}


def _scope_lines(asked: Mapping[str, Any], granted: Mapping[str, Any]) -> list[Line]:
    sent, told = _words(asked.get("scope")) or set(), _words(granted.get("scope"))
    lines = []
    for scope in SCOPES:
        state: State = "granted" if told is None or scope in told else "refused"
        lines.append(Line("scope", scope, state if scope in sent else "not_offered"))
    return lines


def _placement_lines(sent: Mapping[str, Any], told: Mapping[str, Any]) -> list[Line]:
    """Placements, or types of message where a platform knows no placements.

    Moodle 4.5 repeats deep linking alone, and no placements; seen 2026-11,
    registration_helper::config_to_registration. What it leaves out there is not lost.
    """
    asked, answered = _placed(sent), _placed(told)
    says_nothing = "messages" not in told
    lines = []
    for message, places in asked.items():
        there = answered.get(message)
        is_there = says_nothing or there is not None or message == RESOURCE_LINK_REQUEST
        for name in sorted(places) or [message]:
            is_named = not there or name in there or name == message
            state: State = "granted" if is_there and is_named else "refused"
            lines.append(Line("placement", name, state))
    return lines


def _placed(document: Mapping[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    messages = document.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and isinstance(message.get("type"), str):
            places = _words(message.get("placements")) or set()
            found.setdefault(message["type"], set()).update(places)
    return found


def _lines(kind: Literal["claim", "custom"], sent: object, told: object) -> list[Line]:
    asked, answered = _words(sent) or set(), _words(told)
    return [
        Line(
            kind, name, "granted" if answered is None or name in answered else "refused"
        )
        for name in sorted(asked)
    ]


def _words(value: object) -> set[str] | None:
    """The names in a scope text, a list or an object; None if nothing is said."""
    if isinstance(value, str):
        return set(value.split())
    if isinstance(value, list | dict | set):
        return {name for name in value if isinstance(name, str)}
    return None
