"""Roster sources: the wizard's forms and the source's own page, without scripts."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_tool.storage import schema, secrets, source_pages, sources
from lti_tool.work.orders import Order
from tests.web.admin.conftest import Office, Visitor, words

REST = {
    "name": "Lakeview SIS",
    "location": "sis.example.org",
    "version": "1.2",
    "auth": "basic",
    "client_id": "ours",
    "client_secret": "hush-hush",
    "token_url": "",
}


@pytest.fixture
def orders(office: Office) -> list[object]:
    told: list[object] = []
    office.app.extensions["order_sync"] = told.append
    office.app.extensions["order_look"] = lambda *about: told.append(about)
    return told


def add(rosa: Visitor, **fields: str) -> int:
    answer = rosa.send("/admin/sources/new/rest12", **{**REST, **fields})
    assert answer.status_code == 303, words(answer.text)
    return int(re.findall(r"/sources/(\d+)/address", answer.location)[0])


def held(office: Office, source_id: int) -> dict[str, object]:
    with office.database.read() as session:
        return source_pages.load_source(session, source_id)


def bundle(manifest: str = "bulk") -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as file:
        lines = ["propertyName,value", "manifest.version,1.0", "oneroster.version,1.1"]
        names = (
            "academicSessions categories classes classResources courses "
            "courseResources demographics enrollments lineItems orgs resources "
            "results users"
        )
        lines += [
            f"file.{name},{manifest if name == 'orgs' else 'absent'}"
            for name in names.split()
        ]
        file.writestr("manifest.csv", "\r\n".join(lines) + "\r\n")
        if manifest == "bulk":
            file.writestr(
                "orgs.csv",
                "sourcedId,status,dateLastModified,name,type,identifier,"
                "parentSourcedId\r\no-1,,,Lakeview,school,,\r\n",
            )
    return body.getvalue()


def send_file(rosa: Visitor, path: str, content: bytes, **fields: str) -> TestResponse:
    return rosa.client.post(
        path,
        data={
            "csrf": rosa.token("/admin/sources/new/upload"),
            "file": (io.BytesIO(content), "roster.zip"),
            **fields,
        },
        content_type="multipart/form-data",
    )


def test_every_kind_of_source_has_its_door(rosa: Visitor) -> None:
    page = rosa.read("/admin/sources/new")
    for door in ("rest12", "rest11", "classlink", "clever", "upload", "folder"):
        assert f'href="/admin/sources/new/{door}"' in page
        rosa.read(f"/admin/sources/new/{door}")
    assert "no OneRoster service" in words(rosa.read("/admin/sources/new/clever"))
    assert "We run no SFTP server." in words(rosa.read("/admin/sources/new/folder"))
    rosa.read("/admin/sources/new/other", status=404)


def test_a_service_becomes_a_draft_whose_secret_is_never_shown(
    office: Office, rosa: Visitor
) -> None:
    source_id = add(rosa)
    row = held(office, source_id)
    assert (row["status"], row["location"], row["token_url"]) == (
        "draft",
        "https://sis.example.org",
        "https://sis.example.org/oauth2/token",
    )
    with office.database.read() as session:
        kept = sources.load_source_by_id(session, source_id).client_secret
    key = office.app.config["SETTINGS"].load_secret_key()
    assert kept is not None
    assert "hush-hush" not in kept
    assert secrets.decrypt(kept, key) == "hush-hush"
    for path in ("", "/address"):
        page = rosa.read(f"/admin/sources/{source_id}{path}")
        assert "hush-hush" not in page
        assert kept not in page
    assert [what for _, what in office.changes()] == ["source added"]
    with office.database.read() as session:
        told = session.execute(select(schema.change.c.after)).scalar_one()
    assert told == {**told, "client_secret": "changed"}


@pytest.mark.parametrize(
    ("fields", "name", "text"),
    [
        ({"name": ""}, "name", "This is needed."),
        ({"location": ""}, "location", "This is needed."),
        ({"location": "http://sis.example.org"}, "location", "plain http"),
        ({"location": "https://u:p@sis.example.org"}, "location", "a user name"),
        ({"location": "ftp://sis.example.org"}, "location", "must begin with https"),
        ({"location": "https://sis.example.org/?a=b"}, "location", "no user, query"),
        ({"client_id": ""}, "client_id", "This is needed."),
        ({"client_secret": ""}, "client_secret", "This is needed."),
        ({"auth": "magic"}, "auth", "Choose one of the list."),
        ({"version": "9"}, "version", "Choose one of the list."),
        ({"token_url": "http://127.0.0.1/token"}, "token_url", "plain http"),
    ],
)
def test_a_wrong_field_says_what_is_wrong_with_it(
    rosa: Visitor, fields: dict[str, str], name: str, text: str
) -> None:
    answer = rosa.send("/admin/sources/new/rest12", **{**REST, **fields})
    assert answer.status_code == 422
    assert f'id="{name}-fault"' in answer.text
    assert text in words(answer.text)
    assert "hush-hush" not in answer.text


def test_a_name_is_taken_once(rosa: Visitor) -> None:
    add(rosa)
    answer = rosa.send("/admin/sources/new/rest12", **REST)
    assert answer.status_code == 422
    assert "Another source has this name already" in words(answer.text)


def test_credentials_are_replaced_and_an_empty_field_keeps_them(
    office: Office, rosa: Visitor
) -> None:
    source_id = add(rosa)
    path = f"/admin/sources/{source_id}/address"
    with office.database.write() as session:
        source_pages.save_source(
            session,
            source_id,
            {"parked_until": office.now + timedelta(hours=1), "parked_code": "auth"},
        )
    assert "refused our credentials" in words(rosa.read(f"/admin/sources/{source_id}"))
    same = rosa.send(path, **{**REST, "client_secret": ""})
    assert same.location.endswith("said=same")
    assert held(office, source_id)["parked_code"] == "auth"
    rosa.send(path, **{**REST, "client_secret": "another"})
    assert held(office, source_id)["parked_code"] is None
    with office.database.read() as session:
        kept = sources.load_source_by_id(session, source_id).client_secret or ""
    key = office.app.config["SETTINGS"].load_secret_key()
    assert secrets.decrypt(kept, key) == "another"


def test_a_test_is_asked_for_once_and_shows_what_it_found(
    office: Office, rosa: Visitor, orders: list[object]
) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}/address"
    assert "It has not been asked yet." in words(rosa.read(page))
    path = f"/admin/sources/{source_id}/look/test"
    for _ in range(2):
        rosa.send(page, path, back="address")
    assert orders == [(source_id, "test")]
    assert "0 checks so far" in words(rosa.read(page))
    office.wait(seconds=20)
    assert "No worker has taken this up yet." in words(rosa.read(page))
    check = {"name": "token", "state": "fail", "text": "401", "fix": "Ask <them>"}
    with office.database.write() as session:
        now = office.clock()
        source_pages.write_look(session, source_id, "test", {"checks": [check]}, now)
    assert "1 checks so far" in rosa.read(path)
    with office.database.write() as session:
        source_pages.end_look(session, source_id, "test", office.clock())
    shown = rosa.read(path)
    assert "data-settled" in shown
    assert "1 check failed." in shown
    assert "Ask &lt;them&gt;" in shown
    assert "Access token" in shown


def test_a_look_whose_worker_died_can_be_asked_again(
    office: Office, rosa: Visitor, orders: list[object]
) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}/mapping"
    rosa.send(page, f"/admin/sources/{source_id}/look/preview", back="mapping")
    office.wait(minutes=5)
    assert "the worker went away" in words(rosa.read(page))
    rosa.send(page, f"/admin/sources/{source_id}/look/preview", back="mapping")
    assert orders == [(source_id, "preview")] * 2


def test_a_look_that_broke_off_is_not_called_well(
    office: Office, rosa: Visitor, orders: list[object]
) -> None:
    source_id = add(rosa)
    for kind, back in (("test", "address"), ("preview", "mapping")):
        page = f"/admin/sources/{source_id}/{back}"
        rosa.send(page, f"/admin/sources/{source_id}/look/{kind}", back=back)
        with office.database.write() as session:
            source_pages.end_look(session, source_id, kind, office.clock())
        shown = words(rosa.read(page))
        assert "It broke off" in shown
        assert "All is well" not in shown
    assert len(orders) == 2


def test_what_is_to_be_taken_is_kept(office: Office, rosa: Visitor) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}/scope"
    answer = rosa.send(
        page,
        which_schools="some",
        more_schools="s-1\ns-2",
        which_terms="all",
        which_roles="all",
    )
    assert answer.location.endswith("/mapping")
    assert held(office, source_id)["settings"] == {
        "scope": {
            "schools": ["s-1", "s-2"],
            "terms": [],
            "roles": [],
            "demographics_reason": None,
        }
    }
    assert "s-1\ns-2" in rosa.read(page)


def test_demographics_need_a_reason(office: Office, rosa: Visitor) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}/scope"
    answer = rosa.send(page, demographics="yes")
    assert answer.status_code == 422
    assert "Write why your school needs them" in words(answer.text)
    rosa.send(page, demographics="yes", demographics_reason="State report")
    scope = held(office, source_id)["settings"]["scope"]  # type: ignore[index] # JSON
    assert scope["demographics_reason"] == "State report"
    rosa.send(page, demographics_reason="State report")
    scope = held(office, source_id)["settings"]["scope"]  # type: ignore[index] # JSON
    assert scope["demographics_reason"] is None


def test_roles_without_students_and_teachers_are_refused(rosa: Visitor) -> None:
    source_id = add(rosa)
    answer = rosa.send(
        f"/admin/sources/{source_id}/scope", which_roles="some", roles="student"
    )
    assert answer.status_code == 422
    assert "Take students and teachers at least" in words(answer.text)


def limits(page: str) -> dict[str, str]:
    """The fields of the form as they stand, days and pauses aside."""
    found = dict(
        re.findall(r'<input id="[^"]+" name="([^"]+)"[^>]*?value="([^"]*)"', page)
    )
    return {
        name: value
        for name, value in found.items()
        if not name.startswith(("pause", "days"))
    }


def test_limits_and_times_are_kept(office: Office, rosa: Visitor) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}/limits"
    fields = limits(rosa.read(page))
    assert (fields["users-floor"], fields["users-ends"]) == ("10", "5")
    fields |= {
        "users-floor": "30",
        "users-changes": "75",
        "times": "3:15, 12:30",
        "time_zone": "Europe/Paris",
        "told": "Rosa\nIT desk",
        "pause_from": "2026-12-24",
        "pause_to": "2027-01-02",
        "pause_why": "Holidays",
        "days": "mon",
    }
    answer = rosa.send(page, **fields)
    assert answer.status_code == 303, words(answer.text)
    assert answer.location.endswith("/finish")
    kept = held(office, source_id)["settings"]
    assert isinstance(kept, dict)
    assert kept["limits"]["users"] == {
        "ends_floor": 30,
        "ends_ratio": 0.05,
        "changes_ratio": 0.75,
    }
    assert kept["limits"]["orgs"]["changes_ratio"] is None
    assert kept["school_ratio"] == 0.2
    assert kept["schedule"] == {
        "times": ["03:15", "12:30"],
        "days": ["mon"],
        "time_zone": "Europe/Paris",
        "full_every_days": 7,
    }
    assert kept["pauses"] == [
        {"from": "2026-12-24", "to": "2027-01-02", "why": "Holidays"}
    ]
    assert kept["told"] == ["Rosa", "IT desk"]
    again = limits(rosa.read(page))
    assert again["users-changes"] == "75"
    assert again["times"] == "03:15, 12:30"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("users-floor", "-1", "Write a whole number"),
        ("users-ends", "101", "Write a percentage"),
        ("users-ends", "nan", "Write a percentage"),
        ("users-changes", "many", "Write a percentage"),
        ("grace_days", "9999", "Write a whole number"),
        ("times", "25:00", "Write times as 03:15"),
        ("times", "noon", "Write times as 03:15"),
        ("time_zone", "Mars/Olympus", "Choose a time zone"),
        ("full_every_days", "0", "Write a whole number from 1"),
        ("pause_from", "2027-05-01", "It ends before it begins."),
    ],
)
def test_a_limit_that_cannot_be_kept_says_so_and_nothing_is_saved(
    office: Office, rosa: Visitor, name: str, value: str, text: str
) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}/limits"
    fields = limits(rosa.read(page))
    fields |= {"time_zone": "UTC", "days": "mon", "pause_to": "2027-01-01"}
    fields |= {"pause_from": "2027-01-01", "pause_why": "", name: value}
    answer = rosa.send(page, **fields)
    assert answer.status_code == 422
    assert text in words(answer.text)
    assert held(office, source_id)["settings"] == {}


def test_a_zip_is_kept_in_the_data_folder_and_a_newer_one_replaces_it(
    office: Office, rosa: Visitor, tmp_path: Path
) -> None:
    answer = send_file(rosa, "/admin/sources/new/upload", bundle(), name="Files")
    assert answer.status_code == 303, words(answer.text)
    row = held(office, 1)
    path = Path(str(row["location"]))
    assert path.parent == tmp_path / "rosters"
    assert path.stat().st_mode & 0o777 == 0o600
    send_file(rosa, "/admin/sources/1/upload", bundle())
    newer = Path(str(held(office, 1)["location"]))
    assert newer != path
    assert newer.exists()
    assert "A newer file" in words(rosa.read("/admin/sources/1"))


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"no zip at all", "cannot be read"), (b"", "cannot be read")],
)
def test_what_is_no_bundle_is_not_kept(
    rosa: Visitor, tmp_path: Path, content: bytes, text: str
) -> None:
    answer = send_file(rosa, "/admin/sources/new/upload", content, name="Files")
    assert answer.status_code == 422
    assert text in words(answer.text)
    assert str(tmp_path) not in answer.text
    assert list((tmp_path / "rosters").iterdir()) == []


def test_a_large_file_is_taken_from_administrators_alone(
    office: Office, rosa: Visitor
) -> None:
    mark = b"--mark\r\nContent-Disposition: form-data; name="
    token = rosa.token("/admin/sources/new/upload").encode()
    body = mark + b'"csrf"\r\n\r\n' + token + b"\r\n"
    body += mark + b'"name"\r\n\r\nFiles\r\n'
    body += mark + b'"file"; filename="r.zip"\r\n\r\n' + b"x" * 2_000_000
    body += b"\r\n--mark--\r\n"
    stranger = office.visitor()
    for visitor, path, status in (
        (rosa, "/admin/sources/new/upload", 422),
        (stranger, "/admin/sources/new/upload", 401),
        # A form that takes no file is held to the size of a form.
        (rosa, "/admin/register/moodle", 413),
    ):
        answer = visitor.client.post(
            path,
            input_stream=io.BytesIO(body),
            content_type="multipart/form-data; boundary=mark",
            content_length=len(body),
        )
        assert answer.status_code == status
    assert "This is too large" in words(answer.text)


@pytest.mark.parametrize("name", ["../etc", "/etc", "a b", ".hidden", "", "x" * 65])
def test_a_folder_lies_below_ours_whatever_is_typed(rosa: Visitor, name: str) -> None:
    answer = rosa.send("/admin/sources/new/folder", name="Files", location=name)
    assert answer.status_code == 422


def test_a_folder_for_sftp_is_made(
    office: Office, rosa: Visitor, tmp_path: Path
) -> None:
    rosa.send("/admin/sources/new/folder", name="Files", location="skyward")
    assert held(office, 1)["location"] == str(tmp_path / "incoming" / "skyward")
    assert (tmp_path / "incoming" / "skyward").is_dir()
    assert 'value="skyward"' in rosa.read("/admin/sources/1/address")


def test_a_source_is_run_paused_and_removed(
    office: Office, rosa: Visitor, orders: list[object]
) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}"
    form = f"{page}/finish"
    answer = rosa.send(form, f"{page}/run", kind="dry", back="finish")
    assert answer.location.endswith("said=ordered&after=0")
    assert "Waiting for the worker to begin." in words(rosa.read(answer.location))
    rosa.send(form)
    assert orders == [
        Order(source="Lakeview SIS", is_dry_run=True),
        Order(source="Lakeview SIS"),
    ]
    assert held(office, source_id)["status"] == "active"
    rosa.send(page, f"{page}/switch", status="paused")
    assert held(office, source_id)["status"] == "paused"
    assert "Let it sync again" in rosa.read(page)
    answer = rosa.send(f"{page}/remove")
    assert answer.location.endswith("said=removed")
    rosa.read(page, status=404)
    assert [what for _, what in office.changes()] == [
        "source added",
        "sync ordered",
        "source switched",
        "sync ordered",
        "source switched",
        "source removed",
    ]


def test_no_second_run_is_ordered_while_one_goes_on(
    office: Office, rosa: Visitor, orders: list[object]
) -> None:
    source_id = add(rosa)
    with office.database.write() as session:
        sources.open_run(session, source_id, "by_hand", office.now)
    page = f"/admin/sources/{source_id}"
    answer = rosa.send(f"{page}/finish", f"{page}/run", kind="dry")
    assert answer.location.endswith("said=busy")
    assert orders == []


def test_a_source_that_brought_records_is_paused_not_removed(
    office: Office, rosa: Visitor
) -> None:
    source_id = add(rosa)
    with office.database.write() as session:
        session.execute(
            schema.org.insert().values(
                source_id=source_id,
                sourced_id="o",
                fingerprint="x",
                name="Lakeview",
                kind="school",
            )
        )
    page = f"/admin/sources/{source_id}/remove"
    assert "it stays" in words(rosa.read(page))
    assert rosa.send(page).location.endswith("/remove")
    assert held(office, source_id)["name"] == "Lakeview SIS"


def test_the_list_says_how_each_stands(office: Office, rosa: Visitor) -> None:
    assert "No roster source yet" in words(rosa.read("/admin/sources"))
    source_id = add(rosa)
    assert "not finished" in words(rosa.read("/admin/sources"))
    with office.database.write() as session:
        source_pages.save_source(session, source_id, {"status": "active"})
    assert "never synced" in words(rosa.read("/admin/sources"))


def test_how_levels_are_written_is_told_and_may_be_chosen(
    office: Office, rosa: Visitor
) -> None:
    source_id = add(rosa)
    page = f"/admin/sources/{source_id}"
    assert "As assessments, each with its CASE identifier. No test" in words(
        rosa.read(page)
    )
    with office.database.write() as session:
        profile = {"writing": {"assessment": "no", "put": "forbidden", "post": "yes"}}
        source_pages.save_source(session, source_id, {"profile": profile})
    told = words(rosa.read(f"{page}/writing"))
    assert "Posted into its gradebook; the SIS gives the ids. The test found" in told
    assert "Writing levels into its gradebook we have no right to" in told
    wrong = rosa.send(f"{page}/writing", manner="plain", category="", words="1")
    assert wrong.status_code == 422
    assert "Choose one of the list." in words(wrong.text)
    sent = rosa.send(f"{page}/writing", manner="gradebook", category=" cat-7 ")
    assert sent.status_code == 303
    kept = held(office, source_id)["settings"]
    assert isinstance(kept, dict)
    assert kept["writing"] == {
        "manner": "gradebook",
        "category": "cat-7",
        "words": False,
    }
    assert "You chose it." in words(rosa.read(page))
