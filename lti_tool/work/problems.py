"""What was wrong with the records of a run: counted all, named the first thousand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, Self

from lti_tool.storage.staging import Checked, NotTaken
from oneroster.errors import Problem

KEPT: Final = 1000
Places = Callable[[str, Collection[str]], Mapping[str, str]]
# Kept all the same: these codes do not count as rejects.
HARMLESS: Final = frozenset({"duplicate", "over_maximum"})

_WORDS: Final = {
    "conflict": "{record} was sent twice with different values; the SIS must send it "
    "once",
    "cycle": "{record} is its own ancestor by {field}; correct it in the SIS",
    "dangling": "{record}: {field} names a record that was not sent; send that record "
    "too, or remove the reference",
    "duplicate": "{record} was sent twice, the same each time; one was kept",
    "over_maximum": "{record} gives more points than its work has; it counts as all of "
    "them",
    "too_long": "{record}: {field} is longer than we can keep; shorten it in the SIS",
}


class Problems:
    """The problems of one run, or of one collection until it is read to its end.

    Attributes:
        codes: how many of each code.
        rejected: how many records were not taken.
        nameless: how many of those had no sourcedId that could be read.
        kept: the rows for the run's record.
    """

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.rejected = 0
        self.nameless = 0
        self.kept: list[dict[str, Any]] = []

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> Self:
        """Return what dump() told, to go on with."""
        found = cls()
        found.codes.update(document.get("codes", {}))
        found.rejected = document.get("rejected", 0)
        found.nameless = document.get("nameless", 0)
        found.kept = list(document.get("kept", ()))
        return found

    def dump(self) -> dict[str, Any]:
        """Return everything as JSON."""
        if not self.codes:
            return {}
        return {
            "codes": dict(self.codes),
            "rejected": self.rejected,
            "nameless": self.nameless,
            "kept": self.kept,
        }

    def note(self, collection: str, problems: Iterable[Problem]) -> None:
        """Take down what the feed told of a collection, or of none ("")."""
        for problem in problems:
            self.codes[problem.code] += 1
            self.rejected += not problem.warning
            # An id framed by spaces is no id either: whose it is cannot be told.
            is_nameless = not problem.sourced_id or problem.code == "bad_id"
            self.nameless += is_rejected(collection, problem) and is_nameless
            self._keep(
                {
                    "collection": collection or problem.file,
                    "sourced_id": problem.sourced_id,
                    "place": _place(problem),
                    "field": problem.field,
                    "code": problem.code,
                    "level": "warning" if problem.warning else "error",
                    "value": problem.value or None,
                    "text": str(problem),
                }
            )

    def note_withheld(self, collection: str) -> None:
        """Say that nothing ends for being absent, since what was sent is unclear."""
        text = (
            f"has {self.nameless} rows without a readable sourcedId, so nothing was "
            "ended for being absent; correct those rows"
        )
        found = Problem(collection, None, "", text, "ends_withheld", warning=True)
        self.note(collection, [found])

    def note_staged(self, checked: Checked) -> None:
        """Take down the staged rows that are not taken."""
        for code, count in checked.counts.items():
            self.codes[code] += count
            self.rejected += 0 if code in HARMLESS else count
        for one in checked.first:
            self._keep(_staged(one))

    def find_places(self, places: Places) -> None:
        """Say where the records stand that were read well and not taken."""
        placeless: dict[str, set[str]] = {}
        for one in self.kept:
            if one["place"] == one["collection"] and one["sourced_id"]:
                placeless.setdefault(one["collection"], set()).add(one["sourced_id"])
        found = {name: places(name, ids) for name, ids in placeless.items()}
        for one in self.kept:
            if one["place"] == one["collection"]:
                in_file = found.get(one["collection"], {})
                one["place"] = in_file.get(one["sourced_id"], one["place"])

    def add(self, other: Problems) -> None:
        """Take over the problems of a collection."""
        self.codes.update(other.codes)
        self.rejected += other.rejected
        self.nameless += other.nameless
        self.kept = (self.kept + other.kept)[:KEPT]

    def _keep(self, problem: dict[str, Any]) -> None:
        if len(self.kept) < KEPT:
            self.kept.append(problem)


def is_rejected(collection: str, problem: Problem) -> bool:
    """Tell whether a record of this very collection was rejected.

    A bundle also tells of rows that stand in other files, such as roles.csv.
    """
    is_own = problem.file.removesuffix(".csv") == collection
    return is_own and not problem.warning


def _place(problem: Problem) -> str:
    if problem.line is None:
        return problem.file
    return f"{problem.file} line {problem.line}"


def _staged(one: NotTaken) -> dict[str, Any]:
    record = f'{one.collection} "{one.sourced_id[:255]}"'
    return {
        "collection": one.collection,
        "sourced_id": one.sourced_id,
        "place": one.collection,
        "field": one.column,
        "code": one.code,
        "level": "warning" if one.code in HARMLESS else "error",
        "value": one.value,
        "text": _WORDS[one.code].format(record=record, field=one.column),
    }
