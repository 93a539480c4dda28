"""Instalment plans in factor.customer_state: when one is in force, and what of it is a sign of distress."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.ledger_case import AS_OF, LedgerCase, days_before


def _plan(case: LedgerCase, agreed: date, reason: str = "distressed", last_due: date | None = None, **values: Any) -> None:
    case.invoice("I-1", 1000, dpd=100)
    case.add("instalment_plan", plan_id="P-1", customer_id="C", agreed_date=agreed, reason=reason, **values)
    for line, due in enumerate([] if last_due is None else [agreed + timedelta(days=10), last_due]):
        case.add("instalment_line", plan_id="P-1", line=line, invoice_id="I-1", due_date=due, amount=500)


def _state(case: LedgerCase) -> tuple[Any, ...]:
    row = case.table_alone("customer_state")["C"]
    return row["distressed_plan"], row["plan_agreed_on"], row["plan_broken_on"]


def test_in_force_until_the_last_instalment_is_due(case: LedgerCase) -> None:
    _plan(case, days_before(400), last_due=AS_OF)
    assert _state(case) == (True, days_before(400), None)


def test_over_the_day_after(case: LedgerCase) -> None:
    _plan(case, days_before(400), last_due=days_before(1))
    assert _state(case) == (False, None, None)


def test_a_short_one_is_seen_for_a_month(case: LedgerCase) -> None:
    _plan(case, days_before(20), last_due=days_before(5))
    assert _state(case) == (True, days_before(20), None)


def test_without_instalments_for_a_year(case: LedgerCase) -> None:
    _plan(case, days_before(364))
    assert _state(case) == (True, days_before(364), None)


def test_a_broken_one_for_convenience(case: LedgerCase) -> None:
    _plan(case, days_before(100), "convenience", days_before(2) + timedelta(days=60), broken_date=days_before(3))
    assert _state(case) == (False, days_before(100), days_before(3))


def test_no_plan(case: LedgerCase) -> None:
    case.invoice("I-1", 1000, dpd=100)
    assert _state(case) == (False, None, None)
