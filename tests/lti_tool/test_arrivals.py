"""What is checked of a request before its token."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from lti_tool.errors import LaunchError
from lti_tool.settings import Settings
from lti_tool.work.arrivals import (
    BURST,
    STEADY,
    Arrival,
    RateLimit,
    check_target,
    check_transport,
)
from lti_tool.work.origins import frame_origins, is_origin_of, origin


@pytest.mark.parametrize(
    ("public_url", "local", "is_secure", "passes"),
    [
        ("https://tool.example", "", True, True),
        ("https://tool.example", "", False, False),
        ("http://tool.example", "", False, False),
        ("http://tool.example", "", True, False),
        ("http://127.0.0.1:8000", "", False, True),
        ("http://[::1]:8000", "", False, True),
        ("http://localhost:8000", "", False, True),
        ("http://tool.school:81", "tool.school:81", False, True),
        ("http://tool.school:82", "tool.school:81", False, False),
        ("http://tool.school:82", "tool.school", False, True),
    ],
)
def test_plain_http_passes_on_local_hosts_alone(
    tmp_path: Path, public_url: str, local: str, *, is_secure: bool, passes: bool
) -> None:
    settings = Settings(data_dir=tmp_path, public_url=public_url, local_network=local)
    arrival = Arrival(fields={}, is_secure=is_secure)
    with nullcontext() if passes else pytest.raises(LaunchError, match="E_HTTPS"):
        check_transport(arrival, settings)


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://tool.example/sub/lti/launch", True),
        ("https://tool.example:443/sub/lti/launch?x=1", True),
        ("https://TOOL.example/sub/lti/deep-linking", True),
        ("https://tool.example/lti/launch", False),
        ("https://tool.example/sub/s/abc/", False),
        ("https://tool.example/sub/lti", False),
        ("http://tool.example/sub/lti/launch", False),
        ("https://tool.example:444/sub/lti/launch", False),
        ("https://tool.example.evil.example/sub/lti/launch", False),
        ("https://tool.example@evil.example/sub/lti/launch", False),
        ("https://me@tool.example/sub/lti/launch", False),
        ("https://tool.example\\@evil.example/sub/lti/launch", False),
        ("https://tool.example/sub/lti/../../s/abc", False),
        ("https://tool.example/sub/lti/%2e%2e/s", False),
        ("https://tool.example/sub/lti/\nlaunch", False),
        ("https://tool.example:port/sub/lti/launch", False),
        ("javascript:alert(1)", False),
        ("/sub/lti/launch", False),
    ],
)
def test_a_target_is_an_lti_address_of_ours(url: str, *, passes: bool) -> None:
    with nullcontext() if passes else pytest.raises(LaunchError, match="E_TARGET"):
        check_target(url, "https://tool.example/sub/")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_from_one_address_is_held_back_and_others_are_served() -> None:
    clock = Clock()
    limit = RateLimit(clock)
    for _ in range(BURST):
        limit.check("192.0.2.1")
    with pytest.raises(LaunchError, match="E_RATE"):
        limit.check("192.0.2.1")
    limit.check("192.0.2.2")
    clock.now = 10.1
    limit.check("192.0.2.1")


def test_a_steady_stream_from_one_address_is_capped() -> None:
    clock = Clock()
    limit = RateLimit(clock)
    for number in range(STEADY):
        clock.now = number * 0.05
        limit.check("192.0.2.1")
    with pytest.raises(LaunchError, match="E_RATE"):
        limit.check("192.0.2.1")
    clock.now += 600
    limit.check("192.0.2.1")


CANVAS = {
    "issuer": "https://canvas.instructure.com",
    "auth_url": "https://sso.canvaslms.com:443/api/lti/authorize_redirect",
    "vendor": "canvas",
}


def test_a_registration_frames_us_from_its_own_origins() -> None:
    assert frame_origins(CANVAS) == (
        "https://canvas.instructure.com",
        "https://sso.canvaslms.com",
        "https://*.instructure.com",
    )
    assert frame_origins({"issuer": None, "auth_url": None, "vendor": None}) == ()


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://canvas.instructure.com/back", True),
        ("https://district.instructure.com/courses/1", True),
        ("http://district.instructure.com/courses/1", False),
        ("https://instructure.com.evil.example/", False),
        ("https://evilinstructure.com/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_way_back_lies_on_the_platforms_origins(url: str, *, own: bool) -> None:
    assert is_origin_of(url, CANVAS) is own


def test_an_origin_is_written_in_one_way() -> None:
    assert origin("HTTPS://Lms.Example:443/a") == "https://lms.example"
    assert origin("http://[::1]:81/") == "http://[::1]:81"
