"""What of a shelf a text is compared with: by grade, subject, and what is allowed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mappings.grade_levels import gap
from mappings.sums import mask

NEAR_GRADES = 1
_KEPT = 16

Asked = tuple[frozenset[int], frozenset[str], frozenset[str] | None, int]


@dataclass(frozen=True, slots=True)
class View:
    """The places that are looked at, in order, and their mask; None for all."""

    places: Sequence[int]
    mask: int | None


class Views:
    """The views of a shelf; those asked last are kept: a course asks for one often."""

    def __init__(
        self,
        keys: Sequence[str],
        grades: Sequence[frozenset[int]],
        subjects: Sequence[frozenset[str]],
    ) -> None:
        self._keys, self._grades, self._subjects = keys, grades, subjects
        self._kept = lru_cache(maxsize=_KEPT)(self._view)

    def view(
        self,
        grades: frozenset[int],
        subjects: frozenset[str],
        *,
        top: int,
        allowed: Collection[str] | None = None,
    ) -> View:
        """Return what is of these subjects and within a grade, where both are known.

        If that is fewer than top, the nearest others too. allowed: only these keys,
        all if None.
        """
        keys = None if allowed is None else frozenset(allowed)
        return self._kept((grades, subjects, keys, top))

    def _view(self, asked: Asked) -> View:
        grades, subjects, keys, top = asked
        fitting = [
            place
            for place, its in enumerate(self._subjects)
            if (not its or not subjects or its & subjects)
            and (keys is None or self._keys[place] in keys)
        ]
        apart = {place: gap(self._grades[place], grades) or 0 for place in fitting}
        places = [place for place in fitting if apart[place] <= NEAR_GRADES]
        if len(places) < top:
            places = sorted(sorted(fitting, key=apart.__getitem__)[:top])
        if len(places) == len(self._keys):
            return View(range(len(self._keys)), None)
        return View(places, mask(places, len(self._keys)))
