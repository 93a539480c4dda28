"""Limits, terms and hold: candidates that drop or stay, hard stops, rounding, currencies, utilisation."""

from __future__ import annotations

import json
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from risk_pipeline.decision import inputs_json as js
from risk_pipeline.decision.limit_candidates import times
from risk_pipeline.decision.limits import _divide_by_rate, round_down
from risk_pipeline.policy.facts import Vector
from tests.decision_facts import sales
from tests.decision_given import POLICY, given, with_segment

NO_SALES: dict[str, Any] = dict.fromkeys(("sales_12m", "sales_3m", "avg_monthly_sales_12m", "avg_monthly_sales_3m"))


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        (0, 0), (499.99, 0), (500, 500), (599.99, 500), (9_999.99, 9_900), (10_000, 10_000), (10_999, 10_000),
        (99_999.99, 99_000), (100_000, 100_000), (104_999, 100_000), (1_234_567.89, 1_230_000),
    ],
)  # fmt: skip
def test_rounding_is_downwards_in_steps(amount: float, rounded: float) -> None:
    assert round_down(np.array([round(amount * 100)]), POLICY).tolist() == [rounded * 100]


@hypothesis_given(st.integers(0, 10**14), st.integers(0, 10**14))
def test_rounding_is_monotone_and_never_up(a: int, b: int) -> None:
    low, high = sorted((a, b))
    rounded = round_down(np.array([low, high]), POLICY)
    assert rounded[0] <= rounded[1]
    assert (rounded <= [low, high]).all()


def test_the_better_of_two_sales_averages_is_the_need() -> None:
    growing = given(60, avg_monthly_sales_12m=1_000_00, avg_monthly_sales_3m=3_000_00)
    assert growing.candidates["sales_balance"] == 4_000
    only_one = given(60, avg_monthly_sales_12m=3_000_00, avg_monthly_sales_3m=None)
    assert only_one.candidates["sales_balance"] == 4_000


def test_negative_sales_keep_the_need_at_zero() -> None:
    case = given(60, sales_12m=-5_00, avg_monthly_sales_12m=-1_00, avg_monthly_sales_3m=-1_00)
    assert case.candidates["sales_balance"] == 0
    assert case.candidates["expected_loss"] == 0
    assert (case.credit_limit, case.binding_method) == (0, "sales_balance")


@pytest.mark.parametrize(
    ("months", "methods"),
    [(2, {"requested"}), (None, {"requested"}), (3, {"sales_balance"})],
)
def test_the_request_stands_in_while_sales_are_too_young(months: int | None, methods: set[str]) -> None:
    case = given(60, months_since_first_invoice=months, requested_limit=20_000_00, **sales(9_000))
    assert set(case.candidates) & {"requested", "sales_balance"} == methods


def test_young_sales_are_spread_over_at_least_three_months() -> None:
    year = given(60, months_since_first_invoice=30, sales_12m=12_000_00).candidates["expected_loss"]
    young = given(60, months_since_first_invoice=1, sales_12m=3_000_00).candidates["expected_loss"]
    half = given(60, months_since_first_invoice=6, sales_12m=6_000_00).candidates["expected_loss"]
    assert year == young == half


def test_expected_loss_of_a_customer_without_sales_takes_the_request() -> None:
    case = given(60, expected_monthly_sales=1_000_00, requested_limit=9_000_00, months_since_first_invoice=None, **NO_SALES)
    assert case.candidates["expected_loss"] == given(60, **sales(1_000)).candidates["expected_loss"]
    assert "expected_loss" not in given(60, **NO_SALES).candidates
    new = {
        **NO_SALES,
        "sales_12m": 0,
        "relationship_months": None,
        "months_since_first_invoice": None,
        "requested_limit": 9_000_00,
    }
    case = given(60, **new)  # the ledger says 0, which is no evidence that the customer can bear nothing
    assert (case.credit_limit, set(case.candidates)) == (9_000, {"requested", "tier_cap", "new_customer_cap"})


@pytest.mark.parametrize(("months", "capped"), [(None, True), (0, True), (5, True), (6, False)])
def test_a_relationship_of_unknown_length_counts_as_new(months: int | None, capped: bool) -> None:
    assert ("new_customer_cap" in given(60, relationship_months=months).candidates) is capped


def test_a_hard_stop_beats_everything() -> None:
    case = given(95, distressed_plan=True, previous_limit=90_000_00, **sales(100_000))
    assert (case.credit_limit, case.unsecured_limit, case.binding_method, case.limit_reason) == (0, 0, "hard_stop", "KO05")
    assert case.candidates["hard_stop"] == 0
    assert case.terms == (0, "prepayment", 100)
    without_need = given(95, distressed_plan=True, **NO_SALES)
    assert (without_need.binding_method, without_need.limit_reason) == ("hard_stop", "KO05")


def test_below_the_smallest_limit() -> None:
    case = given(60, **sales(300))
    assert (case.unsecured_limit, case.credit_limit, case.limit_reason) == (400, 0, "below_smallest_limit")
    assert case.terms == (0, "prepayment", 100)


def test_a_limit_in_another_currency_is_computed_and_rounded_in_reporting_currency() -> None:
    case = given(60, credit_currency="USD", credit_fx_rate=9_234_567_891, **sales(30_000))
    assert (case.limit_reporting, case.currency, case.reporting_currency) == (40_000, "USD", "EUR")
    exact = (Decimal(40_000) / Decimal("0.9234567891")).quantize(Decimal("0.01"), rounding=ROUND_FLOOR)
    assert case.credit_limit == float(exact)
    assert case.fx_rate_used == 9_234_567_891


@pytest.mark.parametrize("missing", [{"credit_currency": None}, {"credit_currency": "USD", "credit_fx_rate": None}])
def test_without_a_currency_or_its_rate_the_limit_stays_in_reporting_currency(missing: dict[str, Any]) -> None:
    case = given(60, **missing, **sales(30_000))
    assert (case.currency, case.credit_limit, case.limit_reporting, case.fx_rate_used) == ("EUR", 40_000, 40_000, 10**10)


@hypothesis_given(st.integers(0, 10**17), st.integers(1, 10**16))
def test_division_by_a_rate_is_exact(amount: int, rate: int) -> None:
    exact = amount * 10**10 // rate
    if exact < 2**62:
        assert _divide_by_rate(np.array([amount]), np.array([rate])).tolist() == [exact]


@hypothesis_given(st.integers(-(10**16), 10**16), st.integers(0, 400), st.integers(1, 400))
def test_times_is_exact_and_does_not_overflow(amount: int, factor: int, divisor: int) -> None:
    assert times(np.array([amount]), np.array([factor]), divisor).tolist() == [amount * factor // divisor]


# ---------------------------------------------------------------- utilisation and hold


@pytest.mark.parametrize(
    ("score", "exposure", "utilisation", "headroom"),
    [(60, 20_000, 0.5, 20_000), (60, 0, 0, 40_000), (60, 50_000, 1.25, -10_000), (20, 0, None, 0), (20, 1, 9.99, -1)],
)
def test_utilisation(score: float, exposure: int, utilisation: float | None, headroom: int) -> None:
    case = given(score, total_exposure=exposure * 100, **sales(30_000))
    assert (case.utilisation, case.headroom) == (utilisation, headroom)


@pytest.mark.parametrize(
    ("score", "changes", "reasons"),
    [
        (60, {}, ""),
        (60, {"total_exposure": 44_000_00}, ""),  # 1.10 is not over
        (60, {"total_exposure": 44_000_01}, "over_limit"),
        (20, {}, "tier_restricted"),
        (45, {"max_dpd_material": 31}, "overdue_and_risky"),
        (60, {"max_dpd_material": 31}, ""),
        (60, {"max_dpd_material": 61}, "KO06,overdue_and_risky"),
        (60, {"dishonoured_payments_6m": 2}, ""),  # a knock-out without hold
        (20, {"total_exposure": 1_00}, "tier_restricted,no_limit"),  # nobody is told of 110 % of nothing
        (60, {"avg_monthly_sales_12m": None, "avg_monthly_sales_3m": None, "total_exposure": 1_00}, "no_limit"),
    ],
)
def test_hold_names_every_rule_that_demands_it(score: float, changes: dict[str, Any], reasons: str) -> None:
    case = given(score, **{**sales(30_000), **changes})
    assert case.hold_reasons == reasons
    assert case.hold is bool(reasons)


@pytest.mark.parametrize(
    ("score", "changes", "hold", "standing"),
    [
        (20, {}, False, "in_force"),
        (45, {"max_dpd_material": 61}, False, "in_force"),  # KO06
        (60, {"max_dpd_material": 95}, False, "in_force"),  # KO05: security still carries a limit
        (60, {"sanctions_unreviewed": 1}, True, "hard_stop"),  # never_over
        (60, {"sanctions_confirmed": 1}, True, "hard_stop"),  # no limit at all
        (45, {"sanctions_unreviewed": 1, "max_dpd_material": 61}, True, "hard_stop"),
        (60, {"previous_status": "terminated"}, True, "hard_stop"),
        (60, {"previous_status": "suspended"}, False, "in_force"),
        (60, {}, False, "not_effective"),
    ],
)
def test_a_release_ends_a_hold_but_none_that_leaves_no_limit(
    score: float, changes: dict[str, Any], hold: bool, standing: str
) -> None:
    plain = given(score, **{**sales(30_000), **changes})
    case = given(score, hold_release_id="O-1", **{**sales(30_000), **changes})
    assert (case.hold, case.hold_release_status) == (hold, standing)
    assert case.hold_reasons == plain.hold_reasons
    assert plain.hold is bool(plain.hold_reasons)
    assert (plain.hold_release_status, case.limit_reporting, case.tier) == (None, plain.limit_reporting, plain.tier)


def test_terms_by_class_and_tier() -> None:
    terms = {
        (c, s): given(s, policy=with_segment(c), **sales(30_000)).terms for c in ("corporate", "small", "sole") for s in (80, 45)
    }
    assert terms == {
        ("corporate", 80): (60, "monthly_statement", 0),
        ("corporate", 45): (15, "per_invoice", 30),
        ("small", 80): (45, "monthly_statement", 0),
        ("small", 45): (7, "per_invoice", 30),
        ("sole", 80): (30, "per_invoice", 0),
        ("sole", 45): (7, "per_invoice", 50),
    }


# ---------------------------------------------------------------- moves


def of_month(start: int, before: int, previous_as_of: str = "2026-06-10") -> dict[str, Any]:
    """A low-risk customer assessed in the month before, in currency units; the month began with `start`."""
    limits = {"previous_computed_limit": before * 100, "previous_period_start_limit": start * 100}
    day = pd.Timestamp(previous_as_of)
    return {"previous_tier": "low", "previous_hysteresis_tier": "low", "previous_as_of": day, **limits}


def test_moves_are_measured_from_the_limit_the_month_began_with() -> None:
    case = given(80, **sales(100_000), **of_month(100_000, 150_000))
    assert (case.limit_reporting, case.binding_method, case.candidates["raise_cap"]) == (150_000, "raise_cap", 150_000)
    case = given(80, **sales(100_000), **of_month(100_000, 150_000, "2026-05-31"))  # a month later
    assert (case.limit_reporting, case.binding_method) == (225_000, "raise_cap")
    assert case.period_start_limit == 150_000_00
    assert given(80, **sales(100_000)).period_start_limit is None


def test_a_customer_without_a_limit_begins_the_month_with_its_first() -> None:
    first = given(80, **sales(100_000), **of_month(0, 0))
    assert (first.limit_reporting, first.period_start_limit) == (250_000, 0)
    second = given(80, **sales(200_000), **of_month(0, 250_000))
    assert (second.limit_reporting, second.period_start_limit) == (375_000, 250_000_00)


def test_cuts_are_capped_once_a_month_and_a_cap_on_cuts_raises_nothing() -> None:
    need_fell = given(80, **sales(10_000), **of_month(100_000, 70_000))
    assert (need_fell.limit_reporting, need_fell.binding_method) == (70_000, "cut_cap")
    fell_before = given(80, **sales(10_000), **of_month(100_000, 40_000))  # by a downgrade or a knock-out
    assert (fell_before.limit_reporting, fell_before.binding_method) == (40_000, "cut_cap")


def test_what_a_stop_left_without_a_cap_is_not_kept_above_it() -> None:
    case = given(80, **sales(13_000), **of_month(20_000, 31_000))  # a hard stop left 31,000 of security in between
    assert (case.limit_reporting, case.binding_method) == (30_000, "raise_cap")


# ---------------------------------------------------------------- inputs


def test_inputs_are_canonical_json_with_exact_amounts() -> None:
    amount = Vector(np.array([123_456_789_012_345_678, -5, 0]), np.array([True, True, False]))
    texts = js.object_of(
        b=js.money(amount), a=js.fixed(0.5), c=js.number(Vector(np.array([0.1, 1e-7, 0.0]), amount.known))
    ).to_pylist()
    assert texts[0] == '{"a":0.5,"b":1234567890123456.78,"c":0.1}'
    assert [json.loads(text) for text in texts[1:]] == [{"a": 0.5, "b": -0.05, "c": 1e-7}, {"a": 0.5, "b": None, "c": None}]
    assert js.chosen(np.array([1, 0, 1]), ['"x"', '"y"']).to_pylist() == ['"y"', '"x"', '"y"']
