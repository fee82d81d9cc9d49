"""Suggestions to accept in two clicks, what they would change, and the audit."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from lti_tool.storage import schema
from lti_tool.work import sentences, standing

if TYPE_CHECKING:
    from tests.web.conftest import Class

PARTS = [
    {"key": "question:1", "title": "Compare (RA.1)", "maximum": 5, "kind": "question"},
    {"key": "question:2", "title": "Find", "maximum": 5, "kind": "question"},
    {"key": "question:3", "title": "Add", "maximum": 5, "kind": "question"},
    {"key": "row:1", "title": "Neatness", "maximum": 5, "kind": "row"},
]


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|em|b|bdi|strong|a|span)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


def add_open(room: Class, title: str, scores: dict[int, float], **more: object) -> int:
    """Work that speaks for nothing yet."""
    number = 100 + len(room.assignments)
    with room.database.write() as session:
        work = session.execute(
            insert(schema.assignment)
            .values(
                source_id=room.source,
                sourced_id=f"open-{number}",
                fingerprint="x",
                course_id=room.course,
                class_sourced_id="class-1",
                title=title,
                maximum=10,
                **more,
            )
            .returning(schema.assignment.c.id)
        ).scalar_one()
        for person, given in scores.items():
            session.execute(
                insert(schema.score).values(
                    source_id=room.source,
                    sourced_id=f"o-{work}-{person}",
                    fingerprint="x",
                    assignment_id=work,
                    person_id=person,
                    line_item_sourced_id=f"open-{number}",
                    student_sourced_id=f"s-{person}",
                    given=given,
                    score_status="fully graded",
                    scored_on=room.now.date(),
                )
            )
    room.assignments.append(work)
    return int(work)


@pytest.fixture
def sid(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


@pytest.fixture
def quiz(room: Class) -> int:
    """A quiz that names the fourth competency, of which nobody has a level yet."""
    amira, ben, *_ = room.students
    return add_open(room, "Unit 4 quiz (NU.2)", {amira: 9, ben: 5})


def show(client: FlaskClient, sid: str, path: str = "review") -> str:
    answer = client.get(f"/s/{sid}/align/{path}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def send(client: FlaskClient, room: Class, sid: str, **form: object) -> tuple[int, str]:
    answer = client.post(
        f"/s/{sid}/align/review",
        data={"csrf": room.csrf(sid), **form},
        follow_redirects=True,
    )
    return answer.status_code, text_of(answer.get_data(as_text=True))


def rows(room: Class, table: Any, *names: str) -> list[tuple[Any, ...]]:  # noqa: ANN401 -- a table
    with room.database.read() as session:
        found = session.execute(
            select(*(table.c[one] for one in names)).order_by(table.c.id)
        )
        return [tuple(row) for row in found]


def saved(room: Class) -> list[tuple[Any, ...]]:
    how = ("assignment_id", "competency_id", "weight", "part", "is_practice", "made_by")
    return rows(room, schema.alignment, *how)


def chosen(room: Class) -> list[tuple[Any, ...]]:
    how = ("assignment_id", "competency_id", "is_accepted")
    return rows(room, schema.suggestion_choice, *how)


def test_what_a_title_names_is_ticked_and_its_effect_told_before_it_counts(
    client: FlaskClient, room: Class, sid: str, quiz: int
) -> None:
    before = (saved(room), rows(room, schema.attainment, "id", "level"))
    html = show(client, sid)
    text = text_of(html)
    assert "5 assignments · 4 aligned, 1 to do" in text
    assert "99% named in its text: NU.2" in text
    assert f'name="tick-{quiz}.0" value="yes" checked' in html
    assert len(re.findall(rf'name="choice-{quiz}\.0"', html)) == 4
    assert "Accept 1 ticked" in text
    assert "2 students' levels would change" in text
    assert "Amira Haddad NU.2 Not assessed 4 Advanced" in text
    assert "Ben Ortiz NU.2 Not assessed 2 Developing" in text
    assert (saved(room), rows(room, schema.attainment, "id", "level")) == before


def test_two_clicks_align_what_is_ticked(
    client: FlaskClient, room: Class, sid: str, quiz: int
) -> None:
    overview = client.get(f"/s/{sid}/align").get_data(as_text=True)
    assert f'href="/s/{sid}/align/review">Review suggestions' in overview
    fourth = room.competencies[3]
    form = {f"tick-{quiz}.0": "yes", f"choice-{quiz}.0": fourth, "act": "accept"}
    code, text = send(client, room, sid, **form)
    assert code == 200
    assert "1 suggestion accepted. 2 levels changed." in text
    assert "Nothing is left to review" in text
    assert saved(room)[-1] == (
        quiz, fourth, 1.0, "", False, f"person:{room.teacher}",
    )  # fmt: skip
    assert chosen(room) == [(quiz, fourth, True)]
    assert room.told == ["told"]


def test_another_choice_is_a_no_to_the_first_and_a_preview_keeps_what_was_typed(
    client: FlaskClient, room: Class, sid: str, quiz: int
) -> None:
    third, fourth = room.competencies[2:]
    form = {
        f"tick-{quiz}.0": "yes",
        f"choice-{quiz}.0": fourth,
        f"other-{quiz}.0": "NU.1",
        f"weight-{quiz}.0": "2,5",
        f"practice-{quiz}.0": "yes",
    }
    code, text = send(client, room, sid, **form, act="preview")
    assert (code, chosen(room)) == (200, [])
    assert "No level would change" in text  # practice never counts
    code, text = send(client, room, sid, **form, act="accept")
    assert saved(room)[-1][1:5] == (third, 2.5, "", True)
    assert sorted(chosen(room)) == [(quiz, third, True), (quiz, fourth, False)]
    again = text_of(client.get(f"/s/{sid}/align").get_data(as_text=True))
    assert "weight 2.5 practice only" in again


def test_questions_speak_for_competencies_of_their_own(
    client: FlaskClient, room: Class, sid: str
) -> None:
    first, second, *_ = room.competencies
    work = add_open(room, "Unit 5 exam", {}, parts=PARTS)
    html = show(client, sid)
    assert "Unit 5 exam · Compare (RA.1)" in text_of(html)
    assert f'name="tick-{work}.0" value="yes">' in html
    assert f'name="tick-{work}.1" value="yes" checked' in html
    form = {
        f"tick-{work}.1": "yes",
        f"choice-{work}.1": first,
        f"part-{work}.1": "question:1",
        f"until-{work}.1": "question:3",
        f"tick-{work}.0": "yes",
        f"other-{work}.0": "RA.2",
    }
    send(client, room, sid, **form, act="accept")
    assert {(one[1], one[3]) for one in saved(room)[-2:]} == {
        (first, "question:1-3"),
        (second, ""),
    }
    again = text_of(client.get(f"/s/{sid}/align").get_data(as_text=True))
    assert "questions 1-3" in again
    with room.database.write() as session:
        standing.refresh(session, room.course, now=room.now)


def test_what_is_skipped_is_offered_no_more(
    client: FlaskClient, room: Class, sid: str, quiz: int
) -> None:
    _, text = send(client, room, sid, skip=f"{quiz}.0")
    assert "Skipped." in text
    assert "1 assignment was skipped and speaks for nothing." in text
    assert {one[2] for one in chosen(room)} == {False}
    assert len(chosen(room)) == 4
    assert send(client, room, sid, skip=f"{quiz}.0")[0] == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Nothing is ticked. Nothing was changed."),
        ({"other": "case"}, "“Unit 4 quiz (NU.2)” has no competency yet"),
        ({"choice": "999"}, "“Unit 4 quiz (NU.2)” has no competency yet"),
        ({"weight": "0"}, "The weight of “Unit 4 quiz (NU.2)” is a number above 0"),
        ({"part": "row:7"}, "“Unit 4 quiz (NU.2)” has no such part."),
        (
            {"part": "question:3", "until": "question:1"},
            "The parts of “Unit 4 quiz (NU.2)” go from an earlier to a later one",
        ),
        ({"part": "row:1", "until": "question:3"}, "go from an earlier to a later"),
    ],
)
def test_what_cannot_be_saved_is_named_and_nothing_is(
    client: FlaskClient,
    room: Class,
    sid: str,
    quiz: int,
    form: dict[str, str],
    words: str,
) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.assignment)
            .where(schema.assignment.c.id == quiz)
            .values(parts=PARTS[1:])
        )
        session.execute(
            update(schema.assignment)
            .where(schema.assignment.c.id == quiz)
            .values(parts=[*PARTS[1:], {**PARTS[0], "title": "One"}])
        )
    before = saved(room)
    sent = {f"{name}-{quiz}.0": value for name, value in form.items()}
    tick = {f"tick-{quiz}.0": "yes"} if form else {}
    choice = {f"choice-{quiz}.0": room.competencies[3]}
    code, text = send(client, room, sid, **(choice | tick | sent), act="accept")
    assert (code, saved(room), room.told) == (422, before, [])
    assert words in text


def test_work_that_matches_nothing_offers_a_search(
    client: FlaskClient, room: Class, sid: str
) -> None:
    work = add_open(room, "Zzz", {})
    html = show(client, sid)
    assert "No good match was found. Search competencies" in text_of(html)
    assert f'name="tick-{work}.0" value="yes">' in html
    assert "Accept 0 ticked" in text_of(html)


def test_a_course_without_framework_or_work_says_so(
    client: FlaskClient, room: Class, sid: str
) -> None:
    assert "Every assignment speaks for a competency." in text_of(show(client, sid))
    with room.database.write() as session:
        session.execute(update(schema.assignment).values(status="ended"))
    assert "There is no work to align yet" in text_of(show(client, sid))
    with room.database.write() as session:
        session.execute(update(schema.course).values(framework_id=None))
    assert "before the course has a framework" in text_of(show(client, sid))
    assert "Choose the competencies" in text_of(show(client, sid, "audit"))


def test_a_student_may_not_review(client: FlaskClient, room: Class) -> None:
    sid = room.sid(room.students[0], "learner")
    for path in ("review", "audit", "audit.csv"):
        assert client.get(f"/s/{sid}/align/{path}").status_code == 403


def test_the_audit_tells_what_is_assessed_too_little(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.alignment).values(created_at=room.now - timedelta(days=40))
        )
        session.execute(
            update(schema.score)
            .where(schema.score.c.assignment_id == room.assignments[3])
            .values(scored_on=(room.now - timedelta(days=31)).date())
        )
    text = text_of(show(client, sid, "audit"))
    text, told = text.replace("Work that has fed nothing 1 ", "", 1), text
    assert (
        "Never assessed 1 Assessed once 2 Assessed in one way only 1 "
        "Work that has fed nothing 1 Never assessed 1" in told
    )
    text = text[text.rindex("Never assessed") :]
    groups = re.split(
        r"Never assessed|Assessed once|Assessed in one way only|Work that has fed", text
    )
    never, once, one_way, idle = (
        re.findall(r"\b(?:RA|NU)\.\d", one) for one in groups[1:]
    )
    assert (never, once, one_way) == (["NU.2"], ["RA.2", "NU.1"], ["RA.1"])
    assert idle == ["NU.1"]
    assert "Unit 3 quiz" in groups[-1]
    sheet = client.get(f"/s/{sid}/align/audit.csv").get_data(as_text=True)
    lines = list(csv.reader(io.StringIO(sheet.removeprefix("\ufeff"))))
    assert [line[0] for line in lines] == ["Code", "RA.1", "RA.2", "NU.1", "NU.2"]
    assert lines[3][2:] == ["1", "gradebook", "Unit 3 quiz"]
    assert lines[4][2:] == ["0", "", ""]


def link_of(room: Class, number: int = -1) -> int:
    """The id of an alignment, the newest unless said."""
    return int(rows(room, schema.alignment, "id")[number][0])


@pytest.mark.usefixtures("quiz")
def test_aligned_work_stands_below_with_its_links(
    client: FlaskClient, room: Class, sid: str
) -> None:
    text = text_of(show(client, sid))
    assert "Aligned work 4" in text
    assert "Unit 3 quiz 1 score NU.1" in text
    page = show(client, sid, f"link/{link_of(room)}?act=remove&back=review")
    assert "Removing this drops 1 piece of evidence and lowers 1 level." in text_of(
        page
    )
    assert "Chloé Dubois NU.1 2 Developing Not assessed lower" in text_of(page)
    answer = client.post(
        f"/s/{sid}/align/link/{link_of(room)}",
        data={"csrf": room.csrf(sid), "act": "remove", "back": "review"},
        follow_redirects=True,
    )
    assert "Saved. 1 level changed." in text_of(answer.get_data(as_text=True))
    assert len(saved(room)) == 3
    gone = client.get(f"/s/{sid}/align/link/{link_of(room) + 1}")
    assert gone.status_code == 404


def change_link(
    client: FlaskClient, room: Class, sid: str, **form: object
) -> tuple[int, str]:
    answer = client.post(
        f"/s/{sid}/align/link/{link_of(room)}",
        data={"csrf": room.csrf(sid), "back": "align", "weight": "1", **form},
        follow_redirects=True,
    )
    return answer.status_code, text_of(answer.get_data(as_text=True))


def test_a_link_is_changed_after_its_effect_was_shown(
    client: FlaskClient, room: Class, sid: str
) -> None:
    third, fourth = room.competencies[2:]
    before = saved(room)
    code, text = change_link(client, room, sid, competency="NU.2", act="preview")
    assert (code, saved(room)) == (200, before)
    assert "Chloé Dubois NU.1 2 Developing Not assessed lower" in text
    assert "Chloé Dubois NU.2 Not assessed 2 Developing" in text
    code, text = change_link(client, room, sid, competency="NU.2", act="save")
    assert (code, "Saved. 2 levels changed." in text) == (200, True)
    assert saved(room)[-1][1:3] == (fourth, 1.0)
    declined = rows(room, schema.declined_alignment, "competency_id")
    assert declined == [(third,)]  # the SIS does not bring back what she moved away
    same = change_link(client, room, sid, competency="NU.2", act="save")
    assert "That was already so." in same[1]
    practice = {"competency": "NU.2", "weight": "2,5", "practice": "yes"}
    change_link(client, room, sid, **practice, act="save")
    assert saved(room)[-1][1:5] == (fourth, 2.5, "", True)


def test_a_link_that_another_is_already_is_refused(
    client: FlaskClient, room: Class, sid: str
) -> None:
    work = room.assignments[-1]
    with room.database.write() as session:
        session.execute(
            insert(schema.alignment).values(
                course_id=room.course,
                assignment_id=work,
                competency_id=room.competencies[3],
                weight=1.0,
                made_by="cli",
                created_at=room.now,
            )
        )
    before = saved(room)
    for form, words in (
        ({"competency": "NU.1"}, "speaks for this competency already"),
        ({"competency": "case"}, "is not exactly one competency of this course"),
        ({"competency": "NU.2", "weight": "x"}, "A weight is a number above 0"),
    ):
        code, text = change_link(client, room, sid, **form, act="save")
        assert (code, words in text, saved(room)) == (422, True, before)


def test_in_a_course_that_has_ended_alignments_are_only_read(
    client: FlaskClient, room: Class, sid: str, quiz: int
) -> None:
    with room.database.write() as session:
        session.execute(update(schema.course).values(status="tobedeleted"))
        gone = datetime(2026, 6, 12, tzinfo=UTC)
        session.execute(update(schema.sis_class).values(modified_at=gone))
    before = saved(room)
    kept = "This course ended on Jun 12, 2026. Its levels are kept as they are."
    assert kept in client.get(f"/s/{sid}/class").get_data(as_text=True)
    for path in ("review", "", f"link/{link_of(room)}?act=remove"):
        html = client.get(f"/s/{sid}/align/{path}".rstrip("/")).get_data(as_text=True)
        assert kept in html
        assert "<form method=" not in html
        assert "Unit 3 quiz" in html
    form = {f"tick-{quiz}.0": "yes", f"choice-{quiz}.0": room.competencies[3]}
    assert send(client, room, sid, **form, act="accept")[0] == 422
    assert change_link(client, room, sid, competency="NU.2", act="save")[0] == 422
    for more in ({"alignment": link_of(room)}, {"assignment": quiz}):
        answer = client.post(
            f"/s/{sid}/align",
            data={"csrf": room.csrf(sid), "competency": "NU.2", **more},
        )
        assert answer.status_code == 422
    assert saved(room) == before


@pytest.mark.usefixtures("quiz")
def test_while_the_model_has_not_spoken_the_page_says_so_and_orders_it(
    client: FlaskClient, room: Class, sid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered: list[int] = []
    client.application.extensions["order_meaning"] = ordered.append
    monkeypatch.setattr(sentences, "is_installed", lambda: False)
    assert "What the texts mean is being read now." not in show(client, sid)
    monkeypatch.setattr(sentences, "is_installed", lambda: True)
    assert "What the texts mean is being read now." in show(client, sid)
    assert ordered == [room.course]
