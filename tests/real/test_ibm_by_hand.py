"""The hand computation itself: that it agrees with the check columns of the file, and with cases small enough for the head."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.real import ibm_by_hand as hand

AS_OF = date(2013, 6, 30)


@pytest.fixture(scope="module")
def ledger(real_data: Callable[[str], Path]) -> list[hand.Line]:
    return hand.read(real_data("ibm_ar") / "WA_Fn-UseC_-Accounts-Receivable.csv")


def line(invoiced: date, *, settled: date, amount: str = "100.00", disputed: bool = False) -> hand.Line:
    due = invoiced + timedelta(days=30)
    return hand.Line(2, "A", "1", invoiced, due, settled, Decimal(amount), disputed, 0, 0)


@pytest.mark.real
def test_dates_agree_with_the_check_columns_of_the_file(ledger: list[hand.Line]) -> None:
    assert len(ledger) == 2466
    for row in ledger:
        assert (row.settled - row.invoiced).days == row.days_to_settle, row
        assert max((row.settled - row.due).days, 0) == row.days_late, row


@pytest.mark.real
@pytest.mark.parametrize("as_of", [date(2012, 12, 31), AS_OF])
def test_customers_add_up_to_the_whole(ledger: list[hand.Line], as_of: date) -> None:
    every = hand.by_customer(ledger, as_of).values()
    whole = hand.figures(ledger, as_of)
    assert sum(each.exposure for each in every) == whole.exposure == sum(whole.buckets.values())
    assert sum(each.open_invoices for each in every) == whole.open_invoices
    assert sum(each.overdue for each in every) == whole.overdue <= whole.overdue_gross


@pytest.mark.real
def test_nothing_is_open_after_the_last_settlement(ledger: list[hand.Line]) -> None:
    last = max(row.settled for row in ledger)
    assert hand.figures(ledger, last).exposure == 0
    assert hand.figures(ledger, last - timedelta(days=1)).exposure > 0


def test_open_means_billed_and_not_settled_by_the_end_of_the_day() -> None:
    def open_count(row: hand.Line) -> int:
        return hand.figures([row], AS_OF).open_invoices

    assert open_count(line(AS_OF, settled=date(2013, 7, 5))) == 1
    assert open_count(line(date(2013, 7, 1), settled=date(2013, 7, 5))) == 0
    assert open_count(line(date(2013, 6, 1), settled=AS_OF)) == 0


@pytest.mark.parametrize(
    ("past_due", "name"),
    [(-5, "not_due"), (0, "not_due"), (1, "1_30"), (30, "1_30"), (31, "31_60"), (90, "61_90"), (91, "over_90")],
)
def test_buckets(past_due: int, name: str) -> None:
    assert hand.bucket(past_due) == name


def test_months_stick_to_the_month_end() -> None:
    assert hand.add_months(date(2013, 2, 28), -12) == date(2012, 2, 29)
    assert hand.add_months(date(2012, 12, 31), -3) == date(2012, 9, 30)
    assert hand.add_months(date(2012, 3, 30), -1) == date(2012, 2, 29)


def test_days_late_is_weighted_by_amount_and_floored_or_signed() -> None:
    """The case of golden.json: 1,000 12 days late, 4,000 2 early, 5,000 15 late."""
    rows = [
        line(date(2013, 1, 1), settled=date(2013, 1, 31) + timedelta(days=late), amount=amount)
        for amount, late in (("1000", 12), ("4000", -2), ("5000", 15))
    ]
    result = hand.figures(rows, AS_OF)
    assert (result.days_late, result.days_late_signed) == (Fraction(87, 10), Fraction(79, 10))


def test_a_young_dispute_shields_and_an_old_one_does_not() -> None:
    young = line(AS_OF - timedelta(days=89), settled=date(2014, 1, 1), disputed=True)
    old = line(AS_OF - timedelta(days=90), settled=date(2014, 1, 1), disputed=True)
    assert (hand.figures([young], AS_OF).overdue, hand.figures([old], AS_OF).overdue) == (0, 100)
    assert hand.figures([young], AS_OF).overdue_gross == 100


def test_the_window_of_twelve_months_is_open_at_its_start() -> None:
    before, inside = (line(date(2012, 5, 31), settled=day) for day in (date(2012, 6, 30), date(2012, 7, 1)))
    assert hand.figures([before, inside], AS_OF).settlements_12m == 1
