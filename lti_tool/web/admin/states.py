"""The state of a platform in a word, with the one thing to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flask import url_for

from lti_tool.web.texts import gettext, ngettext
from lti_tool.work.check_words import Checked

Mark = Literal["ok", "wait", "warn", "bad", "off"]


@dataclass(frozen=True, slots=True)
class State:
    """How it stands, and where to go: href and word are '' if nothing is to do."""

    mark: Mark
    words: str
    href: str = ""
    action: str = ""


def state_of(platform: Mapping[str, Any], checked: Checked | None) -> State:
    """The most pressing thing to say of a platform."""
    detail = url_for("admin.platform", registration_id=platform["id"])
    wizard = url_for("admin.register_checks", registration_id=platform["id"])
    if platform["status"] == "pending":
        return State("wait", gettext("waits for approval"), detail, gettext("Review"))
    if platform["status"] == "disabled":
        return State("off", gettext("switched off"))
    if platform["waiting"]:
        words = ngettext(
            "%(num)d deployment waits for approval",
            "%(num)d deployments wait for approval",
            platform["waiting"],
        )
        return State("wait", words, f"{detail}#deployments", gettext("Review"))
    return _checked_state(platform, checked, wizard)


def _checked_state(
    platform: Mapping[str, Any], checked: Checked | None, wizard: str
) -> State:
    made = (
        [one for one in checked.checks if one.state != "not tried"] if checked else []
    )
    passed = sum(one.state == "ok" for one in made)
    if platform["launched_at"] is None:
        words = gettext("not finished: no launch yet")
        if made:
            words = gettext(
                "not finished: %(passed)d of %(all)d checks",
                passed=passed,
                all=len(made),
            )
        return State("wait", words, wizard, gettext("Go on"))
    problems = sum(one.state == "problem" for one in made)
    if problems:
        words = ngettext(
            "%(num)d check found a problem", "%(num)d checks found a problem", problems
        )
        return State("bad", words, wizard, gettext("See"))
    return State("ok", gettext("ok"))
