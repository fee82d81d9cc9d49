"""The ways out: a feed from a source, a client for it, a destination of outcomes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from lti_tool.errors import BridgeError, ConfigError, DeliveryError, PlatformError
from lti_tool.logs import log
from lti_tool.platforms.ags import LmsGradebook
from lti_tool.platforms.destination import Destination
from lti_tool.platforms.http import GuardedSession, check_url
from lti_tool.platforms.profiles import profile
from lti_tool.platforms.sis import SisGradebook
from lti_tool.settings import Settings
from lti_tool.storage import secrets, sources
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.storage.sources import Source
from lti_tool.work.feeds import BundleFeed, Feed, RestFeed
from lti_tool.work.lms import Lms
from lti_tool.work.people import pull_members
from oneroster.auth import Authorization, BearerKey, ClientCredentials, OAuth1
from oneroster.client import Client
from oneroster.service import Service
from oneroster.transport import Patience

_READING: Final = {
    "1.1": ("roster-core.readonly", "roster.readonly", "gradebook.readonly"),
    "1.2": ("roster-core.readonly", "roster.readonly", "gradebook.readonly"),
}
_PULL_SECONDS: Final = 600.0
_WRITING: Final = (
    "assessment.readonly",
    "assessment.createput",
    "assessment.delete",
)


class Outside:
    """Opens every connection to other systems, with the settings' guards."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._key = settings.load_secret_key()
        self._lms = Lms(database, settings)
        self._pulled: dict[int, float] = {}

    def feed(self, source: Source, *, is_trial: bool = False) -> Feed:
        """Open a source for one run; a trial does not wait for one that is away.

        Raises:
            SyncError: the CSV files are no bundle.
            ConfigError: the address is not one we go to.
        """
        if source.kind == "csv":
            return BundleFeed(Path(source.location))
        return RestFeed(self.client(source, is_trial=is_trial))

    def client(
        self, source: Source, *, writes: bool = False, is_trial: bool = False
    ) -> Client:
        """Return a client of a OneRoster service.

        Raises:
            ConfigError: the address is not one we go to.
        """
        version: Literal["1.1", "1.2"] = "1.1" if source.version == "1.1" else "1.2"
        service = Service.at(source.location, version)
        for url in (*service.roots.values(), source.token_url or ""):
            if url:
                check_url(url, local_hosts=self._settings.local_hosts)
        # The outbox waits and tries again; a worker that slept here would lose its
        # lease.
        patience = Patience(attempts=1) if writes or is_trial else Patience()
        names = _WRITING if writes else _READING[version]
        session = GuardedSession(self._settings.local_hosts)
        auth = self._authorization(source, service.dialect.scope(*names), session)
        return Client(service, auth=auth, session=session, patience=patience)

    def _authorization(
        self, source: Source, scope: str, session: GuardedSession
    ) -> Authorization:
        secret = secrets.decrypt(source.client_secret or "", self._key)
        if source.auth == "bearer":
            return BearerKey(secret)
        if source.auth in {"oauth1-sha1", "oauth1-sha256"}:
            is_old = source.auth == "oauth1-sha1"
            digest: Literal["sha1", "sha256"] = "sha1" if is_old else "sha256"
            return OAuth1(source.client_id or "", secret, digest=digest)
        if not source.token_url:
            raise ConfigError(
                f'source "{source.name}" has no token URL; add it with --token-url'
            )
        return ClientCredentials(
            source.token_url,
            source.client_id or "",
            secret,
            scope=scope,
            style="form" if source.auth == "form" else "basic",
            session=session,
        )

    def connect(self, destination: str, place: Place) -> Destination:
        """Return where the outcomes of a place go.

        Raises:
            DeliveryError: the destination cannot be reached as it is configured.
        """
        try:
            if destination == "oneroster" and place.source_id is not None:
                return self._sis(place)
            if destination == "ags" and place.ags_line_items_url is not None:
                return self._ags(place)
        except DeliveryError:
            raise
        except BridgeError as error:
            raise DeliveryError(str(error), "config", permanent=True) from error
        raise DeliveryError(
            f"no such destination: {destination}", "no_place", permanent=True
        )

    def _sis(self, place: Place) -> Destination:
        with self._database.read() as session:
            source = sources.load_source_by_id(session, place.source_id or 0)
        client = self.client(source, writes=True)
        return SisGradebook(client, class_sourced_id=place.class_sourced_id or "")

    def _ags(self, place: Place) -> Destination:
        placement_id = place.placement_id or 0
        grades = self._lms.grades(placement_id)
        self.pull_members(placement_id)
        return LmsGradebook(grades, profile(grades.profile_name))

    def pull_members(self, placement_id: int, *, is_asked: bool = False) -> None:
        """Learn who is in a placement's course, at most once in ten minutes.

        A platform that does not tell is no reason to stop: who launched is known.
        """
        last = self._pulled.get(placement_id)
        if (
            last is not None
            and time.monotonic() - last < _PULL_SECONDS
            and not is_asked
        ):
            return
        self._pulled[placement_id] = time.monotonic()
        try:
            pull_members(
                self._database,
                self._lms.members(placement_id),
                placement_id,
                now=datetime.now(UTC),
            )
        except PlatformError as error:
            log().warning("members not pulled", placement=placement_id, code=error.code)
