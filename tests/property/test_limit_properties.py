"""What must hold for every limit, whatever the facts: caps, hard stops, monotony in need and capacity, scale, authority."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from risk_pipeline.policy.model import Policy, minor_units
from tests.decision_facts import many
from tests.decision_given import POLICY, Outcome, decided_frames, given, with_segment

SETTINGS = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CORPORATE = with_segment("corporate")
MONEY = st.none() | st.integers(0, 3_000_000_00)
ROUND = st.none() | st.integers(0, 3_000).map(lambda thousands: thousands * 1_000_00)  # as limits are
ROLES = [level.role for level in POLICY.authorities.levels]
NEED = ("avg_monthly_sales_12m", "avg_monthly_sales_3m")
CAPACITY = (
    "tangible_net_worth",
    "revenue_annual",
    "bureau_recommended_limit",
    "collateral_value_net",
    "sales_12m",
    "group_limit",
)
METHODS = (
    "tangible_net_worth_share",
    "turnover_share",
    "bureau_recommendation",
    "expected_loss",
    "tier_cap",
    "new_customer_cap",
)
BY_PEOPLE = {"manual_limit": ROUND, "temporary_limit": ROUND}
BEFORE = ("previous_computed_limit", "previous_effective_limit")
FACTS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys((*NEED, *CAPACITY), MONEY),
    **BY_PEOPLE,
    **dict.fromkeys(BEFORE, ROUND),
    "bureau_report_age_days": st.integers(0, 300),
    "manual_limit_role": st.none() | st.sampled_from(ROLES),
    "temporary_limit_role": st.none() | st.sampled_from(ROLES),
    "previous_tier": st.none() | st.sampled_from(["low", "medium", "high", "unrated"]),
    "status_is_probation": st.booleans(),
}
CUSTOMER = st.fixed_dictionaries({**FACTS, "score": st.none() | st.integers(0, 100)})


def decided(customer: dict[str, Any], policy: Policy = CORPORATE, **changes: Any) -> Outcome:
    facts = {**customer, **changes}
    score, probation = facts.pop("score"), facts.pop("status_is_probation")
    if probation:
        facts |= {"previous_status": "probation"}
    return given(score, policy=policy, **facts)


@SETTINGS
@hypothesis_given(CUSTOMER)
def test_a_limit_is_never_negative_nor_above_a_cap(customer: dict[str, Any]) -> None:
    case = decided(customer)
    ladder, limit, computed = case.candidates, case.limit_reporting, case.computed_limit / 100
    capacities = [ladder[method] for method in METHODS if method in ladder]
    secured = (customer["collateral_value_net"] or 0) / 100
    assert 0 <= computed <= min(capacities) + secured
    assert case.secured_amount / 100 <= secured
    kept = {"cut_cap", "dead_band", "carried_forward"} & set(ladder)
    assert kept or computed <= ladder.get("sales_balance", 0)
    if customer["group_limit"] is not None:
        assert limit <= customer["group_limit"] / 100
    assert computed <= ladder.get("raise_cap", computed)
    most = computed * POLICY.limits.manual.max_share_of_computed * (1 + POLICY.limits.temporary.max_share_over)
    assert 0 <= limit <= most + 0.02
    assert case.credit_limit == limit
    assert ("manual" in ladder or "temporary" in ladder) or limit == computed


@SETTINGS
@hypothesis_given(CUSTOMER, st.sampled_from(["zero", "secured_only"]))
def test_a_hard_stop_beats_need_capacity_people_and_the_limit_before(customer: dict[str, Any], kind: str) -> None:
    stop = {"sanctions_confirmed": 1} if kind == "zero" else {"max_dpd_material": 95}
    case = decided(customer, **stop)
    secured = (customer["collateral_value_net"] or 0) / 100 if kind == "secured_only" else 0
    assert 0 <= case.limit_reporting <= min(secured, case.candidates.get("sales_balance", 0))
    assert (case.applied_source, case.unsecured_limit, case.hold) == ("hard_stop", 0, True)


@SETTINGS
@hypothesis_given(CUSTOMER, st.sampled_from([*NEED, *CAPACITY]), st.integers(0, 1_000_000_00))
def test_more_need_or_capacity_never_lowers_a_limit(customer: dict[str, Any], name: str, more: int) -> None:
    assume(customer[name] is not None)  # an unknown amount drops its candidate: knowing it may cap
    less, same = decided(customer), decided(customer, **{name: customer[name] + more})
    assert same.limit_reporting >= less.limit_reporting


@SETTINGS
@hypothesis_given(CUSTOMER, st.sampled_from([2, 7, 10]))
def test_the_limit_scales_with_every_amount(customer: dict[str, Any], k: int) -> None:
    amounts = (*NEED, *CAPACITY, *BY_PEOPLE, *BEFORE)
    scaled = {name: None if customer[name] is None else customer[name] * k for name in amounts}
    one, many = decided(customer), decided(customer, policy_scaled(k), **scaled)
    loss = one.candidates.get("expected_loss")  # goes through a float: a cent may fall either way
    assume(loss is None or one.binding_method != "expected_loss")
    assert many.limit_reporting == one.limit_reporting * k
    assert many.binding_method == one.binding_method


def policy_scaled(k: int) -> Policy:
    """The policy whose amounts that limits read are k times as large."""
    limits, factor = CORPORATE.limits, Decimal(k)
    capacity = limits.capacity.model_copy(
        update={"tier_cap": {c: {t: cap * factor for t, cap in caps.items()} for c, caps in limits.capacity.tier_cap.items()}}
    )
    steps = [
        step.model_copy(update={"below": None if step.below is None else step.below * factor, "to": step.to * factor})
        for step in limits.rounding.steps
    ]
    larger = limits.model_copy(
        update={
            "capacity": capacity,
            "new_customer_cap": limits.new_customer_cap.model_copy(
                update={"caps": {c: cap * factor for c, cap in limits.new_customer_cap.caps.items()}}
            ),
            "move_caps": limits.move_caps.model_copy(update={"raise_abs_free": limits.move_caps.raise_abs_free * factor}),
            "rounding": limits.rounding.model_copy(update={"steps": tuple(steps)}),
            "floor": limits.floor.model_copy(update={"smallest_limit": limits.floor.smallest_limit * factor}),
        }
    )
    levels = tuple(
        level.model_copy(update={"up_to": {t: None if a is None else a * factor for t, a in level.up_to.items()}})
        for level in CORPORATE.authorities.levels
    )
    return CORPORATE.model_copy(
        update={"limits": larger, "authorities": CORPORATE.authorities.model_copy(update={"levels": levels})}
    )


@SETTINGS
@hypothesis_given(CUSTOMER, st.sampled_from(ROLES), st.integers(1, 3_000).map(lambda thousands: thousands * 1_000_00))
def test_no_override_exceeds_its_authority(customer: dict[str, Any], role: str, asked: int) -> None:
    case = decided({**customer, "temporary_limit": None}, manual_limit=asked, manual_limit_role=role)
    most = next(level for level in POLICY.authorities.levels if level.role == role).up_to.get(case.tier, Decimal(0))
    computed = case.computed_limit / 100
    if case.limit_reporting > computed:
        assert case.limit_reporting <= asked / 100
        assert most is None or asked <= minor_units(most)
        assert case.applied_source == "manual"


@SETTINGS
@hypothesis_given(CUSTOMER, st.booleans())
def test_what_waits_for_approval_never_raises_what_is_in_force(customer: dict[str, Any], rejected: bool) -> None:
    case = decided(customer, limit_rejected=rejected)
    effective, before = case.effective_limit, customer["previous_effective_limit"] or 0
    assert 0 <= effective <= max(case.limit_reporting * 100, before)
    if case.approval_status in ("pending", "rejected"):
        assert effective <= before
        assert case.required_authority is not None
    assert np.isclose(effective, min(effective, case.limit_reporting * 100))


def test_however_many_runs_a_month_has_it_raises_by_one_cap() -> None:
    """Event-driven runs in June after the month end of May, amounts anew in each: the first limit of the month is the measure."""
    rule, rng, customers = CORPORATE.limits.move_caps, np.random.default_rng(18), 400
    frame = many(customers).assign(max_dpd_material=0, distressed_plan=False, is_intercompany=False, previous_in_default=False)
    measure = rng.integers(0, 300, customers) * 1_000_00
    before = {"previous_as_of": np.datetime64("2026-05-31", "s"), "previous_computed_limit": measure, "previous_tier": "low"}
    raised = 0
    for day in (date(2026, 6, 3), date(2026, 6, 10), date(2026, 6, 11), date(2026, 6, 30)):
        frame = frame.assign(avg_monthly_sales_3m=rng.integers(0, 50_000_000, customers), **before)
        tiers, limits = decided_frames(frame, rng.integers(4_000, 10_000, customers), CORPORATE, day)
        assert limits["period_start_limit"].tolist() == measure.tolist()
        computed = limits["computed_limit"].to_numpy(dtype="int64")
        most = np.maximum(measure * (1 + rule.raise_share_per_period), measure + minor_units(rule.raise_abs_free))
        assert (computed <= most)[measure > 0].all()
        raised += (computed > measure)[measure > 0].sum()
        measure = np.where(measure > 0, measure, computed)
        before = {
            "previous_as_of": np.datetime64(day, "s"),
            "previous_tier": tiers["tier"].astype("str"),
            "previous_computed_limit": computed,
            "previous_period_start_limit": limits["period_start_limit"],
        }
    _, july = decided_frames(frame.assign(**before), rng.integers(4_000, 10_000, customers), CORPORATE, date(2026, 7, 1))
    assert july["period_start_limit"].tolist() == computed.tolist()
    assert raised > customers
