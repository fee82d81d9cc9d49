"""The made-up district: always the same, always believable, dates near today."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from lti_tool.demo.school import School, Size, make_school
from lti_tool.demo.school_lms import LmsPerson
from mappings.evidence import Evidence
from mappings.mastery import attainment
from mappings.rules import rule
from mappings.scales import Level, Scale
from oneroster.catalog import KINDS
from oneroster.models import Reference, format_record, parse_record
from oneroster.models_gradebook import Result

TODAY = date(2026, 11, 24)
COLLECTIONS = {
    "academicSession": "academicSessions",
    "category": "categories",
    "class": "classes",
    "course": "courses",
    "lineItem": "lineItems",
    "org": "orgs",
    "user": "users",
}


@pytest.fixture(scope="module")
def district() -> School:
    return make_school(today=TODAY)


@pytest.fixture(scope="module")
def scored(district: School) -> dict[tuple[str, str], list[Result]]:
    """Results that hold a score, by class and student."""
    found: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in district.results:
        if result.score is not None and result.class_ is not None:
            key = (result.class_.sourced_id, result.student.sourced_id)
            found[key].append(result)
    return found


LEVELS = ("Beginning", "Developing", "Proficient", "Advanced")
SCALE = Scale(
    tuple(
        Level(name, cut, points)
        for name, cut, points in zip(
            LEVELS, (0, 0.5, 0.75, 0.9), (1, 2, 3, 4), strict=True
        )
    ),
    mastery=0.75,
)


def levels(school: School, student: str, results: list[Result]) -> dict[str, str]:
    """The level our default rule gives the student on each competency."""
    work: dict[str, list[Evidence]] = defaultdict(list)
    most = {item.sourced_id: item.result_value_max for item in school.line_items}
    for result in results:
        task = result.line_item.sourced_id
        assert result.student.sourced_id == student
        assert result.score is not None
        assert result.score_date is not None
        at = datetime.combine(result.score_date, datetime.min.time(), UTC)
        piece = Evidence(task, result.score / (most[task] or 1), at)
        for _, line_item, code, _ in school.alignments:
            if line_item == task:
                work[code].append(piece)
    now = datetime.combine(school.today, datetime.min.time(), UTC)
    judged = {
        code: attainment(code, pieces, rule=rule("certainty"), scale=SCALE, now=now)
        for code, pieces in work.items()
    }
    return {code: found.level.name for code, found in judged.items() if found.level}


def counts(school: School) -> dict[str, int]:
    return {name: len(records) for name, records in school.collections().items()}


def students(school: School) -> int:
    return sum(user.roles[0].role == "student" for user in school.users)


def test_the_same_seed_and_day_make_the_same_district(district: School) -> None:
    assert make_school(seed=7, size="district", today=TODAY) == district


def test_another_seed_makes_other_people(district: School) -> None:
    other = make_school(seed=8, today=TODAY)
    assert {u.sourced_id for u in other.users}.isdisjoint(
        u.sourced_id for u in district.users
    )
    assert counts(other)["classes"] == 24


def test_people_and_work_keep_their_ids_when_the_day_moves_on(
    district: School,
) -> None:
    later = make_school(today=TODAY + timedelta(days=45))
    for name in ("orgs", "courses", "classes", "users", "enrollments", "lineItems"):
        before = [record.sourced_id for record in district.collections()[name]]
        after = [record.sourced_id for record in later.collections()[name]]
        assert after == before


@pytest.mark.parametrize(
    ("size", "schools", "classes", "people", "results"),
    [
        ("school", 1, 4, range(100, 121), range(1_500, 2_100)),
        ("district", 3, 24, range(580, 641), range(9_500, 10_700)),
    ],
)
def test_it_has_the_size_that_was_asked_for(
    size: Size, schools: int, classes: int, people: range, results: range
) -> None:
    school = make_school(size=size, today=TODAY)
    assert sum(org.type == "school" for org in school.orgs) == schools
    assert len(school.classes) == classes
    assert students(school) in people
    assert len(school.results) in results


def test_every_record_survives_the_wire(district: School) -> None:
    for name, records in district.collections().items():
        for record in records:
            again, problems = parse_record(KINDS[name], format_record(record))
            assert problems == ()
            assert format_record(again or record) == format_record(record)


def test_every_identifier_is_unique(district: School) -> None:
    ids = [r.sourced_id for records in district.collections().values() for r in records]
    assert len(set(ids)) == len(ids)


def references(value: object) -> list[Reference]:
    if isinstance(value, Reference):
        return [value]
    if isinstance(value, tuple):
        return [found for part in value for found in references(part)]
    fields = getattr(type(value), "model_fields", {})
    return [found for name in fields for found in references(getattr(value, name))]


def test_every_reference_leads_to_a_record(district: School) -> None:
    catalog = district.catalog()
    missing = {
        (found.type, found.sourced_id)
        for records in district.collections().values()
        for record in records
        for found in references(record)
        if catalog.read(COLLECTIONS[found.type], found.sourced_id) is None
    }
    assert missing == set()


@pytest.mark.parametrize(
    "today",
    [
        date(2026, 11, 23),
        date(2026, 11, 28),
        date(2026, 11, 29),
        date(2027, 1, 1),
        date(2028, 2, 29),
        date(2027, 7, 21),
    ],
)
def test_dates_stay_around_the_day_whatever_day_it_is(today: date) -> None:
    school = make_school(size="school", today=today)
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    year = next(s for s in school.academic_sessions if s.type == "schoolYear")
    assert year.start_date is not None
    assert 84 <= (today - year.start_date).days <= 90
    assert all(r.score_date and r.score_date < today for r in school.results)
    due = sorted(item.due_date.date() for item in school.line_items if item.due_date)
    assert year.start_date < due[0] < due[-5] < today < due[-1]
    changed = [r.date_last_modified for r in school.catalog().records("results")]
    changed += [r.date_last_modified for r in school.enrollments]
    assert all(moment and moment < noon for moment in changed)
    newcomers = {e.user.sourced_id for e in school.enrollments} - {
        result.student.sourced_id for result in school.results
    }
    late = [e for e in school.enrollments if e.begin_date and e.begin_date > due[-5]]
    assert len(late) == 2
    assert {e.user.sourced_id for e in late} <= newcomers


def test_results_belong_to_students_who_were_in_the_class(district: School) -> None:
    seats = {
        (e.class_.sourced_id, e.user.sourced_id): (e.begin_date, e.end_date)
        for e in district.enrollments
        if e.role == "student"
    }
    due = {item.sourced_id: item.due_date for item in district.line_items}
    for result in district.results:
        assert result.class_ is not None
        begin, end = seats[result.class_.sourced_id, result.student.sourced_id]
        moment = due[result.line_item.sourced_id]
        assert begin is not None
        assert moment is not None
        assert begin <= moment.date() < (end or date.max)


def test_scores_lie_within_what_the_work_gives(district: School) -> None:
    most = {item.sourced_id: item.result_value_max for item in district.line_items}
    for result in district.results:
        if result.score is not None:
            assert 0 <= result.score <= (most[result.line_item.sourced_id] or 0)


def test_real_life_happens(district: School) -> None:
    statuses = Counter(result.score_status for result in district.results)
    pairs = Counter(
        (result.line_item.sourced_id, result.student.sourced_id)
        for result in district.results
    )
    seats = Counter(e.user.sourced_id for e in district.enrollments if not e.end_date)
    assert statuses["not submitted"] > 150
    assert statuses["exempt"] > 30
    assert statuses["submitted"] > 5
    assert sum(bool(result.missing) for result in district.results) > 150
    assert sum(bool(result.late) for result in district.results) > 300
    assert sum(count == 2 for count in pairs.values()) > 100
    assert sum(e.end_date is not None for e in district.enrollments) == 14
    assert sum(count == 2 for count in seats.values()) > 24
    assert sum(not user.enabled_user for user in district.users) == 3


def test_a_retake_is_a_later_result_of_its_own(district: School) -> None:
    tries: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in district.results:
        key = (result.line_item.sourced_id, result.student.sourced_id)
        tries[key].append(result)
    again = [found for found in tries.values() if len(found) > 1]
    for first, second in again:
        assert first.score_date is not None
        assert second.score_date is not None
        assert first.score_date < second.score_date
        assert first.sourced_id != second.sourced_id
    better = sum((b.score or 0) > (a.score or 0) for a, b in again)
    assert 0.7 < better / len(again) < 1


def test_every_class_has_evidence_for_part_of_the_framework(
    district: School, scored: dict[tuple[str, str], list[Result]]
) -> None:
    shows: dict[str, list[str]] = defaultdict(list)
    for _, line_item, code, weight in district.alignments:
        assert weight in {0.5, 1.0}
        shows[line_item].append(code)
    assert set(shows) == {item.sourced_id for item in district.line_items}
    assert {len(set(codes)) for codes in shows.values()} == {2, 3}
    seen: dict[str, set[str]] = defaultdict(set)
    pieces: list[int] = []
    for (sis_class, _), results in scored.items():
        known = Counter(code for r in results for code in shows[r.line_item.sourced_id])
        seen[sis_class] |= set(known)
        pieces += known.values()
    assert set(seen) == {sis_class.sourced_id for sis_class in district.classes}
    assert all(14 <= len(codes) <= 22 for codes in seen.values())
    typical = sum(2 <= count <= 5 for count in pieces)
    assert typical / len(pieces) > 0.85


def test_classes_have_ten_to_eighteen_pieces_of_work(district: School) -> None:
    work = Counter(item.class_.sourced_id for item in district.line_items)
    assert all(10 <= count <= 18 for count in work.values())
    titles = [(item.class_.sourced_id, item.title) for item in district.line_items]
    assert len(set(titles)) == len(titles)


def test_scores_are_low_middling_and_high(district: School) -> None:
    most = {item.sourced_id: item.result_value_max for item in district.line_items}
    shares = Counter(
        "low" if ratio < 0.5 else "high" if ratio >= 0.75 else "middle"
        for result in district.results
        if result.score is not None
        and (ratio := result.score / (most[result.line_item.sourced_id] or 1)) >= 0
    )
    assert shares["low"] / shares.total() > 0.08
    assert shares["middle"] / shares.total() > 0.2
    assert shares["high"] / shares.total() > 0.4


def test_the_default_rule_finds_every_level_in_ms_lees_class(
    district: School, scored: dict[tuple[str, str], list[Result]]
) -> None:
    found = {
        student: levels(district, student, results)
        for (sis_class, student), results in scored.items()
        if sis_class == district.personas.sis_class
    }
    cells = Counter(level for row in found.values() for level in row.values())
    amira = Counter(found[district.personas.student.sourced_id].values())
    assert set(cells) == set(LEVELS)
    assert all(0.05 < count / cells.total() < 0.6 for count in cells.values())
    assert amira["Proficient"] + amira["Advanced"] >= 3
    assert amira["Developing"] >= 3


def test_amira_sits_in_ms_lees_section_b(district: School) -> None:
    cast = district.personas
    classes = {sis_class.sourced_id: sis_class for sis_class in district.classes}
    seats = {
        (e.class_.sourced_id, e.user.sourced_id): e.role for e in district.enrollments
    }
    assert classes[cast.sis_class].title == "Grade 7 Math, section B"
    assert (cast.teacher.name, cast.student.name) == ("Grace Lee", "Amira Haddad")
    assert seats[cast.sis_class, cast.teacher.sourced_id] == "teacher"
    assert seats[cast.second_class, cast.teacher.sourced_id] == "teacher"
    assert seats[cast.sis_class, cast.student.sourced_id] == "student"
    assert cast.administrator.role == "systemAdministrator"
    assert cast.leader.role == "principal"


def test_guardians_and_their_children_point_at_each_other(district: School) -> None:
    users = {user.sourced_id: user for user in district.users}
    guardians = [u for u in district.users if u.roles[0].role == "guardian"]
    assert len(guardians) > 100
    for guardian in guardians:
        (child,) = guardian.agents
        agents = [agent.sourced_id for agent in users[child.sourced_id].agents]
        assert agents == [guardian.sourced_id]
    family = users[district.personas.guardian.sourced_id]
    assert family.agents[0].sourced_id == district.personas.student.sourced_id


def test_names_come_from_many_scripts(district: School) -> None:
    names = {f"{u.given_name} {u.family_name}".strip() for u in district.users}
    assert {
        "Minh Anh Nguyễn",
        "Siobhán O'Brien",
        "Łukasz Wójcik",
        "小明 王",
        "Ngũgĩ wa Mwangi",
        "Suharto",
        "ليلى منصور",
        "Дмитро Шевченко",
    } <= names
    assert max(len(name) for name in names) > 60


@pytest.fixture(scope="module")
def accounts(district: School) -> dict[str, LmsPerson]:
    return {person.subject: person for person in district.lms_people()}


def test_the_lms_has_every_class_with_the_people_in_it_now(
    district: School, accounts: dict[str, LmsPerson]
) -> None:
    current: dict[str, set[str | None]] = defaultdict(set)
    for enrollment in district.enrollments:
        if enrollment.end_date is None:
            current[enrollment.class_.sourced_id].add(enrollment.user.sourced_id)
    for course in district.lms_courses():
        section = course.lis_course_section_sourcedid
        members = {accounts[member.subject].sourced_id for member in course.members}
        assert members - {None} == current[section]
        assert course.context_id != section


def test_the_lms_has_ids_of_its_own(
    district: School, accounts: dict[str, LmsPerson]
) -> None:
    known = {user.sourced_id for user in district.users}
    assert known.isdisjoint(accounts)
    assert len(accounts) == len(district.lms_people())


def test_most_accounts_name_the_sis_person_and_a_few_do_not(
    accounts: dict[str, LmsPerson],
) -> None:
    unlinked = [p for p in accounts.values() if p.lis_person_sourcedid is None]
    assert 0.02 < len(unlinked) / len(accounts) < 0.08
    for person in accounts.values():
        assert person.lis_person_sourcedid in {None, person.sourced_id}


def test_someone_in_ms_lees_course_is_unknown_to_the_sis(
    district: School, accounts: dict[str, LmsPerson]
) -> None:
    course = next(
        course
        for course in district.lms_courses()
        if course.lis_course_section_sourcedid == district.personas.sis_class
    )
    people = [accounts[member.subject] for member in course.members]
    assert [p.name for p in people if p.sourced_id is None] == ["Priya Raman"]
    gaps = {p.sourced_id for p in people if p.lis_person_sourcedid is None}
    assert len(gaps) >= 4


def test_of_two_namesakes_in_a_class_one_is_linked(
    accounts: dict[str, LmsPerson],
) -> None:
    emmas = [p for p in accounts.values() if p.name.casefold() == "emma johnson"]
    assert [p.lis_person_sourcedid is None for p in emmas] == [False, True]
