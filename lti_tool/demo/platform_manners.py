"""How LMS vendors differ, as data the pretend LMS plays back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AGS_SCOPE: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM_SCOPE: Final = AGS_SCOPE + "lineitem"
LINE_ITEM_READ_SCOPE: Final = AGS_SCOPE + "lineitem.readonly"
RESULT_SCOPE: Final = AGS_SCOPE + "result.readonly"
SCORE_SCOPE: Final = AGS_SCOPE + "score"
ROSTER_SCOPE: Final = (
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
)
NOTICE_SCOPE: Final = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"
GROUP_SCOPE: Final = (
    "https://purl.imsglobal.org/spec/lti-gs/scope/contextgroup.readonly"
)
SCOPES: Final = (
    LINE_ITEM_SCOPE,
    LINE_ITEM_READ_SCOPE,
    RESULT_SCOPE,
    SCORE_SCOPE,
    ROSTER_SCOPE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolling:
    """How an LMS takes tools that register themselves.

    Attributes:
        wants_token: whether the configuration is shown only for a token.
        placements: by type of message, where the LMS can place a tool.
        extension: how its own keys begin; None if it has none.
        status: answer to a registration that is taken.
        refusal_status: answer to one that is not.
        plain_refusals: whether refusals are plain text, labelled HTML.
        rebuilds_answer: whether the answer is made from its settings, faults and all.
        names_deployment: whether the answer names the deployment.
        switched_off: whether a new tool must be switched on before it launches.
        updates: whether a registration may be replaced.
    """

    wants_token: bool = False
    placements: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("LtiResourceLinkRequest", ()),
        ("LtiDeepLinkingRequest", ("ContentArea",)),
    )
    extension: str | None = None
    status: int = 201
    refusal_status: int = 400
    plain_refusals: bool = False
    rebuilds_answer: bool = False
    names_deployment: bool = True
    switched_off: bool = False
    updates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What an LMS does where the standards leave a choice, or where it errs.

    The defaults are the standards read strictly: a request they accept is one that
    every conforming platform accepts.

    Attributes:
        name: what the pages call these manners.
        product: `product_family_code` of the tool_platform claim.
        id_token_seconds: life of a launch token.
        gone_error: error code posted to the tool for a launch used twice.
        deployment_hint: name of the deployment parameter in the login request.
        login_extras: further parameters of the login request.
        storage_target: `lti_storage_target` offered in the login request, or None.
        messages: subjects of window messages its pages answer; none, silence.
        frame_size: width and height of the tool's frame in pixels, None for a page's.
        context_type: value of the context's `type`.
        institution_roles: whether launches name the institution role as well.
        echoes_deep_link_state: whether a deep linking request carries `data`.
        accepts_line_items: whether placed links may bring columns; None, not said.
        targets: where a placed link may open.
        labels_columns: whether a column is called what its line item says.
        labels_links: whether a link is called so too.
        reposts_returns: whether an answer that comes without our cookie is posted
            to us once more by a page of ours.
        grant_media_type: media type the token endpoint labels its JSON with.
        extra_scopes: further scopes granted and listed to tools.
        accept_status: answer to a wrong Accept header on a service.
        media_type_status: answer to a wrong Content-Type on a service.
        line_item_query: query every AGS URL carries, without the question mark.
        empty_tags: whether an unset tag or resourceId is sent as "".
        number_ids: whether ids made of digits are sent as JSON numbers.
        page_size: largest page of a list, None for no limit.
        mangled_links: whether Link headers of line items are written unreadably.
        forgets_role_filter: whether the next page of a roster loses its role filter.
        bare_roles: whether rosters name roles by bare words.
        groups: whether courses offer their groups.
        rosters_name_groups: whether rosters name the groups of each, where asked.
        differences: whether rosters offer a differences link.
        coupled_delete_status: refusal to delete a link's own column, None allows it.
        loose_timestamps: whether scores may omit fractions of a second.
        whole_second_clock: whether stored times of scores lose their fractions.
        old_score_status: answer to a score older than the one on record.
        equal_timestamps: whether a score as old as the one on record is taken.
        stranger_status: answer to a score for someone who is no learner here.
        final_progress: gradingProgress words whose score reaches the gradebook.
        erases_unfinished: whether other words erase the score on record.
        clamps_scores: whether a score above the maximum is cut to it.
        appends_comments: whether comments pile up, one a score.
        keeps_overrides: whether a teacher's grade on a link's own column stays.
        notices: types of notices it sends to tools that listen.
        enrolling: how it takes tools that register themselves.
    """

    name: str = "standard"
    product: str = "pretend-lms"
    id_token_seconds: int = 300
    gone_error: str = "invalid_request"
    deployment_hint: str = "lti_deployment_id"
    login_extras: tuple[tuple[str, str], ...] = ()
    storage_target: str | None = None
    messages: tuple[str, ...] = ()
    frame_size: tuple[int, int] | None = None
    context_type: str = "http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"
    institution_roles: bool = False
    echoes_deep_link_state: bool = True
    accepts_line_items: bool | None = True
    targets: tuple[str, ...] = ("iframe", "window")
    labels_columns: bool = True
    labels_links: bool = False
    reposts_returns: bool = False
    grant_media_type: str = "application/json"
    extra_scopes: tuple[str, ...] = ()
    accept_status: int = 406
    media_type_status: int = 415
    line_item_query: str = ""
    empty_tags: bool = False
    number_ids: bool = False
    page_size: int | None = 100
    mangled_links: bool = False
    forgets_role_filter: bool = False
    bare_roles: bool = False
    groups: bool = False
    rosters_name_groups: bool = True
    differences: bool = True
    coupled_delete_status: int | None = 403
    loose_timestamps: bool = False
    whole_second_clock: bool = False
    old_score_status: int = 409
    equal_timestamps: bool = False
    stranger_status: int = 422
    final_progress: tuple[str, ...] = ("FullyGraded",)
    erases_unfinished: bool = False
    clamps_scores: bool = False
    appends_comments: bool = False
    keeps_overrides: bool = False
    notices: tuple[str, ...] = ()
    enrolling: Enrolling = Enrolling()

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every scope this LMS grants."""
        noticing = (NOTICE_SCOPE,) if self.notices else ()
        grouping = (GROUP_SCOPE,) if self.groups else ()
        return SCOPES + self.extra_scopes + noticing + grouping


STANDARD: Final = Manners()

# Source: instructure/canvas-lms doc/api/lti_window_post_message.md.
WINDOW_MESSAGES: Final = (
    "lti.capabilities",
    "lti.put_data",
    "lti.get_data",
    "lti.frameResize",
    "lti.fetchWindowSize",
    "lti.scrollToTop",
)

# instructure/canvas-lms, source as read for facts/canvas.md; no Canvas ran.
CANVAS: Final = Manners(
    name="canvas",
    product="canvas",
    id_token_seconds=3600,
    gone_error="launch_no_longer_valid",
    deployment_hint="deployment_id",
    login_extras=(("canvas_region", "us-east-1"), ("canvas_environment", "prod")),
    storage_target="_parent",
    messages=WINDOW_MESSAGES,
    institution_roles=True,
    # Says nothing of line items, takes them, and names the assignment by the label:
    # deep_linking_request.rb and deep_linking_modules.rb; seen November 2026.
    accepts_line_items=None,
    labels_links=True,
    extra_scopes=("https://canvas.instructure.com/lti-ags/progress/scope/show",),
    page_size=50,
    differences=False,
    coupled_delete_status=401,
    loose_timestamps=True,
    old_score_status=400,
    equal_timestamps=True,
    final_progress=("FullyGraded", "PendingManual"),
    erases_unfinished=True,
    appends_comments=True,
    notices=("LtiHelloWorldNotice", "LtiContextCopyNotice"),
    # doc/api/registration.md; seen November 2026.
    enrolling=Enrolling(
        wants_token=True,
        placements=(
            (
                "LtiResourceLinkRequest",
                ("account_navigation", "course_navigation", "link_selection"),
            ),
            ("LtiDeepLinkingRequest", ("assignment_selection", "link_selection")),
        ),
        extension="https://canvas.instructure.com/lti/",
        status=200,
        refusal_status=422,
        names_deployment=False,
        switched_off=True,
    ),
)

# Moodle 4.5 as measured on loopback for facts/moodle.md.
MOODLE: Final = Manners(
    name="moodle",
    product="moodle",
    id_token_seconds=60,
    context_type="CourseSection",
    echoes_deep_link_state=False,
    accepts_line_items=None,
    targets=("frame", "iframe", "window"),
    labels_columns=False,
    reposts_returns=True,
    grant_media_type="text/html; charset=utf-8",
    accept_status=400,
    media_type_status=400,
    line_item_query="type_id=1",
    empty_tags=True,
    page_size=None,
    mangled_links=True,
    forgets_role_filter=True,
    bare_roles=True,
    differences=False,
    coupled_delete_status=None,
    loose_timestamps=True,
    whole_second_clock=True,
    stranger_status=400,
    erases_unfinished=True,
    clamps_scores=True,
    keeps_overrides=True,
    enrolling=Enrolling(
        status=200,
        plain_refusals=True,
        rebuilds_answer=True,
        updates=True,
    ),
)

# An LMS's mobile app: it offers storage, as its web pages do, and never answers.
# Canvas developer documentation, "PostMessage": no support in the mobile apps.
APP: Final = Manners(
    name="app",
    product="canvas",
    gone_error="launch_no_longer_valid",
    deployment_hint="deployment_id",
    storage_target="_parent",
    frame_size=(390, 700),
)
