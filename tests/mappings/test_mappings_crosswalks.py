"""Levels carried from one framework to another, with their discount."""

from datetime import UTC, datetime

import pytest

from mappings import Association, Evidence, FrameworkError
from mappings.crosswalks import (
    DEFAULT_SHARES,
    Bridge,
    Carried,
    Standing,
    bridges,
    carried,
)

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EDGES = (
    Association("1", "exactMatchOf", "t-1", "c-1"),
    Association("2", "isPeerOf", "c-2", "t-2"),
    Association("3", "isRelatedTo", "t-1", "c-1"),
    Association("4", "isRelatedTo", "t-1", "c-2"),
    Association("5", "isChildOf", "t-2", "c-1"),
    Association("6", "exactMatchOf", "t-1", "t-1"),
    Association("7", "exactMatchOf", "t-1", "elsewhere"),
)


def test_an_edge_carries_whichever_way_it_was_drawn_by_its_best_share() -> None:
    ways = bridges(
        EDGES,
        origins=["t-1", "t-2"],
        destinations=["c-1", "c-2"],
        shares=DEFAULT_SHARES,
    )

    assert ways == (
        Bridge("exactMatchOf", "t-1", "c-1", 1.0),
        Bridge("isPeerOf", "t-2", "c-2", 0.8),
        Bridge("isRelatedTo", "t-1", "c-2", 0.4),
    )


def test_a_share_of_nothing_carries_nothing() -> None:
    ways = bridges(
        EDGES,
        origins=["t-1"],
        destinations=["c-1", "c-2"],
        shares={"exactMatchOf": 0.0, "isRelatedTo": 0.5},
    )

    assert [(one.kind, one.destination_case_id) for one in ways] == [
        ("isRelatedTo", "c-1"),
        ("isRelatedTo", "c-2"),
    ]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused_by_name(share: float) -> None:
    with pytest.raises(FrameworkError) as refused:
        bridges(EDGES, origins=[], destinations=[], shares={"isPeerOf": share})

    assert str(refused.value) == (
        f"the share of isPeerOf is {share}; give a number from 0 to 1"
    )


def test_what_is_carried_says_whence_and_at_what_discount() -> None:
    way = Bridge("isPeerOf", "t-2", "c-2", 0.8)
    lost = Bridge("isPeerOf", "t-9", "c-2", 0.8)

    (piece,) = carried({"t-2": Standing(0.9, AT, "7.4D")}, [way, lost])

    assert piece == Carried(
        way,
        Evidence(
            task="crosswalk:t-2",
            ratio=0.9,
            at=AT,
            weight=0.8,
            method="crosswalk",
            reliability=0.8,
            source="crosswalk",
            key="t-2",
            reason="carried from 7.4D by isPeerOf, worth 80%",
        ),
    )
    (other,) = carried({"t-2": Standing(1.2, AT)}, [way])
    assert (other.evidence.ratio, other.evidence.reason) == (
        1.0,
        "carried from t-2 by isPeerOf, worth 80%",
    )
