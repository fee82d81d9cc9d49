"""A refusal is judged by its status; of its body a known code is told, never prose."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from oneroster.auth import BearerKey
from oneroster.client import Client
from oneroster.errors import StatusError
from oneroster.service import Service

Serve = Callable[..., Any]
FIELD = [{"imsx_codeMinorFieldName": "x", "imsx_codeMinorFieldValue": "invaliddata"}]
MINOR = {"imsx_codeMinorField": FIELD}
PROSE = "the score of Zoe Brown is 3"
BODIES: dict[str, tuple[bytes, str]] = {
    "as 1.2 says": (
        json.dumps({"imsx_description": PROSE, "imsx_CodeMinor": MINOR}).encode(),
        " (invaliddata)",
    ),
    "wrapped": (
        json.dumps({"imsx_StatusInfo": {"imsx_CodeMinor": MINOR}}).encode(),
        " (invaliddata)",
    ),
    "a plain text": (
        json.dumps({"imsx_codeMinor": "unknownobject", "m": PROSE}).encode(),
        " (unknownobject)",
    ),
    "as 1.1 says": (
        json.dumps([{"CodeMinor": "invalid data", "Description": PROSE}]).encode(),
        " (invalid data)",
    ),
    "a code nobody knows": (json.dumps({"imsx_codeMinor": PROSE}).encode(), ""),
    "HTML": (f"<html>{PROSE}</html>".encode(), ""),
    "nothing": (b"", ""),
    "no text": (b"\xff\xfe\x00", ""),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_refusal_tells_its_code_and_nothing_else(serve: Serve, name: str) -> None:
    body, told = BODIES[name]
    peer = serve(lambda asked: asked.reply(body, 409))
    with pytest.raises(StatusError) as caught:
        Client(Service.at(peer.url), auth=BearerKey("k")).read("orgs", "o")
    place = f"GET {peer.url}/ims/oneroster/rostering/v1p2/orgs/o"
    assert str(caught.value) == f"{place} answered 409{told}"
    assert caught.value.status == 409
