"""What a real server of OneRoster 1.2 once answered arrives here complete.

The pages of Ed-Fi's server are replayed byte by byte over a real socket, without
``Link`` and ``X-Total-Count``, as they were recorded; what was not recorded is
cut out of the recorded rows with the same cap of 500.
"""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from oneroster.auth import BearerKey
from oneroster.client import Client
from oneroster.dialects import COLLECTIONS
from oneroster.errors import Problem
from oneroster.models import Record, User, format_record
from oneroster.service import Service

CAP = 500
NAMES = (
    "orgs",
    "schools",
    "academicSessions",
    "terms",
    "courses",
    "classes",
    "users",
    "students",
    "teachers",
    "enrollments",
    "demographics",
)


class Recording:
    """The recorded pages by collection and offset, and how they were asked for."""

    def __init__(self, folder: Path) -> None:
        self.pages: dict[tuple[str, int], bytes] = {}
        self.counts: Counter[str] = Counter()
        self.rows: dict[str, list[dict[str, object]]] = {}
        self.replayed: set[tuple[str, int]] = set()
        for entry in json.loads((folder / "index.json").read_text()):
            parts = urlsplit(entry["path"])
            name = parts.path.rsplit("/", 1)[-1]
            offset = int(parse_qs(parts.query)["offset"][0])
            body = gzip.decompress((folder / entry["file"]).read_bytes())
            self.pages[name, offset] = body
            self.counts[name] += entry["records"]
            sent = json.loads(body)[COLLECTIONS[name].key]
            self.rows.setdefault(name, []).extend(sent)

    def answer(self, name: str, offset: int) -> bytes:
        if (name, offset) in self.pages:
            self.replayed.add((name, offset))
            return self.pages[name, offset]
        rest = self.rows[name][offset : offset + CAP]
        return json.dumps({COLLECTIONS[name].key: rest}).encode()


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> Recording:
    return Recording(shared_data / "oneroster" / "edfi-oneroster-recorded")


@pytest.fixture(scope="module")
def service(recording: Recording) -> Iterator[Service]:
    class Replay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            offset = int(parse_qs(parts.query)["offset"][0])
            body = recording.answer(parts.path.rsplit("/", 1)[-1], offset)
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Service.at(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Arrived:
    """All collections, pulled once with the page size of the recording."""

    records: dict[str, list[Record]]
    proofs: set[str | None]
    problems: list[Problem]


@pytest.fixture(scope="module")
def arrived(service: Service) -> Arrived:
    client = Client(service, auth=BearerKey("any"), page_size=CAP)
    found = Arrived({}, set(), [])
    for name in NAMES:
        pull = client.pages(name)
        kept = found.records.setdefault(name, [])
        for page in pull:
            kept.extend(page.records)
            found.problems.extend(page.problems)
        found.proofs.add(pull.proof)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_collection_arrives_complete(
    recording: Recording, arrived: Arrived, name: str
) -> None:
    records = arrived.records[name]
    assert len(records) == recording.counts[name]
    assert [record.sourced_id for record in records] == [
        row["sourcedId"] for row in recording.rows[name]
    ]


def test_only_an_empty_page_proves_the_end_and_every_page_was_asked_for(
    recording: Recording, arrived: Arrived
) -> None:
    assert arrived.proofs == {"empty_page"}
    assert recording.replayed == set(recording.pages)


def test_a_larger_page_than_the_server_gives_loses_nothing(
    recording: Recording, service: Service
) -> None:
    client = Client(service, auth=BearerKey("any"), page_size=1000)
    assert sum(1 for _ in client.users()) == recording.counts["users"]


def test_the_counts_are_those_of_the_index(recording: Recording) -> None:
    assert recording.counts == {
        "orgs": 2,
        "schools": 2,
        "academicSessions": 5,
        "terms": 0,
        "courses": 60,
        "classes": 240,
        "users": 1780,
        "students": 1500,
        "teachers": 80,
        "enrollments": 12240,
        "demographics": 1500,
    }


def test_no_recorded_record_is_rejected_or_doubted(arrived: Arrived) -> None:
    assert arrived.problems == []


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_record_is_written_as_it_was_read(
    recording: Recording, arrived: Arrived, name: str
) -> None:
    rows = recording.rows[name][:CAP]
    written = [format_record(record) for record in arrived.records[name][:CAP]]
    # A user without e-mail has the username "", which is read as none at all.
    assert [_filled(row) for row in written] == [_filled(row) for row in rows]


def _filled(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if value != ""}


def test_a_student_of_two_schools_is_sent_twice_with_one_identifier(
    arrived: Arrived,
) -> None:
    users = [user for user in arrived.records["users"] if isinstance(user, User)]
    assert len({user.sourced_id for user in users}) == 1780
    assert len({user.identifier for user in users}) == 1280
    assert sum(user.username is None for user in users) == 700
