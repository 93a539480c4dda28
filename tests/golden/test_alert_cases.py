"""Golden cases, the alert cells: what each case must raise (its cell is a minimum) and what it must not.

Source: section A of golden_cases.md. Cases whose facts come from feeds have them as the factor tables give them.
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
from risk_pipeline.decision.alerts import alert_frame
from risk_pipeline.decision.assign import assign
from risk_pipeline.decision.decide import Scored, decide_scored, prepare
from tests.decision_facts import AS_OF, facts, sales
from tests.decision_given import CATALOGUE, context, with_segment

EUR = 100
M = 1_000_000 * EUR


@dataclass(frozen=True)
class Case:
    """`raises`: rules the cell names; `never`: rules it must not raise."""

    number: str
    score: float
    raises: str
    given: dict[str, Any] = field(default_factory=dict)
    never: str = ""


def accounts(net_worth: int, revenue: int) -> dict[str, Any]:
    return {"tangible_net_worth": net_worth * EUR, "revenue_annual": revenue * EUR, "statement_usable": True}


def owes(exposure: int, dpd: int | None = None) -> dict[str, Any]:
    amounts = {"total_exposure": exposure * EUR, "open_exposure": exposure * EUR}
    return amounts if dpd is None else {**amounts, "max_dpd_material": dpd, "max_days_past_due": dpd, "overdue": exposure * EUR}


CASES = [
    Case("1", 82, "", {**sales(100_000), **accounts(5_000_000, 40_000_000)}, never="A02 A08 A09"),
    Case("3", 45, "A08 A09", {**sales(40_000), **accounts(300_000, 5_000_000), **owes(22_000)}),
    Case("4", 20, "A02", {**sales(40_000), "previous_tier": "medium"}),
    Case("4, not worse than before", 20, "", {**sales(40_000), "previous_tier": "restricted"}, never="A02"),
    Case(
        "8", 70, "A24",
        {**sales(60_000), **accounts(400_000, 4_000_000), "collateral_value_net": 57_000 * EUR,
         "security_days_left": 20, "security_ends_on": date(2026, 7, 20)},
    ),
    Case(
        "9", 70, "A25 A08 A09",
        {**sales(60_000), **accounts(400_000, 4_000_000), **owes(70_000), "previous_limit": 80_000 * EUR,
         "previous_tier": "medium", "relied_on_lapsed_security": True, "security_lapsed_on": date(2026, 7, 20)},
    ),
    Case(
        "10", 66, "A04 A26",
        {**sales(30_000), **accounts(100_000, 5_000_000), **owes(6_000, 61), "insured": True,
         "insurance_extension_days_left": -1},
        never="A03 A05",
    ),
    Case("18", 74.99, "A02", {**sales(60_000), **accounts(2_000_000, 20_000_000), "previous_tier": "low"}),
    Case("19", 62, "A04", {**sales(100_000), **accounts(1_000_000, 10_000_000), **owes(6_000, 65), "notch_steps": 1}),
    Case("20", 62, "A02", {"previous_tier": "low", "previous_hysteresis_tier": "medium"}),
    Case("20, ten days before the notch ends", 62, "A32", {"notch_steps": 1, "override_days_left": 10}),
    Case("20, fifteen days before", 62, "", {"notch_steps": 1, "override_days_left": 15}, never="A32"),
    Case("21", 80, "", {"previous_tier": "high", "previous_hysteresis_tier": "low"}, never="A02"),
    Case("24", 60, "A20", {"insolvency_open": 1, "manual_limit": 100_000 * EUR}),
    Case("25", 80, "A19", {**sales(100_000), **accounts(2_000_000, 30_000_000), "sanctions_unreviewed": 1}, never="A02"),
    Case("26", 80, "A19", {"sanctions_confirmed": 1, "collateral_value_net": 100_000 * EUR}),
    Case("27", 58, "A05", {**sales(40_000), **owes(30_000, 95)}, never="A03 A04"),
    Case("28", 58, "", {**owes(30_000), "max_dpd_material": 0, "max_days_past_due": 95}, never="A03 A04 A05"),
    Case("34", 58, "A02", {**sales(6_000), "natural_person": True, "previous_tier": "low"}),
    Case("35", 70, "A03", owes(50_000, 41), never="A04"),
]  # fmt: skip


def raised(*cases: Case) -> list[dict[str, dict[str, Any]]]:
    """The alerts of each case by rule; all customers are decided at once."""
    policy = with_segment("corporate")
    view = prepare(facts(*(case.given for case in cases)), policy, context())
    scored = Scored(
        score=np.array([round(case.score * 100) for case in cases]),
        known=np.ones(len(cases), dtype=bool),
        model_rule=np.zeros(len(cases), dtype=np.int16),
        cards=(),
    )
    decided = decide_scored(view, policy, CATALOGUE, context(), assign(view, policy, AS_OF), scored)
    rows = frame_to_arrow(table("decision.alert"), alert_frame(decided.alerts, decided.facts, policy, context())).to_pylist()
    return [{row["rule"]: row for row in rows if row["customer_id"] == f"C{number}"} for number in range(1, len(cases) + 1)]


@cache
def of_case(number: str) -> dict[str, dict[str, Any]]:
    return dict(zip([case.number for case in CASES], raised(*CASES), strict=True))[number]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_what_a_golden_case_raises(case: Case) -> None:
    rules = set(of_case(case.number))
    assert set(case.raises.split()) <= rules
    assert not set(case.never.split()) & rules


@pytest.mark.parametrize(
    ("number", "rule", "severity", "playbook"),
    [("24", "A20", "critical", "insolvency"), ("25", "A19", "critical", "sanctions"), ("27", "A05", "critical", "sudden_default"),
     ("9", "A25", "critical", None), ("10", "A26", "critical", "cover_lost"), ("10", "A04", "high", None)],
)  # fmt: skip
def test_how_grave_it_is_and_which_playbook_begins(number: str, rule: str, severity: str, playbook: str | None) -> None:
    row = of_case(number)[rule]
    assert (row["severity"], row["playbook"]) == (severity, playbook)


@pytest.mark.parametrize(
    ("number", "rule", "measures"),
    [("9", "A25", "cut_limit,ask_collateral"), ("8", "A24", "renew_collateral"), ("26", "A19", "hold_orders,compliance_review"),
     ("27", "A05", "legal_action"), ("18", "A02", "cut_limit,visit")],
)  # fmt: skip
def test_what_is_to_be_done(number: str, rule: str, measures: str) -> None:
    assert of_case(number)[rule]["measures"] == measures


# Every rule at its border: not met, met. Columns as the factor tables give them.
LIMIT = {**sales(100_000), **accounts(1_000_000, 10_000_000)}  # medium at 60: 100,000
BORDERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("A01", {"previous_month_end_score": 69.99}, {"previous_month_end_score": 70.0}),
    ("A03", {"max_dpd_material": 30}, {"max_dpd_material": 31}),
    ("A04", {"max_dpd_material": 60}, {"max_dpd_material": 61}),
    ("A05", {"max_dpd_material": 90}, {"max_dpd_material": 91}),
    ("A06", {"days_late_trend_3v9": 10.0}, {"days_late_trend_3v9": 10.1}),
    ("A07", {**LIMIT, **owes(90_000)}, {**LIMIT, **owes(90_001)}),
    ("A08", {**LIMIT, **owes(100_000)}, {**LIMIT, **owes(100_001)}),
    ("A09", {**LIMIT, **owes(100_000)}, {**LIMIT, **owes(100_001)}),
    ("A10", {"contact_address_changes_90d": 1}, {"contact_address_changes_90d": 2}),
    ("A11", {"bank_account_changed_days": 91}, {"bank_account_changed_days": 90, "bank_account_changed_on": AS_OF}),
    ("A12", {"complaint_excess_90d": 3.0}, {"complaint_excess_90d": 3.1}),
    ("A13", {**LIMIT, **owes(70_000), "order_surge_ratio": 2.6}, {**LIMIT, **owes(70_001), "order_surge_ratio": 2.6}),
    ("A14", {**LIMIT, "largest_order_30d": 50_000 * EUR}, {**LIMIT, "largest_order_30d": 50_001 * EUR}),
    ("A14", {"large_order_z": 3.0}, {"large_order_z": 3.1}),
    ("A15", {"order_gap_ratio": 4.1}, {"order_gap_ratio": 4.1, **owes(1)}),
    ("A16", {"bureau_score_change_180d": -14.9}, {"bureau_score_change_180d": -15.0}),
    ("A17", {"lawsuit_newest_days": 9, "lawsuit_newest_amount": 50_000 * EUR},
     {"lawsuit_newest_days": 9, "lawsuit_newest_amount": 50_001 * EUR}),
    ("A17", {**LIMIT, "lawsuit_newest_days": 91, "lawsuit_newest_amount": 1 * M},
     {"lawsuit_newest_days": 9, "lawsuit_newest_amount": 6_000 * EUR, **accounts(119_999, 1)}),
    ("A18", {"enforcement_newest_days": 91}, {"enforcement_newest_days": 90}),
    ("A21", {"industry_demand_change_3m": -0.099, **owes(1)}, {"industry_demand_change_3m": -0.1, **owes(1)}),
    ("A22", {"statement_age_days": 450}, {"statement_age_days": 451}),
    ("A23", {"bureau_report_age_days": 181, **owes(50_000)}, {"bureau_report_age_days": 181, **owes(50_001)}),
    ("A24", {"security_days_left": 61}, {"security_days_left": 60}),
    ("A26", {"insurance_extension_days_left": 15}, {"insurance_extension_days_left": 14}),
    ("A26", {"insurance_withdrawn": False}, {"insurance_withdrawn": True}),
    ("A27", {"contracted_terms_days": 30}, {"contracted_terms_days": 31}),
    ("A27", {"contract_unsigned": False}, {"contract_unsigned": True}),
    ("A28", {"days_since_last_contact": 181, **owes(10_000)}, {"days_since_last_contact": 181, **owes(10_001)}),
    ("A29", {"unapplied_cash": 10 * EUR, **owes(100)}, {"unapplied_cash": 11 * EUR, **owes(100)}),
    ("A29", {"unapplied_days": 30}, {"unapplied_days": 31}),
    ("A30", {"dispute_days": 60}, {"dispute_days": 61}),
    ("A31", {"dishonoured_days": 91}, {"dishonoured_days": 90}),
    ("A32", {"override_days_left": 15}, {"override_days_left": 14}),
    ("A33", {"exposure_share": 0.15}, {"exposure_share": 0.151}),
    ("A33", {"group_exposure_share": 0.20}, {"group_exposure_share": 0.201}),
    ("A34", {**LIMIT, **owes(50_000), "control_changed_days": 30}, {**LIMIT, **owes(50_001), "control_changed_days": 30}),
]  # fmt: skip


def test_every_rule_at_its_border() -> None:
    not_yet = raised(*(Case("", 60, "", below) for _, below, _ in BORDERS))
    now = raised(*(Case("", 60, "", met) for _, _, met in BORDERS))
    assert [rule for (rule, _, _), rows in zip(BORDERS, not_yet, strict=True) if rule in rows] == []
    assert [rule for (rule, _, _), rows in zip(BORDERS, now, strict=True) if rule not in rows] == []


def test_every_rule_of_the_policy_has_a_case() -> None:
    tested = {rule for rule, _, _ in BORDERS} | {rule for case in CASES for rule in case.raises.split()}
    assert {rule.id for rule in with_segment("corporate").alerts} <= tested


def test_nothing_is_raised_of_a_sound_customer() -> None:
    assert raised(Case("", 82, "", {**sales(100_000), **accounts(5_000_000, 40_000_000)})) == [{}]
