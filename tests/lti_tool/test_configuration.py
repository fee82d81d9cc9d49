"""A platform's description of itself: whose hosts belong together, what is believed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from socket import create_server
from typing import Any

import pytest

from lti_tool.errors import RegistrationError
from lti_tool.platforms.configuration import (
    Configuration,
    belongs,
    is_same_site,
    parse_configuration,
)
from lti_tool.platforms.enrolment import (
    CONFIGURATION_LIMIT,
    Opening,
    fetch_configuration,
    is_update,
)
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.profiles import PROFILES, vendor_of

PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
HOSTED = PROFILES["canvas"].sibling_hosts


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("lms.school.edu", "lms.school.edu", True),
        ("LMS.School.edu", "lms.school.edu.", True),
        ("auth.school.edu", "lms.school.edu", True),
        ("school.edu", "lms.school.edu", True),
        ("evil.edu", "school.edu", False),
        ("lms.school.edu.evil.com", "lms.school.edu", False),
        ("xschool.edu", "school.edu", False),
        ("a.co.uk", "b.co.uk", False),
        ("x.a.co.uk", "y.a.co.uk", True),
        ("co.uk", "a.co.uk", False),
        ("a.sch.nsw.edu.au", "b.sch.nsw.edu.au", False),
        ("x.a.k12.ca.us", "y.a.k12.ca.us", True),
        ("a.k12.ca.us", "b.k12.ca.us", False),
        ("school.de", "lms.school.de", True),
        ("10.0.0.1", "11.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("localhost", "localhost", True),
        ("localhost", "elsewhere", False),
        ("sso.canvaslms.com", "canvas.instructure.com", True),
        ("instructure.com", "school.instructure.com", True),
        ("sso.canvaslms.com.evil.com", "canvas.instructure.com", False),
        ("evilcanvaslms.com", "canvas.instructure.com", False),
    ],
)
def test_two_hosts_belong_together_or_not(
    one: str, other: str, *, together: bool
) -> None:
    assert belongs(one, other, HOSTED) is together
    assert belongs(other, one, HOSTED) is together


@pytest.mark.parametrize(
    ("url", "issuer", "same"),
    [
        ("https://lms.school.edu/c", "https://lms.school.edu", True),
        ("https://lms.school.edu:443/c", "https://lms.school.edu", True),
        ("https://lms.school.edu:8443/c", "https://lms.school.edu", False),
        ("https://a.lms.school.edu/c", "https://lms.school.edu", True),
        ("https://school.edu/c", "https://lms.school.edu", False),
        ("https://evil.moodlecloud.com/c", "https://good.moodlecloud.com", False),
        ("https://school.instructure.com/c", "https://canvas.instructure.com", True),
        ("https://canvas.evil.com/c", "https://canvas.instructure.com", False),
        ("https://127.0.0.1/c", "https://0.0.1", False),
    ],
)
def test_a_configuration_is_served_by_its_issuer(
    url: str, issuer: str, *, same: bool
) -> None:
    assert is_same_site(url, issuer, HOSTED) is same


def canvas(**changed: object) -> bytes:
    """A hosted Canvas as doc/api/registration.md and facts/canvas.md have it."""
    sso = "https://sso.canvaslms.com"
    document: dict[str, Any] = {
        "issuer": "https://canvas.instructure.com",
        "authorization_endpoint": f"{sso}/api/lti/authorize_redirect",
        "registration_endpoint": "https://school.instructure.com/api/lti/registrations",
        "jwks_uri": f"{sso}/api/lti/security/jwks",
        "token_endpoint": f"{sso}/login/oauth2/token",
        "authorization_server": "canvas.instructure.com",
        PLATFORM: {"product_family_code": "canvas", "version": "vCloud"},
    }
    return json.dumps(document | changed).encode()


def parsed(body: bytes, url: str = "https://sso.canvaslms.com/c") -> Configuration:
    return parse_configuration(body, url=url)


def test_a_hosted_canvas_is_believed_on_all_its_hosts() -> None:
    found = parsed(canvas())
    assert (found.vendor, found.token_audience) == ("canvas", None)
    assert (found.scopes, found.claims, found.placements) == (None, None, None)


def test_another_site_that_calls_itself_a_hosted_canvas_is_not() -> None:
    with pytest.raises(RegistrationError) as error:
        parsed(canvas(), "https://canvas.attacker.example/c")
    assert error.value.code == "foreign_issuer"
    with pytest.raises(RegistrationError) as error:
        parsed(canvas(jwks_uri="https://keys.attacker.example/"))
    assert error.value.code == "foreign_host"


def test_another_vendor_gets_none_of_canvass_hosts() -> None:
    with pytest.raises(RegistrationError) as error:
        parsed(canvas(**{PLATFORM: {"product_family_code": "moodle"}}))
    assert error.value.code == "foreign_issuer"


def test_an_authorization_server_is_the_audience_where_the_standard_rules() -> None:
    site = "https://lms.school.edu"
    document = {
        name: f"{site}/{name}"
        for name in (
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "registration_endpoint",
        )
    }
    body = json.dumps(
        {**document, "issuer": site, "authorization_server": f"{site}/oauth"}
    ).encode()
    found = parse_configuration(body, url=f"{site}/c", vendor="brightspace")
    assert (found.token_audience, found.vendor) == (f"{site}/oauth", "brightspace")


def test_messages_may_be_bare_names_as_old_moodles_send_them() -> None:
    own = {
        "product_family_code": "moodle",
        "messages_supported": ["LtiResourceLinkRequest", "LtiDeepLinkingRequest"],
    }
    site = "https://moodle.school.edu"
    document = json.loads(canvas())
    document = {
        name: f"{site}/{name}" if isinstance(value, str) else value
        for name, value in document.items()
    }
    document |= {"issuer": site, PLATFORM: own, "authorization_server": None}
    found = parsed(json.dumps(document).encode(), f"{site}/c")
    assert found.placements == {
        "LtiResourceLinkRequest": frozenset(),
        "LtiDeepLinkingRequest": frozenset(),
    }


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b"[" * 100_000])
def test_what_is_no_configuration_is_called_so(body: bytes) -> None:
    with pytest.raises(RegistrationError) as error:
        parsed(body)
    assert error.value.code == "broken"


@pytest.mark.parametrize(
    ("family", "vendor"),
    [
        ("canvas", "canvas"),
        ("Moodle", "moodle"),
        ("desire2learn", "brightspace"),
        ("BlackboardLearn", "blackboard"),
        ("", "other"),
        (None, "other"),
        ("sakai", "other"),
    ],
)
def test_a_vendor_is_known_by_its_family(family: str | None, vendor: str) -> None:
    assert vendor_of(family) == vendor


@pytest.mark.parametrize(
    ("token", "update"),
    [
        ("e30.eyJzY29wZSI6InJlZy11cGRhdGUifQ.x", True),
        ("e30.eyJzY29wZSI6InJlZyJ9.x", False),
        ("e30.W10.x", False),
        ("opaque", False),
        ("a.!!.b", False),
        ("", False),
    ],
)
def test_a_token_for_an_update_is_told_by_its_scope(
    token: str, *, update: bool
) -> None:
    assert is_update(token) is update


@pytest.fixture
def endless() -> Iterator[str]:
    """A site whose answer never ends; it gives up when nobody reads on."""
    with closing(create_server(("127.0.0.1", 0))) as server:

        def pour() -> None:
            with closing(server.accept()[0]) as way:
                way.recv(65_536)
                way.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
                )
                try:
                    while True:
                        way.sendall(b" " * 65_536)
                except OSError:
                    return

        thread = threading.Thread(target=pour, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/c"
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_an_endless_configuration_is_left_at_its_limit(endless: str) -> None:
    local = frozenset({"127.0.0.1"})
    with pytest.raises(RegistrationError) as error:
        fetch_configuration(
            GuardedSession(local), Opening(endless, "", local), vendor=None
        )
    assert error.value.code == "unreachable"
    assert str(CONFIGURATION_LIMIT) in str(error.value)
