"""The golden decision cases (section A of the practitioner's list) that a ledger and this release's policy can decide.

Scores are given, as in the list; scoring has its own cases (tests/unit/test_decision_scorecard.py). Candidates that need
evidence a ledger does not have (tangible net worth, turnover, bureau) are absent here, so a case is asserted as far as they do
not bind; where they would, only the other candidates are.
"""

from __future__ import annotations

from typing import Any

from tests.decision_facts import sales
from tests.decision_given import given, with_segment

NO_SALES: dict[str, Any] = dict.fromkeys(("sales_12m", "sales_3m", "avg_monthly_sales_12m", "avg_monthly_sales_3m"))


def test_case_1_need_binds_a_good_firm() -> None:
    case = given(82, previous_tier="low", **sales(100_000))
    assert (case.tier, case.direction, case.binding_rule) == ("low", "same", "score")
    assert {method: round(amount) for method, amount in case.candidates.items()} == {
        "sales_balance": 250_000,
        "expected_loss": 2_349_249,
        "tier_cap": 2_000_000,
    }
    assert (case.credit_limit, case.binding_method, case.limit_reason) == (250_000, "sales_balance", "need")
    assert case.terms == (60, "monthly_statement", 0)
    assert case.hold is False


def test_case_2_candidates() -> None:
    case = given(60, **sales(100_000))
    assert {method: round(amount) for method, amount in case.candidates.items()} == {
        "sales_balance": 133_333,
        "expected_loss": 435_211,
        "tier_cap": 500_000,
    }
    assert case.terms == (30, "per_invoice", 0)


def test_case_3_candidates_and_terms() -> None:
    case = given(45, total_exposure=22_000_00, **sales(40_000))
    assert case.tier == "high"
    assert {method: round(amount) for method, amount in case.candidates.items()} == {
        "sales_balance": 40_000,
        "expected_loss": 57_186,
        "tier_cap": 50_000,
    }
    assert case.terms == (15, "per_invoice", 30)


def test_case_25_a_possible_sanctions_hit_holds_and_is_no_verdict() -> None:
    case = given(80, sanctions_unreviewed=1, **sales(100_000))
    assert (case.tier, case.binding_rule, case.credit_limit) == ("low", "score", 250_000)
    assert (case.hold, case.hold_reasons, case.knockouts) == (True, "KO02", "KO02")


def test_case_26_a_confirmed_one_stops_everything() -> None:
    case = given(80, sanctions_confirmed=1, **sales(100_000))
    assert (case.tier, case.binding_rule, case.credit_limit) == ("restricted", "KO01", 0)
    assert (case.binding_method, case.limit_reason, case.hold) == ("hard_stop", "KO01", True)
    assert case.terms == (0, "prepayment", 100)


def test_case_4_restricted_has_no_limit_and_holds() -> None:
    case = given(20, **sales(40_000))
    assert case.tier == "restricted"
    assert case.candidates["tier_cap"] == 0
    assert (case.credit_limit, case.binding_method) == (0, "tier_cap")
    assert case.terms == (0, "prepayment", 100)
    assert (case.hold, case.hold_reasons) == (True, "tier_restricted")


def test_case_5_without_net_worth_the_need_binds() -> None:
    case = given(64, **sales(50_000))
    assert case.tier == "medium"
    assert round(case.candidates["sales_balance"]) == 66_667
    assert (case.credit_limit, case.binding_method) == (66_000, "sales_balance")


def test_case_11_unrated_for_want_of_coverage() -> None:
    case = given(None, **sales(8_000))
    assert (case.tier, case.binding_rule) == ("unrated", "unrated_coverage")
    assert case.candidates == {"sales_balance": 8_000, "tier_cap": 10_000}  # no score, no expected loss
    assert case.credit_limit == 8_000
    assert case.terms == (14, "per_invoice", 50)


def test_case_12_a_new_customer_cannot_be_low() -> None:
    new = {"relationship_months": 2, "months_since_first_invoice": 2, "requested_limit": 20_000_00}
    case = given(88, policy=with_segment("small"), **new, **NO_SALES)
    assert (case.model_tier, case.tier, case.binding_rule) == ("low", "medium", "KO18")
    assert case.candidates == {"requested": 20_000, "tier_cap": 75_000, "new_customer_cap": 15_000}
    assert (case.credit_limit, case.binding_method) == (15_000, "new_customer_cap")
    assert case.terms == (30, "per_invoice", 0)


def test_case_13_no_sales_and_no_request_is_no_punishment() -> None:
    case = given(70, **NO_SALES)
    assert case.tier == "medium"
    assert (case.credit_limit, case.binding_method, case.limit_reason) == (0, "no_basis", "no_basis")
    assert case.terms == (0, "prepayment", 100)
    assert case.hold is False


def test_case_18_one_hundredth_below_the_cut_off() -> None:
    case = given(74.99, previous_tier="low", **sales(50_000))
    assert (case.tier, case.direction) == ("medium", "down")
    assert case.terms == (30, "per_invoice", 0)
    assert given(75.00, previous_tier="low").tier == "low"  # 74.995 rounds to it, see the scorecard's tests


def test_case_28_immaterial_old_debt_is_no_default() -> None:
    case = given(60, max_dpd_material=0, max_days_past_due=95, open_exposure=30_000_00, **sales(50_000))
    assert (case.tier, case.in_default, case.knockouts) == ("medium", False, "")
    assert given(60, max_dpd_material=95, **sales(50_000)).tier == "restricted"


def test_case_33_expected_loss_binds() -> None:
    case = given(36, **sales(20_000))
    assert {method: round(amount) for method, amount in case.candidates.items()} == {
        "sales_balance": 20_000,
        "expected_loss": 15_239,
        "tier_cap": 50_000,
    }
    assert (case.credit_limit, case.binding_method, case.limit_reason) == (15_000, "expected_loss", "capacity")
    assert case.terms == (15, "per_invoice", 30)


def test_case_34_sole_trader() -> None:
    case = given(58, policy=with_segment("sole"), natural_person=True, previous_tier="low", **sales(6_000))
    assert (case.tier, case.direction) == ("medium", "down")
    assert {method: round(amount) for method, amount in case.candidates.items()} == {
        "sales_balance": 6_000,
        "expected_loss": 22_449,
        "tier_cap": 20_000,
    }
    assert case.credit_limit == 6_000
    assert case.terms == (15, "per_invoice", 0)
