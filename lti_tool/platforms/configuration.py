"""A platform's description of itself, read and checked before we believe it.

Whoever holds an invitation names the address of a configuration, and whoever answers
there names every other address. So the host that answers must be the issuer's, and
each address must lie on a host that belongs with the issuer.

Source: LTI Dynamic Registration 1.0 section 3.4; facts/lti.md 12; D14, D15.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lti_tool.errors import RegistrationError
from lti_tool.platforms.http import AddressError, check_url
from lti_tool.platforms.profiles import PlatformProfile, profile, vendor_of

PLATFORM: Final = "https://purl.imsglobal.org/spec/lti-platform-configuration"
METHOD: Final = "private_key_jwt"
ALGORITHM: Final = "RS256"
MESSAGE: Final = "LtiResourceLinkRequest"
LONGEST_URL: Final = 2048
MANY: Final = 500
WORDS: Final = 255
_ACCOUNT: Final = "account_name"
_GUID: Final = "account_lti_guid"

# Second levels under which countries let anybody have a name, so that two names
# below them say nothing of each other.
_SHARED: Final = frozenset(
    {"ac", "co", "com", "edu", "gob", "gov", "gv", "k12", "lg", "net", "nom", "or"}
    | {"org", "sch", "nsw", "vic", "qld", "sa", "wa", "tas", "act", "nt"}
)
_COUNTRY: Final = 2
# What no address of a platform needs, and what parsers disagree about.
_ODD: Final = frozenset("\\ <>\"'#")


def _brief(value: object) -> object:
    """Cut a text that is only shown; anything else is as if it were not there."""
    return value[:WORDS] if isinstance(value, str) and value else None


def _types(value: object) -> object:
    """Read the list of messages; Moodle 4.1 sends bare names, others objects."""
    if not isinstance(value, list):
        return None
    return [{"type": one} if isinstance(one, str) else one for one in value]


Brief = Annotated[str | None, BeforeValidator(_brief)]
Names = list[Annotated[str, Field(max_length=1024)]]


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str = Field(max_length=WORDS)
    placements: Names | None = Field(default=None, max_length=MANY)


class _Product(BaseModel):
    model_config = ConfigDict(extra="allow")

    product_family_code: Brief = None
    version: Brief = None
    messages_supported: Annotated[
        list[_Message] | None, BeforeValidator(_types), Field(max_length=MANY)
    ] = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    issuer: str = Field(min_length=1, max_length=1024)
    authorization_endpoint: str = Field(min_length=1, max_length=LONGEST_URL)
    token_endpoint: str = Field(min_length=1, max_length=LONGEST_URL)
    jwks_uri: str = Field(min_length=1, max_length=LONGEST_URL)
    registration_endpoint: str = Field(min_length=1, max_length=LONGEST_URL)
    authorization_server: str | None = Field(default=None, max_length=LONGEST_URL)
    token_endpoint_auth_methods_supported: Names | None = Field(None, max_length=MANY)
    token_endpoint_auth_signing_alg_values_supported: Names | None = Field(
        None, max_length=MANY
    )
    id_token_signing_alg_values_supported: Names | None = Field(None, max_length=MANY)
    response_types_supported: Names | None = Field(None, max_length=MANY)
    scopes_supported: Names | None = Field(None, max_length=MANY)
    claims_supported: Names | None = Field(None, max_length=MANY)
    product: _Product = Field(default=_Product(), alias=PLATFORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a platform says of itself, checked."""

    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    registration_url: str
    token_audience: str | None
    vendor: str
    product: dict[str, Any]
    scopes: frozenset[str] | None
    claims: frozenset[str] | None
    placements: Mapping[str, frozenset[str]] | None

    @property
    def profile(self) -> PlatformProfile:
        """What is peculiar to its vendor."""
        return profile(self.vendor)


def parse_configuration(
    body: bytes,
    *,
    url: str,
    vendor: str | None = None,
    local_hosts: frozenset[str] = frozenset(),
) -> Configuration:
    """Read what url answered; vendor is whose platform it should be, if it is known.

    Raises:
        RegistrationError: broken, missing, unsupported, address or foreign_host.
    """
    document = _parse(body, urlsplit(url).hostname or "?")
    _check_support(document)
    known = vendor_of(document.product.product_family_code)
    vendor = known if known != "other" else vendor or known
    manners = profile(vendor)
    _check_addresses(document, url, manners, local_hosts)
    has_own = document.authorization_server and not manners.is_audience_its_token_url
    return Configuration(
        issuer=document.issuer,
        auth_url=document.authorization_endpoint,
        token_url=document.token_endpoint,
        jwks_url=document.jwks_uri,
        registration_url=document.registration_endpoint,
        token_audience=document.authorization_server if has_own else None,
        vendor=vendor,
        product=_product(document.product, manners),
        scopes=_set(document.scopes_supported),
        claims=_set(document.claims_supported),
        placements=_placements(document.product),
    )


def belongs(host: str, to: str, siblings: tuple[str, ...] = ()) -> bool:
    """Tell whether two hosts are one another's, or both a vendor's own.

    One is the other, or below it, or both are below the same registered name.
    """
    one, other = host.lower().rstrip("."), to.lower().rstrip(".")
    if one == other or all(_is_below_any(name, siblings) for name in (one, other)):
        return True
    if _is_address(one) or _is_address(other):
        return False
    name = _registered(one)
    return name is not None and name == _registered(other)


def is_same_site(url: str, issuer: str, siblings: tuple[str, ...] = ()) -> bool:
    """Tell whether url is served by the issuer itself: its host and its port.

    Hosts of one vendor count as one; so does a host below the issuer's.
    """
    one, other = urlsplit(url), urlsplit(issuer)
    host, own = (one.hostname or "").lower(), (other.hostname or "").lower()
    if all(_is_below_any(name, siblings) for name in (host, own)):
        return True
    if _port(url) != _port(issuer) or not host or not own:
        return False
    return host == own or (not _is_address(host) and host.endswith(f".{own}"))


def _parse(body: bytes, host: str) -> _Document:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise RegistrationError(
            f"{host} answers the configuration address with something that is no "
            "configuration",
            "broken",
            host=host,
        )
    if sent.get(PLATFORM) is None:
        sent.pop(PLATFORM, None)
    try:
        return _Document.model_validate(sent)
    except ValidationError as error:
        names = sorted({str(fault["loc"][0]) for fault in error.errors()})
        listed = ", ".join(names)
        raise RegistrationError(
            f"the configuration of {host} lacks, or spells in a way we cannot read: "
            f"{listed}",
            "missing",
            host=host,
            fields=listed,
        ) from None


def _check_support(document: _Document) -> None:
    """Check that the platform can do what we need; a list it does not give is fine."""
    wanted = {
        "token_endpoint_auth_methods_supported": METHOD,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHM,
        "id_token_signing_alg_values_supported": ALGORITHM,
        "response_types_supported": "id_token",
    }
    for name, value in wanted.items():
        offered = getattr(document, name)
        if offered is not None and value not in offered:
            raise _unsupported(name, value)
    messages = document.product.messages_supported
    if messages is not None and MESSAGE not in {one.type for one in messages}:
        raise _unsupported("messages_supported", MESSAGE)


def _unsupported(name: str, value: str) -> RegistrationError:
    return RegistrationError(
        f"the platform does not offer {value} (its {name} leaves it out)",
        "unsupported",
        field=name,
        value=value,
    )


def _check_addresses(
    document: _Document,
    url: str,
    manners: PlatformProfile,
    local_hosts: frozenset[str],
) -> None:
    issuer = document.issuer
    named = {
        "issuer": issuer,
        "authorization_endpoint": document.authorization_endpoint,
        "token_endpoint": document.token_endpoint,
        "jwks_uri": document.jwks_uri,
        "registration_endpoint": document.registration_endpoint,
    }
    for name, address in named.items():
        _check_form(name, address, local_hosts)
    own = urlsplit(issuer).hostname or ""
    if not is_same_site(url, issuer, manners.sibling_hosts):
        host = urlsplit(url).netloc
        raise RegistrationError(
            f"{host} describes itself as {issuer}, which is another site",
            "foreign_issuer",
            host=host,
            issuer=issuer,
        )
    for name, address in named.items():
        host = urlsplit(address).hostname or ""
        if not belongs(host, own, manners.sibling_hosts):
            raise RegistrationError(
                f"{name} lies on {host}, which does not belong with {own}",
                "foreign_host",
                field=name,
                host=host,
                issuer=own,
            )


def _check_form(name: str, address: str, local_hosts: frozenset[str]) -> None:
    """Check the form of an address: https, no user, nothing that is read two ways."""
    is_plain = address.isascii() and address.isprintable()
    reason = "it is not written as an address is"
    if is_plain and not _ODD & set(address):
        reason = _fault(address, local_hosts)
        if not reason and name == "issuer" and "?" in address:
            reason = "an issuer has no query"
    if reason:
        raise RegistrationError(
            f"{name}: {reason}", "address", field=name, reason=reason
        )


def _fault(address: str, local_hosts: frozenset[str]) -> str:
    try:
        check_url(address, local_hosts=local_hosts)
    except AddressError as error:
        return str(error)
    return ""


def _product(sent: _Product, manners: PlatformProfile) -> dict[str, Any]:
    own = manners.registration_keys
    extra = sent.model_extra or {}
    return {
        "family": sent.product_family_code,
        "version": sent.version,
        "guid": _brief(extra.get(own + _GUID)) if own else None,
        "name": _brief(extra.get(own + _ACCOUNT)) if own else None,
    }


def _placements(sent: _Product) -> dict[str, frozenset[str]] | None:
    if sent.messages_supported is None:
        return None
    return {
        one.type: frozenset(one.placements or ()) for one in sent.messages_supported
    }


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _is_below_any(host: str, siblings: tuple[str, ...]) -> bool:
    return any(
        host == sibling[2:] or host.endswith(sibling[1:]) for sibling in siblings
    )


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _registered(host: str) -> str | None:
    """The name somebody registered, as school.edu or school.ac.uk; None if none."""
    labels = host.split(".")
    depth = 2
    if len(labels[-1]) == _COUNTRY:
        while depth <= len(labels) and labels[-depth] in _SHARED:
            depth += 1
        # Below k12.ca.us the state stands between: the school's label comes first.
        if "k12" in labels:
            depth = len(labels) - labels.index("k12") + 1
    return ".".join(labels[-depth:]) if len(labels) >= depth else None
