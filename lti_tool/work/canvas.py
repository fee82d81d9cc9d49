"""The outcomes of our courses in Canvas: where they go, and in whose name."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import requests

from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.canvas import CanvasCourse, CanvasOutcomes
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
    placements,
    platforms,
    registrations,
    secrets,
    standing,
)
from lti_tool.storage.columns import Place
from lti_tool.storage.curriculum import Plan, PlanCompetency
from lti_tool.storage.database import Database
from mappings.scales import Scale

# Canvas: the services of a course carry its number in their address; seen 2026-11,
# doc/api/line_items, names_and_role.
_COURSE_NUMBER: Final = re.compile(r"/api/lti/courses/(\d+(?:~\d+)?)(?:/|$)")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A token of this process; sealed is what it was read from."""

    sealed: str | None
    url: str
    token: CanvasToken


class Canvases:
    """The Canvas of each platform, one token and one turn at a time for each.

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
        self._lock = threading.Lock()
        self._opened: dict[int, _Opened] = {}

    def rest(self, registration_id: int) -> CanvasRest:
        """Return the Canvas of a platform.

        Raises:
            ConfigError: it has no address or no token, or an address we do not go to.
        """
        token = self._token(registration_id)
        return CanvasRest(self._session, token.base_url, token, Pace())

    def account(self, registration_id: int) -> str | None:
        """Return the Canvas account that outcomes are made in, None for the course."""
        return self._token(registration_id).credential.account

    def destination(
        self, place: Place, waiting: Waiting | None = None
    ) -> CanvasOutcomes:
        """Return the outcomes of a course in its Canvas.

        Raises:
            ConfigError: it has no address or no token, or an address we do not go to.
            DeliveryError: no_place, what the course is called there is not known.
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
        rest = self.rest(registration_id)
        course = self._course(place, number, self.account(registration_id))
        return CanvasOutcomes(rest, course, clock=self._clock, waiting=waiting)

    def _course(self, place: Place, number: str, account: str | None) -> CanvasCourse:
        with self._database.read() as session:
            launched = placements.load_placement(session, place.launched_id or 0)
            plan = curriculum.load_plan(session, launched["course_id"])
            told = {one for _who, one in standing.load(session, plan.course_id)}
            guid = frameworks.load_case_id(session, plan.framework_id or 0)
        return CanvasCourse(
            number=number,
            reference=f"{REFERENCE}{plan.course_id}",
            scale=canvas_scale(plan.scale),
            folder=Folder(account, guid, plan.framework_title or plan.title),
            columns=tuple(
                _column(plan, one) for one in plan.competencies if one.id in told
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
        with self._lock:
            held = self._opened.get(registration_id)
            if held and (held.sealed, held.url) == (found.outcomes_token, url):
                return held.token
            credential = parse_credential(
                secrets.decrypt(found.outcomes_token, self._key)
            )
            token = CanvasToken(
                self._session,
                url,
                credential,
                clock=self._clock,
                on_renewed=lambda new: self._keep(registration_id, new),
            )
            self._opened[registration_id] = _Opened(found.outcomes_token, url, token)
            return token

    def _keep(self, registration_id: int, credential: Credential) -> None:
        """Store what was renewed, so that a restart or another worker has it too."""
        sealed = secrets.encrypt(format_credential(credential), self._key)
        with self._database.write() as session:
            platforms.save_platform(session, registration_id, outcomes_token=sealed)
        with self._lock:
            held = self._opened[registration_id]
            self._opened[registration_id] = _Opened(sealed, held.url, held.token)


def course_number(place: Place) -> str | None:
    """Return what Canvas calls a course, as the address of a service of it tells."""
    found = _COURSE_NUMBER.search(place.services_url or "")
    return found[1] if found else None


def canvas_scale(scale: Scale) -> CanvasScale:
    """Return a scale as Canvas is to show it, from the highest level down."""
    return CanvasScale(
        ratings=tuple((one.points, one.name) for one in reversed(scale.levels)),
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
