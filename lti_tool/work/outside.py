"""The ways out: a feed from a source, a client for it, a destination of outcomes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from lti_tool.errors import BridgeError, ConfigError, DeliveryError, PlatformError
from lti_tool.logs import log
from lti_tool.platforms.ags import LmsGradebook
from lti_tool.platforms.destination import Destination
from lti_tool.platforms.gradebook import Gradebook
from lti_tool.platforms.http import GuardedSession, check_url
from lti_tool.platforms.members import Roster
from lti_tool.platforms.profiles import profile
from lti_tool.settings import Settings
from lti_tool.storage import cursors, secrets, sources
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.storage.sources import Source
from lti_tool.work import competencies, notices, sis
from lti_tool.work.admission import LAUNCH_PATH
from lti_tool.work.canvas import Canvases
from lti_tool.work.feeds import BundleFeed, Feed, RestFeed
from lti_tool.work.groups import pull_groups
from lti_tool.work.lms import Lms, utc_now
from lti_tool.work.lms_gradebooks import Ways, open_gradebook
from lti_tool.work.members import MemberPull, pull_members
from lti_tool.work.source_settings import parse_settings
from oneroster.auth import Authorization, BearerKey, ClientCredentials, OAuth1
from oneroster.client import Client
from oneroster.probing import Probe
from oneroster.service import Service
from oneroster.transport import Patience

_READING: Final = {
    "1.1": (
        "roster-core.readonly",
        "roster.readonly",
        "resource.readonly",
        "gradebook.readonly",
    ),
    "1.2": (
        "roster-core.readonly",
        "roster.readonly",
        "resource.readonly",
        "gradebook.readonly",
        "assessment.readonly",
    ),
}
_DEMOGRAPHICS: Final = ("roster-demographics.readonly",)
# Given up in this order where a token server refuses them all together.
_SPARED: Final = (
    "assessment.delete",
    "gradebook.delete",
    "assessment.readonly",
    "resource.readonly",
    "roster-demographics.readonly",
    "gradebook.readonly",
    "roster-core.readonly",
)
PAGE_SIZE: Final = 1000
_PULL_SECONDS: Final = 600.0


class Outside:
    """Opens every connection to other systems, with the settings' guards."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._key = settings.load_secret_key()
        self._lms = Lms(database, settings)
        self._canvases = Canvases(
            database,
            GuardedSession(settings.local_hosts),
            settings.local_hosts,
            self._key,
            clock=utc_now,
        )
        self._pulled: dict[int, float] = {}

    def feed(self, source: Source, *, is_trial: bool = False) -> Feed:
        """Open a source for one run; a trial does not wait for one that is away.

        A trial gets every row as a record, plain as it may be.

        Raises:
            SyncError: the CSV files are no bundle.
            ConfigError: the address is not one we go to.
        """
        if source.kind == "csv":
            return BundleFeed(Path(source.location), has_plain=not is_trial)
        client = self.client(source, is_trial=is_trial)
        return RestFeed(client, has_plain=not is_trial)

    def client(
        self,
        source: Source,
        *,
        writes: tuple[str, ...] = (),
        is_trial: bool = False,
    ) -> Client:
        """Return a client of a OneRoster service; writes are scopes to write with.

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
        with self._database.read() as reading:
            state = cursors.load_state(reading, source.id)
        names = writes or _wanted(version, state.settings)
        session = GuardedSession(self._settings.local_hosts)
        if source.ca_file is not None:
            session.verify = _trusted(Path(source.ca_file))
        auth = self._authorization(source, service.dialect.scope(*names), session)
        if isinstance(auth, ClientCredentials):
            auth.fallbacks = tuple(
                service.dialect.scope(*less) for less in _less(names)
            )
        return Client(
            service,
            auth=auth,
            session=session,
            patience=patience,
            page_size=int(state.profile.get("page_size") or PAGE_SIZE),
            sorts=state.profile.get("sorts") is not False,
        )

    def probe(self, source: Source) -> Probe:
        """Return a look at a OneRoster service, in either style of credentials.

        Demographics are looked at only where the school said why it wants them.

        Raises:
            ConfigError: the address is not one we go to.
        """
        client = self.client(source, is_trial=True)
        version = client.service.version
        if isinstance(client.auth, ClientCredentials):
            client.auth.style = "either"
        with self._database.read() as session:
            settings = parse_settings(sources.load_settings(session, source.id))
        wants_more = settings.scope.demographics_reason is not None
        return Probe(
            source.location,
            version,
            auth=client.auth,
            session=client.session,
            scopes=_READING[version] + (_DEMOGRAPHICS if wants_more else ()),
            extra=("demographics",) if wants_more else (),
            writes=True,
        )

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
        ways = {
            "oneroster": (place.source_id, self._sis),
            "ags": (place.ags_line_items_url, self._ags),
            "canvas": (place.launched_id, self._outcomes),
            "moodle": (place.context_id, self._competencies),
        }
        needed, connect = ways.get(destination, (None, self._sis))
        if needed is None:
            raise DeliveryError(
                f"no such destination: {destination}", "no_place", permanent=True
            )
        try:
            return connect(place)
        except DeliveryError:
            raise
        except BridgeError as error:
            raise DeliveryError(str(error), "config", permanent=True) from error

    def gradebook(self, placement_id: int) -> Gradebook:
        """Return the gradebook of a placement's course, to be read as evidence.

        Its class is learnt first, as before outcomes are written.

        Raises:
            BridgeError: see lms_gradebooks.open_gradebook.
        """
        self.pull_members(placement_id)
        ways = Ways(self._database, self._settings, self._lms, self._canvases)
        return open_gradebook(ways, placement_id)

    def _outcomes(self, place: Place) -> Destination:
        self.pull_members(place.launched_id or 0)
        return self._canvases.destination(place)

    def _competencies(self, place: Place) -> Destination:
        self.pull_members(place.launched_id or 0)
        return competencies.connect(self._database, self._settings, "moodle", place)

    def _sis(self, place: Place) -> Destination:
        with self._database.read() as session:
            source = sources.load_source_by_id(session, place.source_id or 0)
            state = cursors.load_state(session, source.id)
        manner = sis.chosen_manner(source.version, state.settings, state.profile)
        return sis.gradebook(
            self._database,
            self.client(source, writes=manner.scopes),
            manner,
            place,
            writing=sis.writing_of(state.settings),
            clock=utc_now,
        )

    def _ags(self, place: Place) -> Destination:
        placement_id = place.placement_id or 0
        grades = self._lms.grades(placement_id)
        self.pull_members(placement_id)
        launch_url = self._settings.public_url.rstrip("/") + LAUNCH_PATH
        vendor = profile(grades.profile_name)
        return LmsGradebook(grades, vendor, launch_url=launch_url)

    def subscribe_notices(self, *, now: datetime) -> int:
        """Tell platforms that have notices where we listen; returns how many times."""
        handler = self._settings.public_url.rstrip("/") + notices.HANDLER_PATH
        return notices.subscribe_due(
            self._database, self._lms.notice_handlers, handler, now=now
        )

    def pull_members(
        self, placement_id: int, *, is_asked: bool = False, is_full: bool = False
    ) -> None:
        """Learn who is in a placement's course, at most once in ten minutes.

        A platform that does not tell is no reason to stop: who launched is known.
        """
        last = self._pulled.get(placement_id)
        is_recent = last is not None and time.monotonic() - last < _PULL_SECONDS
        if is_recent and not is_asked:
            return
        try:
            self.fetch_members(placement_id, is_full=is_full)
        except BridgeError as error:
            code = error.code if isinstance(error, PlatformError) else "config"
            log().warning("members not pulled", placement=placement_id, code=code)

    def fetch_members(self, placement_id: int, *, is_full: bool = False) -> MemberPull:
        """Learn who is in a placement's course, and in which groups.

        Groups that do not come leave those we know as they are.

        Raises:
            PlatformError: the members did not come whole; nothing is changed.
            ConfigError: the platform is disabled.
        """
        self._pulled[placement_id] = time.monotonic()
        source = self._lms.members(placement_id)
        now = datetime.now(UTC)
        pulled = pull_members(
            self._database, source, placement_id, now=now, is_full=is_full
        )
        if pulled.kind == "all":
            self._fetch_groups(placement_id, pulled.roster)
        return pulled

    def _fetch_groups(self, placement_id: int, roster: Roster) -> None:
        try:
            pull_groups(
                self._database,
                self._lms.groups(placement_id),
                placement_id,
                roster,
                now=datetime.now(UTC),
            )
        except PlatformError as error:
            log().warning("groups not pulled", placement=placement_id, code=error.code)


def _wanted(version: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes for what a school takes of its SIS."""
    scope = parse_settings(settings).scope
    return _READING[version] + (_DEMOGRAPHICS if scope.demographics_reason else ())


def _less(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield less than all scopes: without each, then without more and more."""
    spared = [one for one in _SPARED if one in names]
    more = (spared[:count] for count in range(2, len(spared)))
    for left_out in (*([one] for one in spared), *more, spared):
        yield tuple(name for name in names if name not in left_out)


def _trusted(path: Path) -> str:
    """The file of certificates that a source is checked against.

    Raises:
        ConfigError: it cannot be read; nobody is then trusted in its place.
    """
    if not path.is_file():
        raise ConfigError(
            f"the file of trusted certificates {path} is not there; put it back, or "
            "add the source again with --ca-file"
        )
    return str(path)
