"""Suggestions from a stored framework: built once, offered with their reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from lti_tool.cli import masterybridge
from lti_tool.storage import framework_versions, frameworks, schema, suggestions
from lti_tool.storage.database import Database
from lti_tool.work import sentences, suggesting
from mappings.case import parse_case
from mappings.ranking import FEATURES
from mappings.suggestions import Query

if TYPE_CHECKING:
    from datetime import datetime

    from tests.lti_tool.work.conftest import Classroom

CODES = ("words:2", "codes:1")


@pytest.fixture
def ccss(database: Database, shared_data: Path, now: datetime) -> int:
    """The Common Core, as a school has imported it."""
    path = shared_data / "case" / "ccss-math.cfpackage.json"
    package, _problems = parse_case(json.loads(path.read_text()))
    note = framework_versions.Note(named="ccss.json", made_by="cli", at=now)
    with database.write() as session:
        return framework_versions.save_framework(session, package, note).framework_id


def stored(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        table = schema.framework_index
        found = session.execute(table.select().order_by(table.c.kind))
        return [(row.kind, row.fingerprint) for row in found]


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_an_index_is_built_once_a_version_and_stored(
    database: Database, ccss: int, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggesting, "_shelves", {})
    first = suggesting.load_shelf(database, ccss, now=now)
    assert stored(database) == [(kind, first.fingerprint) for kind in sorted(CODES)]
    monkeypatch.setattr(suggesting, "_shelves", {})
    monkeypatch.setattr(suggesting, "make_shelf", lambda *_: pytest.fail("built anew"))
    again = suggesting.load_shelf(database, ccss, now=now)
    assert (again.index, again.codes) == (first.index, first.codes)
    assert suggesting.load_shelf(database, ccss, now=now) is again


def test_another_version_of_a_framework_has_another_index(
    database: Database, ccss: int, now: datetime
) -> None:
    first = suggesting.load_shelf(database, ccss, now=now)
    with database.write() as session:
        session.execute(
            schema.competency.update()
            .where(schema.competency.c.human_code == "6.EE.B.5")
            .values(fingerprint="new", statement="Draw zebras")
        )
    second = suggesting.load_shelf(database, ccss, now=now)
    assert second.fingerprint != first.fingerprint
    assert suggesting.offers(second, Query("zebras"))[0].words == ("zebras",)
    assert {one for _, one in stored(database)} == {second.fingerprint}


def test_what_a_text_names_comes_before_what_is_likely(
    database: Database, ccss: int, now: datetime
) -> None:
    shelf = suggesting.load_shelf(database, ccss, now=now)
    with database.read() as session:
        known = frameworks.load_package(session, ccss).by_case_id
    found = suggesting.offers(
        shelf, Query("Solve inequalities (7.EE.B.4) by substitution")
    )
    first, second, *rest = found
    assert (known[first.case_id].human_code, first.why, first.words) == (
        "7.EE.B.4",
        "named",
        ("7.EE.B.4",),
    )
    assert (known[second.case_id].human_code, second.why) == ("6.EE.B.5", "likely")
    assert len(rest) == 3
    only = suggesting.offers(shelf, Query("7.EE.B.4 solve"), allowed={second.case_id})
    assert [one.case_id for one in only] == [second.case_id]


def test_a_subject_nobody_else_writes_so_hides_nothing(
    database: Database, ccss: int, now: datetime
) -> None:
    shelf = suggesting.load_shelf(database, ccss, now=now)
    query = Query("Solve an inequality", subjects=frozenset({"maths 7"}))
    assert len(suggesting.offers(shelf, query)) == 5


def choose(room: Classroom, some: range, *, now: datetime) -> None:
    """Answer so many suggestions, each of its own work, by the likeness of meaning."""
    with room.database.write() as session:
        for number in some:
            work = session.execute(
                schema.assignment.insert()
                .values(
                    **room.sourced(f"w{number}"), title="w", course_id=room.course_id
                )
                .returning(schema.assignment.c.id)
            ).scalar_one()
            features = dict.fromkeys(FEATURES, 0.5) | {"statement": number % 40 / 40}
            choice = suggestions.Choice(
                room.course_id,
                work,
                room.competencies["7.A"],
                is_accepted=number % 40 < 20,
                features=features,
            )
            suggestions.save_choice(session, choice, who="person:1", now=now)


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_what_people_choose_is_learned_once_it_is_enough(
    room: Classroom, now: datetime
) -> None:
    choose(room, range(39), now=now)
    with room.database.write() as session:
        assert suggesting.learn(session, now=now) is None
        assert suggesting.load_ranker(session) is None
    choose(room, range(39, 79), now=now)
    with room.database.write() as session:
        learned = suggesting.learn(session, now=now)
        assert learned is not None
        assert learned.weights["statement"] < 0
        assert suggesting.load_ranker(session) == learned
        assert suggesting.learn(session, now=now) is None
    with room.database.read() as session:
        skipped = suggestions.load_skipped(session, room.course_id)
        assert len(skipped) == 39


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 -- a function of any arguments
    monkeypatch.setenv("MASTERYBRIDGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(
        "MASTERYBRIDGE_DATABASE_URL", f"sqlite:///{tmp_path}/room.sqlite3"
    )

    def command(*words: str) -> tuple[int, Any]:
        told = CliRunner().invoke(masterybridge, ["align", "suggest", *words, "--json"])
        return told.exit_code, json.loads(told.stdout) if told.stdout else told.stderr

    return command


def test_the_command_suggests_five_with_the_words_that_matched(
    ccss: int,
    run: Any,  # noqa: ANN401 -- see above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sentences, "is_installed", lambda: False)
    code, told = run("--text=Quotients of fractions in word problems", "--grade=6")
    assert (code, told["by"]) == (0, "words")
    first, *rest = told["suggestions"]
    assert first["code"] == "6.NS.A.1"
    assert set(first["words"]) == {"quotients", "fractions", "word", "problems"}
    assert set(first) == {
        "guid", "code", "score", "words", "confidence", "why", "statement",
    }  # fmt: skip
    assert len(rest) == 4
    assert len(run("--text=fractions", "--top=7", f"--framework={ccss}")[1]
               ["suggestions"]) == 7  # fmt: skip
    assert run("--text=zzz")[1]["suggestions"] == []


@pytest.mark.usefixtures("ccss")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--text=x", "--grade=seven"), 2, "--grade seven: write K, or 1 to 12"),
        (("--text=x", "--framework=none"), 1, 'no framework goes by "none"'),
        ((), 2, "name one of --text and --of"),
    ],
)
def test_what_the_command_cannot_use_it_names(
    run: Any,  # noqa: ANN401 -- see above
    words: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    exit_code, said = run(*words)
    assert exit_code == code
    assert told in (
        said if isinstance(said, str) else json.dumps(said).replace("\\", "")
    )


def test_without_a_framework_the_command_asks_for_one(
    database: Database,
    run: Any,  # noqa: ANN401 -- see above
) -> None:
    database.close()
    code, said = run("--text=x")
    assert code != 0
    assert "there are 0 frameworks" in json.dumps(said)
