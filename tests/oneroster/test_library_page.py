"""The page about the library is true: each of its examples is run."""

import doctest
from pathlib import Path
from typing import Any

import requests
from flask import Flask

from oneroster.catalog import MemoryCatalog
from oneroster.dialects import COLLECTIONS
from oneroster.loopback import Loopback
from oneroster.models import parse_record
from oneroster.provider import blueprint

PAGE = Path(__file__).resolve().parents[2] / "docs" / "oneroster-library.md"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.REPORT_ONLY_FIRST_FAILURE


def ref(kind: str, key: str) -> dict[str, str]:
    return {"sourcedId": key, "type": kind}


def rows() -> dict[str, list[dict[str, Any]]]:
    def person(key: str, role: str, day: str) -> dict[str, Any]:
        return {
            "sourcedId": key,
            "dateLastModified": f"{day}T00:00:00.000Z",
            "givenName": key.title(),
            "familyName": "Lee",
            "username": key,
            "roles": [{"roleType": "primary", "role": role, "org": ref("org", "s-1")}],
        }

    def seat(key: str, role: str) -> dict[str, Any]:
        who = {"user": ref("user", key), "class": ref("class", "c-1"), "role": role}
        return {"sourcedId": f"e-{key}", "school": ref("org", "s-1"), **who}

    placed = {"school": ref("org", "s-1"), "course": ref("course", "m")}
    return {
        "orgs": [{"sourcedId": "s-1", "name": "Hill", "type": "school"}],
        "academicSessions": [{"sourcedId": "fall", "title": "Fall", "type": "term"}],
        "courses": [{"sourcedId": "m", "title": "Maths", "org": ref("org", "s-1")}],
        "classes": [{"sourcedId": "c-1", "title": "Algebra", **placed}],
        "users": [
            person("ada", "student", "2026-10-01"),
            person("cy", "teacher", "2026-11-02"),
        ],
        "enrollments": [seat("ada", "student"), seat("cy", "teacher")],
    }


def small_sis() -> requests.Session:
    catalog = MemoryCatalog()
    for name, payloads in rows().items():
        for payload in payloads:
            sent = {"status": "active"} | payload
            record, problems = parse_record(COLLECTIONS[name].kind, sent)
            assert record is not None, problems
            catalog.write(name, record)
    app = Flask("sis")
    app.register_blueprint(blueprint(catalog, clients={"me": "word"}))
    session = requests.Session()
    session.mount("https://sis.example/", Loopback(app))
    return session


def test_every_example_of_the_page_says_what_happens(tmp_path: Path) -> None:
    text = PAGE.read_text()
    named = {"session": small_sis(), "folder": tmp_path}
    made = doctest.DocTestParser().get_doctest(text, named, PAGE.name, str(PAGE), 0)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(made, out=told.append)
    assert "".join(told) == ""
    assert len(made.examples) >= 30
