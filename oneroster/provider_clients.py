"""Who may ask a provider, and how a request tells who it comes from."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from oneroster.dialects import DIALECTS

__all__ = ["ALL_SCOPES", "Access", "ClientList", "ListedClients"]

ALL_SCOPES = frozenset(DIALECTS["1.2"].scopes) | frozenset(DIALECTS["1.1"].scopes)
"""Every scope of the standard, by its short name."""


@dataclass(frozen=True, slots=True)
class Access:
    """Which client asks, and the short names of the scopes it may use."""

    client: str
    scopes: frozenset[str]


class ClientList(Protocol):
    """The clients of a provider; it may change while we serve."""

    def scopes(self, client_id: str) -> frozenset[str] | None:
        """Tell which scopes a client may have, None if it is not known."""

    def proves(self, client_id: str, secret: str, *, address: str) -> bool:
        """Tell whether the secret is the client's.

        Raises:
            RefusalError: 429, too many wrong ones came from the address.
        """

    def secret(self, client_id: str) -> str | None:
        """Give the secret that OAuth 1 signs with, None where only a hash is kept."""


@dataclass(frozen=True, slots=True)
class ListedClients:
    """Clients by id with their secrets; each may have every scope."""

    secrets: Mapping[str, str]

    def scopes(self, client_id: str) -> frozenset[str] | None:
        """Tell which scopes a client may have, None if it is not known."""
        return ALL_SCOPES if client_id in self.secrets else None

    def proves(self, client_id: str, secret: str, *, address: str) -> bool:
        """Tell whether the secret is the client's."""
        del address
        known = self.secrets.get(client_id)
        return known is not None and hmac.compare_digest(
            known.encode(), secret.encode()
        )

    def secret(self, client_id: str) -> str | None:
        """Give the secret that OAuth 1 signs with."""
        return self.secrets.get(client_id)
