"""The matching desk: what waits, what was joined, and every decision taken back."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert, select

from lti_tool.storage import schema
from lti_tool.storage.database import Session
from lti_tool.work import people
from tests.web.admin.conftest import Office, Visitor, words

DESK = "/admin/matching"
MARTA = {"given_name": "Márta", "family_name": "O'Neil"}


def put(session: Session, table: str, **values: object) -> int:
    rows = schema.metadata.tables[table]
    return int(session.scalar(insert(rows).values(**values).returning(rows.c.id)) or 0)


def add_user(
    session: Session, office: Office, sourced_id: str, role: str, **facts: str
) -> int:
    """Add a SIS user with a person of her own and a seat in class a."""
    names = {"given_name": facts["given_name"], "family_name": facts["family_name"]}
    display = f"{facts['given_name']} {facts['family_name']}"
    who = put(session, "person", **names, display_name=display, created_at=office.now)
    user = put(
        session,
        "sis_user",
        source_id=1,
        sourced_id=sourced_id,
        fingerprint="f",
        person_id=who,
        is_enabled=True,
        roles=[{"role": role, "role_type": "primary", "org": "north"}],
        **facts,
    )
    put(
        session,
        "enrollment",
        source_id=1,
        sourced_id=f"e-{sourced_id}",
        fingerprint="f",
        class_sourced_id="a",
        user_sourced_id=sourced_id,
        role="student",
    )
    put(session, "seat", person_id=who, course_id=1, role="learner", origin="sis")
    return user


def fill(office: Office, count: int = 1) -> None:
    """A school whose SIS has count students twice, once as a parent."""
    with office.database.write() as session:
        put(
            session,
            "source",
            name="Northside SIS",
            kind="csv",
            location="x",
            created_at=office.now,
        )
        put(
            session,
            "org",
            source_id=1,
            sourced_id="north",
            fingerprint="f",
            name="Northside Middle",
            kind="school",
        )
        put(
            session,
            "sis_class",
            source_id=1,
            sourced_id="a",
            fingerprint="f",
            title="Grade 7 Math, section B",
        )
        put(session, "course", sis_class_id=1, title="Math", created_at=office.now)
        for number in range(count):
            name = MARTA if not number else {**MARTA, "family_name": f"Ek {number}"}
            same = {
                "identifier": f"77{number}",
                "email": f"m{number}@school.example",
                **name,
            }
            add_user(session, office, f"s-{number}", "student", **same)
            add_user(session, office, f"p-{number}", "parent", **same)
        people.match_waiting(session, now=office.now)


def links(office: Office) -> list[tuple[str, str | None]]:
    table = schema.person_link
    with office.database.read() as session:
        found = session.execute(
            select(table.c.status, table.c.decided_by).order_by(table.c.id)
        )
        return [(row[0], row[1]) for row in found]


def persons(office: Office) -> list[int]:
    table = schema.sis_user
    with office.database.read() as session:
        return list(session.scalars(select(table.c.person_id).order_by(table.c.id)))


def press(visitor: Visitor, path: str, value: str, **more: str) -> str:
    answer = visitor.send(path, f"{DESK}/decide", do=value, **more)
    assert answer.status_code == 303, answer.text
    return words(visitor.read(answer.location))


def test_a_new_installation_says_when_people_come(rosa: Visitor) -> None:
    assert "Nobody is here yet" in words(rosa.read(DESK))


def test_home_says_how_many_pairs_wait(office: Office, rosa: Visitor) -> None:
    assert "may be one person" not in words(rosa.read("/admin/"))
    fill(office, 2)
    page = rosa.read("/admin/")
    told = "2 pairs of accounts may be one person each and wait for you."
    assert told in words(page)
    press(rosa, DESK, "accept:1")
    told = "1 pair of accounts may be one person and waits for you."
    assert told in words(rosa.read("/admin/"))


def test_the_desk_counts_and_shows_both_sides(office: Office, rosa: Visitor) -> None:
    fill(office)
    page = rosa.read(DESK)
    said = words(page)
    assert "Northside SIS SIS 2 0 1 waiting, of Northside SIS 2" in said
    assert "The same identifier and name, but one is a student and the other" in said
    both = "✓ the same on both sides"
    assert said.count(f"Márta O'Neil {both} From Northside SIS (SIS)") == 2
    assert said.count(f"Identifier 770 {both}") == 2
    assert "student · Northside Middle Classes Grade 7 Math, section B" in said
    assert said.count("m…@school.example") == 2
    assert "m0@school.example" not in page


def test_accepting_joins_and_taking_back_parts_again(
    office: Office, rosa: Visitor
) -> None:
    fill(office)
    before = persons(office)
    assert "1 accepted." in press(rosa, DESK, "accept:1")
    assert len(set(persons(office))) == 1
    assert "Nobody waits for a decision." in words(rosa.read(DESK))
    joined = f"{DESK}?status=active"
    assert "1 taken back: everything is as it was." in press(rosa, joined, "undo:1")
    assert persons(office) == before
    assert links(office) == [("undone", f"admin:{office.rosa}")]
    assert [what for who, what in office.changes() if "link" in what] == [
        "person link active",
        "person link undone",
    ]


def test_many_are_decided_at_once(office: Office, rosa: Visitor) -> None:
    fill(office, 3)
    data = {"csrf": rosa.token(DESK), "do": "refuse", "link": ["1", "3"]}
    answer = rosa.client.post(f"{DESK}/decide", data=data)
    assert "2 refused; they are not proposed again." in words(
        rosa.read(answer.location)
    )
    assert [status for status, _by in links(office)] == [
        "refused",
        "proposed",
        "refused",
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"do": "accept"}, "Nothing is ticked, so nothing was done."),
        ({"do": "explode:1"}, "Nothing was chosen to do."),
        ({}, "Nothing was chosen to do."),
        ({"do": "undo:1"}, "1 was left as it is: somebody has decided it since."),
        ({"do": "accept:99"}, "1 was left as it is: somebody has decided it since."),
        ({"do": "accept:x"}, "1 was left as it is: somebody has decided it since."),
    ],
)
def test_what_cannot_be_done_is_said(
    office: Office, rosa: Visitor, fields: dict[str, str], said: str
) -> None:
    fill(office)
    answer = rosa.send(DESK, f"{DESK}/decide", **fields)
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert links(office) == [("proposed", None)]


def test_the_list_is_searched_and_paged(office: Office, rosa: Visitor) -> None:
    fill(office, 30)
    first = rosa.read(DESK)
    assert "1 to 25 of 30" in words(first)
    (later,) = re.findall(r'href="([^"]+)" rel="next"', first)
    assert "26 to 30 of 30" in words(rosa.read(later))
    assert "1 to 1 of 1" in words(rosa.read(f"{DESK}?words=Ek+17"))
    assert "1 to 1 of 1" in words(rosa.read(f"{DESK}?words=7717&system=sis:1"))
    nothing = words(rosa.read(f"{DESK}?words=100%25&system=lms:4"))
    assert "Nothing fits what you asked for." in nothing


def test_everything_known_of_a_person_is_on_one_page(
    office: Office, rosa: Visitor
) -> None:
    fill(office, 2)
    (one, *_rest) = persons(office)
    found = words(rosa.read(f"{DESK}/people?words=Neil"))
    assert "1 to 2 of 2" in found
    page = f"{DESK}/people/{one}"
    assert "1 account is this person." in words(rosa.read(page))
    others = rosa.read(f"{page}?words=Ek")
    assert "This account is Márta O'Neil, too" in words(others)
    answer = rosa.send(f"{page}?words=Ek", f"{page}/join", account="sis:3")
    assert answer.status_code == 303
    said = words(rosa.read(answer.location))
    assert "Joined. It can be taken back below." in said
    assert "2 accounts are this person." in said
    assert "Joined by hand" in said
    assert persons(office)[2] == one
    again = rosa.send(page, f"{page}/join", account="sis:3")
    assert again.status_code == 422
    assert "These are one person already" in words(again.text)
    back = press(rosa, page, "undo:3", person=str(one))
    assert "1 taken back" in back
    assert persons(office)[2] != one


def test_whom_the_sis_does_not_know_is_found_by_platform(
    office: Office, rosa: Visitor
) -> None:
    fill(office)
    with office.database.write() as session:
        put(
            session,
            "registration",
            name="Our LMS",
            issuer="https://lms",
            client_id="us",
            auth_url="https://lms/a",
            token_url="https://lms/t",  # noqa: S106 -- an address
            jwks_url="https://lms/k",
            created_at=office.now,
        )
        for number, rule in enumerate(("lis", "alone"), 1):
            who = put(
                session,
                "person",
                given_name="Zoe",
                family_name=f"Z{number}",
                display_name=f"Zoe Z{number}",
                created_at=office.now,
            )
            put(
                session,
                "lms_user",
                registration_id=1,
                subject=f"z{number}",
                given_name="Zoe",
                family_name=f"Z{number}",
                person_id=who,
                link_rule=rule,
                seen_at=office.now,
            )
    page = rosa.read(DESK)
    assert "Our LMS LMS 2 1 0 1 not matched, of Our LMS" in words(page)
    found = words(rosa.read(f"{DESK}/people?alone=1"))
    assert "1 to 1 of 1 Zoe Z2" in found
    assert "1 to 1 of 1" in words(rosa.read(f"{DESK}/people?alone=1&words=zoe"))
    assert "Nobody goes by" in words(rosa.read(f"{DESK}/people?alone=1&words=O'Neil"))
    empty = words(rosa.read(f"{DESK}/people?alone=7"))
    assert "Everybody of this platform is matched." in empty


def test_nobody_of_that_name_and_nobody_of_that_number(
    office: Office, rosa: Visitor
) -> None:
    fill(office)
    assert "Nobody goes by “zzz”" in words(rosa.read(f"{DESK}/people?words=zzz"))
    assert "Type a part of a name" in words(rosa.read(f"{DESK}/people"))
    rosa.read(f"{DESK}/people/999", 404)


def test_a_name_is_text_and_no_markup(office: Office, rosa: Visitor) -> None:
    fill(office)
    with office.database.write() as session:
        name = {"given_name": "<script>x</script>", "family_name": "Q"}
        add_user(session, office, "bad", "student", **name)
    page = rosa.read(f"{DESK}/people?words=script")
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
