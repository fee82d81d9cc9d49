"""PlatformProfile: what differs by vendor, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from lti_tool.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomesProbe:
    """A harmless question to a platform's own interface for outcomes.

    Attributes:
        interface: what its vendor calls the interface.
        path: what is appended to the address, unless it stands there already.
        form: fields posted; none for a GET.
        sent_as: the field that holds the token; None for a Bearer header.
        error_member: a member of the JSON answer that means a refusal.
    """

    interface: str
    path: str
    form: MappingProxyType[str, str] | None = None
    sent_as: str | None = None
    error_member: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformProfile:
    """How one vendor's platform differs from the standard.

    Attributes:
        name: the vendor as `platform add --vendor` names it.
        whole_second_clock: score times are compared in whole seconds, so two
            scores of one student must lie a second apart.
        stale_statuses: HTTP statuses that mean "older than what I hold".
        held_answer: the status and body that mean "the grade there is kept", if any.
        never_limit: paging parameters break its answers; ask for all at once.
        companion_scopes: scopes to ask for along with a scope.
        score_extension: members added to every score sent.
        token_backdate_seconds: how far the client assertion's iat lies back.
        comment_is_appended: each score's comment is kept beside the earlier ones.
        roster_brings_custom: with `rlid` each member of a roster brings the custom
            parameters of that link, filled in for her.
        links_set_custom: whoever edits a link may write custom parameters of it.
        context_is_a_link: the context's own id is a link's id as well.
        frame_origins: further origins its pages are shown from.
        secret_query_fields: query fields of a return address never to be kept.
        menus: where its administrator finds a setting, as the menus are worded;
            by topic: tool, services, deployment, link.
        outcomes_probe: how to see, changing nothing, that its outcomes interface
            takes our token; None where we know of none.
        links_follow_tool_url: a placed link without an address opens the tool's own.
        families: the product_family_code its platforms give themselves.
        sibling_hosts: hosts that belong to one vendor, as `*.example.com`: one
            platform may live on several of them.
        registration_keys: how its own keys of a dynamic registration begin.
        custom_variables: its own variables for our custom parameters.
        outside_types: types of context that are no course.
        rest_scopes: what its REST interface is asked for where its key grants single
            scopes; none where an administrator does not let us in by OAuth.
        reading_scopes: the same, where the grades of its courses are read besides.
        live_scopes: what more it is asked for where levels go by live assessments.
        is_audience_its_token_url: whether its token address is what assertions must
            name, whatever authorization_server its configuration tells.
    """

    name: str
    whole_second_clock: bool = False
    stale_statuses: frozenset[int] = frozenset({409})
    held_answer: tuple[int, bytes] | None = None
    never_limit: bool = False
    companion_scopes: MappingProxyType[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    score_extension: MappingProxyType[str, Any] = field(
        default_factory=lambda: MappingProxyType({})
    )
    token_backdate_seconds: int = 0
    comment_is_appended: bool = False
    roster_brings_custom: bool = True
    links_set_custom: bool = False
    context_is_a_link: bool = False
    frame_origins: tuple[str, ...] = ()
    secret_query_fields: frozenset[str] = frozenset()
    menus: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    outcomes_probe: OutcomesProbe | None = None
    links_follow_tool_url: bool = False
    families: frozenset[str] = frozenset()
    sibling_hosts: tuple[str, ...] = ()
    registration_keys: str | None = None
    custom_variables: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    outside_types: frozenset[str] = frozenset()
    is_audience_its_token_url: bool = False
    rest_scopes: tuple[str, ...] = ()
    reading_scopes: tuple[str, ...] = ()
    live_scopes: tuple[str, ...] = ()


_COURSE = "/api/v1/courses/:course_id"
_ACCOUNT = "/api/v1/accounts/:account_id"
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
            # Canvas: a course navigation link has the course's opaque id; seen
            # 2026-11, app/models/lti/ims/memberships_provider.rb.
            context_is_a_link=True,
            # Hosted Canvas: one issuer for all, each school on its own host name.
            frame_origins=("https://*.instructure.com",),
            menus=MappingProxyType(
                {
                    "tool": "Admin > (your account) > Developer Keys > LTI key > Edit",
                    "services": (
                        "Admin > (your account) > Developer Keys > LTI key > Edit > "
                        "LTI Advantage Services"
                    ),
                    "deployment": (
                        "Admin > (your account) > Settings > Apps > View App "
                        "Configurations > gear icon > Deployment Id"
                    ),
                    "link": "the course > Modules or Assignments > External Tool",
                }
            ),
            outcomes_probe=OutcomesProbe(
                interface="Canvas REST API", path="/api/v1/users/self"
            ),
            families=frozenset({"canvas"}),
            # Hosted Canvas: the issuer, the sign-in host and the school's own host.
            sibling_hosts=("*.instructure.com", "*.canvaslms.com"),
            registration_keys="https://canvas.instructure.com/lti/",
            # Canvas: names of its own, filled in at every privacy level; seen
            # 2026-11, doc/api/tools_variable_substitutions.md.
            custom_variables=MappingProxyType(
                {
                    "sis_class": "$Canvas.course.sisSourceId",
                    "sis_sections": "$Canvas.course.sectionSisSourceIds",
                    "platform_user_id": "$Canvas.user.id",
                    "platform_course_id": "$Canvas.course.id",
                }
            ),
            # Canvas: a launch from the account's menu has the account as context;
            # seen 2026-11, lib/lti/messages/jwt_message.rb.
            outside_types=frozenset({"Account"}),
            # Canvas: authorization_server is a bare host; seen 2026-11,
            # doc/api/registration.md.
            is_audience_its_token_url=True,
            # Canvas: a scope is a verb and a path template; seen 2026-11, the API
            # pages and config/routes.rb.
            rest_scopes=(
                "url:GET|/api/v1/users/:id",
                "url:GET|/api/v1/courses/:id",
                f"url:GET|{_COURSE}/users",
                f"url:GET|{_COURSE}/assignments",
                f"url:GET|{_COURSE}/assignments/:id",
                f"url:POST|{_COURSE}/assignments",
                f"url:GET|{_COURSE}/assignments/:assignment_id/submissions",
                f"url:POST|{_COURSE}/assignments/:assignment_id/submissions/update_grades",
                "url:GET|/api/v1/progress/:id",
                f"url:GET|{_COURSE}/rubrics/:id",
                f"url:POST|{_COURSE}/rubrics",
                f"url:PUT|{_COURSE}/rubrics/:id",
                f"url:GET|{_COURSE}/outcome_results",
                f"url:GET|{_COURSE}/outcome_group_links",
                f"url:GET|{_COURSE}/outcome_groups",
                f"url:POST|{_COURSE}/outcome_groups/:id/outcomes",
                f"url:PUT|{_COURSE}/outcome_groups/:id/outcomes/:outcome_id",
                f"url:GET|{_ACCOUNT}/outcome_group_links",
                f"url:POST|{_ACCOUNT}/outcome_imports",
                f"url:GET|{_ACCOUNT}/outcome_imports/:id",
            ),
            reading_scopes=(
                f"url:GET|{_COURSE}/assignment_groups",
                f"url:GET|{_COURSE}/students/submissions",
            ),
            live_scopes=(
                f"url:GET|{_COURSE}/live_assessments",
                f"url:POST|{_COURSE}/live_assessments",
                f"url:POST|{_COURSE}/live_assessments/:assessment_id/results",
            ),
        ),
        "moodle": PlatformProfile(
            name="moodle",
            # Moodle 4.5: `timestamp <= stored` in whole seconds is 409; seen 2026-11,
            # mod/lti/service/gradebookservices/classes/local/resources/scores.php.
            whole_second_clock=True,
            # Moodle 4.5: of a grade or column that is locked it answers so, without a
            # word; seen 2026-11, classes/local/service/gradebookservices.php there.
            held_answer=(500, b"[]"),
            # Moodle 4.5: Link values hold `&amp;` and typographic quotes when a
            # limit is sent; seen 2026-11, GET lineitems?limit=2.
            never_limit=True,
            companion_scopes=MappingProxyType(
                {f"{_AGS}lineitem": (f"{_AGS}lineitem.readonly",)}
            ),
            # Moodle 4.5: `rlid` brings no custom parameters, and one that is no
            # number ends in a 502; seen 2026-11, GET memberships?rlid=x. The SIS id
            # is in every member as it is.
            roster_brings_custom=False,
            # Moodle 4.5: a teacher writes custom parameters of her activity; seen
            # 2026-11, mod/lti/mod_form.php.
            links_set_custom=True,
            # Moodle refuses an assertion from the future; its clock has no leeway.
            token_backdate_seconds=5,
            secret_query_fields=frozenset({"sesskey"}),
            # Moodle 4.5: a url in a content item is frozen into the activity and
            # into backups of it; seen 2026-11, mod/lti/contentitem_return.php.
            links_follow_tool_url=True,
            menus=MappingProxyType(
                {
                    "tool": (
                        "Site administration > Plugins > Activity modules > External "
                        "tool > Manage tools > gear icon > Tool settings"
                    ),
                    "services": (
                        "Site administration > Plugins > Activity modules > External "
                        "tool > Manage tools > gear icon > Services"
                    ),
                    "deployment": (
                        "Site administration > Plugins > Activity modules > External "
                        "tool > Manage tools > list icon > Deployment ID"
                    ),
                    "link": "the course > the External tool activity > Settings",
                }
            ),
            # Moodle 4.5: refusals come with status 200 and `errorcode`; seen
            # 2026-11, webservice/rest/server.php.
            outcomes_probe=OutcomesProbe(
                interface="Moodle web services",
                path="/webservice/rest/server.php",
                form=MappingProxyType(
                    {
                        "wsfunction": "core_webservice_get_site_info",
                        "moodlewsrestformat": "json",
                    }
                ),
                sent_as="wstoken",
                error_member="errorcode",
            ),
            families=frozenset({"moodle"}),
        ),
        "brightspace": PlatformProfile(
            name="brightspace",
            menus=MappingProxyType(
                {
                    "tool": "Admin Tools > Manage Extensibility > LTI Advantage",
                    "services": (
                        "Admin Tools > Manage Extensibility > LTI Advantage > the tool "
                        "> Extensions"
                    ),
                    "deployment": (
                        "Admin Tools > External Learning Tools > LTI Advantage > "
                        "Deployments"
                    ),
                    "link": "the course > Content > Existing Activities",
                }
            ),
            families=frozenset({"desire2learn", "brightspace"}),
            # A school on an address of its own still signs in at Brightspace's.
            sibling_hosts=("*.brightspace.com",),
        ),
        "blackboard": PlatformProfile(
            name="blackboard",
            token_backdate_seconds=5,
            menus=MappingProxyType(
                {
                    "tool": "Administrator Panel > Integrations > LTI Tool Providers",
                    "services": (
                        "Administrator Panel > Integrations > LTI Tool Providers > the "
                        "tool > Edit > Tool Provider Policies"
                    ),
                    "deployment": (
                        "Administrator Panel > Integrations > LTI Tool Providers > the "
                        "tool > Edit > Deployment ID"
                    ),
                    "link": "the course > Content > the LTI item",
                }
            ),
            families=frozenset({"blackboardlearn", "blackboard"}),
            # One issuer for all schools, services on the developers' host.
            sibling_hosts=("*.blackboard.com",),
        ),
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


def vendor_of(family: str | None) -> str:
    """The vendor whose platforms call themselves family; "other" if none does."""
    named = (family or "").strip().lower()
    found = (one.name for one in PROFILES.values() if named in one.families)
    return next(found, "other")
