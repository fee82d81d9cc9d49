"""pylti1p3 has nothing left to decide by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from pylti1p3.exception import LtiException

from lti_tool.errors import LaunchError, PlatformError
from lti_tool.lti13.keys import KeyCache
from lti_tool.lti13.messages import Login, Message
from lti_tool.lti13.wrapping import Expected, Parameters, Platform, ToolConf, Trace

PLATFORM = Platform(
    1, "https://lms", "us", "https://lms/a?x=1", "https://t", "https://k"
)
FIELDS = {"iss": "https://lms", "login_hint": "7", "target_link_uri": "https://us/lti/"}


def find(issuer: str, client_id: str) -> Platform | None:
    return PLATFORM if (issuer, client_id) == ("https://lms", "us") else None


def no_keys(_url: str) -> bytes:
    raise PlatformError("none", "connect")


def message(fields: dict[str, str]) -> Message:
    return Message(
        Parameters(fields),
        ToolConf(find),
        Expected(PLATFORM, "hash", "https://us/lti/launch", None),
        keys=KeyCache(no_keys),
        now=datetime(2026, 11, 24, tzinfo=UTC),
        hash_secret=str,
    )


def test_a_login_joins_its_query_to_the_platforms_own() -> None:
    login = Login(Parameters(FIELDS | {"client_id": "us"}), ToolConf(find))
    query = parse_qs(urlsplit(login.address("https://us/lti/launch")).query)
    assert query["x"] == ["1"]
    assert query["state"] == [login.state]
    assert query["nonce"] == [login.nonce]


def test_no_two_logins_share_a_secret() -> None:
    logins = [Login(Parameters(FIELDS | {"client_id": "us"}), ToolConf(find))
              for _ in range(2)]  # fmt: skip
    for login in logins:
        login.address("https://us/lti/launch")
    assert len({login.state for login in logins} | {x.nonce for x in logins}) == 4


def test_a_login_of_an_unknown_client_is_refused() -> None:
    login = Login(Parameters(FIELDS | {"client_id": "them"}), ToolConf(find))
    with pytest.raises(LaunchError, match="E_ISS"):
        login.address("https://us/lti/launch")


def test_two_tool_configurations_share_nothing() -> None:
    one, two = ToolConf(find), ToolConf(lambda _iss, _client: None)
    one.set_iss_has_one_client("https://lms")
    for conf in (one, two):
        assert conf.check_iss_has_many_clients("https://lms")
        assert not conf.check_iss_has_one_client("https://lms")
    assert two.find_registration_by_params("https://lms", "us") is None
    with pytest.raises(LaunchError, match="E_ISS"):
        one.find_registration("https://lms")
    with pytest.raises(LaunchError, match="E_DEPLOYMENT"):
        one.find_deployment("https://lms", "1")


def test_an_unverified_launch_gives_nothing() -> None:
    launch = message({"id_token": "a.b.c"})
    with pytest.raises(LtiException, match="the launch was not verified"):
        launch.get_launch_data()
    with pytest.raises(LaunchError, match="E_FORMAT"):
        launch.claims(Trace())
    with pytest.raises(LtiException, match="the launch was not verified"):
        launch.get_launch_data()


def test_the_shortcuts_of_the_library_are_closed() -> None:
    launch = message({})
    with pytest.raises(LtiException, match="none can be restored"):
        Message.from_cache("x", Parameters({}), ToolConf(find))
    with pytest.raises(LtiException, match="they have no id"):
        launch.get_launch_id()
    with pytest.raises(LaunchError, match="E_STATE"):
        launch.validate_state()
    with pytest.raises(LtiException, match="launches keep nothing"):
        launch.save_launch_data()
