"""Systems that pull outcomes from us: what each may, and how it proves itself."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lti_tool.errors import ConfigError
from lti_tool.logs import log
from lti_tool.storage import api_clients as stored
from lti_tool.storage import attempts, sources
from lti_tool.storage.api_clients import ApiClient
from lti_tool.storage.database import Database
from lti_tool.storage.evidence import put_change
from lti_tool.storage.session import Session
from lti_tool.work.accounts import network
from oneroster.provider_replies import Manners, RefusalError

SCOPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "assessment.readonly": "outcomes: levels by student and competency",
        "gradebook.readonly": "the scales that the levels are of",
        "roster-core.readonly": "schools, terms, courses, classes, people, seats",
        "roster.readonly": "the same, and by school, class and person",
        "evidence.readonly": "why each level stands: every piece, and the arithmetic",
    }
)
"""What a client may be given, and what that opens. Demographics are told to nobody."""
USUAL: Final = ("assessment.readonly", "gradebook.readonly", "roster-core.readonly")
LONGEST_NAME: Final = 120
TOO_MANY: Final = 429

MANNERS: Final = Manners(
    versions=("1.1", "1.2"),
    page_cap=5000,
    is_read_only=True,
    token_seconds=900,
    own_scopes=frozenset({"evidence.readonly"}),
)
"""How our own provider behaves: both versions, nothing is written, short tokens."""


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client just added, with the secret that is shown once."""

    id: int
    client_id: str
    secret: str
    source: str | None


@dataclass(frozen=True, slots=True)
class StoredClients:
    """The clients of our provider, as the database holds them."""

    database: Database
    clock: Callable[[], datetime]

    def scopes(self, client_id: str) -> frozenset[str] | None:
        """Tell which scopes a client may have, None if it is not known."""
        with self.database.read() as session:
            found = stored.find(session, client_id)
        return found.scopes if found else None

    def source_id(self, client_id: str) -> int | None:
        """Whose records a client may see; None: those of every source.

        Raises:
            RefusalError: 401, it was removed meanwhile.
        """
        with self.database.read() as session:
            found = stored.find(session, client_id)
        if found is None:
            raise RefusalError(401, "unauthorisedrequest", "the client was removed")
        return found.source_id

    def proves(self, client_id: str, secret: str, *, address: str) -> bool:
        """Tell whether the secret is the client's; a wrong one is counted.

        Raises:
            RefusalError: 429, five wrong ones came from the address in a minute.
        """
        now, keys = self.clock(), (f"api:{network(address)}",)
        with self.database.write() as session:
            wait = attempts.open_attempt(session, keys, now=now)
            is_right = wait is None and stored.is_secret(session, client_id, secret)
            if is_right:
                attempts.forgive_attempt(session, keys, at=now)
                stored.mark_used(session, client_id, now)
        if wait is not None:
            log().warning("api token refused", reason="too many")
            raise RefusalError(
                TOO_MANY, "server_busy", "too many wrong secrets; wait a minute"
            )
        if not is_right:
            log().warning("api token refused", reason="secret")
        return is_right

    def secret(self, client_id: str) -> str | None:
        """None: only hashes are kept, so nobody signs with OAuth 1 here."""
        nothing: dict[str, str] = {}
        return nothing.get(client_id)


def token_key(secret_key: bytes) -> bytes:
    """The key that signs access tokens, made from that of the installation."""
    return hmac.new(secret_key, b"oneroster access tokens", "sha256").digest()


def add(
    session: Session,
    name: str,
    *,
    scopes: Sequence[str],
    source: str | None,
    made_by: str,
    now: datetime,
) -> NewClient:
    """Add a client; without a source it is of the only one, or of all of several.

    Raises:
        ConfigError: no name, no scope, or one that is not offered.
        NotFoundError: no source has that name.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise ConfigError(f"give the client a name of at most {LONGEST_NAME} letters")
    if not scopes or not set(scopes) <= SCOPES.keys():
        raise ConfigError(f"choose scopes among {', '.join(SCOPES)}")
    source_id, source = _source(session, source)
    row_id, client_id, secret = stored.add(
        session,
        name=name,
        scopes=scopes,
        source_id=source_id,
        made_by=made_by,
        now=now,
    )
    put_change(
        session,
        at=now,
        who=made_by,
        what="api client added",
        subject=("api_client", row_id),
        after={"client_id": client_id, "scopes": sorted(scopes), "source": source_id},
    )
    return NewClient(row_id, client_id, secret, source)


def remove(session: Session, client: ApiClient, *, who: str, now: datetime) -> None:
    """Let a client in no more, from this moment. May be run again."""
    if stored.remove(session, client.id):
        put_change(
            session,
            at=now,
            who=who,
            what="api client removed",
            subject=("api_client", client.id),
            before={"client_id": client.client_id},
        )


def _source(session: Session, name: str | None) -> tuple[int | None, str | None]:
    if name:
        return sources.load_source(session, name).id, name
    known = sources.load_sources(session)
    if len(known) == 1:
        return int(known[0]["id"]), str(known[0]["name"])
    return None, None
