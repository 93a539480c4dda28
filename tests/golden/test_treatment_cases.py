"""Golden cases, the terms and treatment cells: what each case must ask for (its cell is a minimum), what it must not, and terms.

Source: section A of golden_cases.md. What follows over assessments is in tests/unit/test_decision_treatments.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import frame_to_arrow
from risk_pipeline.decision import tables
from risk_pipeline.decision.assign import assign
from risk_pipeline.decision.decide import Scored, decide_scored, prepare
from risk_pipeline.decision.reviews import review_frame
from risk_pipeline.decision.treatments import treatment_frame
from tests.decision_facts import AS_OF, facts, sales
from tests.decision_given import CATALOGUE, UNRATED_BY_COVERAGE, context, with_segment

EUR = 100
PREPAID = (0, "prepayment", 100.0)
SIXTY, THIRTY, FIFTEEN = (60, "monthly_statement", 0.0), (30, "per_invoice", 0.0), (15, "per_invoice", 30.0)


@dataclass(frozen=True)
class Case:
    """`asks`: actions of the cell, `never`: actions that must not be asked for; `terms`: days, cycle, prepayment."""

    number: str
    score: float | None
    asks: str
    terms: tuple[int, str, float]
    given: dict[str, Any] = field(default_factory=dict)
    never: str = ""


def accounts(net_worth: int, revenue: int) -> dict[str, Any]:
    return {"tangible_net_worth": net_worth * EUR, "revenue_annual": revenue * EUR, "statement_usable": True}


def owes(exposure: int, dpd: int | None = None) -> dict[str, Any]:
    amounts = {"total_exposure": exposure * EUR, "open_exposure": exposure * EUR}
    return amounts if dpd is None else {**amounts, "max_dpd_material": dpd, "max_days_past_due": dpd, "overdue": exposure * EUR}


def before(tier: str, **more: Any) -> dict[str, Any]:
    return {"previous_tier": tier, "previous_as_of": date(2026, 5, 31), **more}


RICH = {**sales(100_000), **accounts(2_000_000, 30_000_000)}
CASES = [
    Case("1", 82, "routine_monitoring", SIXTY, {**sales(100_000), **accounts(5_000_000, 40_000_000)}, never="raise_limit_offer"),
    Case("2", 60, "call shorten_terms", THIRTY, {**sales(100_000), **accounts(800_000, 9_000_000)}),
    Case("3", 45, "visit ask_collateral order_bureau_report hold_orders", FIFTEEN,
         {**sales(40_000), **accounts(300_000, 5_000_000), **owes(22_000)}, never="raise_limit_offer"),
    Case("4", 20, "hold_orders prepayment_only", PREPAID, {**sales(40_000), **before("medium")}),
    Case("5", 64, "visit ask_collateral", PREPAID,
         {**sales(50_000), **accounts(-20_000, 5_000_000), "parent_guarantee_valid": False}, never="shorten_terms"),
    Case("6", 80, "routine_monitoring", SIXTY,
         {**RICH, **before("low", previous_limit=120_000 * EUR, previous_computed_limit=120_000 * EUR)}),
    Case("7", 80, "routine_monitoring", SIXTY,
         {**RICH, **before("low", previous_limit=240_000 * EUR, previous_computed_limit=240_000 * EUR)}),
    Case("8", 70, "renew_collateral", THIRTY,
         {**sales(60_000), **accounts(400_000, 4_000_000), "collateral_value_net": 57_000 * EUR,
          "security_days_left": 20, "security_ends_on": date(2026, 7, 20)}, never="shorten_terms"),
    Case("9", 70, "cut_limit ask_collateral hold_orders", THIRTY,
         {**sales(60_000), **accounts(400_000, 4_000_000), **owes(70_000), "relied_on_lapsed_security": True,
          "security_lapsed_on": date(2026, 6, 20),
          **before("medium", previous_limit=80_000 * EUR, previous_computed_limit=80_000 * EUR)}),
    Case("10", 66, "notify_insurer hold_orders collection", FIFTEEN,
         {**sales(30_000), **accounts(100_000, 5_000_000), **owes(6_000, 61), "insured": True,
          "insurance_extension_days_left": -1}),
    Case("11", None, "order_bureau_report ask_statement", (14, "per_invoice", 50.0), sales(8_000)),
    Case("13", 70, "call", PREPAID, dict.fromkeys(sales(1))),
    Case("18", 74.99, "cut_limit visit", THIRTY, {**sales(60_000), **accounts(2_000_000, 20_000_000), **before("low")}),
    Case("19", 62, "visit hold_orders", FIFTEEN,
         {**sales(100_000), **accounts(1_000_000, 10_000_000), **owes(6_000, 65), "notch_steps": 1}),
    Case("24", 60, "hold_orders legal_action prepayment_only", PREPAID, {**sales(100_000), "insolvency_open": 1}),
    Case("25", 80, "hold_orders compliance_review", SIXTY,
         {**RICH, "sanctions_unreviewed": 1, **owes(212_500), "wavg_days_late_incl_open_12m": 0.0}, never="raise_limit_offer"),
    Case("25, the same without the hit", 80, "raise_limit_offer", SIXTY,
         {**RICH, **owes(212_500), "wavg_days_late_incl_open_12m": 0.0}, never="hold_orders"),
    Case("26", 80, "compliance_review hold_orders exit_proposal", PREPAID,
         {"sanctions_confirmed": 1, "collateral_value_net": 100_000 * EUR}, never="raise_limit_offer credit_repair_plan"),
    Case("27", 58, "legal_action notify_insurer hold_orders prepayment_only formal_notice", PREPAID,
         {**sales(40_000), **owes(30_000, 95), "collateral_value_net": 30_000 * EUR, "insured": True}, never="honour"),
    Case("28", 58, "legal_action", THIRTY,
         {**sales(100_000), **owes(30_000), "max_dpd_material": 0, "max_days_past_due": 95, "overdue": 300 * EUR},
         never="hold_orders prepayment_only"),
    Case("30", 68, "credit_repair_plan visit", FIFTEEN,
         {**sales(60_000), **accounts(1_000_000, 6_000_000), **before("high"), "previous_status": "probation",
          "previous_status_since": date(2026, 5, 31), "previous_cure_ceiling": "high"}),
    Case("33", 36, "visit order_bureau_report transaction_cap credit_repair_plan", FIFTEEN,
         {**sales(20_000), **accounts(2_000_000, 20_000_000)}),
    Case("36", 65, "call", THIRTY,
         {**sales(20_000), **accounts(2_000_000, 20_000_000),
          **before("medium", previous_limit=60_000 * EUR, previous_computed_limit=60_000 * EUR)}, never="shorten_terms"),
]  # fmt: skip


@cache
def decided() -> dict[str, dict[str, Any]]:
    """Per case the limit row, the review row and the open treatments by action; all customers are decided at once."""
    policy = with_segment("corporate")
    view = prepare(facts(*(case.given for case in CASES)), policy, context())
    known = np.array([case.score is not None for case in CASES])
    scored = Scored(
        score=np.array([round((case.score or 0) * 100) for case in CASES]),
        known=known,
        model_rule=np.where(known, 0, UNRATED_BY_COVERAGE).astype(np.int16),
        cards=(),
    )
    done = decide_scored(view, policy, CATALOGUE, context(), assign(view, policy, AS_OF), scored)
    frames = {
        "decision.credit_limit": tables.limit_frame(done, policy, context()),
        "decision.review": review_frame(done.reviews, done.facts, done.limits, policy, context()),
        "decision.treatment": treatment_frame(done.treatments, done.facts, policy, context()),
    }
    rows = {name: frame_to_arrow(table(name), frame).to_pylist() for name, frame in frames.items()}
    open_now = [row for row in rows["decision.treatment"] if row["state"] == "open"]
    return {
        case.number: {
            "limit": rows["decision.credit_limit"][at],
            "review": rows["decision.review"][at],
            "asks": {row["action"]: row for row in open_now if row["customer_id"] == f"C{at + 1}"},
        }
        for at, case in enumerate(CASES)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_what_a_golden_case_asks_for(case: Case) -> None:
    asked = set(decided()[case.number]["asks"])
    assert set(case.asks.split()) <= asked
    assert not set(case.never.split()) & asked


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_the_terms_of_a_golden_case(case: Case) -> None:
    row = decided()[case.number]["limit"]
    assert (row["payment_terms_days"], row["settlement_cycle"], row["prepayment_pct"]) == case.terms


def test_no_case_asks_for_two_actions_that_contradict_each_other() -> None:
    pairs = with_segment("corporate").contradictions
    for case in CASES:
        asked = decided()[case.number]["asks"]
        assert not [pair for pair in pairs if set(pair) <= set(asked)], case.number


def test_shorter_terms_are_proposed_where_capacity_is_below_the_need() -> None:
    # 2: 100,000 x 17 / 30 = 56,667 fit 80,000, and 15 days would be 83,333
    assert decided()["2"]["limit"]["proposed_terms_days"] == 7
    assert decided()["1"]["limit"]["proposed_terms_days"] is None


@pytest.mark.parametrize(
    ("number", "by", "reason"),
    [
        ("8", date(2026, 7, 20), "collateral_expires"),
        ("18", date(2026, 7, 14), "tier_down"),
        ("1", date(2027, 6, 30), "scheduled"),
    ],
)
def test_when_the_next_review_is(number: str, by: date, reason: str) -> None:
    review = decided()[number]["review"]
    assert (review["next_review_date"] <= by, review["review_reason"]) == (True, reason)


@pytest.mark.parametrize(
    ("number", "action", "owner", "due"),
    [("11", "order_bureau_report", "credit_analyst", date(2026, 7, 10)),
     ("11", "ask_statement", "account_manager", date(2026, 7, 30)),
     ("4", "hold_orders", "credit_manager", AS_OF), ("8", "renew_collateral", "credit_analyst", date(2026, 7, 30)),
     ("27", "legal_action", "legal", date(2026, 7, 2))],
)  # fmt: skip
def test_who_does_it_and_until_when(number: str, action: str, owner: str, due: date) -> None:
    row = decided()[number]["asks"][action]
    assert (row["owner_role"], row["due_date"]) == (owner, due)


def test_one_action_asked_for_by_several_rules_is_one_row_with_the_earliest_due_date() -> None:
    row = decided()["9"]["asks"]["ask_collateral"]  # A25 within a day, A08 within 3, A09 within 5
    assert (row["rules"].split(",")[0], row["due_date"], row["priority"]) == ("A25", date(2026, 7, 1), 1)
    assert set(row["rules"].split(",")) == {"A25", "A08", "A09"}
