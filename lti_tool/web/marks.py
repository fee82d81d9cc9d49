"""How a level looks and what it is called: digit, fill and name, always together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import nh3
from markupsafe import Markup, escape

from lti_tool.storage.curriculum import Plan
from lti_tool.storage.pages import (
    BY_RULE,
    NOT_SENT,
    ON_ITS_WAY,
    OTHERWISE,
    WITH_NEWS,
    Cell,
)
from lti_tool.web.texts import gettext, level_name, ngettext
from lti_tool.work import statements
from mappings.colours import ink
from mappings.scales import Scale

# The palette of facts/ux.md section 2 has fills for three to six levels.
FEWEST, MOST = 3, 6
DIGITS = range(10)
plain = statements.plain
# Statements may carry these; everything else is shown as its text.
_TAGS = {"em", "strong", "i", "b", "sub", "sup", "br", "p", "ul", "ol", "li"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One level of a scale as people see it."""

    digit: str
    name: str
    css: str

    @property
    def words(self) -> str:
        """Digit and name: what is read aloud, beginning with what is seen."""
        return f"{self.digit} {self.name}"


def marks_of(scale: Scale) -> tuple[Mark, ...]:
    """Return the marks of a scale's levels, lowest first."""
    names = [level_name(level.name) for level in scale.levels]
    points = [level.points for level in scale.levels]
    are_digits = all(one in DIGITS for one in points)
    if are_digits and len(set(points)) == len(points):
        digits = [str(int(one)) for one in points]
    else:
        digits = [str(place + 1) for place in range(len(points))]
    return tuple(
        Mark(digit, name, css_of(place, len(names)))
        for place, (digit, name) in enumerate(zip(digits, names, strict=True))
    )


def css_of(place: int, levels: int) -> str:
    """Return the class of the level at place; past six levels, its own one beside.

    Its own is coloured where the school gave colours, the other one elsewhere.
    """
    fill = f"l{fill_of(place, levels)}"
    return fill if levels <= MOST else f"{fill} o{place}"


def mastery_mark(scale: Scale) -> Mark:
    """Return the mark of the level at which mastery begins."""
    return marks_of(scale)[scale.levels.index(scale.mastery_level)]


def palette_of(plan: Plan) -> str:
    """Return the class that carries a plan's fills: k3 to k6, or own beside it."""
    usual = palette_of_scale(plan.scale)
    return f"{usual} own" if plan.colours else usual


def palette_of_scale(scale: Scale) -> str:
    """Return the class that carries the usual fills of a scale."""
    return f"k{min(max(len(scale.levels), FEWEST), MOST)}"


def fills_sheet(colours: Sequence[str]) -> str:
    """Return the style sheet of a school's own fills, lowest level first."""
    rules = []
    for place, fill in enumerate(colours):
        css = css_of(place, len(colours)).split()[-1]
        rules.append(f".own .{css}{{--f:#{fill};--i:#{ink(fill)}}}")
    return "\n".join(rules) + "\n"


def fill_of(place: int, levels: int) -> int:
    """Return which fill of its palette the level at place takes, lowest is 0."""
    fills = min(max(levels, FEWEST), MOST)
    if levels == fills:
        return place
    return round(place * (fills - 1) / max(levels - 1, 1))


class CellMarks:
    """Writes grid cells: one td each, class and words ready before the template."""

    def __init__(self, plan: Plan, *, show: str) -> None:
        self._marks = marks_of(plan.scale)
        self._plan = plan
        self._show = show
        self._written: dict[tuple[int | None, int, bool, int, int], str] = {}
        self._seen: set[str] = set()
        self.empty = f'<td class=e aria-label="{escape(gettext("Not assessed"))}"></td>'

    @property
    def signs(self) -> frozenset[str]:
        """The signs written so far, and 'open' for evidence without a level."""
        return frozenset(self._seen)

    def cell(self, cell: Cell | None) -> str:
        """Return the td of a cell; equal standings are written once."""
        if cell is None:
            return self.empty
        judged_by = self._plan.rule_of(cell.competency_id)
        is_stale = (cell.rule, cell.parameter) != judged_by
        key = (cell.level, cell.evidence_count, is_stale, cell.sending, cell.teacher)
        written = self._written.get(key)
        if written is None:
            written = self._written[key] = self._write(key)
        return written

    def _write(self, standing: tuple[int | None, int, bool, int, int]) -> str:
        level, count, is_stale, sending, teacher = standing
        signs = signs_of(is_stale=is_stale, sending=sending, teacher=teacher)
        self._seen.update(name for name, _ in signs)
        mark = None if level is None else self._marks[level]
        css = "n" if mark is None else mark.css
        if mark is None:
            self._seen.add("open")
        classes = " ".join((css, *(f"s-{name}" for name, _ in signs[:1])))
        name = gettext("no level yet") if mark is None else mark.words
        seen = "" if mark is None else mark.digit
        if self._show == "count":
            seen = str(count)
            name = f"{count}: {name}" if mark is None else f"{count}: {mark.words}"
        pieces = ngettext(
            "%(num)d piece of evidence", "%(num)d pieces of evidence", count
        )
        words = ", ".join((name, pieces, *(text for _, text in signs)))
        return f'<td class="{classes}" aria-label="{escape(words)}">{escape(seen)}</td>'


def signs_of(
    *, is_stale: bool, sending: int, teacher: int = BY_RULE
) -> list[tuple[str, str]]:
    """Return the corner signs of a standing, each with its words, gravest first."""
    signs = []
    if sending == OTHERWISE:
        signs.append(("otherwise", gettext("another value was set where it is sent")))
    if sending == NOT_SENT:
        signs.append(("unsent", gettext("could not be sent")))
    if teacher == WITH_NEWS:
        signs.append(("news", gettext("new evidence since a teacher set it")))
    elif teacher != BY_RULE:
        signs.append(("set", gettext("set by a teacher")))
    if is_stale:
        signs.append(("stale", gettext("being worked out again")))
    if sending == ON_ITS_WAY:
        signs.append(("pending", gettext("waiting to be sent")))
    return signs


def statement(text: str) -> Markup:
    """Return a competency's statement, its HTML cleaned, a bare ``<`` kept as it is."""
    kept = statements.escape_bare(text)
    return Markup(nh3.clean(kept, tags=_TAGS, attributes={}))  # noqa: S704 -- nh3's allow-list made it safe
