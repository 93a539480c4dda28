"""Early warnings at their borders: a customer just below a rule, and just at it. Cases with their alerts: decision_cases.yaml.

Source: the thresholds of policy_default.yaml. Columns as the factor tables give them.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from risk_pipeline.decision.alerts import alert_rows
from tests.decision_facts import AS_OF, facts, sales
from tests.decision_given import context, with_scores, with_segment

EUR = 100
M = 1_000_000 * EUR
POLICY = with_segment("corporate")


def accounts(net_worth: int, revenue: int) -> dict[str, Any]:
    return {"tangible_net_worth": net_worth * EUR, "revenue_annual": revenue * EUR, "statement_usable": True}


def owes(exposure: int) -> dict[str, Any]:
    return {"total_exposure": exposure * EUR, "open_exposure": exposure * EUR}


def raised(*customers: dict[str, Any]) -> list[set[str]]:
    """The rules of the alerts of each customer, all with score 60 and decided at once."""
    decided = with_scores(facts(*customers), [60] * len(customers), POLICY, context())
    rows = alert_rows(decided.alerts, decided.facts, POLICY, context()).to_pylist()
    return [{row["rule"] for row in rows if row["customer_id"] == f"C{number}"} for number in range(1, len(customers) + 1)]


# Rule, not met, met.
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
    ("A35", {"contract_valid_to": date(2026, 8, 30)}, {"contract_valid_to": date(2026, 8, 29)}),
    ("A35", {"contract_valid_to": AS_OF - timedelta(days=1)}, {"contract_valid_to": AS_OF}),  # ended: A27
    ("A34", {**LIMIT, **owes(50_000), "control_changed_days": 30}, {**LIMIT, **owes(50_001), "control_changed_days": 30}),
]  # fmt: skip


def test_every_rule_at_its_border() -> None:
    below = zip(BORDERS, raised(*(not_yet for _, not_yet, _ in BORDERS)), strict=True)
    at = zip(BORDERS, raised(*(now for _, _, now in BORDERS)), strict=True)
    assert [rule for (rule, _, _), rules in below if rule in rules] == []
    assert [rule for (rule, _, _), rules in at if rule not in rules] == []


def test_every_rule_with_a_number_has_its_border() -> None:
    """The others compare flags and counts above 0: their cases say enough."""
    assert {rule.id for rule in POLICY.alerts} - {rule for rule, _, _ in BORDERS} == {"A02", "A19", "A20", "A25"}
