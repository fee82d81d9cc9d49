"""1.1 and 1.2 are data, and every 1.1 object has a 1.2 shape."""

import pytest

from oneroster.dialects import COLLECTIONS, DIALECTS, downgrade, upgrade
from oneroster.models import LineItem, SisClass, User, parse_record
from oneroster.service import Service

ORG = {"sourcedId": "o-1", "type": "org", "href": "/orgs/o-1"}


def test_a_user_of_1_1_has_its_role_in_each_of_its_orgs() -> None:
    second = ORG | {"sourcedId": "o-2"}
    user = {"sourcedId": "u", "role": "student", "orgs": [ORG, second]}
    assert upgrade("students", user) == {
        "sourcedId": "u",
        "roles": [
            {"roleType": "primary", "role": "student", "org": ORG},
            {"roleType": "primary", "role": "student", "org": second},
        ],
    }


def test_a_user_of_1_1_with_one_org_has_it_as_primary_org() -> None:
    raised = upgrade("users", {"role": "teacher", "orgs": ORG})
    assert raised["primaryOrg"] == ORG


def test_an_administrator_becomes_the_narrowest_of_four() -> None:
    raised = upgrade("users", {"role": "Administrator", "orgs": [ORG]})
    assert raised["roles"][0]["role"] == "siteAdministrator"


def test_a_user_of_1_1_without_a_role_is_rejected_not_guessed() -> None:
    raised = upgrade("users", {"sourcedId": "u", "status": "active", "orgs": [ORG]})
    record, problems = parse_record(User, raised)
    assert record is None
    assert [problem.field for problem in problems] == ["roles.0.role"]


def test_an_object_of_1_2_stays_as_it_is() -> None:
    user = {"sourcedId": "u", "roles": [], "role": "student"}
    assert upgrade("users", user) == user
    assert upgrade("users", {"sourcedId": "u"}) == {"sourcedId": "u"}


def test_a_grading_period_is_an_academic_session_and_back() -> None:
    period = {"sourcedId": "g", "type": "gradingPeriod"}
    raised = upgrade("lineItems", {"sourcedId": "l", "gradingPeriod": period})
    assert raised["academicSession"] == period
    lowered = downgrade(
        "lineItems", {"academicSession": period, "school": ORG, "title": "Quiz"}
    )
    assert lowered == {"gradingPeriod": period, "title": "Quiz"}


def test_what_1_1_has_no_place_for_is_left_out() -> None:
    result = {"sourcedId": "r", "score": 1, "textScore": "A", "late": "true"}
    assert downgrade("results", result) == {"sourcedId": "r", "score": 1}
    assert DIALECTS["1.2"].downgrade("results", result) == result


def test_a_user_lowered_to_1_1_keeps_the_orgs_of_its_primary_role_alone() -> None:
    home, other = ORG, ORG | {"sourcedId": "o-2"}
    user = {
        "sourcedId": "u",
        "givenName": "Anna",
        "preferredFirstName": "Ann",
        "pronouns": "she",
        "userMasterIdentifier": "m",
        "primaryOrg": home,
        "userProfiles": [{"profileId": "p"}],
        "resources": [],
        "roles": [
            {"roleType": "secondary", "role": "parent", "org": other},
            {"roleType": "primary", "role": "teacher", "org": other},
            {"roleType": "primary", "role": "principal", "org": home},
            {"roleType": "secondary", "role": "districtAdministrator", "org": other},
        ],
    }
    assert downgrade("users", user) == {
        "sourcedId": "u",
        "givenName": "Anna",
        "role": "administrator",
        "orgs": [home, other],
        "username": "",
    }


@pytest.mark.parametrize(
    ("role", "lowered"),
    [
        ("student", "student"),
        ("counselor", "aide"),
        ("siteAdministrator", "administrator"),
        ("systemAdministrator", "administrator"),
        ("ext:coach", "ext:coach"),
    ],
)
def test_a_role_has_a_name_in_1_1(role: str, lowered: str) -> None:
    user = {"username": "u", "roles": [{"role": role, "org": ORG}]}
    assert downgrade("teachers", user) == {
        "username": "u",
        "role": lowered,
        "orgs": [ORG],
    }


def test_a_user_of_1_1_comes_back_from_1_2_as_it_was() -> None:
    user = {"sourcedId": "u", "username": "u", "role": "student", "orgs": [ORG]}
    assert downgrade("users", upgrade("users", user)) == user
    assert downgrade("users", user) == user


def test_demographics_of_1_1_know_two_sexes() -> None:
    assert downgrade("demographics", {"sourcedId": "u", "sex": "other"}) == {
        "sourcedId": "u"
    }
    assert downgrade("demographics", {"sex": "female"}) == {"sex": "female"}


def test_a_birth_date_of_1_0_is_found_in_its_old_spelling() -> None:
    assert upgrade("demographics", {"birthdate": "2010-01-02"}) == {
        "birthDate": "2010-01-02"
    }


@pytest.mark.parametrize(
    ("version", "path", "name"),
    [
        ("1.1", "users", "users"),
        ("1.2", "terms", "terms"),
        ("1.1", "classes/c-1/lineItems", "lineItems"),
        ("1.2", "schools/s/classes/c/students", "students"),
        ("1.2", "classes/c/categories", "categories"),
        ("1.2", "assessmentResults", "assessmentResults"),
    ],
)
def test_a_path_names_its_collection(version: str, path: str, name: str) -> None:
    dialect = DIALECTS["1.1" if version == "1.1" else "1.2"]
    assert dialect.collection(path) is COLLECTIONS[name]


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("1.1", "scoreScales"),
        ("1.1", "classes/c/categories"),
        ("1.2", "users/u/enrollments"),
        ("1.2", "users/u"),
        ("1.2", "../users"),
        ("1.2", "classes//students"),
        ("1.2", ""),
    ],
)
def test_a_path_the_version_lacks_is_refused(version: str, path: str) -> None:
    dialect = DIALECTS["1.1" if version == "1.1" else "1.2"]
    with pytest.raises(ValueError, match=rf"^OneRoster {version} has no collection"):
        dialect.collection(path)


def test_only_1_2_takes_posts() -> None:
    assert DIALECTS["1.2"].posted("lineItems/l/results").kind is (
        COLLECTIONS["results"].kind
    )
    with pytest.raises(ValueError, match=r"^OneRoster 1\.1 has no collection"):
        DIALECTS["1.1"].posted("classes/c/lineItems")


def test_scopes_are_sent_as_the_version_spells_them() -> None:
    scope = DIALECTS["1.2"].scope("roster.readonly", "assessment.createput")
    assert scope == (
        "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly "
        "https://purl.imsglobal.org/spec/or/v1p2/scope/assessment.createput"
    )
    assert "gradebook.createpost" not in DIALECTS["1.1"].scopes


def test_only_the_gradebook_may_be_written() -> None:
    assert COLLECTIONS["lineItems"].is_writable
    assert COLLECTIONS["lineItems"].kind is LineItem
    assert not COLLECTIONS["classes"].is_writable
    assert COLLECTIONS["classes"].kind is SisClass


@pytest.mark.parametrize(
    ("url", "version", "users", "results"),
    [
        (
            "https://sis.example/",
            "1.2",
            "https://sis.example/ims/oneroster/rostering/v1p2/users",
            "https://sis.example/ims/oneroster/gradebook/v1p2/results",
        ),
        (
            "https://sis.example/t/2027",
            "1.2",
            "https://sis.example/t/2027/ims/oneroster/rostering/v1p2/users",
            "https://sis.example/t/2027/ims/oneroster/gradebook/v1p2/results",
        ),
        (
            "https://sis.example/x/gradebook/v1p2/",
            "1.2",
            "https://sis.example/x/rostering/v1p2/users",
            "https://sis.example/x/gradebook/v1p2/results",
        ),
        (
            "http://sis.example",
            "1.1",
            "http://sis.example/ims/oneroster/v1p1/users",
            "http://sis.example/ims/oneroster/v1p1/results",
        ),
        (
            "https://sis.example/ims/oneroster/v1p1",
            "1.2",
            "https://sis.example/ims/oneroster/v1p1/users",
            "https://sis.example/ims/oneroster/v1p1/results",
        ),
    ],
)
def test_the_roots_are_found_from_a_host_a_prefix_or_a_root(
    url: str, version: str, users: str, results: str
) -> None:
    service = Service.at(url, "1.1" if version == "1.1" else "1.2")
    assert (service.url("users"), service.url("results")) == (users, results)


def test_an_identifier_in_a_url_is_one_step_of_its_path() -> None:
    service = Service.at("https://sis.example")
    root = "https://sis.example/ims/oneroster/gradebook/v1p2"
    assert service.object_url("lineItems", "a/../b ?") == (
        f"{root}/lineItems/a%2F..%2Fb%20%3F"
    )
    assert service.href("lineItem", "l-1") == f"{root}/lineItems/l-1"
    assert service.posted_url("classes/c 1/lineItems") == (
        f"{root}/classes/c%201/lineItems"
    )


@pytest.mark.parametrize("sourced_id", [".", ".."])
def test_an_identifier_that_would_lead_upwards_is_refused(sourced_id: str) -> None:
    service = Service.at("https://sis.example")
    message = r"^a sourcedId of dots alone cannot be part of a URL$"
    with pytest.raises(ValueError, match=message):
        service.object_url("lineItems", sourced_id)
    with pytest.raises(ValueError, match=message):
        service.url(f"classes/{sourced_id}/lineItems")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sis.example", "the service URL must begin with https:// and a host"),
        ("ftp://sis.example", "the service URL must begin with https:// and a host"),
        (
            "https://me:pw@sis.example",
            "the service URL must hold no user, query or fragment; remove it",
        ),
        (
            "https://sis.example?x=1",
            "the service URL must hold no user, query or fragment; remove it",
        ),
    ],
)
def test_a_url_that_is_no_root_is_refused(url: str, message: str) -> None:
    with pytest.raises(ValueError, match="the service URL") as caught:
        Service.at(url)
    assert str(caught.value) == message
