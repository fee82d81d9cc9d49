"""Groups across the classes of one teacher: who is in which, and by what rule."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from lti_tool.storage import schema
from lti_tool.work import standing
from tests.web.conftest import Class, put


@pytest.fixture
def sid(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


def second_class(room: Class, *, taught_by: int, title: str = "Section C") -> int:
    """Another course on the framework: Amira sits in it too, and somebody new."""
    with room.database.write() as session:
        course = put(
            session, schema.course, title=title, framework_id=room.framework,
            rule="highest", created_at=room.now,
        )  # fmt: skip
        zoe = put(
            session, schema.person, given_name="Zoe", family_name="Zimmer",
            display_name="Zoe Zimmer", created_at=room.now,
        )  # fmt: skip
        for person, role in (
            (room.students[0], "learner"), (zoe, "learner"), (taught_by, "instructor"),
        ):  # fmt: skip
            put(session, schema.seat, person_id=person, course_id=course, role=role,
                origin="sis")  # fmt: skip
        for work in room.assignments:
            aligned = session.execute(
                schema.alignment.select().where(
                    schema.alignment.c.assignment_id == work,
                    schema.alignment.c.course_id == room.course,
                )
            ).one()
            put(session, schema.alignment, course_id=course, assignment_id=work,
                competency_id=aligned.competency_id, weight=1.0, made_by="cli",
                created_at=room.now)  # fmt: skip
        standing.refresh(session, course, now=room.now)
    return course


def sets(client: FlaskClient, path: str) -> list[tuple[str, list[str]]]:
    """Each group of the page: its rule, and who is in it with the classes."""
    answer = client.get(path)
    assert answer.status_code == 200
    found = []
    for part in answer.text.split('<fieldset class="set">')[1:]:
        rule = re.search(r'<p class="why">(.*?) <span', part)
        assert rule
        lines = re.findall(r"<li>(.*?)</li>", part.split("</fieldset>")[0])
        bare = [" ".join(re.sub(r"<[^>]+>", "", one).split()) for one in lines]
        found.append((unescape(rule[1]), [unescape(one) for one in bare]))
    return found


def test_a_group_shares_a_gap_and_says_so(client: FlaskClient, sid: str) -> None:
    assert sets(client, f"/s/{sid}/groups") == [
        (
            "Not yet at 3 Proficient on RA.1, which RA.2 builds on.",
            ["Wei Chen", "Siobhán O'Sullivan", "Ben Ortiz"],
        ),
        (
            "Not yet at 3 Proficient on RA.2, which NU.1 builds on.",
            ["Wei Chen", "Siobhán O'Sullivan", "Ben Ortiz"],
        ),
        (
            "Not yet at 3 Proficient on NU.1, though RA.2 is shown.",
            ["Chloé Dubois"],
        ),
    ]


def test_who_is_ready_to_be_looked_at_and_who_for_more(
    client: FlaskClient, sid: str
) -> None:
    assert sets(client, f"/s/{sid}/groups?tab=check") == [
        ("RA.2 is shown; there is no evidence for NU.1 yet.", ["Amira Haddad"])
    ]
    assert sets(client, f"/s/{sid}/groups?tab=more") == [
        ("Secure on RA.1, and RA.2, which builds on it, is open.", ["Chloé Dubois"]),
        (
            "Secure on RA.2, and NU.1, which builds on it, is open.",
            ["Chloé Dubois", "Amira Haddad"],
        ),
    ]
    assert sets(client, f"/s/{sid}/groups?tab=nonsense") == sets(
        client, f"/s/{sid}/groups"
    )


def test_groups_go_across_the_classes_of_one_teacher(
    client: FlaskClient, sid: str, room: Class
) -> None:
    other = second_class(room, taught_by=room.teacher)
    second_class(room, taught_by=room.students[0], title="Of somebody else")

    rule, people = sets(client, f"/s/{sid}/groups")[0]
    assert rule == "Not yet at 3 Proficient on RA.1, which RA.2 builds on."
    assert people == [
        "Wei Chen Grade 7 Math, section B",
        "Siobhán O'Sullivan Grade 7 Math, section B",
        "Ben Ortiz Grade 7 Math, section B",
        "Zoe Zimmer Section C",
    ]
    assert sets(client, f"/s/{sid}/groups?tab=check") == [
        (
            "RA.2 is shown; there is no evidence for NU.1 yet.",
            ["Amira Haddad Grade 7 Math, section B, Section C"],
        )
    ]
    assert sets(client, f"/s/{sid}/groups?course={other}")[0][1] == ["Zoe Zimmer"]
    for foreign in (other + 1, 10**9, "x"):
        whole = client.get(f"/s/{sid}/groups?course={foreign}").text
        assert "Of somebody else" not in whole
        assert whole.count("Zoe Zimmer") > 1


def test_what_her_record_holds_counts_in_every_class(
    client: FlaskClient, sid: str, room: Class
) -> None:
    wei, first = room.students[3], room.competencies[0]
    with room.database.write() as session:
        session.execute(
            update(schema.record)
            .where(
                schema.record.c.person_id == wei,
                schema.record.c.competency_id == first,
            )
            .values(is_mastered=True)
        )
    assert sets(client, f"/s/{sid}/groups")[:2] == [
        (
            "Not yet at 3 Proficient on RA.2, which NU.1 builds on.",
            ["Wei Chen", "Siobhán O'Sullivan", "Ben Ortiz"],
        ),
        (
            "Not yet at 3 Proficient on RA.1, which RA.2 builds on.",
            ["Siobhán O'Sullivan", "Ben Ortiz"],
        ),
    ]


def test_the_ticked_names_stand_ready_to_be_copied(
    client: FlaskClient, sid: str, room: Class
) -> None:
    """Without a script the page itself holds them; each name once."""
    first, second = room.competencies[:2]
    ben, wei = room.students[1], room.students[3]
    who = "&".join(f"who={c}-{p}" for c in (first, second) for p in (ben, wei))
    page = client.get(f"/s/{sid}/groups?names=1&{who}&who=1-999&who=x").text
    field = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert field
    assert field[1].split("\n") == ["Wei Chen", "Ben Ortiz"]
    assert page.count(" checked>") == 4
    nobody = client.get(f"/s/{sid}/groups?names=1").text
    assert "Tick at least one student first." in nobody.split('role="alert">')[1]


def test_a_course_without_framework_work_or_students_says_what_to_do(
    client: FlaskClient, sid: str, room: Class
) -> None:
    with room.database.write() as session:
        session.execute(update(schema.seat).where(schema.seat.c.role == "learner")
                        .values(status="ended"))  # fmt: skip
    assert "The class list is empty" in client.get(f"/s/{sid}/groups").text
    with room.database.write() as session:
        session.execute(update(schema.course).values(framework_id=None))
    assert "Nothing counts as evidence yet" in client.get(f"/s/{sid}/groups").text
