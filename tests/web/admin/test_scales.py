"""A scale of Canvas brought in on the administrators' pages."""

from __future__ import annotations

import json

import pytest

from lti_tool.storage import plan_choices
from tests.web.admin.conftest import Office, Visitor, words

HERE = "/admin/scales"
COLOURS = ("E0061F", "FAB901", "0B874B")
CANVAS = {
    "outcome_proficiency": {
        "ratings": [
            {"description": "Mastery", "points": 3, "mastery": True, "color": "0B874B"},
            {"description": "<b>Near", "points": 1.5, "color": "FAB901"},
            {"description": "Below", "points": 0, "color": "E0061F"},
        ]
    }
}


def offered(office: Office) -> list[str]:
    with office.database.read() as session:
        return [one.title for one in plan_choices.load_scales(session)]


def test_a_canvas_scale_is_shown_before_it_is_saved_and_then_offered_to_courses(
    office: Office, rosa: Visitor
) -> None:
    assert "There is none beside the one we come with." in words(rosa.read(HERE))
    assert HERE in rosa.read("/admin/frameworks")
    fields = {"title": "Our Canvas", "ratings": json.dumps(CANVAS)}
    shown = rosa.send(HERE, act="preview", **fields)
    said = words(shown.text)
    assert "Mastery Mastery from here from 100 3" in said
    assert "<b>Near 50 to below 100 1.5" in said
    assert "Below 0 to below 50 0" in said
    assert f"/levels/{'-'.join(COLOURS)}.css" in shown.text
    assert offered(office) == []
    saved = rosa.send(HERE, act="save", **fields)
    assert saved.status_code == 303
    page = words(rosa.read(saved.location))
    assert "Our Canvas Canvas Below · <b>Near · Mastery" in page
    assert offered(office) == ["Our Canvas"]
    with office.database.read() as session:
        (scale,) = plan_choices.load_scales(session)
    assert [one["cut"] for one in scale.levels] == [0, 0.5, 1]
    rosa.send(HERE, f"{HERE}/{scale.id}/retire")
    assert offered(office) == []
    rosa.read(f"{HERE}/{scale.id}", 404)
    assert [what for _who, what in office.changes()][-2:] == [
        "scale saved",
        "scale retired",
    ]


@pytest.mark.parametrize(
    ("ratings", "said"),
    [
        ("", "This is no JSON. Copy the whole answer of Canvas"),
        ("[" * 20_000, "This is no JSON."),
        ("{}", "found no ratings"),
        (
            '[{"description": "A", "points": NaN, "mastery": true}]',
            "rating 1 has the points nan; give a number",
        ),
        (
            '[{"description": "A", "points": 1}, {"description": "B", "points": 0}]',
            "0 ratings are marked as mastery; mark exactly one",
        ),
        (
            json.dumps(
                [
                    {"description": name, "points": points, "mastery": name == "B"}
                    for name, points in (("C", 0), ("A", 1), ("B", 1))
                ]
            ),
            "level B begins at 1; give a number above 1, where A begins",
        ),
    ],
)
def test_what_makes_no_scale_is_refused_by_name_and_kept_to_be_mended(
    office: Office, rosa: Visitor, ratings: str, said: str
) -> None:
    refused = rosa.send(HERE, act="save", ratings=ratings, title="Ours")
    assert refused.status_code == 422
    assert said in words(refused.text)
    assert 'value="Ours"' in refused.text
    assert offered(office) == []
