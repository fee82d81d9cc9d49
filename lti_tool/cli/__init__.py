"""The command line: `masterybridge`."""

from __future__ import annotations

from lti_tool.cli.curriculum import course, framework
from lti_tool.cli.mastery import align, mastery
from lti_tool.cli.operation import (
    backup,
    db,
    demo,
    doctor,
    keys,
    restore,
    serve,
    worker,
)
from lti_tool.cli.outcomes import outcomes
from lti_tool.cli.platforms import platform
from lti_tool.cli.root import masterybridge
from lti_tool.cli.roster import runs, source

__all__ = ["main", "masterybridge"]

for _command in (
    align,
    backup,
    course,
    db,
    demo,
    doctor,
    framework,
    keys,
    mastery,
    outcomes,
    platform,
    restore,
    runs,
    serve,
    source,
    worker,
):
    masterybridge.add_command(_command)


def main() -> None:
    """Run the command line."""
    masterybridge()
