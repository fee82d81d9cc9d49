"""One person, several accounts: joined by rule, proposed, decided, taken back."""

from __future__ import annotations

import contextlib
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from lti_tool.errors import ConfigError
from lti_tool.storage import roster, schema
from lti_tool.storage.session import Session
from lti_tool.work import linking, matching, people, standing
from lti_tool.work.linking import Author
from oneroster.models import Role, refer
from oneroster.models_rostering import UserId

if TYPE_CHECKING:
    from tests.lti_tool.sync.conftest import Sis

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BY = Author("admin:1", NOW)
ANA = {"given_name": "Ana", "family_name": "Žebrė"}


def role_at(role: str, school: str = "school") -> tuple[Role, ...]:
    return (Role(role=role, org=refer("org", school)),)


def people_of(sis: Sis) -> dict[str, int]:
    return dict(sis.rows(schema.sis_user, "sourced_id", "person_id"))


def the_links(sis: Sis, *names: str) -> list[tuple[Any, ...]]:
    return sis.rows(schema.person_link, *(names or ("rule", "status", "made_by")))


def twice(sis: Sis, second: dict[str, Any] | None = None, **same: object) -> None:
    """Ana has two accounts, 1 and 1b, which share what is said."""
    sis.put("users", sis.user("1", **ANA, **same))
    sis.put("users", sis.user("1b", **(ANA | same | (second or {}))))


@pytest.mark.parametrize(
    ("same", "second", "rule"),
    [
        ({"identifier": "77"}, {}, "identifier_and_name"),
        ({"identifier": "77"}, {"family_name": "ZEBRE"}, "identifier_and_name"),
        (
            {"user_master_identifier": "m-1"},
            {"family_name": "Other"},
            "master_id",
        ),
    ],
)
def test_sure_accounts_become_one_person(
    sis: Sis, same: dict[str, Any], second: dict[str, Any], rule: str
) -> None:
    twice(sis, second, **same)
    sis.put("enrollments", sis.enrollment("1b", "b"))
    sis.put("results", sis.result("r5", "w2", "1b", 8.0))
    sis.sync()
    who = people_of(sis)
    assert who["1"] == who["1b"]
    assert len(set(who.values())) == 4
    assert the_links(sis) == [(rule, "active", "rule")]
    scores = sis.rows(schema.score, "sourced_id", "person_id")
    assert ("r5", who["1"]) in scores
    sis.sync()  # the newest account names the person
    assert sis.sync().written == 0
    assert the_links(sis) == [(rule, "active", "rule")]


@pytest.mark.parametrize(
    ("same", "second", "rule"),
    [
        # A student is no teacher, whatever the numbers say.
        ({"identifier": "77"}, {"roles": role_at("teacher")}, "other_kind"),
        (
            {"identifier": "77", "user_master_identifier": "m-1"},
            {"user_master_identifier": "m-2"},
            "shared_identifier",
        ),
        (
            {"identifier": "77", "username": "ana"},
            {"identifier": "78", "username": "Ana"},
            "name_and_login",
        ),
        (
            {"user_ids": (UserId(type="LDAP", identifier="az"),)},
            {"username": "other"},
            "name_and_login",
        ),
    ],
)
def test_unsure_ones_wait_for_a_person(
    sis: Sis, same: dict[str, Any], second: dict[str, Any], rule: str
) -> None:
    twice(sis, second, **same)
    sis.sync()
    sis.sync()
    who = people_of(sis)
    assert who["1"] != who["1b"]
    assert the_links(sis) == [(rule, "proposed", "rule")]


@pytest.mark.parametrize(
    ("same", "second"),
    [
        ({"email": "ana@school.example"}, {}),
        ({"email": "a@s.example", "identifier": "1"}, {"identifier": "2"}),
        # The same identifier and another name, the same name and nothing else.
        ({"identifier": "77"}, {"given_name": "Eva"}),
        ({}, {}),
        ({"username": "ana"}, {"roles": role_at("student", "annex")}),
        ({"user_master_identifier": ""}, {"family_name": "Other"}),
    ],
)
def test_nothing_else_joins_or_proposes(
    sis: Sis, same: dict[str, Any], second: dict[str, Any]
) -> None:
    """B14: never by e-mail."""
    if "annex" in str(second):
        sis.put(
            "orgs", sis.records["orgs"][0].model_copy(update={"sourced_id": "annex"})
        )
    twice(sis, second, **same)
    sis.sync()
    who = people_of(sis)
    assert who["1"] != who["1b"]
    assert the_links(sis) == []


def test_a_teacher_here_is_a_parent_there(sis: Sis) -> None:
    twice(sis, {"roles": role_at("guardian")}, roles=role_at("teacher"), identifier="9")
    sis.sync()
    assert people_of(sis)["1"] == people_of(sis)["1b"]


def test_an_identifier_of_many_is_a_placeholder(sis: Sis) -> None:
    sis.put("users", *(sis.user(f"x{n}", **ANA, identifier="0") for n in range(9)))
    sis.sync()
    assert the_links(sis) == []


def test_another_source_only_proposes(sis: Sis) -> None:
    twice(sis, {"identifier": "78"}, identifier="77")
    sis.sync()
    other = sis.add_source("other")
    sis.sync(source_id=other)
    found = the_links(sis, "rule", "status")
    assert set(found) == {("other_source", "proposed")}


def test_who_comes_again_with_another_sourced_id_stays_who_she_is(sis: Sis) -> None:
    sis.put("users", sis.user("1", **ANA, identifier="77"))
    sis.sync()
    before = people_of(sis)["1"]
    sis.drop("users", "1")
    sis.drop("enrollments", "1@a", "1@b")
    sis.drop("results", "r1", "r2", "r4")
    sis.put("users", sis.user("new", **ANA, identifier="77"))
    sis.put("enrollments", sis.enrollment("new", "a"))
    sis.put("results", sis.result("r1-new", "w1", "new", 4.0))
    sis.sync(accept_ends=True)
    assert people_of(sis)["new"] == before
    seats = sis.rows(schema.seat, "person_id", "course_id", "status")
    assert (before, 1, "active") in seats


def classes(sis: Sis) -> None:
    """Give class a and b a framework, and let their work speak for it."""
    with sis.database.write() as session:
        session.execute(
            insert(schema.framework).values(
                id=1,
                case_id="fw",
                title="F",
                creator="t",
                payload={},
                package={},
                fingerprint="f",
                imported_at=NOW,
            )
        )
        session.execute(
            insert(schema.competency).values(
                id=1,
                framework_id=1,
                case_id="c",
                statement="C",
                position=0,
                is_assessable=True,
                payload={},
                fingerprint="f",
            )
        )
        session.execute(schema.course.update().values(framework_id=1, rule="average"))
        works = session.execute(
            select(schema.assignment.c.id, schema.assignment.c.course_id)
        ).all()
        session.execute(
            insert(schema.alignment),
            [
                {
                    "assignment_id": work,
                    "course_id": course,
                    "competency_id": 1,
                    "weight": 1.0,
                    "made_by": "t",
                    "created_at": NOW,
                }
                for work, course in works
            ],
        )
    roster_refresh(sis)


def roster_refresh(sis: Sis) -> None:
    with sis.database.write() as session:
        for course_id in roster.load_stale(session.connection()):
            standing.refresh(session, course_id, now=NOW)


def state(sis: Sis) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is somebody's."""
    return {
        "accounts": sis.rows(schema.sis_user, "sourced_id", "person_id"),
        "lms": sis.rows(schema.lms_user, "subject", "person_id"),
        "scores": sis.rows(schema.score, "sourced_id", "person_id"),
        "seats": sis.rows(
            schema.seat, "person_id", "course_id", "role", "status", "origin"
        ),
        # What nothing speaks for any more is kept as withdrawn, for those who pull.
        "levels": [
            row[:4]
            for row in sis.rows(
                schema.attainment,
                "person_id",
                "course_id",
                "value",
                "evidence_count",
                "withdrawn_at",
            )
            if row[4] is None
        ],
        "records": sorted(
            sis.rows(schema.record, "person_id", "value", "evidence_count")
        ),
        "entries": sis.rows(schema.observation, "person_id", "course_id", "given"),
        "set": sis.rows(schema.teacher_level, "person_id", "course_id", "level"),
    }


def ids(sis: Sis) -> dict[str, int]:
    return dict(sis.rows(schema.sis_user, "sourced_id", "id"))


@pytest.fixture
def school(sis: Sis) -> Sis:
    """Synced, with levels; 1 and 2 sit in class a, 1 in b; nobody is joined."""
    sis.sync()
    classes(sis)
    with sis.database.write() as session:
        session.execute(
            insert(schema.registration).values(
                id=1,
                name="lms",
                issuer="https://lms",
                client_id="us",
                auth_url="https://lms/a",
                token_url="https://lms/t",  # noqa: S106 -- an address
                jwks_url="https://lms/k",
                created_at=NOW,
            )
        )
        who = people_of(sis)
        session.execute(
            insert(schema.lms_user),
            [
                {
                    "registration_id": 1,
                    "subject": f"lms-{key}",
                    "person_id": who[key],
                    "link_rule": "lis",
                    "lis_person_sourcedid": key,
                    "seen_at": NOW,
                }
                for key in ("1", "2")
            ],
        )
        entered_of(session, who["2"])
    return sis


def entered_of(session: Session, person_id: int) -> None:
    """Her own view, which counts nowhere, and a level that a teacher set and ended."""
    of = {"person_id": person_id, "competency_id": 1, "course_id": 1, "made_by": "t"}
    session.execute(
        insert(schema.observation).values(
            **of,
            kind="self",
            task="self",
            title="I can",
            given=4.0,
            maximum=4.0,
            happened_at=NOW,
            status="accepted",
            made_at=NOW,
        )
    )
    session.execute(
        insert(schema.teacher_level).values(
            **of,
            level=1,
            level_name="Developing",
            reason="Seen",
            lasts="removed",
            made_at=NOW,
            ended_at=NOW,
            ended_by="t",
            ended_why="removed",
        )
    )


STEPS = st.lists(
    st.tuples(st.sampled_from("123t"), st.sampled_from("123t")), min_size=1, max_size=4
)


@given(joins=STEPS)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_is_joined_and_taken_back_is_as_it_was(
    school: Sis, joins: list[tuple[str, str]]
) -> None:
    """Accounts are joined in any way, and taken back from the last to the first."""
    before, known = state(school), ids(school)
    made = []
    for one, other in joins:
        who = people_of(school)
        if who[one] == who[other]:
            continue
        with school.database.write() as session:
            made.append(linking.join(session, "sis", known[one], who[other], BY))
        assert people_of(school)[one] == people_of(school)[other]
    for link_id in reversed(made):
        with school.database.write() as session:
            linking.undo(session, link_id, BY)
    roster_refresh(school)
    assert state(school) == before


@given(
    joins=st.lists(st.permutations("123t"), min_size=2, max_size=3),
    order=st.permutations(range(3)),
)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_links_are_taken_back_in_any_order(
    school: Sis, joins: list[list[str]], order: list[int]
) -> None:
    """One that a later link stands on waits for it."""
    before, known = state(school), ids(school)
    made: list[int] = []
    for one, other, *_rest in joins:
        who = people_of(school)
        if who[one] != who[other]:
            with school.database.write() as session:
                made.append(linking.join(session, "sis", known[one], who[other], BY))
    left = [made[place] for place in order if place < len(made)]
    for _round in range(len(left)):
        for link_id in list(left):
            with contextlib.suppress(ConfigError), school.database.write() as session:
                linking.undo(session, link_id, BY)
                left.remove(link_id)
    assert left == []
    roster_refresh(school)
    assert state(school) == before


def test_all_of_a_person_goes_along_and_comes_back(school: Sis) -> None:
    before, known, who = state(school), ids(school), people_of(school)
    with school.database.write() as session:
        link = linking.join(session, "sis", known["2"], who["1"], BY)
    after = state(school)
    assert ("lms-2", who["1"]) in after["lms"]
    assert ("r3", who["1"]) in after["scores"]
    assert [seat for seat in after["seats"] if seat[0] == who["2"]] == []
    # 4, 9 and 7 of 10 in class a: one person's average.
    assert (who["1"], 1, 2.67, 3) in after["levels"]
    assert [level for level in after["levels"] if level[0] == who["2"]] == []
    assert after["entries"] == [(who["1"], 1, 4.0)]
    assert after["set"] == [(who["1"], 1, 1)]
    assert [one[0] for one in after["records"]] == [
        one[0] for one in before["records"] if one[0] != who["2"]
    ]
    with school.database.write() as session:
        linking.undo(session, link, BY)
    assert state(school) == before
    school.sync()
    assert state(school) == before
    changes = school.rows(schema.change, "who", "what", "subject_table")
    assert [one for one in changes if one[2] == "person_link"] == [
        ("admin:1", "person link joined", "person_link"),
        ("admin:1", "person link undone", "person_link"),
    ]


def test_what_a_rule_joined_and_a_person_took_back_stays_apart(sis: Sis) -> None:
    twice(sis, identifier="77")
    sis.sync()
    ((link,),) = the_links(sis, "id")
    with sis.database.write() as session:
        linking.undo(session, link, BY)
    who = people_of(sis)
    assert who["1"] != who["1b"]
    sis.sync()
    assert people_of(sis) == who
    assert the_links(sis) == [("identifier_and_name", "undone", "rule")]
    with sis.database.write() as session, pytest.raises(ConfigError):
        linking.undo(session, link, BY)


def test_a_proposal_is_accepted_once_and_a_refused_one_does_not_come_again(
    sis: Sis,
) -> None:
    twice(sis, {"roles": role_at("teacher")}, identifier="77")
    sis.sync()
    ((link,),) = the_links(sis, "id")
    with sis.database.write() as session:
        linking.refuse(session, link, BY)
    sis.sync()
    assert the_links(sis) == [("other_kind", "refused", "rule")]
    with sis.database.write() as session, pytest.raises(ConfigError) as refused:
        linking.accept(session, link, BY)
    assert str(refused.value) == f"link {link} does not wait any more: it is refused"


def test_accepting_joins(sis: Sis) -> None:
    twice(sis, {"roles": role_at("teacher")}, identifier="77")
    sis.sync()
    ((link,),) = the_links(sis, "id")
    with sis.database.write() as session:
        linking.accept(session, link, BY)
    assert people_of(sis)["1"] == people_of(sis)["1b"]
    assert the_links(sis, "status", "decided_by") == [("active", "admin:1")]


def test_an_lms_user_is_joined_and_set_apart_by_hand(school: Sis) -> None:
    before, who = state(school), people_of(school)
    with school.database.write() as session:
        link = linking.join(session, "lms", 2, who["3"], BY)
    assert school.rows(schema.lms_user, "subject", "person_id", "link_rule") == [
        ("lms-1", who["1"], "lis"),
        ("lms-2", who["3"], "by_hand"),
    ]
    # Nobody's evidence moved: every record stands as it did.
    assert state(school)["records"] == before["records"]
    with school.database.write() as session:
        linking.undo(session, link, BY)
        people.match_waiting(session, now=NOW)
    assert state(school) == before
    rules = school.rows(schema.lms_user, "subject", "link_rule")
    assert rules == [("lms-1", "lis"), ("lms-2", "apart")]


def test_whom_two_people_may_be_waits_with_both(sis: Sis) -> None:
    sis.put("users", sis.user("2", **ANA), sis.user("3", **ANA))
    sis.sync()
    with sis.database.write() as session:
        session.execute(
            insert(schema.registration).values(
                id=1,
                name="lms",
                issuer="https://lms",
                client_id="us",
                auth_url="https://lms/a",
                token_url="https://lms/t",  # noqa: S106 -- an address
                jwks_url="https://lms/k",
                created_at=NOW,
            )
        )
        session.execute(
            insert(schema.person).values(
                id=99, **ANA, display_name="Ana Žebrė", created_at=NOW
            )
        )
        session.execute(
            insert(schema.lms_user).values(
                registration_id=1,
                subject="s",
                person_id=99,
                link_rule="alone",
                seen_at=NOW,
                **ANA,
            )
        )
        session.execute(
            insert(schema.seat).values(
                person_id=99, course_id=1, role="learner", origin="lms"
            )
        )
        for _ in range(2):
            assert people.match_waiting(session, now=NOW) == 0
    who = people_of(sis)
    found = the_links(sis, "kind", "rule", "status", "person_id")
    assert found == [
        ("lms", "name_twice", "proposed", who["2"]),
        ("lms", "name_twice", "proposed", who["3"]),
    ]
    (first, _) = the_links(sis, "id")
    with sis.database.write() as session:
        linking.accept(session, first[0], BY)
    assert the_links(sis, "status") == [("active",), ("refused",)]
    assert sis.rows(schema.lms_user, "person_id", "link_rule") == [
        (who["2"], "by_hand")
    ]


def test_the_recorded_server_has_five_hundred_students_twice(
    sis: Sis, shared_data: Path
) -> None:
    """Ed-Fi, recorded: students with the same identifier and two sourcedIds."""
    folder = shared_data / "oneroster" / "edfi-oneroster-recorded"
    users = [
        user
        for path in sorted(folder.glob("users.*.json.gz"))
        for user in json.loads(gzip.decompress(path.read_bytes()))["users"]
    ]
    sis.sync()
    with sis.database.write() as session:
        for user in users:
            person = session.scalar(
                insert(schema.person)
                .values(given_name="", family_name="", display_name="", created_at=NOW)
                .returning(schema.person.c.id)
            )
            session.execute(
                insert(schema.sis_user).values(
                    source_id=sis.source_id,
                    sourced_id=user["sourcedId"],
                    fingerprint="f",
                    person_id=person,
                    given_name=user["givenName"],
                    family_name=user["familyName"],
                    identifier=user.get("identifier"),
                    user_master_identifier=user.get("userMasterIdentifier"),
                    username=user.get("username"),
                    is_enabled=True,
                    roles=[
                        {"role": one["role"], "org": one["org"]["sourcedId"]}
                        for one in user.get("roles", ())
                    ],
                )
            )
        found = matching.match_accounts(session, now=NOW)
        again = matching.match_accounts(session, now=NOW)
        count = session.scalar(
            select(func.count(func.distinct(schema.sis_user.c.person_id)))
        )
    assert (found.joined, found.proposed) == (500, 0)
    assert (again.joined, again.proposed) == (0, 0)
    assert count == len(users) + 4 - found.joined
