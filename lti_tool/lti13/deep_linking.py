"""Deep linking: what an LMS asks to be brought, and the message that answers it.

Nothing here reads a database, a network or a clock of its own.

Source: Deep Linking 2.0 sections 2.3, 3 and 4.5.
"""

from __future__ import annotations

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
LIFE: Final = timedelta(minutes=5)


class Asked(BaseModel):
    """What a deep linking launch asked for; kept until it is answered."""

    model_config = ConfigDict(frozen=True)

    return_url: str
    deployment_id: str
    accepts_links: bool
    accepts_several: bool
    data: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A spot in a course that shall open url, with our own words beside it."""

    title: str
    text: str
    url: str
    custom: dict[str, str]

    def item(self) -> dict[str, Any]:
        """The link as a content item."""
        return {
            "type": LINK,
            "title": self.title,
            "text": self.text,
            "url": self.url,
            "custom": self.custom,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose: links, or none; words for her, good or bad."""

    links: tuple[Link, ...] = ()
    said: str | None = None
    fault: str | None = None


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
        data=wish.data,
    )


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
        f"{CLAIM}content_items": [link.item() for link in choice.links],
    }
    spoken = {"data": asked.data, "msg": choice.said, "errormsg": choice.fault}
    sent = {CLAIM + name: text for name, text in spoken.items() if text is not None}
    return claims | sent


def sign_response(claims: dict[str, Any], kid: str, key: RSAKey) -> str:
    """The answer as the form's field JWT carries it."""
    return jwt.encode({"typ": "JWT", "alg": "RS256", "kid": kid}, claims, key)
