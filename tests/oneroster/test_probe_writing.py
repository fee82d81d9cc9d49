"""Whether a gradebook can be written to is found out, and nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask, Response, request

from oneroster.auth import Authorization, ClientCredentials, OAuth1, local_session
from oneroster.catalog import MemoryCatalog
from oneroster.dialects import Version
from oneroster.loopback import Loopback
from oneroster.probe_findings import Check, Profile
from oneroster.probing import Probe
from oneroster.provider import Manners, blueprint
from tests.oneroster.test_probe import HOST, WORD, catalog

NONE = frozenset({"assessmentLineItems", "assessmentResults"})
BOTH = ("1.2", "1.1")
READS = ("roster-core.readonly", "roster.readonly", "gradebook.readonly")


@dataclass
class Asked:
    checks: list[Check]
    found: Profile | None

    def profile(self) -> Profile | None:
        return self.found

    def states(self, name: str) -> set[str]:
        return {one.state for one in self.checks if one.name == name}


def ask(
    app: Flask, version: Version = "1.2", auth: Authorization | None = None
) -> Asked:
    session = local_session()
    session.mount(HOST, Loopback(app))
    credentials = auth or ClientCredentials(
        f"{HOST}/oauth2/token", "lib", WORD, scope="", session=session
    )
    scopes = (*READS, "assessment.readonly") if version == "1.2" else READS
    probe = Probe(
        HOST, version, auth=credentials, session=session, scopes=scopes, writes=True
    )
    made = list(probe.checks())
    assert not [one for one in made if one.name == "requests"]
    return Asked(made, probe.profile())


def serving(manners: Manners) -> tuple[Flask, MemoryCatalog]:
    app, held = Flask("sis"), catalog(3)
    app.register_blueprint(blueprint(held, clients={"lib": WORD}, manners=manners))
    return app, held


@pytest.mark.parametrize(
    ("manners", "found"),
    [
        (Manners(), {"assessment": "yes", "put": "yes", "post": "yes"}),
        (Manners(absent=NONE), {"assessment": "no", "put": "yes", "post": "yes"}),
        (
            Manners(absent=NONE, creates_by_put=False),
            {"assessment": "no", "put": "no", "post": "yes"},
        ),
        (
            Manners(is_read_only=True),
            {"assessment": "no", "put": "no", "post": "no"},
        ),
    ],
    ids=["all", "gradebook", "posted", "read-only"],
)
def test_each_way_to_write_is_found_and_nothing_is_written(
    manners: Manners, found: dict[str, str]
) -> None:
    app, held = serving(manners)
    profile = ask(app).profile()
    assert profile is not None
    assert profile.writing == found
    assert profile.requests <= 60
    assert not [*held.records("lineItems"), *held.records("assessmentLineItems")]


def test_a_service_of_1_1_is_asked_for_what_it_knows() -> None:
    app, _held = serving(Manners(versions=("1.1",)))
    profile = ask(app, "1.1", OAuth1("lib", WORD)).profile()
    assert profile is not None
    assert profile.writing == {"put": "yes"}


def test_rights_that_are_not_granted_are_named() -> None:
    app, _held = serving(Manners(versions=("1.2",)))

    @app.before_request
    def refuse() -> Response | None:
        if "createp" in request.form.get("scope", ""):
            return Response('{"error": "invalid_scope"}', 400)
        return None

    profile = ask(app).profile()
    assert profile is not None
    assert set(profile.writing.values()) == {"forbidden"}


def test_a_refusal_by_the_service_itself_is_one_of_rights() -> None:
    app, _held = serving(Manners(versions=("1.2",)))

    @app.before_request
    def refuse() -> Response | None:
        return Response("{}", 403) if request.method == "PUT" else None

    asked = ask(app)
    assert asked.states("write_put") == {"warn"}
    assert asked.found is not None
    assert asked.found.writing["put"] == "forbidden"


def test_where_there_is_no_class_nobody_can_tell_of_posting() -> None:
    app, held = serving(Manners())
    for one in list(held.records("classes")):
        held.delete("classes", one.sourced_id)
    profile = ask(app).profile()
    assert profile is not None
    assert profile.writing["post"] == "unknown"


@pytest.mark.parametrize("deleted", [204, 403])
def test_what_a_careless_service_made_of_it_is_deleted(deleted: int) -> None:
    app, _held = serving(Manners(versions=("1.2",)))
    seen: list[str] = []

    @app.before_request
    def take() -> Response | None:
        if request.method in {"PUT", "DELETE"}:
            seen.append(f"{request.method} {request.path.rsplit('/', 1)[1]}")
            return Response("", 201 if request.method == "PUT" else deleted)
        return Response("<p>hm</p>", 500) if "/classes/" in request.path else None

    probe = ask(app)
    profile = probe.profile()
    assert profile is not None
    assert profile.writing == {"assessment": "yes", "put": "yes", "post": "unknown"}
    assert probe.states("write_put") == ({"ok"} if deleted == 204 else {"fail"})
    assert seen == ["PUT mb-probe", "DELETE mb-probe"] * 2
