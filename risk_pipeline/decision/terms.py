"""Payment terms: days, settlement cycle and prepayment by class and tier.

Put here: the table look-up and what overrides it. Keep out: the table (policy `terms`). A limit of 0 forces prepayment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk_pipeline.decision.frames import Categorical, categorical
from risk_pipeline.decision.limit_candidates import Customers
from risk_pipeline.policy.facts import Bools, Ints
from risk_pipeline.policy.model import Policy

CYCLES = ("monthly_statement", "per_invoice", "prepayment")
PREPAYMENT = (0, "prepayment", 100)


@dataclass(frozen=True)
class TermsGiven:
    """Days, cycle and prepayment in percent."""

    days: Ints
    cycle: Categorical
    prepayment_pct: Ints


def days_of_tier(customers: Customers, policy: Policy) -> Ints:
    """payment_terms_days of the tier and class, before any override: what the need is computed with."""
    return _table(customers, policy, 0)


def decide_terms(customers: Customers, limit: Ints, forced: Bools, policy: Policy) -> TermsGiven:
    """Terms of the tier; prepayment where the limit is 0 or `forced`. NULL without a limit of ours (not_rated)."""
    prepay = (limit == 0) | forced
    cycle = np.where(prepay, CYCLES.index("prepayment"), _table(customers, policy, 1))
    return TermsGiven(
        days=np.where(prepay, PREPAYMENT[0], _table(customers, policy, 0)),
        cycle=categorical(np.where(customers.has_limit, cycle, -1).astype(np.int8), CYCLES),
        prepayment_pct=np.where(prepay, PREPAYMENT[2], _table(customers, policy, 2)),
    )


def _table(customers: Customers, policy: Policy, part: int) -> Ints:
    def cell(customer_class: str, tier: str) -> int:
        value = policy.terms[customer_class].get(tier, PREPAYMENT)[part]  # not_rated has no entry; masked by has_limit
        return CYCLES.index(value) if isinstance(value, str) else value

    cells = [[cell(c, t) for t in customers.tier_names] for c in customers.classes]
    return np.array(cells, dtype=np.int64)[customers.customer_class, customers.tier]
