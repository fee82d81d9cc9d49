"""The command line to the letter of the contract: one document, exit codes, mends.

Longer than 400 lines because most of its tests ask one installation, filled once.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from flask import Flask
from joserfc.jwk import RSAKey

from lti_tool.cli import masterybridge
from lti_tool.demo.school import School, make_school
from lti_tool.demo.servers import Servers
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import MemoryCatalog
from oneroster.provider import blueprint
from tests.ports import free_port

DAY = date(2026, 11, 24)
SECRET = "s3cret-of-the-sis"  # noqa: S105 -- looked for in what is printed


@dataclass
class Bridge:
    """One installation in a folder, run by its command line."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        answer: str | None = None,
    ) -> Result:
        settings = {
            "MASTERYBRIDGE_DATA_DIR": str(self.folder / "installed"),
            "MASTERYBRIDGE_LOCAL_NETWORK": "127.0.0.1",
            **self.env,
            **(env or {}),
        }
        try:
            runner = CliRunner(env=settings)
            result = runner.invoke(masterybridge, list(words), input=answer)
        finally:
            structlog.reset_defaults()
        assert SECRET not in result.output
        return result

    def ask(self, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        """Run with --json: exactly one document on stdout."""
        result = self.run(*words, "--json")
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)


@dataclass
class District(Bridge):
    """The same with a school's SIS on a socket, everything pulled and aligned."""

    school: School = field(
        default_factory=lambda: make_school(size="school", today=DAY)
    )
    sis_url: str = ""
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)

    @property
    def course(self) -> str:
        return self.school.personas.sis_class


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    made = District(tmp_path_factory.mktemp("district"))
    made.catalog = made.school.catalog()
    port = free_port()
    made.sis_url = f"http://127.0.0.1:{port}"
    sis = Flask("sis")
    sis.register_blueprint(blueprint(made.catalog, clients={"mb": SECRET}))
    servers = Servers("127.0.0.1")
    servers.serve(sis, port)
    _fill(made)
    yield made
    servers.stop()


def _served(made: District) -> Servers:
    """Fill a district out of a SIS that goes on answering until it is stopped."""
    port = free_port()
    made.sis_url = f"http://127.0.0.1:{port}"
    sis = Flask("sis")
    sis.register_blueprint(blueprint(made.school.catalog(), clients={"mb": SECRET}))
    servers = Servers("127.0.0.1")
    servers.serve(sis, port)
    _fill(made)
    return servers


def _fill(made: District) -> None:
    framework = made.file("framework.json", json.dumps(made.school.framework))
    made.ask("framework", "import", framework)
    made.ask("source", "add", "sis", *rest(made, made.sis_url))
    made.ask("source", "sync", "sis")
    with (made.folder / "align.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["course", "line_item", "competency", "weight"])
        writer.writerows(made.school.alignments)
    made.ask("align", "import", str(made.folder / "align.csv"))


def rest(made: Bridge, url: str) -> list[str]:
    secret = made.file("sis.secret", f"{SECRET}\n")
    return ["--rest", url, "--client-id", "mb", "--client-secret-file", secret]


def test_a_first_command_makes_the_installation(bridge: Bridge) -> None:
    assert bridge.ask("source", "list") == []
    names = {path.name for path in (bridge.folder / "installed").iterdir()}
    assert "masterybridge.sqlite3" in names
    assert bridge.ask("db", "upgrade") == {"changed": False}


def test_upgrading_makes_the_schema_once(bridge: Bridge) -> None:
    assert bridge.ask("db", "upgrade") == {"changed": True}
    assert bridge.run("db", "upgrade").stdout == "the schema was up to date\n"


def test_doctor_is_content_with_a_fresh_installation(bridge: Bridge) -> None:
    checks = bridge.ask("doctor")
    assert [one["check"] for one in checks if not one["ok"]] == []


def test_doctor_names_each_fix(bridge: Bridge) -> None:
    bridge.env["MASTERYBRIDGE_PUBLIC_URL"] = "http://school.example"
    bridge.env["MASTERYBRIDGE_QUEUE_URL"] = "carrier-pigeon://loft"
    checks = {one["check"]: one["fix"] for one in bridge.ask("doctor", status=1)}
    assert checks["queue"] == (
        "MASTERYBRIDGE_QUEUE_URL begins with none of sqlite:///, postgresql://, "
        "redis://"
    )
    assert checks["public address"].startswith(
        "MASTERYBRIDGE_PUBLIC_URL is not https; browsers keep no session"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:hidden@127.0.0.1:1/none",
        "nonsense",
        "martian://db.example/x",
    ],
)
def test_a_database_that_is_none_says_so_without_its_password(
    bridge: Bridge, url: str
) -> None:
    bridge.env["MASTERYBRIDGE_DATABASE_URL"] = url
    result = bridge.run("source", "list", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == "ConfigError"
    assert "MASTERYBRIDGE_DATABASE_URL" in result.stderr
    assert "hidden" not in result.output


def test_a_file_that_is_no_database_says_so(bridge: Bridge) -> None:
    path = bridge.file("notes.txt", "this is no database\n" * 100)
    bridge.env["MASTERYBRIDGE_DATABASE_URL"] = f"sqlite:///{path}"
    assert "file is not a database" in bridge.ask("source", "list", status=1)["error"]


@pytest.mark.parametrize(
    "words",
    [
        ["source", "add"],
        ["source", "add", "sis"],
        ["source", "add", "sis", "--rest", "https://a.example", "--csv", "b"],
        ["source", "add", "sis", "--rest", "https://a.example"],
        ["source", "add", "sis", "--csv", "x", "--version", "2.0"],
        ["mastery", "try", "--rule", "latest"],
        ["mastery", "try", "--rule", "latest", "--scores", "one,two"],
        ["outcomes", "send"],
        ["platform", "add", "--name", "LMS"],
        ["demo", "--size", "galaxy"],
    ],
)
def test_wrong_usage_exits_2_and_prints_no_document(
    bridge: Bridge, words: list[str]
) -> None:
    result = bridge.run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ")


# Source: facts/competencies.md section 2.
VECTORS = [
    ("latest", None, "1,4,2", 2.0, "Developing"),
    ("highest", None, "1,4,2", 4.0, "Advanced"),
    ("average", None, "1,2,3,4", 2.5, "Developing"),
    ("n_mastery", "3", "3,4,3", 3.33, "Proficient"),
    ("n_mastery", "3", "3,4", None, None),
    ("power_law", None, "1,2,3,4", 4.0, "Advanced"),
    ("mean_of_last", "3", "1,2,3,4,4", 3.67, "Advanced"),
    ("mode", None, "1,2,3,3,4", 3.0, "Proficient"),
]


@pytest.mark.parametrize(("rule", "parameter", "scores", "value", "level"), VECTORS)
def test_mastery_try_does_one_calculation(
    bridge: Bridge,
    rule: str,
    parameter: str | None,
    scores: str,
    value: float | None,
    level: str | None,
) -> None:
    given = ["--parameter", parameter] if parameter else []
    found = bridge.ask("mastery", "try", "--rule", rule, *given, "--scores", scores)
    assert (found["value"], found["level"]) == (value, level)
    assert found["arithmetic"]


def test_certainty_says_probability_interval_and_what_is_needed(
    bridge: Bridge,
) -> None:
    found = bridge.ask("mastery", "try", "--rule", "certainty", "--scores", "4,4,4")
    assert round(found["probability"], 3) == 0.932
    assert sorted(found) == [
        "arithmetic",
        "interval",
        "level",
        "needs",
        "parameter",
        "probability",
        "rule",
        "value",
    ]


def test_a_rule_nobody_knows_is_a_problem(bridge: Bridge) -> None:
    words = ("mastery", "try", "--rule", "astrology", "--scores", "1")
    assert bridge.ask(*words, status=1)["code"] == "RuleError"


def test_what_a_person_reads_shows_the_arithmetic(bridge: Bridge) -> None:
    words = ("mastery", "try", "--rule", "average", "--scores", "3,4")
    lines = bridge.run(*words).stdout.splitlines()
    assert lines[0] == "average: 3.5 Proficient"
    assert len(lines) > 1


def test_no_color_and_no_terminal_give_plain_text(district: District) -> None:
    result = district.run("course", "list", env={"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert "\x1b[3" not in result.stdout
    assert "\x1b" not in district.run("course", "list").stdout


def test_platforms_are_added_listed_and_switched_off(bridge: Bridge) -> None:
    words = [
        *("--name", "LMS [beta]", "--issuer", "https://lms.example"),
        *("--client-id", "7", "--auth-url", "https://lms.example/auth"),
        *("--token-url", "https://lms.example/token"),
        *("--jwks-url", "https://lms.example/jwks", "--vendor", "moodle"),
        *("--deployment-id", "d1", "--deployment-id", "d2"),
    ]
    added = bridge.ask("platform", "add", *words)
    assert added["login_url"] == "http://127.0.0.1:8000/lti/login"
    (listed,) = bridge.ask("platform", "list")
    assert [(one["deployment_id"], one["status"]) for one in listed["deployments"]] == [
        ("d1", "active"),
        ("d2", "active"),
    ]
    assert "LMS [beta]" in bridge.run("platform", "list").stdout
    again = bridge.ask("platform", "add", *words, status=1)
    assert "is registered already" in again["error"]
    assert bridge.ask("platform", "approve", "1", "d3") == {"active": "d3"}
    assert bridge.ask("platform", "remove", "1") == {"disabled": 1}
    assert bridge.ask("platform", "list")[0]["status"] == "disabled"
    assert bridge.ask("platform", "remove", "9", status=1)["code"] == "NotFoundError"


def test_a_platform_whose_keys_do_not_come_fails_its_check(bridge: Bridge) -> None:
    port = free_port()
    dead = f"http://127.0.0.1:{port}/x"
    urls = ["--auth-url", dead, "--token-url", dead, "--jwks-url", dead]
    words = [
        "--name",
        "LMS",
        "--issuer",
        "https://l.example",
        "--client-id",
        "7",
        *urls,
    ]
    bridge.ask("platform", "add", *words)
    (check,) = bridge.ask("platform", "check", status=4)
    assert check["keys"] == "127.0.0.1 cannot be reached"


def test_a_platform_without_a_key_address_is_added_with_its_keys(
    bridge: Bridge,
) -> None:
    key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
    file = bridge.folder / "keys.json"
    words = [
        *("--name", "LMS", "--issuer", "https://l.example", "--client-id", "7"),
        *("--auth-url", "https://l.example/a", "--token-url", "https://l.example/t"),
    ]
    by_file = ("platform", "add", *words, "--jwks-file", str(file))
    missing = bridge.ask(*by_file, status=1)["error"]
    assert missing == f"{file} cannot be read (No such file or directory)"
    for text, reason in (
        ("[]", "the key set is not a JSON object"),
        ('{"keys": []}', "holds no usable key"),
    ):
        file.write_text(text)
        assert reason in bridge.ask(*by_file, status=1)["error"]
    file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    assert bridge.run(*by_file, "--jwks-url", "https://l.example/k").exit_code == 2
    assert bridge.run("platform", "add", *words).exit_code == 2
    bridge.ask(*by_file)
    assert bridge.ask("platform", "check", status=4)[0]["keys"] == "ok"


def test_a_source_tells_what_it_answers(district: District) -> None:
    found = district.ask("source", "test", "sis")
    seen = {one["name"]: one for one in found["checks"]}
    assert (found["ok"], found["kind"]) == (True, "rest")
    assert seen["orgs"]["text"] == "2 records"
    assert found["profile"]["delta"] is True
    assert found["profile"]["page_size"] >= 1000
    assert found["profile"]["requests"] <= 60
    assert found["vendor_text"].startswith('OneRoster source "sis" (http')
    (listed,) = district.ask("source", "list")
    assert (listed["name"], listed["kind"], listed["version"]) == ("sis", "rest", "1.2")
    taken = district.ask(
        "source", "add", "sis", "--csv", str(district.folder), status=1
    )
    assert taken["error"].startswith('a source named "sis" is there already')
    assert district.ask("source", "remove", "sis", status=1)["code"] == "ConfigError"


def test_a_source_that_is_not_there_exits_4(bridge: Bridge) -> None:
    port = free_port()
    bridge.ask("source", "add", "sis", *rest(bridge, f"http://127.0.0.1:{port}"))
    (check,) = bridge.ask("source", "test", "sis", status=4)["checks"]
    assert check["code"] == "no_answer"


@pytest.mark.parametrize(
    ("body", "status", "exit_code"),
    [("<html>", 200, 1), ("", 401, 1)],
)
def test_a_sis_that_answers_nonsense_leaves_everything_as_it_was(
    bridge: Bridge, body: str, status: int, exit_code: int
) -> None:
    app = Flask("broken")
    app.add_url_rule(
        "/<path:_path>",
        "all",
        lambda _path: (body, status),
        methods=["GET", "POST"],
    )
    port = free_port()
    servers = Servers("127.0.0.1")
    servers.serve(app, port)
    try:
        bridge.ask("source", "add", "sis", *rest(bridge, f"http://127.0.0.1:{port}"))
        found = bridge.ask("source", "sync", "sis", status=exit_code)
    finally:
        servers.stop()
    assert (found["status"], found["plan"]) == ("failed", {})
    assert bridge.ask("course", "list") == []
    (run,) = bridge.ask("runs", "list")
    assert run["status"] == "failed"


def test_pulling_again_changes_nothing_and_says_so(district: District) -> None:
    found = district.ask("source", "sync", "sis")
    assert (found["status"], found["text"]) == ("applied", "nothing changed")
    assert {
        (one["adds"], one["changes"], one["ends"]) for one in found["plan"].values()
    } == {(0, 0, 0)}
    assert found["plan"]["results"]["now"] == len(district.school.results)
    run = district.ask("runs", "show", str(found["run"]))
    assert run["status"] == "applied"
    assert district.ask("runs", "retry", str(found["run"]))["status"] == "applied"
    assert district.ask("runs", "show", "999", status=1)["code"] == "NotFoundError"


def test_a_held_plan_exits_3_and_is_applied_by_its_hash(bridge: Bridge) -> None:
    school = make_school(size="school", today=DAY)
    bundle = bridge.folder / "bundle.zip"
    write_bundle(bundle, school.catalog())
    bridge.ask("source", "add", "files", "--csv", str(bundle))
    dry = bridge.ask("source", "sync", "files", "--dry-run")
    assert dry["plan"]["users"]["adds"] == len(school.users)
    assert bridge.ask("course", "list") == []
    assert bridge.ask("source", "sync", "files")["status"] == "applied"
    records = dict(school.collections())
    records["enrollments"] = records["enrollments"][:40]
    write_bundle(bundle, MemoryCatalog(records))
    held = bridge.ask("source", "sync", "files", status=3)
    assert held["status"] == "held"
    assert held["plan"]["enrollments"]["ends"] == len(school.enrollments) - 40
    done = bridge.ask("source", "sync", "files", "--accept", held["plan_hash"])
    assert done["status"] == "applied"


def test_a_folder_that_is_no_bundle_is_a_problem_with_its_place(
    bridge: Bridge,
) -> None:
    missing = bridge.ask("source", "add", "x", "--csv", "nowhere.zip", status=1)
    assert missing["error"] == "nowhere.zip is not there; name a folder or a zip"
    path = bridge.file("not.zip", "no zip")
    bridge.ask("source", "add", "x", "--csv", path)
    assert bridge.ask("source", "sync", "x", status=1)["status"] == "failed"
    assert bridge.ask("source", "remove", "x") == {"removed": "x"}


def test_bad_rows_of_an_alignment_file_are_left_out_with_their_line(
    district: District,
) -> None:
    course, item, code, _weight = district.school.alignments[0]
    path = district.file(
        "bad.csv",
        "course,line_item,competency,weight\n"
        f"{course},{item},{code},1\n"
        f"nowhere,{item},{code},1\n"
        f"{course},nothing,{code},1\n"
        f"{course},{item},nothing,1\n"
        f"{course},{item},{code},heavy\n"
        f"{course},{item},{code},-1\n",
    )
    found = district.ask("align", "import", path, status=1)
    assert [one.split(": ", 1)[0] for one in found["problems"]] == [
        f"bad.csv line {line}" for line in (3, 4, 5, 6, 7)
    ]
    assert found["problems"][0] == (
        'bad.csv line 3: course "nowhere": nothing goes by that name; see '
        "masterybridge course list"
    )
    assert found["problems"][3] == (
        'bad.csv line 6: weight "heavy" is not a number; write 1 or 0.5'
    )
    district.ask("align", "import", str(district.folder / "align.csv"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "klass,item\n1,2\n",
            (
                "f.csv line 1: no column competency, course, line_item; the header is "
                "course,line_item,competency,weight"
            ),
        ),
        (
            'course,line_item,competency\n"1,2,3',
            "f.csv is no CSV in UTF-8 (unexpected end of data); save it as CSV UTF-8",
        ),
    ],
)
def test_a_file_that_holds_no_alignments_is_refused(
    bridge: Bridge, text: str, message: str
) -> None:
    path = bridge.file("f.csv", text)
    assert bridge.ask("align", "import", path, status=1)["error"] == message


def test_exported_alignments_can_be_imported_again(district: District) -> None:
    text = district.run("align", "export").stdout
    assert text.splitlines()[0] == "course,line_item,competency,weight"
    assert len(text.splitlines()) == len(district.school.alignments) + 1
    found = district.ask("align", "import", district.file("again.csv", text))
    assert (found["added"], found["same"]) == (0, len(district.school.alignments))
    assert len(district.ask("align", "export")) == len(district.school.alignments)
    course, item, code, _weight = district.school.alignments[0]
    more = (
        "course,line_item,competency,weight,part,practice\n"
        f"{course},{item},{code},2,question:1-4,yes\n"
        f"{course},{item},{code},2,page 3,\n"
    )
    told = district.ask("align", "import", district.file("more.csv", more), status=1)
    assert (told["added"], told["problems"]) == (
        1,
        [
            (
                'more.csv line 3: part "page 3" names no row or question; write row:3, '
                "question:1-4, or leave it empty for the whole score"
            )
        ],
    )
    again = district.run("align", "export").stdout
    assert again.splitlines()[0].endswith("weight,part,practice")
    assert [one for one in again.splitlines() if one.endswith(",2,question:1-4,yes")]
    path = district.file("more.csv", again)
    assert district.ask("align", "import", path)["added"] == 0


def test_frameworks_are_listed_shown_exported_and_imported_again(
    district: District,
) -> None:
    (one,) = district.ask("framework", "list")
    shown = district.ask("framework", "show", one["case_id"])
    assert len(shown["competencies"]) == one["competencies"]
    exported = district.ask("framework", "export", str(one["id"]))
    path = district.file("exported.json", json.dumps(exported))
    (again,) = district.ask("framework", "import", path)["imported"]
    assert again["changed"] is False
    text = district.run("framework", "export", one["title"]).stdout
    assert json.loads(text) == exported
    no = district.ask("framework", "show", "none", status=1)
    assert no["error"].startswith('no framework goes by "none"; masterybridge')


def test_what_is_not_case_exits_1_and_stores_nothing(bridge: Bridge) -> None:
    path = bridge.file("list.json", "[]")
    assert bridge.ask("framework", "import", path, status=1)["code"] == "FrameworkError"
    assert bridge.ask("framework", "list") == []


def test_a_courses_plan_is_set_and_shown(district: District) -> None:
    shown = district.ask("course", "show", district.course)
    assert shown["destinations"] == {
        "ags": False,
        "oneroster": False,
        "moodle": False,
        "canvas": False,
    }
    changed = district.ask(
        *("course", "set", str(shown["id"]), "--rule", "mean_of_last"),
        *("--parameter", "3", "--mastery", "0.75"),
    )
    assert (changed["id"], changed["rule"], changed["parameter"]) == (
        shown["id"],
        "mean_of_last",
        3.0,
    )
    back = district.ask("course", "set", district.course, "--rule", "certainty")
    assert back["rule"] == "certainty"
    bad = district.ask("course", "set", district.course, "--mastery", "80", status=1)
    assert bad == {
        "ok": False,
        "code": "PlanError",
        "error": "mastery_cut: Mastery begins at a level above the lowest. Choose one.",
    }
    assert district.ask("course", "show", district.course)["mastery"] == 0.75
    rows = district.school.alignments
    code = next(row[2] for row in rows if row[0] == district.course)
    own = district.ask(
        *("course", "set", district.course, "--competency", code),
        *("--rule", "highest", "--minimum", "2", "--reason", "one task only"),
    )
    assert own["competency_rules"] == {
        code: {"rule": "highest", "parameter": None, "minimum_pieces": 2}
    }
    history = district.ask("course", "history", district.course)
    assert [one["number"] for one in history] == list(range(len(history), 0, -1))
    assert (history[0]["reason"], history[0]["changes"][0]["field"]) == (
        "one task only",
        "rules",
    )
    district.run("course", "history", district.course)
    shown = district.ask(
        *("course", "set", district.course, "--order", "due", "--minimum", "2"),
        *("--counts", "score,rubric", "--successor-share", "0.25"),
    )
    told = ("order", "minimum", "counts", "successor_share")
    assert [shown[name] for name in told] == ["due", 2, ["score", "rubric"], 0.25]
    number = str(history[0]["number"])
    again = district.ask("course", "restore", district.course, number)
    assert [again[name] for name in told] == ["submitted", 1, None, 0.0]
    assert again["competency_rules"] == own["competency_rules"]
    ended = district.ask("course", "set", district.course, "--competency", code)
    assert ended["competency_rules"] == {}
    result = district.run("course", "set", district.course, "--destination", "fax=on")
    assert result.exit_code == 2


def test_why_a_student_stands_where_she_stands(district: District) -> None:
    course = district.course
    student = district.school.personas.student.sourced_id
    code = next(row[2] for row in district.school.alignments if row[0] == course)
    words = ("--course", course, "--student", student, "--competency", code)
    found = district.ask("mastery", "explain", *words)
    assert found["evidence"]
    assert found["arithmetic"]
    assert district.run("mastery", "explain", *words).exit_code == 0
    nobody = district.ask("mastery", "explain", *words[:3], "x-9", *words[4:], status=1)
    assert nobody["error"] == (
        'student "x-9": nobody goes by that name; give the SIS sourcedId'
    )


def test_by_what_records_are_judged_is_foreseen_set_and_taken_back(
    district: District,
) -> None:
    name = district.ask("framework", "list")[0]["case_id"]
    usual = district.ask("framework", "record", "show", name)
    assert (usual["rule"], usual["versions"]) == ("certainty", [])
    words = ("framework", "record", "set", name, "--rule", "highest", "--minimum", "1")
    seen = district.ask(*words, "--dry-run")
    assert (seen["version"], len(seen["moves"])) == (None, seen["changed"]["moved"])
    assert seen["changed"]["up"] > 0
    student = district.school.personas.student.sourced_id
    code = next(
        row[2] for row in district.school.alignments if row[0] == district.course
    )
    explain = ("mastery", "explain", "--student", student, "--competency", code)
    before = district.ask(*explain)
    assert before["rule"] == "certainty"
    done = district.ask(*words, "--reason", "as on paper")
    assert (done["version"], done["changed"]) == (2, seen["changed"])
    assert district.ask(*explain)["rule"] == "highest"
    back = district.ask("framework", "record", "restore", name, "1")
    assert back["changed"]["moved"] == seen["changed"]["moved"]
    assert district.ask(*explain)["level"] == before["level"]
    shown = district.ask("framework", "record", "show", name)
    assert [one["restores"] for one in shown["versions"]] == [1, None, None]
    wrong = district.ask("framework", "record", "set", name, "--rule", "x", status=1)
    assert "There is no rule “x”" in wrong["error"]


def test_outcomes_go_out_and_are_read_back(district: District) -> None:
    assert district.ask("outcomes", "status") == {
        "counts": {},
        "destinations": {},
    }
    district.ask("course", "set", district.course, "--destination", "oneroster=on")
    due = district.ask("outcomes", "deliver", "--dry-run")["due"]
    assert {row["destination"] for row in due} == {"oneroster"}
    sent = district.ask("outcomes", "deliver")
    assert sent == {"ended": {"delivered": len(due)}, "waiting": []}
    status = district.ask("outcomes", "status", "--rows")
    assert status["counts"] == {"delivered": len(due)}
    assert status["destinations"] == {"oneroster": {"delivered": len(due)}}
    assert {"course", "student", "competency", "value", "state", "reason"} <= set(
        status["rows"][0]
    )
    row = status["rows"][0]
    shown = district.ask("outcomes", "show", str(row["id"]))
    assert shown["basis"] == row["basis"]
    assert (shown["why"]["value"], shown["why"]["level"]) == (
        row["value"],
        row["level"],
    )
    told = {name: shown["why"][name] for name in ("rule", "parameter", "settings")}
    assert told == {name: row["basis"][name] for name in told}
    assert district.run("outcomes", "show", str(row["id"])).exit_code == 0
    assert "no delivery has the id 0" in str(
        district.ask("outcomes", "show", "0", status=1)
    )
    assert district.ask("outcomes", "reconcile") == {
        "read_back": {"oneroster": len(due)},
        "differences": [],
        "unread": [],
        "resent": 0,
    }
    changed = next(iter(district.catalog.records("assessmentResults")))
    district.catalog.delete("assessmentResults", changed.sourced_id)
    found = district.ask("outcomes", "reconcile", status=1)
    assert [one["theirs"] for one in found["differences"]] == [None]
    district.catalog.write("assessmentResults", changed)


def test_what_switching_on_would_change_is_seen_before_it_is_done(
    bridge: Bridge,
) -> None:
    district = District(bridge.folder)
    servers = _served(district)
    words = ("course", "set", district.course, "--destination", "oneroster=on")
    seen = district.ask(*words, "--look")
    (counts,) = (one["counts"] for one in seen["destinations"].values())
    assert list(counts) == ["add"]
    assert district.ask("outcomes", "status")["counts"] == {}
    refused = district.ask(*words, "--accept", "0" * 12, status=3)
    assert "look again with --look" in refused["error"]
    on_a_terminal = {"TTY_COMPATIBLE": "1"}
    for answer in ("n\n", "y\n"):
        assert district.ask("outcomes", "status")["counts"] == {}
        found = district.run(*words, env=on_a_terminal, answer=answer)
        assert (
            f"oneroster: switching it on would change there: {counts['add']} add"
            in (found.output)
        )
        assert found.exit_code == (0 if answer == "y\n" else 3)
    waiting = {"counts": {"pending": counts["add"]}}
    assert district.ask("outcomes", "status")["counts"] == waiting["counts"]
    assert district.ask(*words, "--look") == {"destinations": {}, "plan_hash": None}
    district.ask(*words[:-1], "oneroster=off")
    done = district.ask(*words, "--accept", seen["plan_hash"])
    assert done["destinations"]["oneroster"] is True
    district.ask(*words[:-1], "oneroster=off")
    away = (*words[:-1], "ags=on")
    assert district.run(*away, env=on_a_terminal, answer="y\n").exit_code == 4
    assert district.ask("course", "show", district.course)["destinations"] == (
        dict.fromkeys(("ags", "oneroster", "canvas", "moodle"), False)
    )
    servers.stop()


def test_a_blocked_delivery_exits_1_with_its_reason(district: District) -> None:
    district.ask("course", "set", district.course, "--destination", "ags=on")
    found = district.ask("outcomes", "deliver", status=1)
    assert set(found["ended"]) == {"blocked"}
    assert found["waiting"][0]["code"] == "no_place"
    district.ask("course", "set", district.course, "--destination", "ags=off")
    assert district.ask("outcomes", "deliver") == {"ended": {}, "waiting": []}


def test_a_destination_that_is_away_exits_4(bridge: Bridge) -> None:
    made = District(bridge.folder)
    _served(made).stop()
    made.ask("course", "set", made.course, "--destination", "oneroster=on")
    found = made.ask("outcomes", "deliver", status=4)
    assert set(found["ended"]) == {"pending"}
    assert {one["code"] for one in found["waiting"]} == {"no_answer"}
    assert made.ask("source", "test", "sis", status=4)["source"] == "sis"


def test_a_backup_is_restored_and_what_stood_there_is_kept(bridge: Bridge) -> None:
    bridge.ask("source", "add", "one", "--csv", str(bridge.folder))
    path = bridge.folder / "copy.sqlite3"
    assert bridge.ask("backup", str(path))["written"] == str(path)
    assert path.stat().st_mode & 0o077 == 0
    bridge.ask("source", "add", "two", "--csv", str(bridge.folder))
    restored = bridge.ask("restore", str(path))
    assert [one["name"] for one in bridge.ask("source", "list")] == ["one"]
    with closing(sqlite3.connect(restored["kept"])) as kept:
        assert kept.execute("SELECT count(*) FROM source").fetchone() == (2,)
    again = bridge.ask("backup", str(path), status=1)
    assert again["error"] == f"{path} is there already; name a new file"
    nowhere = bridge.ask("backup", str(bridge.folder / "no" / "x"), status=1)
    assert nowhere["error"] == f"{bridge.folder / 'no'} is no folder; make it first"


def test_what_is_no_backup_is_not_restored(bridge: Bridge) -> None:
    bridge.ask("source", "add", "one", "--csv", str(bridge.folder))
    path = bridge.file("notes.txt", "this is no database\n" * 100)
    refused = bridge.ask("restore", path, status=1)
    assert "is no backup of this tool" in refused["error"]
    gone = bridge.ask("restore", str(bridge.folder / "none"), status=1)
    assert gone["code"] == "ConfigError"
    assert [one["name"] for one in bridge.ask("source", "list")] == ["one"]


def test_rotating_keys_names_the_one_in_use(bridge: Bridge) -> None:
    assert bridge.ask("keys", "rotate")["current"]


def test_a_file_that_cannot_be_written_is_a_problem_of_one_line(
    district: District,
) -> None:
    target = district.folder / "no" / "such" / "place.csv"
    found = district.ask("align", "export", "--output", str(target), status=1)
    assert found == {
        "ok": False,
        "code": "file",
        "error": f"{target}: No such file or directory",
    }


def test_the_version_is_that_of_the_distribution(bridge: Bridge) -> None:
    told = bridge.run("--version").stdout
    assert told == f"masterybridge, version {version('masterybridge')}\n"
