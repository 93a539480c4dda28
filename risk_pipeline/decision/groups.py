"""Groups: what members may have together, and whose default reaches whom.

Put here: the outcome of members on their own, contagion, the group's limit and its division. Keep out: who belongs to which group
(factors/group_state.sql), the limit of a member (limits.py), the order of the passes (pipeline/group_passes.py).

A group's limit is the tier cap of the parent's tier, in the class the policy names. Where the parent is no customer with a tier
by score, the worst member with a cap of its own takes its place: whoever has none reaches the others by KO21, not by the cap.
Security of others stays with the member that brought it; the cap divides the rest, in proportion to what each member would get
alone. A guarantee of the own group adds nothing to the group's limit. Ring-fenced members stand outside both.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from risk_pipeline.decision.assign import assign
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.decide import decide_scored, prepare, score_customers
from risk_pipeline.decision.tables import Decided
from risk_pipeline.decision.tier_codes import tier_names
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.facts import Bools, Ints
from risk_pipeline.policy.model import UNRATED, Policy, minor_units

LIMITS = ("group_limit", "group_limit_total")


def alone(facts: pa.Table, policy: Policy, catalogue: Catalogue, context: DecisionContext) -> pd.DataFrame:
    """What becomes of members decided on their own, as of_decided says."""
    view = prepare(facts, policy, context)
    assigned = assign(view, policy, context.as_of)
    scored = score_customers(view, policy, catalogue, context, assigned)
    return of_decided(decide_scored(view, policy, catalogue, context, assigned, scored), policy)


def of_decided(decided: Decided, policy: Policy) -> pd.DataFrame:
    """What the group has to know of each member, one row each. Money in minor units.

    Columns: customer_id, group_key, group_parent_id, ring_fenced, tier, in_default, alone (the limit before the group's), brought
    (what of it rests on security of others than the group).
    """
    view, limit = decided.facts, decided.limits.alone
    outside = view.integers("collateral_value_net_group")
    fenced = view.flags("ring_fenced")
    return pd.DataFrame(
        {
            "customer_id": view.series("customer_id").astype("str"),
            "group_key": view.series("group_key").astype("str"),
            "group_parent_id": view.series("group_parent_id").astype("str"),
            "ring_fenced": fenced.known & fenced.values,
            "tier": np.array(tier_names(policy), dtype=object)[decided.tiers.final],
            "in_default": decided.default.in_default,
            "alone": limit,
            "brought": np.minimum(np.where(outside.known, np.minimum(outside.values, decided.limits.secured), 0), limit),
        }
    )


def group_facts(members: pd.DataFrame, again: Callable[[pd.DataFrame], pd.DataFrame], policy: Policy) -> pd.DataFrame:
    """The facts of members that come from their groups: group_member_in_default and LIMITS beside the columns of `members`.

    `members`: each on its own. `again`: decides those anew that another member's default reaches, from their rows.
    """
    members = members.assign(group_member_in_default=reached(members))
    hit = members["group_member_in_default"]
    if hit.any():
        anew = again(members[hit]).assign(group_member_in_default=True)
        members = pd.concat([members[~hit], anew], ignore_index=True)
    return members.merge(divide(members, policy), on="customer_id", how="left")


def reached(members: pd.DataFrame) -> Bools:
    """Whether another member of the group is in default and the customer is not ring-fenced."""
    bad = members["in_default"].astype("int64")
    others = bad.groupby(members["group_key"]).transform("sum") - bad
    return np.asarray((others > 0) & ~members["ring_fenced"])


def divide(members: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The group's limit and each member's part: customer_id, group_limit, group_limit_total, in minor units.

    group_limit_total: what the members get together, which decides who must approve. Parts never add up to more than the cap and
    what members brought; ring-fenced members have no row. The order of the rows makes no difference to anybody's part.
    """
    group, keys = pd.factorize(members["group_key"])
    inside = np.flatnonzero(~members["ring_fenced"].to_numpy(dtype=bool))
    of = group[inside]
    limit, brought = (members[name].to_numpy(dtype=np.int64)[inside] for name in ("alone", "brought"))
    cap = _caps(members, group, len(keys), policy)
    limits, own, rest = (_sums(of, amount, len(keys)) for amount in (limit, brought, limit - brought))
    # As Python integers: the product of two amounts is more than int64 holds. Nobody gets a part of what nobody asks for.
    share = cap[of].astype(object) * (limit - brought).astype(object) // np.maximum(rest, 1)[of].astype(object)
    return pd.DataFrame(
        {
            "customer_id": members["customer_id"].iloc[inside].reset_index(drop=True),
            "group_limit": brought + share.astype(np.int64),
            "group_limit_total": np.minimum(limits, cap + own)[of],
        }
    )


def _caps(members: pd.DataFrame, group: NDArray[np.intp], groups: int, policy: Policy) -> Ints:
    """The cap of each group: by its parent, or by the worst member that has a cap, or by unrated, or by the worst tier."""
    of_class = policy.limits.capacity.tier_cap[policy.limits.group.caps_of]
    caps = np.array([minor_units(of_class.get(tier, Decimal(0))) for tier in (*policy.tier_ids, UNRATED)], dtype=np.int64)
    place = pd.Index(policy.rated_and_unrated).get_indexer(pd.Index(members["tier"]))  # -1 = not_rated
    rated = (place >= 0) & (place < len(policy.tier_ids))

    def worst(which: Bools) -> Ints:
        found = np.full(groups, -1, dtype=np.int64)
        np.maximum.at(found, group[which], place[which])
        return found

    parent = worst(rated & (members["customer_id"] == members["group_parent_id"]).to_numpy(dtype=bool))
    capped, unrated, member = worst(rated & (caps[place] > 0)), worst(place == len(policy.tier_ids)), worst(rated)
    nobody = np.full(groups, len(policy.tier_ids) - 1, dtype=np.int64)
    tier = np.select([parent >= 0, capped >= 0, unrated >= 0, member >= 0], [parent, capped, unrated, member], default=nobody)
    return np.asarray(caps[tier])


def _sums(group: NDArray[np.intp], amount: Ints, groups: int) -> Ints:
    """The sum of each group, exactly."""
    found = np.zeros(groups, dtype=np.int64)
    np.add.at(found, group, amount)
    return found
