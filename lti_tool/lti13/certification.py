"""1EdTech's named launches: what each changes in a good one, and what must come of it.

Names are those of the certification suite, spelling faults included, so that its form
and our log can be laid side by side.

Source: LTI Advantage Conformance Certification Guide 1.3, document version 3,
sections 6.1.1 to 6.1.3 and 6.2; LTI Core 1.3 section 5.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from lti_tool.lti13.claims import DEEP_LINKING, DEEP_LINKING_REQUEST, LTI, VERSION
from lti_tool.lti13.compact import ALGORITHM
from lti_tool.lti13.roles import VOCABULARY

Part = dict[str, Any]
Change = Callable[[Part, Part], tuple[Part, Part]]
Page = Literal["class", "mastery", "no role", "no course"]

PERSONS: Final = {"Instructor": "Instructor", "Student": "Learner"}
DATA: Final = "certification-data-\u2713"
NAMES: Final = ("name", "given_name", "family_name")
LIFE_SECONDS: Final = 300
# Seconds of 1970, as the suite itself sends them.
LONG_AGO: Final = {"iat": 11111, "exp": 22222}


@dataclass(frozen=True, slots=True)
class Case:
    """One named launch: refused with code, or let in to a page."""

    section: str
    name: str
    person: str
    change: Change
    code: str | None = None
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """The platform that the launches come from, and the tool they go to."""

    issuer: str
    client_id: str
    deployment_id: str
    kid: str
    target_link_uri: str


def good_launch(
    trial: Trial, person: str, *, nonce: str, now: datetime
) -> tuple[Part, Part]:
    """Header and claims of a launch with nothing wrong in it."""
    at = int(now.timestamp())
    return {"alg": ALGORITHM, "typ": "JWT", "kid": trial.kid}, {
        "iss": trial.issuer,
        "aud": trial.client_id,
        "sub": f"certification-{person.lower()}",
        "iat": at,
        "exp": at + LIFE_SECONDS,
        "nonce": nonce,
        "name": f"Certification {person}",
        "given_name": "Certification",
        "family_name": person,
        "email": f"certification-{person.lower()}@school.invalid",
        f"{LTI}message_type": "LtiResourceLinkRequest",
        f"{LTI}version": VERSION,
        f"{LTI}deployment_id": trial.deployment_id,
        f"{LTI}target_link_uri": trial.target_link_uri,
        f"{LTI}roles": [f"{VOCABULARY}membership#{PERSONS[person]}"],
        f"{LTI}resource_link": {"id": "certification-link", "title": "Certification"},
        f"{LTI}context": {"id": "certification", "title": "Certification"},
    }


def deep_linking_launch(
    trial: Trial, *, nonce: str, now: datetime
) -> tuple[Part, Part]:
    """Header and claims of a launch that asks for links to place."""
    header, claims = good_launch(trial, "Instructor", nonce=nonce, now=now)
    del claims[f"{LTI}resource_link"]
    return header, claims | {
        f"{LTI}message_type": DEEP_LINKING_REQUEST,
        DEEP_LINKING: {
            "deep_link_return_url": return_url(trial),
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_multiple": True,
            "data": DATA,
        },
    }


def return_url(trial: Trial) -> str:
    """Where the answer to a request for links goes."""
    return f"{trial.issuer}/deep-linking"


def _as_is(header: Part, claims: Part) -> tuple[Part, Part]:
    return header, claims


def _header(**changed: str | None) -> Change:
    def change(header: Part, claims: Part) -> tuple[Part, Part]:
        new = {name: text for name, text in (header | changed).items() if text}
        return new, claims

    return change


def _with(changed: Part) -> Change:
    return lambda header, claims: (header, claims | changed)


def _without(*names: str) -> Change:
    def change(header: Part, claims: Part) -> tuple[Part, Part]:
        return header, {name: claims[name] for name in claims if name not in names}

    return change


def _only(claims: Part) -> Change:
    return lambda header, _claims: (header, claims)


def _roles(*roles: str) -> Change:
    return _with({f"{LTI}roles": list(roles)})


def _bad(name: str, code: str, change: Change) -> Case:
    return Case("6.1.1", name, "Instructor", change, code=code)


_TRIO = (f"{LTI}message_type", f"{LTI}version", f"{LTI}roles")
KNOWN_BAD: Final = (
    _bad("No KID Sent in JWT header", "E_KID", _header(kid=None)),
    _bad("Incorrect KID in JWT header", "E_KID", _header(kid="imstester_66067")),
    _bad("Wrong LTI Version", "E_VERSION", _with({f"{LTI}version": "11.3"})),
    _bad("No LTI Version", "E_VERSION", _without(f"{LTI}version")),
    _bad("Invalid LTI message", "E_ISS", _only({"name": "badltilaunch"})),
    _bad("Missing LTI Claims", "E_VERSION", _without(*_TRIO)),
    _bad("Timestamps Incorrect", "E_TIME", _with(LONG_AGO)),
    _bad("messsage_type Claim Missing", "E_MSGTYPE", _without(_TRIO[0])),
    _bad("role Claim Missing", "E_CLAIM", _without(f"{LTI}roles")),
    _bad("deployment_id Claim Missing", "E_CLAIM", _without(f"{LTI}deployment_id")),
    _bad(
        "resource_link_id Claim Missing",
        "E_CLAIM",
        _with({f"{LTI}resource_link": {"title": "Certification"}}),
    ),
    _bad("user Claim Missing", "E_CLAIM", _without("sub")),
)


def _valid(person: str, section: str) -> tuple[Case, ...]:
    """The nine launches of one person."""
    role = PERSONS[person]
    own: Page = "class" if person == "Instructor" else "mastery"
    several = (
        f"{VOCABULARY}institution/person#{role}",
        f"{VOCABULARY}membership#{role}",
        f"{VOCABULARY}system/person#User",
    )
    kinds: tuple[tuple[str, Change, Page], ...] = (
        ("Launch", _as_is, own),
        ("Launch with Roles", _roles(*several), own),
        ("Launch Short Role", _roles(role), own),
        ("Launch Unknown Role", _roles(f"{VOCABULARY}unknown/unknown#Helper"),
         "no role"),
        ("Launch No Role", _roles(""), "no role"),
        ("Launch Email Only", _without(*NAMES), own),
        ("Launch Names Only", _without("email"), own),
        ("No PII", _without("email", *NAMES), own),
        ("Email Without Context", _without(f"{LTI}context", *NAMES), "no course"),
    )  # fmt: skip
    return tuple(
        Case(section, f"Valid {person} {name}", person, change, page=page)
        for name, change, page in kinds
    )


VALID: Final = (*_valid("Instructor", "6.1.2"), *_valid("Student", "6.1.3"))
DEEP_LINKING_TESTS: Final = (
    "Send the Request Payload",
    "Receive the Response Payload",
    "Response Format Valid",
    "Response Timestamps Valid",
    "Signature Valid",
    "Required Claims Verified",
    "Affirm Response",
)
DEEP_LINKING_SECTION: Final = "6.2"
