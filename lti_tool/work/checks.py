"""Live checks of a platform, each with its mend; nothing is changed there.

Source: facts/ux.md section 4.4, page A2 step 4. Use:

    run_checks(database, settings, registration_id)   # asks the LMS, keeps the result
    with database.read() as session:
        load_checks(session, registration_id)         # the last result, or None
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from lti_tool.errors import BridgeError, PlatformError
from lti_tool.logs import log
from lti_tool.lti13.keys import parse_key_set
from lti_tool.platforms.grades import (
    LINE_ITEM_SCOPE,
    LINE_ITEMS,
    READ_SCOPE,
    RESULT_SCOPE,
    SCORE_SCOPE,
)
from lti_tool.platforms.lti import Call, Caller
from lti_tool.platforms.members import MEDIA_TYPE as MEMBERS_TYPE
from lti_tool.platforms.members import SCOPE as MEMBERS_SCOPE
from lti_tool.platforms.probes import (
    Grant,
    answered_at,
    fetch_keys,
    listed,
    try_grant,
    try_outcomes,
)
from lti_tool.platforms.profiles import profile
from lti_tool.platforms.tokens import Tokens
from lti_tool.settings import Settings
from lti_tool.storage import checks as kept
from lti_tool.storage import secrets
from lti_tool.storage.database import Database, Session
from lti_tool.work import outcome_needs
from lti_tool.work.check_words import FINDINGS, PROBLEM, TITLES, Check, Checked
from lti_tool.work.inspection import Look, prepare
from lti_tool.work.lms import utc_now

# What each kind of token is for; asked for one by one, to see which are granted.
SCOPES: Final = {
    "scope:members": MEMBERS_SCOPE,
    "scope:lineitem": LINE_ITEM_SCOPE,
    "scope:lineitem.readonly": READ_SCOPE,
    "scope:score": SCORE_SCOPE,
    "scope:result.readonly": RESULT_SCOPE,
}
NEAR_SECONDS: Final = 30
FAR_SECONDS: Final = 60
_SAID: Final = {"address": "address", "turn": "in_use"}
_SILENT: Final = frozenset({"connect", "timeout", "platform"})
_SHOWN_KIDS, _SHOWN_WAITING = 5, 3


def run_checks(
    database: Database,
    settings: Settings,
    registration_id: int,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> Checked:
    """Check a platform over the network, keep what was found and return it.

    Takes as long as the platform does; a host that is silent once is not asked again.

    Raises:
        NotFoundError: there is no such registration.
    """
    look = prepare(database, settings, registration_id, clock)
    checked = Checked(clock(), tuple(_checks(look)))
    with database.write() as session:
        document = {
            "at": checked.at.isoformat(),
            "checks": [asdict(one) for one in checked.checks],
        }
        kept.save_checks(session, registration_id, document)
    return checked


def load_checks(session: Session, registration_id: int) -> Checked | None:
    """What the last checks of a platform found, or None if none were made.

    Raises:
        NotFoundError: there is no such registration.
    """
    held = kept.load_signs(session, registration_id)["checks"]
    if not held:
        return None
    found = (Check(**one) for one in held["checks"])
    # What another version of the tool called otherwise is left out.
    known = (one for one in found if one.name in TITLES and one.finding in FINDINGS)
    return Checked(datetime.fromisoformat(held["at"]), tuple(known))


def _checks(look: Look) -> Iterator[Check]:
    steps = {
        "issuer": _issuer,
        "keys": _keys,
        "clock": _clock,
        "our_keys": _grants,
        "deployment": _deployment,
        "launch": _launch,
        "members": _members,
        "line_items": _line_items,
        "outcomes": _outcomes,
    }
    for name, step in steps.items():
        try:
            yield from step(look)
        except BridgeError as error:
            log().warning(
                "check failed",
                check=name,
                registration_id=look.registration.id,
                kind=type(error).__name__,
            )
            yield Check(name, "failed")


def _issuer(look: Look) -> Iterator[Check]:
    url = look.registration.issuer
    try:
        look.note_date(look.at(url, partial(answered_at, look.network, url)))
    except PlatformError as error:
        yield _unreached("issuer", "issuer_silent", url, error)
        return
    yield Check("issuer", "issuer_answers", {"host": urlsplit(url).hostname or ""})


def _keys(look: Look) -> Iterator[Check]:
    url, held = look.registration.jwks_url, look.registration.jwks
    if held is not None:
        yield _held_keys(parse_key_set(json.dumps(held).encode()))
        return
    try:
        body, date = look.at(url, partial(fetch_keys, look.network, url))
        usable = parse_key_set(body)
    except PlatformError as error:
        yield _unreached("keys", "keys_silent", url, error)
        return
    look.note_date(date)
    entries = len(json.loads(body)["keys"])
    if not usable:
        yield Check("keys", "keys_none", {"entries": entries})
        return
    bits = sorted({key.raw_value.key_size for key in usable.values()})
    yield Check(
        "keys",
        "keys_fetched",
        {
            "count": len(usable),
            "entries": entries,
            "kids": ", ".join(kid[:64] for kid in list(usable)[:_SHOWN_KIDS]),
            "bits": ", ".join(map(str, bits)),
        },
    )


def _held_keys(usable: Mapping[str, object]) -> Check:
    """The keys of a registration that carries them itself."""
    if not usable:
        return Check("keys", "keys_held_none")
    kids = ", ".join(kid[:64] for kid in list(usable)[:_SHOWN_KIDS])
    return Check("keys", "keys_held", {"count": len(usable), "kids": kids})


def _clock(look: Look) -> Iterator[Check]:
    skew = look.registration.clock_skew_seconds
    seen = [*look.dates, *([] if skew is None else [skew])]
    if not seen:
        yield Check("clock", "clock_unknown")
        return
    seconds = round(max(map(abs, seen)))
    finding = "clock_near"
    if seconds > NEAR_SECONDS:
        finding = "clock_far" if seconds > FAR_SECONDS else "clock_drifts"
    yield Check("clock", finding, {"seconds": seconds})


def _grants(look: Look) -> Iterator[Check]:
    """Ask for a token of each scope: that one comes shows that our keys are read."""
    if not look.registration.is_active:
        yield from (Check(name, "not_active") for name in ("our_keys", *SCOPES))
        return
    known = [one for one in look.deployments if one["status"] == "active"]
    client = look.client(known[0]["deployment_id"] if known else None)
    found: dict[str, Grant] = {}
    try:
        for name, scope in SCOPES.items():
            found[name] = look.at(
                client.token_url,
                partial(try_grant, look.network, client, scope, look.clock()),
            )
            if not found[name].is_known_client:
                break
    except PlatformError as error:
        yield _unreached("our_keys", "token_silent", client.token_url, error)
        yield from (Check(name, "after_token") for name in SCOPES)
        return
    yield (ours := _our_keys(look, list(found.values())))
    for name, scope in SCOPES.items():
        if ours.state == PROBLEM:
            yield Check(name, "after_token")
        else:
            yield _scope(name, scope, found[name])


def _our_keys(look: Look, found: list[Grant]) -> Check:
    unknown = next((one for one in found if not one.is_known_client), None)
    where: dict[str, str | int] = {"url": look.jwks_url}
    if unknown is not None:
        said = unknown.error or str(unknown.status)
        who = {"error": said, "client_id": look.registration.client_id}
        return Check("our_keys", "our_keys_refused", {**where, **who})
    if any(one.is_granted or one.error for one in found):
        return Check("our_keys", "our_keys_read", where)
    return Check("our_keys", "token_wrong", {"status": found[-1].status})


def _scope(name: str, scope: str, grant: Grant) -> Check:
    if not grant.is_granted:
        said = grant.error or str(grant.status)
        return Check(name, "scope_refused", {"scope": scope, "error": said})
    finding = "scope_granted" if scope in grant.scopes else "scope_less"
    return Check(name, finding, {"scope": scope})


def _deployment(look: Look) -> Iterator[Check]:
    active = sum(one["status"] == "active" for one in look.deployments)
    pending = [one for one in look.deployments if one["status"] == "pending"]
    waiting = ", ".join(one["deployment_id"] for one in pending[:_SHOWN_WAITING])
    if not pending:
        finding = "deployment_known" if active else "deployment_none"
    else:
        finding = "deployment_some_wait" if active else "deployment_waits"
    yield Check("deployment", finding, {"count": active, "waiting": waiting})


def _launch(look: Look) -> Iterator[Check]:
    at: datetime | None = look.signs["launched_at"]
    if at is not None:
        yield Check("launch", "launch_seen", {"at": f"{at:%Y-%m-%d %H:%M}"})
    elif look.refused is not None:
        told = {
            "code": look.refused["code"],
            "reference": look.refused["correlation_id"],
        }
        yield Check("launch", "launch_refused", told)
    else:
        yield Check("launch", "launch_none")


def _members(look: Look) -> Iterator[Check]:
    call = ("nrps_url", (MEMBERS_SCOPE,), MEMBERS_TYPE)
    yield _service(look, "members", call, member="members")


def _line_items(look: Look) -> Iterator[Check]:
    call = ("ags_line_items_url", (READ_SCOPE,), LINE_ITEMS)
    yield _service(look, "line_items", call, member=None)


def _service(
    look: Look,
    name: str,
    call: tuple[str, tuple[str, ...], str],
    *,
    member: str | None,
) -> Check:
    """Read the first page of a list of the course that was opened last."""
    column, scopes, media_type = call
    if not look.offers or not look.registration.is_active:
        return Check(name, "no_course" if not look.offers else "not_active")
    offer = next((one for one in look.offers if one[column]), None)
    if offer is None:
        return Check(name, f"{name}_none")
    client = look.client(offer["lti_deployment_id"])
    caller = Caller(look.network, Tokens(look.network, look.clock), client)
    question = Call("GET", offer[column], scopes, accept=media_type)
    try:
        answer = look.at(question.url, partial(caller.call, question))
        count = listed(answer, member)
    except PlatformError as error:
        return _unreached(name, "service_silent", question.url, error)
    return Check(name, f"{name}_listed", {"count": count})


def _outcomes(look: Look) -> Iterator[Check]:
    one = look.registration
    if not one.outcomes_url:
        return
    probe = profile(one.vendor).outcomes_probe
    if probe is None:
        yield Check("outcomes", "outcomes_unknown")
        return
    key = look.settings.load_secret_key()
    text = secrets.decrypt(one.outcomes_token, key) if one.outcomes_token else ""
    more: list[Check] = []
    try:
        with outcome_needs.opened(look, text) as way:
            refused = look.at(
                one.outcomes_url,
                partial(try_outcomes, look.network, probe, one.outcomes_url, way.token),
            )
            if not refused:
                more += way.needs()
    except PlatformError as error:
        yield _unreached("outcomes", "service_silent", one.outcomes_url, error)
        return
    finding = outcome_needs.refused(look, refused) if refused else "outcomes_answers"
    values = {"interface": probe.interface, "error": refused}
    yield Check("outcomes", finding, dict(values))
    yield from more


def _unreached(name: str, silent: str, url: str, error: PlatformError) -> Check:
    """A call that did not come to an answer we can use."""
    values: dict[str, str | int] = {
        "problem": str(error),
        "host": urlsplit(url).hostname or "",
    }
    if error.code in _SAID:
        return Check(name, _SAID[error.code], values)
    is_silent = error.code in _SILENT
    if not is_silent and silent == "service_silent":
        return Check(name, "service_refused", values)
    return Check(name, silent, values, is_silent=is_silent)
