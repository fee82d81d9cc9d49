"""Scores through a whole sync: what moves a level, whenever it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lti_tool.storage import schema
from lti_tool.work.feeds import RestFeed
from oneroster.auth import ClientCredentials
from oneroster.client import Client
from oneroster.models import (
    AssessmentLineItem,
    AssessmentResult,
    LearningObjectives,
    ScoreScale,
    ScoreScaleValue,
    refer,
)
from oneroster.service import Service
from tests.lti_tool.sync.test_sync_people import classes

if TYPE_CHECKING:
    from tests.lti_tool.sync.conftest import Host, Provider, Sis

SCOPES = (
    "roster-core.readonly",
    "roster.readonly",
    "gradebook.readonly",
    "assessment.readonly",
)


def a_scale(*steps: tuple[str, str]) -> ScoreScale:
    return ScoreScale(
        sourced_id="letters",
        status="active",
        title="Letters",
        type="school",
        class_=refer("class", "a"),
        course=refer("course", "math"),
        score_scale_value=tuple(
            ScoreScaleValue(item_value_lhs=word, item_value_rhs=worth)
            for word, worth in steps
        ),
    )


def levels(sis: Sis) -> dict[tuple[str, int], float | None]:
    """The value of each student and course, of the levels that stand."""
    who = {
        row[1]: row[0] for row in sis.rows(schema.sis_user, "sourced_id", "person_id")
    }
    names = ("person_id", "course_id", "value", "withdrawn_at")
    return {
        (who[person], course): value
        for person, course, value, withdrawn_at in sis.rows(schema.attainment, *names)
        if withdrawn_at is None
    }


def test_a_scale_that_comes_later_gives_words_their_worth(sis: Sis) -> None:
    word = sis.result("r3", "w1", "2", 0.0)
    word = word.model_copy(update={"score": None, "text_score": "B"})
    sis.put("results", word)
    sis.sync()
    classes(sis)
    assert ("2", 1) not in levels(sis)
    sis.records["scoreScales"] = [a_scale(("A", "10"), ("B", "8"))]
    sis.sync()
    assert levels(sis)["2", 1] == 3.2
    sis.records["scoreScales"] = [a_scale(("A", "10"), ("B", "5"))]
    sis.sync()
    assert levels(sis)["2", 1] == 2.0


def test_an_assessment_of_no_class_speaks_where_its_students_learn(
    sis: Sis, provider: Provider, host: Host
) -> None:
    case = {"source": "case", "learning_objective_ids": ("urn:uuid:C",)}
    sis.records["assessmentLineItems"] = [
        AssessmentLineItem(
            sourced_id="state",
            status="active",
            title="State test",
            result_value_max=10.0,
            result_value_min=0.0,
            learning_objective_set=(LearningObjectives(**case),),
        )
    ]
    sis.records["assessmentResults"] = [
        AssessmentResult(
            sourced_id="ar",
            status="active",
            assessment_line_item=refer("assessmentLineItem", "state"),
            student=refer("user", "3"),
            score=9.0,
            score_date=sis.now.date(),
            score_status="fully graded",
        )
    ]
    first = dict(sis.records)
    sis.records = first | {"assessmentLineItems": [], "assessmentResults": []}
    url = host(provider(sis))
    sis.pull(lambda: feed(url))
    classes(sis)
    assert ("3", 1) not in levels(sis)
    sis.records = first
    url = host(provider(sis))
    sis.pull(lambda: feed(url))
    assert levels(sis)["3", 1] == 3.6
    made = sis.rows(schema.alignment, "course_id", "made_by")
    assert [one for one in made if one[1] == "sis"] == [(1, "sis")]


def feed(url: str) -> RestFeed:
    service = Service.at(url, "1.2")
    auth = ClientCredentials(
        f"{url}/oauth2/token", "us", "word", scope=service.dialect.scope(*SCOPES)
    )
    return RestFeed(Client(service, auth=auth))


@pytest.mark.parametrize("times", [1, 2])
def test_a_missing_zero_moves_no_level(sis: Sis, times: int) -> None:
    sis.begin()
    classes(sis)
    before = levels(sis)
    zero = sis.result("r9", "w1", "2", 0.0).model_copy(update={"missing": True})
    sis.put("results", zero)
    for _ in range(times):
        sis.sync()
    assert levels(sis) == before
