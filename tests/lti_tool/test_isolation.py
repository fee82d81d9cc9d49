"""Two registrations on one issuer share nothing, whatever ids they have in common.

D26 of facts/security.md, and catalogue rows on tokens, over every store: the ids come
from pools so small that they collide on purpose.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey
from sqlalchemy import insert, select

from lti_tool.errors import LaunchError
from lti_tool.lti13.claims import parse_claims
from lti_tool.lti13.keys import KeyCache
from lti_tool.platforms.grades import LINE_ITEM_SCOPE, READ_SCOPE, SCORE_SCOPE
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.members import Member
from lti_tool.platforms.profiles import PROFILES
from lti_tool.platforms.tokens import Client, Tokens
from lti_tool.storage import (
    columns,
    groups,
    logins,
    notices,
    registrations,
    schema,
)
from lti_tool.storage.database import Database, Session, rows
from lti_tool.storage.groups import SavedGroup
from lti_tool.storage.logins import LoginState
from lti_tool.storage.registrations import NewRegistration, Registration
from lti_tool.work import entry, members
from lti_tool.work.entry import Launch, Verified
from tests.ports import free_port

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
ISSUER = "https://canvas.instructure.com"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUICK = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Alike but for case, blanks, or where a separator would be set between two of them.
NAMES = ("a", "A", "a:1", "1", "1:a", "a 1", "ａ")  # noqa: RUF001 -- meant to be alike
names = st.sampled_from(NAMES)


@dataclass(frozen=True)
class Arrival:
    """Somebody comes: by which registration (a place in the list), where, as whom."""

    registration: int
    deployment: str
    context: str
    link: str
    subject: str
    role: str
    sis_id: str | None
    history: tuple[str, ...]


arrivals = st.lists(
    st.builds(
        Arrival,
        registration=st.integers(0, 2),
        deployment=st.sampled_from(("d", "D")),
        context=names,
        link=names,
        subject=names,
        role=st.sampled_from(("Learner", "Instructor", "Nobody")),
        sis_id=st.sampled_from((None, "sis-1", "sis-2", "unknown")),
        history=st.lists(names, max_size=2).map(tuple),
    ),
    min_size=2,
    max_size=12,
)
told_lists = st.lists(st.tuples(st.integers(0, 2), names), max_size=9)
clients = st.lists(names, min_size=3, max_size=3, unique=True)


class _BackError(Exception):
    """Everything of an example is rolled back."""


@dataclass
class Trial:
    """A database with registrations of one issuer, gone when its example ends."""

    session: Session
    registrations: list[Registration] = field(default_factory=list)

    def enter(self, arrival: Arrival) -> Launch:
        registration = self.registrations[arrival.registration]
        custom = {"context_history": ",".join(arrival.history)}
        if arrival.sis_id:
            custom["sis_person"] = arrival.sis_id
        claims = parse_claims(
            {
                "sub": arrival.subject,
                "name": "Ana Lee",
                "given_name": "Ana",
                "family_name": "Lee",
                f"{LTI}message_type": "LtiResourceLinkRequest",
                f"{LTI}version": "1.3.0",
                f"{LTI}deployment_id": arrival.deployment,
                f"{LTI}target_link_uri": "https://tool/lti/launch",
                f"{LTI}roles": [
                    f"http://purl.imsglobal.org/vocab/lis/v2/membership#{arrival.role}"
                ],
                f"{LTI}resource_link": {"id": arrival.link},
                f"{LTI}context": {"id": arrival.context, "title": "Maths"},
                f"{LTI}custom": custom,
            }
        )
        launch = entry.enter(
            self.session, Verified(claims, registration, None),
            browser_hash="b" * 64, now=NOW,
        )  # fmt: skip
        assert not isinstance(launch, LaunchError)
        return launch

    def rows(self, table: str) -> list[dict[str, Any]]:
        return rows(self.session, select(schema.metadata.tables[table]))

    def owner(self) -> dict[str, dict[int, int]]:
        """The registration of each row of a table that has one, by our id."""
        deployment = {
            row["id"]: row["registration_id"] for row in self.rows("deployment")
        }
        return {
            table: {
                row["id"]: deployment[row["deployment_id"]] for row in self.rows(table)
            }
            for table in ("placement", "resource_link")
        } | {
            table: {row["id"]: row["registration_id"] for row in self.rows(table)}
            for table in ("lms_user", "web_session", "login_state", "notice")
        }  # fmt: skip


def trial(database: Database, client_ids: list[str]) -> Iterator[Trial]:
    with suppress(_BackError), database.write() as session:
        made = Trial(session)
        session.execute(
            insert(schema.source).values(
                id=1, name="s", kind="csv", location="x", created_at=NOW
            )
        )
        for number in (1, 2):
            session.execute(
                insert(schema.sis_user).values(
                    source_id=1, sourced_id=f"sis-{number}", fingerprint="x",
                    given_name="Ana", family_name="Lee", is_enabled=True,
                )
            )  # fmt: skip
        for client_id in client_ids:
            registration_id = registrations.add_registration(
                session,
                NewRegistration(
                    name="x", issuer=ISSUER, client_id=client_id,
                    auth_url="https://lms/a", token_url="https://lms/t",  # noqa: S106 -- an address
                    jwks_url=f"https://lms/k/{len(made.registrations)}",
                ),
                deployment_ids=["d", "D"],
                now=NOW,
            )  # fmt: skip
            made.registrations.append(
                registrations.load_registration(session, registration_id)
            )
        yield made
        raise _BackError


@QUICK
@given(client_ids=clients, came=arrivals)
def test_launches_of_two_registrations_share_nothing_but_whom_the_sis_knows(
    database: Database, client_ids: list[str], came: list[Arrival]
) -> None:
    for made in trial(database, client_ids):
        found = [(one, made.enter(one)) for one in came]
        for (one, launch), (other, there) in combinations(found, 2):
            is_same = one.registration == other.registration
            place = (one.registration, one.deployment, one.context)
            at = (other.registration, other.deployment, other.context)
            assert (launch.placement_id == there.placement_id) == (place == at)
            assert launch.course_id != there.course_id or is_same
            is_user = is_same and one.subject == other.subject
            assert (launch.lms_user_id == there.lms_user_id) == is_user
        _owners_agree(made)
        _people_are_shared_by_sis_id_alone(made)


def _owners_agree(made: Trial) -> None:
    """Whatever a row of a registration points to is that registration's too."""
    owner = made.owner()
    for table, row, name, pointed in _pointers(made):
        if row[name] is not None:
            assert owner[pointed][row[name]] == owner[table][row["id"]]
    by_course: dict[int, set[int]] = {}
    for row in made.rows("placement"):
        by_course.setdefault(row["course_id"], set()).add(owner["placement"][row["id"]])
    assert all(len(some) == 1 for some in by_course.values())
    links = made.rows("resource_link")
    keys = [(row["deployment_id"], row["link_id"]) for row in links]
    assert len(keys) == len(set(keys))


def _pointers(made: Trial) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    for table, name, pointed in (
        ("web_session", "placement_id", "placement"),
        ("web_session", "lms_user_id", "lms_user"),
        ("web_session", "resource_link_id", "resource_link"),
        ("resource_link", "placement_id", "placement"),
        ("resource_link", "copied_from_id", "resource_link"),
        ("placement", "copied_from_id", "placement"),
    ):
        for row in made.rows(table):
            yield table, row, name, pointed


def _people_are_shared_by_sis_id_alone(made: Trial) -> None:
    users = made.rows("lms_user")
    for one, other in combinations(users, 2):
        if one["person_id"] == other["person_id"]:
            assert one["link_rule"] == other["link_rule"] == "lis"
    for registration in made.registrations:
        mine = {
            row["person_id"]: row["subject"]
            for row in users
            if row["registration_id"] == registration.id
        }
        place = columns.Place(registration_id=registration.id)
        told = columns.load_recipients(made.session, place)
        assert told.keys() == mine.keys()
        assert set(told.values()) <= {
            row["subject"] for row in users if row["registration_id"] == registration.id
        }


@QUICK
@given(client_ids=clients, came=arrivals, subjects=st.sets(names, max_size=4))
def test_lists_and_groups_of_two_registrations_touch_only_their_own(
    database: Database, client_ids: list[str], came: list[Arrival], subjects: set[str]
) -> None:
    for made in trial(database, client_ids):
        launches = [made.enter(one) for one in came]
        first = launches[0]
        before = {
            table: [row for row in made.rows(table) if _is_others(table, row, first)]
            for table in ("lms_user", "web_session", "seat")
        }
        place = entry.placements.load_placement(made.session, first.placement_id)
        listed = [
            Member(user_id=subject, roles=("Learner",), name="Bo")
            for subject in sorted(subjects)
        ]
        roster = members.Roster(tuple(listed))
        known = dict(
            zip(
                (one.user_id for one in listed),
                members._save_batch(made.session, place, listed, NOW),  # noqa: SLF001 -- inside one transaction
                strict=True,
            )
        )
        members._end_departed(made.session, place, dict(known), NOW, "all")  # noqa: SLF001 -- the same
        kept = groups.save_groups(
            made.session, first.placement_id, [SavedGroup("1", "G", None)]
        )
        groups.save_members(
            made.session, first.registration_id, list(kept.values()),
            {kept["1"]: [one.user_id for one in roster.members]},
        )  # fmt: skip
        after = {
            table: [row for row in made.rows(table) if _is_others(table, row, first)]
            for table in before
        }
        assert after == before
        owner = made.owner()["lms_user"]
        assert {owner[row["lms_user_id"]] for row in made.rows("group_member")} <= {
            first.registration_id
        }
        for launch in launches:
            if launch.course_id != first.course_id:
                assert groups.load_groups(made.session, launch.course_id or 0) == []


def _is_others(table: str, row: dict[str, Any], first: Launch) -> bool:
    if table == "seat":
        return bool(row["course_id"] != first.course_id)
    return bool(row["registration_id"] != first.registration_id)


@QUICK
@given(client_ids=clients, told=told_lists)
def test_logins_and_notices_of_two_registrations_are_their_own(
    database: Database, client_ids: list[str], told: list[tuple[int, str]]
) -> None:
    for made in trial(database, client_ids):
        heard: set[tuple[int, str]] = set()
        for number, (place, name) in enumerate(told):
            registration = made.registrations[place]
            is_new = notices.put_notice(
                made.session, registration.id, name, kind="k", body=None, now=NOW
            )
            assert is_new == ((place, name) not in heard)
            heard.add((place, name))
            login = LoginState(
                state_hash=f"state-{number}", nonce_hash=name, binding_hash=name,
                registration_id=registration.id, lti_deployment_id="d",
                target_link_uri="https://tool", remote_address=None,
            )  # fmt: skip
            logins.save_login(made.session, login, now=NOW)
        for number, (place, _name) in enumerate(told):
            found = logins.find_login(made.session, f"state-{number}", now=NOW)
            assert found is not None
            login, registration = found
            assert login.registration_id == registration.id
            assert registration.id == made.registrations[place].id
            assert logins.consume_login(made.session, f"state-{number}")
            assert not logins.consume_login(made.session, f"state-{number}")


KEY = RSAKey.generate_key(2048)


def grants(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """A token endpoint whose token says for whom, where and for what it is."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
    form = parse_qs(body)
    payload = form["client_assertion"][0].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    scopes = sorted(form["scope"][0].split())
    told = [claims["sub"], claims.get(f"{LTI}deployment_id"), scopes]
    token = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"access_token": token, "expires_in": 3600}).encode()]


SCOPES = (LINE_ITEM_SCOPE, READ_SCOPE, SCORE_SCOPE)


@settings(QUICK, max_examples=15)
@given(
    wanted=st.lists(
        st.tuples(
            st.integers(1, 2),
            names,
            st.sampled_from(("d", "D", None)),
            st.sets(st.sampled_from(SCOPES), min_size=1),
            st.sampled_from(sorted(PROFILES)),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_a_token_is_only_ever_given_to_whom_it_was_granted(
    token_url: str, wanted: list[tuple[int, str, str | None, set[str], str]]
) -> None:
    with GuardedSession(frozenset({"127.0.0.1"})) as session:
        tokens = Tokens(session, lambda: NOW)
        for registration_id, client_id, deployment_id, scopes, vendor in wanted * 2:
            client = Client(
                registration_id=registration_id, client_id=client_id,
                token_url=token_url, token_audience=None, deployment_id=deployment_id,
                profile=PROFILES[vendor], kid="k", private_key=KEY,
            )  # fmt: skip
            token = tokens.token(client, scopes)
            told = json.loads(base64.urlsafe_b64decode(token))
            companions = PROFILES[vendor].companion_scopes
            asked = scopes.union(*(companions.get(one, ()) for one in scopes))
            assert told == [client_id, deployment_id, sorted(asked)]


@pytest.fixture
def token_url(serve: Callable[..., str]) -> str:
    return f"{serve(grants, free_port())}/token"


PLATFORM_KEYS = [RSAKey.generate_key(2048) for _ in range(2)]


@QUICK
@given(
    asked=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 1), names), min_size=2, max_size=12
    )
)
def test_a_platform_key_is_only_ever_that_of_its_registration(
    asked: list[tuple[int, int, str]],
) -> None:
    def fetch(url: str) -> bytes:
        place = int(url[-1])
        public = PLATFORM_KEYS[place].as_dict(private=False)
        return json.dumps({"keys": [{**public, "kid": kid} for kid in NAMES]}).encode()

    cache = KeyCache(fetch, monotonic=lambda: 0.0)
    for registration, place, kid in asked:
        found = cache.key(registration, f"https://lms/{place}", kid)
        assert (
            found.as_dict(private=False)["n"]
            == PLATFORM_KEYS[place].as_dict(private=False)["n"]
        )


def test_every_store_of_a_registration_is_keyed_by_it() -> None:
    """A table that names a registration, or what hangs on one, is unique within it."""
    keyed = {"deployment", "lms_user", "notice", "placement", "resource_link",
             "course_group", "group_member"}  # fmt: skip
    parents = ("registration_id", "deployment_id", "placement_id", "course_group_id")
    for name in keyed:
        table = schema.metadata.tables[name]
        unique = [
            {column.name for column in one.columns}
            for one in table.constraints
            if type(one).__name__ == "UniqueConstraint"
        ]
        assert unique
        for columns_ in unique:
            assert columns_ & set(parents), (name, columns_)
