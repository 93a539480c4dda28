"""Groups: what members may have together, and whose default reaches whom.

Put here: the outcome of members on their own, contagion, the group's limit and its division. Keep out: who belongs to which group
(factors/group_state.sql), the limit of a member (limits.py), the order of the passes (pipeline/group_passes.py).

A group's limit is the tier cap of the parent's tier, in the class the policy names. Where the parent is no customer with a tier
by score, the worst member with a cap of its own takes its place: whoever has none reaches the others by KO21, not by the cap.
Security of others stays with the member that brought it; the cap divides the rest, in proportion to what each member would get
alone. A guarantee of the own group adds nothing to the group's limit. Ring-fenced members stand outside both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from risk_pipeline.decision.assign import assign
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.decide import decide_scored, prepare, score_customers
from risk_pipeline.decision.tables import Decided
from risk_pipeline.decision.tier_codes import tier_names
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.facts import Bools
from risk_pipeline.policy.model import UNRATED, Policy, minor_units

LIMITS = ("group_limit", "group_limit_total")


def alone(facts: pd.DataFrame, policy: Policy, catalogue: Catalogue, context: DecisionContext) -> pd.DataFrame:
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
            "customer_id": view.frame["customer_id"].astype("str"),
            "group_key": view.frame["group_key"].astype("str"),
            "group_parent_id": view.frame["group_parent_id"].astype("str"),
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
    what members brought; ring-fenced members have no row.
    """
    rows: list[tuple[str, int, int]] = []
    for _, group in members.groupby("group_key", sort=True):
        cap = _cap(group, policy)
        inside = group[~group["ring_fenced"]]
        limits, brought = ([int(amount) for amount in inside[name]] for name in ("alone", "brought"))
        parts = _parts(cap, limits, brought)
        total = min(sum(limits), cap + sum(brought))
        rows += [(customer, part, total) for customer, part in zip(inside["customer_id"], parts, strict=True)]
    return pd.DataFrame(rows, columns=["customer_id", *LIMITS])


def _parts(cap: int, limits: Sequence[int], brought: Sequence[int]) -> list[int]:
    rest = [limit - own for limit, own in zip(limits, brought, strict=True)]
    whole = sum(rest)
    return [own + (cap * each // whole if whole else 0) for each, own in zip(rest, brought, strict=True)]


def _cap(group: pd.DataFrame, policy: Policy) -> int:
    """The cap of one group: by its parent, or by the worst member that has a cap."""
    caps = {tier: minor_units(amount) for tier, amount in policy.limits.capacity.tier_cap[policy.limits.group.caps_of].items()}
    parent = group.loc[group["customer_id"] == group["group_parent_id"], "tier"]
    if len(parent) and parent.iloc[0] in policy.tier_ids:
        return caps.get(parent.iloc[0], 0)
    tiers = set(group["tier"])
    rated = [tier for tier in policy.tier_ids if tier in tiers]
    capped = [tier for tier in rated if caps.get(tier, 0) > 0]
    tier = capped[-1] if capped else UNRATED if UNRATED in tiers else rated[-1] if rated else policy.tier_ids[-1]
    return caps.get(tier, 0)
