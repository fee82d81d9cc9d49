"""What pylti1p3 is given to work with: fields, registrations, no place to keep things.

Nothing here reads a database, a network or a clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pylti1p3.cookie import CookieService
from pylti1p3.deployment import Deployment
from pylti1p3.exception import LtiException
from pylti1p3.launch_data_storage.base import LaunchDataStorage
from pylti1p3.registration import Registration
from pylti1p3.request import Request
from pylti1p3.session import SessionService
from pylti1p3.tool_config.abstract import ToolConfAbstract

from lti_tool.errors import LaunchError


@dataclass(frozen=True, slots=True)
class Platform:
    """What the checks need to know of a registration."""

    registration_id: int
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    key_set: str | None = None  # the keys themselves; jwks_url is then not asked


@dataclass(frozen=True, slots=True)
class Expected:
    """What the login of this launch promised.

    lets_other_target: whether a launch to another target than its login's goes on.
    """

    platform: Platform
    nonce_hash: str
    target_link_uri: str
    lti_deployment_id: str | None
    lets_other_target: bool = False


@dataclass(slots=True)
class Trace:
    """How far a login or launch came; for its log line, hashes and hosts only.

    Attributes:
        is_signed: the platform's signature was found valid.
        expected: what the login promised and the platform publishes, for the doctor:
            target_link_uri, deployment_id, kids, skew_seconds.
    """

    stage: str = "arrival"
    registration_id: int | None = None
    iss_host: str | None = None
    kid_hash: str | None = None
    frame_origins: tuple[str, ...] = field(default=())
    is_signed: bool = False
    expected: dict[str, Any] = field(default_factory=dict)


class Parameters(Request):
    """The fields a platform sent, as pylti1p3 wants to read them."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    @property
    def session(self) -> NoReturn:
        """There is none: nothing of a launch is kept in a Flask session."""
        raise LtiException("launches keep nothing in a session")

    def is_secure(self) -> bool:
        """Always: what came over plain http was refused before."""
        return True

    def get_param(self, key: str) -> str:
        """The field named key, '' if it was not sent."""
        return self._fields.get(key, "")


class _Nowhere(LaunchDataStorage[Any]):
    """A place that keeps nothing."""

    def can_set_keys_expiration(self) -> bool:
        return False

    def get_value(self, key: str) -> NoReturn:
        raise LtiException(_NOTHING_KEPT.format(len(key)))

    def set_value(self, key: str, value: object, exp: int | None = None) -> NoReturn:
        del value, exp
        raise LtiException(_NOTHING_KEPT.format(len(key)))

    def check_value(self, key: str) -> NoReturn:
        raise LtiException(_NOTHING_KEPT.format(len(key)))


_NOTHING_KEPT = "launches keep nothing; a key of {} characters was asked for"


class Minted(SessionService, CookieService):
    """Catches the state and nonce that a login mints instead of keeping them."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.set_data_storage(_Nowhere())
        self.state = ""
        self.nonce = ""

    def get_cookie(self, name: str) -> None:
        """Nothing: the browser's own secret is checked before pylti1p3 runs."""
        del name

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        """Catch the state, which pylti1p3 would keep in a cookie of that name."""
        del value, exp
        self.state = name

    def save_nonce(self, nonce: str) -> None:
        """Catch the nonce."""
        self.nonce = nonce


class ToolConf(ToolConfAbstract[Parameters]):
    """Registrations by the exact pair of issuer and client id, no default.

    The base class keeps the relation of an issuer to its clients in a dict that all
    instances share; both questions are answered here without it.
    """

    def __init__(self, find_platform: Callable[[str, str], Platform | None]) -> None:
        self._find_platform = find_platform

    def check_iss_has_one_client(self, iss: str) -> bool:
        """Never: a platform may serve any number of clients."""
        del iss
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        """Always."""
        del iss
        return True

    def find_registration_by_issuer(
        self, iss: str, *_args: object, **_kwargs: object
    ) -> NoReturn:
        """Nothing is found by an issuer alone."""
        del iss
        raise LaunchError("E_ISS", "a registration is found by issuer and client id")

    def find_registration_by_params(  # type: ignore[override] # None on a miss, as the base's callers expect
        self, iss: str, client_id: str, *_args: object, **_kwargs: object
    ) -> Registration | None:
        """The registration of exactly this pair, or None."""
        platform = self._find_platform(iss, client_id)
        if platform is None:
            return None
        return (
            Registration()
            .set_issuer(platform.issuer)
            .set_client_id(platform.client_id)
            .set_auth_login_url(platform.auth_url)
            .set_auth_token_url(platform.token_url)
            .set_key_set_url(platform.jwks_url)
        )

    def find_deployment(self, iss: str, deployment_id: str) -> NoReturn:
        """Nothing is found by an issuer alone."""
        del iss, deployment_id
        raise LaunchError("E_DEPLOYMENT", "a deployment belongs to a registration")

    def find_deployment_by_params(
        self,
        iss: str,
        deployment_id: str,
        client_id: str,
        *_args: object,
        **_kwargs: object,
    ) -> Deployment | None:
        """A deployment's state is a row's matter: see work.admission."""
        del iss, client_id
        return Deployment().set_deployment_id(deployment_id)
