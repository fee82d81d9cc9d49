"""Claims, audience, times and nonce, each by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lti_tool.errors import LaunchError
from lti_tool.lti13 import times
from lti_tool.lti13.claims import AGS, DEEP_LINKING, LTI, NRPS, parse_claims

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
LAUNCH: dict[str, Any] = {
    "sub": "7",
    f"{LTI}version": "1.3.0",
    f"{LTI}message_type": "LtiResourceLinkRequest",
    f"{LTI}deployment_id": "1",
    f"{LTI}target_link_uri": "https://us/lti/launch",
    f"{LTI}roles": [],
    f"{LTI}resource_link": {"id": "l1"},
}
DEEP = LAUNCH | {
    f"{LTI}message_type": "LtiDeepLinkingRequest",
    DEEP_LINKING: {
        "deep_link_return_url": "https://lms/back",
        "accept_types": ["link"],
        "accept_presentation_document_targets": ["iframe"],
    },
}


def test_what_a_platform_could_not_fill_in_counts_as_unsaid() -> None:
    claims = parse_claims(
        LAUNCH
        | {
            f"{LTI}custom": {"sis_class": "$CourseSection.sourcedId", "a": "b", "n": 5},
            f"{LTI}lis": {"person_sourcedid": "", "course_section_sourcedid": "c"},
            f"{LTI}context": None,
            f"{LTI}launch_presentation": {"return_url": ""},
            "given_name": "",
            "https://vendor.example/claim": {"anything": [1]},
        }
    )
    assert claims.custom == {"a": "b"}
    assert claims.lis.person_sourcedid is None
    assert claims.lis.course_section_sourcedid == "c"
    assert (claims.context, claims.given_name) == (None, None)
    assert claims.launch_presentation.return_url is None


def test_the_services_of_a_launch_are_read() -> None:
    claims = parse_claims(
        LAUNCH
        | {
            AGS: {"scope": ["s"], "lineitems": "https://lms/items?type_id=1"},
            NRPS: {"context_memberships_url": "https://lms/members"},
        }
    )
    assert claims.ags.lineitems == "https://lms/items?type_id=1"
    assert claims.nrps.context_memberships_url == "https://lms/members"


def test_a_deep_linking_request_is_read() -> None:
    settings = parse_claims(DEEP).deep_linking
    assert settings
    assert settings.deep_link_return_url == "https://lms/back"


REVIEW = LAUNCH | {
    f"{LTI}message_type": "LtiSubmissionReviewRequest",
    f"{LTI}for_user": {"user_id": "9", "name": "Ana"},
}


def test_a_review_names_its_student_and_may_come_without_a_column_or_a_link() -> None:
    claims = parse_claims(
        {name: value for name, value in REVIEW.items() if "resource_link" not in name}
        | {AGS: {"scope": [], "lineitems": "https://lms/items"}}
    )
    assert claims.is_review
    assert claims.for_user
    assert (claims.for_user.user_id, claims.ags.lineitem) == ("9", None)


def test_the_notice_service_of_a_launch_is_read() -> None:
    claims = parse_claims(
        LAUNCH
        | {
            f"{LTI}platformnotificationservice": {
                "platform_notification_service_url": "https://lms/handlers",
                "service_versions": ["1.0"],
                "scope": ["s"],
                "notice_types_supported": ["LtiContextCopyNotice"],
            }
        }
    )
    service = claims.platformnotificationservice
    assert service.platform_notification_service_url == "https://lms/handlers"
    assert service.notice_types_supported == ["LtiContextCopyNotice"]


@pytest.mark.parametrize(
    ("custom", "said"),
    [
        ({}, None),
        ({"context_history": "2"}, "2"),
        ({"Context_History": "2", "context_history": "1"}, "1"),
        ({"ContextHistory": "2"}, "2"),
        ({"context-history": "2"}, "2"),
        ({"context_history": "$Context.id.history"}, None),
    ],
)
def test_a_custom_parameter_is_found_however_its_name_is_spelt(
    custom: dict[str, str], said: str | None
) -> None:
    claims = parse_claims(LAUNCH | {f"{LTI}custom": custom})
    assert claims.said("context_history") == said


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (REVIEW | {f"{LTI}for_user": None}, f"missing: {LTI}for_user"),
        (REVIEW | {f"{LTI}for_user": {}}, f"malformed: {LTI}for_user"),
        (REVIEW | {f"{LTI}for_user": {"user_id": 9}}, f"malformed: {LTI}for_user"),
        (REVIEW | {f"{LTI}for_user": {"user_id": ""}}, f"malformed: {LTI}for_user"),
        (LAUNCH | {"sub": 5}, "malformed: sub"),
        (LAUNCH | {f"{LTI}context": {"id": ""}}, f"malformed: {LTI}context"),
        (LAUNCH | {f"{LTI}context": "c1"}, f"malformed: {LTI}context"),
        (LAUNCH | {f"{LTI}custom": []}, f"malformed: {LTI}custom"),
        (LAUNCH | {AGS: {"lineitems": "javascript:x"}}, f"malformed: {AGS}"),
        (LAUNCH | {AGS: {"lineitems": "https://u:p@x/"}}, f"malformed: {AGS}"),
        (LAUNCH | {AGS: {"lineitems": "https://[x/"}}, f"malformed: {AGS}"),
        (LAUNCH | {"name": "n" * 1025, "sub": ""}, "malformed: name, sub"),
        (LAUNCH | {f"{LTI}resource_link": None}, f"missing: {LTI}resource_link"),
        (DEEP | {DEEP_LINKING: None}, f"missing: {DEEP_LINKING}"),
        (DEEP | {DEEP_LINKING: {}}, f"malformed: {DEEP_LINKING}"),
    ],
)
def test_a_refusal_names_the_claims_and_no_value(
    payload: dict[str, Any], reason: str
) -> None:
    with pytest.raises(LaunchError) as refusal:
        parse_claims(payload)
    assert (refusal.value.code, refusal.value.reason) == ("E_CLAIM", reason)


TIMES = [
    ({}, True),
    ({"exp": AT - 60}, True),
    ({"exp": AT - 61}, False),
    ({"iat": AT + 60}, True),
    ({"iat": AT + 61}, False),
    ({"iat": AT - 3660}, True),
    ({"iat": AT - 3661}, False),
    ({"exp": AT + 86_400}, True),
    ({"exp": AT + 86_401}, False),
    ({"nbf": AT + 60}, True),
    ({"nbf": AT + 61}, False),
    ({"nbf": "soon"}, False),
    ({"exp": True}, False),
    ({"exp": 10**18}, False),
    ({"exp": None}, False),
    ({"iat": float(AT)}, True),
]


@pytest.mark.parametrize(("change", "good"), TIMES, ids=str)
def test_a_token_is_good_within_its_times(
    change: dict[str, object], *, good: bool
) -> None:
    payload = {"iat": AT, "exp": AT + 60} | change
    if good:
        times.check_times(payload, NOW)
        return
    with pytest.raises(LaunchError, match="E_TIME"):
        times.check_times(payload, NOW)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"aud": ["us"]}, None),
        ({"aud": ["them", "us"], "azp": "us"}, None),
        ({"aud": ["them", "us"]}, "E_AUD"),
        ({"aud": ["us", "them"], "azp": "them"}, "E_AUD"),
        ({"azp": None}, "E_AUD"),
        ({"aud": "them"}, "E_AUD"),
        ({"aud": "us them"}, "E_AUD"),
        ({"aud": []}, "E_AUD"),
        ({"aud": {"us": 1}}, "E_AUD"),
        ({"aud": [["us"]]}, "E_AUD"),
        ({"iss": "https://lms/"}, "E_ISS"),
        ({"iss": ["https://lms"]}, "E_ISS"),
        ({"iss": None}, "E_ISS"),
    ],
    ids=str,
)
def test_a_token_is_for_us_and_from_the_one_issuer(
    change: dict[str, object], code: str | None
) -> None:
    payload = {"iss": "https://lms", "aud": "us"} | change
    if code is None:
        times.check_audience(payload, issuer="https://lms", client_id="us")
        return
    with pytest.raises(LaunchError) as refusal:
        times.check_audience(payload, issuer="https://lms", client_id="us")
    assert refusal.value.code == code


def test_the_difference_of_the_clocks_is_told_in_seconds() -> None:
    assert times.clock_skew({"iat": AT - 42}, NOW) == 42
    assert times.clock_skew({"iat": 0}, NOW) == 365 * 24 * 3600
    assert times.clock_skew({"iat": "x"}, NOW) is None
    assert times.clock_skew({"iat": True}, NOW) is None
    assert times.clock_skew({"iat": -(10**400)}, NOW) is None
