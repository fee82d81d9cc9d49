"""Launches without a cookie: the LMS's storage proves the browser, or nothing does."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import pytest
import requests

from lti_tool.demo.browserless import browser_session, read_forms
from lti_tool.storage import schema
from lti_tool.storage.visits import secret_hash
from tests.faults.conftest import Play, Stage

SAME = {"Sec-Fetch-Site": "same-origin"}
CROSS = {"Sec-Fetch-Site": "cross-site"}


@dataclass
class Framed:
    """A launch begun in a frame that keeps no cookie, as far as its id_token."""

    play: Play
    told: dict[str, str]
    fields: dict[str, str]

    def post(
        self, proof: str | None, headers: dict[str, str] = SAME
    ) -> requests.Response:
        self.play.before = self.play.rows()
        extra = {} if proof is None else {"X-MasteryBridge-Proof": proof}
        return requests.post(
            f"{self.play.world.tool_url}/lti/launch",
            data=self.fields,
            headers=headers | extra,
            timeout=30,
            allow_redirects=False,
        )

    def is_untouched(self) -> bool:
        return self.play.rows() == self.play.before and self.play.is_waiting()


def told_by(page: requests.Response) -> dict[str, str]:
    """What the opening page tells its script."""
    found = re.search(r'<div id="opening"([^>]*)>', page.text)
    assert found is not None
    pairs = re.findall(r'data-(\w+)="([^"]*)"', found[1])
    return {name: html.unescape(value) for name, value in pairs}


def begin(stage: Stage, target: str = "_parent") -> Framed:
    play = Play(stage)
    play.browser.headers["Sec-Fetch-Dest"] = "iframe"
    sent = {"lti_storage_target": target} if target else {}
    page = play.login(sent)
    assert page.status_code == 200
    told = told_by(page)
    answer = play.browser.get(told["url"], timeout=30)
    play.fields = read_forms(answer)[0].fields
    return Framed(play, told, dict(play.fields))


@pytest.fixture
def framed(stage: Stage) -> Framed:
    return begin(stage)


def code(answer: requests.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("X-MasteryBridge-Code")


def test_a_login_in_a_frame_is_asked_what_its_browser_keeps(framed: Framed) -> None:
    world = framed.play.world
    assert sorted(framed.told) == [
        "check",
        "origin",
        "secret",
        "state",
        "target",
        "url",
    ]
    assert framed.told["origin"] == world.lms_url
    assert framed.told["target"] == "_parent"
    assert framed.told["state"] == framed.fields["state"]
    table = schema.login_state
    with world.database.read() as session:
        row = session.execute(
            table.select().where(
                table.c.state_hash == secret_hash(framed.told["state"])
            )
        ).one()
    assert row.storage_hash == secret_hash(framed.told["secret"])
    assert framed.told["secret"] not in str(tuple(row))


def test_a_browser_that_has_our_cookie_or_shows_no_frame_is_sent_on_at_once(
    play: Play,
) -> None:
    assert play.login({}).status_code == 302
    play.browser.headers["Sec-Fetch-Dest"] = "iframe"
    again = play.login({"lti_storage_target": "_parent"})
    assert again.status_code == 302
    assert play.browser.cookies.get_dict().keys() >= {
        again.headers["Set-Cookie"].partition("=")[0]
    }


def test_the_cookie_is_seen_where_it_comes_back_and_nowhere_else(
    framed: Framed,
) -> None:
    url = framed.play.world.tool_url + framed.told["check"]
    for session, held in ((framed.play.browser, True), (requests.Session(), False)):
        answer = session.get(url, timeout=30)
        assert answer.json() == {"held": held}
        assert answer.headers["Cache-Control"] == "no-store, private"


def test_a_verified_launch_without_proof_is_asked_for_it_and_changes_nothing(
    framed: Framed,
) -> None:
    answer = framed.post(None)
    assert code(answer) == (200, None)
    assert "Set-Cookie" not in answer.headers
    assert framed.told["secret"] not in answer.text
    assert (
        f"frame-ancestors {framed.play.world.lms_url}"
        in (answer.headers["Content-Security-Policy"])
    )
    assert framed.is_untouched()


def test_the_proof_opens_a_seat_for_a_key_once(framed: Framed) -> None:
    answer = framed.post(framed.told["secret"])
    assert code(answer) == (200, None)
    assert "Set-Cookie" not in answer.headers
    given = answer.json()
    assert given["url"] == f"/s/{given['sid']}/"
    page = framed.play.world.tool_url + given["url"]
    for key, status in ((given["key"], 200), (given["key"][:-1] + "-", 401), ("", 401)):
        seen = requests.get(page, headers={"X-MasteryBridge-Key": key}, timeout=30)
        assert seen.status_code == status
    assert code(framed.post(framed.told["secret"])) == (401, "E_STATE")


@pytest.mark.parametrize("proof", ["none", "x" * 43, "é"])
def test_a_wrong_proof_is_refused_and_uses_nothing_up(
    framed: Framed, proof: str
) -> None:
    answer = framed.post(proof.encode().decode("latin-1"))
    assert code(answer) == (401, "E_STATE")
    assert "open it in a new tab" in answer.text
    assert framed.is_untouched()


def test_a_proof_that_another_site_sends_proves_nothing(framed: Framed) -> None:
    """A19: the attacker knows the state, the token and the secret of his own login."""
    known = framed.told["secret"]
    for headers in (
        CROSS,
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        assert code(framed.post(known, headers)) == (200, None)
        assert framed.is_untouched()
    framed.fields |= {"proof": known, "X-MasteryBridge-Proof": known}
    assert "X-MasteryBridge-Key" not in framed.post(None, CROSS).text
    assert framed.is_untouched()


def test_the_secret_of_one_login_proves_no_other(stage: Stage) -> None:
    one, two = begin(stage), begin(stage)
    assert code(one.post(two.told["secret"])) == (401, "E_STATE")
    assert one.is_untouched()


def test_without_storage_a_missing_cookie_is_a_refusal(stage: Stage) -> None:
    """A18."""
    framed = begin(stage, target="")
    assert "secret" not in framed.told
    for proof in (None, "", "none"):
        assert code(framed.post(proof)) == (401, "E_STATE")
        assert framed.is_untouched()


def test_nobody_uses_up_a_login_that_is_not_proven_to_be_hers(framed: Framed) -> None:
    token = framed.fields.pop("id_token")
    for changed, refused in (
        ({"error": "access_denied"}, (400, "E_PLATFORM_ERROR")),
        ({}, (400, "E_REQ")),
        ({"id_token": token[:-4] + "AAAA"}, (401, "E_SIG")),
    ):
        framed.fields = {"state": framed.told["state"], **changed}
        assert code(framed.post(None)) == refused
        assert framed.is_untouched()


def test_two_first_logins_at_once_do_not_lose_one_another(stage: Stage) -> None:
    """Each answer sets a cookie of its own name, whichever comes last."""
    browser = browser_session()
    plays = [Play(stage), Play(stage)]
    answers = [play.login({}) for play in plays]
    for play, answer in zip(plays, answers, strict=True):
        page = play.browser.get(answer.headers["Location"], timeout=30)
        play.fields = read_forms(page)[0].fields
        browser.cookies.update(play.browser.cookies)
    seats = [play.post(play.fields, browser).headers["Location"] for play in plays]
    for seat in seats:
        page = browser.get(stage.world.tool_url + seat, timeout=30)
        assert page.status_code == 200
