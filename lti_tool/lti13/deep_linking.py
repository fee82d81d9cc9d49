"""Deep linking: what an LMS asks to be brought, and the message that answers it.

Nothing here reads a database, a network or a clock of its own.

Source: Deep Linking 2.0 sections 2.3, 3 and 4.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import BaseModel, ConfigDict

from lti_tool.lti13.claims import LTI, VERSION, Claims

CLAIM: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/"
RESPONSE: Final = "LtiDeepLinkingResponse"
LINK: Final = "ltiResourceLink"
WINDOW: Final = "window"
FRAMES: Final = frozenset({"embed", "frame", "iframe"})
LIFE: Final = timedelta(minutes=5)
# Titles and labels longer than this break a platform's columns.
MAX_WORDS: Final = 255
MAX_TEXT: Final = 2000


class Asked(BaseModel):
    """What a deep linking launch asked for; kept until it is answered.

    accepts_line_items is None where the LMS does not say; targets is where it lets a
    link open: embed, frame, iframe or window.
    """

    model_config = ConfigDict(frozen=True)

    return_url: str
    deployment_id: str
    accepts_links: bool
    accepts_several: bool
    accepts_line_items: bool | None = None
    targets: tuple[str, ...] = ()
    data: str | None = None

    @property
    def takes_columns(self) -> bool:
        """Tell whether a link may bring a gradebook column; silence is no refusal."""
        return self.accepts_links and self.accepts_line_items is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """The gradebook column a link brings along; at most 255 characters a text."""

    label: str
    score_maximum: float
    resource_id: str
    tag: str

    def wire(self) -> dict[str, Any]:
        """The column as a content item carries it."""
        return {
            "label": self.label,
            "scoreMaximum": self.score_maximum,
            "resourceId": self.resource_id,
            "tag": self.tag,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A spot in a course that shall open us, with our own words beside it.

    Without url it opens whatever address the LMS has registered for us.
    """

    title: str
    text: str
    custom: Mapping[str, str]
    url: str | None = None
    line_item: LineItem | None = None

    def item(self, asked: Asked) -> dict[str, Any]:
        """The link as a content item; it asks for nothing that is not accepted.

        Where it may open in a window alone it asks for one; where it may be framed
        the LMS knows the room it has better than we do.
        """
        item: dict[str, Any] = {
            "type": LINK,
            "title": bounded(self.title),
            "text": bounded(self.text, MAX_TEXT),
            "custom": dict(self.custom),
        }
        if self.url is not None:
            item["url"] = self.url
        if self.line_item is not None and asked.takes_columns:
            item["lineItem"] = self.line_item.wire()
        if WINDOW in asked.targets and not FRAMES & set(asked.targets):
            item["window"] = {"targetName": "_blank"}
        return item


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose: links, or none; words for her, and words for a log."""

    links: tuple[Link, ...] = ()
    said: str | None = None
    fault: str | None = None
    log: str | None = None
    fault_log: str | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Who answers whom."""

    issuer: str
    client_id: str


def asked_by(claims: Claims) -> Asked | None:
    """What a verified launch asks to be brought, None for any other launch.

    Several items are brought only to an LMS that says that it takes them.
    """
    wish = claims.deep_linking
    if wish is None or not claims.is_deep_linking:
        return None
    return Asked(
        return_url=wish.deep_link_return_url,
        deployment_id=claims.deployment_id,
        accepts_links=LINK in wish.accept_types,
        accepts_several=wish.accept_multiple is True,
        accepts_line_items=wish.accept_lineitem,
        targets=tuple(wish.accept_presentation_document_targets),
        data=wish.data,
    )


def content_items(asked: Asked, links: Sequence[Link]) -> list[dict[str, Any]]:
    """The links as content items: of an accepted type, and no more than accepted."""
    if not asked.accepts_links:
        return []
    most = len(links) if asked.accepts_several else 1
    return [link.item(asked) for link in links[:most]]


def response_claims(
    asked: Asked, choice: Choice, parties: Parties, *, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims of the answer; a choice of nothing is an empty list, not silence."""
    made_at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": parties.client_id,
        "aud": parties.issuer,
        "iat": made_at,
        "exp": made_at + int(LIFE.total_seconds()),
        "nonce": nonce,
        f"{LTI}message_type": RESPONSE,
        f"{LTI}version": VERSION,
        f"{LTI}deployment_id": asked.deployment_id,
        f"{CLAIM}content_items": content_items(asked, choice.links),
    }
    spoken = {
        "data": asked.data,
        "msg": choice.said,
        "errormsg": choice.fault,
        "log": choice.log,
        "errorlog": choice.fault_log,
    }
    sent = {CLAIM + name: text for name, text in spoken.items() if text is not None}
    return claims | sent


def bounded(text: str, most: int = MAX_WORDS) -> str:
    """Text in at most so many characters, cut at a word where there is one."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    if not text[most - 1].isspace():
        cut = cut.rpartition(" ")[0] or cut
    return cut.rstrip() + "…"


def sign_response(claims: dict[str, Any], kid: str, key: RSAKey) -> str:
    """The answer as the form's field JWT carries it."""
    return jwt.encode({"typ": "JWT", "alg": "RS256", "kid": kid}, claims, key)
