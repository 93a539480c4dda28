"""Factor SQL against values worked by hand, rule by rule. Sources: contracts.md section 3, factor_catalogue.yaml, golden.json."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from risk_pipeline.engine.factors import window_params
from risk_pipeline.policy.months import add_months
from tests.ledger_case import AS_OF, LedgerCase, days_before, only


def application(case: LedgerCase, number: int, amount: Any, on: date, **values: Any) -> None:
    given = {"kind": "cash", "invoice_id": "A", "customer_id": "C", "currency": "EUR", **values}
    case.add("payment_application", application_id=f"X{number}", applied_date=on, amount=amount, **given)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2013, 2, 28), -12, date(2012, 2, 29)),
        (date(2012, 2, 29), -12, date(2011, 2, 28)),
        (date(2026, 6, 30), -1, date(2026, 5, 31)),
        (date(2026, 5, 30), -3, date(2026, 2, 28)),
        (date(2026, 1, 15), -13, date(2024, 12, 15)),
    ],
)
def test_add_months_keeps_month_ends(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def test_dso_window_is_three_calendar_months_at_a_month_end_else_ninety_days() -> None:
    assert window_params(date(2026, 3, 31))["dso_days"] == 90  # January, February, March 2026
    assert window_params(date(2026, 6, 30))["dso_days"] == 91
    assert window_params(date(2026, 6, 17))["dso_from"] == date(2026, 3, 19)


def test_dso_golden_value(case: LedgerCase) -> None:
    """golden.json dso: receivables 6,340, sales 10,890 over 90 days -> 52.3967."""
    as_of = date(2026, 3, 31)
    for number, (amount, paid) in enumerate([(3_390, 3_390), (3_610, 1_160), (3_890, 0)]):
        case.invoice(f"I{number}", amount, invoice_date=date(2026, number + 1, 10), due_date=date(2026, 5, 10))
        if paid:
            case.payment(f"P{number}", paid, date(2026, 3, 20), invoice_id=f"I{number}")
    found = case.factors(as_of)
    assert only(found["exposure"])["open_exposure"] == Decimal("6340.00")
    assert only(found["transaction_history"])["dso_days"] == pytest.approx(52.396694214876035, rel=1e-9)


def test_days_late_golden_values(case: LedgerCase) -> None:
    """golden.json days_late: 12 d on 1,000, -2 d on 4,000, 15 d on 5,000 -> floored 8.7, signed 7.9."""
    for number, (amount, late) in enumerate([(1_000, 12), (4_000, -2), (5_000, 15)]):
        case.invoice(f"I{number}", amount, dpd=60)
        case.payment(f"P{number}", amount, days_before(60 - late), invoice_id=f"I{number}")
    history = only(case.factors()["transaction_history"])
    assert history["wavg_days_late_12m"] == pytest.approx(8.7, rel=1e-12)
    assert history["wavg_days_late_signed_12m"] == pytest.approx(7.9, rel=1e-12)


def test_one_payment_over_two_invoices_partial_and_the_rest_unapplied(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=10)
    case.invoice("B", 2_000, dpd=5)
    case.payment("P", 2_500, days_before(3))
    application(case, 1, 1_000, days_before(3), payment_id="P", discount_amount=0)
    application(case, 2, 1_200, days_before(3), payment_id="P", invoice_id="B")
    found = case.factors()
    place, exposure = only(found["exposure_by_currency"]), only(found["exposure"])
    assert (place["billed"], place["applied"], place["open_amount"]) == (Decimal(3_000), Decimal(2_200), Decimal(800))
    assert place["unapplied_cash"] == Decimal(300)
    assert exposure["overdue"] == Decimal(500)  # B: 800 open, 300 of unapplied cash set against it
    assert exposure["total_exposure"] == Decimal(500)


def test_a_cash_discount_closes_the_item_and_is_not_cash(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=0)
    case.payment("P", 980, days_before(20))
    application(case, 1, 980, days_before(20), payment_id="P", discount_amount=20)
    place = only(case.factors()["exposure_by_currency"])
    assert (place["applied"], place["discounts"], place["open_amount"], place["unapplied_cash"]) == (980, 20, 0, 0)


def test_an_overpaid_item_offsets_other_debt(case: LedgerCase) -> None:
    case.invoice("A", 100, dpd=20)
    case.invoice("B", 300, dpd=10)
    case.payment("P", 150, days_before(15), invoice_id="A")
    exposure = only(case.factors()["exposure"])
    assert exposure["open_exposure"] == Decimal(250)
    assert exposure["overdue"] == Decimal(250)


@pytest.mark.parametrize(
    ("status_date", "open_amount", "returned"), [(days_before(1), 1_000, 1), (AS_OF + timedelta(1), 0, None)]
)
def test_a_returned_payment_takes_its_applications_with_it_on_its_day(
    case: LedgerCase, status_date: date, open_amount: int, returned: int | None
) -> None:
    case.invoice("A", 1_000, dpd=30)
    case.payment("P", 1_000, days_before(30), status="returned", status_date=status_date, method="direct_debit")
    application(case, 1, 1_000, days_before(30), payment_id="P")
    found = case.factors()
    assert only(found["exposure"])["open_exposure"] == open_amount
    assert only(found["transaction_history"])["dishonoured_payments_12m"] == returned


def test_a_reversed_application_does_not_count(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=30)
    case.payment("P", 1_000, days_before(30))
    application(case, 1, 1_000, days_before(30), payment_id="P", reversed_date=days_before(2))
    found = case.factors()
    assert only(found["exposure"])["open_exposure"] == 1_000
    assert only(found["exposure"])["unapplied_cash"] == 1_000


def test_credit_notes_are_never_paid_and_a_shorthand_yields_to_applications(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=30)
    case.add(
        "credit_note",
        credit_note_id="N",
        customer_id="C",
        credit_date=days_before(10),
        amount=400,
        currency="EUR",
        invoice_id="A",
        reason="return",
    )
    application(case, 1, 300, days_before(10), credit_note_id="N", kind="credit_note")
    found = case.factors()
    place, history = only(found["exposure_by_currency"]), only(found["transaction_history"])
    assert (place["credited"], place["open_amount"], place["unapplied_credits"]) == (300, 700, 100)
    assert history["wavg_days_late_12m"] is None
    assert history["dilution_ratio_12m"] == pytest.approx(0.4)
    assert history["sales_12m"] == Decimal(600)


@pytest.mark.parametrize(
    ("reason", "sales", "dilution"), [("cash_discount", 1_000, 0.0), ("rebate", 900, 0.0), ("dispute", 900, 0.1)]
)
def test_which_credit_notes_reduce_sales_and_which_dilute(case: LedgerCase, reason: str, sales: int, dilution: float) -> None:
    case.invoice("A", 1_000, dpd=0)
    case.add(
        "credit_note", credit_note_id="N", customer_id="C", credit_date=days_before(5), amount=100, currency="EUR", reason=reason
    )
    history = only(case.factors()["transaction_history"])
    assert history["sales_12m"] == sales
    assert history["dilution_ratio_12m"] == pytest.approx(dilution)


@pytest.mark.parametrize(
    ("kind", "column", "late"),
    [
        ("payment", "applied", 7.0),
        ("set_off", "set_off", 7.0),
        ("credit_note", "credited", None),
        ("write_off", "written_off", None),
        ("reversal", "credited", None),
        ("bill", "applied", None),
        ("unknown", "applied", None),
        (None, "applied", None),
    ],
)
def test_an_export_that_knows_only_the_clearing(case: LedgerCase, kind: str | None, column: str, late: float | None) -> None:
    case.invoice("A", 1_000, dpd=30, cleared_date=days_before(23), clear_kind=kind)
    found = case.factors()
    place, history = only(found["exposure_by_currency"]), only(found["transaction_history"])
    assert place[column] == 1_000
    assert place["open_amount"] == 0
    assert history["wavg_days_late_12m"] == late
    assert history["unknown_clearing_12m"] == (1_000 if kind in ("unknown", None) else 0)


def test_a_clearing_after_the_as_of_date_has_not_happened(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=30, cleared_date=AS_OF + timedelta(1), clear_kind="payment")
    assert only(case.factors()["exposure"])["open_exposure"] == 1_000


def test_a_small_unknown_rest_counts_as_paid(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=30, cleared_date=days_before(23), clear_kind="unknown")
    case.payment("P", 960, days_before(30), invoice_id="A")
    history = only(case.factors()["transaction_history"])
    assert history["wavg_days_late_12m"] == pytest.approx(40 * 7 / 1_000)  # 4 % of the amount, 7 days late
    assert history["unknown_clearing_12m"] == 0


def test_dated_rates_convert_to_the_reporting_currency(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=10, currency="USD")
    case.invoice("B", 1_000, dpd=10, currency="CNY")
    for day, usd in [(days_before(40), "2"), (days_before(2), "1.25"), (AS_OF + timedelta(1), "4")]:
        case.add("fx_rate", currency="USD", rate_date=day, rate=usd)
    case.add("fx_rate", currency="CNY", rate_date=days_before(7), rate="8")
    found = case.factors()
    assert only(found["exposure"])["open_exposure"] == Decimal("925.00")  # 1,000/1.25 + 1,000/8
    assert only(case.factors(reporting_currency="USD")["exposure"])["open_exposure"] == Decimal("1156.25")


def test_a_rate_older_than_a_week_is_no_rate(case: LedgerCase) -> None:
    from risk_pipeline.engine.factors import FactorEngine

    case.invoice("A", 1_000, dpd=10, currency="USD")
    case.add("fx_rate", currency="USD", rate_date=days_before(8), rate="1.25")
    engine = FactorEngine(case.connect(AS_OF), {**window_params(AS_OF), "reporting_currency": "EUR"})
    assert engine.currencies_without_rate() == ["USD"]


@pytest.mark.parametrize(
    ("values", "due", "source"),
    [
        ({"terms_code": "N30"}, date(2026, 5, 31), "terms"),
        ({"terms_code": "N30", "baseline_date": date(2026, 5, 10)}, date(2026, 6, 9), "terms"),
        ({"terms_code": "EOM"}, date(2026, 6, 14), "terms"),
        ({}, date(2026, 5, 15), "contracted"),
        ({"customer": "X"}, date(2026, 5, 1), "invoice_date"),
    ],
)
def test_a_missing_due_date_follows_terms_then_contract_then_invoice_date(
    case: LedgerCase, values: dict[str, Any], due: date, source: str
) -> None:
    case.add("customer", customer_id="C", contracted_terms_days=14)
    case.add("payment_terms", terms_code="N30", valid_from=date(2025, 1, 1), baseline="invoice", net_days=30)
    case.add("payment_terms", terms_code="N30", valid_from=date(2026, 5, 20), baseline="invoice", net_days=99)
    case.add("payment_terms", terms_code="EOM", valid_from=date(2025, 1, 1), baseline="month_end", net_days=14)
    case.invoice("A", 100, invoice_date=date(2026, 5, 1), **{"due_date": None, **values})
    item = only(case.factors()["open_item"])
    assert (item["due_date"], item["due_date_source"]) == (due, source)


def test_aging_and_documents_that_are_no_receivable(case: LedgerCase) -> None:
    for number, dpd in enumerate([0, 1, 30, 31, 60, 61, 90, 91]):
        case.invoice(f"I{number}", 100, dpd=dpd)
    case.invoice("REQUEST", 5_000, dpd=10, doc_type="advance_request")
    case.invoice("REVERSED", -40, dpd=45)
    exposure = only(case.factors()["exposure"])
    aging = [exposure[f"aging_{name}"] for name in ("not_due", "1_30", "31_60", "61_90", "over_90")]
    assert aging == [100, 200, 160, 200, 100]
    assert exposure["open_exposure"] == sum(aging)
    assert exposure["max_days_past_due"] == 91
    assert exposure["overdue"] == 660  # the reversal covers the oldest debt


def test_exposure_components_and_their_floor_per_company_code(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=0, company_code="1")
    case.invoice("R", 200, dpd=-300, invoice_date=days_before(60), doc_type="retention", company_code="1")
    case.invoice("F", 500, dpd=0, factored="without_recourse", company_code="1")
    case.payment("ADVANCE", 5_000, days_before(3), company_code="2", is_advance=True)
    case.add("bill", bill_id="B1", customer_id="C", kind="commercial", received_date=days_before(9), amount=300, currency="EUR")
    case.add("bill", bill_id="B2", customer_id="C", kind="bank", received_date=days_before(9), amount=70, currency="EUR")
    case.add(
        "bill",
        bill_id="B3",
        customer_id="C",
        kind="bank",
        received_date=days_before(9),
        amount=60,
        currency="EUR",
        discounted_date=days_before(1),
        recourse=True,
    )
    for order, delivery, amount in [("O1", AS_OF + timedelta(20), 40), ("O2", AS_OF + timedelta(40), 8)]:
        case.add(
            "sales_order",
            order_id=order,
            customer_id="C",
            order_date=days_before(1),
            planned_delivery_date=delivery,
            amount=amount,
            currency="EUR",
        )
    exposure = only(case.factors()["exposure"])
    assert exposure["open_exposure"] == 1_700
    assert (exposure["retention"], exposure["factored_without_recourse"]) == (200, 500)
    assert (exposure["bills_in_hand_commercial"], exposure["bills_in_hand_bank"]) == (300, 70)
    assert exposure["discounted_or_endorsed_with_recourse"] == 60
    assert (exposure["open_orders"], exposure["advance_payments_received"]) == (48, 5_000)
    # code 1: 1,000 + retention 200; no code: bills 300 + 60, near orders 40; the advance in code 2 offsets neither
    assert exposure["total_exposure"] == 1_200 + 400


def test_delivered_not_invoiced_is_seen_only_where_it_was_known_on_the_day(case: LedgerCase) -> None:
    order = {
        "order_id": "O",
        "customer_id": "C",
        "order_date": days_before(9),
        "amount": 100,
        "currency": "EUR",
        "delivered_not_invoiced": 60,
    }
    case.add("sales_order", **order)
    case.add("sales_order", **{**order, "order_id": "LATE"}, known=datetime(2026, 7, 2, tzinfo=UTC))
    case.add("sales_order", **{**order, "order_id": "ASSUMED"}, assumed=True)
    exposure = only(case.factors()["exposure"])
    assert exposure["delivered_not_invoiced"] == 60
    assert exposure["open_orders"] == 40 + 100 + 100


def test_trend_needs_three_payments_on_each_side(case: LedgerCase) -> None:
    for number, (back, late) in enumerate([(200, 0), (180, 4), (150, 8), (80, 10), (60, 20), (40, 30)]):
        case.invoice(f"I{number}", 100, dpd=back)
        case.payment(f"P{number}", 100, days_before(back - late), invoice_id=f"I{number}")
    history = only(case.factors()["transaction_history"])
    assert history["days_late_trend_3v9"] == pytest.approx((10 + 20 + 30) / 3 - (0 + 4 + 8) / 3)
    assert history["days_late_trend_3v9_code"] is None


@pytest.mark.parametrize(
    ("months", "onboarded", "expected"),
    [
        ([(2024, 3), (2026, 3)], None, 27),  # a gap of exactly 24 months does not restart
        ([(2023, 12), (2026, 1), (2026, 6)], None, 5),  # 25 months do
        ([(2026, 1)], date(2025, 1, 15), 17),
        ([(2023, 12), (2026, 1)], date(2020, 1, 15), 5),  # onboarding does not survive the gap
        ([(2024, 5)], None, 0),  # no invoice for more than 24 months: it would begin anew
    ],
)
def test_relationship_months(case: LedgerCase, months: list[tuple[int, int]], onboarded: date | None, expected: int) -> None:
    case.add("customer", customer_id="C", onboarded_date=onboarded)
    for number, (year, month) in enumerate(months):
        case.invoice(f"I{number}", 100, invoice_date=date(year, month, 15), due_date=date(year, month, 28))
    assert only(case.factors()["transaction_history"])["relationship_months"] == expected


def test_a_relationship_is_that_of_the_legal_entity(case: LedgerCase) -> None:
    for customer in ("C1", "C2"):
        case.add("customer", customer_id=customer, legal_entity_id="E")
    case.invoice("OLD", 100, customer="C1", invoice_date=date(2025, 1, 10), due_date=date(2025, 2, 10))
    case.invoice("NEW", 100, customer="C2", invoice_date=date(2026, 5, 10), due_date=date(2026, 6, 10))
    assert [row["relationship_months"] for row in case.factors()["transaction_history"]] == [17, 17]


def test_absent_feeds_and_silent_columns_are_not_known_rather_than_good(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=40)
    case.payment("P", 1_000, days_before(40), invoice_id="A")
    history = only(case.factors()["transaction_history"])
    for factor in ("dilution_ratio_12m", "unfounded_dispute_ratio_12m", "dishonoured_payments_12m", "dishonoured_payments_6m"):
        assert history[factor] is None, factor
    assert history["dispute_ratio_12m"] is None


def test_special_codes_of_a_customer_that_never_bought(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=40, customer="OTHER")
    case.add("customer", customer_id="C")
    history = next(row for row in case.factors()["transaction_history"] if row["customer_id"] == "C")
    codes = {name: value for name, value in history.items() if name.endswith("_code") and value}
    assert codes == {
        "wavg_days_late_incl_open_12m_code": "no_invoice_in_window",
        "overdue_ratio_code": "no_open_items",
        "max_dpd_material_code": "no_open_items",
        "days_late_trend_3v9_code": "too_few_payments",
        "dilution_ratio_12m_code": "no_invoice_in_window",
        "unfounded_dispute_ratio_12m_code": "no_invoice_in_window",
        "relationship_months_code": "no_invoice_ever",
    }


def test_a_method_that_cannot_bounce_has_no_dishonoured_payments_to_speak_of(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=40)
    case.payment("P", 1_000, days_before(40), invoice_id="A", method="transfer", status="booked")
    history = only(case.factors()["transaction_history"])
    assert (history["dishonoured_payments_12m"], history["dishonoured_payments_12m_code"]) == (None, "method_cannot_bounce")


def test_unfounded_disputes_count_when_every_outcome_is_known(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=40)
    dispute = {"customer_id": "C", "invoice_id": "A", "opened_date": days_before(50), "amount": 250, "currency": "EUR"}
    case.add("dispute", dispute_id="D1", resolved_date=days_before(20), outcome="customer_pays", **dispute)
    case.add("dispute", dispute_id="D2", resolved_date=days_before(20), outcome="credit_granted", **dispute)
    assert only(case.factors()["transaction_history"])["unfounded_dispute_ratio_12m"] == pytest.approx(0.25)
    case.add("dispute", dispute_id="D3", resolved_date=days_before(20), **dispute)
    assert only(case.factors()["transaction_history"])["unfounded_dispute_ratio_12m"] is None


def test_sales_averages_and_volatility(case: LedgerCase) -> None:
    """Three invoices in the last three months: mean 200, sample standard deviation 100 -> 0.5."""
    for number, amount in enumerate([100, 200, 300]):
        case.invoice(f"I{number}", amount, invoice_date=add_months(AS_OF, -number) - timedelta(days=3), due_date=AS_OF)
    history = only(case.factors()["transaction_history"])
    assert (history["sales_3m"], history["sales_12m"]) == (Decimal(600), Decimal(600))
    assert (history["avg_monthly_sales_3m"], history["avg_monthly_sales_12m"]) == (Decimal(200), Decimal(200))
    assert history["months_since_first_invoice"] == 2
    assert history["sales_volatility_12m"] == pytest.approx(0.5)


def test_material_debt_needs_the_amount_and_the_share(case: LedgerCase) -> None:
    case.invoice("OLD", 499, dpd=200)
    case.invoice("MID", 2, dpd=50)
    case.invoice("NEW", 100_000, dpd=5)
    assert only(case.factors()["exposure"])["max_dpd_material"] == 5  # 501 < 1 % of 100,501
    assert only(case.factors(materiality_share=Decimal("0.001"))["exposure"])["max_dpd_material"] == 50  # 499 < 500 <= 501


def test_materiality_of_a_natural_person(case: LedgerCase) -> None:
    case.add("customer", customer_id="C", natural_person=True)
    case.invoice("OLD", 120, dpd=95)
    assert only(case.factors()["exposure"])["max_dpd_material"] == 95


def test_without_sales_there_is_no_average_to_base_a_limit_on(case: LedgerCase) -> None:
    """Golden case 13: no sales is no need candidate, not a need of 0."""
    case.invoice("OLD", 1_000, invoice_date=date(2025, 1, 10), due_date=date(2025, 2, 10))
    history = only(case.factors()["transaction_history"])
    assert history["sales_12m"] == 0
    assert (history["avg_monthly_sales_3m"], history["avg_monthly_sales_12m"]) == (None, None)


@pytest.mark.parametrize(
    ("paid", "broken", "dpd", "source"),
    [
        (0, None, 41, "instalment"),  # the first instalment, due 20 May, is missed
        (400, None, -10, "instalment"),  # paid: the next one is due on 10 July
        (400, date(2026, 6, 1), 100, "given"),  # broken: the invoice's own date counts again
        (400, date(2026, 7, 1), -10, "instalment"),  # broken after the as-of date: not yet
    ],
)
def test_an_item_under_a_plan_is_due_when_its_oldest_unpaid_instalment_is(
    case: LedgerCase, paid: int, broken: date | None, dpd: int, source: str
) -> None:
    case.invoice("A", 1_000, dpd=100)
    case.add(
        "instalment_plan", plan_id="L", customer_id="C", agreed_date=date(2026, 5, 1), reason="convenience", broken_date=broken
    )
    for line, (due, amount) in enumerate([(date(2026, 5, 20), 400), (date(2026, 7, 10), 600)]):
        case.add("instalment_line", plan_id="L", line=line, invoice_id="A", due_date=due, amount=amount)
    if paid:
        case.payment("P", paid, date(2026, 5, 20), invoice_id="A")
    found = case.factors()
    item = only(found["open_item"])
    assert (item["days_past_due"], item["due_date_source"]) == (dpd, source)
    assert item["original_due_date"] == (AS_OF - timedelta(days=100) if source == "instalment" else None)
    assert only(found["exposure"])["overdue"] == (1_000 - paid if dpd > 0 else 0)
