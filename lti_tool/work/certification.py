"""1EdTech's launch cases, played against an installation that is running.

The platform is played here, with keys that only this process holds; the trial that
lets it launch goes in the end, with everything it brought.

Source: LTI Advantage Conformance Certification Guide 1.3, sections 6.1 and 6.2.
"""

from __future__ import annotations

import html
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

from lti_tool.errors import LAUNCH_STATUS, ConfigError
from lti_tool.lti13.certification import (
    KNOWN_BAD,
    VALID,
    Case,
    Part,
    Trial,
    good_launch,
)
from lti_tool.platforms.http import Answer
from lti_tool.platforms.visitor import Visitor
from lti_tool.storage import trials
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work.admission import LAUNCH_PATH

LOGIN_PATH: Final = "/lti/login"
CODE: Final = "X-MasteryBridge-Code"
CORRELATION: Final = "X-MasteryBridge-Correlation"
KEY_BITS: Final = 2048
OK, SEE_OTHER, FOUND = 200, 303, 302
# What each page says, so that a page of use is told from any page.
PAGES: Final = {
    "class": re.compile(r"/s/[\w-]+/class"),
    "mastery": re.compile(r"/s/[\w-]+/mastery"),
    "no role": re.compile(r"/s/[\w-]+/"),
    "no course": re.compile(r"/s/[\w-]+/"),
}
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_MARKUP = re.compile(r"<[^>]+>")
_SEAT = re.compile(r"/s/[\w-]+")
LONGEST_WALK: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One case as it went: for a table, and for the form of the certification."""

    section: str
    name: str
    at: datetime
    sent: dict[str, Any]
    expected: str
    status: int | None = None
    code: str | None = None
    correlation_id: str | None = None
    log: str | None = None
    seen: str = ""
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Who plays: the platform with its key, the installation, a clock."""

    trial: Trial
    key: RSAKey = field(repr=False)
    site_url: str
    local_hosts: frozenset[str]
    clock: Callable[[], datetime]

    def browser(self) -> Visitor:
        """A new browser, which holds no cookie yet."""
        return Visitor(self.site_url, self.local_hosts)

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A token of whatever it is told."""
        return jws.serialize_compact(header, json.dumps(claims).encode(), self.key)


@contextmanager
def on_trial(
    database: Database,
    *,
    public_url: str,
    key: RSAKey,
    clock: Callable[[], datetime],
) -> Iterator[tuple[int, Trial]]:
    """Yield a trial, there for as long as this lasts; what another left goes first."""
    name = f"trial-{secrets.token_hex(8)}"
    issuer = f"https://{name}.invalid"
    trial = Trial(
        issuer=issuer,
        client_id=name,
        deployment_id="certification",
        kid=str(key.kid),
        target_link_uri=public_url.rstrip("/") + LAUNCH_PATH,
    )
    new = NewRegistration(
        name="Certification",
        issuer=issuer,
        client_id=name,
        auth_url=f"{issuer}/auth",
        token_url=f"{issuer}/token",
        jwks_url="",
        jwks={"keys": [key.as_dict(private=False)]},
    )
    with database.write() as session:
        trials.sweep_trials(session, now=None)
        added = trials.add_trial(session, new, trial.deployment_id, now=clock())
    try:
        yield added, trial
    finally:
        with database.write() as session:
            trials.remove_trial(session, added)


def make_key() -> RSAKey:
    """A key for one run; it is kept nowhere but in this process."""
    return RSAKey.generate_key(
        KEY_BITS, {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"}
    )


def check_installation(stage: Stage) -> None:
    """Check that the installation works on the database these settings name.

    Raises:
        ConfigError: it does not know the trial.
        PlatformError: it does not answer.
    """
    answer = stage.browser().post(LOGIN_PATH, _login(stage.trial))
    if answer.headers.get(CODE) == "E_ISS":
        raise ConfigError(
            f"the installation at {stage.site_url} does not know the trial just made: "
            "it uses another database than these settings name"
        )


def play(stage: Stage) -> Iterator[Evidence]:
    """Play the launches that must be refused, then those that must be let in.

    Raises:
        PlatformError: the installation does not answer any more.
    """
    for case in KNOWN_BAD:
        yield _refused(stage, case)
    for case in VALID:
        yield _let_in(stage, case)


def with_reasons(
    database: Database, registration_id: int, found: list[Evidence]
) -> list[Evidence]:
    """The evidence, with what the installation wrote down of each refusal."""
    with database.read() as session:
        reasons = trials.load_reasons(session, registration_id)
    return [_explained(one, reasons.get(one.correlation_id or "")) for one in found]


def _explained(one: Evidence, reason: str | None) -> Evidence:
    values = {name: getattr(one, name) for name in Evidence.__slots__}
    return Evidence(**values | {"log": reason}) if reason else one


def begin(stage: Stage, browser: Visitor) -> tuple[dict[str, str], Answer]:
    """Begin a launch; gives what the platform was asked, nothing if it was not."""
    answer = browser.post(LOGIN_PATH, _login(stage.trial))
    if answer.status != FOUND:
        return {}, answer
    asked = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
    return {name: values[0] for name, values in asked.items()}, answer


def post_launch(
    stage: Stage, browser: Visitor, state: str, parts: tuple[Part, Part]
) -> Answer:
    """Send a launch of these parts, signed by the platform's key."""
    fields = {"state": state, "id_token": stage.sign(*parts)}
    return browser.post(LAUNCH_PATH, fields)


def follow(browser: Visitor, answer: Answer) -> Answer:
    """Go where the installation sends a browser, until a page stays."""
    for _ in range(LONGEST_WALK):
        to = answer.headers.get("Location")
        if answer.status != SEE_OTHER or not to:
            break
        answer = browser.look(urljoin(answer.url, to))
    return answer


def masked(parts: tuple[Part, Part]) -> dict[str, Any]:
    """What was sent, without what would open a launch; the people are made up."""
    header, claims = parts
    hidden = {**claims, "nonce": "***"} if "nonce" in claims else claims
    return {"header": header, "claims": hidden}


def told(answer: Answer) -> dict[str, Any]:
    """What an answer says for the log."""
    return {
        "status": answer.status,
        "code": answer.headers.get(CODE),
        "correlation_id": answer.headers.get(CORRELATION),
    }


def heading(page: Answer) -> str:
    """The heading of a page, '' if it has none."""
    found = _HEADING.search(page.body.decode("utf-8", "replace"))
    return html.unescape(_MARKUP.sub("", found[1])).strip() if found else ""


def seen(page: Answer) -> str:
    """The page as one sees it; what stands in its address for the seat is left out."""
    return f"{_SEAT.sub('/s/***', urlsplit(page.url).path)}: {heading(page)}"


def _login(trial: Trial) -> dict[str, str]:
    return {
        "iss": trial.issuer,
        "client_id": trial.client_id,
        "login_hint": "certification",
        "lti_message_hint": "certification",
        "lti_deployment_id": trial.deployment_id,
        "target_link_uri": trial.target_link_uri,
    }


def _played(
    stage: Stage, case: Case, browser: Visitor
) -> tuple[dict[str, Any], datetime, Answer]:
    """Launch as a case says; gives what was sent, when, and the answer."""
    asked, answer = begin(stage, browser)
    now = stage.clock()
    good = good_launch(stage.trial, case.person, nonce=asked.get("nonce", ""), now=now)
    parts = case.change(*good)
    if asked:
        answer = post_launch(stage, browser, asked.get("state", ""), parts)
    return masked(parts), now, answer


def _refused(stage: Stage, case: Case) -> Evidence:
    """A launch that must be refused, each by its own code."""
    code = case.code or ""
    sent, now, answer = _played(stage, case, stage.browser())
    is_bare = not {"Set-Cookie", "Location"} & {name.title() for name in answer.headers}
    return Evidence(
        section=case.section,
        name=case.name,
        at=now,
        sent=sent,
        expected=f"refused, {LAUNCH_STATUS[code]} {code}",
        seen=heading(answer),
        passed=(answer.status, answer.headers.get(CODE)) == (LAUNCH_STATUS[code], code)
        and is_bare,
        **told(answer),
    )


def _let_in(stage: Stage, case: Case) -> Evidence:
    """A launch that must be let in, to a page of use."""
    browser, wanted = stage.browser(), case.page or "no role"
    sent, now, answer = _played(stage, case, browser)
    page = follow(browser, answer)
    is_shown = page.status == OK and PAGES[wanted].fullmatch(urlsplit(page.url).path)
    return Evidence(
        section=case.section,
        name=case.name,
        at=now,
        sent=sent,
        expected=f"let in, the page of: {wanted}",
        seen=seen(page) if page.status == OK else "",
        passed=answer.status == SEE_OTHER and bool(is_shown and heading(page)),
        **told(answer),
    )
