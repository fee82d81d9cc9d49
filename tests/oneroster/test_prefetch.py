"""Pages may be fetched ahead, and arrive as if they had not been."""

import json
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from oneroster.auth import BearerKey
from oneroster.client import Client
from oneroster.errors import PagingError, StatusError
from oneroster.pull import Kept, Mark, Pull
from oneroster.service import Service
from oneroster.transport import Patience

Serve = Callable[..., Any]
Asked = Any
Reply = Any
STEP = 50


def rows(first: int, last: int) -> bytes:
    sent = [
        {"sourcedId": f"o-{at:05}", "status": "active"} for at in range(first, last)
    ]
    return json.dumps({"orgs": sent}).encode()


def client(url: str, prefetch: int, *, sorts: bool = True) -> Client:
    patience = Patience(sleep=lambda _: None, jitter=lambda: 1.0)
    return Client(
        Service.at(url),
        auth=BearerKey("k"),
        page_size=STEP,
        patience=patience,
        prefetch=prefetch,
        sorts=sorts,
    )


def paging(
    count: int, *, total: bool = True, shrink_at: int = -1, link: str = ""
) -> Callable[[Asked], Reply]:
    """Serve so many orgs; the page at ``shrink_at`` is ten rows short."""

    def answer(asked: Asked) -> Reply:
        offset = int(asked.query["offset"])
        end = min(offset + STEP, count)
        if offset == shrink_at:
            end -= 10
        headers = {"X-Total-Count": str(count)} if total else {}
        if link and end < count:
            target = f"{asked.path}?limit={STEP}&{link}={end}&offset={end}"
            if link != "offset":
                target = target.rsplit("&", 1)[0]
            headers["Link"] = f'<{target}>; rel="next"'
        return asked.reply(rows(offset, end), headers=headers)

    return answer


def read(asking: Client) -> list[str]:
    return [org.sourced_id for org in asking.orgs()]


def everything(count: int) -> list[str]:
    return [f"o-{at:05}" for at in range(count)]


@pytest.mark.parametrize(
    "manner",
    [{}, {"total": False}, {"shrink_at": 150}, {"link": "offset"}],
    ids=str,
)
def test_a_collection_fetched_ahead_arrives_whole_and_in_order(
    serve: Serve, manner: dict[str, Any]
) -> None:
    peer = serve(paging(520, **manner))
    assert read(client(peer.url, 4)) == everything(520)


def test_no_more_pages_are_under_way_than_allowed_and_none_is_asked_twice(
    serve: Serve,
) -> None:
    lock, under_way, most = threading.Lock(), [0], [0]
    together = threading.Barrier(3)
    pages = paging(500)

    def answer(asked: Asked) -> Reply:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        if asked.query["offset"] in {"50", "100", "150"}:
            together.wait(timeout=20)
        reply = pages(asked)
        with lock:
            under_way[0] -= 1
        return reply

    peer = serve(answer)
    assert read(client(peer.url, 3)) == everything(500)
    assert most[0] == 3
    offsets = sorted(int(asked.query["offset"]) for asked in peer.asked)
    assert offsets == list(range(0, 500, STEP))


def test_one_page_at_a_time_is_what_is_asked_for_by_default(serve: Serve) -> None:
    peer = serve(paging(200))
    pull = client(peer.url, 1).pages("orgs")
    next(pull)
    assert len(peer.asked) == 1


def test_a_page_refused_in_the_middle_ends_the_pull_there(serve: Serve) -> None:
    pages = paging(500)

    def answer(asked: Asked) -> Reply:
        is_refused = asked.query["offset"] == "100"
        return asked.reply(b"", 400) if is_refused else pages(asked)

    pull = client(serve(answer).url, 4).pages("orgs")
    with pytest.raises(StatusError):
        list(pull)
    assert (pull.received, pull.proof) == (100, None)


def test_a_page_lost_by_the_network_is_asked_for_again_alone(serve: Serve) -> None:
    pages = paging(500)
    losses = [7]

    def answer(asked: Asked) -> Reply:
        if asked.query["offset"] == "100" and losses[0]:
            losses[0] -= 1
            return asked.reply(b"{", cut=True)
        return pages(asked)

    assert read(client(serve(answer).url, 4)) == everything(500)


def test_a_total_that_moves_is_seen_in_a_page_fetched_ahead(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        offset = int(asked.query["offset"])
        total = 400 if offset == 150 else 500
        headers = {"X-Total-Count": str(total)}
        return asked.reply(rows(offset, offset + STEP), headers=headers)

    with pytest.raises(PagingError) as caught:
        read(client(serve(answer).url, 4))
    assert caught.value.code == "unstable_source"


def test_links_that_name_no_offset_are_followed_one_by_one(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        at = int(asked.query.get("after", "0"))
        headers = {"X-Total-Count": "150"}
        if at + STEP < 150:
            headers["Link"] = f'<{asked.path}?after={at + STEP}>; rel="next"'
        return asked.reply(rows(at, at + STEP), headers=headers)

    peer = serve(answer)
    assert read(client(peer.url, 4)) == everything(150)
    assert len(peer.asked) == 3


def test_a_service_that_sorts_nothing_is_not_asked_to(serve: Serve) -> None:
    peer = serve(paging(10))
    read(client(peer.url, 1, sorts=False))
    assert "sort" not in peer.asked[0].query


@pytest.mark.parametrize("prefetch", [1, 4])
def test_memory_is_bounded_by_the_pages_under_way(serve: Serve, prefetch: int) -> None:
    def peak(count: int) -> int:
        asking = client(serve(paging(count)).url, prefetch)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert sum(1 for _ in asking.orgs()) == count
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peak(200)
        few, many = peak(1_000), peak(5_000)
    finally:
        tracemalloc.stop()
    # Five times the rows; a second page's worth would be some 60 kB.
    assert many < 1.5 * few + 300_000


def keeping(
    url: str, into: list[Kept], mark: Mark | None = None, kept: Kept | None = None
) -> Pull:
    pull = client(url, 1).pages("orgs", mark=mark, kept=kept)
    pull.keep = into.append
    return pull


def test_who_keeps_a_page_has_the_next_one_under_way_and_no_other(serve: Serve) -> None:
    came = threading.Event()
    pages = paging(200)

    def answer(asked: Asked) -> Reply:
        if asked.query["offset"] == "50":
            came.set()
        return pages(asked)

    peer, kept = serve(answer), list[Kept]()
    pull = keeping(peer.url, kept)
    next(pull)
    assert came.wait(20)
    assert [one.offset for one in kept] == [0]
    assert len(peer.asked) == 2
    found = [record.sourced_id for page in pull for record in page.records]
    assert found == everything(200)[STEP:]
    assert [one.offset for one in kept] == [0, 50, 100, 150]
    assert len(peer.asked) == 4


def test_a_kept_page_is_not_asked_for_again_and_its_last_row_proves_the_rest(
    serve: Serve,
) -> None:
    came = threading.Event()
    pages = paging(200)

    def answer(asked: Asked) -> Reply:
        if asked.query["offset"] == "100":
            came.set()
        return pages(asked)

    peer, kept = serve(answer), list[Kept]()
    first = keeping(peer.url, kept)
    next(first)
    mark = first.mark
    next(first)
    assert came.wait(20)  # what it has under way is not what is asked for again
    peer.asked.clear()
    again = keeping(peer.url, [], mark=mark, kept=kept[1])
    found = [record.sourced_id for page in again for record in page.records]
    assert (found, again.proof) == (everything(200)[STEP:], "total")
    offsets = [asked.query["offset"] for asked in peer.asked if "offset" in asked.query]
    assert offsets[-3:] == ["99", "149", "199"]
    assert "50" not in offsets


def test_a_page_kept_of_what_was_read_already_is_not_believed(serve: Serve) -> None:
    peer, kept = serve(paging(200)), list[Kept]()
    first = keeping(peer.url, kept)
    next(first)
    again = keeping(peer.url, [], mark=first.mark, kept=kept[0])
    found = [record.sourced_id for page in again for record in page.records]
    assert found == everything(200)[STEP:]


def test_a_collection_that_moved_after_a_kept_page_is_seen(serve: Serve) -> None:
    peer, kept = serve(paging(200)), list[Kept]()
    next(keeping(peer.url, kept))
    moved = Kept(0, kept[0].body.replace(b"o-00049", b"o-00048x"), kept[0].headers)
    with pytest.raises(PagingError) as caught:
        list(keeping(peer.url, [], kept=moved))
    assert caught.value.code == "unstable_source"
