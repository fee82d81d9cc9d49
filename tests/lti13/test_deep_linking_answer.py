"""The answer to a deep linking request, member by member."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lti_tool.lti13.deep_linking import (
    Asked,
    Choice,
    LineItem,
    Link,
    Parties,
    bounded,
    content_items,
    response_claims,
)

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
COLUMN = LineItem(label="RP.1", score_maximum=4.0, resource_id="r", tag="t")
PLACED = {
    "type": "ltiResourceLink",
    "title": "RP.1 Ratios",
    "text": "Compare ratios",
    "custom": {"view": "check", "competency": "guid"},
}
WITH_COLUMN = PLACED | {
    "lineItem": {"label": "RP.1", "scoreMaximum": 4.0, "resourceId": "r", "tag": "t"}
}


def asked(**said: Any) -> Asked:  # noqa: ANN401 -- the fields of Asked
    return Asked(
        return_url="https://lms.example/back",
        deployment_id="7",
        **({"accepts_links": True, "accepts_several": True} | said),
    )


def link(**said: Any) -> Link:  # noqa: ANN401 -- the fields of Link
    whole = {
        "title": "RP.1 Ratios",
        "text": "Compare ratios",
        "custom": {"view": "check", "competency": "guid"},
    }
    return Link(**(whole | said))


def test_an_answer_says_this_and_nothing_else() -> None:
    claims = response_claims(
        asked(data="d"),
        Choice((link(url="https://us/lti/launch"),), "m", "e", "l", "f"),
        Parties("https://lms.example", "us"),
        nonce="n",
        now=datetime(2026, 11, 24, tzinfo=UTC),
    )
    assert claims == {
        "iss": "us",
        "aud": "https://lms.example",
        "iat": 1795478400,
        "exp": 1795478700,
        "nonce": "n",
        f"{LTI}message_type": "LtiDeepLinkingResponse",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": "7",
        f"{DL}content_items": [PLACED | {"url": "https://us/lti/launch"}],
        f"{DL}data": "d",
        f"{DL}msg": "m",
        f"{DL}errormsg": "e",
        f"{DL}log": "l",
        f"{DL}errorlog": "f",
    }


@pytest.mark.parametrize(
    ("said", "links", "items"),
    [
        ({}, [], []),
        ({}, [link()], [PLACED]),
        ({"accepts_links": False}, [link()], []),
        ({"accepts_several": False}, [link(), link()], [PLACED]),
        ({}, [link(line_item=COLUMN)], [WITH_COLUMN]),
        ({"accepts_line_items": True}, [link(line_item=COLUMN)], [WITH_COLUMN]),
        ({"accepts_line_items": False}, [link(line_item=COLUMN)], [PLACED]),
        ({"targets": ("iframe", "window")}, [link()], [PLACED]),
        (
            {"targets": ("window",)},
            [link()],
            [PLACED | {"window": {"targetName": "_blank"}}],
        ),
        ({"targets": ("embed",)}, [link()], [PLACED]),
    ],
)
def test_an_item_asks_for_nothing_that_is_not_accepted(
    said: dict[str, Any], links: list[Link], items: list[dict[str, Any]]
) -> None:
    assert content_items(asked(**said), links) == items


def test_titles_are_cut_at_a_word() -> None:
    assert bounded("word " * 60, 20) == "word word word word…"
    assert bounded("word " * 60, 22) == "word word word word…"
    assert bounded("x" * 30, 20) == "x" * 19 + "…"
    assert bounded("short") == "short"
    (item,) = content_items(asked(), [link(title="é" * 300, text="w " * 3000)])
    assert (len(item["title"]), len(item["text"])) == (255, 2000)


def test_what_an_older_version_kept_is_still_answered() -> None:
    kept = {
        "return_url": "https://lms.example/back",
        "deployment_id": "7",
        "accepts_links": True,
        "accepts_several": False,
        "data": None,
    }
    assert Asked.model_validate(kept) == asked(accepts_several=False)
