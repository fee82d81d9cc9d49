"""`mastery explain` says what kind of score each one is."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from lti_tool.cli import masterybridge
from lti_tool.storage import schema
from lti_tool.storage.database import Database, Session

EXPLAIN = ("mastery", "explain", "--course=7b", "--student=ana", "--competency=K.1")


def put(session: Session, table: str, **values: object) -> None:
    session.execute(insert(schema.metadata.tables[table]).values(**values))


@pytest.fixture(autouse=True)
def _installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setenv("MASTERYBRIDGE_DATA_DIR", str(tmp_path))
    database = Database(f"sqlite:///{tmp_path}/masterybridge.sqlite3")
    database.upgrade()
    sis = {"source_id": 1, "fingerprint": "f"}
    with database.write() as session:
        put(session, "source", name="s", kind="csv", location="x", created_at=now)
        names = {"given_name": "Ana", "family_name": "Lee"}
        put(session, "person", **names, display_name="Ana Lee", created_at=now)
        put(
            session,
            "sis_user",
            sourced_id="ana",
            person_id=1,
            is_enabled=True,
            **names,
            **sis,
        )
        facts = {"payload": {}, "fingerprint": "f"}
        put(
            session,
            "framework",
            case_id="fw",
            title="F",
            creator="t",
            package={},
            imported_at=now,
            **facts,
        )
        put(
            session,
            "competency",
            framework_id=1,
            case_id="c",
            human_code="K.1",
            statement="S",
            position=0,
            is_assessable=True,
            **facts,
        )
        put(session, "sis_class", sourced_id="7b", title="7B", **sis)
        put(
            session,
            "course",
            sis_class_id=1,
            title="7B",
            framework_id=1,
            created_at=now,
        )
        put(session, "term", sourced_id="t", title="Quarter 1", kind="term", **sis)
        put(
            session,
            "score_scale",
            sourced_id="s",
            title="Letters",
            class_sourced_id="7b",
            steps=[["A", "9"]],
            **sis,
        )
        put(
            session,
            "assignment",
            sourced_id="quiz",
            title="Quiz",
            course_id=1,
            class_sourced_id="7b",
            term_sourced_id="t",
            maximum=10,
            **sis,
        )
        put(
            session,
            "alignment",
            course_id=1,
            assignment_id=1,
            competency_id=1,
            weight=1,
            made_by="t",
            created_at=now,
        )
        scores: list[dict[str, Any]] = [
            {"text_score": "A", "flags": {"late": True}},
            {"given": 0.0, "flags": {"missing": True}},
        ]
        for day, score in enumerate(scores, 1):
            put(
                session,
                "score",
                sourced_id=f"r{day}",
                assignment_id=1,
                person_id=1,
                line_item_sourced_id="quiz",
                student_sourced_id="ana",
                scored_on=date(2026, 10, day),
                **score,
                **sis,
            )
    database.close()


def test_a_person_reads_what_each_score_is() -> None:
    told = CliRunner().invoke(masterybridge, EXPLAIN).stdout.splitlines()
    order, *pieces = told[1:4]
    assert order.startswith(
        "evidence ordered by the day it was handed in; what counts: score, retake, "
        "rubric, question, observation, conference, outside; a level needs 1; "
        "judged as of 2"
    )
    assert pieces == [
        "  2026-10-01 Quiz: 9.0/10.0 · late · “A” is worth 9 on the scale “Letters”",
        "  2026-10-02 Quiz: 0.0/10.0 · left out: missing: not handed in",
    ]


def test_a_script_reads_it_as_well() -> None:
    told = json.loads(CliRunner().invoke(masterybridge, [*EXPLAIN, "--json"]).stdout)
    word, missing = told["evidence"]
    assert (word["given"], word["text_score"], word["flags"]) == (9.0, "A", ["late"])
    assert (word["term"], word["counts"], word["left_out"]) == ("Quarter 1", True, None)
    assert (word["kind"], word["method"], missing["kind"]) == (
        "score",
        "score",
        "result",
    )
    assert told["settings"] == {
        "order": "submitted",
        "minimum_pieces": 1,
        "counts": [
            "conference", "observation", "outside", "question", "retake", "rubric",
            "score",
        ],
        "successor_share": 0.0,
        "mastery": "Proficient",
    }  # fmt: skip
    assert (told["by_teacher"], told["level"]) == (None, "Developing")
    assert told["by_rule"] == {"value": told["value"], "level": "Developing"}
    assert told["needs"] == "2 more fresh successes reach Proficient"
    assert told["is_due_for_a_check"] is False
    assert (missing["counts"], missing["left_out"]) == (
        False,
        "missing: not handed in",
    )
