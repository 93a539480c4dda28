"""Tiers: ceilings, what binds, unrated, direction, periods, and customers outside the scorecard."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from risk_pipeline.policy.model import Exit
from tests.decision_facts import sales
from tests.decision_given import POLICY, given, with_segment


@pytest.mark.parametrize(
    ("score", "tier"),
    [(100, "low"), (75, "low"), (74.99, "medium"), (55, "medium"), (54.99, "high"), (35, "high"), (0, "restricted")],
)
def test_cut_offs_are_inclusive(score: float, tier: str) -> None:
    assert given(score).tier == tier


def test_a_ledger_alone_never_earns_the_best_tier() -> None:
    case = given(90, policy=POLICY)
    assert (case.model_tier, case.tier, case.binding_rule) == ("low", "medium", "segment_ceiling")
    assert given(60, policy=POLICY).binding_rule == "score"


@pytest.mark.parametrize(
    ("score", "changes", "tier", "binding"),
    [
        (80, {"max_dpd_material": 61}, "high", "KO06"),
        (80, {"max_dpd_material": 60}, "low", "score"),
        (40, {"max_dpd_material": 61}, "high", "score"),  # the score alone gives the tier: the knock-out is not to blame
        (20, {"max_dpd_material": 61}, "restricted", "score"),
        (80, {"dishonoured_payments_6m": 2}, "high", "KO14"),
        (80, {"dishonoured_payments_6m": 1}, "low", "score"),
        (80, {"relationship_months": 5}, "medium", "KO18"),
        (80, {"relationship_months": 6}, "low", "score"),
        (80, {"relationship_months": None, "relationship_months_code": "no_invoice_ever"}, "medium", "KO18"),
        (80, {"identity_verified": False, "total_exposure": 5_000_01}, "medium", "KO19"),
        (80, {"identity_verified": False, "total_exposure": 5_000_00}, "low", "score"),
        (80, {"identity_verified": None, "total_exposure": 9_000_00}, "low", "score"),  # not known is not "not verified"
        (80, {"max_dpd_material": 61, "dishonoured_payments_6m": 2}, "high", "KO06"),  # first in policy order
        (80, {"dishonoured_payments_6m": 2, "distressed_plan": True}, "restricted", "KO05"),  # the worse one
        (None, {"max_dpd_material": 61}, "unrated", "unrated_coverage"),  # ranks as high already
        (None, {"distressed_plan": True}, "restricted", "KO05"),
        (None, {"relationship_months": 2}, "unrated", "unrated_coverage"),
    ],
)
def test_the_worst_ceiling_wins_and_is_named(score: float | None, changes: dict[str, Any], tier: str, binding: str) -> None:
    case = given(score, **changes)
    assert (case.tier, case.binding_rule) == (tier, binding)


def test_every_knock_out_that_holds_is_listed() -> None:
    case = given(80, max_dpd_material=95, dishonoured_payments_6m=3, relationship_months=2)
    assert (case.knockouts, case.knockout_ceiling) == ("KO05,KO06,KO14,KO18", "restricted")


@pytest.mark.parametrize(
    ("previous", "score", "direction"),
    [
        (None, 60, "new"),
        ("medium", 60, "same"),
        ("low", 60, "down"),
        ("high", 60, "up"),
        ("unrated", 60, "up"),
        ("unrated", 40, "same"),  # unrated ranks as high
        ("medium", None, "down"),
        ("not_rated", 60, "new"),
    ],
)
def test_direction(previous: str | None, score: float | None, direction: str) -> None:
    assert given(score, previous_tier=previous).direction == direction


@pytest.mark.parametrize(
    ("as_of", "previous_as_of", "previous_tier", "before", "periods"),
    [
        (date(2026, 6, 30), None, None, None, 1),
        (date(2026, 6, 15), None, None, None, 0),  # no month end seen yet
        (date(2026, 6, 30), None, "medium", 4, 1),  # a tier without its date counts for nothing
        (date(2026, 6, 30), date(2026, 5, 31), "medium", 4, 5),
        (date(2026, 6, 15), date(2026, 5, 31), "medium", 4, 4),  # runs are not periods
        (date(2026, 6, 30), date(2026, 6, 15), "medium", 4, 5),
        (date(2026, 6, 30), date(2026, 3, 31), "medium", 4, 7),  # quarterly runs stand for the months between
        (date(2026, 6, 30), date(2026, 5, 31), "high", 4, 1),
        (date(2026, 2, 28), date(2026, 1, 31), "medium", 1, 2),
    ],
)
def test_periods_are_calendar_month_ends(
    as_of: date, previous_as_of: date | None, previous_tier: str | None, before: int | None, periods: int
) -> None:
    case = given(60, as_of=as_of, previous_as_of=previous_as_of, previous_tier=previous_tier, previous_periods_in_tier=before)
    assert case.periods_in_tier == periods


def test_intercompany_is_outside_everything() -> None:
    case = given(20, is_intercompany=True, max_dpd_material=95, total_exposure=900_00, previous_tier="medium", **sales(1_000))
    assert (case.tier, case.model_tier, case.binding_rule, case.direction) == ("not_rated", "not_rated", "intercompany", "new")
    assert (case.knockouts, case.in_default, case.default_events, case.hold) == ("", False, "", False)
    assert (case.credit_limit, case.limit_reason, case.binding_method) == (None, "group_treasury", None)
    assert case.terms == (None, None, None)
    assert (case.utilisation, case.headroom, case.total_exposure) == (None, None, 900)
    assert (case.tier_valid_to, case.limit_valid_to, case.candidates) == (None, None, {})


def test_one_time_accounts_are_unrated_and_prepay() -> None:
    case = given(95, is_one_time=True, **sales(3_000))
    assert (case.tier, case.binding_rule) == ("unrated", "one_time_account")
    assert case.terms == (0, "prepayment", 100)
    assert given(95, is_one_time=True, distressed_plan=True).tier == "restricted"


def test_validity_by_tier() -> None:
    case = given(60)
    assert (case.tier_valid_to, case.limit_valid_to) == (date(2026, 12, 27), date(2026, 12, 27))
    assert given(20).tier_valid_to == date(2026, 7, 30)


def test_a_ceiling_of_the_segment_is_no_floor() -> None:
    assert given(20, policy=with_segment("small", "medium")).tier == "restricted"


def test_a_policy_without_states_and_knock_outs_decides_as_before() -> None:
    bare = with_segment("corporate").model_copy(update={"knockouts": (), "exit": Exit()})
    before = {"previous_status": "active", "previous_status_since": date(2026, 1, 31), "previous_as_of": date(2026, 5, 31)}
    case = given(68, policy=bare, previous_knockouts="KO05", **before, **sales(60_000))
    assert (case.status, case.status_since, case.status_rule, case.tier) == ("active", date(2026, 1, 31), None, "medium")
