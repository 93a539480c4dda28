"""factor.newest_event by hand: what happened last, and how many days before AS_OF."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ledger_case import AS_OF, LedgerCase, days_before, only


@pytest.fixture
def case(tmp_path: Path) -> LedgerCase:
    case = LedgerCase(tmp_path)
    case.invoice("I", 1_000, dpd=-5)
    return case


def newest(case: LedgerCase) -> dict[str, Any]:
    return only(case.factors()["newest_event"])


def finding(case: LedgerCase, number: int, kind: str, days: int, **values: Any) -> None:
    given = {"kind": kind, "published_date": days_before(days), "currency": "EUR", "review_state": "confirmed", **values}
    case.add("due_diligence_finding", finding_id=f"F{number}", customer_id="C", case_number=f"K{number}", **given)


def test_nothing_happened(case: LedgerCase) -> None:
    row = newest(case)
    assert {name for name, value in row.items() if value is not None} == {"customer_id"}


def test_everything_happened_more_than_once(case: LedgerCase) -> None:
    case.add("crm_event", event_id="E1", customer_id="C", event_date=days_before(40), kind="bank_account_change")
    case.payment("P1", 100, days_before(300), payer_account="A")
    case.payment("P2", 100, days_before(12), payer_account="B")  # a payer account first seen counts like one announced
    case.payment("P3", 30, days_before(50), status="returned", status_date=days_before(45))
    case.add(
        "bill", bill_id="B", customer_id="C", kind="commercial", received_date=days_before(90), maturity_date=days_before(9),
        amount=70, currency="EUR", outcome="dishonoured", outcome_date=days_before(9),
    )  # fmt: skip
    for number, (days, amount) in enumerate([(3, 400), (20, 900), (60, 5_000)]):
        case.add(
            "sales_order", order_id=f"O{number}", customer_id="C", order_date=days_before(days), amount=amount, currency="EUR"
        )
    for number, opened in enumerate([70, 20]):
        case.add(
            "dispute", dispute_id=f"D{number}", customer_id="C", invoice_id="I", opened_date=days_before(opened), amount=10,
            currency="EUR",
        )  # fmt: skip
    finding(case, 1, "litigation", 100, role="defendant", case_type="contract", amount=90_000)
    finding(case, 2, "litigation", 8, role="defendant", case_type="loan", amount=60_000)
    finding(case, 3, "litigation", 8, role="defendant", case_type="contract")  # of unknown amount: the least that is not minor
    finding(case, 4, "litigation", 2, role="defendant", case_type="labour", amount=70_000)  # no creditor's
    finding(case, 5, "equity_freeze", 15)
    finding(case, 6, "judgment_debtor", 30, amount=1_000)
    finding(case, 7, "legal_representative_change", 25, event_date=days_before(26))
    row = newest(case)
    assert row["bank_account_changed_on"] == days_before(12)
    assert row["largest_order_30d"] == Decimal(900)
    assert (row["lawsuit_newest_days"], row["lawsuit_newest_amount"]) == (8, Decimal(65_000))
    assert row["enforcement_newest_days"] == 15
    assert row["control_changed_days"] in (25, 26)
    assert (row["unapplied_since"], row["unapplied_days"]) == (days_before(300), 300)
    assert row["dispute_days"] == 70
    assert (row["dishonoured_on"], row["dishonoured_days"]) == (days_before(9), 9)


def test_what_was_settled_is_no_event(case: LedgerCase) -> None:
    case.payment("P1", 1_000, days_before(60), invoice_id="I")
    case.add(
        "dispute", dispute_id="D", customer_id="C", invoice_id="I", opened_date=days_before(70), amount=10, currency="EUR",
        resolved_date=AS_OF,
    )  # fmt: skip
    finding(case, 1, "litigation", 8, role="defendant", case_type="loan", amount=60_000, resolved_date=AS_OF)
    row = newest(case)
    assert (row["unapplied_days"], row["dispute_days"], row["lawsuit_newest_days"]) == (None, None, None)
