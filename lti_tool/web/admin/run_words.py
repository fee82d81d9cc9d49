"""The words of runs on the administrators' pages: how one went, and why it waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.storage.run_pages import SHOWN_FOR
from lti_tool.web.admin.roster_words import collection_word, counted
from lti_tool.web.admin.states import Mark, State
from lti_tool.web.texts import decimal, gettext

RESULTS: Final[Mapping[str, tuple[Mark, Any]]] = {
    "running": ("wait", lazy_gettext("Running")),
    "applied": ("ok", lazy_gettext("Done")),
    "applied_with_rejects": ("warn", lazy_gettext("Done with warnings")),
    "held": ("bad", lazy_gettext("On hold")),
    "planned": ("off", lazy_gettext("Dry run")),
    "parked": ("wait", lazy_gettext("Waiting")),
    "stopped": ("off", lazy_gettext("Stopped")),
    "failed": ("bad", lazy_gettext("Failed")),
    "discarded": ("off", lazy_gettext("Discarded")),
}
DECISIONS: Final = {
    "accepted": lazy_gettext("Accepted"),
    "accepted_without_ends": lazy_gettext("Accepted, all but the ends"),
    "discarded": lazy_gettext("Discarded"),
}
READS: Final = {
    "full": lazy_gettext("full"),
    "delta": lazy_gettext("changes only"),
    "retry": lazy_gettext("held aside"),
}
TRIGGERS: Final = {
    "by_hand": lazy_gettext("by hand"),
    "schedule": lazy_gettext("by schedule"),
    "retry": lazy_gettext("retry"),
}
PHASES: Final = {
    "check": lazy_gettext("Check the records"),
    "plan": lazy_gettext("Compare with what is here"),
    "apply": lazy_gettext("Write the changes"),
    "standing": lazy_gettext("Work out levels anew"),
}
# Why a run did not come to its end, by the code its text begins with.
# Why an order became no run. Here "busy" is ours; of a run that failed, the source's.
NOT_BEGUN: Final = {
    "busy": lazy_gettext("Another run of this source is going on. Wait for its end."),
}
FAILURES: Final = {
    "auth": lazy_gettext(
        "The source refuses our credentials. Check them, test the source, run again."
    ),
    "no_answer": lazy_gettext(
        "The source does not answer. Ask its operator whether it is up, then run again."
    ),
    "connect": lazy_gettext(
        "The source cannot be reached. Check its address and your network."
    ),
    "rate": lazy_gettext("The source asked us to wait longer than a run may."),
    "busy": lazy_gettext("The source says it is too busy. Run again later."),
    "forbidden": lazy_gettext(
        "The source does not let our credentials see what is asked for. Have its "
        "operator grant the scopes."
    ),
    "not_found": lazy_gettext(
        "The source has nothing at this address. Check its address and version."
    ),
    "bad_record": lazy_gettext(
        "The source sent a record that cannot be read where one must be."
    ),
    "too_large": lazy_gettext("The source sent an answer larger than we take."),
    "unreadable": lazy_gettext(
        "The files cannot be read. Check that they are where the source says, and that "
        "this server may read them."
    ),
    "zip_bomb": lazy_gettext(
        "The zip unpacks to more than we take. Send the files without anything else."
    ),
    "zip_path": lazy_gettext(
        "The zip holds names that lead out of it. Export it anew."
    ),
    "zip_nested": lazy_gettext("The zip holds another zip. Send the CSV files alone."),
    "zip_members": lazy_gettext(
        "The zip holds too many files. Send the CSV files of OneRoster alone."
    ),
    "zip_duplicate": lazy_gettext("The zip holds a file twice. Export it anew."),
    "redirects": lazy_gettext(
        "The source sends us from one address to the next without end. Check its "
        "address."
    ),
    "zip": lazy_gettext("The zip is damaged. Export it again."),
    "timeout": lazy_gettext("The source took too long to answer. Run again later."),
    "tls": lazy_gettext(
        "The certificate of the source is not valid. Its operator must mend it."
    ),
    "bad_json": lazy_gettext(
        "The source answered with something other than OneRoster, perhaps a page to "
        "sign in. Check its address."
    ),
    "bad_shape": lazy_gettext(
        "The source answered with something other than OneRoster. Check its address "
        "and version."
    ),
    "short_read": lazy_gettext(
        "The source sent fewer records than it said it has, so nothing was taken."
    ),
    "paging_loop": lazy_gettext(
        "The source sends the same page again and again. Tell its operator."
    ),
    "unstable_source": lazy_gettext(
        "The source changed while it was read, twice. Run again at a calmer time."
    ),
    "empty": lazy_gettext(
        "The source sent nothing where we hold records. Most often it lost its "
        "permission to see them."
    ),
    "rate_limited": lazy_gettext("The source asked us to wait longer than a run may."),
    "lost_lease": lazy_gettext("Another run took over while this one stood still."),
    "ssrf": lazy_gettext("The source leads to an address inside your network."),
    "manifest": lazy_gettext("The bundle has no manifest that can be read."),
    "header": lazy_gettext("A file of the bundle lacks a column it must have."),
    "encoding": lazy_gettext("A file of the bundle is not UTF-8. Export it as UTF-8."),
    "csv_syntax": lazy_gettext("A file of the bundle is broken off or badly quoted."),
    "missing_file": lazy_gettext("A file the manifest names is not in the bundle."),
}
# Why a plan waits, where it is not for the number of its ends.
SPECIAL: Final = {
    "role_escalation": lazy_gettext(
        "%(what)s of %(all)s would gain a role of staff; the limit is %(limit)s."
    ),
    "rekeyed": lazy_gettext(
        "%(what)s that would end come again under another sourcedId with the same "
        "%(by)s: the SIS may have changed its ids. Have them re-keyed by it instead of "
        "ended."
    ),
    "changes": lazy_gettext(
        "%(what)s of %(all)s would change; the limit is %(limit)s."
    ),
    "empty": lazy_gettext(
        "All of them would end: %(what)s. The source sent none; most often it lost its "
        "permission to see them."
    ),
}


def result(run: Mapping[str, Any], now: datetime | None = None) -> State:
    """How a run went, in a word; a plan somebody decided on says what was decided."""
    mark, words = RESULTS.get(run["status"], ("off", run["status"]))
    if run["decision"] in DECISIONS and run["status"] in ("held", "planned"):
        return State("off", str(DECISIONS[run["decision"]]))
    if run["status"] == "held" and now is not None and is_lapsed(run, now):
        return State("off", gettext("On hold, lapsed"))
    return State(mark, str(words))


def is_lapsed(run: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a plan is too old to be accepted. Source: promise P3."""
    return run["ended_at"] is not None and now - run["ended_at"] >= SHOWN_FOR


def lapses_at(run: Mapping[str, Any]) -> datetime | None:
    """When a plan becomes too old to be accepted; None while its run goes on."""
    ended_at: datetime | None = run["ended_at"]
    return ended_at and ended_at + SHOWN_FOR


def can_decide(run: Mapping[str, Any]) -> bool:
    """Tell whether a plan still waits for a person's word."""
    return (
        run["status"] in ("held", "planned")
        and run["decision"] is None
        and bool(run["plan_hash"])
    )


def failure(run: Mapping[str, Any]) -> str:
    """What a run that failed means and asks for; '' where we know no better."""
    code = (run["text"] or "").split(":", 1)[0]
    return str(FAILURES.get(code, ""))


def outcome(run: Mapping[str, Any]) -> str:
    """What is to be said of a run beside its result; '' where we know no better."""
    if run["status"] == "held":
        return hold_line(run["holds"] or ())
    return failure(run) if run["status"] == "failed" else ""


def refusal(why: Mapping[str, str]) -> str:
    """Why the worker began no run for an order, in words."""
    code = why.get("code", "")
    known = NOT_BEGUN.get(code) or FAILURES.get(code)
    return str(known) if known else str(why.get("text", ""))


def phase_word(phase: str) -> str:
    """What a run is doing, or which collection it reads."""
    return str(PHASES.get(phase) or collection_word(phase))


def length(begins: datetime, ends: datetime) -> str:
    """How long something took, in the two largest units."""
    seconds = max(0, round((ends - begins).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return gettext("%(hours)d h %(minutes)02d min", hours=hours, minutes=minutes)
    if minutes:
        return gettext(
            "%(minutes)d min %(seconds)02d s", minutes=minutes, seconds=seconds
        )
    return gettext("%(seconds)d s", seconds=seconds)


def totals(plan: Mapping[str, Mapping[str, int]] | None) -> dict[str, int]:
    """Adds, changes and ends of a whole plan."""
    moves = list((plan or {}).values())
    return {
        kind: sum(one.get(kind) or 0 for one in moves)
        for kind in ("adds", "changes", "ends")
    }


def read_count(run: Mapping[str, Any]) -> int | None:
    """How many records a run read; None where that is not known."""
    counts = run["counts"]
    return sum(counts.values()) if counts else None


def split_problems(
    counts: Mapping[str, int] | None, levels: Mapping[str, str]
) -> tuple[int, int]:
    """How many records were left out, and how many warnings there are.

    levels: what each code meant; one that is not known left a record out.
    """
    left_out = warned = 0
    for code, count in (counts or {}).items():
        if levels.get(code, "error") == "warning":
            warned += count
        else:
            left_out += count
    return left_out, warned


def hold_words(
    holds: Iterable[Mapping[str, Any]], schools: Mapping[str, str]
) -> list[str]:
    """Why a plan waits, one sentence a reason; schools: their names by sourcedId."""
    return [_hold(one, schools) for one in holds]


def hold_line(holds: Iterable[Mapping[str, Any]]) -> str:
    """What a plan waits for, in one line: its largest number of ends, if it has one."""
    ends = [one for one in holds if one.get("ends") and not one.get("school")]
    if not ends:
        return gettext("ON HOLD: a plan waits for a person")
    most = max(ends, key=lambda one: int(one["ends"]))
    what = counted(str(most.get("collection")), int(most["ends"]))
    return gettext("ON HOLD: %(what)s would end", what=what)


def _hold(hold: Mapping[str, Any], schools: Mapping[str, str]) -> str:
    collection, now = str(hold.get("collection") or ""), int(hold.get("now") or 0)
    school = hold.get("school")
    count = int(hold.get("ends") or hold.get("count") or 0)
    words = {
        "what": counted(collection, count),
        "all": decimal(now),
        "limit": decimal(float(hold.get("limit") or 0)),
        "school": schools.get(str(school), str(school or "")),
        "by": str(hold.get("by") or ""),
    }
    special = SPECIAL.get(str(hold.get("code")))
    if special is not None:
        return str(special) % words
    if now and count >= now:
        return (
            gettext("All of them would end at %(school)s: %(what)s.", **words)
            if school
            else gettext("All of them would end: %(what)s.", **words)
        )
    if school:
        return gettext(
            "%(what)s of %(all)s at %(school)s would end; the limit is %(limit)s.",
            **words,
        )
    return gettext("%(what)s of %(all)s would end; the limit is %(limit)s.", **words)
