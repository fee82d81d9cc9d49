"""Access tokens of a provider: OAuth 2 client credentials.

A token is opaque to the client and signed by us, so that every process that
holds the key accepts it and none has to store it.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import unquote_plus

from flask import Request, Response, jsonify

from oneroster.dialects import DIALECTS
from oneroster.provider_clients import Access, ClientList
from oneroster.provider_replies import Manners, RefusalError

__all__ = ["Tokens"]

GRANT = "client_credentials"
SCOPES = {url: name for part in DIALECTS.values() for name, url in part.scopes.items()}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Issues tokens to known clients, and tells what a token allows."""

    clients: ClientList
    key: Callable[[], bytes]
    clock: Callable[[], datetime]
    manners: Manners

    def issue(self, request: Request) -> Response:
        """Answer a token request.

        Source: RFC 6749, sections 2.3.1, 4.4 and 5.
        """
        try:
            client = self._client(request)
        except RefusalError as refusal:
            return _refused("temporarily_unavailable", str(refusal), refusal.status)
        if client is None:
            return _refused("invalid_client", "unknown client or wrong secret", 401)
        if request.form.get("grant_type") != GRANT:
            return _refused("unsupported_grant_type", f"use grant_type={GRANT}")
        asked = request.form.get("scope", "").split()
        allowed = self.clients.scopes(client) or frozenset()
        names = {**SCOPES, **{one: one for one in self.manners.own_scopes}}
        granted = [scope for scope in asked if names.get(scope) in allowed]
        if not granted:
            return _refused("invalid_scope", "name scopes that this client may have")
        reply = jsonify(
            {
                "access_token": self._sign(client, [names[url] for url in granted]),
                "token_type": "Bearer",
                "expires_in": self.manners.token_seconds,
                "scope": " ".join(granted),
            }
        )
        reply.headers["Cache-Control"] = "no-store"
        return reply

    def access(self, request: Request) -> Access:
        """Tell whose token the request carries, and the scopes it allows.

        Raises:
            RefusalError: 401, if there is no token, or one that is not ours, has
                expired, or belongs to a client no longer known.
        """
        found = request.authorization
        if found is None or found.type != "bearer" or not found.token:
            raise RefusalError(
                401, "unauthorisedrequest", "no access token; ask for one and send it"
            )
        claims = self._claims(found.token)
        allowed = None if claims is None else self.clients.scopes(claims["client"])
        if claims is None or allowed is None:
            raise RefusalError(
                401, "unauthorisedrequest", "the access token is not one of ours"
            )
        if float(claims["expires"]) <= self.clock().timestamp():
            raise RefusalError(
                401, "unauthorisedrequest", "the access token has expired; ask again"
            )
        # Scopes taken from a client end with the request that follows.
        return Access(claims["client"], allowed & frozenset(claims["scopes"].split()))

    def _client(self, request: Request) -> str | None:
        """Tell which client asks, None if its secret is wrong."""
        basic = request.authorization
        if basic is not None and basic.type == "basic":
            way, client, secret = "basic", basic.username, basic.password
        else:
            way = "form"
            client = request.form.get("client_id")
            secret = request.form.get("client_secret")
        if way not in self.manners.credential_ways or client is None or secret is None:
            return None
        # RFC 6749 has both percent-encoded inside Basic; many clients do not.
        address = request.remote_addr or ""
        ways = ((client, secret), (unquote_plus(client), unquote_plus(secret)))
        for name, word in dict.fromkeys(ways):
            if self.clients.proves(name, word, address=address):
                return name
        return None

    def _sign(self, client: str, scopes: list[str]) -> str:
        expires = self.clock().timestamp() + self.manners.token_seconds
        claims = {
            "client": client,
            "scopes": " ".join(scopes),
            "expires": str(expires),
        }
        # Werkzeug takes a token with "=" inside for a list of parameters.
        body = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
        return f"{body.decode()}.{self._seal(body)}"

    def _claims(self, token: str) -> dict[str, str] | None:
        body, _, seal = token.partition(".")
        if not hmac.compare_digest(self._seal(body.encode()).encode(), seal.encode()):
            return None
        claims: dict[str, str] = json.loads(urlsafe_b64decode(f"{body}=="))
        return claims

    def _seal(self, body: bytes) -> str:
        return hmac.new(self.key(), body, "sha256").hexdigest()


def _refused(error: str, description: str, status: int = 400) -> Response:
    reply = jsonify(error=error, error_description=description)
    reply.status_code = status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        reply.headers["Retry-After"] = "60"
    if error == "invalid_client":
        reply.headers["WWW-Authenticate"] = 'Basic realm="OneRoster"'
    return reply
