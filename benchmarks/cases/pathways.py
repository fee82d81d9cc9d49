"""One student's whole pathway on the real mathematics progressions, against a walk."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import yardsticks
from benchmarks.bench import Bench, Finding, SkippedError, check
from mappings import (
    Pathway,
    gap,
    groups,
    is_enriched,
    next_steps,
    parse_associations,
    pathway,
    ready,
    unlocked,
)

Edges = list[tuple[str, str]]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "case"
NODES = 396
CLASS = 30
LIMIT_SECONDS = 0.05


def measure(bench: Bench) -> list[Finding]:
    """Time ready, gaps, what opens what, groups and enrichment, graph and all."""
    edges = _edges()
    nodes = sorted({node for edge in edges for node in edge})
    check(len(nodes) == NODES, f"{len(nodes)} competencies, not {NODES}")
    mastered = frozenset(pathway(nodes, edges).order[::2])
    check(
        {one: set(gap(pathway(nodes, edges), one, mastered)) for one in nodes}
        == yardsticks.missing_before(edges, mastered),
        "the gaps differ from those of a bare walk",
    )
    pairs = bench.alternate(
        "cpu",
        lambda: _whole(nodes, edges, mastered),
        lambda: yardsticks.missing_before(edges, mastered),
    )
    took = min(
        bench.timed("cpu", lambda: _whole(nodes, edges, mastered))
        for _ in range(bench.repeat)
    )
    return [
        Finding("everything of one student / bare walks", "cpu", pairs),
        Finding("seconds / 0.05", "cpu", ((took, LIMIT_SECONDS),), "<= 1"),
    ]


def _edges() -> Edges:
    path = DATA / "ccss-math.progressions.json"
    if not path.exists():
        raise SkippedError("the real public data (shared/data) is not beside this")
    found = parse_associations(json.loads(path.read_text(encoding="utf-8")))[0]
    return [
        (one.origin_case_id, one.destination_case_id)
        for one in found
        if one.kind == "precedes"
    ]


def _whole(nodes: list[str], edges: Edges, mastered: frozenset[str]) -> Pathway:
    path = pathway(nodes, edges)
    ready(path, mastered)
    next_steps(path, mastered)
    for one in nodes:
        gap(path, one, mastered)
        unlocked(path, one, mastered)
        is_enriched(path, one, secure=mastered, mastered=mastered)
    groups(path, path.order[-1], {str(one): mastered for one in range(CLASS)})
    return path
