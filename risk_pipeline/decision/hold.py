"""Utilisation and hold: is the limit used up, and must new orders stop.

Put here: utilisation and the hold of knock-outs and hold rules. Keep out: the rules (policy `hold`), and releasing a hold.
"""

from __future__ import annotations

import numpy as np

from risk_pipeline.decision.knockouts import Knocked
from risk_pipeline.policy.facts import Bools, Facts, Ints, Vector
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.scopes import condition

USED_WITHOUT_LIMIT = 9.99  # utilisation when there is exposure and no limit: larger than any threshold, yet a number


def utilisation(limit: Ints, exposure: Ints, has_limit: Bools) -> Vector:
    """total_exposure / credit_limit; 9.99 when the limit is 0 and exposure > 0; not known when both are 0 or not_rated."""
    ratio = np.where(limit > 0, exposure / np.where(limit > 0, limit, 1), USED_WITHOUT_LIMIT)
    return Vector(ratio, has_limit & ((limit > 0) | (exposure > 0)))


def hold_hits(facts: Facts, knocked: Knocked, policy: Policy, exempt: Bools) -> Bools:
    """Customers x (knock-outs with hold, then hold rules): which demand a hold.

    `facts` hold in_default, tier, limit_reporting, utilisation.
    """
    by_knockout = knocked.hits & np.array([k.hold for k in policy.knockouts], dtype=bool)[None, :]
    by_rule = np.zeros((len(facts), len(policy.hold)), dtype=bool)
    for position, rule in enumerate(policy.hold):
        by_rule[:, position] = condition(rule.when, "limit").met(facts) & ~exempt
    return np.hstack([by_knockout, by_rule])


def hold_ids(policy: Policy) -> list[str]:
    """Names of the columns of hold_hits."""
    return [*(k.id for k in policy.knockouts), *(h.id for h in policy.hold)]
