"""A3, step 6: what a run may change unasked, when it runs, and who is told.

Source: facts/ux.md section 4.4; facts/security.md, promise P3.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from zoneinfo import available_timezones

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from lti_tool.storage import source_pages
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.platforms import author
from lti_tool.web.admin.source_steps import onward
from lti_tool.web.admin.source_words import COLLECTIONS, DAYS
from lti_tool.web.sessions import database
from lti_tool.web.texts import gettext
from lti_tool.work import source_care
from lti_tool.work.source_settings import SourceSettings, faults

# Whose limits a school can change here.
_WHOLE: Final = 100  # percent
_LAST: Final = (23, 59)
LIMITED: Final = (
    "orgs",
    "academicSessions",
    "courses",
    "classes",
    "users",
    "enrollments",
    "lineItems",
    "results",
)
# Lines of the form for pauses beyond those that are kept.
SPARE_PAUSES: Final = 2
MOST_PAUSES: Final = 40
MOST_TOLD: Final = 20
SECTIONS: Final = (
    "limits",
    "school_ratio",
    "schedule",
    "pauses",
    "grace_days",
    "told",
)


@pages.get("/sources/<int:source_id>/limits")
def limits_source(source_id: int) -> ResponseReturnValue:
    """Step 6: limits, schedule, pauses, grace, and who is told."""
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
    return _page(held, shown(held["settings"]), {})


@pages.post("/sources/<int:source_id>/limits")
def save_limits(source_id: int) -> ResponseReturnValue:
    """Keep them, or say field by field what is wrong."""
    reading = FormReading()
    sections = reading.sections()
    with database().write() as session:
        held = source_pages.load_source(session, source_id)
        if not reading.faults:
            # What the fields cannot know is said by the settings themselves.
            reading.faults |= {
                one.name: one.text for one in faults({**held["settings"], **sections})
            }
        if reading.faults:
            return _page(held, reading.typed(), reading.faults)
        source_care.save_settings(session, source_id, sections, by=author())
    return onward(held, "finish")


class FormReading:
    """One reading of the form; what is wrong stands in faults by field."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}

    def sections(self) -> dict[str, Any]:
        """What the form says, as the settings are kept."""
        usual = SourceSettings()
        return {
            "limits": {name: self._limit(name) for name in LIMITED},
            "school_ratio": self._share("school_ratio"),
            "grace_days": self._number("grace_days", 366),
            "schedule": {
                "times": self._times(),
                "days": [one for one in DAYS if one in request.form.getlist("days")],
                "time_zone": self._zone(),
                "full_every_days": self._number(
                    "full_every_days", 366, usual.schedule.full_every_days, least=1
                ),
            },
            "pauses": self._pauses(),
            "told": _lines("told")[:MOST_TOLD],
        }

    def typed(self) -> dict[str, Any]:
        """What stands in the form, to be shown again as it was typed."""
        form = request.form
        fields = {name: form.get(name, "") for name in form}
        return {
            **fields,
            "days": form.getlist("days"),
            "pauses": [
                {"from": first, "to": last, "why": why}
                for first, last, why in _pause_lines()
            ],
            "told": form.get("told", ""),
        }

    def _limit(self, name: str) -> dict[str, Any]:
        changes = request.form.get(f"{name}-changes", "").strip()
        return {
            "ends_floor": self._number(f"{name}-floor", 10**6),
            "ends_ratio": self._share(f"{name}-ends"),
            "changes_ratio": self._share(f"{name}-changes") if changes else None,
        }

    def _number(self, name: str, most: int, usual: int = 0, *, least: int = 0) -> int:
        text = request.form.get(name, "").strip()
        if text.isdecimal() and len(text) < len(str(most)) + 1:
            found = int(text)
            if least <= found <= most:
                return found
        self.faults[name] = gettext(
            "Write a whole number from %(least)d to %(most)d.", least=least, most=most
        )
        return usual

    def _share(self, name: str) -> float:
        text = request.form.get(name, "").strip().rstrip("%").strip().replace(",", ".")
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if 0 <= found <= _WHOLE:
            return round(found / _WHOLE, 4)
        self.faults[name] = gettext("Write a percentage from 0 to 100.")
        return 0.0

    def _times(self) -> list[str]:
        found = request.form.get("times", "").replace(",", " ").split()
        times = [
            one if one.index(":") > 1 else f"0{one}" for one in found if ":" in one
        ]
        if len(times) < len(found) or any(not _is_time(one) for one in times):
            self.faults["times"] = gettext(
                "Write times as 03:15, with a comma between."
            )
        return list(dict.fromkeys(times))

    def _zone(self) -> str:
        zone = request.form.get("time_zone", "").strip()
        if zone not in available_timezones():
            self.faults["time_zone"] = gettext("Choose a time zone of the list.")
        return zone

    def _pauses(self) -> list[dict[str, str]]:
        found = []
        for place, (first, last, why) in enumerate(_pause_lines()):
            fault = _pause_fault(first, last)
            if fault:
                self.faults[f"pause-{place}"] = fault
            found.append({"from": first, "to": last, "why": why})
        return found


def _pause_fault(first: str, last: str) -> str:
    try:
        is_ordered = date.fromisoformat(first) <= date.fromisoformat(last)
    except ValueError:
        return gettext("Write both days.")
    return "" if is_ordered else gettext("It ends before it begins.")


def _pause_lines() -> list[tuple[str, str, str]]:
    """The lines of the form that hold a day, in order."""
    form = request.form
    columns = (form.getlist(f"pause_{name}") for name in ("from", "to", "why"))
    lines = zip(*columns, strict=False)
    return [
        (first.strip(), last.strip(), " ".join(why.split())[:200])
        for first, last, why in lines
        if first.strip() or last.strip()
    ][:MOST_PAUSES]


def _is_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    if not (hours + minutes).isdecimal() or len(text) != len("03:15"):
        return False
    return int(hours) <= _LAST[0] and int(minutes) <= _LAST[1]


def _lines(name: str) -> list[str]:
    lines = request.form.get(name, "").splitlines()
    return [" ".join(line.split())[:200] for line in lines if line.strip()]


def shown(held: dict[str, Any]) -> dict[str, Any]:
    """What is kept, as the fields of the form; what is not said is what is usual."""
    usual = SourceSettings()
    schedule = {
        "times": list(usual.schedule.times),
        "days": list(usual.schedule.days),
        "time_zone": usual.schedule.time_zone,
        "full_every_days": usual.schedule.full_every_days,
        **(held.get("schedule") or {}),
    }
    fields: dict[str, Any] = {
        "school_ratio": _percent(held.get("school_ratio", usual.school_ratio)),
        "grace_days": held.get("grace_days", usual.grace_days),
        "times": ", ".join(schedule["times"]),
        "days": schedule["days"],
        "time_zone": schedule["time_zone"],
        "full_every_days": schedule["full_every_days"],
        "pauses": held.get("pauses") or [],
        "told": "\n".join(held.get("told") or []),
    }
    for name in LIMITED:
        kept = (held.get("limits") or {}).get(name) or {}
        changes = kept.get("changes_ratio", usual.limit(name).changes_ratio)
        fields[f"{name}-floor"] = kept.get("ends_floor", usual.limit(name).ends_floor)
        fields[f"{name}-ends"] = _percent(
            kept.get("ends_ratio", usual.limit(name).ends_ratio)
        )
        fields[f"{name}-changes"] = "" if changes is None else _percent(changes)
    return fields


def _percent(share: float) -> str:
    return f"{share * 100:.4g}"


def _page(
    held: dict[str, Any], fields: dict[str, Any], wrong: dict[str, str]
) -> ResponseReturnValue:
    pauses = [*fields["pauses"]]
    pauses += [{"from": "", "to": "", "why": ""}] * SPARE_PAUSES
    page = render_template(
        "admin/sources/limits.html",
        source=held,
        fields={**fields, "pauses": pauses},
        faults=wrong,
        limited=LIMITED,
        collections=COLLECTIONS,
        days=DAYS,
        zones=sorted(available_timezones()),
    )
    return make_response(page, 422 if wrong else 200)
