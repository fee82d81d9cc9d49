"""Frameworks on the administrators' pages: import, branches, versions, courses."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import insert, select

from lti_tool.settings import Settings
from lti_tool.storage import schema, secrets
from lti_tool.storage.framework_pages import PAGE
from lti_tool.work import framework_orders
from lti_tool.work.frameworks import import_documents
from mappings import parse_case
from tests.web.admin.conftest import Office, Visitor, words

STAMP = "2026-01-01T00:00:00Z"
TOKEN = "case-token-81c0d2"  # noqa: S105 -- of a made-up service


def package(count: int = 3) -> dict[str, Any]:
    """A framework with one area and so many competencies in it."""
    area = {"identifier": "area", "fullStatement": "Ratios & rates"}
    items = [
        {
            "identifier": f"k-{number}",
            "humanCodingScheme": f"RP.{number}",
            "fullStatement": f"Compare amounts, <em>case</em> {number}, where 1 < 2",
        }
        for number in range(1, count + 1)
    ]
    ends = [("area", "doc"), *((one["identifier"], "area") for one in items)]
    return {
        "CFDocument": {
            "identifier": "doc", "uri": "urn:doc", "creator": "State",
            "title": "Mathematics 7", "lastChangeDateTime": STAMP,
        },
        "CFItems": [
            {**one, "uri": f"urn:{one['identifier']}", "lastChangeDateTime": STAMP}
            for one in (area, *items)
        ],
        "CFAssociations": [
            {
                "identifier": f"e-{child}", "uri": f"urn:e-{child}",
                "associationType": "isChildOf", "sequenceNumber": place,
                "lastChangeDateTime": STAMP,
                "originNodeURI": {"identifier": child, "uri": child, "title": child},
                "destinationNodeURI": {
                    "identifier": parent, "uri": parent, "title": parent,
                },
            }
            for place, (child, parent) in enumerate(ends)
        ],
    }  # fmt: skip


def put(office: Office, document: object, name: str = "math.json") -> int:
    (done,) = import_documents(
        office.database, [(name, document)], office.clock(), who="cli"
    )
    assert done.framework is not None
    return done.framework.framework_id


def items(page: str) -> list[str]:
    tree = page.split('<ul class="tree">')[1].partition("</ul>")[0]
    found = re.findall(r"<li[^>]*><div>(.*?)</div>", tree, re.DOTALL)
    return [unescape(" ".join(re.sub(r"<[^>]+>", "", one).split())) for one in found]


def send_file(rosa: Visitor, name: str, body: bytes) -> str:
    answer = rosa.client.post(
        "/admin/frameworks/import",
        data={
            "csrf": rosa.token("/admin/frameworks"),
            "file": (io.BytesIO(body), name),
        },
    )
    assert answer.status_code == 303
    return str(answer.location)


def carry_out(office: Office, tmp_path: Path, path: str) -> None:
    order = int(path.rpartition("/")[2])
    framework_orders.carry_out(
        office.database, Settings(data_dir=tmp_path), order, office.clock
    )


def test_a_sent_file_is_read_by_the_worker_and_told_on_its_page(
    office: Office, rosa: Visitor, tmp_path: Path
) -> None:
    assert "No framework yet" in rosa.read("/admin/frameworks")
    ordered: list[int] = []
    office.app.extensions["order_import"] = ordered.append
    document = package()
    document["CFAssociations"].append(
        copy.deepcopy(document["CFAssociations"][1])
        | {"identifier": "e-lost", "uri": "urn:e-lost"}
    )
    document["CFAssociations"][-1]["destinationNodeURI"]["identifier"] = "nowhere"
    path = send_file(rosa, "../../math 7<x>.json", json.dumps(document).encode())
    assert ordered == [int(path.rpartition("/")[2])]
    waiting = words(rosa.read(path))
    assert "Import of math 7_x_.json" in waiting
    assert "Handed to the worker" in waiting
    assert "An import of math 7_x_.json goes on." in words(
        rosa.read("/admin/frameworks")
    )
    office.wait(seconds=20)
    assert "The worker has not taken it up yet." in words(rosa.read(path))
    carry_out(office, tmp_path, path)
    done = rosa.read(path)
    assert "Mathematics 7 is here." in words(done)
    assert "4 added" in words(done)
    assert "1 problem was noted" in words(done)
    assert "leads to an item that is not here" in words(done)
    assert "data-poll" not in done
    assert list((tmp_path / "frameworks").iterdir()) == []
    part = rosa.client.get(path, headers={"X-Part": "1"}).text
    assert "data-settled" in part
    assert "<html" not in part
    carry_out(office, tmp_path, path)  # asked twice, done once
    assert words(rosa.read(path)) == words(done)
    assert "Mathematics 7" in words(rosa.read("/admin/frameworks"))


def test_a_table_goes_by_the_name_it_was_sent_under(
    office: Office, rosa: Visitor, tmp_path: Path
) -> None:
    body = b"code,statement\nC.1,Repeat with a count\n"
    path = send_file(rosa, "Coding 7.csv", body)
    carry_out(office, tmp_path, path)
    assert "Coding 7 is here." in words(rosa.read(path))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!doctype html>", "is no JSON (it begins with '<!doctyp')"),
        (b"{}", "math.json: "),
        (b"\xff\xfe", "is no JSON"),
    ],
)
def test_a_file_that_is_no_framework_says_so_and_stores_nothing(
    office: Office, rosa: Visitor, tmp_path: Path, body: bytes, said: str
) -> None:
    path = send_file(rosa, "math.json", body)
    carry_out(office, tmp_path, path)
    page = words(rosa.read(path))
    assert "It could not be imported; nothing was stored." in page
    assert said in page
    assert str(tmp_path) not in page
    assert "No framework yet" in rosa.read("/admin/frameworks")


def test_an_address_is_needed_and_one_of_this_network_is_refused(
    office: Office, rosa: Visitor, tmp_path: Path
) -> None:
    for url in ("", "ftp://x", "https://a b", "javascript:alert(1)"):
        answer = rosa.send("/admin/frameworks", "/admin/frameworks/import", url=url)
        assert answer.status_code == 422
        assert "Choose a file, or give an address" in words(answer.text)
    answer = rosa.send(
        "/admin/frameworks", "/admin/frameworks/import", url="https://127.0.0.1/x"
    )
    carry_out(office, tmp_path, answer.location)
    assert "nothing was stored" in words(rosa.read(answer.location))


def test_a_token_opens_a_protected_service_is_kept_encrypted_and_never_shown(
    office: Office, rosa: Visitor, tmp_path: Path, serve: Callable[..., str]
) -> None:
    asked: list[str | None] = []
    case = Flask("case")

    @case.get("/math.json")
    def math() -> tuple[dict[str, Any], int]:
        asked.append(request.headers.get("Authorization"))
        return (package(), 200) if asked[-1] == f"Bearer {TOKEN}" else ({}, 401)

    url = f"{serve(case)}/math.json"

    def import_by(page: str, path: str, **fields: str) -> str:
        answer = rosa.send(page, path, **fields)
        order = int(answer.location.rpartition("/")[2])
        here = Settings(
            data_dir=tmp_path,
            secret_key_file=tmp_path / "key",
            local_network="127.0.0.1",
        )
        framework_orders.carry_out(office.database, here, order, office.clock)
        return words(rosa.read(answer.location))

    page, path = "/admin/frameworks", "/admin/frameworks/import"
    assert "it is protected; give its token" in import_by(page, path, url=url)
    assert "Mathematics 7 is here." in import_by(page, path, url=url, token=TOKEN)
    one = "/admin/frameworks/1"
    assert "One is kept, encrypted." in words(rosa.read(one))
    assert "nothing changed" in import_by(one, f"{one}/again", token="")
    assert asked == [None, *[f"Bearer {TOKEN}"] * 2]
    held = (tmp_path / "pages.sqlite3").read_bytes()
    with office.database.read() as session:
        kept = session.scalar(select(schema.framework.c.source_token))
        orders = list(session.scalars(select(schema.framework_order.c.token)))
    assert orders == [None, None, None]
    assert kept is not None
    assert secrets.decrypt(kept, b"k" * 32) == TOKEN
    assert TOKEN.encode() not in held
    assert TOKEN not in rosa.read(one)
    rosa.send(one, f"{one}/again", act="forget")
    assert "One is kept, encrypted." not in words(rosa.read(one))
    assert "give its token" in import_by(one, f"{one}/again", token="")


def test_a_large_framework_is_walked_branch_by_branch_and_searched(
    office: Office, rosa: Visitor
) -> None:
    framework = put(office, package(PAGE + 5))
    here = f"/admin/frameworks/{framework}"
    top = rosa.read(here)
    assert items(top) == ["Ratios & rates"]
    assert f"{PAGE + 5} below" in words(top)
    at = re.search(r"\?at=(\d+)", top)
    assert at
    branch = rosa.read(f"{here}?at={at[1]}")
    assert len(items(branch)) == PAGE
    assert items(branch)[1] == "RP.2 Compare amounts, case 2, where 1 < 2"
    assert "page 1 of 2 Next page" in words(branch)
    assert len(items(rosa.read(f"{here}?at={at[1]}&page=2"))) == 5
    assert items(rosa.read(f"{here}?words=rp.105")) == [
        "RP.105 Compare amounts, case 105, where 1 < 2"
    ]
    assert "No competency matches “100%_”." in words(rosa.read(f"{here}?words=100%25_"))
    for wrong in (f"{here}?at=999999", "/admin/frameworks/999999"):
        rosa.read(wrong, 404)


def changed() -> dict[str, Any]:
    """The second edition: one said otherwise, one gone, one new."""
    document = package(4)
    document["CFItems"][1]["fullStatement"] = "Compare rates"
    document["CFItems"] = [
        one for one in document["CFItems"] if one["identifier"] != "k-2"
    ]
    document["CFAssociations"] = [
        one for one in document["CFAssociations"] if one["identifier"] != "e-k-2"
    ]
    return document


def align_to(office: Office, code: str) -> None:
    """Work of a course that speaks for the competency of that code."""
    with office.database.write() as session:
        competency = session.scalar(
            select(schema.competency.c.id).where(schema.competency.c.human_code == code)
        )
        source = session.scalar(
            insert(schema.source).values(
                name="SIS", kind="csv", location=".", created_at=office.now
            ).returning(schema.source.c.id)
        )  # fmt: skip
        course = session.scalar(
            insert(schema.course).values(title="7B", created_at=office.now)
            .returning(schema.course.c.id)
        )  # fmt: skip
        work = session.scalar(
            insert(schema.assignment).values(
                source_id=source, sourced_id="li-1", fingerprint="x", title="Quiz",
                course_id=course,
            ).returning(schema.assignment.c.id)
        )  # fmt: skip
        session.execute(
            insert(schema.alignment).values(
                course_id=course, assignment_id=work, competency_id=competency,
                weight=1.0, made_by="cli", created_at=office.now,
            )
        )  # fmt: skip


def test_a_new_version_is_told_side_by_side_with_what_it_strands(
    office: Office, rosa: Visitor
) -> None:
    framework = put(office, package())
    here = f"/admin/frameworks/{framework}"
    assert "the first" in words(rosa.read(f"{here}/versions"))
    assert "brought everything" in rosa.read(f"{here}/versions/1")
    align_to(office, "RP.2")
    put(office, changed())
    page = rosa.read(f"{here}/versions/2")
    told = words(page)
    assert "retired RP.2 Compare amounts, case 2, where 1 < 2" in told
    assert (
        "changed RP.1 statement Compare amounts, case 1, where 1 < 2 statement "
        "Compare rates" in told
    )
    assert "added RP.4 Compare amounts, case 4, where 1 < 2" in told
    assert "1 alignment points to a retired item. See them" in told
    edges = words(rosa.read(f"{here}/versions/2?of=association"))
    assert "added isChildOf RP.4 to Ratios & rates" in edges
    assert "Nothing of this kind changed." in rosa.read(
        f"{here}/versions/2?of=document"
    )
    stranded = words(rosa.read(f"{here}/retired"))
    assert "Quiz 7B RP.2 Compare amounts, case 2, where 1 < 2" in stranded
    rosa.read(f"{here}/versions/3", 404)
    again = put(office, changed())
    assert again == framework
    assert words(rosa.read(f"{here}/versions")).count("Version ") == 2


def test_a_framework_is_given_to_courses_that_have_none(
    office: Office, rosa: Visitor
) -> None:
    framework = put(office, package())
    here = f"/admin/frameworks/{framework}/courses"
    assert "No course has arrived yet" in rosa.read(here)
    other = put(office, package() | {"CFDocument": {
        "identifier": "doc-2", "uri": "urn:doc-2", "creator": "X", "title": "Other",
        "lastChangeDateTime": STAMP,
    }, "CFItems": [], "CFAssociations": []})  # fmt: skip
    with office.database.write() as session:
        bare, taken = [
            session.scalar(
                insert(schema.course)
                .values(title=title, framework_id=held, created_at=office.now)
                .returning(schema.course.c.id)
            )
            for title, held in (("7B", None), ("8C", other))
        ]
    answer = rosa.client.post(
        here,
        data={"csrf": rosa.token(here), "course": [str(bare), str(taken), "x", "99"]},
    )
    page = words(rosa.read(answer.location))
    assert "1 course works on it from now on." in page
    assert "7B ✓ this framework 8C Other" in page
    assert [what for _, what in office.changes()].count("course plan set") == 1


def test_a_framework_is_taken_elsewhere_as_it_came(
    office: Office, rosa: Visitor
) -> None:
    framework = put(office, package())
    table = rosa.client.get(f"/admin/frameworks/{framework}/table.csv")
    assert "RP.1" in table.text
    assert table.mimetype == "text/csv"
    answer = rosa.client.get(f"/admin/frameworks/{framework}/package.json")
    assert "framework-" in answer.headers["Content-Disposition"]
    mine, _ = parse_case(package())
    theirs, problems = parse_case(answer.json)
    assert problems == ()
    assert {one.case_id: one.statement for one in theirs.competencies} == {
        one.case_id: one.statement for one in mine.competencies
    }
