"""The words of a roster source: its kinds, its state, what its tests found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.web.admin.run_words import RESULTS
from lti_tool.web.admin.states import State
from lti_tool.web.texts import gettext, moment


@dataclass(frozen=True, slots=True)
class Door:
    """One kind of source to choose: what its form begins with, and what to say."""

    title: Any
    text: Any
    form: str
    version: str = "1.2"
    auth: str = "basic"


DOORS: Final = {
    "rest12": Door(
        lazy_gettext("OneRoster 1.2 service"),
        lazy_gettext("Your SIS answers by REST. Signed in with OAuth 2."),
        "rest",
    ),
    "rest11": Door(
        lazy_gettext("OneRoster 1.1 service"),
        lazy_gettext("An older REST service. OAuth 2, or OAuth 1.0a on the oldest."),
        "rest",
        "1.1",
    ),
    "classlink": Door(
        lazy_gettext("ClassLink"),
        lazy_gettext("Its Roster Server speaks OneRoster 1.1, with OAuth 1.0a keys."),
        "rest",
        "1.1",
        "oauth1-sha256",
    ),
    "clever": Door(
        lazy_gettext("Clever"),
        lazy_gettext("Has no OneRoster service to read from. See the two ways."),
        "clever",
    ),
    "upload": Door(
        lazy_gettext("Upload a file"),
        lazy_gettext("A zip of OneRoster CSV files, sent from this page."),
        "upload",
    ),
    "folder": Door(
        lazy_gettext("A folder that is filled by SFTP"),
        lazy_gettext("Your own SFTP server writes OneRoster CSV files there."),
        "folder",
    ),
}
AUTHS: Final = {
    "basic": lazy_gettext("OAuth 2, client id and secret in the header (usual)"),
    "form": lazy_gettext("OAuth 2, client id and secret in the form"),
    "oauth1-sha256": lazy_gettext("OAuth 1.0a, HMAC-SHA256"),
    "oauth1-sha1": lazy_gettext("OAuth 1.0a, HMAC-SHA1"),
    "bearer": lazy_gettext("A fixed bearer token"),
}
# In the order of the steps; what follows the kind is a page of the source each.
STEPS: Final = {
    "kind": lazy_gettext("Kind"),
    "address": lazy_gettext("Address and test"),
    "scope": lazy_gettext("What to take"),
    "mapping": lazy_gettext("Fields"),
    "matching": lazy_gettext("People"),
    "limits": lazy_gettext("Limits and times"),
    "finish": lazy_gettext("Dry run"),
}
COLLECTIONS: Final = {
    "orgs": lazy_gettext("Schools and districts"),
    "academicSessions": lazy_gettext("Terms"),
    "courses": lazy_gettext("Catalogue of courses"),
    "classes": lazy_gettext("Classes"),
    "users": lazy_gettext("People"),
    "demographics": lazy_gettext("Demographics"),
    "enrollments": lazy_gettext("Enrollments"),
    "resources": lazy_gettext("Resources"),
    "categories": lazy_gettext("Gradebook categories"),
    "scoreScales": lazy_gettext("Score scales"),
    "lineItems": lazy_gettext("Gradebook columns"),
    "results": lazy_gettext("Results"),
    "assessmentLineItems": lazy_gettext("Assessments"),
    "assessmentResults": lazy_gettext("Assessment results"),
}
ROLES: Final = {
    "student": lazy_gettext("Students"),
    "teacher": lazy_gettext("Teachers"),
    "administrator": lazy_gettext("Administrators"),
    "aide": lazy_gettext("Aides"),
    "counselor": lazy_gettext("Counselors"),
    "districtAdministrator": lazy_gettext("District administrators"),
    "guardian": lazy_gettext("Guardians"),
    "parent": lazy_gettext("Parents"),
    "principal": lazy_gettext("Principals"),
    "proctor": lazy_gettext("Proctors"),
    "relative": lazy_gettext("Relatives"),
    "siteAdministrator": lazy_gettext("School administrators"),
    "systemAdministrator": lazy_gettext("System administrators"),
}
TERM_KINDS: Final = {
    "gradingPeriod": lazy_gettext("grading period"),
    "semester": lazy_gettext("semester"),
    "schoolYear": lazy_gettext("school year"),
    "term": lazy_gettext("term"),
}
OURS: Final = {
    "id": lazy_gettext("identifier in the SIS, kept as it is"),
    "name": lazy_gettext("name"),
    "kind": lazy_gettext("kind"),
    "number": lazy_gettext("local number, for finding people"),
    "parent": lazy_gettext("what it belongs to"),
    "title": lazy_gettext("title"),
    "first_day": lazy_gettext("first day"),
    "last_day": lazy_gettext("last day"),
    "day_after": lazy_gettext("the day after the last"),
    "school_year": lazy_gettext("school year"),
    "code": lazy_gettext("short code"),
    "grades": lazy_gettext("grade levels"),
    "subjects": lazy_gettext("subjects"),
    "school": lazy_gettext("school"),
    "course_title": lazy_gettext("our course, by its class"),
    "catalogue_course": lazy_gettext("catalogue course"),
    "terms": lazy_gettext("terms it is taught in"),
    "periods": lazy_gettext("periods"),
    "given_name": lazy_gettext("given name"),
    "family_name": lazy_gettext("family name"),
    "preferred_name": lazy_gettext("name she goes by, shown first"),
    "username": lazy_gettext("user name, never used to sign in here"),
    "other_ids": lazy_gettext("ids in other systems"),
    "master_id": lazy_gettext("one id over all schools, joins accounts"),
    "email": lazy_gettext("e-mail, never used to find a person"),
    "roles": lazy_gettext("roles, school by school"),
    "enabled": lazy_gettext("whether the account is in use"),
    "family": lazy_gettext("links to her family"),
    "person": lazy_gettext("the person"),
    "role": lazy_gettext("as what she comes into the class"),
}
BECOMES: Final = {
    "not_a_school": lazy_gettext("kept as it is; it does not count as a school"),
    "kept": lazy_gettext("kept as it is; nothing depends on it"),
    "no_rights": lazy_gettext("the person is kept; the role gives no rights here"),
    "no_seat": lazy_gettext("left out: such a role has no place in a class"),
}
CHECKS: Final = {
    "open": lazy_gettext("The source can be opened"),
    "tls": lazy_gettext("Name and TLS"),
    "dns": lazy_gettext("The name leads to an address"),
    "root": lazy_gettext("Where the service begins"),
    "version": lazy_gettext("Version"),
    "token": lazy_gettext("Access token"),
    "auth": lazy_gettext("Credentials"),
    "scopes": lazy_gettext("Rights that were granted"),
    "page_size": lazy_gettext("Page size"),
    "limit": lazy_gettext("limit"),
    "offset": lazy_gettext("offset"),
    "sort": lazy_gettext("sort and orderBy"),
    "filter": lazy_gettext("filter"),
    "fields": lazy_gettext("fields"),
    "total": lazy_gettext("X-Total-Count"),
    "links": lazy_gettext("Link to the next page"),
    "link": lazy_gettext("Link to the next page"),
    "tombstones": lazy_gettext("Records marked as deleted"),
    "delta": lazy_gettext("Asking for changes alone"),
    "ids": lazy_gettext("The same page twice"),
    "stable": lazy_gettext("The same page twice"),
    "write_assessment": lazy_gettext("Writing levels as assessments"),
    "write_put": lazy_gettext("Writing levels into its gradebook"),
    "write_post": lazy_gettext("Posting levels into its gradebook"),
    "clock": lazy_gettext("Its clock"),
    "skew": lazy_gettext("Its clock"),
    "sample": lazy_gettext("Three records"),
    "requests": lazy_gettext("Requests that were made"),
    "manifest": lazy_gettext("manifest.csv"),
    "files": lazy_gettext("Files"),
}
PROFILE: Final = {
    "delta": lazy_gettext("Changes alone can be asked for"),
    "filter": lazy_gettext("Filters are honoured"),
    "sorts": lazy_gettext("Sorting is honoured"),
    "fields": lazy_gettext("Choosing fields is honoured"),
    "total": lazy_gettext("The number of records is told"),
    "links": lazy_gettext("The next page is linked"),
    "tombstones": lazy_gettext("Deleted records are told"),
}
MATCHES: Final = {
    "lis": lazy_gettext("The SIS id that the LMS sends is the sourcedId (LIS id)"),
    "sis_id": lazy_gettext("The SIS id that the LMS sends is the local number"),
    "name_in_class": lazy_gettext(
        "No SIS id is sent: the only person of that name in the class"
    ),
}
DAYS: Final = {
    "mon": lazy_gettext("Monday"),
    "tue": lazy_gettext("Tuesday"),
    "wed": lazy_gettext("Wednesday"),
    "thu": lazy_gettext("Thursday"),
    "fri": lazy_gettext("Friday"),
    "sat": lazy_gettext("Saturday"),
    "sun": lazy_gettext("Sunday"),
}
SAID: Final = {
    "saved": lazy_gettext("Saved."),
    "same": lazy_gettext("Nothing was changed."),
    "paused": lazy_gettext("Paused. It syncs only when you say so."),
    "active": lazy_gettext("It syncs by its schedule again."),
    "ordered": lazy_gettext("The worker has been told. The run shows below."),
    "busy": lazy_gettext("A run of this source is going on already."),
    "parked": lazy_gettext("The source asked us to wait; no run can begin before."),
    "removed": lazy_gettext("The source is removed."),
    "uploaded": lazy_gettext("The file is kept. The next run reads it."),
}


def run_state(run: Mapping[str, Any]) -> State:
    """How a run went, as a mark and a word."""
    if run["status"] == "planned":
        return State("ok", gettext("Dry run: nothing was changed"))
    mark, words = RESULTS.get(run["status"], ("off", run["status"]))
    return State(mark, str(words))


def source_state(
    source: Mapping[str, Any], run: Mapping[str, Any] | None, now: datetime
) -> State:
    """The most pressing thing to say of a source."""
    if source["status"] == "draft":
        return State("wait", gettext("not finished"))
    if run is not None and run["status"] in {"held", "failed", "running"}:
        return run_state(run)
    if source["parked_until"] is not None and source["parked_until"] > now:
        return State("wait", gettext("waits for the source"))
    if source["status"] == "paused":
        return State("off", gettext("paused"))
    return State("wait", gettext("never synced")) if not run else run_state(run)


def kind_words(source: Mapping[str, Any], *, is_upload: bool) -> str:
    """What a source is, in a few words."""
    if source["kind"] == "csv":
        words = gettext("OneRoster files, sent by a page")
        return words if is_upload else gettext("OneRoster files in a folder")
    return gettext("OneRoster %(version)s service", version=source["version"])


def parked_words(source: Mapping[str, Any], now: datetime) -> str:
    """Why no call goes out to a source now, '' if calls do."""
    until = source["parked_until"]
    if until is None or until <= now:
        return ""
    when = moment(until)
    if source["parked_code"] == "auth":
        return gettext(
            "It refused our credentials. We ask again %(when)s, or as soon as you "
            "replace them.",
            when=when,
        )
    return gettext("It asked us to wait. We ask again %(when)s.", when=when)
