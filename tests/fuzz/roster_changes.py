"""How the input of a sync is changed by chance, and what it then still says."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.faults.sis import Asked, Reply, Row, Sis

Served = dict[str, list[bytes]]
"""The bodies of a collection as they went out."""


@dataclass
class Named:
    """The sourcedIds a collection was sent with.

    ended: those said to be deleted. has_nameless: a row's could not be told.
    """

    active: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    has_nameless: bool = False

    def note(self, key: object, status: object) -> None:
        text = str(key)
        if not isinstance(key, str | int | float) or not text or text != text.strip():
            self.has_nameless = True
        elif str(status).strip().lower() in {"tobedeleted", "inactive"}:
            self.ended.add(text)
        else:
            self.active.add(text)


COLLECTIONS = (
    "orgs",
    "academicSessions",
    "courses",
    "classes",
    "users",
    "enrollments",
    "categories",
    "lineItems",
    "results",
)
ODD: tuple[object, ...] = (
    None,
    "",
    " ",
    0,
    -1,
    7.5,
    1e308,
    float("nan"),
    float("inf"),
    10**400,
    True,
    [],
    {},
    [[]],
    [None],
    {"sourcedId": None},
    {"sourcedId": "s001"},
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202eabc",
    "x" * 300,
    "y" * 140_000,
    "tobedeleted",
    "inactive",
    "active",
    "9999-12-31T23:59:59Z",
    "0000-00-00",
    "2026-13-45",
    "'; DROP TABLE sis_user; --",
    "{{7*7}}",
    "../../etc/passwd",
    "s001",
    "t",
    "a",
    "school",
)
STATUSES = (201, 204, 206, 301, 304, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503)
HEADERS: tuple[dict[str, str], ...] = (
    {"X-Total-Count": "many"},
    {"X-Total-Count": "-1"},
    {"X-Total-Count": "0"},
    {"X-Total-Count": "9" * 400},
    {"X-Total-Count": "9" * 5000},
    {"Link": "<http://127.0.0.1:x/y>; rel=next"},
    {"Location": "http://["},
    {"Location": "http://127.0.0.1:x/y"},
    {"Retry-After": "9" * 400},
    {"Retry-After": "-5"},
    {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"},
    {"Retry-After": "Fri, 31 Dec 0000 23:59:59 GMT"},
    {"X-Total-Count": "²"},
    {"Link": "<http://[>; rel=next"},
    {"Link": "garbage"},
    {"Link": "<>; rel=next"},
    {"Link": "<?offset=0>; rel=next"},
    {"Link": "<http://127.0.0.1:1/x>; rel=next"},
    {"Link": '<javascript:alert(1)>; rel="next"'},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "deflate"},
    {"Content-Encoding": "br, zstd"},
    {"Content-Type": "text/html; charset=no-such"},
    {"Retry-After": "soon"},
    {"Date": "never"},
)
TOKENS = (
    b'"',
    b"\n",
    b"\r",
    b",",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b'""',
    b"{",
    b"'",
)


def change_pages(sis: Sis, chance: random.Random) -> Served:
    """Change what the service sends; the bodies sent are noted in what is returned."""
    for _ in range(chance.randint(1, 3)):
        chance.choice(ROW_CHANGES)(sis, chance)
    served: Served = {}
    wire = chance.choice((None, None, None, *WIRE_CHANGES))
    victim = chance.choice(COLLECTIONS)
    skip = chance.randint(0, 1)

    def note(asked: Asked, usual: Reply) -> Reply:
        nonlocal skip
        reply = usual
        if wire is not None and asked.name == victim:
            if skip == 0:
                reply = wire(usual, chance)
            skip = max(skip - 1, 0)
        served.setdefault(asked.name, []).append(reply.body)
        return reply

    for name in COLLECTIONS:
        sis.play(name, note)
    return served


def named_in_pages(served: Served) -> dict[str, Named]:
    """What was sent of each collection, page by page."""
    found = {name: Named() for name in COLLECTIONS}
    for name, named in found.items():
        for body in served.get(name, []):
            for row in _rows(name, body):
                sent = row if isinstance(row, dict) else {}
                named.note(sent.get("sourcedId"), sent.get("status"))
    return found


def _rows(name: str, body: bytes) -> list[Any]:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        return []
    rows = page.get(name) if isinstance(page, dict) else None
    return rows if isinstance(rows, list) else []


def _some(sis: Sis, chance: random.Random) -> tuple[list[Row], int]:
    filled = [name for name in COLLECTIONS if sis.rows[name]]
    rows = sis.rows[chance.choice(filled)]
    return rows, chance.randrange(len(rows))


def _spoil(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    if isinstance(rows[at], dict):
        rows[at][chance.choice(list(rows[at]))] = chance.choice(ODD)


def _spoil_deep(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    if not isinstance(rows[at], dict):
        return
    inner = [one for one in rows[at].values() if isinstance(one, dict) and one]
    inner += [
        part
        for one in rows[at].values()
        if isinstance(one, list)
        for part in one
        if isinstance(part, dict)
    ]
    if inner:
        part = chance.choice(inner)
        part[chance.choice(list(part))] = chance.choice(ODD)


def _lose_field(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    if isinstance(rows[at], dict) and rows[at]:
        del rows[at][chance.choice(list(rows[at]))]


def _add_field(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    if isinstance(rows[at], dict):
        name = chance.choice(["metadata", "roles", "parent", "grades", "x", "\x00"])
        rows[at][name] = chance.choice(ODD)


def _replace_row(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    odd: Any = chance.choice(ODD)
    rows[at] = odd


def _repeat(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    if isinstance(rows[at], dict):
        rows.insert(chance.randrange(len(rows)), dict(rows[at]))


def _lose_rows(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    del rows[at : at + chance.choice([1, 1, 2, 5, 20, 1000])]


def _swap(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    other = chance.randrange(len(rows))
    one, two = rows[at], rows[other]
    if isinstance(one, dict) and isinstance(two, dict):
        one["sourcedId"], two["sourcedId"] = two.get("sourcedId"), one.get("sourcedId")


def _end_rows(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    for row in rows[at : at + chance.choice([1, 3, 1000])]:
        if isinstance(row, dict):
            row["status"] = "tobedeleted"


def _nest(sis: Sis, chance: random.Random) -> None:
    rows, at = _some(sis, chance)
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    if isinstance(rows[at], dict):
        rows[at][chance.choice(["metadata", "grades", "org"])] = deep


ROW_CHANGES: tuple[Callable[[Sis, random.Random], None], ...] = (
    _spoil,
    _spoil,
    _spoil,
    _spoil_deep,
    _spoil_deep,
    _lose_field,
    _add_field,
    _replace_row,
    _repeat,
    _lose_rows,
    _swap,
    _end_rows,
    _nest,
)


def _body(usual: Reply, chance: random.Random) -> Reply:
    return replace(usual, body=change_bytes(usual.body, chance))


def _odd_body(usual: Reply, chance: random.Random) -> Reply:
    odd = json.dumps(chance.choice(ODD)).encode()
    return replace(usual, body=chance.choice([b"", b"null", b"[", b"\xff", odd]))


def _deep_body(usual: Reply, _chance: random.Random) -> Reply:
    return replace(usual, body=b"[" * 100_000)


def _status(usual: Reply, chance: random.Random) -> Reply:
    headers = {**usual.headers, **chance.choice([{}, *HEADERS])}
    return replace(usual, status=chance.choice(STATUSES), headers=headers)


def _header(usual: Reply, chance: random.Random) -> Reply:
    return replace(usual, headers={**usual.headers, **chance.choice(HEADERS)})


def _key(usual: Reply, chance: random.Random) -> Reply:
    page = json.loads(usual.body)
    rows = next(iter(page.values()), [])
    return replace(usual, body=json.dumps({chance.choice(COLLECTIONS): rows}).encode())


def _cut(usual: Reply, chance: random.Random) -> Reply:
    return replace(usual, cut=chance.randrange(len(usual.body) + 1))


WIRE_CHANGES: tuple[Callable[[Reply, random.Random], Reply], ...] = (
    _body,
    _odd_body,
    _deep_body,
    _status,
    _header,
    _header,
    _key,
    _cut,
)


def change_bytes(octets: bytes, chance: random.Random) -> bytes:
    """Flip, lose, repeat or put in a few bytes."""
    changed = bytearray(octets)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        to = at + chance.choice([1, 2, 10, 200])
        kind = chance.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[at:to]
        elif kind == 2:
            changed[at:at] = changed[at:to]
        elif kind == 3:
            changed[at:at] = chance.choice(TOKENS)
        elif chance.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def change_files(folder: Path, chance: random.Random) -> None:
    """Change some files of a bundle."""
    for _ in range(chance.randint(1, 3)):
        files = sorted(folder.iterdir())
        if files:
            chance.choice(FILE_CHANGES)(chance.choice(files), chance)


def named_in_files(folder: Path) -> dict[str, Named]:
    """What is there of each collection, read as leniently as can be."""
    found = {name: Named() for name in COLLECTIONS}
    usual = csv.field_size_limit(10**9)
    for name, named in found.items():
        path = folder / f"{name}.csv"
        text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
        heads = [head.strip() for head in rows[0]] if rows else []
        if "sourcedId" not in heads:
            continue
        place = heads.index("sourcedId")
        state = heads.index("status") if "status" in heads else len(heads)
        for row in filter(None, rows[1:]):
            key = row[place] if place < len(row) else ""
            named.note(key, row[state] if state < len(row) else "")
    csv.field_size_limit(usual)
    return found


def _change_octets(path: Path, chance: random.Random) -> None:
    path.write_bytes(change_bytes(path.read_bytes(), chance))


def _lose_file(path: Path, _chance: random.Random) -> None:
    path.unlink()


def _rename(path: Path, chance: random.Random) -> None:
    others = ["Users.csv", "users.CSV", "roles.csv", "extra.csv", "orgs.csv"]
    path.rename(path.with_name(chance.choice(others)))


def _empty(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.choice([b"", b"\n", b"\xef\xbb\xbf", b"sourcedId\n"]))


def _change_cells(path: Path, chance: random.Random) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not rows:
        return
    for _ in range(chance.randint(1, 3)):
        row = chance.choice(rows)
        odd = str(chance.choice(ODD)).encode("utf-8", "replace").decode()
        row[chance.randrange(len(row))] = odd
    if chance.random() < 0.3:
        rows.append(chance.choice(rows))
    if chance.random() < 0.2:
        chance.choice(rows).append("more")
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    path.write_bytes(out.getvalue().encode())


def _lose_lines(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    at = chance.randrange(len(lines) + 1)
    del lines[at : at + chance.choice([1, 2, 8, 100])]
    path.write_bytes(b"".join(lines))


def _change_manifest(path: Path, chance: random.Random) -> None:
    place = path.with_name("manifest.csv")
    if place.exists():
        old = chance.choice([b"bulk", b"absent", b"1.2", b"file.", b"propertyName"])
        new = chance.choice([b"delta", b"bulk", b"absent", b"1.1", b"1.3", b"", b"x"])
        place.write_bytes(place.read_bytes().replace(old, new, chance.choice([1, -1])))


FILE_CHANGES: tuple[Callable[[Path, random.Random], None], ...] = (
    *[_change_octets] * 6,
    *[_change_cells] * 9,
    *[_lose_lines] * 4,
    _lose_file,
    _rename,
    _empty,
    _change_manifest,
)
