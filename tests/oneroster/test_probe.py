"""A probe finds out what a service honours, whatever its manners, and shows no one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from oneroster.auth import BearerKey, ClientCredentials
from oneroster.catalog import MemoryCatalog
from oneroster.dialects import COLLECTIONS
from oneroster.loopback import Loopback
from oneroster.models import parse_record
from oneroster.probe_asking import masked
from oneroster.probe_findings import Check, Profile, vendor_text
from oneroster.probing import Probe
from oneroster.provider import Manners, blueprint
from oneroster.transport import Patience
from oneroster.wire import shape_of
from tests.faults.replay import Recording, Replay, replaying

Serve = Callable[..., Any]
Asked = Any
Reply = Any
Given = Any
HOST = "https://sis.example"
WORD = "s3cret-word-of-the-client"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def ref(kind: str, key: str) -> dict[str, str]:
    return {"sourcedId": key, "type": kind, "href": f"{HOST}/{kind}/{key}"}


def stamped(key: str, at: int = 0, **fields: Given) -> dict[str, Any]:
    moment = (NOON - timedelta(days=1, minutes=at)).isoformat(timespec="milliseconds")
    base = {"sourcedId": key, "status": "active"}
    named = {name.removesuffix("_"): value for name, value in fields.items()}
    return base | {"dateLastModified": moment.replace("+00:00", "Z")} | named


def rows(people: int) -> dict[str, list[dict[str, Any]]]:
    return {
        "orgs": [stamped("s", name="Hill", type="school", identifier="1")],
        "academicSessions": [
            stamped("fall", title="F", type="term", startDate="2026-08-01")
        ],
        "courses": [stamped("math", title="Maths", org=ref("org", "s"))],
        "classes": [stamped("c", title="C", course=ref("course", "math"))],
        "users": [
            stamped(
                f"u{at:04}",
                at,
                givenName="Adelaide",
                familyName="Lovelace",
                email="adelaide@school.example",
                username=f"ada{at}",
                enabledUser="true",
                roles=[
                    {"roleType": "primary", "role": "student", "org": ref("org", "s")}
                ],
            )
            for at in range(people)
        ],
        "enrollments": [
            stamped(
                f"e{at:04}",
                user=ref("user", f"u{at:04}"),
                role="student",
                class_=ref("class", "c"),
            )
            for at in range(people)
        ],
        "categories": [],
        "lineItems": [],
        "results": [],
    }


@dataclass
class Seen:
    checks: dict[str, Check]
    profile: Profile | None
    text: str

    def states(self, *names: str) -> list[str]:
        return [self.checks[name].state for name in names]


def catalog(people: int, deleted: str = "") -> MemoryCatalog:
    sent = rows(people)
    for row in sent["enrollments"]:
        if row["sourcedId"] == deleted:
            row["status"] = "tobedeleted"
    made = MemoryCatalog()
    for name, payloads in sent.items():
        for payload in payloads:
            record, problems = parse_record(COLLECTIONS[name].kind, payload)
            assert record is not None, problems
            made.write(name, record)
    return made


def look(probe: Probe) -> Seen:
    checks = list(probe.checks())
    return Seen(
        {one.name: one for one in checks}, probe.profile(), vendor_text("sis", checks)
    )


STANDARD = Manners()


@dataclass
class Place:
    """Where the service is, where it is looked for, and who looks."""

    location: str = HOST
    version: Given = "1.2"
    prefix: str = ""
    word: str = WORD


HERE = Place()


def ask(
    manners: Manners = STANDARD,
    place: Place = HERE,
    *,
    people: int = 40,
    deleted: str = "",
) -> Seen:
    app = Flask("sis")
    made = catalog(people, deleted)
    served = blueprint(made, clients={"me": WORD}, manners=manners)
    app.register_blueprint(served, url_prefix=place.prefix)
    session = requests.Session()
    session.mount(HOST, Loopback(app))
    token_url = f"{HOST}{place.prefix}{manners.token_url}"
    auth = ClientCredentials(
        token_url, "me", place.word, scope="", style="either", session=session
    )
    patience = Patience(sleep=lambda _: None)
    return look(
        Probe(
            place.location,
            place.version,
            auth=auth,
            session=session,
            patience=patience,
        )
    )


def test_a_service_that_keeps_the_standard_has_every_virtue() -> None:
    seen = ask(people=1200)
    assert seen.profile is not None
    found = seen.profile.document()
    assert found.pop("skew_seconds") == pytest.approx(0, abs=2)
    requests_made = found.pop("requests")
    assert requests_made <= 60
    counts = found.pop("counts")
    assert (counts["users"], counts["orgs"], counts["results"]) == (1200, 1, 0)
    assert found.pop("roots")["rostering"] == f"{HOST}/ims/oneroster/rostering/v1p2"
    assert found == {
        "version": "1.2",
        "auth": "basic",
        "scopes": ("gradebook.readonly", "roster-core.readonly", "roster.readonly"),
        "page_size": 5000,
        "page_cap": None,
        "limit": True,
        "offset": True,
        "total": True,
        "links": True,
        "sorts": True,
        "filter": True,
        "fields": True,
        "delta": True,
        "boundary": True,
        "tombstones": False,
        "stable": True,
        "refused": {
            "assessmentLineItems": 403,
            "assessmentResults": 403,
            "resources": 403,
        },
        "writing": {},
    }
    worse = {name for name, one in seen.checks.items() if one.state != "ok"}
    # Loopback carries no Date.
    closed = {"assessmentLineItems", "assessmentResults", "resources"}
    assert worse == {"tombstones", "clock"} | closed


ELSEWHERE: Given = {"token_url": "/t"}
MANNERS: Mapping[str, tuple[Manners, dict[str, object], dict[str, str]]] = {
    "cap": (Manners(page_cap=100), {"page_size": 100, "page_cap": 100}, {}),
    "no link": (Manners(sends_link=False), {"links": False}, {"links": "warn"}),
    "no total": (Manners(sends_total=False), {"total": False}, {"total": "warn"}),
    "neither": (
        Manners(sends_total=False, sends_link=False, page_cap=50),
        {"total": False, "links": False, "page_cap": 50, "page_size": 50},
        {"total": "warn", "links": "warn"},
    ),
    "no offset": (Manners(honours_offset=False), {"offset": False}, {"offset": "fail"}),
    "no sort": (Manners(honours_sort=False), {"sorts": False}, {"sort": "warn"}),
    "no filter": (
        Manners(honours_filter=False),
        {"filter": False, "delta": False},
        {"filter": "warn", "delta": "warn"},
    ),
    "form": (Manners(credential_ways=frozenset({"form"})), {"auth": "form"}, {}),
    "basic": (Manners(credential_ways=frozenset({"basic"})), {"auth": "basic"}, {}),
    "flat code": (Manners(nests_code_minor=False), {}, {}),
    "lenient fields": (Manners(refuses_unknown_fields=False), {"fields": True}, {}),
    "token elsewhere": (replace(STANDARD, **ELSEWHERE), {"auth": "basic"}, {}),
}


@pytest.mark.parametrize("name", MANNERS)
def test_every_manner_of_a_service_is_found_out(name: str) -> None:
    manners, expected, states = MANNERS[name]
    seen = ask(manners, people=300)
    assert seen.profile is not None
    found = seen.profile.document()
    assert {key: found[key] for key in expected} == expected
    assert {key: seen.checks[key].state for key in states} == states
    assert seen.profile.requests <= 60


def test_a_deleted_record_that_is_kept_is_seen() -> None:
    seen = ask(people=300, deleted="e0250")
    assert seen.profile is not None
    assert seen.profile.tombstones
    assert seen.checks["tombstones"].state == "ok"


@pytest.mark.parametrize(
    ("location", "prefix", "version", "root"),
    [
        (f"{HOST}/wrong/path", "", "1.2", HOST),
        (HOST, "/api", "1.2", f"{HOST}/api"),
        (HOST, "", "1.1", HOST),
        (f"{HOST}/ims/oneroster/gradebook/v1p2", "", "1.2", HOST),
    ],
)
def test_the_root_is_found_near_the_address(
    location: str, prefix: str, version: str, root: str
) -> None:
    seen = ask(place=Place(location, version, prefix))
    assert seen.profile is not None
    assert seen.profile.version == "1.2"
    assert seen.profile.roots["rostering"] == f"{root}/ims/oneroster/rostering/v1p2"
    told = {name: seen.checks[name].state for name in ("root", "version")}
    moved = location not in {HOST, f"{HOST}/ims/oneroster/gradebook/v1p2"} or prefix
    assert told == {
        "root": "warn" if moved or version == "1.1" else "ok",
        "version": "warn" if version == "1.1" else "ok",
    }


def test_credentials_that_are_refused_are_told_once_without_the_secret() -> None:
    seen = ask(place=Place(word="wrong-s3cret-altogether"))
    assert list(seen.checks) == ["token"]
    assert seen.checks["token"].state == "fail"
    assert seen.checks["token"].status == 401
    assert "invalid_client" in seen.checks["token"].answer
    assert seen.profile is None
    assert "wrong-s3cret" not in seen.text


def test_nothing_that_is_somebodys_and_no_secret_is_shown() -> None:
    seen = ask()
    shown = json.dumps([one.document() for one in seen.checks.values()]) + seen.text
    for word in ("Adelaide", "Lovelace", "adelaide@", "ada3", WORD, "Bearer ey"):
        assert word not in shown
    assert "Xxxxxxxx" in seen.checks["sample"].answer


def test_the_form_of_a_text_is_all_that_is_left_of_it() -> None:
    assert shape_of("Zoë O'Brien, 12b") == "Xxx X'Xxxxx, 99x"
    assert masked({"givenName": "Zoë", "status": "active", "n": [1.5, True, None]}) == {
        "givenName": "Xxx",
        "status": "active",
        "n": ["9.9", True, None],
    }


def envelope(kept: list[dict[str, Any]], key: str) -> bytes:
    return json.dumps({key: kept}).encode()


def old_service(asked: Asked) -> Reply:
    """A 1.1 service: no total, no link, no queries but limit and offset."""
    sent = rows(30)
    for user in sent["users"]:
        user["role"], user["orgs"] = "student", [user.pop("roles")[0]["org"]]
    name = asked.path.rsplit("/", 1)[-1]
    if "/ims/oneroster/v1p1/" not in asked.path or name not in sent:
        return asked.reply(b"<html><b>Not here</b>, ask a@b.example</html>", 404)
    first, limit = int(asked.query.get("offset", 0)), int(asked.query["limit"])
    return asked.reply(envelope(sent[name][first : first + limit], name))


def over(serve: Serve, answer: Callable[[Asked], Reply], **more: Given) -> Seen:
    peer = serve(answer)
    slept: list[float] = []
    patience = Patience(sleep=slept.append)
    made = Probe(peer.url, auth=BearerKey(WORD), patience=patience, **more)
    seen = look(made)
    seen.text += f"\n{slept}"
    return seen


def test_an_old_service_behind_a_bearer_key_is_known_by_its_users(serve: Serve) -> None:
    seen = over(serve, old_service)
    assert seen.profile is not None
    found = seen.profile.document()
    assert (found["version"], found["auth"]) == ("1.1", "bearer")
    virtues = ("sorts", "filter", "fields", "delta", "total", "links", "tombstones")
    assert [name for name in virtues if found[name]] == []
    assert found["offset"]
    assert found["limit"]
    assert seen.states("version", "lineItems") == ["warn", "ok"]


def test_a_page_of_html_is_shown_without_its_addresses(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        page = b"<html><style>x{}</style><h1>Sign in</h1> ask it@school.example</html>"
        return asked.reply(page, headers={"Content-Type": "text/html"})

    seen = over(serve, answer)
    root = seen.checks["root"]
    assert (root.state, root.status) == ("fail", 200)
    assert root.answer.endswith("Sign in ask x@x")
    assert "Content-Type: text/html" in root.answer
    assert seen.profile is None


def test_a_service_that_is_not_there_is_told_of() -> None:
    seen = look(Probe("http://127.0.0.1:9", auth=BearerKey("k")))
    assert [(one.name, one.state, one.code) for one in seen.checks.values()] == [
        ("open", "fail", "no_answer")
    ]
    assert seen.checks["open"].fix.startswith("check the address")


def test_a_wait_the_service_asks_for_is_kept(serve: Serve) -> None:
    refusals = [2]

    def answer(asked: Asked) -> Reply:
        if refusals[0]:
            refusals[0] -= 1
            return asked.reply(b"slow", 429, {"Retry-After": "7"})
        return old_service(asked)

    seen = over(serve, answer)
    assert seen.profile is not None
    assert seen.text.endswith("[7.0, 7.0]")


def test_a_wait_too_long_ends_the_test_and_says_so(serve: Serve) -> None:
    seen = over(serve, lambda asked: asked.reply(b"", 429, {"Retry-After": "3600"}))
    (told,) = seen.checks.values()
    assert (told.name, told.state, told.status) == ("open", "fail", 429)
    assert told.code == "rate_limited"


def test_a_token_that_sees_no_school_is_a_failure(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        name = asked.path.rsplit("/", 1)[-1]
        return asked.reply(envelope([], name))

    seen = over(serve, answer)
    assert seen.checks["sample"].state == "fail"
    assert seen.checks["users"].state == "warn"


def test_an_envelope_of_another_name_proves_nothing(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        name = asked.path.rsplit("/", 1)[-1]
        if name == "classes":
            return asked.reply(b'{"data": []}')
        return old_service(asked)

    seen = over(serve, answer)
    assert seen.checks["classes"].state == "fail"
    assert seen.checks["classes"].text.startswith("the answer holds no list")


def test_a_clock_that_is_off_is_noticed(serve: Serve) -> None:
    def behind() -> datetime:
        return datetime.now(UTC) - timedelta(minutes=10)

    seen = over(serve, old_service, clock=behind)
    assert seen.profile is not None
    assert seen.profile.skew_seconds == pytest.approx(600, abs=3)
    assert seen.checks["clock"].state == "warn"


def test_a_probe_asks_sixty_times_and_no_more(serve: Serve) -> None:
    peer = serve(lambda asked: asked.reply(b"", 503, {"Retry-After": "0"}))
    made = Probe(peer.url, auth=BearerKey("k"), patience=Patience(sleep=lambda _: None))
    list(made.checks())
    assert len(peer.asked) <= 60


def test_the_text_for_a_vendor_holds_requests_of_what_went_wrong(serve: Serve) -> None:
    seen = over(serve, old_service)
    lines = seen.text.splitlines()
    assert lines[0] == "sis"
    (place,) = [
        at for at, line in enumerate(lines) if line.startswith("[to know] delta")
    ]
    assert lines[place + 1].startswith("    What to do: ask for filter=")
    assert "dateLastModified%3E" in lines[place + 2]
    assert lines[place + 3].startswith("    200 OK in 0.")


@pytest.mark.parametrize(
    ("cap", "per_minute", "pages"), [(500, None, 500), (100, None, 100), (500, 20, 500)]
)
def test_the_recorded_service_of_ed_fi_is_found_out(
    shared_data: Path, cap: int, per_minute: int | None, pages: int
) -> None:
    recording = Recording.load(shared_data / "oneroster" / "edfi-oneroster-recorded")
    passed = [1000.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    replay = Replay(recording, cap=cap, per_minute=per_minute, clock=lambda: passed[0])
    with replaying(replay) as served:
        patience = Patience(sleep=sleep)
        seen = look(Probe(served.url, auth=BearerKey("k"), patience=patience))
    assert seen.profile is not None
    assert seen.profile.requests <= 60
    found = seen.profile.document()
    assert (found["page_cap"], found["page_size"]) == (pages, pages)
    virtues = ("sorts", "filter", "fields", "delta", "total", "links", "tombstones")
    assert [name for name in virtues if found[name]] == []
    assert (found["offset"], found["limit"], found["stable"]) == (True, True, True)
    assert seen.checks["users"].state == "ok"
    assert found["refused"]["results"] == 404
