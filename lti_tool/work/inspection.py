"""One look at a platform: what we know of it, who we are to it, who was silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from lti_tool.errors import PlatformError
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.profiles import profile
from lti_tool.platforms.tokens import Client
from lti_tool.settings import Settings
from lti_tool.storage import checks as kept
from lti_tool.storage import keys, refusals, registrations
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import Registration

Found = TypeVar("Found")


@dataclass(slots=True, kw_only=True)
class Look:
    """One round of checks: what is known beforehand, and what was seen so far."""

    registration: Registration
    signs: dict[str, Any]
    deployments: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    refused: dict[str, Any] | None
    signing_key: keys.SigningKey
    settings: Settings
    database: Database
    clock: Callable[[], datetime]
    network: GuardedSession
    dates: list[float] = field(default_factory=list)
    silent: dict[str, PlatformError] = field(default_factory=dict)

    def at(self, url: str, question: Callable[[], Found]) -> Found:
        """Ask a question of url, unless its host was silent before.

        Raises:
            PlatformError: the host is silent, or the question's own.
        """
        host = urlsplit(url).netloc
        if host in self.silent:
            raise self.silent[host]
        try:
            return question()
        except PlatformError as error:
            if error.code in {"connect", "timeout"}:
                self.silent[host] = error
            raise

    def note_date(self, date: datetime | None) -> None:
        """Remember by how much their clock differs."""
        if date is not None:
            self.dates.append((self.clock() - date).total_seconds())

    def client(self, deployment_id: str | None) -> Client:
        """Who we are to the platform."""
        one = self.registration
        return Client(
            registration_id=one.id,
            client_id=one.client_id,
            token_url=one.token_url,
            token_audience=one.token_audience,
            deployment_id=deployment_id,
            profile=profile(one.vendor),
            kid=self.signing_key.kid,
            private_key=self.signing_key.private_key,
        )

    @property
    def jwks_url(self) -> str:
        """Where platforms find our keys."""
        return self.settings.public_url.rstrip("/") + "/lti/jwks"


def prepare(
    database: Database,
    settings: Settings,
    registration_id: int,
    clock: Callable[[], datetime],
) -> Look:
    """What is known of a platform before it is asked.

    Raises:
        NotFoundError: there is no such registration.
    """
    secret_key = settings.load_secret_key()
    with database.read() as session:
        has_key = keys.has_current(session)
    if not has_key:
        with database.write() as session:
            keys.ensure(session, secret_key, now=clock())
    with database.read() as session:
        return Look(
            registration=registrations.load_registration(session, registration_id),
            signs=kept.load_signs(session, registration_id),
            deployments=registrations.load_deployments(session, registration_id),
            offers=kept.load_offers(session, registration_id),
            refused=refusals.load_last(session, registration_id),
            signing_key=keys.load_current(session, secret_key),
            settings=settings,
            database=database,
            clock=clock,
            network=GuardedSession(settings.local_hosts),
        )
