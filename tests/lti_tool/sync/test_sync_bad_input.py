"""Whatever a source does wrong: one clear message, and our data untouched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.errors import SyncError
from lti_tool.work.feeds import BundleFeed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from tests.lti_tool.sync.conftest import Host, OpenFeed, Provider, Sis

ROSTER = "/ims/oneroster/rostering/v1p2"


class Faulty:
    """A service in front of a service: some paths go wrong, a number of times."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self.faults: dict[str, tuple[str, dict[str, str], bytes]] = {}
        self.times = 10**6
        self.asked: list[str] = []

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append(path)
        name = path.rsplit("/", 1)[-1]
        if name in self.faults and self.times > 0:
            self.times -= 1
            status, headers, body = self.faults[name]
            start_response(status, list(headers.items()))
            return [body]
        return self._app(environ, start_response)


@pytest.fixture
def faulty(sis: Sis, provider: Provider) -> Faulty:
    return Faulty(provider(sis))


HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Case:
    """What goes wrong where, and what is told of it."""

    name: str
    fault: tuple[str, dict[str, str], bytes]
    code: str
    text: str


UNAUTHORIZED = ("401 Unauthorized", JSON, b"{}")
WAIT_A_MOMENT = ("429 Too Many", HTML | {"Retry-After": "7"}, b"wait")
CASES = {
    "token": Case(
        "token",
        UNAUTHORIZED,
        "auth",
        "orgs: the token endpoint {host}/oauth2/token answered 401; check client id, "
        "client secret and scopes",
    ),
    "401": Case(
        "users",
        UNAUTHORIZED,
        "auth",
        "users: GET {url}/users answered 401; check client id, secret and scopes",
    ),
    "429 again and again": Case(
        "users",
        WAIT_A_MOMENT,
        "rate_limited",
        "users: GET {url}/users answered 429; we are asked to wait",
    ),
    "500": Case(
        "enrollments",
        ("500 Internal Server Error", HTML, b"<h1>Oops</h1>"),
        "status",
        "enrollments: GET {url}/enrollments answered 500 every time; try again later",
    ),
    "HTML": Case(
        "classes",
        ("200 OK", HTML, b"<html>Sign in</html>"),
        "bad_json",
        "classes: classes answered with something that is no JSON; check that the "
        "service URL is the root of the REST service",
    ),
    "another key": Case(
        "classes",
        ("200 OK", JSON, b'{"users": []}'),
        "bad_shape",
        'classes: classes answered without a list under "classes"; check the version '
        "and the URL of the service",
    ),
    "a cut connection": Case(
        "users",
        ("200 OK", JSON | {"Content-Length": "4000"}, b'{"users": ['),
        "no_answer",
        "users: GET {url}/users gave no whole answer (ChunkedEncodingError); check "
        "the URL and the network",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_service_that_fails_changes_nothing(
    sis: Sis, faulty: Faulty, host: Host, rest_feed: OpenFeed, case: Case
) -> None:
    sis.begin()
    before = sis.contents()
    url = host(faulty)
    faulty.faults[case.name] = case.fault
    with pytest.raises(SyncError) as caught:
        sis.pull(lambda: rest_feed(url))
    text = str(caught.value)
    told = case.text.format(host=url, url=url + ROSTER)
    assert (caught.value.code, text) == (case.code, told)
    assert sis.contents() == before
    newest = sis.runs()[0]
    assert (newest["status"], newest["text"]) == ("failed", f"{case.code}: {text}")
    faulty.faults.clear()
    # Credentials that were refused are not tried again at once.
    later = sis.later(1200)
    assert sis.pull(lambda: rest_feed(url), at=later).is_nothing


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found"])
def test_a_service_without_a_gradebook_keeps_the_scores_we_have(
    sis: Sis,
    faulty: Faulty,
    host: Host,
    rest_feed: OpenFeed,
    status: str,
) -> None:
    sis.begin()
    before = sis.contents()
    url = host(faulty)
    names = ("categories", "lineItems", "results")
    faulty.faults = dict.fromkeys(names, (status, JSON, b"{}"))
    report = sis.pull(lambda: rest_feed(url))
    assert (report.status, dict(report.problems)) == ("applied", {"not_served": 5})
    assert sis.contents() == before


def test_a_burst_of_faults_is_waited_out(
    sis: Sis, faulty: Faulty, host: Host, rest_feed: OpenFeed
) -> None:
    url = host(faulty)
    faulty.faults["users"] = ("503 Service Unavailable", HTML, b"busy")
    faulty.times = 3
    assert sis.pull(lambda: rest_feed(url)).status == "applied"


def test_a_collection_that_changed_while_it_was_read_is_read_once_more(
    sis: Sis, faulty: Faulty, host: Host, rest_feed: OpenFeed
) -> None:
    url = host(faulty)
    faulty.faults["users"] = (
        "200 OK",
        JSON | {"X-Total-Count": "1"},
        b'{"users": [{"sourcedId": "x"}, {"sourcedId": "y"}]}',
    )
    faulty.times = 1
    report = sis.pull(lambda: rest_feed(url))
    assert report.status == "applied"
    assert report.plan["users"].adds == 4
    faulty.times = 2
    with pytest.raises(SyncError) as caught:
        sis.pull(lambda: rest_feed(url))
    assert caught.value.code == "unstable_source"


def _no_manifest(path: Path) -> None:
    (path / "manifest.csv").unlink()


def _no_file(path: Path) -> None:
    (path / "users.csv").unlink()


def _open_quote(path: Path) -> None:
    with (path / "results.csv").open("a", encoding="utf-8") as file:
        file.write('r9,,,"w1')


def _latin(path: Path) -> None:
    text = (path / "users.csv").read_text(encoding="utf-8")
    (path / "users.csv").write_bytes(text.replace("Given 2", "Zoë").encode("cp1252"))


def _misspelled(path: Path) -> None:
    text = (path / "users.csv").read_text(encoding="utf-8")
    changed = text.replace("familyName", "famlyName", 1)
    (path / "users.csv").write_text(changed, encoding="utf-8")


def _no_bundle(path: Path) -> None:
    shutil.rmtree(path)


def _text_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("this is no zip", encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "code", "place"),
    [
        (_no_manifest, "manifest", "bundle-2 holds no manifest.csv"),
        (_no_file, "missing_file", "users.csv is missing"),
        (_open_quote, "csv_syntax", "results.csv line 6: "),
        (_latin, "encoding", "users.csv line 3 column "),
        (_misspelled, "header", 'users.csv line 1: no column "familyName"'),
        (_no_bundle, None, "bundle-2"),
        (_text_file, None, "bundle-2"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_an_unreadable_bundle_changes_nothing(
    sis: Sis, damage: Callable[[Path], Any], code: str | None, place: str
) -> None:
    sis.begin()
    before = sis.contents()
    path = sis.bundle()
    damage(path)
    with pytest.raises(SyncError) as caught:
        sis.pull(lambda: BundleFeed(path))
    text = str(caught.value)
    assert text.startswith(place)
    assert code in {None, caught.value.code}
    assert sis.contents() == before
    newest = sis.runs()[0]
    assert (newest["status"], newest["text"]) == (
        "failed",
        f"{caught.value.code}: {text}",
    )


def test_an_error_of_ours_closes_the_run_and_keeps_the_data(sis: Sis) -> None:
    sis.begin()
    before = sis.contents()

    def open_feed() -> BundleFeed:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sis.pull(open_feed)
    assert sis.contents() == before
    assert sis.runs()[0]["text"] == "stopped by an error of the tool"
    assert sis.sync().is_nothing
