"""The golden decision cases about default, cure and the states of a customer (section A of the practitioner's list: 24, 26 to 30,
32), and the ways between the states, month by month.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from risk_pipeline.decision.decide import decide
from risk_pipeline.policy.model import Exit
from tests.decision_facts import AS_OF, facts, sales
from tests.decision_given import CATALOGUE, POLICY, Outcome, context, given, with_segment

STARTED = date(2026, 1, 31)
REMEMBERED = (
    "tier",
    "hysteresis_tier",
    "periods_in_tier",
    "in_default",
    "default_since",
    "default_cleared_on",
    "default_wait_days",
    "knockouts",
    "status",
    "status_since",
    "status_periods",
    "status_before",
    "status_rule",
    "status_cleared_on",
    "status_wait_days",
    "cure_ceiling",
)
CAPACITY = {"tangible_net_worth": 1_000_000_00, "statement_usable": True}


def in_state(status: str, *, since: date = STARTED, **changes: Any) -> dict[str, Any]:
    """What the last assessment remembers of a customer in that state."""
    return {"previous_status": status, "previous_status_since": since, "previous_as_of": date(2026, 5, 31), **changes}


def defaulted(closed_days_ago: int) -> dict[str, Any]:
    """A default since January whose causes were gone that many days before AS_OF."""
    closed = AS_OF - timedelta(days=closed_days_ago)
    return in_state(
        "suspended",
        previous_tier="restricted",
        previous_knockouts="KO05",
        previous_in_default=True,
        previous_default_since=STARTED,
        previous_default_cleared_on=closed,
        previous_default_wait_days=90,
        previous_status_cleared_on=closed,
        previous_status_wait_days=0,
        previous_cure_ceiling="high",
    )


def confirmed(state: str = "probation", role: str = "credit_manager", days_ago: int = 5) -> dict[str, Any]:
    """An approved proposal of that state."""
    day = AS_OF - timedelta(days=days_ago)
    return {"state_decision": state, "state_decision_on": day, "state_decision_role": role}


def course(months: list[date], each: list[dict[str, Any]], score: float = 68, **facts: Any) -> list[Outcome]:
    """Assess one customer month by month, each from what the month before left."""
    before: dict[str, Any] = {}
    outcomes = []
    for as_of, changes in zip(months, each, strict=True):
        outcome = given(score, as_of=as_of, evidence_date=as_of, **{**sales(60_000), **facts, **before, **changes})
        before = {f"previous_{name}": getattr(outcome, name) for name in REMEMBERED} | {"previous_as_of": as_of}
        outcomes.append(outcome)
    return outcomes


# -- the cases -----------------------------------------------------------------------------------------------------------------


def test_case_24_a_hard_stop_beats_a_manual_limit() -> None:
    manual = {"manual_limit": 100_000_00, "manual_limit_role": "credit_manager"}
    case = given(60, insolvency_open=1, **manual, **CAPACITY, **sales(60_000))
    assert (case.tier, case.binding_rule, case.status) == ("restricted", "KO03", "suspended")
    assert (case.credit_limit, case.applied_source, case.binding_method) == (0, "hard_stop", "hard_stop")
    assert case.terms == (0, "prepayment", 100)
    assert (case.hold, case.limit_reason) == (True, "KO03")
    assert given(60, **manual, **CAPACITY, **sales(60_000)).applied_source == "manual"


def test_case_26_a_confirmed_hit_proposes_the_exit_and_no_more() -> None:
    case = given(80, sanctions_confirmed=1, collateral_value_net=100_000_00, **sales(100_000))
    assert (case.tier, case.binding_rule, case.credit_limit) == ("restricted", "KO01", 0)
    assert (case.status, case.status_rule, case.status_since) == ("exit_proposed", "active_exit", AS_OF)


def test_case_27_in_default_the_security_carries_a_limit() -> None:
    case = given(58, max_dpd_material=95, open_exposure=30_000_00, collateral_value_net=30_000_00, **sales(40_000))
    assert (case.tier, case.binding_rule, case.status) == ("restricted", "KO05", "suspended")
    assert (case.credit_limit, case.limit_reason) == (30_000, "KO05")
    assert case.terms == (0, "prepayment", 100)
    assert set(case.hold_reasons.split(",")) >= {"KO05", "not_served"}
    assert (case.default_wait_days, case.cure_ceiling) == (90, "high")


def test_case_28_immaterial_debt_suspends_nobody() -> None:
    case = given(60, max_dpd_material=0, max_days_past_due=95, open_exposure=30_000_00, **sales(50_000))
    assert (case.knockouts, case.status, case.in_default) == ("", "active", False)


def test_case_29_the_cure_takes_90_days() -> None:
    case = given(68, **defaulted(60), **confirmed(), **sales(60_000))
    assert (case.tier, case.binding_rule, case.in_default) == ("restricted", "KO05", True)
    assert (case.status, case.status_since) == ("suspended", STARTED)
    assert (case.credit_limit, case.terms) == (0, (0, "prepayment", 100))


def test_case_30_cured_and_confirmed_on_probation() -> None:
    capacity = {**CAPACITY, "revenue_annual": 6_000_000_00}
    case = given(68, **defaulted(100), **confirmed(), **capacity, **sales(60_000))
    assert (case.in_default, case.knockouts) == (False, "")
    assert (case.tier, case.binding_rule) == ("high", "cure_ceiling")
    assert (case.status, case.status_rule, case.status_before) == ("probation", "suspended_probation", "suspended")
    assert {name: case.candidates[name] for name in ("sales_balance", "tangible_net_worth_share", "tier_cap")} == {
        "sales_balance": 60_000,
        "tangible_net_worth_share": 50_000,
        "tier_cap": 50_000,
    }
    assert (case.credit_limit, case.binding_method) == (25_000, "probation")
    assert case.terms == (15, "per_invoice", 30)
    assert case.hold is False


def test_without_confirmation_the_suspension_goes_on() -> None:
    case = given(68, **defaulted(100), **sales(60_000))
    assert (case.in_default, case.status, case.tier, case.binding_rule) == (False, "suspended", "restricted", "state_ceiling")
    assert (case.credit_limit, case.limit_reason, case.hold) == (0, "suspended", True)
    assert case.hold_reasons.startswith("not_served")


@pytest.mark.parametrize(
    "verdict",
    [
        {"role": "credit_analyst"},  # below the role the edge asks for
        {"days_ago": 101},  # before the proof began
        {"state": "active"},  # no edge from here leads there
    ],
)
def test_a_verdict_that_does_not_count(verdict: dict[str, Any]) -> None:
    assert given(68, **defaulted(100), **confirmed(**verdict), **sales(60_000)).status == "suspended"


def test_a_higher_role_may_confirm_and_a_later_rejection_undoes_it() -> None:
    assert given(68, **defaulted(100), **confirmed(role="committee"), **sales(60_000)).status == "probation"
    rejected = {"state_rejected": "probation", "state_rejected_on": AS_OF, "state_rejected_role": "credit_manager"}
    assert given(68, **defaulted(100), **confirmed(), **rejected, **sales(60_000)).status == "suspended"


def test_case_32_contagion_in_a_group() -> None:
    case = given(77, group_member_in_default=True, previous_tier="low", previous_hysteresis_tier="low", **sales(100_000))
    assert (case.model_tier, case.tier, case.binding_rule, case.direction) == ("low", "high", "KO21", "down")
    assert (case.status, case.hold, case.terms) == ("active", False, (15, "per_invoice", 30))


# -- cure by kind ----------------------------------------------------------------------------------------------------------


MONTHS = [date(2025, m, d) for m, d in ((1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31))]


def test_after_a_distressed_plan_the_proof_must_last_a_year() -> None:
    months = [*MONTHS[:3], MONTHS[1] + timedelta(days=364), MONTHS[1] + timedelta(days=365)]
    outcomes = course(months, [{"distressed_plan": True}, {}, {}, {}, {}])
    assert [o.in_default for o in outcomes] == [True, True, True, True, False]
    assert {o.default_wait_days for o in outcomes[:-1]} == {365}


def test_a_graver_event_lengthens_the_wait_and_a_lesser_one_does_not_shorten_it() -> None:
    outcomes = course(MONTHS[:3], [{"max_dpd_material": 95}, {"insolvency_open": 1}, {"max_dpd_material": 95}])
    assert [o.default_wait_days for o in outcomes] == [90, 365, 365]


def test_off_the_list_of_dishonest_debtors_90_days() -> None:
    months = [*MONTHS[:2], MONTHS[1] + timedelta(days=89), MONTHS[1] + timedelta(days=90)]
    said = {"state_decision": "probation", "state_decision_role": "credit_manager", "state_decision_on": MONTHS[1]}
    outcomes = course(months, [{"dishonest_debtor_open": 1}, {}, said, said])
    assert [o.status for o in outcomes] == ["suspended", "suspended", "suspended", "probation"]
    assert [o.status_wait_days for o in outcomes] == [90, 90, 90, None]
    assert outcomes[-1].tier == "high"


def test_a_false_hit_cleared_needs_no_wait_and_has_no_ceiling() -> None:
    rejected = {"state_rejected": "terminated", "state_rejected_role": "head_of_credit", "state_rejected_on": MONTHS[1]}
    said = {"state_decision": "probation", "state_decision_role": "credit_manager", "state_decision_on": MONTHS[2]}
    outcomes = course(MONTHS[:3], [{"sanctions_confirmed": 1}, rejected, said], score=82)
    assert [o.status for o in outcomes] == ["exit_proposed", "suspended", "probation"]
    assert [o.status_rule for o in outcomes] == ["active_exit", "exit_rejected", "suspended_probation"]
    assert (outcomes[-1].tier, outcomes[-1].cure_ceiling) == ("low", None)


# -- probation --------------------------------------------------------------------------------------------------------------


def on_probation(**changes: Any) -> dict[str, Any]:
    before = {"previous_tier": "high", "previous_cure_ceiling": "high", "previous_status_before": "suspended"}
    return in_state("probation", **{**before, **changes})


def test_three_month_ends_in_a_row_end_the_probation() -> None:
    kept = {"max_dpd_material": 15}
    outcomes = course(MONTHS[:5], [{**on_probation(), **kept}, {"max_dpd_material": 16}, kept, kept, kept])
    assert [(o.status, o.status_periods) for o in outcomes] == [
        ("probation", 1),
        ("probation", 0),
        ("probation", 1),
        ("probation", 2),
        ("active", 0),
    ]
    assert [o.tier for o in outcomes] == ["high"] * 4 + ["medium"]
    assert outcomes[-1].cure_ceiling is None


def test_a_run_between_month_ends_counts_nothing_and_can_break_the_row() -> None:
    before = on_probation(previous_status_periods=2, previous_knockouts="")
    calm = given(68, as_of=date(2026, 6, 17), **before)
    assert (calm.status, calm.status_periods) == ("probation", 2)
    struck = given(68, as_of=date(2026, 6, 17), abnormal_operation_open=1, **before)
    assert (struck.knockouts, struck.status_periods) == ("KO10", 0)


def test_a_broken_plan_ends_the_probation_the_other_way() -> None:
    case = given(68, plan_broken_on=date(2026, 6, 1), **on_probation())
    assert (case.status, case.status_rule, case.status_wait_days, case.cure_ceiling) == (
        "suspended", "probation_suspended", 90, "high",
    )  # fmt: skip
    assert given(68, plan_broken_on=date(2026, 1, 15), **on_probation()).status == "probation"  # known when it began


def test_ways_into_probation() -> None:
    high = {"previous_tier": "high", "previous_hysteresis_tier": "high"}
    high |= {"previous_periods_in_tier": 2, "previous_status_periods": 2}
    late = given(45, max_dpd_material=20, **in_state("active", **high), **sales(60_000))
    assert (late.status, late.status_rule, late.tier) == ("probation", "active_probation_high", "high")
    assert late.credit_limit == given(45, max_dpd_material=20, **high, **sales(60_000)).credit_limit / 2
    in_time = given(45, max_dpd_material=15, **in_state("active", **high), **sales(60_000))
    assert in_time.status == "active"  # pays as probation asks
    plan = given(68, plan_agreed_on=date(2026, 6, 10), **in_state("active"), **sales(60_000))
    assert (plan.status, plan.status_rule, plan.tier) == ("probation", "active_probation_plan", "medium")


# -- exit and the way back ----------------------------------------------------------------------------------------------------


def test_180_days_suspended_without_a_proof_propose_the_exit() -> None:
    before = in_state("suspended", previous_knockouts="KO09", previous_status_wait_days=90)
    late = given(68, serious_illegal_open=1, **{**before, "previous_status_since": AS_OF - timedelta(days=180)})
    assert (late.status, late.status_rule) == ("exit_proposed", "suspended_exit")
    early = given(68, serious_illegal_open=1, **{**before, "previous_status_since": AS_OF - timedelta(days=179)})
    assert early.status == "suspended"
    proving = given(68, **{**before, "previous_status_since": AS_OF - timedelta(days=300), "previous_knockouts": ""})
    assert proving.status == "suspended"  # on the way to a cure


def test_only_the_committee_ends_a_relationship() -> None:
    before = in_state("exit_proposed", since=date(2026, 5, 31), previous_knockouts="KO20")
    waiting = given(68, fraud_confirmed=1, **before)
    assert (waiting.status, waiting.hold) == ("exit_proposed", True)
    by_head = given(68, fraud_confirmed=1, **before, **confirmed("terminated", "head_of_credit"))
    assert by_head.status == "exit_proposed"
    ended = given(68, collateral_value_net=50_000_00, **before, **confirmed("terminated", "committee"), **sales(60_000))
    assert (ended.status, ended.status_since, ended.status_before) == ("terminated", AS_OF, "exit_proposed")
    assert (ended.tier, ended.binding_rule, ended.credit_limit) == ("restricted", "state_ceiling", 0)
    assert (ended.limit_reason, ended.hold, ended.terms) == ("terminated", True, (0, "prepayment", 100))


def test_a_rejected_exit_is_not_proposed_again_for_the_same_reason() -> None:
    before = in_state("suspended", since=date(2026, 5, 31), previous_status_before="exit_proposed", previous_knockouts="KO01")
    assert given(68, sanctions_confirmed=1, **before).status == "suspended"
    again = given(68, sanctions_confirmed=1, fraud_confirmed=1, **before)
    assert again.status == "exit_proposed"  # another reason


def test_taken_back_after_a_year_by_the_committee_with_prepayment() -> None:
    ended = in_state(
        "terminated",
        since=AS_OF - timedelta(days=365),
        previous_status_cleared_on=AS_OF - timedelta(days=200),
        previous_status_wait_days=90,
        previous_cure_ceiling="high",
        previous_knockouts="",
    )
    fresh = {
        "documents_received_date": AS_OF - timedelta(days=20),
        "sanctions_searched_on": AS_OF - timedelta(days=20),
        "tangible_net_worth": 1_000_000_00,
    }
    back = given(68, **ended, **fresh, **confirmed("probation", "committee"), **sales(60_000))
    assert (back.status, back.tier, back.terms) == ("probation", "high", (0, "prepayment", 100))
    assert (back.credit_limit, back.hold) == (25_000, False)
    for missing in ({"documents_received_date": None}, {"total_exposure": 1_00}, {"previous_status_since": STARTED}):
        changed = {**ended, **fresh, **missing}
        assert given(68, **changed, **confirmed("probation", "committee"), **sales(60_000)).status == "terminated", missing
    assert given(68, **ended, **fresh, **confirmed("probation", "head_of_credit")).status == "terminated"


def test_intercompany_has_no_state() -> None:
    case = given(20, is_intercompany=True, max_dpd_material=95, **in_state("suspended"))
    assert (case.status, case.status_since, case.status_periods) == (None, None, None)


def test_reasons_name_the_state() -> None:
    row = facts({**on_probation(previous_status_rule="suspended_probation"), **sales(60_000)})
    mart = decide(row, POLICY, CATALOGUE, context())["mart.current_risk"].iloc[0]
    assert mart["reasons_en"].startswith("Cured, on probation")
    assert mart["reasons_zh"].startswith("已治愈，进入观察期")


def test_a_policy_without_states_and_knock_outs_decides_as_before() -> None:
    bare = with_segment("corporate").model_copy(update={"knockouts": (), "exit": Exit()})
    case = given(68, policy=bare, previous_knockouts="KO05", **in_state("active"), **sales(60_000))
    assert (case.status, case.status_since, case.status_rule, case.tier) == ("active", STARTED, None, "medium")
