"""The links launches come by: what is written of them, and how seldom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert, select

from lti_tool.demo.browserless import browser_session, launch_by_http
from lti_tool.errors import NotFoundError
from lti_tool.storage import addresses, registrations, resource_links, schema
from lti_tool.storage.database import Database
from lti_tool.storage.identities import Place
from lti_tool.storage.placements import save_placement
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.resource_links import LaunchedLink, save_link

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
COLUMN = "https://lms.example/columns/1?type_id=1"


def put(session: Any, table: Any, **values: object) -> int:  # noqa: ANN401 -- any table
    made = session.execute(insert(table).values(**values).returning(table.c.id))
    return int(made.scalar_one())


@pytest.fixture
def places(database: Database, now: datetime) -> list[tuple[int, int]]:
    """Two deployments of one registration, each with a placement of context 1."""
    with database.write() as session:
        registration_id = registrations.add_registration(
            session,
            NewRegistration(
                name="LMS",
                issuer="https://lms.example",
                client_id="c",
                **{
                    f"{name}_url": f"https://lms.example/{name}"
                    for name in ("auth", "token", "jwks")
                },
            ),
            deployment_ids=["d1", "d2"],
            now=now,
        )
        found = []
        for name in ("d1", "d2"):
            deployment = registrations.find_deployment(session, registration_id, name)
            assert deployment is not None
            place = Place(deployment_id=deployment[0], context_id="1")
            found.append((deployment[0], save_placement(session, place, now=now)[0]))
    return found


def link_of(place: tuple[int, int], **said: Any) -> LaunchedLink:  # noqa: ANN401 -- its fields
    deployment, placement = place
    return LaunchedLink(
        deployment_id=deployment, link_id="77", placement_id=placement, **said
    )


def test_a_links_id_is_unique_only_inside_its_deployment(
    database: Database, places: list[tuple[int, int]], now: datetime
) -> None:
    with database.write() as session:
        first, second = (save_link(session, link_of(one), now=now) for one in places)
        again = save_link(session, link_of(places[0]), now=now)
    assert first.id != second.id
    assert (first.is_new, second.is_new, again.is_new) == (True, True, False)
    assert again.id == first.id


def test_what_a_launch_leaves_unsaid_stays_as_it_was(
    database: Database, places: list[tuple[int, int]], now: datetime
) -> None:
    whole = link_of(places[0], title="Mine", view="mine", ags_line_item_url=COLUMN)
    later = now + timedelta(minutes=5)
    with database.write() as session:
        link_id = save_link(session, whole, now=now).id
        save_link(session, link_of(places[0]), now=later)
        kept = resource_links.load_link(session, link_id)
        assert (kept["title"], kept["view"]) == ("Mine", "mine")
        assert kept["ags_line_item_url"] == COLUMN
        assert (kept["created_at"], kept["seen_at"]) == (now, now)
        save_link(session, replace(whole, title="Ours", view="class"), now=later)
        assert resource_links.load_link(session, link_id) == kept | {
            "title": "Ours",
            "view": "class",
            "seen_at": later,
        }


def test_a_launch_that_says_nothing_new_writes_at_most_once_an_hour(
    database: Database, places: list[tuple[int, int]], now: datetime
) -> None:
    written: list[str] = []

    def listen(*heard: Any) -> None:  # noqa: ANN401 -- SQLAlchemy's arguments
        if heard[2].startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(heard[2])

    same = link_of(places[0], title="Mine", view="mine")
    hour = timedelta(hours=1)
    times = [now, now + hour - timedelta(seconds=1), now + hour, now + hour * 1.5]
    counts = []
    with database.write() as session:
        event.listen(session.get_bind(), "before_cursor_execute", listen)
        for time in times:
            written.clear()
            save_link(session, same, now=time)
            counts.append(len(written))
        seen = resource_links.find_link(session, places[0][0], "77")
    assert counts == [1, 0, 1, 0]
    assert seen is not None
    assert seen["seen_at"] == now + hour


def test_a_view_without_a_competency_forgets_the_one_before(
    database: Database, places: list[tuple[int, int]], now: datetime
) -> None:
    with database.write() as session:
        ours, _ = add_frameworks(session, now)
        check = link_of(places[0], view="check", competency_id=ours[0])
        link_id = save_link(session, check, now=now).id
        save_link(session, link_of(places[0], view="class"), now=now)
        kept = resource_links.load_link(session, link_id)
    assert (kept["view"], kept["competency_id"]) == ("class", None)


def test_a_link_nobody_launched_is_not_there(
    database: Database, places: list[tuple[int, int]]
) -> None:
    with database.read() as session:
        assert resource_links.find_link(session, places[0][0], "77") is None
        with pytest.raises(NotFoundError, match="no resource link has the id 5"):
            resource_links.load_link(session, 5)


def add_frameworks(session: Any, now: datetime) -> tuple[list[int], int]:  # noqa: ANN401 -- a session
    """Two frameworks that share a GUID; the course has the second."""
    ids = []
    for name in ("a", "b"):
        framework = put(
            session,
            schema.framework,
            case_id=name,
            title=name,
            creator="us",
            payload={},
            package={},
            fingerprint="x",
            imported_at=now,
        )
        ids.append(
            put(
                session,
                schema.competency,
                framework_id=framework,
                case_id="guid-1",
                statement="Count",
                position=1,
                is_assessable=True,
                payload={},
                fingerprint="x",
            )
        )
    course = put(
        session, schema.course, title="7", framework_id=framework, created_at=now
    )
    return ids, course


def test_the_competency_is_the_plans_own_before_any_other(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ids, course = add_frameworks(session, now)
        found = resource_links.find_competency
        assert found(session, "guid-1", course) == ids[1]
        assert found(session, "guid-1", None) == ids[0]
        assert found(session, "guid-2", course) is None


def test_a_column_that_a_link_brought_is_kept_once(
    database: Database, places: list[tuple[int, int]], now: datetime
) -> None:
    with database.write() as session:
        ids, course = add_frameworks(session, now)
        key = {
            "destination": "ags",
            "course_id": course,
            "competency_id": ids[1],
            "placement_id": places[0][1],
            "source_id": None,
        }
        told = {"resource_id": "r", "maximum": 4.0, "now": now}
        assert addresses.load_columned(session, places[0][1]) == set()
        assert addresses.adopt(session, key, address=COLUMN, **told)
        assert not addresses.adopt(session, key, address=f"{COLUMN}&b=2", **told)
        assert addresses.load_address(session, key) == COLUMN
        assert addresses.load_columned(session, places[0][1]) == {ids[1]}
        assert addresses.load_columned(session, places[1][1]) == set()


def test_a_column_that_is_just_being_made_is_left_to_its_maker(
    database: Database, places: list[tuple[int, int]], now: datetime
) -> None:
    with database.write() as session:
        ids, course = add_frameworks(session, now)
        key = {
            "destination": "ags",
            "course_id": course,
            "competency_id": ids[1],
            "placement_id": places[0][1],
            "source_id": None,
        }
        assert addresses.reserve(session, key, "r", 4.0, now)
        told = {"resource_id": "r", "maximum": 4.0, "now": now}
        assert not addresses.adopt(session, key, address=COLUMN, **told)
        assert addresses.load_address(session, key) is None


def kept(world: World) -> list[dict[str, Any]]:
    with world.database.read() as session:
        rows = session.execute(select(schema.resource_link))
        return [dict(row) for row in rows.mappings()]


def visit_links(world: World) -> list[int | None]:
    with world.database.read() as session:
        column = schema.web_session.c.resource_link_id
        return list(session.scalars(select(column).order_by(schema.web_session.c.id)))


def test_a_launch_keeps_its_link_and_the_visit_knows_it(world: World) -> None:
    world.lms.add_link(
        "c1", "l2", "Mine", f"{world.tool_url}/lti/launch", custom={"view": "mine"}
    )
    world.open("ana", "l2")
    world.open("tea", "l2")
    (link,) = kept(world)
    assert visit_links(world) == [link["id"]] * 2
    assert (link["link_id"], link["title"], link["view"]) == ("l2", "Mine", "mine")
    assert (link["competency_id"], link["ags_line_item_url"]) == (None, None)


def test_the_column_that_the_launch_names_is_kept(world: World) -> None:
    target = f"{world.tool_url}/lti/launch"
    world.lms.add_link("c1", "l2", "Graded", target, graded=True)
    world.open("ana", "l2")
    (column,) = world.lms.line_items("c1")
    assert kept(world)[0]["ags_line_item_url"] == world.lms.line_item_url(column)


@pytest.mark.parametrize(
    ("custom", "view"),
    [
        ({}, "class"),
        ({"view": "check"}, "check"),
        ({"view": "admin"}, "class"),
        ({"view": "CLASS' OR 1=1 --"}, "class"),
        ({"view": "$Some.variable"}, "class"),
    ],
)
def test_a_view_that_we_do_not_have_is_the_class_view(
    world: World, custom: dict[str, str], view: str
) -> None:
    target = f"{world.tool_url}/lti/launch"
    world.lms.add_link("c1", "l2", "Odd", target, custom=custom)
    assert world.open("ana", "l2").status_code in {200, 404}
    assert kept(world)[0]["view"] == view


def test_a_check_keeps_the_competency_of_its_guid(world: World) -> None:
    with world.database.write() as session:
        ids, _ = add_frameworks(session, datetime.now(UTC))
    target = f"{world.tool_url}/lti/launch"
    for name, guid in (("l2", "guid-1"), ("l3", "guid-9")):
        custom = {"view": "check", "competency": guid}
        world.lms.add_link("c1", name, guid, target, custom=custom)
        world.open("ana", name)
    assert [one["competency_id"] for one in kept(world)] == [ids[0], None]


def test_a_request_for_links_leaves_no_link(world: World) -> None:
    world.edit(
        lambda _header, claims: claims.update({f"{LTI}resource_link": {"id": "l1"}})
    )
    session = browser_session()
    launch_by_http(world.lms_url, session, "tea", "c1", kind="deep_linking")
    assert visit_links(world) == [None]
    assert kept(world) == []
