"""What the live checks say: each finding with its mend, as data.

The texts are English and stand in the catalogue; `%(name)s` is filled from the values
of the check. Source: facts/ux.md section 4.4, page A2 step 4.

Longer than our usual room: a table of sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

OK: Final = "ok"
PROBLEM: Final = "problem"
WAITING: Final = "waiting"
NOT_TRIED: Final = "not tried"

# Every check by its stable name, in the order they are made and shown.
TITLES: Final = MappingProxyType(
    {
        "issuer": "The platform answers",
        "keys": "Its key set is fetched",
        "clock": "Its clock is within 60 seconds of ours",
        "our_keys": "It accepts our signature",
        "scope:members": "Token to read names and roles",
        "scope:lineitem": "Token to manage line items",
        "scope:lineitem.readonly": "Token to read line items",
        "scope:score": "Token to send scores",
        "scope:result.readonly": "Token to read results",
        "deployment": "The deployment is approved",
        "launch": "A test launch was seen",
        "members": "Names and roles",
        "line_items": "Line items",
        "outcomes": "Interface for outcomes",
        "outcomes:functions": "Functions for outcomes",
        "outcomes:rights": "Rights of our account in a course",
        "outcomes:making": "Making what is missing there",
        "outcomes:scales": "Levels on its scales",
        "outcomes:levels": "Scale and calculation of the outcomes",
        "outcomes:live": "Live assessments",
        "reading": "Reading grades",
        "reading:columns": "Columns that our account sees",
        "reading:more": "What else is read of work",
    }
)
STATES: Final = MappingProxyType(
    {
        OK: "OK",
        PROBLEM: "Problem",
        WAITING: "Waiting",
        NOT_TRIED: "Not tried",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check may find: its state, what is so, and what to do."""

    state: str
    text: str
    fix: str = ""


FINDINGS: Final = MappingProxyType(
    {
        "issuer_answers": Finding(OK, "%(host)s answers."),
        "issuer_silent": Finding(
            PROBLEM,
            "Nothing answers: %(problem)s.",
            "Check the addresses of the registration, and that this server may reach "
            "%(host)s through the firewall.",
        ),
        "address": Finding(
            PROBLEM,
            "This address is not one we go to: %(problem)s.",
            "Mend the address in the registration, or name the host in "
            "MASTERYBRIDGE_LOCAL_NETWORK if the LMS is on your own network.",
        ),
        "keys_fetched": Finding(
            OK, "%(count)d usable keys of %(entries)d: %(kids)s (RSA %(bits)s bits)."
        ),
        "keys_held": Finding(
            OK, "The registration holds %(count)d usable keys itself: %(kids)s."
        ),
        "keys_held_none": Finding(
            PROBLEM,
            "The keys that the registration holds are none that we can use.",
            "Give the registration the platform's key set, or the address of one.",
        ),
        "keys_silent": Finding(
            PROBLEM,
            "The key set cannot be fetched: %(problem)s.",
            "Open the key set address of the registration in a browser: it must show a "
            "JSON document, from this server's network as well.",
        ),
        "keys_none": Finding(
            PROBLEM,
            "The key set holds %(entries)d keys and none that we can use.",
            "The LMS must publish an RSA key of 2048 bits or more with a kid, for "
            "RS256 signatures. Check that the address is that of its key set.",
        ),
        "clock_near": Finding(
            OK, "The clocks differ by %(seconds)d seconds; up to 60 are allowed."
        ),
        "clock_drifts": Finding(
            OK,
            "The clocks differ by %(seconds)d seconds; over 60 no launch is let in.",
            "Set the time of both servers by NTP before it grows.",
        ),
        "clock_far": Finding(
            PROBLEM,
            "The clocks differ by %(seconds)d seconds; up to 60 are allowed.",
            "Set the time of this server and of the LMS by NTP. One of them is wrong.",
        ),
        "clock_unknown": Finding(
            WAITING,
            "The LMS does not tell its time outside of launches.",
            "Make a test launch; it tells.",
        ),
        "our_keys_read": Finding(
            OK, "The LMS checked our signature with the key set at %(url)s."
        ),
        "our_keys_refused": Finding(
            PROBLEM,
            "The LMS does not accept our signature (%(error)s).",
            "It must know client id %(client_id)s, and be able to fetch our keys from "
            "%(url)s. Check both in the LMS, and that it can reach this server.",
        ),
        "token_silent": Finding(
            PROBLEM,
            "The token address does not answer: %(problem)s.",
            "Check the token address of the registration, and the firewall between "
            "this server and the LMS.",
        ),
        "token_wrong": Finding(
            PROBLEM,
            "The token address answers %(status)d, and not as a token address does.",
            "Check the token address of the registration.",
        ),
        "not_active": Finding(
            WAITING,
            "This registration is not approved, so we ask for nothing in its name.",
            "Approve the registration first.",
        ),
        "after_token": Finding(
            NOT_TRIED,
            "Not tried: the LMS gives us no token.",
            "Mend the problem above first.",
        ),
        "scope_granted": Finding(OK, "Granted: %(scope)s"),
        "scope_refused": Finding(
            PROBLEM,
            "Not granted: %(scope)s (%(error)s)",
            "Allow the tool this service in the LMS.",
        ),
        "scope_less": Finding(
            PROBLEM,
            "Asked for %(scope)s; the LMS gave a token for less.",
            "Allow the tool this service in the LMS.",
        ),
        "deployment_known": Finding(OK, "Approved deployments: %(count)d."),
        "deployment_waits": Finding(
            WAITING,
            "Deployments that wait for approval: %(waiting)s.",
            "Approve the deployment if its id is the one your LMS shows.",
        ),
        "deployment_some_wait": Finding(
            WAITING,
            "Approved deployments: %(count)d. Others wait for approval: %(waiting)s.",
            "Approve the deployment if its id is the one your LMS shows.",
        ),
        "deployment_none": Finding(
            WAITING,
            "No deployment is known yet.",
            "Open the tool from the LMS once; its deployment then waits here for your "
            "approval.",
        ),
        "launch_seen": Finding(OK, "The last launch was let in at %(at)s UTC."),
        "launch_none": Finding(
            WAITING,
            "Waiting for your test launch.",
            "Open the tool from a course of the LMS, as a teacher.",
        ),
        "launch_refused": Finding(
            PROBLEM,
            "No launch was let in yet; the last one was refused with %(code)s.",
            "See the launch doctor for the refusal with reference %(reference)s.",
        ),
        "no_course": Finding(
            WAITING,
            "No course has been opened from this LMS yet.",
            "Open the tool from a course of the LMS, as a teacher.",
        ),
        "members_listed": Finding(
            OK, "The LMS lists members: %(count)d on the first page of one course."
        ),
        "members_none": Finding(
            PROBLEM,
            "Launches do not offer names and roles.",
            "Allow the tool the Names and Role Provisioning Services in the LMS, then "
            "open the tool once more.",
        ),
        "line_items_listed": Finding(
            OK, "The LMS lists line items: %(count)d on the first page of one course."
        ),
        "line_items_none": Finding(
            PROBLEM,
            "Launches do not offer the gradebook.",
            "Allow the tool the Assignment and Grade Services in the LMS, then open "
            "the tool once more.",
        ),
        "service_refused": Finding(
            PROBLEM,
            "The call failed: %(problem)s.",
            "Allow the tool this service in the LMS for the course it was opened in.",
        ),
        "service_silent": Finding(
            PROBLEM,
            "The service does not answer: %(problem)s.",
            "Try again in a minute; if it stays, ask whoever runs the LMS.",
        ),
        "outcomes_answers": Finding(OK, "%(interface)s takes our token."),
        "outcomes_refused": Finding(
            PROBLEM,
            "%(interface)s does not take our token (%(error)s).",
            "Make a new token in the LMS for an account that may write outcomes, and "
            "give it to the registration.",
        ),
        "outcomes_not_let": Finding(
            PROBLEM,
            "%(interface)s know our token and do not let its account in (%(error)s).",
            "Give a role of the account the right webservice/rest:use for the whole "
            "site, and the service of the token the function "
            "core_webservice_get_site_info.",
        ),
        "functions_there": Finding(
            OK, "The service of %(account)s has every function that ratings need."
        ),
        "functions_lack": Finding(
            PROBLEM,
            "The service of %(account)s lacks functions: %(names)s.",
            "Add them to it: Site administration > Server > Web services > External "
            "services > Functions.",
        ),
        "rights_there": Finding(
            OK, "%(account)s may read and give ratings in the course opened last."
        ),
        "rights_lack": Finding(
            PROBLEM,
            "%(account)s lacks a right in the course opened last: %(names)s. The LMS "
            "says: %(said)s",
            "Give a role of the account these rights for the whole site: Site "
            "administration > Users > Permissions > Define roles.",
        ),
        "making_there": Finding(
            OK, "%(account)s may make frameworks and competencies that are missing."
        ),
        "making_lacks": Finding(
            NOT_TRIED,
            "What is missing there is not made by us: %(account)s lacks %(names)s.",
            "Grant it, or import the framework there by a file: masterybridge "
            "framework export FRAMEWORK --format moodle.",
        ),
        "reading_there": Finding(OK, "Grades can be read in the course opened last."),
        "reading_functions": Finding(
            PROBLEM,
            "To read grades, the service of %(account)s lacks functions: %(names)s.",
            "Add them to it: Site administration > Server > Web services > External "
            "services > Functions.",
        ),
        "reading_denied": Finding(
            PROBLEM,
            "%(account)s may not read grades in the course opened last. The LMS says: "
            "%(said)s",
            "Give a role of the account these rights for the whole site: %(names)s.",
        ),
        "reading_refused": Finding(
            PROBLEM,
            "Grades cannot be read: %(problem)s.",
            "Grant the account and its key what the guide lists under reading grades, "
            "and connect it again.",
        ),
        "columns_seen": Finding(
            OK, "%(account)s sees every column of the course opened last."
        ),
        "columns_unseen": Finding(
            NOT_TRIED,
            "%(account)s does not see some columns of the course opened last, and they "
            "are not read: %(names)s.",
            "Activities hidden from students are left out on purpose. For the others, "
            "give a role of the account the right to view their kind for the whole "
            "site, such as mod/assign:view and mod/quiz:view.",
        ),
        "more_there": Finding(
            OK, "Due dates, descriptions and alignments made there are read too."
        ),
        "more_lacks": Finding(
            NOT_TRIED,
            "Due dates, descriptions or alignments made there are not read: the "
            "service of %(account)s lacks %(names)s.",
            "Add them to it: Site administration > Server > Web services > External "
            "services > Functions.",
        ),
        "reads_there": Finding(
            OK,
            "Students, assignments, outcomes and results of the course opened last can "
            "be read. What writes was not tried; the first delivery shows it.",
        ),
        "reads_lack": Finding(
            PROBLEM,
            "Not everything in the course opened last can be read: %(said)s",
            "Give the role of the account the right, or the developer key the scope.",
        ),
        "levels_fit": Finding(
            OK,
            "Outcomes of the course opened last that show what we say: %(count)d.",
        ),
        "levels_mixed": Finding(
            OK,
            "The outcomes of the course opened last have our scale. So many of them do "
            "not show the most recent score: %(count)d. Where teachers rate the same "
            "outcome in work of their own, Canvas reckons that in.",
            "Where our level alone is to be shown, set their calculation to most "
            "recent score in Canvas.",
        ),
        "levels_wrong": Finding(
            PROBLEM,
            "Outcomes of the course opened last that would show something else: "
            "%(count)d. The first: %(said)s",
            "Change the calculation or the scale in Canvas (where the account sets one "
            "scale for all, in the account), or the course's cut here. Until then "
            "nothing is sent to such an outcome.",
        ),
        "levels_none": Finding(
            WAITING,
            "The course opened last has no outcome of its plan in Canvas yet.",
            "They are made by the first delivery; check again then.",
        ),
        "live_answers": Finding(
            OK,
            "The list of live assessments can be read. Whether Canvas takes results "
            "was not tried, for none could be taken away again.",
        ),
        "live_unused": Finding(
            NOT_TRIED,
            "Live assessments do not answer. Levels go by the rubric, which does not "
            "need them. Canvas says: %(said)s",
        ),
        "live_needed": Finding(
            PROBLEM,
            "Levels are to go by live assessments, and these do not answer: %(said)s",
            "Choose the rubric on the platform's page.",
        ),
        "in_use": Finding(
            WAITING,
            "Another worker of this tool is using the connection right now.",
            "Check again in a minute.",
        ),
        "scales_fit": Finding(
            OK,
            "Every level has its item on the scales of the courses that send there "
            "(courses: %(courses)d, scales: %(scales)d).",
        ),
        "scales_none": Finding(
            NOT_TRIED, "No course sends levels there yet, so no scale was looked at."
        ),
        "scales_unmapped": Finding(
            PROBLEM,
            "Scales have other items than our levels, and nobody said which item each "
            "level is: %(names)s. Nothing is rated on them before.",
            "Say it once for the school: on the page of the platform, Levels on its "
            "scales, or masterybridge platform scales %(platform)d.",
        ),
        "outcomes_unknown": Finding(
            NOT_TRIED,
            "An outcomes address is set, but we know no interface of this vendor.",
            "Set the vendor of the registration, or take the address out.",
        ),
        "failed": Finding(
            PROBLEM,
            "The check itself failed.",
            "See the log of this server, and report it with the log line.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check made: its stable name, what was found, the values of the texts.

    Attributes:
        name: one of TITLES.
        finding: one of FINDINGS.
        is_silent: the problem is that nobody answered.
    """

    name: str
    finding: str
    values: dict[str, str | int] = field(default_factory=dict)
    is_silent: bool = False

    @property
    def words(self) -> Finding:
        """State, text and mend, with places for the values."""
        return FINDINGS[self.finding]

    @property
    def state(self) -> str:
        """One of ok, problem, waiting, not tried."""
        return self.words.state

    @property
    def title(self) -> str:
        """What was checked."""
        return TITLES[self.name]

    @property
    def text(self) -> str:
        """What was found, in English."""
        return self.words.text % self.values

    @property
    def fix(self) -> str:
        """What to do about it, in English; '' where there is nothing to do."""
        return self.words.fix % self.values


@dataclass(frozen=True, slots=True)
class Checked:
    """The checks of a platform, in their order, and when they were made."""

    at: datetime
    checks: tuple[Check, ...]

    @property
    def has_problem(self) -> bool:
        """Tell whether a check found a problem."""
        return any(one.state == PROBLEM for one in self.checks)


def sentences() -> tuple[str, ...]:
    """Every text of the checks, for the catalogue."""
    return (
        *TITLES.values(),
        *STATES.values(),
        *(one.text for one in FINDINGS.values()),
        *(one.fix for one in FINDINGS.values() if one.fix),
    )
