"""What real systems sent arrives in the database complete.

The pages of Ed-Fi's server are replayed over a real socket without Link and
X-Total-Count, as they were recorded; its sample bundles are read as they lie.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response, request

from lti_tool.storage import schema
from lti_tool.work.feeds import RestFeed
from oneroster.auth import BearerKey
from oneroster.client import Client
from oneroster.service import Service

if TYPE_CHECKING:
    from tests.lti_tool.sync.conftest import Host, Sis

TABLES = {
    "orgs": schema.org,
    "academicSessions": schema.term,
    "courses": schema.sis_course,
    "classes": schema.sis_class,
    "users": schema.sis_user,
    "enrollments": schema.enrollment,
    "demographics": schema.demographics,
}
REASON = "to count what arrives"


def stored(sis: Sis) -> dict[str, int]:
    return {name: len(sis.rows(table, "id")) for name, table in TABLES.items()}


def replay(folder: Path, recorded: list[dict[str, Any]]) -> Flask:
    """Serve recorded pages; rows that no page begins with are an empty page."""
    app = Flask("edfi")
    pages = {}
    for entry in recorded:
        parts = urlsplit(entry["path"])
        offset = int(parse_qs(parts.query)["offset"][0])
        pages[parts.path, offset] = gzip.decompress(
            (folder / entry["file"]).read_bytes()
        )

    @app.get("/<path:path>")
    def page(path: str) -> Response:
        offset = request.args.get("offset", 0, int)
        name = path.rsplit("/", 1)[-1]
        if "gradebook" in path:
            return Response("no such service", status=404)
        body = pages.get((f"/{path}", offset), json.dumps({name: []}).encode())
        return Response(body, content_type="application/json; charset=utf-8")

    return app


def test_a_recorded_service_arrives_complete(
    sis: Sis, shared_data: Path, host: Host
) -> None:
    folder = shared_data / "oneroster" / "edfi-oneroster-recorded"
    recorded = json.loads((folder / "index.json").read_text())
    counts: Counter[str] = Counter()
    for entry in recorded:
        counts[urlsplit(entry["path"]).path.rsplit("/", 1)[-1]] += entry["records"]
    url = host(replay(folder, recorded))

    def open_feed() -> RestFeed:
        client = Client(Service.at(url, "1.2"), auth=BearerKey("key"), page_size=500)
        return RestFeed(client)

    report = sis.pull(open_feed, demographics_reason=REASON)
    assert report.status == "applied"
    assert dict(report.problems) == {"not_served": 3}
    assert stored(sis) == {name: counts[name] for name in TABLES}
    assert stored(sis)["enrollments"] == 12240
    # 500 students attend two schools: two sourcedIds, never merged unasked.
    assert len(sis.rows(schema.person, "id")) == 1780
    identifiers = sis.rows(schema.sis_user, "identifier")
    assert len(set(identifiers)) == 1280
    # No class has a title, so that each course goes by its code.
    codes = {code for (code,) in sis.rows(schema.sis_class, "class_code")}
    assert {title for (title,) in sis.rows(schema.course, "title")} == codes
    again = sis.pull(open_feed, demographics_reason=REASON)
    assert (again.is_nothing, again.written) == (True, 0)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_sample_bundle_arrives_complete(
    sis: Sis, shared_data: Path, version: str
) -> None:
    folder = shared_data / "oneroster" / "edfi-lms-toolkit" / f"v{version}"
    expected = {}
    for name in TABLES:
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8-sig") as file:
            expected[name] = sum(1 for row in csv.DictReader(file) if any(row.values()))
    # The 1.1 bundle speaks of the autumn of 2020; 1.0 has no dates.
    autumn = datetime(2020, 10, 1, tzinfo=UTC)
    report = sis.sync(folder, at=autumn, demographics_reason=REASON)
    assert report.status == "applied"
    assert stored(sis) == expected
    seated = sis.rows(schema.seat, "person_id")
    assert set(seated) == set(sis.rows(schema.sis_user, "person_id"))
    again = sis.sync(folder, at=autumn, demographics_reason=REASON)
    assert (again.is_nothing, again.written) == (True, 0)
