"""A made-up district of any size as OneRoster 1.2: CSV bundles and REST pages.

Every row is worked out from its number, so that a bundle, the pages and a changed copy
of both tell of the same district, whatever its size, with nothing held in memory.
Imports nothing of the product. Source: facts/performance.md, benchmark suite.

>>> python -m benchmarks.generate --size M district.zip
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

SIZES: Final = {"S": 0.01, "M": 0.1, "L": 1.0}
Variant = Literal["first", "changed", "delta"]

STUDENTS, TEACHERS, CLASSES, SCHOOLS = 100_000, 6_000, 12_000, 100
SEATS, LINE_ITEMS, RESULTS = 700_000, 60_000, 2_000_000
# Of a thousand rows or so: this one changed, this one is gone.
EVERY_CHANGED, EVERY_GONE, ADDED = 200, 2_000, 0.0005
CHANGED, GONE = 7, 11
BEFORE, AFTER = "2026-09-01T06:00:00.000Z", "2026-11-20T06:00:00.000Z"
NAMES: Final = ("Ana", "Ben", "Chloé", "Dao", "Eli", "Fatima", "Gus", "Hana")
FAMILIES: Final = ("Abbot", "Bauer", "Castillo", "Dupont", "Eze", "Fox", "Güler")

FILES: Final[dict[str, str]] = {
    "orgs": "name type identifier parentSourcedId",
    "academicSessions": "title type startDate endDate parentSourcedId schoolYear",
    "courses": "schoolYearSourcedId title courseCode grades orgSourcedId subjects "
    "subjectCodes",
    "classes": "title grades courseSourcedId classCode classType location "
    "schoolSourcedId termSourcedIds subjects subjectCodes periods",
    "users": "enabledUser username userIds givenName familyName middleName identifier "
    "email sms phone agentSourcedIds grades password userMasterIdentifier "
    "preferredGivenName preferredMiddleName preferredFamilyName primaryOrgSourcedId "
    "pronouns",
    "roles": "userSourcedId roleType role beginDate endDate orgSourcedId "
    "userProfileSourcedId",
    "enrollments": "classSourcedId schoolSourcedId userSourcedId role primary "
    "beginDate endDate",
    "categories": "title weight",
    "lineItems": "title description assignDate dueDate classSourcedId "
    "categorySourcedId academicSessionSourcedId resultValueMin resultValueMax "
    "schoolSourcedId",
    "results": "lineItemSourcedId studentSourcedId scoreStatus score scoreDate "
    "comment textScore classSourcedId inProgress incomplete late missing",
}
ABSENT: Final = [
    "classResources",
    "courseResources",
    "demographics",
    "lineItemLearningObjectiveIds",
    "lineItemScoreScales",
    "resources",
    "resultLearningObjectiveIds",
    "resultScoreScales",
    "scoreScales",
    "userProfiles",
    "userResources",
]
ROOMS: Final = {"categories": "gradebook", "lineItems": "gradebook"} | {
    "results": "gradebook"
}
MOVING: Final = ("users", "roles", "enrollments", "results")
ENDING: Final = ("enrollments", "results")
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class District:
    """The district: how large, which ids, and as it was or as it is now."""

    size: float = 0.01
    seed: int = 7
    ids: Literal["random", "ascending"] = "random"
    variant: Variant = "first"

    def rows(self, name: str) -> Iterator[Row]:
        """Yield the rows of a file; a delta has only what differs."""
        made: Callable[[int], Row] = getattr(self, f"_{name}")
        count, moves = self.count(name), name in MOVING
        stamp = {"status": "active", "dateLastModified": AFTER}
        for number in range(count):
            how = self._fate(name, number)
            if how == "gone" and self.variant == "changed":
                continue
            if how == "same" and self.variant == "delta":
                continue
            row = made(number)
            if how == "changed":
                self._alter(name, row)
            if self.variant == "delta":
                row |= stamp | ({"status": "tobedeleted"} if how == "gone" else {})
            yield row
        if moves and self.variant != "first":
            for number in range(count, count + max(1, round(count * ADDED))):
                yield made(number) | (stamp if self.variant == "delta" else {})

    def _fate(self, name: str, number: int) -> str:
        """What became of a row since: same, changed or gone."""
        if self.variant == "first" or name not in MOVING:
            return "same"
        if name in ENDING and number % EVERY_GONE == GONE:
            return "gone"
        return "changed" if number % EVERY_CHANGED == CHANGED else "same"

    def count(self, name: str) -> int:
        """How many rows a file has before anything changed."""
        full = {
            "orgs": SCHOOLS + 1,
            "courses": SCHOOLS * 20,
            "classes": CLASSES,
            "users": STUDENTS + TEACHERS,
            "roles": STUDENTS + TEACHERS,
            "enrollments": SEATS,
            "lineItems": LINE_ITEMS,
            "results": RESULTS,
        }
        fixed = {"academicSessions": 3, "categories": 2}
        return fixed.get(name) or max(2, round(full[name] * self.size))

    def name(self, kind: str, number: int) -> str:
        """The sourcedId of the row of a number."""
        if self.ids == "ascending":
            return f"{kind}-{number:09d}"
        text = f"{self.seed}:{kind}:{number}".encode()
        return str(UUID(bytes=blake2b(text, digest_size=16).digest()))

    def _alter(self, name: str, row: Row) -> None:
        if name == "users":
            row["givenName"] += "a"
        elif name == "enrollments":
            row["primary"] = "true"
        elif name == "results":
            row["score"] = "9.5"

    def _orgs(self, number: int) -> Row:
        kind = "school" if number else "district"
        return {
            "sourcedId": self.name("org", number),
            "name": f"Lakeside {number}",
            "type": kind,
            "identifier": f"{number:04d}",
            "parentSourcedId": self.name("org", 0) if number else "",
        }

    def _academicSessions(self, number: int) -> Row:  # noqa: N802 -- named as its file
        starts = ("2026-08-20", "2026-08-20", "2027-01-15")
        ends = ("2027-06-10", "2027-01-14", "2027-06-10")
        return {
            "sourcedId": self.name("term", number),
            "title": f"Session {number}",
            "type": "term" if number else "schoolYear",
            "startDate": starts[number],
            "endDate": ends[number],
            "parentSourcedId": self.name("term", 0) if number else "",
            "schoolYear": "2027",
        }

    def _courses(self, number: int) -> Row:
        return {
            "sourcedId": self.name("course", number),
            "title": f"Mathematics {number % 20}",
            "courseCode": f"MA{number % 20:02d}",
            "grades": "07",
            "orgSourcedId": self.name("org", 0),
            "subjects": "Mathematics",
        }

    def _school_of_class(self, number: int) -> str:
        return self.name("org", 1 + number % (self.count("orgs") - 1))

    def _classes(self, number: int) -> Row:
        course = number % self.count("courses")
        return {
            "sourcedId": self.name("class", number),
            "title": f"Mathematics {number % 20}, section {number}",
            "grades": "07",
            "courseSourcedId": self.name("course", course),
            "classCode": f"C{number}",
            "classType": "scheduled",
            "schoolSourcedId": self._school_of_class(number),
            "termSourcedIds": self.name("term", 1),
            "subjects": "Mathematics",
            "periods": "1,2",
        }

    def is_teacher(self, number: int) -> bool:
        """Whether the user of a number teaches."""
        return number < max(2, round(TEACHERS * self.size))

    def _users(self, number: int) -> Row:
        school = self.name("org", 1 + number % (self.count("orgs") - 1))
        return {
            "sourcedId": self.name("user", number),
            "enabledUser": "true",
            "username": f"u{number}",
            "userIds": f"{{Local:{number}}}",
            "givenName": NAMES[number % 8],
            "familyName": f"{FAMILIES[number % 7]}-{number % 997}",
            "identifier": str(100_000 + number),
            "email": f"u{number}@school.example",
            "grades": "" if self.is_teacher(number) else "07",
            "primaryOrgSourcedId": school,
        }

    def _roles(self, number: int) -> Row:
        school = self.name("org", 1 + number % (self.count("orgs") - 1))
        return {
            "sourcedId": self.name("role", number),
            "userSourcedId": self.name("user", number),
            "roleType": "primary",
            "role": "teacher" if self.is_teacher(number) else "student",
            "orgSourcedId": school,
        }

    def _enrollments(self, number: int) -> Row:
        classes = self.count("classes")
        teachers = max(2, round(TEACHERS * self.size))
        students = self.count("users") - teachers
        place = number % classes
        if number < classes:
            user, role = number % teachers, "teacher"
        else:
            user, role = teachers + (number * 7919) % students, "student"
        return {
            "sourcedId": self.name("seat", number),
            "classSourcedId": self.name("class", place),
            "schoolSourcedId": self._school_of_class(place),
            "userSourcedId": self.name("user", user),
            "role": role,
            "primary": "false",
            "beginDate": "2026-08-20",
            "endDate": "2027-06-11",
        }

    def _categories(self, number: int) -> Row:
        title = ("Homework", "Test")[number]
        return {"sourcedId": self.name("category", number), "title": title}

    def _lineItems(self, number: int) -> Row:  # noqa: N802 -- named as its file
        place = number % self.count("classes")
        return {
            "sourcedId": self.name("work", number),
            "title": f"Unit {number // self.count('classes')}: exit ticket",
            "assignDate": "2026-09-01",
            "dueDate": f"2026-10-{1 + number % 28:02d}",
            "classSourcedId": self.name("class", place),
            "categorySourcedId": self.name("category", number % 2),
            "academicSessionSourcedId": self.name("term", 1),
            "resultValueMin": "0",
            "resultValueMax": "10",
            "schoolSourcedId": self._school_of_class(place),
        }

    def _results(self, number: int) -> Row:
        work = number % self.count("lineItems")
        seats, classes = self.count("enrollments"), self.count("classes")
        # A seat of the work's own class that is no teacher's.
        place = work % classes
        turn = 1 + (number // self.count("lineItems")) % max(1, seats // classes - 1)
        seat = min(place + turn * classes, seats - 1)
        return {
            "sourcedId": self.name("result", number),
            "lineItemSourcedId": self.name("work", work),
            "studentSourcedId": self._enrollments(seat)["userSourcedId"],
            "scoreStatus": "fully graded",
            "score": str((number * 31) % 21 / 2),
            "scoreDate": f"2026-10-{1 + number % 28:02d}",
        }


def write_bundle(
    district: District, path: Path, *, ending: str = "\r\n"
) -> dict[str, int]:
    """Write the district as a zip of CSV files; returns the rows of each file."""
    counts = {}
    mode = "delta" if district.variant == "delta" else "bulk"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, words in FILES.items():
            columns = ["sourcedId", "status", "dateLastModified", *words.split()]
            with archive.open(f"{name}.csv", "w", force_zip64=True) as raw:
                text = io.TextIOWrapper(raw, "utf-8", newline="")
                writer = csv.DictWriter(
                    text, columns, restval="", lineterminator=ending
                )
                writer.writeheader()
                count = 0
                for row in district.rows(name):
                    writer.writerow(row)
                    count += 1
                text.close()
            counts[name] = count
        archive.writestr("manifest.csv", _manifest(counts, mode))
    return counts


def _manifest(counts: dict[str, int], mode: str) -> str:
    lines = [
        "propertyName,value",
        "manifest.version,1.0",
        "oneroster.version,1.2",
        *(f"file.{name},{mode if counts[name] else 'absent'}" for name in counts),
        *(f"file.{name},absent" for name in ABSENT),
    ]
    return "\r\n".join(lines) + "\r\n"


def write_pages(district: District, folder: Path, limit: int) -> dict[str, int]:
    """Write every page a service would send, one file each; returns the totals.

    A file is named after its collection and the rows before it.
    """
    totals = {}
    for name in FILES:
        if name == "roles":
            continue
        rows, offset = district.rows(name), 0
        while page := list(islice(rows, limit)):
            shaped = [_shaped(district, name, row) for row in page]
            body = json.dumps({name: shaped}, separators=(",", ":"))
            (folder / f"{name}.{offset}.json").write_text(body)
            offset += len(page)
        totals[name] = offset
    return totals


REFERENCES: Final = {
    "parentSourcedId": ("parent", "org"),
    "courseSourcedId": ("course", "course"),
    "schoolSourcedId": ("school", "org"),
    "orgSourcedId": ("org", "org"),
    "classSourcedId": ("class", "class"),
    "userSourcedId": ("user", "user"),
    "studentSourcedId": ("student", "user"),
    "lineItemSourcedId": ("lineItem", "lineItem"),
    "categorySourcedId": ("category", "category"),
    "academicSessionSourcedId": ("academicSession", "academicSession"),
    "primaryOrgSourcedId": ("primaryOrg", "org"),
}
LISTED: Final = ("grades", "subjects", "periods")
NUMBERS: Final = ("score", "resultValueMin", "resultValueMax")
MOMENTS: Final = ("assignDate", "dueDate")


def _shaped(district: District, name: str, row: Row) -> dict[str, Any]:
    """Return a row as the object REST sends."""
    found: dict[str, Any] = {"status": "active", "dateLastModified": BEFORE}
    for column, cell in row.items():
        if cell:
            field, value = _sent(name, column, cell)
            found[field] = value
    if name == "users":
        role = "teacher" if district.is_teacher(int(row["username"][1:])) else "student"
        org = found["primaryOrg"]
        found["roles"] = [{"roleType": "primary", "role": role, "org": org}]
    return found


def _sent(name: str, column: str, cell: str) -> tuple[str, Any]:
    if column in REFERENCES:
        field, kind = REFERENCES[column]
        kind = "academicSession" if name == "academicSessions" else kind
        return field, _reference(kind, cell)
    kind, _, word = cell.strip("{}").partition(":")
    shapes: dict[str, Callable[[], tuple[str, Any]]] = {
        "termSourcedIds": lambda: ("terms", [_reference("academicSession", cell)]),
        "userIds": lambda: (column, [{"type": kind, "identifier": word}]),
        **dict.fromkeys(LISTED, lambda: (column, cell.split(","))),
        **dict.fromkeys(NUMBERS, lambda: (column, float(cell))),
        **dict.fromkeys(MOMENTS, lambda: (column, f"{cell}T00:00:00.000Z")),
    }
    return shapes.get(column, lambda: (column, cell))()


def _reference(kind: str, sourced_id: str) -> dict[str, str]:
    return {"href": f"/{kind}/{sourced_id}", "sourcedId": sourced_id, "type": kind}


def main(arguments: Sequence[str]) -> int:
    """Write a bundle, say how many rows each file has."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate")
    parser.add_argument("path", type=Path)
    parser.add_argument("--size", choices=sorted(SIZES), default="S")
    parser.add_argument("--ids", choices=("random", "ascending"), default="random")
    parser.add_argument(
        "--variant", choices=("first", "changed", "delta"), default="first"
    )
    parser.add_argument("--seed", type=int, default=7)
    said = parser.parse_args(arguments)
    district = District(SIZES[said.size], said.seed, said.ids, said.variant)
    print(json.dumps(write_bundle(district, said.path)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
