"""The platforms' pages: list, one in full, decisions, edits, removal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from lti_tool.storage import platforms, registrations, schema
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work import platforms as work
from lti_tool.work.platforms import Author
from tests.web.admin.conftest import Office, Visitor, words

LIST = "/admin/platforms"
ONE = "/admin/platforms/1"
MOODLE = {
    "name": "Our Moodle",
    "issuer": "https://moodle.example.org",
    "client_id": "abc",
    "auth_url": "https://moodle.example.org/mod/lti/auth.php",
    "token_url": "https://moodle.example.org/mod/lti/token.php",
    "jwks_url": "https://moodle.example.org/mod/lti/certs.php",
    "vendor": "moodle",
}
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"


def add(office: Office, *ids: str, **values: str) -> int:
    made = NewRegistration(**{**MOODLE, **values})
    with office.database.write() as session:
        return registrations.add_registration(
            session, made, deployment_ids=ids, now=office.clock()
        )


def save(office: Office, registration_id: int = 1, **values: object) -> None:
    with office.database.write() as session:
        platforms.save_platform(session, registration_id, **values)


def hold(office: Office, deployment_id: str, registration_id: int = 1) -> None:
    with office.database.write() as session:
        registrations.hold_deployment(
            session, registration_id, deployment_id, now=office.clock()
        )


def held(office: Office, registration_id: int = 1) -> dict[str, Any]:
    with office.database.read() as session:
        return platforms.load_platform(session, registration_id)


def statuses(office: Office) -> list[tuple[str, str]]:
    with office.database.read() as session:
        found = platforms.load_deployments(session, 1)
    return [(one["deployment_id"], one["status"]) for one in found]


def use(office: Office) -> None:
    """Let somebody have come by platform 1."""
    with office.database.write() as session:
        session.execute(
            insert(schema.lms_user).values(
                registration_id=1,
                subject="s",
                seen_at=office.now,
            )
        )


def test_an_installation_without_platforms_says_so_and_what_to_do(
    office: Office, rosa: Visitor
) -> None:
    for path in ("/admin/", LIST):
        page = rosa.read(path)
        assert "No platform is connected yet. Register one" in words(page)
        assert 'href="/admin/register"' in page
    assert office.changes() == []


def test_each_state_of_a_platform_has_its_word_and_its_link(
    office: Office, rosa: Visitor
) -> None:
    add(office, "1")
    first = rosa.read(LIST)
    assert "not finished: no launch yet" in words(first)
    assert 'href="/admin/register/platform/1/checks">Go on' in first
    save(office, launched_at=office.now - timedelta(minutes=5))
    assert "5 minutes ago ✓ ok 0 courses" in words(rosa.read(LIST))
    hold(office, "2")
    assert "1 deployment waits for approval" in words(rosa.read("/admin/"))
    save(office, status="pending")
    assert "waits for approval Review" in words(rosa.read(LIST))
    save(office, status="disabled")
    assert "switched off" in words(rosa.read(LIST))


def test_checks_that_found_something_are_counted(office: Office, rosa: Visitor) -> None:
    add(office, "1")
    made = {
        "at": office.now.isoformat(),
        "checks": [
            {"name": "keys", "finding": "keys_silent", "values": {"problem": "x"}},
            {"name": "launch", "finding": "launch_none", "values": {}},
        ],
    }
    known = {"name", "finding", "values"}
    made["checks"] = [
        {**one, "is_silent": False} for one in made["checks"] if known >= set(one)
    ]
    save(office, checks=made)
    assert "not finished: 0 of" in words(rosa.read(LIST))
    save(office, launched_at=office.now)
    assert "! 1 check found a problem See" in words(rosa.read(LIST))


def test_one_platform_tells_what_was_seen_of_it(office: Office, rosa: Visitor) -> None:
    add(office, "1")
    save(
        office,
        product={"family": "moodle", "version": "4.5.5", "guid": "g", "name": "M"},
        clock_skew_seconds=42.0,
    )
    hold(office, "9")
    with office.database.write() as session:
        session.execute(
            update(schema.deployment)
            .where(schema.deployment.c.deployment_id == "9")
            .values(
                seen={"context": "Grade 7 Math", "platform": "Lakeview Moodle"},
                seen_at=office.now,
            )
        )
    text = words(rosa.read(ONE))
    assert "Product seen moodle 4.5.5" in text
    assert "Clock 42 seconds behind ours" in text
    assert (
        "9 Grade 7 Math · Lakeview Moodle just now 0 courses … waits Approve 9" in text
    )
    assert text.index("9 Grade 7 Math") < text.index("✓ active")


def test_a_waiting_deployment_is_approved_refused_and_switched(
    office: Office, rosa: Visitor
) -> None:
    add(office)
    hold(office, "d")
    for decision, status, said in (
        ("approve", "active", "Approved. Launches from there are let in now."),
        ("off", "disabled", "Switched off. What came from there is kept."),
        ("on", "active", "Switched on. Launches from there are let in again."),
        ("refuse", "disabled", "Refused. Launches from there are not let in."),
    ):
        answer = rosa.send(ONE, f"{ONE}/deployments/1", decision=decision)
        assert answer.status_code == 303
        assert said in words(rosa.read(answer.location))
        assert statuses(office) == [("d", status)]
    assert office.changes() == [("admin:1", "deployment switched")] * 4
    assert rosa.send(ONE, f"{ONE}/deployments/1", decision="x").status_code == 400
    missing = rosa.send(ONE, f"{ONE}/deployments/7", decision="approve")
    assert missing.status_code == 404


def test_a_registration_shows_what_was_asked_and_granted_before_it_is_approved(
    office: Office, rosa: Visitor
) -> None:
    add(office)
    hold(office, "d")
    save(office, status="pending", asked={"scope": SCOPE}, granted={"scope": ""})
    page = rosa.read(ONE)
    assert "not granted" in words(page)
    assert f"{SCOPE}</code>" in page
    answer = rosa.send(ONE, f"{ONE}/decide", decision="approve")
    assert answer.location == f"{ONE}?said=approved"
    assert held(office)["status"] == "active"
    assert statuses(office) == [("d", "active")]
    assert rosa.send(ONE, f"{ONE}/decide", decision="approve").status_code == 404
    assert office.changes() == [("admin:1", "platform switched")]


def test_a_refused_registration_stays_out(office: Office, rosa: Visitor) -> None:
    add(office)
    save(office, status="pending")
    switched = rosa.send(ONE, f"{ONE}/switch", decision="on")
    assert switched.status_code == 409
    assert "This platform waits for approval." in words(switched.text)
    rosa.send(ONE, f"{ONE}/decide", decision="refuse")
    assert held(office)["status"] == "disabled"


def test_a_platform_is_switched_off_and_on(office: Office, rosa: Visitor) -> None:
    add(office, "1")
    rosa.send(ONE, f"{ONE}/switch", decision="off")
    assert held(office)["status"] == "disabled"
    rosa.send(ONE, f"{ONE}/switch", decision="off")
    rosa.send(ONE, f"{ONE}/switch", decision="on")
    assert held(office)["status"] == "active"
    assert office.changes() == [("admin:1", "platform switched")] * 2


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            " https://LMS.example.org/ \n\nhttps://lms.example.org",
            ["https://lms.example.org"],
        ),
        (
            "https://a.example:8443\nhttps://b.example",
            ["https://a.example:8443", "https://b.example"],
        ),
        ("", None),
    ],
)
def test_further_sites_are_kept_as_origins(
    office: Office, rosa: Visitor, text: str, kept: list[str] | None
) -> None:
    add(office)
    save(office, extra_origins=["https://old.example"])
    rosa.send(ONE, f"{ONE}/origins", extra_origins=text)
    assert held(office)["extra_origins"] == kept


@pytest.mark.parametrize(
    "entry",
    [
        "lms.example.org",
        "https://lms.example.org/path",
        "https://lms.example.org?x",
        "https://user@lms.example.org",
        "https://*.example.org",
        "https://lms.example.org; script-src *",
        "https://lms.example.org 'unsafe-inline'",
        "https://evil.example\\.org",
        "javascript:alert(1)",
        "*",
        "https://lms.example.org:99999",
        "https://",
    ],
)
def test_what_is_no_site_is_refused_and_nothing_is_lost(
    office: Office, rosa: Visitor, entry: str
) -> None:
    """Whatever stands there goes into a header."""
    add(office)
    answer = rosa.send(
        ONE, f"{ONE}/origins", extra_origins=f"https://a.example\n{entry}"
    )
    assert answer.status_code == 422
    assert "is not the address of a site; write https://" in answer.text
    assert held(office)["extra_origins"] is None
    assert "https://a.example\n" in answer.text


def test_a_plain_http_site_must_be_local(office: Office, rosa: Visitor) -> None:
    add(office)
    answer = rosa.send(ONE, f"{ONE}/origins", extra_origins="http://lms.example.org")
    assert "is plain http; a frame needs https." in answer.text
    many = "\n".join(f"https://s{number}.example" for number in range(21))
    answer = rosa.send(ONE, f"{ONE}/origins", extra_origins=many)
    assert "At most 20 sites can be listed." in answer.text


def test_the_target_switch_warns_and_shows_what_was_let_in(
    office: Office, rosa: Visitor
) -> None:
    add(office, "1")
    rosa.send(ONE, f"{ONE}/target", target_mismatch="warn")
    assert held(office)["target_mismatch"] == "warn"
    with office.database.write() as session:
        registrations.note_other_target(session, 1, now=office.now)
    assert "a launch had another target than its login" in words(rosa.read(ONE))
    rosa.send(ONE, f"{ONE}/target", target_mismatch="anything")
    assert held(office)["target_mismatch"] == "refuse"


def test_an_edit_changes_what_differs_and_says_what_it_was(
    office: Office, rosa: Visitor
) -> None:
    add(office, "1")
    fields = {**MOODLE, "name": "Moodle of all", "client_id": "xyz"}
    answer = rosa.send(f"{ONE}/edit", **fields, status="disabled", id="7")
    assert answer.location == f"{ONE}?said=saved"
    now = held(office)
    assert (now["name"], now["client_id"]) == ("Moodle of all", "xyz")
    assert now["status"] == "active"
    with office.database.read() as session:
        change = session.execute(select(schema.change)).one()
    assert change.before == {"name": "Our Moodle", "client_id": "abc"}
    assert change.after == {"name": "Moodle of all", "client_id": "xyz"}
    again = rosa.send(f"{ONE}/edit", **fields)
    assert again.location == f"{ONE}?said=same"


def test_an_edit_names_each_field_at_fault_and_keeps_what_was_typed(
    office: Office, rosa: Visitor
) -> None:
    add(office)
    add(office, name="Other", client_id="other")
    bad = {
        **MOODLE,
        "name": "",
        "issuer": "https://moodle.example.org/",
        "client_id": "two words",
        "token_url": "http://moodle.example.org/token",
        "jwks_url": "moodle",
        "vendor": "nobody",
    }
    answer = rosa.send(f"{ONE}/edit", **bad)
    assert answer.status_code == 422
    text = words(answer.text)
    for fault in (
        "5 fields need another look; nothing was saved.",
        "This is needed; paste what the LMS shows.",
        "There is a space in it; copy the value again, without the words around it.",
        "moodle.example.org is asked for over plain http; use https",
        "an address must begin with https:// and name a host",
        "Choose one of the kinds of LMS in the list.",
    ):
        assert fault in text, fault
    assert 'value="two words"' in answer.text
    slash = rosa.send(f"{ONE}/edit", **{**MOODLE, "issuer": bad["issuer"]})
    assert "The issuer of this LMS has no slash at its end" in words(slash.text)
    taken = rosa.send(f"{ONE}/edit", **{**MOODLE, "client_id": "other"})
    assert "The platform “Other” has this issuer and this client id" in words(
        taken.text
    )
    assert office.changes() == []


def test_a_token_is_kept_encrypted_and_shown_to_nobody(
    office: Office, rosa: Visitor
) -> None:
    add(office)
    secret = {"outcomes_token": "s3cret-token"}
    rosa.send(f"{ONE}/edit", **MOODLE, **secret)
    with office.database.read() as session:
        kept = session.scalar(select(schema.registration.c.outcomes_token)) or ""
        changes = str(session.execute(select(schema.change)).all())
    assert kept.startswith("v1.")
    assert "s3cret" not in kept + changes + rosa.read(f"{ONE}/edit") + rosa.read(ONE)
    rosa.send(f"{ONE}/edit", **MOODLE, outcomes_token="")
    with office.database.read() as session:
        assert session.scalar(select(schema.registration.c.outcomes_token)) == kept


def test_removing_says_first_what_is_kept(office: Office, rosa: Visitor) -> None:
    add(office, "1")
    assert "Nobody ever came in from there." in words(rosa.read(f"{ONE}/remove"))
    use(office)
    text = words(rosa.read(f"{ONE}/remove"))
    assert "kept: its courses (0), people (1), scores, alignments, levels" in text
    answer = rosa.send(f"{ONE}/remove")
    assert answer.location == "/admin/platforms?said=kept"
    assert held(office)["status"] == "disabled"


def test_a_platform_nobody_used_is_deleted_and_can_be_registered_anew(
    database: Database, now: datetime
) -> None:
    by = Author("admin:1", now)
    new = NewRegistration(**MOODLE)
    for _ in range(2):
        with database.write() as session:
            one = work.add(session, new, deployment_ids=["1", "2"], by=by)
            done = work.remove(session, one, by=by)
            assert done.was_deleted
            assert platforms.load_platforms(session) == []


def test_a_pair_is_registered_once(database: Database, now: datetime) -> None:
    """D27, on the way of the edit as well."""
    by = Author("admin:1", now)
    with database.write() as session:
        work.add(session, NewRegistration(**MOODLE), deployment_ids=[], by=by)
        other = work.add(
            session,
            NewRegistration(**{**MOODLE, "client_id": "b"}),
            deployment_ids=[],
            by=by,
        )
        with pytest.raises(work.ConfigError, match="client id abc is registered"):
            work.edit(session, other, {"client_id": "abc"}, by=by)
        assert platforms.load_platform(session, other)["client_id"] == "b"
        listed = [one["client_id"] for one in platforms.load_platforms(session)]
        assert listed == ["abc", "b"]


def test_a_platform_that_is_not_there_is_a_page_that_says_so(rosa: Visitor) -> None:
    for path in ("", "/edit", "/remove"):
        text = words(rosa.read(f"/admin/platforms/9{path}", 404))
        assert text.startswith("There is no such page")


def test_an_administrator_lets_grades_be_read_and_sees_how_it_went(
    office: Office, rosa: Visitor
) -> None:
    add(office, "3")
    page = words(rosa.client.get(ONE).text)
    assert "Grades as evidence" in page
    assert "not read" in page
    assert rosa.send(ONE, f"{ONE}/reading", decision="on").location.endswith(
        "said=read"
    )
    assert held(office)["is_read"]
    assert "! address or token missing" in words(rosa.client.get(ONE).text)
    with office.database.write() as session:
        platforms.save_platform(
            session,
            1,
            outcomes_url="https://m",
            **dict.fromkeys(["outcomes_token"], "-"),
        )
        course = session.execute(
            insert(schema.course)
            .values(title="Maths 7B", created_at=office.clock())
            .returning(schema.course.c.id)
        ).scalar_one()
        place = session.execute(
            insert(schema.placement)
            .values(
                deployment_id=1,
                context_id="7",
                course_id=course,
                seen_at=office.clock(),
            )
            .returning(schema.placement.c.id)
        ).scalar_one()
    ordered: list[int] = []
    office.app.extensions["order_reading"] = ordered.append
    assert rosa.send(ONE, f"{ONE}/reading", decision="now").location.endswith("ordered")
    assert ordered == [place]
    page = words(rosa.client.get(ONE).text)
    assert "Maths 7B … waiting to be read" in page
    assert rosa.send(ONE, f"{ONE}/reading", decision="off").location.endswith("unread")
    assert not held(office)["is_read"]
