"""Who must approve a limit, and which limit is in force until then.

Put here: approval status, required authority, effective limit. Keep out: the levels (policy `authorities`), recording an approval
(pipeline), the limit itself (limits.py). The total limit decides the level, not the change; cuts need nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.limit_candidates import Customers
from risk_pipeline.decision.limits import SOURCES, Limits
from risk_pipeline.policy.facts import Bools, Facts, Ints, Text
from risk_pipeline.policy.model import Policy, minor_units

STATUSES = ("auto", "pending", "approved", "rejected")
NO_BOUND = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Approval:
    """`status`: position in STATUSES. `required`: position of the level in policy.authorities.levels, -1 where auto."""

    status: NDArray[np.int8]
    required: NDArray[np.int8]
    effective: Ints


def may_grant(facts: Facts, granted: str, customers: Customers, policy: Policy) -> Bools:
    """Whether the role in column `<granted>_role` may approve the amount in column `granted` in the customer's tier."""
    amount = facts.integers(granted)
    return _within(amount.values, facts.text(f"{granted}_role"), customers, policy) & amount.known


def _within(amount: Ints, role: Text, customers: Customers, policy: Policy) -> Bools:
    allowed = np.zeros(len(amount), dtype=bool)
    for level, most in zip(policy.authorities.levels, _bounds(customers, policy), strict=True):
        allowed |= role.is_in((level.role,)) & (amount <= most)
    return allowed


def approve(facts: Facts, customers: Customers, limits: Limits, adverse: Bools, policy: Policy) -> Approval:
    """The approval of every limit; `adverse`: a worse decision about a natural person, which a person reviews first.

    Auto: nothing is raised over what is in force, or the limit is within the automatic authority of its tier and no notch up is
    behind it. What was in force by hand or for a time alone is no reason for an automatic raise. An approval counts as far as its
    role goes in the tier of today, a rejection from its amount on. Facts read: previous_effective_limit, previous_computed_limit,
    limit_approved, limit_rejected with their role and amount, notch_steps, group_limit_total (what the members of its group get
    together decides the level).
    """
    before, computed = facts.integers("previous_effective_limit"), facts.integers("previous_computed_limit")
    approved, notch = facts.integers("limit_approved"), facts.integers("notch_steps")
    in_force = np.where(before.known, before.values, 0)
    in_force = np.where(computed.known, np.minimum(in_force, computed.values), in_force)
    total = facts.integers("group_limit_total")
    amount = np.maximum(limits.limit, np.where(total.known, total.values, 0))
    automatic = policy.authorities.auto
    auto_up_to = np.array([minor_units(automatic[t]) if t in automatic else 0 for t in customers.tier_names], dtype=np.int64)
    by_people = limits.source == SOURCES.index("manual")  # approved when it was granted
    lifted = notch.known & (notch.values > 0)
    auto = ((limits.limit <= in_force) | ((amount <= auto_up_to[customers.tier]) & ~lifted)) & ~adverse
    covered = approved.known & (limits.limit <= approved.values)
    yes = by_people | (covered & _within(amount, facts.text("limit_approved_role"), customers, policy))
    rejected, rejected_from = facts.flags("limit_rejected"), facts.integers("limit_rejected_from")
    no = rejected.known & rejected.values & (~rejected_from.known | (limits.limit >= rejected_from.values))
    status = np.select([yes, auto, no], [2, 0, 3], default=1).astype(np.int8)
    enough = np.stack([amount <= most for most in _bounds(customers, policy)])
    required = np.where(enough.any(axis=0), enough.argmax(axis=0), len(enough) - 1)
    reviewed_first = adverse & (limits.source != SOURCES.index("hard_stop"))  # a stop does not wait for anybody
    stands = (status == STATUSES.index("auto")) | (status == STATUSES.index("approved"))
    return Approval(
        status=status,
        required=np.where(stands & ~by_people, -1, required).astype(np.int8),
        effective=np.where(stands, limits.limit, np.where(reviewed_first, in_force, np.minimum(in_force, limits.limit))),
    )


def _bounds(customers: Customers, policy: Policy) -> list[Ints]:
    """Per level, how much it may approve in each customer's tier; a tier without an entry, nothing; null, any amount."""

    def most(up_to: Mapping[str, Decimal | None], tier: str) -> int:
        amount = up_to.get(tier, Decimal(0))
        return NO_BOUND if amount is None else minor_units(amount)

    levels = [[most(level.up_to, tier) for tier in customers.tier_names] for level in policy.authorities.levels]
    return [np.array(level, dtype=np.int64)[customers.tier] for level in levels]
