"""Suggestions by meaning are worked out by the worker and read by a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lti_tool.storage import schema
from lti_tool.work import meaning, offering, sentences, suggesting
from mappings.postings import Candidate
from mappings.suggestions import Closeness

if TYPE_CHECKING:
    from datetime import datetime

    from tests.lti_tool.work.conftest import Classroom


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A model that finds the last candidate nearest to everything; what it read."""
    read: list[str] = []

    def closeness(held: bytes, text: str) -> Closeness:
        read.append(text)
        near = [place / 10 for place in range(len(held))]
        return Closeness(near, near)

    def held(some: Sequence[Candidate]) -> bytes:
        return b"x" * len(some)

    monkeypatch.setattr(sentences, "is_installed", lambda: True)
    monkeypatch.setattr(sentences, "held", held)
    monkeypatch.setattr(sentences, "closeness", closeness)
    return read


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_the_worker_reads_a_framework_soon_after_its_import(
    room: Classroom, now: datetime
) -> None:
    (framework_id,) = room.rows(schema.framework, "id")[0]
    assert not meaning.read_some(room.database, now=now)
    kinds = {row[0] for row in room.rows(schema.framework_index, "kind")}
    known = {suggesting.WORDS, suggesting.CODES, sentences.KIND}
    assert kinds == known | {suggesting.PART}
    later = now + timedelta(hours=1)
    room.change(schema.framework, framework_id, imported_at=later)
    assert not meaning.read_some(room.database, now=later)
    made = dict(room.rows(schema.framework_index, "kind", "made_at"))
    assert made[suggesting.WORDS] == later


def test_a_large_framework_is_read_a_slice_at_a_time(
    room: Classroom, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(some: Sequence[Candidate]) -> bytes:
        return b"".join([one.key.encode()[-1:] for one in some]) + b"+" * len(some)

    monkeypatch.setattr(sentences, "is_installed", lambda: True)
    monkeypatch.setattr(sentences, "held", held)
    monkeypatch.setattr(suggesting, "SLICE", 1)
    times = 1
    while meaning.read_some(room.database, now=now):
        times += 1
    read = dict(room.rows(schema.framework_index, "kind", "content"))
    whole = read[sentences.KIND]
    assert times == len(whole) // 2 > 1
    assert whole.count(b"+") == times
    assert whole.endswith(b"+" * times)
    assert read[suggesting.PART] == b""


def test_a_course_is_worked_out_when_its_page_asks(
    room: Classroom, model: list[str], now: datetime
) -> None:
    room.add_assignment("quiz")
    assert offered(room, now).is_waiting
    assert meaning.prepare_course(room.database, room.course_id, now=now)
    assert not offered(room, now).is_waiting
    assert not meaning.prepare_course(room.database, room.course_id, now=now)
    assert model == ["Work quiz"]
    assert not meaning.prepare_course(room.database, room.course_id + 9, now=now)


def offered(room: Classroom, now: datetime) -> offering.Offered:
    framework_id = room.rows(schema.course, "framework_id")[0][0]
    case_ids = [row[0] for row in room.rows(schema.competency, "case_id")]
    return offering.of_course(
        room.database, room.course_id, framework_id, allowed=case_ids, now=now
    )


def first(room: Classroom, now: datetime) -> str | None:
    """The competency that a page offers first for the quiz."""
    (whole,) = offered(room, now).by_work[room.work["quiz"]]
    return whole.offers[0].case_id if whole.offers else None


def test_a_page_reads_what_the_worker_worked_out_by_meaning(
    room: Classroom, model: list[str], now: datetime
) -> None:
    room.add_assignment("quiz")
    case_ids = [row[0] for row in room.rows(schema.competency, "case_id")]
    by_words = first(room, now)
    assert meaning.prepare_all(room.database, now=now) == 1
    assert model == ["Work quiz"]
    assert first(room, now) == case_ids[-1] != by_words
    assert meaning.prepare_all(room.database, now=now) == 0
    assert model == ["Work quiz"]
    room.change(schema.assignment, room.work["quiz"], title="Zebra")
    assert first(room, now) == by_words
    assert meaning.prepare_all(room.database, now=now) == 1
    assert first(room, now) == case_ids[-1]


@pytest.mark.skipif(
    not sentences.is_installed(), reason="masterybridge[suggest] is not installed"
)
def test_the_model_finds_what_shares_no_word(room: Classroom, now: datetime) -> None:
    """The real model, from the worker to what a page offers."""
    room.change(
        schema.competency,
        room.competencies["7.A"],
        statement="Add and subtract whole numbers",
        fingerprint="a",
    )
    room.change(
        schema.competency,
        room.competencies["7.B"],
        statement="Read a poem aloud",
        fingerprint="b",
    )
    room.add_assignment("quiz")
    room.change(schema.assignment, room.work["quiz"], title="Verse recital")
    assert first(room, now) is None
    assert meaning.prepare_all(room.database, now=now) == 1
    told = dict(room.rows(schema.competency, "human_code", "case_id"))
    assert first(room, now) == told["7.B"]


def test_without_the_model_nothing_is_worked_out(
    room: Classroom, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "is_installed", lambda: False)
    room.add_assignment("quiz")
    assert meaning.prepare_all(room.database, now=now) == 0
    assert room.count(schema.framework_index) == 0
