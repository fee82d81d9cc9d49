"""One request is tried again where that is safe, and refused where it must be."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from oneroster.auth import BearerKey, ClientCredentials
from oneroster.client import Client
from oneroster.errors import (
    AuthError,
    OneRosterError,
    RateLimitError,
    StatusError,
    TransportError,
)
from oneroster.pull import Page
from oneroster.service import Service
from oneroster.transport import Patience, parse_retry_after

# The fixture's own types stand in conftest.py, which no test can import.
Serve = Callable[..., Any]
Asked = Any
Reply = Any
Setting = Any
Answer = Callable[[Asked], Reply]
ROSTER = "/ims/oneroster/rostering/v1p2"


def client(
    url: str, *, sleep: Callable[[float], None] = lambda _: None, **kept: Setting
) -> Client:
    patience = Patience(sleep=sleep, jitter=lambda: 1.0, **kept)
    service = Service.at(url)
    return Client(service, auth=BearerKey("k"), page_size=100, patience=patience)


def read(pull: Iterable[Page]) -> list[str]:
    return [record.sourced_id for page in pull for record in page.records]


def three_orgs(asked: Asked) -> Reply:
    sent = [{"sourcedId": f"o-{number}", "status": "active"} for number in range(3)]
    body = json.dumps({"orgs": sent}).encode()
    return asked.reply(body, headers={"X-Total-Count": "3"})


CUT = "gave no whole answer (ChunkedEncodingError); check the URL and the network"


def failing(times: int, then: Answer, **fault: Setting) -> Answer:
    """Fail so many times, then answer."""
    left = [times]

    def answer(asked: Asked) -> Reply:
        if left[0]:
            left[0] -= 1
            return asked.reply(**fault)
        return then(asked)

    return answer


@pytest.mark.parametrize(
    ("fault", "slept"),
    [
        ({"status": 503}, [1.0, 2.0, 4.0]),
        ({"status": 500}, [1.0, 2.0, 4.0]),
        ({"status": 429, "headers": {"Retry-After": "7"}}, [7.0, 7.0, 7.0]),
        ({"status": 429, "headers": {"Retry-After": "soon"}}, [1.0, 2.0, 4.0]),
        ({"body": b'{"orgs":', "cut": True}, [1.0, 2.0, 4.0]),
    ],
)
def test_a_failure_that_passes_is_waited_out(
    serve: Serve, fault: dict[str, Setting], slept: list[float]
) -> None:
    pauses: list[float] = []
    peer = serve(failing(3, three_orgs, **fault))
    assert len(read(client(peer.url, sleep=pauses.append).pages("orgs"))) == 3
    assert pauses == slept
    for one, other in pairwise(peer.asked):
        assert one.target == other.target


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ({"status": 502}, StatusError, "answered 502 every time; try again later"),
        ({"status": 429}, RateLimitError, "answered 429; we are asked to wait"),
        (
            {"body": b"{", "cut": True},
            TransportError,
            CUT,
        ),
    ],
)
def test_patience_ends_after_five_more_attempts(
    serve: Serve, fault: dict[str, Setting], kind: type[OneRosterError], message: str
) -> None:
    peer = serve(lambda asked: asked.reply(**fault))
    with pytest.raises(kind) as caught:
        read(client(peer.url).pages("orgs"))
    assert str(caught.value) == f"GET {peer.url}{ROSTER}/orgs {message}"
    assert len(peer.asked) == 6


def test_a_wait_of_more_than_a_quarter_of_an_hour_is_the_callers(serve: Serve) -> None:
    headers = {"Retry-After": "86400"}
    peer = serve(lambda asked: asked.reply(b"", 503, headers))
    with pytest.raises(RateLimitError) as caught:
        read(client(peer.url).pages("orgs"))
    assert caught.value.retry_after == 86400
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(
    text: str | None, seconds: float | None
) -> None:
    assert parse_retry_after(text, datetime(2026, 11, 24, 12, tzinfo=UTC)) == seconds


def test_a_time_out_halves_the_page(serve: Serve) -> None:
    stall = threading.Event()
    late = [2]

    def answer(asked: Asked) -> Reply:
        if late[0]:
            late[0] -= 1
            stall.wait(1.0)
        return three_orgs(asked)

    peer = serve(answer)
    assert len(read(client(peer.url, read_seconds=0.1).pages("orgs"))) == 3
    stall.set()
    assert [asked.query["limit"] for asked in peer.asked[:3]] == ["100", "50", "25"]


def test_no_answer_at_all_is_told_with_the_place() -> None:
    with pytest.raises(TransportError) as caught:
        read(client("http://127.0.0.1:9").pages("orgs"))
    assert str(caught.value) == (
        f"GET http://127.0.0.1:9{ROSTER}/orgs gave no whole answer "
        "(ConnectionError); check the URL and the network"
    )
    assert caught.value.code == "no_answer"


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[str]:
    """Serve over TLS with a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "both.pem"
    pem.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            conversation, _ = listener.accept()
            with conversation, suppress(OSError):
                context.wrap_socket(conversation, server_side=True).close()

        thread = threading.Thread(target=shake_hands)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_certificate_that_cannot_be_trusted_ends_the_pull(untrusted: str) -> None:
    with pytest.raises(TransportError) as caught:
        read(client(untrusted).pages("orgs"))
    assert caught.value.code == "tls"
    assert str(caught.value) == (
        f"GET {untrusted}{ROSTER}/orgs: the certificate of the service cannot be "
        "trusted; renew it, or name its authority's file"
    )


def test_a_token_that_ended_is_renewed_and_the_same_page_asked(serve: Serve) -> None:
    issued: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            issued.append(f"t-{len(issued) + 1}")
            token = {"access_token": issued[-1], "expires_in": 3600}
            return asked.reply(json.dumps(token).encode())
        if asked.query["offset"] == "0":
            return asked.reply(json.dumps({"orgs": [{"sourcedId": "o"}]}).encode())
        ended = issued[-1] == "t-1"
        return asked.reply(b"", 401) if ended else asked.reply(b'{"orgs": []}')

    peer = serve(answer)
    auth = ClientCredentials(f"{peer.url}/token", "me", "secret", scope="s")
    asking = Client(Service.at(peer.url), auth=auth, page_size=100)
    assert read(asking.pages("orgs")) == []
    assert [asked.query.get("offset") for asked in peer.asked] == [
        *(None, "0", "1"),
        *(None, "1"),
    ]
    assert issued == ["t-1", "t-2"]


@pytest.mark.parametrize("renewable", [True, False])
def test_a_401_that_stays_is_an_auth_error(serve: Serve, *, renewable: bool) -> None:
    token = b'{"access_token": "t", "expires_in": 3600}'

    def answer(asked: Asked) -> Reply:
        return asked.reply(token) if asked.path == "/token" else asked.reply(b"", 401)

    peer = serve(answer)
    auth = ClientCredentials(f"{peer.url}/token", "me", "secret", scope="s")
    asking = Client(Service.at(peer.url), auth=auth if renewable else BearerKey("k"))
    with pytest.raises(AuthError) as caught:
        read(asking.pages("orgs"))
    assert str(caught.value) == (
        f"GET {peer.url}{ROSTER}/orgs answered 401; check client id, secret and scopes"
    )
    assert caught.value.code == "auth"
    assert len(peer.asked) == (4 if renewable else 1)


def test_a_token_endpoint_that_fails_for_a_moment_is_waited_out(serve: Serve) -> None:
    token = b'{"access_token": "t", "expires_in": 3600}'
    issue = failing(2, lambda one: one.reply(token), status=503)
    peer = serve(lambda one: issue(one) if one.path == "/token" else three_orgs(one))
    auth = ClientCredentials(f"{peer.url}/token", "me", "secret", scope="s")
    patience = Patience(sleep=lambda _: None)
    asking = Client(Service.at(peer.url), auth=auth, patience=patience)
    assert len(read(asking.pages("orgs"))) == 3


def test_a_collection_we_may_not_read_is_forbidden(serve: Serve) -> None:
    peer = serve(lambda asked: asked.reply(b"", 403))
    with pytest.raises(StatusError) as caught:
        read(client(peer.url).pages("demographics"))
    assert (caught.value.status, caught.value.code) == (403, "forbidden")
    assert str(caught.value) == (
        f"GET {peer.url}{ROSTER}/demographics answered 403; "
        "the client may not read this; ask for its scope"
    )


def test_a_redirect_to_another_host_is_not_followed(serve: Serve) -> None:
    headers = {"Location": "http://169.254.169.254/"}
    peer = serve(lambda asked: asked.reply(b"", 302, headers))
    with pytest.raises(TransportError) as caught:
        read(client(peer.url).pages("orgs"))
    assert caught.value.code == "ssrf"
    assert str(caught.value) == (
        f"GET {peer.url}{ROSTER}/orgs redirects elsewhere; not followed. "
        "Set the service URL to where it leads, if that is right"
    )


def test_a_redirect_on_the_same_origin_is_followed_but_not_in_circles(
    serve: Serve,
) -> None:

    def once(asked: Asked) -> Reply:
        if asked.path.endswith("/orgs"):
            return asked.reply(b"", 307, {"Location": "orgs/?offset=0"})
        return three_orgs(asked)

    assert len(read(client(serve(once).url).pages("orgs"))) == 3
    circle = serve(lambda asked: asked.reply(b"", 307, {"Location": asked.target}))
    with pytest.raises(TransportError, match=r"redirects in circles") as caught:
        read(client(circle.url).pages("orgs"))
    assert caught.value.code == "redirects"


def test_a_forbidden_address_is_not_called(serve: Serve) -> None:
    peer = serve(three_orgs)

    def refuse(url: str) -> None:
        raise TransportError(f"{url[:4]} is forbidden", code="ssrf")

    with pytest.raises(TransportError, match=r"^http is forbidden$"):
        read(client(peer.url, address_guard=refuse).pages("orgs"))
    auth = ClientCredentials(f"{peer.url}/token", "me", "secret", scope="s")
    seen: list[str] = []

    def allow_none_but_the_service(url: str) -> None:
        seen.append(url)
        if url.endswith("/token"):
            refuse(url)

    patience = Patience(address_guard=allow_none_but_the_service)
    with pytest.raises(TransportError, match=r"^http is forbidden$"):
        read(Client(Service.at(peer.url), auth=auth, patience=patience).pages("orgs"))
    assert len(seen) == 2
    assert peer.asked == []
