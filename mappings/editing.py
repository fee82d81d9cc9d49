"""A school's own framework, written and changed: each change gives a new value.

What a competency means at each level stands in a rubric of the framework, one
criterion a competency, so that it is exported and read again with it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mappings.differences import TOUCHED
from mappings.errors import FrameworkError
from mappings.frameworks import (
    IS_CHILD_OF,
    PRECEDES,
    Association,
    Competency,
    Framework,
    ring,
)
from mappings.refusals import Refusal
from mappings.rubrics import LevelText, described


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person writes of a competency.

    Raises:
        FrameworkError: it says nothing.
    """

    statement: str
    code: str = ""
    abbreviated: str = ""
    kind: str = ""
    education_levels: tuple[str, ...] = ()
    language: str = ""

    def __post_init__(self) -> None:
        """Refuse a competency that says nothing."""
        if not self.statement.strip():
            raise FrameworkError(Refusal.NO_STATEMENT)


def add(
    framework: Framework, draft: Draft, *, case_id: str, edge_id: str, parent: str = ""
) -> Framework:
    """The framework with one more competency, last under its parent or at the top.

    Raises:
        FrameworkError: the parent is not here, or the code is in use.
    """
    there = _parent(framework, parent)
    _check_code(framework, draft.code, None)
    item = replace(_written(Competency(case_id), draft), case_id=case_id)
    edge = Association(
        edge_id, IS_CHILD_OF, case_id, there, _last(framework, there) + 1
    )
    return replace(
        framework,
        competencies=(*framework.competencies, item),
        associations=(*framework.associations, edge),
    )


def edit(framework: Framework, case_id: str, draft: Draft) -> Framework:
    """The framework with a competency's words changed.

    Raises:
        FrameworkError: it is not here, or the code is another's.
    """
    held = _competency(framework, case_id)
    _check_code(framework, draft.code, case_id)
    new = _written(held, draft)
    return replace(
        framework,
        competencies=tuple(
            new if one.case_id == case_id else one for one in framework.competencies
        ),
    )


def retire(framework: Framework, case_id: str) -> Framework:
    """The framework without a competency, and without the edges that named it.

    Raises:
        FrameworkError: it is not here, or others stand under it.
    """
    held = _competency(framework, case_id)
    below = framework.children(case_id)
    if below:
        names = ", ".join(one.label for one in below[:3])
        raise FrameworkError(Refusal.HAS_CHILDREN, label=held.label, names=names)
    return replace(
        framework,
        competencies=tuple(
            one for one in framework.competencies if one.case_id != case_id
        ),
        associations=tuple(
            one
            for one in framework.associations
            if case_id not in (one.origin_case_id, one.destination_case_id)
        ),
    )


def place(
    framework: Framework, case_id: str, parent: str, *, edge_id: str
) -> Framework:
    """The framework with a competency moved under another parent, last there.

    Raises:
        FrameworkError: one of them is not here, or the parent lies under it.
    """
    held = _competency(framework, case_id)
    there = _parent(framework, parent)
    above = {parent, *(one.case_id for one in framework.ancestors(parent))}
    if parent and case_id in above:
        raise FrameworkError(Refusal.UNDER_ITSELF, label=held.label)
    rest = tuple(
        one
        for one in framework.associations
        if not (one.kind == IS_CHILD_OF and one.origin_case_id == case_id)
    )
    bare = replace(framework, associations=rest)
    edge = Association(edge_id, IS_CHILD_OF, case_id, there, _last(bare, there) + 1)
    return replace(bare, associations=(*rest, edge))


def move(framework: Framework, case_id: str, steps: int) -> Framework:
    """The framework with a competency moved among its siblings, up for less than 0.

    Beyond either end it stays at that end.

    Raises:
        FrameworkError: it is not here.
    """
    _competency(framework, case_id)
    edges = [
        one for one in framework.edges(IS_CHILD_OF) if one.origin_case_id == case_id
    ]
    if not edges:
        return framework
    parent = edges[0].destination_case_id
    order = [one.case_id for one in framework.children_by_parent[parent]]
    was = order.index(case_id)
    order.insert(min(max(was + steps, 0), len(order) - 1), order.pop(was))
    numbers = {one: number for number, one in enumerate(order, 1)}
    return replace(
        framework,
        associations=tuple(
            replace(one, sequence=numbers[one.origin_case_id])
            if one.kind == IS_CHILD_OF
            and one.destination_case_id == parent
            and one.origin_case_id in numbers
            else one
            for one in framework.associations
        ),
    )


def require(
    framework: Framework, case_id: str, earlier: Mapping[str, str]
) -> Framework:
    """The framework where a competency has these prerequisites and no others.

    ``earlier`` holds the GUID a new edge gets for each prerequisite; an edge that is
    here already stays.

    Raises:
        FrameworkError: one is not here, or they close a ring; its path is named.
    """
    _competency(framework, case_id)
    for one in earlier:
        _competency(framework, one)
    kept = tuple(
        one
        for one in framework.associations
        if one.kind != PRECEDES
        or one.destination_case_id != case_id
        or one.origin_case_id in earlier
    )
    held = {
        one.origin_case_id
        for one in kept
        if one.kind == PRECEDES and one.destination_case_id == case_id
    }
    fresh = tuple(
        Association(edge_id, PRECEDES, one, case_id)
        for one, edge_id in earlier.items()
        if one not in held
    )
    new = replace(framework, associations=(*kept, *fresh))
    path = ring(new.precedes())
    if path:
        named = " -> ".join(new.by_case_id[one].label for one in path)
        raise FrameworkError(Refusal.RING, path=named)
    return new


def describe(
    framework: Framework, case_id: str, levels: Sequence[LevelText]
) -> Framework:
    """The framework where each level of a competency is said in these words.

    None takes the words away. The lowest level comes first.

    Raises:
        FrameworkError: it is not here, a level has no name, or points are no number.
    """
    _competency(framework, case_id)
    for one in levels:
        if not one.name.strip():
            raise FrameworkError(Refusal.NO_LEVEL_NAME)
        if one.points is not None and not math.isfinite(one.points):
            raise FrameworkError(Refusal.NO_POINTS, name=one.name, points=one.points)
    return described(framework, case_id, levels)


def _competency(framework: Framework, case_id: str) -> Competency:
    """The competency of a GUID.

    Raises:
        FrameworkError: it is not here.
    """
    found = framework.by_case_id.get(case_id)
    if found is None:
        raise FrameworkError(
            Refusal.NOT_HERE, case_id=repr(case_id), title=framework.title
        )
    return found


def _parent(framework: Framework, parent: str) -> str:
    """The GUID a child hangs on: a competency's, or the document's own."""
    return _competency(framework, parent).case_id if parent else framework.case_id


def _last(framework: Framework, parent: str) -> int:
    """The highest number of a child under a GUID, 0 if there is none."""
    return max(
        (
            edge.sequence or 0
            for edge in framework.edges(IS_CHILD_OF)
            if edge.destination_case_id == parent
        ),
        default=0,
    )


def _check_code(framework: Framework, code: str, own: str | None) -> None:
    """Refuse a code that another competency goes by."""
    clean = code.strip()
    for one in framework.competencies if clean else ():
        if one.human_code == clean and one.case_id != own:
            raise FrameworkError(
                Refusal.CODE_IN_USE, code=clean, statement=one.statement[:60]
            )


def _written(held: Competency, draft: Draft) -> Competency:
    """A competency with the words of a draft."""
    return replace(
        held,
        statement=draft.statement.strip(),
        human_code=draft.code.strip(),
        abbreviated=draft.abbreviated.strip(),
        kind=draft.kind.strip(),
        education_levels=tuple(
            one.strip() for one in draft.education_levels if one.strip()
        ),
        language=draft.language.strip(),
    )


def rename(
    framework: Framework, title: str, language: str = "", publisher: str = ""
) -> Framework:
    """The framework with other words of its own.

    Raises:
        FrameworkError: the title is empty.
    """
    if not title.strip():
        raise FrameworkError(Refusal.NO_TITLE)
    return replace(
        framework,
        title=title.strip(),
        language=language.strip(),
        publisher=publisher.strip(),
    )


def stamped(before: Framework, after: Framework, instant: str) -> Framework:
    """The framework after a change, what changed in it marked with the instant."""
    edges = {one.case_id: one for one in before.associations}
    stamp = {TOUCHED: instant}
    return replace(
        after,
        competencies=tuple(
            one
            if before.by_case_id.get(one.case_id) == one
            else replace(one, payload={**one.payload, **stamp})
            for one in after.competencies
        ),
        associations=tuple(
            one
            if edges.get(one.case_id) == one
            else replace(one, payload={**one.payload, **stamp})
            for one in after.associations
        ),
        payload={**after.payload, **stamp},
    )
