"""The services of the LMS behind a placement, ready to be called in our name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.grades import Grades
from lti_tool.platforms.groups import Groups
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.lti import Caller
from lti_tool.platforms.members import Members
from lti_tool.platforms.notices import NoticeHandlers
from lti_tool.platforms.profiles import profile
from lti_tool.platforms.tokens import Client, Tokens
from lti_tool.settings import Settings
from lti_tool.storage import keys, placements, registrations
from lti_tool.storage.database import Database
from lti_tool.storage.notices import Listening


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class Lms:
    """Callers of platforms' services, sharing one way out and one set of tokens.

    Make one a process and share it between threads.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Call platforms that database knows, from the network settings allow."""
        self._database = database
        self._settings = settings
        self._clock = clock
        self._session = GuardedSession(settings.local_hosts)
        self._tokens = Tokens(self._session, clock)

    def grades(self, placement_id: int) -> Grades:
        """The gradebook of a placement.

        Raises:
            DeliveryError: no_service, its launches offer no gradebook.
            NotFoundError: no such placement.
        """
        place, caller = self._caller(placement_id)
        if not place["ags_line_items_url"]:
            raise DeliveryError(
                "the LMS offers this course no grade service; switch it on for the "
                "tool in the LMS, then open the tool once more",
                "no_service",
                permanent=True,
            )
        return Grades(caller, place["ags_line_items_url"], place["ags_scopes"] or ())

    def members(self, placement_id: int) -> Members:
        """The members of a placement.

        Raises:
            NotFoundError: no such placement.
        """
        return Members(self._caller(placement_id)[1])

    def notice_handlers(self, one: Listening) -> NoticeHandlers:
        """Where the platform of a deployment is told who takes its notices."""
        caller = self._caller_of(one.registration_id, one.lti_deployment_id)
        return NoticeHandlers(caller, one.url)

    def groups(self, placement_id: int) -> Groups:
        """The groups of a placement.

        Raises:
            NotFoundError: no such placement.
        """
        return Groups(self._caller(placement_id)[1])

    def _caller(self, placement_id: int) -> tuple[dict[str, Any], Caller]:
        with self._database.read() as session:
            place = placements.load_placement(session, placement_id)
        caller = self._caller_of(place["registration_id"], place["lti_deployment_id"])
        return place, caller

    def _caller_of(self, registration_id: int, deployment_id: str) -> Caller:
        secret_key = self._settings.load_secret_key()
        with self._database.read() as session:
            registration = registrations.load_registration(session, registration_id)
            has_key = keys.has_current(session)
        if not has_key:
            with self._database.write() as session:
                keys.ensure(session, secret_key, now=self._clock())
        with self._database.read() as session:
            key = keys.load_current(session, secret_key)
        if not registration.is_active:
            raise ConfigError(f"platform {registration.id} is disabled")
        client = Client(
            registration_id=registration.id,
            client_id=registration.client_id,
            token_url=registration.token_url,
            token_audience=registration.token_audience,
            deployment_id=deployment_id,
            profile=profile(registration.vendor),
            kid=key.kid,
            private_key=key.private_key,
        )
        return Caller(self._session, self._tokens, client)
