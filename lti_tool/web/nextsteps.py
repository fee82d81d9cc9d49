"""What a student is ready for, within the competencies a course works on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from flask_babel import gettext

MANY = 3


class NextSteps:
    """Prerequisites among some competencies, asked for one student at a time."""

    def __init__(
        self, competencies: Sequence[tuple[int, str]], precedes: Iterable[tuple[int, int]]
    ) -> None:
        self._codes = dict(competencies)
        self._before: dict[int, list[int]] = defaultdict(list)
        for earlier, later in precedes:
            if earlier in self._codes and later in self._codes:
                self._before[later].append(earlier)

    def ready(self, mastered: Collection[int]) -> list[int]:
        """Return what is open: not shown yet, and all that comes before is shown."""
        return [
            one
            for one in self._codes
            if one not in mastered
            and self._before.get(one)
            and all(earlier in mastered for earlier in self._before[one])
        ]

    def before(self, competency_id: int) -> list[int]:
        """Return what comes directly before a competency."""
        return self._before.get(competency_id, [])

    def missing(self, competency_id: int, mastered: Collection[int]) -> list[int]:
        """Return what comes directly before a competency and is not shown yet."""
        return [one for one in self.before(competency_id) if one not in mastered]

    def first_gap(self, mastered: Collection[int]) -> int | None:
        """Return the earliest competency that is missing and keeps others closed."""
        blocking = {
            earlier
            for later, before in self._before.items()
            if later not in mastered
            for earlier in before
            if earlier not in mastered and not self.missing(earlier, mastered)
        }
        return next((one for one in self._codes if one in blocking), None)

    def words(self, mastered: Collection[int]) -> str:
        """Say the next step of a student in a few words; empty where none is known."""
        ready = self.ready(mastered)
        if ready:
            codes = [self._codes[one] for one in ready[:1]]
            if len(ready) == 1:
                return codes[0]
            return gettext(
                "%(code)s, %(count)d more", code=codes[0], count=len(ready) - 1
            )
        gap = self.first_gap(mastered)
        return "" if gap is None else gettext("%(code)s first", code=self._codes[gap])
