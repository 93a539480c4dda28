"""The evidence cases of the credit practitioner that a ledger can feed: S4 to S7, S10, the T01 and exposure parts of S8, case 35.

Source: golden_cases.md, parts A (35) and B. Expected values are worked by hand there and here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.ledger_case import LedgerCase, days_before, decisions, only


def disputed_case(case: LedgerCase, dispute_age: int) -> dict[str, list[dict[str, Any]]]:
    case.invoice("A", 10_000, dpd=20)
    case.invoice("B", 20_000, dpd=-10)
    opened = days_before(dispute_age)
    case.add("dispute", dispute_id="D", customer_id="C", invoice_id="A", opened_date=opened, amount=4_000, currency="EUR")
    case.payment("U", 3_000, days_before(5))
    return case.factors()


def points(found: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    card = decisions(found)["score.contribution"]
    return dict(zip(card["factor"].astype(str), card["points"], strict=True))


def default_events(found: dict[str, list[dict[str, Any]]]) -> str:
    return str(decisions(found)["decision.risk_tier"]["default_events"].iloc[0])


def test_s4_dispute_within_the_shield_and_unapplied_cash(case: LedgerCase) -> None:
    found = disputed_case(case, dispute_age=30)
    exposure, history = only(found["exposure"]), only(found["transaction_history"])
    assert exposure["overdue"] == Decimal("3000.00")
    assert exposure["undisputed_open"] == Decimal("23000.00")
    assert exposure["open_exposure"] == Decimal("30000.00")
    assert exposure["total_exposure"] == Decimal("27000.00")
    assert history["overdue_ratio"] == pytest.approx(3_000 / 23_000, rel=1e-12)
    assert history["max_dpd_material"] == 20
    assert points(found)["overdue_ratio"] == 65
    assert points(found)["max_dpd_material"] == 50


def test_s5_an_old_dispute_counts_again(case: LedgerCase) -> None:
    found = disputed_case(case, dispute_age=95)
    exposure = only(found["exposure"])
    assert exposure["overdue"] == Decimal("7000.00")
    assert exposure["undisputed_open"] == Decimal("27000.00")
    assert only(found["transaction_history"])["overdue_ratio"] == pytest.approx(7_000 / 27_000, rel=1e-12)
    assert points(found)["overdue_ratio"] == 40


@pytest.mark.parametrize(("age", "shielded"), [(89, "4000.00"), (90, "0.00")])
def test_the_shield_ends_on_its_ninetieth_day(case: LedgerCase, age: int, shielded: str) -> None:
    found = disputed_case(case, dispute_age=age)
    item = next(row for row in found["open_item"] if row["invoice_id"] == "A")
    assert item["shielded_amount"] == Decimal(shielded)
    assert item["disputed_amount"] == Decimal("4000.00")


def test_s6_unapplied_cash_covers_the_oldest_debt_first(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=95)
    case.invoice("B", 5_000, dpd=10)
    case.payment("U", 1_000, days_before(1))
    found = case.factors()
    assert only(found["exposure"])["max_dpd_material"] == 10
    assert {row["invoice_id"]: row["offset_amount"] for row in found["open_item"]} == {"A": Decimal(1_000), "B": Decimal(0)}
    assert default_events(found) == ""


@pytest.mark.parametrize("place", [{"company_code": "2000"}, {"currency": "USD"}])
def test_s6_no_offset_across_company_codes_or_currencies(case: LedgerCase, place: dict[str, str]) -> None:
    case.invoice("A", 1_000, dpd=95, company_code="1000")
    case.invoice("B", 5_000, dpd=10, company_code="1000")
    case.payment("U", 1_000, days_before(1), **{"company_code": "1000", **place})
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    found = case.factors()
    exposure = only(found["exposure"])
    assert exposure["max_dpd_material"] == 95
    assert default_events(found) == "dpd90"
    assert exposure["overdue"] == Decimal("6000.00")


def test_s7_days_late_are_weighted_by_application_and_a_small_rest_is_settled(case: LedgerCase) -> None:
    due = date(2025, 6, 1)
    case.invoice("A", 100_000, due_date=due)
    for number, (amount, on) in enumerate([(99_600, due), (400, date(2025, 12, 1))]):
        case.payment(f"P{number}", amount, on)
        case.add(
            "payment_application",
            application_id=f"X{number}",
            payment_id=f"P{number}",
            invoice_id="A",
            customer_id="C",
            applied_date=on,
            amount=amount,
            currency="EUR",
            kind="cash",
        )
    history = only(case.factors(date(2025, 12, 31))["transaction_history"])
    assert history["wavg_days_late_incl_open_12m"] == pytest.approx(400 * 183 / 100_000, rel=1e-12)  # 0.732
    assert history["on_time_ratio_12m"] == 1.0
    assert history["on_time_amount_ratio_12m"] == 1.0


def test_s8_a_write_off_is_never_paid_and_counts_as_late(case: LedgerCase) -> None:
    case.invoice("A", 8_000, dpd=230)
    case.invoice("B", 1_000, dpd=40)
    written = days_before(30)
    case.add(
        "write_off",
        write_off_id="W",
        customer_id="C",
        invoice_id="A",
        write_off_date=written,
        amount=8_000,
        currency="EUR",
        reason="uncollectible",
    )
    case.payment("P", 1_000, days_before(40), invoice_id="B")
    found = case.factors()
    exposure, history = only(found["exposure"]), only(found["transaction_history"])
    assert exposure["open_exposure"] == 0
    assert exposure["total_exposure"] == 0
    assert history["uncollectible_written_off_12m"] == Decimal("8000.00")
    assert history["wavg_days_late_incl_open_12m"] == pytest.approx((8_000 * 200 + 1_000 * 0) / 9_000, rel=1e-12)
    assert history["wavg_days_late_12m"] == 0
    assert history["on_time_ratio_12m"] == 1.0  # the written-off item says nothing about punctuality; B was paid on its day
    assert default_events(found) == "write_off"
    by_currency = only(found["exposure_by_currency"])
    assert (by_currency["written_off"], by_currency["applied"]) == (Decimal("8000.00"), Decimal("1000.00"))


def test_s10_due_today_is_not_past_due_and_one_day_is_within_grace(case: LedgerCase) -> None:
    case.invoice("TODAY", 700, dpd=0)
    case.invoice("YESTERDAY", 900, dpd=1)
    found = case.factors()
    buckets = {row["invoice_id"]: (row["days_past_due"], row["aging_bucket"]) for row in found["open_item"]}
    assert buckets == {"TODAY": (0, "not_due"), "YESTERDAY": (1, "1_30")}
    assert only(found["transaction_history"])["wavg_days_late_incl_open_12m"] == 0  # one day is not `late`: grace 3
    assert only(found["exposure"])["overdue"] == Decimal("900.00")


@pytest.mark.parametrize(
    ("known_at", "overdue", "max_dpd", "late"),
    [
        (datetime(2026, 6, 30, 23, tzinfo=UTC), "50000.00", 41, None),
        (datetime(2026, 7, 10, tzinfo=UTC), "0.00", 0, 39.0),
    ],
)
def test_case_35_a_payment_entered_later_is_known_later(
    case: LedgerCase, known_at: datetime, overdue: str, max_dpd: int, late: float | None
) -> None:
    case.invoice("A", 50_000, due_date=date(2026, 5, 20))
    entered = datetime(2026, 7, 3, tzinfo=UTC)
    case.payment("P", 50_000, date(2026, 6, 28), invoice_id="A", known=entered)
    found = case.factors(known_at=known_at)
    exposure = only(found["exposure"])
    assert exposure["overdue"] == Decimal(overdue)
    assert exposure["max_dpd_material"] == max_dpd
    assert only(found["transaction_history"])["wavg_days_late_12m"] == late
