"""Calendar months, as the windows of the factors and the policy count them.

Put here: moving a day by whole months. Keep out: which windows there are (engine/factors.py).
"""

from __future__ import annotations

from datetime import date, timedelta


def add_months(day: date, months: int) -> date:
    """`day` moved by whole months; a month end stays a month end (28 Feb 2013 - 12 months = 29 Feb 2012)."""
    first = date(day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1, 1)
    last = date(first.year + first.month // 12, first.month % 12 + 1, 1) - timedelta(days=1)
    if is_month_end(day):
        return last
    return first.replace(day=min(day.day, last.day))


def is_month_end(day: date) -> bool:
    """Whether `day` is the last of its month."""
    return (day + timedelta(days=1)).day == 1
