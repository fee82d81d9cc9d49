"""The command line: `masterybridge`."""

from __future__ import annotations

from lti_tool.cli import (
    checks,
    invitations,
    platform_care,
    readings,
    records,
    scale_maps,
    source_care,
    source_settings,
    source_test,
    suggesting,
)
from lti_tool.cli.administrators import admin
from lti_tool.cli.api_clients import api_client
from lti_tool.cli.certify import certify
from lti_tool.cli.erasing import erase
from lti_tool.cli.exporting import export
from lti_tool.cli.frameworks import framework
from lti_tool.cli.links import link
from lti_tool.cli.mastery import align, mastery
from lti_tool.cli.members import course
from lti_tool.cli.openapi import openapi
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
from lti_tool.cli.plans import plan
from lti_tool.cli.platforms import platform
from lti_tool.cli.resources import resource
from lti_tool.cli.root import masterybridge
from lti_tool.cli.roster import source
from lti_tool.cli.runs import runs

__all__ = ["main", "masterybridge"]

for _command in (
    admin,
    align,
    api_client,
    backup,
    certify,
    course,
    db,
    demo,
    doctor,
    erase,
    export,
    framework,
    keys,
    link,
    mastery,
    openapi,
    outcomes,
    plan,
    platform,
    resource,
    restore,
    runs,
    serve,
    source,
    worker,
):
    masterybridge.add_command(_command)

for _command in (
    checks.check,
    *invitations.COMMANDS,
    *platform_care.COMMANDS,
    *readings.COMMANDS,
    *scale_maps.COMMANDS,
):
    platform.add_command(_command)
for _command in (
    *source_test.COMMANDS,
    *source_care.COMMANDS,
    *source_settings.COMMANDS,
):
    source.add_command(_command)
for _command in records.COMMANDS:
    framework.add_command(_command)
for _command in suggesting.COMMANDS:
    align.add_command(_command)


def main() -> None:
    """Run the command line."""
    masterybridge()
