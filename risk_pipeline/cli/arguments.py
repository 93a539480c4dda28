"""Reading what the user typed: dates, moments of knowledge, periods.

Put here: parsing with a message that says what is expected, and how to type an option again. Keep out: what the values are used
for.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

from risk_pipeline.errors import UsageError
from risk_pipeline.orchestration.periods import end_of_day
from risk_pipeline.settings import Workspace


def one_of(text: str | None, option: str, known: Iterable[str]) -> None:
    """UsageError when the text of an option is none of those known; None is not given."""
    names = list(known)
    if text is not None and text not in names:
        near = get_close_matches(text, names, n=3)
        raise UsageError(f"{option} {text!r} is not known", remedy=f"write one of {', '.join(near or names)}")


def one_date(text: str, option: str) -> date:
    """An ISO date. UsageError otherwise, naming the option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no date", remedy="write it as YYYY-MM-DD, for example 2026-06-30") from None


def past_date(text: str, option: str, zone: ZoneInfo) -> date:
    """A date that has begun in the workspace's time zone. UsageError for a future one: nothing is known about it."""
    day = one_date(text, option)
    today = datetime.now(zone).date()
    if day > today:
        raise UsageError(
            f"{option} {day} lies in the future (today is {today} in {zone.key})", remedy="choose a date up to today"
        )
    return day


def knowledge(text: str, as_of: date, zone: ZoneInfo) -> datetime | None:
    """`--known-at`: "now" is None, "as-of" the end of that day in `zone`, else an ISO timestamp (in `zone` if it names none)."""
    if text == "now":
        return None
    if text == "as-of":
        return end_of_day(as_of, zone).astimezone(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--known-at {text!r} is no moment", remedy="write now, as-of, or a timestamp such as 2026-06-30T18:00:00+08:00"
        ) from None
    known = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    if known > datetime.now(UTC):
        raise UsageError(f"--known-at {text} has not come yet", remedy="write now, or a moment that has passed")
    return known


def where_option(workspace: Workspace) -> str:
    """` -w FOLDER` for a command to copy; empty in the workspace's own folder."""
    here = Path.cwd()
    folder = workspace.root.relative_to(here) if workspace.root.is_relative_to(here) else workspace.root
    return "" if workspace.root == here else f" -w {shlex.quote(str(folder))}"
