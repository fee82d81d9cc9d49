"""Accounts and keys: others, oneself, and what signs for us."""

from __future__ import annotations

import re

from lti_tool.storage import accounts, keys
from tests.web.admin.conftest import NEW_PASSWORD, PASSWORD, Office, Visitor, words

LIST = "/admin/accounts"
OWN = "/admin/account"


def test_an_administrator_invites_another_and_takes_a_link_back(
    office: Office, rosa: Visitor
) -> None:
    made = rosa.send(LIST, "/admin/accounts/invite", name="Tom")
    found = re.search(
        r'value="(https://mastery[^"]+/admin/invitation/[^"]+)"', made.text
    )
    assert found
    path = found[1].removeprefix("https://mastery.example.org")
    assert "New administrator: Tom · ends in 1 day Take back" in words(rosa.read(LIST))
    guest = office.visitor()
    guest.read(path)
    rosa.send(LIST, "/admin/accounts/links/1/withdraw")
    guest.read(path, 410)
    assert office.changes() == [
        ("admin:1", "administrator invited"),
        ("admin:1", "administrator link withdrawn"),
    ]


def test_another_is_disabled_enabled_and_given_a_new_password(
    office: Office, rosa: Visitor
) -> None:
    tom = office.add("tom")
    disabled = rosa.send(LIST, f"{LIST}/{tom}/disable")
    text = words(rosa.read(disabled.location))
    assert "The account is disabled and signed out everywhere." in text
    assert "disabled Enable tom" in text
    assert rosa.send(LIST, f"{LIST}/{tom}/reset").status_code == 409
    enabled = rosa.send(LIST, f"{LIST}/{tom}/enable")
    assert "may sign in again" in words(rosa.read(enabled.location))
    reset = rosa.send(LIST, f"{LIST}/{tom}/reset")
    assert "This link sets a new password for tom." in reset.text
    assert rosa.send(LIST, f"{LIST}/99/disable").status_code == 404


def test_the_last_administrator_stays(office: Office, rosa: Visitor) -> None:
    page = rosa.read(LIST)
    assert "The last active administrator cannot be disabled." in words(page)
    assert "/disable" not in page
    answer = rosa.send(LIST, f"{LIST}/{office.rosa}/disable")
    assert answer.status_code == 409
    assert "This is the last administrator who can sign in." in words(answer.text)
    assert rosa.client.get("/admin/").status_code == 200


def test_ones_own_name_and_language_are_kept(office: Office, rosa: Visitor) -> None:
    answer = rosa.send(OWN, display_name=" Rosa  Parks ", locale="ar", status="x")
    assert answer.location == f"{OWN}?said=saved"
    page = rosa.read(OWN)
    assert '<html lang="ar" dir="rtl"' in page
    assert "Rosa Parks" in page
    rosa.send(OWN, display_name="Rosa", locale="xx")
    assert '<html lang="en"' in rosa.read(OWN)
    assert rosa.send(OWN, display_name=" ").status_code == 422
    assert office.changes() == [("admin:1", "administrator edited")] * 2


def test_ones_own_password_changes_with_the_old_one_and_signs_out_elsewhere(
    office: Office, rosa: Visitor
) -> None:
    elsewhere = office.signed_in()
    change = f"{OWN}/password"
    new = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
    wrong = rosa.send(OWN, change, old="wrong", **new)
    assert (wrong.status_code, "This is not your password." in wrong.text) == (
        422,
        True,
    )
    short = rosa.send(OWN, change, old=PASSWORD, password="short", again="short")  # noqa: S106 -- too short to be one
    assert "The password needs at least 12 characters." in short.text
    done = rosa.send(OWN, change, old=PASSWORD, **new)
    assert done.location == f"{OWN}?said=password"
    assert "The password is changed." in words(rosa.read(done.location))
    assert elsewhere.client.get("/admin/").status_code == 303
    for _ in range(4):
        rosa.send(OWN, change, old="wrong", **new)
    assert rosa.send(OWN, change, old="wrong", **new).status_code == 429


def test_the_keys_are_made_shown_and_rotated(office: Office, rosa: Visitor) -> None:
    path = "/admin/keys"
    assert "There are no keys yet." in words(rosa.read(path))
    rosa.send(path, "/admin/keys/rotate")
    with office.database.read() as session:
        first = {one["status"]: one["kid"] for one in keys.load_ages(session)}
    assert set(first) == {"current", "next"}
    answer = rosa.send(path, "/admin/keys/rotate")
    text = words(rosa.read(answer.location))
    assert "Rotated: the next key signs from now on" in text
    with office.database.read() as session:
        second = {one["status"]: one["kid"] for one in keys.load_ages(session)}
    assert (second["current"], second["previous"]) == (first["next"], first["current"])
    order = [text.index(second[one]) for one in ("current", "next", "previous")]
    assert order == sorted(order)
    assert office.changes() == [("admin:1", "keys rotated")]


def test_the_sessions_of_an_account_are_counted(office: Office, rosa: Visitor) -> None:
    assert "1 browser, this one." in words(rosa.read(OWN))
    office.signed_in()
    assert "2 browsers, this one among them." in words(rosa.read(OWN))
    with office.database.read() as session:
        assert accounts.count_sessions(session, 1, now=office.clock()) == 2
