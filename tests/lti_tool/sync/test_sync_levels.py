"""Levels of scores a sync brings: in the transaction that stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.storage import schema
from lti_tool.work import roster
from tests.lti_tool.sync.test_sync_people import classes
from tests.lti_tool.sync.test_sync_scores import levels

if TYPE_CHECKING:
    from tests.lti_tool.sync.conftest import Sis


class KilledError(Exception):
    """The process ends once the sync is stored, before anything comes after."""


def die(*_args: object, **_said: object) -> None:
    raise KilledError


def sync_and_die(sis: Sis, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(roster, "refresh_stale", die)
        with pytest.raises(KilledError):
            sis.sync()


def stale(sis: Sis) -> list[int]:
    return [one for one, at in sis.rows(schema.course, "id", "refreshed_at") if not at]


def judged(sis: Sis) -> dict[str, list[tuple[Any, ...]]]:
    said = ("person_id", "competency_id", "value", "evidence_count")
    return {
        "cells": sis.rows(schema.attainment, "course_id", *said),
        "records": sis.rows(schema.record, *said),
    }


def test_a_score_is_never_seen_without_its_level(
    sis: Sis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sis.sync()
    classes(sis)
    before = levels(sis)
    sis.put("results", sis.result("r9", "w1", "3", 10.0))
    sync_and_die(sis, monkeypatch)
    after = levels(sis)
    assert ("3", 1) not in before
    assert after == before | {("3", 1): 4.0}
    assert stale(sis) == []
    found = judged(sis)
    assert roster.refresh_stale(sis.database, lambda: sis.now) == 0
    assert judged(sis) == found


def test_a_score_that_changes_moves_or_ends_takes_its_level_along(
    sis: Sis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sis.put("results", sis.result("r3", "w1", "2", 10.0))
    sis.sync()
    classes(sis)
    assert levels(sis)["2", 1] == 4.0
    sis.change("results", "r3", score=5.0)
    sync_and_die(sis, monkeypatch)
    assert levels(sis)["2", 1] == 2.0
    sis.put("results", sis.result("r3", "w1", "3", 5.0))  # it was another student's
    sync_and_die(sis, monkeypatch)
    assert ("2", 1) not in levels(sis)
    assert levels(sis)["3", 1] == 2.0
    sis.drop("results", "r3")
    sync_and_die(sis, monkeypatch)
    assert ("3", 1) not in levels(sis)
    assert stale(sis) == []


def test_work_whose_own_facts_change_waits_for_its_whole_course(
    sis: Sis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sis.put("results", sis.result("r3", "w1", "2", 10.0))
    sis.sync()
    classes(sis)
    sis.change("lineItems", "w1", result_value_max=20.0)
    sync_and_die(sis, monkeypatch)
    assert (levels(sis)["2", 1], stale(sis)) == (4.0, [1])
    assert roster.refresh_stale(sis.database, lambda: sis.now) == 1
    assert levels(sis)["2", 1] == 2.0


def test_more_scores_than_a_transaction_takes_wait_for_their_whole_courses(
    sis: Sis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sis.sync()
    classes(sis)
    monkeypatch.setattr("lti_tool.storage.moves.MANY", 0)
    sis.put("results", sis.result("r9", "w1", "3", 10.0))
    sync_and_die(sis, monkeypatch)
    assert (("3", 1) in levels(sis), stale(sis)) == (False, [1])
    assert sis.sync().courses_refreshed == 1
    assert levels(sis)["3", 1] == 4.0
