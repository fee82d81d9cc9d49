"""A command line over a district of its own, and the life of one of its students."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner
from sqlalchemy import select, update

from lti_tool.cli import masterybridge
from lti_tool.settings import Settings
from lti_tool.storage import schema
from lti_tool.storage.database import Database
from tests.lti_tool.published import LEVELLED, District, put


class Bridge:
    """A command line over a folder of its own, with a district in its database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(Settings(data_dir=folder).database)
        self.database.upgrade()
        self.district = District(self.database)
        with self.database.write() as session:
            session.execute(
                update(schema.course).values(framework_id=self.district.framework)
            )

    def run(self, *words: str, status: int = 0) -> str:
        env = {"MASTERYBRIDGE_DATA_DIR": str(self.folder)}
        try:
            result = CliRunner(env=env).invoke(masterybridge, list(words))
        finally:
            structlog.reset_defaults()
        assert result.exit_code == status, result.output
        return result.stdout

    def ask(self, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        return json.loads(self.run(*words, "--json", status=status))


def fill_life(database: Database, district: District, person: int) -> None:
    """Let a person have visited, been scored, seen, told of and joined."""
    source, course = district.sources["hill"], district.courses["hill"]
    first = district.competencies[0]
    with database.write() as session:
        platform = put(
            session,
            schema.registration,
            name="Moodle",
            issuer="https://lms.example",
            client_id="c",
            auth_url="a",
            token_url="t",  # noqa: S106 -- an address
            jwks_url="j",
            created_at=LEVELLED,
        )
        user = put(
            session,
            schema.lms_user,
            registration_id=platform,
            subject="subject-ada",
            person_id=person,
            email="ada@example.org",
            seen_at=LEVELLED,
        )
        put(
            session,
            schema.person_link,
            kind="lms",
            lms_user_id=user,
            person_id=person,
            rule="lis",
            confidence=1.0,
            status="active",
            made_by="sync",
            made_at=LEVELLED,
        )
        put(
            session,
            schema.web_session,
            public_id="public-secret",
            browser_hash="browser-secret",
            csrf="csrf-secret",
            person_id=person,
            lms_user_id=user,
            role="learner",
            created_at=LEVELLED,
            seen_at=LEVELLED,
            expires_at=LEVELLED,
        )
        put(
            session,
            schema.score,
            source_id=source,
            sourced_id="r1",
            fingerprint="f",
            person_id=person,
            line_item_sourced_id="li",
            student_sourced_id="ada",
            given=9.0,
            comment="=Well done",
        )
        seen = put(
            session,
            schema.observation,
            person_id=person,
            competency_id=first,
            course_id=course,
            kind="observation",
            task="t",
            title="Ada explains",
            given=3.0,
            maximum=4.0,
            happened_at=LEVELLED,
            status="accepted",
            made_by="person:9",
            made_at=LEVELLED,
        )
        put(
            session,
            schema.teacher_level,
            course_id=course,
            person_id=person,
            competency_id=first,
            level=2,
            level_name="Meets",
            reason="Ada showed me",
            lasts="removed",
            made_by="person:9",
            made_at=LEVELLED,
        )
        put(
            session,
            schema.delivery,
            destination="oneroster",
            course_id=course,
            person_id=person,
            competency_id=first,
            value=3.0,
            maximum=4.0,
            level_name="Meets",
            basis={},
            state="delivered",
            due_at=LEVELLED,
            created_at=LEVELLED,
        )
        put(
            session,
            schema.change,
            at=LEVELLED,
            who="person:9",
            what="observation added",
            subject_table="observation",
            subject_id=seen,
            after={"title": "Ada explains"},
        )


CANARY = ("canar", "zelda", "quux")


def name_canary(database: Database, district: District, person: int) -> None:
    """Give a person names and identifiers that stand nowhere else.

    They stand in what is others' too: a relative's record, a mentor's visit, a plan.
    """
    source, course = district.sources["hill"], district.courses["hill"]
    sent = schema.sis_user.c
    with database.write() as session:
        session.execute(
            update(schema.person)
            .where(schema.person.c.id == person)
            .values(given_name="Zelda", family_name="Quux", display_name="Zelda Quux")
        )
        session.execute(
            update(schema.sis_user)
            .where(sent.source_id == source, sent.sourced_id == "ada")
            .values(
                sourced_id="canary-7",
                given_name="Zelda",
                family_name="Quux",
                email="zelda@quux.example",
                user_ids=[{"type": "state", "identifier": "canary-id"}],
            )
        )
        session.execute(
            update(schema.sis_user)
            .where(sent.source_id == source, sent.sourced_id == "bo")
            .values(agents=["cy", "canary-7"])
        )
        seat = schema.enrollment.c
        session.execute(
            update(schema.enrollment)
            .where(seat.source_id == source, seat.user_sourced_id == "ada")
            .values(sourced_id="canary-e", user_sourced_id="canary-7")
        )
        session.execute(
            update(schema.score)
            .where(schema.score.c.student_sourced_id == "ada")
            .values(student_sourced_id="canary-7", comment="Zelda did well")
        )
        session.execute(update(schema.lms_user).values(subject="canary-subject"))
        platform = session.scalar(select(schema.registration.c.id))
        put(
            session,
            schema.web_session,
            public_id="mentor",
            browser_hash="h",
            csrf="c",
            registration_id=platform,
            person_id=district.people["hill/cy"],
            mentees=["canary-subject", "another"],
            role="mentor",
            created_at=LEVELLED,
            seen_at=LEVELLED,
            expires_at=LEVELLED,
        )
        put(
            session,
            schema.delivery_plan,
            course_id=course,
            destination="oneroster",
            status="found",
            found=[{"person_id": person, "reason": "Zelda"}],
            ordered_by="person:9",
            ordered_at=LEVELLED,
        )
        run = put(
            session,
            schema.run,
            source_id=source,
            status="applied",
            trigger="by_hand",
            started_at=LEVELLED,
            ended_at=LEVELLED,
        )
        put(
            session,
            schema.run_move,
            run_id=run,
            collection="users",
            kind="add",
            sourced_id="canary-7",
            label="Zelda Quux",
            user_sourced_id="canary-7",
        )
        put(
            session,
            schema.run_problem,
            run_id=run,
            collection="users",
            sourced_id="canary-7",
            place="users.csv line 7",
            code="email",
            text="is odd",
        )
        put(
            session,
            schema.quarantine,
            source_id=source,
            run_id=run,
            collection="results",
            sourced_id="canary-r",
            field="student",
            names="canary-7",
            place="results.csv line 1",
            row={"student_sourced_id": "canary-7"},
            first_seen_at=LEVELLED,
            seen_at=LEVELLED,
        )


def found_canary(database: Database) -> list[str]:
    """Every table in which a name or identifier of hers stands still."""
    found = []
    with database.read() as session:
        for table in schema.metadata.tables.values():
            text = repr(session.execute(select(table)).all()).casefold()
            found += [f"{table.name}: {one}" for one in CANARY if one in text]
    return found
