"""The settings of a course: the form, what it would do, saving, and the way back."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update
from werkzeug.datastructures import MultiDict

from lti_tool.storage import curriculum, schema
from lti_tool.web import marks, settings_form
from lti_tool.web.settings_form import fields_of, parse

if TYPE_CHECKING:
    from tests.web.conftest import Class

Settings = dict[str, Any]


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|em|b|bdi|strong|a|span|del|ins)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


@pytest.fixture
def sid(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


def held(room: Class) -> Settings:
    with room.database.read() as session:
        return curriculum.load_plan_values(session, room.course)


def fields(room: Class, **values: str) -> MultiDict[str, str]:
    """The form as it stands, with some fields typed anew."""
    with room.database.read() as session:
        plan = curriculum.load_plan(session, room.course)
        settings = curriculum.load_plan_values(session, room.course)
    made = fields_of(settings, plan)
    for name, value in values.items():
        made[name.replace("__", "-")] = value
    return made


def send(
    client: FlaskClient,
    room: Class,
    sid: str,
    *,
    act: str = "preview",
    status: int = 200,
    **values: str,
) -> str:
    form = fields(room, **values)
    form["csrf"], form["act"] = room.csrf(sid), act
    answer = client.post(f"/s/{sid}/settings", data=form)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_the_form_shows_what_stands_and_one_student_as_an_example(
    client: FlaskClient, sid: str
) -> None:
    html = page(client, f"/s/{sid}/settings")
    assert '<option value="highest" selected>' in html
    assert 'name="level-cut-2" inputmode="decimal" size="5" value="75"' in html
    text = text_of(html)
    for words in (
        "Now 4 Advanced with these settings 4 Advanced from 2 pieces of evidence",
        "best of 3.6, 4 = 4",
    ):
        assert words in text
    assert "version" not in text.split("Earlier versions")[0]


def test_nothing_is_saved_before_the_effect_was_seen(
    client: FlaskClient, room: Class, sid: str
) -> None:
    before = held(room)
    text = text_of(send(client, room, sid, rule="conjunctive"))
    assert "Rule Highest → All required" in text
    assert "This would change 1 level of 1 student; 1 would be lower." in text
    assert "Amira Haddad RA.1 3 Proficient 2 Developing lower" in text
    assert held(room) == before


def test_saving_makes_a_version_that_can_be_brought_back(
    client: FlaskClient, room: Class, sid: str
) -> None:
    before = held(room)
    send(client, room, sid, act="save", status=303, rule="conjunctive", reason="all")
    assert (held(room)["rule"], room.told) == ("conjunctive", ["told"])
    saved = text_of(page(client, f"/s/{sid}/settings?said=saved&n=1"))
    assert "Saved. 1 level changed." in saved
    text = text_of(page(client, f"/s/{sid}/settings/history"))
    assert (
        "Version 2 stands now Ms. Lee · just now · 1 level changed (0 up, 1 down) "
        "all Rule Highest → All required Version 1 before the first change" in text
    )
    form = {"csrf": room.csrf(sid), "number": "1", "act": "preview"}
    shown = client.post(f"/s/{sid}/settings/history", data=form)
    text = text_of(shown.get_data(as_text=True))
    assert "Bring version 1 back" in text
    assert "Amira Haddad RA.1 2 Developing 3 Proficient" in text
    answer = client.post(f"/s/{sid}/settings/history", data={**form, "act": "save"})
    assert (answer.status_code, held(room)) == (303, before)
    text = text_of(page(client, f"/s/{sid}/settings/history"))
    assert "brought version 1 back" in text
    missing = client.post(f"/s/{sid}/settings/history", data={**form, "number": "9"})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"parameter": "3"}, "This rule takes no number. Leave it empty."),
        (
            {"rule": "n_mastery", "parameter": "x"},
            "Give a whole number from 1 to 10.",
        ),
        ({"minimum_pieces": "0"}, "Give a whole number of pieces from 1 to 50."),
        ({"successor_share": "x"}, "Give a share from 0 to 100 percent."),
        ({"has_counts": "1"}, "Tick at least one kind of evidence"),
        ({"mastery": "0"}, "Mastery begins at a level above the lowest. Choose one."),
        ({"level__cut__1": "95"}, "“Proficient” must begin above “Developing”"),
        ({"level__name__1": "beginning"}, "Two levels are called “beginning”."),
        ({"level__points__3": "-"}, "Give the points of “Advanced” as a number."),
        ({"level__colour__3": "#777777"}, "No writing can be read on this colour."),
        (
            {"own__competency__0": "case", "own__rule__0": "latest"},
            "“case” is not exactly one competency of this course.",
        ),
        (
            {
                "own__competency__0": "RA.1",
                "own__rule__0": "bkt",
                "own__parameter__0": "1",
            },
            "Give a whole number from 50 to 99.",
        ),
    ],
)
def test_a_fault_is_named_and_nothing_is_changed(
    client: FlaskClient, room: Class, sid: str, values: dict[str, str], words: str
) -> None:
    before = held(room)
    html = send(client, room, sid, act="save", status=422, **values)
    assert words in text_of(html)
    assert held(room) == before


def test_one_competency_can_go_by_a_rule_of_its_own_and_says_so(
    client: FlaskClient, room: Class, sid: str
) -> None:
    own = {
        "own__competency__0": "RA.1",
        "own__rule__0": "latest",
        "own__minimum__0": "2",
    }
    text = text_of(send(client, room, sid, **own))
    assert "Rule of RA.1 as the course → Latest, at least 2 pieces" in text
    send(client, room, sid, act="save", status=303, **own)
    first = str(room.competencies[0])
    assert held(room)["rules"] == {
        first: {"rule": "latest", "parameter": None, "minimum_pieces": 2}
    }
    html = page(client, f"/s/{sid}/settings")
    assert 'value="RA.1 · Compare amounts' in html
    send(client, room, sid, act="save", status=303, own__rule__0="")
    assert held(room)["rules"] == {}


def test_levels_can_be_added_taken_out_and_taken_over(
    client: FlaskClient, room: Class, sid: str
) -> None:
    def names(html: str) -> list[str]:
        return re.findall(r'name="level-name-\d+" value="([^"]*)"', html)

    assert names(send(client, room, sid, act="add-level")) == [
        "Advanced",
        "",
        "Proficient",
        "Developing",
        "Beginning",
    ]
    assert names(send(client, room, sid, act="drop-level-1")) == [
        "Advanced",
        "Proficient",
        "Beginning",
    ]
    assert len(names(send(client, room, sid, act="drop-level-9"))) == 4
    with room.database.write() as session:
        levels = [
            {"name": "No", "cut": 0.0, "points": 0.0},
            {"name": "Yes", "cut": 0.7, "points": 1.0},
        ]
        session.execute(
            insert(schema.named_scale).values(
                title="Yes or no",
                levels=levels,
                mastery_cut=0.7,
                origin="own",
                made_by="cli",
                made_at=room.now,
            )
        )
    assert names(send(client, room, sid, act="take-scale", named="1")) == ["Yes", "No"]
    assert held(room)["scale"] is None


def test_a_schools_own_colours_are_worn_by_its_pages_and_likeness_is_warned_of(
    client: FlaskClient, room: Class, sid: str
) -> None:
    own = {"level__colour__0": "#fab901", "level__colour__1": "#fbbb05"}
    text = text_of(send(client, room, sid, act="try", **own))
    assert "“Beginning” and “Developing” look much the same to" in text
    send(client, room, sid, act="save", status=303, **own)
    assert held(room)["scale"][0]["colour"] == "FAB901"
    html = page(client, f"/s/{sid}/class")
    address = "/levels/FAB901-FBBB05-575D6D-00224E.css"
    assert f'<link rel="stylesheet" href="{address}">' in html
    assert 'class="levels k4 own"' in html
    sheet = client.get(address)
    assert (sheet.status_code, sheet.mimetype) == (200, "text/css")
    assert ".own .l0{--f:#FAB901;--i:#111111}" in sheet.get_data(as_text=True)
    assert client.get("/levels/red-blue.css").status_code == 404


def test_eight_levels_have_eight_classes_and_fills() -> None:
    fills = [f"{place}{place}0000" for place in range(8)]
    assert marks.fills_sheet(fills).count(".own .o") == 8
    assert [marks.css_of(place, 8) for place in (0, 7)] == ["l0 o0", "l5 o7"]


def test_a_course_that_has_ended_shows_its_settings_and_keeps_them(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(update(schema.course).values(status="tobedeleted"))
    before = held(room)
    html = page(client, f"/s/{sid}/settings")
    assert "This course has ended." in text_of(html)
    assert '<fieldset class="all" disabled>' in html
    assert "This course has ended." in text_of(
        send(client, room, sid, act="save", status=403, rule="latest")
    )
    form = {"csrf": room.csrf(sid), "number": "1", "act": "save"}
    answer = client.post(f"/s/{sid}/settings/history", data=form)
    assert (answer.status_code, held(room)) == (403, before)


def test_a_student_cannot_see_or_change_the_settings(
    client: FlaskClient, room: Class
) -> None:
    sid = room.sid(room.students[0], "learner")
    assert client.get(f"/s/{sid}/settings").status_code == 403
    assert client.get(f"/s/{sid}/settings/history").status_code == 403
    assert "teachers of the course" in send(
        client, room, sid, act="save", status=403, rule="latest"
    )
    assert held(room)["rule"] == "highest"


def test_settings_that_were_never_changed_have_no_history(
    client: FlaskClient, room: Class, sid: str
) -> None:
    text = text_of(page(client, f"/s/{sid}/settings/history"))
    assert "These settings were never changed" in text
    assert "Nothing was changed." in text_of(
        client.post(
            f"/s/{sid}/settings",
            data={**fields(room).to_dict(), "csrf": room.csrf(sid)},
            follow_redirects=True,
        ).get_data(as_text=True)
    )
    with room.database.read() as session:
        assert session.execute(select(schema.plan_version)).all() == []


def test_what_the_form_shows_it_reads_back_unchanged(room: Class) -> None:
    with room.database.read() as session:
        plan = curriculum.load_plan(session, room.course)
        stored = curriculum.load_plan_values(session, room.course)
    thirds = [
        {"name": "A", "cut": 0.0, "points": 0.0, "colour": "FDE737"},
        {"name": "B", "cut": 1 / 3, "points": 1.5, "colour": "7D7C78"},
        {"name": "C", "cut": 2 / 3, "points": 2.0, "colour": "00224F"},
    ]
    own = {"rule": "bkt", "parameter": 95.0, "minimum_pieces": 3}
    for values in (
        {},
        {"scale": thirds, "mastery_cut": 2 / 3, "counts": ["rubric", "score"]},
        {"rules": {str(room.competencies[1]): own}, "successor_share": 0.25},
        {"mastery_cut": 0.9, "minimum_pieces": 4, "evidence_order": "due"},
    ):
        settings = {**stored, **values}
        read = parse(fields_of(settings, plan), plan, settings)
        assert (read.settings, read.unknown) == (settings, ())
    assert settings_form.whole("½") is None
