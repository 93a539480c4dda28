"""The IBM ledger worked out by hand: csv, Decimal and datetime, and not a line of the project.

Put here: the plain computation that the pipeline's figures are held against. Keep out: imports from risk_pipeline.

Every row is one invoice, paid in full on its SettledDate; a disputed one is disputed whole from InvoiceDate to SettledDate.
"""

from __future__ import annotations

import calendar
import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")
DISPUTE_SHIELD_DAYS = 90
GRACE_DAYS = 3
MATERIAL_ABS, MATERIAL_SHARE = Decimal(20), Decimal("0.01")  # as in the example's policy/small_ticket.yaml


@dataclass(frozen=True)
class Line:
    """One row of the file, `number` being its line there (the header is line 1)."""

    number: int
    customer: str
    invoice: str
    invoiced: date
    due: date
    settled: date
    amount: Decimal
    disputed: bool
    days_to_settle: int
    days_late: int


@dataclass
class Figures:
    """What one customer (or all together) looks like on a date; money exact, ratios as fractions, None = nothing to divide by."""

    open_invoices: int = 0
    exposure: Decimal = Decimal(0)
    buckets: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(BUCKETS, Decimal(0)))
    overdue_gross: Decimal = Decimal(0)
    overdue: Decimal = Decimal(0)
    undisputed_open: Decimal = Decimal(0)
    disputed_open: Decimal = Decimal(0)
    max_days_past_due: int = 0
    max_dpd_material: int = 0
    days_late: Fraction | None = None
    days_late_signed: Fraction | None = None
    days_late_incl_open: Fraction | None = None
    dispute_ratio: Fraction | None = None
    dispute_amount_ratio: Fraction | None = None
    settlements_12m: int = 0
    invoices_12m: int = 0
    sales_12m: Decimal = Decimal(0)
    sales_3m: Decimal = Decimal(0)
    dso: Fraction | None = None


def read(path: Path) -> list[Line]:
    """All rows of the file."""
    with path.open(encoding="utf-8", newline="") as handle:
        return [
            Line(
                number=number,
                customer=row["customerID"],
                invoice=row["invoiceNumber"],
                invoiced=_date(row["InvoiceDate"]),
                due=_date(row["DueDate"]),
                settled=_date(row["SettledDate"]),
                amount=Decimal(row["InvoiceAmount"]),
                disputed=row["Disputed"] == "Yes",
                days_to_settle=int(row["DaysToSettle"]),
                days_late=int(row["DaysLate"]),
            )
            for number, row in enumerate(csv.DictReader(handle), 2)
        ]


def by_customer(lines: Iterable[Line], as_of: date) -> dict[str, Figures]:
    """The figures of every customer who had been billed by `as_of`."""
    seen: dict[str, list[Line]] = {}
    for line in lines:
        if line.invoiced <= as_of:
            seen.setdefault(line.customer, []).append(line)
    return {customer: figures(own, as_of) for customer, own in sorted(seen.items())}


def figures(lines: list[Line], as_of: date) -> Figures:
    """The figures of some rows taken together; rows dated after `as_of` do not exist yet."""
    known = [line for line in lines if line.invoiced <= as_of]
    result = Figures()
    _open_items(result, [line for line in known if line.settled > as_of], as_of)
    start = add_months(as_of, -12)
    paid = [line for line in known if start < line.settled <= as_of]
    billed = [line for line in known if line.invoiced > start]
    _payments(result, paid)
    _billing(result, billed, as_of)
    overdue = [line for line in known if line.settled > as_of and _overdue(line, as_of)]
    late = sum(line.amount * (line.settled - line.due).days for line in paid if (line.settled - line.due).days > GRACE_DAYS)
    late += sum(line.amount * (as_of - line.due).days for line in overdue if (as_of - line.due).days > GRACE_DAYS)
    result.days_late_incl_open = _ratio(late, sum(line.amount for line in [*paid, *overdue]))
    return result


def _open_items(result: Figures, items: list[Line], as_of: date) -> None:
    for line in items:
        past_due = (as_of - line.due).days
        result.open_invoices += 1
        result.exposure += line.amount
        result.buckets[bucket(past_due)] += line.amount
        if past_due > 0:
            result.overdue_gross += line.amount
            result.max_days_past_due = max(result.max_days_past_due, past_due)
        if line.disputed:
            result.disputed_open += line.amount
        if not _shielded(line, as_of):
            result.undisputed_open += line.amount
        if _overdue(line, as_of):
            result.overdue += line.amount
    threshold = max(MATERIAL_ABS, result.exposure * MATERIAL_SHARE)
    ages = sorted({(as_of - line.due).days for line in items if _overdue(line, as_of)}, reverse=True)
    for age in ages:
        if sum(line.amount for line in items if _overdue(line, as_of) and (as_of - line.due).days >= age) >= threshold:
            result.max_dpd_material = age
            break


def _payments(result: Figures, paid: list[Line]) -> None:
    amount = sum(line.amount for line in paid)
    result.settlements_12m = len(paid)
    result.days_late = _ratio(sum(line.amount * max((line.settled - line.due).days, 0) for line in paid), amount)
    result.days_late_signed = _ratio(sum(line.amount * (line.settled - line.due).days for line in paid), amount)


def _billing(result: Figures, billed: list[Line], as_of: date) -> None:
    disputed = [line for line in billed if line.disputed]
    result.invoices_12m = len(billed)
    result.sales_12m = sum((line.amount for line in billed), Decimal(0))
    quarter = add_months(as_of, -3)
    result.sales_3m = sum((line.amount for line in billed if line.invoiced > quarter), Decimal(0))
    result.dispute_ratio = _ratio(len(disputed), len(billed))
    result.dispute_amount_ratio = _ratio(sum(line.amount for line in disputed), result.sales_12m)
    dso = _ratio(result.exposure, result.sales_3m)
    result.dso = None if dso is None else dso * (as_of - quarter).days


def bucket(past_due: int) -> str:
    """The aging bucket of an item so many days past due."""
    for name, last in zip(BUCKETS, (0, 30, 60, 90), strict=False):
        if past_due <= last:
            return name
    return BUCKETS[-1]


def add_months(day: date, months: int) -> date:
    """`months` later (or earlier); the last day of a month goes to the last day of a month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    length = calendar.monthrange(year, month + 1)[1]
    at_end = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(year, month + 1, length if at_end else min(day.day, length))


def _shielded(line: Line, as_of: date) -> bool:
    return line.disputed and as_of - line.invoiced < timedelta(days=DISPUTE_SHIELD_DAYS)


def _overdue(line: Line, as_of: date) -> bool:
    return line.due < as_of and not _shielded(line, as_of)


def _ratio(part: Decimal | int, whole: Decimal | int) -> Fraction | None:
    return Fraction(part) / Fraction(whole) if whole else None


def _date(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 - a calendar day, no time zone
