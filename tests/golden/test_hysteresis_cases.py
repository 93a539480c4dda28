"""The golden decision cases about hysteresis and notches (section A of the practitioner's list, 14 to 21).

Scores and the memory of the last assessment are given. The previous state says how many month ends in a row the score allowed
the next tier up, before the assessment of AS_OF, which is a month end.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.decision_facts import AS_OF, sales
from tests.decision_given import Outcome, given


def remembering(score: float | None, tier: str, *, met: int = 0, lowered_days_ago: int | None = 200, **changes: Any) -> Outcome:
    lowered = None if lowered_days_ago is None else AS_OF - timedelta(days=lowered_days_ago)
    before = {
        "previous_tier": tier,
        "previous_hysteresis_tier": tier,
        "previous_hysteresis_periods_met": met,
        "previous_last_downgrade_on": lowered,
        "previous_as_of": date(2026, 5, 31),
    }
    return given(score, **{**before, **changes})


def test_case_14_three_points_over_the_border_are_needed() -> None:
    case = remembering(76, "medium")
    assert (case.model_tier, case.hysteresis_tier, case.tier) == ("low", "medium", "medium")
    assert (case.binding_rule, case.direction, case.hysteresis_periods_met) == ("hysteresis_buffer", "same", 0)


def test_case_15_two_month_ends_raise_one_step() -> None:
    case = remembering(79, "medium", met=1)
    assert (case.tier, case.direction, case.binding_rule, case.hysteresis_periods_met) == ("low", "up", "score", 0)


def test_case_16_runs_are_not_periods() -> None:
    case = remembering(79, "medium", met=0)  # May ended at 74
    assert (case.tier, case.binding_rule, case.hysteresis_periods_met) == ("medium", "hysteresis_periods", 1)
    event = remembering(79, "medium", met=1, as_of=date(2026, 6, 17))
    assert (event.tier, event.binding_rule, event.hysteresis_periods_met) == ("medium", "hysteresis_periods", 1)


def test_case_17_a_cooldown_of_90_days() -> None:
    case = remembering(79, "medium", met=1, lowered_days_ago=60)
    assert (case.tier, case.binding_rule) == ("medium", "hysteresis_cooldown")
    assert remembering(79, "medium", met=1, lowered_days_ago=90).tier == "low"


def test_case_18_down_at_once_on_any_day() -> None:
    case = remembering(74.99, "low", as_of=date(2026, 6, 17))
    assert (case.tier, case.direction, case.last_downgrade_on) == ("medium", "down", date(2026, 6, 17))


def test_case_19_a_knockout_beats_the_notch() -> None:
    case = remembering(62, "medium", notch_steps=1, max_dpd_material=65)
    assert (case.hysteresis_tier, case.notched_tier, case.tier, case.binding_rule) == ("medium", "low", "high", "KO06")


def test_case_20_a_lapsed_notch_up_falls_at_once() -> None:
    case = remembering(62, "medium", previous_tier="low")
    assert (case.tier, case.direction) == ("medium", "down")


def test_case_21_a_lapsed_notch_down_does_not_wait() -> None:
    case = remembering(80, "low", previous_tier="high")
    assert (case.hysteresis_tier, case.tier, case.direction) == ("low", "low", "up")


def test_one_step_per_period() -> None:
    case = remembering(90, "high", met=1)  # far over every border
    assert (case.model_tier, case.tier, case.binding_rule) == ("low", "medium", "hysteresis_step")
    assert remembering(90, "unrated").binding_rule == "hysteresis_step"
    assert remembering(70, "unrated").binding_rule == "score"


@pytest.mark.parametrize(
    ("before", "score", "tier"),
    [
        ("restricted", None, "restricted"),  # hiding evidence is no way up
        ("low", None, "unrated"),
        ("unrated", 90.0, "medium"),  # one step above the rank of unrated at once, the rest slowly
        ("unrated", 50.0, "high"),
        ("unrated", 10.0, "restricted"),
    ],
)
def test_into_and_out_of_unrated(before: str, score: float | None, tier: str) -> None:
    assert remembering(score, before, met=1).tier == tier


def test_a_customer_seen_first_takes_the_model_tier() -> None:
    case = given(80)
    assert (case.tier, case.direction, case.hysteresis_periods_met) == ("low", "new", 0)


# -- the limits of the same cases -----------------------------------------------------------------------------------------------


def accounts(monthly: int, net_worth: int, revenue: int) -> dict[str, Any]:
    """Sales and accounts in currency units."""
    return {**sales(monthly), "tangible_net_worth": net_worth * 100, "revenue_annual": revenue * 100}


def previously(limit: int) -> dict[str, int]:
    """The limit of the assessment before, computed and in force."""
    return dict.fromkeys(("previous_limit", "previous_computed_limit", "previous_effective_limit"), limit * 100)


def test_case_14_the_limit_of_the_tier_that_is_kept() -> None:
    case = remembering(76, "medium", **accounts(100_000, 1_000_000, 10_000_000))
    assert round(case.candidates["sales_balance"]) == 133_333
    assert (case.credit_limit, case.binding_method) == (100_000, "tangible_net_worth_share")
    assert case.terms == (30, "per_invoice", 0)


def test_case_15_the_raise_is_capped_and_within_the_automatic_authority() -> None:
    case = remembering(79, "medium", met=1, **accounts(60_000, 2_000_000, 20_000_000), **previously(60_000))
    assert (case.credit_limit, case.binding_method, case.approval_status) == (90_000, "raise_cap", "auto")
    assert case.terms == (60, "monthly_statement", 0)


def test_cases_16_and_17_stay_on_the_ladder_of_medium() -> None:
    for changes in ({"met": 0}, {"met": 1, "lowered_days_ago": 60}):
        case = remembering(79, "medium", **changes, **accounts(60_000, 2_000_000, 20_000_000), **previously(60_000))
        assert (case.tier, case.credit_limit, case.terms) == ("medium", 80_000, (30, "per_invoice", 0))


def test_case_18_a_cut_with_the_tier_is_not_capped() -> None:
    case = remembering(74.99, "low", **accounts(30_000, 2_000_000, 20_000_000), **previously(200_000))
    assert (case.tier, case.direction, case.credit_limit) == ("medium", "down", 40_000)


def test_case_19_the_ladder_of_the_ceiling() -> None:
    case = remembering(62, "medium", notch_steps=1, max_dpd_material=65, **accounts(100_000, 1_000_000, 10_000_000))
    assert (case.candidates["tangible_net_worth_share"], case.candidates["tier_cap"]) == (50_000, 50_000)
    assert (case.credit_limit, case.terms, case.hold) == (50_000, (15, "per_invoice", 30), True)


def test_cases_20_and_21_the_ladder_of_the_hysteresis_tier() -> None:
    lapsed_up = remembering(62, "medium", previous_tier="low", **accounts(60_000, 2_000_000, 20_000_000))
    assert (lapsed_up.tier, lapsed_up.credit_limit) == ("medium", 80_000)
    lapsed_down = remembering(80, "low", previous_tier="high", **accounts(60_000, 2_000_000, 20_000_000), **previously(60_000))
    assert (lapsed_down.tier, lapsed_down.credit_limit, lapsed_down.binding_method) == ("low", 90_000, "raise_cap")
