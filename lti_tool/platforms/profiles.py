"""PlatformProfile: what differs by vendor, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from lti_tool.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformProfile:
    """How one vendor's platform differs from the standard.

    Attributes:
        name: the vendor as `platform add --vendor` names it.
        whole_second_clock: score times are compared in whole seconds, so two
            scores of one student must lie a second apart.
        stale_statuses: HTTP statuses that mean "older than what I hold".
        never_limit: paging parameters break its answers; ask for all at once.
        companion_scopes: scopes to ask for along with a scope.
        score_extension: members added to every score sent.
        token_backdate_seconds: how far the client assertion's iat lies back.
        comment_is_appended: each score's comment is kept beside the earlier ones.
        frame_origins: further origins its pages are shown from.
        secret_query_fields: query fields of a return address never to be kept.
    """

    name: str
    whole_second_clock: bool = False
    stale_statuses: frozenset[int] = frozenset({409})
    never_limit: bool = False
    companion_scopes: MappingProxyType[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    score_extension: MappingProxyType[str, Any] = field(
        default_factory=lambda: MappingProxyType({})
    )
    token_backdate_seconds: int = 0
    comment_is_appended: bool = False
    frame_origins: tuple[str, ...] = ()
    secret_query_fields: frozenset[str] = frozenset()


_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"

PROFILES: Final = MappingProxyType(
    {
        "canvas": PlatformProfile(
            name="canvas",
            # Canvas: an older timestamp is 400, an equal one is applied again; seen
            # 2026-11, app/controllers/lti/ims/scores_controller.rb.
            stale_statuses=frozenset({400, 409}),
            score_extension=MappingProxyType(
                {
                    "https://canvas.instructure.com/lti/submission": {
                        "new_submission": False
                    }
                }
            ),
            comment_is_appended=True,
            # Hosted Canvas: one issuer for all, each school on its own host name.
            frame_origins=("https://*.instructure.com",),
        ),
        "moodle": PlatformProfile(
            name="moodle",
            # Moodle 4.5: `timestamp <= stored` in whole seconds is 409; seen 2026-11,
            # mod/lti/service/gradebookservices/classes/local/resources/scores.php.
            whole_second_clock=True,
            # Moodle 4.5: Link values hold `&amp;` and typographic quotes when a
            # limit is sent; seen 2026-11, GET lineitems?limit=2.
            never_limit=True,
            companion_scopes=MappingProxyType(
                {f"{_AGS}lineitem": (f"{_AGS}lineitem.readonly",)}
            ),
            # Moodle refuses an assertion from the future; its clock has no leeway.
            token_backdate_seconds=5,
            secret_query_fields=frozenset({"sesskey"}),
        ),
        "brightspace": PlatformProfile(name="brightspace"),
        "blackboard": PlatformProfile(name="blackboard", token_backdate_seconds=5),
        "other": PlatformProfile(name="other"),
    }
)


def profile(vendor: str) -> PlatformProfile:
    """The profile of a vendor.

    Raises:
        ConfigError: no such vendor; names those there are.
    """
    try:
        return PROFILES[vendor]
    except KeyError:
        known = ", ".join(sorted(PROFILES))
        raise ConfigError(
            f"vendor {vendor!r} is not known; use one of {known}"
        ) from None
