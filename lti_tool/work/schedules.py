"""When a source runs by itself."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lti_tool.work.source_settings import DAYS, SourceSettings

# A schedule repeats within a week; pauses may cover a school year.
HORIZON: Final = timedelta(days=400)


def next_time(settings: SourceSettings, after: datetime) -> datetime | None:
    """Return the first time after a moment at which a source is to run, in UTC.

    Days of a pause are passed over. None where no time is set, or none within a year.
    An hour that the clock skips in spring is run an hour later.
    """
    schedule = settings.schedule
    zone = ZoneInfo(schedule.time_zone)
    times = sorted(time.fromisoformat(one) for one in schedule.times)
    first = after.astimezone(zone).date()
    for number in range(HORIZON.days if times and schedule.days else 0):
        day = first + timedelta(days=number)
        if DAYS[day.weekday()] not in schedule.days or settings.pause_on(day):
            continue
        for one in times:
            found = datetime.combine(day, one, zone).astimezone(UTC)
            if found > after:
                return found
    return None


def is_paused(settings: SourceSettings, now: datetime) -> bool:
    """Tell whether a pause covers this day where the school is."""
    zone = ZoneInfo(settings.schedule.time_zone)
    return settings.pause_on(now.astimezone(zone).date()) is not None
