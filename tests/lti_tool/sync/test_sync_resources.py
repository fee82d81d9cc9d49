"""Resources of a SIS through a whole sync: what a class may use, and what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, request

from lti_tool.storage import schema
from oneroster.models import Record, Resource, refer
from tests.lti_tool.sync.test_sync_people import classes

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


def offered(sis: Sis) -> list[tuple[int, str]]:
    """The course of each offer, and what is offered there."""
    titles = dict(sis.rows(schema.resource, "id", "title"))
    uses = sis.rows(schema.resource_use, "course_id", "resource_id", "made_by")
    assert {one[2] for one in uses} <= {"sis"}
    return [(course, titles[resource]) for course, resource, _ in uses]


def test_a_resource_stands_where_it_names_the_competency(sis: Sis) -> None:
    sis.sync()
    classes(sis)
    with sis.database.write() as session:
        values = {"human_code": "CCSS.Math.Content.7.RP.A.1", "case_id": GUID}
        session.execute(schema.competency.update().values(**values))
    about = {"learningObjectives": [{"source": "case", "ids": [GUID.upper()]}]}
    give(
        sis,
        a_resource("code", "Unit rates (7.RP.1)"),
        a_resource("guid", "A book", metadata=about),
        a_resource("none", "Chapter 7.1"),
    )
    sis.put("resources", a_resource("elsewhere", "7.RP.1 of no class"))
    sis.sync()
    assert offered(sis) == [(1, "Unit rates (7.RP.1)"), (1, "A book")]
    made = sis.rows(schema.resource_use, "id", "made_at")
    sis.sync(at=sis.later(60))
    assert sis.rows(schema.resource_use, "id", "made_at") == made
    sis.change("resources", "code", title="Unit rates")
    sis.change("courses", "math", resources=(refer("resource", "elsewhere"),))
    sis.sync()
    assert offered(sis) == [
        (1, "A book"),
        (1, "7.RP.1 of no class"),
        (2, "7.RP.1 of no class"),
    ]


def test_what_the_sis_takes_back_no_class_has(sis: Sis) -> None:
    give(sis, a_resource("book"), a_resource("film"))
    sis.sync()
    assert len(sis.rows(schema.class_resource, "id")) == 2
    sis.drop("resources", "film")
    sis.sync()
    sis.change("classes", "a", resources=())
    assert len(sis.rows(schema.class_resource, "id")) == 1
    sis.sync()
    assert sis.rows(schema.class_resource, "id") == []
    assert len(sis.rows(schema.resource, "id")) == 2
