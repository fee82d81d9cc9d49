"""The page of those who pull from us: the secret is shown once, and kept nowhere."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import select

from lti_tool.storage import api_clients, schema, sources
from tests.lti_tool.published import District
from tests.web.admin.browsing import Site, let_in, violations
from tests.web.admin.conftest import Office, words

PATH = "/admin/api-clients"
SCOPE = "assessment.readonly"


def add_sources(office: Office, *names: str) -> None:
    with office.database.write() as session:
        for name in names:
            values = {"name": name, "kind": "csv", "location": "x"}
            sources.add_source(session, values, office.clock())


def test_a_client_is_added_and_its_secret_shown_once(office: Office) -> None:
    """What was shown opens the token endpoint."""
    rosa = office.signed_in()
    assert "No system pulls from here yet." in words(rosa.read(PATH))
    answer = rosa.send(PATH, name=" Data  warehouse ", scope=SCOPE)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store, private"
    found = re.search(r'id="client-secret" value="([^"]+)"', answer.text)
    assert found is not None
    secret = found[1]
    with office.database.read() as session:
        (client,) = api_clients.load_all(session)
        held = session.scalar(select(schema.api_client.c.secret_hash))
    assert (client.name, client.scopes) == ("Data warehouse", {SCOPE})
    assert client.made_by == f"admin:{office.rosa}"
    assert held != secret
    assert secret not in rosa.read(PATH)
    token = office.app.test_client().post(
        "/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "scope": f"https://purl.imsglobal.org/spec/or/v1p2/scope/{SCOPE}",
        },
        auth=(client.client_id, secret),
    )
    assert token.status_code == 200
    assert office.changes()[-1] == (f"admin:{office.rosa}", "api client added")


def test_a_removed_client_is_gone(office: Office) -> None:
    rosa = office.signed_in()
    rosa.send(PATH, name="w", scope=SCOPE)
    answer = rosa.send(PATH, f"{PATH}/1/remove")
    assert answer.status_code == 303
    told = words(rosa.read(answer.location))
    assert "The client is let in no more." in told
    assert "No system pulls from here yet." in told
    assert rosa.send(PATH, f"{PATH}/99/remove").status_code == 303
    assert office.changes()[-1][1] == "api client removed"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": " ", "scope": SCOPE}, "Give a name of at most 120 letters."),
        ({"name": "x" * 121, "scope": SCOPE}, "Give a name of at most 120 letters."),
        ({"name": "w"}, "Choose what it may read."),
        (
            {"name": "w", "scope": "roster-demographics.readonly"},
            "Choose what it may read.",
        ),
        (
            {"name": "w", "scope": SCOPE, "source": "gone"},
            "This source is there no more. Choose another one.",
        ),
    ],
)
def test_a_faulty_form_adds_nothing(
    office: Office, fields: dict[str, str], fault: str
) -> None:
    add_sources(office, "hill", "dale")
    answer = office.signed_in().send(PATH, **fields)
    assert answer.status_code == 422
    assert fault in words(answer.text)
    with office.database.read() as session:
        assert api_clients.load_all(session) == []


def test_of_several_sources_one_is_chosen_or_all(office: Office) -> None:
    rosa = office.signed_in()
    add_sources(office, "hill", "dale")
    one = rosa.send(PATH, name="a", scope=SCOPE, source="dale")
    assert "It sees the source dale." in words(one.text)
    every = rosa.send(PATH, name="b", scope=SCOPE, source="")
    assert "It sees every source" in words(every.text)


def test_every_level_comes_as_one_file(office: Office) -> None:
    District(office.database)
    assert office.visitor().client.get("/admin/levels.csv").status_code == 303
    rosa = office.signed_in()
    assert 'href="/admin/levels.csv"' in rosa.read(PATH)
    answer = rosa.client.get("/admin/levels.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="levels.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {one["course"] for one in lines} == {"Science hill", "Science dale"}
    assert {one["student"] for one in lines} >= {"Ada Lee", "Cy Lee"}
    assert len(lines) == 10


def test_nobody_adds_a_client_without_signing_in(office: Office) -> None:
    assert office.visitor().client.get(PATH).status_code == 303
    refused = office.signed_in().client.post(PATH, data={"name": "w", "scope": SCOPE})
    assert refused.status_code == 403


@pytest.mark.browser
def test_the_page_and_a_new_secret_are_for_everybody_and_fit(
    office: Office,
    browser: Browser,
    context: BrowserContext,
    serve: Callable[..., str],
) -> None:
    add_sources(office, "hill", "dale")
    let_in(office.app, office.database, office.rosa, office.clock, PATH)
    site = Site(serve(office.app))
    page = site.page(context)
    page.get_by_label("Name", exact=True).fill("Warehouse")
    page.get_by_role("button", name="Add the client").press("Enter")
    page.get_by_role("button", name="Copy Client secret").wait_for()
    assert violations(page) == []
    assert site.survey(browser, [PATH]) == []
