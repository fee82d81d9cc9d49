"""The class list of an LMS: whole or not at all, joined, ended only by proof."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from click.testing import CliRunner
from joserfc.jwk import RSAKey
from sqlalchemy import insert, select, update

from lti_tool.cli import masterybridge
from lti_tool.errors import DeliveryError, PlatformError
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.lti import Caller
from lti_tool.platforms.members import Member, Members, Roster
from lti_tool.platforms.paging import Patience
from lti_tool.platforms.profiles import profile
from lti_tool.platforms.tokens import Client, Tokens
from lti_tool.storage import placements, resource_links, schema
from lti_tool.storage.database import Database
from lti_tool.storage.resource_links import LaunchedLink
from lti_tool.work import members
from lti_tool.work.jobs import Jobs
from lti_tool.work.members import MemberPull, pull_members
from tests.lti_tool.test_people import M, School
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

KEY = RSAKey.generate_key(2048)
LTI = "https://purl.imsglobal.org/spec/lti/claim/"


@pytest.fixture
def school(sqlite_database: Database, now: datetime) -> School:
    return School(sqlite_database, now)


@pytest.fixture
def either_school(database: Database, now: datetime) -> School:
    """The same on either database, for what is written there."""
    return School(database, now)


@dataclass
class List:
    """A platform that gives the lists it holds; what is asked is remembered."""

    everybody: tuple[Member, ...] = ()
    changed: tuple[Member, ...] | PlatformError = ()
    differences_url: str | None = None
    asked: list[Any] = field(default_factory=list)

    def roster(self, nrps_url: str, **more: object) -> Roster:
        self.asked.append((nrps_url, more))
        return Roster(self.everybody, self.differences_url)

    def changes(self, differences_url: str) -> Roster:
        self.asked.append(differences_url)
        if isinstance(self.changed, PlatformError):
            raise self.changed
        return Roster(self.changed, self.differences_url)


def member(subject: str, **more: Any) -> Member:  # noqa: ANN401 -- fields of Member
    return Member(**{"user_id": subject, "roles": (f"{M}#Learner",), **more})


def pull(school: School, source: List, **more: bool) -> MemberPull:
    return pull_members(
        school.database, source, school.placement_id, now=school.now, **more
    )


def test_a_member_list_joins_and_seats_the_class(either_school: School) -> None:
    ana = either_school.student("u-1", "Ana", "Žebrė")
    source = List(
        (
            member("1", lis_person_sourcedid="u-1"),
            member("2", given_name="Bo", family_name="Ek"),
            member("3", roles=("Instructor",), name="Ms C"),
            member("4", status="Inactive"),
        )
    )
    assert pull(either_school, source) == MemberPull(
        members=3, joined=1, alone=2, ended=0
    )
    seats = {(seat["role"], seat["origin"], seat["person_id"] == ana)
             for seat in either_school.rows("seat")}  # fmt: skip
    assert seats == {
        ("learner", "sis", True),
        ("learner", "lms", False),
        ("instructor", "lms", False),
    }  # fmt: skip
    (place,) = either_school.rows("placement")
    assert (place["members_at"], place["nrps_differences_url"]) == (
        either_school.now,
        None,
    )


def test_who_left_the_list_loses_the_lms_seat_but_not_that_of_the_sis(
    school: School,
) -> None:
    school.student("u-1", "Ana", "Žebrė")
    whole = List((member("1", lis_person_sourcedid="u-1"), member("2", name="Bo Ek")))
    for source, ended in ((whole, 0), (List((member("3"),)), 2)):
        assert pull(school, source).ended == ended
    assert [(seat["origin"], seat["status"]) for seat in school.rows("seat")] == [
        ("sis", "active"), ("lms", "ended"), ("lms", "active"),
    ]  # fmt: skip


def test_one_who_launched_after_the_list_was_asked_for_stays(school: School) -> None:
    pull(school, List((member("1"), member("2"))))
    with school.database.write() as session:
        session.execute(
            update(schema.lms_user)
            .where(schema.lms_user.c.subject == "2")
            .values(seen_at=school.now + timedelta(seconds=1))
        )
    assert pull(school, List((member("3"),))).ended == 1
    assert [seat["status"] for seat in school.rows("seat")] == [
        "ended", "active", "active",
    ]  # fmt: skip


def test_an_empty_list_of_a_course_in_use_ends_nobody(school: School) -> None:
    assert pull(school, List()) == MemberPull(0, 0, 0, 0)
    pull(school, List((member("1"), member("2"))))
    with pytest.raises(PlatformError, match="lists nobody"):
        pull(school, List())
    assert [seat["status"] for seat in school.rows("seat")] == ["active", "active"]


TABLES = ("lms_user", "seat", "person", "placement")


def test_a_list_that_breaks_off_changes_nothing(school: School) -> None:
    pull(school, List((member("1", name="Ana"), member("2", name="Bo"))))

    class Broken(List):
        def roster(self, _nrps_url: str, **_more: object) -> Roster:
            raise PlatformError("page 2 did not come", "timeout")

    before = [school.rows(table) for table in TABLES]
    with pytest.raises(PlatformError, match="page 2 did not come"):
        pull(school, Broken())
    assert [school.rows(table) for table in TABLES] == before


def test_changes_end_only_those_they_name(either_school: School) -> None:
    source = List(
        tuple(member(str(number)) for number in range(4)), differences_url="https://d/1"
    )
    pull(either_school, source)
    source.differences_url = "https://d/2"
    source.changed = (
        member("0", status="Deleted"),
        member("1", status="Inactive"),
        member("9", name="New"),
    )
    found = pull(either_school, source)
    assert (found.kind, found.members, found.ended) == ("changes", 1, 2)
    assert source.asked[1:] == ["https://d/1"]
    (place,) = either_school.rows("placement")
    assert place["nrps_differences_url"] == "https://d/2"
    status = {row["person_id"]: row["status"] for row in either_school.rows("seat")}
    people = {
        row["subject"]: row["person_id"] for row in either_school.rows("lms_user")
    }
    assert {subject: status[person] for subject, person in people.items()} == {
        "0": "ended", "1": "ended", "2": "active", "3": "active", "9": "active",
    }  # fmt: skip


@pytest.mark.parametrize("code", ["gone", "rejected", "forbidden", "format", "paging"])
def test_where_changes_are_not_given_everybody_is_asked_for(
    school: School, code: str
) -> None:
    source = List((member("1"),), differences_url="https://d/1")
    pull(school, source)
    source.changed = DeliveryError("no", code, permanent=True)
    assert pull(school, source).kind == "all"


def test_a_platform_that_is_away_gives_no_list_at_all(school: School) -> None:
    source = List((member("1"),), differences_url="https://d/1")
    pull(school, source)
    source.changed = DeliveryError("away", "connect", permanent=False)
    with pytest.raises(DeliveryError, match="away"):
        pull(school, source)
    assert len(source.asked) == 2


def test_a_full_pull_asks_for_everybody(school: School) -> None:
    source = List((member("1"),), differences_url="https://d/1")
    pull(school, source)
    assert pull(school, source, is_full=True).kind == "all"


def test_a_person_with_two_users_keeps_her_seat_while_one_stays(school: School) -> None:
    ana = school.student("u-1", "Ana", "A")
    both = (
        member("old", lis_person_sourcedid="u-1"),
        member("new", lis_person_sourcedid="u-1"),
    )
    source = List(both, differences_url="https://d/1")
    assert pull(school, source) == MemberPull(2, 2, 0, 0)
    assert [user["person_id"] for user in school.rows("lms_user")] == [ana, ana]
    source.changed = (member("old", status="Deleted"),)
    assert pull(school, source).ended == 1
    assert [seat["status"] for seat in school.rows("seat")] == ["active"]


def test_a_preview_user_in_a_list_is_nobody(school: School) -> None:
    test_user = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
    source = List((member("1", roles=(f"{M}#Learner", test_user)),))
    assert pull(school, source) == MemberPull(0, 0, 0, 0)
    assert school.rows("lms_user") == []


def test_the_link_launched_last_brings_what_the_sis_calls_each(school: School) -> None:
    with school.database.write() as session:
        place = placements.load_placement(session, school.placement_id)
        for link, minutes in (("l-2", 2), ("l-1", 1)):
            resource_links.save_link(
                session,
                LaunchedLink(
                    deployment_id=place["deployment_id"],
                    link_id=link,
                    placement_id=school.placement_id,
                ),
                now=school.now + timedelta(minutes=minutes),
            )
    source = List()
    pull(school, source)
    told = {"link_id": "l-2", "context_id": "c1", "with_groups": False}
    assert source.asked == [("https://n", told)]


Fault = Callable[[StartResponse], list[bytes]]


@dataclass
class Service:
    """NRPS over real HTTP: pages of members, and what goes wrong with each once."""

    pages: int
    size: int = 50
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    custom: Callable[[int], dict[str, str]] | None = None
    known_link: str | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        if environ["PATH_INFO"] == "/token":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [b'{"access_token":"t","expires_in":3600}']
        query = environ.get("QUERY_STRING", "")
        self.asked.append(query)
        fields = parse_qs(query)
        if fields.get("rlid", [self.known_link]) != [self.known_link]:
            start_response("404 Not Found", [])
            return [b"{}"]
        number = int(fields.get("p", ["1"])[0])
        if self.faults.get(number):
            return self.faults[number].pop(0)(start_response)
        has_custom = "rlid" in fields
        return self._page(number, has_custom=has_custom, start_response=start_response)

    def _page(
        self, number: int, *, has_custom: bool, start_response: StartResponse
    ) -> list[bytes]:
        first = (number - 1) * self.size
        listed = [
            self._member(one, has_custom=has_custom)
            for one in range(first, first + self.size)
        ]
        headers = []
        if number < self.pages:
            more = "&rlid=" + str(self.known_link) if has_custom else ""
            forms = ("<members?p={n}{m}>;REL=Next", '</members?p={n}{m}>; rel="next"')
            link = forms[number % 2].format(n=number + 1, m=more)
            headers = [("Link", '<x?p=1>; rel="first"'), ("Link", link)]
        start_response("200 OK", headers)
        return [json.dumps({"id": "x", "members": listed}).encode()]

    def _member(self, number: int, *, has_custom: bool) -> dict[str, Any]:
        told: dict[str, Any] = {"user_id": f"s{number}", "roles": [f"{M}#Learner"],
                                "name": f"N {number}"}  # fmt: skip
        if has_custom and self.custom:
            told["message"] = [{f"{LTI}custom": self.custom(number)}]
        return told


def refuses(status: str, *headers: tuple[str, str]) -> Callable[..., list[bytes]]:
    def answer(start_response: StartResponse) -> list[bytes]:
        start_response(status, list(headers))
        return [b""]

    return answer


def breaks_off(start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    return [b'{"id":"x","members":[{"user_id":"s1","roles":[']


@pytest.fixture
def waits() -> list[float]:
    return []


Connect = Callable[..., Members]


@pytest.fixture
def connect(serve: Callable[..., str], waits: list[float]) -> Iterator[Connect]:
    """Serve a service and give members that come from it."""
    session = GuardedSession(frozenset({"127.0.0.1"}))

    def start(service: Service, vendor: str = "other") -> Members:
        service.url = serve(service, free_port())
        client = Client(
            registration_id=1, client_id="us", token_url=f"{service.url}/token",
            token_audience=None, deployment_id="1", profile=profile(vendor), kid="k",
            private_key=KEY,
        )  # fmt: skip
        tokens = Tokens(session, lambda: datetime.now(UTC))
        patience = Patience(sleep=waits.append, jitter=lambda: 1.0)
        return Members(Caller(session, tokens, client), patience)

    yield start
    session.close()


def test_20000_members_in_400_pages_arrive_complete(
    school: School, connect: Connect, waits: list[float]
) -> None:
    service = Service(400)
    service.faults = {
        100: [refuses("429 Slow", ("Retry-After", "7"))],
        200: [refuses("500 Oops"), refuses("503 Soon")],
        300: [breaks_off],
    }
    source = connect(service)
    with school.database.write() as session:
        session.execute(
            update(schema.placement).values(nrps_url=f"{service.url}/members")
        )
    found = pull_members(school.database, source, school.placement_id, now=school.now)
    assert (found.members, found.ended) == (20_000, 0)
    assert waits == [7.0, 1.0, 2.0, 1.0]
    assert {row["subject"] for row in school.rows("lms_user")} == {
        f"s{number}" for number in range(20_000)
    }
    assert len(school.rows("seat")) == 20_000


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [("canvas", "rlid=c1"), ("other", "rlid=link-9"), ("moodle", "")],
)
def test_a_class_that_never_launched_is_joined_to_its_sis_people_by_rlid(
    sqlite_database: Database,
    now: datetime,
    connect: Connect,
    vendor: str,
    expected: str,
) -> None:
    school = School(sqlite_database, now)
    with school.database.write() as session:
        session.execute(
            insert(schema.sis_user),
            [
                school.sourced(f"sis-{number}")
                | {"given_name": "G", "family_name": str(number), "is_enabled": True}
                for number in range(500)
            ],
        )
    link = "c1" if vendor == "canvas" else "link-9"
    service = Service(
        10,
        known_link=link,
        custom=lambda number: {
            "sis_person": f"sis-{number}",
            "platform_user_id": str(1000 + number),
            "unfilled": "$Canvas.user.sisIntegrationId",
        },
    )
    members_ = connect(service, vendor)
    linked = None if vendor == "canvas" else link

    class Linked(List):
        def roster(self, _nrps_url: str, **_more: object) -> Roster:
            return members_.roster(
                f"{service.url}/members", link_id=linked, context_id="c1"
            )

    found = pull(school, Linked())
    assert service.asked[0] == expected
    if vendor == "moodle":
        assert (found.members, found.joined) == (500, 0)
        return
    assert (found.members, found.joined) == (500, 500)
    with school.database.read() as session:
        joined = session.execute(
            select(
                schema.lms_user.c.subject,
                schema.lms_user.c.platform_user_id,
                schema.sis_user.c.sourced_id,
            ).join(
                schema.sis_user,
                schema.sis_user.c.person_id == schema.lms_user.c.person_id,
            )
        ).all()
    assert {tuple(row) for row in joined} == {
        (f"s{number}", str(1000 + number), f"sis-{number}") for number in range(500)
    }


def test_a_platform_that_does_not_know_the_link_is_asked_without_it(
    connect: Connect,
) -> None:
    service = Service(1, size=2, known_link="another")
    found = connect(service).roster(f"{service.url}/members?a=1", link_id="l1")
    assert [one.user_id for one in found.members] == ["s0", "s1"]
    assert service.asked == ["a=1&rlid=l1", "a=1"]


@pytest.mark.parametrize(
    ("faults", "code", "waited"),
    [
        ([refuses("500 Oops")] * 9, "platform", [1.0, 2.0, 4.0, 8.0]),
        ([breaks_off] * 9, "format", [1.0, 2.0, 4.0, 8.0]),
        ([refuses("429 Slow", ("Retry-After", "3600"))], "busy", []),
        ([refuses("429 Slow", ("Retry-After", "50"))] * 9, "busy", [50.0] * 4),
        ([refuses("403 No")], "forbidden", []),
        ([refuses("302 Moved", ("Location", "/x"))], "redirect", []),
    ],
    ids=["500", "broken", "an hour", "long", "403", "302"],
)
def test_patience_ends_and_the_list_does_not_come(
    connect: Connect,
    waits: list[float],
    faults: list[Fault],
    code: str,
    waited: list[float],
) -> None:
    service = Service(3, faults={2: list(faults)})
    source = connect(service)
    with pytest.raises(DeliveryError) as error:
        source.roster(f"{service.url}/members")
    assert (error.value.code, waits) == (code, waited)


def test_a_retry_after_is_read_as_seconds_or_a_date_or_not_at_all(
    connect: Connect, waits: list[float]
) -> None:
    date = ("Date", "Tue, 24 Nov 2026 12:00:00 GMT")
    service = Service(2)
    service.faults = {
        2: [
            refuses("429 Slow", ("Retry-After", "Tue, 24 Nov 2026 12:00:20 GMT"), date),
            refuses("429 Slow", ("Retry-After", "when the cows come home")),
            refuses("429 Slow", ("Retry-After", "-5")),
        ]
    }
    assert len(connect(service).roster(f"{service.url}/members").members) == 100
    assert waits == [20.0, 2.0, 4.0]


ASTRAY = [
    "<https://evil.example/members?p=2>; rel=next",
    "<//evil.example/members?p=2>; rel=next",
    "<http://127.0.0.1@evil.example/members?p=2>; rel=next",
    "<http://user@{host}/members?p=2>; rel=next",
    "<http://evil.example\\@{host}/members?p=2>; rel=next",
    "<ftp://{host}/members?p=2>; rel=next",
    "<https://{host}/members?p=2>; rel=next",
    "<http://127.0.0.1:1/members?p=2>; rel=next",
    "<members?p=1>; rel=next",
    "<http://[/members>; rel=next",
]


@pytest.mark.parametrize("link", ASTRAY)
def test_a_next_page_that_leads_astray_is_not_followed(
    connect: Connect, link: str
) -> None:
    service = Service(2)
    source = connect(service)
    told = link.replace("{host}", service.url.partition("//")[2])

    def first(start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Link", told)])
        return [b'{"members":[]}']

    service.faults = {1: [first]}
    with pytest.raises(DeliveryError) as error:
        source.roster(f"{service.url}/members?p=1")
    assert (error.value.code, len(service.asked)) == ("paging", 1)


def test_a_page_that_comes_again_under_another_address_ends_the_pull(
    connect: Connect,
) -> None:
    service = Service(2)
    source = connect(service)

    def same(start_response: StartResponse) -> list[bytes]:
        link = f"<members?p={len(service.asked) + 1}>; rel=next"
        start_response("200 OK", [("Link", link)])
        return [b'{"members":[{"user_id":"1","roles":[]}]}']

    service.faults = {number: [same] for number in range(1, 9)}
    with pytest.raises(DeliveryError) as error:
        source.roster(f"{service.url}/members")
    assert (str(error.value), len(service.asked)) == (
        "127.0.0.1 sends the same page twice", 2,
    )  # fmt: skip


def test_a_member_listed_twice_is_one_with_all_her_roles(connect: Connect) -> None:
    service = Service(1)
    source = connect(service)
    listed = [
        {"user_id": 7, "roles": [f"{M}#Learner"], "status": "Inactive", "name": "\0A"},
        {"user_id": "7", "roles": [f"{M}#Instructor"], "status": "active",
         "lis_person_sourcedid": "$Person.sourcedId"},
    ]  # fmt: skip

    def twice(start_response: StartResponse) -> list[bytes]:
        link = ' <changes?s=B>; title="a, b"; Rel = "DIFFERENCES"'
        start_response("200 OK", [("Link", link)])
        return [json.dumps({"members": listed}).encode()]

    service.faults = {1: [twice]}
    found = source.roster(f"{service.url}/members")
    (one,) = found.members
    assert (one.user_id, one.status, one.roles) == (
        "7", "Active", (f"{M}#Learner", f"{M}#Instructor"),
    )  # fmt: skip
    assert one.lis_person_sourcedid is None
    assert found.differences_url == f"{service.url}/changes?s=B"


def test_the_pretend_lms_tells_only_what_changed(world: World) -> None:
    from lti_tool.work.lms import Lms  # noqa: PLC0415 -- with its world alone

    world.open("tea")
    lms = Lms(world.database, world.settings)
    now = datetime.now(UTC)
    assert pull_members(world.database, lms.members(1), 1, now=now).kind == "all"
    world.lms.add_person("bo", "Bo", "Ek", "")
    world.lms.enroll("c1", "bo", "learner")
    world.lms.withdraw("c1", "ana")
    found = pull_members(world.database, lms.members(1), 1, now=now)
    assert found == MemberPull(1, 0, 1, 1, "changes")
    assert pull_members(world.database, lms.members(1), 1, now=now) == MemberPull(
        0, 0, 0, 0, "changes"
    )
    full = pull_members(world.database, lms.members(1), 1, now=now, is_full=True)
    assert (full.kind, full.members) == ("all", 2)


def test_nothing_is_pulled_where_nothing_is_offered(school: School) -> None:
    with school.database.write() as session:
        session.execute(update(schema.placement).values(nrps_url=None))
    assert pull(school, List()) == members.NOTHING


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).replace(tzinfo=None)
NIGHT = NOON.replace(hour=3, minute=15)


def test_the_worker_pulls_after_a_teachers_launch_hourly_and_by_night(
    world: World, tmp_path: Path
) -> None:
    queue = f"sqlite:///{tmp_path / 'queue.sqlite3'}"
    jobs = Jobs(world.settings.model_copy(update={"queue_url": queue}), world.database)

    def run(moment: datetime, name: str) -> list[str]:
        tasks = {one.name: one for one in jobs.queue.read_periodic(moment)}
        tasks[name].execute()
        done = []
        while task := jobs.queue.dequeue():
            done.append(task.name)
            task.execute()
        return done

    assert run(NOON, "_tick") == []
    world.open("ana")
    assert run(NOON, "_tick") == []
    world.open("tea")
    assert run(NOON, "_tick") == ["_pull"]
    assert world.count("seat") == 2
    assert run(NOON, "_tick") == []
    world.open("tea")
    assert run(NOON, "_tick") == []
    with world.database.write() as session:
        session.execute(
            update(schema.placement).values(
                members_at=datetime.now(UTC) - timedelta(minutes=61)
            )
        )
    assert run(NOON, "_tick") == ["_pull"]
    world.lms.withdraw("c1", "ana")
    assert run(NIGHT, "_nightly") == ["_deliver", "_reconcile", "_pull"]
    with world.database.read() as session:
        ended = session.scalars(select(schema.seat.c.status)).all()
    assert sorted(ended) == ["active", "ended"]
    jobs.queue.storage.close()


def test_a_course_that_nobody_opens_any_more_is_left_alone(
    either_school: School,
) -> None:
    school, day = either_school, timedelta(days=1)
    with school.database.read() as session:
        used = placements.placements_in_use(session, launched_after=school.now - day)
        idle = placements.placements_in_use(session, launched_after=school.now)
    assert (used, idle) == ([school.placement_id], [])
    with school.database.write() as session:
        session.execute(update(schema.registration).values(status="disabled"))
    with school.database.read() as session:
        assert (
            placements.placements_in_use(session, launched_after=school.now - day) == []
        )


def test_the_command_pulls_the_members_of_a_course(world: World) -> None:
    world.open("tea")
    env = {
        "MASTERYBRIDGE_DATABASE_URL": str(world.database.engine.url),
        "MASTERYBRIDGE_DATA_DIR": str(world.settings.data_dir),
        "MASTERYBRIDGE_SECRET_KEY_FILE": str(world.settings.secret_key_file),
        "MASTERYBRIDGE_LOCAL_NETWORK": "localhost,127.0.0.1",
    }

    def run(*words: str) -> tuple[int, Any]:
        result = CliRunner(env=env).invoke(masterybridge, ["course", "members", *words])
        return result.exit_code, result

    code, result = run("1", "--json")
    assert (code, json.loads(result.stdout)) == (0, [
        {"placement": 1, "problem": None, "kind": "all", "members": 2, "joined": 0,
         "alone": 2, "ended": 0},
    ])  # fmt: skip
    code, result = run("1", "--json")
    assert json.loads(result.stdout)[0]["kind"] == "changes"
    code, result = run("1", "--full", "--json")
    assert json.loads(result.stdout)[0]["kind"] == "all"
    world.lms.withdraw("c1", "tea")
    with world.database.write() as session:
        session.execute(update(schema.placement).values(nrps_url=None))
    code, result = run("1")
    assert code == 1
    assert "no LMS offers the members of this course" in result.output
