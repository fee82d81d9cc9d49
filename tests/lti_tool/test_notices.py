"""Notices of a platform: subscribed once, verified like launches, heeded once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from joserfc.jwk import RSAKey
from sqlalchemy import insert, select, update

from lti_tool.demo.browserless import browser_session, read_forms
from lti_tool.demo.platform import STANDARD
from lti_tool.lti13.notices import MAX_BODY
from lti_tool.storage import notices as stored
from lti_tool.storage import registrations, schema
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work.outside import Outside

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

COPY, HELLO = "LtiContextCopyNotice", "LtiHelloWorldNotice"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Edit = Callable[[dict[str, Any], dict[str, Any]], None]


@pytest.fixture
def campus(world: World) -> World:
    """An LMS with notices, and a course with a plan that was opened once."""
    world.lms.manners = replace(STANDARD, notices=(HELLO, COPY, "LtiOtherNotice"))
    world.open("tea")
    with world.database.write() as session:
        framework = session.scalar(
            insert(schema.framework)
            .values(
                case_id="f", title="F", creator="us", payload={}, package={},
                fingerprint="x", imported_at=NOW,
            )
            .returning(schema.framework.c.id)
        )  # fmt: skip
        session.execute(update(schema.course).values(framework_id=framework))
    return world


def client_of(world: World) -> str:
    return next(iter(world.lms.tools))


def signed(
    world: World,
    kind: str = HELLO,
    claims: dict[str, Any] | None = None,
    **how: Any,  # noqa: ANN401 -- edit and key of sign_notice
) -> str:
    return world.lms.sign_notice(client_of(world), kind, claims or {}, **how)


def post(world: World, *notices: object) -> requests.Response:
    body = {"notices": [{"jwt": one} for one in notices]}
    return requests.post(f"{world.tool_url}/lti/notices", json=body, timeout=30)


def outcomes(answer: requests.Response) -> list[str]:
    return [one["outcome"] for one in answer.json()["notices"]]


def copied(new: str, *origins: str) -> dict[str, Any]:
    return {f"{LTI}context": {"id": new}, f"{LTI}origin_contexts": list(origins)}


def plan_of(world: World, context: str) -> int | None:
    place, course = schema.placement, schema.course
    with world.database.read() as session:
        return session.scalar(
            select(course.c.framework_id)
            .join(place, place.c.course_id == course.c.id)
            .where(place.c.context_id == context)
        )


def told(world: World) -> dict[tuple[str, str], str]:
    return dict(world.lms.handlers)


def test_the_worker_subscribes_once_and_again_when_our_address_changes(
    campus: World,
) -> None:
    here = f"{campus.tool_url}/lti/notices"
    outside = Outside(campus.settings, campus.database)
    assert told(campus) == {}
    assert [
        outside.subscribe_notices(now=NOW + timedelta(hours=2 * n)) for n in (0, 1)
    ] == [2, 0]
    client = client_of(campus)
    assert told(campus) == {(client, COPY): here, (client, HELLO): here}
    campus.open("ana")
    assert outside.subscribe_notices(now=NOW + timedelta(hours=4)) == 0
    puts = [call for call in campus.lms.wire if call.method == "PUT"]
    assert len(puts) == 2
    moved = campus.settings.model_copy(update={"public_url": "https://new.example/"})
    there = Outside(moved, campus.database)
    assert there.subscribe_notices(now=NOW + timedelta(hours=6)) == 2
    assert set(told(campus).values()) == {"https://new.example/lti/notices"}


def test_a_platform_that_refuses_is_asked_again_an_hour_later(
    campus: World, log_lines: Callable[[], list[str]]
) -> None:
    outside = Outside(campus.settings, campus.database)
    offered = campus.lms.manners
    campus.lms.manners = STANDARD  # grants no such scope
    assert outside.subscribe_notices(now=NOW) == 0
    lines = [json.loads(line) for line in log_lines()]
    assert [one["event"] for one in lines].count("notices not subscribed") == 1
    campus.lms.manners = offered
    # A process of its own: this one remembers for half a minute that it was refused.
    later = Outside(campus.settings, campus.database)
    assert later.subscribe_notices(now=NOW + timedelta(minutes=59)) == 0
    assert later.subscribe_notices(now=NOW + timedelta(minutes=61)) == 2


def test_a_platform_without_notices_is_asked_for_nothing(world: World) -> None:
    world.open("tea")
    assert Outside(world.settings, world.database).subscribe_notices(now=NOW) == 0
    with world.database.read() as session:
        assert stored.load_listening(session, tried_before=NOW) == []


def test_a_notice_of_a_copy_brings_the_plan_at_its_first_launch(campus: World) -> None:
    Outside(campus.settings, campus.database).subscribe_notices(now=NOW)
    campus.lms.copy_course("c1", "c2", "Next year")
    campus.lms.enroll("c2", "tea", "instructor")
    assert campus.count("placement") == 1
    (link,) = campus.lms.course_links("c2")
    campus.open("tea", link.id)
    assert plan_of(campus, "c2") == 1


def test_a_notice_that_comes_after_the_first_launch_brings_the_plan_as_well(
    campus: World,
) -> None:
    campus.lms.copy_course("c1", "c2", "Next year")  # nobody listens yet
    campus.lms.enroll("c2", "tea", "instructor")
    (link,) = campus.lms.course_links("c2")
    campus.open("tea", link.id)
    assert plan_of(campus, "c2") is None
    assert outcomes(post(campus, signed(campus, COPY, copied("c2", "c1")))) == [
        "accepted"
    ]
    assert plan_of(campus, "c2") == 1


@pytest.mark.parametrize(
    "claims",
    [
        copied("c2"),
        copied("c2", "unknown"),
        copied("c2", "c2"),
        copied("c1", "c1"),
        {f"{LTI}origin_contexts": ["c1"]},
    ],
)
def test_a_copy_of_nothing_we_know_changes_nothing(
    campus: World, claims: dict[str, Any]
) -> None:
    campus.lms.copy_course("c1", "c2", "Next year")
    campus.lms.enroll("c2", "tea", "instructor")
    assert outcomes(post(campus, signed(campus, COPY, claims))) == ["accepted"]
    (link,) = campus.lms.course_links("c2")
    campus.open("tea", link.id)
    assert plan_of(campus, "c2") is None


def test_a_notice_told_twice_is_heeded_once(campus: World) -> None:
    notice = signed(campus)
    assert outcomes(post(campus, notice, notice)) == ["accepted", "known"]
    assert outcomes(post(campus, notice)) == ["known"]
    assert campus.count("notice") == 1


def claim(name: str, value: object) -> Edit:
    return lambda _header, claims: claims.__setitem__(name, value)


def drop(name: str) -> Edit:
    return lambda _header, claims: claims.pop(name)


def shift(name: str, seconds: int) -> Edit:
    return lambda _header, claims: claims.__setitem__(name, claims[name] + seconds)


def head(name: str, value: object) -> Edit:
    return lambda header, _claims: header.__setitem__(name, value)


REFUSED: dict[str, tuple[Edit, str, int]] = {
    "no kid": (lambda header, _: header.pop("kid"), "E_KID", 401),
    "unknown kid": (head("kid", "nobody's"), "E_KID", 401),
    "no signature": (head("alg", "none"), "E_ALG", 401),
    "key in the header": (head("jwk", {"kty": "RSA"}), "E_FORMAT", 400),
    "another issuer": (claim("iss", "https://evil.example"), "E_ISS", 401),
    "issuer a number": (claim("iss", 5), "E_ISS", 401),
    "no audience": (drop("aud"), "E_AUD", 401),
    "another audience": (claim("aud", "somebody"), "E_ISS", 401),
    "many audiences": (claim("aud", ["a"] * 11), "E_AUD", 401),
    "another party": (claim("azp", "somebody"), "E_AUD", 401),
    "no exp": (drop("exp"), "E_TIME", 401),
    "expired": (claim("exp", 1), "E_TIME", 401),
    "old": (shift("iat", -4000), "E_TIME", 401),
    "of the future": (shift("iat", 600), "E_TIME", 401),
    "no version": (drop(f"{LTI}version"), "E_VERSION", 400),
    "another version": (claim(f"{LTI}version", "1.3.1"), "E_VERSION", 400),
    "no notice": (drop(f"{LTI}notice"), "E_CLAIM", 400),
    "a notice without id": (claim(f"{LTI}notice", {"type": HELLO}), "E_CLAIM", 400),
    "an overlong id": (
        claim(f"{LTI}notice", {"type": HELLO, "id": "x" * 256}), "E_CLAIM", 400,
    ),
    "no deployment": (drop(f"{LTI}deployment_id"), "E_CLAIM", 400),
    "another deployment": (claim(f"{LTI}deployment_id", "d"), "E_DEPLOYMENT", 403),
    "origins a text": (claim(f"{LTI}origin_contexts", "c1"), "E_CLAIM", 400),
    "a context without id": (claim(f"{LTI}context", {}), "E_CLAIM", 400),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_notice_that_is_not_as_its_platform_would_write_it_is_refused(
    campus: World, name: str
) -> None:
    edit, code, status = REFUSED[name]
    claims = copied("c2", "c1")
    refused = post(campus, signed(campus, COPY, claims, edit=edit))
    assert (outcomes(refused), refused.status_code) == ([code], status)
    assert campus.count("notice") == 0


def test_a_notice_signed_by_another_is_refused_and_the_others_are_taken(
    campus: World,
) -> None:
    forger = RSAKey.generate_key(2048)
    mixed = post(campus, signed(campus, key=forger), signed(campus), "a.b", "")
    assert outcomes(mixed) == ["E_SIG", "accepted", "E_FORMAT", "E_FORMAT"]
    assert mixed.status_code == 200
    assert campus.count("notice") == 1


def test_a_notice_of_one_registration_says_nothing_of_anothers_courses(
    campus: World,
) -> None:
    """Two schools on one issuer: each notice counts in its own registration alone."""
    other = campus.lms.register_tool(
        login_url="https://x.example/l", redirect_uris=[], jwks_url="https://x.example/j",
        launch_url="https://x.example/",
    )  # fmt: skip
    with campus.database.write() as session:
        own = registrations.load_registration(session, campus.registration_id)
        registrations.add_registration(
            session,
            NewRegistration(
                name="Other", issuer=own.issuer, client_id=other.client_id,
                auth_url=own.auth_url, token_url=own.token_url, jwks_url=own.jwks_url,
            ),
            deployment_ids=[other.deployment_id],
            now=NOW,
        )  # fmt: skip
    foreign = campus.lms.sign_notice(other.client_id, COPY, copied("c2", "c1"))
    assert outcomes(post(campus, foreign)) == ["accepted"]

    def crossed(_header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims[f"{LTI}deployment_id"] = campus.deployment_id

    crossing = campus.lms.sign_notice(
        other.client_id, COPY, copied("c2", "c1"), edit=crossed
    )
    assert outcomes(post(campus, crossing)) == ["E_DEPLOYMENT"]
    both = campus.lms.sign_notice(
        other.client_id, HELLO, {},
        edit=claim("aud", [other.client_id, client_of(campus)]),
    )  # fmt: skip
    assert outcomes(post(campus, both)) == ["E_ISS"]
    campus.lms.copy_course("c1", "c2", "Next year")
    campus.lms.enroll("c2", "tea", "instructor")
    link = campus.lms.course_links("c2")[0]
    campus.open("tea", link.id)
    assert plan_of(campus, "c2") is None


@pytest.mark.parametrize(
    ("table", "code"), [("registration", "E_DISABLED"), ("deployment", "E_DEPLOYMENT")]
)
def test_who_was_switched_off_is_not_listened_to(
    campus: World, table: str, code: str
) -> None:
    with campus.database.write() as session:
        session.execute(
            schema.metadata.tables[table].update().values(status="disabled")
        )
    assert outcomes(post(campus, signed(campus))) == [code]


BODIES = {
    b"": (400, "E_FORMAT"),
    b"[]": (400, "E_FORMAT"),
    b"{}": (400, "E_FORMAT"),
    b'{"notices": {}}': (400, "E_FORMAT"),
    b'{"notices": [5]}': (400, "E_FORMAT"),
    b'{"notices": [{"jwt": 5}]}': (400, "E_FORMAT"),
    b'{"notices": [], "notices": []}': (400, "E_FORMAT"),
    json.dumps({"notices": [{"jwt": ""}] * 101}).encode(): (400, "E_FORMAT"),
    b"[" * 100_000: (400, "E_FORMAT"),
    b" " * (MAX_BODY + 1): (413, "E_TOO_LARGE"),
}


def test_a_body_that_is_no_list_of_notices_is_refused(campus: World) -> None:
    url = f"{campus.tool_url}/lti/notices"
    answers = [requests.post(url, data=body, timeout=30) for body in BODIES]
    assert [
        (answer.status_code, answer.headers.get("X-MasteryBridge-Code"))
        for answer in answers
    ] == list(BODIES.values())
    assert post(campus).status_code == 200
    assert requests.get(url, timeout=30).status_code == 405


def test_a_launch_is_no_notice_and_a_notice_opens_nothing(campus: World) -> None:
    taken: list[str] = []

    def edit(header: dict[str, Any], claims: dict[str, Any]) -> None:
        def as_it_is(h: dict[str, Any], c: dict[str, Any]) -> None:
            h.update(header)
            c.clear()
            c.update(claims)

        taken.append(signed(campus, edit=as_it_is))

    campus.edit(edit)
    campus.open("tea")
    assert outcomes(post(campus, taken[0])) == ["E_CLAIM"]
    visits = campus.count("web_session")
    browser = browser_session()
    login = browser.get(
        f"{campus.tool_url}/lti/login",
        params={
            "iss": campus.lms_url, "login_hint": "tea",
            "target_link_uri": f"{campus.tool_url}/lti/launch",
            "client_id": client_of(campus),
        },
        timeout=30,
        allow_redirects=False,
    )  # fmt: skip
    state = login.headers["Location"].split("state=")[1].split("&")[0]
    opened = browser.post(
        f"{campus.tool_url}/lti/launch",
        data={"state": state, "id_token": signed(campus)},
        timeout=30,
    )
    assert opened.headers["X-MasteryBridge-Code"] == "E_NONCE"
    assert read_forms(opened) == []
    assert campus.count("web_session") == visits


def test_old_notices_are_forgotten(campus: World) -> None:
    post(campus, signed(campus))
    with campus.database.write() as session:
        assert stored.sweep_notices(session, before=NOW) == 0
        later = datetime.now(UTC) + timedelta(days=1)
        assert stored.sweep_notices(session, before=later) == 1
