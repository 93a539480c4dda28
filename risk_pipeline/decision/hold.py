"""Utilisation and hold: is the limit used up, must new orders stop, and did people release the hold.

Put here: utilisation, the hold of knock-outs and hold rules, and what a release does to it. Keep out: the rules (policy `hold`,
`hold_release`), which release is in force (factors/people_decision.sql).
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Hold:
    """`hits`: customers x hold_ids, which demand a hold. `on`: orders stop. `never`: one of them is never released."""

    hits: Bools
    on: Bools
    never: Bools


def hold(facts: Facts, knocked: Knocked, policy: Policy, exempt: Bools) -> Hold:
    """The hold of every customer but the `exempt`, after a release in force.

    `facts` hold in_default, tier, limit_reporting, utilisation. Facts read: hold_release_id and the columns of the rules.
    """
    hits = _hits(facts, knocked, policy, exempt)
    never = knocked.zero_limit | hits[:, np.array([name in policy.never_released for name in hold_ids(policy)], dtype=bool)].any(
        axis=1
    )
    return Hold(hits, hits.any(axis=1) & ~(facts.text("hold_release_id").known & ~never), never)


def _hits(facts: Facts, knocked: Knocked, policy: Policy, exempt: Bools) -> Bools:
    by_knockout = knocked.hits & np.array([k.hold for k in policy.knockouts], dtype=bool)[None, :]
    by_rule = np.zeros((len(facts), len(policy.hold)), dtype=bool)
    for position, rule in enumerate(policy.hold):
        by_rule[:, position] = condition(rule.when, "limit").met(facts) & ~exempt
    return np.hstack([by_knockout, by_rule])


def hold_ids(policy: Policy) -> list[str]:
    """Names of the columns of Hold.hits."""
    return [*(k.id for k in policy.knockouts), *(h.id for h in policy.hold)]
