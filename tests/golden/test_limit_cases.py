"""Limits by hand: the golden cases 1 to 13, 15, 23, 25 to 27, 31, 33 and 36, and each step where the cases are silent.

Scores and facts are given; PDs, ladders and limits are worked out in the list of cases (docs/policy.md names the rules).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.decision_facts import sales
from tests.decision_given import Outcome, given, with_segment

NO_SALES: dict[str, Any] = dict.fromkeys(("sales_12m", "sales_3m", "avg_monthly_sales_12m", "avg_monthly_sales_3m"))


def accounts(net_worth: int | None = None, revenue: int | None = None, bureau: int | None = None) -> dict[str, Any]:
    """What the capacity is taken from, in currency units; the bureau's report is ten days old."""
    amounts = {"tangible_net_worth": net_worth, "revenue_annual": revenue, "bureau_recommended_limit": bureau}
    age = {"bureau_report_age_days": 10} if bureau is not None else {}
    return {**{name: amount * 100 for name, amount in amounts.items() if amount is not None}, **age}


def before(limit: int, tier: str) -> dict[str, Any]:
    """The assessment before: its tier by every path, and its limit, in force."""
    limits = dict.fromkeys(("previous_limit", "previous_computed_limit", "previous_effective_limit"), limit * 100)
    return {**limits, "previous_tier": tier, "previous_hysteresis_tier": tier}


@dataclass(frozen=True)
class Case:
    """A golden case: what is given, and what must come out. `ladder`: candidates by method, rounded to whole units."""

    score: float | None
    facts: dict[str, Any]
    tier: str
    limit: int
    binding: str
    ladder: dict[str, int]
    status: str = "pending"
    authority: str | None = None
    customer_class: str = "corporate"
    also: dict[str, Any] = field(default_factory=dict)


GUARANTEE = {"collateral_value_net": 57_000_00, "collateral_value_net_group": 57_000_00}
DEPOSIT = {"collateral_value_net": 30_000_00, "collateral_value_net_group": 30_000_00}
WELL_OFF = accounts(2_000_000, 30_000_000)
CASES = {
    "1": Case(
        82,
        {**sales(100_000), **accounts(5_000_000, 40_000_000, 400_000), "previous_tier": "low"},
        "low",
        250_000,
        "sales_balance",
        {
            "sales_balance": 250_000,
            "tangible_net_worth_share": 750_000,
            "turnover_share": 2_000_000,
            "bureau_recommendation": 400_000,
            "expected_loss": 2_349_249,
            "tier_cap": 2_000_000,
        },
        authority="credit_manager",
        also={"limit_reason": "need", "hold": False, "effective_limit": 0},
    ),
    "2": Case(
        60,
        {**sales(100_000), **accounts(800_000, 9_000_000, 150_000)},
        "medium",
        80_000,
        "tangible_net_worth_share",
        {
            "sales_balance": 133_333,
            "tangible_net_worth_share": 80_000,
            "turnover_share": 270_000,
            "bureau_recommendation": 112_500,
            "expected_loss": 435_211,
            "tier_cap": 500_000,
        },
        authority="credit_manager",
        also={"limit_reason": "capacity"},
    ),
    "3": Case(
        45,
        {**sales(40_000), **accounts(300_000, 5_000_000), "total_exposure": 22_000_00},
        "high",
        15_000,
        "tangible_net_worth_share",
        {
            "sales_balance": 40_000,
            "tangible_net_worth_share": 15_000,
            "turnover_share": 75_000,
            "expected_loss": 57_186,
            "tier_cap": 50_000,
        },
        authority="credit_manager",
        also={"hold": True, "headroom": -7_000},
    ),
    "4": Case(
        20,
        sales(40_000),
        "restricted",
        0,
        "tier_cap",
        {"sales_balance": 40_000, "expected_loss": 11_662, "tier_cap": 0},
        status="auto",
        also={"hold": True, "limit_reason": "capacity"},
    ),
    "5": Case(
        64,
        {**sales(50_000), **accounts(-20_000), "statement_usable": True, "parent_guarantee_valid": False},
        "high",
        0,
        "tangible_net_worth_share",
        {"sales_balance": 50_000, "tangible_net_worth_share": 0, "expected_loss": 294_872, "tier_cap": 50_000},
        status="auto",
        also={"model_tier": "medium", "binding_rule": "KO11", "terms": (0, "prepayment", 100)},
    ),
    "5, net worth not known": Case(
        64,
        sales(50_000),
        "medium",
        66_000,
        "sales_balance",
        {"sales_balance": 66_667, "expected_loss": 294_872, "tier_cap": 500_000},
        authority="credit_manager",
    ),
    "6": Case(
        80,
        {**sales(100_000), **WELL_OFF, **before(120_000, "low")},
        "low",
        180_000,
        "raise_cap",
        {
            "sales_balance": 250_000,
            "tangible_net_worth_share": 300_000,
            "turnover_share": 1_500_000,
            "expected_loss": 2_013_368,
            "tier_cap": 2_000_000,
            "raise_cap": 180_000,
        },
        authority="credit_manager",
        also={"effective_limit": 120_000},
    ),
    "7": Case(
        80,
        {**sales(100_000), **WELL_OFF, **before(240_000, "low")},
        "low",
        240_000,
        "dead_band",
        {
            "sales_balance": 250_000,
            "tangible_net_worth_share": 300_000,
            "turnover_share": 1_500_000,
            "expected_loss": 2_013_368,
            "tier_cap": 2_000_000,
            "dead_band": 240_000,
        },
        status="auto",
        also={"effective_limit": 240_000},
    ),
    "8": Case(
        70,
        {**sales(60_000), **accounts(400_000, 4_000_000), **GUARANTEE},
        "medium",
        80_000,
        "sales_balance",
        {
            "sales_balance": 80_000,
            "tangible_net_worth_share": 40_000,
            "turnover_share": 120_000,
            "expected_loss": 559_776,
            "tier_cap": 500_000,
            "collateral": 57_000,
        },
        authority="credit_manager",
        also={"secured_amount": 57_000, "unsecured_limit": 40_000, "terms": (30, "per_invoice", 0)},
    ),
    "9": Case(
        70,
        {**sales(60_000), **accounts(400_000, 4_000_000), **before(80_000, "medium"), "total_exposure": 70_000_00},
        "medium",
        40_000,
        "tangible_net_worth_share",
        {
            "sales_balance": 80_000,
            "tangible_net_worth_share": 40_000,
            "turnover_share": 120_000,
            "expected_loss": 559_776,
            "tier_cap": 500_000,
        },
        status="auto",
        also={"secured_amount": 0, "utilisation": 1.75, "hold": True, "effective_limit": 40_000},
    ),
    "10": Case(
        66,
        {**sales(30_000), **accounts(100_000), "max_dpd_material": 61, "collateral_value_net": 0},
        "high",
        5_000,
        "tangible_net_worth_share",
        {"sales_balance": 30_000, "tangible_net_worth_share": 5_000, "expected_loss": 206_082, "tier_cap": 50_000},
        authority="credit_analyst",
        also={"knockouts": "KO06", "hold": True, "secured_amount": 0, "terms": (15, "per_invoice", 30)},
    ),
    "11": Case(
        None,
        sales(8_000),
        "unrated",
        8_000,
        "sales_balance",
        {"sales_balance": 8_000, "tier_cap": 10_000},
        authority="credit_manager",
        also={"terms": (14, "per_invoice", 50)},
    ),
    "12": Case(
        88,
        {**NO_SALES, "relationship_months": 2, "months_since_first_invoice": 2, "requested_limit": 20_000_00},
        "medium",
        15_000,
        "new_customer_cap",
        {"requested": 20_000, "tier_cap": 75_000, "new_customer_cap": 15_000},
        status="auto",
        customer_class="small",
        also={"model_tier": "low", "binding_rule": "KO18"},
    ),
    "13": Case(
        70,
        NO_SALES,
        "medium",
        0,
        "no_basis",
        {"tier_cap": 500_000},
        status="auto",
        also={"limit_reason": "no_basis", "hold": False, "terms": (0, "prepayment", 100)},
    ),
    "15": Case(
        79,
        {
            **sales(60_000),
            **accounts(2_000_000, 20_000_000),
            **before(60_000, "medium"),
            "previous_hysteresis_periods_met": 1,
            "previous_month_end_score": 78.5,
        },
        "low",
        90_000,
        "raise_cap",
        {
            "sales_balance": 150_000,
            "tangible_net_worth_share": 300_000,
            "turnover_share": 1_000_000,
            "expected_loss": 1_118_383,
            "tier_cap": 2_000_000,
            "raise_cap": 90_000,
        },
        status="auto",
        also={"direction": "up", "effective_limit": 90_000},
    ),
    "25": Case(
        80,
        {**sales(100_000), **WELL_OFF, "sanctions_unreviewed": 1},
        "low",
        250_000,
        "sales_balance",
        {
            "sales_balance": 250_000,
            "tangible_net_worth_share": 300_000,
            "turnover_share": 1_500_000,
            "expected_loss": 2_013_368,
            "tier_cap": 2_000_000,
        },
        authority="credit_manager",
        also={"hold": True, "hold_reasons": "KO02"},
    ),
    "26": Case(
        80,
        {**sales(100_000), **WELL_OFF, "sanctions_confirmed": 1, "collateral_value_net": 100_000_00},
        "restricted",
        0,
        "hard_stop",
        {"sales_balance": 100_000, "expected_loss": 2_013_368, "tier_cap": 0, "collateral": 100_000, "hard_stop": 0},
        status="auto",
        also={"limit_reason": "KO01", "secured_amount": 0, "applied_source": "hard_stop", "hold": True},
    ),
    "27": Case(
        58,
        {**sales(40_000), **DEPOSIT, "max_dpd_material": 95, "total_exposure": 30_000_00},
        "restricted",
        30_000,
        "hard_stop",
        {"sales_balance": 40_000, "expected_loss": 149_663, "tier_cap": 0, "collateral": 30_000, "hard_stop": 30_000},
        authority="cfo",
        also={"limit_reason": "KO05", "secured_amount": 30_000, "unsecured_limit": 0, "hold": True},
    ),
    "33": Case(
        36,
        {**sales(20_000), **accounts(2_000_000, 20_000_000)},
        "high",
        15_000,
        "expected_loss",
        {
            "sales_balance": 20_000,
            "tangible_net_worth_share": 100_000,
            "turnover_share": 300_000,
            "expected_loss": 15_239,
            "tier_cap": 50_000,
        },
        authority="credit_manager",
        also={"terms": (15, "per_invoice", 30)},
    ),
    "36": Case(
        65,
        {**sales(20_000), **accounts(2_000_000, 20_000_000), **before(60_000, "medium")},
        "medium",
        42_000,
        "cut_cap",
        {
            "sales_balance": 26_667,
            "tangible_net_worth_share": 200_000,
            "turnover_share": 600_000,
            "expected_loss": 127_292,
            "tier_cap": 500_000,
            "cut_cap": 42_000,
        },
        status="auto",
    ),
}


def _decided(case: Case, **changes: Any) -> Outcome:
    return given(case.score, policy=with_segment(case.customer_class), **{**case.facts, **changes})


@pytest.mark.parametrize("name", CASES)
def test_golden_case(name: str) -> None:
    case = CASES[name]
    found = _decided(case)
    assert (found.tier, found.credit_limit, found.binding_method) == (case.tier, case.limit, case.binding)
    assert {method: round(amount) for method, amount in found.candidates.items()} == case.ladder
    assert (found.approval_status, found.required_authority) == (case.status, case.authority)
    money = ("secured_amount", "effective_limit", "computed_limit")
    told = {key: getattr(found, key) / 100 if key in money else getattr(found, key) for key in case.also}
    assert told == case.also


def test_case_34_the_limit_of_a_person_is_not_cut_before_somebody_looked_at_it() -> None:
    facts = {**sales(6_000), **before(10_000, "low"), "natural_person": True}
    case = given(58, policy=with_segment("sole"), **facts)
    assert (case.tier, case.direction, case.credit_limit) == ("medium", "down", 6_000)
    assert (case.approval_status, case.effective_limit) == ("pending", 10_000_00)
    seen = given(58, policy=with_segment("sole"), **facts, limit_approved=6_000_00, limit_approved_role="credit_analyst")
    assert (seen.approval_status, seen.effective_limit) == ("approved", 6_000_00)
    stopped = given(58, policy=with_segment("sole"), **facts, sanctions_confirmed=1)
    assert stopped.effective_limit == 0


def test_case_23_a_manual_limit_goes_as_far_as_its_approver() -> None:
    facts = {**sales(60_000), "manual_limit": 100_000_00}  # computed: 80,000
    applied = given(65, **facts, manual_limit_role="credit_manager")
    assert (applied.credit_limit, applied.binding_method, applied.applied_source) == (100_000, "manual", "manual")
    assert (applied.approval_status, applied.effective_limit) == ("approved", 100_000_00)
    waits = given(65, **facts, manual_limit_role="credit_analyst")  # 50,000 in tier medium
    assert (waits.credit_limit, waits.binding_method, waits.approval_status) == (80_000, "sales_balance", "pending")
    assert (waits.required_authority, waits.effective_limit) == ("credit_manager", 0)


def test_security_is_no_reason_to_grant_a_limit_nobody_needs() -> None:
    case = given(58, **NO_SALES, **DEPOSIT, max_dpd_material=95)
    assert (case.credit_limit, case.binding_method, case.limit_reason) == (0, "hard_stop", "KO05")


def test_a_group_that_leaves_nothing_is_told_as_the_reason() -> None:
    case = given(80, **sales(100_000), group_limit=0, group_limit_total=0)
    assert (case.credit_limit, case.binding_method, case.limit_reason) == (0, "group_cap", "group_cap")
