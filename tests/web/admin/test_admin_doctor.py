"""The launch doctor's pages: list, one refusal, approval, a token examined."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from lti_tool.storage import refusals, registrations
from lti_tool.storage.refusals import Refusal
from lti_tool.storage.registrations import NewRegistration
from tests.web.admin.browsing import Site, let_in, violations
from tests.web.admin.conftest import Office, words

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MARKUP = "<script>alert(1)</script>"
SIGNED = {
    "header": {"alg": "RS256", "kid": "k1"},
    "claims": {
        "iss": "https://moodle.example.org",
        "sub": {"kind": "text", "size": 3},
        "exp": 1795571913,
        f"{LTI}deployment_id": "2",
        f"{LTI}context": {"id": "c1", "title": {"kind": "text", "size": 13}},
    },
    "facts": {"fields": {"state": {"kind": "text", "size": 49}}, "client_id": "a"},
    "is_signed": True,
    "registration_id": 1,
}
WAITS = "this deployment is not approved yet; an administrator can approve it"


def keep(office: Office, number: int, **changed: Any) -> str:  # noqa: ANN401 -- any column
    reference = f"{number:016x}"
    values = {
        "correlation_id": reference, "code": "E_STATE", "stage": "state",
        "reason": "no login is waiting for this launch", "registration_id": None,
        "iss_host": None, "header": None, "claims": None, "facts": None,
        "is_signed": False, "refused_at": office.now - timedelta(hours=number),
    }  # fmt: skip
    with office.database.write() as session:
        refusals.put_refusal(session, Refusal(**(values | changed)))
    return reference


@pytest.fixture
def clinic(office: Office) -> Office:
    """One platform; a deployment of it that waits, and refusals of several kinds."""
    with office.database.write() as session:
        new = NewRegistration(
            name="Our <Moodle>",
            issuer="https://moodle.example.org",
            client_id="a",
            auth_url="https://moodle.example.org/auth",
            token_url="https://moodle.example.org/token",  # noqa: S106 -- an address
            jwks_url="https://moodle.example.org/jwks",
            vendor="moodle",
        )
        made = registrations.add_registration(session, new, now=office.now)
        registrations.hold_deployment(session, made, "2", now=office.now)
    keep(office, 1, code="E_DEPLOYMENT", reason=WAITS, stage="entry", **SIGNED)
    keep(office, 2, iss_host=MARKUP[:20], code="E_ISS", reason="ambiguous: name it")
    keep(
        office,
        3,
        code="E_KID",
        reason="the platform publishes no usable key of that kid",
        registration_id=1,
        header={"kid": "new"},
        claims={MARKUP: {"kind": "number"}},
        facts={"kids": ["k1", "k2"]},
    )
    return office


def test_nobody_sees_a_refusal_without_signing_in(clinic: Office) -> None:
    for path in ("/admin/doctor", f"/admin/doctor/{1:016x}", "/admin/doctor/examine"):
        answer = clinic.visitor().client.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/admin/sign-in?next=")
    answer = clinic.visitor().client.post(f"/admin/doctor/{1:016x}/approve")
    assert answer.status_code == 401


def test_an_empty_list_says_so(office: Office) -> None:
    said = words(office.signed_in().read("/admin/doctor"))
    assert "Nothing was refused." in said
    assert "Examine a token" in said


def test_the_list_tells_what_happened_newest_first_and_counts(clinic: Office) -> None:
    page = clinic.signed_in().read("/admin/doctor")
    found = re.findall(r'/admin/doctor/([0-9a-f]{16})"', page)
    assert found == [f"{number:016x}" for number in (3, 2, 1)]
    said = words(page)
    assert "1 to 3 of 3" in said
    assert "E_DEPLOYMENT 1 E_ISS 1 E_KID 1" in said
    assert "The launch comes from a deployment that nobody has approved yet." in said
    assert MARKUP[:20] not in page
    assert "<Moodle>" not in page


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("platform=1", [3, 1]),
        ("platform=unknown", [2]),
        ("code=E_KID", [3]),
        ("platform=1&code=E_ISS", []),
        ("span=day", [3, 2, 1]),
        ("platform=x&code=y&span=z&first=-1", [3, 2, 1]),
        ("platform=99999999999999999999", [3, 2, 1]),
    ],
)
def test_the_list_is_filtered_by_its_address(
    clinic: Office, query: str, numbers: list[int]
) -> None:
    page = clinic.signed_in().read(f"/admin/doctor?{query}")
    found = re.findall(r'/admin/doctor/([0-9a-f]{16})"', page)
    assert found == [f"{number:016x}" for number in numbers]
    nothing = "Nothing of this kind was refused in this time." in page
    assert nothing is (not numbers)


def test_a_long_list_has_pages_that_keep_its_filters(clinic: Office) -> None:
    for number in range(10, 70):
        keep(clinic, number, registration_id=1, code="E_KID")
    visitor = clinic.signed_in()
    first = visitor.read("/admin/doctor?code=E_KID")
    assert "1 to 50 of 61" in words(first)
    later = re.search(r'href="([^"]+)" rel="next"', first)
    assert later
    second = visitor.read(later[1].replace("&amp;", "&"))
    assert "51 to 61 of 61" in words(second)
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second


def test_a_refusal_is_told_with_rule_section_settings_and_masked_claims(
    clinic: Office,
) -> None:
    page = clinic.signed_in().read(f"/admin/doctor/{1:016x}")
    said = words(page)
    for text in (
        "A deployment opens the tool once an administrator here has approved it.",
        "LTI Core 1.3, section 3.1.3 and 5.3.3",
        "deployment_id an approved deployment 2",
        "Approve the deployment if its id is the one your LMS shows.",
        "Manage tools > list icon > Deployment ID",
        "The tool waits for approval here.",
        "sub text of 3 characters",
        "exp 1795571913 (2026-11-25 01:58:33 UTC)",
        "title text of 13 characters",
        "state text of 49 characters",
        "The signature was valid: the platform itself sent this.",
        "masterybridge platform check --refusal 0000000000000001",
    ):
        assert text in said


def test_unsigned_input_is_said_to_be_anybodys_and_shown_as_text(
    clinic: Office,
) -> None:
    page = clinic.signed_in().read(f"/admin/doctor/{3:016x}")
    said = words(page)
    assert "No valid signature: anybody may have written this." in said
    assert "kid k1, k2 new" in said
    assert MARKUP not in page
    assert "&lt;script&gt;" in page
    assert "/script" not in re.sub(r"<[^>]*>", "", page)


def test_a_waiting_deployment_is_approved_with_one_click(clinic: Office) -> None:
    visitor = clinic.signed_in()
    path = f"/admin/doctor/{1:016x}"
    answer = visitor.send(path, f"{path}/approve")
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    with clinic.database.read() as session:
        assert registrations.find_deployment(session, 1, "2") == (1, "active")
    page = visitor.read(path)
    assert "This deployment is approved now." in words(page)
    assert "Approve this deployment" not in page
    assert clinic.changes() == [("admin:1", "deployment switched")]


def test_what_the_platform_did_not_sign_approves_nothing(clinic: Office) -> None:
    unsigned = SIGNED | {"is_signed": False}
    reference = keep(clinic, 9, code="E_DEPLOYMENT", reason=WAITS, **unsigned)
    visitor = clinic.signed_in()
    path = f"/admin/doctor/{reference}"
    assert "Approve this deployment" not in visitor.read(path)
    visitor.send("/admin/doctor/examine", f"{path}/approve")
    with clinic.database.read() as session:
        assert registrations.find_deployment(session, 1, "2") == (1, "pending")


def test_an_unknown_reference_is_said_to_be_unknown(clinic: Office) -> None:
    page = clinic.signed_in().read("/admin/doctor/%3Cb%3E", status=404)
    assert "No refusal has this reference" in words(page)
    assert "<b>" not in page


def test_a_token_is_examined_and_not_echoed(clinic: Office) -> None:
    visitor = clinic.signed_in()
    empty = visitor.send("/admin/doctor/examine")
    assert empty.status_code == 422
    assert "Paste an id_token" in empty.text
    pasted = "eyJhbGciOiJub25lIn0.eyJuYW1lIjoiQW5hIn0."
    page = visitor.send("/admin/doctor/examine", token=pasted).text
    assert "It would be refused with E_ALG." in words(page)
    assert "name text of 3 characters" in words(page)
    assert "alg RS256 none" in words(page)
    assert pasted not in page
    assert "Ana" not in page


@pytest.fixture
def site(clinic: Office, serve: Callable[..., str]) -> Site:
    let_in(clinic.app, clinic.database, clinic.rosa, clinic.clock)
    return Site(serve(clinic.app))


@pytest.mark.browser
def test_the_pages_are_for_everybody_and_fit(browser: Browser, site: Site) -> None:
    paths = ("", "?code=E_RATE", f"/{1:016x}", f"/{3:016x}", "/nothing", "/examine")
    assert site.survey(browser, [f"/admin/doctor{path}" for path in paths]) == []


@pytest.mark.browser
def test_a_token_is_examined_without_a_mouse(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = site.page(context)
    page.goto(f"{site.url}/admin/doctor/examine")
    page.locator("#token").focus()
    page.keyboard.type("a.b")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said = page.get_by_role("status").first
    expect(said).to_have_text("It would be refused with E_FORMAT.")
    assert violations(page) == []
    context.close()
