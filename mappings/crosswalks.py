"""What a student shows in one framework, carried to another with a discount.

One step only: what was itself carried is not carried on, so that two frameworks
that point at each other do not raise each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mappings.errors import FrameworkError
from mappings.evidence import Evidence
from mappings.frameworks import Association

METHOD = "crosswalk"
DEFAULT_SHARES: Mapping[str, float] = {
    "exactMatchOf": 1.0,
    "isPeerOf": 0.8,
    "ext:isStandardAlignedTo": 0.6,
    "isRelatedTo": 0.4,
}
"""What an attainment is worth beyond an edge of each kind, where nobody chose."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a student stands on a competency by its own evidence.

    ``at`` is the time of the newest piece, ``label`` names the competency.
    """

    ratio: float
    at: datetime
    label: str = ""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A way from a competency of one framework to one of another."""

    kind: str
    origin_case_id: str
    destination_case_id: str
    share: float


@dataclass(frozen=True, slots=True)
class Carried:
    """Evidence that came over a bridge: whence, by which edge, at what share."""

    bridge: Bridge
    evidence: Evidence


def bridges(
    edges: Iterable[Association],
    *,
    origins: Iterable[str],
    destinations: Iterable[str],
    shares: Mapping[str, float],
) -> tuple[Bridge, ...]:
    """The ways from origins to destinations that edges of shared kinds make.

    An edge carries whichever way it was drawn; of several between the same two the
    one with the greatest share stands. A share of 0 carries nothing.

    Raises:
        FrameworkError: a share is not 0 to 1; the kind is named.
    """
    check_shares(shares)
    here, there = frozenset(origins), frozenset(destinations)
    best: dict[tuple[str, str], Bridge] = {}
    for edge in edges:
        share = shares.get(edge.kind, 0.0)
        ends = edge.origin_case_id, edge.destination_case_id
        for origin, destination in (ends, ends[::-1]):
            held = best.get((origin, destination))
            is_way = origin in here and destination in there and origin != destination
            if share and is_way and (held is None or held.share < share):
                way = Bridge(edge.kind, origin, destination, share)
                best[origin, destination] = way
    return tuple(best.values())


def check_shares(shares: Mapping[str, float]) -> None:
    """Refuse shares that are no shares.

    Raises:
        FrameworkError: one is not 0 to 1; the kind is named.
    """
    for kind, share in shares.items():
        if not 0 <= share <= 1:
            raise FrameworkError(
                f"the share of {kind} is {share}; give a number from 0 to 1"
            )


def carried(
    standings: Mapping[str, Standing], ways: Iterable[Bridge]
) -> Iterator[Carried]:
    """Yield one piece of evidence for each way whose origin has a standing.

    The piece is worth its share as a weight and is believed by its share; its task
    is the competency it comes from, so that it never counts as several tasks.
    """
    for way in ways:
        held = standings.get(way.origin_case_id)
        if held is None:
            continue
        origin = held.label or way.origin_case_id
        yield Carried(
            way,
            Evidence(
                task=f"{METHOD}:{way.origin_case_id}",
                ratio=min(max(held.ratio, 0.0), 1.0),
                at=held.at,
                weight=way.share,
                method=METHOD,
                reliability=way.share,
                source=METHOD,
                key=way.origin_case_id,
                reason=f"carried from {origin} by {way.kind}, worth {way.share:.0%}",
            ),
        )
