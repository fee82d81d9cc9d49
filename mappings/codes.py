"""Competencies that a text names itself: by GUID, or by a code in any of its forms."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Key = tuple[str, ...]
_GUID = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE
)
# What may be a code: letters and digits, joined by the marks that codes have.
_CODE = re.compile(
    r"[A-Za-z0-9]+(?:(?:[.\-\u2013]|(?<=\d)\s?\(|\)\s?\(|\))[A-Za-z0-9]+)*\)?"
)
_PART = re.compile(r"\d+|[A-Za-z]+")
# Publishers' names and headings that stand before a code, or are left out.
_HEADINGS = frozenset(
    {"CCSS", "MATH", "CONTENT", "PRACTICE", "ELA", "LITERACY", "TEKS"}
)
_FEWEST = 2
# 111.27.b.4.D is chapter, section, subsection, knowledge, expectation; with the grade
# of its section it is printed 7.4D.
_TEKS_PARTS = 5


@dataclass(frozen=True, slots=True)
class Named:
    """A competency that a text names: by which words of it."""

    case_id: str
    words: str


@dataclass(frozen=True, slots=True)
class Codes:
    """The forms of the codes of a framework, and whose they are.

    A form that several competencies have names none of them.
    """

    by_key: Mapping[Key, str]
    by_guid: Mapping[str, str] = field(default_factory=dict)

    def named_in(self, text: str) -> tuple[Named, ...]:
        """Return the competencies a text names, in its order, each once."""
        found: dict[str, Named] = {}
        for match in _GUID.finditer(text):
            case_id = self.by_guid.get(match[0].lower())
            if case_id is not None:
                found.setdefault(case_id, Named(case_id, match[0]))
        for match in _CODE.finditer(_GUID.sub(" ", text)):
            said = match[0] if "(" in match[0] else match[0].removesuffix(")")
            case_id = self._of(said)
            if case_id is not None:
                found.setdefault(case_id, Named(case_id, said))
        return tuple(found.values())

    def _of(self, words: str) -> str | None:
        key = _bare(key_of(words))
        return self.by_key.get(key) if len(key) >= _FEWEST else None


def codes(competencies: Iterable[tuple[str, str, frozenset[int]]]) -> Codes:
    """Return the forms of codes of (GUID, human code, grades)."""
    owners: dict[Key, set[str]] = {}
    guids: dict[str, str] = {}
    for case_id, code, grades in competencies:
        guids[case_id.lower()] = case_id
        for form in forms(code, grades):
            owners.setdefault(form, set()).add(case_id)
    single = {form: next(iter(ids)) for form, ids in owners.items() if len(ids) == 1}
    return Codes(single, guids)


def key_of(code: str) -> Key:
    """Return the parts of a code: "7.4(D)" and "7.4D" are both 7, 4, D."""
    return tuple(_PART.findall(code.upper()))


def forms(code: str, grades: frozenset[int]) -> set[Key]:
    """Return the keys under which a code is written; none for an empty code.

    CCSS.Math.Content.6.EE.B.5 is also 6.EE.B.5 and, without its cluster, 6.EE.5;
    HSA-REI.B.3 is also A-REI.B.3; 111.27.b.4.D of grade 7 is also 7.4D.
    """
    key = _bare(key_of(code))
    if len(key) < _FEWEST:
        return set()
    found = {key}
    if key[0].startswith("HS") and len(key[0]) > _FEWEST:
        found.add((key[0][2:], *key[1:]))
    for one in list(found):
        found |= _without_cluster(one)
    return found | _as_printed(key, grades)


def _bare(key: Key) -> Key:
    """A key without the publisher's headings before it."""
    start = next(
        (place for place, part in enumerate(key) if part not in _HEADINGS), len(key)
    )
    return key[start:]


def _without_cluster(key: Key) -> set[Key]:
    """6.EE.B.5 as 6.EE.5: the single letter between the domain and the number."""
    return {
        key[:place] + key[place + 1 :]
        for place in range(2, len(key) - 1)
        if len(key[place]) == 1
        and key[place].isalpha()
        and key[place - 1].isalpha()
        and key[place + 1].isdecimal()
    }


def _as_printed(key: Key, grades: frozenset[int]) -> set[Key]:
    if len(key) != _TEKS_PARTS or len(grades) != 1:
        return set()
    chapter, section, subsection, number, letter = key
    if not (chapter.isdecimal() and section.isdecimal() and subsection.isalpha()):
        return set()
    (grade,) = grades
    return {("K" if grade == 0 else str(grade), number, letter)}
