"""Who we are: tokens fetched once and in time, signatures exact, secrets unseen."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
import requests
from authlib.oauth1.rfc5849.client_auth import ClientAuth

from oneroster.auth import BearerKey, ClientCredentials, OAuth1, local_session
from oneroster.errors import (
    AuthError,
    OneRosterError,
    PagingError,
    StatusError,
    TransportError,
)

# The fixture's own types stand in conftest.py, which no test can import.
Serve = Callable[..., Any]
Asked = Any
Reply = Any

NO_ENTRY = "check client id, client secret and scopes"
NO_GRANT = "answered without an access_token; check that the URL is the token endpoint"


def prepared(url: str = "https://sis.example/x") -> requests.PreparedRequest:
    return requests.Request("GET", url).prepare()


def header(auth: ClientCredentials) -> str:
    return auth(prepared()).headers["Authorization"]


def credentials(url: str, *, form: bool = False) -> ClientCredentials:
    return ClientCredentials(
        f"{url}/token",
        "me:you",
        "s3cret/+",
        scope="a b",
        style="form" if form else "basic",
    )


def tokens(lifetime: object = 3600) -> Callable[[Asked], Reply]:
    """Issue t-1, t-2 and so on."""
    issued: list[str] = []

    def answer(asked: Asked) -> Reply:
        issued.append(f"t-{len(issued) + 1}")
        token = {"access_token": issued[-1], "expires_in": lifetime}
        return asked.reply(json.dumps(token).encode())

    return answer


def test_basic_credentials_are_form_encoded_before_they_are_joined(
    serve: Serve,
) -> None:
    peer = serve(tokens())
    assert header(credentials(peer.url)) == "Bearer t-1"
    asked = peer.asked[0]
    joined = base64.b64decode(asked.headers["Authorization"].split()[1])
    assert joined == b"me%3Ayou:s3cret%2F%2B"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
    }


def test_credentials_in_the_form_leave_the_header_empty(serve: Serve) -> None:
    peer = serve(tokens())
    assert header(credentials(peer.url, form=True)) == "Bearer t-1"
    assert "Authorization" not in peer.asked[0].headers
    assert parse_qs(peer.asked[0].body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "client_id": ["me:you"],
        "client_secret": ["s3cret/+"],
    }


@pytest.mark.parametrize("refusal", [400, 401, 422])
def test_credentials_refused_in_basic_are_sent_in_the_form_and_stay_there(
    serve: Serve, refusal: int
) -> None:
    issue = tokens(60)

    def answer(asked: Asked) -> Reply:
        is_basic = "Authorization" in asked.headers
        return asked.reply(b"{}", refusal) if is_basic else issue(asked)

    peer = serve(answer)
    auth = ClientCredentials(
        f"{peer.url}/token", "me", "s3cret", scope="a", style="either"
    )
    assert header(auth) == "Bearer t-1"
    assert auth.style == "form"
    auth.clock = lambda: time.monotonic() + 60
    assert header(auth) == "Bearer t-2"
    assert ["Authorization" in asked.headers for asked in peer.asked] == [
        True,
        False,
        False,
    ]


def test_credentials_accepted_in_basic_never_stand_in_a_form(serve: Serve) -> None:
    peer = serve(tokens())
    auth = ClientCredentials(
        f"{peer.url}/token", "me", "s3cret", scope="a", style="either"
    )
    header(auth)
    assert (auth.style, len(peer.asked)) == ("basic", 1)


def test_a_token_endpoint_that_forbids_is_not_asked_in_another_style(
    serve: Serve,
) -> None:
    peer = serve(lambda asked: asked.reply(b"", 403))
    auth = ClientCredentials(
        f"{peer.url}/token", "me", "s3cret", scope="a", style="either"
    )
    with pytest.raises(AuthError, match=rf"answered 403; {NO_ENTRY}$"):
        header(auth)
    assert len(peer.asked) == 1


def test_a_scope_that_is_refused_is_no_reason_for_another_style(serve: Serve) -> None:
    body = b'{"error": "invalid_scope"}'
    peer = serve(lambda asked: asked.reply(body, 400))
    auth = ClientCredentials(
        f"{peer.url}/token", "me", "s3cret", scope="a", style="either"
    )
    with pytest.raises(AuthError) as caught:
        header(auth)
    assert (caught.value.status, caught.value.body) == (400, body)
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("said", "granted"),
    [({}, None), ({"scope": "a  b"}, {"a", "b"}), ({"scope": 5}, None)],
)
def test_the_scopes_that_were_granted_are_known_where_they_are_told(
    serve: Serve, said: dict[str, object], granted: set[str] | None
) -> None:
    body = json.dumps({"access_token": "t"} | said).encode()
    auth = credentials(serve(lambda asked: asked.reply(body)).url)
    header(auth)
    assert auth.granted == granted


@pytest.mark.parametrize(
    ("lifetime", "after", "token"),
    [
        (3600, 3539, "Bearer t-1"),
        (3600, 3541, "Bearer t-2"),
        ("3600 ", 3541, "Bearer t-2"),
        (60, 29, "Bearer t-1"),
        (60, 31, "Bearer t-2"),
        ("soon", 3541, "Bearer t-2"),
        (None, 3539, "Bearer t-1"),
    ],
)
def test_a_token_is_renewed_a_minute_before_it_ends(
    serve: Serve, lifetime: object, after: float, token: str
) -> None:
    auth = credentials(serve(tokens(lifetime)).url)
    auth.clock = lambda: 0.0
    assert header(auth) == "Bearer t-1"
    auth.clock = lambda: after
    assert header(auth) == token


def test_threads_in_want_of_a_token_ask_for_one(serve: Serve) -> None:
    peer = serve(tokens())
    auth = credentials(peer.url)
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda: seen.append(header(auth))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["Bearer t-1"] * 8
    assert len(peer.asked) == 1


def test_a_refused_token_is_renewed_once_for_all_who_held_it(serve: Serve) -> None:
    auth = credentials(serve(tokens()).url)
    one, other = auth(prepared()), auth(prepared())
    assert auth.renew(one)
    assert header(auth) == "Bearer t-2"
    assert auth.renew(other)
    assert header(auth) == "Bearer t-2"


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, b"", AuthError, f"answered 401; {NO_ENTRY}"),
        (302, b"", AuthError, f"answered 302; {NO_ENTRY}"),
        (503, b"", StatusError, "answered 503; try again later"),
        (
            200,
            b"<html>",
            AuthError,
            NO_GRANT,
        ),
        (
            200,
            b'{"access_token": 5}',
            AuthError,
            NO_GRANT,
        ),
        (
            200,
            b" " * 1_100_000,
            PagingError,
            "answers more than 1000000 bytes; use a smaller page",
        ),
    ],
)
def test_a_token_endpoint_that_gives_no_token_is_told_of(
    serve: Serve, status: int, body: bytes, kind: type[OneRosterError], message: str
) -> None:
    peer = serve(lambda asked: asked.reply(body, status))
    with pytest.raises(kind) as caught:
        header(credentials(peer.url))
    assert str(caught.value).removeprefix("the token endpoint ") == (
        f"{peer.url}/token {message}"
    )


def test_a_token_endpoint_that_is_not_there_is_told_of() -> None:
    with pytest.raises(TransportError) as caught:
        header(credentials("http://127.0.0.1:9"))
    assert str(caught.value) == (
        "the token endpoint http://127.0.0.1:9/token gave no answer "
        "(ConnectionError); check the URL and the network"
    )


def test_a_forbidden_token_url_is_not_called(serve: Serve) -> None:
    peer = serve(tokens())
    auth = credentials(peer.url)

    def refuse(url: str) -> None:
        raise TransportError(f"{url} is forbidden", code="ssrf")

    auth.address_guard = refuse
    with pytest.raises(TransportError, match=r"/token is forbidden$"):
        header(auth)
    assert peer.asked == []


def test_a_bearer_key_is_sent_as_it_is_and_never_renewed() -> None:
    auth = BearerKey("k-1")
    assert auth(prepared()).headers["Authorization"] == "Bearer k-1"
    assert not auth.renew(prepared())


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_a_signature_covers_the_query_as_it_is_sent(digest: str) -> None:
    auth = OAuth1(
        "key",
        "secret&",
        digest="sha1" if digest == "sha1" else "sha256",
        clock=lambda: 1_700_000_000.9,
        nonce=lambda: "n",
    )
    query = "limit=100&offset=0&filter=familyName%3D'O''Brien%20(x)!*'"
    signed = auth(prepared(f"https://SIS.example:443/ims/users?{query}"))
    # RFC 5849, 3.4.1, written out: every name and value encoded, sorted, joined.
    parameters = (
        "filter=familyName%3D%27O%27%27Brien%20%28x%29%21%2A%27&limit=100"
        "&oauth_consumer_key=key&oauth_nonce=n"
        f"&oauth_signature_method=HMAC-{digest.upper()}"
        "&oauth_timestamp=1700000000&oauth_version=1.0&offset=0"
    )
    base = "&".join(
        ["GET", quote("https://sis.example/ims/users", ""), quote(parameters, "")]
    )
    mark = hmac.new(b"secret%26&", base.encode(), getattr(hashlib, digest)).digest()
    assert signed.headers["Authorization"] == (
        'OAuth oauth_consumer_key="key", oauth_nonce="n", '
        f'oauth_signature_method="HMAC-{digest.upper()}", '
        'oauth_timestamp="1700000000", oauth_version="1.0", '
        f'oauth_signature="{quote(base64.b64encode(mark).decode(), "")}"'
    )
    assert signed.url is not None
    assert signed.url.endswith(query)
    assert not auth.renew(signed)


def test_a_signature_is_what_another_signer_makes_of_the_request() -> None:
    auth = OAuth1(
        "dpf43f3p2l4k3l03",
        "kd94hf93k423kf44",
        digest="sha1",
        clock=lambda: 137131202,
        nonce=lambda: "chapoH",
    )
    url = (
        "https://photos.example.net:443/photos?size=original&b5=%3D%253D&a3=a&a3=2%20q"
    )
    signed = auth(prepared(url)).headers["Authorization"]
    other = ClientAuth("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
    parameters = [
        ("oauth_nonce", "chapoH"),
        ("oauth_timestamp", "137131202"),
        ("oauth_version", "1.0"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
    ]
    theirs = ", ".join(f'{name}="{value}"' for name, value in parameters)
    expected = other.get_oauth_signature(
        "GET", url, {"Authorization": f"OAuth {theirs}"}, ""
    )
    assert signed.endswith(f'oauth_signature="{quote(expected, "")}"')


@pytest.mark.parametrize(
    ("digest", "mark"),
    [
        ("sha1", "+m3KcrC6+4eynk6T8yJfrB/TM74="),
        ("sha256", "O9M7hUOK47MIhQ5x4zadcdDxZg1qIIfTlcDhjiFBKeI="),
    ],
)
def test_a_signature_is_what_openssl_makes_of_it(digest: str, mark: str) -> None:
    # printf "GET&https%3A%2F%2Fsis.example%2Forgs&..." | openssl dgst -sha256
    # -hmac 's%26cret&' -binary | base64, OpenSSL 3, the base string written by hand.
    auth = OAuth1(
        "key",
        "s&cret",
        digest="sha1" if digest == "sha1" else "sha256",
        clock=lambda: 1_700_000_000,
        nonce=lambda: "n",
    )
    signed = auth(prepared("https://sis.example/orgs?limit=1"))
    expected = f'oauth_signature="{quote(mark, "")}"'
    assert signed.headers["Authorization"].endswith(expected)


def test_every_signature_has_a_nonce_of_its_own() -> None:
    auth = OAuth1("key", "secret")
    one, other = auth(prepared()), auth(prepared())
    assert one.headers["Authorization"] != other.headers["Authorization"]


def test_no_secret_shows_in_a_repr() -> None:
    shown = repr(
        [
            BearerKey("s3cret"),
            OAuth1("key", "s3cret"),
            ClientCredentials("https://x", "me", "s3cret", scope=""),
        ]
    )
    assert "s3cret" not in shown


def test_a_session_takes_nothing_from_the_environment() -> None:
    assert local_session().trust_env is False


def test_where_the_scopes_are_refused_less_is_asked_for_and_it_is_known(
    serve: Serve,
) -> None:
    wanted: list[str] = []

    def answer(asked: Asked) -> Reply:
        wanted.append(parse_qs(asked.body.decode())["scope"][0])
        if "b" in wanted[-1]:
            return asked.reply(b'{"error": "invalid_scope"}', 400)
        return asked.reply(json.dumps({"access_token": "t"}).encode())

    service = serve(answer)
    auth = credentials(service.url)
    auth.fallbacks = ("b", "a")
    assert header(auth) == "Bearer t"
    assert (wanted, auth.scope, auth.lacking) == (["a b", "b", "a"], "a", {"b"})
    auth.fallbacks = ()
    assert header(auth) == "Bearer t"
    assert len(wanted) == 3


def test_where_every_set_of_scopes_is_refused_the_first_refusal_counts(
    serve: Serve,
) -> None:
    service = serve(lambda asked: asked.reply(b"{}", 400))
    auth = credentials(service.url)
    auth.fallbacks = ("a",)
    with pytest.raises(AuthError, match="answered 400"):
        header(auth)
    assert (auth.scope, auth.lacking) == ("a b", frozenset())
