"""An administrator lets us into a Canvas: the form, the way there and back."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from lti_tool.platforms.canvas_tokens import Credential, parse_credential
from lti_tool.platforms.profiles import PROFILES
from lti_tool.storage import outcomes_settings, registrations, secrets
from lti_tool.storage.registrations import NewRegistration
from tests.faults.canvas import Canvas
from tests.faults.canvas_routes import serve_canvas
from tests.web.admin.conftest import PUBLIC, Office, Visitor, words

ONE = "/admin/platforms/1"
FORM = f"{ONE}/canvas"
BACK = f"{PUBLIC}/admin/canvas/back"
KEY = b"k" * 32


@pytest.fixture
def canvas(office: Office, serve: Callable[..., str]) -> Canvas:
    made = Canvas()
    made.url = serve(serve_canvas(made))
    settings = office.app.config["SETTINGS"]
    office.app.config["SETTINGS"] = settings.model_copy(
        update={"local_network": "127.0.0.1"}
    )
    with office.database.write() as session:
        new = NewRegistration(
            name="Our Canvas",
            issuer="https://canvas.instructure.com",
            client_id="1",
            auth_url="https://sso.canvaslms.com/api/lti/authorize_redirect",
            token_url="https://sso.canvaslms.com/login/oauth2/token",  # noqa: S106 -- an address
            jwks_url="https://sso.canvaslms.com/api/lti/security/jwks",
            vendor="canvas",
        )
        registrations.add_registration(session, new, now=office.clock())
    return made


def ask(rosa: Visitor, canvas: Canvas, **fields: str) -> TestResponse:
    told = {
        "url": f"{canvas.url}/",
        "client_id": "170000000000042",
        "client_secret": canvas.secret,
        "account": "7",
    }
    return rosa.send(FORM, **(told | fields))


def way(answer: TestResponse) -> dict[str, str]:
    """What the link to Canvas carries, its address besides."""
    found = re.search(r'href="([^"]*/login/oauth2/auth[^"]*)"', answer.text)
    assert found, answer.text
    parts = urlsplit(html.unescape(found[1]))
    carried = {name: one[0] for name, one in parse_qs(parts.query).items()}
    return carried | {"at": f"{parts.scheme}://{parts.netloc}{parts.path}"}


def come_back(rosa: Visitor, **fields: str) -> TestResponse:
    return rosa.client.get("/admin/canvas/back", query_string=fields)


def held(office: Office) -> tuple[str | None, Credential | None]:
    with office.database.read() as session:
        found = registrations.load_registration(session, 1)
    if found.outcomes_token is None:
        return found.outcomes_url, None
    text = secrets.decrypt(found.outcomes_token, KEY)
    return found.outcomes_url, parse_credential(text)


def test_who_says_yes_in_canvas_lets_us_in(
    office: Office, rosa: Visitor, canvas: Canvas
) -> None:
    assert "Connect" in words(rosa.read(ONE))
    answer = ask(rosa, canvas)
    link = way(answer)
    state = link.pop("state")
    assert link == {
        "at": f"{canvas.url}/login/oauth2/auth",
        "client_id": "170000000000042",
        "response_type": "code",
        "redirect_uri": BACK,
    }
    assert canvas.secret not in answer.text
    assert held(office) == (None, None)
    canvas.codes["once"] = BACK
    assert come_back(rosa, code="once", state=state).status_code == 303
    url, credential = held(office)
    assert (url, credential) == (
        canvas.url,
        Credential(
            access_token=canvas.token,
            refresh_token=canvas.refresh,
            client_id="170000000000042",
            client_secret=canvas.secret,
            account="7",
            expires_at=credential.expires_at if credential else None,
        ),
    )
    with office.database.write() as session:
        outcomes_settings.note_refused(session, 1, office.now)
    assert "Launches go on; levels wait" in words(rosa.read(ONE))
    state = way(ask(rosa, canvas))["state"]
    canvas.codes["again"] = BACK
    assert come_back(rosa, code="again", state=state).status_code == 303
    assert "levels wait until" not in words(rosa.read(ONE))
    page = words(rosa.read(f"{ONE}?said=canvas"))
    assert "Connected. Levels can be sent" in page
    assert f"Connected to {canvas.url}." in page
    assert office.changes()[-1] == ("admin:1", "platform edited")


def test_a_key_that_enforces_scopes_is_asked_for_each(
    rosa: Visitor, canvas: Canvas
) -> None:
    link = way(ask(rosa, canvas, scopes="all"))
    assert link["scope"].split(" ") == list(PROFILES["canvas"].rest_scopes)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "ftp://a"}, "This is no address we go to"),
        ({"url": "https://a@b"}, "This is no address we go to"),
        ({"client_id": " "}, "This is needed."),
        ({"client_secret": ""}, "This is needed."),
        ({"account": "root"}, "The account is a number."),
    ],
)
def test_a_field_that_will_not_do_is_said_and_nothing_is_kept(
    office: Office, rosa: Visitor, canvas: Canvas, fields: dict[str, str], said: str
) -> None:
    answer = ask(rosa, canvas, **fields)
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert "Set-Cookie" not in answer.headers
    assert held(office) == (None, None)


@pytest.mark.parametrize(
    ("back", "said"),
    [
        ({"error": "access_denied"}, "Canvas did not let us in."),
        ({"code": "made up"}, "Canvas gives us no token"),
        ({"code": "once", "state": "another"}, "belongs to another request"),
    ],
)
def test_a_no_changes_nothing(
    office: Office, rosa: Visitor, canvas: Canvas, back: dict[str, str], said: str
) -> None:
    state = way(ask(rosa, canvas))["state"]
    canvas.codes["once"] = BACK
    answer = come_back(rosa, **({"state": state} | back))
    assert answer.status_code == 409
    assert said in words(answer.text)
    assert held(office) == (None, None)


def test_who_comes_back_late_or_without_having_asked_asks_again(
    office: Office, rosa: Visitor, canvas: Canvas
) -> None:
    assert "That took too long" in words(come_back(rosa, code="once").text)
    state = way(ask(rosa, canvas))["state"]
    office.wait(minutes=15)
    canvas.codes["once"] = BACK
    answer = come_back(rosa, code="once", state=state)
    assert "That took too long" in words(answer.text)
    assert held(office) == (None, None)


def test_another_administrator_cannot_end_what_one_began(
    office: Office, rosa: Visitor, canvas: Canvas
) -> None:
    state = way(ask(rosa, canvas))["state"]
    other = office.signed_in(office.add("nora"))
    cookie = rosa.client.get_cookie("mb_canvas", path="/admin/canvas/back")
    assert cookie is not None
    other.client.set_cookie("mb_canvas", cookie.value, path="/admin/canvas/back")
    canvas.codes["once"] = BACK
    answer = come_back(other, code="once", state=state)
    assert "belongs to another request" in words(answer.text)
    assert held(office) == (None, None)


def test_no_other_vendor_is_asked_this_way(office: Office, rosa: Visitor) -> None:
    with office.database.write() as session:
        new = NewRegistration(
            name="Moodle",
            issuer="https://moodle.example.org",
            client_id="1",
            auth_url="https://moodle.example.org/a",
            token_url="https://moodle.example.org/t",  # noqa: S106 -- an address
            jwks_url="https://moodle.example.org/k",
            vendor="moodle",
        )
        registrations.add_registration(session, new, now=office.clock())
    assert "Canvas" not in words(rosa.read(ONE))
    rosa.read(FORM, 404)


def test_live_assessments_can_be_chosen_once_they_were_seen_to_answer(
    office: Office, rosa: Visitor, canvas: Canvas
) -> None:
    state = way(ask(rosa, canvas))["state"]
    canvas.codes["once"] = BACK
    come_back(rosa, code="once", state=state)
    page = words(rosa.read(ONE))
    assert "can never be taken back in Canvas" in page
    assert "Not looked for yet." in page
    choose = f"{ONE}/manner"
    refused = rosa.send(ONE, choose, manner="live")
    assert refused.status_code == 409
    assert "Make the live checks first" in words(refused.text)
    with office.database.write() as session:
        outcomes_settings.save_live(session, 1, "answers", office.clock())
    assert "Begin with one course." in words(rosa.read(ONE))
    assert rosa.send(ONE, choose, manner="live").status_code == 303
    assert rosa.send(ONE, choose, manner="post").status_code == 404
    with office.database.read() as session:
        assert outcomes_settings.load_settings(session, 1).manner == "live"
    assert office.changes()[-1] == ("admin:1", "way of levels chosen")
    # The key is asked for what they take besides.
    scope = way(ask(rosa, canvas, scopes="all"))["scope"].split(" ")
    known = PROFILES["canvas"]
    assert scope == [*known.rest_scopes, *known.live_scopes]
