"""The teacher's pages: grid, drawer, align, file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, delete, insert, select, update

from lti_tool.storage import schema
from lti_tool.work import tables
from tests.web.conftest import put

if TYPE_CHECKING:
    from tests.web.conftest import Class

SECRET = "s" * 43


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|em|b|bdi|strong|a|span)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


@pytest.fixture
def sid(room: Class) -> str:
    return str(room.sid(room.teacher, "instructor"))


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def rows(html: str) -> list[list[str]]:
    body = html.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0]
    return [
        [
            unescape(re.sub(r"<[^>]+>", "", cell))
            for cell in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", line)
        ]
        for line in body.split("</tr>")
        if "<tr" in line
    ]


def team(room: Class, name: str, *people: int, set_name: str | None = None) -> int:
    """A group of the LMS with people of the class in it."""
    with room.database.write() as session:
        placement = session.scalar(select(schema.placement.c.id))
        if placement is None:
            deployment = put(
                session, schema.deployment, registration_id=room.registration,
                deployment_id="g", status="active", created_at=room.now,
            )  # fmt: skip
            placement = put(
                session, schema.placement, deployment_id=deployment, context_id="g",
                course_id=room.course, seen_at=room.now,
            )  # fmt: skip
        group = put(
            session, schema.course_group, placement_id=placement, group_id=name,
            name=name, set_name=set_name,
        )  # fmt: skip
        for person in people:
            user = put(
                session, schema.lms_user, registration_id=room.registration,
                subject=f"g-{person}", person_id=person, seen_at=room.now,
            )  # fmt: skip
            put(session, schema.group_member, course_group_id=group, lms_user_id=user)
    return group


def test_the_grid_shows_the_group_that_was_chosen(
    client: FlaskClient, sid: str, room: Class
) -> None:
    assert 'name="group"' not in page(client, f"/s/{sid}/class")
    amira, _ben, chloe, *_ = room.students
    reds = team(room, "Reds", amira, chloe, set_name="Colours")
    nobody = team(room, "<Nobody>")
    whole = page(client, f"/s/{sid}/class")
    assert len(rows(whole)) == 5
    assert '<optgroup label="Colours">' in whole
    assert f'<option value="{nobody}">&lt;Nobody&gt;</option>' in whole
    chosen = page(client, f"/s/{sid}/class?group={reds}")
    assert [row[0].split()[0] for row in rows(chosen)] == ["Chloé", "Amira"]
    assert f'<option value="{reds}" selected>Reds</option>' in chosen
    assert f"group={reds}" in chosen.split("<thead>")[1]
    file = client.get(f"/s/{sid}/class.csv?group={reds}").get_data(as_text=True)
    assert file.splitlines().index("") == 1 + len(rows(chosen))
    empty = page(client, f"/s/{sid}/class?group={nobody}")
    assert "Nobody of this class is in this group." in text_of(empty)
    for unknown in ("999", "x", "²", "-1"):
        assert len(rows(page(client, f"/s/{sid}/class?group={unknown}"))) == 5


def test_the_grid_shows_a_row_a_student_and_the_next_step(
    client: FlaskClient, sid: str
) -> None:
    assert rows(page(client, f"/s/{sid}/class")) == [
        ["Wei Chen", "2", "", "", "RA.1 first"],
        ["Chloé Dubois", "4", "4", "2", "NU.1"],
        ["Amira Haddad", "3", "4", "", "NU.1"],
        ["Siobhán O'Sullivan", "", "1", "", "RA.1 first"],
        ["Ben Ortiz", "1", "", "", "RA.1 first"],
    ]


def test_a_cell_is_named_beginning_with_what_is_seen(
    client: FlaskClient, sid: str
) -> None:
    html = page(client, f"/s/{sid}/class")
    assert (
        '<td class="l2" aria-label="3 Proficient, 2 pieces of evidence">3</td>' in html
    )
    assert '<td class=e aria-label="Not assessed"></td>' in html


def test_the_grid_tells_sizes_sources_and_shares(client: FlaskClient, sid: str) -> None:
    html = page(client, f"/s/{sid}/class")
    assert 'aria-rowcount="8" aria-colcount="5"' in html
    text = text_of(html)
    assert "Scores from Lakeview SIS, 6 hours ago" in text
    assert "5 of 5 students · 3 of 4 competencies" in text
    assert (
        'aria-label="40%, 2 of 5 students have shown this (Advanced: 1, '
        'Proficient: 1, Developing: 1, Beginning: 1, not assessed: 1)"'
    ) in html


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Wei Chen", "Chloé Dubois", "Amira Haddad", "Siobhán O'Sullivan"]),
        ("sort=-name", ["Ben Ortiz", "Siobhán O'Sullivan", "Amira Haddad"]),
        ("students=CHEN", ["Wei Chen"]),
        ("sort=-{first}", ["Chloé Dubois", "Amira Haddad", "Wei Chen", "Ben Ortiz"]),
        ("sort={first}", ["Siobhán O'Sullivan", "Ben Ortiz", "Wei Chen"]),
        ("sort=nonsense&page=99", ["Wei Chen"]),
    ],
)
def test_the_address_says_who_is_shown_in_which_order(
    client: FlaskClient, room: Class, sid: str, query: str, names: list[str]
) -> None:
    html = page(client, f"/s/{sid}/class?" + query.format(first=room.competencies[0]))
    assert [row[0] for row in rows(html)][: len(names)] == names


def test_an_area_and_the_empty_columns_can_be_asked_for(
    client: FlaskClient, sid: str
) -> None:
    codes = r'<a role="button"[^>]*title[^>]*>([^<]*)</a>'
    everything = page(client, f"/s/{sid}/class?all=1")
    ratios = page(client, f"/s/{sid}/class?all=1&area=Ratios")
    assert re.findall(codes, everything) == ["RA.1", "RA.2", "NU.1", "NU.2"]
    assert re.findall(codes, ratios) == ["RA.1", "RA.2"]


def test_the_count_of_evidence_stands_in_the_cells_when_asked_for(
    client: FlaskClient, sid: str
) -> None:
    html = page(client, f"/s/{sid}/class?show=count")
    assert rows(html)[1] == ["Chloé Dubois", "2", "1", "1", "NU.1"]
    assert 'aria-label="2: 4 Advanced, 2 pieces of evidence">2</td>' in html


def test_a_name_nobody_has_says_so(client: FlaskClient, sid: str) -> None:
    html = page(client, f"/s/{sid}/class?students=zz")
    assert "No student's name matches “zz”." in text_of(html)


def test_above_the_limit_students_come_in_pages_of_a_hundred(
    seed: Callable[..., Class], serve_class: Callable[..., Flask]
) -> None:
    room = seed(401, 1)
    room.add_work(room.competencies[0], "Quiz", {room.students[0]: 9})
    room.refresh()
    client = serve_class(room).test_client()
    client.set_cookie("__Host-masterybridge", SECRET)
    sid = room.sid(room.teacher, "instructor")
    html = page(client, f"/s/{sid}/class?page=5")
    assert len(rows(html)) == 1
    assert 'aria-rowindex="404"' in html
    assert "page 5 of 5" in text_of(html)
    assert len(rows(page(client, f"/s/{sid}/class"))) == 100


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (schema.alignment, "Nothing counts as evidence yet"),
        (schema.seat, "The class list is empty"),
        (None, "Choose the competencies this course teaches"),
    ],
)
def test_an_empty_class_says_why_and_what_to_do(
    client: FlaskClient, room: Class, sid: str, table: Table | None, words: str
) -> None:
    with room.database.write() as session:
        if table is None:
            session.execute(update(schema.course).values(framework_id=None))
        else:
            session.execute(delete(table))
    assert words in text_of(page(client, f"/s/{sid}/class"))


def deliver(room: Class, person: int, competency: int, **values: object) -> None:
    row = {
        "destination": "ags",
        "course_id": room.course,
        "person_id": person,
        "competency_id": competency,
        "value": 3,
        "maximum": 4,
        "basis": {},
        "due_at": room.now + timedelta(minutes=5),
        "created_at": room.now,
        **values,
    }
    with room.database.write() as session:
        session.execute(insert(schema.delivery).values(**row))


def test_what_could_not_be_sent_is_marked_and_told_in_words(
    client: FlaskClient, room: Class, sid: str
) -> None:
    amira, ben = room.students[:2]
    first = room.competencies[0]
    deliver(room, amira, first, state="dead", reason="403: not in this course")
    deliver(room, ben, first, state="pending")
    deliver(room, ben, first, state="superseded")
    html = page(client, f"/s/{sid}/class")
    assert (
        '<td class="l2 s-unsent" aria-label="3 Proficient, 2 pieces of evidence, '
        'could not be sent">3</td>'
    ) in html
    assert (
        '<td class="l0 s-pending" aria-label="1 Beginning, 2 pieces of evidence, '
        'waiting to be sent">1</td>'
    ) in html
    text = text_of(html)
    assert "1 result could not be sent. The levels here are safe." in text
    assert "Amira Haddad, RA.1: 403: not in this course" in text
    assert "1 result waiting to be sent" in text


def test_a_result_sent_after_a_refusal_is_no_longer_marked(
    client: FlaskClient, room: Class, sid: str
) -> None:
    amira, first = room.students[0], room.competencies[0]
    deliver(room, amira, first, state="dead", reason="no")
    deliver(room, amira, first, state="delivered", sent_at=room.now)
    assert "s-unsent" not in page(client, f"/s/{sid}/class")


def test_levels_of_an_earlier_rule_are_marked_as_being_worked_out_again(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(update(schema.course).values(rule="latest"))
    html = page(client, f"/s/{sid}/class")
    assert "2 pieces of evidence, being worked out again" in html


def test_a_cell_opens_to_evidence_arithmetic_and_where_it_was_sent(
    client: FlaskClient, room: Class, sid: str
) -> None:
    amira, first = room.students[0], room.competencies[0]
    deliver(
        room, amira, first, state="delivered", sent_at=room.now - timedelta(minutes=2)
    )
    html = page(client, f"/s/{sid}/class/{amira}/{first}")
    text = text_of(html)
    for words in (
        "Amira Haddad · RA.1",
        "Compare amounts using >, < or = in case 1",
        "3 Proficient from 2 pieces of evidence",
        "23 Nov Unit 1 quiz 8 of 10 3 Proficient",
        "22 Nov Unit 1 check does not count: not the best score 6 of 10 2 Developing",
        "How we got 3 best of 2.4, 3.2 = 3.2",
        "The settings behind it Rule Highest Evidence in order by when the work",
        "Pieces needed 1 Worked out Nov 24, 2026, 12:00:00 PM (UTC)",
        "Over all courses and years 2 Developing from 2 pieces of evidence.",
        "LMS gradebook: accepted 2 minutes ago",
        "This student has not opened the tool in the LMS yet",
    ):
        assert words in text
    assert "<em>amounts</em> using &gt;, &lt; or =" in html


def test_the_drawer_is_the_same_without_the_page_around_it(
    client: FlaskClient, room: Class, sid: str
) -> None:
    path = f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}"
    part = client.get(path, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in part
    assert part in page(client, path)


def test_scores_that_are_no_evidence_are_listed_with_the_reason(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.score)
            .where(schema.score.c.person_id == room.students[0])
            .values(score_status="exempt")
        )
    room.refresh()
    text = text_of(
        page(client, f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}")
    )
    assert "Unit 1 quiz does not count: exempt" in text
    assert "Not assessed from 0 pieces of evidence" in text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("lis", "joined by the school's own identifier, 1 hour ago."),
        ("name_in_class", "Joined by name: the only student of this class"),
        ("by_hand", "Joined by hand, 1 hour ago."),
        ("alone", "Known from the LMS alone"),
    ],
)
def test_how_the_two_people_were_joined_is_told(
    client: FlaskClient, room: Class, sid: str, rule: str, words: str
) -> None:
    with room.database.write() as session:
        session.execute(
            insert(schema.lms_user).values(
                registration_id=room.registration,
                subject="s",
                person_id=room.students[0],
                link_rule=rule,
                linked_at=room.now - timedelta(hours=1),
                seen_at=room.now,
            )
        )
    html = page(client, f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}")
    assert words in text_of(html)


@pytest.mark.parametrize("path", ["{stranger}/{first}", "{amira}/999"])
def test_a_cell_outside_the_class_is_not_found(
    client: FlaskClient, room: Class, sid: str, path: str
) -> None:
    asked = path.format(
        stranger=room.teacher, amira=room.students[0], first=room.competencies[0]
    )
    page(client, f"/s/{sid}/class/{asked}", status=404)


def test_one_student_at_a_time_is_a_list_of_links(
    client: FlaskClient, room: Class, sid: str
) -> None:
    ben = room.students[1]
    html = page(client, f"/s/{sid}/class?view=one&student={ben}")
    assert "<h1>Ben Ortiz</h1>" in html
    assert f"/class/{ben}/{room.competencies[0]}" in html
    assert 'rel="prev"' in html
    assert 'rel="next"' not in html


def test_a_student_may_not_see_the_class(client: FlaskClient, room: Class) -> None:
    sid = room.sid(room.students[0], "learner")
    for path in ("class", "class.csv", "align", f"class/{room.students[1]}/1"):
        assert "This page is for teachers" in page(client, f"/s/{sid}/{path}", 403)


def test_the_file_holds_the_grid_and_no_formula(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.person)
            .where(schema.person.c.id == room.students[1])
            .values(display_name='=HYPERLINK("http://x")')
        )
    answer = client.get(f"/s/{sid}/class.csv")
    assert answer.mimetype == "text/csv"
    read = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert read[0] == ["Student", "RA.1", "RA.2", "NU.1"]
    assert read[2] == ["Chloé Dubois", "4 Advanced", "4 Advanced", "2 Developing"]
    assert read[5] == ['\'=HYPERLINK("http://x")', "1 Beginning", "", ""]
    assert read[-6:] == [
        [],
        ["Rule", "Highest"],
        ["Evidence in order", "by when the work was handed in"],
        ["What counts", "everything but self-assessment"],
        ["Pieces needed", "1"],
        ["Mastery from", "Proficient"],
    ]


def test_the_file_holds_what_the_look_asks_of_all_pages(
    client: FlaskClient, sid: str
) -> None:
    html = page(client, f"/s/{sid}/class?students=o&sort=-name&all=1&page=2")
    link = re.search(r'href="([^"]*class\.csv[^"]*)"', html)
    assert link
    answer = client.get(unescape(link[1]))
    text = answer.get_data(as_text=True).lstrip("\ufeff")
    # An empty row parts the class from the settings it was judged by.
    head, *found = csv.reader(io.StringIO(text.split("\r\n\r\n")[0]))
    names = [row[0] for row in found]
    assert names == ["Ben Ortiz", "Siobhán O'Sullivan", "Chloé Dubois"][: len(names)]
    assert names == [one for one in names if "o" in one.casefold()]
    assert 0 < len(names) < 5
    assert len(head) > len(["Student", "RA.1", "RA.2", "NU.1"])


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "\uff1d1"]
)
def test_a_formula_is_guarded(text: str) -> None:
    assert tables.cell(text) == "'" + text


def test_a_number_below_zero_stays_a_number() -> None:
    assert [tables.cell(one) for one in (-1.5, None, True)] == ["-1.5", "", "true"]
