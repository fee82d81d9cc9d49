"""A framework of the school, replacements and crosswalks on administrators' pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lti_tool.storage import crosswalks, framework_pages, frameworks, schema
from lti_tool.work import recomputing
from tests.web.admin.conftest import Office, Visitor, words
from tests.web.admin.test_frameworks_pages import (
    STAMP,
    align_to,
    changed,
    items,
    package,
    put,
)

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


class Workshop:
    """A framework made on the pages, changed by sending their forms."""

    def __init__(self, office: Office, rosa: Visitor) -> None:
        self.office, self.rosa = office, rosa
        made = rosa.send("/admin/frameworks", "/admin/frameworks/start", title="Coding")
        assert made.status_code == 303
        self.here = str(made.location)
        self.id = int(self.here.rpartition("/")[2])

    def add(self, statement: str, above: int | None = None, **more: str) -> int:
        fields = {"statement": statement, **more}
        if above is not None:
            fields["above"] = str(above)
        answer = self.rosa.send(self.here, f"{self.here}/competencies", **fields)
        assert answer.status_code == 303, words(answer.text)
        return self.of(statement)

    def of(self, statement: str) -> int:
        table = schema.competency.c
        with self.office.database.read() as session:
            found = session.scalar(
                select(table.id).where(
                    table.statement == statement, table.framework_id == self.id
                )
            )
        assert found is not None
        return found

    def page(self, competency: int) -> str:
        return f"{self.here}/competencies/{competency}"

    def change(self, competency: int, **fields: str) -> TestResponse:
        return self.rosa.send(self.page(competency), **fields)

    def shown(self, competency: int) -> str:
        return words(self.rosa.read(self.page(competency)))

    def tops(self) -> list[str]:
        return items(self.rosa.read(self.here))


@pytest.fixture
def shop(office: Office, rosa: Visitor) -> Workshop:
    return Workshop(office, rosa)


def test_a_framework_is_written_branch_by_branch_and_put_in_order(
    shop: Workshop,
) -> None:
    assert "has no competencies yet" in words(shop.rosa.read(shop.here))
    loops = shop.add("Loops")
    first = shop.add("Repeat with a count", loops, code="L.1", grades="06, 07")
    shop.add("Repeat until it holds, where a < b", loops, code="L.2")
    tests = shop.add("Testing")
    assert shop.tops() == ["Loops", "Testing"]
    branch = f"{shop.here}?at={loops}"
    assert items(shop.rosa.read(branch)) == [
        "L.1 Repeat with a count",
        "L.2 Repeat until it holds, where a < b",
    ]
    moved = shop.change(tests, act="up", branch="1")
    assert moved.location == f"{shop.here}#k-{tests}"
    assert shop.tops() == ["Testing", "Loops"]
    assert "said=down" in shop.change(tests, act="down").location
    assert shop.tops() == ["Loops", "Testing"]
    assert "said=place" in shop.change(first, act="place", parent="").location
    assert shop.tops() == ["Loops", "Testing", "L.1 Repeat with a count"]
    shop.change(first, act="edit", statement="Repeat", code="L.1", grades="08")
    assert shop.tops()[2] == "L.1 Repeat"
    assert 'value="08"' in shop.rosa.read(shop.page(first))
    shop.rosa.send(shop.here, f"{shop.here}/rename", title="Coding for all")
    assert "Coding for all" in words(shop.rosa.read("/admin/frameworks"))


def test_levels_and_prerequisites_are_said_on_the_page_of_a_competency(
    shop: Workshop,
) -> None:
    one, two = (shop.add(f"Skill {code}", code=code) for code in ("S.1", "S.2"))
    page = shop.page(two)
    answer = shop.rosa.client.post(
        page,
        data={
            "csrf": shop.rosa.token(page), "act": "levels",
            "level": ["Beginning", "", "Proficient"],
            "means": ["with help", "", "alone"], "points": ["1", "", "3,5"],
        },
    )  # fmt: skip
    assert answer.status_code == 303
    html = shop.rosa.read(page)
    values = re.findall(r'name="(?:level|means|points)" (?:[^>]*)value="([^"]*)"', html)
    assert [one for one in values if one] == [
        "Beginning", "with help", "1", "Proficient", "alone", "3.5",
    ]  # fmt: skip
    assert "Nothing has to come before it." in shop.shown(two)
    shop.change(two, act="require", before="S.1")
    assert "S.1 Skill S.1 Remove S.1" in shop.shown(two)
    ring = shop.change(one, act="require", before="S.2")
    assert ring.status_code == 422
    assert "S.1" in words(ring.text).split("Nothing was saved.")[1][:200]
    assert "Nothing has to come before it." in shop.shown(one)
    with shop.office.database.read() as session:
        case_id = framework_pages.load_item(session, shop.id, one).case_id
    shop.change(two, act="release", before=case_id)
    assert "Nothing has to come before it." in shop.shown(two)
    with shop.office.database.read() as session:
        assert frameworks.load_precedes(session, shop.id) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"act": "edit", "statement": " "}, "a competency needs a statement"),
        ({"act": "place", "parent": "S.9"}, "is not exactly one competency"),
        ({"act": "require", "before": ""}, "is not exactly one competency"),
        ({"act": "place", "parent": "S.1"}, ""),
        (
            {"act": "levels", "level": "A", "means": "x", "points": "many"},
            "“many” is no number of points",
        ),
        ({"act": "edit", "statement": "Later", "expected": "1"}, "somebody saved"),
    ],
)
def test_a_change_that_makes_no_framework_is_refused_by_name(
    shop: Workshop, fields: dict[str, str], said: str
) -> None:
    one = shop.add("Skill", code="S.1")
    answer = shop.change(one, **fields)
    assert answer.status_code == 422
    alert = answer.text.split('role="alert">')[1].split("</p>", maxsplit=1)[0]
    assert "Nothing was saved." in alert
    assert said in words(f"<main >{alert}</main>")
    assert shop.tops() == ["S.1 Skill"]


def test_what_was_written_is_not_lost_where_it_cannot_be_saved(shop: Workshop) -> None:
    shop.add("Skill", code="S.1")
    answer = shop.rosa.send(
        shop.here, f"{shop.here}/competencies", statement="Another", code="S.1"
    )
    assert answer.status_code == 422
    assert "Another" in words(answer.text)
    for path, fields in (
        ("/admin/frameworks/start", {"title": " "}),
        (f"{shop.here}/rename", {"title": ""}),
        (f"{shop.here}/undo", {"number": "99"}),
    ):
        status = shop.rosa.send("/admin/frameworks", path, **fields).status_code
        assert status in (404, 422), path


def test_a_retired_competency_comes_back_with_its_version(shop: Workshop) -> None:
    one = shop.add("Skill", code="S.1")
    shop.add("Other")
    assert "What students have shown is kept" in words(
        shop.rosa.read(f"{shop.page(one)}?retire=1")
    )
    shop.change(one, act="retire")
    assert shop.tops() == ["Other"]
    shop.rosa.read(shop.page(one), 404)
    history = shop.rosa.read(f"{shop.here}/versions")
    assert "Bring back Version 3" in words(history)
    shop.rosa.send(f"{shop.here}/versions", f"{shop.here}/undo", number="3")
    assert shop.tops() == ["S.1 Skill", "Other"]
    assert "version 3 brought back" in words(shop.rosa.read(f"{shop.here}/versions"))


def test_what_others_publish_is_not_edited_here(office: Office, rosa: Visitor) -> None:
    framework = put(office, package())
    here = f"/admin/frameworks/{framework}"
    with office.database.read() as session:
        (area,), _ = framework_pages.load_branch(session, framework, None)
    rosa.read(f"{here}/competencies/{area.id}", 404)
    assert "Add a competency" not in rosa.read(here)
    answer = rosa.send(here, f"{here}/competencies", statement="Mine")
    assert answer.status_code == 422
    assert "published elsewhere" in words(answer.text)


def test_a_replacement_is_confirmed_declined_and_undone_by_a_person(
    office: Office, rosa: Visitor
) -> None:
    framework = put(office, package())
    here = f"/admin/frameworks/{framework}/replacements"
    assert "Nothing was replaced" in rosa.read(here)
    align_to(office, "RP.2")
    edition = changed()
    edition["CFAssociations"].append({
        "identifier": "r-1", "uri": "urn:r-1", "associationType": "replacedBy",
        "lastChangeDateTime": STAMP,
        "originNodeURI": {"identifier": "k-2", "uri": "k-2", "title": "k-2"},
        "destinationNodeURI": {"identifier": "k-4", "uri": "k-4", "title": "k-4"},
    })  # fmt: skip
    put(office, edition)
    page = rosa.read(here)
    told = words(page)
    assert "1 alignment points to a retired item." in told
    assert "replaced RP.2" in told
    assert "by RP.4" in told
    assert "1 alignment would move" in told
    one = re.search(r'name="one" value="(\d+)"', page)
    assert one
    steps = (
        ("decline", "Declined.", "declined"),
        ("confirm", "Confirmed. 1 thing was moved.", "confirmed"),
        ("undo", "Undone.", "undone"),
    )
    for act, said, state in steps:
        answer = rosa.send(here, act=act, one=one[1])
        assert answer.status_code == 303
        told = words(rosa.read(answer.location))
        assert said in told
        assert state in told
        assert ("points to a retired item" in told) == (state != "confirmed")
    for act, wanted in (("confirm", "999"), ("burn", one[1])):
        assert rosa.send(here, act=act, one=wanted).status_code == 303
    wrong = rosa.send(here, act="undo", one=one[1])
    assert wrong.status_code == 422
    assert "there is nothing to undo" in words(wrong.text)


def joined(office: Office) -> tuple[int, int]:
    """Two frameworks with an exact match between two of their competencies."""
    one = put(office, package())
    other = package()
    other["CFDocument"] |= {"identifier": "doc-b", "uri": "urn:b", "title": "Other"}
    for record in other["CFItems"]:
        record["identifier"] = f"b-{record['identifier']}"
    other["CFAssociations"] = [
        {
            "identifier": f"x-{number}", "uri": f"urn:x-{number}",
            "associationType": "exactMatchOf", "lastChangeDateTime": STAMP,
            "originNodeURI": {
                "identifier": f"b-k-{number}", "uri": "x", "title": "x",
            },
            "destinationNodeURI": {
                "identifier": f"k-{number}", "uri": "x", "title": "x",
            },
        }
        for number in (1, 2)
    ]  # fmt: skip
    return one, put(office, other)


def test_a_crosswalk_is_off_until_somebody_switches_it_on(
    office: Office, rosa: Visitor
) -> None:
    one, other = joined(office)
    here = f"/admin/frameworks/{one}/crosswalks"
    page = words(rosa.read(here))
    assert "From Mathematics 7 to Other" in page
    assert "From Other to Mathematics 7" in page
    assert "exactMatchOf : 2 edges, counts for percent" in page
    edges = words(rosa.read(f"{here}/{other}"))
    assert "2 edges" in edges
    assert "exactMatchOf RP.1" in edges
    fields = {"from_id": str(other), "to_id": str(one)}
    for share in ("", "101", "-1", "much", "nan"):
        wrong = rosa.send(here, is_on="1", **fields, **{"share-exactMatchOf": share})
        assert wrong.status_code == 422, share
        assert "A share is a number from 0 to 100 percent." in words(wrong.text)
    saved = rosa.send(here, is_on="1", **fields, **{"share-exactMatchOf": "62,5 %"})
    assert "Saved." in words(rosa.read(saved.location))
    with office.database.read() as session:
        pairs = {
            (each.from_id, each.to_id): (each.is_on, dict(each.shares))
            for each in crosswalks.load_pairs(session)
        }
    assert pairs == {
        (other, one): (True, {"exactMatchOf": 0.625}),
        (one, other): (False, {"exactMatchOf": 1.0}),
    }
    rosa.send(here, **fields, **{"share-exactMatchOf": "62.5"})
    with office.database.read() as session:
        assert not any(each.is_on for each in crosswalks.load_pairs(session))
    foreign = rosa.send(here, from_id="998", to_id="999", is_on="1")
    assert foreign.location == here


def test_the_page_says_how_far_the_levels_of_a_crosswalk_are(
    office: Office, rosa: Visitor
) -> None:
    one, other = joined(office)
    here = f"/admin/frameworks/{one}/crosswalks"
    fields = {"from_id": str(other), "to_id": str(one), "is_on": "1"}
    told: list[str] = []
    office.app.extensions["order_levels"] = lambda: told.append("now")
    rosa.send(here, **fields, **{"share-exactMatchOf": "62.5"})
    assert told == ["now"]
    part = f"/admin/frameworks/{one}/levels?of={one}&of={other}"
    assert "Mathematics 7 : levels are to be worked out again" in words(rosa.read(here))
    assert "data-poll" in rosa.read(here)
    assert "data-settled" not in rosa.read(part)
    recomputing.carry_out(office.database, office.clock)
    assert "Mathematics 7 : levels were worked out again" in words(rosa.read(here))
    assert "data-poll" not in rosa.read(here)
    assert "data-settled" in rosa.read(part)


def test_a_framework_without_edges_says_where_they_come_from(
    office: Office, rosa: Visitor
) -> None:
    framework = put(office, package())
    page = words(rosa.read(f"/admin/frameworks/{framework}/crosswalks"))
    assert "No edges lead to another framework" in page
