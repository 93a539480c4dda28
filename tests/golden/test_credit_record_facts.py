"""factor.credit_record by hand: bureau reports, borrowing against revenue, references of suppliers and banks.

Source of the formulas: C01 to C06 of the factor catalogue. Each expected value is worked out in the comment beside it. Where
one rule has many cases, each is a customer of its own, so that the table is computed once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.load import load_policy
from tests.ledger_case import AS_OF, LedgerCase, days_before

LATER = date(2026, 7, 1)
CODES = "bureau_score_norm_code bureau_delinquencies_12m_code bureau_defaults_36m_code bureau_inquiries_6m_code"
RATIO = "trade_reference_past_due_ratio trade_reference_past_due_ratio_code trade_reference_sources_12m"

Rows = dict[str, dict[str, Any]]


def report(case: LedgerCase, number: str = "R1", days: int = 30, customer: str = "C", **values: Any) -> None:
    """A hit of a bureau whose scale is 100 to 600 and higher = riskier, retrieved and dated `days` ago."""
    given = {
        "customer_id": customer,
        "bureau": "Alpha",
        "report_date": days_before(days),
        "retrieved_date": days_before(days),
        "hit_state": "hit",
        "score": 250.0,
        "score_min": 100.0,
        "score_max": 600.0,
        "higher_is_better": False,
        "currency": "EUR",
        **values,
    }
    case.add("bureau_report", report_id=f"{customer}-{number}", **given)


def reference(
    case: LedgerCase, number: str, source: str | None, high: Any, past_due: Any, customer: str = "C", **values: Any
) -> None:
    """A supplier's reference in EUR, given 30 days ago."""
    given = {"reported_date": days_before(30), "source_kind": "supplier", "currency": "EUR", **values}
    figures = {"source_name": source, "high_credit": high, "past_due": past_due}
    case.add("trade_reference", reference_id=f"{customer}-{number}", customer_id=customer, **figures, **given)


def statement(
    case: LedgerCase, number: str = "S1", period_end: date = date(2025, 12, 31), customer: str = "C", **values: Any
) -> None:
    """A full-year statement with 1,000,000 EUR revenue, received by the end of March."""
    given = {
        "received_date": date(2026, 3, 31),
        "months": 12,
        "currency": "EUR",
        "total_assets": 500_000,
        "revenue": 1_000_000,
        **values,
    }
    case.add("financial_statement", statement_id=f"{customer}-{number}", customer_id=customer, period_end=period_end, **given)


def master(case: LedgerCase, customer: str = "C", **values: Any) -> None:
    case.add("customer", customer_id=customer, effective_from=date(2020, 1, 1), **values)


def records(case: LedgerCase, as_of: date = AS_OF, **params: Any) -> Rows:
    """The rows of the table by customer."""
    return case.table_alone("credit_record", as_of, **params)


def record(case: LedgerCase, as_of: date = AS_OF, **params: Any) -> dict[str, Any]:
    """The row of customer C."""
    case.invoice("A", 1_000, dpd=-5)
    return records(case, as_of, **params)["C"]


def prefer(case: LedgerCase, *bureaus: str) -> None:
    """Let the policy prefer these bureaus, in this order."""
    policy = load_policy(None, load_catalogue(), as_of=AS_OF)
    case.policy = policy.model_copy(update={"evidence": policy.evidence.model_copy(update={"bureau_preference": bureaus})})


def pick(row: dict[str, Any], names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names.split())


def picked(rows: Rows, names: str) -> dict[str, tuple[Any, ...]]:
    return {customer: pick(row, names) for customer, row in rows.items()}


# C01: the score on one scale

SCALES: dict[str, tuple[dict[str, Any], float | None]] = {
    "higher is riskier": ({}, 70.0),  # 100 * (600 - 250) / (600 - 100)
    "higher is better": ({"higher_is_better": True}, 30.0),  # 100 * (250 - 100) / 500
    "worst": ({"score": 600.0}, 0.0),
    "best": ({"score": 100.0}, 100.0),
    "below zero": ({"score": -50.0, "score_min": -100.0, "score_max": 0.0, "higher_is_better": True}, 50.0),
    "no score": ({"score": None}, None),
    "no scale": ({"score_min": None}, None),  # 250 of how many?
    "no direction": ({"higher_is_better": None}, None),  # a guess could make the worst the best
    "reversed": ({"score_min": 600.0, "score_max": 100.0}, None),
    "one point": ({"score": 250.0, "score_min": 250.0, "score_max": 250.0}, None),
    "outside": ({"score": 700.0}, None),
    "not a number": ({"score": float("nan")}, None),
    "infinite": ({"score": float("inf"), "score_max": float("inf")}, None),
    "endless scale": ({"score_max": float("inf")}, None),
}


def test_c01_the_score_on_a_scale_of_0_to_100(case: LedgerCase) -> None:
    for customer, (values, _) in SCALES.items():
        master(case, customer)
        report(case, customer=customer, **values)
    expected = {customer: (score, None, "hit") for customer, (_, score) in SCALES.items()}
    assert picked(records(case), "bureau_score_norm bureau_score_norm_code bureau_state") == expected


def test_c02_to_c04_come_from_the_report_of_the_score(case: LedgerCase) -> None:
    report(case, delinquencies_12m=3, defaults_36m=1, inquiries_6m=7, bureau_rating="BB", recommended_limit=25_000)
    report(case, "R0", days=200, delinquencies_12m=0, defaults_36m=0, inquiries_6m=0, bureau_rating="AA")
    row = record(case)
    assert pick(row, "bureau_delinquencies_12m bureau_defaults_36m bureau_inquiries_6m") == (3, 1, 7)
    assert pick(row, "bureau bureau_rating bureau_recommended_limit") == ("Alpha", "BB", Decimal("25000.00"))
    assert pick(row, "bureau_report_date bureau_report_age_days evidence_date") == (days_before(30), 30, days_before(30))
    assert pick(row, CODES) == (None, None, None, None)


def test_a_report_that_tells_no_counts_leaves_them_missing(case: LedgerCase) -> None:
    report(case)
    row = record(case)
    assert pick(row, "bureau_delinquencies_12m bureau_defaults_36m bureau_inquiries_6m") == (None, None, None)
    assert pick(row, CODES) == (None, None, None, None)


# Which report is used


def test_without_a_preference_the_newest_report_counts(case: LedgerCase) -> None:
    for customer in ("newest", "one day"):
        master(case, customer)
    report(case, "R1", days=40, bureau="Alpha", score=100.0, customer="newest")
    report(case, "R2", days=20, bureau="Beta", score=600.0, customer="newest")
    report(case, "R2", score=600.0, customer="one day")  # the number decides, whatever the order of rows
    report(case, "R1", score=100.0, customer="one day")
    assert picked(records(case), "bureau bureau_score_norm") == {"newest": ("Beta", 0.0), "one day": ("Alpha", 0.0)}


def test_the_bureau_the_policy_prefers_counts_although_another_is_newer(case: LedgerCase) -> None:
    prefer(case, "Gamma", "Alpha")
    for customer, age in {"usable": 360, "too old": 361}.items():  # twice the 180 days of the score
        master(case, customer)
        report(case, "R1", days=age, bureau="Alpha", score=100.0, customer=customer)
        report(case, "R2", days=20, bureau="Beta", score=600.0, customer=customer)
    expected = {"usable": ("Alpha", 100.0), "too old": ("Beta", 0.0)}
    assert picked(records(case), "bureau bureau_score_norm") == expected


def test_age_counts_from_the_day_the_report_describes_not_from_the_day_we_fetched_it(case: LedgerCase) -> None:
    for customer, told in {"described": days_before(100), "no date": None, "dated ahead": LATER}.items():
        master(case, customer)
        report(case, report_date=told, retrieved_date=days_before(5), customer=customer)
    expected = {"described": (days_before(100), 100), "no date": (days_before(5), 5), "dated ahead": (days_before(5), 5)}
    assert picked(records(case), "bureau_report_date bureau_report_age_days") == expected


def test_only_a_later_no_hit_of_the_same_bureau_withdraws_its_report(case: LedgerCase) -> None:
    answers: dict[str, dict[str, Any]] = {
        "later": {"hit_state": "no_hit"},
        "elsewhere": {"hit_state": "no_hit", "bureau": "Beta"},
        "failed": {"hit_state": "error"},
        "earlier": {"hit_state": "no_hit", "days": 80},
        "fetched after it": {"hit_state": "no_hit", "days": 50, "report_date": days_before(70)},
    }
    for customer, values in answers.items():
        master(case, customer)
        report(case, "R1", days=60, customer=customer)
        report(case, "R2", **{"days": 20, "score": None, "customer": customer, **values})
    used = ("hit", days_before(60), 70.0)
    assert picked(records(case), "bureau_state bureau_report_date bureau_score_norm") == {
        "later": ("no_hit", days_before(20), None),
        "elsewhere": used,
        "failed": used,
        "earlier": used,
        "fetched after it": ("no_hit", days_before(50), None),
    }


# No report, no hit, not applicable are different


def test_why_there_is_no_report(case: LedgerCase) -> None:
    asked = {"no hit": ("no_hit", 30), "failed": ("error", 30), "old": ("hit", 361), "old no hit": ("no_hit", 361)}
    master(case, "never")
    for customer, (state, days) in asked.items():
        master(case, customer)
        report(case, days=days, hit_state=state, delinquencies_12m=2, customer=customer)
    rows = records(case)
    assert picked(rows, "bureau_state borrowing_to_revenue_code") == {
        "never": ("not_ordered", None),
        "no hit": ("no_hit", "no_hit"),
        "failed": ("error", None),
        "old": ("outdated", None),
        "old no hit": ("outdated", None),
    }
    codes = {"never": "not_ordered", "no hit": "no_hit"}
    assert picked(rows, CODES) == {customer: (codes.get(customer),) * 4 for customer in rows}
    values = "bureau_score_norm bureau_delinquencies_12m bureau_recommended_limit"
    assert picked(rows, values) == dict.fromkeys(rows, (None, None, None))


def test_consent_and_public_bodies(case: LedgerCase) -> None:
    customers: dict[str, tuple[dict[str, Any], str | None]] = {
        "refused": ({"consent_state": "refused"}, None),
        "withdrawn": ({"consent_state": " Withdrawn"}, "error"),
        "refused later": ({"consent_state": "refused"}, "hit"),  # fetched while there was consent
        "given": ({"consent_state": "given"}, None),
        "city": ({"is_public_body": True}, "hit"),
        "state": ({"is_public_body": True}, None),
    }
    for customer, (values, hit_state) in customers.items():
        master(case, customer, **values)
        if hit_state:
            report(case, hit_state=hit_state, customer=customer)
    assert picked(records(case), "bureau_score_norm_code bureau_score_norm") == {
        "refused": ("consent_refused", None),
        "withdrawn": ("consent_refused", None),
        "refused later": (None, 70.0),
        "given": ("not_ordered", None),
        "city": ("public_body", None),
        "state": ("public_body", None),
    }


# C03: what a natural person's report may still say


@pytest.mark.parametrize(("adverse_from", "of_a_person"), [(date(2023, 5, 31), 1), (date(2023, 6, 1), None)])
def test_c03_defaults_of_natural_persons_only_within_the_retention_period(
    case: LedgerCase, adverse_from: date, of_a_person: int | None
) -> None:
    # The report of 31 May 2026 counts from 31 May 2023 on; from 1 June 2023 on it may include a day that has lapsed.
    for customer, natural_person in {"person": True, "company": False, "unknown": None}.items():
        master(case, customer, natural_person=natural_person)
        report(case, days=30, defaults_36m=1, customer=customer)
    found = picked(records(case, adverse_from=adverse_from), "bureau_defaults_36m bureau_defaults_36m_code")
    assert found == {"person": (of_a_person, None), "company": (1, None), "unknown": (1, None)}


# The fall of the score (alert A16)


def test_the_change_is_against_the_best_report_of_the_same_bureau_in_180_days(case: LedgerCase) -> None:
    master(case, "one report")
    report(case, customer="one report")
    report(case, "R5", days=10, score=400.0)  # 40
    report(case, "R4", days=50, score=300.0)  # 60
    report(case, "R3", days=190, score=200.0)  # 80, 180 days before R5
    report(case, "R2", days=191, score=100.0)  # 100, too long ago
    report(case, "R1", days=50, score=100.0, bureau="Beta")
    case.invoice("A", 1_000, dpd=-5)
    assert picked(records(case), "bureau_score_change_180d") == {"C": (-40.0,), "one report": (None,)}


# C05: borrowing to revenue

BORROWING: dict[str, tuple[int | None, dict[str, Any], float | None, str | None]] = {
    "a year": (250_000, {}, 0.25, None),
    "long year": (250_000, {"months": 15}, 0.3125, None),  # 250,000 / (1,000,000 * 12 / 15)
    "half a year": (250_000, {"months": 6}, None, None),
    "no revenue": (250_000, {"revenue": 0}, None, "revenue_zero"),
    "below zero": (250_000, {"revenue": -5}, None, "revenue_zero"),
    "revenue unknown": (250_000, {"revenue": None}, None, None),
    "no assets": (250_000, {"total_assets": 0}, None, None),
    "nothing at all": (0, {"revenue": 0}, 0.0, None),
    "no borrowing": (0, {}, 0.0, None),
    "borrowing unknown": (None, {"revenue": 0}, None, None),
    "no such debt": (-100, {}, None, None),
    "dollars": (250_000, {"currency": "USD"}, 0.3125, None),  # 1 EUR = 1.25 USD: 250,000 / 800,000
    "no rate": (250_000, {"currency": "JPY"}, None, None),
}


def test_c05_borrowing_to_revenue(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    for customer, (borrowing, values, _, _) in BORROWING.items():
        master(case, customer)
        report(case, total_borrowing=borrowing, customer=customer)
        statement(case, customer=customer, **values)
    expected = {customer: (value, code) for customer, (_, _, value, code) in BORROWING.items()}
    assert picked(records(case), "borrowing_to_revenue borrowing_to_revenue_code") == expected


def test_c05_takes_the_newest_full_year_the_single_company_and_the_restatement(case: LedgerCase) -> None:
    report(case, total_borrowing=240_000, recommended_limit=1_000)
    statement(case, "S1", date(2024, 12, 31), revenue=100_000, received_date=date(2025, 3, 31))
    statement(case, "S2", revenue=300_000)
    statement(case, "S3", revenue=600_000, received_date=date(2026, 5, 2))
    statement(case, "S4", revenue=9_000_000, received_date=date(2026, 5, 3), consolidated=True)
    statement(case, "S5", date(2026, 3, 31), months=3, revenue=90_000, received_date=date(2026, 5, 3))
    row = record(case)
    assert pick(row, "borrowing_to_revenue borrowing_period_end") == (0.4, date(2025, 12, 31))  # 240,000 / 600,000
    assert pick(row, "bureau_borrowing evidence_date") == (Decimal("240000.00"), days_before(30))


def test_money_of_the_report_is_in_reporting_currency(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    report(case, total_borrowing=1_000, recommended_limit=500, currency="USD")
    assert pick(record(case), "bureau_borrowing bureau_recommended_limit") == (Decimal("800.00"), Decimal("400.00"))


# C06: references


def test_c06_one_named_by_the_customer_counts_half(case: LedgerCase) -> None:
    reference(case, "T1", "Steel Ltd", 10_000, 1_000)
    reference(case, "T2", "Friend Ltd", 20_000, 0, self_named=True)
    reference(case, "T3", "House Bank", 30_000, 3_000, source_kind="bank", reported_date=days_before(10))
    row = record(case)
    assert pick(row, RATIO) == (0.08, None, 3)  # (1,000 + 0/2 + 3,000) / (10,000 + 20,000/2 + 30,000)
    assert row["trade_reference_date"] == days_before(10)


PAIRS: dict[str, list[tuple[Any, ...]]] = {
    "one": [("Steel Ltd", 10_000, 0)],
    "one twice": [("Steel Ltd", 10_000, 0), ("STEEL LTD ", 5_000, 0)],
    "without names": [(None, 10_000, 0), (None, 5_000, 0)],  # nobody knows whether they are two
    "no balance": [("Steel Ltd", 10_000, 0), ("Wood Ltd", 0, 0)],
    "balance unknown": [("Steel Ltd", 10_000, 0), ("Wood Ltd", None, 0)],
    "past due unknown": [("Steel Ltd", 10_000, 0), ("Wood Ltd", 5_000, None)],
    "below zero": [("Steel Ltd", 10_000, 0), ("Wood Ltd", 5_000, -1)],
}


def test_c06_needs_two_sources_with_figures(case: LedgerCase) -> None:
    master(case, "none")
    for customer, pair in PAIRS.items():
        master(case, customer)
        for number, (source, high, past_due) in enumerate(pair):
            reference(case, f"T{number}", source, high, past_due, customer=customer)
    expected = {"none": (None, "fewer_than_two", 0), **dict.fromkeys(PAIRS, (None, "fewer_than_two", 1))}
    assert picked(records(case), RATIO) == expected


def test_c06_which_reference_of_a_source_counts(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    for customer in ("newest", "no figures", "currencies", "window"):
        master(case, customer)
    reference(case, "T1", "Steel Ltd", 10_000, 10_000, reported_date=days_before(300), customer="newest")
    reference(case, "T2", "STEEL LTD ", 10_000, 0, customer="newest")
    reference(case, "T3", "Wood Ltd", 10_000, 1_000, customer="newest")
    reference(case, "T1", "Steel Ltd", 10_000, 1_000, reported_date=days_before(60), customer="no figures")
    reference(case, "T2", "Steel Ltd", None, None, customer="no figures")  # newer, and hides none
    reference(case, "T3", "Wood Ltd", 10_000, 1_000, customer="no figures")
    reference(case, "T1", "Steel Ltd", 1_000, 0, customer="currencies")
    reference(case, "T2", "Wood Ltd", 1_250, 250, currency="USD", customer="currencies")
    reference(case, "T3", "Silk Ltd", 1_000, 1_000, currency="JPY", customer="currencies")  # no rate
    reference(case, "T1", "Steel Ltd", 1_000, 0, reported_date=date(2025, 6, 30), customer="window")
    reference(case, "T2", "Wood Ltd", 1_000, 0, reported_date=date(2025, 7, 1), customer="window")
    assert picked(records(case), RATIO) == {
        "newest": (0.05, None, 2),  # 1,000 / 20,000
        "no figures": (0.1, None, 2),  # 2,000 / 20,000
        "currencies": (0.1, None, 2),  # 250 / 1.25 / 2,000
        "window": (None, "fewer_than_two", 1),
    }


def test_ratings_of_banks_stand_apart(case: LedgerCase) -> None:
    reference(case, "T1", "House Bank", None, None, payment_rating=4, source_kind="bank", reported_date=days_before(50))
    reference(case, "T2", "Steel Ltd", None, None, payment_rating=1, source_kind=None)
    reference(case, "T3", "Wood Ltd", None, None, payment_rating=2)
    reference(case, "T4", "Friend Ltd", None, None, payment_rating=5, self_named=True)
    row = record(case)
    assert pick(row, "bank_payment_rating supplier_payment_rating") == (4.0, 3.0)  # (2 * 1 + 5 * 1/2) / 1.5
    assert pick(row, "trade_reference_sources_12m trade_reference_date") == (0, days_before(30))


# Point in time


def test_what_comes_or_is_known_later_changes_nothing(case: LedgerCase) -> None:
    entered, known_at = datetime(2026, 7, 3, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    report(case, "R1", total_borrowing=100_000)
    statement(case)
    reference(case, "T1", "Steel Ltd", 10_000, 0)
    reference(case, "T2", "Wood Ltd", 10_000, 0)
    before = record(case, known_at=known_at)
    worse: dict[str, Any] = {"report_date": days_before(1), "score": 600.0, "delinquencies_12m": 9}
    report(case, "R8", retrieved_date=LATER, **worse)
    report(case, "R9", retrieved_date=days_before(1), known=entered, **worse)
    report(case, "R7", hit_state="no_hit", retrieved_date=LATER, bureau="Beta")
    statement(case, "S8", date(2026, 3, 31), received_date=LATER, revenue=1)
    statement(case, "S9", date(2026, 3, 31), received_date=days_before(1), revenue=1, known=entered)
    statement(case, "S7", LATER, received_date=days_before(1), revenue=1)
    reference(case, "T8", "Silk Ltd", 10_000, 10_000, reported_date=LATER)
    reference(case, "T9", "Silk Ltd", 10_000, 10_000, known=entered)
    assert records(case, known_at=known_at)["C"] == before
    after = records(case, as_of=LATER, known_at=datetime(2026, 7, 4, tzinfo=UTC))["C"]
    assert pick(after, "bureau_delinquencies_12m trade_reference_sources_12m") == (9, 3)
