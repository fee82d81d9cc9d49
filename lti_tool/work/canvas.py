"""The outcomes of our courses in Canvas: where they go, and in whose name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

import requests

from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.canvas import CanvasOutcomes
from lti_tool.platforms.canvas_course import CanvasCourse
from lti_tool.platforms.canvas_live import CanvasLive
from lti_tool.platforms.canvas_outcomes import CanvasScale, Folder
from lti_tool.platforms.canvas_rest import CanvasRest, Pace
from lti_tool.platforms.canvas_rubric import REFERENCE
from lti_tool.platforms.canvas_tokens import (
    CanvasToken,
    Credential,
    format_credential,
    parse_credential,
    root_of,
)
from lti_tool.platforms.canvas_waiting import Waiting
from lti_tool.platforms.destination import Column
from lti_tool.platforms.http import check_url
from lti_tool.storage import (
    curriculum,
    frameworks,
    outcomes_settings,
    placements,
    platforms,
    registrations,
    secrets,
    standing,
)
from lti_tool.storage.columns import Place
from lti_tool.storage.curriculum import Plan, PlanCompetency
from lti_tool.storage.database import Database
from lti_tool.storage.outcomes_settings import LIVE
from lti_tool.work.turns import Turn
from mappings.scales import Scale

# Canvas: the services of a course carry its number in their address; seen 2026-11,
# doc/api/line_items, names_and_role.
_COURSE_NUMBER: Final = re.compile(r"/api/lti/courses/(\d+(?:~\d+)?)(?:/|$)")


class Canvases:
    """The Canvas of each platform; one worker at a time may use its token.

    Make one a process and share it between threads.
    """

    def __init__(
        self,
        database: Database,
        session: requests.Session,
        local_hosts: frozenset[str],
        key: bytes,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """Open tokens by key; what Canvas renews is stored again."""
        self._database = database
        self._session = session
        self._local_hosts = local_hosts
        self._key = key
        self._clock = clock

    def rest(self, registration_id: int) -> CanvasRest:
        """Return the Canvas of a platform, with the turn at its token.

        Close it: nobody else gets in before.

        Raises:
            ConfigError: it has no address or no token, or an address we do not go to.
            DeliveryError: turn, another worker is at it.
        """
        # The turn first, and then the token: another may just have renewed it.
        turn = Turn(self._database, turn_name(registration_id), clock=self._clock)
        turn.hold()
        try:
            token = self._token(registration_id)
        except BaseException:
            turn.give_back()
            raise
        return CanvasRest(
            self._session,
            token,
            Pace(),
            turn,
            on_refused=lambda: self._note_refused(registration_id),
        )

    def destination(
        self, place: Place, waiting: Waiting | None = None
    ) -> CanvasOutcomes | CanvasLive:
        """Return the outcomes of a course in its Canvas.

        Raises:
            ConfigError: it has no address or no token, or an address we do not go to.
            DeliveryError: no_place, what the course is called there is not known;
                turn, another worker is at it.
        """
        registration_id = place.registration_id or 0
        number = course_number(place)
        if number is None:
            raise DeliveryError(
                "Canvas has not told which course this is there; switch Names and "
                "Roles on for the tool in Canvas, then open the tool once more",
                "no_place",
                permanent=True,
            )
        with self._database.read() as session:
            settings = outcomes_settings.load_settings(session, registration_id)
        rest = self.rest(registration_id)
        try:
            course = self.course(place.launched_id or 0, number, rest.account)
        except BaseException:
            rest.close()
            raise
        if settings.manner == LIVE:
            return CanvasLive(rest, course, waiting=waiting)
        return CanvasOutcomes(rest, course, clock=self._clock, waiting=waiting)

    def course(
        self,
        placement_id: int,
        number: str,
        account: str | None,
        *,
        is_whole: bool = False,
    ) -> CanvasCourse:
        """Return our course of a placement as its Canvas is told of it.

        is_whole: with all competencies of its plan, else those anything is told of.
        """
        with self._database.read() as session:
            launched = placements.load_placement(session, placement_id)
            plan = curriculum.load_plan(session, launched["course_id"])
            told = {one for _who, one in standing.load(session, plan.course_id)}
            guid = frameworks.load_case_id(session, plan.framework_id or 0)
        return CanvasCourse(
            number=number,
            reference=f"{REFERENCE}{plan.course_id}",
            scale=canvas_scale(plan.scale),
            folder=Folder(account, guid, plan.framework_title or plan.title),
            columns=tuple(
                _column(plan, one)
                for one in plan.competencies
                if is_whole or one.id in told
            ),
        )

    def _token(self, registration_id: int) -> CanvasToken:
        with self._database.read() as session:
            found = registrations.load_registration(session, registration_id)
        if not found.outcomes_url or not found.outcomes_token:
            raise ConfigError(
                f'platform "{found.name}" has no token for the Canvas REST API; give '
                "one with platform edit --outcomes-url --outcomes-token-file"
            )
        url = root_of(found.outcomes_url)
        check_url(url, local_hosts=self._local_hosts)
        credential = parse_credential(secrets.decrypt(found.outcomes_token, self._key))
        return CanvasToken(
            self._session,
            url,
            credential,
            clock=self._clock,
            on_renewed=lambda new: self._keep(registration_id, new),
        )

    def _keep(self, registration_id: int, credential: Credential) -> None:
        """Store what was renewed, so that a restart or another worker has it too."""
        sealed = secrets.encrypt(format_credential(credential), self._key)
        with self._database.write() as session:
            platforms.save_platform(session, registration_id, outcomes_token=sealed)
            outcomes_settings.note_taken(session, registration_id)

    def _note_refused(self, registration_id: int) -> None:
        with self._database.write() as session:
            outcomes_settings.note_refused(session, registration_id, self._clock())


def turn_name(registration_id: int) -> str:
    """What the turn at the token of a platform is called."""
    return f"rest:{registration_id}"


def course_number(place: Place) -> str | None:
    """Return what Canvas calls a course, as the address of a service of it tells."""
    found = _COURSE_NUMBER.search(place.services_url or "")
    return found[1] if found else None


def canvas_scale(scale: Scale) -> CanvasScale:
    """Return a scale as Canvas is to show it, from the highest level down."""
    return CanvasScale(
        ratings=tuple((one.points, one.name) for one in reversed(scale.levels)),
        cuts=tuple(one.cut for one in reversed(scale.levels)),
        maximum=scale.maximum,
        mastery=scale.mastery,
    )


def _column(plan: Plan, one: PlanCompetency) -> Column:
    return Column(
        resource_id=one.case_id,
        title=one.human_code or one.statement[:80],
        description=one.statement,
        maximum=plan.scale.maximum,
        case_id=one.case_id,
    )
