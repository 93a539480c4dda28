"""What must hold for every customer and every policy-abiding past: worse is never better, a stop stops, nobody minds the others.

Asked of years of random customers (tests/decision_world.py), each assessment the past of the next. A property that two frames
are compared for holds thousands of pairs: one decision is about all customers of a date.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import frame_to_arrow
from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.contracts.table import Kind
from risk_pipeline.decision.authority import STATUSES as APPROVALS
from risk_pipeline.decision.groups import alone, group_facts
from risk_pipeline.decision.tier_codes import ranks, tier_names
from risk_pipeline.pipeline.stored_facts import PREVIOUS_COLUMNS
from risk_pipeline.policy.model import SYSTEM, Policy, minor_units
from risk_pipeline.policy.months import is_month_end
from risk_pipeline.policy.scopes import FACT_TABLES
from tests.decision_facts import decide
from tests.decision_given import CATALOGUE, POLICY
from tests.decision_world import DTYPES, LISTS, Assessed, customers, lived, worse_of
from tests.policy_scaled import scaled

ROWS = 600
RANK = dict(zip(tier_names(POLICY), ranks(POLICY).tolist(), strict=True))
STATE = {name: place for place, name in enumerate(STATUSES)}
PEOPLE = ("notch_steps", "manual_limit", "temporary_limit")
Year = tuple[Assessed, ...]


@pytest.fixture(scope="module")
def year() -> Year:
    """Another seed, other customers; a dozen of them were tried."""
    return lived(0, ROWS)


def decided(facts: pd.DataFrame, like: Assessed, policy: Policy = POLICY) -> pd.DataFrame:
    """What is decided about these facts on the day of that assessment: score, tier and limit side by side."""
    return beside(decide(facts, policy, CATALOGUE, like.context))


def beside(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    parts = [tables[name] for name in ("decision.risk_tier", "decision.credit_limit", "score.risk_score")]
    whole = pd.concat([part.drop(columns=["as_of", "run_id"]) for part in parts], axis=1)
    return whole.loc[:, ~whole.columns.duplicated()].astype("object")


def rank(tiers: pd.Series) -> pd.Series:
    """Ranks of tiers, 0 = best; no tier = no ceiling = 0, not_rated = -1."""
    return tiers.map(RANK).fillna(0).astype(int)


# ---------------------------------------------------------------- worse is never better

MORE = (
    "sanctions_confirmed sanctions_unreviewed fraud_confirmed insolvency_open dishonest_debtor_open serious_illegal_open"
    " own_suit_open abnormal_operation_open bill_overdue_open dishonoured_payments_6m enforcement_unknown_amount_count"
).split()
TRUE = "registry_struck_off insurance_claim_filed distressed_plan group_member_in_default".split()
FALSE = "parent_guarantee_valid identity_verified".split()
FELT = "score tier notched_tier limit_reporting unsecured_limit secured_amount computed_limit knockouts hold_reasons".split()
LESS = "tangible_net_worth revenue_annual bureau_recommended_limit avg_monthly_sales_12m avg_monthly_sales_3m".split()


def worsenings(facts: pd.DataFrame, other: pd.DataFrame, rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """By name: the columns of a kind of evidence made worse, everything else known as before.

    Factors by the catalogue's direction, categories by the points of the policy, to the worse of two values.
    """
    less = rng.integers(1, 20, len(facts)) * 3_000_00
    found: dict[str, dict[str, Any]] = {
        **{name: {name: facts[name] + 1} for name in MORE},
        **{name: {name: facts[name] | True} for name in TRUE},
        **{name: {name: facts[name] & False} for name in FALSE},
        **{name: {name: facts[name] - less} for name in LESS},
        "written off": {"uncollectible_written_off_12m": facts["uncollectible_written_off_12m"] + 600_00},
        "enforcement": {"enforcement_to_net_worth": facts["enforcement_to_net_worth"] + 0.06},
        "security": {
            name: facts[name].sub(less).clip(lower=0) for name in ("collateral_value_net", "collateral_value_net_group")
        },
        "group's limit": {"group_limit": (facts["group_limit"] - less // 2).clip(lower=0)},
        "exposure": {"total_exposure": facts["total_exposure"] + 60_000_00},
        "notch": {"notch_steps": facts["notch_steps"] - 1},
        "country": {
            "operating_list_status": facts["operating_list_status"].map(dict(zip(LISTS, (*LISTS[1:], LISTS[-1]), strict=True)))
        },
    }
    for factor in CATALOGUE.factors:
        rule = POLICY.scoring.get(factor.id)
        if rule is not None and (rule.values is not None or factor.direction != "none"):
            found[factor.id] = {factor.id: worse_of(facts[factor.id], other[factor.id], factor, rule)}
    return found


def test_worse_evidence_never_gives_a_better_tier_or_a_higher_limit(year: Year) -> None:
    """Whatever the customer was before, whatever people decided, and whether or not a review is due."""
    felt: set[str] = set()
    names: list[str] = []
    for number, now in enumerate(year):
        rng = np.random.default_rng(number)
        facts = now.facts.assign(
            group_limit=pd.Series(rng.integers(1, 60, ROWS) * 3_000_00, dtype="Int64").where(rng.random(ROWS) < 0.3)
        )
        kinds = worsenings(facts, customers(number + 500, ROWS), rng)
        names = list(kinds)
        seldom = [place for place, name in enumerate(names) if name not in POLICY.scoring]  # felt by few, so asked of more
        kind = rng.permutation(np.resize([*range(len(names)), *seldom * 2], ROWS))
        worse = facts.copy()
        for place, columns in enumerate(kinds.values()):
            for name, values in columns.items():
                worse[name] = worse[name].mask(pd.Series(kind == place), values.astype(worse[name].dtype))
        before, after = decided(facts, now), decided(worse, now)
        alike = (before["segment"] == after["segment"]) & (before["score"].isna() == after["score"].isna())
        alike &= before["tier"] != "not_rated"
        assert alike.mean() > 0.8
        uncovered = (before["secured_amount"] > 0) & (after["secured_amount"] == 0)  # without security no terms of an insurer
        got_better = {
            "score": after["score"] > before["score"],
            "model tier": rank(after["model_tier"]) < rank(before["model_tier"]),
            "tier": rank(after["tier"]) < rank(before["tier"]),
            "limit": after["limit_reporting"] > before["limit_reporting"],
            "limit in credit currency": after["credit_limit"] > before["credit_limit"],
            "computed limit": after["computed_limit"] > before["computed_limit"],
            "days": (after["payment_terms_days"] > before["payment_terms_days"]) & ~uncovered,
            "prepayment": after["prepayment_pct"] < before["prepayment_pct"],
            "hold": before["hold"].astype(bool) & ~after["hold"].astype(bool),
            "state": after["status"].map(STATE).lt(before["status"].map(STATE)),
        }
        for what, where in got_better.items():
            wrong = np.flatnonzero(where & alike)
            assert [(names[kind[at]], now.as_of, before["customer_id"][at]) for at in wrong] == [], f"a better {what}"
        changed = (before[FELT].fillna("") != after[FELT].fillna("")).any(axis=1)
        felt |= {names[each] for each in kind[(changed & alike).to_numpy(dtype=bool)]}
    assert sorted(set(names) - felt) == [], "never felt, which proves nothing"


# ---------------------------------------------------------------- a hard stop beats everything

STOPS: dict[str, dict[str, Any]] = {
    "KO01": {"sanctions_confirmed": 1},
    "KO03": {"insolvency_open": 1},
    "KO04": {"registry_struck_off": True},
    "KO05": {"distressed_plan": True},
    "KO07": {"dishonest_debtor_open": 1},
    "KO09": {"serious_illegal_open": 1},
    "KO16": {"operating_list_status": "call_for_action"},
    "KO20": {"fraud_confirmed": 1},
}


def test_a_hard_stop_beats_score_need_capacity_people_and_the_limit_before(year: Year) -> None:
    assert set(STOPS) == {rule.id for rule in POLICY.knockouts if rule.stops_limit}
    zero = [rule.id for rule in POLICY.knockouts if rule.limit == "zero"]
    names = list(STOPS)
    stopped, seen = pd.Series(np.arange(ROWS) % len(names)).map(names.__getitem__), set()
    for now in year:
        facts = now.facts.copy()
        for name, columns in STOPS.items():
            for column, value in columns.items():
                facts.loc[stopped == name, column] = value
        tables = decide(facts, POLICY, CATALOGUE, now.context)
        found = beside(tables)
        rows = found[found["tier"] != "not_rated"]
        assert (rows["tier"] == "restricted").all()
        assert rows["hold"].all()
        assert (rows["applied_source"] == "hard_stop").all()
        assert (rows["unsecured_limit"] == 0).all()
        assert (rows["limit_reporting"] <= rows["secured_amount"]).all()
        assert (rows.loc[stopped.isin(zero), ["limit_reporting", "credit_limit", "effective_limit"]] == 0).all(axis=None)
        assert (rows["effective_limit"] <= rows["secured_amount"]).all()
        nothing = rows[rows["limit_reporting"] == 0]
        assert (nothing[["payment_terms_days", "prepayment_pct"]] == [0, 100]).all(axis=None)
        assert all(rule in hits.split(",") for rule, hits in zip(stopped[rows.index], rows["knockouts"], strict=True))
        assert ~rows[["manual_limit_status", "temporary_limit_status"]].isin(["needs_authority"]).any(axis=None)
        seen |= set(rows.loc[rows["limit_reporting"] > 0, "manual_limit_status"].dropna())
        asked = tables["decision.treatment"]
        of_them = asked["customer_id"].isin(rows["customer_id"]) & (asked["state"] == "open")
        assert not asked["action"][of_them].isin(["raise_limit_offer", "honour"]).any()
    assert seen >= {"hard_stop"}


def test_an_unreviewed_sanctions_hit_holds_orders_and_changes_nothing_else(year: Year) -> None:
    for now in year:  # a limit for a time is not given on hold, so nobody has one here
        facts = now.facts.assign(sanctions_unreviewed=0, sanctions_confirmed=0, temporary_limit=None).astype(DTYPES)
        before, after = decided(facts, now), decided(facts.assign(sanctions_unreviewed=2), now)
        rated = before["tier"] != "not_rated"
        assert after.loc[rated, "hold"].all()
        added = [
            set(b.split(",")) - set(a.split(",")) for a, b in zip(before["hold_reasons"], after["hold_reasons"], strict=True)
        ]
        assert {reason for reasons in added for reason in reasons} == {"KO02"}
        told = {"hold", "hold_reasons", "knockouts"}
        same = [name for name in before if name not in told]
        alike = (before[same] == after[same]) | (before[same].isna() & after[same].isna())
        assert alike.columns[~alike.all()].tolist() == []


# ---------------------------------------------------------------- limits, tiers, people


METHODS = (
    "sales_balance requested tangible_net_worth_share turnover_share bureau_recommendation expected_loss tier_cap"
    " new_customer_cap collateral probation hard_stop group_cap raise_cap cut_cap dead_band carried_forward manual temporary"
).split()


def test_a_limit_is_never_negative_nor_above_a_cap(year: Year) -> None:
    """Of need, capacity and security, of the group, of moves, of people's authority and of approval."""
    seen: set[str] = set()
    for now in year:
        rng = np.random.default_rng(7)
        part = pd.Series(rng.integers(0, 40, ROWS) * 3_000_00, dtype="Int64").where(rng.random(ROWS) < 0.5)
        tables = decide(now.facts.assign(group_limit=part, group_limit_total=part), POLICY, CATALOGUE, now.context)
        found, ladder = (
            beside(tables),
            tables["decision.limit_candidate"].astype({"customer_id": "str", "method": "str", "kind": "str"}),
        )
        seen |= set(ladder["method"])
        rows = found[found["credit_limit"].notna()].set_index("customer_id")
        amounts = ladder.pivot_table(index="customer_id", columns="method", values="candidate_limit").reindex(
            rows.index, columns=METHODS
        )
        lowest = ladder.groupby(["customer_id", "kind"])["candidate_limit"].min().unstack().reindex(rows.index)
        of_group = pd.Series(part.to_numpy(dtype="float64", na_value=np.inf), index=now.facts["customer_id"])[rows.index]
        limit, computed = rows["limit_reporting"].astype(int), rows["computed_limit"].astype(int)
        before = pd.Series(now.facts["previous_effective_limit"].fillna(0).to_numpy(dtype=int), index=now.facts["customer_id"])[
            rows.index
        ]
        assert (computed >= 0).all()
        assert (limit >= 0).all()
        assert (rows["secured_amount"] <= amounts["collateral"].fillna(0)).all()
        assert (rows["unsecured_limit"] <= np.fmin(lowest["need"].fillna(0), lowest["capacity"])).all()
        assert (computed <= lowest["capacity"] + rows["secured_amount"]).all()
        assert (computed <= np.fmin(of_group, amounts["raise_cap"])).all()
        assert (limit <= of_group).all()
        kept = amounts[["cut_cap", "dead_band", "carried_forward"]].notna().any(axis=1)
        assert (computed[~kept] <= lowest["need"].fillna(0)[~kept]).all()
        by_hand = POLICY.limits.manual.max_share_of_computed * (1 + POLICY.limits.temporary.max_share_over)
        assert (limit <= computed * by_hand).all()
        assert (limit == computed)[amounts[["manual", "temporary"]].isna().all(axis=1)].all()
        assert ladder[ladder["is_binding"].astype(bool)].groupby("customer_id").size().max() == 1
        own = rows["credit_limit"].astype(float) * rows["fx_rate_used"].astype(float) / 1e10  # back in reporting currency
        assert (own <= limit + 1e-3).all()
        waits = rows["approval_status"].isin([APPROVALS[1], APPROVALS[3]])
        assert (rows["effective_limit"] <= np.maximum(before, limit)).all()
        assert (rows["effective_limit"][waits] <= before[waits]).all()
        assert rows["required_authority"][waits].notna().all()
    every = "sales_balance requested tangible_net_worth_share turnover_share bureau_recommendation expected_loss tier_cap"
    steps = (
        "new_customer_cap collateral probation hard_stop group_cap raise_cap cut_cap dead_band carried_forward manual temporary"
    )
    assert seen == {*every.split(), *steps.split()}


def most(role: str, tier: str) -> float:
    """What a role may approve in a tier, in minor units."""
    level = next((level for level in POLICY.authorities.levels if level.role == role), None)
    amount = level.up_to.get(tier) if level else None
    return 0.0 if level is None else float("inf") if amount is None else minor_units(amount)


def test_people_never_reach_beyond_their_authority(year: Year) -> None:
    """The same customers with and without what people said of some: nobody else's, and not more than they may grant."""
    effective: set[str] = set()
    for now in year:
        plain, found = decided(now.facts.assign(**dict.fromkeys(PEOPLE)).astype(DTYPES), now), beside(now.tables)
        told = now.facts[list(PEOPLE)].notna().any(axis=1)
        people = [name for name in plain if "override" not in name and "limit_status" not in name]
        assert (plain.loc[~told, people].fillna("") == found.loc[~told, people].fillna("")).all(axis=None)
        rated = found["tier"] != "not_rated"
        assert (rank(found["notched_tier"]) >= rank(found["hysteresis_tier"]) - POLICY.notches.max_up)[rated].all()
        unlifted = rated & (now.facts["notch_steps"].fillna(0) <= 0)
        assert (found["computed_limit"] <= plain["computed_limit"])[unlifted].all()
        limit, computed = found["limit_reporting"], found["computed_limit"]
        granted = np.full(ROWS, 0.0)
        for name in PEOPLE[1:]:
            amount, role = now.facts[name].to_numpy(dtype=float, na_value=0.0), now.facts[f"{name}_role"]
            within = np.array([most(each, tier) for each, tier in zip(role, found["tier"], strict=True)])
            granted = np.maximum(granted, np.where(amount <= within, amount, 0.0))
        raised = rated & (limit > computed)
        assert (limit[raised] <= granted[raised]).all()
        assert (found["applied_source"][raised] == "manual").all()
        effective |= set(found["applied_source"][raised]) | set(found["notch_status"].dropna())
    assert effective == {"manual", "in_force", "not_effective"}


def test_the_final_tier_is_the_worst_of_notch_and_ceilings(year: Year) -> None:
    ceilings = {segment.id: segment.ceiling for segment in POLICY.segments}
    of_state = {name: means.ceiling for name, means in POLICY.exit.by_status}
    seen: set[str] = set()
    for now in year:
        found = beside(now.tables)
        rows = found[(found["tier"] != "not_rated") & (found["binding_rule"] != "one_time_account")]
        probation = rows["cure_ceiling"].where(rows["status"] == "probation")
        bounds = [
            rows["notched_tier"],
            rows["knockout_ceiling"],
            rows["segment"].map(ceilings),
            rows["status"].map(of_state),
            probation,
        ]
        worst = np.max([rank(each) for each in bounds], axis=0)
        assert (rank(rows["tier"]) == worst).all()
        by_score = rows["binding_rule"].isin(["score"])
        assert (rank(rows["tier"]) == rank(rows["model_tier"]))[by_score].all()
        seen |= set(rows["binding_rule"])
    assert seen >= {"score", "KO05", "KO06", "notch_up", "notch_down", "state_ceiling", "hysteresis_buffer", "unrated_coverage"}


# ---------------------------------------------------------------- scale, order, company


def _money(name: str) -> bool:
    source = PREVIOUS_COLUMNS.get(name)
    if source is not None:
        return table(source[0]).column(source[1]).kind is Kind.MONEY
    columns = [table(each).column(name) for each in FACT_TABLES if name in table(each)]
    return any(column.kind is Kind.MONEY for column in columns) or name in ("group_limit", "group_limit_total")


HUNDREDTHS = {
    "unsecured_limit": 1,
    "candidate_limit": 20,
    "credit_limit": 1,
}  # as many are cut off, of a larger amount k times less
TELLS_AMOUNTS = {"inputs", "value_text", "threshold_text", "as_of", "run_id", "policy_version"}


@settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
@given(k=st.sampled_from([2, 10, 1000]), data=st.data())
def test_all_money_times_k_is_every_limit_times_k_and_nothing_else(year: Year, k: int, data: st.DataObject) -> None:
    """Facts and policy in another unit of money, rounding steps and amounts in conditions too."""
    now = year[data.draw(st.integers(0, len(year) - 1))]
    larger = {name: now.facts[name] * k for name in now.facts if _money(name)}
    assert len(larger) > 30
    found = decide(now.facts.assign(**larger), scaled(POLICY, k), CATALOGUE, now.context)
    whole = decide(now.facts, POLICY, CATALOGUE, now.context)
    for name, expected in whole.items():
        assert len(found[name]) == len(expected), name
        for column in table(name).columns:
            if column.name in TELLS_AMOUNTS:
                continue
            one, other = (each[column.name].astype("object").reset_index(drop=True) for each in (expected, found[name]))
            if column.kind is Kind.MONEY:
                rest = (other - one * k).fillna(0)
                cut = HUNDREDTHS.get(column.name, 0)
                assert rest.between(-min(cut, 1), k * cut).all(), (name, column.name)
            else:
                assert ((one == other) | (one.isna() & other.isna())).all(), (name, column.name)


@settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
@given(order=st.randoms(use_true_random=False), cut=st.integers(1, ROWS - 1), data=st.data())
def test_neither_order_nor_company_changes_a_bit(year: Year, order: Any, cut: int, data: st.DataObject) -> None:
    """Customers do not influence each other but by declared facts of group and portfolio: any part, in any order, alone."""
    now = year[data.draw(st.integers(0, len(year) - 1))]
    shuffled = list(range(ROWS))
    order.shuffle(shuffled)
    parts = [decide(now.facts.iloc[places], POLICY, CATALOGUE, now.context) for places in (shuffled[:cut], shuffled[cut:])]
    for name, expected in now.tables.items():
        keys = list(table(name).key)
        stored = [frame_to_arrow(table(name), part[name]).to_pandas() for part in parts]
        again = pd.concat(stored).sort_values(keys).reset_index(drop=True)
        whole = frame_to_arrow(table(name), expected).to_pandas().sort_values(keys).reset_index(drop=True)
        pd.testing.assert_frame_equal(again, whole, check_exact=True)


# ---------------------------------------------------------------- groups


@settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
@given(sizes=st.lists(st.integers(2, 12), min_size=40, max_size=60), data=st.data())
def test_members_together_stay_within_the_cap_of_their_group(year: Year, sizes: list[int], data: st.DataObject) -> None:
    """Groups of random shape, with ring-fenced members, limits by hand and security; parents within and without the portfolio."""
    now = year[data.draw(st.integers(0, len(year) - 1))]
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    places = np.repeat(np.arange(len(sizes)), sizes)[:ROWS]
    keys = pd.Series([f"G{place}" for place in places], dtype="str").reindex(range(ROWS))
    parents = {key: rng.choice([*now.facts["customer_id"][keys == key], "NOBODY"]) for key in keys.dropna().unique()}
    facts = now.facts.assign(group_key=keys, group_parent_id=keys.map(parents).astype("str"), group_member_in_default=None)
    facts = facts.astype({"group_member_in_default": "boolean"})
    inside = facts[keys.notna()]

    def again(hit: pd.DataFrame) -> pd.DataFrame:
        return alone(
            inside[inside["customer_id"].isin(hit["customer_id"])].assign(group_member_in_default=True),
            POLICY,
            CATALOGUE,
            now.context,
        )

    told = group_facts(alone(inside, POLICY, CATALOGUE, now.context), again, POLICY).set_index("customer_id")
    for name in ("group_member_in_default", "group_limit", "group_limit_total"):
        facts[name] = facts["customer_id"].map(told[name]).astype(facts[name].dtype)
    found = decided(facts, now).assign(
        group=keys, parent=facts["group_parent_id"], fenced=facts["ring_fenced"].fillna(False).astype(bool)
    )
    own = np.minimum(facts["collateral_value_net_group"].fillna(0).astype(int), found["secured_amount"].fillna(0).astype(int))
    caps = {tier: minor_units(amount) for tier, amount in POLICY.limits.capacity.tier_cap[POLICY.limits.group.caps_of].items()}
    bound = 0
    for _, group in found[keys.notna()].groupby("group"):
        members = group[~group["fenced"]]
        parent = group.loc[group["customer_id"] == group["parent"], "tier"]
        capped = [tier for tier in group["tier"] if tier in POLICY.tier_ids and caps[tier] > 0]
        if len(parent) and parent.iloc[0] in POLICY.tier_ids:
            cap = caps[parent.iloc[0]]
        else:  # the worst member with a cap of its own; of unrated ones theirs
            cap = min((caps[tier] for tier in capped), default=caps["unrated"] if "unrated" in set(group["tier"]) else 0)
        together = members["limit_reporting"].fillna(0).sum()
        assert together <= cap + own[members.index].sum(), group["group"].iloc[0]
        bound += together > 0.9 * cap > 0
        bad = group["in_default"].astype(bool)
        reached = ~group["fenced"] & (bad.sum() - bad > 0) & (group["tier"] != "not_rated")
        assert (rank(group["tier"]) >= RANK["high"])[reached].all()
        assert facts.loc[group.index, "group_limit"].isna()[group["fenced"]].all()
    assert bound > 0
    unconcerned = keys.isna()
    before = beside(decide(now.facts.assign(group_member_in_default=None).astype(DTYPES), POLICY, CATALOGUE, now.context))
    assert (found.loc[unconcerned, before.columns].fillna("") == before[unconcerned].fillna("")).all(axis=None)


# ---------------------------------------------------------------- from one assessment to the next

RARE = {"terminated_probation"}  # takes a year
AWAY = ["suspended", "exit_proposed", "terminated"]


def steps(year: Year, name: str, key: str) -> list[tuple[Assessed, Assessed, pd.DataFrame]]:
    """Each assessment and the one before, with the rows of a table of both side by side (`_was`), by key."""
    found = []
    for past, now in pairwise(year):
        one, other = (each.tables[name].astype("object") for each in (past, now))
        found.append((past, now, one.merge(other, on=key, how="outer", suffixes=("_was", ""))))
    return found


def test_a_downgrade_is_never_delayed_and_an_upgrade_is_one_step_at_a_month_end(year: Year) -> None:
    moved = 0
    for _, now, rows in steps(year, "decision.risk_tier", "customer_id"):
        rows = rows[(rows["tier"] != "not_rated") & ~rows["binding_rule"].isin(["one_time_account"])]
        was, model, kept = (rank(rows[name]) for name in ("hysteresis_tier_was", "model_tier", "hysteresis_tier"))
        assert (kept >= model).all()
        down = model > was
        assert (kept == model)[down].all()
        assert (rows.loc[down, "last_downgrade_on"] == pd.Timestamp(now.as_of)).all()
        rated = ~rows["hysteresis_tier_was"].isin(["unrated"])
        assert (kept >= was - 1)[rated].all()
        up = kept < was
        assert is_month_end(now.as_of) or not up.any()
        since = (pd.Timestamp(now.as_of) - pd.to_datetime(rows["last_downgrade_on_was"])).dt.days
        assert (since[up & rated].dropna() >= POLICY.hysteresis.cooldown_days_after_downgrade).all()
        worse = rank(rows["tier"]) > rank(rows["tier_was"])
        assert (rows["direction"][worse & (rows["tier_was"] != "not_rated")] == "down").all()
        moved += int(up.sum())
    assert moved > 0


def test_customers_take_only_declared_edges_and_states_mean_what_they_say(year: Year) -> None:
    edges = {edge.id: edge for edge in POLICY.exit.edges}
    seen: set[str] = set()
    for _, now, rows in steps(year, "decision.risk_tier", "customer_id"):
        limit = (
            now.tables["decision.credit_limit"].set_index("customer_id").loc[rows["customer_id"]].astype("object").reset_index()
        )
        facts = now.facts.set_index("customer_id").loc[rows["customer_id"]].reset_index()
        has_state = rows["tier"] != "not_rated"
        assert (rows["status"].notna() == has_state).all()
        moved = has_state & (rows["status"] != rows["status_was"])
        taken = rows[moved]
        edge = taken["status_rule"].map(edges)
        assert (edge.map(lambda each: each.source) == taken["status_was"]).all()
        assert (edge.map(lambda each: each.to) == taken["status"]).all()
        assert (taken["status_before"] == taken["status_was"]).all()
        assert (taken["status_since"] == pd.Timestamp(now.as_of)).all()
        stayed = rows[has_state & ~moved]
        again = stayed["status_since"] != stayed["status_since_was"]  # through another state and back is no edge of one run
        assert not again.any()
        said = facts[moved & rows["status_rule"].map(lambda name: name in edges and edges[name].by != SYSTEM)]
        roles = {name: POLICY.authorities.at_least((each.by,)) for name, each in edges.items() if each.by != SYSTEM}
        for place, name in taken.loc[said.index, "status_rule"].items():
            approved = said["state_decision"][place] == edges[name].to and said["state_decision_role"][place] in roles[name]
            rejected = edges[name].verdict == "rejected" and said["state_rejected_role"][place] in roles[name]
            assert approved or rejected, name
        away = rows["status"].isin(AWAY)
        assert (rows["tier"][away] == "restricted").all()
        assert limit["hold"][away].all()
        assert (limit["limit_reporting"] <= limit["secured_amount"])[away].all()
        assert (limit["limit_reporting"][rows["status"] == "terminated"] == 0).all()
        seen |= set(taken["status_rule"])
    assert seen >= {edge.id for edge in POLICY.exit.edges} - RARE


def test_early_warnings_go_only_where_they_may(year: Year) -> None:
    """open, acknowledged, snoozed, closed: nothing vanishes untold, and closed is closed until it begins anew."""
    ways: set[tuple[str, str]] = set()
    for _, now, rows in steps(year, "decision.alert", "alert_id"):
        today = pd.Timestamp(now.as_of)
        gone, new = rows["state"].isna(), rows["state_was"].isna()
        assert (rows["state_was"][gone] == "closed").all()
        assert (rows["first_seen"][new] == today).all()
        assert (rows["state"][new] == "open").all()
        goes_on = rows[~gone & ~new]
        begun = goes_on["first_seen"] != goes_on["first_seen_was"]
        assert (goes_on["first_seen"][begun] == today).all()
        assert (goes_on["last_seen"][begun] == today).all()
        same = goes_on[~begun]
        assert (same["last_seen"] >= same["last_seen_was"]).all()
        acts = now.context.alerts.actions.set_index("alert_id").reindex(same["alert_id"]).reset_index()  # type: ignore[union-attr]
        counts = (pd.to_datetime(acts["acted_on"]) >= pd.to_datetime(same["first_seen"]).reset_index(drop=True)).to_numpy()
        closes = counts & (acts["alert_action"] == "close").to_numpy() & acts["reason_text"].notna().to_numpy()
        assert (same["state"][closes] == "closed").all()
        holds = (same["last_seen"] == today).to_numpy()
        assert (same["state"][holds & ~counts] == "open").all()
        assert (same["state"][holds & ~closes] != "closed").all()
        asleep = rows["state"] == "snoozed"
        assert (rows["severity"][asleep] != "critical").all()
        assert (rows["due_date"][asleep] >= today).all()
        assert rows["escalated_to"][rows["state"].isin(["snoozed", "closed"])].isna().all()
        ways |= set(zip(same["state_was"], same["state"], strict=True))
    assert ways >= {("open", state) for state in ("open", "acknowledged", "snoozed", "closed")}
    assert ways >= {("acknowledged", "closed"), ("snoozed", "open"), ("snoozed", "closed"), ("closed", "closed")}


def test_treatments_go_only_where_they_may_and_never_contradict_each_other(year: Year) -> None:
    """open, done, waived, superseded: what was open does not vanish, and nothing is done that nobody said."""
    ways: set[tuple[str, str]] = set()
    for _, now, rows in steps(year, "decision.treatment", "treatment_id"):
        today = pd.Timestamp(now.as_of)
        gone, new = rows["state"].isna(), rows["state_was"].isna()
        assert not (rows["state_was"][gone] == "open").any()
        assert (rows["state"][new] == "open").all()
        superseded = rows["state"] == "superseded"
        assert (rows["state_was"][superseded] == "open").all()
        met = rows["state"].isin(["done", "waived"])
        assert rows["acted_by"][met].notna().all()
        assert (rows["acted_on"][met] >= rows["first_seen"][met]).all()
        assert rows["acted_by"][rows["state"] == "open"].isna().all()
        back = (rows["state"] == "open") & rows["state_was"].isin(["superseded"])
        assert (rows["first_seen"][back] <= today).all()
        asked = rows[rows["state"] == "open"].groupby("customer_id")["action"].agg(set)
        for stays, goes in POLICY.contradictions:
            assert not asked.map(lambda actions, pair={stays, goes}: pair <= actions).any(), (stays, goes)
        ways |= set(zip(rows["state_was"][~gone & ~new], rows["state"][~gone & ~new], strict=True))
    assert ways >= {("open", state) for state in ("open", "done", "waived", "superseded")} | {
        ("done", "done"),
        ("waived", "waived"),
    }


def test_moves_and_periods_count_calendar_months_however_many_runs(year: Year) -> None:
    ends = pd.date_range(year[0].as_of, year[-1].as_of, freq="ME")
    caps = POLICY.limits.move_caps
    for past, now, rows in steps(year, "decision.risk_tier", "customer_id"):
        passed = sum(past.as_of < end.date() <= now.as_of for end in ends)
        same = (rows["tier"] == rows["tier_was"]) & (rows["tier"] != "not_rated")
        assert (rows["periods_in_tier"] == rows["periods_in_tier_was"] + passed)[same].all()
        first = int(is_month_end(now.as_of))
        assert (rows["periods_in_tier"][~same & (rows["tier"] != "not_rated")] == first).all()
    for past, now, rows in steps(year, "decision.credit_limit", "customer_id"):
        start, handed_on, computed, before = (
            rows[name].astype("Int64").astype("float64")
            for name in ("period_start_limit", "period_start_limit_was", "computed_limit", "computed_limit_was")
        )
        same_month = (past.as_of.year, past.as_of.month) == (now.as_of.year, now.as_of.month)
        expected = handed_on.where(handed_on > 0, before) if same_month else before
        assert (start == expected)[start.notna()].all()
        highest = np.maximum(start * (1 + caps.raise_share_per_period), start + minor_units(caps.raise_abs_free))
        assert (computed <= highest)[start > 0].all()
