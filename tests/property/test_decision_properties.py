"""What must hold for every customer, whatever the facts: order, batches, sums, caps, and that worse is never better."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import frame_to_arrow
from risk_pipeline.decision.tier_codes import ranks, tier_names
from risk_pipeline.policy.model import Policy
from tests.decision_facts import decide, facts, many
from tests.decision_given import CATALOGUE, POLICY, context, with_segment

SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FRAMES = settings(SETTINGS, max_examples=12)  # each example is a frame of many customers
RANK = dict(zip(tier_names(POLICY), ranks(POLICY).tolist(), strict=True))

# Values of one customer. Each factor: from best to worst, so that a larger draw is worse evidence.
FACTORS: dict[str, st.SearchStrategy[Any]] = {
    "wavg_days_late_incl_open_12m": st.floats(-10, 90),
    "overdue_ratio": st.floats(0, 1),
    "max_dpd_material": st.integers(0, 130),
    "days_late_trend_3v9": st.floats(-20, 40),
    "dishonoured_payments_12m": st.integers(0, 5),
    "dilution_ratio_12m": st.floats(0, 0.5),
    "unfounded_dispute_ratio_12m": st.floats(0, 0.2),
    "dishonoured_payments_6m": st.integers(0, 4),
    "uncollectible_written_off_12m": st.integers(0, 1_000_00),
    "total_exposure": st.integers(0, 100_000_00),
    "sanctions_confirmed": st.integers(0, 2),
    "sanctions_unreviewed": st.integers(0, 3),
    **{f"{name}_open": st.integers(0, 2) for name in ("insolvency", "dishonest_debtor", "serious_illegal", "own_suit")},
    **{f"{name}_open": st.integers(0, 2) for name in ("abnormal_operation", "bill_overdue")},
    "fraud_confirmed": st.integers(0, 1),
    "registry_struck_off": st.booleans(),
    "insurance_claim_filed": st.booleans(),
    "enforcement_to_net_worth": st.floats(0, 0.2),
    "enforcement_unknown_amount_count": st.integers(0, 3),
}
WORSE_WHEN_LESS: dict[str, st.SearchStrategy[Any]] = {
    "relationship_months": st.integers(0, 130),
    "tangible_net_worth": st.integers(-1_000_00, 1_000_00),
    "parent_guarantee_valid": st.booleans(),
    "altman_z2": st.floats(-5, 5),
    "interest_cover": st.floats(-5, 5),
}
REST: dict[str, st.SearchStrategy[Any]] = {
    "sales_12m": st.none() | st.integers(-1_000_00, 10_000_000_00),
    "avg_monthly_sales_12m": st.none() | st.integers(-1_000_00, 1_000_000_00),
    "avg_monthly_sales_3m": st.none() | st.integers(-1_000_00, 1_000_000_00),
    "months_since_first_invoice": st.none() | st.integers(0, 130),
    "requested_limit": st.none() | st.integers(0, 500_000_00),
    "expected_monthly_sales": st.none() | st.integers(0, 500_000_00),
    "identity_verified": st.none() | st.booleans(),
    "natural_person": st.none() | st.booleans(),
    "previous_in_default": st.none() | st.booleans(),
    "previous_tier": st.none() | st.sampled_from(tier_names(POLICY)),
    "credit_currency": st.none() | st.sampled_from(["EUR", "USD"]),
    "credit_fx_rate": st.none() | st.integers(1_000_000, 10**13),
}
CUSTOMER = st.fixed_dictionaries({**FACTORS, **WORSE_WHEN_LESS, **REST})
POLICIES = st.sampled_from([POLICY, with_segment("corporate"), with_segment("sole", "high")])


def _one(policy: Policy, *customers: dict[str, Any]) -> list[dict[str, Any]]:
    out = decide(facts(*customers), policy, CATALOGUE, context())
    tier, limit, score = (out[name] for name in ("decision.risk_tier", "decision.credit_limit", "score.risk_score"))
    rows = tier.merge(limit.drop(columns="valid_to"), on="customer_id").merge(
        score[["customer_id", "score", "pd"]], on="customer_id"
    )
    return rows.to_dict("records")


@SETTINGS
@given(customer=CUSTOMER, policy=POLICIES, data=st.data())
def test_worse_evidence_never_gives_a_better_tier_or_a_higher_limit(
    customer: dict[str, Any], policy: Policy, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([*FACTORS, *WORSE_WHEN_LESS]))
    other = data.draw({**FACTORS, **WORSE_WHEN_LESS}[name])
    worse = max(customer[name], other) if name in FACTORS else min(customer[name], other)
    before, after = _one(policy, customer, {**customer, name: worse})
    assert after["score"] <= before["score"]
    assert RANK[after["tier"]] >= RANK[before["tier"]]
    assert after["limit_reporting"] <= before["limit_reporting"]
    assert after["credit_limit"] <= before["credit_limit"]
    assert after["payment_terms_days"] <= before["payment_terms_days"]
    assert after["prepayment_pct"] >= before["prepayment_pct"]
    assert after["hold"] >= before["hold"]


@SETTINGS
@given(
    customer=CUSTOMER,
    policy=POLICIES,
    stop=st.sampled_from([("KO05", {"distressed_plan": True}), ("KO05", {"max_dpd_material": 91}), ("KO01", {})]),
)
def test_a_hard_stop_beats_everything(customer: dict[str, Any], policy: Policy, stop: tuple[str, dict[str, Any]]) -> None:
    rule, facts_of_stop = stop
    (row,) = _one(policy, {**customer, **facts_of_stop, "sanctions_confirmed": int(rule == "KO01")})
    assert (row["tier"], row["limit_reporting"], row["credit_limit"]) == ("restricted", 0, 0)
    assert (row["binding_method"], row["hold"]) == ("hard_stop", True)
    assert row["limit_reason"] in row["knockouts"].split(",")
    assert rule in row["hold_reasons"].split(",")
    assert (row["payment_terms_days"], row["settlement_cycle"], row["prepayment_pct"]) == (0, "prepayment", 100)


@SETTINGS
@given(customer=CUSTOMER, policy=POLICIES, hits=st.integers(1, 3))
def test_an_unreviewed_sanctions_hit_holds_orders_and_changes_nothing_else(
    customer: dict[str, Any], policy: Policy, hits: int
) -> None:
    before, after = _one(policy, {**customer, "sanctions_unreviewed": 0}, {**customer, "sanctions_unreviewed": hits})
    told = {"customer_id", "hold", "hold_reasons", "knockouts"}
    pd.testing.assert_series_equal(*(pd.Series({k: v for k, v in row.items() if k not in told}) for row in (before, after)))
    assert after["hold"]
    assert set(after["hold_reasons"].split(",")) - {""} == {*before["hold_reasons"].split(","), "KO02"} - {""}


@FRAMES
@given(seed=st.integers(0, 10**6))
def test_limits_obey_every_candidate_and_are_never_rounded_up(seed: int) -> None:
    out = decide(many(150, seed), POLICY, CATALOGUE, context())
    limit = out["decision.credit_limit"].set_index("customer_id")
    limits = limit["limit_reporting"].dropna().astype("int64")
    ladder = out["decision.limit_candidate"]
    lowest = ladder.groupby(ladder["customer_id"].astype("str"))["candidate_limit"].min()
    assert (limits <= limit["unsecured_limit"].loc[limits.index]).all()
    assert (limits <= lowest.reindex(limits.index).fillna(0)).all()
    assert (limits >= 0).all()
    with_need = set(ladder.loc[ladder["kind"] == "need", "customer_id"])
    assert set(limits.index[limits > 0]) <= with_need
    bound = ladder[ladder["is_binding"]].groupby("customer_id", observed=True).size()
    assert (bound == 1).all()
    own = limit["credit_limit"] * limit["fx_rate_used"].astype("float64") / 1e10  # back in reporting currency
    assert (own.dropna() <= limit["limit_reporting"].loc[own.dropna().index] + 1e-3).all()


@FRAMES
@given(seed=st.integers(0, 10**6))
def test_contributions_and_subtotals_add_up_to_the_score(seed: int) -> None:
    out = decide(many(150, seed), POLICY, CATALOGUE, context())
    score = out["score.risk_score"].set_index("customer_id")
    parts = out["score.contribution"]
    total = parts.groupby(parts["customer_id"].astype("str"))["contribution"].sum(min_count=1).reindex(score.index)
    assert (total.isna() == score["score"].isna()).all()
    assert ((total - score["score"]).abs().dropna() <= 0.005 + 1e-9).all()
    subtotals = score[[c for c in score if c.endswith("_subtotal")]].sum(axis=1, min_count=1)
    assert ((subtotals - total).abs().dropna() <= 1e-9).all()
    scored = parts[parts["contribution"].notna()]
    weights = scored.groupby(scored["customer_id"].astype("str"))["effective_weight"].sum()
    assert np.allclose(weights, 100)
    assert np.allclose(scored["points_lost"] + scored["contribution"], scored["effective_weight"])


@FRAMES
@given(seed=st.integers(0, 10**6), order=st.randoms(use_true_random=False), cut=st.integers(1, 119))
def test_neither_order_nor_batches_change_a_bit(seed: int, order: Any, cut: int) -> None:
    frame = many(120, seed)
    shuffled = list(range(120))
    order.shuffle(shuffled)
    mixed = frame.iloc[shuffled]
    whole = _arrow(decide(frame, POLICY, CATALOGUE, context()))
    batches = [_arrow(decide(part, POLICY, CATALOGUE, context())) for part in (mixed.iloc[:cut], mixed.iloc[cut:])]
    for name, expected in whole.items():
        keys = [(key, "ascending") for key in table(name).key]
        again = pd.concat([batch[name].to_pandas() for batch in batches])
        again = again.sort_values([key for key, _ in keys]).reset_index(drop=True)
        pd.testing.assert_frame_equal(again, expected.sort_by(keys).to_pandas(), check_exact=True)


def _arrow(out: dict[str, pd.DataFrame]) -> dict[str, Any]:
    return {name: frame_to_arrow(table(name), frame) for name, frame in out.items()}


@SETTINGS
@given(customer=CUSTOMER, policy=POLICIES)
def test_the_final_tier_is_the_worst_of_score_and_ceilings(customer: dict[str, Any], policy: Policy) -> None:
    (row,) = _one(policy, customer)
    ceilings = [row["knockout_ceiling"], policy.segments[0].ceiling]
    worst = max(RANK[tier] for tier in [row["model_tier"], *ceilings] if isinstance(tier, str))
    assert RANK[row["tier"]] == worst
    assert (row["binding_rule"] == "score") == (RANK[row["model_tier"]] == worst)


def test_the_random_customers_reach_every_branch() -> None:
    """The properties above would prove little if the generator missed a case."""
    out = decide(many(5_000), POLICY, CATALOGUE, context())
    assert set(out["decision.risk_tier"]["tier"]) >= {"medium", "high", "restricted", "unrated", "not_rated"}
    reasons = set(out["decision.credit_limit"]["limit_reason"])
    assert reasons >= {"need", "capacity", "no_basis", "below_smallest_limit", "KO05", "group_treasury"}
    methods = set(out["decision.limit_candidate"]["method"])
    assert methods == {"sales_balance", "requested", "expected_loss", "tier_cap", "new_customer_cap", "hard_stop"}
    rules = set(out["decision.risk_tier"]["binding_rule"])
    assert rules >= {"score", "segment_ceiling", "unrated_coverage", "KO05", "KO06", "intercompany", "one_time_account"}


@pytest.mark.parametrize("name", [name for name in FACTORS if name in POLICY.scoring])
def test_every_factor_moves_the_score(name: str) -> None:
    """Else the test of worse evidence would prove nothing for it."""
    best, worst = _one(POLICY, {name: 0}, {name: 130})
    assert best["score"] > worst["score"]
