"""The seven tests of deep linking: a teacher is asked for links and brings some.

Source: LTI Advantage Conformance Certification Guide 1.3, section 6.2; Deep Linking
2.0 sections 3 and 4.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from lti_tool.errors import LaunchError, PlatformError
from lti_tool.lti13 import certification
from lti_tool.lti13.claims import LTI, VERSION
from lti_tool.lti13.compact import ALGORITHM, Token, parse_token
from lti_tool.lti13.deep_linking import CLAIM, LINK, RESPONSE
from lti_tool.lti13.keys import parse_key_set
from lti_tool.platforms.http import Answer
from lti_tool.platforms.visitor import Form, Visitor, read_forms
from lti_tool.work.certification import (
    OK,
    Evidence,
    Stage,
    begin,
    follow,
    masked,
    post_launch,
    seen,
    told,
)

JWKS_PATH: Final = "/lti/jwks"
SECTION: Final = certification.DEEP_LINKING_SECTION
LEEWAY_SECONDS: Final = 60
LONGEST_SECONDS: Final = 3600
EXPECTED: Final = (
    "a page on which links are chosen",
    "a form that posts the field JWT to deep_link_return_url",
    f"a signed {RESPONSE} of LTI {VERSION}",
    "iat and exp around the present, at most an hour apart",
    "signed by a key of our key set, named by kid",
    "iss, aud, nonce, deployment_id and content_items",
    "the values of the request, data unchanged, links of the type accepted",
)


@dataclass(slots=True)
class _Exchange:
    """How the request for links went, and the answer as far as it could be read."""

    at: datetime
    sent: dict[str, Any]
    page: Answer
    form: Form | None = None
    token: Token | None = None
    keys: bytes = field(default=b"", repr=False)


def play_links(stage: Stage) -> Iterator[Evidence]:
    """Ask for links once and check the answer in seven ways.

    Raises:
        PlatformError: the installation does not answer any more.
    """
    exchange = _exchange(stage)
    checks = (
        _is_asked, _is_received, _is_formed, _is_timely, _is_signed, _has_claims,
        _is_affirmed,
    )  # fmt: skip
    for name, wanted, check in zip(
        certification.DEEP_LINKING_TESTS, EXPECTED, checks, strict=True
    ):
        passed, shown = check(stage, exchange)
        yield Evidence(
            section=SECTION,
            name=name,
            at=exchange.at,
            sent=exchange.sent,
            expected=wanted,
            seen=shown,
            passed=passed,
            **told(exchange.page),
        )


def _exchange(stage: Stage) -> _Exchange:
    browser = stage.browser()
    asked, answer = begin(stage, browser)
    now = stage.clock()
    parts = certification.deep_linking_launch(
        stage.trial, nonce=asked.get("nonce", ""), now=now
    )
    if asked:
        answer = post_launch(stage, browser, asked.get("state", ""), parts)
    made = _Exchange(now, masked(parts), follow(browser, answer))
    made.form = _answer_form(browser, made.page)
    made.keys = browser.look(JWKS_PATH).body
    if made.form is not None:
        made.token = _token(made.form)
    return made


def _answer_form(browser: Visitor, page: Answer) -> Form | None:
    """Send the page as it stands, else with the first of each choice made."""
    forms = [form for form in read_forms(page) if form.fields]
    if page.status != OK or not forms:
        return None
    for fields in (forms[0].fields, forms[0].choices | forms[0].fields):
        reply = browser.post(forms[0].action or page.url, fields)
        for form in read_forms(reply):
            if "JWT" in form.fields:
                return form
    return None


def _token(form: Form) -> Token | None:
    try:
        return parse_token(form.fields["JWT"])
    except LaunchError:
        return None


def _is_asked(_stage: Stage, exchange: _Exchange) -> tuple[bool, str]:
    page = exchange.page
    return page.status == OK and bool(read_forms(page)), seen(page)


def _is_received(stage: Stage, exchange: _Exchange) -> tuple[bool, str]:
    form = exchange.form
    if form is None:
        return False, "no form with the field JWT"
    return form.action == certification.return_url(stage.trial), form.action


def _needs_token(
    check: Callable[[Stage, Token], tuple[bool, str]],
) -> Callable[[Stage, _Exchange], tuple[bool, str]]:
    def checked(stage: Stage, exchange: _Exchange) -> tuple[bool, str]:
        if exchange.token is None:
            return False, "no answer that could be read"
        return check(stage, exchange.token)

    return checked


def _formed(_stage: Stage, token: Token) -> tuple[bool, str]:
    claims = token.claims
    kind, version = claims.get(f"{LTI}message_type"), claims.get(f"{LTI}version")
    shown = {"header": token.header, "claims": {**claims, "nonce": "***"}}
    said = json.dumps(shown, ensure_ascii=False)
    return (kind, version) == (RESPONSE, VERSION), said


def _timely(stage: Stage, token: Token) -> tuple[bool, str]:
    made, ends = token.claims.get("iat"), token.claims.get("exp")
    if type(made) is not int or type(ends) is not int:
        return False, "iat or exp is no whole number"
    now = stage.clock().timestamp()
    is_good = made - LEEWAY_SECONDS <= now < ends <= made + LONGEST_SECONDS
    return is_good, f"iat {made}, exp {ends}"


def _is_signed(_stage: Stage, exchange: _Exchange) -> tuple[bool, str]:
    token = exchange.token
    if token is None:
        return False, "no answer that could be read"
    try:
        key = parse_key_set(exchange.keys).get(token.kid)
        if key is None:
            return False, f"kid {token.kid} is not in the key set"
        jws.deserialize_compact(token.text, key, algorithms=[ALGORITHM])
    except (JoseError, PlatformError, ValueError) as error:
        return False, f"not verified ({type(error).__name__})"
    return True, f"kid {token.kid}"


def _claimed(_stage: Stage, token: Token) -> tuple[bool, str]:
    wanted = {
        "iss": str, "aud": str | list, "nonce": str, f"{LTI}deployment_id": str,
        f"{CLAIM}content_items": list,
    }  # fmt: skip
    missing = [
        name
        for name, kind in wanted.items()
        if not isinstance(token.claims.get(name), kind)
    ]
    return not missing, f"missing: {', '.join(missing)}" if missing else "all there"


def _affirmed(stage: Stage, token: Token) -> tuple[bool, str]:
    trial, claims = stage.trial, token.claims
    items = claims.get(f"{CLAIM}content_items")
    wanted = {
        "iss": trial.client_id,
        "aud": trial.issuer,
        f"{LTI}deployment_id": trial.deployment_id,
        f"{CLAIM}data": certification.DATA,
    }
    wrong = [name for name, value in wanted.items() if _only(claims.get(name)) != value]
    are_links = isinstance(items, list) and bool(items) and all(map(_is_link, items))
    return not wrong and are_links, json.dumps(items, ensure_ascii=False)


def _only(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _is_link(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == LINK


_is_formed = _needs_token(_formed)
_is_timely = _needs_token(_timely)
_has_claims = _needs_token(_claimed)
_is_affirmed = _needs_token(_affirmed)
