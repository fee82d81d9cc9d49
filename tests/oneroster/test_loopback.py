"""The loopback adapter: a WSGI app answers a requests session."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from flask import Flask, Response, jsonify, request

from oneroster.loopback import Loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)

    @app.route("/echo/<path:rest>", methods=["GET", "POST", "PUT"])
    def echo(rest: str) -> Response:
        return jsonify(
            method=request.method,
            rest=rest,
            target=request.environ["REQUEST_URI"],
            query=request.query_string.decode(),
            body=request.get_data(as_text=True),
            kind=request.content_type,
            host=request.host,
            scheme=request.scheme,
            port=request.environ["SERVER_PORT"],
        )

    @app.get("/cookie")
    def cookie() -> Response:
        reply = Response(request.cookies.get("seen", "never"))
        reply.set_cookie("seen", "once")
        reply.set_cookie("other", "two")
        return reply

    @app.get("/packed")
    def packed() -> Response:
        return Response(
            gzip.compress(b"a" * 1000), headers={"Content-Encoding": "gzip"}
        )

    @app.get("/moved")
    def moved() -> Response:
        return Response(status=302, headers={"Location": "/echo/there"})

    return app


@pytest.fixture
def session(app: Flask) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://sis.example", Loopback(app))
        yield session


def test_a_request_reaches_the_app_as_from_a_server(session: requests.Session) -> None:
    reply = session.put(
        "https://sis.example:8443/echo/a%2Fb?q=%C3%A9&r=1+2", json={"n": 1}
    )
    assert reply.json() == {
        "method": "PUT",
        "rest": "a/b",
        "target": "/echo/a%2Fb?q=%C3%A9&r=1+2",
        "query": "q=%C3%A9&r=1+2",
        "body": '{"n": 1}',
        "kind": "application/json",
        "host": "sis.example:8443",
        "scheme": "https",
        "port": "8443",
    }


@pytest.mark.parametrize(
    ("body", "heard"),
    [(None, ""), ("text", "text"), (b"bytes", "bytes"), ({"a": "1"}, "a=1")],
)
def test_every_form_of_body_arrives(
    session: requests.Session, body: str | bytes | dict[str, str] | None, heard: str
) -> None:
    reply = session.post("https://sis.example/echo/x", data=body)
    assert reply.json()["body"] == heard


def test_a_body_made_as_it_is_sent_arrives(session: requests.Session) -> None:
    reply = session.post("https://sis.example/echo/x", data=iter([b"one", b"two"]))
    assert reply.json()["body"] == "onetwo"


def test_a_file_arrives(session: requests.Session, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"from a file")
    with path.open("rb") as file:
        reply = session.post("https://sis.example/echo/x", data=file)
    assert reply.json()["body"] == "from a file"


def test_status_reason_and_headers_come_back(session: requests.Session) -> None:
    reply = session.get("https://sis.example/nowhere")
    assert (reply.status_code, reply.reason) == (404, "NOT FOUND")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


def test_cookies_are_kept_for_the_next_request(session: requests.Session) -> None:
    url = "https://sis.example/cookie"
    assert [session.get(url).text, session.get(url).text] == ["never", "once"]
    assert session.cookies.get_dict() == {"seen": "once", "other": "two"}


def test_a_packed_body_is_unpacked(session: requests.Session) -> None:
    assert session.get("https://sis.example/packed").text == "a" * 1000


def test_a_redirect_is_followed(session: requests.Session) -> None:
    assert session.get("https://sis.example/moved").json()["rest"] == "there"


def test_a_head_request_has_no_body(session: requests.Session) -> None:
    reply = session.head("https://sis.example/echo/x")
    assert (reply.status_code, reply.content) == (200, b"")


def test_the_body_is_taken_from_the_app_as_it_is_read() -> None:
    given = []

    def app(
        _environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        for piece in (b"one\n", b"", b"two\n", b"three\n"):
            given.append(piece)
            yield piece

    session = requests.Session()
    session.mount("http://sis.example", Loopback(app))
    reply = session.get("http://sis.example/", stream=True)
    assert given == [b"one\n"]
    assert reply.content == b"one\ntwo\nthree\n"
    assert given == [b"one\n", b"", b"two\n", b"three\n"]


def test_what_an_app_writes_comes_before_what_it_returns() -> None:
    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"written ")
        return [b"returned"]

    session = requests.Session()
    session.mount("http://sis.example", Loopback(app))
    assert session.get("http://sis.example/").text == "written returned"


def test_what_the_app_raises_reaches_the_caller() -> None:
    def app(_environ: WSGIEnvironment, _start_response: StartResponse) -> list[bytes]:
        raise LookupError("no catalogue")

    session = requests.Session()
    session.mount("http://sis.example", Loopback(app))
    with pytest.raises(LookupError, match=r"^no catalogue$"):
        session.get("http://sis.example/")
