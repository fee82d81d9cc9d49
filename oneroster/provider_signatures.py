"""Signed requests of OneRoster 1.1: OAuth 1.0a with two legs.

Source: RFC 5849, section 3; OneRoster 1.1, section 3.1; ten minutes late and five
early are let pass, as consumers were told to expect.
"""

import hashlib
import hmac
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote, unquote

from flask import Request

from oneroster.provider_clients import Access, ClientList
from oneroster.provider_replies import RefusalError

__all__ = ["Signatures"]

DIGESTS: Mapping[str, str] = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}
LATE_SECONDS = 600
EARLY_SECONDS = 300
Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Signatures:
    """Checks signatures, and that none is used twice while it is fresh."""

    clients: ClientList
    clock: Callable[[], datetime]
    _seen: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def access(self, request: Request) -> Access:
        """Tell who signed the request; all scopes of the client are allowed.

        Raises:
            RefusalError: 401, the signature is wrong, old or used already.
        """
        given = _parameters(request.headers.get("Authorization", ""))
        client = given.get("oauth_consumer_key", "")
        digest = DIGESTS.get(given.get("oauth_signature_method", ""))
        secret, scopes = self.clients.secret(client), self.clients.scopes(client)
        if digest is None or secret is None or scopes is None:
            raise _refusal("no client of ours signs so; use OAuth 2")
        wanted = _signature(request, given, digest, secret)
        sent = given.get("oauth_signature", "")
        if not hmac.compare_digest(wanted.encode(), sent.encode()):
            raise _refusal("the signature is wrong; sign the query as it is sent")
        self._accept_once(client, given)
        return Access(client, scopes)

    def _accept_once(self, client: str, given: Mapping[str, str]) -> None:
        now, moment = self.clock().timestamp(), given.get("oauth_timestamp", "")
        signed_at = float(moment) if moment.isascii() and moment.isdigit() else 0.0
        if not now - LATE_SECONDS <= signed_at <= now + EARLY_SECONDS:
            raise _refusal("the signature is too old or too new; set the clock")
        use = (client, f"{moment} {given.get('oauth_nonce', '')}")
        with self._lock:
            self._seen = {
                key: at for key, at in self._seen.items() if at >= now - LATE_SECONDS
            }
            if use in self._seen:
                raise _refusal("the signature was used already; sign anew")
            self._seen[use] = signed_at


def _parameters(header: str) -> dict[str, str]:
    """Read ``OAuth k="v", ...``; realm is no part of what is signed."""
    found = {}
    for part in header.removeprefix("OAuth ").split(","):
        name, _, value = part.strip().partition("=")
        found[name] = unquote(value.strip('"'))
    found.pop("realm", None)
    return found


def _signature(
    request: Request, given: Mapping[str, str], digest: str, secret: str
) -> str:
    query = parse_qsl(request.query_string.decode(), keep_blank_values=True)
    signed = [(name, value) for name, value in given.items()]
    signed = [pair for pair in signed if pair[0] != "oauth_signature"]
    covered = (request.method, _address(request), _normal(query + signed))
    text = "&".join(map(_escape, covered))
    key = f"{_escape(secret)}&"
    mark = hmac.new(key.encode(), text.encode(), getattr(hashlib, digest)).digest()
    return b64encode(mark).decode()


def _address(request: Request) -> str:
    """The URL without query and usual port, its path as it was sent."""
    target = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI")
    path = str(target or quote(request.path)).partition("?")[0]
    usual = {"http": ":80", "https": ":443"}.get(request.scheme, "")
    host = request.host.lower().removesuffix(usual)
    return f"{request.scheme}://{host}{path}"


def _normal(pairs: Pairs) -> str:
    escaped = sorted((_escape(name), _escape(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in escaped)


def _escape(text: str) -> str:
    return quote(text, safe="-._~")


def _refusal(text: str) -> RefusalError:
    return RefusalError(401, "unauthorisedrequest", text)
