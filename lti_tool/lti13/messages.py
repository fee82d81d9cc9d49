"""pylti1p3 wrapped: its login and message classes, each check replaced by ours.

Nothing here reads a database, a network or a clock of its own: registrations come
through ToolConf, keys through a KeyCache, times as arguments. What pylti1p3 would keep
(state, nonce, launch) it is not given a place to keep in; see
docs/decisions/0001-who-verifies-launches.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn, Self, cast

import requests
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch, TLaunchData
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.redirect import Redirect
from pylti1p3.registration import Registration
from pylti1p3.service_connector import ServiceConnector

from lti_tool.errors import LaunchError
from lti_tool.lti13 import times
from lti_tool.lti13.claims import Claims, parse_claims
from lti_tool.lti13.compact import Token, parse_token
from lti_tool.lti13.keys import KeyCache, verify_signature
from lti_tool.lti13.wrapping import Expected, Minted, Parameters, ToolConf, Trace

# A requests.Session that pylti1p3 wants and never uses: keys come from KeyCache.
_UNUSED_SESSION = requests.Session()


class Login(OIDCLogin[Parameters, ToolConf, Minted, Minted, str]):
    """Answers a login initiation; after address() the state and nonce are known."""

    def __init__(self, request: Parameters, tool_config: ToolConf) -> None:
        self._minted = Minted(request)
        super().__init__(
            request,
            tool_config,
            session_service=self._minted,
            cookie_service=self._minted,
        )

    @property
    def state(self) -> str:
        """The state minted for this login."""
        return self._minted.state

    @property
    def nonce(self) -> str:
        """The nonce minted for this login."""
        return self._minted.nonce

    def address(self, launch_url: str) -> str:
        """Where the browser goes to be signed in, to come back to launch_url."""
        return self._prepare_redirect_url(launch_url)

    def validate_oidc_login(self) -> Registration:
        """Find the registration of a complete request.

        Raises:
            LaunchError: E_REQ, a field is missing; E_ISS, no such registration.
        """
        for name in ("iss", "login_hint", "target_link_uri"):
            if not self._get_request_param(name):
                raise LaunchError("E_REQ", f"the login carries no {name}")
        found = self._tool_config.find_registration_by_params(
            self._get_request_param("iss"), self._get_request_param("client_id")
        )
        if found is None:
            raise LaunchError("E_ISS", "no registration has this issuer and client id")
        return found

    def get_redirect(self, url: str) -> Redirect[str]:
        """Not used: the page redirects by itself."""
        del url
        raise LtiException("the page redirects by itself")

    def _get_uuid(self) -> str:
        return secrets.token_urlsafe(32)

    def _generate_nonce(self) -> str:
        return secrets.token_urlsafe(32)


class Message(MessageLaunch[Parameters, ToolConf, Minted, Minted]):
    """A launch: its token verified in our order, each step ours."""

    def __init__(
        self,
        request: Parameters,
        tool_config: ToolConf,
        expected: Expected,
        *,
        keys: KeyCache,
        now: datetime,
        hash_secret: Callable[[str], str],
    ) -> None:
        minted = Minted(request)
        super().__init__(
            request,
            tool_config,
            session_service=minted,
            cookie_service=minted,
            requests_session=_UNUSED_SESSION,
            service_connector_cls=ServiceConnector,
        )
        self.trace = Trace()
        self.skew_seconds: float | None = None
        self.is_signed = False
        self.has_other_target = False
        self._expected = expected
        self._keys = keys
        self._now = now
        self._hash = hash_secret
        self._token: Token | None = None
        self._claims: Claims | None = None

    def claims(self, trace: Trace) -> Claims:
        """Verify the launch and give its claims; trace tells how far it came.

        Raises:
            LaunchError: with the code of the first check that failed.
        """
        self.trace = trace
        self.validate()
        return self._read()

    def validate(self) -> Self:
        """Check the token; on any failure nothing of it is left to be read."""
        try:
            self.validate_jwt_format()
            self.validate_registration()
            self.validate_jwt_signature()
            self.validate_times()
            self.validate_nonce()
            self.validate_message()
        except Exception:
            self._jwt = {}
            self._token = self._claims = None
            raise
        self._validated = True
        return self

    def validate_state(self) -> NoReturn:
        """The state is checked and consumed in the database, by work.admission."""
        raise LaunchError("E_STATE", "states are not checked here")

    def validate_jwt_format(self) -> Self:
        """Take the token apart strictly."""
        self.trace.stage = "format"
        self._token = parse_token(self._get_request_param("id_token"))
        self._jwt = {"body": cast("TLaunchData", self._token.claims)}
        self.trace.kid_hash = self._hash(self._token.kid)[:16]
        return self

    def validate_registration(self) -> Self:
        """The token's iss, aud and azp are those of the login's registration."""
        self.trace.stage = "registration"
        platform = self._expected.platform
        times.check_audience(
            self._payload(), issuer=platform.issuer, client_id=platform.client_id
        )
        self._registration = self._tool_config.find_registration_by_params(
            platform.issuer, platform.client_id
        )
        if self._registration is None:
            raise LaunchError("E_ISS", "the registration is gone since the login")
        return self

    def validate_jwt_signature(self) -> Self:
        """The registration's key of that kid signed it."""
        self.trace.stage = "key"
        token, platform = self._parsed(), self._expected.platform
        at, kid = platform.registration_id, token.kid
        try:
            key = (
                self._keys.key(at, platform.jwks_url, kid)
                if platform.key_set is None
                else self._keys.given_key(at, platform.key_set, kid)
            )
        finally:
            self.trace.expected["kids"] = self._keys.kids(at, platform.jwks_url)
        self.trace.stage = "signature"
        verify_signature(token, key)
        self.is_signed = self.trace.is_signed = True
        return self

    def validate_times(self) -> Self:
        """It was made lately and is still good."""
        self.trace.stage = "times"
        self.skew_seconds = times.clock_skew(self._payload(), self._now)
        self.trace.expected["skew_seconds"] = self.skew_seconds
        times.check_times(self._payload(), self._now)
        return self

    def validate_nonce(self) -> Self:
        """Its nonce is the one this login minted."""
        self.trace.stage = "nonce"
        payload = self._payload()
        hashed = self._hash(str(payload.get("nonce")))
        times.check_nonce(payload, self._expected.nonce_hash, hashed)
        return self

    def validate_message(self) -> Self:
        """It is a message we serve, for the target and deployment of the login."""
        self.trace.stage = "message"
        claims = self._claims = parse_claims(self._payload())
        self.has_other_target = claims.target_link_uri != self._expected.target_link_uri
        if self.has_other_target and not self._expected.lets_other_target:
            raise LaunchError("E_TARGET", "the target is not the one of this login")
        announced = self._expected.lti_deployment_id
        if announced and claims.deployment_id != announced:
            raise LaunchError(
                "E_DEPLOYMENT", "the deployment is not the one of this login"
            )
        return self

    def get_client_id(self) -> str:
        """Our client id, which the token's audience was checked for."""
        return self._expected.platform.client_id

    @classmethod
    def from_cache(cls, *_args: object, **_kwargs: object) -> NoReturn:
        """Closed: any key of a store would pass for a launch."""
        raise LtiException("launches are not kept, so none can be restored")

    def get_launch_id(self) -> NoReturn:
        """Closed likewise: a seat's visit is what is kept."""
        raise LtiException("launches are not kept, so they have no id")

    def save_launch_data(self) -> NoReturn:
        """Closed likewise: nothing of a launch is kept by the library."""
        raise LtiException("launches keep nothing")

    def get_launch_data(self) -> TLaunchData:
        """The verified payload.

        Raises:
            LtiException: the launch was not verified.
        """
        if not self._validated:
            raise LtiException("the launch was not verified")
        return super().get_launch_data()

    def _read(self) -> Claims:
        if self._claims is None:
            raise LtiException("the launch was not verified")
        return self._claims

    def _get_request_param(self, key: str) -> str:
        return self._request.get_param(key)

    def _parsed(self) -> Token:
        if self._token is None:
            raise LaunchError("E_FORMAT", "the token was not taken apart")
        return self._token

    def _payload(self) -> dict[str, Any]:
        return self._parsed().claims
