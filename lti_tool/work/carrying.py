"""What a student shows in one framework, carried into her record of another.

One step only, by what she showed there herself; never silently: each piece names the
competency it comes from, the edge and what it is worth.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final

from lti_tool.storage import crosswalks, judging
from lti_tool.storage.crosswalks import Way
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import SpokenScore
from lti_tool.storage.judging import Judging
from lti_tool.storage.standing import Key, StoredAttainment
from lti_tool.work import cells, grounds
from lti_tool.work.cells import Hearing, Judges
from lti_tool.work.scores import Piece
from lti_tool.work.words import Words
from mappings.evidence import Evidence
from mappings.rules import CERTAINTY, Rule

CARRIED: Final = "carried from %(label)s by %(kind)s, worth %(share)s %%"
# What a carried piece goes by where its own competency is not named.
ELSEWHERE: Final = "a competency of another framework"
_MARK: Final = "crosswalk "


def sentences() -> tuple[str, ...]:
    """Every text this room says of a piece."""
    return (CARRIED, ELSEWHERE)


def is_carried(task: str) -> bool:
    """Tell whether a task is no work, but a competency of another framework."""
    return task.startswith(_MARK)


def followers(
    session: Session, framework_id: int, moved: Collection[Key]
) -> dict[int, set[Key]]:
    """Return whose records of what follow, by framework, when these have moved."""
    found: dict[int, set[Key]] = {}
    for from_id, to_id in crosswalks.load_links(session):
        if from_id != framework_id:
            continue
        onward: dict[int, list[int]] = {}
        for way in crosswalks.load_ways(session, to_id):
            onward.setdefault(way.from_competency_id, []).append(way.to_competency_id)
        keys = {
            (person_id, other)
            for person_id, competency_id in moved
            for other in onward.get(competency_id, ())
        }
        if keys:
            found[to_id] = keys
    return found


def reached(session: Session, framework_id: int, persons: Collection[int]) -> set[Key]:
    """Return which records of these people something may be carried into."""
    ways = crosswalks.load_ways(session, framework_id)
    return {(person, way.to_competency_id) for person in persons for way in ways}


def load(
    session: Session,
    mine: Judging,
    wanted: Collection[Key],
    judges: Judges,
) -> list[Piece]:
    """Return what is carried into these records from other frameworks."""
    links = crosswalks.load_links(session)
    origins = {from_id for from_id, to_id in links if to_id == mine.framework_id}
    if not origins or mine.framework_id is None:
        return []
    inside = {competency_id for _person, competency_id in wanted}
    ways = [
        way
        for way in crosswalks.load_ways(session, mine.framework_id)
        if way.to_competency_id in inside
    ]
    shown = _shown(session, origins, ways, {person for person, _one in wanted}, judges)
    chosen = mine.usual.rule
    keys = frozenset(wanted)
    return [
        _piece(person_id, way, shown[person_id, way.from_competency_id], chosen)
        for way in ways
        for person_id in sorted({person for person, _one in wanted})
        if (person_id, way.to_competency_id) in keys
        and (person_id, way.from_competency_id) in shown
    ]


def _shown(
    session: Session,
    origins: Collection[int],
    ways: Iterable[Way],
    persons: Collection[int],
    judges: Judges,
) -> dict[Key, StoredAttainment]:
    """Return where people stand by what they showed in the other frameworks alone."""
    competencies = sorted({way.from_competency_id for way in ways})
    if not competencies:
        return {}
    said = grounds.load(session, sorted(persons), competencies=competencies)
    found: dict[Key, StoredAttainment] = {}
    for one in judging.load_records(session, origins, only=competencies).values():
        found |= cells.records(one, said, Hearing(said, judges))
    return {key: one for key, one in found.items() if one.ratio is not None}


def _piece(person_id: int, way: Way, shown: StoredAttainment, chosen: Rule) -> Piece:
    ratio = min(max(shown.ratio or 0.0, 0.0), 1.0)
    note: dict[str, str | int] = {
        "label": way.from_label,
        "kind": way.kind,
        "share": round(way.share * 100),
    }
    spoken = _spoken(person_id, way, shown, ratio)
    told = _evidence(way, shown, ratio, chosen)
    return Piece(spoken, told, None, ratio, 1.0, (Words(CARRIED, note),))


def _evidence(
    way: Way, shown: StoredAttainment, ratio: float, chosen: Rule
) -> Evidence:
    """A piece of its own task: certainty weighs it by its share, points are less."""
    weighs = chosen.name == CERTAINTY
    return Evidence(
        task=_task(way),
        ratio=ratio if weighs else ratio * way.share,
        at=shown.evidence_at or datetime.min.replace(tzinfo=UTC),
        weight=way.share if weighs else 1.0,
        given=ratio,
        maximum=1.0,
        source=way.from_label,
        key=f"crosswalk-{way.from_competency_id}",
    )


def _task(way: Way) -> str:
    return f"{_MARK}{way.from_competency_id}"


def _spoken(
    person_id: int, way: Way, shown: StoredAttainment, ratio: float
) -> SpokenScore:
    """Tell it as a score is told, for pages and files."""
    at = shown.evidence_at
    return SpokenScore(
        course_id=0,
        score_id=way.from_competency_id,
        person_id=person_id,
        competency_id=way.to_competency_id,
        assignment_id=0,
        title=way.from_label,
        category=None,
        term=None,
        weight=1.0,
        given=ratio,
        text=None,
        minimum=None,
        maximum=1.0,
        score_status=None,
        flags=frozenset(),
        scale=None,
        scored_on=None if at is None else at.date(),
        due_at=None,
        modified_at=None,
        status="active",
        source_id=0,
        source=way.from_label,
        kind="crosswalk",
        task=_task(way),
    )
