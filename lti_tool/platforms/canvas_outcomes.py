"""Competencies as Canvas's outcomes: found by their CASE identifier, or brought there.

An outcome that is there is never changed: its scale and its calculation are the
school's. Whether they go with ours is judged, and said. Source: facts/canvas.md
section 6 A.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_models import (
    GROUPS,
    IMPORT,
    LINKS,
    CanvasOutcome,
    OutcomeImport,
    Rating,
)
from lti_tool.platforms.canvas_rest import CanvasRest, read
from lti_tool.platforms.canvas_waiting import Waiting, looked_for
from lti_tool.platforms.destination import Column

# Canvas's words: of all results, the newest one counts. Ours is the only one we write.
LATEST: Final = "latest"
_N_RESULTS: Final = "n_mastery"
_CLOSE: Final = 0.005
_TITLE_LIMIT: Final = 255


@dataclass(frozen=True, slots=True)
class CanvasScale:
    """The scale of a course as Canvas is to show it.

    Attributes:
        ratings: each level's points and name, from the highest down.
        cuts: the ratio at which each begins, in the same order.
        maximum: the points of the highest.
        mastery: the ratio at which mastery begins.
    """

    ratings: tuple[tuple[float, str], ...]
    cuts: tuple[float, ...]
    maximum: float
    mastery: float

    @property
    def mastery_points(self) -> float:
        """The points at which mastery begins."""
        return self.mastery * self.maximum


@dataclass(frozen=True, slots=True)
class Folder:
    """Where outcomes that are missing are made.

    Attributes:
        account: the Canvas account they become outcomes of; None: the course alone.
        guid, title: the group they lie in there, one a framework.
    """

    account: str | None
    guid: str
    title: str


class Outcomes:
    """The outcomes of one Canvas course."""

    def __init__(
        self,
        rest: CanvasRest,
        course: str,
        scale: CanvasScale,
        folder: Folder,
        waiting: Waiting,
    ) -> None:
        """Look in course (its number); make what is missing by scale in folder."""
        self._rest = rest
        self._course = course
        self._scale = scale
        self._folder = folder
        self._waiting = waiting
        self._known: dict[str, CanvasOutcome] | None = None
        self._shared: dict[str, CanvasOutcome] | None = None

    def known(self) -> dict[str, CanvasOutcome]:
        """Return the outcomes of the course as they were seen first, by vendor_guid."""
        if self._known is None:
            self._known = self.found()
        return self._known

    def find(self, case_id: str | None) -> CanvasOutcome | None:
        """Return the outcome of a CASE identifier as the course would have it.

        Where neither course nor account has it, it would be made by our scale: None.
        """
        outcome = self.known().get(case_id or "")
        if outcome is not None or self._folder.account is None:
            return outcome
        if self._shared is None:
            self._shared = self._linked(f"/accounts/{self._folder.account}")
        return self._shared.get(case_id or "")

    def found(self) -> dict[str, CanvasOutcome]:
        """Return the outcomes of the course by their vendor_guid."""
        return self._linked(f"/courses/{self._course}")

    def ensure(self, columns: Sequence[Column]) -> dict[str, CanvasOutcome]:
        """Return the outcomes of columns, by CASE identifier, all in the course.

        Those of the account are linked into the course; what neither has is made.

        Raises:
            DeliveryError: busy, Canvas has not finished; outcome, it took them not.
        """
        there = self.found()
        self._known = None
        missing = [one for one in columns if one.case_id not in there]
        if missing and self._folder.account is not None:
            self._link(self._of_account(self._folder.account, missing))
        elif missing:
            self._make(missing)
        if missing:
            there = self.found()
        lacking = [one.title for one in missing if one.case_id not in there]
        if lacking:
            raise DeliveryError(
                f"{self._rest.host} did not take the outcome {lacking[0]} over into "
                "the course; see Outcomes there",
                "outcome",
                permanent=True,
            )
        return {one.competency: there[one.competency] for one in columns}

    def _linked(self, context: str) -> dict[str, CanvasOutcome]:
        pages = self._rest.every(
            f"{context}/outcome_group_links", LINKS, [("outcome_style", "full")]
        )
        return {
            link.outcome.vendor_guid: link.outcome
            for page in pages
            for link in page
            if link.outcome.vendor_guid
        }

    def _of_account(
        self, account: str, missing: Sequence[Column]
    ) -> list[CanvasOutcome]:
        """Return the outcomes of an account, those it had not imported first."""
        context = f"/accounts/{account}"
        there = self._linked(context)
        new = [one for one in missing if one.case_id not in there]
        if new:
            self._import(context, new)
            there = self._linked(context)
        return [there[one.case_id] for one in missing if one.case_id in there]

    def _import(self, context: str, new: Sequence[Column]) -> None:
        """Import outcomes from a CSV file and wait until Canvas has read it.

        Raises:
            DeliveryError: busy, it goes on; outcome, with Canvas's own words.
        """
        sent = self._rest.send(
            "POST",
            f"{context}/outcome_imports?import_type=instructure_csv&extension=csv",
            outcomes_csv(new, self._scale, self._folder),
        )
        number = read(sent, IMPORT).id
        done = looked_for(
            lambda: self._rest.get(f"{context}/outcome_imports/{number}", IMPORT),
            lambda one: one.workflow_state in {"succeeded", "failed"},
            self._waiting,
        )
        if done.workflow_state not in {"succeeded", "failed"}:
            raise DeliveryError(
                f"{self._rest.host} is still importing the outcomes",
                "busy",
                permanent=False,
            )
        if done.workflow_state == "failed":
            raise DeliveryError(
                f"{self._rest.host} did not import the outcomes: {_faults(done)}",
                "outcome",
                permanent=True,
            )

    def _link(self, outcomes: Sequence[CanvasOutcome]) -> None:
        if outcomes:
            root = self._root()
            for one in outcomes:
                self._rest.send("PUT", f"{root}/outcomes/{one.id}")

    def _make(self, missing: Sequence[Column]) -> None:
        """Make outcomes in the course itself, one by one.

        An import would not do: Canvas looks for a vendor_guid everywhere and refuses
        one that another course has (lib/outcomes/import.rb, seen 2026-11).
        """
        root = self._root()
        for one in missing:
            self._rest.send(
                "POST",
                f"{root}/outcomes",
                {
                    "title": one.title[:_TITLE_LIMIT],
                    "description": one.description,
                    "vendor_guid": one.case_id,
                    "calculation_method": LATEST,
                    "mastery_points": self._scale.mastery_points,
                    "ratings": [
                        {"description": name, "points": points}
                        for points, name in self._scale.ratings
                    ],
                },
            )

    def _root(self) -> str:
        """Return the address of the course's outermost outcome group."""
        context = f"/courses/{self._course}"
        for page in self._rest.every(f"{context}/outcome_groups", GROUPS):
            for group in page:
                if group.parent_outcome_group is None:
                    return f"{context}/outcome_groups/{group.id}"
        raise DeliveryError(
            f"{self._rest.host} shows no outcome group of the course; switch Outcomes "
            "on for it",
            "outcome",
            permanent=True,
        )


def outcomes_csv(
    columns: Sequence[Column], scale: CanvasScale, folder: Folder
) -> bytes:
    """Return a file of outcomes in a group of their own, as Canvas imports them.

    Source: Canvas doc/api/outcomes_csv.md.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    # Canvas: older versions take whole numbers for a rating's points, and "4.0" is
    # none to them; seen 2026-11, lib/outcomes/csv_importer.rb, strict_parse_int.
    steps = [part for points, name in scale.ratings for part in (f"{points:g}", name)]
    writer.writerow([*_HEADER, "ratings", *("" for _ in steps[1:])])
    blank = ["" for _ in steps]
    group = [folder.guid, "group", folder.title[:_TITLE_LIMIT], "", "", "", "active"]
    writer.writerow([*group, "", "", *blank])
    for one in columns:
        told = [one.case_id, "outcome", one.title[:_TITLE_LIMIT], one.description]
        how = [LATEST, "", "active", folder.guid, f"{scale.mastery_points:g}"]
        writer.writerow([*told, *how, *steps])
    return text.getvalue().encode()


_HEADER: Final = (
    "vendor_guid",
    "object_type",
    "title",
    "description",
    "calculation_method",
    "calculation_int",
    "workflow_state",
    "parent_guids",
    "mastery_points",
)


def _faults(done: OutcomeImport) -> str:
    found = [": ".join(map(str, one)) for one in done.processing_errors or ()]
    return "; ".join(f"row {one}" for one in found[:3]) or "it does not say why"


def conflict(outcome: CanvasOutcome, scale: CanvasScale) -> DeliveryError | None:
    """Return why a level cannot stand right in an outcome, None if it can.

    What Canvas would show must mean what we say: it would show nothing before so
    many results, or below mastery, or call another level mastery than the course does.
    """
    wants = outcome.calculation_int or 1
    if outcome.calculation_method == _N_RESULTS and wants > 1:
        return DeliveryError(
            f'Canvas shows nothing for the outcome "{outcome.title}" before it has '
            f"{wants} results (calculation: n mastery), and MasteryBridge writes one; "
            'set its calculation to "most recent score" in Canvas',
            "calculation",
            permanent=True,
        )
    if outcome.calculation_method == _N_RESULTS:
        return DeliveryError(
            f'Canvas shows nothing for the outcome "{outcome.title}" to who is below '
            "mastery (calculation: n mastery counts only what reaches it); set its "
            'calculation to "most recent score" in Canvas',
            "calculation",
            permanent=True,
        )
    points, mastery = outcome.points_possible, outcome.mastery_points
    if not points or mastery is None:
        return None
    if abs(mastery / points - scale.mastery) > _CLOSE:
        return DeliveryError(
            f'in Canvas mastery of the outcome "{outcome.title}" begins at '
            f"{mastery:g} of {points:g}, in this course at {scale.mastery_points:g} "
            f"of {scale.maximum:g}; make the two the same, here or there",
            "scale",
            permanent=True,
        )
    return None


def ratings_of(outcome: CanvasOutcome, scale: CanvasScale) -> list[Rating]:
    """Return the steps of a criterion for an outcome: its own, or those of scale."""
    return list(outcome.ratings) or [
        Rating(description=name, points=points) for points, name in scale.ratings
    ]
