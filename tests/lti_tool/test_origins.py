"""Which addresses belong to a registration."""

from __future__ import annotations

import pytest

from lti_tool.work.origins import frame_origins, is_origin_of

CANVAS = {
    "issuer": "https://canvas.instructure.com",
    "auth_url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
    "vendor": "canvas",
}


def test_what_an_administrator_listed_belongs_to_it_too() -> None:
    listed = {**CANVAS, "extra_origins": ["https://lms.school.example"]}
    assert is_origin_of("https://lms.school.example/courses/1", listed)
    assert not is_origin_of("https://lms.school.example:8443/courses/1", listed)
    assert not is_origin_of("https://lms.school.example/courses/1", CANVAS)
    assert frame_origins(listed) == (
        "https://canvas.instructure.com",
        "https://sso.canvaslms.com",
        "https://*.instructure.com",
        "https://lms.school.example",
    )


@pytest.mark.parametrize(
    ("url", "belongs"),
    [
        ("https://canvas.instructure.com/courses/1", True),
        ("https://school.instructure.com/courses/1", True),
        ("https://sso.canvaslms.com/x", True),
        ("http://school.instructure.com/courses/1", False),
        ("https://instructure.com.evil.example/", False),
        ("https://evil.example/.instructure.com", False),
        ("https://evil.example\\.instructure.com/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_only_its_own_sites_belong_to_a_registration(
    url: str, *, belongs: bool
) -> None:
    assert is_origin_of(url, CANVAS) is belongs
