"""Groups of a course as its LMS has them: pulled, kept, chosen in the class grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from lti_tool.demo.browserless import browser_session
from lti_tool.demo.platform import STANDARD
from lti_tool.errors import DeliveryError
from lti_tool.platforms.groups import Group
from lti_tool.platforms.members import Member, Roster
from lti_tool.storage import groups, placements
from lti_tool.storage.database import Database
from lti_tool.storage.groups import SavedGroup
from lti_tool.storage.identities import LmsUser, Place
from lti_tool.work.groups import ASKED_SINGLY, GroupPull, pull_groups
from lti_tool.work.outside import Outside
from lti_tool.work.people import Arrival, remember_all
from tests.lti_tool.test_people import M, School

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World


@dataclass
class Service:
    """A platform that has these groups, and knows who is in which."""

    listed: Sequence[Group]
    of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def groups(self, groups_url: str, sets_url: str | None) -> Sequence[Group]:
        assert (groups_url, sets_url) == ("https://g", "https://s")
        return self.listed

    def groups_of(self, _groups_url: str, subject: str) -> Sequence[str]:
        self.asked.append(subject)
        return self.of.get(subject, ())


@pytest.fixture
def school(database: Database, now: datetime) -> School:
    school = School(database, now)
    with database.write() as session:
        deployment_id = placements.load_placement(session, school.placement_id)
        place = Place(
            deployment_id=deployment_id["deployment_id"], context_id="c1",
            groups_url="https://g", group_sets_url="https://s",
        )  # fmt: skip
        placements.save_placement(session, place, now=now)
        remember_all(
            session,
            school.registration_id,
            [Arrival(LmsUser(subject=subject), "learner") for subject in "abc"],
            course_id=school.course_id,
            now=now,
        )
    return school


def learner(subject: str, *group_ids: str) -> Member:
    return Member(user_id=subject, roles=(f"{M}#Learner",), group_ids=group_ids)


def held(school: School) -> dict[tuple[str, str], set[int]]:
    with school.database.read() as session:
        return {
            (one.set_name, one.name): groups.load_group_people(session, one.id)
            for one in groups.load_groups(session, school.course_id)
        }


def test_groups_are_kept_as_the_platform_has_them_now(school: School) -> None:
    people = {row["subject"]: row["person_id"] for row in school.rows("lms_user")}
    service = Service([Group("1", "Reds", "Colours"), Group("2", "Pair 7")])
    roster = Roster((learner("a", "1", "2"), learner("b", "1", "9"), learner("c")))
    pulled = pull_groups(
        school.database, service, school.placement_id, roster, now=school.now
    )
    assert pulled == GroupPull(groups=2, members=3)
    assert held(school) == {
        ("", "Pair 7"): {people["a"]},
        ("Colours", "Reds"): {people["a"], people["b"]},
    }
    assert school.rows("placement")[0]["groups_at"] == school.now
    service.listed = [Group("1", "Crimson")]
    roster = Roster((learner("c", "1"), Member(user_id="a", status="Inactive")))
    pull_groups(school.database, service, school.placement_id, roster, now=school.now)
    assert held(school) == {("", "Crimson"): {people["c"]}}


def test_a_list_without_groups_is_made_up_for_student_by_student(
    school: School,
) -> None:
    people = {row["subject"]: row["person_id"] for row in school.rows("lms_user")}
    service = Service([Group("1", "Reds")], {"b": ("1",)})
    members = [replace(learner(subject), group_ids=None) for subject in "abc"]
    teacher = Member(user_id="t", roles=(f"{M}#Instructor",))
    roster = Roster((*members, teacher))
    pull_groups(school.database, service, school.placement_id, roster, now=school.now)
    assert service.asked == ["a", "b", "c"]
    assert held(school) == {("", "Reds"): {people["b"]}}


def test_a_large_class_is_not_asked_one_by_one(school: School) -> None:
    service = Service([Group("1", "Reds")])
    many = tuple(
        replace(learner(f"s{number}"), group_ids=None)
        for number in range(ASKED_SINGLY + 1)
    )
    pull_groups(
        school.database, service, school.placement_id, Roster(many), now=school.now
    )
    assert (service.asked, held(school)) == ([], {("", "Reds"): set()})


def test_groups_that_do_not_come_leave_those_there_are(school: School) -> None:
    with school.database.write() as session:
        groups.save_groups(session, school.placement_id, [SavedGroup("1", "R", None)])

    class Broken(Service):
        def groups_of(self, _groups_url: str, _subject: str) -> Sequence[str]:
            raise DeliveryError("away", "connect", permanent=False)

    roster = Roster((replace(learner("a"), group_ids=None),))
    with pytest.raises(DeliveryError):
        pull_groups(
            school.database, Broken([Group("2", "B")]), school.placement_id, roster,
            now=school.now,
        )  # fmt: skip
    assert held(school) == {("", "R"): set()}


@pytest.mark.parametrize("names_groups", [True, False], ids=["roster", "by user"])
def test_groups_come_with_the_members_whether_or_not_the_list_names_them(
    world: World, *, names_groups: bool
) -> None:
    lms = world.lms
    lms.manners = replace(
        STANDARD, groups=True, rosters_name_groups=names_groups, page_size=1
    )
    for person in ("ben", "eva"):
        lms.add_person(person, person.title(), "X", "")
        lms.enroll("c1", person, "learner")
    lms.add_group("c1", "g1", "Reds", "ana", "ben", set_name="Colours")
    lms.add_group("c1", "g2", "Blues", "eva", set_name="Colours")
    lms.add_group("c1", "g3", "Nobody")
    browser = browser_session()
    world.open("tea", session=browser)
    pulled = Outside(world.settings, world.database).fetch_members(1)
    assert (pulled.members, world.count("course_group")) == (4, 3)
    with world.database.read() as session:
        found = {
            one.name: len(groups.load_group_people(session, one.id))
            for one in groups.load_groups(session, 1)
        }
    assert found == {"Blues": 1, "Reds": 2, "Nobody": 0}


def test_groups_are_read_by_set_and_name(school: School) -> None:
    with school.database.write() as session:
        groups.save_groups(
            session,
            school.placement_id,
            [
                SavedGroup("1", "B", "Y"),
                SavedGroup("2", "A", "Y"),
                SavedGroup("3", "C", None),
            ],
        )
        names = [one.name for one in groups.load_groups(session, school.course_id)]
        other = groups.load_groups(session, school.course_id + 1)
    assert (names, other) == (["C", "A", "B"], [])
