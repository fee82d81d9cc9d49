"""`openapi`: the description of what other systems pull from us."""

from __future__ import annotations

import json

from lti_tool.cli.root import Bench, command
from lti_tool.work.openapi import document


def _openapi(bench: Bench) -> None:
    """Print the OpenAPI description of /api/v1."""
    found = document(bench.settings.public_url)
    bench.say(found, json.dumps(found, indent=2))


openapi = command(None, "openapi")(_openapi)
