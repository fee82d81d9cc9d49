"""Services of an LMS, called over real HTTP: tokens, columns, scores, members."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_type_hints
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from lti_tool.demo.platform import CANVAS, MOODLE, STANDARD, Manners
from lti_tool.demo.platform_gradebook import Gradebook
from lti_tool.errors import DeliveryError, PlatformError
from lti_tool.platforms.grades import (
    LINE_ITEM_SCOPE,
    SCORE_SCOPE,
    AgsLineItem,
    Grades,
    NewLineItem,
    OurColumn,
    held_score,
)
from lti_tool.platforms.http import GuardedSession
from lti_tool.platforms.links import parse_links
from lti_tool.platforms.lti import Caller
from lti_tool.platforms.members import Members
from lti_tool.platforms.paging import ONCE
from lti_tool.platforms.profiles import PROFILES, profile
from lti_tool.platforms.scores import Activity, FinalScore, Progress, Withdrawal
from lti_tool.platforms.tokens import Client, Tokens
from lti_tool.storage import placements
from lti_tool.work.lms import Lms
from lti_tool.work.members import pull_members
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

KEY = RSAKey.generate_key(2048)
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def lms(world: World) -> Lms:
    """The services of the pretend LMS, after a teacher has opened the tool once."""
    world.open("tea")
    return Lms(world.database, world.settings)


COLUMN = NewLineItem(
    label="Ratios", score_maximum=4, resource_id="mb:7.RP.1", tag="competency"
)


def test_a_column_is_made_found_changed_and_removed(lms: Lms) -> None:
    grades = lms.grades(1)
    assert grades.find_line_items(resource_id="mb:7.RP.1") == []
    made = grades.create_line_item(COLUMN)
    assert grades.find_line_items(resource_id="mb:7.RP.1", tag="competency") == [made]
    assert grades.find_line_items(tag="another") == []
    changed = grades.put_line_item(made.model_copy(update={"label": "Ratio"}))
    assert grades.fetch_line_item(made.id) == changed
    assert (changed.label, changed.resource_id) == ("Ratio", "mb:7.RP.1")
    for _ in range(2):
        grades.delete_line_item(OurColumn(made.id))
    with pytest.raises(DeliveryError) as error:
        grades.fetch_line_item(made.id)
    assert (error.value.code, error.value.permanent) == ("gone", True)


def soon(seconds: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def score(
    given: float, *, seconds: float = 0, comment: str | None = None
) -> FinalScore:
    return FinalScore(
        user_id="ana", given=given, maximum=4, at=soon(seconds), comment=comment
    )


def test_a_score_arrives_and_is_read_back(lms: Lms) -> None:
    grades = lms.grades(1)
    column = grades.create_line_item(COLUMN).id
    grades.post_score(column, score(3.2, comment="Proficient"))
    assert [
        (result.user_id, result.result_score, result.result_maximum)
        for result in grades.fetch_results(column)
    ] == [("ana", 3.2, 4.0)]
    assert list(grades.fetch_results(column, user_id="nobody")) == []
    grades.post_score(column, Withdrawal(user_id="ana", at=soon(1)))
    assert [result.result_score for result in grades.fetch_results(column)] in (
        [],
        [None],
    )


def test_no_score_can_be_written_without_a_number() -> None:
    hints = get_type_hints(FinalScore)
    assert (hints["given"], hints["maximum"]) == (float, float)
    assert get_type_hints(Progress)["held"] is FinalScore
    for kind in (FinalScore, Progress):
        for field_ in fields(kind):
            assert (field_.default is MISSING) == (field_.name not in OPTIONAL)


OPTIONAL = {"comment", "comment_is_new"}


@pytest.mark.parametrize("manners", [CANVAS, MOODLE, STANDARD], ids=lambda m: m.name)
def test_a_progress_update_leaves_grade_and_comment_as_they_are(
    world: World, lms: Lms, manners: Manners
) -> None:
    world.lms.manners = manners
    world.lms.gradebook = Gradebook(manners, world.lms.lock)
    vendor = manners.name if manners.name in PROFILES else "other"
    with world.database.write() as session:
        session.execute(placements.schema.registration.update().values(vendor=vendor))
    grades = lms.grades(1)
    column = grades.create_line_item(COLUMN).id
    grades.post_score(column, score(3.2, comment="Proficient"))
    (result,) = grades.fetch_results(column)
    held = held_score(result, at=AT)
    assert held is not None
    grades.post_score(
        column, Progress(held=held, activity=Activity.SUBMITTED, at=soon(5))
    )
    (grade,) = world.lms.results(column)
    assert (grade.score, grade.comment, grade.activity) == (
        3.2, "Proficient", "Submitted",
    )  # fmt: skip


def test_there_is_no_progress_where_no_score_is_held(lms: Lms) -> None:
    grades = lms.grades(1)
    column = grades.create_line_item(COLUMN).id
    grades.post_score(column, score(3.2))
    grades.post_score(column, Withdrawal(user_id="ana", at=soon(1)))
    found = [held_score(result, at=AT) for result in grades.fetch_results(column)]
    assert set(found) <= {None}


@pytest.mark.parametrize(
    ("vendor", "is_new", "sent"),
    [("canvas", True, "x"), ("canvas", False, None), ("other", False, "x")],
)
def test_a_comment_that_is_kept_beside_the_earlier_ones_is_sent_once(
    stage: Stage, vendor: str, sent: str | None, *, is_new: bool
) -> None:
    stage.profile = profile(vendor)
    stage.answer("/items/1/scores?type_id=2", (200, {}, ""))
    stage.grades().post_score(
        f"{stage.script.host}/items/1?type_id=2",
        FinalScore(
            user_id="7", given=1, maximum=4, at=AT, comment="x", comment_is_new=is_new
        ),
    )
    assert json.loads(stage.script.bodies[-1]).get("comment") == sent


@pytest.mark.parametrize("url", ["https://evil.example/1", "http://u@{host}/items/1"])
def test_a_column_elsewhere_is_sent_no_token(stage: Stage, url: str) -> None:
    url = url.replace("{host}", stage.script.host.partition("//")[2])
    item = AgsLineItem(id=url, label="x", score_maximum=1)
    grades = stage.grades()
    for call in (
        lambda: grades.post_score(url, score(1)),
        lambda: grades.put_line_item(item),
        lambda: grades.fetch_line_item(url),
        lambda: grades.delete_line_item(OurColumn(url)),
        lambda: list(grades.fetch_results(url)),
    ):
        with pytest.raises(DeliveryError) as error:
            call()
        assert (error.value.code, error.value.permanent) == ("address", True)
    assert stage.script.asked == []


def test_only_scopes_that_the_launch_granted_are_asked_for(stage: Stage) -> None:
    stage.answer("/items?type_id=2", (200, {}, "[]"))
    url = f"{stage.script.host}/items?type_id=2"
    grades = Grades(stage.caller(), url, [LINE_ITEM_SCOPE])
    assert grades.find_line_items() == []
    assert quote(LINE_ITEM_SCOPE, safe="") in stage.script.bodies[0]
    assert "readonly" not in stage.script.bodies[0]
    with pytest.raises(DeliveryError) as error:
        grades.post_score(f"{stage.script.host}/items/1", score(1))
    assert str(error.value) == (
        "the LMS grants this course no score service of Assignments and Grades; switch "
        "it on for the tool in the LMS, then open the tool once more"
    )


def grant(**more: object) -> tuple[int, dict[str, str], str]:
    return 200, {}, json.dumps({"access_token": "t", "expires_in": 3600} | more)


@pytest.mark.parametrize(
    ("expires_in", "good_for"),
    [
        (3600, 3540), ("1800", 1740), (120, 60), (30, 15), (10**9, 86_340),
        (None, 240), ("soon", 240), (-5, 240), (0, 240), (True, 240), ([], 240),
        ("nan", 240), ("inf", 86_340),
    ],
)  # fmt: skip
def test_a_token_is_used_as_long_as_its_life_allows(
    stage: Stage, expires_in: object, good_for: int
) -> None:
    stage.answer("/token", grant(expires_in=expires_in))
    for seconds, asked in ((0, 1), (good_for - 1, 1), (good_for, 2)):
        stage.now = AT + timedelta(seconds=seconds)
        stage.tokens.token(stage.client(), [SCORE_SCOPE])
        assert stage.count("/token") == asked


def test_a_token_for_less_than_was_asked_is_not_used_for_more(stage: Stage) -> None:
    stage.answer("/token", grant(scope=f"{LINE_ITEM_SCOPE}  other"))
    assert stage.tokens.token(stage.client(), [LINE_ITEM_SCOPE]) == "t"
    with pytest.raises(PlatformError) as error:
        stage.tokens.token(stage.client(), [SCORE_SCOPE])
    assert str(error.value) == (
        f"127.0.0.1 grants our client us no access to {SCORE_SCOPE}; switch that "
        "service on for the tool in the LMS"
    )


@pytest.mark.parametrize(
    "bad",
    [{"access_token": ""}, {"access_token": "a\r\nX: y"},
     {"access_token": "x" * 16_385}, {"token_type": "mac"}, {"access_token": None}],
    ids=str,
)  # fmt: skip
def test_what_is_no_bearer_token_is_refused(
    stage: Stage, bad: dict[str, object]
) -> None:
    stage.answer("/token", grant(**bad))
    with pytest.raises(PlatformError) as error:
        stage.tokens.token(stage.client(), [SCORE_SCOPE])
    assert error.value.code == "auth"


def test_a_platform_that_refuses_us_is_not_asked_again_at_once(stage: Stage) -> None:
    stage.answer("/token", (400, {}, "{}"), GRANT)
    for seconds, asked in ((0, 1), (29, 1)):
        stage.now = AT + timedelta(seconds=seconds)
        with pytest.raises(PlatformError):
            stage.tokens.token(stage.client(), [SCORE_SCOPE])
        assert stage.count("/token") == asked
    stage.now = AT + timedelta(seconds=30)
    assert stage.tokens.token(stage.client(), [SCORE_SCOPE]) == "t"


def test_a_platform_that_is_away_is_asked_again(stage: Stage) -> None:
    stage.answer("/token", (503, {}, ""), GRANT)
    with pytest.raises(PlatformError):
        stage.tokens.token(stage.client(), [SCORE_SCOPE])
    assert stage.tokens.token(stage.client(), [SCORE_SCOPE]) == "t"


def test_threads_that_want_one_token_ask_once(stage: Stage) -> None:
    gate = threading.Barrier(8)

    def want() -> str:
        gate.wait(60)
        return stage.tokens.token(stage.client(), [SCORE_SCOPE])

    with ThreadPoolExecutor(8) as pool:
        wanted = [pool.submit(want) for _ in range(8)]
        assert [one.result() for one in wanted] == ["t"] * 8
    assert stage.count("/token") == 1


def test_an_older_score_is_called_stale(lms: Lms) -> None:
    grades = lms.grades(1)
    column = grades.create_line_item(COLUMN).id
    grades.post_score(column, score(3))
    with pytest.raises(DeliveryError) as error:
        grades.post_score(column, score(2, seconds=-60))
    assert (error.value.code, error.value.permanent) == ("stale", True)
    assert str(error.value) == (
        "localhost answered 409: it holds a value as new as this one, or newer"
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"given": float("nan")},
        {"given": float("inf")},
        {"given": -0.1},
        {"given": True},
        {"given": None},
        {"given": "3"},
        {"maximum": True},
        {"maximum": -1},
        {"maximum": 0},
        {"maximum": float("nan")},
        {"user_id": ""},
        {"at": AT.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_what_is_no_score_is_not_sent(bad: dict[str, Any]) -> None:
    good = {"user_id": "7", "given": 1.0, "maximum": 4.0, "at": AT}
    with pytest.raises(DeliveryError) as error:
        FinalScore(**(good | bad)).wire()
    assert (error.value.code, error.value.permanent) == ("rejected", True)


@pytest.mark.parametrize(
    "bad",
    [
        {"label": " "},
        {"label": "x" * 256},
        {"tag": "x" * 256},
        {"resource_id": "x" * 256},
        {"score_maximum": 0},
        {"score_maximum": True},
    ],
    ids=lambda bad: next(iter(bad)) + str(len(str(bad))),
)
def test_what_is_no_column_is_not_made(bad: dict[str, Any]) -> None:
    good = {"label": "x", "score_maximum": 4, "resource_id": "r", "tag": "t"}
    with pytest.raises(DeliveryError):
        NewLineItem(**(good | bad)).wire()


def test_the_class_is_pulled_by_nrps_and_seated(world: World, lms: Lms) -> None:
    now = datetime.now(UTC)
    for number in range(120):
        world.lms.add_person(f"p{number}", f"G{number}", f"F{number}", "")
        world.lms.enroll("c1", f"p{number}", "learner")
    pull = pull_members(world.database, lms.members(1), 1, now=now)
    assert (pull.members, pull.ended) == (122, 0)
    assert world.count("seat") == 122
    world.lms.withdraw("c1", "p7")
    again = pull_members(world.database, lms.members(1), 1, now=now, is_full=True)
    assert (again.members, again.ended) == (121, 1)


def tokens_asked(world: World) -> int:
    return sum(call.path == "/lti/token" for call in world.lms.wire)


def test_a_token_is_asked_for_once_a_scope_set(world: World, lms: Lms) -> None:
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(lms.grades(1).find_line_items) for _ in range(6)]
        assert [call.result() for call in calls] == [[]] * 6
    assert tokens_asked(world) == 1
    lms.grades(1).create_line_item(COLUMN)
    assert tokens_asked(world) == 2


def test_a_refused_token_is_renewed_once(world: World, lms: Lms) -> None:
    grades = lms.grades(1)
    grades.find_line_items()
    world.lms.vault.revoke()
    assert grades.find_line_items() == []
    assert tokens_asked(world) == 2


def test_a_course_without_a_grade_service_says_what_to_do(
    world: World, lms: Lms
) -> None:
    with world.database.read() as session:
        place = placements.load_placement(session, 1)
    assert place["lti_deployment_id"] == world.deployment_id
    with world.database.write() as session:
        session.execute(placements.schema.placement.update().values(
            ags_line_items_url=None
        ))  # fmt: skip
    with pytest.raises(DeliveryError) as error:
        lms.grades(1)
    assert error.value.code == "no_service"


@dataclass
class Script:
    """A platform that answers by a script and remembers what it was asked."""

    answers: dict[str, list[tuple[int, dict[str, str], str]]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    host: str = ""

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        path = environ["PATH_INFO"]
        query = environ.get("QUERY_STRING")
        where = f"{path}?{query}" if query else path
        self.asked.append((where, environ.get("HTTP_AUTHORIZATION", "")))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.bodies.append(environ["wsgi.input"].read(length).decode())
        answers = self.answers[where]
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        told = [(name, value.replace("{host}", self.host))
                for name, value in headers.items()]  # fmt: skip
        start_response(f"{status} Told", told)
        return [body.encode()]


GRANT = (200, {"Content-Type": "text/html"}, '{"access_token":"t","expires_in":3600}')


class Stage:
    """Services called on a scripted platform."""

    def __init__(self, serve: Callable[..., str], port: int) -> None:
        self.now = AT
        self.script = Script({"/token": [GRANT]})
        self.script.host = serve(self.script, port)
        self.session = GuardedSession(frozenset({"127.0.0.1"}))
        self.tokens = Tokens(self.session, lambda: self.now)
        self.profile = profile("other")

    def client(self, registration_id: int = 1, client_id: str = "us") -> Client:
        return Client(
            registration_id=registration_id,
            client_id=client_id,
            token_url=f"{self.script.host}/token",
            token_audience=None,
            deployment_id="1",
            profile=self.profile,
            kid="k",
            private_key=KEY,
        )

    def caller(self) -> Caller:
        return Caller(self.session, self.tokens, self.client())

    def grades(self) -> Grades:
        return Grades(self.caller(), f"{self.script.host}/items?type_id=2")

    def answer(self, path: str, *answers: tuple[int, dict[str, str], str]) -> None:
        self.script.answers[path] = list(answers)

    def count(self, path: str) -> int:
        return sum(where == path for where, _ in self.script.asked)


@pytest.fixture
def stage(serve: Callable[..., str]) -> Stage:
    return Stage(serve, free_port())


def test_a_token_is_renewed_a_minute_before_it_ends(stage: Stage) -> None:
    for seconds, asked in ((0, 1), (3539, 1), (3540, 2)):
        stage.now = AT + timedelta(seconds=seconds)
        stage.tokens.token(stage.client(), [SCORE_SCOPE])
        assert stage.count("/token") == asked


def test_two_clients_of_one_issuer_never_share_a_token(stage: Stage) -> None:
    for client in (stage.client(), stage.client(2, "them"), stage.client(1, "them")):
        stage.tokens.token(client, [SCORE_SCOPE])
    assert stage.count("/token") == 3


@pytest.mark.parametrize(
    ("answer", "code", "permanent"),
    [
        ((400, {}, '{"error":"invalid_client"}'), "auth", True),
        ((404, {}, "<html>"), "auth", True),
        ((503, {}, ""), "platform", False),
        ((200, {}, "<html>sign in</html>"), "auth", True),
        ((200, {}, "{}"), "auth", True),
        ((302, {"Location": "/x"}, ""), "redirect", True),
    ],
)
def test_no_token_is_an_error_of_its_own_kind(
    stage: Stage, answer: tuple[int, dict[str, str], str], code: str, *, permanent: bool
) -> None:
    stage.answer("/token", answer)
    with pytest.raises(DeliveryError) as error:
        stage.grades().find_line_items()
    assert (error.value.code, error.value.permanent) == (code, permanent)


REFUSALS = [
    (401, {}, "", "other", "auth", True, None),
    (403, {}, "", "other", "forbidden", True, None),
    (403, {}, "403 Forbidden (Rate Limit Exceeded)", "canvas", "busy", False, None),
    (404, {}, "", "other", "gone", True, None),
    (409, {}, "", "moodle", "stale", True, None),
    (400, {}, '{"e":"before last updated timestamp"}', "canvas", "stale", True, None),
    (400, {}, '{"e":"bad user"}', "canvas", "rejected", True, None),
    (400, {}, '{"e":"timestamp"}', "other", "rejected", True, None),
    (422, {}, "", "other", "rejected", True, None),
    (429, {"Retry-After": "7"}, "", "other", "busy", False, 7.0),
    (429, {}, "", "other", "busy", False, None),
    (503, {"Retry-After": "Tue, 24 Nov 2026 12:01:00 GMT",
           "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, "", "other", "platform", False,
     60.0),
    (500, {"Retry-After": "soon"}, "", "other", "platform", False, None),
]  # fmt: skip


@pytest.mark.parametrize(
    "case",
    REFUSALS,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(REFUSALS)],
)
def test_each_refusal_has_its_kind(stage: Stage, case: tuple[Any, ...]) -> None:
    status, headers, body, vendor, code, permanent, retry_after = case
    stage.profile = profile(vendor)
    stage.answer("/items/1/scores?type_id=2", (status, headers, body))
    with pytest.raises(DeliveryError) as error:
        stage.grades().post_score(
            f"{stage.script.host}/items/1?type_id=2",
            FinalScore(user_id="7", given=1, maximum=4, at=AT),
        )
    found = error.value
    assert (found.code, found.permanent, found.retry_after) == (
        code, permanent, retry_after,
    )  # fmt: skip
    assert stage.count("/items/1/scores?type_id=2") == (2 if status == 401 else 1)


ITEM = {"id": "https://x/1", "label": "a", "scoreMaximum": 4}


def page(*links: str, number: int = 1) -> tuple[int, dict[str, str], str]:
    items = json.dumps([ITEM | {"id": f"https://x/{number}"}])
    return 200, {"Link": ", ".join(links)} if links else {}, items


def test_pages_are_followed_as_the_platform_names_them(stage: Stage) -> None:
    stage.answer(
        "/items?type_id=2", page("<{host}/items?page=bookmark:WyJB>; rel=next")
    )
    stage.answer(
        "/items?page=bookmark:WyJB",
        page('<{host}/items?p=3>; title="a, b"; rel="last next"', number=2),
    )
    stage.answer("/items?p=3", page('<{host}/items?p=1>; rel="prev"', number=3))
    found = stage.grades().find_line_items()
    assert [item.id for item in found] == [
        "https://x/1", "https://x/2", "https://x/3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "link",
    ["<https://evil.example/items>; rel=next", "<{host}/items?type_id=2>; rel=next"],
)
def test_a_next_page_elsewhere_or_seen_before_is_refused(
    stage: Stage, link: str
) -> None:
    stage.answer("/items?type_id=2", page(link))
    with pytest.raises(DeliveryError) as error:
        stage.grades().find_line_items()
    assert (error.value.code, error.value.permanent) == ("paging", True)
    assert [where for where, _ in stage.script.asked] == ["/token", "/items?type_id=2"]


@pytest.mark.parametrize("body", ["<html>", "{}", '[{"id":5}]', '[{"label":"x"}]'])
def test_an_answer_that_is_no_line_item_list_is_an_error(
    stage: Stage, body: str
) -> None:
    stage.answer("/items?type_id=2", (200, {}, body))
    with pytest.raises(DeliveryError) as error:
        stage.grades().find_line_items()
    assert error.value.code == "format"


@pytest.mark.parametrize(
    "body", ["<html>", "[]", "{}", '{"members":[{"roles":[]}]}', '{"members":[{"user']
)
def test_an_answer_that_is_no_member_list_is_an_error(stage: Stage, body: str) -> None:
    stage.answer("/members", (200, {}, body))
    with pytest.raises(PlatformError) as error:
        Members(stage.caller(), ONCE).roster(f"{stage.script.host}/members")
    assert error.value.code == "format"


def test_a_canvas_score_adds_no_attempt() -> None:
    extension = "https://canvas.instructure.com/lti/submission"
    assert dict(PROFILES["canvas"].score_extension) == {
        extension: {"new_submission": False}
    }


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ("", {}),
        ('<https://x/A?b=C>; rel="next"', {"next": "https://x/A?b=C"}),
        ("<https://x/1>;rel=next", {"next": "https://x/1"}),
        ("<a>; rel=prev, <b>; type=x; rel=NEXT", {"prev": "a", "next": "b"}),
        ('<a>; title="x, <y>; rel=next"; rel=last', {"last": "a"}),
        ('<a>; rel="first next"; rel=last', {"first": "a", "next": "a"}),
        ("<a>; rel=next, <b>; rel=next", {"next": "a"}),
        ("<a,b;c>; rel=next", {"next": "a,b;c"}),
        ("nonsense; rel=next", {}),
        ("<a>;; rel=next", {"next": "a"}),
        ("<a>; rel=next; anchor=/x, <b>; rel=next", {"next": "b"}),
        (
            "<https://x/?a=1&amp;b=2>; rel=\u00e2\u0080\u009cnext\u00e2\u0080\u009d",
            {"next": "https://x/?a=1&b=2"},
        ),
        ("<" * 60_000, {}),
        (f"<a>; x{' ' * 60_000}y", {}),
    ],
)
def test_a_link_header_is_read_as_rfc_8288_has_it(
    header: str, links: dict[str, str]
) -> None:
    assert parse_links(header) == links


@given(st.text(max_size=300))
def test_any_link_header_can_be_read(header: str) -> None:
    assert all(isinstance(target, str) for target in parse_links(header).values())
