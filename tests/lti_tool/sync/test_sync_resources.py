"""Resources of a SIS through a whole sync: what a class may use, and what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, request

from lti_tool.storage import schema
from oneroster.models import Record, Resource, refer

if TYPE_CHECKING:
    from tests.lti_tool.sync.conftest import Host, OpenFeed, Provider, Sis

GUID = "6b9d7a40-d7cb-11e8-824f-0242ac160002"


def a_resource(
    key: str, title: str = "Ratios in pictures", **fields: object
) -> Resource:
    facts: dict[str, Any] = {
        "vendor_resource_id": f"urn:vendor:{key}",
        "vendor_id": "Example Press",
        "roles": ("student", "teacher"),
        "importance": "primary",
    }
    return Resource(sourced_id=key, status="active", title=title, **facts | fields)


def give(sis: Sis, *resources: Record) -> None:
    """Let class a have the resources."""
    sis.records["resources"] = list(resources)
    held = tuple(refer("resource", one.sourced_id) for one in resources)
    sis.change("classes", "a", resources=held)


SAID = {
    "launch_url": "https://press.example/ratios",
    "License": "CC BY 4.0",
    "description": "For 6.RP.3",
    "language": "es",
    "learningObjectives": f"{GUID}",
    "shelf mark": "never read",
}


def test_resources_and_the_classes_that_have_them_come_in_files(sis: Sis) -> None:
    give(sis, a_resource("book", metadata=SAID))
    sis.change("courses", "math", resources=(refer("resource", "book"),))
    assert sis.sync().status == "applied"
    names = [one.name for one in schema.sis_resource.columns][6:]
    assert sis.rows(schema.sis_resource, "sourced_id", *names) == [
        (
            *("book", "Ratios in pictures", "urn:vendor:book", "Example Press", None),
            *(["student", "teacher"], "primary", "https://press.example/ratios"),
            *("CC BY 4.0", "es", "For 6.RP.3", [GUID]),
        )
    ]
    assert sis.rows(schema.sis_class, "sourced_id", "resource_sourced_ids") == [
        ("a", ["book"]),
        ("b", []),
    ]
    assert sis.rows(schema.sis_course, "resource_sourced_ids") == [(["book"],)]
    assert sis.sync().is_nothing


def test_a_class_that_knew_of_no_resources_has_not_changed(sis: Sis) -> None:
    sis.sync()
    with sis.database.write() as session:
        # as the upgrade leaves a class that was read before it
        session.execute(schema.sis_class.update().values(fingerprint="of before"))
    report = sis.sync(is_full=True)
    assert (report.plan["classes"].changes, report.plan["classes"].rewrites) == (0, 2)


def test_a_service_sends_them_too(
    sis: Sis, provider: Provider, host: Host, rest_feed: OpenFeed
) -> None:
    give(sis, a_resource("book", metadata=SAID))
    url = host(provider(sis))
    report = sis.pull(lambda: rest_feed(url))
    assert report.counts["resources"] == 1
    assert sis.rows(schema.sis_resource, "url", "learning_objectives") == [
        ("https://press.example/ratios", [GUID])
    ]
    assert (["book"],) in sis.rows(schema.sis_class, "resource_sourced_ids")


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_roster_waits_for_no_resources(
    sis: Sis, provider: Provider, host: Host, rest_feed: OpenFeed, status: int
) -> None:
    give(sis, a_resource("book"))
    sis.sync()
    app: Flask = provider(sis)

    @app.before_request
    def refuse() -> Response | None:
        shut = "/resources/v1p2/" in request.path
        return Response("no", status) if shut else None

    url = host(app)
    report = sis.pull(lambda: rest_feed(url))
    assert report.status == "applied"
    told = sis.rows(schema.run_problem, "code", "text")
    said = f"resources: the service answered {status}; left as it was"
    assert [text for code, text in told if code == "not_served"][-1] == said
    assert report.plan["resources"].ends == 0
    assert sis.rows(schema.sis_resource, "sourced_id", "status") == [("book", "active")]
