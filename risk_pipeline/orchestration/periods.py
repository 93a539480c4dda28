"""Assessment dates on the calendar: which month or quarter ends exist, and which one was completed last.

Put here: pure date arithmetic for the schedule and the backfill. Keep out: Dagster, settings files, and the windows of the
factors (those are SQL).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["month", "quarter"]
MONTHS: dict[Period, int] = {"month": 1, "quarter": 3}


def month_end(year: int, month: int) -> date:
    """The last day of a month (1-12)."""
    return date(year, month, monthrange(year, month)[1])


def period_ends(first: date, last: date, every: Period) -> Iterator[date]:
    """Every month end (or calendar quarter end) from `first` to `last`, both included, ascending."""
    year, month = first.year, first.month
    while (end := month_end(year, month)) <= last:
        if month % MONTHS[every] == 0 and end >= first:
            yield end
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def last_completed(every: Period, moment: datetime, zone: ZoneInfo) -> date:
    """The newest period end whose day is over in `zone` at `moment` (aware). The as-of day ends at 24:00 local time."""
    yesterday = moment.astimezone(zone).date() - timedelta(days=1)
    return list(period_ends(yesterday - timedelta(days=123), yesterday, every))[-1]


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """24:00 of `day` in `zone`, aware: the first moment that no longer belongs to the day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=zone)
