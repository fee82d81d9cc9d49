"""The main job, whole, without a browser: the demo reads back what it delivered."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import structlog

from lti_tool.demo.run import Demo
from lti_tool.settings import Settings
from lti_tool.storage.database import Database
from tests.ports import free_port


def check(database: Database, folder: Path) -> tuple[dict[str, object], Demo]:
    url = database.engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=folder, database_url=url)
    port = free_port()
    with Demo(settings, port=port, size="school") as demo:
        demo.start()
        return demo.check(), demo


def test_the_demo_delivers_reads_back_and_says_nothing_of_anybody(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The three journeys: launch, sync, an alignment written back."""
    try:
        report, demo = check(database, tmp_path)
    finally:
        structlog.reset_defaults()
    assert report["differences"] == []
    assert report["launches"] == {"teacher": True, "student": True}
    assert report["read_back"] == report["delivered"]
    assert report["ok"] is True
    school = demo.school
    assert report["synced"] == {
        "orgs": len(school.orgs),
        "classes": len(school.classes),
        "users": len(school.users),
        "enrollments": len(school.enrollments),
        "line_items": len(school.line_items),
        "results": len(school.results),
    }
    assert report["alignments"] == len(school.alignments)
    told = capsys.readouterr().err
    events = {json.loads(line)["event"] for line in told.splitlines()}
    assert {"sync ended", "launch accepted", "deliveries settled"} <= events
    assert secrets_of(demo, told) == []


def secrets_of(demo: Demo, told: str) -> list[str]:
    """Names, addresses and tokens of the demo school found in what was logged."""
    words = set(re.findall(r"[^\W\d_]+", told))
    people = [*demo.school.users]
    names = {
        part
        for one in people
        for name in (one.given_name, one.family_name)
        for part in re.findall(r"[^\W\d_]{3,}", name)
    }
    mails = {one.email for one in people if one.email}
    mails |= {one.email for one in demo.school.lms_people()}
    found = sorted(names & words) + sorted(one for one in mails if one in told)
    return found + re.findall(r"eyJ[\w-]+|Bearer \S+", told)
