"""What a school chose for a source, read and written back."""

from __future__ import annotations

from datetime import date

import pytest

from lti_tool.errors import ConfigError
from lti_tool.work.source_settings import (
    Limit,
    Pause,
    Scope,
    SourceSettings,
    faults,
    format_settings,
    parse_settings,
)

CHOSEN = {
    "scope": {"schools": ["s1", "s2"], "roles": ["student"]},
    "limits": {"users": {"ends_floor": 3, "ends_ratio": 0.5, "changes_ratio": 0.1}},
    "school_ratio": 0.3,
    "schedule": {"times": ["04:00", "22:30"], "days": ["mon"], "time_zone": "UTC"},
    "pauses": [{"from": "2026-12-20", "to": "2027-01-03", "why": "winter"}],
    "grace_days": 0,
    "matching": {"lms": ["lis"]},
    "told": ["Ida"],
}


def test_nothing_kept_is_what_is_usual() -> None:
    assert parse_settings(None) == parse_settings({}) == SourceSettings()


def test_what_was_chosen_is_read() -> None:
    found = parse_settings(CHOSEN)
    assert found.scope == Scope(schools=("s1", "s2"), roles=("student",))
    assert found.limit("users") == Limit(3, 0.5, 0.1)
    assert found.limit("classes") == Limit()
    assert found.schedule.times == ("04:00", "22:30")
    assert found.grace_days == 0
    assert found.matching == ("lis",)


def test_settings_written_are_read_the_same() -> None:
    for raw in (None, CHOSEN):
        found = parse_settings(raw)
        assert parse_settings(format_settings(found)) == found


def test_a_pause_covers_its_last_day() -> None:
    found = parse_settings(CHOSEN)
    pause = Pause(date(2026, 12, 20), date(2027, 1, 3), "winter")
    assert found.pause_on(date(2027, 1, 3)) == pause
    assert found.pause_on(date(2027, 1, 4)) is None


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"scope": 3}, "scope: is no group of settings"),
        ({"scope": {"schools": "s1"}}, "schools: is no list"),
        ({"scope": {"terms": [""]}}, "scope.terms: holds an empty entry"),
        ({"limits": {"people": {}}}, "limits.people: name one of orgs"),
        ({"limits": {"users": {"ends_ratio": 5}}}, "limits.users.ends_ratio: write a"),
        ({"limits": {"users": {"ends_floor": True}}}, "limits.users.ends_floor: write"),
        ({"school_ratio": "20 %"}, "school_ratio: write a share of 0 to 1"),
        ({"schedule": {"times": ["25:00"]}}, 'schedule.times: "25:00" is unknown'),
        ({"schedule": {"days": ["lundi"]}}, 'schedule.days: "lundi" is unknown'),
        ({"schedule": {"time_zone": "Mars"}}, 'schedule.time_zone: "Mars" is no zone'),
        ({"schedule": {"full_every_days": 0}}, "schedule.full_every_days: write a"),
        ({"pauses": [{"from": "soon"}]}, "pauses 1: write both days as 2026-12-24"),
        (
            {"pauses": [{"from": "2026-12-02", "to": "2026-12-01"}]},
            "pauses 1: ends before it begins",
        ),
        ({"grace_days": -1}, "grace_days: write a number 0 to 366"),
        ({"matching": {"lms": ["email"]}}, 'matching.lms: "email" is unknown'),
        ({"writing": {"manner": "guess"}}, "writing.manner: use one of auto, assess"),
        ({"writing": {"category": "a\nb"}}, "writing.category: write the sourcedId"),
        ({"writing": {"words": "yes"}}, "writing.words: say yes or no"),
    ],
)
def test_each_fault_is_named_once(raw: dict[str, object], told: str) -> None:
    found = faults(raw)
    assert len(found) == 1
    assert str(found[0]).startswith(told)
    with pytest.raises(ConfigError):
        parse_settings(raw)


def test_every_fault_is_told_at_once() -> None:
    assert len(faults({"grace_days": "x", "school_ratio": 2})) == 2
