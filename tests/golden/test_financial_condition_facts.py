"""factor.financial_condition through the real as-of views and SQL: which statement is used, every ratio, and what is no number.

Sources: factor_catalogue.yaml F01 to F08, contracts.md section 3, golden.json (altman_z2). Expected values are worked by hand;
the arithmetic stands beside them.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.load import load_policy
from tests.factor_points import points
from tests.ledger_case import AS_OF, LedgerCase, only

YEAR_END, YEAR_BEFORE, RECEIVED = date(2025, 12, 31), date(2024, 12, 31), date(2026, 4, 30)

# A year of a company that balances: 1,000,000 = 700,000 + 300,000.
STATEMENT: dict[str, Any] = {
    "customer_id": "C",
    "period_end": YEAR_END,
    "received_date": RECEIVED,
    "months": 12,
    "statement_kind": "annual",
    "consolidated": False,
    "currency": "EUR",
    "audit_opinion": "unqualified",
    "current_assets": 500_000,
    "inventory": 200_000,
    "total_assets": 1_000_000,
    "current_liabilities": 400_000,
    "short_term_debt": 100_000,
    "total_liabilities": 700_000,
    "equity": 300_000,
    "intangible_assets": 50_000,
    "retained_earnings": 120_000,
    "surplus_reserve": 30_000,
    "revenue": 2_000_000,
    "ebit": 80_000,
    "interest_expense": 20_000,
    "net_income": 45_000,
    "operating_cash_flow": 70_000,
}
BEFORE: dict[str, Any] = {
    "period_end": YEAR_BEFORE,
    "received_date": date(2025, 5, 5),
    "revenue": 2_500_000,
    "net_income": 75_000,
}
RATIOS = "debt_ratio current_ratio interest_cover net_margin ocf_to_liabilities altman_z2 revenue_change_yoy".split()
NUMBERS = [*RATIOS, "quick_ratio", "equity_ratio", "ebit_margin", "net_margin_change_yoy"]


def statement(case: LedgerCase, number: str = "S1", *, known: datetime | None = None, **values: Any) -> int:
    """A statement of customer C, the one above unless told otherwise."""
    return case.add("financial_statement", known=known, statement_id=number, **{**STATEMENT, **values})


def condition(case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None) -> dict[str, Any]:
    """The row of customer C."""
    return case.table_alone("financial_condition", as_of, known_at=known_at)["C"]


def variants(case: LedgerCase, values: list[dict[str, Any]], *before: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    """A customer for each: its row when its statement differs by these values; with `before`, an earlier statement of each."""
    for number, changed in enumerate(values):
        case.invoice(f"I{number}", 1_000, dpd=-5, customer=f"V{number}")
        statement(case, f"V{number}", **{"customer_id": f"V{number}", **changed})
        for earlier in before:
            statement(case, f"V{number}-before", **{"customer_id": f"V{number}", **earlier})
    found = case.table_alone("financial_condition", **params)
    return [found[f"V{number}"] for number in range(len(values))]


@pytest.fixture(autouse=True)
def _ledger(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=-5)


# Every factor of one statement


def test_every_factor_of_a_year_and_the_year_before(case: LedgerCase) -> None:
    statement(case)
    statement(case, "S0", **BEFORE)
    row = condition(case)
    expected = {
        "debt_ratio": 0.7,  # 700,000 / 1,000,000
        "current_ratio": 1.25,  # 500,000 / 400,000
        "interest_cover": 4.0,  # 80,000 / 20,000
        "net_margin": 0.0225,  # 45,000 / 2,000,000
        "ocf_to_liabilities": 0.1,  # 70,000 / 700,000
        # 6.56 * 0.1 + 3.26 * (120,000 + 30,000) / 1,000,000 + 6.72 * 0.08 + 1.05 * 300,000 / 700,000
        "altman_z2": 2.1326,  # = 0.656 + 0.489 + 0.5376 + 0.45
        "revenue_change_yoy": -0.2,  # 2,000,000 / 2,500,000 - 1
        "quick_ratio": 0.75,  # (500,000 - 200,000) / 400,000
        "equity_ratio": 0.3,
        "ebit_margin": 0.04,  # 80,000 / 2,000,000
        "net_margin_change_yoy": -0.0075,  # 0.0225 - 75,000 / 2,500,000
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert [row[f"{name}_code"] for name in RATIOS] == [None] * len(RATIOS)
    assert row["altman_zone"] == "grey"
    assert row["tangible_net_worth"] == Decimal("250000.00")  # 300,000 - 50,000
    assert row["revenue_annual"] == Decimal("2000000.00")
    assert (row["statement_quality"], row["statement_audited"], row["statement_consolidated"]) == ("unqualified", True, False)
    assert (row["statement_usable"], row["statement_doubt"], row["statement_months"]) == (True, None, 12)
    assert (row["evidence_date"], row["statement_period_end"], row["statement_received_date"]) == (YEAR_END, YEAR_END, RECEIVED)
    assert row["statement_age_days"] == 181  # 2025-12-31 to 2026-06-30


def test_the_points_of_the_default_policy(case: LedgerCase) -> None:
    statement(case)
    statement(case, "S0", **BEFORE)
    assert points("financial_condition", condition(case)) == {
        "debt_ratio": 65,  # 0.7 <= 0.70
        "current_ratio": 75,  # 1.2 < 1.25 <= 1.5
        "interest_cover": 85,  # 3 < 4 <= 6
        "net_margin": 70,  # 0.02 < 0.0225 <= 0.05
        "ocf_to_liabilities": 55,  # 0.1 <= 0.10
        "altman_z2": 70,  # 1.85 < 2.1326 <= 2.60
        "revenue_change_yoy": 30,  # -0.3 < -0.2 <= -0.1
        "statement_quality": 100,  # unqualified
    }


def test_the_points_of_a_statement_600_days_old(case: LedgerCase) -> None:
    """Case S3 of golden_cases.md: the age counts from the end of the period; seven factors at 35, the trend leaves the card."""
    statement(case, period_end=date(2024, 11, 7), published_date=date(2025, 9, 3), received_date=date(2025, 9, 3))
    expected: dict[str, float | None] = dict.fromkeys([*RATIOS, "statement_quality"], 35)
    assert points("financial_condition", condition(case)) == {**expected, "revenue_change_yoy": None}


ALTMAN = (  # golden.json altman_z2: CA, CL, TA, RE, EBIT, TL, equity -> Z'', zone
    ((40, 20, 100, 30, 10, 50, 50), 4.0120000000000005, "safe"),
    ((30, 32, 100, 10, 5, 70, 30), 0.9807999999999999, "distress"),
    ((8, 12, 30, -15, -1, 28, 2), -2.6536666666666666, "distress"),
)


@pytest.mark.parametrize(("figures", "z", "zone"), ALTMAN)
def test_altman_z_of_golden_json(case: LedgerCase, figures: tuple[int, ...], z: float, zone: str) -> None:
    names = "current_assets current_liabilities total_assets retained_earnings ebit total_liabilities equity".split()
    statement(case, surplus_reserve=None, **dict(zip(names, figures, strict=True)))
    row = condition(case)
    assert row["altman_z2"] == pytest.approx(z, abs=1e-9)
    assert row["altman_zone"] == zone


# CA = CL, no retained earnings, no EBIT: Z'' = 1.05 * equity / TL. 1.10 and 2.60 themselves are grey.
@pytest.mark.parametrize(("equity", "zone"), [(1_047, "distress"), (1_048, "grey"), (2_476, "grey"), (2_477, "safe")])
def test_the_edges_of_the_zones(case: LedgerCase, equity: int, zone: str) -> None:
    flat = {"current_assets": 5, "current_liabilities": 5, "retained_earnings": 0, "surplus_reserve": 0, "ebit": 0}
    statement(case, **flat, total_assets=10_000, total_liabilities=1_000, equity=equity)
    row = condition(case)
    assert row["altman_z2"] == pytest.approx(1.05 * equity / 1_000, abs=1e-12)
    assert row["altman_zone"] == zone


def test_a_customer_without_a_statement_has_nothing_and_no_code(case: LedgerCase) -> None:
    row = condition(case)
    assert row.pop("customer_id") == "C"
    assert row.pop("statement_usable") is False
    assert set(row.values()) == {None}


# Which statement is used


def test_a_statement_counts_from_the_day_we_had_it(case: LedgerCase) -> None:
    statement(case, "S0", **BEFORE)
    statement(case, received_date=date(2026, 7, 1), published_date=date(2026, 3, 1))
    assert condition(case)["statement_period_end"] == YEAR_BEFORE
    assert condition(case, date(2026, 7, 1))["statement_period_end"] == YEAR_END


def test_planted_facts_of_the_future_change_nothing(case: LedgerCase) -> None:
    statement(case)
    statement(case, "S0", **BEFORE)
    known_at = datetime(2026, 7, 15, tzinfo=UTC)
    before = condition(case, known_at=known_at)
    statement(case, "F1", received_date=date(2026, 7, 1), equity=-1)
    statement(case, "F2", period_end=date(2026, 7, 1), equity=-1)  # a period that has not ended, however it got in
    statement(case, "F3", known=datetime(2026, 7, 16, tzinfo=UTC), received_date=date(2026, 5, 1), equity=-1)
    statement(case, "F4", **{**BEFORE, "revenue": 1, "received_date": date(2026, 7, 1)})
    statement(case, "F5", known=datetime(2026, 7, 16, tzinfo=UTC), **{**BEFORE, "revenue": 1})
    assert condition(case, known_at=known_at) == before


def test_a_restatement_counts_from_the_day_we_had_it(case: LedgerCase) -> None:
    statement(case)
    statement(case, "R1", received_date=date(2026, 6, 15), equity=100_000, total_liabilities=900_000)
    assert condition(case)["debt_ratio"] == 0.9
    assert condition(case, date(2026, 6, 14))["debt_ratio"] == 0.7


def test_a_corrected_row_counts_from_when_it_was_known(case: LedgerCase) -> None:
    corrected = datetime(2026, 7, 20, tzinfo=UTC)
    case.close("financial_statement", statement(case), corrected)
    statement(case, known=corrected, total_liabilities=900_000)
    assert condition(case)["debt_ratio"] == 0.9
    assert condition(case, known_at=datetime(2026, 7, 19, tzinfo=UTC))["debt_ratio"] == 0.7


def test_a_restated_year_before_is_compared_with(case: LedgerCase) -> None:
    statement(case)
    statement(case, "S0", **BEFORE)
    statement(case, "R0", **{**BEFORE, "received_date": RECEIVED, "revenue": 1_600_000})
    assert condition(case)["revenue_change_yoy"] == 0.25  # 2,000,000 / 1,600,000 - 1


@pytest.mark.parametrize("opinion", ["management", "tax_return", "reviewed", None])
def test_accounts_without_an_auditor_do_not_hide_an_opinion_on_the_same_period(case: LedgerCase, opinion: str | None) -> None:
    statement(case, audit_opinion="adverse")
    statement(case, "S2", received_date=date(2026, 6, 1), audit_opinion=opinion)
    assert condition(case)["statement_quality"] == "adverse"


@pytest.mark.parametrize(
    ("opinion", "audited"), [("reviewed", False), ("management", False), ("disclaimer", True), ("qualified", True), (None, None)]
)
def test_audited_or_not_or_not_known(case: LedgerCase, opinion: str | None, audited: bool | None) -> None:
    statement(case, audit_opinion=opinion)
    row = condition(case)
    assert (row["statement_quality"], row["statement_audited"]) == (opinion, audited)


def test_the_company_before_its_group_at_the_same_date(case: LedgerCase) -> None:
    statement(case, "G", consolidated=True, received_date=date(2026, 6, 1), equity=900_000)
    statement(case, consolidated=None)  # not said: the company's own
    row = condition(case)
    assert (row["statement_consolidated"], row["equity_ratio"]) == (False, 0.3)


def test_a_newer_group_statement_is_used_and_never_compared_with_the_company(case: LedgerCase) -> None:
    statement(case, consolidated=True)
    statement(case, "S0", **BEFORE)
    row = condition(case)
    assert (row["statement_consolidated"], row["revenue_change_yoy"]) == (True, None)
    assert row["revenue_change_yoy_code"] == "no_comparable_period"
    statement(case, "G0", **BEFORE, consolidated=True)
    assert condition(case)["revenue_change_yoy"] == pytest.approx(-0.2, abs=1e-12)


@pytest.mark.parametrize(("months", "period_end"), [(3, YEAR_END), (5, YEAR_END), (6, date(2026, 5, 31))])
def test_six_months_are_the_least(case: LedgerCase, months: int, period_end: date) -> None:
    statement(case, months=months, period_end=date(2026, 5, 31), statement_kind="interim")
    statement(case, "S0")
    assert condition(case)["statement_period_end"] == period_end


def test_flows_of_a_half_year_are_brought_to_a_year_only_against_balances(case: LedgerCase) -> None:
    half = {"period_end": date(2026, 5, 31), "statement_kind": "interim", "months": 6}
    flows = {
        "revenue": "1000000.33",
        "ebit": 40_000,
        "interest_expense": 10_000,
        "net_income": 22_500,
        "operating_cash_flow": 35_000,
    }
    statement(case, **half, **flows)
    statement(case, "S0", period_end=date(2025, 5, 31), received_date=date(2025, 9, 1))  # a year: not comparable
    row = condition(case)
    assert row["ocf_to_liabilities"] == pytest.approx(0.1, abs=1e-12)  # 35,000 * 2 / 700,000
    assert row["altman_z2"] == pytest.approx(2.1326, abs=1e-12)  # EBIT 40,000 * 2
    assert row["interest_cover"] == 4.0  # 40,000 / 10,000
    assert row["net_margin"] == pytest.approx(22_500 / 1_000_000.33, abs=1e-15)
    assert row["revenue_annual"] == Decimal("2000000.66")
    assert row["revenue_change_yoy_code"] == "no_comparable_period"
    statement(case, "H0", **{**half, "period_end": date(2025, 5, 31), "received_date": date(2025, 9, 1), "revenue": 800_000})
    assert condition(case)["revenue_change_yoy"] == pytest.approx(0.2500004125, abs=1e-12)  # 1,000,000.33 / 800,000 - 1


def test_a_long_year_is_brought_to_twelve_months(case: LedgerCase) -> None:
    statement(case, months=18)
    row = condition(case)
    assert row["revenue_annual"] == Decimal("1333333.33")  # 2,000,000 * 12 / 18
    assert row["ocf_to_liabilities"] == pytest.approx(0.0666666666667, abs=1e-12)  # 70,000 * 12 / 18 / 700,000


COMPARED: tuple[tuple[dict[str, Any], bool], ...] = (
    ({}, True),
    ({"period_end": date(2024, 12, 16)}, True),  # + 12 months = 15 days before 31 December
    ({"period_end": date(2024, 12, 15)}, False),
    ({"period_end": date(2025, 1, 15)}, True),
    ({"period_end": date(2025, 1, 16)}, False),
    ({"months": 11}, False),
    ({"currency": "USD"}, False),
    ({"consolidated": True}, False),
    ({"consolidated": None}, True),
    ({"revenue": 0}, False),
    ({"revenue": None}, False),
    ({"revenue": -10}, False),
    ({"total_assets": 0}, False),
)


def test_only_like_periods_are_compared(case: LedgerCase) -> None:
    for number, (other, _) in enumerate(COMPARED):
        statement(case, f"B{number}", **{**BEFORE, **other, "customer_id": f"V{number}"})
    rows = variants(case, [{} for _ in COMPARED])
    assert [row["revenue_change_yoy"] is not None for row in rows] == [compared for _, compared in COMPARED]
    assert [row["net_margin_change_yoy"] is not None for row in rows] == [compared for _, compared in COMPARED]
    assert [row["revenue_change_yoy_code"] for row in rows] == [
        None if compared else "no_comparable_period" for _, compared in COMPARED
    ]
    assert {row["revenue_change_yoy"] for row in rows} == {None, 2_000_000 / 2_500_000 - 1}


def test_the_nearest_comparable_period_is_taken(case: LedgerCase) -> None:
    statement(case)
    statement(case, "S0", **BEFORE)
    statement(case, "T0", **{**BEFORE, "period_end": date(2024, 12, 20), "received_date": RECEIVED, "revenue": 1_000_000})
    assert condition(case)["revenue_change_yoy"] == pytest.approx(-0.2, abs=1e-12)


@pytest.mark.parametrize("other", [{"audit_opinion": "management", "revenue": 1}, {"revenue": None}])
def test_later_accounts_without_an_auditor_or_without_revenue_do_not_hide_the_year_before(
    case: LedgerCase, other: dict[str, Any]
) -> None:
    statement(case)
    statement(case, "S0", **BEFORE)
    statement(case, "T0", **{**BEFORE, "received_date": RECEIVED, **other})
    assert condition(case)["revenue_change_yoy"] == pytest.approx(-0.2, abs=1e-12)


def test_a_leap_day_is_a_month_end_like_others(case: LedgerCase) -> None:
    statement(case, period_end=date(2025, 2, 28))
    statement(case, "S0", **{**BEFORE, "period_end": date(2024, 2, 29), "received_date": date(2024, 6, 1)})
    assert condition(case)["revenue_change_yoy"] == pytest.approx(-0.2, abs=1e-12)


def test_without_own_revenue_nothing_is_said_of_a_comparable_period(case: LedgerCase) -> None:
    statement(case, revenue=None)
    statement(case, "S0", **BEFORE)
    row = condition(case)
    assert (row["revenue_change_yoy"], row["revenue_change_yoy_code"]) == (None, None)


def test_equal_statements_are_told_apart_by_their_number_in_any_order(tmp_path: Path) -> None:
    found = []
    for turn, order in enumerate((1, -1)):
        (tmp_path / str(turn)).mkdir()
        case = LedgerCase(tmp_path / str(turn))
        case.invoice("A", 1_000, dpd=-5)
        for number, debt in [("S1", 600_000), ("S2", 800_000), ("S3", 500_000)][::order]:
            statement(case, number, total_liabilities=debt)
            statement(case, f"{number}-before", **BEFORE, total_liabilities=debt)
        found.append(condition(case))
    assert found[0] == found[1]
    assert found[0]["debt_ratio"] == 0.5


# Money and currencies


def test_money_is_in_reporting_currency_at_the_rate_of_the_day(case: LedgerCase) -> None:
    case.add("fx_rate", currency="CNY", rate_date=date(2026, 6, 30), rate="8.00")
    statement(case, currency="CNY")
    row = condition(case)
    assert row["tangible_net_worth"] == Decimal("31250.00")  # 250,000 / 8
    assert row["revenue_annual"] == Decimal("250000.00")  # 2,000,000 / 8
    assert row["debt_ratio"] == 0.7


def test_without_a_rate_ratios_stay_and_money_is_unknown(case: LedgerCase) -> None:
    statement(case, currency="CNY")
    row = condition(case)
    assert (row["tangible_net_worth"], row["revenue_annual"], row["debt_ratio"]) == (None, None, 0.7)


def test_intangible_assets_not_told_are_none(case: LedgerCase) -> None:
    statement(case, intangible_assets=None)
    assert condition(case)["tangible_net_worth"] == Decimal("300000.00")


# Missing, zero, negative, absurd


def test_negative_equity(case: LedgerCase) -> None:
    statement(case, total_liabilities=1_300_000, equity=-300_000)
    row = condition(case)
    assert (row["debt_ratio"], row["equity_ratio"]) == (1.3, -0.3)
    assert row["tangible_net_worth"] == Decimal("-350000.00")
    assert row["altman_z2"] == pytest.approx(0.656 + 0.489 + 0.5376 - 1.05 * 3 / 13, abs=1e-12)
    assert row["statement_usable"] is True


CODED: tuple[tuple[dict[str, Any], str, str | None], ...] = (
    ({"current_liabilities": 0}, "current_ratio", "no_current_liabilities"),
    ({"interest_expense": 0, "short_term_debt": 0}, "interest_cover", "no_interest_bearing_debt"),
    ({"interest_expense": 0, "short_term_debt": None}, "interest_cover", "no_interest_bearing_debt"),
    ({"interest_expense": 0}, "interest_cover", None),  # 100,000 of short-term debt bear interest somewhere
    ({"interest_expense": -5_000}, "interest_cover", "net_interest_income"),
    ({"revenue": 0}, "net_margin", "revenue_zero"),
    ({"revenue": -1}, "net_margin", "revenue_zero"),
    ({"total_liabilities": 0}, "ocf_to_liabilities", "no_liabilities"),
    ({"total_liabilities": 0}, "altman_z2", "no_liabilities"),
    ({"total_liabilities": -5}, "debt_ratio", None),
    ({"total_liabilities": -5}, "ocf_to_liabilities", None),
    ({"total_liabilities": -5}, "altman_z2", None),
    ({"current_liabilities": -5}, "current_ratio", None),
    ({"current_liabilities": -5}, "altman_z2", None),
    ({"current_liabilities": 0, "current_assets": None}, "current_ratio", None),
)


def test_what_cannot_be_divided_is_a_code_or_missing(case: LedgerCase) -> None:
    rows = variants(case, [values for values, _, _ in CODED])
    found = [(values, factor, row[f"{factor}_code"]) for row, (values, factor, _) in zip(rows, CODED, strict=True)]
    assert found == list(CODED)
    assert [row[factor] for row, (_, factor, _) in zip(rows, CODED, strict=True)] == [None] * len(CODED)


INPUTS = {  # input left out -> what is then missing
    "current_assets": {"current_ratio", "quick_ratio", "altman_z2", "altman_zone"},
    "inventory": {"quick_ratio"},
    "current_liabilities": {"current_ratio", "quick_ratio", "altman_z2", "altman_zone"},
    "short_term_debt": set(),
    "total_liabilities": {"debt_ratio", "ocf_to_liabilities", "altman_z2", "altman_zone"},
    "equity": {"equity_ratio", "altman_z2", "altman_zone", "tangible_net_worth"},
    "intangible_assets": set(),
    "retained_earnings": {"altman_z2", "altman_zone"},
    "surplus_reserve": set(),
    "revenue": {"net_margin", "ebit_margin", "revenue_change_yoy", "net_margin_change_yoy", "revenue_annual"},
    "ebit": {"interest_cover", "ebit_margin", "altman_z2", "altman_zone"},
    "interest_expense": {"interest_cover"},
    "net_income": {"net_margin", "net_margin_change_yoy"},
    "operating_cash_flow": {"ocf_to_liabilities"},
    "audit_opinion": {"statement_quality", "statement_audited"},
}


def test_a_missing_input_is_missing_and_never_zero(case: LedgerCase) -> None:
    rows = variants(case, [{name: None} for name in INPUTS], BEFORE)
    described = {"statement_doubt", *(f"{name}_code" for name in RATIOS)}
    empty = [{name for name, value in row.items() if value is None and name not in described} for row in rows]
    assert dict(zip(INPUTS, empty, strict=True)) == INPUTS
    assert {row[f"{name}_code"] for row in rows for name in RATIOS} == {None}


@pytest.mark.parametrize("total_assets", [0, -1, None])
def test_a_statement_without_assets_is_not_used(case: LedgerCase, total_assets: int | None) -> None:
    statement(case, total_assets=total_assets)
    statement(case, "S0", **BEFORE)
    assert condition(case)["statement_period_end"] == YEAR_BEFORE


MOST = Decimal("9999999999999999.99")
LEAST = Decimal("0.01")
AMOUNTS = [name for name, value in STATEMENT.items() if type(value) is int and name != "months"]


def test_the_largest_amounts_against_the_smallest_give_numbers_or_nothing(case: LedgerCase) -> None:
    case.add("fx_rate", currency="KWD", rate_date=date(2026, 6, 30), rate="0.0001")  # absurd: money grows 10,000-fold
    least = {**dict.fromkeys(AMOUNTS, LEAST), "months": 24, "currency": "KWD"}
    rows = variants(case, [{**least, big: MOST} for big in AMOUNTS], statement_months_min=1)
    assert all(row[name] is None or math.isfinite(row[name]) for row in rows for name in NUMBERS)
    unknown = {big for big, row in zip(AMOUNTS, rows, strict=True) if row["tangible_net_worth"] is None}
    assert unknown == {"equity", "intangible_assets"}
    assert [big for big, row in zip(AMOUNTS, rows, strict=True) if row["revenue_annual"] is None] == ["revenue"]


def test_the_largest_amounts_of_one_month(case: LedgerCase) -> None:
    most = dict.fromkeys(AMOUNTS, MOST)
    rows = variants(case, [{**most, "months": 1}, {**most, "intangible_assets": -MOST}], statement_months_min=1)
    assert [row["revenue_annual"] for row in rows] == [None, None]  # no money column holds it
    assert [row["tangible_net_worth"] for row in rows] == [0, None]
    assert all(row[name] is None or math.isfinite(row[name]) for row in rows for name in NUMBERS)


# Usable for limits and segments


DOUBTS: tuple[tuple[dict[str, Any], str | None], ...] = (
    ({}, None),
    ({"equity": 310_000}, None),  # 1 % of the assets
    ({"equity": Decimal("310000.01")}, "unbalanced"),
    ({"equity": Decimal("289999.99")}, "unbalanced"),
    ({"equity": None}, "incomplete"),
    ({"total_liabilities": None}, "incomplete"),
    ({"revenue": None}, "incomplete"),
    ({"revenue": 0}, None),
    ({"ebit": None}, None),
    ({"period_end": date(2025, 1, 6)}, None),  # 540 days before 30 June 2026
    ({"period_end": date(2025, 1, 5)}, "too_old"),
)


def test_usable_or_why_not(case: LedgerCase) -> None:
    rows = variants(case, [values for values, _ in DOUBTS])
    assert [(values, row["statement_doubt"]) for row, (values, _) in zip(rows, DOUBTS, strict=True)] == list(DOUBTS)
    assert [row["statement_usable"] for row in rows] == [doubt is None for _, doubt in DOUBTS]


def test_a_stale_statement_keeps_its_ratios_and_its_date(case: LedgerCase) -> None:
    """Whether they still count is the policy's (stale: drop): case S3 of golden_cases.md."""
    statement(case, period_end=date(2024, 11, 7))
    row = condition(case)
    assert (row["statement_age_days"], row["statement_usable"], row["debt_ratio"]) == (600, False, 0.7)
    assert row["evidence_date"] == date(2024, 11, 7)


# Financial institutions


@pytest.fixture
def finance(tmp_path: Path) -> LedgerCase:
    """A case under a policy that calls NACE 64 and ISIC K financial institutions."""
    policy = load_policy(None, load_catalogue(), as_of=AS_OF)
    lists = {"NACE": ("64",), "ISIC": ("K",)}
    case = LedgerCase(tmp_path, policy.model_copy(update={"finance_industries": lists}))
    case.invoice("A", 1_000, dpd=-5)
    return case


@pytest.mark.parametrize(
    ("scheme", "code", "is_finance"),
    [
        ("NACE", "64.19", True),
        ("NACE", "64", True),
        ("NACE Rev. 2", "K 64.19", True),
        ("NACE", "6", False),
        ("ISIC", "64.19", False),
        ("ISIC", "K6419", True),
        (None, "64.19", False),
    ],
)
def test_ratios_that_do_not_apply_to_a_financial_institution(
    finance: LedgerCase, scheme: str | None, code: str, is_finance: bool
) -> None:
    finance.add("customer", customer_id="C", effective_from=date(2020, 1, 1), industry_scheme=scheme, industry_code=code)
    statement(finance)
    row = condition(finance)
    applies = {"debt_ratio": 0.7, "current_ratio": 1.25, "altman_z2": pytest.approx(2.1326)}
    for name, value in applies.items():
        assert row[name] == (None if is_finance else value)
        assert row[f"{name}_code"] == ("financial_institution" if is_finance else None)
    assert row["altman_zone"] == (None if is_finance else "grey")
    assert row["interest_cover"] == 4.0
    assert row["statement_usable"] is True


def test_it_is_not_missing_for_a_financial_institution_without_a_statement(finance: LedgerCase) -> None:
    finance.add("customer", customer_id="C", effective_from=date(2020, 1, 1), industry_scheme="NACE", industry_code="64.19")
    row = condition(finance)
    assert {name for name in RATIOS if row[f"{name}_code"] is not None} == {"debt_ratio", "current_ratio", "altman_z2"}


def test_the_table_is_what_the_contract_says(case: LedgerCase) -> None:
    """Through all tables, as a run computes them: factor.financial_condition beside the others."""
    statement(case)
    assert only(case.factors()["financial_condition"]) == condition(case)
