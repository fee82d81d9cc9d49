"""The form of a platform: what was typed, and what is wrong with it in words."""

from __future__ import annotations

from typing import Final

from flask import request

from lti_tool.web.texts import gettext
from lti_tool.work.platform_fields import FAULTS, Fault
from lti_tool.work.platforms import EDITABLE


def platform_fields() -> dict[str, str]:
    """What the form of a platform holds, without the space around a pasted value.

    Only its own fields are read; whatever else a request carries is left alone.
    """
    names: Final = (*EDITABLE, "outcomes_token")
    return {name: request.form.get(name, "").strip() for name in names}


def deployment_ids() -> list[str]:
    """The deployment ids of the form, one a line."""
    lines = request.form.get("deployment_ids", "").splitlines()
    return [line.strip() for line in lines if line.strip()]


def words(fault: Fault) -> str:
    """What is wrong with a field, in the reader's language."""
    return gettext(FAULTS[fault.code], **fault.values)
