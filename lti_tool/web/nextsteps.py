"""What a student is ready for, within the competencies a course works on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from lti_tool.web.texts import gettext
from mappings import pathways
from mappings.errors import FrameworkError


class NextSteps:
    """Prerequisites among some competencies, asked for one student at a time.

    Edges to competencies the course does not work on are left out; edges that close
    a ring say nothing, and then no step is named.
    """

    def __init__(
        self,
        competencies: Sequence[tuple[int, str]],
        precedes: Iterable[tuple[int, int]],
    ) -> None:
        self._codes = dict(competencies)
        self._place = {one: place for place, one in enumerate(self._codes)}
        edges = [
            (str(earlier), str(later))
            for earlier, later in precedes
            if earlier in self._codes and later in self._codes
        ]
        ids = [str(one) for one in self._codes]
        try:
            self._path = pathways.pathway(ids, edges)
        except FrameworkError:
            self._path = pathways.pathway(ids, ())

    def ready(self, mastered: Collection[int]) -> list[int]:
        """Return what is open because all that comes before it is shown."""
        found = pathways.ready(self._path, {str(one) for one in mastered})
        return sorted(
            (int(one) for one in found if self._path.before[one]),
            key=self._place.__getitem__,
        )

    def before(self, competency_id: int) -> list[int]:
        """Return what comes directly before a competency, in the plan's order."""
        found = self._path.before.get(str(competency_id), frozenset())
        return sorted((int(one) for one in found), key=self._place.__getitem__)

    def first_gap(self, mastered: Collection[int]) -> int | None:
        """Return the earliest thing to learn for the first competency still closed."""
        held = {str(one) for one in mastered}
        for one in self._codes:
            missing = pathways.gap(self._path, str(one), held)
            if missing and one not in mastered:
                return int(missing[-1])
        return None

    def words(self, mastered: Collection[int]) -> str:
        """Say the next step of a student in a few words; empty where none is known."""
        ready = self.ready(mastered)
        if len(ready) == 1:
            return self._codes[ready[0]]
        if ready:
            return gettext(
                "%(code)s + %(count)d more",
                code=self._codes[ready[0]],
                count=len(ready) - 1,
            )
        gap = self.first_gap(mastered)
        if gap is None:
            return ""
        return gettext("%(code)s first", code=self._codes[gap])
