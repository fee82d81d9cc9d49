"""Prerequisites: what is open, what is missing, what comes next."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from mappings.frameworks import topological


@dataclass(frozen=True, slots=True)
class Pathway:
    """Competencies, earlier ones first, with what comes before and after each.

    Made once per framework by ``pathway``, then asked for every student.
    """

    order: tuple[str, ...]
    before: Mapping[str, frozenset[str]]
    after: Mapping[str, frozenset[str]]
    place: Mapping[str, int]

    def above(self, competency: str) -> dict[str, int]:
        """Every transitive prerequisite with its longest distance in edges.

        Walks those prerequisites and their edges alone, whatever else there is.
        """
        found = {competency}
        waiting = [competency]
        while waiting:
            fresh = self.before[waiting.pop()] - found
            found |= fresh
            waiting += fresh
        distances = {competency: 0}
        for later in sorted(found, key=self.place.__getitem__, reverse=True):
            for earlier in self.before[later]:
                longer = distances[later] + 1
                distances[earlier] = max(distances.get(earlier, 0), longer)
        del distances[competency]
        return distances

    def sorted(self, competencies: Iterable[str]) -> tuple[str, ...]:
        """Competencies of the pathway in its order."""
        return tuple(sorted(competencies, key=self.place.__getitem__))


@dataclass(frozen=True, slots=True)
class NextStep:
    """A competency that is open, and those it alone still keeps closed."""

    competency: str
    opens: tuple[str, ...]


def pathway(competencies: Iterable[str], edges: Iterable[tuple[str, str]]) -> Pathway:
    """The pathway over (earlier, later) edges; competencies keep their order.

    Competencies without an edge belong to it too, after none and before none.

    Raises:
        FrameworkError: the edges close a ring; its path is named.
    """
    edges = tuple(edges)
    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    for earlier, later in edges:
        before.setdefault(later, set()).add(earlier)
        after.setdefault(earlier, set()).add(later)
    order = tuple(dict.fromkeys((*topological(edges), *competencies)))
    return Pathway(
        order,
        {case_id: frozenset(before.get(case_id, ())) for case_id in order},
        {case_id: frozenset(after.get(case_id, ())) for case_id in order},
        {case_id: place for place, case_id in enumerate(order)},
    )


def ready(path: Pathway, mastered: Collection[str]) -> tuple[str, ...]:
    """The competencies not yet mastered whose every prerequisite is."""
    held = frozenset(mastered)
    return tuple(
        case_id
        for case_id in path.order
        if case_id not in held and path.before[case_id] <= held
    )


def gap(path: Pathway, competency: str, mastered: Collection[str]) -> tuple[str, ...]:
    """The prerequisites of competency that are not mastered, nearest first.

    All transitive ones, each after everything that needs it; read backwards it
    is an order to learn them in.
    """
    held = frozenset(mastered)
    distances = path.above(competency)
    missing = path.sorted(distances.keys() - held)
    return tuple(sorted(missing, key=distances.__getitem__))


def unlocked(
    path: Pathway, competency: str, mastered: Collection[str]
) -> tuple[str, ...]:
    """What mastering competency would open at once, in the pathway's order.

    Those not yet mastered that build on it and on nothing else still missing.
    """
    held = frozenset(mastered)
    known = held | {competency}
    return path.sorted(
        later for later in path.after[competency] - held if path.before[later] <= known
    )


def next_steps(
    path: Pathway, mastered: Collection[str], *, limit: int = 5
) -> tuple[NextStep, ...]:
    """At most limit open competencies: those that build on mastered work first.

    Among equals the one that opens most comes first, then the pathway's order.
    """
    held = frozenset(mastered)
    steps = [
        NextStep(case_id, unlocked(path, case_id, held))
        for case_id in ready(path, held)
    ]
    steps.sort(key=lambda step: (not path.before[step.competency], -len(step.opens)))
    return tuple(islice(steps, limit))


@dataclass(frozen=True, slots=True)
class SharedGap:
    """A prerequisite several students lack, and what they need it for."""

    competency: str
    students: tuple[str, ...]
    closes: tuple[str, ...]


def shared_gaps(
    path: Pathway,
    wanted: Mapping[str, Collection[str]],
    mastered: Mapping[str, Collection[str]],
) -> tuple[SharedGap, ...]:
    """The nearest gaps of students, whatever class each sits in; most shared first.

    ``wanted`` holds what each student is to learn, ``mastered`` what she has shown.
    A student stands under each nearest gap of hers, once; among gaps as many
    students share, the earlier in the pathway comes first.
    """
    ranked: dict[str, tuple[str, ...]] = {}
    students: dict[str, dict[str, None]] = {}
    closes: dict[str, set[str]] = {}
    for student, targets in wanted.items():
        held = frozenset(mastered.get(student, ()))
        for target in path.sorted(frozenset(targets) & path.place.keys() - held):
            if target not in ranked:
                ranked[target] = gap(path, target, ())
            nearest = next((one for one in ranked[target] if one not in held), None)
            if nearest is not None:
                students.setdefault(nearest, {})[student] = None
                closes.setdefault(nearest, set()).add(target)
    found = [
        SharedGap(one, tuple(some), path.sorted(closes[one]))
        for one, some in students.items()
    ]
    found.sort(key=lambda one: (-len(one.students), path.place[one.competency]))
    return tuple(found)


def groups(
    path: Pathway, competency: str, mastered: Mapping[str, Collection[str]]
) -> dict[str, tuple[str, ...]]:
    """The students of an intervention, under the nearest gap they share.

    ``mastered`` holds each student's own; one without a gap is in no group.
    """
    ranked = gap(path, competency, ())
    found: dict[str, tuple[str, ...]] = {}
    for student, held in mastered.items():
        missing = (one for one in ranked if one not in held)
        for nearest in islice(missing, 1):
            found[nearest] = (*found.get(nearest, ()), student)
    return found


def is_enriched(
    path: Pathway,
    competency: str,
    *,
    secure: Collection[str],
    mastered: Collection[str],
) -> bool:
    """Tell whether a student may go beyond: secure here, every successor open."""
    held = frozenset(mastered) | frozenset(secure)
    return competency in secure and all(
        path.before[later] <= held for later in path.after[competency]
    )
